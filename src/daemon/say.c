/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences of the journal; the command line has longer ones of its own. */
#include "daemon/say.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

__attribute__((format(printf, 2, 3))) static void add(
	struct pr_sentence *s, const char *format, ...)
{
	size_t length = strlen(s->text);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(s->text + length, sizeof(s->text) - length, format, ap);
	va_end(ap);
}

static void add_address(struct pr_sentence *s, const struct pr_address *a)
{
	char text[PR_ADDRESS_MAX];

	pr_address_format(a, text);
	add(s, "%s", text);
}

static void add_size(struct pr_sentence *s, uint64_t bytes)
{
	char text[PR_SIZE_TEXT_MAX];

	if (bytes == PR_SIZE_UNKNOWN)
		add(s, "unknown size");
	else
		add(s, "%s", pr_size_format(bytes, text));
}

static void add_level_name(struct pr_sentence *s, const struct pr_level *l)
{
	static const char *const kinds[] = { "I/O", "memory", "prefetchable memory" };

	if (l->bridge) {
		add(s, "the %s of ", pr_resource_name(l->window));
		add_address(s, &l->bridge->address);
	} else {
		add(s, "the host bridge's %s",
			l->window >= PR_WINDOW_IO && l->window <= PR_WINDOW_PREF
				? kinds[l->window - PR_WINDOW_IO]
				: "address space");
	}
}

static void add_choke(struct pr_sentence *s, const struct pr_level *l)
{
	add(s, "; the choke point is ");
	add_level_name(s, l);
	if (!l->open) {
		add(s, ", which is closed, and ");
	} else {
		add(s, " (");
		add_size(s, l->size);
		add(s, ", largest free piece ");
		add_size(s, l->space.largest);
		add(s, "), and ");
	}
	add_size(s, l->wanted);
	add(s, " is wanted there");
}

static bool is_bar(const struct pr_shortage *s)
{
	return !pr_resource_is_window(s->resource);
}

/* The shortage that makes @f dead: its largest BAR without addresses, memory before I/O. */
static const struct pr_shortage *worst_shortage(
	const struct pr_explanation *e, const struct pr_function *f)
{
	const struct pr_shortage *worst = NULL, *at;

	for (size_t i = 0; i < e->n_shortages; i++) {
		at = &e->shortages[i];
		if (at->function != f || !is_bar(at))
			continue;
		if (!worst ||
			pr_resource_is_io(worst->resource) > pr_resource_is_io(at->resource) ||
			(pr_resource_is_io(worst->resource) == pr_resource_is_io(at->resource) &&
				at->resource->size > worst->resource->size))
			worst = at;
	}
	return worst;
}

struct pr_sentence pr_say_dead(const struct pr_explanation *e, const struct pr_function *f)
{
	const struct pr_shortage *worst = worst_shortage(e, f);
	struct pr_sentence s = { "" };

	add_address(&s, &f->address);
	add(&s, " (%04x:%04x) is dead: ", f->header.vendor, f->header.device);
	if (pr_function_health(f) == PR_HEALTH_NO_BUS) {
		add(&s, "no bus number is left for what is behind it");
		return s;
	}
	if (!worst) {
		add(&s, "a BAR has no addresses");
		return s;
	}
	add(&s, "%s (", pr_resource_name(worst->resource->index));
	add_size(&s, worst->size_known ? worst->resource->size : PR_SIZE_UNKNOWN);
	add(&s, ") has no addresses");
	if (worst->choke)
		add_choke(&s, worst->choke);
	return s;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void add_functions(struct pr_sentence *s, const struct pr_function *const *list, size_t n)
{
	const size_t most = 4;

	for (size_t i = 0; i < n && i < most; i++) {
		if (i > 0)
			add(s, i + 1 == n ? " and " : ", ");
		add_address(s, &list[i]->address);
	}
	if (n > most)
		add(s, " and %zu more", n - most);
}

struct pr_sentence pr_say_plan(const struct pr_plan *p)
{
	struct pr_sentence s = { "" };
	const struct pr_cost *c = &p->cost;

	if (p->n_removed == 0) {
		add(&s, "scanning again");
	} else {
		add(&s, "removing ");
		add_functions(&s, p->removed, p->n_removed);
		add(&s, " (%u function%s", c->removed, plural(c->removed));
		if (c->restarted > 0)
			add(&s, ", %u driver%s restarted", c->restarted, plural(c->restarted));
		if (c->in_use > 0)
			add(&s, ", %u in use", c->in_use);
		add(&s, ") and scanning again");
	}
	if (p->replugs) {
		add(&s, " replaces the card");
		return s;
	}
	if (p->n_reserves + p->n_buses > 0) {
		add(&s, " gives ");
		add_functions(&s, p->targets, p->n_targets);
		add(&s, " what is asked for");
		return s;
	}
	add(&s, " makes ");
	add_functions(&s, p->targets, p->n_targets);
	add(&s, " work");
	return s;
}

/* "pref:64M,bus:4": what @p is to give @bridge. */
static void add_asked(
	struct pr_sentence *s, const struct pr_plan *p, const struct pr_address *bridge)
{
	char text[PR_RESERVE_TEXT_MAX];
	const char *between = "";

	for (size_t i = 0; i < p->n_reserves; i++) {
		if (pr_address_compare(&p->reserves[i].bridge, bridge) != 0)
			continue;
		add(s, "%s%s", between, pr_reserve_text(&p->reserves[i], text));
		between = ",";
	}
	for (size_t i = 0; i < p->n_buses; i++)
		if (pr_address_compare(&p->buses[i].bridge, bridge) == 0)
			add(s, "%sbus:%u", between, p->buses[i].buses);
}

struct pr_sentence pr_say_command(const struct pr_plan *p)
{
	struct pr_sentence s = { "pciroom apply" };

	for (size_t i = 0; p->n_reserves + p->n_buses > 0 && i < p->n_targets; i++) {
		add(&s, " --reserve=");
		add_address(&s, &p->targets[i]->address);
		add(&s, "=");
		add_asked(&s, p, &p->targets[i]->address);
	}
	if (strlen(s.text) == sizeof(s.text) - 1)
		s.text[0] = '\0'; /* half of it would be another one */
	return s;
}

struct pr_sentence pr_say_step(const struct pr_step *step)
{
	struct pr_sentence s = { "" };

	switch (step->kind) {
	case PR_STEP_UNBIND:
		add(&s, "unbind %s from ", step->driver ? step->driver : "the driver");
		break;
	case PR_STEP_WRITE:
		add(&s, "write 0x%0*" PRIx32 " (was 0x%0*" PRIx32 ") to register 0x%02x of ",
			2 * step->width, step->value, 2 * step->width, step->old, step->offset);
		break;
	case PR_STEP_RESIZE:
		add(&s, "resize %s from 0x%" PRIx64 " to 0x%" PRIx64 " bytes, of ",
			pr_resource_name(step->index), step->old_size, step->size);
		break;
	case PR_STEP_REMOVE:
		add(&s, "remove ");
		break;
	case PR_STEP_RESCAN:
		add(&s, step->root_bus ? "rescan the root bus of " : "rescan the bus of ");
		break;
	case PR_STEP_VFS:
		add(&s, "set sriov_numvfs to %" PRIu32 " (was %" PRIu32 ") of ", step->value,
			step->old);
		break;
	case PR_STEP_EXPECT:
		add(&s, "compare the outcome with the prediction");
		return s;
	case _PR_STEP_MAX:
		break;
	}
	add_address(&s, &step->address);
	return s;
}

struct pr_sentence pr_say_armed(const struct pr_armed *a)
{
	struct pr_sentence s = { "" };

	add(&s, "when a card that asks for ");
	add_size(&s, a->card.size);
	add(&s, "%s comes and finds no room, the kernel takes ",
		a->card.io > 0 ? " and I/O ports" : "");
	for (size_t i = 0; i < a->n_victims; i++) {
		const struct pr_function *f = a->victims[i].function;

		add(&s, "%s%s from ", i > 0 ? ", " : "", a->victims[i].memory ? "memory" : "I/O");
		add_address(&s, &f->address);
		if (f->facts && f->facts->driver)
			add(&s, " (%s)", f->facts->driver);
	}
	add(&s, "; not in a guarded slot (pciroom guard ");
	add_address(&s, &a->port->address);
	add(&s, ")");
	return s;
}

struct pr_sentence pr_say_lack(const struct pr_slot_lack *lack)
{
	struct pr_sentence s = { "" };

	for (size_t i = 0; i < lack->n_reserves; i++) {
		add(&s, "%s", i > 0 ? ", " : "");
		add_size(&s, lack->reserves[i].size);
		add(&s, " in its %s", pr_resource_name(lack->reserves[i].window));
	}
	if (lack->n_buses > 0)
		add(&s, "%s%u bus number%s", lack->n_reserves > 0 ? ", " : "", lack->buses.buses,
			plural(lack->buses.buses));
	return s;
}

const char *pr_say_lockdown(const struct pr_topology *t)
{
	return t->machine.lockdown ? t->machine.lockdown : "unknown";
}

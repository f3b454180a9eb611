/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of what-if: what was assumed, what the kernel does by itself, the
 * plan after it, and the layout at the end.
 */
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "cli/input.h"
#include "cli/what-if.h"

/* ---- what was assumed ---- */

static const struct pr_function *port_of(
	const struct pr_what_if_answer *a, const struct pr_addition *addition)
{
	return pr_topology_find(a->what_if->machine, &addition->port);
}

static void add_addition(
	struct pr_text *t, const struct pr_what_if_answer *a, const struct pr_addition *addition)
{
	const struct pr_function *port = port_of(a, addition);
	char path[512];

	pr_text_printf(t, "  %s (%s) comes into the slot of ", addition->template->name,
		addition->template->text);
	if (port->facts->is_newcomer) {
		(void)pr_function_path(port, path, sizeof(path)); /* empty when it is too long */
		pr_text_printf(t, "%s, which comes too\n", path);
		return;
	}
	pr_text_printf(t, "%s%s\n", pr_name_of(&addition->port).text,
		pr_port_is_mute(port)   ? ", whose hot-plug is not known: a rescan finds it"
		: port->bridge->hotplug ? ""
					: ", which has no hot-plug: a rescan finds it");
}

static size_t count_wishes(const struct pr_request *q)
{
	return q->n_resizes + q->n_vfs + q->n_reserves + q->n_buses;
}

/* What comes behind a bridge that comes has no address yet that says anything. */
static const char *wish_name(const struct pr_what_if_answer *a, const struct pr_address *address,
	char *text, size_t size)
{
	const struct pr_function *f = pr_topology_find(a->what_if->machine, address);

	if (!f || !f->parent || !f->parent->facts->is_newcomer ||
		pr_function_path(f, text, size) < 0)
		(void)snprintf(text, size, "%s", pr_name_of(address).text);
	return text;
}

static void add_wishes(
	struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a)
{
	const struct pr_request *q = &a->changes->question.request;
	char size[PR_WORD_MAX], name[512];

	for (size_t i = 0; i < q->n_resizes; i++)
		pr_text_printf(t, "  %s of %s is to have %s\n",
			pr_resource_name(q->resizes[i].index),
			wish_name(a, &q->resizes[i].function, name, sizeof(name)),
			q->resizes[i].size == PR_RESIZE_LARGEST
				? "the largest size that there is a way to"
				: pr_size_text(s, q->resizes[i].size, size));
	for (size_t i = 0; i < q->n_vfs; i++)
		pr_text_printf(t, "  %s is to have %u virtual function%s\n",
			wish_name(a, &q->vfs[i].function, name, sizeof(name)), q->vfs[i].vfs,
			q->vfs[i].vfs == 1 ? "" : "s");
	for (size_t i = 0; i < q->n_reserves; i++)
		pr_text_printf(t, "  %s is to have room for %s in its %s\n",
			wish_name(a, &q->reserves[i].bridge, name, sizeof(name)),
			pr_size_text(s, q->reserves[i].size, size),
			pr_resource_name(q->reserves[i].window));
	for (size_t i = 0; i < q->n_buses; i++)
		pr_text_printf(t, "  %s is to have %u bus number%s\n",
			wish_name(a, &q->buses[i].bridge, name, sizeof(name)), q->buses[i].buses,
			q->buses[i].buses == 1 ? "" : "s");
}

static void add_assumptions(
	struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a)
{
	const struct pr_machine *m = &a->what_if->machine->machine;
	const struct pr_changes *x = a->changes;

	pr_text_paint(t, s, PR_PAINT_BOLD, "What if");
	pr_text_add(t, "\n");
	if (pr_changes_boot(x->cli))
		pr_text_printf(t,
			"  the machine boots Linux %s with %s%s%s, and firmware places what "
			"has addresses now where it is\n",
			m->release ? m->release : "(of unknown release)", m->cmdline ? "\"" : "",
			m->cmdline ? m->cmdline : "a command line that is not recorded",
			m->cmdline ? "\"" : "");
	for (size_t i = 0; i < x->cli->removed.n; i++)
		pr_text_printf(t, "  the card of %s is taken out\n", x->cli->removed.name[i]);
	for (size_t i = 0; i < x->n; i++)
		add_addition(t, a, &x->additions[i]);
	add_wishes(t, s, a);
	if (x->cli->removed.n + x->n + count_wishes(&x->question.request) == 0 &&
		!pr_changes_boot(x->cli))
		pr_text_add(t, "  nothing changes\n");
	pr_text_add(t, "\n");
}

/* ---- the kernel alone ---- */

static void add_lost(struct pr_text *t, const struct pr_style *s, const struct pr_lost *lost)
{
	char size[PR_WORD_MAX];

	pr_text_printf(t, "  %-14s ", pr_name_of(&lost->function->address).text);
	pr_text_function(t, lost->function);
	if (lost->resource)
		pr_text_printf(t, ": loses its %s (%s of %s)\n",
			pr_resource_name(lost->resource->index),
			pr_size_text(s, lost->resource->size, size),
			pr_resource_kind_text(lost->resource));
	else
		pr_text_add(t, ": what is behind it is not reached any more\n");
}

/* "VGA controller 10de:2204", or the role alone. */
static void add_what(struct pr_text *t, const struct pr_function *f)
{
	pr_text_add(t, pr_function_role(f));
	if (f->header.has_ids)
		pr_text_printf(t, " %04x:%04x", f->header.vendor, f->header.device);
}

/* What the cards lack in the kernel's first layout. */
static void add_lacks(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	char size[PR_WORD_MAX];

	if (f->removed) {
		pr_text_printf(t, "  %-14s ", "");
		add_what(t, f);
		pr_text_add(t, " is not found: no bus number leads there\n");
		return;
	}
	if (f->no_bus) {
		pr_text_printf(t, "  %-14s ", pr_name_of(&f->address).text);
		add_what(t, f);
		pr_text_add(t, " has no bus numbers\n");
	}
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (pr_resource_is_window(r) || r->state == PR_RES_ASSIGNED)
			continue;
		pr_text_printf(t, "  %-14s ", pr_name_of(&f->address).text);
		add_what(t, f);
		pr_text_printf(t, " gets no addresses for its %s (%s of %s)\n",
			pr_resource_name(r->index), pr_size_text(s, r->size, size),
			pr_resource_kind_text(r));
	}
}

static void add_list(
	struct pr_text *t, const struct pr_function *const *f, size_t n, const char *says)
{
	for (size_t i = 0; i < n; i++) {
		pr_text_printf(t, "  %-14s ", pr_name_of(&f[i]->address).text);
		pr_text_function(t, f[i]);
		pr_text_printf(t, ": %s\n", says);
	}
}

/* The boot without the cards. */
static void add_boot(struct pr_text *t, const struct pr_style *s, const struct pr_what_if *w)
{
	if (!w->booted)
		return;
	pr_text_paint(t, s, PR_PAINT_BOLD, "What the boot changes");
	pr_text_add(t, "\n");
	add_list(t, w->mended, w->n_mended, "was dead, and works");
	add_list(t, w->broken, w->n_broken, "worked, and is dead");
	if (w->n_mended + w->n_broken == 0)
		pr_text_add(t, "  nobody that worked is dead, and nobody that was dead works\n");
	pr_text_add(t, "\n");
}

const char *pr_what_if_outcome(const struct pr_what_if *w, enum pr_paint *ret)
{
	if (!w->arrived) {
		*ret = PR_PAINT_WARN;
		return "What the kernel makes of it is not known";
	}
	if (w->n_cards == 0)
		return NULL;
	*ret = w->works ? PR_PAINT_GOOD : PR_PAINT_BAD;
	if (w->complete)
		return "The kernel finds room for all of it by itself";
	return w->works ? "It works at once, but not with everything"
			: "The kernel alone does not manage it";
}

static void add_alone(
	struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a)
{
	const struct pr_what_if *w = a->what_if;
	enum pr_paint paint;
	const char *outcome = pr_what_if_outcome(w, &paint);

	if (!outcome)
		return;
	pr_text_paint(t, s, paint, outcome);
	if (!w->arrived) {
		pr_text_printf(t, ": %s.\n", w->doubt ? w->doubt : "no reason was given");
		return;
	}
	pr_text_add(t, w->complete ? ".\n" : ":\n");
	for (size_t i = 0; i < w->n_cards && !w->complete; i++)
		add_lacks(t, s, pr_topology_same(w->arrived, w->cards[i]));
	for (size_t i = 0; i < w->n_lost; i++)
		add_lost(t, s, &w->lost[i]);
}

/* ---- the end ---- */

#define NAMED_MAX 64 /* functions of wishes in an answer; who asks for more reads the plan */

static void add_named(const struct pr_what_if *w, const struct pr_address *a,
	const struct pr_function *list[NAMED_MAX], size_t *n)
{
	const struct pr_function *f = pr_topology_find(w->plan->topology, a);
	const struct pr_function *now = f ? pr_topology_same(w->end, f) : NULL;

	if (!now || now->facts->is_newcomer || *n == NAMED_MAX)
		return; /* it is among the cards */
	for (size_t i = 0; i < *n; i++)
		if (list[i] == now)
			return;
	list[(*n)++] = now;
}

/* Whom the plan was asked for by name, beside the cards, as they are at the end. */
static size_t list_named(const struct pr_what_if *w, const struct pr_function *list[NAMED_MAX])
{
	const struct pr_plan *p = w->plan;
	size_t n = 0;

	for (size_t i = 0; p && i < p->n_resizes; i++)
		add_named(w, &p->resizes[i].function, list, &n);
	for (size_t i = 0; p && i < p->n_vfs; i++)
		add_named(w, &p->vfs[i].function, list, &n);
	for (size_t i = 0; p && i < p->n_reserves; i++)
		add_named(w, &p->reserves[i].bridge, list, &n);
	for (size_t i = 0; p && i < p->n_buses; i++)
		add_named(w, &p->buses[i].bridge, list, &n);
	return n;
}

static void add_resource(struct pr_text *t, const struct pr_style *s, const struct pr_resource *r)
{
	char size[PR_WORD_MAX];

	pr_text_printf(t, "      %-20s %10s  ", pr_resource_name(r->index),
		r->size == PR_SIZE_UNKNOWN ? "?" : pr_size_text(s, r->size, size));
	if (r->state == PR_RES_ASSIGNED && r->size == PR_SIZE_UNKNOWN)
		pr_text_printf(t, "from 0x%" PRIx64 "\n", r->range.first);
	else if (r->state == PR_RES_ASSIGNED)
		pr_text_printf(t, "0x%" PRIx64 "-0x%" PRIx64 "\n", r->range.first, r->range.last);
	else
		pr_text_add(t, "no addresses\n");
}

static void add_function(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	if (f->removed)
		return;
	pr_text_printf(t, "  %-14s ", pr_name_of(&f->address).text);
	add_what(t, f);
	if (f->bridge && !f->no_bus)
		pr_text_printf(
			t, ", buses %02x to %02x", f->bridge->secondary, f->bridge->subordinate);
	pr_text_add(t, "\n");
	for (size_t i = 0; i < f->n_resources; i++)
		if (f->resources[i].state != PR_RES_CLOSED)
			add_resource(t, s, &f->resources[i]);
}

static void add_layout(struct pr_text *t, const struct pr_style *s, const struct pr_what_if *w)
{
	const struct pr_function *named[NAMED_MAX];
	size_t n = list_named(w, named);

	if (!w->arrived || w->n_cards + n == 0)
		return;
	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD,
		w->plan && w->plan->prediction ? "Layout after the plan" : "Layout");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < w->n_cards; i++)
		add_function(t, s, pr_topology_same(w->end, w->cards[i]));
	for (size_t i = 0; i < n; i++)
		add_function(t, s, named[i]);
}

static void add_unreached(struct pr_text *t, const struct pr_style *s, const struct pr_what_if *w)
{
	char path[512];

	if (!w->unreached)
		return;
	(void)pr_function_path(w->unreached, path, sizeof(path)); /* empty when it is too long */
	pr_text_paint(t, s, PR_PAINT_WARN, "No plan");
	pr_text_printf(t, ": %s is to be changed, and the kernel does not find it.\n", path);
}

static void add_plan(struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a)
{
	const struct pr_plan *p = a->what_if->plan;
	const struct pr_diagnosis d = {
		.topology = p->topology, .explanation = &p->explanation, .notes = a->notes
	};
	struct pr_text explained = { 0 };
	char *text;

	if (p->verdict != PR_VERDICT_OK &&
		p->explanation.n_shortages + p->explanation.n_no_bus > 0) {
		pr_render_explain(&explained, s, &d);
		if (pr_text_take(&explained, &text, NULL) == 0) {
			pr_text_add(t, text);
			pr_text_add(t, "\n");
			free(text);
		}
	}
	pr_render_plan(t, s, p);
}

void pr_render_what_if(
	struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a)
{
	add_assumptions(t, s, a);
	add_boot(t, s, a->what_if);
	add_alone(t, s, a);
	if (a->what_if->n_cards > 0 && (a->what_if->unreached || a->what_if->plan))
		pr_text_add(t, "\n");
	add_unreached(t, s, a->what_if);
	if (a->what_if->plan)
		add_plan(t, s, a);
	add_layout(t, s, a->what_if);
}

/* ---- JSON ---- */

static void json_additions(struct pr_json *j, const struct pr_what_if_answer *a)
{
	pr_json_array(j, "added");
	for (size_t i = 0; i < a->changes->n; i++) {
		const struct pr_function *port = port_of(a, &a->changes->additions[i]);

		pr_json_object(j, NULL);
		pr_json_string(j, "template", a->changes->additions[i].template->name);
		pr_json_string(j, "text", a->changes->additions[i].template->text);
		pr_json_identity(j, port);
		pr_json_bool(j, "hotplug", port->bridge->hotplug);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
	pr_json_array(j, "removed");
	for (size_t i = 0; i < a->changes->cli->removed.n; i++)
		pr_json_string(j, NULL, a->changes->cli->removed.name[i]);
	pr_json_array_end(j);
}

static void json_boot(struct pr_json *j, const struct pr_what_if *w)
{
	if (!w->booted) {
		pr_json_null(j, "boot");
		return;
	}
	pr_json_object(j, "boot");
	pr_json_functions(j, "mended", w->mended, w->n_mended);
	pr_json_functions(j, "broken", w->broken, w->n_broken);
	pr_json_object_end(j);
}

static void json_alone(struct pr_json *j, const struct pr_what_if *w)
{
	pr_json_object(j, "kernel_alone");
	pr_json_bool(j, "known", w->arrived != NULL);
	pr_json_string(j, "doubt", w->doubt);
	pr_json_bool(j, "works", w->works);
	pr_json_bool(j, "complete", w->complete);
	pr_json_array(j, "lost");
	for (size_t i = 0; i < w->n_lost; i++) {
		const struct pr_resource *r = w->lost[i].resource;

		pr_json_object(j, NULL);
		pr_json_identity(j, w->lost[i].function);
		if (r)
			pr_json_u64(j, "index", r->index);
		else
			pr_json_null(j, "index");
		pr_json_string(j, "name", r ? pr_resource_name(r->index) : NULL);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
	pr_json_object_end(j);
}

static void json_unreached(struct pr_json *j, const struct pr_what_if *w)
{
	char path[512];

	if (w->unreached && pr_function_path(w->unreached, path, sizeof(path)) == 0)
		pr_json_string(j, "unreached", path);
	else
		pr_json_null(j, "unreached");
}

/* Whoever is a newcomer and below nothing that is one. */
static bool is_top(const struct pr_function *f)
{
	return !f->parent || !f->parent->facts->is_newcomer;
}

void pr_render_what_if_json(struct pr_json *j, const struct pr_what_if_answer *a)
{
	const struct pr_what_if *w = a->what_if;
	const struct pr_function *named[NAMED_MAX];
	size_t n = list_named(w, named);

	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.what-if/1");
	pr_json_string(j, "kernel", w->machine->machine.release);
	pr_json_string(j, "cmdline", w->machine->machine.cmdline);
	pr_json_bool(j, "boots", pr_changes_boot(a->changes->cli));
	pr_json_notes(j, a->notes);
	json_additions(j, a);
	json_boot(j, w);
	json_alone(j, w);
	json_unreached(j, w);
	if (w->plan) {
		pr_json_object(j, "plan");
		pr_render_plan_json(j, w->plan);
		pr_json_object_end(j);
	} else {
		pr_json_null(j, "plan");
	}
	pr_json_array(j, "layout");
	for (size_t i = 0; i < w->n_cards; i++)
		if (is_top(w->cards[i]))
			pr_json_function(j, pr_topology_same(w->end, w->cards[i]));
	for (size_t i = 0; i < n; i++)
		pr_json_function(j, named[i]);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations and plans as sentences.  The reader is an administrator who
 * knows what a BAR is and has never heard of this program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "cli/render.h"

/* ---- explain ---- */

/* The function that holds @level: a bridge, or the host bridge above @f. */
static void add_level_name(struct pr_text *t, const struct pr_level *level,
	const struct pr_function *f, const char *verb)
{
	char root[PR_ROOT_NAME_MAX];

	if (level->bridge)
		pr_text_printf(t, "%s%s of %s", verb, pr_resource_name(level->window),
			pr_name_of(&level->bridge->address).text);
	else
		pr_text_printf(t, "%shost bridge %s", verb, pr_root_name(f->root, root));
}

/* "2 MiB, of them 1 MiB free", "closed" */
static void add_level_room(
	struct pr_text *t, const struct pr_style *s, const struct pr_level *level)
{
	char a[PR_WORD_MAX], b[PR_WORD_MAX];

	if (!level->known) {
		pr_text_add(t, "not known");
		return;
	}
	if (!level->open) {
		pr_text_add(t, "closed");
		return;
	}
	pr_text_add(t, pr_size_text(s, level->size, a));
	if (level->space.total == 0) {
		pr_text_add(t, ", nothing free");
		return;
	}
	pr_text_printf(t, ", %s free", pr_size_text(s, level->space.total, a));
	if (level->space.largest != level->space.total)
		pr_text_printf(t, " (largest hole %s)", pr_size_text(s, level->space.largest, b));
}

static void add_level(struct pr_text *t, const struct pr_style *s, const struct pr_shortage *x,
	const struct pr_level *level)
{
	char root[PR_ROOT_NAME_MAX];

	pr_text_printf(t, "    %-14s %-20s ",
		level->bridge ? pr_name_of(&level->bridge->address).text
			      : pr_root_name(x->function->root, root),
		level->bridge ? pr_resource_name(level->window) : "host bridge");
	add_level_room(t, s, level);
	if (x->size_known && level->known)
		pr_text_add(t, level->fits ? ": has room" : ": too small");
	if (level == x->choke)
		pr_text_paint(t, s, PR_PAINT_BAD, "  <- choke point");
	pr_text_add(t, "\n");
}

static bool known_above(const struct pr_shortage *x, const struct pr_level *level)
{
	const struct pr_level *end = x->levels + x->n_levels;

	for (level++; level < end; level++)
		if (!level->known)
			return false;
	return true;
}

static bool all_fit(const struct pr_shortage *x)
{
	for (size_t i = 0; i < x->n_levels; i++)
		if (!x->levels[i].fits)
			return false;
	return true;
}

/* Why nothing fits there, in numbers. */
static void add_choke(struct pr_text *t, const struct pr_style *s, const struct pr_shortage *x)
{
	const struct pr_level *c = x->choke;
	char a[PR_WORD_MAX], b[PR_WORD_MAX];

	add_level_name(t, c, x->function, "  The choke point is the ");
	if (c->bridge)
		pr_text_add(t, known_above(x, c) ? "; everything above it has room"
						 : "; what there is above it is not known");
	pr_text_printf(t, ".\n  %s of %s are wanted there, ", pr_size_text(s, c->wanted, a),
		pr_window_content(c->window));
	if (!c->open)
		pr_text_add(t, "and it is closed.\n");
	else if (c->space.total == 0)
		pr_text_printf(t, "and all of its %s are taken.\n", pr_size_text(s, c->size, b));
	else if (c->space.total >= c->wanted)
		pr_text_printf(t, "%s are free, but in pieces: the largest aligned one is %s.\n",
			pr_size_text(s, c->space.total, a),
			pr_size_text(s, c->space.largest_aligned, b));
	else
		pr_text_printf(t, "%s of its %s are free.\n", pr_size_text(s, c->space.total, a),
			pr_size_text(s, c->size, b));
}

/* A window, or with @bridge NULL the apertures of a host bridge. */
struct place {
	const struct pr_function *bridge;
	unsigned int window;
};

/* Does @r, of a function directly below @at, take addresses out of it? */
static bool occupies(const struct pr_resource *r, const struct place *at)
{
	if (r->state != PR_RES_ASSIGNED)
		return false;
	if (!at->bridge)
		return pr_resource_is_io(r) == (at->window == PR_WINDOW_IO);

	return pr_resource_window(r, at->bridge) == at->window;
}

struct occupant {
	const struct pr_function *function;
	uint64_t size;
	unsigned int last; /* the resource that occupies; of several, the last */
};

/* Inserts by size, the largest first; of @n that came before, the first @max are kept. */
static void keep_largest(struct occupant *list, size_t n, size_t max, const struct occupant *o)
{
	size_t i = n < max ? n : max;

	for (; i > 0 && list[i - 1].size < o->size; i--)
		if (i < max)
			list[i] = list[i - 1];
	if (i < max)
		list[i] = *o;
}

/* Who sits in @at; returns how many there are, of which the @max largest are in @ret. */
static size_t find_occupants(
	const struct place *at, const struct pr_root *root, struct occupant *ret, size_t max)
{
	size_t n = 0;

	pr_for_each_child (f, at->bridge ? at->bridge->first_child : root->first_child) {
		struct occupant o = { .function = f };

		for (size_t i = 0; i < f->n_resources; i++)
			if (occupies(&f->resources[i], at)) {
				o.size += pr_range_size(&f->resources[i].range);
				o.last = f->resources[i].index;
			}
		if (o.size > 0)
			keep_largest(ret, n++, max, &o);
	}

	return n;
}

static void add_occupant(struct pr_text *t, const struct pr_style *s, const struct occupant *o)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_function *f = o->function;
	const char *reason = NULL;
	bool busy = pr_function_disruption(f, &policy, &reason) >= PR_DISRUPTION_IN_USE;
	char a[PR_WORD_MAX];

	pr_text_printf(
		t, "    %-14s %-10s ", pr_name_of(&f->address).text, pr_size_text(s, o->size, a));
	pr_text_function(t, f);
	if (busy && reason)
		pr_text_printf(t, " (%s)", reason);
	pr_text_add(t, "\n");
}

#define OCCUPANTS_MAX 8

/* A bridge alone in the window says nothing: what sits behind it is in the way. */
static size_t find_interesting(
	const struct place *choke, const struct pr_root *root, struct occupant who[OCCUPANTS_MAX])
{
	struct occupant behind[OCCUPANTS_MAX];
	struct place at = *choke;
	size_t n = find_occupants(&at, root, who, OCCUPANTS_MAX), n_behind;

	while (n == 1 && who[0].function->bridge && who[0].last >= PR_WINDOW_IO) {
		at = (struct place){ .bridge = who[0].function, .window = who[0].last };
		n_behind = find_occupants(&at, root, behind, OCCUPANTS_MAX);
		if (n_behind == 0)
			break;
		memcpy(who, behind, sizeof(behind));
		n = n_behind;
	}

	return n;
}

static void add_occupants(struct pr_text *t, const struct pr_style *s, const struct pr_shortage *x)
{
	const struct place choke = { .bridge = x->choke->bridge, .window = x->choke->window };
	struct occupant who[OCCUPANTS_MAX];
	size_t n = x->choke->open ? find_interesting(&choke, x->function->root, who) : 0;

	if (n == 0)
		return;

	pr_text_add(t, "  Its addresses are taken by:\n");
	for (size_t i = 0; i < n && i < OCCUPANTS_MAX; i++)
		add_occupant(t, s, &who[i]);
	if (n > OCCUPANTS_MAX)
		pr_text_printf(t, "    and %zu more\n", n - OCCUPANTS_MAX);
}

/* @recorded: of a machine that cannot be asked any more. */
static void add_shortage(
	struct pr_text *t, const struct pr_style *s, const struct pr_shortage *x, bool recorded)
{
	const struct pr_resource *r = x->resource;
	char a[PR_WORD_MAX];

	if (!x->size_known) {
		pr_text_printf(t, "  %s asks for %s, but %s.\n", pr_resource_name(r->index),
			pr_resource_kind_text(r),
			!recorded
				? "the kernel forgot how much, and it could not be\n  measured (that "
				  "needs root and a function without a driver)"
				: "how much is not\n  recorded (the kernel's log may say: --dmesg)");
	} else {
		pr_text_printf(t, "  %s asks for %s of %s and has no addresses.\n",
			pr_resource_name(r->index), pr_size_text(s, r->size, a),
			pr_resource_kind_text(r));
	}
	if (x->n_levels > 0)
		pr_text_add(t, "  The way up to the host bridge:\n");
	for (size_t i = 0; i < x->n_levels; i++)
		add_level(t, s, x, &x->levels[i]);

	if (pr_resource_misplaced(r)) {
		pr_text_printf(t,
			"  The device fixes it at 0x%" PRIx64
			" (Enhanced Allocation), and no window on the way leads there.\n",
			r->range.first);
	} else if (x->choke) {
		add_choke(t, s, x);
		add_occupants(t, s, x);
	} else if (x->size_known && x->n_levels > 0 && x->levels[0].known &&
		   known_above(x, x->levels)) {
		pr_text_printf(t, "  %s has room; the kernel has not tried since.\n",
			all_fit(x) ? "Every window on the way" : "The nearest window");
	} else if (x->size_known) {
		pr_text_add(
			t, "  Where the room ends cannot be said: not all windows are known.\n");
	}
}

static void add_headline(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	static const struct {
		enum pr_paint paint;
		const char *text;
	} says[] = {
		[PR_HEALTH_OK] = { PR_PAINT_GOOD, "has everything it asks for" },
		[PR_HEALTH_PARTIAL] = { PR_PAINT_WARN,
			"works, but not with everything it asks for" },
		[PR_HEALTH_UNASSIGNED] = { PR_PAINT_BAD, "is dead" },
		[PR_HEALTH_NO_BUS] = { PR_PAINT_BAD, "has no bus numbers" },
		[PR_HEALTH_GONE] = { PR_PAINT_BAD, "was removed" },
	};
	enum pr_health h = pr_function_health(f);

	pr_text_paint(t, s, PR_PAINT_BOLD, pr_name_of(&f->address).text);
	pr_text_add(t, " (");
	pr_text_function(t, f);
	pr_text_add(t, ") ");
	pr_text_paint(t, s, says[h].paint, says[h].text);
	pr_text_add(t, ".\n");
}

/* A driver that hangs is nothing of addresses, and explains more than they do. */
static void add_hang(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	for (size_t i = 0; i < f->facts->n_users; i++) {
		if (strcmp(f->facts->users[i].kind, "locked") != 0)
			continue;
		pr_text_add(t, "  ");
		pr_text_paint(t, s, PR_PAINT_WARN, "Beware");
		pr_text_printf(t, ": %s.\n", f->facts->users[i].what);
	}
}

/* What comes behind the place where it goes wrong nobody finds, the kernel neither. */
static void add_oddity(struct pr_text *t, const struct pr_function *f)
{
	const struct pr_caps *caps = f->caps;

	if (f->header.vendor == 0xffff) /* nothing answers there, or a VF: PCIe 9.3.4.1 */
		return;
	if (caps->list_complete == PR_NO)
		pr_text_add(t, "  Its list of capabilities loops or leads out of range.\n");
	if (caps->extended_complete == PR_NO)
		pr_text_add(
			t, "  Its list of extended capabilities loops or leads out of range.\n");
}

static bool has_shortage(const struct pr_explanation *e, const struct pr_function *f)
{
	for (size_t i = 0; i < e->n_shortages; i++)
		if (e->shortages[i].function == f)
			return true;

	return false;
}

static bool was_moved(const struct pr_explanation *e, const struct pr_function *f)
{
	for (size_t i = 0; i < e->n_damage; i++)
		if (e->damage[i].function == f && e->damage[i].kind == PR_DAMAGE_MOVED)
			return true;

	return false;
}

static void add_device(struct pr_text *t, const struct pr_style *s, const struct pr_diagnosis *d,
	const struct pr_function *f)
{
	const struct pr_explanation *e = d->explanation;

	if (t->length > 0)
		pr_text_add(t, "\n");
	add_headline(t, s, f);
	add_hang(t, s, f);
	add_oddity(t, f);
	for (size_t i = 0; i < e->n_shortages; i++)
		if (e->shortages[i].function == f)
			add_shortage(t, s, &e->shortages[i], d->notes != NULL);
}

static void add_disagreement(
	struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	size_t n = 0;

	if (t->length > 0)
		pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, pr_name_of(&f->address).text);
	pr_text_paint(t, s, PR_PAINT_WARN, " does not forward what the kernel believes it does");
	pr_text_add(t, ".\n  Register and kernel table differ for its");
	for (unsigned int w = PR_WINDOW_IO; w <= PR_WINDOW_PREF; w++)
		if (pr_window_disagrees(f, w))
			pr_text_printf(t, "%s %s", n++ > 0 ? " and its" : "", pr_resource_name(w));
	pr_text_add(t, "; what lies below may not answer.\n");
}

static void add_bridges(struct pr_text *t, const struct pr_style *s, const struct pr_diagnosis *d)
{
	const struct pr_explanation *e = d->explanation;

	for (size_t i = 0; i < e->n_no_bus; i++) {
		add_device(t, s, d, e->no_bus[i]);
		pr_text_add(t, "  The bridge above it had no bus number left to give; nothing "
			       "behind it can be seen.\n");
	}
	for (size_t i = 0; i < e->n_disagreeing; i++)
		add_disagreement(t, s, e->disagreeing[i]);
}

static bool any_misplaced(const struct pr_explanation *e)
{
	for (size_t i = 0; i < e->n_shortages; i++)
		if (pr_resource_misplaced(e->shortages[i].resource))
			return true;
	return false;
}

/* Can it be mended, and what would it cost? */
static void add_remedy(struct pr_text *t, const struct pr_style *s, const struct pr_diagnosis *d)
{
	const struct pr_plan *p = d->plan;

	pr_text_add(t, "\n");
	switch (p->verdict) {
	case PR_VERDICT_OK:
		pr_text_paint(t, s, PR_PAINT_GOOD, "pciroom can mend this");
		pr_text_add(t, " without a reboot: ");
		pr_render_cost(t, p);
		pr_text_add(t, ". `pciroom plan` shows how.\n");
		return;
	case PR_VERDICT_TOO_DISRUPTIVE:
		pr_text_paint(
			t, s, PR_PAINT_WARN, "pciroom could mend this, but not within the limit");
		break;
	case PR_VERDICT_VETOED:
		pr_text_paint(
			t, s, PR_PAINT_WARN, "pciroom could mend this, but somebody forbids it");
		break;
	case PR_VERDICT_INFEASIBLE:
		pr_text_paint(
			t, s, PR_PAINT_BAD, "pciroom cannot mend this while the machine runs");
		break;
	case PR_VERDICT_UNKNOWN:
		pr_text_paint(t, s, PR_PAINT_WARN, "Whether pciroom can mend this is not known");
		break;
	case PR_VERDICT_NOTHING:
	case _PR_VERDICT_MAX:
		pr_text_add(t,
			any_misplaced(d->explanation)
				? "No arrangement helps where a device fixes its own addresses.\n"
				: "Nothing here needs mending.\n");
		return;
	}
	pr_text_printf(t, ": %s.\n", p->why ? p->why : "no reason was given");
}

void pr_render_unseen(struct pr_text *t, const struct pr_explanation *e)
{
	pr_text_add(t, "Nothing wrong is seen, but ");
	pr_text_count(t, e->n_unseen, "function");
	pr_text_printf(t, " may lack anything: what %s is not recorded.\n",
		e->n_unseen == 1 ? "it asks for and has" : "they ask for and have");
}

static void add_nothing(struct pr_text *t, const struct pr_style *s, const struct pr_explanation *e)
{
	if (e->n_unseen > 0) {
		pr_render_unseen(t, e);
		return;
	}
	pr_text_paint(t, s, PR_PAINT_GOOD, "Nothing is wrong");
	pr_text_add(t, ": every function has the addresses and bus numbers that it asks for.\n");
}

void pr_render_explain(struct pr_text *t, const struct pr_style *s, const struct pr_diagnosis *d)
{
	const struct pr_explanation *e = d->explanation;

	for (size_t i = 0; i < e->n_shortages; i++)
		if ((i == 0 || e->shortages[i].function != e->shortages[i - 1].function) &&
			!e->shortages[i].function->no_bus)
			add_device(t, s, d, e->shortages[i].function);
	add_bridges(t, s, d);
	for (size_t i = 0; i < d->n_named; i++)
		if (!has_shortage(e, d->named[i]) && !was_moved(e, d->named[i]) &&
			pr_function_health(d->named[i]) != PR_HEALTH_NO_BUS)
			add_device(t, s, d, d->named[i]);

	if (t->length == 0) {
		add_nothing(t, s, e);
	} else if (d->plan) {
		add_remedy(t, s, d);
	}
}

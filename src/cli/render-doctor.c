/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Armed ports and damage done, as sentences and as JSON; what is dead is explained as elsewhere. */
#include <inttypes.h>

#include "cli/input.h"
#include "cli/render.h"

/* "a 64 MiB 32-bit BAR and I/O ports" */
static void add_card(struct pr_text *t, const struct pr_style *s, const struct pr_card *card)
{
	char a[PR_WORD_MAX];

	pr_text_printf(t, "a card with a %s-bit BAR of %s%s",
		card->kind == PR_CARD_PREF64 ? "64" : "32", pr_size_text(s, card->size, a),
		card->io > 0 ? " and an I/O BAR" : "");
}

static void add_victims(struct pr_text *t, const struct pr_style *s, const struct pr_armed *a)
{
	pr_text_add(t, "  If ");
	add_card(t, s, &a->card);
	pr_text_add(t, " is plugged in:\n");
	for (size_t i = 0; i < a->n_victims; i++) {
		const struct pr_harm *v = &a->victims[i];

		pr_text_printf(t, "    %s (", pr_name_of(&v->function->address).text);
		pr_text_function(t, v->function);
		pr_text_printf(t, ") would lose %s.\n", v->memory ? "its memory" : "its I/O ports");
	}
}

/* As the option --reserve takes it: "0000:02:00.0=mem:2M,io:4K". */
static void add_wishes(struct pr_text *t, const struct pr_disarm *d)
{
	char wish[PR_RESERVE_TEXT_MAX];

	pr_text_printf(t, "%s=", pr_name_of(&d->wishes[0].bridge).text);
	for (size_t i = 0; i < d->n_wishes; i++)
		pr_text_printf(t, "%s%s", i > 0 ? "," : "", pr_reserve_text(&d->wishes[i], wish));
}

static void add_disarm(struct pr_text *t, const struct pr_armed *a, const struct pr_disarm *d)
{
	const struct pr_cost *cost = d->plan ? &d->plan->cost : NULL;

	if (cost) {
		pr_text_add(t, "  \"pciroom apply --reserve=");
		add_wishes(t, d);
		pr_text_printf(t, "\" gives it %s",
			d->n_wishes == d->n_lacking ? "what it lacks" : "a part of what it lacks");
		if (cost->restarted > 0)
			pr_text_printf(t, ", and restarts %u driver%s", cost->restarted,
				cost->restarted == 1 ? "" : "s");
		pr_text_add(t, ".\n");
	}
	if (d->n_wishes < d->n_lacking)
		pr_text_printf(t,
			"  No plan gives it %s; \"pciroom guard %s\" keeps the kernel from "
			"trying.\n",
			cost ? "the rest" : "what it lacks", pr_name_of(&a->port->address).text);
}

static void add_port(struct pr_text *t, const struct pr_style *s, const struct pr_function *port)
{
	pr_text_paint(t, s, PR_PAINT_BOLD, pr_name_of(&port->address).text);
	if (port->facts->slot)
		pr_text_printf(t, " (slot %s)", port->facts->slot);
}

static void add_armed(struct pr_text *t, const struct pr_style *s, const struct pr_armed *a,
	const struct pr_disarm *disarm)
{
	add_port(t, s, a->port);
	pr_text_paint(t, s, PR_PAINT_WARN, " is armed");
	pr_text_add(t, ": a hot-add there would damage what runs.\n");
	add_victims(t, s, a);
	add_disarm(t, a, disarm);
}

/* The same card does the same harm, and there is no plan for either. */
static bool are_alike(const struct pr_armed *a, const struct pr_disarm *of_a,
	const struct pr_armed *b, const struct pr_disarm *of_b)
{
	if (of_a->plan || of_b->plan || of_a->n_lacking == 0 || of_b->n_lacking == 0)
		return false;
	if (a->card.kind != b->card.kind || a->card.size != b->card.size ||
		a->card.io != b->card.io || a->n_victims != b->n_victims)
		return false;
	for (size_t i = 0; i < a->n_victims; i++)
		if (a->victims[i].function != b->victims[i].function ||
			a->victims[i].memory != b->victims[i].memory)
			return false;
	return true;
}

static size_t count_alike(
	const struct pr_armed *armed, size_t n_armed, const struct pr_disarm *disarms)
{
	size_t n = 1;

	while (n < n_armed && are_alike(&armed[0], &disarms[0], &armed[n], &disarms[n]))
		n++;
	return n;
}

/* Ports of one switch, most often: said once of all of them. */
static void add_armed_alike(
	struct pr_text *t, const struct pr_style *s, const struct pr_armed *armed, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_port(t, s, armed[i].port);
		pr_text_add(t, i + 1 < n ? ",\n" : "");
	}
	pr_text_paint(t, s, PR_PAINT_WARN, " are armed");
	pr_text_add(t, ": a hot-add at any of them would damage what runs.\n");
	add_victims(t, s, &armed[0]);
	pr_text_add(t, "  No plan gives them what they lack; this keeps the kernel from trying:\n"
		       "    pciroom guard");
	for (size_t i = 0; i < n; i++)
		pr_text_printf(t, " %s", pr_name_of(&armed[i].port->address).text);
	pr_text_add(t, "\n");
}

static void add_all_armed(struct pr_text *t, const struct pr_style *s, const struct pr_doctor *d,
	const struct pr_disarm *disarms)
{
	for (size_t i = 0, n; i < d->n_armed; i += n) {
		n = count_alike(&d->armed[i], d->n_armed - i, &disarms[i]);
		if (n > 1)
			add_armed_alike(t, s, &d->armed[i], n);
		else
			add_armed(t, s, &d->armed[i], &disarms[i]);
	}
}

static void add_damage(struct pr_text *t, const struct pr_style *s, const struct pr_damage *d)
{
	const struct pr_function *f = d->function;

	pr_text_paint(t, s, PR_PAINT_BOLD, pr_name_of(&f->address).text);
	pr_text_add(t, " (");
	pr_text_function(t, f);
	pr_text_add(t, ") ");
	pr_text_paint(t, s, PR_PAINT_BAD, "was damaged");
	switch (d->kind) {
	case PR_DAMAGE_TAKEN:
		pr_text_printf(t, ": the kernel took %s away from it.\n",
			pr_resource_name(d->resource->index));
		break;
	case PR_DAMAGE_UNREACHED:
		pr_text_printf(t,
			": it is not reached, because %s is closed where the kernel believes "
			"it open.\n",
			pr_name_of(&d->bridge->address).text);
		break;
	case PR_DAMAGE_MOVED:
		pr_text_printf(t,
			": its %s is at 0x%" PRIx64 ", and the kernel believes it at 0x%" PRIx64
			".\n",
			pr_resource_name(d->resource->index), d->address, d->resource->range.first);
		if (f->parent)
			pr_text_printf(t, "  \"pciroom replug %s -- true\" has it set up anew.\n",
				pr_name_of(&f->address).text);
		break;
	case _PR_DAMAGE_KIND_MAX:
		break;
	}
}

/* No more than what was seen. */
static void add_nothing(struct pr_text *t, const struct pr_doctor *d)
{
	if (d->explanation.n_unseen > 0)
		pr_render_unseen(t, &d->explanation);
	else
		pr_text_add(
			t, d->doubt ? "Nothing wrong is seen.\n"
				    : "Nothing is wrong, and no hot-add would damage what runs.\n");
}

void pr_render_moved(struct pr_text *t, const struct pr_style *s, const struct pr_explanation *e)
{
	for (size_t i = 0; i < e->n_damage; i++)
		if (e->damage[i].kind == PR_DAMAGE_MOVED)
			add_damage(t, s, &e->damage[i]);
}

void pr_render_doctor(struct pr_text *t, const struct pr_style *s, const struct pr_doctor *d,
	const struct pr_diagnosis *diagnosis)
{
	const struct pr_explanation *e = &d->explanation;

	add_all_armed(t, s, d, diagnosis->disarms);
	for (size_t i = 0; i < e->n_damage; i++)
		add_damage(t, s, &e->damage[i]);
	if (e->n_shortages + e->n_no_bus + e->n_disagreeing > 0)
		pr_render_explain(t, s, diagnosis);
	else if (d->n_armed + e->n_damage == 0)
		add_nothing(t, d);
	if (d->doubt)
		pr_text_printf(t, "Not every hot-add could be tried: %s.\n", d->doubt);
}

/* ---- JSON ---- */

static void json_disarm(struct pr_json *j, const struct pr_disarm *d)
{
	struct pr_text t = { 0 };

	if (!d->plan) {
		pr_json_null(j, "disarm");
		return;
	}
	add_wishes(&t, d);
	pr_json_object(j, "disarm");
	pr_json_string(j, "reserve", t.data);
	pr_json_bool(j, "all", d->n_wishes == d->n_lacking);
	pr_json_u64(j, "removed", d->plan->cost.removed);
	pr_json_u64(j, "restarted", d->plan->cost.restarted);
	pr_json_object_end(j);
	pr_text_deinit(&t);
}

static void json_armed(struct pr_json *j, const struct pr_armed *a, const struct pr_disarm *disarm)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, a->port);
	pr_json_string(j, "slot", a->port->facts->slot);
	pr_json_object(j, "card");
	pr_json_string(j, "kind", a->card.kind == PR_CARD_PREF64 ? "pref64" : "mem32");
	pr_json_hex(j, "size", a->card.size);
	pr_json_hex(j, "io", a->card.io);
	pr_json_object_end(j);
	pr_json_array(j, "victims");
	for (size_t i = 0; i < a->n_victims; i++) {
		const struct pr_harm *v = &a->victims[i];

		pr_json_object(j, NULL);
		pr_json_identity(j, v->function);
		pr_json_string(j, "driver", v->function->facts->driver);
		pr_json_string(j, "loses", v->memory ? "memory" : "io");
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
	json_disarm(j, disarm);
	pr_json_object_end(j);
}

static void json_damage(struct pr_json *j, const struct pr_damage *d)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, d->function);
	pr_json_string(j, "driver", d->function->facts->driver);
	pr_json_string(j, "kind", pr_damage_name(d->kind));
	if (d->resource)
		pr_json_u64(j, "index", d->resource->index);
	else
		pr_json_null(j, "index");
	if (d->kind == PR_DAMAGE_MOVED)
		pr_json_hex(j, "register", d->address);
	else
		pr_json_null(j, "register");
	pr_json_string(j, "bridge", d->bridge ? pr_name_of(&d->bridge->address).text : NULL);
	pr_json_object_end(j);
}

void pr_render_damage_json(struct pr_json *j, const struct pr_explanation *e)
{
	pr_json_array(j, "damage");
	for (size_t i = 0; i < e->n_damage; i++)
		json_damage(j, &e->damage[i]);
	pr_json_array_end(j);
}

void pr_render_doctor_json(
	struct pr_json *j, const struct pr_doctor *d, const struct pr_diagnosis *diagnosis)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.doctor/1");
	pr_json_notes(j, diagnosis->notes);
	pr_json_array(j, "armed");
	for (size_t i = 0; i < d->n_armed; i++)
		json_armed(j, &d->armed[i], &diagnosis->disarms[i]);
	pr_json_array_end(j);
	pr_render_damage_json(j, &d->explanation);
	pr_json_string(j, "doubt", d->doubt);
	pr_render_explanation_json(j, &d->explanation);
	pr_json_object(j, "plan");
	pr_render_plan_json(j, diagnosis->plan);
	pr_json_object_end(j);
	pr_json_object_end(j);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One walk over all that a view has serves writing, reading and freeing, so that
 * they cannot differ: texts end with NUL, numbers are decimal texts, lists begin
 * with their length.
 */
#include "daemon/plan-view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/kept.h"
#include "daemon/say.h"

#define PATH_BYTES 1024

/* ---- the walk ---- */

struct walk {
	bool frees;           /* texts */
	struct pr_text *out;  /* else: writes; NULL: reads */
	const char *at, *end; /* what is left to be read */
	int error;
};

static void walk_text(struct walk *w, char **text)
{
	const char *nul;

	if (w->frees) {
		free(*text);
		return;
	}
	if (w->out) {
		pr_text_add_n(w->out, *text, strlen(*text) + 1);
		return;
	}
	nul = w->error ? NULL : memchr(w->at, '\0', (size_t)(w->end - w->at));
	if (!nul) {
		w->error = w->error ? w->error : -EBADMSG;
		return;
	}
	*text = strdup(w->at);
	w->error = *text ? 0 : -ENOMEM;
	w->at = nul + 1;
}

static void walk_number(struct walk *w, uint64_t *number)
{
	_cleanup_free_ char *text = NULL;

	if (w->frees)
		return;
	if (w->out) {
		pr_text_printf(w->out, "%" PRIu64 "%c", *number, '\0');
		return;
	}
	walk_text(w, &text);
	if (!w->error && pr_parse_u64(text, 10, number) < 0)
		w->error = -EBADMSG;
}

/* Length of a list of items that have at least three texts each; reading makes room for them. */
static void walk_list(struct walk *w, void *items, size_t *n, size_t size)
{
	uint64_t length = *n;
	void *list;

	walk_number(w, &length);
	if (w->frees || w->out || w->error)
		return;
	if (length > (uint64_t)(w->end - w->at) / 3) {
		w->error = -EBADMSG;
		return;
	}
	list = calloc((size_t)length + 1, size);
	if (!list) {
		w->error = -ENOMEM;
		return;
	}
	memcpy(items, &list, sizeof(list));
	*n = (size_t)length;
}

static void walk_effect(struct walk *w, struct pr_view_effect *e)
{
	char **const texts[] = { &e->kind, &e->path, &e->before, &e->after, &e->text, &e->file };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		walk_text(w, texts[i]);
	walk_number(w, &e->line);
}

/* What a plan does, step by step and to whom. */
static void walk_deeds(struct walk *w, struct pr_plan_view *v)
{
	walk_list(w, &v->steps, &v->n_steps, sizeof(*v->steps));
	for (size_t i = 0; i < v->n_steps; i++) {
		walk_text(w, &v->steps[i].kind);
		walk_text(w, &v->steps[i].address);
		walk_text(w, &v->steps[i].text);
	}
	walk_list(w, &v->affected, &v->n_affected, sizeof(*v->affected));
	for (size_t i = 0; i < v->n_affected; i++) {
		walk_text(w, &v->affected[i].path);
		walk_text(w, &v->affected[i].address);
		walk_text(w, &v->affected[i].disruption);
		walk_text(w, &v->affected[i].reason);
	}
}

static void walk_view(struct walk *w, struct pr_plan_view *v)
{
	char **const texts[] = { &v->id, &v->verdict, &v->why, &v->disruption, &v->effects_unseen };
	uint64_t *const numbers[] = { &v->generation, &v->feasible, &v->proven, &v->in_use,
		&v->restarted, &v->renumbered, &v->removed };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		walk_text(w, texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		walk_number(w, numbers[i]);
	walk_deeds(w, v);
	walk_list(w, &v->renames, &v->n_renames, sizeof(*v->renames));
	for (size_t i = 0; i < v->n_renames; i++) {
		walk_text(w, &v->renames[i].path);
		walk_text(w, &v->renames[i].before);
		walk_text(w, &v->renames[i].after);
	}
	walk_list(w, &v->effects, &v->n_effects, sizeof(*v->effects));
	for (size_t i = 0; i < v->n_effects; i++)
		walk_effect(w, &v->effects[i]);
	walk_list(w, &v->unseen, &v->n_unseen, sizeof(*v->unseen));
	for (size_t i = 0; i < v->n_unseen; i++) {
		walk_text(w, &v->unseen[i].path);
		walk_number(w, &v->unseen[i].secondary);
		walk_number(w, &v->unseen[i].subordinate);
	}
	walk_list(w, &v->advice, &v->n_advice, sizeof(*v->advice));
	for (size_t i = 0; i < v->n_advice; i++) {
		walk_text(w, &v->advice[i].kind);
		walk_text(w, &v->advice[i].setting);
		walk_text(w, &v->advice[i].text);
		walk_number(w, &v->advice[i].later);
	}
}

void pr_plan_view_encode(const struct pr_plan_view *v, struct pr_text *t)
{
	struct walk w = { .out = t };
	struct pr_plan_view same = *v; /* the walk changes nothing when it writes */

	walk_view(&w, &same);
}

int pr_plan_view_decode(const char *data, size_t size, struct pr_plan_view *ret)
{
	struct walk w = { .at = data, .end = data + size };
	struct pr_plan_view v = { 0 };

	walk_view(&w, &v);
	if (!w.error && (w.at != w.end || v.feasible > 1 || v.proven > 1))
		w.error = -EBADMSG;
	if (w.error)
		pr_plan_view_deinit(&v);
	else
		*ret = v;
	return w.error;
}

/* ---- making, and freeing ---- */

void pr_plan_view_deinit(struct pr_plan_view *v)
{
	struct walk w = { .frees = true };

	walk_view(&w, v);
	free(v->steps);
	free(v->affected);
	free(v->renames);
	free(v->effects);
	free(v->unseen);
	free(v->advice);
	*v = (struct pr_plan_view){ 0 };
}

/* A copy, "" for NULL; says in @complete when there was no memory for it. */
static char *copy(const char *text, bool *complete)
{
	char *c = strdup(text ? text : "");

	*complete = *complete && c;
	return c;
}

static char *copy_path(const struct pr_function *f, bool *complete)
{
	char path[PATH_BYTES];

	/* too long: a tree deeper than any bus numbering allows */
	return copy(pr_function_path(f, path, sizeof(path)) < 0 ? "" : path, complete);
}

static char *copy_address(const struct pr_address *a, bool *complete)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(a, address);
	return copy(address, complete);
}

static void view_steps(struct pr_plan_view *v, const struct pr_plan *p, bool *complete)
{
	v->steps = calloc(p->n_steps + 1, sizeof(*v->steps));
	*complete = *complete && v->steps;
	for (size_t i = 0; v->steps && i < p->n_steps; i++) {
		const struct pr_step *s = &p->steps[i];

		v->steps[v->n_steps++] = (struct pr_view_step){
			.kind = copy(pr_step_name(s->kind), complete),
			.address = s->kind == PR_STEP_EXPECT ? copy("", complete)
							     : copy_address(&s->address, complete),
			.text = copy(pr_say_step(s).text, complete),
		};
	}
}

static void view_affected(struct pr_plan_view *v, const struct pr_plan *p, bool *complete)
{
	v->affected = calloc(p->n_affected + 1, sizeof(*v->affected));
	*complete = *complete && v->affected;
	for (size_t i = 0; v->affected && i < p->n_affected; i++) {
		const struct pr_affected *a = &p->affected[i];

		v->affected[v->n_affected++] = (struct pr_view_affected){
			.path = copy_path(a->function, complete),
			.address = copy_address(&a->function->address, complete),
			.disruption = copy(pr_disruption_name(a->disruption), complete),
			.reason = copy(a->reason, complete),
		};
	}
}

/* Functions that have another address afterwards. */
static void view_renames(struct pr_plan_view *v, const struct pr_plan *p, bool *complete)
{
	v->renames = calloc(p->n_renumbered + 1, sizeof(*v->renames));
	*complete = *complete && v->renames;
	for (size_t i = 0; v->renames && i < p->n_renumbered; i++)
		v->renames[v->n_renames++] = (struct pr_view_rename){
			.path = copy_path(p->renumbered[i].before, complete),
			.before = copy_address(&p->renumbered[i].before->address, complete),
			.after = copy_address(&p->renumbered[i].after->address, complete),
		};
}

static void view_effects(struct pr_plan_view *v, const struct pr_plan *p, bool *complete)
{
	v->effects = calloc(p->n_effects + 1, sizeof(*v->effects));
	*complete = *complete && v->effects;
	for (size_t i = 0; v->effects && i < p->n_effects; i++) {
		const struct pr_effect *e = &p->effects[i];

		v->effects[v->n_effects++] = (struct pr_view_effect){
			.kind = copy(pr_effect_name(e->kind), complete),
			.path = copy_path(e->function, complete),
			.before = copy(e->before, complete),
			.after = copy(e->after, complete),
			.text = copy(e->text, complete),
			.file = copy(e->file, complete),
			.line = e->line,
		};
	}
}

static void view_unseen(struct pr_plan_view *v, const struct pr_plan *p, bool *complete)
{
	v->unseen = calloc(p->n_unseen + 1, sizeof(*v->unseen));
	*complete = *complete && v->unseen;
	for (size_t i = 0; v->unseen && p->prediction && i < p->n_unseen; i++) {
		const struct pr_bridge *b = pr_topology_same(p->prediction, p->unseen[i])->bridge;

		v->unseen[v->n_unseen++] = (struct pr_view_unseen){
			.path = copy_path(p->unseen[i], complete),
			.secondary = b->secondary,
			.subordinate = b->subordinate,
		};
	}
}

static void view_advice(struct pr_plan_view *v, const struct pr_plan *p, bool *complete)
{
	v->advice = calloc(p->n_advice + 1, sizeof(*v->advice));
	*complete = *complete && v->advice;
	for (size_t i = 0; v->advice && i < p->n_advice; i++) {
		const struct pr_advice *a = &p->advice[i];

		v->advice[v->n_advice++] = (struct pr_view_advice){
			.kind = copy(pr_advice_kind_name(a->kind), complete),
			.setting = copy(a->setting, complete),
			.text = copy(a->text, complete),
			.later = a->later,
		};
	}
}

int pr_plan_view_make(const struct pr_plan *p, struct pr_plan_view *ret)
{
	bool complete = true;
	struct pr_plan_view v = {
		.id = copy(p->id, &complete),
		.verdict = copy(pr_verdict_name(p->verdict), &complete),
		.why = copy(p->why, &complete),
		.disruption = copy(pr_disruption_name(pr_plan_disruption(p)), &complete),
		.effects_unseen = copy(p->effects_unseen, &complete),
		.generation = p->generation,
		.feasible = p->prediction != NULL,
		.proven = p->proven,
		.in_use = p->cost.in_use,
		.restarted = p->cost.restarted,
		.renumbered = p->cost.renumbered,
		.removed = p->cost.removed,
	};

	view_steps(&v, p, &complete);
	view_affected(&v, p, &complete);
	view_renames(&v, p, &complete);
	view_effects(&v, p, &complete);
	view_unseen(&v, p, &complete);
	view_advice(&v, p, &complete);
	if (!complete) {
		pr_plan_view_deinit(&v);
		return -ENOMEM;
	}
	*ret = v;
	return 0;
}

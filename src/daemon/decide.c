/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service does about what it saw: tells of devices that are dead or
 * work again, looks for a plan, tells of that once, and in mode auto carries it
 * out.  A device on which auto failed is left alone until it is plugged anew:
 * what failed once is not repeated as an experiment.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"

#define PATH_MAX_TEXT 320

/* Automatic jobs in a row that may find that the machine changed under them. */
#define STALE_MAX 3

/* ---- lists of devices told of ---- */

void pr_told_deinit(struct pr_told_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->list[i].path);
		free(l->list[i].sentence);
	}
	free(l->list);
	*l = (struct pr_told_list){ 0 };
}

static const struct pr_told *told_find(const struct pr_told_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i].path, path) == 0)
			return &l->list[i];

	return NULL;
}

/* Memory that is short costs a repeated message, or a repeated attempt, and nothing else. */
static void told_add(struct pr_told_list *l, const char *path, const char *sentence)
{
	struct pr_told entry = { strdup(path), strdup(sentence) };
	struct pr_told *grown = reallocarray(l->list, l->n + 1, sizeof(*grown));

	if (grown)
		l->list = grown;
	if (!grown || !entry.path || !entry.sentence) {
		free(entry.path);
		free(entry.sentence);
		return;
	}
	l->list[l->n++] = entry;
}

static void told_drop(struct pr_told_list *l, size_t i)
{
	free(l->list[i].path);
	free(l->list[i].sentence);
	l->n--;
	memmove(&l->list[i], &l->list[i + 1], (l->n - i) * sizeof(l->list[0]));
}

/* ---- what is dead ---- */

static bool is_dead(const struct pr_function *f)
{
	enum pr_health h = pr_function_health(f);

	return h == PR_HEALTH_UNASSIGNED || h == PR_HEALTH_NO_BUS;
}

/* Next dead function in the order of the topology after @f (NULL: the first). */
static const struct pr_function *next_dead(const struct pr_topology *t, const struct pr_function *f)
{
	const struct pr_root *root;
	bool past = f == NULL;

	pr_for_each_root (t, i) {
		root = t->roots[i];
		if (!past && f->root != root)
			continue;
		for (size_t j = past ? 0 : (size_t)(f - root->functions) + 1; j < root->n_functions;
			j++)
			if (is_dead(&root->functions[j]))
				return &root->functions[j];
		past = true;
	}
	return NULL;
}

static const char *path_of(const struct pr_function *f, char buffer[PATH_MAX_TEXT])
{
	if (pr_function_path(f, buffer, PATH_MAX_TEXT) < 0)
		pr_address_format(
			&f->address, buffer); /* a tree deeper than any bus numbering allows */
	return buffer;
}

static void tell_dead(const struct pr_told_list *before, const struct pr_explanation *e,
	const struct pr_function *f, struct pr_told_list *now)
{
	char address[PR_ADDRESS_MAX], path[PATH_MAX_TEXT];
	struct pr_log_fields fields = { .device = address, .path = path };
	struct pr_sentence s = pr_say_dead(e, f);
	const struct pr_told *old;

	pr_address_format(&f->address, address);
	old = told_find(before, path_of(f, path));
	if (!old || strcmp(old->sentence, s.text) != 0)
		pr_log(PR_EVENT_DEAD, LOG_WARNING, &fields, "%s", s.text);
	told_add(now, path, s.text);
}

/* Told as dead before and not dead now: it works, or it is gone. */
static void tell_mended(const struct pr_topology *t, const struct pr_told *was)
{
	const struct pr_function *f = pr_topology_find_path(t, was->path);
	char address[PR_ADDRESS_MAX];
	struct pr_log_fields fields = { .device = address, .path = was->path };

	if (!f || is_dead(f) || f->removed)
		return;
	pr_address_format(&f->address, address);
	pr_log(PR_EVENT_MENDED, LOG_NOTICE, &fields, "%s works now", address);
}

static void tell_health(struct pr_service *s)
{
	const struct pr_topology *t = s->look->topology;
	struct pr_arena *arena = pr_arena_new();
	struct pr_told_list now = { 0 };
	struct pr_explanation e;

	if (!arena || pr_explain(t, NULL, arena, &e) < 0)
		e = (struct pr_explanation){ 0 }; /* told without the reason */
	for (const struct pr_function *f = next_dead(t, NULL); f; f = next_dead(t, f))
		tell_dead(&s->dead, &e, f, &now);
	for (size_t i = 0; i < s->dead.n; i++)
		tell_mended(t, &s->dead.list[i]);
	pr_told_deinit(&s->dead);
	s->dead = now;
	pr_arena_free(arena);
}

/* ---- which plan ---- */

struct choice {
	struct pr_wish wish;
	struct pr_plan *plan;
};

static void choice_deinit(struct choice *c)
{
	pr_wish_deinit(&c->wish);
	pr_plan_free(c->plan);
	*c = (struct choice){ 0 };
}

static bool given_up(const struct pr_service *s, const struct pr_function *f)
{
	char path[PATH_MAX_TEXT];

	return told_find(&s->given_up, path_of(f, path)) != NULL;
}

/* The next dead function that is worth a plan. */
static const struct pr_function *next_wanted(
	const struct pr_service *s, const struct pr_function *f)
{
	do
		f = next_dead(s->look->topology, f);
	while (f && given_up(s, f));
	return f;
}

static int start_wish(const struct pr_service *s, struct pr_wish *w)
{
	int r;

	w->limit = s->conf.disruption;
	r = pr_service_add_pins(s, w);
	for (size_t i = 0; r == 0 && i < s->hook_pins.n; i++)
		r = pr_wish_add_pinned(w, s->hook_pins.list[i].path);
	return r;
}

/* Plans for @only; NULL: for everything that is dead and not given up. */
static int plan_for(const struct pr_service *s, const struct pr_function *only, struct choice *ret)
{
	int r = start_wish(s, &ret->wish);

	if (r == 0 && only)
		r = pr_wish_add_target(&ret->wish, &only->address);
	/* without targets the planner also mends siblings that lost a BAR to the newcomer */
	if (r == 0 && !only && s->given_up.n > 0)
		for (const struct pr_function *f = next_wanted(s, NULL); r == 0 && f;
			f = next_wanted(s, f))
			r = pr_wish_add_target(&ret->wish, &f->address);
	if (r == 0)
		r = pr_wish_plan(&ret->wish, s->look->topology, &ret->plan);
	if (r < 0)
		choice_deinit(ret);
	return r;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
	if (a->plan->verdict != PR_VERDICT_OK)
		return false;
	return b->plan->verdict != PR_VERDICT_OK ||
	       pr_cost_compare(&a->plan->cost, &b->plan->cost) < 0;
}

/* One device that cannot be helped must not keep the others dead: try them one by one. */
static int choose_single(const struct pr_service *s, struct choice *best)
{
	struct choice c;
	int r;

	for (const struct pr_function *f = next_wanted(s, NULL); f; f = next_wanted(s, f)) {
		c = (struct choice){ 0 };
		r = plan_for(s, f, &c);
		if (r < 0)
			return r;
		if (is_better(&c, best)) {
			choice_deinit(best);
			*best = c;
		} else {
			choice_deinit(&c);
		}
	}
	return 0;
}

static bool several_wanted(const struct pr_service *s)
{
	const struct pr_function *first = next_wanted(s, NULL);

	return first && next_wanted(s, first);
}

static int choose(const struct pr_service *s, struct choice *ret)
{
	int r;

	r = plan_for(s, NULL, ret);
	if (r < 0 || ret->plan->verdict == PR_VERDICT_OK || !several_wanted(s))
		return r;
	r = choose_single(s, ret);
	if (r < 0)
		choice_deinit(ret);
	return r;
}

/* ---- telling of it, doing it ---- */

static void tell_plan(const struct pr_service *s, const struct choice *c)
{
	char address[PR_ADDRESS_MAX] = "";
	struct pr_log_fields f = { .plan = c->plan->id };

	if (c->plan->n_targets > 0) {
		pr_address_format(&c->plan->targets[0]->address, address);
		f.device = address;
	}
	switch (c->plan->verdict) {
	case PR_VERDICT_OK:
		pr_log(PR_EVENT_PLAN_FOUND, LOG_NOTICE, &f, "Plan %s: %s%s", f.plan,
			pr_say_plan(c->plan).text,
			s->conf.mode == PR_MODE_ADVISE ? "; \"pciroom apply\" carries it out" : "");
		break;
	case PR_VERDICT_TOO_DISRUPTIVE:
		pr_log(PR_EVENT_PLAN_FOUND, LOG_NOTICE, &f,
			"Plan %s: %s; that is beyond \"disruption: %s\": %s", f.plan,
			pr_say_plan(c->plan).text, pr_disruption_name(s->conf.disruption),
			c->plan->why ? c->plan->why : "no reason given");
		break;
	case PR_VERDICT_VETOED:
		pr_log(PR_EVENT_PLAN_FOUND, LOG_NOTICE, &f,
			"Plan %s: %s; somebody forbids that: %s", f.plan, pr_say_plan(c->plan).text,
			c->plan->why ? c->plan->why : "no reason given");
		break;
	case PR_VERDICT_INFEASIBLE:
	case PR_VERDICT_UNKNOWN:
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_WARNING, &f, "No plan helps: %s",
			c->plan->why ? c->plan->why : pr_verdict_name(c->plan->verdict));
		break;
	case PR_VERDICT_NOTHING:
	case _PR_VERDICT_MAX:
		break;
	}
}

/* Tells of a plan or refusal once; true when it is news. */
static bool tell_once(struct pr_service *s, const struct choice *c)
{
	char *key = NULL;
	bool news;

	if (asprintf(&key, "%016" PRIx64 " %s %s %s", c->plan->generation, c->plan->id,
		    pr_verdict_name(c->plan->verdict), c->plan->why ? c->plan->why : "") < 0)
		key = NULL;
	news = !key || !s->told_plan || strcmp(key, s->told_plan) != 0;
	free(s->told_plan);
	s->told_plan = key;
	if (news)
		tell_plan(s, c);
	return news;
}

static void apply(struct pr_service *s, struct choice *c)
{
	struct pr_log_fields f = { .plan = c->plan->id };
	struct pr_kept *kept = NULL;
	char why[200] = "";
	int r;

	if (pr_wish_check(&c->wish, c->plan, why, sizeof(why)) != 0) {
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_ERR, &f,
			"Plan %s does not stand up to verification and is not carried out: %s",
			f.plan, why);
		return;
	}
	r = pr_service_keep(s, &c->wish, pr_take(c->plan), 0, &kept);
	if (r == 0)
		r = pr_service_run(s, kept, PR_UID_NOBODY);
	if (r < 0)
		pr_log(PR_EVENT_NOT_APPLIED, LOG_ERR, NULL, "The plan cannot be started: %s",
			strerror(-r));
}

/* Plugged anew is another chance. */
static void forget_gone(struct pr_service *s)
{
	for (size_t i = s->given_up.n; i-- > 0;)
		if (!pr_topology_find_path(s->look->topology, s->given_up.list[i].path))
			told_drop(&s->given_up, i);
}

void pr_service_decide(struct pr_service *s)
{
	struct choice c = { 0 };
	bool news;
	int r;

	tell_health(s);
	forget_gone(s);
	if (s->settling || s->recovery_wanted)
		return; /* the machine is still changing: decided at the look that follows */
	if (s->given_up.n > 0 && !next_wanted(s, NULL))
		return;
	r = choose(s, &c);
	if (r < 0) {
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_ERR, NULL, "Planning failed: %s", strerror(-r));
		return;
	}
	news = tell_once(s, &c);
	/*
	 * After a loss nothing more is done by itself: the device that a job failed on may come
	 * back late, which looks like being plugged anew.
	 */
	if (news && c.plan->verdict == PR_VERDICT_OK && s->conf.mode == PR_MODE_AUTO && !s->lost)
		apply(s, &c);
	choice_deinit(&c);
}

void pr_service_remember(
	struct pr_service *s, const struct pr_job *job, const struct pr_report *report)
{
	const struct pr_plan *p = job->plan ? job->plan->plan : NULL;
	char path[PATH_MAX_TEXT];

	if (!p || !job->automatic)
		return;
	free(s->told_plan); /* the next look may tell the same of a machine that came back */
	s->told_plan = NULL;
	if (report->outcome == PR_OUTCOME_DONE || report->outcome == PR_OUTCOME_DIFFERS) {
		s->stale_streak = 0;
		return;
	}
	if (report->outcome == PR_OUTCOME_STALE && ++s->stale_streak < STALE_MAX)
		return; /* nothing was touched: plan anew */
	s->stale_streak = 0;
	for (size_t i = 0; i < p->n_targets; i++)
		if (!told_find(&s->given_up, path_of(p->targets[i], path)))
			told_add(&s->given_up, path, report->text);
}

void pr_service_pinned(struct pr_service *s, const char *path)
{
	if (!told_find(&s->hook_pins, path))
		told_add(&s->hook_pins, path, "");
}

void pr_service_forget(struct pr_service *s)
{
	pr_told_deinit(&s->hook_pins);
	pr_told_deinit(&s->given_up);
	free(s->told_plan);
	s->told_plan = NULL;
	s->stale_streak = 0;
	s->lost = false; /* whoever reads the configuration again has seen to it */
}

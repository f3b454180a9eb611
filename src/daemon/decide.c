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
#include "daemon/choose.h"
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"

/* Automatic jobs in a row that may find that the machine changed under them. */
#define STALE_MAX 3

/* ---- what is dead ---- */

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
			if (pr_health_is_dead(pr_function_health(&root->functions[j])))
				return &root->functions[j];
		past = true;
	}
	return NULL;
}

static const char *path_of(const struct pr_function *f, char buffer[PR_FUNCTION_PATH_MAX])
{
	if (pr_function_path(f, buffer, PR_FUNCTION_PATH_MAX) < 0)
		pr_address_format(
			&f->address, buffer); /* a tree deeper than any bus numbering allows */
	return buffer;
}

static void tell_dead(const struct pr_told_list *before, const struct pr_explanation *e,
	const struct pr_function *f, struct pr_told_list *now)
{
	char address[PR_ADDRESS_MAX], path[PR_FUNCTION_PATH_MAX];
	struct pr_log_fields fields = { .device = address, .path = path };
	struct pr_sentence s = pr_say_dead(e, f);
	const struct pr_told *old;

	pr_address_format(&f->address, address);
	old = pr_told_find(before, path_of(f, path));
	if (!old || strcmp(old->sentence, s.text) != 0)
		pr_log(PR_EVENT_DEAD, LOG_WARNING, &fields, "%s", s.text);
	pr_told_add(now, path, s.text);
}

/* Told as dead before and not dead now: it works, or it is gone. */
static void tell_mended(const struct pr_topology *t, const struct pr_told *was)
{
	const struct pr_function *f = pr_topology_find_path(t, was->path);
	char address[PR_ADDRESS_MAX];
	struct pr_log_fields fields = { .device = address, .path = was->path };

	if (!f || pr_health_is_dead(pr_function_health(f)) || f->removed)
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

	if (!arena || pr_explain(t, NULL, 0, arena, &e) < 0)
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

static bool given_up(const struct pr_service *s, const struct pr_function *f)
{
	char path[PR_FUNCTION_PATH_MAX];

	return pr_told_find(&s->given_up, path_of(f, path)) != NULL;
}

/* Auto does nothing for what an administrator does not trust; that it is dead is told. */
static bool is_wanted(const struct pr_service *s, const struct pr_function *f)
{
	return !given_up(s, f) && (s->conf.mode != PR_MODE_AUTO || pr_conf_trusts(&s->conf, f));
}

/* Some of the dead are left alone. */
static bool is_choosy(const struct pr_service *s)
{
	for (const struct pr_function *f = next_dead(s->look->topology, NULL); f;
		f = next_dead(s->look->topology, f))
		if (!is_wanted(s, f))
			return true;

	return false;
}

/* The next dead function that is worth a plan. */
static const struct pr_function *next_wanted(
	const struct pr_service *s, const struct pr_function *f)
{
	do
		f = next_dead(s->look->topology, f);
	while (f && !is_wanted(s, f));
	return f;
}

static int add_wanted(struct pr_question *q, const struct pr_function *f)
{
	struct pr_address *grown = reallocarray(q->wanted, q->n_wanted + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	q->wanted = grown;
	q->wanted[q->n_wanted++] = f->address;
	return 0;
}

/* A slot that lacks room, and is worth a plan as what is dead would be. */
static int add_lack(const struct pr_service *s, struct pr_question *q, const char *path)
{
	const struct pr_function *port = pr_topology_find_path(q->topology, path);
	struct pr_slot_lack *grown;

	if (!port || !is_wanted(s, port))
		return 0;
	grown = reallocarray(q->lacks, q->n_lacks + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	q->lacks = grown;
	for (size_t i = 0; i < q->base.n_slots; i++)
		if (strcmp(q->base.slots[i].slot, path) == 0 &&
			pr_slot_lacks(q->topology, &q->base.slots[i], &q->lacks[q->n_lacks])) {
			q->n_lacks++;
			break;
		}
	return 0;
}

static int make_question(const struct pr_service *s, struct pr_question *q)
{
	int r;

	q->topology = s->look->topology;
	q->base.limit = s->conf.disruption;
	q->only_wanted = is_choosy(s);
	r = pr_service_add_pins(s, &q->base);
	for (size_t i = 0; r == 0 && i < s->hook_pins.n; i++)
		r = pr_wish_add_pinned(&q->base, s->hook_pins.list[i].path);
	for (const struct pr_function *f = next_wanted(s, NULL); r == 0 && f; f = next_wanted(s, f))
		r = add_wanted(q, f);
	for (size_t i = 0; r == 0 && i < s->lacking.n; i++)
		r = add_lack(s, q, s->lacking.list[i].path);
	return r;
}

/* ---- telling of it, doing it ---- */

/* For a slot, not for what is dead. */
static bool asks_for_room(const struct pr_plan *p)
{
	return p->n_reserves + p->n_buses > 0;
}

static void tell_plan(const struct pr_service *s, const struct pr_choice *c)
{
	char address[PR_ADDRESS_MAX] = "";
	struct pr_log_fields f = { .plan = c->plan->id };
	struct pr_sentence command = { "" };

	if (c->plan->n_targets > 0) {
		pr_address_format(&c->plan->targets[0]->address, address);
		f.device = address;
	}
	switch (c->plan->verdict) {
	case PR_VERDICT_OK:
		if (s->conf.mode != PR_MODE_AUTO)
			command = pr_say_command(c->plan);
		pr_log(PR_EVENT_PLAN_FOUND, LOG_NOTICE, &f, "Plan %s: %s%s%s%s", f.plan,
			pr_say_plan(c->plan).text, *command.text ? "; \"" : "", command.text,
			*command.text ? "\" carries it out" : "");
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
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_WARNING, &f, "No plan helps%s%s: %s%s%s",
			f.device ? " " : "", address,
			c->plan->why ? c->plan->why : pr_verdict_name(c->plan->verdict),
			c->plan->n_advice > 0 ? "; what does: " : "",
			c->plan->n_advice > 0 ? c->plan->advice[0].text : "");
		break;
	case PR_VERDICT_NOTHING:
	case _PR_VERDICT_MAX:
		break;
	}
}

/* What is told of it.  Room that cannot be had is so in the next machine, too. */
static char *key_of(const struct pr_plan *p)
{
	const bool same = p->verdict != PR_VERDICT_OK && asks_for_room(p);
	char *key = NULL;

	if (asprintf(&key, "%016" PRIx64 " %s %s %s", same ? 0 : p->generation, same ? "" : p->id,
		    pr_verdict_name(p->verdict), p->why ? p->why : "") < 0)
		return NULL;
	return key;
}

/* Tells of a plan or refusal once; true when it is news.  @told: what was told last. */
static bool tell_once(const struct pr_service *s, const struct pr_choice *c, char **told)
{
	char *key = key_of(c->plan);
	bool news;

	news = !key || !*told || strcmp(key, *told) != 0;
	free(*told);
	*told = key;
	if (news)
		tell_plan(s, c);
	return news;
}

/* Has the plan as an object, if it stands up to verification; NULL: it was told why not. */
static struct pr_kept *offer(struct pr_service *s, struct pr_choice *c)
{
	struct pr_log_fields f = { .plan = c->plan->id };
	struct pr_kept *kept = NULL;
	char why[200] = "";
	int r;

	if (pr_wish_check(&c->wish, c->plan, why, sizeof(why)) != 0) {
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_ERR, &f,
			"Plan %s does not stand up to verification and is not carried out: %s",
			f.plan, why);
		return NULL;
	}
	r = pr_service_keep(s, s->look, &c->wish, pr_take(c->plan), 0, &kept);
	if (r < 0)
		pr_log(PR_EVENT_NOT_APPLIED, LOG_ERR, NULL, "The plan cannot be kept: %s",
			strerror(-r));
	return kept;
}

static void apply(struct pr_service *s, struct pr_choice *c)
{
	struct pr_kept *kept = offer(s, c);
	int r;

	if (!kept)
		return;
	r = pr_service_run(s, kept, PR_UID_NOBODY, NULL);
	if (r < 0)
		pr_log(PR_EVENT_NOT_APPLIED, LOG_ERR, NULL, "The plan cannot be started: %s",
			strerror(-r));
}

/* A slot on which auto failed, and which has its room now, from whomever. */
static bool is_settled(const struct pr_service *s, const struct pr_function *f, const char *path)
{
	return pr_conf_reserve(&s->conf, f) && !pr_health_is_dead(pr_function_health(f)) &&
	       !pr_told_find(&s->lacking, path);
}

/* Plugged anew is another chance. */
static void forget_gone(struct pr_service *s)
{
	for (size_t i = s->given_up.n; i-- > 0;) {
		const char *path = s->given_up.list[i].path;
		const struct pr_function *f = pr_topology_find_path(s->look->topology, path);

		if (!f || is_settled(s, f, path))
			pr_told_drop(&s->given_up, i);
	}
}

/* ---- planning, elsewhere ---- */

struct deciding {
	struct pr_work work;
	struct pr_service *service; /* gone, perhaps, when it runs; so no more than: */
	const char *root;
	struct pr_look *look;
	struct pr_question question;
	struct pr_choice choice; /* for what is dead */
	struct pr_choice room;   /* for slots, where nothing can be done for what is dead */
	int r;                   /* of planning */
};

static bool has_plan(const struct pr_choice *c)
{
	return c->plan && c->plan->verdict == PR_VERDICT_OK;
}

static void run_deciding(struct pr_work *w)
{
	struct deciding *d = (struct deciding *)w;

	d->r = pr_choose(&d->question, &d->choice);
	if (d->r == 0 && !has_plan(&d->choice))
		d->r = pr_choose_room(&d->question, &d->room);
	for (size_t i = 0; d->r == 0 && d->root && i < 2; i++) {
		struct pr_plan *p = i == 0 ? d->choice.plan : d->room.plan;

		if (p)
			d->r = pr_effects_find(p, d->root);
	}
}

/*
 * After a loss nothing more is done by itself: the device that a job failed on may come back late,
 * which looks like being plugged anew.
 */
static void act_on(struct pr_service *s, struct pr_choice *c, char **told)
{
	if (!c->plan || !tell_once(s, c, told) || !has_plan(c))
		return;
	if (s->conf.mode == PR_MODE_AUTO && !s->lost)
		apply(s, c);
	else if (s->conf.mode == PR_MODE_ASK)
		(void)offer(s, c); /* what went wrong was told */
}

static void act_on_both(struct pr_service *s, struct deciding *d)
{
	act_on(s, &d->choice, &s->told_plan);
	act_on(s, &d->room, &s->told_room);
}

/* What was decided is for the machine as it is, and nothing has begun meanwhile. */
static bool is_current(const struct pr_service *s, const struct deciding *d)
{
	return s->look == d->look && !s->decide_again && !s->settling && !s->looking &&
	       !s->recovery_wanted && !s->job.id;
}

static void deciding_free(struct deciding *d)
{
	pr_choice_deinit(&d->choice); /* before the look that they borrow from */
	pr_choice_deinit(&d->room);
	pr_question_deinit(&d->question);
	pr_look_unref(d->look);
	free(d);
}

static void done_deciding(struct pr_work *w, bool ran)
{
	struct deciding *d = (struct deciding *)w;
	struct pr_service *s = d->service;
	enum pr_state before = pr_service_state(s);
	bool again = s->decide_again;

	if (!ran || s->stopping)
		again = false;
	else if (!is_current(s, d))
		again = again && !s->looking && !s->settling && !s->job.id;
	else if (d->r < 0)
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_ERR, NULL, "Planning failed: %s",
			strerror(-d->r));
	else
		act_on_both(s, d);
	s->deciding = s->decide_again = false;
	deciding_free(d);
	if (again)
		pr_service_decide(s);
	pr_service_notify(s, before, 0);
}

static void start_deciding(struct pr_service *s)
{
	struct deciding *d = calloc(1, sizeof(*d));
	int r = d ? make_question(s, &d->question) : -ENOMEM;

	if (r < 0) {
		pr_log(PR_EVENT_PLAN_REFUSED, LOG_ERR, NULL, "Planning failed: %s", strerror(-r));
		if (d)
			pr_question_deinit(&d->question);
		free(d);
		return;
	}
	d->work = (struct pr_work){ .run = run_deciding, .done = done_deciding };
	d->service = s;
	d->root = s->root;
	d->look = pr_look_ref(s->look);
	s->deciding = true;
	s->ops->work(s->userdata, &d->work);
}

void pr_service_decide(struct pr_service *s)
{
	tell_health(s);
	pr_service_note_lacks(s);
	forget_gone(s);
	if (s->settling || s->recovery_wanted)
		return; /* the machine is still changing: decided at the look that follows */
	if (is_choosy(s) && !next_wanted(s, NULL) && s->lacking.n == 0)
		return;
	if (s->deciding)
		s->decide_again = true; /* what is being planned is out of date */
	else
		start_deciding(s);
}

static void forget_told(struct pr_service *s)
{
	free(s->told_plan);
	free(s->told_room);
	s->told_plan = s->told_room = NULL;
}

/* Room is asked for once, until the slot is seen with it: forget_gone(). */
void pr_service_remember(
	struct pr_service *s, const struct pr_job *job, const struct pr_report *report)
{
	const struct pr_plan *p = job->plan ? job->plan->plan : NULL;
	char path[PR_FUNCTION_PATH_MAX];

	if (!p || !job->automatic)
		return;
	forget_told(s); /* the next look may tell the same of a machine that came back */
	if (report->outcome == PR_OUTCOME_STALE && ++s->stale_streak < STALE_MAX)
		return; /* nothing was touched: plan anew */
	s->stale_streak = 0;
	if (!asks_for_room(p) &&
		(report->outcome == PR_OUTCOME_DONE || report->outcome == PR_OUTCOME_DIFFERS))
		return;
	for (size_t i = 0; i < p->n_targets; i++)
		if (!pr_told_find(&s->given_up, path_of(p->targets[i], path)))
			pr_told_add(&s->given_up, path, report->text);
}

void pr_service_pinned(struct pr_service *s, const char *path)
{
	if (!pr_told_find(&s->hook_pins, path))
		pr_told_add(&s->hook_pins, path, "");
}

void pr_service_forget(struct pr_service *s)
{
	pr_told_deinit(&s->hook_pins);
	pr_told_deinit(&s->given_up);
	forget_told(s);
	s->stale_streak = 0;
	s->lost = false; /* whoever reads the configuration again has seen to it */
}

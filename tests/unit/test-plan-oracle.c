/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random small machines with dead cards.  Every plan must pass the independent
 * check; a refusal must hold, and a plan must not cost more, against every
 * single subtree on the way up, tried one by one and judged by the same check.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "random-machine.h"
#include "rows.h"

#define N_SEEDS 400
/* ---- one subtree, judged by pr_plan_check ---- */

struct
try {
	struct pr_plan plan;
	struct pr_action actions[2];
	struct pr_step steps[MAX_NODES];
	char paths[MAX_NODES][64];
	struct pr_left left[4];
};

static void add_step(struct try *y, enum pr_step_kind kind, const struct pr_function *f)
{
	struct pr_step *s = &y->steps[y->plan.n_steps];

	*s = (struct pr_step){ .kind = kind };
	if (f) {
		s->address = f->address;
		s->driver = kind == PR_STEP_UNBIND ? f->facts->driver : NULL;
		assert_int_equal(pr_function_path(f, y->paths[y->plan.n_steps], 64), 0);
		s->path = y->paths[y->plan.n_steps];
	}
	y->plan.n_steps++;
}

/* A function that stays on the bus of @top, or the bridge above. */
static const struct pr_function *staying(const struct pr_function *top)
{
	const struct pr_function *first =
		top->parent ? top->parent->first_child : top->root->first_child;

	for (const struct pr_function *f = first; f; f = f->next)
		if (f != top && f->bridge)
			return f;
	for (const struct pr_function *f = first; f; f = f->next)
		if (f != top)
			return f;
	return top->parent;
}

/* Memory only: what is asked for at the very least. */
static void leave_io(struct try *y, const struct pr_function *target)
{
	for (size_t i = 0; i < target->n_resources; i++)
		if (pr_resource_is_io(&target->resources[i]) &&
			target->resources[i].state != PR_RES_ASSIGNED)
			y->left[y->plan.n_left++] = (struct pr_left){ .function = target,
				.resource = &target->resources[i] };
	y->plan.left = y->left;
}

static bool subtree_helps(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_policy *policy, const struct pr_function *top,
	const struct pr_function *target)
{
	struct try y = { .plan = {
				 .topology = t, .generation = t->generation, .kernel = *kernel } };
	const struct pr_function *targets[] = { target };
	struct pr_doubt doubt;
	char why[200];
	bool good;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!f->bridge && f->facts->driver)
			add_step(&y, PR_STEP_UNBIND, f);
	add_step(&y, PR_STEP_REMOVE, top);
	add_step(&y, PR_STEP_RESCAN, staying(top));
	add_step(&y, PR_STEP_EXPECT, NULL);
	y.plan.steps = y.steps;
	y.plan.targets = targets;
	y.plan.n_targets = 1;
	leave_io(&y, target);

	y.actions[0] =
		(struct pr_action){ .kind = PR_ACTION_REMOVE, .function = top, .root = top->root };
	y.actions[1] = (struct pr_action){
		.kind = PR_ACTION_RESCAN, .function = staying(top), .root = top->root
	};
	assert_int_equal(pr_kernel_apply(kernel, t, y.actions, 2, &y.plan.prediction, &doubt), 0);
	good = pr_plan_check(&y.plan, policy, why, sizeof(why)) == 0;
	pr_topology_free(y.plan.prediction);
	return good;
}

/* ---- rows ---- */

struct oracle_case {
	const char *name, *release;
	unsigned int n_dead;
};

static const struct oracle_case cases[] = {
	{ "6.1, one dead card", "6.1.0", 1 },
	{ "6.12, one dead card", "6.12.0", 1 },
	{ "6.18, one dead card", "6.18.0", 1 },
	{ "7.2, one dead card", "7.2.0", 1 },
	{ "6.1, two dead cards", "6.1.0", 2 },
	{ "6.12, two dead cards", "6.12.0", 2 },
	{ "6.18, two dead cards", "6.18.0", 2 },
	{ "7.2, two dead cards", "7.2.0", 2 },
};

struct tally {
	unsigned int verdicts[_PR_VERDICT_MAX];
	unsigned int partial, below_root;
};

static unsigned int count_class(
	const struct pr_function *top, const struct pr_policy *policy, enum pr_disruption d)
{
	unsigned int n = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		n += pr_function_disruption(f, policy, NULL) == d;
	return n;
}

/* More users, or as many users and more drivers, than removing @top alone. */
static bool dearer(
	const struct pr_cost *cost, const struct pr_function *top, const struct pr_policy *policy)
{
	unsigned int in_use = count_class(top, policy, PR_DISRUPTION_IN_USE);

	return cost->in_use != in_use
		       ? cost->in_use > in_use
		       : cost->restarted > count_class(top, policy, PR_DISRUPTION_RESTART);
}

static bool is_planned(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i] == f)
			return true;
	return false;
}

/* Nothing that is refused may be mended by one subtree, nothing planned by a cheaper one. */
static void check_refusals(const struct pr_topology *t, const struct pr_plan *p,
	const struct pr_policy *policy, const struct machine *m)
{
	for (size_t i = 0; i < t->roots[0]->n_functions; i++) {
		const struct pr_function *f = &t->roots[0]->functions[i];
		bool planned = p->verdict == PR_VERDICT_OK && is_planned(p, f);

		if (pr_function_health(f) != PR_HEALTH_UNASSIGNED || (planned && p->n_targets > 1))
			continue;
		for (const struct pr_function *top = f; top; top = top->parent)
			if ((!planned || dearer(&p->cost, top, policy)) &&
				subtree_helps(t, &p->kernel, policy, top, f) &&
				(planned || p->verdict != PR_VERDICT_OK))
				fail_msg("%s:\n%s%s: removing %02x:%02x.%x alone helps",
					pr_verdict_name(p->verdict), m->text, p->why ? p->why : "",
					top->address.bus, top->address.device,
					top->address.function);
	}
}

static void check_plan(
	const struct pr_plan *p, const struct pr_policy *policy, const struct machine *m)
{
	char why[256] = "";

	if (pr_plan_check(p, policy, why, sizeof(why)) != 0)
		fail_msg("a plan that does not pass: %s\n%s", why, m->text);
	assert_true(policy->limit >= PR_DISRUPTION_IN_USE || p->cost.in_use == 0);
	assert_true(policy->limit >= PR_DISRUPTION_RESTART || p->cost.restarted == 0);
}

static void run_seed(const struct oracle_case *c, struct machine *m, struct tally *tally)
{
	struct pr_policy policy = { .limit = (enum pr_disruption)roll(m, 3) };
	struct pr_topology *t = machine_build(m->text);
	const struct pr_request request = { 0 };
	struct pr_finding finding = { 0 };
	struct pr_plan *p;

	if (pr_topology_check(t, &finding, 1) > 0)
		fail_msg("not a machine: %s\n%s", finding.text, m->text);
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	tally->verdicts[p->verdict]++;
	if (p->verdict == PR_VERDICT_OK) {
		check_plan(p, &policy, m);
		tally->partial += p->n_targets < c->n_dead;
		tally->below_root += p->n_removed > 0 && p->removed[0]->parent != NULL;
	}
	check_refusals(t, p, &policy, m);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void test_oracle(void **state)
{
	const struct oracle_case *c = *state;
	struct tally tally = { 0 };
	unsigned int n = 0;

	for (uint64_t seed = 1; n < N_SEEDS; seed++) {
		struct machine m = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };

		if (!make_machine(&m, c->release, c->n_dead))
			continue;
		run_seed(c, &m, &tally);
		n++;
	}

	print_message(
		"# %s: %u ok (%u below the root port, %u in part), %u infeasible, %u too disruptive\n",
		c->name, tally.verdicts[PR_VERDICT_OK], tally.below_root, tally.partial,
		tally.verdicts[PR_VERDICT_INFEASIBLE], tally.verdicts[PR_VERDICT_TOO_DISRUPTIVE]);
	/* an oracle that sees one kind of machine only proves nothing */
	assert_true(tally.verdicts[PR_VERDICT_OK] > N_SEEDS / 5);
	assert_true(tally.below_root > N_SEEDS / 20);
	assert_true(tally.verdicts[PR_VERDICT_INFEASIBLE] > N_SEEDS / 40);
	assert_int_equal(
		tally.verdicts[PR_VERDICT_UNKNOWN] + tally.verdicts[PR_VERDICT_NOTHING], 0);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_oracle);

	return rows_run(&tests, "plan-oracle");
}

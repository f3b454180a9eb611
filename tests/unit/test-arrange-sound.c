/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A proof that nothing fits must never deny what a kernel does: on random
 * machines every subtree is removed, and every pair on one bus, and whatever
 * the model of a kernel makes work must not have been excluded.
 * test-arrange-sound [COUNT [SEED]]
 */
#include <inttypes.h>

#include "machine.h"
#include "plan/arrange.h"
#include "random-machine.h"
#include "rows.h"

static unsigned long count = 150;
static uint64_t first_seed = 1;

struct tally {
	unsigned long sets, work, excluded;
};

struct sound_case {
	const char *name, *release;
	unsigned int n_dead;
};
static const struct sound_case cases[] = {
	{ "6.1, one dead card", "6.1.0", 1 },
	{ "6.12, two dead cards", "6.12.0", 2 },
	{ "6.18, one dead card", "6.18.0", 1 },
	{ "7.2, two dead cards", "7.2.0", 2 },
	{ "7.3, one dead card", "7.3.0", 1 },
};

/* One set of subtrees on one machine. */
struct trial {
	const struct pr_topology *topology;
	const struct pr_kernel *kernel;
	const struct pr_function *removed[2];
	size_t n_removed;
	const struct pr_function *target;
};

static bool is_removed(const struct trial *y, const struct pr_function *f)
{
	for (size_t i = 0; i < y->n_removed; i++)
		if (pr_function_below(f, y->removed[i]))
			return true;
	return false;
}

/* Rescans the bus that the subtrees were removed from. */
static struct pr_topology *predict(const struct trial *y)
{
	const struct pr_function *parent = y->removed[0]->parent;
	const struct pr_function *stays =
		parent ? parent->first_child : y->removed[0]->root->first_child;
	struct pr_action actions[3];
	struct pr_topology *after;
	struct pr_doubt doubt;
	size_t n = 0;

	for (; n < y->n_removed; n++)
		actions[n] = (struct pr_action){ .kind = PR_ACTION_REMOVE,
			.function = y->removed[n],
			.root = y->removed[n]->root };
	while (stays && is_removed(y, stays))
		stays = stays->next;
	actions[n++] = (struct pr_action){ .kind = PR_ACTION_RESCAN,
		.function = stays ? stays : parent,
		.root = y->removed[0]->root };
	assert_int_equal(pr_kernel_apply(y->kernel, y->topology, actions, n, &after, &doubt), 0);
	return after;
}

static bool has_all(const struct pr_function *f, const struct pr_topology *after, enum pr_tier tier)
{
	const struct pr_function *now = pr_topology_same(after, f);

	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *is = pr_function_resource(now, f->resources[i].index);

		if (pr_resource_needed(&f->resources[i], tier) &&
			(!is || is->state != PR_RES_ASSIGNED || !pr_resource_forwarded(now, is)))
			return false;
	}
	return true;
}

/* As the search judges: the target, and below MEMORY all that is removed. */
static bool works(const struct trial *y, const struct pr_topology *after, enum pr_tier tier)
{
	const struct pr_root *root = y->topology->roots[0];
	char why[160];

	if (!has_all(y->target, after, tier) ||
		!pr_nothing_lost(y->topology, after, why, sizeof(why)))
		return false;
	for (size_t i = 0; i < root->n_functions && tier < PR_TIER_MEMORY; i++)
		if (is_removed(y, &root->functions[i]) &&
			!has_all(&root->functions[i], after, tier))
			return false;
	return true;
}

static bool is_excluded(const struct trial *y, enum pr_tier tier, bool exactly, uint64_t budget)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_arrange_question q = {
		.topology = y->topology,
		.policy = &policy,
		.kernel = y->kernel,
		.targets = &y->target,
		.n_targets = 1,
		.tier = tier,
		.exactly = exactly,
		.removed = y->removed,
		.n_removed = y->n_removed,
		.limit = PR_DISRUPTION_PINNED,
		.budget = budget,
	};
	struct pr_arena *arena = pr_arena_new();
	struct pr_certificate c;

	assert_non_null(arena);
	assert_int_equal(pr_arrange(arena, &q, &c), 0);
	pr_arena_free(arena);
	return c.arrangement == PR_ARRANGEMENT_NONE;
}

static void run_trial(const struct trial *y, const struct machine *m, struct tally *tally)
{
	struct pr_topology *after = predict(y);

	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++) {
		bool cheap = is_excluded(y, (enum pr_tier)tier, true, 0);
		bool full = is_excluded(y, (enum pr_tier)tier, true, PR_ARRANGE_BUDGET);
		bool good = works(y, after, (enum pr_tier)tier);

		assert_true(full || !cheap);
		if (good && (full || is_excluded(y, (enum pr_tier)tier, false, 2000)))
			fail_msg("%02x:%02x.0 removed works and was excluded, tier %u:\n%s",
				y->removed[0]->address.bus, y->removed[0]->address.device, tier,
				m->text);
		tally->sets++;
		tally->work += good;
		tally->excluded += full;
	}
	pr_topology_free(after);
}

static bool may_go(const struct pr_function *f)
{
	return pr_subtree_disruption(f, NULL, NULL, NULL) < PR_DISRUPTION_PINNED;
}

/* Each subtree with the target in it, alone and with each of its neighbours. */
static void run_target(struct trial *y, const struct machine *m, struct tally *tally)
{
	for (const struct pr_function *top = y->target; top; top = top->parent) {
		const struct pr_function *first =
			top->parent ? top->parent->first_child : top->root->first_child;

		if (!may_go(top))
			return;
		y->removed[0] = top;
		y->n_removed = 1;
		run_trial(y, m, tally);
		for (const struct pr_function *f = first; f; f = f->next) {
			if (f == top || !may_go(f))
				continue;
			y->removed[1] = f;
			y->n_removed = 2;
			run_trial(y, m, tally);
		}
	}
}

static void run_machine(const struct machine *m, struct tally *tally)
{
	struct pr_topology *t = machine_build(m->text);
	struct pr_kernel kernel;

	assert_int_equal(pr_kernel_select(&t->machine, &kernel), 0);
	for (size_t i = 0; i < t->roots[0]->n_functions; i++) {
		struct trial y = {
			.topology = t, .kernel = &kernel, .target = &t->roots[0]->functions[i]
		};

		if (pr_function_health(y.target) == PR_HEALTH_UNASSIGNED)
			run_target(&y, m, tally);
	}
	pr_topology_free(t);
}

static void test_sound(void **state)
{
	const struct sound_case *c = *state;
	struct tally tally = { 0 };
	unsigned long n = 0;

	for (uint64_t seed = first_seed; n < count; seed++) {
		struct machine m = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };

		if (!make_machine(&m, c->release, c->n_dead))
			continue;
		run_machine(&m, &tally);
		n++;
	}
	print_message("# %s: %lu sets, %lu work, %lu excluded\n", c->name, tally.sets, tally.work,
		tally.excluded);
	/* what never works or is never excluded proves nothing */
	assert_true(tally.work > tally.sets / 20 && tally.excluded > tally.sets / 20);
}

int main(int argc, char **argv)
{
	struct rows tests = { 0 };

	if (argc > 1)
		count = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	ADD_ROWS(&tests, cases, test_sound);

	return rows_run(&tests, "arrange-sound");
}

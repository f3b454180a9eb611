/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Made-up machines of growing size: building, explaining, planning, memory, and how they grow. */
#include <math.h>
#include <stdio.h>

#include "base/macros.h"
#include "bench.h"
#include "generate.h"
#include "pciroom/plan.h"

static const struct size {
	size_t n;
	unsigned int segments, dead;
	double target; /* of planning, in milliseconds (DESIGN section 10); 0: none */
} sizes[] = {
	{ 100, 1, 1, 0 },
	{ 1000, 1, 1, 0 },
	{ 10000, 1, 1, 50 },
	{ 65536, 16, 1, 200 },
	{ 65536, 16, 16, 200 },
};

static struct pr_topology *build(struct pr_builder *builder, struct bench_result *ret)
{
	struct pr_build_error error = { .text = "" };
	struct pr_topology *t = NULL;

	if (pr_builder_finish(builder, &t, &error) != 0)
		(void)snprintf(ret->note, sizeof(ret->note), "%.90s", error.text);
	return t;
}

/* Taking the facts is part of building, and cannot be told from making them up: it is both. */
static struct pr_topology *time_build(const struct size *size, struct bench_result *ret)
{
	struct bench_samples samples = { .n = 0 };
	struct pr_topology *t = NULL;

	while (bench_wants_more(&samples)) {
		double start = bench_now();

		pr_topology_free(t);
		t = build(bench_generate(size->n, size->segments, size->dead), ret);
		if (!t)
			return NULL;
		bench_sample(&samples, bench_now() - start);
	}
	ret->build = bench_median(&samples);
	return t;
}

static void time_explain(const struct pr_topology *t, struct bench_result *ret)
{
	struct bench_samples samples = { .n = 0 };

	while (bench_wants_more(&samples)) {
		double start = bench_now();
		struct pr_arena *arena = pr_arena_new();
		struct pr_explanation e;

		if (!arena || pr_explain(t, NULL, 0, arena, &e) != 0 || e.n_shortages == 0)
			return;
		pr_arena_free(arena);
		bench_sample(&samples, bench_now() - start);
	}
	ret->explain = bench_median(&samples);
}

static void time_plan(const struct pr_topology *t, struct bench_result *ret)
{
	const struct pr_request request = { .n_targets = 0 };
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct bench_samples samples = { .n = 0 };
	struct pr_plan *plan = NULL;

	while (bench_wants_more(&samples)) {
		double start = bench_now();

		if (pr_plan_make(t, &request, &policy, &plan) != 0)
			return;
		bench_sample(&samples, bench_now() - start);
		ret->planned = plan->verdict == PR_VERDICT_OK;
		(void)snprintf(ret->note, sizeof(ret->note), "%s, %u restarted, %u removed",
			pr_verdict_name(plan->verdict), plan->cost.restarted, plan->cost.removed);
		pr_plan_free(plan);
	}
	ret->plan = bench_median(&samples);
	ret->plan_worst = bench_worst(&samples);
}

static void run(const void *arg, struct bench_result *ret)
{
	const struct size *size = arg;
	struct pr_topology *t = time_build(size, ret);

	if (!t)
		return;
	ret->functions = t->n_functions;
	time_explain(t, ret);
	time_plan(t, ret);
	ret->good = t->n_functions == size->n && ret->plan > 0;
}

/* Time by n log n, against that of the smaller machine: 1 is growth of n log n. */
static double growth(const struct bench_result *small, const struct bench_result *large)
{
	double n = (double)small->functions, m = (double)large->functions;

	return large->plan / small->plan / (m * log(m) / (n * log(n)));
}

void bench_generated(void)
{
	struct bench_result results[ARRAY_SIZE(sizes)];

	printf("\nmade-up machines (milliseconds, MiB)\n%9s  %8s  %5s  %8s  %8s  %9s  %9s  %7s  %s\n",
		"functions", "segments", "cards", "build", "explain", "plan", "worst", "peak",
		"plan is");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bench_result *r = &results[i];

		bench_child(run, &sizes[i], r);
		if (!r->good) {
			printf("%9zu  %8u  failed: %s\n", sizes[i].n, sizes[i].segments, r->note);
			continue;
		}
		printf("%9zu  %8u  %5u  %8.2f  %8.3f  %9.3f  %9.3f  %7.1f  %s\n", r->functions,
			sizes[i].segments, sizes[i].dead, r->build, r->explain, r->plan,
			r->plan_worst, (double)r->peak_kib / 1024, r->note);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (results[i].good && sizes[i].target > 0)
			printf("plan of %u cards among %zu functions %.1f ms, target %.0f ms: %s\n",
				sizes[i].dead, sizes[i].n, results[i].plan, sizes[i].target,
				bench_verdict(results[i].plan, sizes[i].target));
	for (size_t i = 1; i < ARRAY_SIZE(sizes); i++)
		if (results[i - 1].good && results[i].good && sizes[i].dead == 1)
			printf("growth of planning from %zu to %zu: %.2f times n log n\n",
				sizes[i - 1].n, sizes[i].n, growth(&results[i - 1], &results[i]));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planning on every recording that imports: for its own dead devices, and for
 * a made-up card in each empty port.  Recordings without apertures get some
 * that hold what they have and 64 GiB more, so that there is something to plan.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "bench.h"
#include "generate.h"
#include "pciroom/import.h"
#include "pciroom/plan.h"

#define FILES_MAX     128
#define TARGET_MEDIAN 1.0 /* milliseconds, DESIGN section 10 */
#define TARGET_WORST  20.0
#define REPETITIONS   3

struct files {
	char *names[FILES_MAX];
	size_t n;
};

/* ---- one recording, in a child ---- */

struct recording {
	const char *directory, *name;
};

static char *read_beside(const struct recording *r, const char *name, size_t *ret_size)
{
	char path[PATH_MAX], *data = NULL;
	FILE *f;
	long size;

	if (name)
		(void)snprintf(path, sizeof(path), "%s/%.*s/%s", r->directory,
			(int)strcspn(r->name, "/"), r->name, name);
	else
		(void)snprintf(path, sizeof(path), "%s/%s", r->directory, r->name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0) {
		rewind(f);
		data = malloc((size_t)size + 1);
		*ret_size = data ? fread(data, 1, (size_t)size, f) : 0;
	}
	(void)fclose(f); /* only read from */
	return data;
}

static struct pr_topology *load(const struct recording *r, struct bench_result *ret)
{
	struct pr_companions companions = { .iomem_name = "iomem", .ioports_name = "ioports" };
	struct pr_import_error error = { .text = "" };
	struct bench_samples samples = { .n = 0 };
	struct pr_topology *t = NULL, *last = NULL;
	size_t size = 0;
	char *data = read_beside(r, NULL, &size);

	companions.iomem = read_beside(r, "iomem.txt", &companions.iomem_size);
	companions.ioports = read_beside(r, "ioports.txt", &companions.ioports_size);
	while (data && samples.n < 5) {
		double start = bench_now();

		if (pr_input_read(data, size, &companions, &t, NULL, &error) != 0) {
			(void)snprintf(ret->note, sizeof(ret->note), "%.90s", error.text);
			return NULL;
		}
		bench_sample(&samples, bench_now() - start);
		pr_topology_free(last);
		last = t;
	}
	ret->load = bench_median(&samples);
	return last;
}

static bool plan_timed(
	const struct pr_topology *t, const struct pr_address *target, struct bench_samples *samples)
{
	const struct pr_request request = { .targets = target, .n_targets = target != NULL };
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	bool feasible = false;

	for (unsigned int i = 0; i < REPETITIONS; i++) {
		double start = bench_now();
		struct pr_plan *plan = NULL;

		if (pr_plan_make(t, &request, &policy, &plan) != 0)
			return false;
		bench_sample(samples, bench_now() - start);
		feasible = plan->verdict == PR_VERDICT_OK;
		pr_plan_free(plan);
	}
	return feasible;
}

static bool is_empty_port(const struct pr_function *f)
{
	return f->bridge && !f->first_child && !f->no_bus && f->bridge->secondary != 0 &&
	       f->caps->pcie.present == PR_YES &&
	       (f->caps->pcie.port == PR_PORT_ROOT || f->caps->pcie.port == PR_PORT_DOWNSTREAM);
}

static void plan_port(const struct pr_topology *t, const struct pr_function *port,
	struct bench_samples *samples, struct bench_result *ret)
{
	struct pr_address card = { port->address.domain, port->bridge->secondary, 0, 0 };
	struct pr_topology *with_card = bench_add_dead(t, port);

	if (!with_card)
		return;
	ret->tried++;
	ret->planned += plan_timed(with_card, &card, samples);
	pr_topology_free(with_card);
}

static size_t count_dead(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			n += pr_function_health(&t->roots[i]->functions[k]) != PR_HEALTH_OK;
	return n;
}

static void run(const void *arg, struct bench_result *ret)
{
	struct bench_samples samples = { .n = 0 };
	struct pr_topology *t = load(arg, ret);

	if (!t)
		return;
	ret->functions = t->n_functions;
	if (count_dead(t) > 0) {
		ret->tried++;
		ret->planned += plan_timed(t, NULL, &samples);
	}
	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			if (samples.n + REPETITIONS <= SAMPLES_MAX &&
				is_empty_port(&t->roots[i]->functions[k]))
				plan_port(t, &t->roots[i]->functions[k], &samples, ret);
	ret->plan = bench_median(&samples);
	ret->plan_worst = bench_worst(&samples);
	ret->good = true;
}

/* ---- all of them ---- */

static bool is_recording(const char *name)
{
	size_t n = strlen(name);

	return strcmp(name, "sysfs.tar.xz") == 0 ||
	       (strncmp(name, "lspci", 5) == 0 && n > 4 && strcmp(name + n - 4, ".txt") == 0);
}

static void add_files(const char *directory, const char *name, struct files *files)
{
	char path[PATH_MAX];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir)) && files->n < FILES_MAX;) {
		if (!is_recording(e->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", name, e->d_name);
		files->names[files->n] = strdup(path);
		files->n += files->names[files->n] != NULL;
	}
	if (dir)
		(void)closedir(dir); /* only read from */
}

static int compare_names(const void *pa, const void *pb)
{
	char *const *a = pa, *const *b = pb;

	return strcmp(*a, *b);
}

static void print_result(const char *name, const struct bench_result *r)
{
	if (!r->good)
		printf("%-52s %s\n", name, r->note[0] ? r->note : "died");
	else if (r->tried == 0)
		printf("%-52s %5zu  %8.2f  %38s\n", name, r->functions, r->load,
			"no port is known to be empty");
	else
		printf("%-52s %5zu  %8.2f  %5zu  %5zu  %8.3f  %8.3f  %7.1f\n", name, r->functions,
			r->load, r->tried, r->planned, r->plan, r->plan_worst,
			(double)r->peak_kib / 1024);
}

void bench_recordings(const char *directory)
{
	struct bench_samples medians = { .n = 0 };
	struct bench_result result;
	struct files files = { .n = 0 };
	double worst = 0;
	DIR *dir = opendir(directory);

	printf("\nplanning on recordings (milliseconds, MiB)\n");
	if (!dir) {
		printf("no recordings at %s (PCIROOM_RECORDINGS)\n", directory);
		return;
	}
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.')
			add_files(directory, e->d_name, &files);
	(void)closedir(dir); /* only read from */
	qsort(files.names, files.n, sizeof(files.names[0]), compare_names);

	printf("%-52s %5s  %8s  %5s  %5s  %8s  %8s  %7s\n", "recording", "funcs", "load", "plans",
		"good", "median", "worst", "peak");
	for (size_t i = 0; i < files.n; i++) {
		bench_child(run, &(struct recording){ directory, files.names[i] }, &result);
		print_result(files.names[i], &result);
		if (result.good && result.tried > 0) {
			bench_sample(&medians, result.plan);
			worst = result.plan_worst > worst ? result.plan_worst : worst;
		}
		free(files.names[i]);
	}
	if (medians.n == 0)
		return;
	printf("median of the medians %.3f ms, target %.0f ms: %s\n", bench_median(&medians),
		TARGET_MEDIAN, bench_verdict(bench_median(&medians), TARGET_MEDIAN));
	printf("worst %.3f ms, target %.0f ms: %s\n", worst, TARGET_WORST,
		bench_verdict(worst, TARGET_WORST));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault-bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "machine.h"
#include "rows.h"

#define JOURNAL_MAX (8 << 20)

/* Ports with AER, and drivers that are there because of an override, as the text has none. */
static void add_words(const char *text, char *ret, size_t size)
{
	unsigned int line_number = 0;

	*ret = '\0';
	for (const char *line = text, *end; *line; line = end) {
		size_t used = strlen(ret);
		int n;

		end = line + strcspn(line, "\n");
		n = (int)(end - line);
		(void)snprintf(ret + used, size - used, "%.*s%s%s\n", n, line,
			memmem(line, (size_t)n, " bridge ", 8) ? " config=100:01000200" : "",
			line_number++ % 2 && memmem(line, (size_t)n, "=e1000e", 7)
				? " override=e1000e"
				: "");
		end += *end == '\n';
	}
	assert_true(strlen(ret) + 1 < size);
}

static void set(struct bench *b, const struct pr_function *f, size_t n)
{
	const struct pr_backend *s = &b->simulator;
	uint32_t value;

	if (n % 3 != 2)
		assert_int_equal(
			s->ops->set_attribute(s->instance, &f->address, "power/control", "on"), 0);
	if (f->caps->pcie.present != PR_YES || n % 2)
		return;
	assert_int_equal(
		s->ops->read(s->instance, &f->address, f->caps->pcie.offset + 8, 2, &value), 0);
	assert_int_equal(s->ops->write(s->instance, &f->address, f->caps->pcie.offset + 8, 2,
				 (value & 0x0fff) | 0x3000),
		0);
}

/* As an administrator has left it; every third card that works is unbound. */
static void set_up(struct bench *b)
{
	size_t n = 0;

	pr_for_each_root (b->machine, i)
		for (size_t k = 0; k < b->machine->roots[i]->n_functions; k++, n++) {
			const struct pr_function *f = &b->machine->roots[i]->functions[k];

			set(b, f, n);
			if (n % 5 == 4 && !f->bridge && f->facts->driver && !f->facts->n_users)
				assert_int_equal(b->simulator.ops->unbind(
							 b->simulator.instance, &f->address),
					0);
		}
}

void bench_simulate(struct bench *b)
{
	assert_int_equal(pr_backend_simulator_new(b->machine, &b->simulator), 0);
	set_up(b);
	faults_init(&b->faults, &b->simulator);
}

static char *attributes_of(const struct bench *b, const struct pr_function *f)
{
	char text[4096];

	assert_int_equal(b->simulator.ops->attributes(
				 b->simulator.instance, &f->address, text, sizeof(text)),
		0);
	return strdup(text);
}

static void remember(struct bench *b)
{
	size_t n = 0;

	b->attributes = calloc(b->start->n_functions, sizeof(char *));
	assert_non_null(b->attributes);
	pr_for_each_root (b->start, i)
		for (size_t k = 0; k < b->start->roots[i]->n_functions; k++)
			b->attributes[n++] = attributes_of(b, &b->start->roots[i]->functions[k]);
}

/* What a row asks for, in words. */
struct wish {
	struct pr_address target;
	struct pr_resize resize;
	struct pr_vf_wish vfs;
	struct pr_request request;
};

/* "ADDRESS=N": virtual functions. */
static void parse_vfs(const char *text, struct wish *w)
{
	char address[PR_ADDRESS_MAX];

	assert_int_equal(sscanf(text, "%19[^=]=%u", address, &w->vfs.vfs), 2);
	assert_true(pr_address_parse(address, &w->vfs.function));
	w->request.vfs = &w->vfs;
	w->request.n_vfs = 1;
}

static void parse_wish(const char *text, struct wish *w)
{
	char at[PR_ADDRESS_MAX], target[PR_ADDRESS_MAX];
	int n = 0;

	if (!text)
		return;
	if (strchr(text, '=')) {
		parse_vfs(text, w);
		return;
	}
	if (strncmp(text, "resize ", 7) == 0) {
		n = sscanf(text, "resize %13s %" SCNx64 " %13s", at, &w->resize.size, target);
		assert_true(n >= 2 && pr_address_parse(at, &w->resize.function));
		w->resize.index = PR_BAR0 + 2;
		w->request.resizes = &w->resize;
		w->request.n_resizes = 1;
		text = target;
	}
	if (n == 2)
		return;
	assert_true(pr_address_parse(text, &w->target));
	w->request.targets = &w->target;
	w->request.n_targets = 1;
}

/* False when there is nothing to carry out. */
bool bench_init(struct bench *b, const char *text, const char *targets)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct wish wish = { 0 };
	char all[12288], why[200];

	add_words(text, all, sizeof(all));
	*b = (struct bench){ .machine = machine_build(all), .directory = "/tmp/pr-faults-XXXXXX" };
	/* thousands of journals, each line of which is synced */
	if (access("/dev/shm", W_OK) == 0)
		strcpy(b->directory, "/dev/shm/pr-faults-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	(void)snprintf(b->journal, sizeof(b->journal), "%s/journal", b->directory);
	bench_simulate(b);
	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &b->start), 0);
	remember(b);
	parse_wish(targets, &wish);
	assert_int_equal(pr_plan_make(b->start, &wish.request, &policy, &b->plan), 0);
	pr_backend_simulator_free(&b->simulator);
	if (b->plan->verdict != PR_VERDICT_OK)
		return false;
	if (pr_plan_check(b->plan, &policy, why, sizeof(why)) != 0)
		fail_msg("the plan is not good: %s", why);
	return true;
}

void bench_deinit(struct bench *b)
{
	for (size_t i = 0; i < b->start->n_functions; i++)
		free(b->attributes[i]);
	free(b->attributes);
	(void)unlink(b->journal); /* a bench without a run has none */
	assert_int_equal(rmdir(b->directory), 0);
	pr_plan_free(b->plan);
	pr_topology_free(b->start);
	pr_topology_free(b->machine);
}

/* ---- what has to be true afterwards ---- */

/* By the registers, which somebody may have closed, not only by the kernel's table. */
static bool is_passed_on(const struct pr_function *f, const struct pr_resource *r)
{
	for (const struct pr_function *p = f->parent; p; p = p->parent)
		for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
			const struct pr_resource *w = pr_function_resource(p, kind);

			if (w && w->state == PR_RES_ASSIGNED &&
				pr_resource_is_io(w) == pr_resource_is_io(r) &&
				pr_range_contains(&w->range, &r->range) &&
				pr_window_disagrees(p, kind))
				return false;
		}

	return true;
}

static bool resources_are_there(const struct pr_function *was, const struct pr_function *is)
{
	for (unsigned int i = 0; i < PR_WINDOW_IO; i++) {
		const struct pr_resource *a = pr_function_resource(was, i),
					 *c = pr_function_resource(is, i);

		if (i != PR_ROM && a && a->state == PR_RES_ASSIGNED && is_passed_on(was, a) &&
			(!c || c->state != PR_RES_ASSIGNED || !is_passed_on(is, c)))
			return false;
	}

	return true;
}

/* The step that gives virtual functions to the one at @path. */
static const struct pr_step *enabled_by(const struct pr_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == PR_STEP_VFS && plan->steps[i].value > 0 &&
			strcmp(plan->steps[i].path, path) == 0)
			return &plan->steps[i];

	return NULL;
}

/* The number at the end of the line becomes that of the start. */
static void cut_number(char *text)
{
	char *number = strstr(text, "sriov_numvfs=");

	assert_non_null(number);
	strcpy(number, "sriov_numvfs=0\n");
}

/* All of the plan, or nothing of it. */
static void check_enabled(
	const struct bench *b, const struct pr_topology *now, bool done, const char *when)
{
	for (size_t i = 0; i < b->plan->n_steps; i++) {
		const struct pr_step *s = &b->plan->steps[i];
		const struct pr_function *f;

		if (s->kind != PR_STEP_VFS || s->value == 0)
			continue;
		f = pr_topology_find_path(now, s->path);
		assert_non_null(f);
		if (f->facts->sriov_numvfs != (int)(done ? s->value : 0))
			fail_msg("%s: %s has %d virtual functions", when, s->path,
				f->facts->sriov_numvfs);
	}
}

/* Its BARs are to have other sizes. */
static bool is_resized(const struct bench *b, const struct pr_function *f)
{
	for (size_t i = 0; i < b->plan->n_resizes; i++)
		if (pr_address_compare(&b->plan->resizes[i].function, &f->address) == 0)
			return true;
	return false;
}

static bool has_same_sizes(const struct pr_function *was, const struct pr_function *is)
{
	for (unsigned int i = 0; i < PR_WINDOW_IO; i++) {
		const struct pr_resource *a = pr_function_resource(was, i),
					 *c = pr_function_resource(is, i);

		if (a && a->size != PR_SIZE_UNKNOWN && c && c->size != a->size)
			return false;
	}
	return true;
}

/* Judged by hand, not by what the runner itself uses. */
static void check_function(const struct bench *b, const struct pr_topology *now,
	const struct pr_function *was, const char *attributes, bool done, const char *when)
{
	const bool other_sizes = done && is_resized(b, was);
	const struct pr_function *is;
	char path[512], *text;

	assert_int_equal(pr_function_path(was, path, sizeof(path)), 0);
	is = pr_topology_find_path(now, path);
	if (!is || is->removed)
		fail_msg("%s: %s is gone", when, path);
	if ((was->facts->driver != NULL) != (is->facts->driver != NULL) ||
		(was->facts->driver && strcmp(was->facts->driver, is->facts->driver) != 0))
		fail_msg(
			"%s: %s had %s, has %s", when, path, was->facts->driver, is->facts->driver);
	if (!resources_are_there(was, is))
		fail_msg("%s: %s lost a BAR", when, path);
	if (!other_sizes && !has_same_sizes(was, is))
		fail_msg("%s: %s has a BAR of another size", when, path);
	if (memcmp(was->facts->config + 0x3e, is->facts->config + 0x3e,
		    (other_sizes ? 0x100 : was->facts->config_length) - 0x3e) != 0)
		fail_msg("%s: %s has other registers", when, path);
	text = attributes_of(b, is);
	if (enabled_by(b->plan, path))
		cut_number(text); /* asked for by the plan: bench_check_end() knows how many */
	if (strcmp(text, attributes) != 0)
		fail_msg("%s: %s was\n%sis\n%s", when, path, attributes, text);
	free(text);
}

static void check_machine(
	const struct bench *b, const struct pr_topology *now, bool done, const char *when)
{
	size_t n = 0;

	pr_for_each_root (b->start, i)
		for (size_t k = 0; k < b->start->roots[i]->n_functions; k++, n++)
			check_function(b, now, &b->start->roots[i]->functions[k], b->attributes[n],
				done, when);
}

void bench_check_machine(const struct bench *b, const struct pr_topology *now, const char *when)
{
	check_machine(b, now, false, when);
}

void bench_read_journal(const struct bench *b, char **ret)
{
	assert_int_equal(pr_read_file_at(AT_FDCWD, b->journal, JOURNAL_MAX, ret, NULL), 0);
}

/* The start or the plan, and the journal knows. */
void bench_check_end(const struct bench *b, enum pr_outcome outcome, const char *when)
{
	char *text, end[40], why[200] = "";
	struct pr_topology *now;
	size_t n, m;

	bench_read_journal(b, &text);
	n = strlen(text);
	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &now), 0);
	check_machine(b, now, outcome == PR_OUTCOME_DONE, when);
	check_enabled(b, now, outcome == PR_OUTCOME_DONE, when);
	if (outcome == PR_OUTCOME_DONE && !pr_targets_work(b->plan, now, why, sizeof(why)))
		fail_msg("%s: done, and %s", when, why);
	m = (size_t)snprintf(end, sizeof(end), "end %s\n", pr_outcome_name(outcome));
	if (n < m || strcmp(text + n - m, end) != 0)
		fail_msg("%s: no \"%s\" in\n%s", when, end, text);
	free(text);
	pr_topology_free(now);
}

void bench_put_journal(const struct bench *b, const char *text, size_t n)
{
	int fd = open(b->journal, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, n), 0);
	(void)close(fd);
}

bool bench_is_pending(const struct bench *b)
{
	struct pr_journal *journal;
	bool pending;

	assert_int_equal(pr_journal_open(b->directory, &journal), 0);
	pending = pr_journal_pending(journal);
	pr_journal_close(journal);
	return pending;
}

void bench_check_unbegun(const struct bench *b, const char *when)
{
	struct pr_topology *now;

	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &now), 0);
	bench_check_machine(b, now, when);
	check_enabled(b, now, false, when);
	assert_false(bench_is_pending(b));
	pr_topology_free(now);
}

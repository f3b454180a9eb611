/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/macros.h"
#include "machine.h"

static const char scene_text[] =
	"kernel 6.1.0-50-amd64\n"
	"arch x86_64\n"
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"
	"00:01.0 dev 1234:1111 class=030000 bar0=pref:16M@fd000000\n"
	"00:02.0 bridge 01-01 root-port hotplug io=closed mem=fe400000-fe5fffff"
	" pref64=100000000-1001fffff driver=pcieport\n"
	"00:03.0 bridge 02-02 root-port io=closed mem=fe600000-fe6fffff driver=pcieport\n"
	"01:00.0 dev 8086:10d3 class=020000 bar0=mem:128K@fe400000 driver=e1000e\n"
	"01:01.0 dev 1b36:0005 class=ff0000 bar0=mem:4K@fe420000 bar2=pref64:256M@forgotten\n"
	"02:00.0 dev 1b36:0010 class=010802 bar0=mem64:16K@fe600000 driver=nvme\n";

static struct pr_step step(enum pr_step_kind kind, const char *address, const char *path)
{
	struct pr_step s = { .kind = kind, .path = path };

	assert_true(pr_address_parse(address, &s.address));
	return s;
}

static void make_steps(struct scene *s)
{
	s->steps[0] = step(PR_STEP_UNBIND, SCENE_CARD, "0000:00/02.0/00.0");
	s->steps[0].driver = "e1000e";
	s->steps[1] = step(PR_STEP_WRITE, SCENE_PORT, "0000:00/02.0");
	s->steps[1].offset = 0x3e; /* bridge control: says nothing about the layout */
	s->steps[1].width = 1;
	s->steps[1].old = 0;
	s->steps[1].value = 0x02;
	s->steps[2] = step(PR_STEP_REMOVE, SCENE_PORT, "0000:00/02.0");
	s->steps[3] = step(PR_STEP_RESCAN, "0000:00:01.0", "0000:00/01.0");
	s->steps[4] = step(PR_STEP_EXPECT, SCENE_DEAD, "0000:00/02.0/01.0");
}

static void predict(struct scene *s)
{
	struct pr_action actions[] = {
		{ .kind = PR_ACTION_REMOVE, .function = machine_function(s->machine, SCENE_PORT) },
		{ .kind = PR_ACTION_RESCAN,
			.function = machine_function(s->machine, "0000:00:01.0") },
	};
	struct pr_doubt doubt;
	int r;

	assert_int_equal(pr_kernel_select(&s->machine->machine, &s->plan.kernel), 0);
	r = pr_kernel_apply(&s->plan.kernel, s->machine, actions, ARRAY_SIZE(actions),
		&s->plan.prediction, &doubt);
	if (r == 1)
		fail_msg("the model is in doubt: %s", doubt.text);
	assert_int_equal(r, 0);
}

void scene_setup(struct scene *s)
{
	char template[] = "/tmp/pciroom-journal-XXXXXX";

	*s = (struct scene){ .machine = machine_build(scene_text) };
	make_steps(s);
	predict(s);
	s->affected[0].function = machine_function(s->machine, SCENE_PORT);
	s->affected[1].function = machine_function(s->machine, SCENE_CARD);
	s->affected[2].function = machine_function(s->machine, SCENE_DEAD);
	s->targets[0] = machine_function(s->machine, SCENE_DEAD);
	s->plan.topology = s->machine;
	s->plan.generation = s->machine->generation;
	strcpy(s->plan.id, "0123456789abcdef");
	s->plan.verdict = PR_VERDICT_OK;
	s->plan.checked = true; /* by hand, as the steps are made */
	s->plan.targets = s->targets;
	s->plan.n_targets = ARRAY_SIZE(s->targets);
	s->plan.affected = s->affected;
	s->plan.n_affected = ARRAY_SIZE(s->affected);
	s->plan.steps = s->steps;
	s->plan.n_steps = SCENE_STEPS;

	assert_non_null(mkdtemp(template));
	s->directory = strdup(template);
	assert_non_null(s->directory);
}

void scene_teardown(struct scene *s)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/journal", s->directory);
	(void)unlink(path); /* a test may have made none */
	assert_int_equal(rmdir(s->directory), 0);
	free(s->directory);
	pr_topology_free(s->plan.prediction);
	pr_topology_free(s->machine);
}

struct pr_journal *scene_journal(const struct scene *s)
{
	struct pr_journal *j;

	assert_int_equal(pr_journal_open(s->directory, &j), 0);
	return j;
}

char *scene_journal_text(const struct scene *s)
{
	char path[64], *text;

	(void)snprintf(path, sizeof(path), "%s/journal", s->directory);
	assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	return text;
}

static bool function_is_whole(const struct pr_topology *now, const struct pr_function *was)
{
	const struct pr_function *is;
	char path[256];

	assert_int_equal(pr_function_path(was, path, sizeof(path)), 0);
	is = pr_topology_find_path(now, path);
	if (!is || is->removed)
		return false;
	if (was->facts->driver &&
		(!is->facts->driver || strcmp(was->facts->driver, is->facts->driver) != 0))
		return false;
	for (unsigned int i = 0; i < PR_ROM; i++) {
		const struct pr_resource *a = pr_function_resource(was, i),
					 *b = pr_function_resource(is, i);

		if (a && a->state == PR_RES_ASSIGNED && (!b || b->state != PR_RES_ASSIGNED))
			return false;
	}
	return true;
}

/* Judged by hand here, not by the function that the runner itself uses. */
bool scene_is_whole(const struct scene *s, const struct pr_backend *backend)
{
	struct pr_topology *now;
	bool whole = true;

	assert_int_equal(backend->ops->look(backend->instance, &now), 0);
	for (size_t i = 0; i < s->machine->roots[0]->n_functions; i++)
		whole &= function_is_whole(now, &s->machine->roots[0]->functions[i]);
	pr_topology_free(now);
	return whole;
}

bool scene_is_mended(const struct scene *s, const struct pr_backend *backend)
{
	const struct pr_function *f;
	const struct pr_resource *bar;
	struct pr_topology *now;
	bool mended;

	(void)s;
	assert_int_equal(backend->ops->look(backend->instance, &now), 0);
	f = pr_topology_find_path(now, "0000:00/02.0/01.0");
	bar = f && !f->removed ? pr_function_resource(f, 2) : NULL;
	mended = bar && bar->state == PR_RES_ASSIGNED;
	pr_topology_free(now);
	return mended;
}

uint32_t scene_register(const struct pr_backend *backend)
{
	struct pr_address port;
	uint32_t value;

	assert_true(pr_address_parse(SCENE_PORT, &port));
	assert_int_equal(backend->ops->read(backend->instance, &port, 0x3e, 1, &value), 0);
	return value;
}

/* ---- the failing back end ---- */

static void note(struct failing *f, const char *operation, const struct pr_address *a)
{
	char address[PR_ADDRESS_MAX];
	size_t used = strlen(f->log);

	pr_address_format(a, address);
	(void)snprintf(f->log + used, sizeof(f->log) - used, "%s %s; ", operation, address);
}

static bool in_span(const struct failing *f)
{
	return f->at > 0 && f->operations >= f->at && f->operations <= f->until;
}

/* Counts an operation; true when it is to be done. */
static bool enter(struct failing *f, const char *operation, const struct pr_address *a)
{
	f->operations++;
	note(f, operation, a);
	return !in_span(f) || f->how == FAIL_AFTER;
}

static int leave(const struct failing *f, int r)
{
	return in_span(f) ? f->error : r;
}

static int failing_unbind(void *instance, const struct pr_address *a)
{
	struct failing *f = instance;

	return leave(f, enter(f, "unbind", a) ? f->inner.ops->unbind(f->inner.instance, a) : 0);
}

static int failing_bind(void *instance, const struct pr_address *a, const char *driver)
{
	struct failing *f = instance;

	return leave(f, enter(f, "bind", a) ? f->inner.ops->bind(f->inner.instance, a, driver) : 0);
}

static int failing_remove(void *instance, const struct pr_address *a)
{
	struct failing *f = instance;

	return leave(f, enter(f, "remove", a) ? f->inner.ops->remove(f->inner.instance, a) : 0);
}

static int failing_rescan(void *instance, const struct pr_address *a)
{
	struct failing *f = instance;

	return leave(f, enter(f, "rescan", a) ? f->inner.ops->rescan(f->inner.instance, a) : 0);
}

static int failing_rescan_root(void *instance, uint32_t domain, uint8_t bus)
{
	struct pr_address a = { .domain = domain, .bus = bus };
	struct failing *f = instance;

	return leave(f, enter(f, "rescan-root", &a)
				? f->inner.ops->rescan_root(f->inner.instance, domain, bus)
				: 0);
}

static int failing_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	struct failing *f = instance;

	return leave(f, enter(f, "read", a)
				? f->inner.ops->read(f->inner.instance, a, offset, width, ret)
				: 0);
}

static int failing_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	struct failing *f = instance;

	return leave(f, enter(f, "write", a)
				? f->inner.ops->write(f->inner.instance, a, offset, width, value)
				: 0);
}

static int failing_look(void *instance, struct pr_topology **ret)
{
	struct failing *f = instance;

	if (f->looks_fail && in_span(f))
		return f->error;
	return f->inner.ops->look(f->inner.instance, ret);
}

static const struct pr_backend_ops failing_ops = {
	.name = "failing",
	.help = "fails when it is told to",
	.unbind = failing_unbind,
	.bind = failing_bind,
	.remove = failing_remove,
	.rescan = failing_rescan,
	.rescan_root = failing_rescan_root,
	.read = failing_read,
	.write = failing_write,
	.look = failing_look,
};

void failing_init(struct failing *f, const struct pr_backend *inner)
{
	*f = (struct failing){ .inner = *inner, .error = -EIO };
	f->outer = (struct pr_backend){
		.ops = &failing_ops, .instance = f, .settle_ms = inner->settle_ms
	};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resizable BARs: what a kernel makes of a resize in place, and of a size written before a rescan. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/slots.h"
#include "rows.h"

#define M (UINT64_C(1) << 20)
#define G (UINT64_C(1) << 30)

/* The machine of tests/vm/scenarios/resize-by-hand.yaml, as 6.1, 6.12 and 7.x show it after their boot. */
#define HOST "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
/* BAR 2: 16 MiB to 8 GiB; it is of 64 MiB */
#define REBAR " config=100:1500010000ff030022060000"
#define ALONE                                                                        \
	"00:02.0 bridge 01-01 root-port hotplug io=1000-1fff mem=fd000000-fdffffff " \
	"pref64=f8000000-fbffffff driver=pcieport\n"                                 \
	"01:00.0 dev 1234:7e5a bar0=mem:1000000@fd000000 bar2=pref64:4000000@f8000000" REBAR "\n"
#define SWITCH                                                                            \
	"00:03.0 bridge 02-06 root-port hotplug io=2000-3fff mem=fe000000-fe5fffff "      \
	"pref64=ec000000-f7ffffff driver=pcieport\n"                                      \
	"02:00.0 bridge 03-06 upstream io=2000-2fff mem=fe000000-fe5fffff "               \
	"pref64=ec000000-f7ffffff driver=pcieport\n"                                      \
	"03:00.0 bridge 04-04 downstream mem=fe400000-fe5fffff pref64=f0000000-f3ffffff " \
	"driver=pcieport\n"                                                               \
	"03:01.0 bridge 05-05 downstream mem=fe200000-fe3fffff pref64=ec000000-efffffff " \
	"driver=pcieport\n"                                                               \
	"03:02.0 bridge 06-06 downstream hotplug io=2000-2fff mem=fe000000-fe1fffff "     \
	"pref64=f4000000-f41fffff driver=pcieport\n"                                      \
	"04:00.0 dev 1234:7e5a bar2=pref64:4000000@f0000000" REBAR "\n"                   \
	"05:00.0 dev 1234:7e5a bar2=pref64:4000000@ec000000" REBAR "\n"
#define MACHINE HOST ALONE SWITCH

static const char *const kernels[] = { "6.1.0-50-amd64", "6.12.107+deb13-amd64", "6.17.7",
	"6.18.16", "7.2.9", "7.3.4" };

/* ---- in place ---- */

/* @before: addresses that are removed first; @said: where BAR 2, and the windows above it, are then. */
static const struct resize_case {
	const char *name, *before[2], *at;
	uint64_t size;
	const char *said;
} cases[] = {
	{ .name = "alone below its port: the window goes where there is room",
		.at = "01:00.0",
		.size = G,
		.said = "BAR 100000000-13fffffff, 00:02.0 100000000-13fffffff" },
	{ .name = "and shrinks with the BAR",
		.at = "01:00.0",
		.size = 16 * M,
		.said = "BAR 100000000-100ffffff, 00:02.0 100000000-100ffffff" },
	{ .name = "behind a switch it shrinks up to the window that others lie in",
		.at = "04:00.0",
		.size = 32 * M,
		.said = "BAR f0000000-f1ffffff, 03:00.0 f0000000-f1ffffff, "
			"02:00.0 ec000000-f7ffffff, 00:03.0 ec000000-f7ffffff" },
	{ .name = "and where that has no room, everything stays",
		.at = "04:00.0",
		.size = 128 * M,
		.said = "BAR f0000000-f3ffffff, 03:00.0 f0000000-f3ffffff, "
			"02:00.0 ec000000-f7ffffff, 00:03.0 ec000000-f7ffffff" },
	{ .name = "the reserve of an empty port is in the way too",
		.before = { "03:01.0" },
		.at = "04:00.0",
		.size = G,
		.said = "BAR f0000000-f3ffffff, 03:00.0 f0000000-f3ffffff, "
			"02:00.0 ec000000-f7ffffff, 00:03.0 ec000000-f7ffffff" },
	{ .name = "with nobody in the way all windows grow up to the host bridge",
		.before = { "03:01.0", "03:02.0" },
		.at = "04:00.0",
		.size = G,
		.said = "BAR 100000000-13fffffff, 03:00.0 100000000-13fffffff, "
			"02:00.0 100000000-13fffffff, 00:03.0 100000000-13fffffff" },
	{ .name = "the size it has",
		.at = "05:00.0",
		.size = 64 * M,
		.said = "BAR ec000000-efffffff, 03:01.0 ec000000-efffffff, "
			"02:00.0 ec000000-f7ffffff, 00:03.0 ec000000-f7ffffff" },
};

static size_t add_range(char *text, size_t size, const char *who, const struct pr_resource *r)
{
	if (!r || r->state != PR_RES_ASSIGNED)
		return (size_t)snprintf(text, size, "%s none", who);
	return (size_t)snprintf(
		text, size, "%s %" PRIx64 "-%" PRIx64, who, r->range.first, r->range.last);
}

static void say(char *text, size_t size, const struct pr_function *f)
{
	size_t n = add_range(text, size, "BAR", pr_function_resource(f, PR_BAR0 + 2));

	for (f = f->parent; f; f = f->parent) {
		char address[PR_ADDRESS_MAX];

		pr_address_format(&f->address, address);
		n += (size_t)snprintf(text + n, size - n, ", ");
		n += add_range(text + n, size - n, address + strlen("0000:"),
			pr_function_resource(f, PR_WINDOW_PREF));
	}
}

static struct pr_topology *build(const char *kernel, const char *machine)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "kernel %s\n%s", kernel, machine);
	return machine_build(text);
}

static int apply(const struct pr_topology *t, const struct pr_action *actions, size_t n,
	struct pr_topology **ret)
{
	struct pr_doubt doubt = { 0 };
	struct pr_kernel k;
	int r;

	assert_int_equal(pr_kernel_select(&t->machine, &k), 0);
	r = pr_kernel_apply(&k, t, actions, n, ret, &doubt);
	if (r == 1)
		print_error("in doubt: %s\n", doubt.text);
	return r;
}

static void check_on(const struct resize_case *c, const char *kernel)
{
	struct pr_topology *t = build(kernel, MACHINE), *after;
	struct pr_action actions[3];
	char text[400];
	size_t n = 0;

	for (size_t i = 0; i < 2 && c->before[i]; i++)
		actions[n++] = (struct pr_action){ .kind = PR_ACTION_REMOVE,
			.function = machine_function(t, c->before[i]) };
	actions[n++] = (struct pr_action){ .kind = PR_ACTION_RESIZE,
		.function = machine_function(t, c->at),
		.index = PR_BAR0 + 2,
		.size = c->size };
	assert_int_equal(apply(t, actions, n, &after), 0);
	say(text, sizeof(text), pr_topology_same(after, machine_function(t, c->at)));
	if (strcmp(text, c->said) != 0)
		fail_msg("%s: %s\nwanted: %s", kernel, text, c->said);
	pr_topology_free(after);
	pr_topology_free(t);
}

static void test_resize(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		check_on(*state, kernels[i]);
}

static void nobody_else_changes_when_it_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct pr_topology *t = build(kernels[i], MACHINE), *after;
		const struct pr_action grow = { .kind = PR_ACTION_RESIZE,
			.function = machine_function(t, "04:00.0"),
			.index = PR_BAR0 + 2,
			.size = 8 * G };
		char why[200];

		assert_int_equal(apply(t, &grow, 1, &after), 0);
		if (!pr_nothing_lost(t, after, why, sizeof(why)) ||
			!pr_nothing_lost(after, t, why, sizeof(why)))
			fail_msg("%s: %s", kernels[i], why);
		pr_topology_free(after);
		pr_topology_free(t);
	}
}

/* It has no type any more: one kernel goes on without, and gives it the size and no addresses. */
static const struct forgotten_case {
	const char *name, *release, *window;
	uint64_t size;
} forgotten_cases[] = {
	{ "6.1 finds a BAR that was forgotten busy", "6.1.0", "", 64 * M },
	{ "6.12 sizes a BAR that was forgotten, with a closed window above", "6.12.107", "",
		16 * M },
	{ "6.12 gives up without a closed window", "6.12.107",
		" io=1000-1fff mem=f0000000-f00fffff pref=e0000000-e00fffff", 64 * M },
	{ "7.3 refuses a BAR that was forgotten", "7.3.0", "", 64 * M },
};

static void test_forgotten(void **state)
{
	const struct forgotten_case *c = *state;
	char machine[512];
	struct pr_topology *t, *after;
	const struct pr_function *f;

	(void)snprintf(machine, sizeof(machine),
		HOST "00:02.0 bridge 01-01 root-port%s\n"
		     "01:00.0 dev 1234:7e5a bar2=pref64:4000000@forgotten" REBAR "\n",
		c->window);
	t = build(c->release, machine);
	assert_int_equal(apply(t,
				 &(struct pr_action){ .kind = PR_ACTION_RESIZE,
					 .function = machine_function(t, "01:00.0"),
					 .index = PR_BAR0 + 2,
					 .size = 16 * M },
				 1, &after),
		0);
	f = machine_function(after, "01:00.0");
	assert_int_equal(pr_function_resource(f, PR_BAR0 + 2)->state, PR_RES_FORGOTTEN);
	assert_int_equal(pr_function_resource(f, PR_BAR0 + 2)->size, c->size);
	pr_topology_free(after);
	pr_topology_free(t);
}

/* As a window that a failed resize of 6.1 has hidden leaves it: what cannot be claimed is taken away. */
static void a_bar_outside_of_all_windows_is_taken_away_by_a_refusal(void **state)
{
	static const char machine[] =
		"root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n"
		"00:02.0 bridge 01-01 root-port mem=fd000000-fdffffff\n"
		"01:00.0 dev 1234:7e5a bar2=pref64:4000000@f8000000" REBAR "\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct pr_topology *t = build(kernels[i], machine), *after;
		const struct pr_action action = { .kind = PR_ACTION_RESIZE,
			.function = machine_function(t, "01:00.0"),
			.index = PR_BAR0 + 2,
			.size = 8 * G };
		char text[400];

		assert_int_equal(apply(t, &action, 1, &after), 0);
		say(text, sizeof(text), machine_function(after, "01:00.0"));
		assert_string_equal(text, "BAR none, 00:02.0 none");
		pr_topology_free(after);
		pr_topology_free(t);
	}
}

/* ---- what cannot be asked for ---- */

static const struct refused_case {
	const char *name, *machine, *at;
	unsigned int index;
	uint64_t size;
	int r;
} refused[] = {
	{ "a size that the BAR does not have", MACHINE, "01:00.0", PR_BAR0 + 2, 16 * G, -EINVAL },
	{ "a size that no BAR has", MACHINE, "01:00.0", PR_BAR0 + 2, 48 * M, -EINVAL },
	{ "a BAR that cannot be resized", MACHINE, "01:00.0", PR_BAR0, 16 * M, -EINVAL },
	{ "a BAR that is not there", MACHINE, "04:00.0", PR_BAR0, 16 * M, -EINVAL },
	{ "a bridge", MACHINE, "00:02.0", PR_BAR0 + 2, 16 * M, -EINVAL },
	{ "while virtual functions are enabled",
		HOST "00:02.0 dev 1234:7e5a bar2=pref64:4000000@f0000000 vfs=2 numvfs=1 "
		     "vfbar0=mem:1000@fe000000" REBAR "\n",
		"00:02.0", PR_BAR0 + 2, 16 * M, -EBUSY },
	{ "a BAR whose addresses were taken away",
		HOST "00:02.0 bridge 01-01 root-port\n"
		     "01:00.0 dev 1234:7e5a bar2=pref64:4000000@unassigned" REBAR "\n",
		"01:00.0", PR_BAR0 + 2, 16 * M, 1 },
};

static void test_refused(void **state)
{
	const struct refused_case *c = *state;
	struct pr_topology *t = build("6.12.0", c->machine), *after;
	const struct pr_action action = { .kind = PR_ACTION_RESIZE,
		.function = machine_function(t, c->at),
		.index = (uint8_t)c->index,
		.size = c->size };

	assert_int_equal(apply(t, &action, 1, &after), c->r);
	pr_topology_free(t);
}

/* ---- the control register ---- */

#define CONTROL(n) (0x22u | (n) << 8)

static void a_size_written_before_the_removal_is_what_the_rescan_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct pr_topology *t = build(kernels[i], MACHINE), *after;
		const struct pr_function *f = machine_function(t, "04:00.0");
		const struct pr_action actions[] = {
			{ .kind = PR_ACTION_WRITE,
				.function = f,
				.offset = 0x108,
				.width = 4,
				.value = CONTROL(10) },
			{ .kind = PR_ACTION_REMOVE, .function = machine_function(t, "00:03.0") },
			{ .kind = PR_ACTION_RESCAN, .root = t->roots[0] },
		};
		char text[400];

		assert_int_equal(apply(t, actions, 3, &after), 0);
		say(text, sizeof(text), pr_topology_same(after, f));
		if (strncmp(text, "BAR 100000000-13fffffff, ", 25) != 0)
			fail_msg("%s: %s", kernels[i], text);
		pr_topology_free(after);
		pr_topology_free(t);
	}
}

static const struct doubt_case {
	const char *name;
	uint16_t offset;
	uint8_t width;
	uint32_t value;
	bool removes;
} doubts[] = {
	{ "a size written to a BAR that stays", 0x108, 4, CONTROL(10), false },
	{ "a size that the BAR does not have", 0x108, 4, CONTROL(20), true },
	{ "half a control register", 0x108, 2, CONTROL(10), true },
	{ "the capability register", 0x104, 4, 0, true },
};

static void test_doubt(void **state)
{
	const struct doubt_case *c = *state;
	struct pr_topology *t = build("6.12.0", MACHINE), *after;
	const struct pr_function *f = machine_function(t, "04:00.0");
	const struct pr_action actions[] = {
		{ .kind = PR_ACTION_WRITE,
			.function = f,
			.offset = c->offset,
			.width = c->width,
			.value = c->value },
		{ .kind = c->removes ? PR_ACTION_REMOVE : PR_ACTION_RESCAN,
			.function = machine_function(t, "00:03.0") },
		{ .kind = PR_ACTION_RESCAN, .root = t->roots[0] },
	};

	assert_int_equal(apply(t, actions, 3, &after), 1);
	pr_topology_free(t);
}

/* ---- plans ---- */

#define DRIVEN                                                               \
	HOST "00:02.0 bridge 01-01 root-port hotplug mem=fd000000-fdffffff " \
	     "pref64=f8000000-fbffffff driver=pcieport\n"                    \
	     "01:00.0 dev 1234:7e5a bar2=pref64:4000000@f8000000 driver=xe" REBAR "\n"

#define VFS_64M(at, where)                                                             \
	at " dev 1234:7e5a vfs=4 vfbar0=pref64:4000000@" where " config=100:10000114 " \
	   "config=140:24000100100f000020060000\n"

/* @said: verdict, then what is done, a word a step; for a refusal a part of its reason. */
static const struct plan_case {
	const char *name, *machine, *at, *target;
	const char *also; /* another one, which is to have the same size */
	uint8_t index;    /* 0: BAR 2 */
	uint64_t size;
	enum pr_disruption limit;
	const char *kept; /* by the policy keeps its sizes */
	const char *said, *why;
} plans[] = {
	{ .name = "in place, where that has room",
		.machine = MACHINE,
		.at = "01:00.0",
		.size = G,
		.said = "ok: resize 01:00.0 40000000 expect" },
	{ .name = "a driver lets go of it first",
		.machine = DRIVEN,
		.at = "01:00.0",
		.size = 16 * M,
		.limit = PR_DISRUPTION_RESTART,
		.said = "ok: unbind 01:00.0 resize 01:00.0 1000000 expect" },
	{ .name = "but not where no driver may be restarted",
		.machine = DRIVEN,
		.at = "01:00.0",
		.size = 16 * M,
		.said = "too-disruptive: unbind 01:00.0 resize 01:00.0 1000000 expect",
		.why = "01:00.0" },
	{ .name = "not against the policy",
		.machine = MACHINE,
		.at = "01:00.0",
		.size = G,
		.kept = "0000:01:00.0",
		.said = "vetoed:",
		.why = "by the policy the BARs of 0000:01:00.0 keep their sizes" },
	{ .name = "the size it has",
		.machine = MACHINE,
		.at = "01:00.0",
		.size = 64 * M,
		.said = "nothing:" },
	{ .name = "by register, where others have to move",
		.machine = MACHINE,
		.at = "04:00.0",
		.size = G,
		.said = "ok: write 04:00.0 108 a22 remove 00:03.0 rescan expect" },
	{ .name = "the largest: what it supports and the host bridge has",
		.machine = MACHINE,
		.at = "04:00.0",
		.size = PR_RESIZE_LARGEST,
		.said = "ok: write 04:00.0 108 d22 remove 00:03.0 rescan expect" },
	{ .name = "the largest that there is room for",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n" ALONE,
		.at = "01:00.0",
		.size = PR_RESIZE_LARGEST,
		.said = "ok: resize 01:00.0 20000000 expect" },
	{ .name = "nothing helps where the host bridge has no room",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n" ALONE,
		.at = "01:00.0",
		.size = 2 * G,
		.said = "infeasible:",
		.why = "BAR 2" },
	{ .name = "no register is written in lockdown",
		.machine = "lockdown integrity\n" MACHINE,
		.at = "04:00.0",
		.size = G,
		.said = "infeasible:",
		.why = "lockdown" },
	{ .name = "but the kernel may resize in place",
		.machine = "lockdown integrity\n" MACHINE,
		.at = "01:00.0",
		.size = G,
		.said = "ok: resize 01:00.0 40000000 expect" },
	{ .name = "a BAR that virtual functions have",
		.machine = HOST "00:02.0 bridge 01-01 root-port hotplug mem=fd000000-fdffffff "
				"pref64=f8000000-fbffffff driver=pcieport\n"
				"01:00.0 dev 1234:7e5a vfs=4 vfbar0=pref64:1000000@f8000000 "
				"config=100:10000114 "
				"config=140:24000100000f000020040000\n",
		.at = "01:00.0",
		.index = PR_VF_BAR0,
		.size = 64 * M,
		.said = "ok: write 01:00.0 148 620 remove 00:02.0 rescan expect" },
	{ .name = "two on different buses: each size is written before its own removal",
		.machine = HOST
		"00:02.0 bridge 01-01 root-port pref64=e0000000-efffffff\n" VFS_64M("01:00.0",
			"e0000000") "00:03.0 bridge 02-02 root-port "
				    "pref64=d0000000-dfffffff\n" VFS_64M("02:00.0", "d0000000"),
		.at = "01:00.0",
		.also = "02:00.0",
		.index = PR_VF_BAR0,
		.size = 16 * M,
		.said = "ok: write 01:00.0 148 420 remove 01:00.0 rescan "
			"write 02:00.0 148 420 remove 02:00.0 rescan expect" },
	{ .name = "what gives up room may make another work",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-c6ffffff\n"
			   "00:02.0 bridge 01-01 root-port hotplug "
			   "pref64=c0000000-c3ffffff driver=pcieport\n"
			   "01:00.0 dev 1234:7e5a bar2=pref64:4000000@c0000000" REBAR "\n"
			   "00:03.0 bridge 02-02 root-port hotplug mem=c4000000-c41fffff "
			   "pref64=c4200000-c43fffff driver=pcieport\n"
			   "02:00.0 dev 1b36:0005 bar2=pref64:4000000@forgotten\n",
		.at = "01:00.0",
		.target = "02:00.0",
		.size = 16 * M,
		.said = "ok: write 01:00.0 108 422 remove 00:02.0 remove 00:03.0 rescan expect" },
};

/* ---- idle devices give up room ---- */

#define GIVER(words)                                                                        \
	"root 0000:00-ff io=1000-ffff mem=c0000000-c6ffffff\n"                              \
	"00:02.0 bridge 01-01 root-port hotplug pref64=c0000000-c3ffffff driver=pcieport\n" \
	"01:00.0 dev 1234:7e5a bar2=pref64:4000000@c0000000" words REBAR "\n"               \
	"00:03.0 bridge 02-02 root-port hotplug mem=c4000000-c41fffff "                     \
	"pref64=c4200000-c43fffff driver=pcieport\n"                                        \
	"02:00.0 dev 1b36:0005 bar2=pref64:4000000@forgotten\n"
static const struct plan_case gifts[] = {
	{ .name = "as little as does it",
		.machine = GIVER(""),
		.said = "ok: write 01:00.0 108 522 remove 00:02.0 remove 00:03.0 rescan expect" },
	{ .name = "nobody who has a driver",
		.machine = GIVER(" driver=xe"),
		.limit = PR_DISRUPTION_IN_USE,
		.said = "infeasible:",
		.why = "BAR 2" },
	{ .name = "nobody who by the policy keeps his sizes",
		.machine = GIVER(""),
		.kept = "0000:00/02.0/00.0",
		.said = "infeasible:" },
	{ .name = "nobody where it helps without",
		.machine = HOST "00:02.0 bridge 01-01 root-port hotplug driver=pcieport\n"
				"01:00.0 dev 1b36:0005 bar2=pref64:4000000@forgotten\n"
				"00:03.0 dev 1234:7e5a bar2=pref64:4000000@c0000000" REBAR "\n",
		.said = "ok: remove 00:02.0 rescan expect" },
};

static size_t say_step(char *text, size_t size, const struct pr_step *s)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&s->address, address);
	if (s->kind == PR_STEP_EXPECT || s->kind == PR_STEP_RESCAN)
		return (size_t)snprintf(text, size, " %s", pr_step_name(s->kind));
	if (s->kind == PR_STEP_WRITE && s->offset < 0x100)
		return 0; /* up to 6.12 windows may have to be closed first */
	if (s->kind == PR_STEP_WRITE)
		return (size_t)snprintf(text, size, " write %s %x %x", address + strlen("0000:"),
			s->offset, s->value);
	if (s->kind == PR_STEP_RESIZE)
		return (size_t)snprintf(
			text, size, " resize %s %" PRIx64, address + strlen("0000:"), s->size);
	return (size_t)snprintf(
		text, size, " %s %s", pr_step_name(s->kind), address + strlen("0000:"));
}

static struct pr_plan *make_plan(const struct pr_topology *t, const struct plan_case *c)
{
	const struct pr_resize size = { .index = c->index ? c->index : PR_BAR0 + 2,
		.size = c->size };
	struct pr_resize resizes[2] = { size, size };
	struct pr_request request = { .resizes = resizes,
		.n_resizes = c->also ? 2
			     : c->at ? 1
				     : 0,
		.shrink = true };
	const struct pr_policy policy = {
		.limit = c->limit, .sized = &c->kept, .n_sized = c->kept ? 1 : 0
	};
	struct pr_plan *p;
	char why[256];

	if (c->at)
		resizes[0].function = machine_function(t, c->at)->address;
	if (c->also)
		resizes[1].function = machine_function(t, c->also)->address;
	if (c->target) {
		request.targets = &machine_function(t, c->target)->address;
		request.n_targets = 1;
	}
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	if (p->verdict == PR_VERDICT_OK && pr_plan_check(p, &policy, why, sizeof(why)) != 0)
		fail_msg("the check says: %s", why);
	return p;
}

static void check_plan(const struct plan_case *c, const char *kernel)
{
	struct pr_topology *t = build(kernel, c->machine);
	struct pr_plan *p = make_plan(t, c);
	char text[600];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s:", pr_verdict_name(p->verdict));

	for (size_t i = 0; i < p->n_steps; i++)
		n += say_step(text + n, sizeof(text) - n, &p->steps[i]);
	if (strcmp(text, c->said) != 0)
		fail_msg("%s: %s (%s)\nwanted: %s", kernel, text, p->why ? p->why : "-", c->said);
	if (c->why && (!p->why || !strstr(p->why, c->why)))
		fail_msg("%s: \"%s\" says nothing of %s", kernel, p->why ? p->why : "", c->why);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void test_plan(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		check_plan(*state, kernels[i]);
}

/* ---- what there is room for ---- */

/*
 * @said: a line for each BAR, "ADDRESS NOW FREE RESTART IN_USE" in MiB, "?" for what cannot be said.
 * What is printed is planned for once more, and the next size that the BAR could have is not to be
 * had.
 */
static const struct room_case {
	const char *name, *machine;
	enum pr_disruption limit;
	const char *said, *doubt; /* of the first BAR; NULL: not looked at */
} rooms[] = {
	{ .name = "alone below its port, and behind a switch: others have to move",
		.machine = MACHINE,
		.limit = PR_DISRUPTION_IN_USE,
		.said = "01:00.0 8192 8192 8192 8192\n04:00.0 64 8192 8192 8192\n"
			"05:00.0 64 8192 8192 8192\n" },
	{ .name = "that its own driver lets go is nothing that happens to others",
		.machine = DRIVEN,
		.limit = PR_DISRUPTION_RESTART,
		.said = "01:00.0 8192 8192 8192 8192\n" },
	{ .name = "it has what it has where its driver may not",
		.machine = DRIVEN,
		.said = "01:00.0 64 64 64 64\n" },
	{ .name = "no more than the host bridge has",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n" ALONE,
		.said = "01:00.0 512 512 512 512\n" },
	{ .name = "apertures that are not known",
		.machine = "root 0000:00-ff\n" ALONE,
		.said = "01:00.0 64 ? ? ?\n",
		.doubt = "0000:00:02.0: the address ranges of its host bridge are not known" },
	{ .name = "what is in doubt is said, though a plan beyond the limit would do",
		.machine =
			"root 0000:00-ff io=1000-ffff mem=c0000000-cfffffff\n"
			"00:02.0 bridge 01-01 root-port pref64=c0000000-c3ffffff driver=pcieport\n"
			"01:00.0 dev 1234:7e5a bar2=pref64:4000000@c0000000" REBAR "\n"
			"00:03.0 bridge 02-02 root-port pref64=c4000000-c4ffffff driver=pcieport\n"
			"02:00.0 dev 8086:10d3 bar0=pref64:1000000@c4000000 "
			"bar2=pref64:100000@forgotten?\n"
			"00:04.0 bridge 03-03 root-port pref64=c8000000-cbffffff driver=pcieport\n"
			"03:00.0 dev 8086:10d3 bar0=pref64:4000000@c8000000 driver=e1000e\n",
		.said = "01:00.0 64 ? ? ?\n",
		.doubt = "0000:02:00.0: the size of BAR 2 is not known" },
};

static void write_room(const struct pr_resizable *z, char *text, size_t size)
{
	char address[PR_ADDRESS_MAX];
	size_t n = strlen(text);

	pr_address_format(&z->function->address, address);
	n += (size_t)snprintf(text + n, size - n, "%s", address + strlen("0000:"));
	for (unsigned int when = 0; when < PR_WHEN_BOOT; when++)
		n += (size_t)(z->largest[when] == PR_ROOM_UNKNOWN
				      ? snprintf(text + n, size - n, " ?")
				      : snprintf(text + n, size - n, " %" PRIu64,
						z->largest[when] / M));
	(void)snprintf(text + n, size - n, "\n");
}

/* What the planner says of one size by itself. */
static bool is_planned(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_resizable *z, uint64_t size)
{
	const struct pr_resize resize = { z->function->address, z->bar->index, size };
	const struct pr_request request = { .resizes = &resize, .n_resizes = 1 };
	struct pr_plan *p;
	bool good;

	assert_int_equal(pr_plan_make(t, &request, policy, &p), 0);
	good = p->verdict == PR_VERDICT_OK || p->verdict == PR_VERDICT_NOTHING;
	pr_plan_free(p);
	return good;
}

static void check_room(
	const struct pr_topology *t, const struct pr_policy *policy, const struct pr_resizable *z)
{
	uint64_t most = z->largest[PR_WHEN_IN_USE];

	if (most == PR_ROOM_UNKNOWN)
		return;
	assert_true(is_planned(t, policy, z, most));
	if (most < 8 * G)
		assert_false(is_planned(t, policy, z, 2 * most));
}

static void check_rooms(const struct room_case *c, const char *kernel)
{
	const struct pr_policy policy = { .limit = c->limit };
	const struct pr_slots_request request = { 0 };
	struct pr_slots *slots;
	struct pr_topology *t;
	char text[4096], said[512] = "";

	(void)snprintf(text, sizeof(text), "kernel %s\ncmdline quiet\nlockdown none\n%s", kernel,
		c->machine);
	t = machine_build(text);
	assert_int_equal(pr_slots_make(t, &policy, &request, &slots), 0);
	for (size_t i = 0; i < slots->n_resizable; i++) {
		write_room(&slots->resizable[i], said, sizeof(said));
		check_room(t, &policy, &slots->resizable[i]);
	}
	if (strcmp(said, c->said) != 0)
		fail_msg("%s: %s", kernel, said);
	if (c->doubt)
		assert_string_equal(slots->resizable[0].doubt, c->doubt);
	pr_slots_free(slots);
	pr_topology_free(t);
}

static void test_room(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		check_rooms(*state, kernels[i]);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_resize);
	ADD_TEST(&tests, nobody_else_changes_when_it_is_refused);
	ADD_TEST(&tests, a_bar_outside_of_all_windows_is_taken_away_by_a_refusal);
	ADD_ROWS(&tests, forgotten_cases, test_forgotten);
	ADD_ROWS(&tests, refused, test_refused);
	ADD_TEST(&tests, a_size_written_before_the_removal_is_what_the_rescan_places);
	ADD_ROWS(&tests, doubts, test_doubt);
	ADD_ROWS(&tests, plans, test_plan);
	ADD_ROWS(&tests, gifts, test_plan);
	ADD_ROWS(&tests, rooms, test_room);
	return rows_run(&tests, "resize");
}

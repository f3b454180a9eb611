/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.pciroom1 as a client sees it: properties, plans, jobs, and every refusal by its name. */
#include "stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../unit/machine.h"
#include "base/clock.h"
#include "daemon/bus-call.h"

static void test_properties(void **state)
{
	struct stage s;
	struct pr_topology *t = machine_build(machine_dead);

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	assert_int_equal(client_get_u64(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Generation"), 0);
	stage_start(&s);
	assert_heard(&s, "PropertiesChanged " PR_BUS_PATH " " PR_BUS_MANAGER);
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Mode", "advise");
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "idle");
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Lockdown", "none");
	assert_int_equal(client_get_unassigned(&s), 1);
	assert_int_equal(
		client_get_u64(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Generation"), t->generation);
	pr_topology_free(t);
	stage_close(&s);
}

static void test_topology(void **state)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	struct pr_topology *expected = machine_build(machine_dead), *got = NULL;
	struct pr_import_error error = { 0 };
	char why[200], *text;
	struct stat st;
	struct stage s;
	sd_bus_message *m;
	int fd = -1;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	m = client_manager_call(&s, "GetTopology");
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	m = client_call(&s, m);
	assert_true(sd_bus_message_read(m, "h", &fd) > 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS), seals);
	assert_int_equal(fstat(fd, &st), 0);
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(text != MAP_FAILED);
	if (pr_snapshot_read(text, (size_t)st.st_size, &got, &error) != 0)
		fail_msg("%s", error.text);
	if (!pr_topology_equal(expected, got, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(munmap(text, (size_t)st.st_size), 0);
	sd_bus_message_unref(m);
	pr_topology_free(got);
	pr_topology_free(expected);
	stage_close(&s);
}

static void test_plan(void **state)
{
	struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct pr_topology *t = machine_build(machine_dead);
	struct pr_request request = { 0 };
	struct pr_plan *expected = NULL;
	char path[PR_BUS_PATH_MAX];
	const char *kind, *address, *text;
	sd_bus_message *m;
	struct stage s;
	size_t n = 0;

	(void)state;
	assert_int_equal(pr_plan_make(t, &request, &policy, &expected), 0);
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ .target = "0000:00/02.0/00.0" }, path);
	assert_string_equal(path, PR_BUS_PLANS "/1");
	client_assert_text(&s, path, PR_BUS_PLAN, "Id", expected->id);
	client_assert_text(&s, path, PR_BUS_PLAN, "State", "ready");
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_OK));
	client_assert_text(&s, path, PR_BUS_PLAN, "Why", "");
	client_assert_text(&s, path, PR_BUS_PLAN, "Disruption", "free");
	m = client_get(&s, path, PR_BUS_PLAN, "Steps");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(sss)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(sss)") > 0);
	for (; sd_bus_message_read(m, "(sss)", &kind, &address, &text) > 0; n++)
		assert_string_equal(kind, pr_step_name(expected->steps[n].kind));
	assert_int_equal(n, expected->n_steps);
	sd_bus_message_unref(m);
	pr_plan_free(expected);
	pr_topology_free(t);
	stage_close(&s);
}

/* Virtual functions are, too. */
static void test_plan_vfs(void **state)
{
	static const char machine[] =
		"kernel 6.12.0\nroot 0000:00-ff mem=c0000000-febfffff\n"
		"00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"
		"01:00.0 dev 1b36:0010 bar0=mem64:4000@fe000000 vfs=4 numvfs=0 "
		"vfbar0=mem64:4000@fe010000 driver=nvme\n";
	char path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ .pf = "0000:01:00.0", .vfs = 4 }, path);
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_OK));
	client_plan(&s, &(struct asked){ .pf = "0000:01:00.0", .vfs = 5 }, path);
	client_assert_text(
		&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_INFEASIBLE));
	stage_close(&s);
}

/* More bus numbers are a reason for a plan by themselves. */
static void test_plan_buses(void **state)
{
	char path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ .bridge = "0000:00/02.0", .buses = 1 }, path);
	client_assert_text(
		&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_NOTHING));
	client_plan(&s, &(struct asked){ .bridge = "0000:00/02.0", .buses = 40 }, path);
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_OK));
	stage_close(&s);
}

/* BAR 2 of 16 MiB to 8 GiB, of 64 MiB now */
static const char machine_resizable[] =
	"root 0000:00-ff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe1fffff pref64=f0000000-f3ffffff "
	"driver=pcieport\n"
	"01:00.0 dev 1234:7e5a bar2=pref64:4000000@f0000000 "
	"config=100:1500010000ff030022060000\n";

static void test_plan_resize(void **state)
{
	const struct asked largest = { .resized = "0000:01:00.0", .resource = 2 };
	char path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_resizable, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &largest, path);
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_OK));
	client_assert_refused(client_create_plan(&s, &(struct asked){ .resized = "0000:01:00.0",
							     .resource = 2,
							     .size = UINT64_C(1) << 40 }),
		"org.pciroom1.Error.NoSuchDevice", "a resource 2 that can have this size");
	client_assert_refused(
		client_create_plan(&s, &(struct asked){ .resized = "0000:44:00.0", .resource = 2 }),
		"org.pciroom1.Error.NoSuchDevice", "0000:44:00.0");
	stage_close(&s);
}

/* Numbers for a switch that nobody has looked behind, from a port whose card gets another address. */
static const char machine_renumbered[] =
	"kernel 6.1.0\nlockdown none\nroot 0000:00-04 io=1000-ffff mem=c0000000-febfffff\n"
	"00:02.0 bridge 01-01 root-port hotplug driver=pcieport\n"
	"01:00.0 bridge none upstream\n"
	"00:03.0 bridge 02-02 root-port driver=pcieport\n"
	"02:00.0 dev 8086:10d3 class=020000 group=13\n";

static void test_plan_effects(void **state)
{
	const char *kind, *device, *before, *after, *text, *file;
	uint8_t secondary = 0, subordinate = 0;
	char path[PR_BUS_PATH_MAX];
	struct stage s;
	sd_bus_message *m;
	uint32_t line;

	(void)state;
	stage_open(&s, machine_renumbered, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ .target = "0000:01:00.0" }, path);
	m = client_get(&s, path, PR_BUS_PLAN, "Effects");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(sossssu)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(sossssu)") > 0);
	assert_true(sd_bus_message_read(m, "(sossssu)", &kind, &device, &before, &after, &text,
			    &file, &line) > 0);
	assert_string_equal(kind, "iommu-group");
	assert_string_equal(text, "IOMMU group 13 is made anew, perhaps with another number");
	sd_bus_message_unref(m);
	client_assert_text(&s, path, PR_BUS_PLAN, "EffectsUnseen", "");
	m = client_get(&s, path, PR_BUS_PLAN, "Unseen");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(oyy)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(oyy)") > 0);
	assert_true(sd_bus_message_read(m, "(oyy)", &device, &secondary, &subordinate) > 0);
	assert_int_equal(secondary, 2);
	assert_int_equal(subordinate, 3);
	sd_bus_message_unref(m);
	stage_close(&s);
}

static void test_plan_reserve(void **state)
{
	struct asked asked = { .bridge = "0000:00/02.0", .window = "pref", .size = 0x100000 };
	char path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &asked, path);
	client_assert_text(
		&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_NOTHING));
	asked.size = 0x40000000;
	client_plan(&s, &asked, path);
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_OK));
	stage_close(&s);
}

/* Refusals of CreatePlan. */
/* Characters of three bytes, more than is told of a name. */
#define EUROS "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€"

static const struct create_case {
	const char *name;
	struct asked asked;
	const char *error, *text;
} create_cases[] = {
	{ "CreatePlan: a device that is not there", { .target = "0000:44:00.0" },
		"org.pciroom1.Error.NoSuchDevice", "there is no device 0000:44:00.0" },
	{ "CreatePlan: a path that leads nowhere", { .target = "0000:00/02.0/01.0" },
		"org.pciroom1.Error.NoSuchDevice", "0000:00/02.0/01.0" },
	{ "CreatePlan: a device that is no device", { .target = "eth0" },
		"org.pciroom1.Error.NoSuchDevice", "eth0" },
	{ "CreatePlan: a name that is cut off within a character", { .target = EUROS },
		"org.pciroom1.Error.NoSuchDevice", "there is no device " },
	{ "CreatePlan: the same, of a bridge", { .bridge = EUROS, .buses = 257 },
		SD_BUS_ERROR_INVALID_ARGS, EUROS " is a number" },
	{ "CreatePlan: a pin that is not there", { .pinned = "0000:44:00.0" },
		"org.pciroom1.Error.NoSuchDevice", "0000:44:00.0 to pin" },
	{ "CreatePlan: a key that is not known", { .unknown = "red" }, SD_BUS_ERROR_INVALID_ARGS,
		"\"colour\"" },
	{ "CreatePlan: a limit that is none", { .disruption = "pinned" }, SD_BUS_ERROR_INVALID_ARGS,
		"not \"pinned\"" },
	{ "CreatePlan: bus numbers for what is no bridge", { .bridge = "0000:00:1f.0", .buses = 4 },
		"org.pciroom1.Error.NoSuchDevice", "there is no bridge 0000:00:1f.0" },
	{ "CreatePlan: no bus numbers", { .bridge = "0000:00:02.0", .buses = 0 },
		SD_BUS_ERROR_INVALID_ARGS, "from 1 to 256" },
	{ "CreatePlan: more bus numbers than there are", { .bridge = "0000:00:02.0", .buses = 257 },
		SD_BUS_ERROR_INVALID_ARGS, "from 1 to 256" },
	{ "CreatePlan: room for what is no bridge",
		{ .bridge = "0000:00:1f.0", .window = "mem", .size = 0x100000 },
		"org.pciroom1.Error.NoSuchDevice", "there is no bridge 0000:00:1f.0" },
	{ "CreatePlan: room in a window that nobody gives",
		{ .bridge = "0000:00:02.0", .window = "rom", .size = 0x100000 },
		SD_BUS_ERROR_INVALID_ARGS, "\"mem\" or \"pref\"" },
	{ "CreatePlan: I/O ports that are no multiple of 4 KiB",
		{ .bridge = "0000:00:02.0", .window = "io", .size = 0x800 },
		SD_BUS_ERROR_INVALID_ARGS, "4 KiB" },
	{ "CreatePlan: room that is no multiple of 1 MiB",
		{ .bridge = "0000:00:02.0", .window = "mem", .size = 0x100001 },
		SD_BUS_ERROR_INVALID_ARGS, "multiple of 1 MiB" },
	{ "CreatePlan: a flag", { .flags = 1 }, "org.pciroom1.Error.NotSupported", "flag" },
};

static void test_create_refused(void **state)
{
	const struct create_case *c = *state;
	struct stage s;

	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_refused(client_create_plan(&s, &c->asked), c->error, c->text);
	assert_int_equal(pr_service_plans(s.service)->n, 0);
	stage_close(&s);
}

/* Refusals of ApplyPlan; nothing runs. */
static const struct apply_case {
	const char *name, *machine, *plan; /* plan NULL: one for everything dead */
	uint64_t generation_off;
	uint32_t confirm;
	const char *error, *text;
} apply_cases[] = {
	{ "ApplyPlan: a plan never made", machine_dead, PR_BUS_PLANS "/7", 0, 0,
		"org.pciroom1.Error.StalePlan", "discarded, or never made" },
	{ "ApplyPlan: a number with a leading zero is no plan", machine_dead, PR_BUS_PLANS "/01", 0,
		0, SD_BUS_ERROR_INVALID_ARGS, "is not a plan" },
	{ "ApplyPlan: the manager is no plan", machine_dead, PR_BUS_PATH, 0, 0,
		SD_BUS_ERROR_INVALID_ARGS, "is not a plan" },
	{ "ApplyPlan: another generation", machine_dead, NULL, 1, 0, "org.pciroom1.Error.StalePlan",
		"the plan is for generation" },
	{ "ApplyPlan: what does not fit", machine_hopeless, NULL, 0, 0,
		"org.pciroom1.Error.Infeasible", "64 GiB" },
	{ "ApplyPlan: nothing to do", machine_healthy, NULL, 0, 0, "org.pciroom1.Error.Infeasible",
		"no device is dead" },
	{ "ApplyPlan: beyond the limit", machine_dead_in_use, NULL, 0, 0,
		"org.pciroom1.Error.InUse", "/srv" },
	{ "ApplyPlan: waiting for a confirmation for days", machine_dead, NULL, 0, 86401,
		SD_BUS_ERROR_INVALID_ARGS, "at most 86400 seconds" },
};

static void test_apply_refused(void **state)
{
	const struct apply_case *c = *state;
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	uint64_t generation;

	stage_open(&s, c->machine, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	generation = client_get_u64(&s, plan, PR_BUS_PLAN, "Generation");
	client_assert_refused(client_apply(&s, c->plan ? c->plan : plan,
				      generation + c->generation_off, c->confirm),
		c->error, c->text);
	assert_null(strstr(stage_heard(&s), "Job"));
	stage_close(&s);
}

static void test_apply(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.machine_after = machine_mended;
	stage_start(&s);
	client_plan_and_apply(&s);
	assert_heard(&s, "JobNew 1", "PropertiesChanged " PR_BUS_JOBS "/1 " PR_BUS_JOB " Step",
		"JobReport 0 done", "JobRemoved 1 done");
	assert_story(&s, "dead device=0000:01:00.0", "plan-found device=0000:01:00.0 plan=yes",
		"apply-started device=0000:01:00.0 plan=yes job=1",
		"step device=0000:01:00.0 plan=yes job=1",
		"applied device=0000:01:00.0 plan=yes job=1", "mended device=0000:01:00.0");
	assert_int_equal(client_get_unassigned(&s), 0);
	client_assert_text(&s, PR_BUS_PLANS "/1", PR_BUS_PLAN, "State", "applied");
	stage_close(&s);
}

/* The room of the slot beside the dead card would be lost on this kernel. */
static const char machine_beside_a_slot[] =
	"kernel 7.2.0\ncmdline quiet\nlockdown none\n"
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"
	"00:02.0 bridge 01-04 root-port hotplug pref64=100000000-107ffffff\n"
	"01:00.0 bridge 02-04 upstream pref64=100000000-107ffffff\n"
	"02:00.0 bridge 03-03 downstream hotplug pref64=100000000-1001fffff\n"
	"02:01.0 bridge 04-04 downstream hotplug pref64=104000000-107ffffff\n"
	"03:00.0 dev 1234:1111 class=038000 bar2=pref64:10000000@forgotten\n";

/* Everything that it goes by is there, so that a client who plans with it comes to the same. */
static void assert_policy(struct stage *s, const char *plan)
{
	sd_bus_message *m = client_get(s, plan, PR_BUS_PLAN, "Policy");
	const char *keys[4], *limit, *pinned, *sized, *slot;
	uint64_t io, mem, pref;
	uint32_t buses;

	assert_true(sd_bus_message_enter_container(m, 'v', "a{sv}") > 0);
	assert_true(sd_bus_message_read(m, "a{sv}", 4, &keys[0], "s", &limit, &keys[1], "as", 1,
			    &pinned, &keys[2], "as", 1, &sized, &keys[3], "a(stttu)", 1, &slot, &io,
			    &mem, &pref, &buses) > 0);
	assert_string_equal(keys[0], "Disruption");
	assert_string_equal(keys[1], "Pinned");
	assert_string_equal(keys[2], "Sized");
	assert_string_equal(keys[3], "Reserves");
	assert_string_equal(limit, "restart");
	assert_string_equal(pinned, "0000:00/1f.7");
	assert_string_equal(sized, "0000:03:00.0");
	assert_string_equal(slot, "0000:00/02.0/00.0/01.0");
	assert_true(io == 0 && mem == 0 && pref == UINT64_C(64) << 20 && buses == 0);
	sd_bus_message_unref(m);
}

static void test_reserve_rule(void **state)
{
	static const char text[] =
		"pinned: [0000:00/1f.7]\n"
		"rules: [{match: {path: 0000:00/02.0/00.0/01.0}, reserve: {prefetchable: 64M}},\n"
		"  {match: {id: '1234:1111'}, resize: no}]";
	char plan[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_beside_a_slot, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(&s, plan, PR_BUS_PLAN, "State", "ready");
	stage_configure(&s, text);
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(&s, plan, PR_BUS_PLAN, "State", "refused");
	assert_policy(&s, plan);
	stage_close(&s);
}

/* A plan is carried out that waits @confirm_s to be confirmed, and has come that far. */
static void apply_and_wait(struct stage *s, uint32_t confirm_s)
{
	char plan[PR_BUS_PATH_MAX], job[PR_BUS_PATH_MAX];

	stage_open(s, machine_dead, PR_MODE_ADVISE);
	s->machine_after = machine_mended;
	stage_start(s);
	client_plan(s, &(struct asked){ 0 }, plan);
	client_assert_path(client_apply(s, plan, client_get_u64(s, plan, PR_BUS_PLAN, "Generation"),
				   confirm_s),
		job);
	while (pr_service_state(s->service) == PR_STATE_APPLYING)
		stage_turn(s);
}

static void test_confirm(void **state)
{
	struct stage s;

	(void)state;
	apply_and_wait(&s, 3600);
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "confirm-wait");
	client_assert_text(&s, PR_BUS_JOBS "/1", PR_BUS_JOB, "Phase", "confirm-wait");
	/* what comes and goes now is for the next plan */
	pr_service_device(s.service, true, "0000:00:1e.0");
	sd_bus_message_unref(client_call(&s, client_manager_call(&s, "Confirm")));
	stage_rest(&s);
	assert_heard(&s, "JobNew 1", "JobReport 0 done", "JobRemoved 1 done");
	assert_false(s.saw_undoing);
	client_assert_text(&s, PR_BUS_PLANS "/1", PR_BUS_PLAN, "State", "applied");
	client_assert_refused(client_call(&s, client_manager_call(&s, "Confirm")),
		"org.pciroom1.Error.NothingToConfirm", "nothing waits");
	stage_close(&s);
}

static void test_unconfirmed(void **state)
{
	struct stage s;

	(void)state;
	apply_and_wait(&s, 1);
	stage_rest(&s);
	assert_true(s.saw_undoing);
	assert_heard(&s, "JobNew 1", "JobReport 0 rolled-back", "JobRemoved 1 rolled-back");
	stage_close(&s);
}

static sd_bus_message *extend(struct stage *s, uint32_t seconds)
{
	sd_bus_message *m = NULL;

	assert_int_equal(sd_bus_message_new_method_call(s->client, &m, NULL, PR_BUS_JOBS "/1",
				 PR_BUS_JOB, "ExtendTimeout"),
		0);
	assert_true(sd_bus_message_append(m, "u", seconds) >= 0);
	return client_call(s, m);
}

static uint64_t deadline(struct stage *s)
{
	return client_get_u64(s, PR_BUS_JOBS "/1", PR_BUS_JOB, "ConfirmDeadlineUSec");
}

/* The time counts from now on: an hour is made longer, then a moment. */
static void test_extend(void **state)
{
	struct stage s;
	uint64_t first;

	(void)state;
	apply_and_wait(&s, 3600);
	first = deadline(&s);
	assert_true(first > pr_boot_usec());
	sd_bus_message_unref(extend(&s, 7200));
	assert_true(deadline(&s) > first);
	client_assert_refused(extend(&s, 0), SD_BUS_ERROR_INVALID_ARGS, "not 0");
	client_assert_refused(extend(&s, 86401), SD_BUS_ERROR_INVALID_ARGS, "not 86401");
	sd_bus_message_unref(extend(&s, 1));
	stage_rest(&s);
	assert_heard(&s,
		"PropertiesChanged " PR_BUS_JOBS "/1 " PR_BUS_JOB " Phase ConfirmDeadlineUSec\n",
		"PropertiesChanged " PR_BUS_JOBS "/1 " PR_BUS_JOB " ConfirmDeadlineUSec\n",
		"JobRemoved 1 rolled-back");
	stage_close(&s);
}

static void test_extend_too_early(void **state)
{
	const struct pr_terms confirmed = { .confirm_s = 3600, .lease = -1 };
	const struct pr_job *job = NULL;
	char plan[PR_BUS_PATH_MAX];
	struct pr_why why;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	assert_int_equal(pr_service_apply(s.service, 1, pr_service_generation(s.service), 0,
				 &confirmed, &job, &why),
		0);
	assert_int_equal(job->confirm_usec, 0);
	assert_int_equal(pr_service_extend(s.service, 1, 60, &why), PR_REFUSAL_NOTHING_TO_CONFIRM);
	assert_int_equal(pr_service_extend(s.service, 7, 60, &why), PR_REFUSAL_NOTHING_TO_CONFIRM);
	pr_running_stop(s.running);
	stage_rest(&s);
	stage_close(&s);
}

/* Who is told that it is kept must not find it undone. */
static void test_confirmed_too_late(void **state)
{
	struct pr_why why;
	struct stage s;

	(void)state;
	apply_and_wait(&s, 3600);
	assert_int_equal(pr_service_cancel(s.service, 1, &why), 0);
	assert_int_equal(pr_service_confirm(s.service, &why), PR_REFUSAL_NOTHING_TO_CONFIRM);
	assert_string_equal(why.text, "job 1 is being undone already");
	assert_int_equal(pr_service_extend(s.service, 1, 60, &why), PR_REFUSAL_NOTHING_TO_CONFIRM);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 rolled-back");
	stage_close(&s);
}

/* Whoever stops the service has not confirmed it either. */
static void test_stopped_while_waiting(void **state)
{
	struct stage s;

	(void)state;
	apply_and_wait(&s, 3600);
	pr_running_stop(s.running);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 rolled-back");
	stage_close(&s);
}

/* A plan is made on what is there, not on what was there a while ago. */
static void test_fresh(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct pr_look *look;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	s.machine = machine_dead;
	look = (struct pr_look *)pr_service_last_look(s.service);
	look->began_usec = pr_now_usec();
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(
		&s, plan, PR_BUS_PLAN, "VerdictName", "nothing"); /* the look was a moment ago */
	look->began_usec -= 2000000;
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(&s, plan, PR_BUS_PLAN, "VerdictName", "ok");
	stage_close(&s);
}

static void on_fresh(void *userdata, int error, const char *why)
{
	int *answers = userdata;

	(void)why;
	assert_int_equal(error, 0);
	(*answers)++;
}

/* The answer comes when it has become quiet and was looked at since. */
static void assert_fresh_when_settled(struct stage *s, bool trusted)
{
	int answers = 0;
	struct pr_why why;

	assert_int_equal(pr_service_freshen(s->service, trusted, on_fresh, &answers, &why), 0);
	while (sd_event_run(s->event, 20000) > 0)
		continue;
	assert_int_equal(answers, 0);
	pr_service_settled(s->service);
	stage_rest(s);
	assert_int_equal(answers, 1);
}

/* An event has told of something: the look of a moment ago is too old, even for a stranger. */
static void test_fresh_after_event(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	s.machine = machine_dead;
	pr_service_unsettled(s.service);
	assert_fresh_when_settled(&s, false);
	assert_int_equal(client_get_unassigned(&s), 1);
	stage_close(&s);
}

/* A look that began before it became quiet again has not seen everything. */
static void test_fresh_after_event_while_looking(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	pr_service_settled(s.service); /* a look begins */
	pr_service_unsettled(s.service);
	assert_fresh_when_settled(&s, true);
	stage_close(&s);
}

static void test_busy(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	uint64_t generation;
	sd_bus_message *m;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.machine_after = machine_mended;
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	generation = client_get_u64(&s, plan, PR_BUS_PLAN, "Generation");
	/* A job that has begun ends in the loop only, and the loop does not turn between these. */
	const struct pr_job *job = NULL;
	struct pr_why why;

	assert_int_equal(
		pr_service_apply(s.service, 1, generation, 0, &stage_terms, &job, &why), 0);
	assert_int_equal(pr_service_apply(s.service, 1, generation, 0, &stage_terms, &job, &why),
		PR_REFUSAL_BUSY);
	assert_int_equal(pr_service_rollback(s.service, 0, &job, &why), PR_REFUSAL_BUSY);
	assert_int_equal(pr_service_freshen(s.service, true, NULL, NULL, &why), PR_REFUSAL_BUSY);
	assert_string_equal(why.text, "a plan is being carried out");
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	m = client_apply(&s, plan, generation, 0);
	client_assert_refused(m, "org.pciroom1.Error.StalePlan", "has changed");
	stage_close(&s);
}

/* Each of them was counted as one that waits, for ever. */
static void test_no_reply_expected(void **state)
{
	struct stage s;
	sd_bus_message *m;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	for (unsigned int i = 0; i <= PR_CALLS_USER_MAX; i++) {
		m = client_manager_call(&s, "Reload");
		assert_true(sd_bus_message_set_expect_reply(m, false) >= 0);
		assert_true(sd_bus_send(s.client, m, NULL) > 0);
		sd_bus_message_unref(m);
		stage_rest(&s);
	}
	m = client_call(&s, client_manager_call(&s, "Reload"));
	assert_false(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	assert_null(s.objects.calls);
	stage_close(&s);
}

static void test_rollback_of_nothing(void **state)
{
	char job[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(client_call(&s, client_manager_call(&s, "Rollback")), job);
	stage_rest(&s);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	stage_close(&s);
}

/* Nobody knows of an interrupted run: the service stays of use. */
static void test_rollback_without_helper(void **state)
{
	char job[PR_BUS_PATH_MAX], plan[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	s.fault = NO_BACKEND;
	stage_start(&s);
	client_assert_path(client_call(&s, client_manager_call(&s, "Rollback")), job);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	assert_int_equal(s.retries, 0);
	client_plan(&s, &(struct asked){ 0 }, plan);
	stage_close(&s);
}

static void test_look_fails(void **state)
{
	struct stage s;
	sd_bus_message *m;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_AUTO);
	s.fault = LOOK_FAILS;
	stage_start(&s);
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "degraded");
	m = client_manager_call(&s, "GetTopology");
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	client_assert_refused(client_call(&s, m), SD_BUS_ERROR_FAILED, "sys/bus/pci is not there");
	s.fault = NO_FAULT;
	stage_look_again(&s, machine_healthy);
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "idle");
	stage_close(&s);
}

static const struct CMUnitTest plain[] = {
	{ "properties follow the first look", test_properties, NULL, NULL, NULL },
	{ "GetTopology gives a sealed snapshot equal to the machine", test_topology, NULL, NULL,
		NULL },
	{ "a plan object shows the plan that the planner makes", test_plan, NULL, NULL, NULL },
	{ "a slot is given room by request", test_plan_reserve, NULL, NULL, NULL },
	{ "virtual functions can be asked for", test_plan_vfs, NULL, NULL, NULL },
	{ "a bridge that works can be given more bus numbers by request", test_plan_buses, NULL,
		NULL, NULL },
	{ "a BAR can be given another size by request", test_plan_resize, NULL, NULL, NULL },
	{ "a plan object says what new addresses change, and what nobody has seen yet",
		test_plan_effects, NULL, NULL, NULL },
	{ "ApplyPlan mends the card and tells the story", test_apply, NULL, NULL, NULL },
	{ "ApplyPlan waits, and Confirm keeps what it did", test_confirm, NULL, NULL, NULL },
	{ "ApplyPlan undoes what nobody confirms", test_unconfirmed, NULL, NULL, NULL },
	{ "no plan takes from a slot what the configuration reserves for it", test_reserve_rule,
		NULL, NULL, NULL },
	{ "ExtendTimeout gives whoever confirms other time, from now on", test_extend, NULL, NULL,
		NULL },
	{ "ExtendTimeout of a job that does not wait", test_extend_too_early, NULL, NULL, NULL },
	{ "Confirm of a job that is being undone", test_confirmed_too_late, NULL, NULL, NULL },
	{ "a service that stops undoes what nobody has confirmed yet", test_stopped_while_waiting,
		NULL, NULL, NULL },
	{ "calls of one who expects no replies end as others do", test_no_reply_expected, NULL,
		NULL, NULL },
	{ "a plan is made on a fresh look", test_fresh, NULL, NULL, NULL },
	{ "a look from before an event is not fresh", test_fresh_after_event, NULL, NULL, NULL },
	{ "nor is one in the middle of events", test_fresh_after_event_while_looking, NULL, NULL,
		NULL },
	{ "one job at a time", test_busy, NULL, NULL, NULL },
	{ "Rollback of nothing is done at once", test_rollback_of_nothing, NULL, NULL, NULL },
	{ "a Rollback that cannot be tried leaves the service of use", test_rollback_without_helper,
		NULL, NULL, NULL },
	{ "a failed look is degraded, and the next good one ends that", test_look_fails, NULL, NULL,
		NULL },
};

int main(void)
{
	struct CMUnitTest
		tests[ARRAY_SIZE(plain) + ARRAY_SIZE(create_cases) + ARRAY_SIZE(apply_cases)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		tests[n++] = plain[i];
	for (size_t i = 0; i < ARRAY_SIZE(create_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = create_cases[i].name,
			.test_func = test_create_refused,
			.initial_state = (void *)&create_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(apply_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = apply_cases[i].name,
			.test_func = test_apply_refused,
			.initial_state = (void *)&apply_cases[i] };
	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}

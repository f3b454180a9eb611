/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service decides: when auto acts and when it does not, plans that
 * went stale, children that die, runs left unfinished, looks that fail.
 */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../unit/machine.h"
#include "../unit/rows.h"
#include "base/io.h"
#include "daemon/foreign.h"
#include "daemon/log.h"

static void test_stale_machine(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	s.machine = machine_mended; /* and no event told of it */
	client_plan_and_apply(&s);
	assert_heard(&s, "JobRemoved 1 stale");
	assert_story(&s, "not-applied", "nothing was touched");
	stage_close(&s);
}

/* Still dead, still to be mended, but by another plan than the one that was shown. */
static void test_stale_plan(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	s.machine = machine_dead_beside_idle;
	client_plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 stale the machine has changed");
	stage_close(&s);
}

static void test_twice(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE); /* and it looks the same afterwards */
	stage_start(&s);
	client_plan_and_apply(&s);
	assert_heard(&s, "JobRemoved 1 done");
	client_assert_refused(
		client_apply(&s, PR_BUS_PLANS "/1", pr_service_generation(s.service), 0),
		"org.pciroom1.Error.StalePlan", "has been carried out");
	stage_close(&s);
}

/* A look that ends while a job runs saw the machine in pieces. */
static void test_look_in_job(void **state)
{
	struct pr_look *look = calloc(1, sizeof(*look));
	const struct pr_job *job = NULL;
	char plan[PR_BUS_PATH_MAX];
	struct pr_why why;
	struct stage s;
	uint64_t generation;

	(void)state;
	assert_non_null(look);
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	generation = pr_service_generation(s.service);
	assert_int_equal(
		pr_service_apply(s.service, 1, generation, 0, &stage_terms, &job, &why), 0);
	*look = (struct pr_look){ .refs = 1, .topology = machine_build(HEAD REST), .fd = -1 };
	pr_service_looked(s.service, look, "");
	assert_int_equal(pr_service_generation(s.service), generation);
	stage_rest(&s);
	stage_close(&s);
}

/* The layout is the same, the generation too: only planning once more finds the mount. */
static void test_stale_use(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead_beside_idle, PR_MODE_ADVISE);
	stage_start(&s);
	s.machine = machine_dead_in_use;
	client_plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 stale the machine is used in another way by now",
		"JobRemoved 1 stale");
	stage_close(&s);
}

static void test_child_dies(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.fault = CHILD_DIES;
	stage_start(&s);
	client_plan_and_apply(&s);
	assert_heard(&s, "JobNew 1", "JobReport 0 rolled-back", "JobRemoved 1 rolled-back");
	assert_story(&s, "apply-started", "recovery", "not-applied");
	assert_int_equal(pr_job_pending(s.state), 0);
	stage_close(&s);
}

/* A crash before anything was begun is no success, and in auto mode no reason to crash for ever. */
static void test_child_dies_early(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_AUTO);
	s.fault = CHILD_DIES_EARLY;
	stage_start(&s);
	assert_heard(&s, "JobNew 1", "JobReport 0 rolled-back", "JobRemoved 1 rolled-back");
	assert_null(strstr(stage_heard(&s), "JobNew 2"));
	stage_close(&s);
}

/* No child lives long enough: the service says so, and is degraded until a run ends well. */
static void test_children_die(void **state)
{
	char job[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.fault = CHILDREN_DIE;
	stage_start(&s);
	client_plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 lost", "JobRemoved 1 lost");
	assert_story(&s, "recovery", "recovery", "recovery", "lost");
	assert_int_equal(pr_service_state(s.service), PR_STATE_DEGRADED);
	s.fault = NO_FAULT;
	client_assert_path(client_call(&s, client_manager_call(&s, "Rollback")), job);
	stage_rest(&s);
	assert_int_equal(pr_service_state(s.service), PR_STATE_IDLE);
	stage_close(&s);
}

/* What `pciroom --local` leaves when it is killed at its first removal. */
static void leave_pending(struct stage *s)
{
	struct pr_looker looker = { NULL, NULL };
	struct pr_journal *journal = NULL;
	struct pr_backend backend;
	struct pr_plan *plan = NULL;
	struct pr_report report;
	struct pr_wish wish = { 0 };
	struct pr_topology *t;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		assert_int_equal(pr_job_pending(s->state), 1);
		return;
	}
	t = machine_build(s->machine);
	if (pr_wish_plan(&wish, t, &plan) == 0 &&
		pr_wish_check(&wish, plan, (char[160]){ 0 }, 160) == 0 &&
		stage_backend(s, &looker, &backend) == 0 &&
		pr_journal_open(s->state, &journal) == 0)
		(void)pr_run(plan, &backend, journal, NULL, &report); /* does not come back */
	_exit(0);
}

static void test_foreign_pending(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	s.fault = CHILD_DIES;
	leave_pending(&s);
	s.fault = NO_FAULT;
	client_plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 stale plan ", "JobRemoved 1 stale");
	assert_int_equal(pr_job_pending(s.state), 0);
	stage_close(&s);
}

/* Whoever holds the journal may die in the middle of it. */
static void test_held_journal(void **state)
{
	struct pr_journal *journal = NULL;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	assert_int_equal(pr_journal_open(s.state, &journal), 0);
	assert_int_equal(pr_job_pending(s.state), 1);
	pr_journal_close(journal);
	assert_int_equal(pr_job_pending(s.state), 0);
	stage_close(&s);
}

static void test_no_backend(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.fault = NO_BACKEND;
	stage_start(&s);
	client_plan_and_apply(&s);
	assert_heard(
		&s, "JobReport 0 cancelled pciroom-helper cannot be reached: Connection refused");
	stage_close(&s);
}

static void test_auto(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_AUTO);
	s.machine_after = machine_mended;
	stage_start(&s);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	assert_story(&s, "dead", "plan-found", "apply-started", "by itself", "applied", "mended");
	assert_int_equal(client_get_unassigned(&s), 0);
	stage_close(&s);
}

static void test_advise(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	stage_look_again(&s, machine_dead); /* which says nothing new */
	assert_null(strstr(stage_heard(&s), "Job"));
	assert_story(&s, "dead device=0000:01:00.0", "BAR 2 (256 MiB) has no addresses",
		"0000:00:02.0", "plan-found", "pciroom apply");
	assert_null(strstr(strstr(stage_story(&s), "plan-found") + 1, "plan-found"));
	assert_null(strstr(strstr(stage_story(&s), "dead device") + 1, "dead device"));
	stage_close(&s);
}

/* The plan is there for whoever says yes: an object that nobody had to ask for. */
static void test_ask(void **state)
{
	char job[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ASK);
	s.machine_after = machine_mended;
	stage_start(&s);
	stage_look_again(&s, machine_dead); /* which offers nothing more */
	assert_null(strstr(stage_heard(&s), "Job"));
	assert_heard(&s, "InterfacesAdded " PR_BUS_PLANS "/1");
	assert_null(strstr(stage_heard(&s), PR_BUS_PLANS "/2"));
	client_assert_path(
		client_apply(&s, PR_BUS_PLANS "/1", pr_service_generation(s.service), 0), job);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	stage_close(&s);
}

/* The default limit of auto is what has no driver. */
static void test_auto_limit(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead_beside_idle, PR_MODE_AUTO);
	stage_start(&s);
	assert_null(strstr(stage_heard(&s), "Job"));
	assert_null(strstr(stage_story(&s), "verification"));
	assert_story(&s, "plan-found", "beyond \"disruption: free\"");
	stage_close(&s);
}

static void test_auto_refusal(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_hopeless, PR_MODE_AUTO);
	stage_start(&s);
	assert_null(strstr(stage_heard(&s), "Job"));
	assert_story(&s, "dead device=0000:01:00.0", "plan-refused device=0000:01:00.0", "64 GiB");
	stage_close(&s);
}

/* What failed once is not tried again, before the device is plugged anew. */
static void test_auto_gives_up(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_AUTO);
	s.fault = NO_BACKEND;
	stage_start(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	stage_look_again(&s, machine_dead);
	assert_null(strstr(stage_heard(&s), "JobNew 2"));
	stage_look_again(&s, HEAD PORT REST);
	s.machine_after = machine_mended;
	s.fault = NO_FAULT;
	stage_look_again(&s, machine_dead);
	assert_heard(&s, "JobNew 2", "JobRemoved 2 done");
	stage_close(&s);
}

static void test_settling_waits(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_AUTO);
	s.machine_after = machine_mended;
	pr_service_unsettled(s.service);
	pr_service_start(s.service, false);
	while (pr_service_state(s.service) != PR_STATE_SETTLING)
		stage_turn(&s);
	assert_null(strstr(stage_heard(&s), "JobNew"));
	pr_service_settled(s.service);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	stage_close(&s);
}

static void test_look_notes(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	s.fault = LOOK_NOTES;
	stage_start(&s);
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "degraded");
	assert_story(&s, "look-failed", "nobody helps");
	stage_close(&s);
}

/* Nobody waits for it for ever: not the service, which tries again, and not who has asked. */
static void test_look_hangs(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	s.fault = LOOK_HANGS;
	s.world.look_usec = 1;
	stage_start(&s);
	assert_int_equal(pr_service_state(s.service), PR_STATE_DEGRADED);
	assert_int_equal(s.retries, 1);
	assert_story(&s, "look-failed", "did not answer in time");
	s.fault = NO_FAULT;
	s.world.look_usec = 0;
	pr_service_retry(s.service);
	stage_rest(&s);
	assert_int_equal(pr_service_state(s.service), PR_STATE_IDLE);
	stage_close(&s);
}

static void test_pending_first(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	pr_service_start(s.service, true);
	assert_int_equal(pr_service_state(s.service), PR_STATE_ROLLING_BACK);
	stage_rest(&s);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	assert_int_equal(s.retries, 0);
	stage_close(&s);
}

static void test_pending_retries(void **state)
{
	struct pr_why why;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	s.fault = NO_BACKEND;
	pr_service_start(s.service, true);
	stage_rest(&s);
	assert_int_equal(s.retries, 1);
	assert_int_equal(pr_service_state(s.service), PR_STATE_DEGRADED);
	assert_int_equal(pr_service_freshen(s.service, true, NULL, NULL, &why), PR_REFUSAL_BUSY);
	s.fault = NO_FAULT;
	pr_service_retry(s.service);
	stage_rest(&s);
	assert_int_equal(pr_service_state(s.service), PR_STATE_IDLE);
	stage_close(&s);
}

/* ---- a service without processes: its requests are answered by the test ---- */

struct quiet {
	unsigned int looks, works, runs, retries, interrupts;
	struct pr_service *service;
};

static int quiet_look(void *userdata)
{
	struct quiet *q = userdata;

	q->looks++;
	return 0;
}

static int quiet_run(void *userdata, const struct pr_job *job)
{
	struct quiet *q = userdata;

	(void)job;
	q->runs++;
	return 0;
}

static void quiet_retry(void *userdata)
{
	struct quiet *q = userdata;

	q->retries++;
}

static void quiet_interrupt(void *userdata)
{
	struct quiet *q = userdata;

	q->interrupts++;
}

static void quiet_changed(void *userdata, unsigned int what)
{
	(void)userdata;
	(void)what;
}

static void quiet_job(void *userdata, const struct pr_job *job)
{
	(void)userdata;
	(void)job;
}

static void quiet_job_changed(void *userdata, const struct pr_job *job, unsigned int what)
{
	(void)userdata;
	(void)job;
	(void)what;
}

static void quiet_removed(void *userdata, const struct pr_job *job, const struct pr_report *report)
{
	(void)userdata;
	(void)job;
	(void)report;
}

static void quiet_looked(void *userdata, const struct pr_topology *before)
{
	(void)userdata;
	(void)before;
}

static void quiet_plan(void *userdata, uint64_t number, enum pr_plan_news news)
{
	(void)userdata;
	(void)number;
	(void)news;
}

static void quiet_prepare(
	void *userdata, const struct pr_job *job, bool start, uint64_t deadline_usec)
{
	(void)userdata;
	(void)job;
	(void)start;
	(void)deadline_usec;
}

static void quiet_wait(void *userdata, uint64_t usec)
{
	(void)userdata;
	(void)usec;
}

/* Planned on the spot. */
static void quiet_work(void *userdata, struct pr_work *w)
{
	struct quiet *q = userdata;

	q->works++;
	w->run(w);
	w->done(w, true);
}

static void take_plan(void *userdata, int error, const struct pr_kept *plan)
{
	assert_int_equal(error, 0);
	*(const struct pr_kept **)userdata = plan;
}

static const struct pr_kept *quiet_plan_all(struct quiet *q)
{
	const struct pr_kept *kept = NULL;
	struct pr_why why;

	assert_int_equal(
		pr_service_plan(q->service, &(struct pr_asked){ 0 }, 0, take_plan, &kept, &why), 0);
	assert_non_null(kept);
	return kept;
}

static void quiet_examine(void *userdata, struct pr_work *w)
{
	(void)userdata;
	w->done(w, false);
}

static const struct pr_service_ops quiet_ops = { .look = quiet_look,
	.run = quiet_run,
	.interrupt = quiet_interrupt,
	.retry = quiet_retry,
	.changed = quiet_changed,
	.looked = quiet_looked,
	.work = quiet_work,
	.examine = quiet_examine,
	.prepare = quiet_prepare,
	.wait_until = quiet_wait,
	.plan = quiet_plan,
	.job_new = quiet_job,
	.job_changed = quiet_job_changed,
	.job_removed = quiet_removed };

static void quiet_show(struct quiet *q, const char *machine)
{
	struct pr_look *look = calloc(1, sizeof(*look));

	assert_non_null(look);
	*look = (struct pr_look){ .refs = 1, .topology = machine_build(machine), .fd = -1 };
	pr_service_looked(q->service, look, "");
}

static void quiet_open(struct quiet *q, enum pr_mode mode)
{
	struct pr_conf conf;

	*q = (struct quiet){ 0 };
	assert_int_equal(pr_service_new(&quiet_ops, q, &q->service), 0);
	pr_conf_init(&conf);
	conf.mode = mode;
	pr_service_configure(q->service, &conf);
	pr_service_start(q->service, false);
	quiet_show(q, machine_dead);
}

static void quiet_end(struct quiet *q, enum pr_outcome outcome)
{
	pr_service_job_ended(q->service, &(struct pr_report){ .outcome = outcome });
}

/* It works with the next journal; degraded, and nothing by itself, as after any loss. */
static void test_journal_damaged(void **state)
{
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	pr_service_journal_damaged(q.service, "journal.damaged-1");
	assert_int_equal(pr_service_state(q.service), PR_STATE_DEGRADED);
	pr_service_free(q.service);
}

/* ---- others at work ---- */

static const struct event {
	const char *name, *address;
	size_t begun; /* steps of: remove 00:02.0, rescan, expect */
	bool added, foreign;
} events[] = {
	{ "another card is plugged in before the first step", "0000:03:00.0", 0, true, true },
	{ "another card is plugged in after the rescan has begun", "0000:03:00.0", 2, true, true },
	{ "late news of the card that the plan is for", "0000:01:00.0", 0, true, false },
	{ "late news of what went before", "0000:09:00.0", 0, false, false },
	{ "a card that is to move goes by itself", "0000:01:00.0", 0, false, true },
	{ "what is removed goes", "0000:01:00.0", 1, false, false },
	{ "a neighbour goes while it is removed", "0000:00:1f.0", 1, false, true },
	{ "what is removed comes back", "0000:01:00.0", 2, true, false },
	{ "more is found in the place of what was removed", "0000:01:03.0", 2, true, false },
};

static void test_event(void **state)
{
	const struct event *e = *state;
	const struct pr_kept *kept = NULL;
	const struct pr_job *job = NULL;
	struct pr_why why;
	struct quiet q;

	quiet_open(&q, PR_MODE_ADVISE);
	kept = quiet_plan_all(&q);
	assert_int_equal(kept->plan->steps[0].kind, PR_STEP_REMOVE);
	assert_int_equal(kept->plan->steps[1].kind, PR_STEP_RESCAN);
	pr_service_device(q.service, true, "0000:05:00.0"); /* no job: none of its business */
	assert_int_equal(pr_service_apply(q.service, kept->number, pr_service_generation(q.service),
				 0, &stage_terms, &job, &why),
		0);
	for (size_t i = 0; i < e->begun; i++)
		pr_service_job_step(q.service, i, false);
	pr_service_device(q.service, e->added, e->address);
	pr_service_device(q.service, e->added, e->address);
	assert_int_equal(q.interrupts, e->foreign ? 1 : 0); /* once is enough */
	quiet_end(&q, PR_OUTCOME_STALE);
	pr_service_free(q.service);
}

/* ---- virtual functions that a plan takes away, or enables ---- */

#define VIRTUAL                                                                  \
	"kernel 6.12.0\nroot 0000:00-ff mem=c0000000-febfffff\n"                 \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe2fffff driver=pcieport\n" \
	"01:00.0 dev 1b36:0010 bar0=mem64:4000@fe100000 vfs=4 numvfs=1 "         \
	"vfbar0=mem64:4000@fe110000 driver=nvme\n"                               \
	"01:00.1 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe110000\n"         \
	"01:02.0 dev 1b36:0010 bar0=mem64:4000@fe108000 vfs=2 numvfs=0 "         \
	"vfbar0=mem64:4000@fe120000 driver=nvme\n"                               \
	"01:01.0 dev 1b36:0005 bar0=mem:200000@forgotten\n"

static const struct virtual_event {
	const char *name, *address;
	size_t begun; /* steps of: vfs 01:00.0, 2 unbinds, 3 removals, rescan, vfs 01:02.0, expect */
	bool added, expected;
} virtual_events[] = {
	{ "a virtual function goes by itself", "0000:01:00.1", 0, false, false },
	{ "one is taken away by the plan", "0000:01:00.1", 1, false, true },
	{ "and comes again", "0000:01:00.1", 7, true, true },
	{ "the first that the plan enables comes", "0000:01:02.1", 8, true, true },
	{ "and the last", "0000:01:02.2", 8, true, true },
	{ "one more than that", "0000:01:02.3", 8, true, false },
	{ "one comes before it is enabled", "0000:01:02.1", 6, true, false },
};

static void test_virtual_event(void **state)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_vf_wish wish = { .function = { .bus = 1, .device = 2 }, .vfs = 2 };
	const struct virtual_event *e = *state;
	struct pr_topology *t = machine_build(VIRTUAL);
	struct pr_address a, targets[] = { { .bus = 1, .device = 1 } };
	const struct pr_request request = {
		.targets = targets, .n_targets = 1, .vfs = &wish, .n_vfs = 1
	};
	struct pr_plan *p;

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(p->verdict, PR_VERDICT_OK);
	assert_true(pr_address_parse(e->address, &a));
	assert_int_equal(pr_plan_expects(p, e->begun, e->added, &a), e->expected);
	pr_plan_free(p);
	pr_topology_free(t);
}

/* ---- looks and jobs ---- */

/* Begun before the job and shown after its end: it saw the machine in pieces all the same. */
static void test_look_around_job(void **state)
{
	const struct pr_kept *kept = NULL;
	const struct pr_job *job = NULL;
	uint64_t generation;
	struct pr_why why;
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	generation = pr_service_generation(q.service);
	kept = quiet_plan_all(&q);
	pr_service_settled(q.service);
	assert_int_equal(
		pr_service_apply(q.service, kept->number, generation, 0, &stage_terms, &job, &why),
		0);
	quiet_end(&q, PR_OUTCOME_ROLLED_BACK);
	quiet_show(&q, HEAD REST);
	assert_int_equal(pr_service_generation(q.service), generation);
	assert_int_equal(q.looks, 3);
	pr_service_free(q.service);
}

#define CHASSIS 512u

/* Two ports with a function in every place behind them; the last has no room for one of its BARs. */
static char *chassis(void)
{
	struct pr_text t = { 0 };
	char *text;

	pr_text_add(&t, HEAD "00:02.0 bridge 01-01 root-port hotplug mem=80000000-801fffff "
			     "pref64=100000000-1001fffff driver=pcieport\n"
			     "00:03.0 bridge 02-02 root-port hotplug mem=80200000-803fffff "
			     "pref64=100200000-1003fffff driver=pcieport\n");
	for (unsigned int i = 0; i < CHASSIS; i++)
		pr_text_printf(&t, "%02x:%02x.%u dev 1b36:0005 bar0=mem:1000@%x%s\n", 1 + i / 256,
			i % 256 / 8, i % 8, 0x80000000 + i / 256 * 0x200000 + i % 256 * 0x1000,
			i == CHASSIS - 1 ? " bar2=pref64:10000000@forgotten" : "");
	pr_text_add(&t, REST);
	assert_int_equal(pr_text_take(&t, &text, NULL), 0);
	return text;
}

/* However many come at once: one quiet time, one look, one plan. */
static void test_chassis(void **state)
{
	unsigned int looks, works;
	struct quiet q;
	char *machine;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	looks = q.looks;
	works = q.works;
	for (unsigned int i = 0; i < CHASSIS; i++) {
		char name[PR_ADDRESS_MAX];

		(void)snprintf(
			name, sizeof(name), "0000:%02x:%02x.%u", 1 + i / 256, i % 256 / 8, i % 8);
		pr_service_unsettled(q.service);
		pr_service_device(q.service, true, name);
	}
	assert_int_equal(q.looks, looks);
	assert_int_equal(pr_service_state(q.service), PR_STATE_SETTLING);
	pr_service_settled(q.service);
	assert_int_equal(q.looks, looks + 1);
	machine = chassis();
	quiet_show(&q, machine);
	free(machine);
	assert_int_equal(q.looks, looks + 1);
	assert_int_equal(q.works, works + 1);
	assert_int_equal(pr_service_unassigned(q.service), 1);
	assert_int_equal(pr_service_state(q.service), PR_STATE_IDLE);
	pr_service_free(q.service);
}

/* The card that auto failed on comes back late: that is not "plugged anew". */
static void test_auto_stops_after_loss(void **state)
{
	struct pr_conf conf;
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_AUTO);
	assert_int_equal(q.runs, 1);
	quiet_end(&q, PR_OUTCOME_LOST);
	quiet_show(&q, HEAD PORT REST);
	pr_service_settled(q.service);
	quiet_show(&q, machine_dead);
	assert_int_equal(q.runs, 1);
	pr_conf_init(&conf);
	conf.mode = PR_MODE_AUTO;
	pr_service_configure(q.service, &conf);
	quiet_show(&q, machine_dead);
	assert_int_equal(q.runs, 2);
	pr_service_free(q.service);
}

/* What came to nothing has brought nothing back. */
static void test_lost_until_mended(void **state)
{
	static const struct {
		enum pr_outcome outcome;
		enum pr_state after;
	} ends[] = {
		{ PR_OUTCOME_STALE, PR_STATE_DEGRADED },
		{ PR_OUTCOME_CANCELLED, PR_STATE_DEGRADED },
		{ PR_OUTCOME_ROLLED_BACK, PR_STATE_DEGRADED },
		{ PR_OUTCOME_DONE, PR_STATE_IDLE },
	};
	const struct pr_job *job = NULL;
	const struct pr_kept *kept;
	struct pr_why why;
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	pr_service_journal_damaged(q.service, "journal.damaged-1");
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		kept = quiet_plan_all(&q);
		assert_int_equal(
			pr_service_apply(q.service, kept->number, pr_service_generation(q.service),
				0, &stage_terms, &job, &why),
			0);
		quiet_end(&q, ends[i].outcome);
		quiet_show(&q, machine_dead);
		assert_int_equal(pr_service_state(q.service), ends[i].after);
	}
	pr_service_free(q.service);
}

static void quiet_configure(struct quiet *q, const char *text)
{
	struct pr_conf_error error;
	struct pr_conf conf;

	pr_conf_init(&conf);
	if (pr_conf_parse(&conf, "f", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	pr_service_configure(q->service, &conf);
}

/* Auto does nothing for a card that is not trusted; whoever asks for a plan gets it. */
static void test_untrusted(void **state)
{
	static const char text[] = "mode: auto\n"
				   "rules: [{ match: { id: '1b36:*' }, trust: no }]\n";
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	quiet_configure(&q, text);
	quiet_show(&q, machine_dead);
	assert_int_equal(q.runs, 0);
	assert_int_equal(quiet_plan_all(&q)->plan->verdict, PR_VERDICT_OK);
	quiet_configure(&q, "mode: auto\n");
	quiet_show(&q, machine_dead);
	assert_int_equal(q.runs, 1);
	quiet_end(&q, PR_OUTCOME_DONE);
	pr_service_free(q.service);
}

/* A rule of the configuration keeps auto, and every client, from what it is about. */
static void test_rule(void **state)
{
	static const char text[] =
		"mode: auto\ndisruption: in-use\n"
		"rules: [{ match: { path: 0000:00/02.0 }, disruption: never }]\n";
	const struct pr_kept *kept = NULL;
	struct pr_why why;
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	quiet_configure(&q, text);
	quiet_show(&q, machine_dead);
	assert_int_equal(q.runs, 0);
	assert_int_equal(
		pr_service_plan(q.service, &(struct pr_asked){ .limit = PR_DISRUPTION_IN_USE }, 0,
			take_plan, &kept, &why),
		0);
	assert_non_null(kept);
	assert_int_equal(kept->plan->verdict, PR_VERDICT_VETOED);
	pr_service_free(q.service);
}

/* A run whose undoing failed is finished as soon as that is possible, and not tried for ever. */
static void test_unfinished_retries(void **state)
{
	static const struct pr_report stuck = { .outcome = PR_OUTCOME_LOST, .pending = true };
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_AUTO);
	assert_int_equal(q.runs, 1);
	pr_service_job_ended(q.service, &stuck);
	assert_int_equal(q.retries, 1);
	while (q.retries == q.runs && q.runs < 1000) {
		pr_service_retry(q.service);
		pr_service_job_ended(q.service, &stuck);
	}
	assert_in_range(q.runs, 10, 100);
	pr_service_retry(q.service);
	assert_int_equal(q.retries, q.runs - 1);
	assert_null(pr_service_job(q.service));
	pr_service_free(q.service);
}

/* ---- planning takes time, and the world goes on ---- */

struct slow {
	struct quiet quiet;
	struct pr_work *waiting;
};

static void slow_work(void *userdata, struct pr_work *w)
{
	struct slow *s = userdata;

	assert_null(s->waiting);
	s->waiting = w;
}

static void slow_end(struct slow *s, bool ran)
{
	struct pr_work *w = s->waiting;

	assert_non_null(w);
	s->waiting = NULL;
	if (ran)
		w->run(w);
	w->done(w, ran);
}

static void slow_open(struct slow *s, const char *machine)
{
	static struct pr_service_ops ops;
	struct pr_conf conf;

	*s = (struct slow){ .waiting = NULL };
	ops = quiet_ops;
	ops.work = slow_work;
	assert_int_equal(pr_service_new(&ops, s, &s->quiet.service), 0);
	pr_conf_init(&conf);
	conf.mode = PR_MODE_AUTO;
	pr_service_configure(s->quiet.service, &conf);
	pr_service_start(s->quiet.service, false);
	quiet_show(&s->quiet, machine);
	assert_int_equal(pr_service_state(s->quiet.service), PR_STATE_PLANNING);
}

/* The card was mended, or pulled, while a plan for it was looked for. */
static void test_late_plan(void **state)
{
	struct slow s;

	(void)state;
	slow_open(&s, machine_dead);
	pr_service_settled(s.quiet.service);
	quiet_show(&s.quiet, machine_mended);
	slow_end(&s, true);
	assert_int_equal(s.quiet.runs, 0);
	slow_end(&s, true); /* thought anew about the machine as it is */
	assert_int_equal(s.quiet.runs, 0);
	assert_int_equal(pr_service_state(s.quiet.service), PR_STATE_IDLE);
	pr_service_free(s.quiet.service);
}

/* Events that come meanwhile are waited for, and then it is planned once more. */
static void test_unsettled_while_planning(void **state)
{
	struct slow s;

	(void)state;
	slow_open(&s, machine_dead);
	pr_service_unsettled(s.quiet.service);
	slow_end(&s, true);
	assert_int_equal(s.quiet.runs, 0);
	pr_service_settled(s.quiet.service);
	quiet_show(&s.quiet, machine_dead);
	slow_end(&s, true);
	assert_int_equal(s.quiet.runs, 1);
	quiet_end(&s.quiet, PR_OUTCOME_DONE);
	pr_service_free(s.quiet.service);
}

static void plan_failed(void *userdata, int error, const struct pr_kept *plan)
{
	assert_null(plan);
	*(int *)userdata = error;
}

/* The service stops in the middle of a plan that somebody waits for. */
static void stop_while_planning(struct slow *s, int *error)
{
	struct pr_why why;

	slow_open(s, machine_dead);
	slow_end(s, false);
	assert_int_equal(pr_service_plan(s->quiet.service, &(struct pr_asked){ 0 }, 0, plan_failed,
				 error, &why),
		0);
	pr_service_stop(s->quiet.service);
}

static void test_stop_while_planning(void **state)
{
	struct slow s;
	int error = 0;

	(void)state;
	stop_while_planning(&s, &error);
	slow_end(&s, false);
	assert_int_equal(error, -ESHUTDOWN);
	assert_int_equal(s.quiet.runs, 0);
	pr_service_free(s.quiet.service);
}

/* The thread that plans ends by itself, perhaps after all else. */
static void test_plan_after_end(void **state)
{
	struct slow s;
	int error = 0;

	(void)state;
	stop_while_planning(&s, &error);
	pr_service_free(s.quiet.service);
	s.waiting->run(s.waiting);
	slow_end(&s, false); /* who frees what it has, here */
}

/* A look that failed is tried again without an event, told once, and not for ever. */
static void test_look_retries(void **state)
{
	unsigned int looks;
	struct quiet q;

	(void)state;
	quiet_open(&q, PR_MODE_ADVISE);
	pr_service_settled(q.service);
	looks = q.looks;
	for (unsigned int i = 0; i < 1000 && q.looks == looks + i; i++) {
		pr_service_look_failed(q.service, "nothing answers");
		if (q.retries == i + 1)
			pr_service_retry(q.service);
	}
	assert_in_range(q.retries, 10, 100);
	pr_service_settled(q.service);
	quiet_show(&q, machine_dead);
	assert_int_equal(pr_service_state(q.service), PR_STATE_IDLE);
	looks = q.looks;
	pr_service_retry(q.service); /* late, and of no use any more */
	assert_int_equal(q.looks, looks);
	pr_service_free(q.service);
}

/* A user who plans all day pushes out his own plans, not another's. */
static void test_keep(void **state)
{
	struct pr_look *look = calloc(1, sizeof(*look));
	struct pr_keep keep = { .n = 0 };
	struct pr_kept *kept = NULL;
	struct pr_plan *plan;
	uint64_t gone;

	(void)state;
	assert_non_null(look);
	*look = (struct pr_look){ .refs = 1, .topology = machine_build(machine_healthy), .fd = -1 };
	for (unsigned int i = 0; i < 3 * PR_KEPT_MAX; i++) {
		struct pr_wish wish = { 0 };

		assert_int_equal(pr_wish_plan(&wish, look->topology, &plan), 0);
		assert_int_equal(
			pr_keep_add(&keep, look, &wish, plan, i == 0 ? 0 : 1000, &kept, &gone), 0);
		if (i == 1)
			kept->running = true;
	}
	assert_int_equal(keep.n, 1 + PR_KEPT_USER_MAX); /* his share, and root's */
	assert_int_equal(
		gone, 3 * PR_KEPT_MAX - PR_KEPT_USER_MAX + 1); /* all but the one that runs */
	assert_non_null(pr_keep_find(&keep, 1));
	assert_non_null(pr_keep_find(&keep, 2));
	assert_null(pr_keep_find(&keep, 3));
	assert_non_null(pr_keep_find(&keep, 3 * PR_KEPT_MAX));
	pr_keep_deinit(&keep);
	pr_look_unref(look);
}

/* Each message has its page in the catalogue and its row in the manual. */
static void test_catalogue(void **state)
{
	static const char *const files[] = { "systemd/pciroom.catalog", "doc/pciroomd.8" };
	const char *top = getenv("PCIROOM_SRCDIR");
	char path[512], *text;
	size_t size;

	(void)state;
	if (!top)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, files[i]);
		assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, &size), 0);
		for (unsigned int e = 0; e < _PR_EVENT_MAX; e++)
			if (!strstr(text, pr_event_message_id((enum pr_event)e)))
				fail_msg(
					"%s lacks %s", path, pr_event_message_id((enum pr_event)e));
		free(text);
	}
}

static const struct CMUnitTest plain[] = {
	{ "a machine that changed unseen makes the job stale", test_stale_machine, NULL, NULL,
		NULL },
	{ "another plan than the one shown makes the job stale", test_stale_plan, NULL, NULL,
		NULL },
	{ "a plan is carried out once", test_twice, NULL, NULL, NULL },
	{ "a look that ends during a job is dropped", test_look_in_job, NULL, NULL, NULL },
	{ "a mount since planning makes the job stale", test_stale_use, NULL, NULL, NULL },
	{ "a child that dies is followed by a recovery in the same job", test_child_dies, NULL,
		NULL, NULL },
	{ "a child that dies before it began anything is a failure, once", test_child_dies_early,
		NULL, NULL, NULL },
	{ "a journal in another process's hands may be left pending", test_held_journal, NULL, NULL,
		NULL },
	{ "a look that began before a job is dropped after it", test_look_around_job, NULL, NULL,
		NULL },
	{ "a run whose undoing failed is tried again, with an end", test_unfinished_retries, NULL,
		NULL, NULL },
	{ "auto does nothing more after a loss, until the configuration is read again",
		test_auto_stops_after_loss, NULL, NULL, NULL },
	{ "a loss is told of until a run ends well", test_lost_until_mended, NULL, NULL, NULL },
	{ "512 functions at once are one look and one plan", test_chassis, NULL, NULL, NULL },
	{ "auto does nothing for a card that is not trusted", test_untrusted, NULL, NULL, NULL },
	{ "auto does not touch what a rule forbids", test_rule, NULL, NULL, NULL },
	{ "children that all die make the service degraded", test_children_die, NULL, NULL, NULL },
	{ "what another process left is finished before a plan", test_foreign_pending, NULL, NULL,
		NULL },
	{ "without a helper nothing is begun", test_no_backend, NULL, NULL, NULL },
	{ "ask offers a plan as an object", test_ask, NULL, NULL, NULL },
	{ "auto mends by itself", test_auto, NULL, NULL, NULL },
	{ "advise tells once and touches nothing", test_advise, NULL, NULL, NULL },
	{ "auto keeps to its disruption limit", test_auto_limit, NULL, NULL, NULL },
	{ "auto tells what cannot be helped", test_auto_refusal, NULL, NULL, NULL },
	{ "auto does not repeat what failed until the card is plugged anew", test_auto_gives_up,
		NULL, NULL, NULL },
	{ "nothing is decided before events have settled", test_settling_waits, NULL, NULL, NULL },
	{ "a look that sees less is degraded and told of", test_look_notes, NULL, NULL, NULL },
	{ "a look that hangs is ended, told of, and tried again", test_look_hangs, NULL, NULL,
		NULL },
	{ "a pending run is finished before the first look", test_pending_first, NULL, NULL, NULL },
	{ "a pending run that cannot be finished is tried again", test_pending_retries, NULL, NULL,
		NULL },
	{ "a damaged journal leaves the service degraded", test_journal_damaged, NULL, NULL, NULL },
	{ "a plan for a machine that is another by now is not carried out", test_late_plan, NULL,
		NULL, NULL },
	{ "events while it plans make it plan anew", test_unsettled_while_planning, NULL, NULL,
		NULL },
	{ "who waits for a plan is told when the service stops", test_stop_while_planning, NULL,
		NULL, NULL },
	{ "a plan may be finished after the service", test_plan_after_end, NULL, NULL, NULL },
	{ "a look that failed is tried again without an event", test_look_retries, NULL, NULL,
		NULL },
	{ "plans kept are shared out by user", test_keep, NULL, NULL, NULL },
	{ "every message is in the catalogue and in the manual", test_catalogue, NULL, NULL, NULL },
};

int main(void)
{
	static struct rows tests;

	ADD_TESTS(&tests, plain);
	ADD_ROWS(&tests, events, test_event);
	ADD_ROWS(&tests, virtual_events, test_virtual_event);
	return rows_run(&tests, "service");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Without the daemon: rescue shells, initramfs, machines without D-Bus.  The
 * helper is a child of ours; this process itself writes to no device.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "cli/local.h"
#include "exec/hooks.h"
#include "pciroom/import.h"

struct pr_local {
	struct pr_helper *helper; /* NULL without privilege */
	struct pr_prober prober;
	struct pr_backend backend;
	struct pr_journal *journal;
	const struct pr_card_change *change; /* NULL: no card is replaced */
	const char *state;
	struct pr_import_error error; /* of the last look */
};

/* Where it was installed, or where the environment says. */
static const char *binary_of(const char *variable, const char *installed)
{
	const char *binary = getenv(variable);

	return binary && *binary ? binary : installed;
}

static const char *helper_binary(void)
{
	return binary_of("PCIROOM_HELPER", PCIROOM_HELPER);
}

/* ---- looking ---- */

static int look(void *userdata, struct pr_topology **ret)
{
	struct pr_local *l = userdata;
	const struct pr_live_options options = { .root = "/",
		.prober = l->helper ? &l->prober : NULL,
		.users = true,
		.state = l->state };
	int r;

	l->error = (struct pr_import_error){ 0 };
	r = pr_import_live(&options, ret, &l->error);
	return r > 0 ? -EBADMSG : r; /* the runner knows errno only; l->error has the sentence */
}

int pr_local_look(struct pr_local *l, struct pr_topology **ret)
{
	int r = look(l, ret);

	if (r == 0)
		return PR_EXIT_OK;
	if (l->error.text[0]) {
		(void)pr_cli_error("cannot look at the machine: %s", l->error.text);
		return r == -EPERM || r == -EACCES ? PR_EXIT_NOT_PERMITTED : PR_EXIT_ERROR;
	}
	return pr_cli_failed(r, "cannot look at the machine");
}

/* ---- opening ---- */

/* 0 or negative errno. */
static int start_helper(const struct pr_cli *cli, struct pr_local *l)
{
	const struct pr_looker looker = { .look = look, .userdata = l };
	const char *arguments[] = { "--quiet", cli->helper_log ? "--log" : NULL, cli->helper_log,
		NULL };
	int r;

	if (access(helper_binary(), X_OK) < 0)
		return -errno;
	r = pr_helper_spawn(helper_binary(), arguments, &l->helper);
	if (r < 0)
		return r;

	l->prober = (struct pr_prober){ .userdata = l->helper,
		.config = pr_helper_config,
		.file = pr_helper_file,
		.measure = pr_helper_measure };
	return pr_backend_helper_new(l->helper, &looker, &l->backend);
}

static int open_with(const struct pr_cli *cli, bool acts, struct pr_local *l)
{
	int r;

	if (geteuid() != 0 && acts) {
		(void)pr_cli_error("%s --local needs root", cli->verb->name);
		return PR_EXIT_NOT_PERMITTED;
	}
	if (geteuid() != 0) {
		pr_cli_note("not root: apertures, capabilities and sizes that only root can "
			    "read are unknown");
		return PR_EXIT_OK;
	}

	r = start_helper(cli, l);
	if (r < 0 && acts)
		return pr_cli_failed(r, helper_binary());
	if (r < 0)
		pr_cli_note(
			"cannot start the helper %s (%s): sizes that the kernel forgot are unknown",
			helper_binary(), strerror(-r));
	return PR_EXIT_OK;
}

int pr_local_open(const struct pr_cli *cli, bool acts, struct pr_local **ret)
{
	struct pr_local *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return pr_cli_failed(-ENOMEM, "cannot start");

	l->state = cli->state ? cli->state : PCIROOM_STATEDIR;
	r = open_with(cli, acts, l);
	if (r != PR_EXIT_OK) {
		pr_local_close(l);
		return r;
	}

	*ret = l;
	return PR_EXIT_OK;
}

void pr_local_close(struct pr_local *l)
{
	if (!l)
		return;
	pr_journal_close(l->journal);
	if (l->backend.ops)
		pr_backend_helper_free(&l->backend);
	pr_helper_free(l->helper);
	free(l);
}

/* ---- acting ---- */

int pr_local_lock(struct pr_local *l, bool *ret_pending)
{
	int r = pr_journal_open(l->state, &l->journal);

	if (r == -EBUSY) {
		(void)pr_cli_error(
			"a plan is being carried out at this moment, by pciroomd or another "
			"pciroom");
		return PR_EXIT_IN_USE;
	}
	if (r < 0)
		return pr_cli_failed(r, l->state);

	*ret_pending = pr_journal_pending(l->journal);
	return PR_EXIT_OK;
}

void pr_local_unlock(struct pr_local *l)
{
	pr_journal_close(l->journal);
	l->journal = NULL;
}

const struct pr_backend *pr_local_backend(const struct pr_local *l)
{
	return &l->backend;
}

/* ---- hooks: as for the service, but run by a child of ours ---- */

static void note_untold(const char *path, int error)
{
	pr_cli_note("hooks were not told of the end for %s: %s", path, strerror(-error));
}

static struct pr_hooks_place hooks_place(void)
{
	return (struct pr_hooks_place){ .binary = binary_of("PCIROOM_HOOKS", PCIROOM_HOOKS),
		.directories = pr_hooks_directories,
		.n_directories = PR_HOOKS_DIRECTORIES,
		.untold = note_untold };
}

static int ask_hooks(const struct pr_local *l, const struct pr_plan *plan)
{
	const struct pr_hooks_place place = hooks_place();
	struct pr_hooks_pin pin;
	int r;

	r = pr_hooks_pre(&place, l->state, plan, &pin);
	if (r < 0)
		return pr_cli_failed(r, "hooks cannot be asked; nothing was begun");
	if (r == 0)
		return PR_EXIT_OK;

	(void)pr_cli_error("%s; nothing was begun", pin.text);
	return PR_EXIT_IN_USE;
}

static void tell_hooks(struct pr_local *l, const struct pr_report *report)
{
	const struct pr_hooks_place place = hooks_place();
	struct pr_topology *now = NULL;

	if (!pr_hooks_pending(l->state))
		return;
	(void)look(l, &now); /* without a look they are told less */
	pr_hooks_post(&place, l->state, now, report);
	pr_topology_free(now);
}

int pr_local_recover(struct pr_local *l, struct pr_report *ret)
{
	int r = pr_recover(&l->backend, l->journal, ret);

	if (r < 0)
		return pr_cli_failed(r, "cannot bring back what was removed");
	tell_hooks(l, ret);
	return PR_EXIT_OK;
}

/* Asked to stop: the run ends before its next step and puts things back. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* A terminal that goes away, perhaps with the card that moves, must not end a run half done. */
void pr_local_take_signals(void)
{
	struct sigaction stop = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGINT, &stop, NULL); /* cannot fail: the numbers are good */
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

bool pr_local_interrupted(void)
{
	return interrupted;
}

struct confirmation {
	struct pr_local *local;
	unsigned int seconds;
};

static int change_card(void *userdata, const struct pr_plan *plan)
{
	const struct confirmation *c = userdata;

	(void)plan;
	return !interrupted && c->local->change->run(c->local->change->userdata)
		       ? PR_PROGRESS_GO
		       : PR_PROGRESS_CANCEL;
}

static int show_step(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	struct pr_text t = { 0 };

	(void)userdata;
	if (step < plan->n_steps && !done) {
		pr_text_printf(&t, "[%zu/%zu] ", step + 1, plan->n_steps);
		pr_render_step(&t, plan, &plan->steps[step]);
		if (!t.failed)
			(void)fprintf(
				stderr, "%s\n", t.data); /* nobody may be listening any more */
	}
	pr_text_deinit(&t);
	return interrupted;
}

/* Whether standard input says something until @end; false also when it is over. */
static bool wait_for_word(uint64_t end)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now;
	int r;

	do {
		now = pr_boot_usec();
		r = poll(&p, 1, now < end ? (int)((end - now) / 1000u) : 0);
	} while (r < 0 && errno == EINTR && !interrupted);

	return r > 0 && (p.revents & POLLIN);
}

/* "y" and a line's end on standard input, in time; anything else is no. */
static bool ask_confirm(void *userdata, const struct pr_plan *plan)
{
	static const struct pr_report waiting = { .outcome = PR_OUTCOME_DONE,
		.text = "all is done, and waits to be confirmed" };
	const struct confirmation *c = userdata;
	const struct pr_hooks_place place = hooks_place();
	struct pr_topology *now = NULL;
	char word[16];

	(void)plan;
	(void)look(c->local, &now); /* without a look they are told less */
	pr_hooks_tell(&place, c->local->state, now, &waiting);
	pr_topology_free(now);
	pr_cli_note("all is done, and will be undone in %u s: y and Enter keep it", c->seconds);
	return wait_for_word(pr_boot_usec() + (uint64_t)c->seconds * 1000000u) &&
	       read(STDIN_FILENO, word, sizeof(word)) > 0 && (*word == 'y' || *word == 'Y');
}

static void tell_undoing(void *userdata)
{
	(void)userdata;
	pr_cli_note("what was done is being undone");
}

void pr_local_set_change(struct pr_local *l, const struct pr_card_change *change)
{
	l->change = change;
}

int pr_local_run(struct pr_local *l, const struct pr_plan *plan, unsigned int confirm_s,
	struct pr_report *ret)
{
	struct confirmation confirmation = { l, confirm_s };
	const struct pr_progress progress = { .step = show_step,
		.confirm = confirm_s ? ask_confirm : NULL,
		.change = l->change ? change_card : NULL,
		.undoing = tell_undoing,
		.link_off = l->change && l->change->link_off,
		.userdata = &confirmation };
	int r;

	pr_local_take_signals();
	r = ask_hooks(l, plan);
	if (r != PR_EXIT_OK)
		return r;
	r = pr_run(plan, &l->backend, l->journal, &progress, ret);
	if (r < 0)
		*ret = (struct pr_report){ .outcome = PR_OUTCOME_CANCELLED,
			.text = "nothing was begun" };
	tell_hooks(l, ret);
	if (r == 0)
		return PR_EXIT_OK;
	return pr_cli_failed(r, pr_run_lacked_journal(r)
					? "the plan was not begun: the journal cannot be written"
					: "the plan was not begun");
}

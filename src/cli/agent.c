/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>

#include "base/macros.h"
#include "cli/cli.h"

extern char **environ;

/* As polkit sees it (polkitbackendsessionmonitor-systemd.c, get_session_for_subject()). */
static bool in_session(void)
{
	char *session = NULL;
	bool is =
		sd_pid_get_session(0, &session) >= 0 || sd_uid_get_display(getuid(), &session) >= 0;

	free(session);
	return is;
}

/*
 * With --fallback, an agent of the desktop that is there already is asked instead.  Outside of a
 * session there is none, and polkit forgets about a fallback that it has found
 * (polkitbackendinteractiveauthority.c, get_authentication_agent_for_subject()).
 */
static int start(int ready, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	char number[16];
	char *argv[] = { (char *)"pkttyagent", (char *)"--notify-fd", number,
		in_session() ? (char *)"--fallback" : NULL, NULL };
	int r;

	(void)snprintf(number, sizeof(number), "%d", ready);
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	/* onto itself: that takes close-on-exec away (POSIX, posix_spawn_file_actions_adddup2) */
	r = posix_spawn_file_actions_adddup2(&actions, ready, ready);
	if (r == 0)
		r = posix_spawnp(ret, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions); /* never fails */
	return -r;
}

void pr_agent_open(struct pr_agent *a)
{
	int ends[2];
	char byte;

	*a = (struct pr_agent){ 0 };
	if (geteuid() == 0 || !pr_cli_interactive() || pipe2(ends, O_CLOEXEC) < 0)
		return; /* root is not asked; without a terminal nobody can be */
	if (start(ends[1], &a->pid) < 0)
		a->pid = 0;   /* polkit is not installed: the service then only obeys root */
	(void)close(ends[1]); /* not written to here */
	/* closed when the agent is ready, and when it cannot run */
	while (a->pid && read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	(void)close(ends[0]); /* only read from */
}

void pr_agent_close(struct pr_agent *a)
{
	if (!a->pid)
		return;
	(void)kill(a->pid, SIGTERM); /* it may have ended by itself */
	while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
		;
	a->pid = 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interrupted JOURNAL BEGINNING FAULT COMMAND: runs COMMAND, and FAULT the moment that a new line of the
 * journal begins so; both are for the shell.  Real-time, so that nothing else runs between the line
 * and the fault where there is one processor.  Linked statically.
 */
#include <fcntl.h>
#include <limits.h>
#include <libgen.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID "/run/said"

static pid_t start(const char *command)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(SAID, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* The lines of @journal from @offset on, which moves behind them; true when one was it. */
static int strike(const char *journal, long *offset, const char *beginning, const char *fault)
{
	static char line[1 << 16];
	FILE *f = fopen(journal, "re");
	int struck = 0;

	if (!f)
		return 0;
	if (fseek(f, *offset, SEEK_SET) < 0)
		exit(EXIT_FAILURE);
	while (!struck && fgets(line, sizeof(line), f) && strchr(line, '\n')) {
		*offset = ftell(f);
		if (strncmp(line, beginning, strlen(beginning)) != 0)
			continue;
		struck = 1;
		if (system(fault) != 0)
			printf("the fault failed\n");
		printf("struck at: %s", line);
	}
	(void)fclose(f);
	return struck;
}

static long size_of(const char *file)
{
	FILE *f = fopen(file, "re");
	long size = 0;

	if (f && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (f)
		(void)fclose(f);
	return size;
}

/* The status of @pid when it has ended, -1 while it runs. */
static int ended(pid_t pid, int wait)
{
	int status;

	if (waitpid(pid, &status, wait ? 0 : WNOHANG) <= 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void show(const char *file)
{
	char line[4096];
	FILE *f = fopen(file, "re");

	while (f && fgets(line, sizeof(line), f))
		(void)fputs(line, stdout);
	if (f)
		(void)fclose(f);
}

int main(int argc, char **argv)
{
	const struct sched_param first = { .sched_priority = 50 };
	char directory[PATH_MAX], events[4096];
	struct pollfd p = { .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .events = POLLIN };
	int status = -1, struck = 0;
	long offset;
	pid_t pid;

	if (argc != 5 || p.fd < 0)
		return EXIT_FAILURE;
	(void)snprintf(directory, sizeof(directory), "%s", argv[1]);
	if (inotify_add_watch(p.fd, dirname(directory), IN_MODIFY | IN_CREATE) < 0) {
		perror(directory);
		return EXIT_FAILURE;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	offset = size_of(argv[1]);
	pid = start(argv[4]);
	if (pid < 0 || sched_setscheduler(0, SCHED_FIFO, &first) < 0) {
		perror("interrupted");
		return EXIT_FAILURE;
	}

	while (!struck && status < 0) {
		(void)poll(&p, 1, 100);
		while (read(p.fd, events, sizeof(events)) > 0)
			continue;
		struck = strike(argv[1], &offset, argv[2], argv[3]);
		status = struck ? -1 : ended(pid, 0);
	}
	if (status < 0)
		status = ended(pid, 1);
	printf("exit status %d\n", status);
	show(SAID);
	return EXIT_SUCCESS;
}

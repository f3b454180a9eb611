/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pciroom-helper: the only privileged part of pciroom.  Reads and writes the
 * kernel's PCI files for a client that decides what to do; decides nothing
 * itself but what it refuses.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "base/text.h"
#include "helper/measure-file.h"
#include "helper/serve.h"

#define IDLE_MS 60000u

struct options {
	const char *root, *log, *state, *socket;
	int fd; /* -1: none */
	uid_t allowed;
	bool quiet;
};

static const char usage[] =
	"pciroom-helper [OPTION...]\n"
	"\n"
	"Privileged half of pciroom: reads and writes PCI configuration for the\n"
	"service. Started by a socket unit; not meant to be run by hand.\n"
	"\n"
	"  --fd N           serve the connected socket N and end with it\n"
	"  --socket PATH    listen at PATH\n"
	"  --allow-uid WHO  user (name or number) that may connect, besides root\n"
	"  --root DIR       directory that holds sys/ and proc/ (default /)\n"
	"  --log FILE       append one line for each write\n"
	"  --quiet          do not write these lines to standard error\n"
	"  --state DIR      saves of registers while they are sized\n"
	"                   (default /run/pciroom-helper)\n"
	"  --help, --version\n";

static int fail(const char *what, const char *name, int r)
{
	fprintf(stderr, "pciroom-helper: %s%s%s: %s\n", what, *name ? " " : "", name, strerror(-r));
	return 1;
}

static int parse_user(const char *text, uid_t *ret)
{
	struct passwd *user;
	uint64_t n;

	if (pr_parse_u64(text, 10, &n) == 0) {
		if (n >= (uid_t)-1)
			return -ERANGE;
		*ret = (uid_t)n;
		return 0;
	}

	user = getpwnam(text);
	if (!user)
		return -ENOENT;

	*ret = user->pw_uid;
	return 0;
}

static int parse_fd(const char *text, int *ret)
{
	uint64_t n;
	int r;

	r = pr_parse_u64(text, 10, &n);
	if (r < 0)
		return r;
	if (n > 1u << 20 || fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		return -EBADF;

	*ret = (int)n;
	return 0;
}

enum option_value {
	OPTION_FD = 256,
	OPTION_SOCKET,
	OPTION_ALLOW,
	OPTION_ROOT,
	OPTION_LOG,
	OPTION_QUIET,
	OPTION_STATE,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option option_names[] = {
	{ "fd", required_argument, NULL, OPTION_FD },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "allow-uid", required_argument, NULL, OPTION_ALLOW },
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "quiet", no_argument, NULL, OPTION_QUIET },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

/* 0 to go on, 1 when all is said, negative errno for a bad value. */
static int take_option(enum option_value option, char *value, struct options *o)
{
	switch (option) {
	case OPTION_FD:
		return parse_fd(value, &o->fd);
	case OPTION_ALLOW:
		return parse_user(value, &o->allowed);
	case OPTION_SOCKET:
		o->socket = value;
		return 0;
	case OPTION_ROOT:
		o->root = value;
		return 0;
	case OPTION_LOG:
		o->log = value;
		return 0;
	case OPTION_STATE:
		o->state = value;
		return 0;
	case OPTION_QUIET:
		o->quiet = true;
		return 0;
	case OPTION_HELP:
		(void)fputs(usage, stdout);
		return 1;
	case OPTION_VERSION:
		printf("pciroom-helper %s\n", PACKAGE_VERSION);
		return 1;
	}

	return -EINVAL;
}

/* 0 to go on, 1 when all is said, -1 for a mistake that was told. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int c, r;

	while ((c = getopt_long(argc, argv, "", option_names, NULL)) >= 0) {
		if (c == '?')
			return -1; /* getopt has told it */
		r = take_option((enum option_value)c, optarg, o);
		if (r > 0)
			return 1;
		if (r < 0) {
			(void)fail("bad value", optarg, r);
			return -1;
		}
	}
	if (optind < argc) {
		(void)fail("takes no arguments:", argv[optind], -EINVAL);
		return -1;
	}

	return 0;
}

/*
 * Where the saves are kept, or negative errno: then sizing is refused, and everything else works.
 */
static int open_state(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int run(const struct options *o, struct pr_context *c)
{
	struct pr_server s = { .context = c, .allowed = o->allowed, .listening = -1 };
	int client = o->fd, r = 0;

	if (c->state >= 0)
		r = pr_measure_recover(c->state, &c->access, &c->audit);
	if (r < 0)
		return fail("state directory", o->state, r);

	if (o->socket) {
		s.listening = r = pr_server_listen(o->socket);
	} else if (client < 0) {
		s.listening = r = pr_server_activated();
		s.idle_ms = IDLE_MS;
	}
	if (r == -ENOENT && !o->socket)
		return fail("nothing to serve: no socket was passed;", "see --help", r);
	if (r < 0)
		return fail("socket", o->socket ? o->socket : "", r);

	r = pr_server_run(&s, client);
	return r < 0 ? fail("serving", "", r) : 0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.root = "/", .state = "/run/pciroom-helper", .fd = -1, .allowed = (uid_t)-1
	};
	struct pr_context c = { .access = { .root = -1, .bus = -1, .tree = -1 } };
	int r;

	r = parse_options(argc, argv, &o);
	if (r != 0)
		return r < 0 ? 1 : 0;

	(void)umask(0077);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return fail("signal", "", -errno);
	r = pr_audit_open(o.log, o.quiet, &c.audit);
	if (r < 0)
		return fail("cannot open", o.log, r);
	r = pr_access_open(o.root, &c.access);
	if (r < 0) {
		pr_audit_close(&c.audit);
		return fail("no PCI bus below", o.root, r);
	}

	c.state = open_state(o.state);
	r = run(&o, &c);

	pr_closep(&c.state);
	pr_access_close(&c.access);
	pr_audit_close(&c.audit);
	return r;
}

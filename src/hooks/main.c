/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pciroom-hooks: runs an administrator's hooks for the service, which may not
 * do so itself.  One request on standard input: the phase ("pre" or "post") on
 * a line, then the JSON text for the hooks.  One line of answer for each hook
 * on standard output: "ANSWER NAME TEXT".  Parses nothing of the JSON.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "hooks/hooks.h"

#define REQUEST_MAX (1u << 20)
#define DEADLINE_MS 30000u

static const char usage[] =
	"pciroom-hooks [OPTION...]\n"
	"\n"
	"Runs hooks for pciroomd. Started by a socket unit; not meant to be run by hand.\n"
	"\n"
	"  --directory DIR  where the hooks are; repeatable, the first counts\n"
	"                   (default /etc/pciroom/hooks.d, /usr/lib/pciroom/hooks.d)\n"
	"  --deadline N     seconds that each hook has that does not ask for more or less\n"
	"                   (default 30)\n"
	"  --help, --version\n";

struct options {
	const char *directories[8];
	size_t n;
	unsigned int deadline_ms;
};

static int fail(const char *what, int r)
{
	fprintf(stderr, "pciroom-hooks: %s: %s\n", what, strerror(-r));
	return 1;
}

static int take_deadline(const char *text, struct options *o)
{
	uint64_t n;

	if (pr_parse_u64(text, 10, &n) < 0 || n == 0 || n > 3600)
		return -EINVAL;

	o->deadline_ms = (unsigned int)n * 1000;
	return 0;
}

/* 0 to go on, 1 when all is said, -1 for a mistake that was told. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = { { "directory", required_argument, NULL, 'd' },
		{ "deadline", required_argument, NULL, 't' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		if (c == 'h' || c == 'v') {
			(void)fputs(
				c == 'h' ? usage : "pciroom-hooks " PACKAGE_VERSION "\n", stdout);
			return 1;
		}
		if (c == 'd' && o->n < ARRAY_SIZE(o->directories)) {
			o->directories[o->n++] = optarg;
		} else if (c != 't' || take_deadline(optarg, o) < 0) {
			if (c != '?')
				(void)fail(optarg, -EINVAL);
			return -1;
		}
	}

	return 0;
}

/* To its end; a socket cannot be opened by a name.  NUL-terminated, malloc'ed. */
static int read_request(char **ret)
{
	_cleanup_free_ char *text = malloc(REQUEST_MAX);
	size_t used = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	do {
		n = read(STDIN_FILENO, text + used, REQUEST_MAX - 1 - used);
		if (n < 0 && errno != EINTR)
			return -errno;
		used += n > 0 ? (size_t)n : 0;
	} while (n != 0 && used < REQUEST_MAX - 1);
	if (n != 0)
		return -EFBIG;

	text[used] = '\0';
	*ret = pr_take(text);
	return 0;
}

/* Cuts the phase off; NULL when it is none of ours. */
static const char *take_phase(char *request, char **ret_json)
{
	char *newline = strchr(request, '\n');

	if (!newline)
		return NULL;
	*newline = '\0';
	*ret_json = newline + 1;
	return strcmp(request, "pre") == 0 || strcmp(request, "post") == 0 ? request : NULL;
}

static int run_all(const struct options *o, const char *phase, const char *json)
{
	struct pr_hooks hooks;
	char text[PR_HOOK_TEXT_MAX];
	enum pr_hook_answer answer;
	int r;

	r = pr_hooks_find(o->directories, o->n, &hooks);
	for (size_t i = 0; r == 0 && i < hooks.n; i++) {
		const struct pr_hook *hook = &hooks.list[i];

		r = pr_hook_run(hook, phase, json, strlen(json),
			hook->deadline_ms ? hook->deadline_ms : o->deadline_ms, &answer, text);
		if (r < 0)
			break;
		printf("%s %s %s\n", pr_hook_answer_name(answer), hooks.list[i].name, text);
		(void)fflush(stdout); /* a caller that has left will be noticed by its absence */
	}
	if (r < 0)
		return fail("hooks cannot be run", r);

	printf("end\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .deadline_ms = DEADLINE_MS };
	_cleanup_free_ char *request = NULL;
	const char *phase;
	char *json;
	int r;

	r = parse_options(argc, argv, &o);
	if (r != 0)
		return r < 0 ? 2 : 0;
	if (o.n == 0) {
		o.directories[o.n++] = "/etc/pciroom/hooks.d";
		o.directories[o.n++] = "/usr/lib/pciroom/hooks.d";
	}
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return fail("signal", -errno);
	r = read_request(&request);
	if (r < 0)
		return fail("standard input", r);
	phase = take_phase(request, &json);
	if (!phase)
		return fail("not a request", -EBADMSG);

	return run_all(&o, phase, json);
}

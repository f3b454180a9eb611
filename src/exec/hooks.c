/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exec/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/macros.h"

#define NOTE_NAME "hooks" /* who was asked and waits to hear of the end */
#define NOTE_MAX  (4u << 20)
/* Each hook has a deadline of its own, of 600 s at most (pciroom-hooks); this is for one that hangs. */
#define ANSWER_MS  660000
#define ANSWER_MAX 65536

const char *const pr_hooks_directories[PR_HOOKS_DIRECTORIES] = { "/etc/pciroom/hooks.d",
	"/usr/lib/pciroom/hooks.d" };

/* ---- are there any? ---- */

static bool has_entries(const char *directory)
{
	DIR *d = opendir(directory);
	const struct dirent *entry = NULL;

	if (!d)
		return false;
	do
		entry = readdir(d);
	while (entry && *entry->d_name == '.');
	(void)closedir(d); /* nothing was written */

	return entry != NULL;
}

static bool has_hooks(const struct pr_hooks_place *place)
{
	for (size_t i = 0; place && i < place->n_directories; i++)
		if (has_entries(place->directories[i]))
			return true;

	return false;
}

/* ---- one question ---- */

/* Somebody who runs hooks; @pid 0: behind a socket. */
struct runner {
	int fd;
	pid_t pid;
};

static int connect_to(const char *path, struct runner *ret)
{
	int fd = pr_connect_unix(path, SOCK_STREAM);

	if (fd < 0)
		return fd;
	*ret = (struct runner){ .fd = fd };
	return 0;
}

/* Out of reach of the terminal's signals: a question that was asked is answered. */
static _Noreturn void become(const char *binary, int fd)
{
	const char *const arguments[] = { binary, NULL };

	(void)setsid(); /* a child that was just made leads no group: cannot fail */
	if (dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
		(void)execv(binary, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

static int start(const char *binary, struct runner *ret)
{
	int ends[2];
	pid_t pid;

	if (access(binary, X_OK) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(binary, ends[1]);
	(void)close(ends[1]); /* the child's */
	if (pid < 0) {
		(void)close(ends[0]);
		return -EAGAIN;
	}

	*ret = (struct runner){ .fd = ends[0], .pid = pid };
	return 0;
}

static void runner_close(struct runner *runner)
{
	(void)close(runner->fd); /* it has said what it had to */
	if (runner->pid > 0)
		while (waitpid(runner->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
}

/* All that the other side says until it ends. */
static int read_answer(int fd, char answer[ANSWER_MAX])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t n;
	int r;

	do {
		r = poll(&p, 1, ANSWER_MS);
		if (r == 0)
			return -ETIMEDOUT;
		n = r < 0 ? -1 : read(fd, answer + used, ANSWER_MAX - 1 - used);
		if (n < 0 && errno != EINTR)
			return -errno;
		used += n > 0 ? (size_t)n : 0;
	} while (n != 0 && used < ANSWER_MAX - 1);

	answer[used] = '\0';
	return 0;
}

static int ask(const struct pr_hooks_place *place, const char *request, char answer[ANSWER_MAX])
{
	struct runner runner = { .fd = -1 };
	int r;

	r = place->socket ? connect_to(place->socket, &runner) : start(place->binary, &runner);
	if (r < 0)
		return r;
	r = pr_write_all(runner.fd, request, strlen(request));
	if (r == 0 && shutdown(runner.fd, SHUT_WR) < 0)
		r = -errno;
	if (r == 0)
		r = read_answer(runner.fd, answer);
	runner_close(&runner);
	if (r < 0)
		return r;

	/* cut short: who has not answered has not agreed */
	return strcmp(answer, "end\n") == 0 || strstr(answer, "\nend\n") ? 0 : -EIO;
}

/* The first "pin NAME TEXT" in @answer. */
static bool find_pin(const char *answer, const char *address, char *ret, size_t size)
{
	const char *line = strncmp(answer, "pin ", 4) == 0 ? answer : strstr(answer, "\npin ");
	int name, text;

	if (!line)
		return false;
	line += line == answer && *line == 'p' ? 4 : 5;
	name = (int)strcspn(line, " \n");
	line += name;
	text = *line == ' ' ? (int)strcspn(line + 1, "\n") : 0;
	(void)snprintf(ret, size, "hook %.*s pins %s%s%.*s", name, line - name, address,
		text > 0 ? ": " : "", text, text > 0 ? line + 1 : "");
	return true;
}

/* ---- what hooks are told ---- */

static void write_function(struct pr_json *j, const struct pr_function *f)
{
	char address[PR_ADDRESS_MAX], ids[10];

	pr_address_format(&f->address, address);
	(void)snprintf(ids, sizeof(ids), "%04x:%04x", f->header.vendor, f->header.device);
	pr_json_string(j, "address", address);
	pr_json_string(j, "id", ids);
	pr_json_hex(j, "class", f->header.class_code);
	pr_json_string(j, "driver", f->facts->driver);
	pr_json_array(j, "users");
	for (size_t i = 0; i < f->facts->n_users; i++) {
		pr_json_object(j, NULL);
		pr_json_string(j, "kind", f->facts->users[i].kind);
		pr_json_string(j, "what", f->facts->users[i].what);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

/* @f NULL: it is not there.  @report: of the end, or NULL. */
static int write_request(const char *plan, const char *path, const struct pr_function *f,
	const struct pr_report *report, char **ret)
{
	_cleanup_(pr_text_deinit) struct pr_text out = { 0 };
	struct pr_json j;

	pr_text_add(&out, report ? "post\n" : "pre\n");
	pr_json_init(&j, &out);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.hook/1");
	pr_json_string(&j, "phase", report ? "post" : "pre");
	/* it comes back: not a removal, for who can wait */
	pr_json_string(&j, "reason", "pause");
	pr_json_string(&j, "plan", plan);
	pr_json_string(&j, "path", path);
	pr_json_bool(&j, "present", f != NULL);
	if (f)
		write_function(&j, f);
	if (report) {
		pr_json_string(&j, "outcome", pr_outcome_name(report->outcome));
		pr_json_string(&j, "report", report->text);
	}
	pr_json_object_end(&j);
	pr_text_add(&out, "\n");

	return pr_text_take(&out, ret, NULL);
}

/* ---- the note ---- */

static int note_open(const char *state, int flags)
{
	_cleanup_close_ int directory = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (directory < 0)
		return -errno;
	fd = openat(directory, NOTE_NAME, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

static int note_line(int fd, const char *line)
{
	int r;

	r = pr_write_all(fd, line, strlen(line));
	if (r == 0)
		r = pr_write_all(fd, "\n", 1);

	return r == 0 && fdatasync(fd) < 0 ? -errno : r;
}

static void note_drop(const char *state)
{
	_cleanup_close_ int directory = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory >= 0)
		(void)unlinkat(directory, NOTE_NAME, 0); /* told twice is no harm */
}

bool pr_hooks_pending(const char *state)
{
	_cleanup_close_ int fd = note_open(state, O_RDONLY);

	return fd >= 0;
}

/* ---- before ---- */

static bool is_asked_about(const struct pr_function *f)
{
	return f->facts && (f->facts->n_users > 0 || (f->facts->driver && !f->bridge));
}

static int ask_about(const struct pr_hooks_place *place, int note, const struct pr_plan *plan,
	const struct pr_function *f, struct pr_hooks_pin *ret)
{
	_cleanup_free_ char *request = NULL, *answer = malloc(ANSWER_MAX);
	char address[PR_ADDRESS_MAX];
	int r;

	if (!answer)
		return -ENOMEM;
	r = pr_function_path(f, ret->path, sizeof(ret->path));
	if (r == 0)
		r = note_line(note, ret->path);
	if (r == 0)
		r = write_request(plan->id, ret->path, f, NULL, &request);
	if (r == 0)
		r = ask(place, request, answer);
	if (r < 0)
		return r;

	pr_address_format(&f->address, address);
	return find_pin(answer, address, ret->text, sizeof(ret->text));
}

int pr_hooks_pre(const struct pr_hooks_place *place, const char *state, const struct pr_plan *plan,
	struct pr_hooks_pin *ret_pin)
{
	const struct pr_report nothing = { .outcome = PR_OUTCOME_CANCELLED,
		.text = "nothing was begun" };
	_cleanup_close_ int note = -1;
	int r;

	if (!has_hooks(place))
		return 0;
	note = note_open(state, O_WRONLY | O_CREAT | O_TRUNC);
	if (note < 0)
		return note;
	r = note_line(note, plan->id);
	for (size_t i = 0; r == 0 && i < plan->n_affected; i++)
		if (is_asked_about(plan->affected[i].function))
			r = ask_about(place, note, plan, plan->affected[i].function, ret_pin);
	if (r != 0)
		pr_hooks_post(place, state, plan->topology, &nothing);

	return r;
}

/* ---- afterwards ---- */

static void tell_about(const struct pr_hooks_place *place, const char *plan, const char *path,
	const struct pr_topology *now, const struct pr_report *report)
{
	const struct pr_function *f = now ? pr_topology_find_path(now, path) : NULL;
	_cleanup_free_ char *request = NULL, *answer = malloc(ANSWER_MAX);
	int r;

	r = answer ? write_request(plan, path, f && !f->removed ? f : NULL, report, &request)
		   : -ENOMEM;
	if (r == 0)
		r = ask(place, request, answer);
	if (r < 0)
		place->untold(path, r);
}

void pr_hooks_tell(const struct pr_hooks_place *place, const char *state,
	const struct pr_topology *now, const struct pr_report *report)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int directory = -1;
	char *plan, *path, *rest;

	if (!place)
		return;
	directory = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || pr_read_file_at(directory, NOTE_NAME, NOTE_MAX, &text, NULL) < 0)
		return; /* nobody was asked */

	plan = strtok_r(text, "\n", &rest);
	while (plan && (path = strtok_r(NULL, "\n", &rest)))
		tell_about(place, plan, path, now, report);
}

void pr_hooks_post(const struct pr_hooks_place *place, const char *state,
	const struct pr_topology *now, const struct pr_report *report)
{
	pr_hooks_tell(place, state, now, report);
	if (place)
		note_drop(state);
}

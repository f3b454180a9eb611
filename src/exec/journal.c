/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that survives us.  A line is on disk before what it announces is
 * done.  The lock is on the directory, so that the file itself can be replaced
 * when it has grown.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "exec/journal.h"

#define JOURNAL_NAME  "journal"
#define JOURNAL_OLD   "journal.old"
#define END_RESTARTED "end restarted\n" /* by the machine, not by us */
#define JOURNAL_GROWN (1 << 20)         /* begins anew beyond this; the old one is kept once */
#define JOURNAL_MAX   (256u << 20)      /* a full machine's roster is some 6 MiB */

struct pr_journal {
	int directory, fd;
	struct pr_record *record;
};

/* A rescue shell may have nothing below /var. */
static int make_directories(const char *path)
{
	_cleanup_free_ char *parent = strdup(path);

	if (!parent)
		return -ENOMEM;
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}

	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_directory(const char *path, int *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0 && errno == ENOENT && *path != '\0') {
		r = make_directories(path);
		if (r < 0)
			return r;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;

	*ret = fd;
	fd = -1;
	return 0;
}

/*
 * Made by root in the directory of the service's user, it belongs to that
 * user: the service must be able to recover what a command as root left.
 */
static int create_file(int directory)
{
	_cleanup_close_ int fd = openat(directory, JOURNAL_NAME,
		O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(directory, &st) < 0)
		return -errno;
	if (geteuid() == 0 && st.st_uid != 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		return -errno;
	if (fsync(directory) < 0)
		return -errno;

	r = fd;
	fd = -1;
	return r;
}

/* A file with a second name was put there by somebody else, and may be anything. */
static int open_file(struct pr_journal *j)
{
	struct stat st;

	j->fd = create_file(j->directory);
	if (j->fd == -EEXIST) {
		j->fd = openat(j->directory, JOURNAL_NAME,
			O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (j->fd < 0)
			return -errno;
	}
	if (j->fd < 0)
		return j->fd;
	if (fstat(j->fd, &st) < 0)
		return -errno;

	return S_ISREG(st.st_mode) && st.st_nlink == 1 ? 0 : -EPERM;
}

/*
 * What was written after the last newline announces nothing: it was not on disk when the machine
 * stopped.
 */
static int cut_torn_line(int fd, const char *text, size_t *size)
{
	const char *newline = *size > 0 ? memrchr(text, '\n', *size) : NULL;
	size_t whole = newline ? (size_t)(newline - text) + 1 : 0;

	if (whole == *size)
		return 0;
	if (ftruncate(fd, (off_t)whole) < 0 || fsync(fd) < 0)
		return -errno;

	*size = whole;
	return 0;
}

/*
 * A boot brings back all that was removed, and the registers are its firmware's and kernel's:
 * nothing of an earlier one is undone.  Unknown (no procfs) is as good as the same.
 */
static void read_boot(char ret[sizeof(((struct pr_record *)0)->boot)])
{
	_cleanup_free_ char *line = NULL;
	size_t size = sizeof(((struct pr_record *)0)->boot);

	*ret = '\0';
	if (pr_read_line_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &line) == 0 &&
		strlen(line) < size && !strchr(line, ' '))
		memcpy(ret, line, strlen(line) + 1);
}

/*
 * A line that cannot be written whole (full disk) is taken back, or the next one would be glued to
 * it.
 */
static int append(struct pr_journal *j, const char *text, size_t n)
{
	struct stat st;
	int r;

	if (fstat(j->fd, &st) < 0)
		return -errno;
	r = pr_write_all(j->fd, text, n);
	if (r == 0 && fdatasync(j->fd) < 0)
		r = -errno;
	if (r < 0)
		(void)ftruncate(j->fd, st.st_size); /* the first failure is the one that is told */

	return r;
}

/*
 * Written down for people; where that cannot be, the next boot_id says the same.
 */
static void end_with_boot(struct pr_journal *j)
{
	char boot[sizeof(j->record->boot)];

	read_boot(boot);
	if (!boot[0] || !j->record->boot[0] || strcmp(boot, j->record->boot) == 0)
		return;

	if (!j->record->ended)
		(void)append(j, END_RESTARTED, strlen(END_RESTARTED));
	j->record->ended = true;
	j->record->lost = false;
}

static int load(struct pr_journal *j)
{
	_cleanup_free_ char *text = NULL;
	unsigned int line;
	size_t size;
	int r;

	r = pr_read_file_at(j->directory, JOURNAL_NAME, JOURNAL_MAX, &text, &size);
	if (r < 0)
		return r;
	r = cut_torn_line(j->fd, text, &size);
	if (r < 0)
		return r;

	r = pr_record_parse(text, size, &j->record, &line);
	if (r < 0)
		return r;
	if (j->record)
		end_with_boot(j);

	return 0;
}

int pr_journal_open(const char *directory, struct pr_journal **ret)
{
	struct pr_journal *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->directory = j->fd = -1;

	r = open_directory(directory, &j->directory);
	if (r == 0)
		r = open_file(j);
	if (r == 0)
		r = load(j);
	if (r < 0) {
		pr_journal_close(j);
		return r;
	}

	*ret = j;
	return 0;
}

/* A name that is free, as each may be the only trace of what happened. */
static int set_aside(int directory, char ret_name[PR_JOURNAL_NAME_MAX])
{
	for (unsigned int n = 1; n < 1000; n++) {
		(void)snprintf(ret_name, PR_JOURNAL_NAME_MAX, JOURNAL_NAME ".damaged-%u", n);
		if (renameat2(directory, JOURNAL_NAME, directory, ret_name, RENAME_NOREPLACE) == 0)
			return fsync(directory) < 0 ? -errno : 0;
		if (errno != EEXIST)
			return -errno;
	}

	return -EEXIST;
}

int pr_journal_set_aside(const char *directory, char ret_name[PR_JOURNAL_NAME_MAX])
{
	_cleanup_close_ int fd = -1;
	int r;

	r = open_directory(directory, &fd);
	return r < 0 ? r : set_aside(fd, ret_name);
}

void pr_journal_close(struct pr_journal *j)
{
	if (!j)
		return;

	pr_record_free(j->record);
	pr_closep(&j->fd);
	pr_closep(&j->directory);
	free(j);
}

bool pr_journal_pending(const struct pr_journal *j)
{
	return j->record && !j->record->ended;
}

struct pr_record *pr_journal_record(struct pr_journal *j)
{
	return j->record;
}

static int begin_anew_when_grown(struct pr_journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return -errno;
	if (st.st_size < JOURNAL_GROWN)
		return 0;
	if (renameat(j->directory, JOURNAL_NAME, j->directory, JOURNAL_OLD) < 0)
		return -errno;

	pr_closep(&j->fd);
	return open_file(j);
}

int pr_journal_begin(struct pr_journal *j, struct pr_record *record)
{
	_cleanup_(pr_text_deinit) struct pr_text out = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t n;
	int r;

	if (pr_journal_pending(j)) {
		pr_record_free(record);
		return -EBUSY;
	}

	pr_record_free(j->record);
	j->record = record;
	read_boot(record->boot);
	pr_record_write(record, &out);
	r = pr_text_take(&out, &text, &n);
	if (r == 0)
		r = begin_anew_when_grown(j);
	if (r == 0)
		r = append(j, text, n);
	if (r < 0)
		record->ended = true; /* nothing was announced, so nothing is pending */

	return r;
}

int pr_journal_doing(struct pr_journal *j, size_t step)
{
	char line[32];
	int n;

	j->record->steps[step].doing = true;
	n = snprintf(line, sizeof(line), "doing %zu\n", step);
	return append(j, line, (size_t)n);
}

int pr_journal_done(struct pr_journal *j, size_t step)
{
	char line[32];
	int n;

	j->record->steps[step].done = true;
	n = snprintf(line, sizeof(line), "done %zu\n", step);
	return append(j, line, (size_t)n);
}

int pr_journal_guarded(struct pr_journal *j)
{
	static const char line[] = "guarded\n";

	j->record->swap.guarded = true;
	return append(j, line, strlen(line));
}

int pr_journal_waiting(struct pr_journal *j)
{
	static const char line[] = "waiting\n";

	j->record->waiting = true;
	return append(j, line, strlen(line));
}

int pr_journal_end(struct pr_journal *j, enum pr_outcome outcome)
{
	char line[64];
	int n;

	j->record->ended = true;
	j->record->lost = outcome == PR_OUTCOME_LOST;
	n = snprintf(line, sizeof(line), "end %s\n", pr_outcome_name(outcome));
	return append(j, line, (size_t)n);
}

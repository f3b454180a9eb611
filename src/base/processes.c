/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pass over proc/.  A process that ends while it is looked at was not
 * there; one that may not be looked into is counted.  Sockets, pipes and plain
 * files are told from nodes by the text of the link alone: asking for the
 * status of a file on a dead server would hang.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/processes.h"

#define MAPS_CHUNK  ((size_t)1 << 16)
#define COMMAND_MAX ((size_t)1 << 16)
#define MOUNTS_MAX  ((size_t)16 << 20)
#define PATH_SIZE   64 /* "NUMBER/mountinfo" */

struct scan {
	int proc;
	bool real;
	struct pr_text *out;
	void *namespaces, *systems; /* search trees of texts: seen before */
	char *maps;
	size_t maps_size;
	unsigned int unread;
	/* of the process at hand */
	const char *pid;
	bool named; /* its line is out */
};

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}
#define _cleanup_closedir_ _cleanup_(closedirp)

static DIR *open_dir(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0) {
		error = errno;
		(void)close(fd); /* nothing was read */
		errno = error;
	}
	return dir;
}

static void process_path(const struct scan *s, const char *file, char ret[PATH_SIZE])
{
	(void)snprintf(ret, PATH_SIZE, "%.20s/%s", s->pid, file); /* both are short */
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* True when @text was not in @tree; it is then.  -ENOMEM. */
static int remember(void **tree, const char *text)
{
	char *copy;

	if (tfind(text, tree, compare_text))
		return false;
	copy = strdup(text);
	if (!copy || !tsearch(copy, tree, compare_text)) {
		free(copy);
		return -ENOMEM;
	}
	return true;
}

/* ---- writing ---- */

static void add_clean(struct pr_text *out, const char *text)
{
	size_t n;

	for (; *text; text += n) {
		n = 0;
		while ((unsigned char)text[n] >= ' ')
			n++;
		pr_text_add_n(out, text, n);
		if (text[n]) {
			pr_text_add(out, "?");
			n++;
		}
	}
}

/* The value of "-name", which is "vm7" or "guest=vm7,process=..."; a doubled comma is one. */
static void add_guest(struct pr_text *out, char *name)
{
	char *to;

	if (strncmp(name, "guest=", strlen("guest=")) == 0)
		name += strlen("guest=");
	to = name;
	for (const char *from = name; *from && (*from != ',' || from[1] == ','); from++) {
		from += *from == ',';
		*to++ = *from;
	}
	*to = '\0';
	add_clean(out, name);
}

/* Of the command line only the name of the guest is anybody's business. */
static void find_guest(const struct scan *s, const char *command)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_SIZE];
	size_t size, n;

	if (strncmp(command, "qemu", 4) != 0 && strncmp(command, "kvm", 3) != 0)
		return;
	process_path(s, "cmdline", path);
	if (pr_read_file_at(s->proc, path, COMMAND_MAX, &text, &size) < 0)
		return;
	for (size_t i = 0; i < size; i += n + 1) {
		n = strlen(text + i);
		if (strcmp(text + i, "-name") == 0 && i + n + 1 < size) {
			add_guest(s->out, text + i + n + 1);
			return;
		}
	}
}

static void add_process(struct scan *s)
{
	_cleanup_free_ char *command = NULL;
	char path[PATH_SIZE];

	if (s->named)
		return;
	s->named = true;
	process_path(s, "comm", path);
	(void)pr_read_line_at(s->proc, path, &command); /* it may just have ended */
	pr_text_printf(s->out, "process\t%s\t", s->pid);
	add_clean(s->out, command ? command : "");
	pr_text_add(s->out, "\t");
	find_guest(s, command ? command : "");
	pr_text_add(s->out, "\n");
}

/* ---- what counts ---- */

/* Nodes that belong to no device that could go away. */
static const char *const everybodys[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
	"/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/kmsg", NULL };
static const char *const everybodys_folders[] = { "/dev/pts/", "/dev/shm/", "/dev/mqueue/",
	"/dev/hugepages/", NULL };

static bool is_everybodys(const char *path)
{
	for (const char *const *e = everybodys; *e; e++)
		if (strcmp(path, *e) == 0)
			return true;
	for (const char *const *e = everybodys_folders; *e; e++)
		if (strncmp(path, *e, strlen(*e)) == 0)
			return true;

	return false;
}

/* The file through which a device's addresses are mapped. */
static bool is_resource(const char *path)
{
	const char *base = strrchr(path, '/');

	return strncmp(path, "/sys/devices/", strlen("/sys/devices/")) == 0 &&
	       strncmp(base, "/resource", strlen("/resource")) == 0;
}

/* A container has its own /dev somewhere below. */
static bool may_be_node(const char *path)
{
	return path[0] == '/' && strstr(path, "/dev/") && !is_everybodys(path);
}

/* ---- descriptors ---- */

/* False when @path is not a device after all. */
static bool node_number(const struct scan *s, int at, const char *name, char ret[32])
{
	struct stat st;

	(void)strcpy(ret, "-"); /* fits */
	if (!s->real)
		return true;
	if (fstatat(at, name, &st, 0) < 0)
		return true;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return false;
	(void)snprintf(ret, 32, "%c%u:%u", S_ISBLK(st.st_mode) ? 'b' : 'c', major(st.st_rdev),
		minor(st.st_rdev));
	return true;
}

static void scan_descriptor(struct scan *s, int at, const char *name)
{
	char path[PATH_MAX], number[32] = "-";
	ssize_t n = readlinkat(at, name, path, sizeof(path) - 1);

	if (n <= 0)
		return;
	path[n] = '\0';
	if (!is_resource(path) && (!may_be_node(path) || !node_number(s, at, name, number)))
		return;

	add_process(s);
	pr_text_printf(s->out, "open\t%s\t", number);
	add_clean(s->out, path);
	pr_text_add(s->out, "\n");
}

/* False when it may not be looked into, or has ended. */
static bool scan_descriptors(struct scan *s)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_SIZE];

	process_path(s, "fd", path);
	dir = open_dir(s->proc, path);
	if (!dir) {
		s->unread += errno == EACCES || errno == EPERM;
		return false;
	}
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.')
			scan_descriptor(s, dirfd(dir), e->d_name);

	return true;
}

/* ---- mappings ---- */

/* All of it into a buffer that is kept from process to process; the number of bytes. */
static size_t read_maps(struct scan *s, int fd)
{
	size_t n = 0;

	for (;;) {
		ssize_t got;
		char *more;

		if (s->maps_size - n < MAPS_CHUNK) {
			more = realloc(s->maps, s->maps_size + 2 * MAPS_CHUNK);
			if (!more) {
				s->out->failed = true;
				return 0;
			}
			s->maps = more;
			s->maps_size += 2 * MAPS_CHUNK;
		}
		got = read(fd, s->maps + n, s->maps_size - n - 1);
		if (got <= 0)
			break;
		n += (size_t)got;
	}

	s->maps[n] = '\0';
	return n;
}

static void add_map(struct scan *s, const char *path, char previous[PATH_MAX])
{
	if (strlen(path) >= PATH_MAX || strcmp(path, previous) == 0 ||
		(!is_resource(path) && !may_be_node(path)))
		return;
	(void)strcpy(previous, path); /* fits: tested above */
	add_process(s);
	pr_text_add(s->out, "map\t");
	add_clean(s->out, path);
	pr_text_add(s->out, "\n");
}

/*
 * Lines are "from-to perms offset dev inode    path": the path is what the first slash begins.
 * Most name libraries, so the few that count are looked for, not each line read.
 */
static void scan_maps(struct scan *s)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_SIZE], previous[PATH_MAX] = "", *at, *next, *line, *end;
	size_t n;

	process_path(s, "maps", path);
	fd = openat(s->proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read_maps(s, fd);
	for (at = s->maps; n > 0 && (next = strstr(at, "/dev")); at = end) {
		line = memrchr(at, '\n', (size_t)(next - at));
		line = line ? line + 1 : at;
		end = next + strcspn(next, "\n");
		end += *end == '\n';
		if (end[-1] == '\n')
			end[-1] = '\0';
		line = strchr(line, '/');
		add_map(s, line, previous);
	}
}

/* ---- mount namespaces ---- */

/* Of file systems without a device of their own, those that have disks nonetheless. */
static bool has_disk(const char *line)
{
	const char *type = strstr(line, " - ");

	return type && (strncmp(type + 3, "btrfs ", 6) == 0 || strncmp(type + 3, "zfs ", 4) == 0 ||
			       strncmp(type + 3, "bcachefs ", 9) == 0);
}

/* "30 1 259:1 / /srv rw ...": the third field is the file system. */
static int scan_mount(struct scan *s, char *line)
{
	char number[32];
	int r;

	if (sscanf(line, "%*s %*s %31s", number) != 1 ||
		(strncmp(number, "0:", 2) == 0 && !has_disk(line)))
		return 0;
	r = remember(&s->systems, number);
	if (r <= 0)
		return r;

	add_process(s);
	pr_text_add(s->out, "mount\t");
	add_clean(s->out, line);
	pr_text_add(s->out, "\n");
	return 0;
}

static int scan_mounts(struct scan *s)
{
	_cleanup_free_ char *namespace = NULL, *text = NULL;
	char path[PATH_SIZE], *save = NULL;
	int r;

	process_path(s, "ns/mnt", path);
	if (pr_readlink_base_at(s->proc, path, &namespace) < 0)
		return 0;
	r = remember(&s->namespaces, namespace);
	if (r <= 0)
		return r;
	process_path(s, "mountinfo", path);
	if (pr_read_file_at(s->proc, path, MOUNTS_MAX, &text, NULL) < 0)
		return 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		r = scan_mount(s, line);
		if (r < 0)
			return r;
	}

	return 0;
}

/* ---- all of it ---- */

static int scan_process(struct scan *s, const char *pid)
{
	s->pid = pid;
	s->named = false;
	if (!scan_descriptors(s))
		return 0;
	scan_maps(s);
	return scan_mounts(s);
}

static int scan_all(struct scan *s, DIR *dir)
{
	char self[24];
	int r = 0;

	(void)snprintf(self, sizeof(self), "%d", (int)getpid());
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && strlen(e->d_name) <= 10 &&
			(!s->real || strcmp(e->d_name, self) != 0))
			r = scan_process(s, e->d_name);

	return r;
}

/* A /proc that hides others (hidepid) does not even show the first process. */
static bool hides_others(const struct scan *s)
{
	return s->real && faccessat(s->proc, "1", F_OK, 0) < 0;
}

int pr_processes_list(int root, bool real, struct pr_text *ret)
{
	struct scan s = { .real = real, .out = ret };
	_cleanup_closedir_ DIR *dir = open_dir(root, "proc");
	int r;

	if (!dir)
		return -errno;
	s.proc = dirfd(dir);
	r = scan_all(&s, dir);
	if (r == 0 && hides_others(&s))
		pr_text_add(ret, PR_PROCESSES_END "all\n");
	else if (r == 0)
		pr_text_printf(ret, PR_PROCESSES_END "%u\n", s.unread);

	tdestroy(s.namespaces, free);
	tdestroy(s.systems, free);
	free(s.maps);
	return r == 0 && ret->failed ? -ENOMEM : r;
}

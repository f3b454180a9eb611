/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of a random session (lab/random_guest.py): one process that
 * does what it is told to PCI devices and tells what the kernel then shows.
 * A line is a command, the answer ends with "@@END".  It knows no topology and
 * judges nothing.  What has not changed since the last answer is not sent again,
 * because a serial line of an emulated machine is slow.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DEVICES     "/sys/bus/pci/devices"
#define SLOTS       "/sys/bus/pci/slots"
#define MAX_DEVICES 1024
#define RECORD_MAX  8192
#define CONFIG_MAX  512 /* every capability of QEMU's devices lies below */
#define WAIT_LIMIT  20  /* seconds for a state */

struct device {
	char address[16];
	char record[RECORD_MAX]; /* as it was sent last */
	bool seen;
};

static struct device devices[MAX_DEVICES];
static size_t n_devices;
static char lists[2][1 << 17]; /* iomem and ioports as they were sent last */
static FILE *line;
static int log_fd;

/* ---- files ---- */

static int read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0)
		return -1;
	while (n < size - 1) {
		ssize_t r = read(fd, buffer + n, size - 1 - n);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	close(fd);
	buffer[n] = '\0';
	return (int)n;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(line, "E %s: %m\n", path);
	if (fd >= 0)
		close(fd);
}

/* What the kernel may refuse: that is an answer, and seen by what comes of it. */
static void try_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fprintf(line, "E %s: %m\n", path);
	else if (write(fd, text, strlen(text)) < 0)
		fprintf(line, "N %s: %m\n", path);
	if (fd >= 0)
		close(fd);
}

static const char *attribute(const char *address, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), DEVICES "/%s%s", address, name);
	return path;
}

/* ---- one device as text ---- */

struct text {
	char *p;
	size_t left;
};

static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->p, t->left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->left)
		n = (int)t->left - 1;
	t->p += n;
	t->left -= (size_t)n;
}

static void add_value(struct text *t, char key, const char *address, const char *name)
{
	char value[64];

	if (read_file(attribute(address, name), value, sizeof(value)) > 0)
		add(t, "%c %.*s\n", key, (int)strcspn(value, "\n"), value);
}

/* The last component of a link's target; of the device's own link the whole, which is its place. */
static void add_link(struct text *t, char key, const char *path, bool whole)
{
	char target[512], *slash;
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return;
	target[n] = '\0';
	slash = strrchr(target, '/');
	add(t, "%c %s\n", key, whole || !slash ? target : slash + 1);
}

/* Lines of zeros are left out; their number is told. */
static void add_resources(struct text *t, const char *address)
{
	char buffer[2048], *p = buffer;
	unsigned long long start, end, flags;
	unsigned int n = 0;

	if (read_file(attribute(address, "/resource"), buffer, sizeof(buffer)) <= 0)
		return;
	for (; sscanf(p, "%llx %llx %llx", &start, &end, &flags) == 3; n++) {
		if (start || end || flags)
			add(t, "R %u %llx %llx %llx\n", n, start, end, flags);
		p = strchr(p, '\n');
		if (!p++)
			break;
	}
	add(t, "n %u\n", n);
}

static void add_config(struct text *t, const char *address)
{
	unsigned char bytes[CONFIG_MAX];
	int fd = open(attribute(address, "/config"), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	add(t, "C ");
	for (ssize_t i = 0; i < n; i++)
		add(t, "%02x", bytes[i]);
	add(t, "\n");
}

static void describe(const char *address, struct text t)
{
	add_link(&t, 'L', attribute(address, ""), true);
	add_link(&t, 'D', attribute(address, "/driver"), false);
	add_link(&t, 'P', attribute(address, "/physfn"), false);
	add_value(&t, 'e', address, "/enable");
	add_value(&t, 'v', address, "/sriov_numvfs");
	add_resources(&t, address);
	add_config(&t, address);
}

/* ---- all of them, in the order of their discovery ---- */

static struct device *find(const char *address)
{
	for (size_t i = 0; i < n_devices; i++)
		if (strcmp(devices[i].address, address) == 0)
			return &devices[i];
	if (n_devices == MAX_DEVICES)
		return NULL;
	snprintf(devices[n_devices].address, sizeof(devices[0].address), "%s", address);
	return &devices[n_devices++];
}

static void send_device(const char *address)
{
	static char record[RECORD_MAX];
	struct device *d = find(address);

	if (!d)
		return;
	d->seen = true;
	describe(address, (struct text){ record, sizeof(record) });
	if (strcmp(d->record, record) == 0) {
		fprintf(line, "= %s\n", address);
		return;
	}
	strcpy(d->record, record);
	fprintf(line, "F %s\n%s", address, record);
}

/* /proc/bus/pci/devices has bus and devfn in hexadecimal first; domain 0 is all that QEMU makes. */
static void send_devices(void)
{
	static char list[1 << 18];
	char address[16];
	unsigned int at;

	read_file("/proc/bus/pci/devices", list, sizeof(list));
	for (size_t i = 0; i < n_devices; i++)
		devices[i].seen = false;
	for (char *p = list; p && sscanf(p, "%4x", &at) == 1;
		p = strchr(p, '\n'), p = p ? p + 1 : p) {
		snprintf(address, sizeof(address), "0000:%02x:%02x.%x", at >> 8 & 0xff,
			at >> 3 & 0x1f, at & 7);
		send_device(address);
	}
	for (size_t i = 0; i < n_devices; i++)
		if (!devices[i].seen)
			devices[i].record[0] = '\0';
}

/* Apertures and what lies directly in them: two levels. */
static void send_list(char key, const char *path, char *last, size_t size)
{
	static char buffer[1 << 18], shown[1 << 17];
	struct text t = { shown, sizeof(shown) };

	shown[0] = '\0';
	read_file(path, buffer, sizeof(buffer));
	for (char *p = buffer, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if (strncmp(p, "    ", 4) != 0)
			add(&t, "%c %.*s\n", key, (int)(end - p), p);
	}
	if (strcmp(shown, last) == 0)
		return;
	snprintf(last, size, "%s", shown);
	fputs(shown, line);
}

static void send_log(void)
{
	char entry[8192];
	ssize_t n;

	/* EPIPE: entries were lost, the next read goes on after them */
	while ((n = read(log_fd, entry, sizeof(entry) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		char *text;

		if (n < 0)
			continue;
		entry[n] = '\0';
		text = strchr(entry, ';');
		if (text && (strstr(text, "pci") || strstr(text, "BUG") || strstr(text, "Oops") ||
				    strstr(text, "general protection")))
			fprintf(line, "K %.*s\n", (int)strcspn(text + 1, "\n"), text + 1);
	}
}

static void capture(void)
{
	send_devices();
	send_list('M', "/proc/iomem", lists[0], sizeof(lists[0]));
	send_list('O', "/proc/ioports", lists[1], sizeof(lists[1]));
	send_log();
}

/* ---- commands ---- */

static void write_register(
	const char *address, unsigned int offset, unsigned int width, uint32_t value)
{
	int fd = open(attribute(address, "/config"), O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, &value, width, offset) != (ssize_t)width)
		fprintf(line, "E %s: register %#x: %m\n", address, offset);
	if (fd >= 0)
		close(fd);
}

/* pci_bus_add_device() makes the file, after resources were assigned; removal takes it away first. */
static void wait_file(const char *path, bool there)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (int i = 0; i < WAIT_LIMIT * 100; i++) {
		if ((access(path, F_OK) == 0) == there)
			return;
		nanosleep(&pause, NULL);
	}
	fprintf(line, "E %s: waited %d s\n", path, WAIT_LIMIT);
}

/*
 * Takes the power of the slot at "0000:05:00".  Names of slots are no help: a port's number is
 * the name of another controller's slot when that came first.
 */
static void power_off(const char *address)
{
	char path[512], found[64];
	DIR *slots = opendir(SLOTS);
	struct dirent *entry;

	while (slots && (entry = readdir(slots))) {
		snprintf(path, sizeof(path), SLOTS "/%s/address", entry->d_name);
		if (entry->d_name[0] == '.' || read_file(path, found, sizeof(found)) <= 0 ||
			strncmp(found, address, strlen(address)) != 0)
			continue;
		snprintf(path, sizeof(path), SLOTS "/%s/power", entry->d_name);
		write_file(path, "0");
		closedir(slots);
		return;
	}
	if (slots)
		closedir(slots);
	fprintf(line, "E no slot %s\n", address);
}

static void perform(const char *command)
{
	char word[32], what[256], value[256];
	unsigned int offset, width;
	uint32_t number;

	if (sscanf(command, "%31s %255s", word, what) < 1)
		return;
	if (strcmp(word, "capture") == 0)
		capture();
	else if (sscanf(command, "store %255s %255s", what, value) == 2)
		write_file(what, value);
	else if (sscanf(command, "try %255s %255s", what, value) == 2)
		try_file(what, value);
	else if (sscanf(command, "write %255s %x %u %x", what, &offset, &width, &number) == 4)
		write_register(what, offset, width, number);
	else if (strcmp(word, "power-off") == 0)
		power_off(what);
	else if (strcmp(word, "wait") == 0)
		wait_file(what, true);
	else if (strcmp(word, "wait-gone") == 0)
		wait_file(what, false);
	else
		fprintf(line, "E not understood: %s\n", command);
}

static void open_line(void)
{
	struct termios mode;
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY);

	if (fd < 0 || tcgetattr(fd, &mode) < 0)
		exit(EXIT_FAILURE);
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	tcsetattr(fd, TCSANOW, &mode);
	line = fdopen(fd, "r+");
	if (!line)
		exit(EXIT_FAILURE);
	setvbuf(line, NULL, _IOFBF, 1 << 16);
}

int main(void)
{
	char command[512];
	FILE *commands;

	open_line();
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	commands = fdopen(dup(fileno(line)), "r");
	if (log_fd < 0 || !commands)
		return EXIT_FAILURE;
	fputs("@@READY\n", line);
	fflush(line);
	while (fgets(command, sizeof(command), commands)) {
		perform(command);
		if (strncmp(command, "end", 3) == 0 || strncmp(command, "capture", 7) == 0)
			fputs("@@END\n", line);
		fflush(line);
	}
	return EXIT_SUCCESS;
}

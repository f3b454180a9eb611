/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only file that speaks to libpci; configuration space is read and never
 * written here.  libpci's error handler may not return, and by default ends
 * the process.  Ours jumps out of libpci into pr_pci_scan() and gives up on
 * that pci_access: it was left in the middle of something, so not even
 * pci_cleanup() may be called on it any more.  It is lost deliberately; this
 * happens when a bus directory cannot be read, never in normal work.
 */
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/pci-access.h"

#define CONFIG_MAX 4096

struct escape {
	jmp_buf where;
	char text[200];
};

/*
 * libpci hands its handlers nothing to find us by.  Set only while pr_pci_scan() is inside of
 * libpci.
 */
static _Thread_local struct escape *escape;

static void on_error(char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void on_error(char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(escape->text, sizeof(escape->text), format, args); /* may be cut */
	va_end(args);
	longjmp(escape->where, 1);
}

/* libpci warns of what cannot be read; here that is the length of what is known. */
static void on_warning(char *format, ...) __attribute__((format(printf, 1, 2)));
static void on_warning(char *format, ...)
{
	(void)format;
}

/*
 * Longest readable prefix of configuration space.  libpci answers a read that
 * comes back short with "failed", and its byte-wise helpers make that 0xff;
 * so blocks are read, and halved where one fails.  Without privilege the
 * kernel gives 64 bytes, 128 of a CardBus bridge, whatever the file's size
 * says (pci_read_config() in drivers/pci/pci-sysfs.c).
 */
static size_t read_prefix(struct pci_dev *dev, uint8_t config[CONFIG_MAX])
{
	size_t known = 0, step = 64;

	while (step > 0 && known < CONFIG_MAX) {
		if (pci_read_block(dev, (int)known, config + known, (int)step))
			known += step;
		else
			step /= 2;
	}

	return known;
}

/*
 * A function that does not answer reads as ones (PCI 3.0 section 6.1): then
 * nothing is known of it.  A virtual function has ones in its identity alone.
 */
static bool answers(const uint8_t *config, size_t length)
{
	for (size_t i = 0; i < length && i < 64; i++)
		if (config[i] != 0xff)
			return true;

	return false;
}

static int read_function(struct pci_dev *dev, struct pr_arena *arena, struct pr_pci_function *ret)
{
	uint8_t config[CONFIG_MAX], *copy;
	size_t length;

	length = read_prefix(dev, config);
	if (!answers(config, length))
		length = 0;

	copy = pr_arena_memdup(arena, config, length);
	if (!copy)
		return -ENOMEM;

	*ret = (struct pr_pci_function){
		.address = { .domain = (uint32_t)dev->domain,
			.bus = dev->bus,
			.device = dev->dev,
			.function = dev->func },
		.config = copy,
		.length = length,
	};
	return 0;
}

static int read_functions(struct pci_access *access, struct pr_arena *arena,
	struct pr_pci_function **ret, size_t *ret_n)
{
	struct pr_pci_function *functions;
	size_t n = 0;
	int r;

	for (struct pci_dev *dev = access->devices; dev; dev = dev->next)
		n++;
	functions = pr_new_array(arena, n, struct pr_pci_function);
	if (!functions)
		return -ENOMEM;

	n = 0;
	for (struct pci_dev *dev = access->devices; dev; dev = dev->next) {
		r = read_function(dev, arena, &functions[n]);
		if (r < 0)
			return r;
		n++;
	}

	*ret = functions;
	*ret_n = n;
	return 0;
}

/* Everything between entering and leaving libpci; left early by on_error(). */
static int scan(char *path, struct pr_arena *arena, struct pr_pci_function **ret, size_t *ret_n)
{
	static char parameter[] = "sysfs.path"; /* pci_set_param() takes no const */
	struct pci_access *access;
	int r;

	access = pci_alloc();
	access->error = on_error;
	access->warning = on_warning;
	access->debug = on_warning;
	access->method = PCI_ACCESS_SYS_BUS_PCI;
	/* cannot fail: the method is built into every libpci on Linux */
	(void)pci_set_param(access, parameter, path);

	pci_init(access);
	pci_scan_bus(access);
	r = read_functions(access, arena, ret, ret_n);
	pci_cleanup(access);
	return r;
}

int pr_pci_scan(const char *root, struct pr_arena *arena, struct pr_pci_function **ret,
	size_t *ret_n, struct pr_import_error *error)
{
	struct escape here;
	char *path;
	int r;

	path = pr_arena_printf(arena, "%s/sys/bus/pci", strcmp(root, "/") == 0 ? "" : root);
	if (!path)
		return pr_import_no_memory(error);

	escape = &here;
	if (setjmp(here.where) != 0) {
		escape = NULL;
		return pr_import_fail(error, -EIO, "libpci: %s", here.text);
	}
	r = scan(path, arena, ret, ret_n);
	escape = NULL;
	if (r < 0)
		return pr_import_no_memory(error);

	return 0;
}

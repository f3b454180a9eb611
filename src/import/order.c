/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/bus/pci/devices: one line a function, in the order in which the kernel
 * found them (drivers/pci/proc.c, show_device).  It names bus, device and
 * function, but no domain: a bus number that two domains have tells nothing.
 */
#include "import/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"

#define LIST_MAX    ((size_t)64 << 20)
#define N_FUNCTIONS 0x10000 /* 256 buses of 256 functions */
#define N_BUSES     0x100

struct pr_order {
	bool differs; /* from the order of addresses, somewhere */
	bool ambiguous[N_BUSES];
	unsigned int place[N_FUNCTIONS];
};

static bool digit(char c, unsigned int *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	*value = *value << 4 | (unsigned int)(at ? at - digits : 0);
	return at != NULL;
}

/* "bbdf" and a tab: bus, device and function. */
static bool parse_key(const char *line, size_t length, unsigned int *ret)
{
	unsigned int key = 0;

	if (length < 5 || line[4] != '\t')
		return false;
	for (size_t i = 0; i < 4; i++)
		if (!digit(line[i], &key))
			return false;

	*ret = key;
	return true;
}

static void add(struct pr_order *o, unsigned int key, unsigned int place, int *last)
{
	unsigned int bus = key >> 8;

	if (o->place[key] != 0)
		o->ambiguous[bus] = true;
	o->place[key] = place;
	o->differs |= last[bus] > (int)(key & 0xff);
	last[bus] = (int)(key & 0xff);
}

struct pr_order *pr_order_parse(const char *text, size_t size)
{
	struct pr_order *o = calloc(1, sizeof(*o));
	const char *end = text + size, *stop;
	unsigned int place = 0, key;
	int last[N_BUSES];

	if (!o)
		return NULL;
	for (size_t i = 0; i < N_BUSES; i++)
		last[i] = -1;
	for (const char *p = text; p < end; p = stop + (stop < end)) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		if (parse_key(p, (size_t)(stop - p), &key))
			add(o, key, ++place, last);
	}
	return o;
}

int pr_order_read(const struct pr_sysfs *s, struct pr_order **ret)
{
	_cleanup_free_ char *text = NULL;
	struct pr_order *order;
	size_t size = 0;

	if (pr_read_file_at(s->root, "proc/bus/pci/devices", LIST_MAX, &text, &size) < 0)
		size = 0; /* a kernel without the file, or a sandbox: nobody knows */
	order = pr_order_parse(size > 0 ? text : "", size);
	if (!order)
		return pr_import_no_memory(s->error);

	*ret = order;
	return 0;
}

void pr_order_free(struct pr_order *order)
{
	free(order);
}

unsigned int pr_order_place(const struct pr_order *order, const struct pr_address *address)
{
	unsigned int key = (unsigned int)address->bus << 8 | (unsigned int)address->device << 3 |
			   address->function;

	return order->differs && !order->ambiguous[address->bus] ? order->place[key] : 0;
}

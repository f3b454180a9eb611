/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci=resource_alignment=, and the file of that name in sysfs: memory BARs of the devices
 * that it names get larger when they are found, and memory windows are sized anew (KERNEL
 * 2.4, K10).  Sources: pci_specified_resource_alignment, pci_dev_str_match,
 * pci_reassigndev_resource_alignment (drivers/pci/pci.c).
 */
#include "kernel/model.h"

#include <stdlib.h>
#include <string.h>

#define CLASS_HOST_BRIDGE 0x0600
#define PAGE_ORDER        12 /* of x86 */
#define MAX_ORDER         63
#define MAX_LEVELS        16

enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_UNREADABLE, /* or nobody but the kernel can tell */
};

static bool skip(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

/* A hexadecimal number of up to four digits, without prefix. */
static bool hex(const char **p, unsigned int *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int value = 0, n = 0;

	for (; n < 5 && **p; n++, (*p)++) {
		const char *digit = strchr(digits, **p >= 'A' && **p <= 'F' ? **p | 0x20 : **p);

		if (!digit)
			break;
		value = value << 4 | (unsigned int)(digit - digits);
	}
	*ret = value;
	return n > 0 && n < 5;
}

/* "0000:02:00.0", or only the last two numbers of it. */
static bool devfn(const char **p, unsigned int *ret)
{
	unsigned int device, function;

	if (!hex(p, &device) || !skip(p, ".") || !hex(p, &function) || device > 31 || function > 7)
		return false;
	*ret = device * 8u + function;
	return true;
}

static unsigned int devfn_of(const struct pr_function *f)
{
	return f->address.device * 8u + f->address.function;
}

/* "[domain:]bus:device.function[/device.function]..." */
static enum match match_path(const char **p, const struct pr_function *f)
{
	unsigned int domain = 0, bus, levels[MAX_LEVELS], n = 0;
	const char *second;

	if (!hex(p, &bus) || !skip(p, ":"))
		return MATCH_UNREADABLE;
	second = *p;
	if (hex(&second, &levels[0]) && *second == ':') {
		domain = bus;
		bus = levels[0];
		*p = second + 1;
	}
	do {
		if (n == MAX_LEVELS || !devfn(p, &levels[n++]))
			return MATCH_UNREADABLE;
	} while (skip(p, "/"));

	while (n > 1 && f && devfn_of(f) == levels[n - 1]) {
		f = f->parent;
		n--;
	}
	return n == 1 && f && f->address.domain == domain && f->address.bus == bus &&
			       devfn_of(f) == levels[0]
		       ? MATCH_YES
		       : MATCH_NO;
}

/* "vendor:device[:subvendor:subdevice]"; 0 is any. */
static enum match match_ids(const char **p, const struct pr_function *f)
{
	const struct pr_header *h = &f->header;
	const unsigned int have[] = { h->vendor, h->device, h->subvendor, h->subdevice };
	unsigned int ids[4] = { 0 }, n = 0;
	bool all = true;

	do {
		if (n == 4 || !hex(p, &ids[n++]))
			return MATCH_UNREADABLE;
	} while (skip(p, ":"));
	if (n != 2 && n != 4)
		return MATCH_UNREADABLE;
	if ((ids[2] || ids[3]) && h->has_subsystem != PR_YES)
		return MATCH_UNREADABLE;
	for (unsigned int i = 0; i < 4; i++)
		all &= ids[i] == 0 || ids[i] == have[i];
	return all ? MATCH_YES : MATCH_NO;
}

/* "26@", or nothing: a page.  Orders that are too large count as a page too. */
static bool read_order(const struct pr_kernel *k, const char **p, unsigned int *ret)
{
	const char *end = *p + strspn(*p, "0123456789");

	*ret = PAGE_ORDER;
	if (*end != '@' || end == *p)
		return k->reads_windows;
	if (end - *p <= 2 && atoi(*p) <= MAX_ORDER)
		*ret = (unsigned int)atoi(*p);
	*p = end + 1;
	return true;
}

uint64_t k_asked_alignment(struct k_model *m, const struct pr_function *f)
{
	const char *p = m->kernel->alignments;
	unsigned int order;

	while (*p) {
		enum match found = MATCH_UNREADABLE;

		if (read_order(m->kernel, &p, &order))
			found = skip(&p, "pci:") ? match_ids(&p, f) : match_path(&p, f);
		if (found == MATCH_YES)
			return UINT64_C(1) << order;
		if (found == MATCH_UNREADABLE || (*p && *p != ';' && *p != ',')) {
			k_doubt(m, f, "what resource_alignment= does to it is not known");
			return 0;
		}
		if (*p)
			p++;
	}
	return 0;
}

static bool is_raised(const struct pr_resource *r, uint64_t align)
{
	if (r->index > PR_ROM || (r->flags & PR_IORES_PCI_FIXED))
		return false;
	return (r->index == PR_ROM || (r->flags & PR_IORES_MEM)) && r->size < align;
}

bool k_raises_bars(struct k_model *m, const struct pr_function *f)
{
	uint64_t align = k_asked_alignment(m, f);

	for (unsigned int i = 0; align > 0 && i < f->n_resources; i++)
		if (is_raised(&f->resources[i], align))
			return true;
	return false;
}

/* pci_disable_bridge_window */
static void close_windows(struct pr_bridge *b)
{
	for (unsigned int i = 1; i < 3; i++) {
		if (b->registers[i].implemented != PR_YES)
			continue;
		b->registers[i].open = PR_NO;
		b->registers[i].range = (struct pr_range){ 0 };
	}
}

void k_raise_alignment(struct k_model *m, struct pr_function *f)
{
	uint64_t align = k_asked_alignment(m, f);

	if (align == 0 || (!f->bridge && f->header.class_code >> 8 == CLASS_HOST_BRIDGE))
		return;
	for (unsigned int i = 0; i < f->n_resources; i++)
		if (is_raised(&f->resources[i], align))
			f->resources[i].size = f->resources[i].align = align;
	if (f->bridge)
		close_windows(f->bridge);
}

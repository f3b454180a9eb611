/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From entries of a kernel log to the state of each function at one point of
 * it: what is present, and the kernel's table of resources as the last words
 * about each of them leave it.  What hardware is comes from the whole log.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/dmesg.h"

static int compare_functions(const void *pa, const void *pb)
{
	const struct pr_dmesg_function *a = pa, *b = pb;

	return pr_address_compare(&a->address, &b->address);
}

struct pr_dmesg_function *pr_dmesg_find(
	const struct pr_dmesg_fold *fold, const struct pr_address *a)
{
	struct pr_dmesg_function key = { .address = *a };

	return fold->n == 0
		       ? NULL
		       : bsearch(&key, fold->functions, fold->n, sizeof(key), compare_functions);
}

static int collect(const struct pr_dmesg *log, struct pr_arena *arena, struct pr_dmesg_fold *ret)
{
	size_t n = 0;

	ret->functions = pr_new_array(arena, log->n + 1, struct pr_dmesg_function);
	if (!ret->functions)
		return -ENOMEM;
	for (size_t i = 0; i < log->n; i++)
		if (log->entries[i].kind == PR_DMESG_FOUND)
			ret->functions[n++].address = log->entries[i].address;
	if (n > 1)
		qsort(ret->functions, n, sizeof(*ret->functions), compare_functions);

	ret->n = 0;
	for (size_t i = 0; i < n; i++)
		if (ret->n == 0 ||
			compare_functions(&ret->functions[ret->n - 1], &ret->functions[i]) != 0)
			ret->functions[ret->n++] = ret->functions[i];
	return 0;
}

/* ---- hardware ---- */

static const uint32_t type_bits =
	PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 | PR_IORES_PCI_FIXED;

static void learn_vf_bar(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e)
{
	struct pr_dmesg_bar *bar = &f->bars[e->index];

	bar->flags = e->flags & type_bits;
	bar->total = e->size;
	if (e->count > 0 && e->count <= UINT16_MAX) {
		f->vfs = e->count;
		bar->size = e->size / e->count;
	}
}

/*
 * POWER's platform code takes all VF BARs away from a function of which it can map one of them for
 * no VF, and its sriov_numvfs takes none (pnv_pci_ioda_fixup_iov_resources,
 * arch/powerpc/platforms/powernv/pci-sriov.c).
 */
static void forget_vfs(struct pr_dmesg_function *f)
{
	const size_t n = PR_WINDOW_IO - PR_VF_BAR0;

	memset(&f->bars[PR_VF_BAR0], 0, n * sizeof(f->bars[0]));
	memset(&f->lines[PR_VF_BAR0], 0, n * sizeof(f->lines[0]));
	f->vfs = 0;
}

static void learn_window(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e)
{
	unsigned int kind = e->index - PR_WINDOW_IO;

	if (kind > 2)
		return; /* a CardBus bridge has four */
	f->window_seen[kind] = true;
	f->window_flags[kind] = e->flags & type_bits;
}

/* A card is found: the one before may have had other BARs, under the same name too (an FPGA). */
static void learn_anew(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e, bool known)
{
	const struct pr_dmesg_entry *was = f->learned;

	if (known) {
		memset(f->bars, 0, sizeof(f->bars));
		f->vfs = 0;
	} else if (was && (was->vendor != e->vendor || was->device != e->device)) {
		f->replaced = true;
		return;
	}
	f->learned = e;
}

/* What @e says of hardware; @known: it is earlier than what is asked for, and the later counts. */
static void learn(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e, bool known)
{
	if (e->kind == PR_DMESG_FOUND)
		learn_anew(f, e, known);
	if (f->replaced)
		return;
	if (e->kind == PR_DMESG_SLOT)
		f->hotplug |= e->count != 0;
	if (e->kind == PR_DMESG_NO_VFS)
		forget_vfs(f);
	if (e->kind == PR_DMESG_PLUGGED || e->kind == PR_DMESG_UNPLUGGED)
		f->hotplug = true;
	if (e->index == PR_DMESG_NO_INDEX || e->flags == 0)
		return;
	if (e->index >= PR_WINDOW_IO) {
		learn_window(f, e);
	} else if (e->kind == PR_DMESG_VF_SPACE) {
		learn_vf_bar(f, e);
	} else if (e->index < PR_VF_BAR0 && e->size != 0 &&
		   (f->bars[e->index].size == 0 || (known && e->kind == PR_DMESG_REGISTER))) {
		f->bars[e->index].flags = e->flags & type_bits;
		f->bars[e->index].size = e->size;
	}
}

/*
 * An optional size is a hot-plug port's reserve where nothing found below so far
 * can be the reason: no bridge that asks for one itself, for memory that may be
 * prefetched no VF, and for other memory, where ROMs go too, no function at all.
 */
static bool is_reserve(const struct pr_dmesg *log, const struct pr_dmesg_entry *e)
{
	for (const struct pr_dmesg_entry *c = log->entries; c < e; c++) {
		bool below = c->address.domain == e->address.domain &&
			     c->address.bus >= e->first_bus && c->address.bus <= e->last_bus;

		if (!below)
			continue;
		if (c->kind == PR_DMESG_FOUND && e->index == PR_WINDOW_MEM)
			return false;
		if (c->kind == PR_DMESG_OPTIONAL && c->index == e->index)
			return false;
		if (c->kind == PR_DMESG_VF_SPACE && e->index != PR_WINDOW_IO)
			return false;
	}
	return e->count > 0;
}

/* Who has a sibling in the same device; functions come by address. */
static void learn_multifunction(const struct pr_dmesg_fold *fold)
{
	for (size_t i = 1; i < fold->n; i++) {
		struct pr_dmesg_function *a = &fold->functions[i - 1], *b = &fold->functions[i];

		if (a->address.domain != b->address.domain || a->address.bus != b->address.bus ||
			a->address.device != b->address.device)
			continue;
		a->multifunction = b->multifunction = true;
	}
}

static void learn_all(const struct pr_dmesg *log, size_t until, const struct pr_dmesg_fold *fold)
{
	for (size_t i = 0; i < log->n; i++) {
		struct pr_dmesg_function *f = pr_dmesg_find(fold, &log->entries[i].address);

		if (f)
			learn(f, &log->entries[i], i < until);
	}
	for (size_t i = 0; i < log->n; i++) {
		struct pr_dmesg_function *f = pr_dmesg_find(fold, &log->entries[i].address);

		if (f && log->entries[i].kind == PR_DMESG_OPTIONAL &&
			is_reserve(log, &log->entries[i]))
			f->hotplug = true;
	}
}

/* ---- presence and buses ---- */

static void depart(const struct pr_dmesg_fold *fold, uint32_t domain, uint8_t first, uint8_t last)
{
	for (size_t i = 0; i < fold->n; i++) {
		struct pr_dmesg_function *f = &fold->functions[i];

		if (f->address.domain == domain && f->address.bus >= first &&
			f->address.bus <= last)
			f->present = false;
	}
}

static void depart_below(const struct pr_dmesg_fold *fold, const struct pr_dmesg_function *f)
{
	if (f->buses_known && f->secondary > f->address.bus)
		depart(fold, f->address.domain, f->secondary, f->subordinate);
}

static void end_bus(const struct pr_dmesg_fold *fold, const struct pr_dmesg_entry *e)
{
	for (size_t i = 0; i < fold->n; i++) {
		struct pr_dmesg_function *f = &fold->functions[i];

		if (f->present && f->buses_known && f->address.domain == e->address.domain &&
			f->secondary == e->address.bus && f->secondary > f->address.bus)
			f->subordinate = e->last_bus;
	}
}

/* ---- the table ---- */

static void set_line(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e)
{
	struct pr_resource_line *line = &f->lines[e->index];

	*line = (struct pr_resource_line){ .flags = e->flags };
	if (e->placed)
		line->start = e->range.first;
	line->end = e->placed ? e->range.last : e->size - (e->size > 0);
}

/* Wants addresses, has none. */
static void unset_line(struct pr_dmesg_function *f, unsigned int index)
{
	uint64_t size = index < PR_VF_BAR0 ? f->bars[index].size : f->bars[index].total;

	f->lines[index] = (struct pr_resource_line){ 0 };
	if (size > 0)
		f->lines[index] = (struct pr_resource_line){ .end = size - 1,
			.flags = f->bars[index].flags | PR_IORES_UNSET };
}

static void found(const struct pr_dmesg_fold *fold, struct pr_dmesg_function *f,
	const struct pr_dmesg_entry *e)
{
	depart_below(fold, f);
	f->found = e;
	f->present = true;
	f->port_driver = false;
	f->order = e->line;
	f->buses_known = false;
	f->io_asked = 0;
	memset(f->lines, 0, sizeof(f->lines));
	memset(f->registers, 0, sizeof(f->registers));
}

/* A list of windows follows, or nothing: newer kernels print the buses again without it. */
static void buses(const struct pr_dmesg *log, size_t i, struct pr_dmesg_function *f)
{
	const struct pr_dmesg_entry *e = &log->entries[i], *next = e + 1;

	f->buses_known = true;
	f->secondary = e->first_bus;
	f->subordinate = e->last_bus;
	if (i + 1 == log->n || next->kind != PR_DMESG_WINDOW ||
		pr_address_compare(&next->address, &e->address) != 0)
		return;
	for (unsigned int k = PR_WINDOW_IO; k <= PR_WINDOW_PREF; k++)
		f->lines[k] = (struct pr_resource_line){ 0 };
}

static void shadow(struct pr_dmesg_function *f)
{
	f->shadowed = true;
	f->lines[PR_ROM] = (struct pr_resource_line){ 0xc0000, 0xdffff,
		PR_IORES_MEM | PR_IORES_ROM_SHADOW | PR_IORES_PCI_FIXED };
}

static void read_bar(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e)
{
	/* one VF's is no line of the table: PR_DMESG_VF_SPACE has them all */
	if (e->kind == PR_DMESG_REGISTER && e->index >= PR_VF_BAR0)
		return;
	if (e->index < PR_WINDOW_IO)
		f->registers[e->index] = e->placed ? e->range.first : 0;
	set_line(f, e);
}

/*
 * The kernel remembers what an I/O window asked for or had, since 6.18, and shows zeros
 * (resource_show, drivers/pci/pci-sysfs.c).
 */
static void follow_io_window(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e)
{
	if (e->kind == PR_DMESG_ASSIGNED)
		f->io_asked = 0;
	else if (e->kind == PR_DMESG_FAILED || e->kind == PR_DMESG_RELEASED)
		f->io_asked = e->placed ? pr_range_size(&e->range) : e->size;
}

/* The kernel's verdict on one resource. */
static void decide(struct pr_dmesg_function *f, const struct pr_dmesg_entry *e)
{
	if (e->index == PR_WINDOW_IO)
		follow_io_window(f, e);
	if (e->kind == PR_DMESG_REGISTER || e->kind == PR_DMESG_VF_SPACE) {
		read_bar(f, e);
	} else if (e->kind == PR_DMESG_WINDOW || e->kind == PR_DMESG_ASSIGNED) {
		set_line(f, e);
		if (e->index < PR_WINDOW_IO && e->placed)
			f->registers[e->index] = e->range.first; /* pci_update_resource */
	} else if (e->kind == PR_DMESG_FAILED || e->kind == PR_DMESG_CLOSED) {
		f->lines[e->index] = (struct pr_resource_line){ 0 };
	} else if (e->kind == PR_DMESG_RELEASED || e->kind == PR_DMESG_UNCLAIMED) {
		f->lines[e->index] = (struct pr_resource_line){ 0 };
		if (e->index < PR_WINDOW_IO)
			unset_line(f, e->index);
	}
}

/*
 * What lies in a window that is released goes with it (release_child_resources);
 * of BARs the kernel says so only where debugging is on.
 */
static void release_inside(const struct pr_dmesg_fold *fold, const struct pr_dmesg_function *bridge,
	const struct pr_dmesg_entry *e)
{
	for (size_t i = 0; i < fold->n && bridge->buses_known && e->placed; i++) {
		struct pr_dmesg_function *f = &fold->functions[i];

		if (f->address.domain != bridge->address.domain ||
			f->address.bus < bridge->secondary || f->address.bus > bridge->subordinate)
			continue;
		for (unsigned int k = 0; k < PR_WINDOW_IO; k++) {
			const struct pr_resource_line *line = &f->lines[k];

			if (line->start >= e->range.first && line->end <= e->range.last &&
				!((line->flags ^ e->flags) & (PR_IORES_IO | PR_IORES_MEM)))
				unset_line(f, k);
		}
	}
}

static void follow(const struct pr_dmesg *log, size_t i, const struct pr_dmesg_fold *fold)
{
	const struct pr_dmesg_entry *e = &log->entries[i];
	struct pr_dmesg_function *f;

	if (e->kind == PR_DMESG_BUS_END)
		end_bus(fold, e);
	if (e->kind == PR_DMESG_BUS_GONE)
		depart(fold, e->address.domain, e->address.bus, e->address.bus);
	f = pr_dmesg_find(fold, &e->address);
	if (!f)
		return;
	f->port_driver |= e->speaker == PR_DMESG_PORT;
	if (e->kind == PR_DMESG_FOUND)
		found(fold, f, e);
	else if (e->kind == PR_DMESG_UNPLUGGED)
		depart_below(fold, f);
	else if (e->kind == PR_DMESG_BUSES)
		buses(log, i, f);
	else if (e->kind == PR_DMESG_SHADOW)
		shadow(f);
	else if (e->kind == PR_DMESG_NO_VFS)
		forget_vfs(f);
	else if (e->index < PR_RESOURCE_MAX)
		decide(f, e);
	if (e->kind == PR_DMESG_RELEASED && e->index >= PR_WINDOW_IO && e->index < PR_RESOURCE_MAX)
		release_inside(fold, f, e);
}

/*
 * A bridge that firmware has not set up gets its buses while it is scanned, but
 * the kernel tells the last of them only later.
 */
static void learn_buses(const struct pr_dmesg *log, struct pr_dmesg_function *f)
{
	const struct pr_dmesg_entry *end = log->entries + log->n;

	for (const struct pr_dmesg_entry *e = f->found + 1; e < end; e++) {
		if (pr_address_compare(&e->address, &f->address) != 0)
			continue;
		if (e->kind == PR_DMESG_FOUND)
			return;
		if (e->kind != PR_DMESG_BUSES || e->first_bus <= f->address.bus)
			continue;
		f->buses_known = true;
		f->secondary = e->first_bus;
		f->subordinate = e->last_bus;
		return;
	}
}

int pr_dmesg_fold(
	const struct pr_dmesg *log, size_t until, struct pr_arena *arena, struct pr_dmesg_fold *ret)
{
	struct pr_dmesg_fold fold = { 0 };
	int r;

	r = collect(log, arena, &fold);
	if (r < 0)
		return r;
	learn_all(log, until, &fold);
	for (size_t i = 0; i < until; i++) {
		fold.tells_bars |= log->entries[i].kind == PR_DMESG_REGISTER;
		follow(log, i, &fold);
	}
	for (size_t i = 0; i < fold.n; i++) {
		struct pr_dmesg_function *f = &fold.functions[i];

		if (f->present && f->found->header_type != 0 &&
			(!f->buses_known || f->secondary <= f->address.bus))
			learn_buses(log, f);
	}
	learn_multifunction(&fold);
	*ret = fold;
	return 0;
}

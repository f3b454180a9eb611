/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel logs to entries: finds in each line the function or bus that it
 * speaks of, whatever stands before (timestamps, syslog, journal), and the few
 * lines about the machine.  Works on a buffer; what entries mean for a
 * topology is dmesg-fold.c's.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "import/dmesg.h"
#include "import/error.h"

#define SIZE_MAX_LOG ((size_t)64 << 20) /* bytes of text */
#define LINE_MAX_LOG 4096               /* bytes of a line that are looked at */
#define N_DOMAINS    16                 /* domains beyond share their tables */

struct bridges {
	bool is[N_DOMAINS][256][32][8];
};

static const char *const kind_names[_PR_DMESG_KIND_MAX] = {
	[PR_DMESG_FOUND] = "found",
	[PR_DMESG_REGISTER] = "register",
	[PR_DMESG_VF_SPACE] = "vf-space",
	[PR_DMESG_BUSES] = "buses",
	[PR_DMESG_WINDOW] = "window",
	[PR_DMESG_INVALID] = "invalid",
	[PR_DMESG_BUS_END] = "bus-end",
	[PR_DMESG_BUS_GONE] = "bus-gone",
	[PR_DMESG_ROOT] = "root",
	[PR_DMESG_APERTURE] = "aperture",
	[PR_DMESG_ASSIGNED] = "assigned",
	[PR_DMESG_FAILED] = "failed",
	[PR_DMESG_NOT_GROWN] = "not-grown",
	[PR_DMESG_RELEASED] = "released",
	[PR_DMESG_UNCLAIMED] = "unclaimed",
	[PR_DMESG_CLOSED] = "closed",
	[PR_DMESG_OPTIONAL] = "optional",
	[PR_DMESG_TRY] = "try",
	[PR_DMESG_TRIES] = "tries",
	[PR_DMESG_LEFT_OVER] = "left-over",
	[PR_DMESG_TABLE] = "table",
	[PR_DMESG_SLOT] = "slot",
	[PR_DMESG_PLUGGED] = "plugged",
	[PR_DMESG_UNPLUGGED] = "unplugged",
	[PR_DMESG_SHADOW] = "shadow",
	[PR_DMESG_NO_VFS] = "no-vfs",
	[PR_DMESG_RESERVED] = "reserved",
	[PR_DMESG_UNRESERVED] = "unreserved",
};

const char *pr_dmesg_kind_name(enum pr_dmesg_kind kind)
{
	return kind_names[kind];
}

/* ---- who a line speaks of ---- */

/* The word that ends at @p, where @start is the beginning of the line. */
static enum pr_dmesg_speaker speaker(const char *start, const char *p)
{
	struct pr_dmesg_text word = { p, p };

	while (word.p > start && word.p[-1] != ' ' && word.p[-1] != '\t' && word.p[-1] != '+')
		word.p--;
	if (pr_dmesg_skip(&word, "pci") && word.p == word.end)
		return PR_DMESG_CORE;
	if (pr_dmesg_skip(&word, "eport") && word.p == word.end)
		return PR_DMESG_PORT;
	return PR_DMESG_DRIVER;
}

/*
 * Finds "DRIVER DDDD:BB:DD.F: " (dev_printk()) and steps behind it; older
 * pciehp adds the name of its service: "pciehp 0000:00:1c.0:pcie004: ".
 */
static bool find_function(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	for (struct pr_dmesg_text at = *t; pr_dmesg_seek(&at, " ");) {
		struct pr_dmesg_text after = at;

		if (!pr_dmesg_address(&after, &e->address))
			continue;
		if (pr_dmesg_skip(&after, ":pcie") && !pr_dmesg_seek(&after, ":"))
			continue;
		if (after.p[-1] != ':' && !pr_dmesg_skip(&after, ":"))
			continue;
		if (!pr_dmesg_skip(&after, " "))
			continue;
		e->speaker = speaker(t->p, at.p - 1);
		*t = after;
		return true;
	}
	return false;
}

static bool bus_number(struct pr_dmesg_text *t, struct pr_address *ret)
{
	uint64_t domain, bus;

	if (!pr_dmesg_hex(t, 8, &domain) || !pr_dmesg_skip(t, ":") || !pr_dmesg_hex(t, 2, &bus))
		return false;
	*ret = (struct pr_address){ .domain = (uint32_t)domain, .bus = (uint8_t)bus };
	return true;
}

static bool find_bus(struct pr_dmesg_text *t, struct pr_address *ret)
{
	struct pr_dmesg_text at = *t;

	if (!pr_dmesg_seek(&at, "pci_bus ") || !bus_number(&at, ret) || !pr_dmesg_skip(&at, ": "))
		return false;
	*t = at;
	return true;
}

/*
 * "system 00:05: [mem 0x...] has been reserved" (drivers/pnp/system.c), and
 * what the memory map of firmware withholds.
 */
static bool read_reserved(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	struct pr_dmesg_text at = t;

	e->kind = PR_DMESG_RESERVED;
	if (pr_dmesg_seek(&at, "system 00:"))
		return pr_dmesg_seek(&at, ": ") && pr_dmesg_resource(&at, e) && e->placed &&
		       pr_dmesg_skip(&at, " has been reserved");
	at = t;
	if (pr_dmesg_seek(&at, "e820: remove ")) {
		e->kind = PR_DMESG_UNRESERVED;
		return pr_dmesg_resource(&at, e) && e->placed;
	}
	return pr_dmesg_seek(&t, "BIOS-e820: ") && pr_dmesg_resource(&t, e) && e->placed &&
	       !pr_dmesg_skip(&t, " usable");
}

/* "PCI host bridge to bus 0000:00", and the second try below a bridge. */
static bool read_plain(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	struct pr_dmesg_text at = t;

	e->kind = PR_DMESG_ROOT;
	e->last_bus = 0; /* not told here */
	if (pr_dmesg_seek(&at, "PCI host bridge to bus "))
		return bus_number(&at, &e->address);
	if (read_reserved(t, e))
		return true;
	e->kind = PR_DMESG_TRY;
	return pr_dmesg_seek(&t, "PCI: No. ") && pr_dmesg_decimal(&t, &e->count) &&
	       pr_dmesg_skip(&t, " try to assign");
}

static bool read_entry(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	*e = (struct pr_dmesg_entry){ .index = PR_DMESG_NO_INDEX, .port = PR_PORT_NONE };
	if (find_bus(&t, &e->address))
		return pr_dmesg_read_bus(t, e);
	if (find_function(&t, e))
		return pr_dmesg_read_function(t, e);
	return read_plain(t, e);
}

/* ---- the machine ---- */

/* The rest of the line behind the first of @words that is in it. */
static const char *value_behind(struct pr_arena *arena, struct pr_dmesg_text t, const char *words,
	const char *stop, const char *otherwise)
{
	struct pr_dmesg_text end;
	char *copy;

	if (otherwise || !pr_dmesg_seek(&t, words))
		return otherwise;
	end = t;
	if (pr_dmesg_seek(&end, stop))
		t.end = end.p - strlen(stop);
	if (memchr(t.p, '\0', (size_t)(t.end - t.p)))
		return NULL;
	copy = pr_arena_alloc(arena, (size_t)(t.end - t.p) + 1);
	if (copy)
		memcpy(copy, t.p, (size_t)(t.end - t.p));
	return copy;
}

/* What only kernels of one architecture say. */
static const char *architecture(struct pr_dmesg_text t)
{
	static const struct {
		const char *words, *arch;
	} marks[] = {
		{ "BIOS-e820: ", "x86_64" },
		{ "PCI: Using configuration type 1 for base access", "x86_64" },
		{ "x86/fpu: ", "x86_64" },
		{ "PE# ", "ppc64" },
		{ "OPAL ", "ppc64" },
		{ "Booting Linux on physical CPU 0x", "aarch64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		struct pr_dmesg_text at = t;

		if (pr_dmesg_seek(&at, marks[i].words))
			return marks[i].arch;
	}
	return NULL;
}

/* init_hypervisor_platform() of arch/x86/kernel/cpu/hypervisor.c; Xen's first domain has the real devices. */
static bool names_hypervisor(struct pr_dmesg_text t)
{
	return pr_dmesg_seek(&t, "Hypervisor detected: ") && !pr_dmesg_seek(&t, "Xen PV");
}

static void read_machine_line(struct pr_dmesg *log, struct pr_dmesg_text t)
{
	struct pr_machine *m = &log->machine;

	m->release = value_behind(log->arena, t, "Linux version ", " ", m->release);
	m->cmdline = value_behind(log->arena, t, "ommand line: ", "\n", m->cmdline);
	m->product = value_behind(log->arena, t, "DMI: ", ", BIOS", m->product);
	m->is_guest |= names_hypervisor(t);
	if (!m->arch)
		m->arch = architecture(t);
}

/* ---- the whole log ---- */

/*
 * A bridge's windows were resources 7 to 10 in kernels without SR-IOV; which
 * functions are bridges the log has said before.
 */
static void number_windows(struct pr_dmesg_entry *entries, size_t n, struct bridges *bridges)
{
	for (size_t i = 0; i < n; i++) {
		struct pr_dmesg_entry *e = &entries[i];
		const struct pr_address *a = &e->address;
		bool *is_bridge =
			&bridges->is[a->domain % N_DOMAINS][a->bus][a->device][a->function];

		if (e->kind == PR_DMESG_FOUND)
			*is_bridge = e->header_type == 1;
		if (e->kind == PR_DMESG_BUSES)
			*is_bridge = true;
		if (*is_bridge && e->index >= PR_VF_BAR0 && e->index < PR_VF_BAR0 + 4)
			e->index = (uint8_t)(e->index + PR_WINDOW_IO - PR_VF_BAR0);
	}
}

/*
 * Linux prints the processor's addresses; what is in registers, and has to lie below 4 GiB, are
 * those on the bus (drivers/pci/host-bridge.c, pcibios_resource_to_bus).
 */
static void translate_entry(
	struct pr_dmesg_entry *e, const struct pr_dmesg_entry *apertures, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pr_dmesg_entry *a = &apertures[i];

		if (!e->placed || !(e->flags & PR_IORES_MEM) ||
			!pr_range_contains(&a->range, &e->range))
			continue;
		e->translation = a->translation;
		e->range.first -= a->translation;
		e->range.last -= a->translation;
		return;
	}
}

/* -ENOMEM, or 0. */
static int translate(struct pr_dmesg *log, struct pr_dmesg_entry *entries)
{
	struct pr_dmesg_entry *apertures;
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++)
		n += entries[i].translation != 0;
	apertures = pr_new_array(log->arena, n, struct pr_dmesg_entry);
	if (!apertures)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < log->n; i++)
		if (entries[i].translation != 0)
			apertures[n++] = entries[i];
	for (size_t i = 0; n > 0 && i < log->n; i++)
		translate_entry(&entries[i], apertures, n);
	return 0;
}

static struct pr_dmesg_text line_at(const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	struct pr_dmesg_text t = { p, newline ? newline : end };

	while (t.end > t.p && (t.end[-1] == '\r' || t.end[-1] == ' '))
		t.end--;
	if (t.end - t.p > LINE_MAX_LOG)
		t.end = t.p + LINE_MAX_LOG;
	return t;
}

/* Entries into @entries, when it is not NULL; returns how many there are. */
static size_t read_entries(const char *text, size_t size, struct pr_dmesg_entry *entries)
{
	const char *end = text + size, *newline;
	struct pr_dmesg_entry unwanted;
	unsigned int line = 1;
	size_t n = 0;

	for (const char *p = text; p && p < end; p = newline ? newline + 1 : NULL, line++) {
		struct pr_dmesg_entry *e = entries ? &entries[n] : &unwanted;

		newline = memchr(p, '\n', (size_t)(end - p));
		if (!read_entry(line_at(p, end), e))
			continue;
		e->line = line;
		n++;
	}
	return n;
}

static void read_machine(struct pr_dmesg *log, const char *text, size_t size)
{
	const char *end = text + size, *newline;

	for (const char *p = text; p && p < end; p = newline ? newline + 1 : NULL) {
		newline = memchr(p, '\n', (size_t)(end - p));
		read_machine_line(log, line_at(p, end));
	}
}

/* Twice over the text: logs have more lines than entries. */
static int read_log(struct pr_dmesg *log, const char *text, size_t size)
{
	struct bridges *bridges = pr_new(log->arena, struct bridges);
	size_t n = read_entries(text, size, NULL);
	struct pr_dmesg_entry *entries = pr_new_array(log->arena, n + 1, struct pr_dmesg_entry);

	if (!entries || !bridges)
		return -ENOMEM;
	log->n = read_entries(text, size, entries);
	number_windows(entries, n, bridges);
	log->entries = entries;
	read_machine(log, text, size);
	return translate(log, entries);
}

int pr_dmesg_read(
	const char *text, size_t size, struct pr_dmesg **ret, struct pr_import_error *error)
{
	struct pr_arena *arena;
	struct pr_dmesg *log;

	if (size > SIZE_MAX_LOG)
		return pr_import_fail(
			error, -EFBIG, "kernel log: more than %zu MiB", SIZE_MAX_LOG >> 20);
	arena = pr_arena_new();
	log = arena ? pr_new(arena, struct pr_dmesg) : NULL;
	if (log)
		log->arena = arena;
	if (!log || read_log(log, text, size) < 0) {
		pr_arena_free(arena);
		return pr_import_no_memory(error);
	}

	*ret = log;
	return 0;
}

void pr_dmesg_free(struct pr_dmesg *log)
{
	if (log)
		pr_arena_free(log->arena);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel this is: generation from the release, sizes from the command
 * line, and the table of how generations differ.  Must not know a topology.
 */
#include "kernel/model.h"

#include <errno.h>
#include <string.h>

#define KIB           UINT64_C(1024)
#define MIB           (UINT64_C(1024) * KIB)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Functions named are in drivers/pci/setup-bus.c unless a file is given.
 *
 * first_try_always
 *	__assign_resources_sorted: up to 6.12 the try with optional sizes is left
 *	out when the list of optional sizes is empty.
 * window_minimum
 *	calculate_memsize: up to 6.12 the window's old size is a floor.  That of an
 *	I/O window (calculate_iosize) is one in all.
 * minimum_from_zero
 *	pci_read_bridge_bases (probe.c): up to 6.12 base <= limit is enough, and a
 *	window that the hardware does not have reads 0 and 0.
 * optional_rom
 *	pci_resource_is_optional, new in 6.18: ROM without its enable bit.
 * optional_window
 *	the same in 7.x: windows of size 0.
 * optional_keeps_size
 *	pbus_size_mem: up to 6.12 a VF BAR is cut to nothing and its size listed.
 * io_counts_twice
 *	pbus_size_io: since 6.18 the variable of the larger ports holds size0.
 * forget_failed
 *	reset_resource: since 6.18 a window only becomes UNSET.
 * head_align, head_all
 *	calculate_head_align; 6.18.y takes every resource for it, 7.x those no
 *	larger than their alignment.
 * minimum_after_sum
 *	calculate_memsize of 7.3.
 * relax
 *	pbus_upstream_space_available, 6.12 and 6.18.0.
 * relax_unplaced
 *	the same in 6.18.0, as the logs of two machines show it (no source at hand):
 *	relaxed also where the windows of the bridge above and of the one above that
 *	are not placed, for the optional size too, and never to a larger alignment.
 * drops_deeper
 *	reassign_resources_sorted of 6.17 and 6.18.y looks whether a request is hopeless
 *	before it looks whether it belongs to this bus; windows below are not
 *	placed yet, hence hopeless.
 * shrinks_needs
 *	adjust_bridge_window: up to 6.18 a window gets what the distribution leaves
 *	it; 7.x takes from its optional part alone.
 * releases_inside
 *	pci_bus_release_bridge_resources: up to 6.12 the windows of the type that
 *	failed, of every bridge below; since 6.18 those that lie in the window.
 * acpi_upstream
 *	check_hotplug_bridge (hotplug/acpiphp_glue.c): exempt since 6.12.
 * tail_below
 *	pci_align_resource (setup-res.c), 7.x.
 * pref_joins_mem
 *	__pci_bus_size_bridges up to 6.12.
 * resizes_by_window
 *	pbus_reassign_bridge_resources, since 6.18.
 * resize_forgets
 *	pci_reassign_bridge_resources of 6.1 restores the bridges alone, releases nothing
 *	that its try has placed, and gives up when it has released none.
 * resizes_forgotten
 *	pci_do_resource_release_and_resize of 6.12.107.  Others find it busy, as it is not UNSET
 *	(pci_resize_resource), or since 6.18 have no window for what has no type.
 * max_orders
 *	array sizes in pbus_size_mem: up to 8 TiB, later up to 128 TiB.
 */
static const struct k_profile profiles[_PR_GENERATION_MAX] = {
	[PR_GENERATION_6_1] = {
		.resize_forgets = true,
		.acpi_upstream = true,
		.shrinks_needs = true,
		.window_minimum = true,
		.minimum_from_zero = true,
		.forget_failed = true,
		.pref_joins_mem = true,
		.max_orders = 24,
	},
	[PR_GENERATION_6_12] = {
		.shrinks_needs = true,
		.window_minimum = true,
		.minimum_from_zero = true,
		.forget_failed = true,
		.pref_joins_mem = true,
		.resizes_forgotten = true,
		.relax = true,
		.max_orders = 24,
	},
	[PR_GENERATION_6_17] = {
		.shrinks_needs = true,
		.window_minimum = true,
		.minimum_from_zero = true,
		.forget_failed = true,
		.pref_joins_mem = true,
		.relax = true,
		.drops_deeper = true,
		.max_orders = 24,
	},
	[PR_GENERATION_6_18_0] = {
		.resizes_by_window = true,
		.releases_inside = true,
		.shrinks_needs = true,
		.first_try_always = true,
		.optional_rom = true,
		.optional_keeps_size = true,
		.io_counts_twice = true,
		.relax = true,
		.relax_unplaced = true,
		.drops_deeper = true,
		.max_orders = 28,
	},
	[PR_GENERATION_6_18] = {
		.resizes_by_window = true,
		.releases_inside = true,
		.shrinks_needs = true,
		.first_try_always = true,
		.optional_rom = true,
		.optional_keeps_size = true,
		.io_counts_twice = true,
		.head_align = true,
		.head_all = true,
		.drops_deeper = true,
		.max_orders = 28,
	},
	[PR_GENERATION_7] = {
		.resizes_by_window = true,
		.releases_inside = true,
		.first_try_always = true,
		.optional_rom = true,
		.optional_window = true,
		.optional_keeps_size = true,
		.io_counts_twice = true,
		.head_align = true,
		.tail_below = true,
		.max_orders = 28,
	},
	[PR_GENERATION_7_3] = {
		.resizes_by_window = true,
		.releases_inside = true,
		.first_try_always = true,
		.optional_rom = true,
		.optional_window = true,
		.optional_keeps_size = true,
		.io_counts_twice = true,
		.head_align = true,
		.minimum_after_sum = true,
		.tail_below = true,
		.max_orders = 28,
	},
};

/* First release of each generation.  Releases between two are taken for the earlier one. */
static const struct {
	unsigned int major, minor;
	enum pr_generation generation;
} generations[] = {
	{ 6, 1, PR_GENERATION_6_1 },
	{ 6, 12, PR_GENERATION_6_12 },
	{ 6, 17, PR_GENERATION_6_17 },
	{ 6, 18, PR_GENERATION_6_18 }, /* but for 6.18.0 */
	{ 7, 1, PR_GENERATION_7 },
	{ 7, 3, PR_GENERATION_7_3 },
};

/* The newest release that was compared with the model. */
#define NEWEST_MAJOR 7
#define NEWEST_MINOR 3

const struct k_profile *k_profile_of(const struct pr_kernel *k)
{
	return &profiles[k->generation];
}

const char *pr_generation_name(enum pr_generation g)
{
	static const char *const names[_PR_GENERATION_MAX] = {
		[PR_GENERATION_6_1] = "6.1",
		[PR_GENERATION_6_12] = "6.12",
		[PR_GENERATION_6_17] = "6.17",
		[PR_GENERATION_6_18_0] = "6.18.0",
		[PR_GENERATION_6_18] = "6.18",
		[PR_GENERATION_7] = "7.1",
		[PR_GENERATION_7_3] = "7.3",
	};

	return (unsigned int)g < _PR_GENERATION_MAX ? names[g] : "unknown";
}

static const char *parse_decimal(const char *s, unsigned int *ret)
{
	unsigned int value = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (value > 100000)
			return NULL;
		value = value * 10 + (unsigned int)(*s - '0');
	}
	*ret = value;
	return s;
}

static bool parse_release(const char *release, unsigned int *ret_major, unsigned int *ret_minor)
{
	unsigned int major, minor;
	const char *s;

	s = release ? parse_decimal(release, &major) : NULL;
	if (!s || *s != '.')
		return false;
	if (!parse_decimal(s + 1, &minor))
		return false;

	*ret_major = major;
	*ret_minor = minor;
	return true;
}

static bool before(
	unsigned int major, unsigned int minor, unsigned int than_major, unsigned int than_minor)
{
	return major < than_major || (major == than_major && minor < than_minor);
}

/*
 * pci_root_bus_distribute_available_resources (setup-bus.c) is of 6.3; it took
 * the port where the bridge below was meant until 6.14, 6.12.y and 6.1.y.
 * Releases here have no third number: that it was mended is assumed for the two.
 */
static enum pr_boot_shares boot_shares(unsigned int major, unsigned int minor)
{
	if ((major == 6 && minor == 1) || !before(major, minor, 6, 12))
		return PR_BOOT_SHARES_BELOW;
	return before(major, minor, 6, 3) ? PR_BOOT_SHARES_NONE : PR_BOOT_SHARES_PORT;
}

/*
 * calculate_memsize (setup-bus.c) added what is optional to the old size of a
 * window until 6.11, as the log of a 5.4 shows it; 6.1.y has the later rule.
 */
static bool old_size_first(unsigned int major, unsigned int minor)
{
	return before(major, minor, 6, 11) && !(major == 6 && minor == 1);
}

/*
 * "6.18.0" and "6.18.0-rc5" size windows as 6.12 does; how was changed in the
 * course of 6.18.y.
 */
static bool is_first_6_18(const char *release)
{
	return strncmp(release, "6.18.0", 6) == 0 && (release[6] < '0' || release[6] > '9');
}

static void select_generation(struct pr_kernel *k, unsigned int major, unsigned int minor)
{
	k->older = before(major, minor, generations[0].major, generations[0].minor);
	k->newer = before(NEWEST_MAJOR, NEWEST_MINOR, major, minor);
	k->generation = generations[0].generation;
	k->boot_shares = boot_shares(major, minor);
	k->old_size_first = old_size_first(major, minor);

	for (size_t i = 0; i < ARRAY_SIZE(generations); i++)
		if (!before(major, minor, generations[i].major, generations[i].minor))
			k->generation = generations[i].generation;
}

/*
 * Number as memparse() (lib/cmdline.c) reads it: base by prefix, then K, M, G,
 * T.  The whole of @s, or false.
 */
static bool parse_size(const char *s, size_t length, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef", suffixes[] = "kmgt";
	uint64_t value = 0, base = 10;
	size_t i = 0;
	const char *p;

	if (length > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
		base = 16;
		i = 2;
	} else if (length > 1 && s[0] == '0') {
		base = 8;
		i = 1;
	}
	for (size_t first = i; i < length; i++) {
		p = memchr(digits, s[i] | 0x20, base);
		if (!p && i == first)
			return false;
		if (!p)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, (uint64_t)(p - digits), &value))
			return false;
	}
	if (i < length) {
		p = memchr(suffixes, s[i] | 0x20, 4);
		if (!p)
			return false;
		for (ptrdiff_t n = p - suffixes; n >= 0; n--)
			if (__builtin_mul_overflow(value, KIB, &value))
				return false;
		i++;
	}
	if (length == 0 || i != length)
		return false;
	*ret = value;
	return true;
}

static bool option_value(
	const char *o, size_t length, const char *name, const char **ret, size_t *ret_length)
{
	size_t n = strlen(name);

	if (length < n || memcmp(o, name, n) != 0)
		return false;
	*ret = o + n;
	*ret_length = length - n;
	return true;
}

static void keep_alignments(struct pr_kernel *k, const char *text, size_t length)
{
	if (length >= sizeof(k->alignments)) {
		k->changes_wants = true;
		length = 0;
	}
	memcpy(k->alignments, text, length);
	k->alignments[length] = '\0';
}

/*
 * One option of `pci=` (pci_setup(), drivers/pci/pci.c).  Those that decide no
 * layout are passed over.
 */
static int parse_option(struct pr_kernel *k, const char *o, size_t length)
{
	const char *v;
	size_t n;
	uint64_t size;

	if (option_value(o, length, "hpiosize=", &v, &n))
		return parse_size(v, n, &k->hp_io_size) ? 0 : -EINVAL;
	if (option_value(o, length, "hpmmiosize=", &v, &n))
		return parse_size(v, n, &k->hp_mem_size) ? 0 : -EINVAL;
	if (option_value(o, length, "hpmmioprefsize=", &v, &n))
		return parse_size(v, n, &k->hp_pref_size) ? 0 : -EINVAL;
	if (option_value(o, length, "hpmemsize=", &v, &n)) {
		if (!parse_size(v, n, &size))
			return -EINVAL;
		k->hp_mem_size = k->hp_pref_size = size;
		return 0;
	}
	if (option_value(o, length, "hpbussize=", &v, &n)) {
		if (!parse_size(v, n, &size))
			return -EINVAL;
		k->hp_bus_size = size > 0xff ? 1 : (unsigned int)size;
		return 0;
	}
	if (option_value(o, length, "assign-busses", &v, &n) && n == 0)
		k->assign_busses = true;
	if (option_value(o, length, "resource_alignment=", &v, &n))
		keep_alignments(k, v, n);
	if ((option_value(o, length, "nobar", &v, &n) && n == 0) ||
		(option_value(o, length, "norom", &v, &n) && n == 0))
		k->changes_wants = true;
	/* pci_realloc_get_opt() (setup-bus.c) */
	if (option_value(o, length, "realloc=", &v, &n))
		k->realloc = n >= 3 && memcmp(v, "off", 3) == 0  ? PR_REALLOC_OFF
			     : n >= 2 && memcmp(v, "on", 2) == 0 ? PR_REALLOC_ON
								 : k->realloc;
	else if (option_value(o, length, "realloc", &v, &n))
		k->realloc = PR_REALLOC_ON;
	return 0;
}

static int parse_options(struct pr_kernel *k, const char *s, const char *end)
{
	int r;

	while (s < end) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma ? comma : end;

		r = parse_option(k, s, (size_t)(stop - s));
		if (r < 0)
			return r;
		s = comma ? comma + 1 : end;
	}
	return 0;
}

static int parse_cmdline(struct pr_kernel *k, const char *cmdline)
{
	int r;

	for (const char *s = cmdline; *s;) {
		size_t length = strcspn(s, " \t\n");

		if (length >= 4 && memcmp(s, "pci=", 4) == 0) {
			r = parse_options(k, s + 4, s + length);
			if (r < 0)
				return r;
		}
		s += length;
		s += strspn(s, " \t\n");
	}
	return 0;
}

int pr_kernel_select(const struct pr_machine *machine, struct pr_kernel *ret)
{
	/* DEFAULT_HOTPLUG_*, drivers/pci/pci.c */
	struct pr_kernel k = {
		.generation = generations[ARRAY_SIZE(generations) - 1].generation,
		.reads_windows = !machine->arch || pr_arch_is_x86(machine->arch),
		.hp_io_size = 256,
		.hp_mem_size = 2 * MIB,
		.hp_pref_size = 2 * MIB,
		.hp_bus_size = 1,
		.boot_shares = PR_BOOT_SHARES_BELOW,
	};
	unsigned int major, minor;
	bool known;
	int r;

	known = parse_release(machine->release, &major, &minor);
	if (known)
		select_generation(&k, major, minor);
	if (known && is_first_6_18(machine->release))
		k.generation = PR_GENERATION_6_18_0;
	k.keeps_window_sizes = k.reads_windows && profiles[k.generation].window_minimum;

	r = machine->cmdline ? parse_cmdline(&k, machine->cmdline) : 0;
	if (r < 0)
		return r;
	if (machine->alignments) /* what is there now, whatever the command line said */
		keep_alignments(&k, machine->alignments, strlen(machine->alignments));

	k.aligns_windows = machine->arch && strncmp(machine->arch, "ppc", 3) == 0;
	k.assign_busses &= k.reads_windows; /* an option of x86 (arch/x86/pci/common.c) */
	*ret = k;
	return known ? 0 : 1;
}

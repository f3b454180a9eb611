/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as data: host bridges, bridges, functions, what they ask for and
 * what they have.  Immutable once built; a prediction is another topology that
 * shares the host bridges it does not change.  Built from facts (raw bytes and
 * lines), never from files: import/ reads, core/ decodes.
 */
#pragma once

#include "pciroom/arena.h"
#include "pciroom/config-space.h"
#include "pciroom/range.h"

struct pr_root;
struct pr_function;

struct pr_address {
	uint32_t domain; /* 0x10000 and up: VMD and Hyper-V */
	uint8_t bus, device, function;
};

#define PR_ADDRESS_MAX 20 /* "ffffffff:ff:1f.7" and its NUL */
/*
 * "0000:02:01.0", or "02:01.0" (domain 0); function is a digit 0-7.  False for anything else,
 * trailing text included.
 */
bool pr_address_parse(const char *text, struct pr_address *ret);
void pr_address_format(const struct pr_address *a, char ret[PR_ADDRESS_MAX]);
int pr_address_compare(const struct pr_address *a, const struct pr_address *b);

/*
 * Resource numbers are Linux's (include/linux/pci.h): line n + 1 of the sysfs
 * file `resource`.
 */
enum pr_resource_index {
	PR_BAR0 = 0,
	PR_ROM = 6,
	PR_VF_BAR0 = 7,
	PR_WINDOW_IO = 13,
	PR_WINDOW_MEM = 14,
	PR_WINDOW_PREF = 15,
	PR_RESOURCE_MAX = 17,
};

/* Flags of a `resource` line (include/linux/ioport.h); the values are ABI. */
#define PR_IORES_IO         0x00000100u
#define PR_IORES_MEM        0x00000200u
#define PR_IORES_PREFETCH   0x00002000u
#define PR_IORES_READONLY   0x00004000u
#define PR_IORES_SIZEALIGN  0x00040000u
#define PR_IORES_STARTALIGN 0x00080000u
#define PR_IORES_MEM_64     0x00100000u
#define PR_IORES_WINDOW     0x00200000u
#define PR_IORES_DISABLED   0x10000000u
#define PR_IORES_UNSET      0x20000000u
#define PR_IORES_ROM_ENABLE 0x00000001u
#define PR_IORES_ROM_SHADOW 0x00000002u
#define PR_IORES_PCI_FIXED  0x00000010u
#define PR_IORES_EA_BEI     0x00000020u

enum pr_resource_state {
	PR_RES_UNKNOWN = 0, /* the recording does not say */
	PR_RES_ASSIGNED,    /* has addresses, in the kernel's table */
	PR_RES_UNASSIGNED,  /* wants addresses, has none; the kernel will try again at a rescan */
	/*
	 * wants addresses, has none; the kernel forgot it (KERNEL 1.11): only removal brings it
	 * back
	 */
	PR_RES_FORGOTTEN,
	PR_RES_CLOSED, /* bridge window that forwards nothing (needed by nobody, or lost) */
};

struct pr_resource {
	uint8_t index; /* enum pr_resource_index */
	enum pr_resource_state state;
	uint32_t flags; /* PR_IORES_* type bits: IO, MEM, PREFETCH, MEM_64, PCI_FIXED, ... */
	/*
	 * when assigned; also when unassigned and fixed by Enhanced Allocation: where the device is,
	 * while no window leads there
	 */
	struct pr_range range;
	/*
	 * bytes, PR_SIZE_UNKNOWN; VF BARs: of all VFs together; windows: of the range, 0 when
	 * closed
	 */
	uint64_t size;
	uint64_t align; /* bytes, PR_SIZE_UNKNOWN; VF BARs: of one VF's BAR */
	/*
	 * closed windows: bytes that the kernel's table still holds of it, 0 when nothing is known
	 * of it; not compared, because no table shows it since 6.18
	 */
	uint64_t kept;
	bool kept_least; /* predicted: @kept or more */
};

/* What is recorded of one function: the only input of the builder, and what a snapshot stores. */
struct pr_resource_line {
	uint64_t start, end, flags;
};
/* Flags of a line, zeros beside it, that a recording leaves out of a table that it has. */
#define PR_LINE_UNKNOWN (UINT64_C(1) << 63)

struct pr_bar_mask { /* one BAR register read back after all ones were written, decode off */
	/*
	 * 0-5, 6 for the ROM, 7-12 for the BAR of one VF; a 64-bit BAR has one entry, at its
	 * lower index.  PR_WINDOW_IO and PR_WINDOW_PREF: base and limit in @low, the upper half
	 * of the base in @high; zero means that the bridge does not have the window.
	 */
	uint8_t index;
	uint32_t low, high;
};
/*
 * One user of a function, as an administrator would name it ("mounted /srv on nvme0n1p1", "network
 * interface enp5s0 is up").
 */
struct pr_user {
	const char *kind; /* "mount", "swap", "net", "vfio", ... */
	const char *what;
};
struct pr_facts {
	struct pr_address address;
	const uint8_t *config; /* known prefix of configuration space */
	size_t config_length;
	/* NULL, or a byte for each of config: nonzero where it is not known (struct pr_config) */
	const uint8_t *config_holes;
	const struct pr_resource_line *lines; /* NULL: not recorded */
	size_t n_lines;
	const struct pr_bar_mask *masks; /* NULL: not measured */
	size_t n_masks;
	bool has_parent; /* address of the bridge above, where the source knows it (sysfs does) */
	struct pr_address parent;
	/*
	 * Plugged in, and the kernel has not enumerated it: @config is what the card shows after
	 * power-on.  Its device and function numbers are real, its bus number only makes the
	 * address unique; @parent is named, unless the address is on a root bus.
	 */
	bool is_newcomer;
	/* place in the kernel's discovery order, from 1; 0: not recorded, by address */
	unsigned int order;
	bool is_vf; /* `physfn` link: a virtual function, its PF is in physfn */
	struct pr_address physfn;
	/* sysfs facts; NULL or negative: none, or not recorded */
	const char *driver, *driver_override, *slot, *label;
	const char *removable; /* "fixed", "removable", "unknown" */
	int numa_node, iommu_group, sriov_numvfs, enabled;
	const struct pr_user *users;
	size_t n_users;
};

struct pr_config pr_facts_config(const struct pr_facts *facts); /* borrows */

/*
 * Host bridge facts.  Apertures are what the firmware gave; busy is what lies in them and is not a
 * PCI resource.
 */
struct pr_root_facts {
	uint32_t domain;
	uint8_t bus;
	int last_bus;                    /* of its range; -1 when not known */
	const struct pr_range *io, *mem; /* memory apertures above and below 4 GiB alike */
	size_t n_io, n_mem;
	bool io_known, mem_known; /* the apertures of that kind, and what is busy in them */
	const struct pr_range *busy_io, *busy_mem;
	size_t n_busy_io, n_busy_mem;
};

/* Whether that is a name that uname -m has for a 32-bit or 64-bit x86 (or "amd64"). */
bool pr_arch_is_x86(const char *arch);

struct pr_machine {
	const char *release; /* uname -r; NULL when not known */
	const char *cmdline; /* kernel command line; NULL when not known */
	/* /sys/bus/pci/resource_alignment; NULL: as the command line says */
	const char *alignments;
	const char *lockdown; /* "none", "integrity", "confidentiality"; NULL when not known */
	const char *arch;     /* uname -m */
	const char *vendor, *product; /* DMI; NULL when not known */
	bool is_guest;                /* a hypervisor is visible */
	/* users of functions that could not be looked for, as a sentence; NULL: none */
	const char *unseen;
};

struct pr_bridge {
	uint8_t primary, secondary, subordinate; /* registers */
	struct pr_window registers[3]; /* I/O, memory, prefetchable as the registers have them */
	bool hotplug;                  /* kernel's is_hotplug_bridge: slot with Hot-Plug Capable */
	bool subtractive;              /* class 060401: forwards what nobody claims */
	bool busless; /* the kernel has no bus for it, whatever its registers say */
	uint16_t control;
};

struct pr_function {
	struct pr_address address;
	struct pr_root *root;
	struct pr_function *parent; /* bridge above; NULL on the root bus */
	struct pr_function *first_child, *last_child, *next; /* in the kernel's discovery order */
	struct pr_header header;
	/* those that exist, by index; windows of a bridge are always there */
	struct pr_resource *resources;
	uint8_t n_resources;
	/* on the bus, but the kernel has no device for it (a newcomer, or after a remove) */
	bool removed;
	bool unplugged; /* removed, and not even on the bus any more: no scan finds it */
	bool predicted; /* changed by a predicted rescan: the lines of its facts are out of date */
	/*
	 * bridge without a usable bus range, or outside of what its parent forwards: nothing below
	 * it can be seen
	 */
	bool no_bus;
	struct pr_bridge *bridge; /* header type 1, else NULL */
	const struct pr_caps *caps;
	const struct pr_facts *facts;
};

struct pr_root {
	struct pr_root_facts facts;
	uint8_t last_bus; /* known, or bounded by the next host bridge of the domain */
	/*
	 * Up to here the numbers are its own for sure: last_bus, but the highest in use where a
	 * hypervisor gave a further host bridge of the domain a range that is not known.
	 */
	uint8_t known_bus;
	/*
	 * predicted: more may have I/O addresses than is said here, and what is said here may have
	 * others
	 */
	bool io_unclear;
	/* by address at import; the position is the identity across predictions */
	struct pr_function *functions;
	size_t n_functions;
	struct pr_function *first_child, *last_child; /* on the root bus */
	uint64_t digest;                              /* its share of the topology's generation */
};

struct pr_topology {
	/* owns what is not shared with the topology it was predicted from */
	struct pr_arena *arena;
	struct pr_machine machine;
	struct pr_root **roots; /* by domain and bus */
	size_t n_roots;
	size_t n_functions;
	/* digest of structure and layout: equal topologies have equal generations */
	uint64_t generation;
};

#define pr_for_each_root(t, i)      for (size_t i = 0; i < (t)->n_roots; i++)
#define pr_for_each_child(f, first) for (struct pr_function *f = (first); f; f = f->next)

/* ---- building ---- */

/* Why a set of facts is not a topology: a sentence that names the function, and the function. */
struct pr_build_error {
	struct pr_address address;
	char text[160];
};
struct pr_builder;

struct pr_builder *pr_builder_new(void);
void pr_builder_free(struct pr_builder *b);
/*
 * Deep copies what it is given.  -EEXIST for an address seen before, -EINVAL for an impossible
 * one, -ENOMEM.
 */
int pr_builder_add_function(struct pr_builder *b, const struct pr_facts *facts);
int pr_builder_add_root(struct pr_builder *b, const struct pr_root_facts *facts);
int pr_builder_set_machine(struct pr_builder *b, const struct pr_machine *machine);
/*
 * Beside what was added: facts of another source that fill gaps and overrule nothing.  What
 * the builder does not have, or has with other contents, stays as it is.  0, -EINVAL, -ENOMEM.
 */
/*
 * Sizes of BARs without a measurement or a line of the kernel's table, of the function at @a if it is
 * @vendor's @device; PR_ID_ANY: whoever it is.
 */
#define PR_ID_ANY 0xffff /* nobody's (PCI 3.0 6.2.1) */
int pr_builder_supplement_masks(struct pr_builder *b, const struct pr_address *a, uint16_t vendor,
	uint16_t device, const struct pr_bar_mask *masks, size_t n);
/* A line of the kernel's table that is all zeros, of the same; a table that is not there stays so. */
int pr_builder_supplement_line(struct pr_builder *b, const struct pr_address *a, uint16_t vendor,
	uint16_t device, unsigned int index, const struct pr_resource_line *line);
/* Apertures and the last bus, where they are not known; a host bridge that is missing is added. */
int pr_builder_supplement_root(struct pr_builder *b, const struct pr_root_facts *facts);
/* Fields that are NULL. */
int pr_builder_supplement_machine(struct pr_builder *b, const struct pr_machine *machine);
/*
 * Consumes the builder, always.  0 and a topology, 1 when the facts contradict
 * each other (@error says where), -ENOMEM.  A function whose bus no bridge and
 * no host bridge owns gets a host bridge of its own bus with unknown apertures.
 */
int pr_builder_finish(struct pr_builder *b, struct pr_topology **ret, struct pr_build_error *error);

void pr_topology_free(struct pr_topology *t);
/*
 * Makes `generation` of @t what it should be now: for who changes a copy.  Linear in the functions
 * of the host bridges that @t does not share with @before (NULL: of all).
 */
void pr_topology_sign(struct pr_topology *t, const struct pr_topology *before);
/*
 * Copy of @t that owns copies of the roots marked in @touch (n_roots flags; NULL: all) and shares
 * the others with @t.
 */
int pr_topology_copy(const struct pr_topology *t, const bool *touch, struct pr_topology **ret);

/* ---- looking ---- */

struct pr_function *pr_topology_find(const struct pr_topology *t, const struct pr_address *address);
/* The function that @f of another topology predicted from the same import is in @t. */
struct pr_function *pr_topology_same(const struct pr_topology *t, const struct pr_function *f);
size_t pr_root_position(const struct pr_topology *t, const struct pr_root *root);

/* For a path of two hundred levels, more than bus numbers allow in practice. */
#define PR_FUNCTION_PATH_MAX 1024
/*
 * Path identity that survives renumbering: "0000:00/02.0/00.0/01.0"; a virtual
 * function on a later bus than its physical function carries the distance:
 * "00.0+1".  0, or -ENOSPC with an empty string in @buffer.
 */
int pr_function_path(const struct pr_function *f, char *buffer, size_t size);
struct pr_function *pr_topology_find_path(const struct pr_topology *t, const char *path);
/* By what people and files name it: an address as pr_address_parse() takes it, or a path. */
struct pr_function *pr_topology_find_named(const struct pr_topology *t, const char *name);

/* NULL when the function does not have it. */
struct pr_resource *pr_function_resource(const struct pr_function *f, unsigned int index);
/* It has no addresses, because those that the device fixes are in no window above it. */
bool pr_resource_misplaced(const struct pr_resource *r);
/* Sizes that @f's BAR or VF BAR @r can be given; NULL: only the one it has, or not known. */
const struct pr_rebar_entry *pr_function_rebar(
	const struct pr_function *f, const struct pr_resource *r);
/* Whether @size, in bytes, is one of them. */
bool pr_rebar_has(const struct pr_rebar_entry *e, uint64_t size);
/* The code of @size, a power of two from 1 MiB on, in the registers (PR_REBAR_SIZE() gives it back). */
unsigned int pr_rebar_order(uint64_t size);
bool pr_function_below(
	const struct pr_function *f, const struct pr_function *ancestor); /* itself counts */
/*
 * Next function of the subtree of @top in depth-first order; start with @f == @top, NULL at the
 * end.
 */
struct pr_function *pr_function_walk(const struct pr_function *f, const struct pr_function *top);
bool pr_resource_is_window(const struct pr_resource *r);
/* Of virtual functions: held by their physical one, for all of them together. */
bool pr_is_vf_bar(unsigned int index);
bool pr_resource_is_io(const struct pr_resource *r);

/*
 * Do the windows above @f, in the kernel's table, pass the addresses of its assigned
 * resource @r down to it?  What is not known is given the benefit of the doubt.
 * Up to 6.12 the kernel hands out I/O from windows that it has closed.
 */
bool pr_resource_forwarded(const struct pr_function *f, const struct pr_resource *r);

/* "assigned", "forgotten", ...: stable, programs read it. */
const char *pr_resource_state_name(enum pr_resource_state s);
/*
 * "io", "mem", "mem64", "pref", "pref64", NULL when the flags do not say: stable, programs
 * read it.
 */
const char *pr_resource_kind(const struct pr_resource *r);
/* "I/O ports", "64-bit prefetchable memory", ... */
const char *pr_resource_kind_text(const struct pr_resource *r);
/* "Ethernet controller" for a 24-bit class code; never NULL. */
const char *pr_class_text(uint32_t class_code);
/* The class, and for a PCI bridge what kind of port it is: "root port". */
const char *pr_function_role(const struct pr_function *f);
/* "io", "mem", "pref" for a PR_WINDOW_*: stable, programs read it. */
const char *pr_window_name(unsigned int window);
/* The window of such a name; 0 when there is none. */
uint8_t pr_window_parse(const char *name);

enum pr_health {
	PR_HEALTH_OK = 0,
	/* works, but an I/O BAR or VF BARs have no addresses (a ROM is not missed) */
	PR_HEALTH_PARTIAL,
	PR_HEALTH_UNASSIGNED, /* a memory BAR has no addresses: the card is dead */
	PR_HEALTH_NO_BUS,     /* a bridge without bus numbers */
	PR_HEALTH_GONE,       /* removed */
};
enum pr_health pr_function_health(const struct pr_function *f);
/* PR_HEALTH_UNASSIGNED or PR_HEALTH_NO_BUS; how many functions of a machine are. */
bool pr_health_is_dead(enum pr_health h);
size_t pr_topology_count_dead(const struct pr_topology *t);
const char *pr_health_name(enum pr_health h);

/*
 * Which window kind of the bridge above a BAR goes to (KERNEL 1.6): PR_WINDOW_IO, _MEM or _PREF.
 * @bridge NULL: root bus.
 */
unsigned int pr_resource_window(const struct pr_resource *r, const struct pr_function *bridge);

/*
 * What holds in every topology: windows nest, siblings do not overlap, BARs
 * lie in their windows, alignment is natural.  Returns the number of findings;
 * the first @n are written to @ret as sentences that name the function.
 */
struct pr_finding {
	const struct pr_function *function;
	char text[160];
};
size_t pr_topology_check(const struct pr_topology *t, struct pr_finding *ret, size_t n);

/* Functions whose window register and kernel table disagree (KERNEL 1.10); @kind a PR_WINDOW_*. */
bool pr_window_disagrees(const struct pr_function *bridge, unsigned int kind);
/*
 * A BAR that has addresses has those that its register holds, which is @ret then, or other ones;
 * PR_UNKNOWN, and @ret left alone: one of the two is not known.  PR_NO of every BAR behind a host
 * bridge means nothing: it translates addresses.
 */
enum pr_known pr_bar_agrees(
	const struct pr_function *f, const struct pr_resource *r, uint64_t *ret);

/*
 * What the registers of @b hold: bus numbers, windows (closed ones as Linux closes them) and bridge
 * control at their places in a header whose other bytes are zero.
 */
void pr_bridge_encode(const struct pr_bridge *b, uint8_t ret[64]);

/* First difference of structure, layout or facts as a sentence in @why; true when there is none. */
bool pr_topology_equal(
	const struct pr_topology *a, const struct pr_topology *b, char *why, size_t size);
/* Same for layout alone (states and ranges, removed, bus numbers): what a kernel decided. */
bool pr_layout_equal(
	const struct pr_topology *a, const struct pr_topology *b, char *why, size_t size);
/* The same, but @b may have virtual functions that @a does not have: nobody can have foreseen them. */
bool pr_layout_within(
	const struct pr_topology *a, const struct pr_topology *b, char *why, size_t size);

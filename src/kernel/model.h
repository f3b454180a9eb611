/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the kernel model: the resources of one host bridge as Linux keeps
 * them while it rescans a bus.  Built from a topology for one rescan, written
 * back afterwards, then thrown away with its arena.  Knows nothing of plans.
 */
#pragma once

#include "pciroom/arena.h"
#include "pciroom/kernel.h"

struct k_dev;
struct k_bus;

/*
 * A resource.  Wants addresses while it is not placed; flags 0 means that the
 * kernel has given it up.
 */
struct k_res {
	struct k_dev *dev;     /* NULL: aperture of the host bridge */
	struct pr_resource *r; /* NULL: the same */
	uint8_t index;
	bool window;
	bool placed;
	bool opaque;   /* placed, but how far it reaches is not known */
	bool at_least; /* wants @size or more: what the kernel remembers is not known */
	bool refused;  /* whether it finds room nobody can tell (assign.c) */
	/* window taken away, up to 6.12: not placed, and still given out from (space.c) */
	bool orphan;
	uint32_t flags;
	struct pr_range at;                  /* when placed */
	uint64_t size;                       /* bytes, may be 0: wanted, then had */
	uint64_t start;                      /* alignment, while flags has PR_IORES_STARTALIGN */
	struct k_res *parent, *child, *next; /* resource tree: children by address */

	/* Entry in the list of optional requests. */
	bool listed;
	uint32_t list_order, list_flags;
	uint64_t add_size, add_align;
	struct k_res *list_next; /* all that were ever listed in this rescan */

	/* Entry in the list of those that failed: what it asked for. */
	bool failed;
	uint64_t failed_size, failed_start;
	uint32_t failed_flags;
	struct k_res *failed_next;

	/* Values to come back to between the two tries, and the key of the sort. */
	uint64_t saved_size, saved_start;
	uint32_t saved_flags;
	uint64_t sort_align;
	uint32_t sort_order;
};

struct k_dev {
	struct pr_function *f;
	struct k_bus *bus, *subordinate;
	struct k_res *res;
	unsigned int n_res;
	struct k_dev *next;
};

struct k_bus {
	struct k_dev *self; /* bridge above; NULL on the root bus */
	struct k_bus *parent;
	struct k_dev *first, *last;
	struct k_res **windows; /* in the order in which Linux tries them */
	unsigned int n_windows;
	unsigned int n_res; /* resources of the devices on it */
};

/* How generations differ; the rows, with the source of each rule, are in profile.c. */
struct k_profile {
	bool first_try_always;  /* try with everything optional even when nobody listed anything */
	bool window_minimum;    /* old size of a memory window is a minimum */
	bool minimum_from_zero; /* registers that read zero are taken for a window at 0 */
	bool optional_rom;      /* disabled ROMs are optional */
	bool optional_window;   /* windows that only hold optional space count nothing */
	bool optional_keeps_size; /* optional BARs stay whole while listed */
	bool io_counts_twice;     /* required I/O is counted again in the optional size */
	bool forget_failed;       /* a failed window loses its type and old size */
	bool head_align;          /* alignment by the head rule, sizes in 1 MiB */
	bool head_all;            /* resources larger than their alignment count for it too */
	bool minimum_after_sum;   /* hot-plug reserve is a minimum of the whole, not an addition */
	bool relax;               /* relaxed alignment when a placed window above is too small */
	/* relaxed too below two windows that are not in place themselves */
	bool relax_unplaced;
	/* placing optional parts of one bus loses those of required windows below */
	bool drops_deeper;
	bool shrinks_needs;     /* distribution may leave a window less than it needs */
	bool releases_inside;   /* releases only the windows that lie in the one released */
	bool acpi_upstream;     /* acpiphp takes an upstream port for a hot-plug bridge too */
	bool tail_below;        /* what a window has beyond its alignment may lie below it */
	bool pref_joins_mem;    /* without prefetchable window its reserve goes to the other one */
	bool resizes_by_window; /* a resize follows the windows of the BAR, and looks what failed */
	bool resize_forgets;    /* a resize that fails puts windows back, not BARs */
	bool resizes_forgotten; /* a BAR that was forgotten gets another size, and no addresses */
	unsigned int
		max_orders; /* memory alignments from 1 MiB: 1 MiB << n and above are refused */
};

/* Bytes of a bridge that is being written to: a window half written is in no other form. */
struct k_header {
	const struct pr_function *f;
	uint8_t raw[64];
	struct k_header *next;
};

enum k_settled {
	K_NOT_LOOKED_AT = 0,
	K_SETTLED,
	K_UNSETTLED
};

struct k_model {
	const struct pr_kernel *kernel;
	const struct k_profile *profile;
	struct pr_topology *t;
	struct pr_root *root;
	struct pr_arena *arena; /* of this rescan */
	struct pr_arena *writes_arena;
	struct k_header *writes;             /* since the last rescan */
	bool *fresh;                         /* by position: discovered by this rescan */
	enum k_settled *settled;             /* by position */
	bool *new_bus;                       /* by position: got a bus in this rescan */
	bool *bus_exists;                    /* 256, of the domain */
	struct pr_function **bus_owner;      /* 256: bridge of this host bridge that has the bus */
	struct pr_range *busy_io, *busy_mem; /* sorted, disjoint */
	size_t n_busy_io, n_busy_mem;
	struct k_res *list, *failed;
	uint32_t list_order;
	size_t n_listed;
	/* in a hot-add: what is refused is taken for placed, and where does not matter (unclear.c) */
	bool refused_fits;
	bool has_refused;  /* something was, since that was reset */
	bool all_required; /* boot with tries left: reserves and what is optional are needs */
	int status;        /* sticky: 0, 1 with @doubt, -ENOMEM, -EINVAL */
	struct pr_doubt *doubt;
};

/* What decides a profile is in @k; never NULL. */
const struct k_profile *k_profile_of(const struct pr_kernel *k);

/* Notes that the model cannot go on: the first reason stays. */
void k_doubt(struct k_model *m, const struct pr_function *f, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool k_is_fresh(const struct k_model *m, const struct pr_function *f);

/* The kernel has a bus for it (pci_dev.subordinate); nobody else's. */
bool k_has_bus(const struct k_model *m, const struct pr_function *f);

/* ---- write.c, remove.c, virtual.c, rescan.c, plug.c: what is done; each 0, 1 or a negative errno ---- */

bool k_action_touches(const struct pr_action *a, unsigned int first, unsigned int last);
int k_write(struct k_model *m, struct pr_function *f, const struct pr_action *a);
/* The size of a BAR may change by it. */
bool k_writes_size(const struct pr_function *f, const struct pr_action *a);
int k_remove(struct pr_function *top);
bool k_has_vfs(const struct pr_function *f);
void k_mark_removed(struct pr_function *f); /* it alone */
/* Out of the machine: it has lost its registers when it comes back. */
int k_unplug(struct pr_function *top);

/* sriov_numvfs of @pf; what the kernel would refuse is not done. */
int k_set_vfs(struct k_model *m, struct pr_function *pf, unsigned int n);
void k_remove_vfs(struct pr_function *pf);

/*
 * Assigns what is below @port, of a tree from @above (NULL: the root bus) on, by @assign, and
 * keeps what comes of it; twice where room for I/O is unclear (unclear.c).
 */
typedef void k_assign_fn(struct k_model *m, struct k_bus *bus, struct pr_function *port);
void k_assign_unclear(struct k_model *m, struct pr_function *port, k_assign_fn *assign);

/* Everything that one scan and assignment needs, for the host bridge @root. */
int k_begin(struct k_model *m, struct pr_root *root);
int k_end(struct k_model *m);
/* Cases that the model leaves out, for every function that the scan has found or seen again. */
void k_check_modelled(struct k_model *m, struct k_bus *bus);
/* The bus below @bridge; NULL: the root bus. */
int k_rescan(struct k_model *m, struct pr_root *root, struct pr_function *bridge);

/* boot-numbers.c: every bridge below the host bridge gets numbers anew, as pci=assign-busses asks. */
void k_number_all(struct k_model *m);
/* boot.c: everything below the host bridge. */
int k_boot(struct k_model *m, struct pr_root *root);
/* Of the bridge above @bus and of what is below, just found: what their registers have, and nests. */
void k_claim_registers(struct k_bus *bus);
int k_plug(struct k_model *m, struct pr_function *port, uint8_t device);
int k_unplug_slot(struct pr_function *port, uint8_t device);
int k_plug_acpi(
	struct k_model *m, struct pr_root *root, struct pr_function *bridge, uint8_t device);
int k_unplug_below(struct pr_root *root, struct pr_function *bridge, int device);
/* resource@index_resize; whether it worked is seen by the size. -EBUSY with VFs. */
int k_resize(struct k_model *m, struct pr_function *f, unsigned int index, uint64_t size);
/* class/pci_bus: pci_rescan_bus_bridge_resize when the bus below @bridge is empty. */
int k_rescan_bus(struct k_model *m, struct pr_root *root, struct pr_function *bridge);

/* ---- scan.c: which devices are found, and their bus numbers ---- */

/*
 * Scans the bus below @bridge (NULL: the root bus) as a rescan does; the
 * functions change in place.
 */
void k_scan(struct k_model *m, struct pr_function *bridge);
/* Buses beyond its own that virtual functions of what is on a bus take at most. */
unsigned int k_virtual_buses(struct pr_function *first);
/* pci_scan_slot: device number @device alone, or -1 for all; how many functions were found. */
size_t k_scan_slot(struct k_model *m, struct pr_function *bridge, int device);
/* pci_hp_add_bridge: @f, just found, gets a bus and what is behind it is found. */
void k_add_bridge(struct k_model *m, struct pr_function *f);
/* enable_slot of acpiphp: numbers for the bridges in device number @device. */
void k_scan_slot_bridges(struct k_model *m, struct pr_function *bridge, uint8_t device);

/* ---- align.c: resource_alignment= ---- */

/* Bytes that memory BARs of @f have at least when it is found; 0: nothing is asked for. */
uint64_t k_asked_alignment(struct k_model *m, const struct pr_function *f);
/* Some BAR of @f would get larger by that. */
bool k_raises_bars(struct k_model *m, const struct pr_function *f);
/* To @f, just found. */
void k_raise_alignment(struct k_model *m, struct pr_function *f);

/* ---- tree.c: from functions to k_bus, and back ---- */

/*
 * The bus below @bridge with everything under it, and the buses above it without.
 * Unless it is to be @whole, what is settled has nothing under it.
 */
struct k_bus *k_tree_build(struct k_model *m, struct pr_function *bridge, bool whole);
/* Bytes that the kernel's table still holds of a closed window. */
uint64_t k_remembered_size(
	const struct k_model *m, const struct pr_function *f, const struct pr_resource *r);
/* States and ranges of the bridge above @bus and of everything under it into the topology. */
void k_tree_store(const struct k_model *m, struct k_bus *bus);
/* Bridge window @index (PR_WINDOW_*) of @d. */
struct k_res *k_window(struct k_dev *d, unsigned int index);

/* ---- settled.c: what a rescan cannot change ---- */

bool k_is_settled(struct k_model *m, struct pr_function *f);

/* ---- space.c: the resource tree ---- */

void k_space_insert(struct k_res *parent, struct k_res *r);
void k_space_release(struct k_res *r);
/* First fit of @size at @align for @r in @window, between @min and @max. */
bool k_space_find(struct k_model *m, struct k_res *window, const struct k_res *r,
	const struct pr_range *limit, uint64_t size, uint64_t align, struct pr_range *ret);
/* Whether @size at @align is free anywhere in @window, without the rules for devices. */
bool k_space_has(struct k_res *window, uint64_t size, uint64_t align);
/* Places @r, not placed so far, in a window of its bus; or moves and resizes one that is. */
bool k_space_assign(struct k_model *m, struct k_res *r, uint64_t size, uint64_t align);

/* ---- size.c: what the windows below a bus need ---- */

/* The window of @bus that a resource of these flags is counted in; NULL: none. */
struct k_res *k_window_for(const struct k_bus *bus, uint32_t flags);
void k_size_bridges(struct k_model *m, struct k_bus *bus);
uint64_t k_alignment(const struct k_res *r);
/* What has to be placed must have a size; notes the doubt when it is not known. */
bool k_size_known(struct k_model *m, const struct k_res *r);
/* Optional from the start: VF BARs, and what else the profile says. */
bool k_is_optional(const struct k_model *m, const struct k_res *r);
/* Whether Linux assigns anything to this device at all. */
bool k_dev_assignable(const struct k_dev *d);
void k_list_add(struct k_model *m, struct k_res *r, uint64_t size, uint64_t align);
void k_list_remove(struct k_model *m, struct k_res *r);

/* ---- assign.c: sort and place, down the tree ---- */

void k_assign(struct k_model *m, struct k_bus *bus);
/* pci_assign_unassigned_bus_resources: the windows of the bus itself stay what they are. */
void k_assign_unassigned(struct k_model *m, struct k_bus *bus);
/* pci_setup_bridge: the windows go to the registers. */
void k_program(struct k_dev *d);
/* pci_is_enabled: its windows are not written to its registers any more. */
bool k_is_enabled(const struct k_model *m, const struct pr_function *f);
/* __pci_bridge_assign_resources: @bridge itself, everything below it, and its registers. */
void k_assign_bridge(struct k_model *m, struct k_dev *bridge);

/* ---- distribute.c: what is left over goes to hot-plug bridges ---- */

void k_distribute(struct k_model *m, struct k_dev *port);

/* ---- release.c: between two tries ---- */

/* What lies in a window loses its place, down to the BARs; its flags and registers stay. */
void k_release_children(const struct k_model *m, struct k_res *parent);
/* Notes that @r has found no place; before it is reset. */
void k_fail(struct k_model *m, struct k_res *r);
enum k_release {
	K_RELEASE_LEAF,    /* only the window of a bridge with no bridge below */
	K_RELEASE_SUBTREE, /* and those of the bridges below */
};
/* Takes away the windows that what failed should have had room in, and asks for it again. */
void k_release_failed(struct k_model *m, enum k_release how);

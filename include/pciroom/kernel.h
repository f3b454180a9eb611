/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of Linux: what the kernel does to a topology when subtrees are
 * removed, registers written and buses rescanned.  Pure; every rule carries
 * its source where it is implemented (src/kernel/).
 */
#pragma once

#include "pciroom/topology.h"

/* Behaviour generations; see src/kernel/profile.c for what sets them apart. */
enum pr_generation {
	PR_GENERATION_6_1 = 0,
	PR_GENERATION_6_12,
	PR_GENERATION_6_17,   /* as the log of a 6.17.7 shows it */
	PR_GENERATION_6_18_0, /* 6.18.0 and its candidates, as logs show it */
	PR_GENERATION_6_18,   /* 6.18.y */
	PR_GENERATION_7,      /* 7.1, 7.2 */
	PR_GENERATION_7_3,    /* 7.3 and later */
	_PR_GENERATION_MAX,
};

/* pci=realloc: whether a boot takes windows away from what does not fit, and tries again. */
enum pr_realloc {
	PR_REALLOC_AUTO =
		0, /* only when VF BARs have no addresses; CONFIG_PCI_REALLOC_ENABLE_AUTO */
	PR_REALLOC_ON,
	PR_REALLOC_OFF,
};

/* Who gets what is left over below hot-plug ports that firmware has set up, at boot. */
enum pr_boot_shares {
	PR_BOOT_SHARES_NONE = 0, /* up to 6.2 */
	PR_BOOT_SHARES_PORT,  /* what is below the port: 6.3 up to the mend that came with 6.14 */
	PR_BOOT_SHARES_BELOW, /* only what is below the bridge next to it */
};

#define PR_ALIGNMENTS_MAX 256 /* with the NUL */

/*
 * A kernel as the model knows it: generation and the options of its command line that decide a
 * layout.
 */
struct pr_kernel {
	enum pr_generation generation;
	bool newer; /* newer than any profile: the newest is used */
	bool older; /* older than any profile: the oldest is used */
	/* x86: window registers are read when a bridge is discovered (KERNEL 1.5) */
	bool reads_windows;
	/* sizes in memory window registers are minimums (M9, KERNEL 2.4) */
	bool keeps_window_sizes;
	bool assign_busses; /* pci=assign-busses */
	/*
	 * pci=nobar, norom: what a device asks for is changed when it is found; or
	 * resource_alignment= with more text than there is room for here
	 */
	bool changes_wants;
	char alignments[PR_ALIGNMENTS_MAX]; /* of resource_alignment=; "" is none */
	/* not the kernel's: what is behind a bridge without bus numbers is taken for nothing */
	bool unseen_is_empty;
	bool aligns_windows; /* POWER: firmware may align windows to its own segments */
	uint64_t hp_io_size, hp_mem_size,
		hp_pref_size; /* bytes, optional extras of a hot-plug bridge */
	unsigned int hp_bus_size;
	/* the old size of a window is a minimum of what is required, not of the whole */
	bool old_size_first;
	/* at boot only */
	enum pr_realloc realloc;
	enum pr_boot_shares boot_shares;
};

/*
 * Kernel of @machine.  0, or 1 when the release is missing or cannot be read
 * (the newest profile is filled in), or -EINVAL for a malformed pci= option.
 */
int pr_kernel_select(const struct pr_machine *machine, struct pr_kernel *ret);
const char *pr_generation_name(enum pr_generation g);

/*
 * What is done to a machine.  Functions are of the topology given.  Where none
 * is named, it is the root bus of @root.
 */
enum pr_action_kind {
	PR_ACTION_REMOVE, /* devices/X/remove */
	/* devices/X/rescan: the bus X sits on, and everything below it; without X: the root bus */
	PR_ACTION_RESCAN,
	PR_ACTION_WRITE, /* configuration space of X, before it is removed */
	/*
	 * devices/X/resourceN_resize: BAR @index of X, which no driver has, is to be of @size bytes.
	 * The kernel refuses where there is no room, and everything stays; the BAR's size says so.
	 */
	PR_ACTION_RESIZE,
	PR_ACTION_RESCAN_ALL, /* /sys/bus/pci/rescan: the root bus of every host bridge */
	/*
	 * class/pci_bus/B/rescan, B the bus below bridge X: when it is empty, the kernel does
	 * what it does after a hot-add (KERNEL 1.1)
	 */
	PR_ACTION_RESCAN_BUS,
	/*
	 * A card comes into the slot of port X, and pciehp configures it: all that is removed,
	 * unplugged or a newcomer below X is on the bus from then on.  Where X is a bridge of
	 * conventional PCI it is shpchp, and @device says which slot.
	 */
	PR_ACTION_PLUG,
	/* The card in the slot of port X goes (the same drivers): no later scan finds it. */
	PR_ACTION_UNPLUG,
	/*
	 * The same two by acpiphp, for device number @device on the bus below bridge X or on the
	 * root bus.
	 */
	PR_ACTION_PLUG_ACPI,
	PR_ACTION_UNPLUG_ACPI,
	/*
	 * The kernel boots: what the topology has as assigned below @root is what firmware left in
	 * the registers.  Bus numbers are taken as they are.  What was removed or given up is found
	 * again; what is unplugged stays away.
	 */
	PR_ACTION_BOOT,
	/*
	 * sriov_numvfs of X becomes @value: its virtual functions go, or those that the topology
	 * knows come (again); a number that the kernel refuses changes nothing
	 */
	PR_ACTION_VFS,
};
struct pr_action {
	enum pr_action_kind kind;
	const struct pr_function *function;
	const struct pr_root *root;
	uint8_t device;  /* PR_ACTION_PLUG, _UNPLUG, _PLUG_ACPI, _UNPLUG_ACPI */
	uint8_t index;   /* PR_ACTION_RESIZE: PR_BAR0 and up */
	uint64_t size;   /* the same, bytes: one that the BAR supports */
	uint16_t offset; /* PR_ACTION_WRITE */
	uint8_t width;   /* 1, 2 or 4 bytes */
	uint32_t value;  /* PR_ACTION_WRITE, _VFS */
};

/* Why the model cannot know: the function and the fact that is missing. */
struct pr_doubt {
	const struct pr_function *function;
	char text[160];
};

/*
 * What the kernel makes of @t when @actions are done to it in order.  The
 * result shares unchanged host bridges with @t, which must outlive it; every
 * function keeps its position (pr_topology_same).  0; 1 when a fact that
 * decides is missing (@doubt says which); -EINVAL for an action that cannot be
 * done (a removed function, a rescan at one, a size that a BAR cannot have), -EBUSY
 * for a resize while virtual functions are enabled, -ENOMEM.
 */
int pr_kernel_apply(const struct pr_kernel *k, const struct pr_topology *t,
	const struct pr_action *actions, size_t n, struct pr_topology **ret,
	struct pr_doubt *doubt);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner: from a topology, a request and a policy to a plan or a refusal
 * with its reason.  Data in, plan out: nothing is read, written or logged.
 */
#pragma once

#include "pciroom/kernel.h"

/* ---- disruption ---- */

enum pr_disruption {
	PR_DISRUPTION_FREE = 0, /* no driver, or a bridge with nothing in use below */
	PR_DISRUPTION_RESTART,  /* a driver is bound, no user was found */
	PR_DISRUPTION_IN_USE,   /* a user was found and is named */
	PR_DISRUPTION_PINNED,   /* may not be touched: policy, or it cannot move */
	_PR_DISRUPTION_MAX,
};
const char *pr_disruption_name(enum pr_disruption d);
bool pr_disruption_parse(const char *name, enum pr_disruption *ret);

/*
 * What a port is to have for cards to come, whatever is done around it: a standing wish.  Plans
 * keep what is there of it; what is not there a request has to ask for (pr_slot_lacks()).
 */
struct pr_slot_reserve {
	const char *slot; /* address or path of the port; one that is not there has no wish */
	/* bytes of its windows, 0: nothing; memory in multiples of 1 MiB, I/O of 4 KiB */
	uint64_t io, mem, pref;
	/*
	 * bus numbers, its own among them; 0: nothing.  A plan that writes numbers gives them too,
	 * where that changes no further address, before it shares what is left evenly.
	 */
	unsigned int buses;
};

struct pr_policy {
	enum pr_disruption
		limit; /* the worst class that a plan may disturb; FREE, RESTART or IN_USE */
	const char *const *pinned; /* addresses or paths ("0000:03:00.0", "0000:00/02.0/00.0") */
	size_t n_pinned;
	/* the same: whose users and guests do not count; what the hardware forbids stays forbidden */
	const char *const *movable;
	size_t n_movable;
	const char *const *sized; /* the same: whose BARs keep their sizes */
	size_t n_sized;
	const struct pr_slot_reserve *reserves; /* one for each port at most */
	size_t n_reserves;
};

/*
 * Class of one function by itself.  @ret_reason (may be NULL): borrowed sentence, or NULL when
 * free.
 */
enum pr_disruption pr_function_disruption(
	const struct pr_function *f, const struct pr_policy *policy, const char **ret_reason);

/* False: by the policy its BARs keep the sizes that they have. */
bool pr_policy_allows_sizes(const struct pr_policy *policy, const struct pr_function *f);

/* ---- diagnosis ---- */

/* One window on the way from a dead BAR to the host bridge, seen from below upwards. */
struct pr_level {
	const struct pr_function *bridge; /* NULL: the host bridge's apertures */
	unsigned int window;              /* PR_WINDOW_* */
	bool known; /* false: the apertures are not recorded, nothing below is said */
	bool open;
	uint64_t size;              /* bytes of the window, or of all apertures that serve */
	uint64_t wanted, align;     /* bytes the BAR asks for here */
	struct pr_free_space space; /* what is free in it */
	bool fits;                  /* a hole of that size and alignment is there */
};
/* One resource that has no addresses, and where it gets stuck. */
struct pr_shortage {
	const struct pr_function *function;
	const struct pr_resource *resource;
	bool size_known;
	const struct pr_level *levels;
	size_t n_levels;
	/* outermost window that is too small below one with room; NULL: the nearest has room */
	const struct pr_level *choke;
};
enum pr_damage_kind {
	PR_DAMAGE_TAKEN = 0, /* a resource that worked was taken away; the kernel knows its size */
	/* it has addresses, and a bridge above it is closed where the kernel believes it open */
	PR_DAMAGE_UNREACHED,
	/* a BAR is elsewhere than the kernel believes: reset, or written by somebody else */
	PR_DAMAGE_MOVED,
	_PR_DAMAGE_KIND_MAX,
};
const char *pr_damage_name(enum pr_damage_kind k);
struct pr_damage {
	enum pr_damage_kind kind;
	const struct pr_function *function;
	const struct pr_resource *resource; /* TAKEN and MOVED */
	uint64_t address;                   /* MOVED: where its register has it */
	const struct pr_function *bridge;   /* UNREACHED: the uppermost that does not forward */
};

struct pr_explanation {
	const struct pr_shortage *shortages;
	size_t n_shortages;
	const struct pr_function *const *no_bus; /* bridges without bus numbers */
	size_t n_no_bus;
	const struct pr_function *const
		*disagreeing; /* bridges whose registers and kernel table differ */
	size_t n_disagreeing;
	size_t n_unseen; /* functions of which nothing recorded says what they ask for */
	/* of what ran before; what never did is a shortage alone.  Plans are made without it */
	const struct pr_damage *damage;
	size_t n_damage;
};
/*
 * Everything wrong at and below the @n functions @tops (0: in the whole machine), in the order of
 * @t.  Allocated in @arena.  0 or -ENOMEM.
 */
int pr_explain(const struct pr_topology *t, const struct pr_function *const *tops, size_t n,
	struct pr_arena *arena, struct pr_explanation *ret);
/* "BAR 2", "expansion ROM", "VF BAR 0", "prefetchable window": for people. */
const char *pr_resource_name(unsigned int index);

/* ---- plans ---- */

/* What a bridge is to have at least: its own bus, and whatever follows behind it. */
struct pr_bus_wish {
	struct pr_address bridge;
	unsigned int buses; /* 1 to PR_BUSES_MAX */
};
#define PR_BUSES_MAX 256u /* a host bridge has no more */

/*
 * Room that a bridge is to have in one of its windows, used or not: that many bytes, and in memory
 * among them a block of the largest power of two in that number, aligned as a BAR of that size would
 * be.
 */
struct pr_reserve {
	struct pr_address bridge;
	uint8_t window; /* PR_WINDOW_IO, PR_WINDOW_MEM or PR_WINDOW_PREF */
	uint64_t size;  /* bytes, a multiple of pr_window_unit(); not 0 */
};
/* Windows come in multiples of that many bytes (PCI-to-PCI Bridge 1.2, 3.2.5.6 and 3.2.5.8). */
uint64_t pr_window_unit(unsigned int window);
/* "mem:2M", "io:4K": what the command line calls it, without the bridge. */
#define PR_RESERVE_TEXT_MAX 32u
const char *pr_reserve_text(const struct pr_reserve *r, char ret[PR_RESERVE_TEXT_MAX]);

/* What a port lacks of its standing wish, as a request asks for it. */
struct pr_slot_lack {
	struct pr_reserve reserves[3];
	size_t n_reserves;
	struct pr_bus_wish buses;
	size_t n_buses; /* 0 or 1 */
};
/* False: nothing, or the port is not in @t, or is no bridge. */
bool pr_slot_lacks(
	const struct pr_topology *t, const struct pr_slot_reserve *want, struct pr_slot_lack *ret);
/* A Resizable BAR, or the VF BAR of one, is to have another size. */
struct pr_resize {
	struct pr_address function;
	uint8_t index; /* PR_BAR0 and up, PR_VF_BAR0 and up */
	/* bytes, of one: a size that it supports; or the largest there is a plan for, by itself */
	uint64_t size;
};
#define PR_RESIZE_LARGEST UINT64_C(0)
/* The function is in @t, has that BAR, and the BAR can have that size. */
bool pr_resize_is_possible(const struct pr_topology *t, const struct pr_resize *z);

/* Virtual functions that are to be enabled. */
struct pr_vf_wish {
	struct pr_address function; /* the physical one */
	unsigned int vfs;           /* 1 to PR_VFS_MAX */
};
#define PR_VFS_MAX 65535u /* TotalVFs is a 16-bit register (PCIe 9.3.3.5) */

struct pr_request {
	/* functions that shall work; none: every function that is dead */
	const struct pr_address *targets;
	size_t n_targets;
	/*
	 * how long to search: functions of the host bridges simulated, added up; 0:
	 * PR_BUDGET_DEFAULT.  What is likely to help is tried in any case.
	 */
	uint64_t budget;
	/*
	 * Bridges named here are targets too, whether they are dead or have too few numbers.  What
	 * has none and is not named gets what it needs by what is known of it, and a share of what
	 * is left.
	 */
	const struct pr_bus_wish *buses;
	size_t n_buses;
	/* Bridges named here are targets too.  At most one for each window. */
	const struct pr_reserve *reserves;
	size_t n_reserves;
	/* these are targets too: room is made for the VF BARs and buses, and then they are enabled */
	const struct pr_vf_wish *vfs;
	size_t n_vfs;
	/*
	 * Instead of all this: the card of this function is taken away, and what comes back in its
	 * place may be another one, or none.  NULL: nothing of the kind.
	 */
	const struct pr_address *replug;
	/* their functions are targets too, and what is dead elsewhere is only when it is named */
	const struct pr_resize *resizes;
	size_t n_resizes;
	/* where nothing else helps, the Resizable BAR of an idle function may get smaller */
	bool shrink;
	bool no_writes;  /* as if no register could be written */
	bool no_numbers; /* bus numbers are left to the kernel */
	/*
	 * Only whether there is a plan within the policy: a refusal looks no further, and has no why
	 * but for UNKNOWN.
	 */
	bool brief;
	bool advise; /* where there is no plan within the policy: what a boot could do */
};
#define PR_BUDGET_DEFAULT UINT64_C(100000)

enum pr_step_kind {
	PR_STEP_UNBIND, /* address, driver */
	PR_STEP_WRITE,  /* address, offset, width, value, old */
	PR_STEP_REMOVE, /* address: the top of a subtree */
	PR_STEP_RESIZE, /* address, index, size, old_size: in place, by the kernel */
	/* address of a function that stays and sits on the bus to scan; or root_bus */
	PR_STEP_RESCAN,
	/*
	 * address, value, old: numbers of virtual functions.  0: they are taken away before the
	 * physical function is, and the runner has them again, with their drivers and settings, when
	 * that is back.  Else as many are enabled, when all else is done.
	 */
	PR_STEP_VFS,
	PR_STEP_EXPECT, /* the layout predicted; verified against the machine */
	_PR_STEP_MAX,
};
const char *pr_step_name(enum pr_step_kind k);

struct pr_step {
	enum pr_step_kind kind;
	/* RESCAN: no function stays on that root bus; address holds domain and bus */
	bool root_bus;
	struct pr_address address;
	const char *path;   /* topological path of the function */
	const char *driver; /* UNBIND */
	uint16_t offset;
	uint8_t width;
	uint32_t value, old;
	uint8_t index;           /* RESIZE: PR_BAR0 and up */
	uint64_t size, old_size; /* bytes */
};

enum pr_verdict {
	PR_VERDICT_OK = 0,
	PR_VERDICT_NOTHING,        /* nothing is dead */
	PR_VERDICT_INFEASIBLE,     /* no candidate makes it fit; see choke */
	PR_VERDICT_TOO_DISRUPTIVE, /* feasible, beyond the policy's limit; the plan is filled in */
	PR_VERDICT_UNKNOWN,        /* a fact that decides is missing; see why */
	/*
	 * feasible if who pins a function let go of it, or a slot of the room that the policy gives
	 * it; the plan is filled in, see why for who
	 */
	PR_VERDICT_VETOED,
	_PR_VERDICT_MAX,
};
const char *pr_verdict_name(enum pr_verdict v);

struct pr_affected {
	const struct pr_function *function; /* of the topology planned on */
	enum pr_disruption disruption;
	const char *reason; /* NULL: none */
};
/* A candidate looked at and why it was not taken; for `plan --verbose` and refusals. */
struct pr_attempt {
	const struct pr_function *top; /* removed subtree */
	bool good;
	const char *why;      /* sentence; NULL when good */
	const char *obstacle; /* the same without who else was removed; NULL when good */
};
/* Lexicographic, in this order: the first difference decides. */
struct pr_cost {
	unsigned int in_use, restarted, renumbered;
	unsigned int
		/* empty hot-plug ports that come back without a window they had (KERNEL 1.9) */
		armed;
	unsigned int removed, steps;
};
int pr_cost_compare(const struct pr_cost *a, const struct pr_cost *b);

/* A resource that was unassigned and stays so; worth a line, not a refusal. */
struct pr_left {
	const struct pr_function *function;
	const struct pr_resource *resource;
};

/* Could what is wanted be placed at all, in whatever order? */
enum pr_arrangement {
	PR_ARRANGEMENT_UNKNOWN = 0, /* a fact is missing, or the search would take too long */
	PR_ARRANGEMENT_EXISTS,      /* an arrangement that the hardware accepts was found */
	PR_ARRANGEMENT_NONE,        /* proven: there is none */
	_PR_ARRANGEMENT_MAX,
};
const char *pr_arrangement_name(enum pr_arrangement r);
enum pr_space {
	PR_SPACE_MEM32 = 0, /* memory below 4 GiB, not prefetchable under a bridge */
	PR_SPACE_MEM,       /* all memory of a host bridge, prefetchable memory of a bridge */
	PR_SPACE_IO,        /* bytes of I/O ports */
	PR_SPACE_BUSES,     /* bus numbers: what is said in bytes is a number of buses */
	_PR_SPACE_MAX,
};
const char *pr_space_name(enum pr_space s);
enum pr_proof {
	PR_PROOF_VOLUME = 0, /* more is wanted than there is */
	PR_PROOF_BLOCKS,     /* more aligned blocks of `unit` bytes are wanted than there are */
	/* more has to begin at multiples of `unit` bytes than there are multiples */
	PR_PROOF_STARTS,
	PR_PROOF_SEARCH, /* every order was tried */
	_PR_PROOF_MAX,
};
const char *pr_proof_name(enum pr_proof p);
/* Where one resource lies in an arrangement. */
struct pr_placed {
	const struct pr_function *function;
	uint8_t index; /* enum pr_resource_index */
	struct pr_range range;
};
struct pr_certificate {
	enum pr_arrangement arrangement;
	const struct pr_function *target; /* what it is about: one target, by itself */
	/* all below is for NONE, but for @tried and @placed; the narrowest place that is too small
	 */
	const struct pr_root *root;
	const struct pr_function *bridge; /* its windows, or bus numbers; NULL: the host bridge's */
	enum pr_space space;
	enum pr_proof proof;
	uint64_t unit;             /* bytes; 1 for VOLUME and SEARCH */
	uint64_t wanted, best;     /* bytes, in units: asked for, and there for it at the best */
	uint64_t total, immovable; /* bytes of the windows or apertures; of which taken for good */
	const struct pr_function *const *blockers; /* that take it, in the order of the bus */
	size_t n_blockers;
	uint64_t tried;                 /* placements that were computed */
	const struct pr_placed *placed; /* for EXISTS: what has to be placed anew */
	size_t n_placed;
};

/* What an administrator can do where no plan can. */
enum pr_advice_kind {
	PR_ADVICE_BOOT = 0, /* boot; @setting is for the kernel's command line, "" for nothing */
	PR_ADVICE_FIRMWARE, /* its setup: @setting is "above-4g=SIZE", "mmio-high=" or "mmio-low=" */
	PR_ADVICE_HYPERVISOR, /* QEMU's command line */
	_PR_ADVICE_KIND_MAX,
};
const char *pr_advice_kind_name(enum pr_advice_kind k);
struct pr_advice {
	enum pr_advice_kind kind;
	bool later; /* the card is plugged in when the kernel has booted; else it is in its slot */
	const char *setting; /* as it is written there: "pci=realloc" */
	const char *text;    /* what to do, a sentence without its full stop */
};

/* A function that gets another address: in the topology planned on, and in the prediction. */
struct pr_renumbered {
	const struct pr_function *before, *after;
};
/* What follows from that, outside of the machine's layout. */
enum pr_effect_kind {
	PR_EFFECT_INTERFACE = 0, /* a network interface is called otherwise, or may be */
	PR_EFFECT_LINK,          /* a link in /dev is */
	PR_EFFECT_MENTION,       /* a file names an address or name that is gone then */
	PR_EFFECT_IOMMU_GROUP,   /* a group is made anew */
	PR_EFFECT_COLLECTOR, /* comes into or leaves the range of a collector of errors (RCEC) */
	PR_EFFECT_DOMAIN,    /* a PCI domain behind the function (VMD) is made anew */
	_PR_EFFECT_MAX,
};
const char *pr_effect_name(enum pr_effect_kind k);
struct pr_effect {
	enum pr_effect_kind kind;
	const struct pr_function *function; /* of the topology planned on */
	const char *before, *after;         /* names; @after NULL: not known */
	const char *file;                   /* MENTION: path */
	unsigned int line;                  /* from 1; 0: its name, not a line of it */
	const char *text;                   /* for people, without a full stop; NULL for MENTION */
};

struct pr_plan {
	struct pr_arena *arena;
	const struct pr_topology *topology; /* borrowed: must outlive the plan */
	/*
	 * Where sizes of BARs are asked for: @topology is @asked, owned, the machine with these sizes
	 * and no addresses for them, and this is the machine as it is, borrowed.
	 */
	const struct pr_topology *machine;
	struct pr_topology *asked;
	const struct pr_resize *resizes; /* of the request */
	size_t n_resizes;
	/* owned; NULL unless OK, TOO_DISRUPTIVE or VETOED */
	struct pr_topology *prediction;
	uint64_t generation; /* of the topology planned on */
	char id[17];         /* digest of generation and steps, hexadecimal */
	struct pr_kernel kernel;
	enum pr_verdict verdict;
	const char *why; /* sentence for all but OK and NOTHING; NULL for these */
	const struct pr_function **targets;
	size_t n_targets;
	const struct pr_bus_wish *buses; /* of the request, and what its virtual functions take */
	size_t n_buses;
	const struct pr_reserve *reserves; /* of the request */
	size_t n_reserves;
	const struct pr_vf_wish *vfs; /* of the request */
	size_t n_vfs;
	const struct pr_function **removed; /* tops of the subtrees that are re-enumerated */
	size_t n_removed;
	/* what is removed need not come back as it was: there is no target then */
	bool replugs;
	/* every function that is removed or whose driver is restarted, in walk order */
	struct pr_affected *affected;
	size_t n_affected;
	struct pr_left *left;
	size_t n_left;
	struct pr_renumbered *renumbered; /* in walk order */
	size_t n_renumbered;
	/* what the topology tells; who can look at the machine adds to it (pr_effects_find()) */
	struct pr_effect *effects;
	size_t n_effects;
	const char *effects_unseen; /* what could not be looked at, a sentence; NULL: nothing */
	/*
	 * bridges that get bus numbers, and nobody knows what is behind them: it has no part in the
	 * prediction, and what it asks for is known when the plan is done
	 */
	const struct pr_function **unseen;
	size_t n_unseen;
	struct pr_attempt *attempts;
	size_t n_attempts;
	struct pr_cost cost;
	/*
	 * Memory windows of what is removed are closed first: the kernel would keep their sizes, and
	 * no candidate works without
	 */
	bool closes;
	/*
	 * The search came to its end: no candidate costs less (src/plan/search.c says what a
	 * candidate is), or, for a refusal, none is good.  False: the budget ended it, and no
	 * candidate costs less than @bound.
	 */
	bool proven;
	struct pr_cost bound; /* @cost when proven */
	uint64_t n_simulated; /* candidates simulated */
	struct pr_step *steps;
	size_t n_steps;
	bool checked; /* pr_plan_check() has found it good; nothing else is carried out */
	struct pr_explanation explanation; /* of the targets */
	/*
	 * for INFEASIBLE: whether it is the room or the kernel; else NULL, also where virtual
	 * functions are asked for that no room would give
	 */
	const struct pr_certificate *certificate;
	/*
	 * For INFEASIBLE, TOO_DISRUPTIVE and VETOED, if asked for.  Each was simulated: all that lacks
	 * memory or bus numbers gets it, and nobody loses anything, when firmware leaves the machine
	 * as it is now.
	 */
	const struct pr_advice *advice;
	size_t n_advice;
	const char *no_advice; /* why nothing can be said, a sentence; NULL: the model knew all */
};

/*
 * Plans @request on @t.  0 and a plan (every verdict is a plan), -ENOENT when
 * a target is not in @t, -EINVAL when bus numbers are asked for what is no
 * bridge, or none or too many (of virtual functions as well), or a size for what cannot have it,
 * -ENOMEM.  Deterministic.
 */
int pr_plan_make(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret);
void pr_plan_free(struct pr_plan *p);
/* False under lockdown (KERNEL 2.5).  Where that is not known, it is found out by trying. */
bool pr_registers_writable(const struct pr_machine *machine);

/*
 * Independent verification; shares no code with the search.  Simulates the
 * steps again and checks G1-G4 of DESIGN section 4 and the policy.  0 good,
 * 1 not (@why, a sentence), -ENOMEM.  Says in @p->checked whether it is good.
 */
int pr_plan_check(struct pr_plan *p, const struct pr_policy *policy, char *why, size_t size);

/*
 * What became of @before: true when nothing outside of the plan lost anything
 * and everything removed is back with every resource it had (G2, G3).  The
 * same rule judges predictions and outcomes.  @now may be a fresh import of
 * the machine; functions are found by path.  @why: first loss, a sentence.
 */
bool pr_nothing_lost(
	const struct pr_topology *before, const struct pr_topology *now, char *why, size_t size);
/* The same after @plan, for all that need not come back as another (@plan->replugs). */
bool pr_plan_lost_nothing(
	const struct pr_plan *plan, const struct pr_topology *now, char *why, size_t size);
/* @f, of the topology planned on, may come back as another, or not at all. */
bool pr_plan_replaces(const struct pr_plan *plan, const struct pr_function *f);
/* G1 for @plan's targets on @now: all that the plan promised them is assigned. */
bool pr_targets_work(
	const struct pr_plan *plan, const struct pr_topology *now, char *why, size_t size);

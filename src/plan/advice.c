/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice where no plan helps: kernel options with which the machine boots into
 * what was asked for.  Options are tried in the order in which they change
 * least, each by letting the model boot with them, and only what works and
 * costs nobody anything is advised.  What firmware will leave is not known: it
 * is taken for what the machine has now, without the card or with it.
 */
#include "plan/advice.h"

#include <errno.h>
#include <string.h>

#define MIB UINT64_C(0x100000)

/* Functions simulated, added up. */
#define BUDGET UINT64_C(200000)

/* ---- one boot ---- */

static bool has_target(const struct pr_adviser *a, size_t nth)
{
	const struct pr_root *root = a->plan->topology->roots[nth];

	for (size_t i = 0; i < a->plan->n_targets; i++)
		if (a->plan->targets[i]->root == root)
			return true;
	return false;
}

static size_t list_actions(struct pr_adviser *a, bool later)
{
	const struct pr_topology *t = a->topology;
	const struct pr_function *port = later ? pr_topology_same(t, a->port) : NULL;
	size_t n = 0;

	if (later)
		a->actions[n++] = (struct pr_action){ .kind = PR_ACTION_UNPLUG, .function = port };
	pr_for_each_root (t, i) {
		if (!a->whole && !has_target(a, i))
			continue;
		a->actions[n++] = (struct pr_action){ .kind = PR_ACTION_BOOT, .root = t->roots[i] };
		a->spent += t->roots[i]->n_functions;
	}
	if (later)
		a->actions[n++] = (struct pr_action){ .kind = PR_ACTION_PLUG, .function = port };
	return n;
}

/* Adds "hpmmiosize=1G", as the kernel reads it, to @text; nothing for 0. */
const char *pr_advise_size(
	struct pr_arena *arena, const char *text, const char *name, uint64_t size)
{
	unsigned int unit = 0;

	if (!text || size == 0)
		return text;
	while (unit < 3 && size % 1024 == 0) {
		size /= 1024;
		unit++;
	}
	return pr_arena_printf(arena, "%s%s%s=%llu%.1s", text, *text ? "," : "", name,
		(unsigned long long)size, &"\0KMG"[unit]);
}

/* Behind "pci="; NULL when memory is short. */
static const char *options_text(const struct pr_adviser *a, const struct pr_boot_options *o)
{
	struct pr_arena *arena = a->plan->arena;
	const char *text = o->text;

	if (o->buses > 0)
		text = pr_arena_printf(arena, "%s%shpbussize=%u", text, *text ? "," : "", o->buses);
	text = pr_advise_size(arena, text, "hpiosize", o->io);
	text = pr_advise_size(arena, text, "hpmmiosize", o->mem);
	return pr_advise_size(arena, text, "hpmmioprefsize", o->pref);
}

/*
 * The kernel that boots, by the very text that is advised.  What was written to
 * resource_alignment in sysfs does not outlive a boot.
 */
static int select_kernel(
	const struct pr_adviser *a, const struct pr_boot_options *o, struct pr_kernel *ret)
{
	struct pr_machine machine = a->plan->topology->machine;
	const char *text = options_text(a, o);
	int r;

	if (!text)
		return -ENOMEM;
	machine.cmdline = pr_arena_printf(a->plan->arena, "%s%s%s",
		machine.cmdline ? machine.cmdline : "", *text ? " pci=" : "", text);
	if (!machine.cmdline)
		return -ENOMEM;
	machine.alignments = NULL;
	r = pr_kernel_select(&machine, ret);
	ret->unseen_is_empty = a->plan->kernel.unseen_is_empty;
	return r < 0 ? r : 0;
}

/* 1: the model lacks a fact. */
static int boot(
	struct pr_adviser *a, const struct pr_boot_options *o, bool later, struct pr_topology **ret)
{
	struct pr_doubt doubt = { 0 };
	struct pr_kernel kernel;
	int r;

	r = select_kernel(a, o, &kernel);
	if (r < 0)
		return r;
	r = pr_kernel_apply(&kernel, a->topology, a->actions, list_actions(a, later), ret, &doubt);
	if (r == 1 && !a->doubt)
		a->doubt = pr_doubt_text(a->plan->arena, &doubt);
	return r;
}

/* ---- what it must come to ---- */

static bool target_works(const struct pr_adviser *a, const struct pr_function *target,
	const struct pr_topology *after)
{
	const struct pr_function *now = pr_topology_same(after, target);

	if (now->removed || now->no_bus || pr_bridge_broken(now) ||
		pr_numbers_of(now) < pr_wished_numbers(a->plan->buses, a->plan->n_buses, target) ||
		pr_missing_reserve(a->plan->reserves, a->plan->n_reserves, target, now))
		return false;
	for (size_t i = 0; i < target->n_resources; i++) {
		const struct pr_resource *r = pr_function_resource(now, target->resources[i].index);

		if (pr_resource_needed(&target->resources[i], a->tier) &&
			(r->state != PR_RES_ASSIGNED || !pr_resource_forwarded(now, r)))
			return false;
	}
	return true;
}

static bool all_work(const struct pr_adviser *a, const struct pr_topology *after)
{
	for (size_t i = 0; i < a->plan->n_targets; i++)
		if (!target_works(a, a->plan->targets[i], after))
			return false;
	return true;
}

/* @ret_after (may be NULL): what the machine is then, if it is good. */
static int is_good(struct pr_adviser *a, const struct pr_boot_options *o, bool later, bool *ret,
	struct pr_topology **ret_after)
{
	struct pr_topology *after;
	char why[200];
	int r;

	*ret = false;
	if (a->spent > BUDGET)
		return 0;
	r = boot(a, o, later, &after);
	if (r != 0)
		return r < 0 ? r : 0;
	*ret = all_work(a, after) && pr_nothing_lost(a->plan->topology, after, why, sizeof(why));
	if (*ret && ret_after)
		*ret_after = after;
	else
		pr_topology_free(after);
	return 0;
}

/* ---- what is tried ---- */

/* Among entries between semicolons, without an alignment of its own. */
static bool is_listed(const char *entries, const char *address)
{
	const size_t length = strlen(address);

	for (const char *at = entries; (at = strstr(at, address)); at += length)
		if ((at == entries || at[-1] == ';') && (at[length] == ';' || !at[length]))
			return true;
	return false;
}

/*
 * The @n-th set of options in the order of trying: none, realloc, one bridge
 * above the card after the other, realloc and the last of these.  0, 1 when
 * there are no more, -ENOMEM.
 */
static int nth_options(const struct pr_adviser *a, size_t n, struct pr_boot_options *ret)
{
	const char *old = a->now.alignments;
	char address[PR_ADDRESS_MAX];
	bool both = n == a->n_bridges + 2;

	*ret = (struct pr_boot_options){ .text = n == 1 ? "realloc" : "" };
	if (n < 2)
		return 0;
	if (a->n_bridges == 0 || n > a->n_bridges + 2)
		return 1;
	pr_address_format(&a->bridges[both ? a->n_bridges - 1 : n - 2]->address, address);
	if (is_listed(old, address))
		address[0] = '\0';
	ret->text = pr_arena_printf(a->plan->arena, "%sresource_alignment=%s%s%s",
		both ? "realloc," : "", old, *old && *address ? ";" : "", address);
	return ret->text ? 0 : -ENOMEM;
}

/* With every host bridge: options are for all of them. */
static int is_good_everywhere(struct pr_adviser *a, const struct pr_boot_options *o, bool later,
	bool *ret, struct pr_topology **ret_after)
{
	int r;

	a->whole = true;
	r = is_good(a, o, later, ret, ret_after);
	a->whole = false;
	return r;
}

int pr_advise_try(struct pr_adviser *a, const struct pr_boot_options *o, bool later, bool *ret)
{
	return is_good_everywhere(a, o, later, ret, NULL);
}

int pr_advise_present(
	struct pr_adviser *a, struct pr_boot_options *ret, struct pr_topology **ret_after)
{
	bool good = false;
	int r = 0;

	for (size_t n = 0; r == 0 && !good; n++) {
		r = nth_options(a, n, ret);
		if (r == 0)
			r = is_good_everywhere(a, ret, false, &good, ret_after);
	}
	return r < 0 ? r : 0;
}

/* The smallest above @low that does, in steps of @unit: with one less it does not. */
static int shrink(struct pr_adviser *a, struct pr_boot_options *o, uint64_t *size, uint64_t low,
	uint64_t unit)
{
	uint64_t high = *size;
	bool good;
	int r;

	*size = 0;
	r = is_good(a, o, a->port != NULL, &good, NULL);
	if (good)
		return r;
	while (r == 0 && high - low > unit) {
		*size = low + (high - low) / 2 / unit * unit;
		r = is_good(a, o, a->port != NULL, &good, NULL);
		if (good)
			high = *size;
		else
			low = *size;
	}
	*size = high;
	return r;
}

/* What the port has when the kernel sizes it for the card, if it is more than it has anyway. */
static uint64_t spare_for(const struct pr_adviser *a, const struct pr_topology *with_card,
	unsigned int window, uint64_t has)
{
	const struct pr_function *port = pr_topology_same(with_card, a->port);
	const struct pr_resource *w = pr_function_resource(port, window);

	return w && w->state == PR_RES_ASSIGNED && w->size > has ? w->size : 0;
}

/*
 * What does as it is may do with less.  What did not needs more because of where its window begins,
 * which firmware decides anew: all that it was given, so that it does not depend on that.
 */
static int fit(struct pr_adviser *a, struct pr_boot_options *o, uint64_t *size, uint64_t least,
	uint64_t low)
{
	const uint64_t tried = *size;
	bool good = false;
	int r;

	if (tried == 0)
		return 0;
	if (tried == least)
		return shrink(a, o, size, low, MIB);
	*size = least;
	r = is_good(a, o, a->port != NULL, &good, NULL);
	if (!good)
		*size = tried;
	return r;
}

/* A window that holds the card may have to be larger than it where it begins elsewhere. */
static int try_sizes(struct pr_adviser *a, const struct pr_boot_options *least,
	struct pr_boot_options *o, bool *ret)
{
	const unsigned int most = least->mem || least->pref ? 4 : 1;
	int r = 0;

	*ret = false;
	for (unsigned int times = 1; times <= most && r == 0 && !*ret; times *= 2) {
		o->io = least->io;
		o->mem = times * least->mem;
		o->pref = times * least->pref;
		r = is_good(a, o, a->port != NULL, ret, NULL);
	}
	if (r == 0 && *ret && o->io > 0)
		r = shrink(a, o, &o->io, 0, pr_window_unit(PR_WINDOW_IO));
	if (r == 0 && *ret)
		r = fit(a, o, &o->mem, least->mem, a->now.hp_mem_size);
	if (r == 0 && *ret)
		r = fit(a, o, &o->pref, least->pref, a->now.hp_pref_size);
	return r == 0 && *ret ? is_good_everywhere(a, o, a->port != NULL, ret, NULL) : r;
}

/*
 * What the hot-add has changed is not what firmware will leave: only options that make the kernel
 * size all windows above the slot itself do not depend on it.
 */
static int find_later(struct pr_adviser *a, const struct pr_boot_options *least,
	struct pr_boot_options *ret, bool *good)
{
	int r = 0;

	*good = false;
	for (size_t n = a->n_bridges + 1; a->n_bridges > 0 && r == 0 && !*good; n++) {
		r = nth_options(a, n, ret);
		if (r == 0)
			r = try_sizes(a, least, ret, good);
	}
	return r < 0 ? r : 0;
}

/* ---- putting it into words ---- */

/* Numbers are in names: of addresses, network interfaces, links in /dev. */
static const char *warning(const struct pr_boot_options *o)
{
	return strncmp(o->text, "assign-busses", strlen("assign-busses")) == 0
		       ? "; every bus may get another number, and what is named after it another name"
		       : "";
}

int pr_advise_boot(struct pr_adviser *a, const struct pr_boot_options *o, bool later)
{
	struct pr_advice *advice = &a->advice[a->plan->n_advice];
	const char *text = options_text(a, o);

	if (!text)
		return -ENOMEM;
	*advice = (struct pr_advice){ .kind = PR_ADVICE_BOOT, .later = later };
	advice->setting = pr_arena_printf(a->plan->arena, "%s%s", *text ? "pci=" : "", text);
	if (!advice->setting)
		return -ENOMEM;
	if (!*text)
		advice->text = "boot with the card in its slot";
	else
		advice->text = pr_arena_printf(a->plan->arena,
			"boot with %s on the kernel's command line%s%s", advice->setting,
			!later    ? ", and the card in its slot"
			: a->port ? ", and plug the card in then"
				  : "; the room is there then",
			warning(o));
	if (!advice->text)
		return -ENOMEM;
	a->plan->n_advice++;
	return 0;
}

/* ---- all of it ---- */

/* The port whose slot holds what lacks addresses; targets elsewhere are what its hot-add hurt. */
static const struct pr_function *find_port(const struct pr_plan *p)
{
	if (p->n_reserves > 0)
		return NULL;
	for (size_t i = 0; i < p->n_targets; i++) {
		const struct pr_function *f = p->targets[i]->parent;

		while (f && !f->bridge->hotplug)
			f = f->parent;
		if (f && pr_function_needs(p->targets[i], PR_TIER_MEMORY))
			return f;
	}
	return NULL;
}

/* A bridge that is to have room itself is sized anew as well. */
static bool is_above_all(const struct pr_plan *p, const struct pr_function *bridge)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if ((p->targets[i] == bridge && p->n_reserves == 0) ||
			!pr_function_below(p->targets[i], bridge))
			return false;
	return bridge->bridge != NULL;
}

static int find_bridges(struct pr_adviser *a)
{
	const struct pr_plan *p = a->plan;
	size_t n = 0;

	for (const struct pr_function *f = p->targets[0]; f; f = f->parent)
		n++;
	a->bridges = pr_new_array(p->arena, n, const struct pr_function *);
	if (!a->bridges)
		return -ENOMEM;
	for (const struct pr_function *f = p->targets[0]; f; f = f->parent)
		if (is_above_all(p, f))
			a->bridges[a->n_bridges++] = f;
	return 0;
}

static int prepare(struct pr_adviser *a)
{
	struct pr_plan *p = a->plan;
	int r;

	a->actions = pr_new_array(p->arena, p->topology->n_roots + 2, struct pr_action);
	a->advice = pr_new_array(p->arena, PR_ADVICE_MAX, struct pr_advice);
	if (!a->actions || !a->advice)
		return -ENOMEM;
	p->advice = a->advice;
	r = select_kernel(a, &(struct pr_boot_options){ .text = "" }, &a->now);
	if (r < 0)
		return r;
	a->port = find_port(p);
	return find_bridges(a);
}

/* What booting alone would take from somebody is no ground to advise from. */
static int check_ground(struct pr_adviser *a, bool *ret)
{
	struct pr_topology *after;
	char why[200];
	int r;

	*ret = false;
	r = boot(a, &(struct pr_boot_options){ .text = "" }, false, &after);
	if (r != 0)
		return r < 0 ? r : 0;
	*ret = pr_nothing_lost(a->plan->topology, after, why, sizeof(why));
	pr_topology_free(after);
	if (!*ret)
		a->doubt = pr_arena_printf(
			a->plan->arena, "Linux would not boot into what is there now: %s", why);
	return *ret || a->doubt ? 0 : -ENOMEM;
}

static int advise_later(struct pr_adviser *a, const struct pr_topology *with_card)
{
	struct pr_boot_options o, least = { .text = "" };
	bool good;
	int r;

	least.mem = spare_for(a, with_card, PR_WINDOW_MEM, a->now.hp_mem_size);
	least.pref = spare_for(a, with_card, PR_WINDOW_PREF, a->now.hp_pref_size);
	r = find_later(a, &least, &o, &good);
	return r == 0 && good ? pr_advise_boot(a, &o, true) : r;
}

static int advise_reserves(struct pr_adviser *a)
{
	struct pr_boot_options o, least = { .text = "" };
	bool good;
	int r;

	for (size_t i = 0; i < a->plan->n_reserves; i++) {
		const struct pr_reserve *want = &a->plan->reserves[i];
		uint64_t *size = want->window == PR_WINDOW_IO    ? &least.io
				 : want->window == PR_WINDOW_MEM ? &least.mem
								 : &least.pref;

		if (want->size > *size)
			*size = want->size;
	}
	r = find_later(a, &least, &o, &good);
	if (r == 0 && good)
		r = pr_advise_boot(a, &o, true);
	return r == 0 && good ? pr_advise_qemu(a) : r;
}

static int advise_boots(struct pr_adviser *a)
{
	struct pr_topology *after = NULL;
	struct pr_boot_options o;
	int r;

	if (a->plan->n_reserves > 0)
		return advise_reserves(a);
	r = pr_advise_present(a, &o, &after);
	if (r < 0 || !after)
		return r;
	r = pr_advise_boot(a, &o, false);
	if (r == 0 && a->port)
		r = advise_later(a, after);
	pr_topology_free(after);
	return r;
}

int pr_plan_advise(struct pr_plan *p)
{
	/* Linux enables virtual functions where all of their BARs have addresses, or none */
	const bool everything = p->n_vfs > 0;
	struct pr_adviser a = { .plan = p,
		.topology = p->topology,
		.tier = everything ? PR_TIER_ALL : PR_TIER_LOST,
		.least = everything ? PR_TIER_ALL : PR_TIER_MEMORY };
	bool ground = false;
	int r;

	r = prepare(&a);
	if (r == 0)
		r = check_ground(&a, &ground);
	if (r == 0 && ground)
		r = pr_advise_buses(&a);
	for (a.tier = PR_TIER_ALL; r == 0 && ground && p->n_advice == 0 && a.tier <= a.least;
		a.tier++)
		r = advise_boots(&a);
	if (r == 0 && ground && p->n_advice == 0 && p->verdict == PR_VERDICT_INFEASIBLE &&
		p->n_reserves == 0)
		r = pr_advise_apertures(&a);
	if (r == 0 && p->n_advice == 0)
		p->no_advice = a.doubt;
	return r;
}

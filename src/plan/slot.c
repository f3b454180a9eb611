/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One slot: for one kind of card the largest that works, and what it takes.  A
 * card is put into the slot (card.c), plugged in on the model of the kernel,
 * and, where that fails, planned for.  Sizes are tried one by one from what
 * the host bridge could give at most, because Linux is not monotone.
 */
#include "plan/slots.h"
#include "plan/arrival.h"

#define SMALLEST_BAR UINT64_C(0x100000) /* a window opens in steps of this: less is not cheaper */

/* What became of one card. */
enum answer {
	NO = 0,
	YES,
	NOT_KNOWN
};

/* One slot and one kind of card. */
struct trial {
	struct pr_policy policy;
	const struct pr_kernel *kernel;
	struct pr_arena *arena;
	struct pr_slot *slot;
	uint64_t *largest;              /* of that kind, by enum pr_when */
	bool not_known[_PR_WHEN_MAX];   /* a size was met of which it cannot be said */
	enum pr_when least;             /* the least with a size; _PR_WHEN_MAX: none has */
	struct pr_topology *machine;    /* with the card in its slot, not enumerated yet */
	const struct pr_function *port; /* in @machine */
};

/* ---- now: the kernel alone ---- */

static int plug_in(struct trial *w, struct pr_topology **ret)
{
	const struct pr_action action = pr_arrival_of(w->port);
	struct pr_doubt doubt = { 0 };
	int r;

	r = pr_kernel_apply(w->kernel, w->machine, &action, 1, ret, &doubt);
	if (r == 1 && !w->slot->doubt)
		w->slot->doubt = pr_doubt_text(w->arena, &doubt);
	return r;
}

/* ---- after a plan ---- */

/* A plan that its independent check and the state before the hot-add agree with. */
static bool is_good(const struct trial *w, const struct pr_policy *policy, struct pr_plan *p)
{
	char why[256];

	return p->verdict == PR_VERDICT_OK && pr_card_works(w->port, p->prediction) &&
	       pr_plan_check(p, policy, why, sizeof(why)) == 0 &&
	       pr_nothing_lost(w->machine, p->prediction, why, sizeof(why));
}

/* The least plan within @limit on what the hot-add has left. */
static int plan_for(struct trial *w, const struct pr_topology *after, enum pr_disruption limit,
	enum answer *ret, enum pr_when *ret_when)
{
	struct pr_policy policy = w->policy;
	struct pr_request request = {
		.budget = PR_SIMULATIONS_A_PLAN * w->port->root->n_functions,
		.brief = true,
	};
	struct pr_address *targets;
	struct pr_plan *p;
	int r;

	policy.limit = limit;
	r = pr_arrival_targets(w->port->root, after, after->arena, &targets, &request.n_targets);
	if (r < 0)
		return r;
	request.targets = targets;
	r = pr_plan_make(after, &request, &policy, &p);
	if (r < 0)
		return r;

	*ret = p->verdict == PR_VERDICT_UNKNOWN ? NOT_KNOWN : NO;
	if (is_good(w, &policy, p)) {
		*ret = YES;
		*ret_when = pr_when_of(&p->cost);
	}
	pr_plan_free(p);
	return 0;
}

/* ---- at boot ---- */

/* What the machine has is taken for what firmware gave; the card has nothing. */
static int boot(struct trial *w, enum answer *ret)
{
	const struct pr_action action = { .kind = PR_ACTION_BOOT, .root = w->port->root };
	struct pr_kernel kernel = *w->kernel;
	struct pr_topology *after;
	struct pr_doubt doubt;
	char why[256];
	int r;

	*ret = NO;
	kernel.realloc = PR_REALLOC_ON;
	r = pr_kernel_apply(&kernel, w->machine, &action, 1, &after, &doubt);
	if (r < 0)
		return r;
	if (r == 1) {
		*ret = NOT_KNOWN;
		return 0;
	}
	if (pr_card_works(w->port, after) && pr_nothing_lost(w->machine, after, why, sizeof(why)))
		*ret = YES;
	pr_topology_free(after);
	return 0;
}

/* ---- sizes ---- */

static void set_size(struct trial *w, uint64_t size)
{
	for (struct pr_function *f = w->port->first_child; f; f = f->next) {
		struct pr_resource *bar = pr_function_resource(f, PR_BAR0);

		bar->size = bar->align = size;
	}
	pr_topology_sign(w->machine, NULL);
}

/* ---- one size ---- */

static void found(struct trial *w, enum pr_when when, uint64_t size)
{
	for (unsigned int i = when; i < w->least; i++)
		w->largest[i] = size;
	w->least = when;
}

static void not_known(struct trial *w, enum pr_when first, enum pr_when last)
{
	for (unsigned int i = first; i <= last; i++)
		w->not_known[i] = true;
}

/* The most that a plan may disturb to be of interest; false: none is. */
static bool limit_of(const struct trial *w, enum pr_disruption *ret)
{
	unsigned int limit = PR_DISRUPTION_IN_USE;

	if (w->least <= PR_WHEN_FREE)
		return false;
	if (w->least <= PR_WHEN_IN_USE)
		limit = w->least - PR_WHEN_FREE - 1;
	*ret = w->policy.limit < limit ? w->policy.limit : (enum pr_disruption)limit;
	return true;
}

/* The kernel alone was not enough. */
static int try_plan(struct trial *w, const struct pr_topology *after, uint64_t size)
{
	enum answer answer = NO;
	enum pr_disruption limit;
	enum pr_when when;
	int r = 0;

	if (limit_of(w, &limit))
		r = plan_for(w, after, limit, &answer, &when);
	if (answer == YES)
		found(w, when, size);
	if (answer == NOT_KNOWN)
		not_known(w, PR_WHEN_FREE, PR_WHEN_IN_USE);
	return r;
}

static int try_boot(struct trial *w, uint64_t size)
{
	enum answer answer;
	int r;

	if (w->least <= PR_WHEN_BOOT)
		return 0;
	r = boot(w, &answer);
	if (answer == YES)
		found(w, PR_WHEN_BOOT, size);
	if (answer == NOT_KNOWN)
		not_known(w, PR_WHEN_BOOT, PR_WHEN_BOOT);
	return r;
}

/* The least that has to happen for the card in @machine, if that is less than known so far. */
static int try_card(struct trial *w, uint64_t size, bool boots)
{
	struct pr_topology *after;
	int r;

	r = plug_in(w, &after);
	if (r < 0)
		return r;
	if (r == 1) {
		not_known(w, PR_WHEN_NOW, PR_WHEN_BOOT);
		return 0;
	}
	if (pr_card_works(w->port, after) && pr_others_kept(w->port->root, after))
		found(w, PR_WHEN_NOW, size);
	else
		r = try_plan(w, after, size);
	if (r == 0 && boots)
		r = try_boot(w, size);
	pr_topology_free(after);
	return r;
}

/* ---- one kind of card ---- */

static int insert(struct trial *w, const struct pr_topology *t, const struct pr_card *card)
{
	int r = pr_card_insert(t, w->slot->port, card, &w->machine);

	if (r == 0)
		w->port = pr_topology_find(w->machine, &w->slot->port->address);
	return r;
}

static void settle(struct trial *w)
{
	pr_topology_free(w->machine);
	w->machine = NULL;
	for (unsigned int i = 0; i < _PR_WHEN_MAX; i++)
		if (w->largest[i] == PR_ROOM_NONE && w->not_known[i])
			w->largest[i] = PR_ROOM_UNKNOWN;
}

static int find_bar(struct trial *w, const struct pr_topology *t, enum pr_card_kind kind)
{
	const struct pr_root_facts *host = &w->slot->port->root->facts;
	uint64_t size = pr_largest_aperture(host, kind);
	int r;

	if (!host->mem_known) {
		w->slot->doubt = "the apertures of its host bridge are not known";
		not_known(w, PR_WHEN_NOW, PR_WHEN_BOOT);
		return 0;
	}
	r = insert(w, t, &(struct pr_card){ .kind = kind, .size = SMALLEST_BAR });
	for (; r == 0 && size >= SMALLEST_BAR && w->least > PR_WHEN_NOW; size /= 2) {
		set_size(w, size);
		r = try_card(w, size, true);
	}
	return r;
}

static int try_switch(struct trial *w, const struct pr_topology *t, uint64_t n)
{
	int r;

	r = insert(w, t, &(struct pr_card){ .kind = PR_CARD_SWITCH, .size = n });
	if (r == 0)
		r = try_card(w, n, false);
	pr_topology_free(w->machine);
	w->machine = NULL;
	return r;
}

/* ---- bus numbers after a plan ---- */

/* The card comes when the port has its numbers. */
static int plug_in_after(struct trial *w, const struct pr_topology *planned, bool *ret)
{
	const struct pr_action action = pr_arrival_of(pr_topology_same(planned, w->port));
	struct pr_topology *after;
	struct pr_doubt doubt = { 0 };
	int r;

	*ret = false;
	r = pr_kernel_apply(w->kernel, planned, &action, 1, &after, &doubt);
	if (r != 0)
		return r < 0 ? r : 0;
	*ret = pr_card_works(w->port, after);
	pr_topology_free(after);
	return 0;
}

/* A plan within @limit that gives the port one number, and those of the card in @machine. */
static int plan_numbers(struct trial *w, uint64_t n, enum pr_disruption limit, bool *ret)
{
	const struct pr_bus_wish wish = { .bridge = w->port->address,
		.buses = (unsigned int)n + 1 };
	const struct pr_request request = {
		.buses = &wish,
		.n_buses = 1,
		.budget = PR_SIMULATIONS_A_PLAN * w->port->root->n_functions,
		.brief = true,
	};
	struct pr_policy policy = w->policy;
	struct pr_plan *p;
	char why[256];
	int r;

	*ret = false;
	policy.limit = limit;
	r = pr_plan_make(w->machine, &request, &policy, &p);
	if (r < 0)
		return r;
	if (p->verdict == PR_VERDICT_OK && pr_plan_check(p, &policy, why, sizeof(why)) == 0)
		r = plug_in_after(w, p->prediction, ret);
	pr_plan_free(p);
	return r;
}

/* Numbers come first, and then the card. */
static void empty_slot(struct trial *w)
{
	for (size_t i = 0; i < w->port->root->n_functions; i++) {
		struct pr_function *f = &w->port->root->functions[i];

		if (f != w->port && pr_function_below(f, w->port))
			f->unplugged = true;
	}
	pr_topology_sign(w->machine, NULL);
}

static int try_numbers(struct trial *w, const struct pr_topology *t, uint64_t n,
	enum pr_disruption limit, bool *ret)
{
	int r;

	*ret = false;
	r = insert(w, t, &(struct pr_card){ .kind = PR_CARD_SWITCH, .size = n });
	if (r == 0)
		empty_slot(w);
	if (r == 0)
		r = plan_numbers(w, n, limit, ret);
	pr_topology_free(w->machine);
	w->machine = NULL;
	return r < 0 ? r : 0;
}

/* Who has room for more has room for less: halving finds the most. */
static int find_numbers(
	struct trial *w, const struct pr_topology *t, enum pr_disruption limit, uint64_t *most)
{
	const struct pr_root *root = w->slot->port->root;
	uint64_t above = (uint64_t)root->last_bus - root->facts.bus + 1;
	bool good;
	int r = 0;

	while (r == 0 && above - *most > 1) {
		uint64_t n = *most + (above - *most) / 2;

		r = try_numbers(w, t, n, limit, &good);
		if (good)
			*most = n;
		else
			above = n;
	}
	return r;
}

/*
 * What the port forwards, and what a plan makes of the numbers around it.  A boot takes them as
 * firmware gives them.
 */
static int find_switch(struct trial *w, const struct pr_topology *t)
{
	const struct pr_bridge *b = w->slot->port->bridge;
	uint64_t most;
	int r = 0;

	for (unsigned int n = b->subordinate - b->secondary;
		n > 0 && r == 0 && w->least > PR_WHEN_NOW; n--)
		r = try_switch(w, t, n);
	most = w->largest[PR_WHEN_NOW];
	for (unsigned int limit = 0; limit <= w->policy.limit && r == 0; limit++) {
		r = find_numbers(w, t, (enum pr_disruption)limit, &most);
		for (unsigned int i = PR_WHEN_FREE + limit; i < _PR_WHEN_MAX; i++)
			if (most > w->largest[i])
				w->largest[i] = most;
	}
	return r;
}

int pr_slot_find_largest(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_kernel *kernel, struct pr_slot *slot, enum pr_card_kind kind)
{
	struct trial w = {
		.policy = *policy,
		.kernel = kernel,
		.arena = all->arena,
		.slot = slot,
		.largest = slot->largest[kind],
		.least = _PR_WHEN_MAX,
	};
	int r;

	r = kind == PR_CARD_SWITCH ? find_switch(&w, all->topology)
				   : find_bar(&w, all->topology, kind);
	if (r == 1) /* the card cannot be described there */
		not_known(&w, PR_WHEN_NOW, PR_WHEN_BOOT);
	settle(&w);
	return r < 0 ? r : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrangements against brute force: random small trees below a host bridge
 * with 6 MiB below 4 GiB and 6 above, of which some subtrees are removed; every
 * place of every window and BAR is tried in steps of 512 KiB.  The answers must
 * be equal, and what is placed must nest.  test-arrange-oracle [COUNT [SEED]]
 */
#include <inttypes.h>
#include <string.h>

#include "machine.h"
#include "plan/arrange.h"
#include "rows.h"

#define STEP      UINT64_C(0x80000)
#define LOW       UINT64_C(0x80000000)
#define HIGH      UINT64_C(0x100000000)
#define N_LOW     12u /* steps */
#define FIRST_HI  16u
#define N_HI      12u
#define MAX_NODES 12
#define NONE      UINT64_C(0)

static unsigned long count = 3000;
static uint64_t first_seed = 1;

enum kind {
	PLAIN = 0,
	PREF64,
	PREF32,
};

/* Sets of steps: bits 0 to 11 below 4 GiB, 16 to 27 above. */
struct node {
	int parent; /* -1: root bus */
	bool bridge, stays, wide;
	unsigned int bus, secondary, subordinate, device;
	uint64_t windows[2]; /* of a bridge that stays: plain, prefetchable; NONE: closed */
	unsigned int n_bars;
	struct {
		enum kind kind;
		unsigned int size; /* steps */
		uint64_t at;       /* NONE: dead */
	} bars[2];
};
struct tree {
	uint64_t random;
	struct node nodes[MAX_NODES];
	int n;
	char text[4096];
	size_t length;
};

/* xorshift64*: the same trees everywhere. */
static unsigned int roll(struct tree *t, unsigned int sides)
{
	t->random ^= t->random >> 12;
	t->random ^= t->random << 25;
	t->random ^= t->random >> 27;
	return (unsigned int)((t->random * UINT64_C(0x2545f4914f6cdd1d)) >> 40) % sides;
}

static uint64_t steps(unsigned int first, unsigned int size)
{
	return ((UINT64_C(1) << size) - 1) << first;
}

static const uint64_t low = (1u << N_LOW) - 1;
static const uint64_t high = (uint64_t)((1u << N_HI) - 1) << FIRST_HI;

/* ---- trees ---- */

static int add_node(struct tree *t, int parent, unsigned int device, bool bridge)
{
	if (t->n == MAX_NODES)
		return -1;
	t->nodes[t->n] = (struct node){ .parent = parent, .device = device, .bridge = bridge };
	return t->n++;
}

static void add_card(struct tree *t, int parent)
{
	int card = add_node(t, parent, 0, false);
	struct node *n = &t->nodes[card];

	if (card < 0)
		return;
	n->n_bars = 1 + roll(t, 2);
	for (unsigned int i = 0; i < n->n_bars; i++) {
		n->bars[i].kind = (enum kind)(roll(t, 5) * 2 / 3);
		n->bars[i].size = 1u << roll(t, 3);
	}
}

static void add_below(struct tree *t, int port, unsigned int depth)
{
	unsigned int n = 1 + roll(t, 2);
	int up;

	if (depth == 0 || roll(t, 2)) {
		add_card(t, port);
		return;
	}
	up = add_node(t, port, 0, true);
	for (unsigned int i = 0; up >= 0 && i < n; i++) {
		int down = add_node(t, up, i, true);

		if (down >= 0)
			add_below(t, down, depth - 1);
	}
}

static unsigned int number_buses(struct tree *t, int parent, unsigned int bus, unsigned int last)
{
	for (int i = 0; i < t->n; i++) {
		struct node *n = &t->nodes[i];

		if (n->parent != parent)
			continue;
		n->bus = bus;
		if (!n->bridge)
			continue;
		n->secondary = last + 1;
		last = n->subordinate = number_buses(t, i, last + 1, last + 1);
	}
	return last;
}

/* ---- what stays, and where ---- */

static uint64_t used_on_bus(const struct tree *t, int parent)
{
	uint64_t used = NONE;

	for (int i = 0; i < t->n; i++) {
		const struct node *n = &t->nodes[i];

		if (n->parent != parent || !n->stays)
			continue;
		used |= n->windows[0] | n->windows[1];
		for (unsigned int k = 0; k < n->n_bars; k++)
			used |= n->bars[k].at;
	}
	return used;
}

/* Windows of the bus that something of @kind may lie in. */
static uint64_t space_for(const struct tree *t, int parent, enum kind kind)
{
	const struct node *p = &t->nodes[parent < 0 ? 0 : parent];
	uint64_t space = low | high;

	if (parent >= 0)
		space = p->windows[0] | (kind == PLAIN ? NONE : p->windows[1]);
	return kind == PREF64 ? space : space & low;
}

/* Not half in one window and half in the other. */
static bool in_one_window(const struct tree *t, int parent, uint64_t at)
{
	return parent < 0 || (at & ~t->nodes[parent].windows[0]) == 0 ||
	       (at & ~t->nodes[parent].windows[1]) == 0;
}

/* A random place in one piece, or NONE. */
static uint64_t pick(
	struct tree *t, int parent, enum kind kind, unsigned int size, unsigned int align)
{
	uint64_t space = space_for(t, parent, kind) & ~used_on_bus(t, parent);

	for (unsigned int tries = 0; tries < 8; tries++) {
		unsigned int first = roll(t, FIRST_HI + N_HI) / align * align;

		if (in_one_window(t, parent, steps(first, size)) &&
			(steps(first, size) & ~space) == 0)
			return steps(first, size);
	}
	return NONE;
}

/* Parents come before their children. */
static void choose_staying(struct tree *t)
{
	for (int i = 0; i < t->n; i++) {
		struct node *n = &t->nodes[i];

		n->wide = n->bridge && roll(t, 4);
		n->stays = roll(t, 2) && (n->parent < 0 || t->nodes[n->parent].stays);
		if (n->bridge && n->stays && roll(t, 4))
			n->windows[0] = pick(t, n->parent, PLAIN, 2 * (1 + roll(t, 4)), 2);
		if (n->bridge && n->stays && roll(t, 4))
			n->windows[1] = pick(
				t, n->parent, n->wide ? PREF64 : PREF32, 2 * (1 + roll(t, 4)), 2);
		for (unsigned int k = 0; k < n->n_bars && n->stays; k++)
			if (roll(t, 3))
				n->bars[k].at = pick(t, n->parent, n->bars[k].kind, n->bars[k].size,
					n->bars[k].size);
	}
}

/* ---- text ---- */

static void add(struct tree *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct tree *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->text + t->length, sizeof(t->text) - t->length, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(t->text) - t->length);
	t->length += (size_t)n;
}

static uint64_t address_of(unsigned int step)
{
	return step < FIRST_HI ? LOW + step * STEP : HIGH + (step - FIRST_HI) * STEP;
}

static struct pr_range range_of(uint64_t set)
{
	unsigned int first = (unsigned int)__builtin_ctzll(set);
	unsigned int last = 63u - (unsigned int)__builtin_clzll(set);

	return (struct pr_range){ address_of(first), address_of(last) + (STEP - 1) };
}

static void print_window(struct tree *t, const char *name, uint64_t set)
{
	struct pr_range r;

	if (set == NONE) {
		add(t, " %s=closed", name);
		return;
	}
	r = range_of(set);
	add(t, " %s=%" PRIx64 "-%" PRIx64, name, r.first, r.last);
}

static void print_node(struct tree *t, const struct node *n)
{
	static const char *const types[] = { "mem", "pref64", "pref" };
	static const unsigned int places[] = { 0, 2 };

	if (n->bridge) {
		add(t, "%02x:%02x.0 bridge %02x-%02x root-port", n->bus, n->device, n->secondary,
			n->subordinate);
		print_window(t, "mem", n->windows[0]);
		print_window(t, n->wide ? "pref64" : "pref", n->windows[1]);
	} else {
		add(t, "%02x:%02x.0 dev 8086:10d3", n->bus, n->device);
	}
	for (unsigned int k = 0; k < n->n_bars; k++) {
		add(t, " bar%u=%s:%" PRIx64 "@", places[k], types[n->bars[k].kind],
			n->bars[k].size * STEP);
		if (n->bars[k].at == NONE)
			add(t, "forgotten");
		else
			add(t, "%" PRIx64, range_of(n->bars[k].at).first);
	}
	add(t, "\n");
}

/* Not x86: nothing is reserved below 4 GiB. */
static void make_tree(struct tree *t)
{
	unsigned int ports = 1 + roll(t, 2);

	for (unsigned int i = 0; i < ports; i++) {
		int port = add_node(t, -1, 1 + i, true);

		if (port >= 0)
			add_below(t, port, i == 0 ? 1 : 0);
	}
	(void)number_buses(t, -1, 0, 0);
	choose_staying(t);
	add(t,
		"kernel 6.12.0\narch aarch64\nroot 0000:00-ff mem=%" PRIx64 "-%" PRIx64
		" mem=%" PRIx64 "-%" PRIx64 "\n",
		LOW, LOW + (N_LOW * STEP - 1), HIGH, HIGH + (N_HI * STEP - 1));
	for (int i = 0; i < t->n; i++)
		print_node(t, &t->nodes[i]);
}

/* ---- brute force ---- */

static bool bus_fits(const struct tree *t, int parent, uint64_t plain, uint64_t pref);

/* Has something to place in the subtree, of that kind. */
static bool wants(const struct tree *t, int i, bool plain)
{
	const struct node *n = &t->nodes[i];

	for (unsigned int k = 0; k < n->n_bars; k++)
		if (n->bars[k].at == NONE && (!plain || n->bars[k].kind == PLAIN))
			return true;
	for (int c = i + 1; c < t->n; c++)
		if (t->nodes[c].parent == i && wants(t, c, plain))
			return true;
	return false;
}

/* The things on a bus from node @i and its BAR @k on. */
struct bus {
	const struct tree *t;
	int parent;
	uint64_t plain, pref;
};

static bool rest_fits(const struct bus *b, int i, unsigned int k, uint64_t used);

static bool bar_fits(const struct bus *b, int i, unsigned int k, uint64_t used)
{
	const struct node *n = &b->t->nodes[i];
	uint64_t space = b->plain | (n->bars[k].kind == PLAIN ? NONE : b->pref);

	if (b->parent < 0)
		space = low | high;
	if (n->bars[k].kind != PREF64)
		space &= low;
	for (unsigned int first = 0; first < FIRST_HI + N_HI; first += n->bars[k].size) {
		uint64_t at = steps(first, n->bars[k].size);
		/* not half in one window and half in the other */
		bool one = b->parent < 0 || (at & ~b->plain) == 0 || (at & ~b->pref) == 0;

		if (one && (at & ~(space & ~used)) == 0 && rest_fits(b, i, k + 1, used | at))
			return true;
	}
	return false;
}

/* Next window inside of @space, in whole MiB; NONE after the last one. */
static uint64_t next_window(uint64_t space, unsigned int *first, unsigned int *size)
{
	while (*first < FIRST_HI + N_HI) {
		uint64_t at = steps(*first, *size += 2);

		if (*size <= N_LOW && (at & ~space) == 0)
			return at;
		*first += 2;
		*size = 0;
	}
	return NONE;
}

static bool with_windows(const struct bus *b, int i, uint64_t plain, uint64_t pref, uint64_t used)
{
	return bus_fits(b->t, i, plain, pref) && rest_fits(b, i + 1, 0, used | plain | pref);
}

static bool with_plain(const struct bus *b, int i, uint64_t plain, uint64_t used)
{
	const struct node *n = &b->t->nodes[i];
	unsigned int first = 0, size = 0;
	uint64_t pref;

	if (n->stays && n->windows[1] != NONE)
		return with_windows(b, i, plain, n->windows[1], used);
	if (with_windows(b, i, plain, NONE, used))
		return true;
	for (int way = 0; way < (b->parent < 0 ? 1 : 2); way++) {
		uint64_t space = b->parent < 0 ? low | high : way ? b->plain : b->pref;

		if (!n->wide)
			space &= low;
		first = size = 0;
		while ((pref = next_window(space & ~used & ~plain, &first, &size)) != NONE)
			if (with_windows(b, i, plain, pref, used))
				return true;
	}
	return false;
}

static bool bridge_fits(const struct bus *b, int i, uint64_t used)
{
	const struct node *n = &b->t->nodes[i];
	unsigned int first = 0, size = 0;
	uint64_t plain, space = b->parent < 0 ? low : b->plain & low;

	if (!wants(b->t, i, false))
		return rest_fits(b, i + 1, 0, used);
	if (n->stays && n->windows[0] != NONE)
		return with_plain(b, i, n->windows[0], used);
	if (!wants(b->t, i, true) && with_plain(b, i, NONE, used))
		return true;
	while ((plain = next_window(space & ~used, &first, &size)) != NONE)
		if (with_plain(b, i, plain, used))
			return true;
	return false;
}

static bool rest_fits(const struct bus *b, int i, unsigned int k, uint64_t used)
{
	while (i < b->t->n && b->t->nodes[i].parent != b->parent)
		i++;
	if (i >= b->t->n)
		return true;
	if (b->t->nodes[i].bridge)
		return bridge_fits(b, i, used);
	if (k == b->t->nodes[i].n_bars)
		return rest_fits(b, i + 1, 0, used);
	if (b->t->nodes[i].bars[k].at != NONE)
		return rest_fits(b, i, k + 1, used);
	return bar_fits(b, i, k, used);
}

static bool bus_fits(const struct tree *t, int parent, uint64_t plain, uint64_t pref)
{
	const struct bus b = { .t = t, .parent = parent, .plain = plain, .pref = pref };

	return rest_fits(&b, 0, 0, used_on_bus(t, parent));
}

/* ---- what is said to fit ---- */

static bool place_of(const struct pr_certificate *c, const struct pr_function *f,
	unsigned int index, struct pr_range *ret)
{
	const struct pr_resource *r = pr_function_resource(f, index);

	for (size_t i = 0; i < c->n_placed; i++) {
		if (c->placed[i].function == f && c->placed[i].index == index) {
			*ret = c->placed[i].range;
			return true;
		}
	}
	if (!r || r->state != PR_RES_ASSIGNED)
		return false;
	*ret = r->range;
	return true;
}

static bool in_window(const struct pr_certificate *c, const struct pr_function *bridge,
	unsigned int kind, const struct pr_range *at)
{
	struct pr_range window;

	return place_of(c, bridge, kind, &window) && pr_range_contains(&window, at);
}

static void check_place(
	const struct pr_certificate *c, const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_function *first = f->parent ? f->parent->first_child : f->root->first_child;
	struct pr_range at, other;

	if (!place_of(c, f, r->index, &at)) {
		assert_true(pr_resource_is_window(r));
		return;
	}
	if (!pr_resource_is_window(r))
		assert_int_equal(at.first % r->size, 0);
	else
		assert_int_equal(at.first % 0x100000, 0);
	if (!(r->flags & PR_IORES_MEM_64))
		assert_true(at.last <= UINT32_MAX);
	if (f->parent)
		assert_true(in_window(c, f->parent, PR_WINDOW_MEM, &at) ||
			    ((r->flags & PR_IORES_PREFETCH) &&
				    in_window(c, f->parent, PR_WINDOW_PREF, &at)));
	for (const struct pr_function *g = first; g; g = g->next)
		for (size_t i = 0; i < g->n_resources; i++)
			if ((g != f || g->resources[i].index != r->index) &&
				place_of(c, g, g->resources[i].index, &other))
				assert_false(pr_range_overlaps(&at, &other));
}

static void check_placed(const struct pr_topology *t, const struct pr_certificate *c)
{
	for (size_t i = 0; i < t->roots[0]->n_functions; i++) {
		const struct pr_function *f = &t->roots[0]->functions[i];

		for (size_t k = 0; k < f->n_resources; k++)
			check_place(c, f, &f->resources[k]);
	}
}

/* ---- one tree ---- */

struct tally {
	unsigned long exists, none, proofs[_PR_PROOF_MAX], mixed;
};

/* Tops of what does not stay; the windows of bridges below have nothing to say. */
static void run_seed(uint64_t seed, struct tally *tally)
{
	struct tree t = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };
	const struct pr_function *removed[MAX_NODES], *targets[MAX_NODES];
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_kernel kernel = { .generation = PR_GENERATION_6_12 };
	struct pr_arrange_question q = { .policy = &policy,
		.kernel = &kernel,
		.targets = targets,
		.removed = removed,
		.exactly = true,
		.tier = PR_TIER_MEMORY,
		.budget = 10000000 };
	struct pr_arena *arena = pr_arena_new();
	struct pr_topology *topology;
	struct pr_certificate c;
	bool expected;

	make_tree(&t);
	q.topology = topology = machine_build(t.text);
	for (int i = 0; i < t.n; i++) {
		const struct node *n = &t.nodes[i];
		const struct pr_address a = { .bus = (uint8_t)n->bus,
			.device = (uint8_t)n->device };
		const struct pr_function *f = pr_topology_find(topology, &a);

		if (!n->stays && (n->parent < 0 || t.nodes[n->parent].stays))
			removed[q.n_removed++] = f;
		if (!n->bridge)
			targets[q.n_targets++] = f;
	}

	expected = bus_fits(&t, -1, NONE, NONE);
	assert_int_equal(pr_arrange(arena, &q, &c), 0);
	if (c.arrangement != (expected ? PR_ARRANGEMENT_EXISTS : PR_ARRANGEMENT_NONE))
		fail_msg("seed %" PRIu64 ": %s, brute force says %s\n%s", seed,
			pr_arrangement_name(c.arrangement), expected ? "exists" : "none", t.text);
	if (expected)
		check_placed(topology, &c);
	else
		tally->proofs[c.proof]++;
	tally->exists += expected;
	tally->none += !expected;
	tally->mixed += q.n_removed > 0 && q.n_removed < (size_t)t.n && t.nodes[0].stays;
	pr_topology_free(topology);
	pr_arena_free(arena);
}

static void test_oracle(void **state)
{
	struct tally t = { 0 };

	(void)state;
	for (unsigned long i = 0; i < count; i++)
		run_seed(first_seed + i, &t);
	print_message(
		"# %lu exist, %lu do not: %lu by volume, %lu by blocks, %lu by starts, %lu by "
		"search; in %lu something stays\n",
		t.exists, t.none, t.proofs[PR_PROOF_VOLUME], t.proofs[PR_PROOF_BLOCKS],
		t.proofs[PR_PROOF_STARTS], t.proofs[PR_PROOF_SEARCH], t.mixed);
	/* an oracle that sees one kind of tree only proves nothing */
	assert_true(t.exists > count / 10 && t.none > count / 10);
	assert_true(t.proofs[PR_PROOF_SEARCH] > count / 200 && t.mixed > count / 20);
}

int main(int argc, char **argv)
{
	struct rows tests = { 0 };

	if (argc > 1)
		count = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	rows_add(&tests, "arrangements exist where brute force finds one", test_oracle, NULL);

	return rows_run(&tests, "arrange-oracle");
}

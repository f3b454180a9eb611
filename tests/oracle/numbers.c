/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "numbers.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../unit/machine.h"

#define MAX_NODES  16
#define N_OF(list) ((unsigned int)(sizeof(list) / sizeof((list)[0])))

/* ---- machines ---- */

struct node {
	int parent; /* -1: root bus */
	bool bridge;
	unsigned int bus, device, first, last;
	const char *text;
};
struct making {
	uint64_t random;
	struct node nodes[MAX_NODES];
	int n;
	int dead;         /* the bridge without numbers; or none, and */
	int card;         /* the one in a port that is to have */
	unsigned int vfs; /* as many virtual functions */
	unsigned int last_bus;
	char text[4096];
	size_t length;
};

static unsigned int roll(struct making *g, unsigned int sides)
{
	/* xorshift64* */
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return (unsigned int)((g->random * UINT64_C(0x2545f4914f6cdd1d)) >> 40) % sides;
}

static int add_node(
	struct making *g, int parent, unsigned int device, bool bridge, const char *text)
{
	if (g->n == MAX_NODES)
		return -1;
	g->nodes[g->n] =
		(struct node){ .parent = parent, .device = device, .bridge = bridge, .text = text };
	return g->n++;
}

static void add_card(struct making *g, int port)
{
	static const char *const cards[] = { "", "", "driver=e1000e", "driver=e1000e",
		"driver=nvme user=mount:/srv", "driver=vfio-pci" };

	(void)add_node(g, port, 0, false, cards[roll(g, roll(g, 4) ? 4 : N_OF(cards))]);
}

static void add_below(struct making *g, int port, unsigned int depth)
{
	unsigned int n = 1 + roll(g, 3);
	int up;

	if (depth == 2 || roll(g, 3) > 0) {
		if (roll(g, 3) > 0)
			add_card(g, port);
		return;
	}
	up = add_node(g, port, 0, true, "upstream driver=pcieport");
	for (unsigned int i = 0; up >= 0 && i < n; i++) {
		int down = add_node(g, up, i, true, "downstream hotplug driver=pcieport");

		if (down >= 0)
			add_below(g, down, depth + 1);
	}
}

/* One that has nothing in it yet; -1: none was met. */
static int find_port(struct making *g)
{
	for (int tries = 0; tries < 20; tries++) {
		int port = (int)roll(g, (unsigned int)g->n);
		bool taken = !g->nodes[port].bridge || strstr(g->nodes[port].text, "upstream");

		for (int i = 0; i < g->n; i++)
			taken |= g->nodes[i].parent == port;
		if (!taken)
			return port;
	}
	return -1;
}

static bool add_dead(struct making *g)
{
	int port = find_port(g);

	if (port >= 0)
		g->dead = add_node(g, port, 0, true, roll(g, 3) ? "upstream" : "");
	return port >= 0 && g->dead >= 0;
}

/* They are on its own bus, on the next, or on the one after that. */
static bool add_virtual(struct making *g)
{
	static const char *const drivers[] = { "driver=igb", "driver=igb", "driver=igb",
		"driver=igb user=net:eth0", "driver=vfio-pci" };
	static const unsigned int vfs[] = { 100, 300, 300, 600, 600 };
	int port = find_port(g);

	if (port >= 0)
		g->card = add_node(g, port, 0, false, drivers[roll(g, N_OF(drivers))]);
	g->vfs = vfs[roll(g, N_OF(vfs))];
	return port >= 0 && g->card >= 0;
}

/* In the order of the bus, with a gap here and there. */
static unsigned int number(struct making *g, int parent, unsigned int bus)
{
	unsigned int last = bus;

	for (int i = 0; i < g->n; i++) {
		struct node *n = &g->nodes[i];

		if (n->parent != parent)
			continue;
		n->bus = bus;
		if (!n->bridge || i == g->dead)
			continue;
		n->first = last + 1 + (roll(g, 6) == 0);
		last = n->last = number(g, i, n->first) + (roll(g, 6) == 0);
	}
	return last;
}

static void add(struct making *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct making *g, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(g->text + g->length, sizeof(g->text) - g->length, format, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(g->text) - g->length);
	g->length += (size_t)n;
}

static void print(struct making *g)
{
	add(g, "kernel 6.1.0\nroot 0000:00-%02x mem=c0000000-febfffff\n", g->last_bus);
	add(g, "00:1f.2 dev 8086:2922 driver=ahci user=mount:/\n");
	for (int i = 0; i < g->n; i++) {
		const struct node *n = &g->nodes[i];

		add(g, "%02x:%02x.0 ", n->bus, n->device);
		if (i == g->dead)
			add(g, "bridge none %s\n", n->text);
		else if (i == g->card)
			add(g, "dev 8086:10d3 class=020000 vfs=600 %s\n", n->text);
		else if (n->bridge)
			add(g, "bridge %02x-%02x %s\n", n->first, n->last, n->text);
		else
			add(g, "dev 8086:10d3 class=020000 %s\n", n->text);
	}
}

static bool make(struct making *g, uint64_t seed)
{
	unsigned int ports, used;

	*g = (struct making){
		.random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1, .dead = -1, .card = -1
	};
	ports = 1 + roll(g, 3);
	for (unsigned int i = 0; i < ports; i++) {
		int port = add_node(g, -1, 2 + i, true, "root-port hotplug driver=pcieport");

		if (port >= 0)
			add_below(g, port, 0);
	}
	if (seed % 4 == 0 ? !add_virtual(g) : !add_dead(g))
		return false;
	used = number(g, -1, 0);
	g->last_bus = used + roll(g, 5);
	print(g);
	return g->last_bus <= 14;
}

/* ---- brute force ---- */

#define MAX_BRIDGES 8

struct brute {
	const struct pr_topology *t;
	const struct pr_root *root;
	const struct pr_function *asking; /* the dead bridge, or the port that lacks numbers */
	unsigned int behind;              /* numbers that it needs beyond its own */
	const struct pr_policy *policy;
	/* the set being tried */
	const struct pr_function *bridges[MAX_BRIDGES]; /* parents first */
	unsigned int numbers[MAX_BRIDGES];
	size_t n;
	bool free[256];
	unsigned int renumbered, least; /* of the set */
	bool fits;
	/* by class of the worst that is disturbed, and of all below it */
	bool found[_PR_DISRUPTION_MAX];
	struct pr_cost best[_PR_DISRUPTION_MAX];
	bool too_large;
};

static size_t index_of(const struct brute *b, const struct pr_function *f)
{
	size_t i = 0;

	while (i < b->n && b->bridges[i] != f)
		i++;
	return i;
}

static unsigned int last_of(const struct brute *b, size_t i)
{
	unsigned int last = b->numbers[i];

	for (size_t k = i + 1; k < b->n; k++)
		if (b->bridges[k]->parent == b->bridges[i] && last_of(b, k) > last)
			last = last_of(b, k);
	return last + (b->bridges[i] == b->asking ? b->behind : 0);
}

/* Ranges of bridges on one bus are apart, and all that is in them is free. */
static bool is_valid(const struct brute *b)
{
	for (size_t i = 0; i < b->n; i++) {
		for (unsigned int n = b->numbers[i]; n <= last_of(b, i); n++)
			if (n > 255 || !b->free[n])
				return false;
		for (size_t k = 0; k < i; k++)
			if (b->bridges[k]->parent == b->bridges[i]->parent &&
				b->numbers[k] <= last_of(b, i) && b->numbers[i] <= last_of(b, k))
				return false;
	}
	return true;
}

static unsigned int functions_on(const struct pr_function *bridge)
{
	unsigned int n = 0;

	for (const struct pr_function *f = bridge->first_child; f; f = f->next)
		n++;
	return n;
}

static void number_from(struct brute *b, size_t i, unsigned int renumbered)
{
	size_t parent;

	if (b->fits && renumbered >= b->least)
		return;
	if (i == b->n) {
		if (is_valid(b)) {
			b->fits = true;
			b->least = renumbered;
		}
		return;
	}
	parent = index_of(b, b->bridges[i]->parent);
	for (unsigned int n = parent < i ? b->numbers[parent] + 1 : 1; n < 256; n++) {
		bool same = b->bridges[i]->bridge->secondary == n;

		if (!b->free[n])
			continue;
		b->numbers[i] = n;
		number_from(b, i + 1, renumbered + (same ? 0 : functions_on(b->bridges[i])));
	}
}

static void find_free(struct brute *b, const struct pr_function *parent, unsigned int set)
{
	unsigned int first = parent ? parent->bridge->secondary + 1u : 1;
	unsigned int last = parent ? parent->bridge->subordinate : b->root->last_bus, bit = 1;

	memset(b->free, 0, sizeof(b->free));
	for (unsigned int n = first; n <= last; n++)
		b->free[n] = true;
	for (const struct pr_function *f = parent ? parent->first_child : b->root->first_child; f;
		f = f->next, bit <<= 1)
		for (unsigned int n = f->bridge && !(set & bit) ? f->bridge->secondary : 256;
			n < 256 && n <= f->bridge->subordinate; n++)
			b->free[n] = false;
}

/* False: it may not be touched whatever is allowed. */
static bool take_away(
	struct brute *b, const struct pr_function *top, struct pr_cost *cost, unsigned int *class)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		enum pr_disruption d = pr_function_disruption(f, b->policy, NULL);

		if (d == PR_DISRUPTION_PINNED && !f->facts->driver)
			return false;
		if (f->address.bus == 0 && !f->bridge)
			return false; /* the disk on the host bridge */
		cost->restarted += d == PR_DISRUPTION_RESTART;
		cost->in_use += d == PR_DISRUPTION_IN_USE || d == PR_DISRUPTION_PINNED;
		cost->removed++;
		if ((unsigned int)d > *class)
			*class = d;
		if (f->bridge && b->n == MAX_BRIDGES)
			b->too_large = true;
		else if (f->bridge)
			b->bridges[b->n++] = f;
	}
	return true;
}

static void try_set(struct brute *b, const struct pr_function *parent, unsigned int set)
{
	struct pr_cost cost = { 0 };
	unsigned int class = PR_DISRUPTION_FREE, bit = 1;

	b->n = 0;
	for (const struct pr_function *f = parent ? parent->first_child : b->root->first_child; f;
		f = f->next, bit <<= 1)
		if ((set & bit) && !take_away(b, f, &cost, &class))
			return;
	if (b->too_large || index_of(b, b->asking) == b->n)
		return;
	find_free(b, parent, set);
	b->fits = false;
	number_from(b, 0, 0);
	cost.renumbered = b->least;
	for (unsigned int c = class; b->fits && c < _PR_DISRUPTION_MAX; c++) {
		if (b->found[c] && pr_cost_compare(&b->best[c], &cost) <= 0)
			continue;
		b->found[c] = true;
		b->best[c] = cost;
	}
}

static void try_bus(struct brute *b, const struct pr_function *parent)
{
	unsigned int n = 0;

	for (const struct pr_function *f = parent ? parent->first_child : b->root->first_child; f;
		f = f->next)
		n++;
	for (unsigned int set = 1; set < 1u << n; set++)
		try_set(b, parent, set);
}

/* ---- the comparison ---- */

/* It has what it needs. */
static bool is_served(const struct brute *b)
{
	const struct pr_bridge *p = b->asking->bridge;

	return !b->asking->no_bus && p->subordinate - p->secondary >= (int)b->behind;
}

static struct brute_answer answer(const struct brute *b)
{
	const enum pr_disruption limit = b->policy->limit;

	if (is_served(b))
		return (struct brute_answer){ .verdict = PR_VERDICT_OK };
	if (b->found[limit])
		return (struct brute_answer){ .verdict = PR_VERDICT_OK, .cost = b->best[limit] };
	if (b->found[PR_DISRUPTION_IN_USE])
		return (struct brute_answer){ .verdict = PR_VERDICT_TOO_DISRUPTIVE,
			.cost = b->best[PR_DISRUPTION_IN_USE] };
	if (b->found[PR_DISRUPTION_PINNED])
		return (struct brute_answer){ .verdict = PR_VERDICT_VETOED,
			.cost = b->best[PR_DISRUPTION_PINNED] };
	return (struct brute_answer){ .verdict = PR_VERDICT_INFEASIBLE };
}

static void say(const struct making *g, const struct pr_plan *p, const struct brute_answer *a,
	const char *why, char *text, size_t size)
{
	(void)snprintf(text, size,
		"planner: %s, %u in use, %u restarted, %u renumbered, %u removed (%s)\n"
		"brute force: %s, %u in use, %u restarted, %u renumbered, %u removed\n"
		"check: %s\n%s",
		pr_verdict_name(p->verdict), p->cost.in_use, p->cost.restarted, p->cost.renumbered,
		p->cost.removed, p->why ? p->why : "", pr_verdict_name(a->verdict), a->cost.in_use,
		a->cost.restarted, a->cost.renumbered, a->cost.removed, why, g->text);
}

static enum oracle_result compare(const struct making *g, struct brute *b,
	struct oracle_tally *tally, char *text, size_t size)
{
	const struct pr_function *card = b->asking->first_child;
	const struct pr_vf_wish wish = { .function = card ? card->address : b->asking->address,
		.vfs = g->vfs };
	const struct pr_request request = {
		.budget = UINT64_MAX, .vfs = &wish, .n_vfs = g->card >= 0
	};
	const struct brute_answer a = answer(b);
	char why[256] = "passed";
	struct pr_plan *p;
	bool same;

	if (pr_plan_make(b->t, &request, b->policy, &p) < 0)
		return ORACLE_DIFFERS;
	same = oracle_same_but_steps(p, &a) && oracle_passes(p, b->policy, why, sizeof(why));
	if (!same)
		say(g, p, &a, why, text, size);
	oracle_count(tally, p, &a);
	tally->for_vfs += g->card >= 0 && oracle_is_plan(p->verdict);
	pr_plan_free(p);
	return same ? ORACLE_SAME : ORACLE_DIFFERS;
}

/* A switch has at least one port behind it; virtual functions follow their physical one. */
static void find_asking(const struct making *g, struct brute *b)
{
	const struct node *n = &g->nodes[g->dead >= 0 ? g->dead : g->card];
	const struct pr_function *f;
	char address[32];

	(void)snprintf(address, sizeof(address), "%02x:%02x.0", n->bus, n->device);
	f = machine_function(b->t, address);
	b->asking = f->bridge ? f : f->parent;
	b->behind = f->bridge ? f->caps->pcie.present == PR_YES &&
					f->caps->pcie.port == PR_PORT_UPSTREAM
			      : g->vfs / 256;
}

enum oracle_result numbers_compare(
	uint64_t seed, struct oracle_tally *tally, char *text, size_t size)
{
	static const enum pr_disruption limits[] = { PR_DISRUPTION_FREE, PR_DISRUPTION_RESTART,
		PR_DISRUPTION_IN_USE };
	enum oracle_result result = ORACLE_SKIPPED;
	struct pr_policy policy = { .limit = limits[seed % N_OF(limits)] };
	struct brute b = { .policy = &policy };
	struct pr_topology *t;
	struct making g;

	if (!make(&g, seed))
		return ORACLE_SKIPPED;
	t = machine_build(g.text);
	b.t = t;
	b.root = t->roots[0];
	find_asking(&g, &b);
	for (const struct pr_function *f = b.asking; f; f = f->parent)
		try_bus(&b, f->parent);
	if (!b.too_large)
		result = compare(&g, &b, tally, text, size);
	pr_topology_free(t);
	return result;
}

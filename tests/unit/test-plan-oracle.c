/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random small machines with dead cards.  Every plan must pass the independent
 * check; a refusal must hold, and a plan must not cost more, against every
 * single subtree on the way up, tried one by one and judged by the same check.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

#define N_SEEDS   400
#define MAX_NODES 24
#define K         UINT64_C(1024)
#define M         (K * K)

/* ---- random machines ---- */

enum kind {
	MEM = 0,
	PREF,
	IO,
	N_KINDS
};

struct space {
	uint64_t size, align, base; /* size 0: none */
	bool dead;
};
struct node {
	int parent; /* -1: root bus */
	bool bridge, hotplug;
	const char *port, *extra;
	unsigned int bus, device, secondary, subordinate;
	struct space space[N_KINDS]; /* windows of a bridge, BARs of an endpoint */
};
struct machine {
	uint64_t random;
	struct node nodes[MAX_NODES];
	int n;
	struct pr_range apertures[N_KINDS];
	char text[8192];
	size_t length;
};

/* xorshift64*: the same machines everywhere. */
static unsigned int roll(struct machine *m, unsigned int sides)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (unsigned int)((m->random * UINT64_C(0x2545f4914f6cdd1d)) >> 40) % sides;
}

static int add_node(
	struct machine *m, int parent, unsigned int device, bool bridge, const char *port)
{
	if (m->n == MAX_NODES)
		return -1;
	m->nodes[m->n] = (struct node){ .parent = parent,
		.device = device,
		.bridge = bridge,
		.hotplug = bridge && roll(m, 2),
		.port = port,
		.extra = "" };
	return m->n++;
}

static void add_bars(struct machine *m, struct node *n, bool dead)
{
	static const char *const extras[] = { "", "", "driver=e1000e",
		"driver=nvme user=mount:/srv" };

	n->space[MEM] = (struct space){ .size = (4 * K) << roll(m, 9), .dead = dead && roll(m, 2) };
	if (roll(m, 2) || dead)
		n->space[PREF] =
			(struct space){ .size = M << roll(m, dead ? 10 : 7), .dead = dead };
	if (roll(m, 4) == 0)
		n->space[IO] = (struct space){ .size = 32, .dead = dead && roll(m, 2) };
	n->extra = dead ? "" : extras[roll(m, ARRAY_SIZE(extras))];
	if (!dead && roll(m, 25) == 0)
		n->extra = "driver=vfio-pci";
}

static void add_card(struct machine *m, int port)
{
	int card = roll(m, 4) ? add_node(m, port, 0, false, NULL) : -1;

	if (card >= 0)
		add_bars(m, &m->nodes[card], false);
}

static void add_switch(struct machine *m, int port)
{
	int up = add_node(m, port, 0, true, "upstream");
	unsigned int n = 1 + roll(m, 3);

	for (unsigned int i = 0; up >= 0 && i < n; i++) {
		int down = add_node(m, up, i, true, "downstream hotplug");

		if (down >= 0 && roll(m, 8) == 0)
			add_switch(m, down);
		else if (down >= 0)
			add_card(m, down);
	}
}

/* @n_dead endpoints lose their BARs; false when there are too few. */
static bool kill_cards(struct machine *m, unsigned int n_dead)
{
	for (int tries = 0; tries < 50 && n_dead > 0; tries++) {
		struct node *n = &m->nodes[roll(m, (unsigned int)m->n)];

		if (n->bridge || n->space[PREF].dead)
			continue;
		memset(n->space, 0, sizeof(n->space));
		add_bars(m, n, true);
		n_dead--;
	}
	return n_dead == 0;
}

static unsigned int number_buses(struct machine *m, int parent, unsigned int bus, unsigned int last)
{
	for (int i = 0; i < m->n; i++) {
		struct node *n = &m->nodes[i];

		if (n->parent != parent)
			continue;
		n->bus = bus;
		if (!n->bridge)
			continue;
		n->secondary = last + 1;
		last = n->subordinate = number_buses(m, i, last + 1, last + 1);
	}
	return last;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return align ? (value + align - 1) / align * align : value;
}

/* Largest alignment first, as firmware does; offsets into @base, the end is returned. */
static uint64_t lay_out(
	struct machine *m, int parent, enum kind kind, uint64_t offset, uint64_t *ret_align)
{
	for (uint64_t align = UINT64_C(1) << 40; align > 0; align >>= 1) {
		for (int i = 0; i < m->n; i++) {
			struct space *s = &m->nodes[i].space[kind];

			if (m->nodes[i].parent != parent || s->dead || s->size == 0 ||
				s->align != align)
				continue;
			offset = align_up(offset, align);
			s->base = offset;
			offset += s->size;
			if (*ret_align < align)
				*ret_align = align;
		}
	}
	return offset;
}

/* Children come after their parents in the array, so that sizes are known from the end. */
static void size_nodes(struct machine *m)
{
	for (int i = m->n - 1; i >= 0; i--) {
		struct node *n = &m->nodes[i];

		for (unsigned int kind = 0; kind < N_KINDS; kind++) {
			uint64_t unit = kind == IO ? 4 * K : M, slack = 0;
			struct space *s = &n->space[kind];

			s->align = s->size;
			if (!n->bridge)
				continue;
			s->align = unit;
			s->size = align_up(lay_out(m, i, (enum kind)kind, 0, &s->align), unit);
			if (roll(m, 3) == 0 || (n->hotplug && roll(m, 2)))
				slack = unit << roll(m, kind == IO ? 1 : 7);
			s->size += slack;
		}
	}
}

/* Tight or ample, so that room can end at any level. */
static void choose_apertures(struct machine *m)
{
	m->apertures[MEM] =
		(struct pr_range){ 0xc0000000, 0xc0000000 + ((64 * M) << roll(m, 3)) - 1 };
	m->apertures[PREF] = (struct pr_range){ UINT64_C(1) << 32,
		(UINT64_C(1) << 32) + ((192 * M) << roll(m, 4)) - 1 };
	m->apertures[IO] = (struct pr_range){ 0x2000, roll(m, 3) ? 0x7fff : 0x3fff };
}

static bool place_nodes(struct machine *m)
{
	for (unsigned int kind = 0; kind < N_KINDS; kind++) {
		uint64_t align = 0, end;

		end = lay_out(m, -1, (enum kind)kind, m->apertures[kind].first, &align);
		if (end > m->apertures[kind].last)
			return false;
		for (int i = 0; i < m->n; i++)
			if (m->nodes[i].parent >= 0)
				m->nodes[i].space[kind].base +=
					m->nodes[m->nodes[i].parent].space[kind].base;
	}
	return true;
}

static void add(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct machine *m, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(m->text + m->length, sizeof(m->text) - m->length, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(m->text) - m->length);
	m->length += (size_t)n;
}

static void print_bridge(struct machine *m, const struct node *n)
{
	static const char *const names[N_KINDS] = { "mem", "pref64", "io" };

	add(m, "%02x:%02x.0 bridge %02x-%02x %s%s driver=pcieport", n->bus, n->device, n->secondary,
		n->subordinate, n->port,
		n->hotplug && !strstr(n->port, "hotplug") ? " hotplug" : "");
	for (unsigned int kind = 0; kind < N_KINDS; kind++)
		if (n->space[kind].size > 0)
			add(m, " %s=%" PRIx64 "-%" PRIx64, names[kind], n->space[kind].base,
				n->space[kind].base + n->space[kind].size - 1);
	add(m, "\n");
}

static void print_card(struct machine *m, const struct node *n)
{
	static const char *const types[N_KINDS] = { "bar0=mem", "bar2=pref64", "bar1=io" };

	add(m, "%02x:%02x.0 dev 8086:10d3 class=020000 %s", n->bus, n->device, n->extra);
	for (unsigned int kind = 0; kind < N_KINDS; kind++) {
		const struct space *s = &n->space[kind];

		if (s->size > 0 && s->dead)
			add(m, " %s:%" PRIx64 "@forgotten", types[kind], s->size);
		else if (s->size > 0)
			add(m, " %s:%" PRIx64 "@%" PRIx64, types[kind], s->size, s->base);
	}
	add(m, "\n");
}

static bool make_machine(struct machine *m, const char *release, unsigned int n_dead)
{
	unsigned int ports = 1 + roll(m, 2);

	m->n = 0;
	for (unsigned int i = 0; i < ports; i++) {
		int port = add_node(m, -1, 2 + i, true, "root-port");

		if (roll(m, 4))
			add_switch(m, port);
		else
			add_card(m, port);
	}
	if (!kill_cards(m, n_dead))
		return false;
	(void)number_buses(m, -1, 0, 0);
	size_nodes(m);
	choose_apertures(m);
	if (!place_nodes(m))
		return false;

	m->length = 0;
	add(m, "kernel %s\nroot 0000:00-ff", release);
	add(m, " io=%" PRIx64 "-%" PRIx64, m->apertures[IO].first, m->apertures[IO].last);
	add(m, " mem=%" PRIx64 "-%" PRIx64, m->apertures[MEM].first, m->apertures[MEM].last);
	add(m, " mem=%" PRIx64 "-%" PRIx64, m->apertures[PREF].first, m->apertures[PREF].last);
	add(m, " mem=e0000000-e00fffff\n");
	add(m, "00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n");
	for (int i = 0; i < m->n; i++) {
		if (m->nodes[i].bridge)
			print_bridge(m, &m->nodes[i]);
		else
			print_card(m, &m->nodes[i]);
	}
	return true;
}

/* ---- one subtree, judged by pr_plan_check ---- */

struct
try {
	struct pr_plan plan;
	struct pr_action actions[2];
	struct pr_step steps[MAX_NODES];
	char paths[MAX_NODES][64];
	struct pr_left left[4];
};

static void add_step(struct try *y, enum pr_step_kind kind, const struct pr_function *f)
{
	struct pr_step *s = &y->steps[y->plan.n_steps];

	*s = (struct pr_step){ .kind = kind };
	if (f) {
		s->address = f->address;
		s->driver = kind == PR_STEP_UNBIND ? f->facts->driver : NULL;
		assert_int_equal(pr_function_path(f, y->paths[y->plan.n_steps], 64), 0);
		s->path = y->paths[y->plan.n_steps];
	}
	y->plan.n_steps++;
}

/* A function that stays on the bus of @top, or the bridge above. */
static const struct pr_function *staying(const struct pr_function *top)
{
	const struct pr_function *first =
		top->parent ? top->parent->first_child : top->root->first_child;

	for (const struct pr_function *f = first; f; f = f->next)
		if (f != top && f->bridge)
			return f;
	for (const struct pr_function *f = first; f; f = f->next)
		if (f != top)
			return f;
	return top->parent;
}

/* Memory only: what is asked for at the very least. */
static void leave_io(struct try *y, const struct pr_function *target)
{
	for (size_t i = 0; i < target->n_resources; i++)
		if (pr_resource_is_io(&target->resources[i]) &&
			target->resources[i].state != PR_RES_ASSIGNED)
			y->left[y->plan.n_left++] = (struct pr_left){ .function = target,
				.resource = &target->resources[i] };
	y->plan.left = y->left;
}

static bool subtree_helps(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_policy *policy, const struct pr_function *top,
	const struct pr_function *target)
{
	struct try y = { .plan = {
				 .topology = t, .generation = t->generation, .kernel = *kernel } };
	const struct pr_function *targets[] = { target };
	struct pr_doubt doubt;
	char why[200];
	bool good;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!f->bridge && f->facts->driver)
			add_step(&y, PR_STEP_UNBIND, f);
	add_step(&y, PR_STEP_REMOVE, top);
	add_step(&y, PR_STEP_RESCAN, staying(top));
	add_step(&y, PR_STEP_EXPECT, NULL);
	y.plan.steps = y.steps;
	y.plan.targets = targets;
	y.plan.n_targets = 1;
	leave_io(&y, target);

	y.actions[0] =
		(struct pr_action){ .kind = PR_ACTION_REMOVE, .function = top, .root = top->root };
	y.actions[1] = (struct pr_action){
		.kind = PR_ACTION_RESCAN, .function = staying(top), .root = top->root
	};
	assert_int_equal(pr_kernel_apply(kernel, t, y.actions, 2, &y.plan.prediction, &doubt), 0);
	good = pr_plan_check(&y.plan, policy, why, sizeof(why)) == 0;
	pr_topology_free(y.plan.prediction);
	return good;
}

/* ---- rows ---- */

struct oracle_case {
	const char *name, *release;
	unsigned int n_dead;
};

static const struct oracle_case cases[] = {
	{ "6.1, one dead card", "6.1.0", 1 },
	{ "6.12, one dead card", "6.12.0", 1 },
	{ "6.18, one dead card", "6.18.0", 1 },
	{ "7.2, one dead card", "7.2.0", 1 },
	{ "6.1, two dead cards", "6.1.0", 2 },
	{ "6.12, two dead cards", "6.12.0", 2 },
	{ "6.18, two dead cards", "6.18.0", 2 },
	{ "7.2, two dead cards", "7.2.0", 2 },
};

struct tally {
	unsigned int verdicts[_PR_VERDICT_MAX];
	unsigned int partial, below_root;
};

static unsigned int count_class(
	const struct pr_function *top, const struct pr_policy *policy, enum pr_disruption d)
{
	unsigned int n = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		n += pr_function_disruption(f, policy, NULL) == d;
	return n;
}

/* More users, or as many users and more drivers, than removing @top alone. */
static bool dearer(
	const struct pr_cost *cost, const struct pr_function *top, const struct pr_policy *policy)
{
	unsigned int in_use = count_class(top, policy, PR_DISRUPTION_IN_USE);

	return cost->in_use != in_use
		       ? cost->in_use > in_use
		       : cost->restarted > count_class(top, policy, PR_DISRUPTION_RESTART);
}

static bool is_planned(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i] == f)
			return true;
	return false;
}

/* Nothing that is refused may be mended by one subtree, nothing planned by a cheaper one. */
static void check_refusals(const struct pr_topology *t, const struct pr_plan *p,
	const struct pr_policy *policy, const struct machine *m)
{
	for (size_t i = 0; i < t->roots[0]->n_functions; i++) {
		const struct pr_function *f = &t->roots[0]->functions[i];
		bool planned = p->verdict == PR_VERDICT_OK && is_planned(p, f);

		if (pr_function_health(f) != PR_HEALTH_UNASSIGNED || (planned && p->n_targets > 1))
			continue;
		for (const struct pr_function *top = f; top; top = top->parent)
			if ((!planned || dearer(&p->cost, top, policy)) &&
				subtree_helps(t, &p->kernel, policy, top, f) &&
				(planned || p->verdict != PR_VERDICT_OK))
				fail_msg("%s:\n%s%s: removing %02x:%02x.%x alone helps",
					pr_verdict_name(p->verdict), m->text, p->why ? p->why : "",
					top->address.bus, top->address.device,
					top->address.function);
	}
}

static void check_plan(
	const struct pr_plan *p, const struct pr_policy *policy, const struct machine *m)
{
	char why[256] = "";

	if (pr_plan_check(p, policy, why, sizeof(why)) != 0)
		fail_msg("a plan that does not pass: %s\n%s", why, m->text);
	assert_true(policy->limit >= PR_DISRUPTION_IN_USE || p->cost.in_use == 0);
	assert_true(policy->limit >= PR_DISRUPTION_RESTART || p->cost.restarted == 0);
}

static void run_seed(const struct oracle_case *c, struct machine *m, struct tally *tally)
{
	struct pr_policy policy = { .limit = (enum pr_disruption)roll(m, 3) };
	struct pr_topology *t = machine_build(m->text);
	const struct pr_request request = { 0 };
	struct pr_finding finding = { 0 };
	struct pr_plan *p;

	if (pr_topology_check(t, &finding, 1) > 0)
		fail_msg("not a machine: %s\n%s", finding.text, m->text);
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	tally->verdicts[p->verdict]++;
	if (p->verdict == PR_VERDICT_OK) {
		check_plan(p, &policy, m);
		tally->partial += p->n_targets < c->n_dead;
		tally->below_root += p->n_removed > 0 && p->removed[0]->parent != NULL;
	}
	check_refusals(t, p, &policy, m);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void test_oracle(void **state)
{
	const struct oracle_case *c = *state;
	struct tally tally = { 0 };
	unsigned int n = 0;

	for (uint64_t seed = 1; n < N_SEEDS; seed++) {
		struct machine m = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };

		if (!make_machine(&m, c->release, c->n_dead))
			continue;
		run_seed(c, &m, &tally);
		n++;
	}

	print_message(
		"# %s: %u ok (%u below the root port, %u in part), %u infeasible, %u too disruptive\n",
		c->name, tally.verdicts[PR_VERDICT_OK], tally.below_root, tally.partial,
		tally.verdicts[PR_VERDICT_INFEASIBLE], tally.verdicts[PR_VERDICT_TOO_DISRUPTIVE]);
	/* an oracle that sees one kind of machine only proves nothing */
	assert_true(tally.verdicts[PR_VERDICT_OK] > N_SEEDS / 5);
	assert_true(tally.below_root > N_SEEDS / 20);
	assert_true(tally.verdicts[PR_VERDICT_INFEASIBLE] > N_SEEDS / 40);
	assert_int_equal(
		tally.verdicts[PR_VERDICT_UNKNOWN] + tally.verdicts[PR_VERDICT_NOTHING], 0);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_oracle);

	return rows_run(&tests, "plan-oracle");
}

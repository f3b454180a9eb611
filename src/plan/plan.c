/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From request to plan: finds the targets, explains them, has the search
 * choose, and writes down what was chosen.  Every verdict is a plan.
 */
#include "plan/search.h"

#include <errno.h>

/* A plan in the making. */
struct making {
	struct pr_plan *plan;
	struct pr_search search;
	const struct pr_function **asked; /* functions that the request names */
	size_t n_asked;
	const struct pr_function *replugged; /* NULL: targets are to be mended */
	struct pr_judgement judgement;
};

/* ---- targets ---- */

static int add_asked(struct making *m, const struct pr_address *address)
{
	const struct pr_function *f = pr_topology_find(m->search.topology, address);

	if (!f || f->removed)
		return -ENOENT;
	m->asked[m->n_asked++] = f;
	return 0;
}

static int add_wish(struct making *m, const struct pr_bus_wish *wish)
{
	int r;

	if (wish->buses == 0 || wish->buses > PR_BUSES_MAX)
		return -EINVAL;
	r = add_asked(m, &wish->bridge);
	if (r == 0 && !m->asked[m->n_asked - 1]->bridge)
		r = -EINVAL;
	return r;
}

static int add_reserve(struct making *m, const struct pr_reserve *reserve)
{
	int r;

	if (reserve->window < PR_WINDOW_IO || reserve->window > PR_WINDOW_PREF ||
		reserve->size == 0 || reserve->size % pr_window_unit(reserve->window) != 0)
		return -EINVAL;
	r = add_asked(m, &reserve->bridge);
	if (r == 0 && !m->asked[m->n_asked - 1]->bridge)
		r = -EINVAL;
	return r;
}

/* For the same bridge the larger number holds. */
static void add_numbers(struct pr_bus_wish *wishes, size_t *n, const struct pr_bus_wish *wish)
{
	for (size_t i = 0; i < *n; i++) {
		if (pr_address_compare(&wishes[i].bridge, &wish->bridge) != 0)
			continue;
		if (wishes[i].buses < wish->buses)
			wishes[i].buses = wish->buses;
		return;
	}
	wishes[(*n)++] = *wish;
}

static int add_virtual(struct making *m, const struct pr_vf_wish *wish, struct pr_bus_wish *buses)
{
	struct pr_bus_wish more;
	int r;

	if (wish->vfs == 0 || wish->vfs > PR_VFS_MAX)
		return -EINVAL;
	r = add_asked(m, &wish->function);
	if (r == 0 && pr_enable_buses(m->asked[m->n_asked - 1], wish->vfs, &more)) {
		add_numbers(buses, &m->plan->n_buses, &more);
		r = add_asked(m, &more.bridge);
	}
	return r;
}

static int find_asked(struct making *m, const struct pr_request *request)
{
	const size_t n_vfs = request->n_vfs, n_buses = request->n_buses + n_vfs;
	struct pr_plan *p = m->plan;
	struct pr_bus_wish *buses = pr_new_array(p->arena, n_buses, struct pr_bus_wish);
	int r = 0;

	m->asked =
		pr_new_array(p->arena, request->n_targets + n_buses + n_vfs + request->n_reserves,
			const struct pr_function *);
	p->reserves = pr_arena_memdup(
		p->arena, request->reserves, request->n_reserves * sizeof(*request->reserves));
	p->vfs = pr_arena_memdup(p->arena, request->vfs, n_vfs * sizeof(*request->vfs));
	if (!m->asked || !buses || !p->vfs || !p->reserves)
		return -ENOMEM;
	p->n_vfs = n_vfs;
	p->buses = m->search.buses = buses;
	for (; p->n_buses < request->n_buses; p->n_buses++)
		buses[p->n_buses] = request->buses[p->n_buses];
	p->n_reserves = request->n_reserves;
	m->search.reserves = p->reserves;
	m->search.n_reserves = p->n_reserves;
	for (size_t i = 0; i < request->n_targets && r == 0; i++)
		r = add_asked(m, &request->targets[i]);
	for (size_t i = 0; i < request->n_buses && r == 0; i++)
		r = add_wish(m, &request->buses[i]);
	for (size_t i = 0; i < request->n_reserves && r == 0; i++)
		r = add_reserve(m, &request->reserves[i]);
	for (size_t i = 0; i < n_vfs && r == 0; i++)
		r = add_virtual(m, &request->vfs[i], buses);
	m->search.n_buses = p->n_buses;
	m->search.everything = n_vfs > 0;
	return r;
}

static int find_replugged(struct making *m, const struct pr_request *request)
{
	m->replugged = pr_topology_find(m->search.topology, request->replug);
	m->plan->replugs = true;
	return m->replugged && !m->replugged->removed ? 0 : -ENOENT;
}

static bool is_misplaced(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_resource_misplaced(&f->resources[i]))
			return true;
	return false;
}

/*
 * Whoever names a port means the dead below it too; whoever names a function means all that it
 * lacks.  What nothing can help stands in nobody's way unless it is named.
 */
static bool is_target(const struct making *m, const struct pr_function *f)
{
	if (m->n_asked == 0)
		return pr_function_dead(f) && !is_misplaced(f);
	for (size_t i = 0; i < m->n_asked; i++)
		if ((f == m->asked[i] && pr_target_needs(&m->search, f, PR_TIER_ALL)) ||
			(pr_function_concerns(f, m->asked[i]) && pr_function_dead(f)))
			return true;
	return false;
}

static int find_targets(struct making *m)
{
	const struct pr_topology *t = m->search.topology;
	struct pr_plan *p = m->plan;

	p->targets = pr_new_array(p->arena, t->n_functions, const struct pr_function *);
	if (!p->targets)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];

			if (!f->removed && is_target(m, f))
				p->targets[p->n_targets++] = f;
		}
	}
	return 0;
}

static bool concerns_asked(const struct pr_function *f, const void *data)
{
	const struct making *m = data;

	for (size_t i = 0; i < m->n_asked; i++)
		if (pr_function_concerns(f, m->asked[i]))
			return true;
	return m->n_asked == 0;
}

/* ---- writing down the choice ---- */

static int note_removed(struct pr_plan *p, const struct pr_candidate *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_moves; i++) {
		n += c->moves[i].n_tops;
		p->closes |= c->moves[i].closes;
	}
	p->removed = pr_new_array(p->arena, n, const struct pr_function *);
	if (!p->removed)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_moves; i++)
		for (size_t j = 0; j < c->moves[i].n_tops; j++)
			if (!c->moves[i].tops[j]->facts->is_vf)
				p->removed[p->n_removed++] = c->moves[i].tops[j];
	return 0;
}

static void add_affected(struct making *m, const struct pr_function *f)
{
	struct pr_affected *a = &m->plan->affected[m->plan->n_affected++];

	a->function = f;
	a->disruption = pr_function_disruption(f, m->search.policy, &a->reason);
}

static size_t count_below(const struct pr_function *top)
{
	size_t n = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		n += !f->removed;
	return n;
}

static void add_below(struct making *m, const struct pr_function *top)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!f->removed)
			add_affected(m, f);
}

static int note_affected(struct making *m, const struct pr_candidate *c)
{
	struct pr_plan *p = m->plan;
	size_t n = m->judgement.n_rescued;

	for (size_t i = 0; i < c->n_moves; i++)
		for (size_t j = 0; j < c->moves[i].n_tops; j++)
			n += count_below(c->moves[i].tops[j]);
	p->affected = pr_new_array(p->arena, n, struct pr_affected);
	if (!p->affected)
		return -ENOMEM;

	for (size_t i = 0; i < c->n_moves; i++)
		for (size_t j = 0; j < c->moves[i].n_tops; j++)
			add_below(m, c->moves[i].tops[j]);
	for (size_t i = 0; i < m->judgement.n_rescued; i++)
		add_affected(m, m->judgement.rescued[i]);
	return 0;
}

static bool still_wanting(
	const struct pr_plan *p, const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_function *now = pr_topology_same(p->prediction, f);
	const struct pr_resource *is = pr_function_resource(now, r->index);

	/* addresses that no window passes on are none */
	return pr_resource_wanting(r) &&
	       (!is || is->state != PR_RES_ASSIGNED || !pr_resource_forwarded(now, is));
}

/* Counts what stays without addresses on @f, and lists it once there is a list. */
static void add_left(struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		if (!still_wanting(p, f, &f->resources[i]))
			continue;
		if (p->left)
			p->left[p->n_left] =
				(struct pr_left){ .function = f, .resource = &f->resources[i] };
		p->n_left++;
	}
}

static bool was_asked_for(const struct pr_targets *targets, const struct pr_function *f)
{
	for (size_t i = 0; i < targets->n; i++)
		if (targets->functions[i] == f)
			return true;
	return false;
}

/* What was asked for, and what is removed with it. */
static void walk_left(struct pr_plan *p, const struct pr_targets *asked)
{
	for (size_t i = 0; i < asked->n; i++)
		add_left(p, asked->functions[i]);
	for (size_t i = 0; i < p->n_affected; i++)
		if (!was_asked_for(asked, p->affected[i].function))
			add_left(p, p->affected[i].function);
}

static int note_left(struct pr_plan *p, const struct pr_targets *asked)
{
	struct pr_left *list;

	walk_left(p, asked);
	list = pr_new_array(p->arena, p->n_left, struct pr_left);
	if (!list)
		return -ENOMEM;
	p->left = list;
	p->n_left = 0;
	walk_left(p, asked);
	return 0;
}

static bool becomes_visible(const struct pr_plan *p, const struct pr_function *f)
{
	return !f->removed && pr_hides_functions(f) && !pr_topology_same(p->prediction, f)->no_bus;
}

static int note_unseen(struct pr_plan *p)
{
	const struct pr_topology *t = p->topology;

	p->unseen = pr_new_array(p->arena, t->n_functions, const struct pr_function *);
	if (!p->unseen)
		return -ENOMEM;
	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions; j++)
			if (becomes_visible(p, &t->roots[i]->functions[j]))
				p->unseen[p->n_unseen++] = &t->roots[i]->functions[j];
	return 0;
}

static int predict(struct making *m, const struct pr_choice *choice)
{
	struct pr_action *actions;
	struct pr_doubt doubt;
	size_t n;
	int r;

	r = pr_candidate_actions(m->plan->arena, &choice->candidate, &actions, &n);
	if (r < 0)
		return r;
	r = pr_kernel_apply(
		m->search.kernel, m->search.topology, actions, n, &m->plan->prediction, &doubt);
	if (r != 0)
		return r < 0 ? r : -EINVAL; /* the search has seen this very simulation succeed */
	return pr_judge(&m->search, m->plan->arena, &choice->candidate, m->plan->prediction,
		&choice->targets, &m->judgement);
}

static int write_down(struct making *m, const struct pr_choice *choice)
{
	struct pr_plan *p = m->plan;
	struct pr_targets asked = { .functions = p->targets, .n = p->n_targets };
	int r;

	p->cost = choice->cost;
	p->n_targets = choice->targets.n;
	p->targets = pr_arena_memdup(p->arena, choice->targets.functions,
		p->n_targets * sizeof(const struct pr_function *));
	if (!p->targets)
		return -ENOMEM;

	r = predict(m, choice);
	if (r == 0)
		r = note_removed(p, &choice->candidate);
	if (r == 0)
		r = note_affected(m, &choice->candidate);
	if (r == 0)
		r = note_left(p, &asked);
	if (r == 0)
		r = note_unseen(p);
	if (r == 0)
		r = pr_plan_note_effects(p);
	if (r == 0)
		r = pr_candidate_steps(p->arena, &choice->candidate, m->judgement.rescued,
			m->judgement.n_rescued, &p->steps, &p->n_steps);
	if (r == 0 && pr_enable_pending(p))
		r = pr_enable_steps(p);
	return r;
}

/* There is room: nothing is moved. */
static int enable(struct making *m)
{
	struct pr_plan *p = m->plan;
	int r;

	p->verdict = PR_VERDICT_OK;
	p->proven = true;
	r = pr_topology_copy(p->topology, NULL, &p->prediction);
	return r < 0 ? r : pr_enable_steps(p);
}

/* ---- verdicts ---- */

/* What the kernel would make of it does not matter where the hardware has no room for it. */
static int settle_unknown(struct making *m)
{
	struct pr_plan *p = m->plan;
	int r;

	if (p->verdict != PR_VERDICT_UNKNOWN || !m->search.doubt || p->n_targets != 1)
		return 0;
	r = pr_plan_certify(p, m->search.policy);
	if (r < 0)
		return r;
	if (p->certificate->arrangement == PR_ARRANGEMENT_NONE)
		p->verdict = PR_VERDICT_INFEASIBLE;
	else
		p->certificate = NULL;
	return 0;
}

static int give_reason(struct making *m)
{
	struct pr_plan *p = m->plan;
	int r;

	switch (p->verdict) {
	case PR_VERDICT_OK:
	case PR_VERDICT_NOTHING:
	case _PR_VERDICT_MAX:
		return 0;
	case PR_VERDICT_INFEASIBLE:
		r = p->certificate ? 0 : pr_plan_certify(p, m->search.policy);
		if (r < 0)
			return r;
		p->why = m->search.locked_out ? pr_locked_out(p) : pr_refusal(p, m->search.policy);
		break;
	case PR_VERDICT_TOO_DISRUPTIVE:
		p->why = pr_too_disruptive(p, m->search.policy);
		break;
	case PR_VERDICT_VETOED:
		p->why = pr_vetoed(p);
		break;
	case PR_VERDICT_UNKNOWN:
		p->why = pr_not_known(p, m->search.doubt);
		break;
	}
	return p->why ? 0 : -ENOMEM;
}

static bool lacks_plan(const struct pr_plan *p)
{
	return p->verdict == PR_VERDICT_INFEASIBLE || p->verdict == PR_VERDICT_TOO_DISRUPTIVE ||
	       p->verdict == PR_VERDICT_VETOED;
}

static int new_marks(struct making *m)
{
	const struct pr_topology *t = m->search.topology;
	bool **marks = pr_new_array(m->plan->arena, t->n_roots, bool *);

	if (!marks)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		marks[i] = pr_new_array(m->plan->arena, t->roots[i]->n_functions, bool);
		if (!marks[i])
			return -ENOMEM;
	}
	m->search.inside = marks;
	return 0;
}

static int choose(struct making *m, struct pr_choice *ret)
{
	struct pr_plan *p = m->plan;
	struct pr_targets targets = { .functions = p->targets, .n = p->n_targets };

	if (m->replugged)
		return pr_replug_choose(&m->search, m->replugged, ret);
	return pr_search_run(&m->search, &targets, m->n_asked == 0, ret);
}

/* What a search looks at goes with its arena; what the plan shows of it does not. */
static int keep_attempts(struct pr_plan *p, const struct pr_search *s)
{
	struct pr_attempt *kept =
		pr_arena_memdup(p->arena, s->attempts, s->n_attempts * sizeof(*s->attempts));

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_attempts; i++) {
		kept[i].why = pr_arena_strdup(p->arena, s->attempts[i].why);
		if (!kept[i].why && s->attempts[i].why)
			return -ENOMEM;
	}
	p->attempts = kept;
	p->n_attempts = s->n_attempts;
	return 0;
}

static int search(struct making *m)
{
	struct pr_plan *p = m->plan;
	struct pr_choice choice;
	int r;

	p->kernel.unseen_is_empty = true; /* nobody can know: the plan lists what it may meet */
	r = new_marks(m);
	if (r == 0)
		r = choose(m, &choice);
	if (r < 0)
		return r;

	p->verdict = choice.verdict;
	p->proven = choice.proven;
	p->bound = choice.bound;
	p->n_simulated = m->search.n_simulated;
	r = keep_attempts(p, &m->search);
	if (r < 0)
		return r;
	if (p->verdict == PR_VERDICT_OK || p->verdict == PR_VERDICT_TOO_DISRUPTIVE ||
		p->verdict == PR_VERDICT_VETOED)
		r = write_down(m, &choice);
	return r;
}

static int make(struct making *m, const struct pr_request *request)
{
	const struct pr_filter filter = { .wanted = concerns_asked, .data = m };
	struct pr_plan *p = m->plan;
	int r;

	r = request->replug ? find_replugged(m, request) : find_asked(m, request);
	if (r == 0 && !m->replugged)
		r = find_targets(m);
	if (r == 0)
		r = pr_explain_filtered(p->topology, &filter, p->arena, &p->explanation);
	if (r < 0)
		return r;

	r = pr_kernel_select(&p->topology->machine, &p->kernel);
	if (pr_enable_forbidden(p)) {
		p->n_targets = 0;
		p->proven = true;
	} else if (p->n_targets == 0 && pr_enable_pending(p)) {
		r = enable(m);
		if (r < 0)
			return r;
	} else if (p->n_targets == 0 && !m->replugged) {
		p->verdict = PR_VERDICT_NOTHING;
		p->proven = true;
	} else if (r < 0) {
		p->verdict = PR_VERDICT_UNKNOWN;
		m->search.doubt = "a pci= option on the kernel command line cannot be understood";
	} else {
		r = search(m);
		if (r == 0)
			r = settle_unknown(m);
		if (r < 0)
			return r;
	}
	pr_plan_sign(p);
	if (p->why)
		return 0; /* no room would help */
	r = request->brief && p->verdict != PR_VERDICT_UNKNOWN ? 0 : give_reason(m);
	return r == 0 && request->advise && lacks_plan(p) ? pr_plan_advise(p) : r;
}

struct pr_plan *pr_plan_new(const struct pr_topology *t)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_plan *p = arena ? pr_new(arena, struct pr_plan) : NULL;

	if (!p) {
		pr_arena_free(arena);
		return NULL;
	}
	p->arena = arena;
	p->topology = t;
	p->generation = t->generation;
	return p;
}

int pr_plan_search(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret)
{
	struct making m = { .search = { .topology = t, .policy = policy } };
	int r;

	m.plan = pr_plan_new(t);
	m.search.arena = pr_arena_new();
	if (!m.plan || !m.search.arena) {
		pr_plan_free(m.plan);
		pr_arena_free(m.search.arena);
		return -ENOMEM;
	}
	m.search.kernel = &m.plan->kernel;
	m.search.no_writes = request->no_writes;
	m.search.brief = request->brief;
	m.search.no_numbers = request->no_numbers;
	m.search.budget = request->budget > 0 ? request->budget : PR_BUDGET_DEFAULT;

	r = make(&m, request);
	pr_arena_free(m.search.arena);
	if (r < 0) {
		pr_plan_free(m.plan);
		return r;
	}
	*ret = m.plan;
	return 0;
}

static int plan_any(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret)
{
	if (request->n_resizes > 0)
		return pr_plan_resize(t, request, policy, ret);
	return request->shrink ? pr_plan_shrink(t, request, policy, ret)
			       : pr_plan_search(t, request, policy, ret);
}

/* A plan that would be good if a slot let go of what it is to keep: its veto, and who has it. */
static int veto_standing(struct pr_plan *p, const struct pr_policy *policy)
{
	char text[PR_STANDING_TEXT_MAX];
	unsigned int kind;
	const struct pr_slot_reserve *lost =
		pr_standing_lost(policy, p->topology, p->prediction, &kind);

	if (!lost)
		return 0; /* the search had come to its end before */
	p->verdict = PR_VERDICT_VETOED;
	p->why = pr_arena_printf(p->arena,
		"there is a plan, but by the policy %s is to keep %s, and would lose it",
		lost->slot, pr_standing_text(lost, kind, text));
	return p->why ? 0 : -ENOMEM;
}

/* Nothing is possible: because of what slots are to keep?  A refusal of that too is of no interest. */
static int try_without_standing(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **plan)
{
	struct pr_request brief = *request;
	struct pr_policy without = *policy;
	struct pr_plan *p;
	int r;

	brief.brief = true;
	brief.advise = false;
	without.n_reserves = 0;
	r = plan_any(t, &brief, &without, &p);
	if (r < 0)
		return r;
	if (p->verdict != PR_VERDICT_OK) {
		pr_plan_free(p);
		return 0;
	}
	pr_plan_free(*plan);
	*plan = p;
	return veto_standing(p, policy);
}

int pr_plan_make(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret)
{
	struct pr_plan *p;
	int r;

	r = plan_any(t, request, policy, &p);
	if (r == 0 && !request->brief && policy->n_reserves > 0 &&
		p->verdict == PR_VERDICT_INFEASIBLE) {
		r = try_without_standing(t, request, policy, &p);
		if (r < 0)
			pr_plan_free(p);
	}
	if (r == 0)
		*ret = p;
	return r;
}

void pr_plan_free(struct pr_plan *p)
{
	if (!p)
		return;
	pr_topology_free(p->prediction);
	pr_topology_free(p->asked);
	pr_arena_free(p->arena); /* @p lives in it */
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What-if: cards arrive one after the other on the model of the kernel, and
 * what that leaves undone, or has undone, is planned for.  The machine may
 * boot first, with another kernel.
 */
#include "pciroom/what-if.h"
#include "plan/arrival.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct asked {
	const struct pr_what_if_request *request;
	const struct pr_policy *policy;
	struct pr_kernel kernel;
};

static const struct pr_function *find_port(
	const struct pr_topology *t, const struct pr_address *address)
{
	const struct pr_function *f = pr_topology_find(t, address);

	return f && f->bridge ? f : NULL;
}

/*
 * One action for each port of the machine, in the order of the request: its card comes, or, with
 * @absent, is not there yet.  The ports of cards come with their cards; what sits behind a port
 * without hot-plug is there at boot.
 */
static int list_actions(const struct pr_what_if_request *request, const struct pr_topology *t,
	bool absent, struct pr_action *ret, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < request->n_ports; i++) {
		const struct pr_function *port = find_port(t, &request->ports[i]);

		if (!port)
			return -ENOENT;
		if (port->facts->is_newcomer || (absent && !port->bridge->hotplug))
			continue;
		ret[n++] = absent ? (struct pr_action){ .kind = PR_ACTION_UNPLUG, .function = port }
				  : pr_arrival_of(port);
	}
	*ret_n = n;
	return 0;
}

/* ---- before ---- */

/*
 * A card that is there at boot gets its bus numbers from firmware, which nobody knows; the first
 * port whose card takes any.
 */
static const struct pr_function *numbered_by_firmware(
	const struct pr_what_if_request *request, const struct pr_topology *t)
{
	for (size_t i = 0; i < request->n_ports; i++) {
		const struct pr_function *port = find_port(t, &request->ports[i]);

		if (!port || port->facts->is_newcomer || port->bridge->hotplug)
			continue;
		pr_for_each_child (f, port->first_child)
			if (f->bridge)
				return port;
	}
	return NULL;
}

static int doubt_numbers(struct pr_what_if *w, const struct pr_function *port)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&port->address, address);
	w->doubt = pr_arena_printf(w->arena,
		"%s has no hot-plug, and which bus numbers firmware gives to what is behind it "
		"is not known",
		address);
	return w->doubt ? 1 : -ENOMEM;
}

/* What the boot alone changes; cards are not there yet, or were not before. */
static int compare_boot(struct pr_what_if *w)
{
	const struct pr_topology *t = w->machine;

	w->mended = pr_new_array(w->arena, t->n_functions, const struct pr_function *);
	w->broken = pr_new_array(w->arena, t->n_functions, const struct pr_function *);
	if (!w->mended || !w->broken)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_roots; i++) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];
			const struct pr_function *now = pr_topology_same(w->booted, f);

			if (f->facts->is_newcomer || pr_function_dead(f) == pr_function_dead(now))
				continue;
			if (pr_function_dead(now))
				w->broken[w->n_broken++] = now;
			else
				w->mended[w->n_mended++] = now;
		}
	}
	return 0;
}

/* Whatever has addresses is taken for what firmware gave. */
static int boot(struct pr_what_if *w, const struct asked *q)
{
	const struct pr_topology *t = w->machine;
	struct pr_action *actions =
		pr_new_array(w->arena, q->request->n_ports + t->n_roots, struct pr_action);
	const struct pr_function *port;
	struct pr_doubt doubt = { 0 };
	size_t n;
	int r;

	w->before = t;
	if (!q->request->boots)
		return 0;
	if (!actions)
		return -ENOMEM;
	port = numbered_by_firmware(q->request, t);
	if (port)
		return doubt_numbers(w, port);
	r = list_actions(q->request, t, true, actions, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n_roots; i++)
		actions[n++] = (struct pr_action){ .kind = PR_ACTION_BOOT, .root = t->roots[i] };
	r = pr_kernel_apply(&q->kernel, t, actions, n, &w->booted, &doubt);
	if (r == 1)
		w->doubt = pr_doubt_text(w->arena, &doubt);
	if (r != 0)
		return r;
	w->before = w->booted;
	return compare_boot(w);
}

/* ---- arrival ---- */

static int plug_in(struct pr_what_if *w, const struct asked *q)
{
	struct pr_action *actions = pr_new_array(w->arena, q->request->n_ports, struct pr_action);
	struct pr_doubt doubt = { 0 };
	size_t n;
	int r;

	if (!actions)
		return -ENOMEM;
	r = list_actions(q->request, w->before, false, actions, &n);
	if (r < 0)
		return r;
	r = pr_kernel_apply(&q->kernel, w->before, actions, n, &w->arrived, &doubt);
	if (r == 1)
		w->doubt = pr_doubt_text(w->arena, &doubt);
	return r;
}

static int list_cards(struct pr_what_if *w)
{
	const struct pr_topology *t = w->machine;

	w->cards = pr_new_array(w->arena, t->n_functions, const struct pr_function *);
	if (!w->cards)
		return -ENOMEM;
	pr_for_each_root (t, i)
		pr_for_each_child (top, t->roots[i]->first_child)
			for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
				if (f->facts->is_newcomer)
					w->cards[w->n_cards++] = f;
	return 0;
}

/* ---- what it has done ---- */

static const struct pr_resource *first_lost(
	const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++)
		if (!pr_resource_is_window(&was->resources[i]) &&
			!pr_resource_kept(was, &was->resources[i], is))
			return &was->resources[i];
	return NULL;
}

static int list_lost(struct pr_what_if *w)
{
	w->lost = pr_new_array(w->arena, w->before->n_functions, struct pr_lost);
	if (!w->lost)
		return -ENOMEM;
	pr_for_each_root (w->before, i) {
		const struct pr_root *root = w->before->roots[i];

		for (size_t j = 0; j < root->n_functions; j++) {
			const struct pr_function *f = &root->functions[j];
			const struct pr_function *now = pr_topology_same(w->arrived, f);

			if (!f->removed && !pr_function_kept(f, now))
				w->lost[w->n_lost++] = (struct pr_lost){ .function = f,
					.resource = first_lost(f, now) };
		}
	}
	return 0;
}

static bool cards_work(const struct pr_what_if *w, const struct asked *q)
{
	for (size_t i = 0; i < q->request->n_ports; i++)
		if (!pr_card_works(find_port(w->before, &q->request->ports[i]), w->arrived))
			return false;
	return true;
}

static bool cards_complete(const struct pr_what_if *w)
{
	for (size_t i = 0; i < w->n_cards; i++) {
		const struct pr_function *f = pr_topology_same(w->arrived, w->cards[i]);

		for (size_t j = 0; j < f->n_resources; j++)
			if (pr_resource_wanting(&f->resources[j]))
				return false;
	}
	return true;
}

/* ---- what mends it ---- */

static int list_targets(struct pr_what_if *w, struct pr_address **ret, size_t *ret_n)
{
	struct pr_address *all = pr_new_array(w->arena, w->before->n_functions, struct pr_address);
	size_t n_all = 0;

	if (!all)
		return -ENOMEM;
	pr_for_each_root (w->before, i) {
		struct pr_address *some;
		size_t n;
		int r = pr_arrival_targets(w->before->roots[i], w->arrived, w->arena, &some, &n);

		if (r < 0)
			return r;
		for (size_t j = 0; j < n; j++)
			all[n_all++] = some[j];
	}
	*ret = all;
	*ret_n = n_all;
	return 0;
}

/*
 * @wishes, @n items of @each bytes that begin with an address on the machine, with the addresses of
 * after the arrival.  @r: an earlier error, or what is wrong here.
 */
static const void *follow(struct pr_what_if *w, const void *wishes, size_t n, size_t each, int *r)
{
	uint8_t *copy = pr_arena_memdup(w->arena, wishes, n * each);

	if (!copy && *r == 0)
		*r = -ENOMEM;
	for (size_t i = 0; i < n && *r == 0; i++) {
		struct pr_address a;
		const struct pr_function *f, *now;

		memcpy(&a, copy + i * each, sizeof(a));
		f = pr_topology_find(w->machine, &a);
		now = f ? pr_topology_same(w->arrived, f) : NULL;
		if (!now)
			*r = -ENOENT;
		else if (now->removed)
			w->unreached = f;
		else
			memcpy(copy + i * each, &now->address, sizeof(a));
	}
	return copy;
}

_Static_assert(offsetof(struct pr_bus_wish, bridge) == 0 &&
		       offsetof(struct pr_reserve, bridge) == 0 &&
		       offsetof(struct pr_vf_wish, function) == 0 &&
		       offsetof(struct pr_resize, function) == 0,
	"a wish begins with an address");

static int follow_all(struct pr_what_if *w, struct pr_request *q)
{
	int r = 0;

	q->targets = follow(w, q->targets, q->n_targets, sizeof(*q->targets), &r);
	q->buses = follow(w, q->buses, q->n_buses, sizeof(*q->buses), &r);
	q->reserves = follow(w, q->reserves, q->n_reserves, sizeof(*q->reserves), &r);
	q->vfs = follow(w, q->vfs, q->n_vfs, sizeof(*q->vfs), &r);
	q->resizes = follow(w, q->resizes, q->n_resizes, sizeof(*q->resizes), &r);
	return r;
}

static int mend(struct pr_what_if *w, const struct asked *q)
{
	struct pr_request request = q->request->plan;
	struct pr_address *targets;
	int r = follow_all(w, &request);

	if (r < 0 || w->unreached)
		return r;
	if (request.n_targets == 0 && w->n_cards > 0) {
		r = list_targets(w, &targets, &request.n_targets);
		if (r < 0)
			return r;
		request.targets = targets;
	}
	r = pr_plan_make(w->arrived, &request, q->policy, &w->plan);
	if (r == 0 && w->plan->prediction)
		w->end = w->plan->prediction;
	return r;
}

/* Than that what is there works. */
static bool wishes_more(const struct pr_request *r)
{
	return r->n_targets + r->n_buses + r->n_reserves + r->n_vfs + r->n_resizes > 0;
}

static int judge(struct pr_what_if *w, const struct asked *q)
{
	int r = list_lost(w);

	if (r < 0)
		return r;
	w->end = w->arrived;
	w->works = w->n_lost == 0 && cards_work(w, q);
	w->complete = w->works && cards_complete(w);
	w->suffices = w->works && w->n_cards > 0 && !wishes_more(&q->request->plan);
	return w->complete && w->suffices ? 0 : mend(w, q);
}

/* ---- all of it ---- */

static int make(struct pr_what_if *w, const struct asked *q)
{
	int r = list_cards(w);

	if (r == 0)
		r = boot(w, q);
	if (r == 0)
		r = plug_in(w, q);
	w->end = w->before;
	return r == 0 ? judge(w, q) : r;
}

int pr_what_if_make(const struct pr_topology *machine, const struct pr_what_if_request *request,
	const struct pr_policy *policy, struct pr_what_if **ret)
{
	struct asked q = { .request = request, .policy = policy };
	struct pr_arena *arena = pr_arena_new();
	struct pr_what_if *w = arena ? pr_new(arena, struct pr_what_if) : NULL;
	int r = w ? pr_kernel_select(&machine->machine, &q.kernel) : -ENOMEM;

	if (r < 0) {
		pr_arena_free(arena);
		return r;
	}
	w->arena = arena;
	w->machine = machine;
	r = make(w, &q);
	if (r < 0) {
		pr_what_if_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void pr_what_if_free(struct pr_what_if *w)
{
	if (!w)
		return;
	pr_plan_free(w->plan);
	pr_topology_free(w->arrived);
	pr_topology_free(w->booted);
	pr_arena_free(w->arena);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans kept; see kept.h for who loses one when there are too many. */
#include "daemon/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void names_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void pr_wish_deinit(struct pr_wish *w)
{
	names_free(w->pinned, w->n_pinned);
	names_free(w->sized, w->n_sized);
	for (size_t i = 0; i < w->n_slots; i++)
		free((char *)w->slots[i].slot); /* strdup()ed here */
	free(w->slots);
	free(w->targets);
	free(w->buses);
	free(w->reserves);
	free(w->vfs);
	free(w->resizes);
	*w = (struct pr_wish){ 0 };
}

int pr_wish_add_target(struct pr_wish *w, const struct pr_address *a)
{
	struct pr_address *grown = reallocarray(w->targets, w->n_targets + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->targets = grown;
	w->targets[w->n_targets++] = *a;
	return 0;
}

static int add_name(char ***list, size_t *n, const char *name)
{
	char **grown = reallocarray(*list, *n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[*n] = strdup(name);
	return grown[*n] ? ((*n)++, 0) : -ENOMEM;
}

int pr_wish_add_pinned(struct pr_wish *w, const char *device)
{
	return add_name(&w->pinned, &w->n_pinned, device);
}

int pr_wish_add_sized(struct pr_wish *w, const char *device)
{
	return add_name(&w->sized, &w->n_sized, device);
}

int pr_wish_add_slot(struct pr_wish *w, const char *path, const struct pr_slot_reserve *reserve)
{
	struct pr_slot_reserve *grown = reallocarray(w->slots, w->n_slots + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->slots = grown;
	grown += w->n_slots;
	*grown = *reserve;
	grown->slot = strdup(path);
	return grown->slot ? (w->n_slots++, 0) : -ENOMEM;
}

int pr_wish_add_buses(struct pr_wish *w, const struct pr_bus_wish *b)
{
	struct pr_bus_wish *grown = reallocarray(w->buses, w->n_buses + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->buses = grown;
	grown[w->n_buses++] = *b;
	return 0;
}

int pr_wish_add_reserve(struct pr_wish *w, const struct pr_reserve *reserve)
{
	struct pr_reserve *grown = reallocarray(w->reserves, w->n_reserves + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->reserves = grown;
	grown[w->n_reserves++] = *reserve;
	return 0;
}

int pr_wish_add_vfs(struct pr_wish *w, const struct pr_vf_wish *v)
{
	struct pr_vf_wish *grown = reallocarray(w->vfs, w->n_vfs + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->vfs = grown;
	grown[w->n_vfs++] = *v;
	return 0;
}

int pr_wish_add_resize(struct pr_wish *w, const struct pr_resize *z)
{
	struct pr_resize *grown = reallocarray(w->resizes, w->n_resizes + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->resizes = grown;
	grown[w->n_resizes++] = *z;
	return 0;
}

struct pr_policy pr_wish_policy(const struct pr_wish *w)
{
	return (struct pr_policy){ .limit = w->limit,
		.pinned = (const char *const *)w->pinned,
		.n_pinned = w->n_pinned,
		.sized = (const char *const *)w->sized,
		.n_sized = w->n_sized,
		.reserves = w->slots,
		.n_reserves = w->n_slots };
}

struct pr_request pr_wish_request(const struct pr_wish *w)
{
	return (struct pr_request){ .targets = w->targets,
		.n_targets = w->n_targets,
		.buses = w->buses,
		.n_buses = w->n_buses,
		.reserves = w->reserves,
		.n_reserves = w->n_reserves,
		.vfs = w->vfs,
		.n_vfs = w->n_vfs,
		.resizes = w->resizes,
		.n_resizes = w->n_resizes,
		.shrink = w->shrink,
		.replug = w->replugs ? &w->replug : NULL,
		.advise = true };
}

int pr_wish_plan(const struct pr_wish *w, const struct pr_topology *t, struct pr_plan **ret)
{
	struct pr_request request = pr_wish_request(w);
	struct pr_policy policy = pr_wish_policy(w);

	return pr_plan_make(t, &request, &policy, ret);
}

int pr_wish_check(const struct pr_wish *w, struct pr_plan *p, char *why, size_t size)
{
	struct pr_policy policy = pr_wish_policy(w);

	return pr_plan_check(p, &policy, why, size);
}

static void kept_free(struct pr_kept *p)
{
	if (!p)
		return;
	pr_plan_view_deinit(&p->view);
	pr_plan_free(p->plan); /* before the look that it borrows from */
	pr_wish_deinit(&p->wish);
	pr_look_unref(p->look);
	free(p);
}

void pr_keep_deinit(struct pr_keep *k)
{
	for (size_t i = 0; i < k->n; i++)
		kept_free(k->plans[i]);
	k->n = 0;
}

static size_t count_of(const struct pr_keep *k, uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->plans[i]->uid == uid;
	return n;
}

void pr_keep_remove(struct pr_keep *k, struct pr_kept *p)
{
	size_t i = 0;

	while (k->plans[i] != p)
		i++;
	k->n--;
	memmove(&k->plans[i], &k->plans[i + 1], (k->n - i) * sizeof(k->plans[0]));
	kept_free(p);
}

/* The oldest plan of @uid that is not being carried out; one job runs at a time. */
static struct pr_kept *oldest_of(const struct pr_keep *k, uid_t uid)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->plans[i]->uid == uid && !k->plans[i]->running)
			return k->plans[i];

	return NULL;
}

/* Who goes when @uid comes; NULL: there is room. */
static struct pr_kept *victim(const struct pr_keep *k, uid_t uid)
{
	struct pr_kept *worst = NULL;
	size_t most = 0, n;

	if (uid != 0 && count_of(k, uid) >= PR_KEPT_USER_MAX)
		return oldest_of(k, uid);
	if (k->n < PR_KEPT_MAX)
		return NULL;
	for (size_t i = 0; i < k->n; i++) {
		n = count_of(k, k->plans[i]->uid);
		if (n > most && !k->plans[i]->running) {
			most = n;
			worst = k->plans[i];
		}
	}
	return worst;
}

int pr_keep_add(struct pr_keep *k, struct pr_look *look, struct pr_wish *wish, struct pr_plan *plan,
	uid_t uid, struct pr_kept **ret, uint64_t *ret_gone)
{
	struct pr_kept *p = calloc(1, sizeof(*p)), *gone;
	struct pr_plan_view view;

	if (!p || pr_plan_view_make(plan, &view) < 0) {
		free(p);
		pr_wish_deinit(wish);
		pr_plan_free(plan);
		return -ENOMEM;
	}
	*p = (struct pr_kept){ .number = ++k->last_number,
		.view = view,
		.uid = uid,
		.look = pr_look_ref(look),
		.wish = *wish,
		.plan = plan };
	*wish = (struct pr_wish){ 0 };
	gone = victim(k, uid);
	*ret_gone = gone ? gone->number : 0;
	if (gone)
		pr_keep_remove(k, gone);
	k->plans[k->n++] = p;
	*ret = p;
	return 0;
}

struct pr_kept *pr_keep_find(const struct pr_keep *k, uint64_t number)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->plans[i]->number == number)
			return k->plans[i];

	return NULL;
}

const char *pr_kept_state(const struct pr_kept *p, uint64_t generation)
{
	if (p->running)
		return "applying";
	if (p->applied)
		return "applied";
	if (p->plan->generation != generation)
		return "stale";
	return p->plan->verdict == PR_VERDICT_OK ? "ready" : "refused";
}

enum pr_disruption pr_plan_disruption(const struct pr_plan *p)
{
	enum pr_disruption worst = PR_DISRUPTION_FREE;

	for (size_t i = 0; i < p->n_affected; i++)
		if (p->affected[i].disruption > worst)
			worst = p->affected[i].disruption;

	return worst;
}

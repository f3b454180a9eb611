/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients may ask of the service, and every reason to say no.  Whether the
 * client may ask at all is for the bus to judge.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "daemon/service-private.h"
#include "pciroom/import.h"

__attribute__((format(printf, 3, 4))) static int refuse(
	struct pr_why *why, enum pr_refusal refusal, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, ap);
	va_end(ap);
	return (int)refusal;
}

static int find_device(const struct pr_topology *t, const char *name,
	const struct pr_function **ret, struct pr_why *why)
{
	*ret = pr_topology_find_named(t, name);
	return *ret ? 0 : refuse(why, PR_REFUSAL_NO_SUCH_DEVICE, "there is no device %.100s", name);
}

static int find_bridge(const struct pr_topology *t, const char *name,
	const struct pr_function **ret, struct pr_why *why)
{
	*ret = pr_topology_find_named(t, name);
	return *ret && (*ret)->bridge
		       ? 0
		       : refuse(why, PR_REFUSAL_NO_SUCH_DEVICE, "there is no bridge %.100s", name);
}

static int wish_targets(struct pr_wish *w, const struct pr_topology *t,
	const struct pr_asked *asked, struct pr_why *why)
{
	const struct pr_function *f;
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->n_targets; i++) {
		r = find_device(t, asked->targets[i], &f, why);
		if (r == 0)
			r = pr_wish_add_target(w, &f->address);
	}
	return r;
}

/*
 * Pins of the configuration may name what is not plugged; a pin that a client mistypes protects
 * nothing.
 */
static int wish_pins(struct pr_wish *w, const struct pr_service *s, const struct pr_asked *asked,
	struct pr_why *why)
{
	int r = pr_service_add_pins(s, w);

	for (size_t i = 0; r == 0 && i < asked->n_pinned; i++) {
		const struct pr_function *f =
			pr_topology_find_named(s->look->topology, asked->pinned[i]);
		char address[PR_ADDRESS_MAX];

		if (!f)
			return refuse(why, PR_REFUSAL_NO_SUCH_DEVICE,
				"there is no device %.100s to pin", asked->pinned[i]);
		pr_address_format(&f->address, address);
		r = pr_wish_add_pinned(w, address);
	}
	return r;
}

static int wish_replug(struct pr_wish *w, const struct pr_topology *t, const struct pr_asked *asked,
	struct pr_why *why)
{
	const struct pr_function *f;
	int r = asked->replug ? find_device(t, asked->replug, &f, why) : 0;

	if (r != 0 || !asked->replug)
		return r;
	w->replug = f->address;
	w->replugs = true;
	return 0;
}

static int wish_buses(struct pr_wish *w, const struct pr_topology *t, const struct pr_asked *asked,
	struct pr_why *why)
{
	const struct pr_function *f;
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->buses.n; i++) {
		r = find_bridge(t, asked->buses.devices[i], &f, why);
		if (r == 0)
			r = pr_wish_add_buses(w, &(struct pr_bus_wish){ .bridge = f->address,
							 .buses = asked->buses.counts[i] });
	}
	return r;
}

static int wish_vfs(struct pr_wish *w, const struct pr_topology *t, const struct pr_asked *asked,
	struct pr_why *why)
{
	const struct pr_function *f;
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->vfs.n; i++) {
		r = find_device(t, asked->vfs.devices[i], &f, why);
		if (r == 0)
			r = pr_wish_add_vfs(w, &(struct pr_vf_wish){ .function = f->address,
						       .vfs = asked->vfs.counts[i] });
	}
	return r;
}

static int wish_reserves(struct pr_wish *w, const struct pr_topology *t,
	const struct pr_asked *asked, struct pr_why *why)
{
	const struct pr_function *f;
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->n_reserves; i++) {
		const struct pr_asked_reserve *a = &asked->reserves[i];

		r = find_bridge(t, a->bridge, &f, why);
		if (r == 0)
			r = pr_wish_add_reserve(
				w, &(struct pr_reserve){ f->address, a->window, a->size });
	}
	return r;
}

static int wish_resizes(struct pr_wish *w, const struct pr_topology *t,
	const struct pr_asked *asked, struct pr_why *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->n_resizes; i++) {
		const struct pr_asked_resize *a = &asked->resizes[i];
		const struct pr_function *f = pr_topology_find_named(t, a->device);
		struct pr_resize z = { .index = a->index, .size = a->size };

		if (f)
			z.function = f->address;
		if (!f || !pr_resize_is_possible(t, &z))
			return refuse(why, PR_REFUSAL_NO_SUCH_DEVICE,
				"there is no %.100s with a resource %u that can have this size",
				a->device, a->index);
		r = pr_wish_add_resize(w, &z);
	}
	return r;
}

static int make_wish(const struct pr_service *s, const struct pr_asked *asked, struct pr_wish *w,
	struct pr_why *why)
{
	int r;

	w->limit = asked->limit;
	w->shrink = asked->shrink;
	r = wish_targets(w, s->look->topology, asked, why);
	if (r == 0)
		r = wish_replug(w, s->look->topology, asked, why);
	if (r == 0)
		r = wish_buses(w, s->look->topology, asked, why);
	if (r == 0)
		r = wish_reserves(w, s->look->topology, asked, why);
	if (r == 0)
		r = wish_vfs(w, s->look->topology, asked, why);
	if (r == 0)
		r = wish_resizes(w, s->look->topology, asked, why);
	return r == 0 ? wish_pins(w, s, asked, why) : r;
}

struct planning {
	struct pr_work work;
	struct pr_service *service; /* gone, perhaps, when it runs; so no more than: */
	const char *root;
	struct pr_look *look;
	struct pr_wish wish;
	struct pr_plan *plan;
	uid_t uid;
	int r; /* of planning */
	pr_service_planned_fn *done;
	void *userdata;
};

static void run_planning(struct pr_work *w)
{
	struct planning *p = (struct planning *)w;

	p->r = pr_wish_plan(&p->wish, p->look->topology, &p->plan);
	if (p->r == 0 && p->root)
		p->r = pr_effects_find(p->plan, p->root);
}

static void done_planning(struct pr_work *w, bool ran)
{
	struct planning *p = (struct planning *)w;
	struct pr_kept *kept = NULL;
	int r = ran ? p->r : -ESHUTDOWN;

	if (r == 0)
		r = pr_service_keep(p->service, p->look, &p->wish, pr_take(p->plan), p->uid, &kept);
	p->done(p->userdata, r, kept);
	pr_wish_deinit(&p->wish);
	pr_plan_free(p->plan);
	pr_look_unref(p->look);
	free(p);
}

int pr_service_plan(struct pr_service *s, const struct pr_asked *asked, uid_t uid,
	pr_service_planned_fn *done, void *userdata, struct pr_why *why)
{
	struct planning *p;
	int r;

	if (!s->look)
		return refuse(why, PR_REFUSAL_BUSY, "the machine has not been read yet");
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	r = make_wish(s, asked, &p->wish, why);
	if (r != 0) {
		pr_wish_deinit(&p->wish);
		free(p);
		return r;
	}
	p->work = (struct pr_work){ .run = run_planning, .done = done_planning };
	p->service = s;
	p->root = s->root;
	p->look = pr_look_ref(s->look);
	p->uid = uid;
	p->done = done;
	p->userdata = userdata;
	s->ops->work(s->userdata, &p->work);
	return 0;
}

static int check_free(const struct pr_service *s, struct pr_why *why)
{
	if (s->stopping)
		return refuse(why, PR_REFUSAL_BUSY, "the service stops");
	if (s->job.id)
		return refuse(why, PR_REFUSAL_BUSY, "job %" PRIu32 " runs", s->job.id);
	return 0;
}

static int check_generation(const struct pr_service *s, const struct pr_kept *kept,
	uint64_t generation, struct pr_why *why)
{
	if (!kept)
		return refuse(why, PR_REFUSAL_STALE_PLAN, "this plan was discarded, or never made");
	if (kept->plan->generation != generation)
		return refuse(why, PR_REFUSAL_STALE_PLAN,
			"the plan is for generation %" PRIu64 ", not %" PRIu64,
			kept->plan->generation, generation);
	if (generation != pr_service_generation(s))
		return refuse(why, PR_REFUSAL_STALE_PLAN,
			"the machine has changed since this was planned");
	if (kept->applied)
		return refuse(why, PR_REFUSAL_STALE_PLAN, "this plan has been carried out");
	return 0;
}

static int check_verdict(const struct pr_kept *kept, struct pr_why *why)
{
	const struct pr_plan *p = kept->plan;
	const char *reason = p->why ? p->why : pr_verdict_name(p->verdict);
	int r;

	switch (p->verdict) {
	case PR_VERDICT_OK:
		break;
	case PR_VERDICT_TOO_DISRUPTIVE:
	case PR_VERDICT_VETOED:
		return refuse(why, PR_REFUSAL_IN_USE, "%s", reason);
	case PR_VERDICT_NOTHING:
		return refuse(
			why, PR_REFUSAL_INFEASIBLE, "nothing is to be done: no device is dead");
	case PR_VERDICT_INFEASIBLE:
	case PR_VERDICT_UNKNOWN:
	case _PR_VERDICT_MAX:
		return refuse(why, PR_REFUSAL_INFEASIBLE, "%s", reason);
	}
	r = pr_wish_check(&kept->wish, kept->plan, why->text, sizeof(why->text));
	return r > 0 ? PR_REFUSAL_INFEASIBLE : r;
}

/* Who came after the plan was made. */
static int check_inhibitors(
	const struct pr_service *s, const struct pr_kept *kept, struct pr_why *why)
{
	const struct pr_function *f = NULL;
	const struct pr_inhibitor *i = pr_service_inhibitor(s, PR_INHIBIT_PIN, kept->plan, &f);
	char address[PR_ADDRESS_MAX];

	if (!i)
		return 0;
	pr_address_format(&f->address, address);
	return refuse(why, PR_REFUSAL_INHIBITED, "%s keeps %s: %s", i->who, address, i->why);
}

/* A card that is taken away is brought back when somebody says that it is another one. */
static int check_lease(const struct pr_kept *kept, const struct pr_terms *terms, struct pr_why *why)
{
	if (kept->plan->replugs == (terms->lease >= 0))
		return 0;
	return refuse(why, PR_REFUSAL_NOT_SUPPORTED,
		kept->plan->replugs ? "a plan that replaces a card is carried out by Replug"
				    : "this plan replaces no card");
}

int pr_service_apply(struct pr_service *s, uint64_t number, uint64_t generation, uid_t uid,
	const struct pr_terms *terms, const struct pr_job **ret, struct pr_why *why)
{
	struct pr_kept *kept = pr_keep_find(&s->keep, number);
	int r;

	r = check_free(s, why);
	if (r == 0 && s->recovery_wanted)
		r = refuse(why, PR_REFUSAL_BUSY, "an interrupted run has to be finished first");
	if (r == 0)
		r = check_generation(s, kept, generation, why);
	if (r == 0)
		r = check_verdict(kept, why);
	if (r == 0)
		r = check_lease(kept, terms, why);
	if (r == 0)
		r = check_inhibitors(s, kept, why);
	if (r == 0)
		r = pr_service_run(s, kept, uid, terms);
	if (r == 0)
		*ret = &s->job;
	return r;
}

int pr_service_reload(struct pr_service *s, struct pr_why *why)
{
	return s->ops->reload(s->userdata, why);
}

int pr_service_discard(struct pr_service *s, uint64_t number, struct pr_why *why)
{
	struct pr_kept *kept = pr_keep_find(&s->keep, number);

	if (!kept)
		return refuse(why, PR_REFUSAL_STALE_PLAN, "this plan was discarded already");
	if (kept->running)
		return refuse(why, PR_REFUSAL_BUSY, "this plan is being carried out");
	pr_keep_remove(&s->keep, kept);
	s->ops->plan(s->userdata, number, PR_PLAN_GONE);
	return 0;
}

int pr_service_cancel(struct pr_service *s, uint32_t id, struct pr_why *why)
{
	if (s->job.id != id)
		return refuse(why, PR_REFUSAL_STALE_PLAN, "job %" PRIu32 " has ended", id);
	if (s->job.recovering)
		return refuse(why, PR_REFUSAL_BUSY, "what was removed is being brought back");
	if (s->job.preparing) {
		pr_service_finish(s, &(struct pr_report){ .outcome = PR_OUTCOME_CANCELLED,
					     .text = "stopped on request; nothing was begun" });
	} else {
		s->job.cancelled = true;
		s->ops->cancel(s->userdata);
	}
	return 0;
}

int pr_service_rollback(
	struct pr_service *s, uid_t uid, const struct pr_job **ret, struct pr_why *why)
{
	int r;

	r = check_free(s, why);
	if (r == 0)
		r = pr_service_run(s, NULL, uid, NULL);
	if (r == 0)
		*ret = &s->job;
	return r;
}

/* Whoever comes too late is told so, not that his word counted. */
static int check_in_time(const struct pr_service *s, struct pr_why *why)
{
	if (!s->stopping && !s->job.cancelled && pr_boot_usec() < s->job.confirm_usec)
		return 0;
	return refuse(why, PR_REFUSAL_NOTHING_TO_CONFIRM, "job %" PRIu32 " is being undone already",
		s->job.id);
}

int pr_service_confirm(struct pr_service *s, struct pr_why *why)
{
	int r;

	if (!s->job.id || !s->job.waiting)
		return refuse(why, PR_REFUSAL_NOTHING_TO_CONFIRM, "nothing waits to be confirmed");
	r = check_in_time(s, why);
	if (r != 0)
		return r;
	s->ops->confirm(s->userdata);
	return 0;
}

int pr_service_extend(struct pr_service *s, uint32_t id, unsigned int seconds, struct pr_why *why)
{
	int r;

	if (s->job.id != id || !(s->job.waiting || s->job.changing))
		return refuse(
			why, PR_REFUSAL_NOTHING_TO_CONFIRM, "job %" PRIu32 " waits for nobody", id);
	r = check_in_time(s, why);
	if (r != 0)
		return r;
	s->job.confirm_usec = pr_boot_usec() + seconds * UINT64_C(1000000);
	s->ops->extend(s->userdata, seconds);
	s->ops->job_changed(s->userdata, &s->job, PR_JOB_DEADLINE);
	return 0;
}

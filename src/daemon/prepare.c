/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before a plan is carried out: programs hear of it, those that asked for time
 * have it, and one that pins a device meanwhile ends the job before it begins.
 * The look that follows plans around that device.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/service-private.h"

const struct pr_inhibitor *pr_service_inhibitor(const struct pr_service *s,
	enum pr_inhibit_mode mode, const struct pr_plan *plan, const struct pr_function **ret_f)
{
	const struct pr_inhibitor *i;
	char path[PR_FUNCTION_PATH_MAX];

	for (size_t k = 0; k < plan->n_affected; k++) {
		const struct pr_function *f = plan->affected[k].function;

		if (pr_function_path(f, path, sizeof(path)) < 0)
			continue; /* deeper than bus numbers allow: nobody could name it */
		i = pr_inhibitors_find(s->inhibitors, mode, path);
		if (!i)
			continue;
		*ret_f = f;
		return i;
	}
	return NULL;
}

/* The first that @i is about of what @plan touches; NULL: none of it. */
static const struct pr_function *touched(const struct pr_inhibitor *i, const struct pr_plan *plan)
{
	char path[PR_FUNCTION_PATH_MAX];

	for (size_t k = 0; k < plan->n_affected; k++)
		if (pr_function_path(plan->affected[k].function, path, sizeof(path)) >= 0 &&
			pr_inhibitor_is_about(i, path))
			return plan->affected[k].function;

	return NULL;
}

bool pr_service_veto(const struct pr_service *s, size_t n, struct pr_veto *ret)
{
	if (!s->job.id || !s->job.preparing)
		return false; /* whoever comes now comes too late */
	for (size_t k = 0; k < pr_inhibitors_count(s->inhibitors); k++) {
		const struct pr_inhibitor *i = pr_inhibitors_get(s->inhibitors, k);
		const struct pr_function *f = touched(i, s->job.plan->plan);

		if (!f || n-- > 0)
			continue;
		*ret = (struct pr_veto){ f, pr_inhibit_mode_name(i->mode), i->who, i->why };
		return true;
	}
	return false;
}

/* Every function there is: for a pin that names none. */
static int pin_all(const struct pr_topology *t, struct pr_wish *w)
{
	char address[PR_ADDRESS_MAX];
	int r = 0;

	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];

		for (size_t j = 0; r == 0 && j < root->n_functions; j++) {
			pr_address_format(&root->functions[j].address, address);
			r = pr_wish_add_pinned(w, address);
		}
	}
	return r;
}

static int by_rules(const struct pr_service *s, const struct pr_function *f, struct pr_wish *w)
{
	const struct pr_slot_reserve *reserve = pr_conf_reserve(&s->conf, f);
	char address[PR_ADDRESS_MAX], path[PR_FUNCTION_PATH_MAX];
	int r = 0;

	if (pr_conf_forbids(&s->conf, f)) {
		pr_address_format(&f->address, address);
		r = pr_wish_add_pinned(w, address);
	}
	if (r == 0 && !pr_conf_resizes(&s->conf, f)) {
		pr_address_format(&f->address, address);
		r = pr_wish_add_sized(w, address);
	}
	if (r == 0 && reserve && pr_function_path(f, path, sizeof(path)) >= 0)
		r = pr_wish_add_slot(w, path, reserve);
	return r;
}

/* What the configuration will not have touched or taken, in the machine as it was seen last. */
static int pin_by_configuration(const struct pr_service *s, struct pr_wish *w)
{
	const struct pr_topology *t = s->look->topology;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->conf.n_pinned; i++)
		r = pr_wish_add_pinned(w, s->conf.pinned[i]);
	pr_for_each_root (t, i)
		for (size_t j = 0; r == 0 && j < t->roots[i]->n_functions; j++)
			r = by_rules(s, &t->roots[i]->functions[j], w);
	return r;
}

int pr_service_add_pins(const struct pr_service *s, struct pr_wish *w)
{
	int r = pin_by_configuration(s, w);

	for (size_t i = 0; r == 0 && i < pr_inhibitors_count(s->inhibitors); i++) {
		const struct pr_inhibitor *in = pr_inhibitors_get(s->inhibitors, i);

		if (in->mode != PR_INHIBIT_PIN)
			continue;
		if (in->n_paths == 0)
			return pin_all(s->look->topology, w);
		for (size_t k = 0; r == 0 && k < in->n_paths; k++)
			r = pr_wish_add_pinned(w, in->paths[k]);
	}
	return r;
}

void pr_service_set_inhibitors(struct pr_service *s, const struct pr_inhibitors *inhibitors)
{
	s->inhibitors = inhibitors;
}

static void end_before_it_began(struct pr_service *s, enum pr_outcome outcome, const char *why)
{
	struct pr_report report = { .outcome = outcome };

	(void)snprintf(report.text, sizeof(report.text), "%.440s; nothing was begun", why);
	pr_service_finish(s, &report);
}

/* True when a pin ended the job. */
static bool is_vetoed(struct pr_service *s)
{
	const struct pr_function *f = NULL;
	const struct pr_inhibitor *i =
		pr_service_inhibitor(s, PR_INHIBIT_PIN, s->job.plan->plan, &f);
	char address[PR_ADDRESS_MAX], why[440];

	if (!i)
		return false;
	pr_address_format(&f->address, address);
	(void)snprintf(why, sizeof(why), "%.200s keeps %s: %.200s", i->who, address, i->why);
	end_before_it_began(s, PR_OUTCOME_STALE, why);
	return true;
}

int pr_service_prepare(struct pr_service *s)
{
	const struct pr_function *f = NULL;

	s->prepared_usec = 0;
	if (!pr_service_inhibitor(s, PR_INHIBIT_DELAY, s->job.plan->plan, &f))
		return pr_service_begin(s);
	s->job.preparing = true;
	s->prepared_usec = pr_now_usec() + s->conf.delay_usec;
	s->ops->wait_until(s->userdata, s->prepared_usec);
	return 0;
}

void pr_service_prepared(struct pr_service *s)
{
	struct pr_veto veto;
	bool delayed = pr_service_veto(s, 0, &veto);
	int r;

	if (!s->job.id || !s->job.preparing || is_vetoed(s))
		return;
	if (s->job.interrupted) {
		end_before_it_began(
			s, PR_OUTCOME_STALE, "somebody else has changed the machine meanwhile");
		return;
	}
	s->ops->wait_until(s->userdata, 0);
	s->job.preparing = false;
	r = pr_service_begin(s);
	if (r < 0)
		end_before_it_began(s, PR_OUTCOME_CANCELLED, strerror(-r));
	else
		s->ops->job_changed(s->userdata, &s->job,
			delayed ? PR_JOB_PHASE | PR_JOB_VETOES : PR_JOB_PHASE);
}

void pr_service_inhibitors_changed(struct pr_service *s, enum pr_inhibit_mode mode)
{
	const struct pr_function *f = NULL;

	if (!s->job.id) {
		if (s->look && !s->looking && !s->stopping && mode == PR_INHIBIT_PIN)
			pr_service_decide(s); /* another plan may be the best now */
		return;
	}
	if (!s->job.preparing)
		return;
	s->ops->job_changed(s->userdata, &s->job, PR_JOB_VETOES);
	if (is_vetoed(s))
		return;
	if (!pr_service_inhibitor(s, PR_INHIBIT_DELAY, s->job.plan->plan, &f))
		pr_service_prepared(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports at which the next hot-add would damage what runs: looked for after each look that saw
 * another machine, told when one becomes armed and when it is so no longer.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"
#include "pciroom/doctor.h"

struct examination {
	struct pr_work work;
	struct pr_service *service;
	struct pr_look *look;
	struct pr_told_list found;
	int r;
};

/* In the thread: on what never changes. */
static void run_examination(struct pr_work *w)
{
	struct examination *e = (struct examination *)w;
	struct pr_doctor *d;
	char path[PR_FUNCTION_PATH_MAX];

	e->r = pr_doctor_make(e->look->topology, &d);
	if (e->r < 0)
		return;
	for (size_t i = 0; i < d->n_armed; i++)
		if (pr_function_path(d->armed[i].port, path, sizeof(path)) >= 0)
			pr_told_add(&e->found, path, pr_say_armed(&d->armed[i]).text);
	pr_doctor_free(d);
}

static void announce(
	const struct pr_service *s, const struct pr_told_list *a, const struct pr_told_list *not_in)
{
	for (size_t i = 0; i < a->n; i++)
		if (!pr_told_find(not_in, a->list[i].path))
			s->ops->armed(s->userdata, a->list[i].path);
}

static void done_examination(struct pr_work *w, bool ran)
{
	static const struct pr_tidings tidings = { PR_EVENT_ARMED, LOG_WARNING,
		"is armed: ", "is not armed any more" };
	struct examination *e = (struct examination *)w;
	struct pr_service *s = e->service;
	struct pr_told_list before = s->armed;

	if (ran && e->r == 0) {
		s->armed = e->found;
		e->found = before;
		if (pr_told_compare(e->look->topology, &e->found, &s->armed, &tidings)) {
			pr_service_notify(s, pr_service_state(s), PR_CHANGED_ARMED);
			announce(s, &s->armed, &e->found);
			announce(s, &e->found, &s->armed);
		}
	} else if (ran) {
		s->examined = 0; /* the next look is examined, whatever it sees */
	}
	pr_told_deinit(&e->found);
	pr_look_unref(e->look);
	free(e);
}

void pr_service_examine(struct pr_service *s)
{
	struct examination *e;

	if (s->examined == s->look->topology->generation)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return; /* the next look tries again */
	e->work = (struct pr_work){ .run = run_examination, .done = done_examination };
	e->service = s;
	e->look = pr_look_ref(s->look);
	s->examined = s->look->topology->generation;
	s->ops->examine(s->userdata, &e->work);
}

const char *pr_service_armed(const struct pr_service *s, size_t n)
{
	return n < s->armed.n ? s->armed.list[n].path : NULL;
}

bool pr_service_is_armed(const struct pr_service *s, const char *path)
{
	return pr_told_find(&s->armed, path) != NULL;
}

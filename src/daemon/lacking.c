/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots that have less room than the configuration gives them: told when that
 * begins and when it ends.  What is done about it is decide.c's.
 */
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"

static void note(const struct pr_service *s, const struct pr_function *f, struct pr_told_list *ret)
{
	const struct pr_slot_reserve *rule = pr_conf_reserve(&s->conf, f);
	struct pr_slot_reserve want;
	struct pr_slot_lack lack;
	char path[PR_FUNCTION_PATH_MAX];

	if (!rule || pr_function_path(f, path, sizeof(path)) < 0)
		return;
	want = *rule;
	want.slot = path;
	if (pr_slot_lacks(s->look->topology, &want, &lack))
		pr_told_add(ret, path, pr_say_lack(&lack).text);
}

void pr_service_note_lacks(struct pr_service *s)
{
	static const struct pr_tidings tidings = { PR_EVENT_LACKS, LOG_NOTICE,
		"lacks what the configuration gives it: ", "has what the configuration gives it" };
	const struct pr_topology *t = s->look->topology;
	struct pr_told_list before = s->lacking;

	s->lacking = (struct pr_told_list){ 0 };
	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions; j++)
			note(s, &t->roots[i]->functions[j], &s->lacking);
	if (pr_told_compare(t, &before, &s->lacking, &tidings))
		pr_service_notify(s, pr_service_state(s), PR_CHANGED_LACKING);
	pr_told_deinit(&before);
}

const char *pr_service_lacking(const struct pr_service *s, size_t n)
{
	return n < s->lacking.n ? s->lacking.list[n].path : NULL;
}

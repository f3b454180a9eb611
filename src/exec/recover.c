/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run that was killed left behind: the journal says what was begun. */
#include <stdio.h>
#include <string.h>

#include "exec/journal.h"
#include "exec/restore.h"
#include "exec/swap.h"

static bool any_begun(const struct pr_record *record)
{
	for (size_t i = 0; i < record->n_steps; i++)
		if (record->steps[i].doing)
			return true;

	return false;
}

static void describe(
	const struct pr_record *record, const struct pr_restored *restored, struct pr_report *ret)
{
	const char *begun = record->lost        ? "had lost something"
			    : record->waiting   ? "was not confirmed"
			    : any_begun(record) ? "was cut short"
						: "was never begun";

	if (restored->n_missing == 0)
		(void)snprintf(ret->text, sizeof(ret->text),
			"plan %s %s; all %zu functions are there%s%s%s%s", record->id, begun,
			record->n_functions - restored->n_pulled, restored->n_pulled ? "; " : "",
			restored->text, restored->error ? ", but not all was undone: " : "",
			restored->error ? strerror(-restored->error) : "");
	else
		(void)snprintf(ret->text, sizeof(ret->text), "plan %s %s; lost: %s", record->id,
			begun, restored->text);

	size_t used = strlen(ret->text);

	if (restored->n_unrestored > 0)
		(void)snprintf(ret->text + used, sizeof(ret->text) - used,
			"; not as it was set before: %s", restored->unrestored);
}

/* A slot that was in our hands is so until all is there. */
static void bring_back(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	int r;

	r = pr_swap_take(record, backend);
	if (r >= 0)
		r = pr_swap_connect(record, backend);
	if (record->waiting)
		pr_undo(backend, record, ret);
	else
		pr_restore(backend, record, ret);
	pr_restored_note(ret, r);
	if (ret->error == 0)
		pr_restored_note(ret, pr_swap_give(record, backend));
}

int pr_recover(const struct pr_backend *backend, struct pr_journal *journal, struct pr_report *ret)
{
	const struct pr_record *record = pr_journal_record(journal);
	struct pr_report report = { .outcome = PR_OUTCOME_DONE };
	struct pr_restored restored;
	int r;

	/* a loss is an end, but one that may be asked to be looked into once more */
	if (!pr_journal_pending(journal) && !(record && record->lost)) {
		*ret = (struct pr_report){ .outcome = PR_OUTCOME_DONE,
			.text = "nothing was pending" };
		return 0;
	}

	bring_back(backend, record, &restored);
	report.outcome = restored.n_missing == 0 ? PR_OUTCOME_ROLLED_BACK : PR_OUTCOME_LOST;
	report.error = restored.error;
	report.step = record->n_steps;
	report.pending = restored.error != 0;
	describe(record, &restored, &report);
	pr_topology_free(restored.now);

	/* in doubt it stays pending: the next attempt may have a back end that works */
	if (restored.error == 0) {
		r = pr_journal_end(journal, report.outcome);
		if (r < 0)
			report.error = r;
	}

	*ret = report;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for functions and their drivers after a rescan, and helping those that do not come. */
#include <errno.h>

#include "base/clock.h"
#include "exec/roster.h"
#include "exec/settings.h"

/* Between two looks: a driver that is quick is seen quickly, one that is slow is not hammered. */
#define PAUSE_MIN_MS 20u
#define PAUSE_MAX_MS 500u

void pr_restored_note(struct pr_restored *ret, int r)
{
	if (r < 0 && ret->error == 0)
		ret->error = r;
}

void pr_restore_look(const struct pr_backend *backend, struct pr_restored *ret)
{
	int r;

	pr_topology_free(ret->now);
	ret->now = NULL;
	r = backend->ops->look(backend->instance, &ret->now);
	if (r < 0)
		pr_restored_note(ret, r);
	else if (r > 0)
		pr_restored_note(ret, -EBADMSG); /* read, but contradictory: the import's "1" */
}

bool pr_restore_unanswered(int r)
{
	return r == -ETIMEDOUT || r == -ECONNRESET || r == -ENOTCONN || r == -EPROTO ||
	       r == -EROFS || r == -EPERM || r == -EACCES;
}

/* True when something was bound, and another look is due. */
static bool bind_missing(const struct pr_backend *backend, const struct pr_record *record,
	bool only_virtual, struct pr_restored *ret)
{
	bool any = false;
	int r;

	for (size_t i = 0; backend->ops->bind && i < record->n_functions; i++) {
		const struct pr_record_function *entry = &record->functions[i];
		const struct pr_function *f = pr_roster_present(ret->now, entry->path);

		if (!f || !entry->driver || pr_roster_driven(f, entry->driver) ||
			(only_virtual && !f->facts->is_vf))
			continue;
		if (f->facts->is_vf)
			pr_settings_allow_virtual(backend, f);
		r = backend->ops->bind(backend->instance, &f->address, entry->driver);
		if (r < 0)
			r = backend->ops->bind(backend->instance, &f->address, entry->driver);
		if (pr_restore_unanswered(r))
			pr_restored_note(ret, r);
		any = true;
	}

	return any;
}

/* Virtual functions, as soon as the driver is back that they are asked of. */
static void bring_virtual(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	if (!ret->now || !pr_settings_virtual(record, backend, ret))
		return;
	pr_restore_look(backend, ret);
	if (!ret->now)
		return;
	pr_settings_early_virtual(record, backend, ret);
	if (bind_missing(backend, record, true, ret))
		pr_restore_look(backend, ret);
}

/* From the look in @ret on. */
static void wait_for_roster(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	int64_t deadline = pr_now_ms() + backend->settle_ms;
	unsigned int pause = PAUSE_MIN_MS;

	while (ret->now && pr_roster_waits(record, ret->now) && pr_now_ms() < deadline) {
		pr_pause_ms(pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		pr_restore_look(backend, ret);
		bring_virtual(backend, record, ret); /* they count as functions */
	}
}

void pr_restore_settle(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	*ret = (struct pr_restored){ 0 };
	pr_restore_look(backend, ret);
	if (ret->now && pr_settings_early(record, backend, ret))
		pr_restore_look(backend, ret);
	wait_for_roster(backend, record, ret);
	if (ret->now && bind_missing(backend, record, false, ret))
		pr_restore_look(backend, ret);
	bring_virtual(backend, record, ret);
	if (ret->now)
		pr_settings_late(record, backend, ret);
	pr_roster_count(record, ret);
}

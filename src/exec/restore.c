/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Undoing from a record, and comparing the machine with its roster. Knows
 * neither plans nor the journal's file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "exec/resize.h"
#include "exec/restore-buses.h"
#include "exec/settings.h"

/* Between two looks: a driver that is quick is seen quickly, one that is slow is not hammered. */
#define PAUSE_MIN_MS 20u
#define PAUSE_MAX_MS 500u

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(unsigned int milliseconds)
{
	struct timespec t = { .tv_nsec = (long)milliseconds * 1000000 };

	(void)nanosleep(&t, NULL); /* woken early, it looks again early */
}

static void note_error(struct pr_restored *ret, int r)
{
	if (ret->error == 0)
		ret->error = r;
}

/* ---- who is there ---- */

static const struct pr_function *find_present(const struct pr_topology *now, const char *path)
{
	const struct pr_function *f = pr_topology_find_path(now, path);

	return f && !f->removed ? f : NULL;
}

static bool has_driver(const struct pr_function *f, const char *driver)
{
	return f->facts && f->facts->driver && strcmp(f->facts->driver, driver) == 0;
}

enum missing {
	NOT_MISSING = 0,
	MISSING_DEVICE,
	MISSING_BAR,
	MISSING_DRIVER,
	MISSING_UNKNOWN,
	MISSING_CARD /* somebody has pulled it: nothing of ours, and not to be brought back */
};

/* The slot that the function is in, or was, says that nobody is in it. */
static bool is_pulled(const struct pr_topology *now, const char *path)
{
	char above[1024];
	char *slash;

	if (strlen(path) >= sizeof(above))
		return false;
	memcpy(above, path, strlen(path) + 1);
	while ((slash = strrchr(above, '/'))) {
		const struct pr_function *port;

		*slash = '\0';
		port = strchr(above, '/') ? find_present(now, above) : NULL;
		if (port)
			return port->caps && port->caps->pcie.present == PR_YES &&
			       port->caps->pcie.slot_known == PR_YES &&
			       port->caps->pcie.slot_hotplug && !port->caps->pcie.slot_presence;
	}

	return false;
}

static enum missing what_is_missing(
	const struct pr_topology *now, const struct pr_record_function *entry)
{
	const struct pr_function *f;

	if (!now)
		return MISSING_UNKNOWN;
	if (entry->replaced)
		return NOT_MISSING;
	f = find_present(now, entry->path);
	if (!f)
		return is_pulled(now, entry->path) ? MISSING_CARD : MISSING_DEVICE;
	if (entry->assigned & ~pr_record_assigned(f))
		return MISSING_BAR;
	if (entry->driver && !has_driver(f, entry->driver))
		return MISSING_DRIVER;

	return NOT_MISSING;
}

static void look_again(const struct pr_backend *backend, struct pr_restored *ret)
{
	int r;

	pr_topology_free(ret->now);
	ret->now = NULL;
	r = backend->ops->look(backend->instance, &ret->now);
	if (r < 0)
		note_error(ret, r);
	else if (r > 0)
		note_error(ret, -EBADMSG); /* read, but contradictory: the import's "1" */
}

static void name_missing(
	struct pr_restored *ret, const struct pr_record_function *entry, enum missing what)
{
	static const char *const phrases[] = {
		[MISSING_DEVICE] = "is gone",
		[MISSING_BAR] = "lost a BAR",
		[MISSING_DRIVER] = "is without its driver",
		[MISSING_UNKNOWN] = "may be gone",
		[MISSING_CARD] = "was pulled meanwhile",
	};
	char address[PR_ADDRESS_MAX];
	size_t used = strlen(ret->text);

	pr_address_format(&entry->address, address);
	(void)snprintf(ret->text + used, sizeof(ret->text) - used, "%s%s %s%s%s", used ? ", " : "",
		address, phrases[what], what == MISSING_DRIVER ? " " : "",
		what == MISSING_DRIVER ? entry->driver : "");
}

static void count_missing(const struct pr_record *record, struct pr_restored *ret)
{
	enum missing what;

	ret->n_missing = ret->n_pulled = 0;
	*ret->text = '\0';
	for (size_t i = 0; i < record->n_functions; i++) {
		what = what_is_missing(ret->now, &record->functions[i]);
		if (what == NOT_MISSING)
			continue;
		if (what == MISSING_CARD)
			ret->n_pulled++;
		else
			ret->n_missing++;
		name_missing(ret, &record->functions[i], what);
	}
}

/* ---- drivers ---- */

static bool roster_is_waiting(const struct pr_record *record, const struct pr_topology *now)
{
	for (size_t i = 0; i < record->n_functions; i++) {
		const struct pr_record_function *entry = &record->functions[i];
		const struct pr_function *f = find_present(now, entry->path);

		if (entry->replaced)
			continue; /* nobody knows what to wait for */
		if (!f ? !is_pulled(now, entry->path)
		       : entry->driver && !has_driver(f, entry->driver))
			return true;
	}

	return false;
}

/*
 * A driver that refuses is an answer, seen in the next look; a back end that
 * does not work is an error.
 */
static bool is_backend_failure(int r)
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
		const struct pr_function *f = find_present(ret->now, entry->path);

		if (!f || !entry->driver || has_driver(f, entry->driver) ||
			(only_virtual && !f->facts->is_vf))
			continue;
		if (f->facts->is_vf)
			pr_settings_allow_virtual(backend, f);
		r = backend->ops->bind(backend->instance, &f->address, entry->driver);
		if (r < 0)
			r = backend->ops->bind(backend->instance, &f->address, entry->driver);
		if (is_backend_failure(r))
			note_error(ret, r);
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
	look_again(backend, ret);
	if (!ret->now)
		return;
	pr_settings_early_virtual(record, backend, ret);
	if (bind_missing(backend, record, true, ret))
		look_again(backend, ret);
}

/* From the look in @ret on. */
static void wait_for_roster(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	int64_t deadline = now_ms() + backend->settle_ms;
	unsigned int pause = PAUSE_MIN_MS;

	while (ret->now && roster_is_waiting(record, ret->now) && now_ms() < deadline) {
		pause_ms(pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		look_again(backend, ret);
		bring_virtual(backend, record, ret); /* they count as functions */
	}
}

void pr_restore_settle(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	*ret = (struct pr_restored){ 0 };
	look_again(backend, ret);
	if (ret->now && pr_settings_early(record, backend, ret))
		look_again(backend, ret);
	wait_for_roster(backend, record, ret);
	if (ret->now && bind_missing(backend, record, false, ret))
		look_again(backend, ret);
	bring_virtual(backend, record, ret);
	if (ret->now)
		pr_settings_late(record, backend, ret);
	count_missing(record, ret);
}

/* ---- registers ---- */

static bool rescanned_since(const struct pr_record *record, size_t step)
{
	for (size_t i = step + 1; i < record->n_steps; i++)
		if (record->steps[i].kind == PR_STEP_RESCAN && record->steps[i].doing)
			return true;

	return false;
}

/*
 * Only where the register still holds what the step wrote: anything else is
 * newer.  A function that is not there has no registers to reach; when it is
 * found again the kernel reads or replaces them.
 */
static int undo_write(const struct pr_backend *backend, const struct pr_function *f,
	const struct pr_record_step *s)
{
	uint32_t value;
	int r;

	if (!backend->ops->read || !backend->ops->write)
		return -EOPNOTSUPP;
	r = backend->ops->read(backend->instance, &f->address, s->offset, s->width, &value);
	if (r < 0 || value != s->value)
		return r;

	return backend->ops->write(backend->instance, &f->address, s->offset, s->width, s->old);
}

/*
 * Last written, first restored; before any rescan, which makes the kernel take over what the
 * registers hold.
 */
static void undo_writes(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	const struct pr_function *f;
	int r;

	for (size_t i = record->n_steps; i-- > 0;) {
		const struct pr_record_step *s = &record->steps[i];

		if (s->inverse != PR_INVERSE_WRITE || !s->doing || pr_restores_numbers(s) ||
			pr_restores_size(s) || rescanned_since(record, i))
			continue;
		f = find_present(ret->now, s->path);
		if (!f)
			continue;
		r = undo_write(backend, f, s);
		if (r == -ECONNRESET)
			r = undo_write(backend, f, s); /* the helper died; another is started */
		if (r < 0)
			note_error(ret, r);
	}
}

static bool writes_to_undo(const struct pr_record *record)
{
	for (size_t i = 0; i < record->n_steps; i++)
		if (record->steps[i].inverse == PR_INVERSE_WRITE && record->steps[i].doing)
			return true;

	return false;
}

/* ---- rescans ---- */

static int rescan_root(const struct pr_backend *backend, const struct pr_address *bus)
{
	if (!backend->ops->rescan_root)
		return -EOPNOTSUPP;

	return backend->ops->rescan_root(backend->instance, bus->domain, bus->bus);
}

/* The root bus that a path begins with: "0000:00/02.0/00.0". */
static bool root_of_path(const char *path, struct pr_address *ret)
{
	char text[PR_ADDRESS_MAX];
	size_t n = strcspn(path, "/");

	if (n + sizeof(".0:00") > sizeof(text))
		return false;
	(void)snprintf(text, sizeof(text), "%.*s:00.0", (int)n, path); /* sized for it */

	return pr_address_parse(text, ret);
}

/*
 * Where the plan would have rescanned; when that fails (the neighbour it went
 * through is gone itself) the whole root bus.
 */
static int undo_remove(const struct pr_backend *backend, const struct pr_record_step *s)
{
	struct pr_address root;
	int r;

	if (s->inverse == PR_INVERSE_RESCAN_ROOT)
		return rescan_root(backend, &s->address);

	r = backend->ops->rescan ? backend->ops->rescan(backend->instance, &s->address)
				 : -EOPNOTSUPP;
	if (r == 0 || !root_of_path(s->path, &root))
		return r;

	return rescan_root(backend, &root);
}

static bool same_rescan(const struct pr_record_step *a, const struct pr_record_step *b)
{
	return a->inverse == b->inverse && pr_address_compare(&a->address, &b->address) == 0;
}

static bool rescan_comes_later(const struct pr_record *record, size_t step)
{
	for (size_t i = 0; i < step; i++)
		if (record->steps[i].doing && same_rescan(&record->steps[i], &record->steps[step]))
			return true;

	return false;
}

/*
 * A removal that was begun is undone whether it seems to have happened or not:
 * the kernel may still be at it, and the rescan waits for it (pci_lock_rescan_remove()
 * is taken by both).
 */
static void undo_removes(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	int r;

	for (size_t i = record->n_steps; i-- > 0;) {
		const struct pr_record_step *s = &record->steps[i];

		if (s->kind != PR_STEP_REMOVE || !s->doing || rescan_comes_later(record, i))
			continue;
		r = undo_remove(backend, s);
		if (r == -ECONNRESET)
			r = undo_remove(backend, s); /* the helper died; another is started */
		if (r < 0)
			note_error(ret, r);
	}
}

/* True when a root bus was rescanned for a function that is still not there. */
static bool rescan_for_missing(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	struct pr_address root, last = { .domain = UINT32_MAX };
	bool any = false;
	int r;

	for (size_t i = 0; i < record->n_functions; i++) {
		const char *path = record->functions[i].path;

		if (find_present(ret->now, path) || is_pulled(ret->now, path) ||
			!root_of_path(path, &root) || pr_address_compare(&root, &last) == 0)
			continue;
		last = root;
		r = rescan_root(backend, &root);
		if (r < 0)
			note_error(ret, r);
		any = true;
	}

	return any;
}

static void bring_back(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	pr_settings_hold(record, backend);
	undo_removes(backend, record, ret);
	look_again(backend, ret);
	if (ret->now)
		(void)rescan_for_missing(backend, record, ret); /* settling looks anyway */
}

/*
 * Last changed, first restored.  True when a function that was found with its new size has the old
 * one in its register now: it has to be found again.
 */
static bool restore_sizes(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	bool again = false;
	int r;

	for (size_t i = record->n_steps; ret->now && i-- > 0;) {
		const struct pr_record_step *s = &record->steps[i];
		const struct pr_function *f = NULL;

		if (pr_restores_size(s) && s->doing)
			f = find_present(ret->now, s->path);
		if (!f)
			continue;
		r = pr_restore_size(backend, f, s, &again);
		if (r < 0)
			note_error(ret, r);
	}

	return again;
}

static bool sizes_to_undo(const struct pr_record *record)
{
	for (size_t i = 0; i < record->n_steps; i++)
		if (pr_restores_size(&record->steps[i]) && record->steps[i].doing)
			return true;

	return false;
}

/* ---- half of a plan may be worse than all of it ---- */

static bool lacks_room(const struct pr_record *record, const struct pr_topology *now)
{
	bool begun = false, lost = false;

	for (size_t i = 0; i < record->n_steps; i++)
		if (record->steps[i].kind == PR_STEP_REMOVE && record->steps[i].doing)
			begun = true;
	for (size_t i = 0; now && i < record->n_functions; i++)
		if (what_is_missing(now, &record->functions[i]) == MISSING_BAR)
			lost = true;

	return begun && lost;
}

/* Of all that the plan removes: who has some is not removed. */
static void take_virtual_away(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	for (size_t i = 0; i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];
		const struct pr_function *f;
		int r;

		f = s->inverse == PR_INVERSE_VFS ? find_present(ret->now, s->path) : NULL;
		if (!f || f->facts->sriov_numvfs <= 0)
			continue;
		r = pr_settings_set_vfs(backend, &f->address, (uint32_t)f->facts->sriov_numvfs, 0);
		if (r < 0)
			r = pr_settings_set_vfs(
				backend, &f->address, (uint32_t)f->facts->sriov_numvfs, 0);
		if (r < 0)
			note_error(ret, r);
	}
}

/* Once more when it failed: another helper may do better. */
static void remove_again(
	const struct pr_backend *backend, const struct pr_function *f, struct pr_restored *ret)
{
	int r = backend->ops->remove ? backend->ops->remove(backend->instance, &f->address)
				     : -EOPNOTSUPP;

	if (r < 0 && backend->ops->remove)
		r = backend->ops->remove(backend->instance, &f->address);
	if (r < 0)
		note_error(ret, r);
}

/*
 * What was removed alone may not find room again where it was (KERNEL 1.7); with everything else that
 * the plan removes it does, as was computed.
 */
static void remove_rest(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	take_virtual_away(backend, record, ret);
	for (size_t i = 0; i < record->n_steps; i++) {
		struct pr_record_step *s = &record->steps[i];
		const struct pr_function *f;

		f = s->kind == PR_STEP_REMOVE ? find_present(ret->now, s->path) : NULL;
		if (!f)
			continue;
		s->doing = true;
		remove_again(backend, f, ret);
	}
}

static void settle_after(const struct pr_backend *backend, const struct pr_record *record,
	struct pr_restored *before, struct pr_restored *ret)
{
	pr_topology_free(before->now);
	before->now = NULL;
	pr_restore_settle(backend, record, ret);
	if (before->error != 0)
		ret->error = before->error; /* it came first */
}

static bool lost_more_than_drivers(const struct pr_record *record, const struct pr_topology *now)
{
	for (size_t i = 0; now && i < record->n_functions; i++) {
		enum missing what = what_is_missing(now, &record->functions[i]);

		if (what == MISSING_DEVICE || what == MISSING_BAR)
			return true;
	}

	return false;
}

/* Level by level: what is behind a bridge is seen when its numbers are right. */
static void restore_numbers(const struct pr_backend *backend, const struct pr_record *record,
	struct pr_restored *before, struct pr_restored *ret)
{
	for (size_t i = 0; i < record->n_steps && lost_more_than_drivers(record, ret->now); i++) {
		before->now = ret->now;
		if (!pr_restore_numbers(backend, record, before))
			break;
		bring_back(backend, record, before);
		settle_after(backend, record, before, ret);
	}
	before->now = NULL;
}

/*
 * False: bus numbers are half written, and the back end does not work.  A rescan could find two
 * bridges for one bus then, so that all waits for the next process.
 */
static bool undo_registers(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	look_again(backend, ret);
	if (!ret->now)
		return !pr_restore_waits(record);
	undo_writes(backend, record, ret);
	if (pr_restore_forward(backend, record, ret)) {
		if (!is_backend_failure(ret->error))
			return true;
		pr_topology_free(ret->now);
		ret->now = NULL;
		return false;
	}
	if (lost_more_than_drivers(record, ret->now) || pr_restore_misfits(record, ret->now))
		(void)pr_restore_numbers(backend, record, ret);
	return true;
}

/* From now on what was set before the plan is what is wanted. */
static void undo_enabled(const struct pr_record *record)
{
	for (size_t i = 0; i < record->n_steps; i++)
		if (record->steps[i].inverse == PR_INVERSE_VFS && record->steps[i].value > 0)
			record->steps[i].done = false;
}

void pr_restore(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	struct pr_restored before = { 0 };
	bool sized;

	undo_enabled(record);
	if (writes_to_undo(record) && !undo_registers(backend, record, &before)) {
		*ret = before;
		return;
	}
	if (sizes_to_undo(record)) {
		look_again(backend, &before);
		if (restore_sizes(backend, record, &before))
			remove_rest(backend, record, &before);
	}
	bring_back(backend, record, &before);
	settle_after(backend, record, &before, ret);
	restore_numbers(backend, record, &before, ret);
	/* what was away with a new size could not be reached before it was found */
	sized = restore_sizes(backend, record, ret);
	if (!sized && !lacks_room(record, ret->now))
		return;

	before.now = ret->now;
	remove_rest(backend, record, &before);
	bring_back(backend, record, &before);
	settle_after(backend, record, &before, ret);
}

/* In the order of the plan, as a bridge's registers are written before it is removed. */
static void go_back(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	take_virtual_away(backend, record, ret);
	for (size_t i = 0; i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];
		const struct pr_function *f = s->path ? find_present(ret->now, s->path) : NULL;
		bool again = false; /* all that the plan removed is, here */
		int r;

		if (f && pr_restores_size(s)) {
			r = pr_restore_size(backend, f, s, &again);
			if (r < 0)
				note_error(ret, r);
		} else if (f && s->inverse == PR_INVERSE_WRITE) {
			r = undo_write(backend, f, s);
			if (r < 0)
				note_error(ret, r);
		} else if (f && s->kind == PR_STEP_REMOVE) {
			remove_again(backend, f, ret);
		}
	}
}

void pr_undo(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	struct pr_restored before = { 0 };

	undo_enabled(record);
	look_again(backend, &before);
	if (before.now) {
		pr_settings_guard(record, before.now, backend);
		go_back(backend, record, &before);
	}
	bring_back(backend, record, &before);
	settle_after(backend, record, &before, ret);
}

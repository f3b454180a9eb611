/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undoing from a record.  Knows neither plans nor the journal's file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec/resize.h"
#include "exec/restore-buses.h"
#include "exec/roster.h"
#include "exec/settings.h"

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
		f = pr_roster_present(ret->now, s->path);
		if (!f)
			continue;
		r = undo_write(backend, f, s);
		if (r == -ECONNRESET)
			r = undo_write(backend, f, s); /* the helper died; another is started */
		pr_restored_note(ret, r);
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

/* A host bridge that is gone (Intel VMD can be switched off) brings nothing back, and never will. */
static int rescan_root(const struct pr_backend *backend, const struct pr_address *bus)
{
	int r;

	if (!backend->ops->rescan_root)
		return -EOPNOTSUPP;

	r = backend->ops->rescan_root(backend->instance, bus->domain, bus->bus);
	return r == -ENODEV ? 0 : r;
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
		pr_restored_note(ret, r);
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

		if (pr_roster_present(ret->now, path) || pr_roster_pulled(ret->now, path) ||
			!root_of_path(path, &root) || pr_address_compare(&root, &last) == 0)
			continue;
		last = root;
		r = rescan_root(backend, &root);
		pr_restored_note(ret, r);
		any = true;
	}

	return any;
}

static void bring_back(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	pr_settings_hold(record, backend);
	undo_removes(backend, record, ret);
	pr_restore_look(backend, ret);
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
			f = pr_roster_present(ret->now, s->path);
		if (!f)
			continue;
		r = pr_restore_size(backend, f, s, &again);
		pr_restored_note(ret, r);
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
		if (pr_roster_missing(now, &record->functions[i]) == PR_MISSING_BAR)
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

		f = s->inverse == PR_INVERSE_VFS ? pr_roster_present(ret->now, s->path) : NULL;
		if (!f || f->facts->sriov_numvfs <= 0)
			continue;
		r = pr_settings_set_vfs(backend, &f->address, (uint32_t)f->facts->sriov_numvfs, 0);
		if (r < 0)
			r = pr_settings_set_vfs(
				backend, &f->address, (uint32_t)f->facts->sriov_numvfs, 0);
		pr_restored_note(ret, r);
	}
}

int pr_restore_remove(const struct pr_backend *backend, const struct pr_function *f)
{
	int r;

	if (!backend->ops->remove)
		return -EOPNOTSUPP;
	r = backend->ops->remove(backend->instance, &f->address);
	if (r < 0)
		r = backend->ops->remove(backend->instance, &f->address);
	return r == -ENODEV ? 0 : r;
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

		f = s->kind == PR_STEP_REMOVE ? pr_roster_present(ret->now, s->path) : NULL;
		if (!f)
			continue;
		s->doing = true;
		pr_restored_note(ret, pr_restore_remove(backend, f));
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

/* Level by level: what is behind a bridge is seen when its numbers are right. */
static void restore_numbers(const struct pr_backend *backend, const struct pr_record *record,
	struct pr_restored *before, struct pr_restored *ret)
{
	for (size_t i = 0; i < record->n_steps && pr_roster_lost(record, ret->now); i++) {
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
	pr_restore_look(backend, ret);
	if (!ret->now)
		return !pr_restore_waits(record);
	undo_writes(backend, record, ret);
	if (pr_restore_forward(backend, record, ret)) {
		if (!pr_restore_unanswered(ret->error))
			return true;
		pr_topology_free(ret->now);
		ret->now = NULL;
		return false;
	}
	if (pr_roster_lost(record, ret->now) || pr_restore_misfits(record, ret->now))
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
		pr_restore_look(backend, &before);
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
		const struct pr_function *f = s->path ? pr_roster_present(ret->now, s->path) : NULL;
		bool again = false; /* all that the plan removed is, here */
		int r;

		if (f && pr_restores_size(s)) {
			r = pr_restore_size(backend, f, s, &again);
			pr_restored_note(ret, r);
		} else if (f && s->inverse == PR_INVERSE_WRITE) {
			r = undo_write(backend, f, s);
			pr_restored_note(ret, r);
		} else if (f && s->kind == PR_STEP_REMOVE) {
			pr_restored_note(ret, pr_restore_remove(backend, f));
		}
	}
}

void pr_undo(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	struct pr_restored before = { 0 };

	undo_enabled(record);
	pr_restore_look(backend, &before);
	if (before.now) {
		pr_settings_guard(record, before.now, backend);
		go_back(backend, record, &before);
	}
	bring_back(backend, record, &before);
	settle_after(backend, record, &before, ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a rescan: settings that differ from the record are put back, before
 * the driver where that matters, and again after it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "exec/settings.h"

/* One function of the record that is there, and what it is set to now. */
struct visit {
	const struct pr_record *record;
	const struct pr_backend *backend;
	struct pr_restored *ret;
	const struct pr_record_function *entry; /* NULL: not of the roster */
	const struct pr_function *f;
	const struct pr_record_setting *settings;
	size_t n;
	bool unbound; /* its driver was taken off by us */
	char text[PR_ATTRIBUTES_MAX];
};

static const struct pr_record_function *roster_find(
	const struct pr_record *record, const char *path)
{
	for (size_t i = 0; i < record->n_functions; i++)
		if (strcmp(record->functions[i].path, path) == 0)
			return &record->functions[i];

	return NULL;
}

static const char *driver_of(const struct visit *v)
{
	return v->unbound || !v->f->facts ? NULL : v->f->facts->driver;
}

static void note_unrestored(const struct visit *v, const char *what)
{
	struct pr_restored *ret = v->ret;
	size_t used = strlen(ret->unrestored);
	char address[PR_ADDRESS_MAX];

	pr_address_format(&v->f->address, address);
	(void)snprintf(ret->unrestored + used, sizeof(ret->unrestored) - used, "%s%s %s",
		used ? ", " : "", address, what);
	ret->n_unrestored++;
}

/* ---- the largest payload: both ends of every link below a root port agree on it ---- */

static bool is_payload(const struct pr_record_setting *s)
{
	return strcmp(s->what->name, "max-payload") == 0;
}

static const struct pr_record_setting *saved_payload(
	const struct pr_record *record, const struct pr_function *f)
{
	char path[PR_FUNCTION_PATH_MAX];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return NULL;
	for (size_t i = 0; i < record->n_settings; i++)
		if (is_payload(&record->settings[i]) && strcmp(record->settings[i].path, path) == 0)
			return &record->settings[i];

	return NULL;
}

/* Encoded as in the register, 128 << n bytes. */
static bool all_below_take(const struct pr_function *top, uint8_t payload)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!f->removed && f->caps && f->caps->pcie.present == PR_YES &&
			f->caps->pcie.max_payload_supported < payload)
			return false;

	return true;
}

/*
 * A newcomer may take less than the others had: then the kernel has lowered what is above it
 * (pci_configure_mps() of drivers/pci/probe.c), and what it chose stays.
 */
static bool payload_fits(const struct pr_record *record, const struct pr_function *f, uint8_t n)
{
	const struct pr_record_setting *saved;

	if (!all_below_take(f, n))
		return false;
	for (const struct pr_function *up = f->parent; up; up = up->parent) {
		if (!up->caps || up->caps->pcie.present != PR_YES)
			continue;
		saved = saved_payload(record, up);
		if (saved ? saved->value >> 5 < n || !all_below_take(up, n)
			  : up->caps->pcie.max_payload < n)
			return false;
	}

	return true;
}

/* ---- one setting ---- */

static bool differs(const struct visit *v, const struct pr_record_setting *s)
{
	_cleanup_free_ char *text = NULL;
	const char *now;
	uint32_t value;
	uint16_t offset;

	if (s->what->place != PR_PLACE_ATTRIBUTE)
		return pr_setting_register(s->what, v->f, &offset, &value) && value != s->value;
	if (pr_settings_replaced(v->record, s))
		return false;
	text = pr_setting_attribute(s->what, v->text);
	now = text ? text : s->what->absent;

	return !now || strcmp(now, s->text) != 0;
}

static int write_register(const struct visit *v, const struct pr_record_setting *s)
{
	const struct pr_backend_ops *ops = v->backend->ops;
	uint32_t value;
	uint16_t offset;
	int r;

	if (!ops->read || !ops->write || !pr_setting_register(s->what, v->f, &offset, &value))
		return -EOPNOTSUPP;
	if (is_payload(s) && !payload_fits(v->record, v->f, (uint8_t)(s->value >> 5)))
		return -ERANGE;
	r = ops->read(v->backend->instance, &v->f->address, offset, s->what->width, &value);
	if (r < 0)
		return r;
	if ((value & s->what->mask) == s->value)
		return 0;

	return ops->write(v->backend->instance, &v->f->address, offset, s->what->width,
		(value & ~s->what->mask) | s->value);
}

static void note_unfinished(struct pr_restored *ret, int r)
{
	ret->unfinished = true;
	if (ret->error == 0)
		ret->error = r;
}

static bool is_backend_gone(int r)
{
	return r == -ECONNRESET || r == -ENOTCONN || r == -EPROTO;
}

static int try_setting(const struct visit *v, const struct pr_record_setting *s)
{
	const struct pr_backend_ops *ops = v->backend->ops;

	if (s->what->place != PR_PLACE_ATTRIBUTE)
		return write_register(v, s);
	if (!ops->set_attribute)
		return -EOPNOTSUPP;

	return ops->set_attribute(v->backend->instance, &v->f->address, s->what->name, s->text);
}

static bool is_answer(int r)
{
	return r == -EPERM || r == -EACCES || r == -EINVAL || r == -EBUSY || r == -ERANGE ||
	       r == -EOPNOTSUPP || r == -ENOENT || r == -ENODEV;
}

/*
 * A refusal is an answer, and told of.  What fails otherwise is tried once more (a helper that died
 * is started again), and leaves the run pending: without a back end until one works.
 */
static int write_setting(const struct visit *v, const struct pr_record_setting *s)
{
	int r;

	r = try_setting(v, s);
	if (r < 0 && !is_answer(r))
		r = try_setting(v, s);
	if (is_backend_gone(r))
		note_unfinished(v->ret, r);
	else if (r < 0 && !is_answer(r))
		v->ret->refused = true;

	return r;
}

/* ---- one function ---- */

static int read_attributes(struct visit *v)
{
	const struct pr_backend_ops *ops = v->backend->ops;
	int r;

	if (!ops->attributes)
		return -EOPNOTSUPP;
	r = ops->attributes(v->backend->instance, &v->f->address, v->text, sizeof(v->text));
	if (r < 0 && !is_answer(r))
		r = ops->attributes(v->backend->instance, &v->f->address, v->text, sizeof(v->text));
	if (r < 0 && !is_answer(r))
		note_unfinished(v->ret, r); /* not known is not restored */

	return r;
}

/* False when the function is not there, or cannot be asked. */
static bool visit_begin(struct visit *v, size_t first)
{
	const char *path = v->record->settings[first].path;

	v->settings = &v->record->settings[first];
	for (v->n = 1; first + v->n < v->record->n_settings; v->n++)
		if (strcmp(v->settings[v->n].path, path) != 0)
			break;
	v->entry = roster_find(v->record, path);
	v->f = pr_topology_find_path(v->ret->now, path);
	v->unbound = false;
	*v->text = '\0';
	if (!v->f || v->f->removed || !v->f->facts)
		return false;
	if (v->settings[0].what->place != PR_PLACE_ATTRIBUTE)
		return true; /* attributes come first, so it has none in the record */

	return read_attributes(v) == 0;
}

static bool take_driver_off(struct visit *v)
{
	const struct pr_backend *b = v->backend;

	if (!b->ops->unbind || (b->ops->unbind(b->instance, &v->f->address) < 0 &&
				       b->ops->unbind(b->instance, &v->f->address) < 0))
		return false;

	v->unbound = true;
	return true;
}

/* A driver that was not there before: the function must not get it. */
static bool has_wrong_driver(const struct visit *v)
{
	const char *driver = driver_of(v);

	if (!driver || !v->entry)
		return false;
	if (v->entry->driver)
		return strcmp(driver, v->entry->driver) != 0;

	return v->entry->stays_unbound;
}

/* True when it was tried; what is left different is told at the end. */
static bool put_back_early(struct visit *v, const struct pr_record_setting *s)
{
	if (s->what->when == PR_WHEN_DRIVER || !differs(v, s))
		return false;
	if (is_payload(s) && !payload_fits(v->record, v->f, (uint8_t)(s->value >> 5)))
		return false;
	/* a port's driver keeps no copy of what is in the table */
	if (s->what->when == PR_WHEN_NO_DRIVER && driver_of(v) && !v->f->bridge &&
		!take_driver_off(v))
		return true;

	(void)write_setting(v, s);
	return true;
}

static bool visit_early(struct visit *v)
{
	bool any = false;

	if (has_wrong_driver(v))
		any = take_driver_off(v);
	for (size_t i = 0; i < v->n; i++)
		any |= put_back_early(v, &v->settings[i]);
	/* with driver_override in place, the driver that was there is the one that matches */
	if (v->unbound && v->entry && v->entry->driver && v->backend->ops->bind)
		(void)v->backend->ops->bind(v->backend->instance, &v->f->address, v->entry->driver);

	return any;
}

/* ---- drivers that were held off ---- */

/* True when a driver was tried on something. */
static bool probe_found(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret)
{
	const struct pr_record_function *entry;
	char path[PR_FUNCTION_PATH_MAX];
	bool any = false;

	pr_for_each_root (ret->now, i) {
		pr_for_each_child (top, ret->now->roots[i]->first_child) {
			for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
				if (f->removed || !f->facts || f->facts->driver ||
					pr_function_path(f, path, sizeof(path)) < 0 ||
					!pr_record_removes(record, path))
					continue;
				entry = roster_find(record, path);
				if (entry && entry->stays_unbound)
					continue;
				(void)backend->ops->probe(backend->instance, &f->address);
				any = true;
			}
		}
	}

	return any;
}

static bool release(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret)
{
	int r;

	if (!record->hold || !backend->ops->autoprobe)
		return false;
	r = backend->ops->autoprobe(backend->instance, true);
	if (r < 0)
		r = backend->ops->autoprobe(backend->instance, true);
	if (r < 0)
		note_unfinished(ret, r); /* the whole bus is without: this must not be forgotten */

	return backend->ops->probe && probe_found(record, backend, ret);
}

/* ---- all of them ---- */

bool pr_settings_early(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret)
{
	struct visit v = { .record = record, .backend = backend, .ret = ret };
	bool any = false;

	for (size_t i = 0; i < record->n_settings; i += v.n)
		if (visit_begin(&v, i))
			any |= visit_early(&v);

	return release(record, backend, ret) || any;
}

void pr_settings_early_virtual(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret)
{
	struct visit v = { .record = record, .backend = backend, .ret = ret };

	for (size_t i = 0; i < record->n_settings; i += v.n)
		if (visit_begin(&v, i) && v.f->facts->is_vf)
			(void)visit_early(&v);
}

/* A write may succeed and change nothing. */
static void note_attributes(struct visit *v)
{
	(void)read_attributes(v); /* not read again: as if nothing had changed */
	for (size_t i = 0; i < v->n; i++)
		if (v->settings[i].what->place == PR_PLACE_ATTRIBUTE && differs(v, &v->settings[i]))
			note_unrestored(v, v->settings[i].what->name);
}

static void visit_late(struct visit *v)
{
	bool attributes = false;
	int r;

	if (has_wrong_driver(v))
		note_unrestored(v, "driver");
	for (size_t i = 0; i < v->n; i++) {
		const struct pr_record_setting *s = &v->settings[i];

		if (!differs(v, s))
			continue;
		r = s->what->when == PR_WHEN_NO_DRIVER ? -EBUSY : write_setting(v, s);
		if (s->what->place == PR_PLACE_ATTRIBUTE)
			attributes = true;
		else if (r < 0)
			note_unrestored(v, s->what->name);
	}
	if (attributes)
		note_attributes(v);
}

void pr_settings_late(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret)
{
	struct visit v = { .record = record, .backend = backend, .ret = ret };

	ret->n_unrestored = 0;
	*ret->unrestored = '\0';
	for (size_t i = 0; i < record->n_settings; i += v.n)
		if (visit_begin(&v, i))
			visit_late(&v);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions after a rescan: their physical one's driver is asked for
 * them.  None is tried on what comes: each is set up first, and gets the right
 * one by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "exec/settings.h"

#define NUMBER    "sriov_numvfs"
#define AUTOPROBE "sriov_drivers_autoprobe"

/* ---- one physical function ---- */

static int set(
	const struct pr_backend *b, const struct pr_address *a, const char *name, const char *value)
{
	return b->ops->set_attribute ? b->ops->set_attribute(b->instance, a, name, value)
				     : -EOPNOTSUPP;
}

/* Once more when it failed: another helper may do better.  What it came to is seen by a look. */
static void try_set(
	const struct pr_backend *b, const struct pr_address *a, const char *name, const char *value)
{
	if (set(b, a, name, value) < 0)
		(void)set(b, a, name, value);
}

static int read_number(const struct pr_backend *b, const struct pr_address *a, uint32_t *ret)
{
	_cleanup_free_ char *value = NULL;
	char text[PR_ATTRIBUTES_MAX];
	uint64_t n;
	int r;

	if (!b->ops->attributes)
		return -EOPNOTSUPP;
	r = b->ops->attributes(b->instance, a, text, sizeof(text));
	if (r < 0)
		return r;
	value = pr_setting_attribute(pr_setting_find(NUMBER), text);
	if (!value || pr_parse_u64(value, 10, &n) < 0 || n > UINT16_MAX)
		return -EOPNOTSUPP;

	*ret = (uint32_t)n;
	return 0;
}

int pr_settings_set_vfs(
	const struct pr_backend *backend, const struct pr_address *a, uint32_t old, uint32_t value)
{
	char text[16];
	uint32_t now;
	int r;

	r = read_number(backend, a, &now);
	if (r < 0)
		return r;
	if (now != old)
		return -ESTALE;
	if (now != 0 && value != 0) {
		r = set(backend, a, NUMBER, "0");
		if (r < 0)
			return r;
	}
	(void)snprintf(text, sizeof(text), "%u", value);

	return set(backend, a, NUMBER, text);
}

/* ---- all that the record has ---- */

static bool is_number(const struct pr_record_setting *s)
{
	return strcmp(s->what->name, NUMBER) == 0;
}

bool pr_settings_replaced(const struct pr_record *record, const struct pr_record_setting *s)
{
	for (size_t i = 0; is_number(s) && i < record->n_steps; i++) {
		const struct pr_record_step *step = &record->steps[i];

		if (step->inverse == PR_INVERSE_VFS && step->value > 0 && step->done &&
			strcmp(step->path, s->path) == 0)
			return true;
	}

	return false;
}

/* It is there with its driver, and has none of those that it had. */
static const struct pr_function *wants_virtual(
	const struct pr_record_setting *s, const struct pr_restored *ret)
{
	const struct pr_function *f;

	if (!is_number(s) || strcmp(s->text, "0") == 0)
		return NULL;
	f = pr_topology_find_path(ret->now, s->path);

	return f && !f->removed && f->facts && f->facts->driver && f->facts->sriov_numvfs == 0
		       ? f
		       : NULL;
}

bool pr_settings_virtual(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret)
{
	bool any = false;

	for (size_t i = 0; i < record->n_settings; i++) {
		const struct pr_record_setting *s = &record->settings[i];
		const struct pr_function *f = wants_virtual(s, ret);

		if (!f || pr_settings_replaced(record, s))
			continue;
		/* refused: the wrong driver is taken off again */
		try_set(backend, &f->address, AUTOPROBE, "0");
		try_set(backend, &f->address, NUMBER, s->text);
		any = true;
	}

	return any;
}

/* It lies beside its virtual functions. */
static const struct pr_function *physical_of(const struct pr_function *vf)
{
	pr_for_each_child (f, vf->parent ? vf->parent->first_child : vf->root->first_child)
		if (pr_address_compare(&f->facts->address, &vf->facts->physfn) == 0)
			return f;

	return NULL;
}

void pr_settings_allow_virtual(const struct pr_backend *backend, const struct pr_function *vf)
{
	const struct pr_function *pf = physical_of(vf);

	if (pf)
		/* refused: so is the driver then, and that is told of */
		try_set(backend, &pf->address, AUTOPROBE, "1");
}

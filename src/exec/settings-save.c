/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before a run: what its functions are set to goes into the record, errors of
 * the ports above are masked, drivers are held off.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "exec/settings.h"

/* ---- keeping ---- */

struct saving {
	struct pr_record *record;
	const struct pr_plan *plan;
	const struct pr_topology *now;
	const struct pr_backend *backend;
	bool autoprobe; /* the bus tries drivers on what it finds: ours to hold and to release */
	bool wants_hold;
};

static bool is_unbound_by(const struct pr_plan *plan, const struct pr_function *f)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == PR_STEP_UNBIND &&
			pr_address_compare(&plan->steps[i].address, &f->address) == 0)
			return true;

	return false;
}

/* Taken away, and had again, with its physical function's others; or one that is to have some. */
static bool is_about_vfs(const struct pr_plan *plan, const struct pr_function *f)
{
	const struct pr_address *pf = f->facts->is_vf ? &f->facts->physfn : &f->address;

	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == PR_STEP_VFS &&
			pr_address_compare(&plan->steps[i].address, pf) == 0)
			return true;

	return false;
}

/* A port that stays, and above what goes. */
static bool is_guard(const struct saving *s, const struct pr_function *f)
{
	for (size_t i = 0; f->bridge && i < s->plan->n_steps; i++) {
		const struct pr_function *top;

		if (s->plan->steps[i].kind != PR_STEP_REMOVE)
			continue;
		top = pr_topology_find(s->now, &s->plan->steps[i].address);
		if (top && top->parent == f)
			return true;
	}

	return false;
}

static void add_register(struct saving *s, const struct pr_setting *what,
	const struct pr_function *f, const char *path)
{
	struct pr_record_setting *entry = &s->record->settings[s->record->n_settings];
	uint16_t offset;

	entry->path = path;
	entry->what = what;
	if (pr_setting_register(what, f, &offset, &entry->value))
		s->record->n_settings++;
}

static int add_attribute(struct saving *s, const struct pr_setting *what, const char *text,
	const struct pr_record_function *of)
{
	struct pr_record_setting *entry = &s->record->settings[s->record->n_settings];
	_cleanup_free_ char *value = pr_setting_attribute(what, text);

	if (!value)
		return 0;
	entry->path = of->path;
	entry->what = what;
	entry->text = pr_arena_strdup(s->record->arena, value);
	if (!entry->text)
		return -ENOMEM;

	if (strcmp(what->name, "driver_override") == 0 && *value)
		s->wants_hold = true;
	s->record->n_settings++;
	return 0;
}

static int read_attributes(
	struct saving *s, const struct pr_function *f, char text[PR_ATTRIBUTES_MAX])
{
	const struct pr_backend_ops *ops = s->backend->ops;
	int r;

	*text = '\0';
	if (!ops->attributes)
		return 0;
	r = ops->attributes(s->backend->instance, &f->address, text, PR_ATTRIBUTES_MAX);
	if (r == -EOPNOTSUPP)
		return 0;
	if (strstr(text, "drivers_autoprobe=1\n"))
		s->autoprobe = true;

	return r;
}

/* Errors that the firmware handles are left to it, registers and all. */
static bool is_firmwares(const char *attributes)
{
	return strstr(attributes, "aer=firmware\n") != NULL;
}

static int save_all(
	struct saving *s, const struct pr_function *f, const struct pr_record_function *entry)
{
	char text[PR_ATTRIBUTES_MAX];
	int r;

	r = read_attributes(s, f, text);
	for (size_t i = 0; r == 0 && i < pr_settings_count(); i++) {
		const struct pr_setting *what = pr_setting_at(i);

		if (what->place == PR_PLACE_ATTRIBUTE)
			r = add_attribute(s, what, text, entry);
		else if (what->place != PR_PLACE_AER || !is_firmwares(text))
			add_register(s, what, f, entry->path);
	}
	/* drivers are kept off virtual functions by their physical one */
	if (entry->stays_unbound && !f->facts->is_vf)
		s->wants_hold = true;

	return r;
}

static int save_guard(
	struct saving *s, const struct pr_function *f, const struct pr_record_function *entry)
{
	char text[PR_ATTRIBUTES_MAX];
	int r;

	r = read_attributes(s, f, text);
	for (size_t i = 0; r == 0 && i < pr_settings_count() && !is_firmwares(text); i++)
		if (pr_setting_at(i)->guard)
			add_register(s, pr_setting_at(i), f, entry->path);

	return r;
}

static int save_function(struct saving *s, const struct pr_record_function *entry)
{
	const struct pr_function *f = pr_topology_find_path(s->now, entry->path);

	if (pr_record_removes(s->record, entry->path) || is_unbound_by(s->plan, f) ||
		is_about_vfs(s->plan, f))
		return save_all(s, f, entry);

	return is_guard(s, f) ? save_guard(s, f, entry) : 0;
}

int pr_settings_save(struct pr_record *record, const struct pr_plan *plan,
	const struct pr_topology *now, const struct pr_backend *backend)
{
	struct saving s = { record, plan, now, backend, false, false };
	int r;

	record->settings = pr_new_array(
		record->arena, record->n_functions * pr_settings_count(), struct pr_record_setting);
	if (!record->settings)
		return -ENOMEM;
	for (size_t i = 0; i < record->n_functions; i++) {
		r = save_function(&s, &record->functions[i]);
		if (r < 0)
			return r;
	}

	record->hold = s.wants_hold && s.autoprobe && backend->ops->autoprobe;
	return 0;
}

/* ---- before the first step ---- */

static void guard(const struct pr_record_setting *s, const struct pr_topology *now,
	const struct pr_backend *backend)
{
	const struct pr_function *f = pr_topology_find_path(now, s->path);
	uint32_t value;
	uint16_t offset;

	if (!f || !f->bridge || !pr_setting_register(s->what, f, &offset, &value))
		return;
	if ((value & s->what->guard) != s->what->guard)
		(void)backend->ops->write(backend->instance, &f->address, offset, s->what->width,
			value | s->what->guard); /* see the header */
}

void pr_settings_guard(const struct pr_record *record, const struct pr_topology *now,
	const struct pr_backend *backend)
{
	for (size_t i = 0; backend->ops->write && i < record->n_settings; i++)
		if (record->settings[i].what->guard &&
			!pr_record_removes(record, record->settings[i].path))
			guard(&record->settings[i], now, backend);
}

void pr_settings_hold(const struct pr_record *record, const struct pr_backend *backend)
{
	if (record->hold && backend->ops->autoprobe)
		/* refused: the wrong driver is taken off again afterwards */
		(void)backend->ops->autoprobe(backend->instance, false);
}

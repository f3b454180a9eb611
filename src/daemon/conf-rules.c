/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions of a machine a rule of the configuration is about. */
#include <string.h>

#include "base/macros.h"
#include "daemon/conf.h"

#define PATH_BYTES 512

static bool id_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	return f->header.has_ids && (r->any_vendor || f->header.vendor == r->vendor) &&
	       (r->any_device || f->header.device == r->device);
}

static bool class_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	return f->header.has_class && f->header.class_code >> r->class_shift == r->class_code;
}

static bool slot_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	for (; f; f = f->parent)
		if (f->facts->slot && strcmp(f->facts->slot, r->slot) == 0)
			return true;

	return false;
}

/* The function at that path, and what is below it. */
static bool path_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	size_t length = strlen(r->path);
	char path[PATH_BYTES];

	return pr_function_path(f, path, sizeof(path)) >= 0 &&
	       strncmp(path, r->path, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool serial_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	return f->caps->has_serial == PR_YES && f->caps->serial == r->serial;
}

static bool driver_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	return f->facts->driver && strcmp(f->facts->driver, r->driver) == 0;
}

/* `removable` is the kernel's word for what is behind a port that faces outwards (drivers/pci/probe.c, pci_set_removable). */
static bool location_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	bool known = false;

	for (; f; f = f->parent) {
		if (!f->facts->removable)
			continue;
		known = true;
		if (strcmp(f->facts->removable, "removable") == 0)
			return r->external;
	}
	return known && !r->external;
}

bool pr_conf_rule_matches(const struct pr_conf_rule *r, const struct pr_function *f)
{
	static const struct {
		enum pr_match match;
		bool (*matches)(const struct pr_conf_rule *r, const struct pr_function *f);
	} questions[] = {
		{ PR_MATCH_ID, id_matches },
		{ PR_MATCH_CLASS, class_matches },
		{ PR_MATCH_SLOT, slot_matches },
		{ PR_MATCH_PATH, path_matches },
		{ PR_MATCH_SERIAL, serial_matches },
		{ PR_MATCH_DRIVER, driver_matches },
		{ PR_MATCH_LOCATION, location_matches },
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if (r->matches & questions[i].match && !questions[i].matches(r, f))
			return false;

	return true;
}

static enum pr_known trust_of(const struct pr_conf_rule *r)
{
	return r->trust;
}

static enum pr_known resize_of(const struct pr_conf_rule *r)
{
	return r->resize;
}

/* What the first rule about @f says that says anything; else yes. */
static bool is_allowed(const struct pr_conf *c, const struct pr_function *f,
	enum pr_known (*said)(const struct pr_conf_rule *r))
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (said(&c->rules[i]) != PR_UNKNOWN && pr_conf_rule_matches(&c->rules[i], f))
			return said(&c->rules[i]) == PR_YES;

	return true;
}

bool pr_conf_trusts(const struct pr_conf *c, const struct pr_function *f)
{
	return is_allowed(c, f, trust_of);
}

bool pr_conf_resizes(const struct pr_conf *c, const struct pr_function *f)
{
	return is_allowed(c, f, resize_of);
}

const struct pr_conf_rule *pr_conf_forbids(const struct pr_conf *c, const struct pr_function *f)
{
	const struct pr_policy nothing_pinned = { .limit = PR_DISRUPTION_IN_USE };
	enum pr_disruption disruption = PR_DISRUPTION_FREE;

	if (c->n_rules > 0)
		disruption = pr_function_disruption(f, &nothing_pinned, NULL);
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct pr_conf_rule *r = &c->rules[i];

		if ((r->never || (disruption > r->limit && disruption != PR_DISRUPTION_PINNED)) &&
			pr_conf_rule_matches(r, f))
			return r; /* what is pinned anyway keeps its own reason */
	}
	return NULL;
}

const struct pr_slot_reserve *pr_conf_reserve(const struct pr_conf *c, const struct pr_function *f)
{
	if (!f->bridge || !f->bridge->hotplug)
		return NULL;
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].reserves && pr_conf_rule_matches(&c->rules[i], f))
			return &c->rules[i].reserve;
	return NULL;
}

bool pr_conf_guards(const struct pr_conf *c, const struct pr_function *f)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].guard && pr_conf_rule_matches(&c->rules[i], f))
			return true;
	return false;
}

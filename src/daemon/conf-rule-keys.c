/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a rule of the configuration: what it matches, and what it says of that. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "daemon/conf-read.h"

void pr_conf_rule_deinit(struct pr_conf_rule *r)
{
	free(r->name);
	free(r->slot);
	free(r->path);
	free(r->driver);
}

int pr_conf_rule_end(void *target, const char **why)
{
	const struct pr_conf_rule *r = target;

	if (!r->matches)
		*why = "\"match\" is missing, with at least one key";
	else if (!r->never && !r->guard && !r->reserves && r->limit == PR_DISRUPTION_PINNED &&
		 r->trust == PR_UNKNOWN && r->resize == PR_UNKNOWN)
		*why = "\"disruption\", \"guard\", \"trust\", \"resize\" or \"reserve\" is missing";
	else
		return 0;
	return 1;
}

static size_t hex_run(const char *s)
{
	return strspn(s, "0123456789abcdef");
}

bool pr_conf_is_path(const char *s)
{
	size_t n = hex_run(s);

	if (n < 4 || n > 8 || s[n] != ':' || hex_run(s + n + 1) != 2)
		return false;
	for (s += n + 3; *s == '/'; s += 5) {
		if (hex_run(s + 1) != 2 || s[3] != '.' || s[4] < '0' || s[4] > '7')
			return false;
		if (s[5] == '\0')
			return true;
	}
	return false;
}

static int set_text(char **text, const char *value)
{
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

static int set_rule_name(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	(void)why;
	return set_text(&r->name, value);
}

static int set_rule_limit(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	r->never = strcmp(value, "never") == 0;
	if (r->never)
		return 0;
	if (!pr_disruption_parse(value, &r->limit) || r->limit > PR_DISRUPTION_RESTART) {
		*why = "it is never, free or restart";
		return 1;
	}
	return 0;
}

static int set_answer(const char *value, enum pr_known *ret, const char **why)
{
	*why = "it is yes or no";
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return 1;
	*ret = *value == 'y' ? PR_YES : PR_NO;
	return 0;
}

static int set_rule_guard(void *target, const char *value, const char **why)
{
	enum pr_known guard = PR_NO;
	struct pr_conf_rule *r = target;
	int k = set_answer(value, &guard, why);

	r->guard = guard == PR_YES;
	return k;
}

static int set_rule_trust(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	return set_answer(value, &r->trust, why);
}

static int set_rule_resize(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	return set_answer(value, &r->resize, why);
}

/* @digits hexadecimal digits or "*", up to @end; false for anything else. */
static bool parse_id(const char *text, const char *end, bool *ret_any, uint16_t *ret)
{
	char digits[5] = "";
	uint64_t n;

	*ret_any = end - text == 1 && *text == '*';
	if (*ret_any)
		return true;
	if (end - text != 4 || hex_run(text) < 4)
		return false;
	memcpy(digits, text, 4);
	if (pr_parse_u64(digits, 16, &n) < 0)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static int set_match_id(void *target, const char *value, const char **why)
{
	const char *colon = strchr(value, ':');
	struct pr_conf_rule *r = target;

	if (!colon || !parse_id(value, colon, &r->any_vendor, &r->vendor) ||
		!parse_id(colon + 1, colon + strlen(colon), &r->any_device, &r->device)) {
		*why = "vendor and device, four hexadecimal digits or * each (10de:1db6, 10de:*)";
		return 1;
	}
	r->matches |= PR_MATCH_ID;
	return 0;
}

static int set_match_class(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;
	size_t n = strlen(value);
	uint64_t code;

	if ((n != 2 && n != 4 && n != 6) || hex_run(value) != n ||
		pr_parse_u64(value, 16, &code) < 0) {
		*why = "two, four or six hexadecimal digits (01, 0108, 010802)";
		return 1;
	}
	r->class_shift = (uint8_t)(24 - 4 * n);
	r->class_code = (uint32_t)code;
	r->matches |= PR_MATCH_CLASS;
	return 0;
}

static int set_match_slot(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	(void)why;
	r->matches |= PR_MATCH_SLOT;
	return set_text(&r->slot, value);
}

static int set_match_driver(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	(void)why;
	r->matches |= PR_MATCH_DRIVER;
	return set_text(&r->driver, value);
}

static int set_match_path(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	if (!pr_conf_is_path(value)) {
		*why = "a path (0000:00/02.0/00.0)";
		return 1;
	}
	r->matches |= PR_MATCH_PATH;
	return set_text(&r->path, value);
}

/* As lspci prints it: eight bytes with dashes, the highest first. */
static int set_match_serial(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;
	uint64_t serial = 0, byte;
	char digits[3] = "";

	*why = "eight bytes with dashes (00-1b-21-ff-ff-48-a6-9c)";
	if (strlen(value) != 23)
		return 1;
	for (size_t i = 0; i < 8; i++) {
		memcpy(digits, value + 3 * i, 2);
		if (hex_run(digits) != 2 || (i < 7 && value[3 * i + 2] != '-') ||
			pr_parse_u64(digits, 16, &byte) < 0)
			return 1;
		serial = serial << 8 | byte;
	}
	r->serial = serial;
	r->matches |= PR_MATCH_SERIAL;
	return 0;
}

static int set_match_location(void *target, const char *value, const char **why)
{
	struct pr_conf_rule *r = target;

	if (strcmp(value, "external") != 0 && strcmp(value, "internal") != 0) {
		*why = "it is external or internal";
		return 1;
	}
	r->external = *value == 'e';
	r->matches |= PR_MATCH_LOCATION;
	return 0;
}

static const struct pr_conf_key match_keys[] = {
	{ .name = "id", .noun = "id", .set = set_match_id },
	{ .name = "class", .noun = "class", .set = set_match_class },
	{ .name = "slot", .noun = "slot", .set = set_match_slot },
	{ .name = "path", .noun = "path", .set = set_match_path },
	{ .name = "serial", .noun = "serial number", .set = set_match_serial },
	{ .name = "driver", .noun = "driver", .set = set_match_driver },
	{ .name = "location", .noun = "location", .set = set_match_location },
};
static const struct pr_conf_table match_table = { match_keys, ARRAY_SIZE(match_keys) };

/* ---- what a slot is to have ---- */

static int begin_reserve(void *target, void **ret, const char **why)
{
	struct pr_conf_rule *r = target;

	(void)why;
	*ret = &r->reserve;
	r->reserves = true;
	return 0;
}

static int end_reserve(void *target, const char **why)
{
	const struct pr_slot_reserve *w = target;

	if (w->io || w->mem || w->pref || w->buses)
		return 0;
	*why = "memory, prefetchable, io or buses is missing";
	return 1;
}

static int set_room(const char *value, unsigned int window, uint64_t *ret)
{
	uint64_t size;

	if (pr_parse_size(value, &size) < 0 || size % pr_window_unit(window) != 0)
		return 1;
	*ret = size;
	return 0;
}

static int set_reserve_mem(void *target, const char *value, const char **why)
{
	struct pr_slot_reserve *w = target;

	*why = "a multiple of 1M (64M, 1G)";
	return set_room(value, PR_WINDOW_MEM, &w->mem);
}

static int set_reserve_pref(void *target, const char *value, const char **why)
{
	struct pr_slot_reserve *w = target;

	*why = "a multiple of 1M (64M, 1G)";
	return set_room(value, PR_WINDOW_PREF, &w->pref);
}

static int set_reserve_io(void *target, const char *value, const char **why)
{
	struct pr_slot_reserve *w = target;

	*why = "a multiple of 4K, up to 64K";
	return set_room(value, PR_WINDOW_IO, &w->io) != 0 || w->io > 64 * 1024;
}

static int set_reserve_buses(void *target, const char *value, const char **why)
{
	struct pr_slot_reserve *w = target;
	uint64_t n;

	*why = "a number from 1 to 256, the slot's own included";
	if (pr_parse_u64(value, 10, &n) < 0 || n < 1 || n > 256)
		return 1;
	w->buses = (unsigned int)n;
	return 0;
}

static const struct pr_conf_key reserve_keys[] = {
	{ .name = "memory", .noun = "size", .set = set_reserve_mem },
	{ .name = "prefetchable", .noun = "size", .set = set_reserve_pref },
	{ .name = "io", .noun = "size", .set = set_reserve_io },
	{ .name = "buses", .noun = "number of buses", .set = set_reserve_buses },
};
static const struct pr_conf_table reserve_table = { reserve_keys, ARRAY_SIZE(reserve_keys) };

static const struct pr_conf_key rule_keys[] = {
	{ .name = "name", .noun = "name", .set = set_rule_name },
	{ .name = "match", .noun = "match", .inside = &match_table },
	{ .name = "disruption", .noun = "disruption", .set = set_rule_limit },
	{ .name = "guard", .noun = "guard", .set = set_rule_guard },
	{ .name = "trust", .noun = "trust", .set = set_rule_trust },
	{ .name = "resize", .noun = "resize", .set = set_rule_resize },
	{ .name = "reserve",
		.noun = "reserve",
		.inside = &reserve_table,
		.begin = begin_reserve,
		.end = end_reserve },
};
const struct pr_conf_table pr_conf_rule_table = { rule_keys, ARRAY_SIZE(rule_keys) };

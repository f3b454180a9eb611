/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language of configuration files: its keys, and what their values may be.
 * conf-rule-keys.c has those of a rule; conf-read.c reads it, conf-files.c knows
 * the directories, conf-rules.c what a rule matches.
 */
#include "daemon/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "daemon/conf-read.h"

static const char *const mode_names[_PR_MODE_MAX] = {
	[PR_MODE_ADVISE] = "advise",
	[PR_MODE_ASK] = "ask",
	[PR_MODE_AUTO] = "auto",
};

const char *pr_mode_name(enum pr_mode m)
{
	return mode_names[m];
}

void pr_conf_init(struct pr_conf *c)
{
	*c = (struct pr_conf){
		.mode = PR_MODE_ADVISE,
		.disruption = PR_DISRUPTION_FREE,
		.settle_usec = 2000000,
		.deadline_usec = 30000000,
		.delay_usec = 5000000, /* what systemd-logind gives before a suspend */
	};
}

void pr_conf_deinit(struct pr_conf *c)
{
	for (size_t i = 0; i < c->n_pinned; i++)
		free(c->pinned[i]);
	free(c->pinned);
	for (size_t i = 0; i < c->n_rules; i++)
		pr_conf_rule_deinit(&c->rules[i]);
	free(c->rules);
	*c = (struct pr_conf){ 0 };
}

const char *pr_conf_summary(const struct pr_conf *c, char ret[PR_CONF_SUMMARY_MAX])
{
	(void)snprintf(ret, PR_CONF_SUMMARY_MAX,
		"mode %s, disruption limit %s, devices pinned: %zu, rules: %zu",
		pr_mode_name(c->mode), pr_disruption_name(c->disruption), c->n_pinned, c->n_rules);
	return ret;
}

/* ---- values: 0, 1 with @why (what a good one looks like), -ENOMEM ---- */

static int set_mode(void *target, const char *value, const char **why)
{
	struct pr_conf *c = target;

	for (unsigned int i = 0; i < _PR_MODE_MAX; i++) {
		if (strcmp(value, mode_names[i]) == 0) {
			c->mode = (enum pr_mode)i;
			return 0;
		}
	}
	*why = "it is advise, ask or auto";
	return 1;
}

static int set_disruption(void *target, const char *value, const char **why)
{
	struct pr_conf *c = target;
	enum pr_disruption d;

	if (!pr_disruption_parse(value, &d) || d > PR_DISRUPTION_IN_USE) {
		*why = "it is free, restart or in-use";
		return 1;
	}
	c->disruption = d;
	return 0;
}

/* "500ms", "2s", "1min": digits and a unit, nothing between; false for anything else. */
static bool parse_duration(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t usec;
	} units[] = { { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 } };
	size_t digits = strspn(text, "0123456789");
	char number[12];
	uint64_t n;

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (pr_parse_u64(number, 10, &n) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].unit) == 0)
			return !__builtin_mul_overflow(n, units[i].usec, ret);
	}
	return false;
}

static int set_duration(const char *value, uint64_t low, uint64_t high, uint64_t *ret)
{
	uint64_t usec;

	if (!parse_duration(value, &usec) || usec < low || usec > high)
		return 1;
	*ret = usec;
	return 0;
}

static int set_settle(void *target, const char *value, const char **why)
{
	struct pr_conf *c = target;

	*why = "a number with a unit, 100ms to 60s";
	return set_duration(value, 100000, 60000000, &c->settle_usec);
}

/* The upper end is the longest deadline that the helper grants. */
static int set_deadline(void *target, const char *value, const char **why)
{
	struct pr_conf *c = target;

	*why = "a number with a unit, 1s to 10min";
	return set_duration(value, 1000000, 600000000, &c->deadline_usec);
}

static int set_delay(void *target, const char *value, const char **why)
{
	struct pr_conf *c = target;

	*why = "a number with a unit, 100ms to 60s";
	return set_duration(value, 100000, 60000000, &c->delay_usec);
}

static int add_pinned(void *target, const char *value, const char **why)
{
	struct pr_conf *c = target;
	char canonical[PR_ADDRESS_MAX];
	struct pr_address a;
	char **grown;

	if (pr_address_parse(value, &a)) {
		pr_address_format(&a, canonical);
		value = canonical;
	} else if (!pr_conf_is_path(value)) {
		*why = "an address (0000:03:00.0) or a path (0000:00/02.0/00.0)";
		return 1;
	}
	if (c->n_pinned >= PR_CONF_PINNED_MAX) {
		*why = "there are too many of them";
		return 1;
	}
	grown = reallocarray(c->pinned, c->n_pinned + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->pinned = grown;
	c->pinned[c->n_pinned] = strdup(value);
	if (!c->pinned[c->n_pinned])
		return -ENOMEM;
	c->n_pinned++;
	return 0;
}

/* ---- the whole ---- */

static int begin_rule(void *target, void **ret, const char **why)
{
	struct pr_conf *c = target;
	struct pr_conf_rule *grown;

	if (c->n_rules >= PR_CONF_RULES_MAX) {
		*why = "there are too many of them";
		return 1;
	}
	grown = reallocarray(c->rules, c->n_rules + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->rules = grown;
	c->rules[c->n_rules] = (struct pr_conf_rule){ .limit = PR_DISRUPTION_PINNED };
	*ret = &c->rules[c->n_rules++];
	return 0;
}

static const struct pr_conf_key keys[] = {
	{ .name = "mode", .noun = "mode", .set = set_mode },
	{ .name = "disruption", .noun = "disruption", .set = set_disruption },
	{ .name = "settle", .noun = "settle time", .set = set_settle },
	{ .name = "deadline", .noun = "deadline", .set = set_deadline },
	{ .name = "delay", .noun = "delay", .set = set_delay },
	{ .name = "pinned", .noun = "device", .shape = PR_CONF_LIST, .set = add_pinned },
	{ .name = "rules",
		.noun = "rule",
		.shape = PR_CONF_LIST,
		.inside = &pr_conf_rule_table,
		.begin = begin_rule,
		.end = pr_conf_rule_end },
};
static const struct pr_conf_table table = { keys, ARRAY_SIZE(keys) };

int pr_conf_parse(struct pr_conf *c, const char *name, const char *text, size_t size,
	struct pr_conf_error *error)
{
	return pr_conf_read(&table, c, name, text, size, error);
}

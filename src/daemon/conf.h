/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration of the daemon: what the YAML files say, and nothing of what is
 * done with it.  Parsers eat buffers; an error shows file, line, column, the
 * line itself and a caret.
 */
#pragma once

#include "pciroom/plan.h"

enum pr_mode {
	PR_MODE_ADVISE = 0, /* explain, plan, announce; touch nothing */
	PR_MODE_ASK,        /* offer the plan as an object, for somebody to have it applied */
	PR_MODE_AUTO,       /* apply plans up to the disruption limit */
	_PR_MODE_MAX,
};
const char *pr_mode_name(enum pr_mode m);

#define PR_CONF_FILE_MAX   (1u << 20) /* bytes of one file */
#define PR_CONF_PINNED_MAX 4096u      /* entries of all files together */

#define PR_CONF_RULES_MAX 1024u

enum pr_match {
	PR_MATCH_ID = 1 << 0,
	PR_MATCH_CLASS = 1 << 1,
	PR_MATCH_SLOT = 1 << 2,
	PR_MATCH_PATH = 1 << 3,
	PR_MATCH_SERIAL = 1 << 4,
	PR_MATCH_DRIVER = 1 << 5,
	PR_MATCH_LOCATION = 1 << 6,
};
/* What may be done to the functions that fulfil everything it asks for. */
struct pr_conf_rule {
	char *name;           /* NULL: none */
	unsigned int matches; /* enum pr_match: what is asked for; the others count for nothing */
	bool any_vendor, any_device;
	uint16_t vendor, device;
	uint32_t class_code; /* its upper digits, as many as were given */
	uint8_t class_shift; /* bits of the class that were not given */
	bool external;       /* else internal */
	uint64_t serial;
	char *slot, *path, *driver;
	bool guard;                     /* slots that it matches are guarded */
	bool reserves;                  /* ports that it matches are to have @reserve */
	struct pr_slot_reserve reserve; /* of no slot: whichever the rule matches */
	enum pr_known trust;            /* UNKNOWN: the rule does not say */
	enum pr_known resize;           /* the same */
	bool never;                     /* not to be touched at all; else: */
	/* FREE or RESTART: the most that may be disturbed; PINNED: the rule does not say */
	enum pr_disruption limit;
};

struct pr_conf {
	enum pr_mode mode;
	enum pr_disruption disruption; /* limit of auto: FREE, RESTART or IN_USE */
	uint64_t settle_usec;          /* quiet time after the last hot-plug event */
	uint64_t deadline_usec;        /* of one blocking write of the helper */
	uint64_t delay_usec;           /* most that programs are given before a plan */
	char **pinned;                 /* addresses with their domain, or paths */
	size_t n_pinned;
	struct pr_conf_rule *rules;
	size_t n_rules;
};
struct pr_conf_error {
	char text
		/* "FILE:LINE:COLUMN: why", the line, the caret; without newline at its end */
		[1024];
};

void pr_conf_init(struct pr_conf *c); /* the defaults */
void pr_conf_deinit(struct pr_conf *c);

/*
 * Reads one file's @text over @c; @name is for messages.  0, 1 with @error for
 * bad input (@c may then be half changed: it is a scratch copy), -ENOMEM.
 */
int pr_conf_parse(struct pr_conf *c, const char *name, const char *text, size_t size,
	struct pr_conf_error *error);

/*
 * Reads every *.yaml of @directories (earliest first).  A name found in several
 * directories counts in the last of them only; files are read in the order of
 * their names, a later key overrides an earlier one, pins add up.  A directory
 * that does not exist is empty.  @ret is written on success only.  Returns as
 * pr_conf_parse().
 */
int pr_conf_load(
	const char *const *directories, size_t n, struct pr_conf *ret, struct pr_conf_error *error);
/* The same of these files, each over the one before it. */
int pr_conf_load_files(
	const char *const *paths, size_t n, struct pr_conf *ret, struct pr_conf_error *error);

#define PR_CONF_SUMMARY_MAX 160
/* "mode advise, disruption limit free, devices pinned: 0, rules: 0" */
const char *pr_conf_summary(const struct pr_conf *c, char ret[PR_CONF_SUMMARY_MAX]);

/*
 * Does @f fulfil all that @r asks for?  What is not known of it does not match.  Slot, path and location are those of
 * the function or of a bridge above it.
 */
bool pr_conf_rule_matches(const struct pr_conf_rule *r, const struct pr_function *f);
/* By the first rule that says; else it is trusted: mode auto makes room for it. */
bool pr_conf_trusts(const struct pr_conf *c, const struct pr_function *f);
/* By the first rule that says; else its BARs may have other sizes. */
bool pr_conf_resizes(const struct pr_conf *c, const struct pr_function *f);
/* The first rule by which @f must not be touched in its present use; NULL: none. */
const struct pr_conf_rule *pr_conf_forbids(const struct pr_conf *c, const struct pr_function *f);
/* What the first rule that says wants the slot of port @f to have; NULL: nothing, or it is no hot-plug port. */
const struct pr_slot_reserve *pr_conf_reserve(const struct pr_conf *c, const struct pr_function *f);
/* Some rule wants the slot of port @f guarded. */
bool pr_conf_guards(const struct pr_conf *c, const struct pr_function *f);

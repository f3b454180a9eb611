/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the search for effects of new addresses share.  Each part
 * adds to the plan; what cannot be read is noted and no error.  Knows nothing
 * of users of functions: who uses a card is users.c's.
 */
#pragma once

#include "import/sysfs.h"
#include "pciroom/plan.h"

/* More effects than anybody reads; beyond them the plan says that there are more. */
#define PR_EFFECTS_MAX 512u

/* A name that is gone after the plan: of an interface, main or alternative. */
struct pr_gone_name {
	const char *before, *after; /* @after NULL: not known */
	const struct pr_function *function;
};
struct pr_effects_search {
	struct pr_plan *plan;
	struct pr_sysfs sysfs; /* root and arena */
	struct pr_gone_name *names;
	size_t n_names, max_names, max_effects;
	size_t bytes; /* read from files so far */
	bool full;    /* something was left out */
};

/* The plan's renumbered function that has @address now; NULL: it keeps it. */
const struct pr_renumbered *pr_renumbered_find(
	const struct pr_plan *plan, const struct pr_address *address);
/* 0, also when there are too many; -ENOMEM. */
int pr_effect_add(struct pr_effects_search *s, const struct pr_effect *effect);
/* Something else that could not be looked at; NULL: memory was short. */
int pr_effects_note_unseen(struct pr_effects_search *s, const char *what);

/* ---- mentions-net.c, mentions-links.c, mentions-files.c ---- */

int pr_effects_find_interfaces(struct pr_effects_search *s);
int pr_effects_find_links(struct pr_effects_search *s);
int pr_effects_find_files(struct pr_effects_search *s);

/* ---- mentions-text.c: pure ---- */

enum pr_mention_style {
	PR_MENTION_HASH = 1 << 0,    /* lines that begin with '#' or ';' are comments */
	PR_MENTION_LIBVIRT = 1 << 1, /* addresses of the host are attributes of <address/> */
	PR_MENTION_X11 = 1 << 2,     /* "PCI:8@0:0:0" */
	PR_MENTION_CARD = 1 << 3, /* "0000:08:00" is all functions of a card, told as the first */
};
/*
 * Calls @found for each line of @text that names an address (in whatever form) or a word of
 * @names, once for each of them.  The address or the name is given, the other one is NULL.
 * Stops at, and returns, what @found returns when that is not 0.
 */
struct pr_mention_sink {
	const char *const *names;
	size_t n_names;
	int (*found)(void *userdata, unsigned int line, const struct pr_address *a, size_t name);
	void *userdata;
};
int pr_mentions_scan(
	const char *text, size_t size, unsigned int style, const struct pr_mention_sink *sink);
/* The first address in @text; its beginning and length.  False when there is none. */
bool pr_mention_address(
	const char *text, size_t size, struct pr_address *ret, size_t *ret_at, size_t *ret_length);

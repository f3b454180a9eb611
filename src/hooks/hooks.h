/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks: an administrator's programs that are asked before a device is paused
 * and told afterwards.  Finding and running them; what they are told is the
 * caller's text, and what follows from an answer is not known here.
 */
#pragma once

#include <stddef.h>

#define PR_HOOK_NAME_MAX 64
#define PR_HOOK_TEXT_MAX 200
#define PR_HOOKS_MAX     64
/* A script asks for its own deadline: a line "# pciroom-deadline: SECONDS" near its beginning. */
#define PR_HOOK_DEADLINE_MAX_S 600

struct pr_hook {
	char name[PR_HOOK_NAME_MAX];
	char path[512];
	unsigned int deadline_ms; /* that it asks for itself; 0: none */
};
struct pr_hooks {
	struct pr_hook list[PR_HOOKS_MAX]; /* by name */
	size_t n;
};

enum pr_hook_answer {
	PR_HOOK_AGREE = 0, /* exit status 0 */
	PR_HOOK_PIN,       /* 1, or anything that is no answer: killed, too late, another status */
	PR_HOOK_NOT_MINE,  /* 2 */
};

/*
 * Programs in @directories; of two with one name the one in the earlier directory counts, and a
 * link to /dev/null there hides it.  Names are letters, digits, '-' and '_'.  What others than root
 * (or this process's user) could have written is left out, and named on standard error; so is a
 * deadline that is none.  0, or
 * negative errno for a directory that cannot be read; one that is absent is empty.
 */
int pr_hooks_find(const char *const *directories, size_t n, struct pr_hooks *ret);

/*
 * Runs @hook with the argument @phase and @text on its standard input, for at most @deadline_ms: then
 * it and its children are killed.  @ret_text: first line of its standard output, or why there was
 * no answer.  Negative errno when it could not be started.
 */
int pr_hook_run(const struct pr_hook *hook, const char *phase, const char *text, size_t size,
	unsigned int deadline_ms, enum pr_hook_answer *ret, char ret_text[PR_HOOK_TEXT_MAX]);

/* "agree", "pin", "not-mine" */
const char *pr_hook_answer_name(enum pr_hook_answer a);

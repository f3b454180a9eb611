/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as it would be: cards added and removed, another kernel, as the
 * options of what-if and survey say.  Knows nothing of how answers look.
 */
#pragma once

#include "cli/plan.h"
#include "pciroom/what-if.h"

/* A card that comes; both members are kept by the changes. */
struct pr_addition {
	const struct pr_template *template;
	struct pr_address port;
};

struct pr_changes {
	const struct pr_cli *cli;
	struct pr_topology *machine; /* with all of them */
	struct pr_question question; /* on that machine, once it has been asked */
	struct pr_template **templates;
	struct pr_addition *additions;
	struct pr_address *ports; /* of the additions */
	size_t n;
};

/*
 * @t as @cli changes it (--kernel, --cmdline, --remove), with the cards @added, each TEMPLATE@SLOT.
 * An enum pr_exit, told: PR_EXIT_INFEASIBLE when a card can not even be described in its slot.
 */
int pr_changes_make(const struct pr_cli *cli, const struct pr_topology *t, const char *const *added,
	size_t n_added, struct pr_changes *ret);
void pr_changes_deinit(struct pr_changes *x);
/* Another kernel or command line is asked for: the machine boots first. */
bool pr_changes_boot(const struct pr_cli *cli);
/* Whether that kernel and that command line can be understood; PR_EXIT_ERROR, told. */
int pr_changes_check_boot(const struct pr_cli *cli);
/* Whether @cli asks for anything of the kind. */
bool pr_changes_any(const struct pr_cli *cli);
/* @f is one that a card can be plugged in behind. */
bool pr_is_slot_port(const struct pr_function *f);
/*
 * What becomes of the machine, for what @x->cli asks beside; a plan in it holds.  Once for each @x,
 * which must outlive the answer.  An enum pr_exit, told.
 */
int pr_changes_answer(struct pr_changes *x, struct pr_what_if **ret);
/* Exit code of an answer. */
int pr_what_if_exit(const struct pr_what_if *w);

/*
 * A verb that shows one such answer: opens the machine, changes it, asks, and hands on the exit code
 * of @show.
 */
int pr_changes_show(
	const struct pr_cli *cli, int (*show)(const struct pr_cli *cli, const struct pr_source *s,
					  const struct pr_changes *x, const struct pr_what_if *w));

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
/* @f is one that a card can be plugged in behind. */
bool pr_is_slot_port(const struct pr_function *f);
/* What becomes of the machine; an enum pr_exit, told. */
int pr_changes_answer(
	const struct pr_changes *x, const struct pr_question *q, struct pr_what_if **ret);
/* What works at once needs no plan, unless @cli asks for more than cards. */
bool pr_what_if_suffices(const struct pr_cli *cli, const struct pr_what_if *w);

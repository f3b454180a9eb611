/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's sentences: what is wrong, what would mend it, what is being
 * done, as an administrator reads them in the journal.  Text only.
 */
#pragma once

#include "pciroom/doctor.h"
#include "pciroom/plan.h"

struct pr_sentence {
	char text[600];
};

/* What is wrong with @f, from an explanation that covers it. */
struct pr_sentence pr_say_dead(const struct pr_explanation *e, const struct pr_function *f);
/* What a plan removes, disturbs and mends. */
struct pr_sentence pr_say_plan(const struct pr_plan *p);
/*
 * The command with which an administrator carries it out, when it is for all that is dead or for
 * room; "" when that is longer than any sentence.
 */
struct pr_sentence pr_say_command(const struct pr_plan *p);
struct pr_sentence pr_say_step(const struct pr_step *step);
/* What a hot-add at the port would cost whom, without the port itself. */
struct pr_sentence pr_say_armed(const struct pr_armed *a);
/* What a slot lacks, without the slot itself. */
struct pr_sentence pr_say_lack(const struct pr_slot_lack *lack);
/* "none", "integrity", "confidentiality", "unknown" */
const char *pr_say_lockdown(const struct pr_topology *t);

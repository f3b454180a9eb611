/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in full, as text: what the machine will be, and commands that a person could type. */
#pragma once

#include "base/text.h"
#include "pciroom/plan.h"

/* JSON, schema pciroom.prediction/1: every function, as the plan leaves it. */
void pr_write_prediction(struct pr_text *t, const struct pr_plan *p);
/* The steps as a shell script, to read or to run by hand. */
void pr_write_script(struct pr_text *t, const struct pr_plan *p);

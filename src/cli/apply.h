/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What apply and rollback share. */
#pragma once

#include "pciroom/exec.h"

/* An enum pr_exit. */
int pr_outcome_exit(enum pr_outcome o);

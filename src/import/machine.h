/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of the machine as a whole: kernel, command line, lockdown, firmware's names, hypervisor. */
#pragma once

#include "import/sysfs.h"

/* What cannot be read is NULL.  @root is the path of the root of @s: "/" is this machine. */
void pr_machine_read(const struct pr_sysfs *s, const char *root, struct pr_machine *ret);

/* Selected word of "none [integrity] confidentiality"; NULL when there is none.  In the arena. */
const char *pr_lockdown_parse(const char *text, struct pr_arena *arena);
/* True when the first "flags" line of a cpuinfo has the word "hypervisor". */
bool pr_cpuinfo_hypervisor(const char *text, size_t size);

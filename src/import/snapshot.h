/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What writer and reader of snapshots agree on; keys and their meaning: see snapshot-write.c. */
#pragma once

#include "import/yaml.h"

#define PR_SNAPSHOT_FORMAT "pciroom-snapshot/1"

/* Limits of the reader. */
#define PR_SNAPSHOT_SIZE_MAX   ((size_t)64 << 20) /* bytes of text */
#define PR_SNAPSHOT_CONFIG_MAX 4096               /* bytes of a function's configuration space */
#define PR_SNAPSHOT_LINES_MAX  64                 /* resource lines of a function */
#define PR_SNAPSHOT_MASKS_MAX  15                 /* six BARs, the ROM, six VF BARs, two windows */

/* One item of the list of functions; @userdata is the struct pr_builder that it goes into. */
int pr_snapshot_read_function(struct pr_yaml *y, void *userdata);

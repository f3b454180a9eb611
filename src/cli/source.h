/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the topology comes from: a recording (--input), this machine looked at
 * by ourselves (--local), or the daemon.
 */
#pragma once

#include "cli/cli.h"
#include "cli/local.h"
#include "cli/remote.h"
#include "pciroom/import.h"

struct pr_source {
	struct pr_topology *topology;
	struct pr_local *local;       /* else NULL */
	struct pr_remote *remote;     /* else NULL; both are NULL for a recording */
	struct pr_import_notes notes; /* of a recording */
};

/*
 * An enum pr_exit, with the reason told when it is not PR_EXIT_OK.  @acts: the
 * verb is going to change the machine, so a silent fall back from the daemon
 * to ourselves is not wanted.
 */
int pr_source_open(const struct pr_cli *cli, bool acts, struct pr_source *ret);
void pr_source_close(struct pr_source *s);

/* What a recording does not say; NULL for the machine itself. */
const struct pr_import_notes *pr_source_notes(const struct pr_source *s);

/* pr_import_live() through @local; returns an enum pr_exit. */
int pr_source_look(struct pr_source *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This machine without the daemon: looked at by ourselves, with a private
 * pciroom-helper for what needs privilege, and plans run in this process.
 */
#pragma once

#include "cli/card-change.h"
#include "cli/cli.h"
#include "pciroom/exec.h"

struct pr_local;

/*
 * With privilege, starts the helper.  @acts: without helper and privilege it is
 * an error.  Returns an enum pr_exit, as do the others; failures are told.
 */
int pr_local_open(const struct pr_cli *cli, bool acts, struct pr_local **ret);
void pr_local_close(struct pr_local *l); /* NULL is fine */
int pr_local_look(struct pr_local *l, struct pr_topology **ret);

/* What the helper does for us; after pr_local_open() with @acts. */
const struct pr_backend *pr_local_backend(const struct pr_local *l);
/* From now on SIGINT and SIGTERM are asked for, and a terminal that goes away ends nothing. */
void pr_local_take_signals(void);
bool pr_local_interrupted(void);

/* Takes the journal: one writer a machine.  @ret_pending: an earlier run was interrupted. */
int pr_local_lock(struct pr_local *l, bool *ret_pending);
void pr_local_unlock(struct pr_local *l);
/* Both after pr_local_lock(). */
int pr_local_recover(struct pr_local *l, struct pr_report *ret);
/* Borrowed, for the runs that follow; NULL: nothing replaces a card. */
void pr_local_set_change(struct pr_local *l, const struct pr_card_change *change);
/* @confirm_s: undone unless standard input says y in so many seconds; 0: nobody is asked. */
int pr_local_run(struct pr_local *l, const struct pr_plan *plan, unsigned int confirm_s,
	struct pr_report *ret);

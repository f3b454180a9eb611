/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undoing a plan that was writing bus numbers.  Private to restore.c. */
#pragma once

#include "exec/restore.h"

/* A step that wrote bus numbers: these two undo it, and nobody else. */
bool pr_restores_numbers(const struct pr_record_step *s);
/* Bus numbers were begun to be written, and the rescan that takes them over was not begun. */
bool pr_restore_waits(const struct pr_record *record);
/*
 * Does what is left to do before the next rescan, when a bridge is away with new numbers on the look
 * in @ret.  False: there is none, and the way back is open.
 */
bool pr_restore_forward(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret);
/* A bridge that was written holds numbers that the bridge above it does not pass on. */
bool pr_restore_misfits(const struct pr_record *record, const struct pr_topology *now);
/*
 * Puts old numbers back into what holds new ones on the look in @ret, and takes it away with all
 * below it; a rescan is due then.  False: nobody holds any.
 */
bool pr_restore_numbers(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file system under the journal, with faults: linked with --wrap, each
 * call that changes or syncs a file is a boundary at which it can fail, or the
 * process or the machine can end.  One file in one directory; for forked tests,
 * as memory of what ended is not freed.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>

enum disk_how {
	DISK_FAILS,      /* the call is not done, and fails with `error` */
	DISK_FAILS_HALF, /* a write is done by half, and then fails; other calls as above */
	DISK_KILL_BEFORE,
	DISK_KILL_HALF, /* in the middle of a write; other calls as before */
	DISK_KILL_AFTER,
};

struct disk {
	const char *directory, *file, *old;
	unsigned int calls; /* so far */
	unsigned int at,
		until; /* the fault strikes from this call on to that one, from 1; 0: never */
	enum disk_how how;
	int error;
	bool power; /* a kill is a power cut: what was not synced is lost */
	jmp_buf dead;
	/* not synced yet */
	long long size; /* of the file, synced; -1: not known */
	bool created, renamed;
};

/* From now on; NULL: no faults.  One at a time. */
void disk_use(struct disk *d);

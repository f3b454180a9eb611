/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A back end in front of another that fails its k-th operation, or stops there
 * as if the process had been killed; for tests of the runner.
 */
#pragma once

#include "pciroom/exec.h"

enum fault_how {
	FAULT_BEFORE, /* the operation is not done, and fails */
	FAULT_AFTER,  /* the operation is done, and fails: its reply was lost */
	/* nothing is done any more, and nobody listens: the process is dead */
	FAULT_KILL_BEFORE,
	FAULT_KILL_AFTER, /* the same, and the operation at hand is done by the kernel */
};

struct faults {
	struct pr_backend inner, outer;
	unsigned int operations; /* so far; looks count */
	unsigned int at, until;  /* fails from this one on to this one, counted from 1; 0: never */
	enum fault_how how;
	int error;
	/* called once, at the moment of a kill: what is on disk then is all that is left */
	void (*killed)(void *userdata);
	void *userdata;
	bool dead;
};

void faults_init(struct faults *f, const struct pr_backend *inner);
/* As a new process starts: no fault, operations counted anew. */
void faults_heal(struct faults *f);

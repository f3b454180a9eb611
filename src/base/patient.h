/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that may never answer.  The kernel shows some attributes only under the device's lock, which is
 * held while a driver is probed and unbound: with a driver that hangs, whoever reads them hangs too,
 * and no signal ends that.  So a child reads ahead of who asks; one that falls silent is left behind,
 * and another goes on with the next file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pr_patient;

/* How long a file may take that waits in the kernel; one that is only slow gets more. */
#define PR_PATIENCE_MS  5000u
#define PR_PATIENT_LINE 248

/* Path of file @i below the directory, at most @size bytes; runs in a child, and must not allocate. */
typedef void pr_patient_path_fn(void *userdata, size_t i, char *ret, size_t size);

/*
 * For files 0 to @n - 1; @directory and @userdata are borrowed.  @patience_ms 0: of files that always
 * answer, read without a child.
 */
int pr_patient_new(int directory, size_t n, pr_patient_path_fn *path, void *userdata,
	unsigned int patience_ms, struct pr_patient **ret);
void pr_patient_free(struct pr_patient *p); /* NULL is fine */

/*
 * The first line of the next file in order, cut to PR_PATIENT_LINE - 1 bytes.  0; 1 when it cannot be
 * read; -ETIMEDOUT when it does not answer; another negative errno when there is nobody to read it.
 */
int pr_patient_line(struct pr_patient *p, char ret[PR_PATIENT_LINE]);
/* Leaves out the next file. */
void pr_patient_skip(struct pr_patient *p);

/* Reaps the child @pid; false when it has not ended that soon. */
bool pr_child_gone(pid_t pid, unsigned int milliseconds);

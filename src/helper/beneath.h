/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening files that cannot lie elsewhere. */
#pragma once

/*
 * Opens @path below the directory @at.  A symbolic link anywhere in it, and "..", are refused
 * (-ELOOP, -EXDEV).  A descriptor (O_CLOEXEC), or negative errno.
 */
int pr_open_beneath(int at, const char *path, int flags);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes hold: device nodes, resource files of devices, and file
 * systems that only their own mount namespace shows.  One pass over proc/ to
 * text, so that a program that may look everywhere can hand it to one that may
 * not.  Knows nothing of PCI.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/*
 * A line a fact, fields separated by tabs, bytes below blank in names as '?':
 *
 *   process PID COMMAND GUEST  what follows is its; GUEST: name that QEMU was given, or empty
 *   open NUMBER PATH           an open device ("c10:196", "b259:1"; "-": could not be told) or
 *                              resource file
 *   map PATH                   the same, mapped
 *   mount LINE                 a file system that no namespace before has mounted, as mountinfo
 *                              has it
 *   unread N                   always the last line: processes that may not be looked into, or
 *                              "all" when no process of others is shown
 *
 * Processes that hold nothing of the kind have no line.
 */
#define PR_PROCESSES_END "unread\t"

/*
 * Adds the text to @ret.  @root: descriptor of the directory that holds proc/;
 * @real: it is "/", so that descriptors lead to nodes that can be asked for
 * their numbers.  0, or negative errno.
 */
int pr_processes_list(int root, bool real, struct pr_text *ret);

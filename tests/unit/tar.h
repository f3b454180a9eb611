/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tar files in memory, entry by entry, for readers of archives: hostile names,
 * links and types are written as they are given.  libc only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TAR_BLOCK 512u
#define TAR_NAME  100u /* bytes of a name or target in the header; longer ones are cut */

struct tar {
	char data[256 * TAR_BLOCK];
	size_t size;
};

/* A block that begins an entry of @size bytes; @type is '0' file, '1' hard link, '2' link, ...; @target may be NULL. */
void tar_header(char *header, const char *name, char type, const char *target, size_t size);
/* A whole entry.  False: no room. */
bool tar_add(struct tar *t, const char *name, char type, const char *target, const void *content,
	size_t size);

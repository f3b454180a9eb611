/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacking a thousand times. */
#include "unpacking.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "import/libarchive.h"

#define MEMORY "/dev/shm"

/*
 * libpci gives up in the middle of a list that holds anything but addresses, and nobody can free then
 * what it has (import/pci-access.c); its stack is not always seen.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpci.so\nleak:__alloc_dir\n";
}

void fuzz_unpacking_begin(void)
{
	static struct pr_libarchive kept;
	static bool begun;
	struct pr_import_error error;

	if (begun)
		return;
	begun = true;
	if (access(MEMORY, W_OK | X_OK) == 0 && setenv("TMPDIR", MEMORY, 0) < 0)
		abort();
	(void)pr_libarchive_load(
		&kept, &error); /* without it archives are refused, which is tried too */
}

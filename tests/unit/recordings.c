/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings of real machines. */
#include "recordings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rows.h"

static const char *directory(void)
{
	static char path[PATH_MAX];
	const char *given = getenv("PCIROOM_RECORDINGS"), *srcdir = getenv("PCIROOM_SRCDIR");

	if (given && *given)
		return given;
	(void)snprintf(path, sizeof(path), "%s/../shared/recordings", srcdir ? srcdir : ".");
	return path;
}

const char *recording_path(const char *name)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", directory(), name);
	return path;
}

bool recordings_present(void)
{
	if (access(recording_path("INDEX.tsv"), R_OK) == 0)
		return true;
	print_message("skipped: no recordings at %s (PCIROOM_RECORDINGS)\n", directory());
	return false;
}

char *recording_read(const char *name, size_t *ret_size)
{
	FILE *f = fopen(recording_path(name), "re");
	char *data;
	long size;

	if (!f)
		fail_msg("%s: cannot be opened", name);
	(void)fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	data = malloc((size_t)size + 1);
	if (!data || size < 0 || fread(data, 1, (size_t)size, f) != (size_t)size)
		fail_msg("%s: cannot be read", name);
	(void)fclose(f); /* only read from */
	data[size] = '\0';
	*ret_size = (size_t)size;
	return data;
}

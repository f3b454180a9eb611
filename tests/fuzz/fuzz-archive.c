/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes are somebody's archive of /sys, or file that is compressed.  Those that begin with
 * "files" are made one first, so that names, links and contents are tried and not checksums alone:
 * then come lines "PATH BYTES" with so many bytes of content, or "PATH > TARGET" for links.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "round-trip.h"
#include "../unit/tar.h"
#include "unpacking.h"

#define FILES "files\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One line at @p, and the content behind it; what follows, or NULL. */
static const char *take_line(struct tar *t, const char *p, const char *end)
{
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	char line[2 * TAR_NAME + 4], *rest;
	size_t n;

	if (!stop || (size_t)(stop - p) >= sizeof(line))
		return NULL;
	memcpy(line, p, (size_t)(stop - p));
	line[stop - p] = '\0';
	stop++;
	rest = strstr(line, " > ");
	if (rest) {
		*rest = '\0';
		return tar_add(t, line, '2', rest + 3, NULL, 0) ? stop : NULL;
	}
	rest = strrchr(line, ' ');
	n = rest ? strtoul(rest, NULL, 10) : 0;
	if (!rest || n > (size_t)(end - stop))
		return NULL;
	*rest = '\0';
	return tar_add(t, line, '0', NULL, stop, n) ? stop + n : NULL;
}

static void read_archive(const char *data, size_t size)
{
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error;
	struct pr_topology *t;
	size_t n;
	char *text;

	if (pr_is_compressed(data, size) && pr_decompress(data, size, &text, &n, &error) == 0)
		free(text);
	if (pr_archive_read(data, size, NULL, &t, &notes, &error) != 0)
		return;
	if (!fuzz_round_trip(t))
		abort();
	pr_topology_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tar tar;
	const char *text = (const char *)data, *end = text + size;

	fuzz_unpacking_begin();
	if (size < strlen(FILES) || memcmp(text, FILES, strlen(FILES)) != 0) {
		read_archive(text, size);
		return 0;
	}
	tar.size = 0;
	for (text += strlen(FILES); text && text < end;)
		text = take_line(&tar, text, end);
	read_archive(tar.data, tar.size);
	return 0;
}

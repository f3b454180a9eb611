/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes are somebody's archive of /sys.  Those that begin with "files" are made one first, so
 * that names, links and contents are tried and not checksums alone: then come lines
 * "PATH BYTES" with so many bytes of content, or "PATH > TARGET" for links.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "round-trip.h"

#define BLOCK    512u
#define TAR_MAX  (256 * BLOCK)
#define WORD_MAX 100 /* of a name in the header */
#define FILES    "files\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * libpci gives up in the middle of a list that holds anything but addresses, and nobody can free then
 * what it has (import/pci-access.c); its stack is not always seen.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpci.so\nleak:__alloc_dir\n";
}

struct tar {
	char data[TAR_MAX];
	size_t size;
};

/* The sum of the header counts itself as blanks (POSIX 1003.1-1990, ustar). */
static void seal(char *h, size_t size)
{
	char number[12];
	unsigned int sum = 0;

	(void)snprintf(number, sizeof(number), "%011zo", size);
	memcpy(h + 124, number, 11);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	(void)snprintf(number, sizeof(number), "%06o", sum);
	memcpy(h + 148, number, 7);
}

/* False: the tar file is full. */
static bool add(struct tar *t, const char *name, const char *target, const char *content, size_t n)
{
	size_t whole = BLOCK + (n + BLOCK - 1) / BLOCK * BLOCK;
	char *h = t->data + t->size;

	if (whole > sizeof(t->data) - t->size)
		return false;
	memset(h, 0, whole);
	(void)snprintf(h, WORD_MAX, "%s", name);
	memcpy(h + 100, "0000644", 8);
	h[156] = target ? '2' : '0';
	(void)snprintf(h + 157, WORD_MAX, "%s", target ? target : "");
	memcpy(h + 257,
		"ustar\0"
		"00",
		8);
	seal(h, n);
	if (n > 0)
		memcpy(h + BLOCK, content, n);
	t->size += whole;
	return true;
}

/* One line at @p, and the content behind it; what follows, or NULL. */
static const char *take_line(struct tar *t, const char *p, const char *end)
{
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	char line[2 * WORD_MAX + 4], *rest;
	size_t n;

	if (!stop || (size_t)(stop - p) >= sizeof(line))
		return NULL;
	memcpy(line, p, (size_t)(stop - p));
	line[stop - p] = '\0';
	stop++;
	rest = strstr(line, " > ");
	if (rest) {
		*rest = '\0';
		return add(t, line, rest + 3, NULL, 0) ? stop : NULL;
	}
	rest = strrchr(line, ' ');
	n = rest ? strtoul(rest, NULL, 10) : 0;
	if (!rest || n > (size_t)(end - stop))
		return NULL;
	*rest = '\0';
	return add(t, line, NULL, stop, n) ? stop + n : NULL;
}

static void read_archive(const char *data, size_t size)
{
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error;
	struct pr_topology *t;

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

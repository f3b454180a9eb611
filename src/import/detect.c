/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of recording a file is, by its first bytes, and the reader for it.
 * Does not open files.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "import/companions.h"

/* How far to look for the first function of a text, below mail headers and comments. */
#define LINES_MAX 1000

/* The magic of a header (POSIX 1003.1-1990, ustar). */
#define TAR_MAGIC "ustar"
#define TAR_AT    257

static bool is_archive(const char *data, size_t size)
{
	const size_t n = strlen(TAR_MAGIC);

	return pr_is_compressed(data, size) ||
	       (size >= TAR_AT + n && memcmp(data + TAR_AT, TAR_MAGIC, n) == 0);
}

static bool starts(const char *line, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - line) >= n && memcmp(line, word, n) == 0;
}

/* "00:1f.3 " or "0000:00:1f.3 ", or the address alone. */
static bool is_function_line(const char *line, const char *end)
{
	char text[PR_ADDRESS_MAX];
	struct pr_address a;
	size_t n = 0;

	while (line + n < end && !isspace((unsigned char)line[n]) && n < sizeof(text) - 1)
		n++;
	if (line + n < end && !isspace((unsigned char)line[n]))
		return false;
	memcpy(text, line, n);
	text[n] = '\0';
	return pr_address_parse(text, &a);
}

static bool holds(const char *line, const char *end, const char *words)
{
	return memmem(line, (size_t)(end - line), words, strlen(words)) != NULL;
}

/*
 * What a boot says of every host bridge, and before that of the kernel; or, where somebody shows a
 * part of a log, that a function was found.
 */
static bool is_log_line(const char *line, const char *end)
{
	return holds(line, end, "root bus resource [") || holds(line, end, " Linux version ") ||
	       holds(line, end, "PCI host bridge to bus ") ||
	       (holds(line, end, "] type 0") && holds(line, end, " class 0x"));
}

enum pr_input_kind pr_input_detect(const char *data, size_t size)
{
	const char *end = data + size, *stop;
	unsigned int n = 0;

	if (is_archive(data, size))
		return PR_INPUT_ARCHIVE;
	for (const char *at = data; at < end && n < LINES_MAX; at = stop + (stop < end), n++) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		if (starts(at, stop, "format:"))
			return PR_INPUT_SNAPSHOT;
		if (starts(at, stop, "P: /devices/"))
			return PR_INPUT_UMOCKDEV;
		if (is_function_line(at, stop))
			return PR_INPUT_LSPCI;
		if (is_log_line(at, stop))
			return PR_INPUT_DMESG;
	}

	return PR_INPUT_UNKNOWN;
}

int pr_input_read(const char *data, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	enum pr_input_kind kind = pr_input_detect(data, size);

	switch (kind) {
	case PR_INPUT_LSPCI:
		return pr_lspci_read(data, size, companions, ret, notes, error);
	case PR_INPUT_DMESG:
		return pr_log_read(data, size, companions, ret, notes, error);
	case PR_INPUT_ARCHIVE:
		return pr_archive_read(data, size, companions, ret, notes, error);
	case PR_INPUT_UMOCKDEV:
		return pr_umockdev_read(data, size, companions, ret, notes, error);
	case PR_INPUT_UNKNOWN:
		return pr_import_fail(error, -EINVAL,
			"neither a snapshot (it has a line `format:`), lspci output, a kernel log since boot, "
			"a recording of umockdev, nor an archive");
	case PR_INPUT_SNAPSHOT:
	case PR_INPUT_DIRECTORY:
		break;
	}
	if (companions && (companions->iomem || companions->ioports || companions->dmesg))
		return pr_import_fail(error, -EINVAL,
			"a snapshot has its apertures: iomem, ioports and dmesg go with lspci output and trees");
	return pr_snapshot_read(data, size, ret, error);
}

const char *pr_input_kind_name(enum pr_input_kind kind)
{
	switch (kind) {
	case PR_INPUT_SNAPSHOT:
		return "snapshot";
	case PR_INPUT_LSPCI:
		return "lspci";
	case PR_INPUT_DMESG:
		return "kernel log";
	case PR_INPUT_ARCHIVE:
		return "archive";
	case PR_INPUT_UMOCKDEV:
		return "umockdev";
	case PR_INPUT_DIRECTORY:
		return "directory";
	case PR_INPUT_UNKNOWN:
		break;
	}
	return "unknown";
}

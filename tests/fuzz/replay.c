/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds a fuzz target the files of its corpus, without a fuzzer: once with their
 * whole size, and cut at each of a hundred places.  A finding ends the program.
 * `replay-NAME [FILE...]`; without files those of tests/fuzz/NAME.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"

#define FILE_BYTES_MAX (1u << 20)
#define CUTS           100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly that size, so that reading behind it is seen. */
static void feed(const char *text, size_t size)
{
	_cleanup_free_ char *copy = malloc(size + (size == 0));

	if (!copy)
		abort();
	memcpy(copy, text, size);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)copy, size); /* always 0 */
}

static bool replay(const char *path, unsigned int number)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (pr_read_file_at(AT_FDCWD, path, FILE_BYTES_MAX, &text, &size) < 0) {
		printf("not ok %u - %s cannot be read\n", number, path);
		return false;
	}
	for (size_t i = 0; i <= CUTS; i++)
		feed(text, size * i / CUTS);
	printf("ok %u - %s\n", number, path);
	return true;
}

static int replay_directory(const char *name)
{
	const char *source = getenv("PCIROOM_SRCDIR");
	struct dirent **entries;
	unsigned int number = 0;
	bool ok = true;
	char path[4096];
	int n;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/%s", source ? source : ".", name);
	n = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/tests/fuzz/%s/%s", source ? source : ".",
			name, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			ok &= replay(path, ++number);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	printf("1..%u\n", number);
	return ok && number > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "replay-");
	bool ok = true;

	if (argc == 1)
		return replay_directory(name ? name + strlen("replay-") : "");
	for (int i = 1; i < argc; i++)
		ok &= replay(argv[i], (unsigned int)i);
	printf("1..%d\n", argc - 1);
	return ok ? 0 : 1;
}

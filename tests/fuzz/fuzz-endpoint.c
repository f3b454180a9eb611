/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any values are what an endpoint function was told in configfs: a line "NAME VALUE" for each
 * attribute.  A template that comes of it prints and reads back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/fixture.h"
#include "import/template.h"
#include "round-trip.h"

#define FUNCTION "functions/pci_epf_test/func1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "vendorid", "deviceid", "baseclass_code", "subclass_code",
	"progif_code", "pci_epf_test.0/bar0_size", "pci_epf_test.0/bar1_size",
	"pci_epf_test.0/bar2_size", "pci_epf_test.0/bar3_size", "pci_epf_test.0/bar4_size",
	"pci_epf_test.0/bar5_size" };
#define N (sizeof(names) / sizeof(names[0]))

static struct fixture *files;

static void clean_up(void)
{
	fixture_free(files);
}

static const char *path_of(size_t i)
{
	static const char *paths[N];

	if (!paths[i])
		paths[i] = fixture_printf(files, FUNCTION "/%s", names[i]);
	return paths[i];
}

/* The value of the last line that begins with @name, in @value; an attribute has it always. */
static size_t value_of(const char *text, size_t size, const char *name, char *value, size_t max)
{
	const char *end = text + size, *stop;
	size_t length = strlen(name), n = 0;

	for (const char *p = text; p < end; p = stop + (stop < end)) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		if ((size_t)(stop - p) <= length || memcmp(p, name, length) != 0 ||
			p[length] != ' ')
			continue;
		n = (size_t)(stop - p) - length - 1;
		n = n < max ? n : max;
		memcpy(value, p + length + 1, n);
	}
	return n;
}

static void fill(const char *text, size_t size)
{
	char value[256];

	for (size_t i = 0; i < N; i++) {
		size_t n = value_of(text, size, names[i], value, sizeof(value));

		fixture_bytes(files, path_of(i), value, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *directory;
	struct pr_import_error error;
	struct pr_template *t;

	if (!files) {
		files = fixture_new();
		(void)atexit(clean_up); /* what is left over is in /tmp */
		directory = fixture_path(files, FUNCTION);
	}
	fill((const char *)data, size);
	if (pr_template_from_endpoint(directory, &t, &error) != 0)
		return 0;
	fuzz_template_round_trip(t);
	pr_template_free(t);
	return 0;
}

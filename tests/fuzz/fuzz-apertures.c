/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text is somebody's /proc/iomem, and what is behind the first line "ioports" his
 * /proc/ioports; what they say of host bridges makes a machine.
 */
#include <stdlib.h>
#include <string.h>

#include "import/apertures.h"
#include "round-trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pr_aperture_root looked_for[] = {
	{ .facts = { .domain = 0, .bus = 0, .last_bus = -1 } },
	{ .facts = { .domain = 0, .bus = 0x20, .last_bus = -1 } },
	{ .facts = { .domain = 1, .bus = 0, .last_bus = -1 } },
	{ .facts = { .domain = 0x10000, .bus = 0, .last_bus = -1 },
		.nested = true,
		.host = { .bus = 0x20, .device = 5 } },
};
#define N (sizeof(looked_for) / sizeof(looked_for[0]))

static void build(const struct pr_aperture_root *roots)
{
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;
	struct pr_topology *t;

	for (size_t i = 0; i < N; i++)
		if (!b || pr_builder_add_root(b, &roots[i].facts) < 0)
			abort();
	if (pr_builder_finish(b, &t, &error) != 0)
		abort();
	if (!fuzz_round_trip(t))
		abort();
	pr_topology_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "ioports\n";
	const char *text = (const char *)data, *at = memmem(text, size, mark, strlen(mark));
	size_t first = at ? (size_t)(at - text) : size, skip = first + (at ? strlen(mark) : 0);
	const struct pr_resource_text iomem = { "iomem", text, first };
	const struct pr_resource_text ioports = { "ioports", at ? text + skip : NULL, size - skip };
	struct pr_arena *arena = pr_arena_new();
	struct pr_aperture_root roots[N];
	struct pr_import_error error;

	memcpy(roots, looked_for, sizeof(roots));
	(void)pr_resource_text_masked(text, size);
	if (!arena)
		abort();
	if (pr_apertures_parse(&iomem, &ioports, roots, N, arena, &error) == 0)
		build(roots);
	pr_arena_free(arena);
	return 0;
}

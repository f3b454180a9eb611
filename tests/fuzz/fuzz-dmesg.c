/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text is somebody's kernel log; what it says must make facts at every point of it, and a
 * topology that prints and reads back.
 */
#include <stdlib.h>

#include "pciroom/dmesg.h"
#include "round-trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void build(const struct pr_dmesg *log, size_t until)
{
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;
	struct pr_topology *t;

	if (!b || pr_dmesg_add_facts(log, until, b) < 0 || pr_dmesg_supplement(log, b) < 0)
		abort();
	if (pr_builder_finish(b, &t, &error) != 0)
		return;
	(void)fuzz_round_trip(t); /* a machine's words may be no UTF-8 */
	pr_topology_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_import_error error;
	struct pr_dmesg *log;

	if (pr_dmesg_read((const char *)data, size, &log, &error) != 0)
		return 0;
	build(log, log->n / 2);
	build(log, log->n);
	pr_dmesg_free(log);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of recorded machines, as the command line prints them.  The recordings are
 * read where they are; without them every row is skipped.
 */
#include <string.h>

#include "cli/input.h"
#include "cli/render.h"
#include "recordings.h"
#include "rows.h"

static const struct golden_case {
	const char *name, *input, *iomem, *dmesg, *port; /* NULL: all hot-plug slots */
	const char *text;
} cases[] = {
	{ .name = "a MicroTCA crate: a slot of a switch below a switch",
		.input = "mtca-pex8748-hotplug/lspci.txt",
		.iomem = "mtca-pex8748-hotplug/iomem.txt",
		.dmesg = "mtca-pex8748-hotplug/dmesg-boot.txt",
		.port = "04:0b.0",
		.text = "SLOT         PORT            IN IT                                  AFTER               32-BIT BAR 64-BIT BAR BUSES\n"
			"0000:04:0b.0 downstream port signal processing controller 10ee:7011 nothing                  1 MiB      2 MiB  none\n"
			"                                                                    moving what is idle    256 MiB    256 MiB   212\n"
			"                                                                    restarting drivers     256 MiB    256 MiB   231\n" },
	{ .name = "a laptop with Thunderbolt, from its kernel log alone",
		.input = "dell-xps-9370-tb3/dmesg-6.12.txt",
		.text = "SLOT         PORT            IN IT                    AFTER               32-BIT BAR 64-BIT BAR BUSES\n"
			"0000:00:1c.4 root port       upstream port 8086:15d3  nothing                256 MiB    512 MiB   106\n"
			"                                                      moving what is idle      1 GiB      1 GiB   250\n"
			"0000:04:01.0 downstream port nothing                  nothing                256 MiB    512 MiB    50\n"
			"                                                      moving what is idle      1 GiB      1 GiB   245\n"
			"0000:04:02.0 downstream port USB controller 8086:15d4 nothing                  1 MiB      1 MiB  none\n"
			"                                                      moving what is idle      1 GiB      1 GiB   245\n"
			"0000:04:04.0 downstream port nothing                  nothing                128 MiB    512 MiB    51\n"
			"                                                      moving what is idle      1 GiB      1 GiB   245\n" },
};

static const char *path_of(const char *name, char *buffer, size_t size)
{
	if (!name)
		return NULL;
	(void)snprintf(buffer, size, "%s", recording_path(name));
	return buffer;
}

static void test_golden(void **state)
{
	const struct golden_case *c = *state;
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_function *port;
	struct pr_slots_request request = { 0 };
	const struct pr_style style = { 0 };
	char input[512], iomem[512], dmesg[512];
	struct pr_import_notes notes;
	struct pr_text text = { 0 };
	struct pr_topology *t;
	struct pr_slots *slots;
	struct pr_cli cli = { 0 };

	if (!recordings_present())
		skip();
	cli.input = path_of(c->input, input, sizeof(input));
	cli.iomem = path_of(c->iomem, iomem, sizeof(iomem));
	cli.dmesg = path_of(c->dmesg, dmesg, sizeof(dmesg));
	assert_int_equal(pr_input_open(&cli, &t, &notes), PR_EXIT_OK);
	if (c->port) {
		struct pr_address a;

		assert_true(pr_address_parse(c->port, &a));
		port = pr_topology_find(t, &a);
		request = (struct pr_slots_request){ .ports = &port, .n_ports = 1 };
	}
	assert_int_equal(pr_slots_make(t, &policy, &request, &slots), 0);
	assert_int_equal(pr_render_slots(&text, &style, slots, NULL), 0);
	assert_string_equal(text.data, c->text);
	pr_text_deinit(&text);
	pr_slots_free(slots);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_golden);

	return rows_run(&tests, "slots-recordings");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports at which a hot-add would do damage: told once, on the bus and in the journal, and unsaid. */
#include "stage.h"

#include <string.h>

#include "../unit/rows.h"
#include "../unit/two-slots.h"

/* The same, and the empty port has a window of each kind. */
#define ALL_WINDOWS                                                                   \
	"kernel 6.1.0\n" Q35                                                          \
	"00:02.0 bridge 01-04 root-port hotplug bar0=mem:1000@fea00000 io=c000-dfff " \
	"mem=fe600000-fe9fffff pref64=fe000000-fe3fffff driver=pcieport\n"            \
	"01:00.0 bridge 02-04 upstream io=c000-dfff mem=fe600000-fe9fffff "           \
	"pref64=fe000000-fe3fffff driver=pcieport\n"                                  \
	"02:00.0 bridge 03-03 downstream hotplug io=d000-dfff mem=fe800000-fe9fffff " \
	"pref64=fe200000-fe3fffff driver=pcieport\n"                                  \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe600000-fe7fffff " \
	"pref64=fe000000-fe1fffff driver=pcieport\n"                                  \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe640000 bar2=io:20@c000 " \
	"driver=e1000e\n"

#define SLOT_OBJECT PR_BUS_DEVICES "/0000_00/02_0/00_0/00_0"

static void assert_bridge(struct stage *s, bool armed)
{
	sd_bus_message *m = client_get(s, SLOT_OBJECT, PR_BUS_BRIDGE, "Armed");
	int value = -1;

	assert_true(sd_bus_message_read(m, "v", "b", &value) > 0);
	assert_int_equal(value, armed);
	sd_bus_message_unref(m);
}

/* Until the thread has looked through the last look. */
static void wait_for(struct stage *s, const char *path)
{
	while (!pr_service_armed(s->service, 0) != !path)
		stage_turn(s);
	stage_rest(s);
}

static void test_armed(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, TWO_SLOTS("6.1.0"), PR_MODE_ADVISE);
	stage_start(&s);
	wait_for(&s, "0000:00/02.0/00.0/00.0");
	assert_ports(&s, "Armed", "0000:00/02.0/00.0/00.0");
	assert_bridge(&s, true);
	assert_heard(&s, "PropertiesChanged " PR_BUS_PATH " " PR_BUS_MANAGER " Armed",
		"PropertiesChanged " SLOT_OBJECT " " PR_BUS_BRIDGE " Armed");
	assert_story(&s, "armed device=0000:02:00.0",
		"asks for 1 MiB and I/O ports comes and finds no room, the kernel takes I/O from "
		"0000:04:00.0 (e1000e); not in a guarded slot");
	/* the same machine is not told of again */
	stage_look_again(&s, TWO_SLOTS("6.1.0"));
	stage_look_again(&s, ALL_WINDOWS);
	wait_for(&s, NULL);
	assert_ports(&s, "Armed", NULL);
	assert_bridge(&s, false);
	assert_heard(
		&s, SLOT_OBJECT " " PR_BUS_BRIDGE " Armed", SLOT_OBJECT " " PR_BUS_BRIDGE " Armed");
	assert_story(&s, "is armed:", "0000:02:00.0 is not armed any more\n");
	assert_null(strstr(strstr(stage_story(&s), "is armed:") + 1, "is armed:"));
	stage_close(&s);
}

int main(void)
{
	static struct rows tests;

	ADD_TEST(&tests, test_armed);
	return rows_run(&tests, "armed");
}

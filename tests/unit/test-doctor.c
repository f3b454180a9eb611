/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is armed and what was damaged: a machine, and the doctor's findings as lines. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/doctor.h"
#include "plan-machines.h"
#include "rows.h"
#include "two-slots.h"

/* As K3 leaves it: the empty port has no window for memory. */
#define NO_MEMORY_WINDOW(release)                                                     \
	"kernel " release "\n" Q35                                                    \
	"00:02.0 bridge 01-04 root-port hotplug bar0=mem:1000@fea00000 io=c000-dfff " \
	"mem=fe600000-fe9fffff pref64=fe000000-fe3fffff driver=pcieport\n"            \
	"01:00.0 bridge 02-04 upstream io=c000-dfff mem=fe600000-fe9fffff "           \
	"pref64=fe000000-fe3fffff driver=pcieport\n"                                  \
	"02:00.0 bridge 03-03 downstream hotplug io=d000-dfff "                       \
	"pref64=fe200000-fe3fffff driver=pcieport\n"                                  \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe600000-fe9fffff " \
	"pref64=fe000000-fe1fffff driver=pcieport\n"                                  \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe640000 bar2=io:20@c000 " \
	"driver=e1000e\n"

/* As K4 leaves it: the tables are filled again, the bridges' registers still closed. */
#define CLOSED_REGISTERS                                                              \
	"kernel 6.1.0\n" Q35                                                          \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe600000-fe9fffff "  \
	"driver=pcieport\n"                                                           \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe600000-fe9fffff "           \
	"regs-mem=closed driver=pcieport\n"                                           \
	"02:01.0 bridge 04-04 downstream io=c000-cfff mem=fe600000-fe7fffff "         \
	"regs-mem=closed driver=pcieport\n"                                           \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe640000 bar2=io:20@c000 " \
	"driver=e1000e\n"

/* A card with two BARs beside another; @what is said of the first. */
#define MOVED(what)                                                                            \
	"kernel 6.12.0\nroot 0000:00-ff mem=c0000000-febfffff mem=100000000-8ffffffff\n"       \
	"00:02.0 bridge 01-01 root-port mem=fe600000-fe9fffff pref64=100000000-1001fffff\n"    \
	"01:00.0 dev 8086:10d3 bar0=mem:20000@fe640000 bar2=pref64:20000@100000000 " what "\n" \
	"00:03.0 bridge 02-02 root-port mem=fe400000-fe5fffff pref64=100200000-1003fffff\n"    \
	"02:00.0 dev 8086:10d3 bar0=mem:20000@fe440000 bar2=pref64:20000@100200000\n"

/*
 * @said: "armed PORT KIND MIB[+io]: VICTIM memory|io, ...", "damage FUNCTION taken INDEX",
 * "damage FUNCTION moved INDEX ADDRESS", "damage FUNCTION unreached BRIDGE" or "doubt SENTENCE"; a
 * line each.
 */
static const struct doctor_case {
	const char *name, *machine, *said;
} cases[] = {
	{ .name = "nothing is wrong where every port has every window",
		.machine = "kernel 7.3.0\n" Q35 "00:02.0 bridge 01-01 root-port hotplug "
			   "io=c000-cfff mem=fe800000-fe9fffff pref64=fe200000-fe3fffff\n",
		.said = "" },
	{ .name = "a root port can hurt nobody: no bridge above it has windows to lose",
		.machine = "kernel 6.1.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port hotplug driver=pcieport\n",
		.said = "" },
	{ .name = "as in K2: without an I/O window, a card with I/O costs the neighbour's, 6.1",
		.machine = TWO_SLOTS("6.1.0"),
		.said = "armed 0000:02:00.0 mem32 1+io: 0000:04:00.0 io\n" },
	{ .name = "on 7.x any card costs it",
		.machine = TWO_SLOTS("7.2.0"),
		.said = "armed 0000:02:00.0 mem32 1: 0000:04:00.0 io\n" },
	{ .name = "as in K3: without a memory window, the neighbour's memory, 6.1",
		.machine = NO_MEMORY_WINDOW("6.1.0"),
		.said = "armed 0000:02:00.0 mem32 1: 0000:04:00.0 memory\n" },
	{ .name = "as in K3: without a memory window, the neighbour's memory, 7.3",
		.machine = NO_MEMORY_WINDOW("7.3.0"),
		.said = "armed 0000:02:00.0 mem32 1: 0000:04:00.0 memory\n" },
	{ .name = "where the apertures are not known, nobody knows which card finds room",
		.machine = "kernel 6.12.0\nroot 0000:00-ff\n"
			   "00:02.0 bridge 01-02 root-port mem=fe600000-fe9fffff\n"
			   "01:00.0 bridge 02-02 downstream hotplug\n",
		.said = "doubt 0000:01:00.0 is below a host bridge whose apertures are not known\n" },
	{ .name = "a port whose capabilities were not read may be a slot",
		.machine = "kernel 6.12.0\n" Q35
			   "00:02.0 bridge 01-02 root-port mem=fe600000-fe9fffff\n"
			   "01:00.0 bridge 02-02 downstream bytes=40\n",
		.said = "doubt 0000:01:00.0 may be a hot-plug slot, which is not known\n" },
	{ .name = "whether it is a slot does not matter where it has every window",
		.machine = "kernel 6.12.0\n" Q35 "00:02.0 bridge 01-02 root-port io=c000-cfff "
			   "mem=fe600000-fe9fffff pref64=fe000000-fe1fffff\n"
			   "01:00.0 bridge 02-02 downstream io=c000-cfff mem=fe600000-fe7fffff "
			   "pref64=fe000000-fe1fffff bytes=40\n",
		.said = "" },
	{ .name = "what a failed hot-add has taken from a neighbour",
		.machine = ROBBED(DEAD_256M),
		.said = "damage 0000:04:00.0 taken 2\n" },
	{ .name = "as in K4: addresses behind a bridge that is closed",
		.machine = CLOSED_REGISTERS,
		.said = "damage 0000:04:00.0 unreached 0000:01:00.0\n" },
	{ .name = "a BAR that its device has lost in a reset",
		.machine = MOVED("config=10:00000000"),
		.said = "damage 0000:01:00.0 moved 0 0\n" },
	{ .name = "a BAR that somebody has written, its upper half",
		.machine = MOVED("config=1c:08000000"),
		.said = "damage 0000:01:00.0 moved 2 800000000\n" },
	{ .name = "IDE in compatibility mode has the ports of a PC/AT, and zeros in its registers",
		.machine = "kernel 6.12.0\nroot 0000:00-ff io=0-ffff\n"
			   "00:1f.1 dev 8086:27df class=01018a bar0=io:8@1f0 bar4=io:10@ffa0 "
			   "config=10:00000000\n",
		.said = "" },
	{ .name = "where no BAR is at its place the host bridge translates",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=c0000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port mem=fe600000-fe9fffff\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:20000@fe640000 config=10:00006406\n",
		.said = "" },
};

static size_t say_armed(char *text, size_t size, const struct pr_armed *a)
{
	char port[PR_ADDRESS_MAX], victim[PR_ADDRESS_MAX];
	int n;

	pr_address_format(&a->port->address, port);
	n = snprintf(text, size, "armed %s %s %" PRIu64 "%s:", port,
		a->card.kind == PR_CARD_PREF64 ? "pref64" : "mem32", a->card.size >> 20,
		a->card.io > 0 ? "+io" : "");
	for (size_t i = 0; i < a->n_victims; i++) {
		pr_address_format(&a->victims[i].function->address, victim);
		n += snprintf(text + n, size - (size_t)n, " %s %s", victim,
			a->victims[i].memory ? "memory" : "io");
	}
	return (size_t)n + (size_t)snprintf(text + n, size - (size_t)n, "\n");
}

static size_t say_damage(char *text, size_t size, const struct pr_damage *d)
{
	char function[PR_ADDRESS_MAX], bridge[PR_ADDRESS_MAX] = "";

	pr_address_format(&d->function->address, function);
	if (d->kind == PR_DAMAGE_TAKEN)
		return (size_t)snprintf(text, size, "damage %s %s %u\n", function,
			pr_damage_name(d->kind), d->resource->index);
	if (d->kind == PR_DAMAGE_MOVED)
		return (size_t)snprintf(text, size, "damage %s %s %u %" PRIx64 "\n", function,
			pr_damage_name(d->kind), d->resource->index, d->address);
	pr_address_format(&d->bridge->address, bridge);
	return (size_t)snprintf(
		text, size, "damage %s %s %s\n", function, pr_damage_name(d->kind), bridge);
}

static void test_doctor(void **state)
{
	const struct doctor_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	struct pr_doctor *d;
	char said[1024] = "";
	size_t n = 0;

	assert_int_equal(pr_doctor_make(t, &d), 0);
	for (size_t i = 0; i < d->n_armed; i++)
		n += say_armed(said + n, sizeof(said) - n, &d->armed[i]);
	for (size_t i = 0; i < d->explanation.n_damage; i++)
		n += say_damage(said + n, sizeof(said) - n, &d->explanation.damage[i]);
	if (d->doubt)
		(void)snprintf(said + n, sizeof(said) - n, "doubt %s\n", d->doubt);
	assert_string_equal(said, c->said);
	pr_doctor_free(d);
	pr_topology_free(t);
}

/*
 * As a hot-add that failed leaves it: the empty port's window is gone, and the room that it had above
 * is free again.
 */
#define ROOM_FOR_WINDOW(release, lockdown)                                            \
	"kernel " release "\ncmdline quiet\nlockdown " lockdown "\n" Q35              \
	"00:02.0 bridge 01-04 root-port hotplug bar0=mem:1000@fea00000 io=c000-cfff " \
	"mem=fe600000-fe9fffff pref64=fe000000-fe3fffff driver=pcieport\n"            \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe600000-fe9fffff "           \
	"pref64=fe000000-fe3fffff driver=pcieport\n"                                  \
	"02:00.0 bridge 03-03 downstream hotplug pref64=fe200000-fe3fffff "           \
	"driver=pcieport\n"                                                           \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe600000-fe7fffff " \
	"pref64=fe000000-fe1fffff driver=pcieport\n"                                  \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe640000 bar2=io:20@c000 " \
	"driver=e1000e\n"

static const struct disarm_case {
	const char *name, *machine;
	enum pr_disruption limit;
	size_t n_lacking, n_wishes; /* no wish: there is no plan */
	unsigned int removed, restarted;
} disarms[] = {
	{ .name = "a port gets its memory window while it is empty, 6.1",
		.machine = ROOM_FOR_WINDOW("6.1.0", "none"),
		.n_lacking = 2,
		.n_wishes = 1,
		.removed = 1 },
	{ .name = "the same on 7.x",
		.machine = ROOM_FOR_WINDOW("7.3.0", "none"),
		.n_lacking = 2,
		.n_wishes = 1,
		.removed = 1 },
	{ .name = "and in lockdown, as no register has to be written",
		.machine = ROOM_FOR_WINDOW("6.12.0", "integrity"),
		.n_lacking = 2,
		.n_wishes = 1,
		.removed = 1 },
	{ .name = "I/O ports too where a driver above may be restarted",
		.machine = ROOM_FOR_WINDOW("7.3.0", "none"),
		.limit = PR_DISRUPTION_RESTART,
		.n_lacking = 2,
		.n_wishes = 2,
		.removed = 5,
		.restarted = 1 },
	{ .name = "where a neighbour has the room, nothing is done to him unasked",
		.machine = NO_MEMORY_WINDOW("7.3.0"),
		.n_lacking = 1 },
	{ .name = "or asked",
		.machine = NO_MEMORY_WINDOW("7.3.0"),
		.limit = PR_DISRUPTION_RESTART,
		.n_lacking = 1,
		.n_wishes = 1,
		.removed = 3,
		.restarted = 1 },
};

static void test_disarm(void **state)
{
	const struct disarm_case *c = *state;
	const struct pr_policy policy = { .limit = c->limit };
	struct pr_topology *t = machine_build(c->machine);
	struct pr_disarm d;

	assert_int_equal(pr_disarm_find(t, machine_function(t, "0000:02:00.0"), &policy, &d), 0);
	assert_int_equal(d.n_lacking, c->n_lacking);
	assert_int_equal(d.n_wishes, c->n_wishes);
	assert_int_equal(d.plan != NULL, c->n_wishes > 0);
	if (d.plan) {
		assert_int_equal(d.plan->cost.removed, c->removed);
		assert_int_equal(d.plan->cost.restarted, c->restarted);
	}
	pr_disarm_deinit(&d);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_doctor);
	ADD_ROWS(&tests, disarms, test_disarm);

	return rows_run(&tests, "doctor");
}

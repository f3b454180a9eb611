/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots: a machine, a policy, and what is said of its slots.  Whatever is said
 * to work at once is plugged in again here, one card of that size.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/slots.h"
#include "plan-machines.h"
#include "rows.h"

/*
 * @said: a line for each slot and kind, "ADDRESS KIND NOW FREE RESTART IN_USE BOOT" with sizes in
 * MiB or bus numbers, "?" for what cannot be said.  @port: only this; NULL: the hot-plug slots.
 */
struct slots_case {
	const char *name, *machine, *port, *pin;
	enum pr_disruption limit;
	bool all;
	const char *said, *doubt;
};

/* A root port with a card beside another with a disk that must not be touched. */
#define BESIDE_A_DISK(options)                                                         \
	"kernel 6.12.0\n" options                                                      \
	"root 0000:00-ff io=1000-ffff mem=c0000000-cfffffff mem=100000000-13fffffff\n" \
	"00:02.0 bridge 01-03 root-port hotplug mem=c0000000-c00fffff "                \
	"pref64=100000000-1000fffff driver=pcieport\n"                                 \
	"00:03.0 bridge 04-04 root-port mem=c8000000-c80fffff driver=pcieport\n"       \
	"04:00.0 dev 8086:0953 class=010802 bar0=mem:4000@c8000000 driver=nvme user=root:/\n"

static const struct slots_case cases[] = {
	{ .name = "a packed switch: what its ports have, and what there is",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 2 2 512 512 512\n"
			"0000:02:00.0 pref64 2 2 16384 16384 16384\n"
			"0000:02:00.0 buses 0 0 251 251 251\n"
			"0000:02:01.0 mem32 2 512 512 512 512\n"
			"0000:02:01.0 pref64 2 16384 16384 16384 16384\n"
			"0000:02:01.0 buses 0 251 251 251 251\n" },
	{ .name = "nothing is moved when nothing may be",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.limit = PR_DISRUPTION_FREE,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 2 2 2 2 256\n"
			"0000:02:00.0 pref64 2 2 2 2 8192\n"
			"0000:02:00.0 buses 0 0 0 0 0\n"
			"0000:02:01.0 mem32 2 512 512 512 512\n"
			"0000:02:01.0 pref64 2 16384 16384 16384 16384\n"
			"0000:02:01.0 buses 0 251 251 251 251\n" },
	{ .name = "whoever is in use is interrupted only when that is allowed",
		.machine = PACKED("6.12.0", "", "driver=e1000e user=net:enp4s0"),
		.limit = PR_DISRUPTION_IN_USE,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 2 2 2 512 512\n"
			"0000:02:00.0 pref64 2 2 2 16384 16384\n"
			"0000:02:00.0 buses 0 0 0 251 251\n"
			"0000:02:01.0 mem32 2 512 512 512 512\n"
			"0000:02:01.0 pref64 2 16384 16384 16384 16384\n"
			"0000:02:01.0 buses 0 251 251 251 251\n" },
	{ .name = "a pin holds a neighbour, not the card that would take its place",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.pin = "0000:04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 2 2 2 2 256\n"
			"0000:02:00.0 pref64 2 2 2 2 8192\n"
			"0000:02:00.0 buses 0 0 0 0 0\n"
			"0000:02:01.0 mem32 2 512 512 512 512\n"
			"0000:02:01.0 pref64 2 16384 16384 16384 16384\n"
			"0000:02:01.0 buses 0 251 251 251 251\n" },
	{ .name = "room in the switch needs nobody else",
		.machine = ROOMY("", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 2 2 512 512 512\n"
			"0000:02:00.0 pref64 512 512 16384 16384 16384\n"
			"0000:02:00.0 buses 0 0 251 251 251\n"
			"0000:02:01.0 mem32 2 512 512 512 512\n"
			"0000:02:01.0 pref64 512 16384 16384 16384 16384\n"
			"0000:02:01.0 buses 0 251 251 251 251\n" },
	{ .name = "an empty root port on 6.12",
		.machine = BESIDE_A_DISK(""),
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 128 128 128 128 128\n"
			"0000:00:02.0 pref64 1024 1024 1024 1024 1024\n"
			"0000:00:02.0 buses 2 250 250 250 250\n" },
	{ .name = "an empty root port on 7.3",
		.machine = "kernel 7.3.4\n" ROOT DISK
			   "00:02.0 bridge 01-20 root-port hotplug io=c000-cfff driver=pcieport\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 31 254 254 254 254\n" },
	{ .name = "on 7.3 nobody knows what a closed I/O window asked for: of memory all is said",
		.machine = "kernel 7.3.4\n" ROOT DISK
			   "00:02.0 bridge 01-20 root-port hotplug driver=pcieport\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 31 254 254 254 254\n" },
	{ .name = "a port without a slot is looked at when it is named",
		.machine = BESIDE_A_DISK(""),
		.port = "00:03.0",
		.limit = PR_DISRUPTION_IN_USE,
		.said = "0000:00:03.0 mem32 1 256 256 256 256\n"
			"0000:00:03.0 pref64 0 1024 1024 1024 1024\n"
			"0000:00:03.0 buses 0 0 0 0 0\n" },
	{ .name = "apertures that are not known",
		.machine = "kernel 6.12.0\nroot 0000:00-ff\n"
			   "00:02.0 bridge 01-02 root-port hotplug mem=c0000000-c00fffff\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 ? ? ? ? ?\n"
			"0000:00:02.0 pref64 ? ? ? ? ?\n"
			"0000:00:02.0 buses ? ? ? ? ?\n",
		.doubt = "the apertures of its host bridge are not known" },
	{ .name = "a hot-add that fails and takes from a neighbour: the plan mends both",
		.machine =
			"kernel 6.12.0\n" ROOT DISK
			"00:02.0 bridge 01-04 root-port hotplug mem=fe000000-fe3fffff driver=pcieport\n"
			"01:00.0 bridge 02-04 upstream mem=fe000000-fe3fffff driver=pcieport\n"
			"02:00.0 bridge 03-03 downstream hotplug driver=pcieport\n"
			"02:01.0 bridge 04-04 downstream mem=fe200000-fe3fffff driver=pcieport\n"
			"04:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 driver=e1000e\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 2 2 512 512 512\n"
			"0000:02:00.0 pref64 2 2 16384 16384 16384\n"
			"0000:02:00.0 buses 0 0 251 251 251\n" },
	{ .name = "and nothing may be moved: there is no room, whatever the hot-add would break",
		.machine =
			"kernel 6.12.0\n" ROOT DISK
			"00:02.0 bridge 01-04 root-port hotplug mem=fe000000-fe1fffff driver=pcieport\n"
			"01:00.0 bridge 02-04 upstream mem=fe000000-fe1fffff driver=pcieport\n"
			"02:00.0 bridge 03-03 downstream hotplug driver=pcieport\n"
			"02:01.0 bridge 04-04 downstream mem=fe000000-fe1fffff driver=pcieport\n"
			"04:00.0 dev 8086:10d3 bar0=mem:20000@fe000000 driver=e1000e\n",
		.limit = PR_DISRUPTION_FREE,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 3 254 254 254 254\n"
			"0000:02:00.0 mem32 0 0 0 0 256\n"
			"0000:02:00.0 pref64 0 0 0 0 16384\n"
			"0000:02:00.0 buses 0 0 0 0 0\n" },
	{ .name = "a switch with as many ports as the slot has numbers, on every port",
		.machine =
			"kernel 7.3.4\n" ROOT DISK
			"00:02.0 bridge 01-ff root-port hotplug io=c000-cfff mem=fe000000-fe1fffff driver=pcieport\n",
		.limit = PR_DISRUPTION_RESTART,
		.all = true,
		.said = "0000:00:02.0 mem32 512 512 512 512 512\n"
			"0000:00:02.0 pref64 16384 16384 16384 16384 16384\n"
			"0000:00:02.0 buses 254 254 254 254 254\n" },
	{ .name = "a function that is named and is no port has no room to tell of",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.port = "04:00.0",
		.said = "" },
};

static void say_room(char *text, size_t size, enum pr_card_kind kind, uint64_t room)
{
	size_t used = strlen(text);

	if (room == PR_ROOM_UNKNOWN)
		(void)snprintf(text + used, size - used, " ?");
	else
		(void)snprintf(text + used, size - used, " %" PRIu64,
			kind == PR_CARD_SWITCH ? room : room >> 20);
}

static void say_slot(char *text, size_t size, const struct pr_slot *slot)
{
	static const char *const kinds[] = { "mem32", "pref64", "buses" };
	char address[PR_ADDRESS_MAX];

	pr_address_format(&slot->port->address, address);
	for (unsigned int kind = 0; kind < _PR_CARD_KIND_MAX; kind++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, size - used, "%s %s", address, kinds[kind]);
		for (unsigned int when = 0; when < _PR_WHEN_MAX; when++)
			say_room(text, size, (enum pr_card_kind)kind, slot->largest[kind][when]);
		used = strlen(text);
		(void)snprintf(text + used, size - used, "\n");
	}
}

/* With a card of that size in the slot, the kernel alone gives it all it asks for. */
static void plug_in(const struct pr_topology *t, const struct pr_function *port,
	enum pr_card_kind kind, uint64_t size)
{
	struct pr_topology *machine, *after;
	struct pr_function *card;
	struct pr_kernel kernel;

	assert_int_equal(
		pr_card_insert(t, port, &(struct pr_card){ .kind = kind, .size = size }, &machine),
		0);
	assert_int_equal(pr_kernel_select(&machine->machine, &kernel), 0);
	assert_int_equal(
		pr_kernel_apply(&kernel, machine,
			&(struct pr_action){
				.kind = port->bridge->hotplug ? PR_ACTION_PLUG : PR_ACTION_RESCAN,
				.function = pr_topology_find(machine, &port->address) },
			1, &after, NULL),
		0);
	card = pr_topology_find(after, &port->address)->first_child;
	assert_non_null(card);
	assert_false(card->removed);
	assert_int_equal(pr_function_health(card), PR_HEALTH_OK);
	if (kind == PR_CARD_SWITCH)
		assert_int_equal(card->bridge->subordinate - card->bridge->secondary + 1, size);
	else
		assert_int_equal(pr_range_size(&card->resources[0].range), size);
	pr_topology_free(after);
	pr_topology_free(machine);
}

static void check_promises(const struct pr_slots *slots)
{
	for (size_t i = 0; i < slots->n; i++) {
		for (unsigned int kind = 0; kind < _PR_CARD_KIND_MAX; kind++) {
			const uint64_t *largest = slots->slots[i].largest[kind];

			if (largest[PR_WHEN_NOW] != PR_ROOM_NONE &&
				largest[PR_WHEN_NOW] != PR_ROOM_UNKNOWN)
				plug_in(slots->topology, slots->slots[i].port,
					(enum pr_card_kind)kind, largest[PR_WHEN_NOW]);
			for (unsigned int when = 1; when < _PR_WHEN_MAX; when++)
				assert_true(largest[when] >= largest[when - 1]);
		}
	}
}

static void test_slots(void **state)
{
	const struct slots_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_function *port = c->port ? machine_function(t, c->port) : NULL;
	const struct pr_policy policy = {
		.limit = c->limit, .pinned = &c->pin, .n_pinned = c->pin ? 1 : 0
	};
	const struct pr_slots_request request = {
		.ports = &port, .n_ports = port ? 1 : 0, .all = c->all
	};
	struct pr_slots *slots;
	char text[4096] = "";

	assert_int_equal(pr_slots_make(t, &policy, &request, &slots), 0);
	for (size_t i = 0; i < slots->n; i++)
		say_slot(text, sizeof(text), &slots->slots[i]);
	assert_string_equal(text, c->said);
	check_promises(slots);
	if (c->doubt)
		assert_string_equal(slots->slots[0].doubt, c->doubt);
	pr_slots_free(slots);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_slots);

	return rows_run(&tests, "slots");
}

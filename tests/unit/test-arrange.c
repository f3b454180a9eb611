/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrangements, row by row: a machine, its dead functions and what may move,
 * and the certificate in words.
 */
#include <inttypes.h>
#include <string.h>

#include "machine.h"
#include "plan/arrange.h"
#include "rows.h"

struct arrange_case {
	const char *name, *machine, *targets;
	const char *removed; /* exactly these; NULL: what the limit allows */
	const char *pinned;
	enum pr_disruption limit;
	enum pr_tier tier;
	bool cheap;       /* inequalities only */
	const char *find; /* certificate, "exists: ADDRESS WINDOW-OR-BAR FIRST-LAST; " in part */
};

static const char beside[] =
	"kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=c0000000-c7ffffff mem=100000000-10fffffff\n"
	"00:02.0 bridge 01-04 root-port mem=c0000000-c03fffff pref64=100000000-105ffffff\n"
	"01:00.0 bridge 02-04 upstream mem=c0000000-c03fffff pref64=100000000-105ffffff\n"
	"02:00.0 bridge 03-03 downstream mem=c0000000-c01fffff pref64=100000000-103ffffff\n"
	"02:01.0 bridge 04-04 downstream mem=c0200000-c03fffff pref64=104000000-105ffffff\n"
	"03:00.0 dev 8086:10d3 bar0=mem:100000@c0000000 bar2=pref64:4000000@100000000 driver=e1000e\n"
	"04:00.0 dev 8086:10d3 bar0=mem:100000@c0200000 bar2=pref64:8000000@forgotten\n";

static const char narrow[] =
	"kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=c0000000-c7ffffff mem=100000000-10bffffff\n"
	"00:02.0 bridge 01-04 root-port mem=c0000000-c03fffff pref64=100000000-105ffffff\n"
	"01:00.0 bridge 02-04 upstream mem=c0000000-c03fffff pref64=100000000-105ffffff\n"
	"02:00.0 bridge 03-03 downstream mem=c0000000-c01fffff pref64=100000000-103ffffff\n"
	"02:01.0 bridge 04-04 downstream mem=c0200000-c03fffff pref64=104000000-105ffffff\n"
	"03:00.0 dev 8086:10d3 bar0=mem:100000@c0000000 bar2=pref64:4000000@100000000 driver=e1000e\n"
	"04:00.0 dev 8086:10d3 bar0=mem:100000@c0200000 bar2=pref64:10000000@forgotten\n";

static const char low[] =
	"kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=c0000000-c2ffffff mem=100000000-1ffffffff\n"
	"00:1f.2 dev 8086:2922 bar5=mem:1000000@c2000000 driver=ahci user=mount:/\n"
	"00:02.0 bridge 01-01 root-port mem=c0000000-c0ffffff\n"
	"00:03.0 bridge 02-02 root-port mem=c1000000-c1ffffff\n"
	"01:00.0 dev 8086:10d3 bar0=mem:1000000@c0000000 driver=e1000e\n"
	"02:00.0 dev 8086:10d3 bar0=mem:1000000@c1000000 bar1=mem:800000@forgotten\n";

static const char ports[] =
	"kernel 6.12.0\narch x86_64\nroot 0000:00-ff io=2000-3fff mem=c0000000-c7ffffff\n"
	"00:02.0 bridge 01-01 root-port io=2000-2fff mem=c0000000-c01fffff\n"
	"00:03.0 bridge 02-02 root-port io=3000-3fff mem=c0200000-c03fffff\n"
	"00:04.0 bridge 03-03 root-port mem=c0400000-c05fffff\n"
	"01:00.0 dev 8086:10d3 bar2=io:20@2000\n"
	"02:00.0 dev 8086:10d3 bar2=io:20@3000\n"
	"03:00.0 dev 8086:10d3 bar2=io:20@forgotten\n";

static const char vfs[] =
	"kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=c0000000-c04fffff\n"
	"00:02.0 bridge 01-01 root-port mem=c0000000-c01fffff\n"
	"01:00.0 dev 8086:10d3 bar0=mem:100000@c0000000 vfs=5 vfbar0=mem:100000@unassigned\n";

static const char buses[] = "kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=c0000000-c7ffffff\n"
			    "00:02.0 bridge 01-04 root-port\n01:00.0 bridge 02-04 upstream\n"
			    "02:00.0 bridge 03-03 downstream\n02:01.0 bridge 04-04 downstream\n"
			    "02:02.0 bridge none downstream\n"
			    "03:00.0 dev 8086:10d3 driver=vfio-pci\n";

static const char subtractive[] =
	"kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=c0000000-c7ffffff\n"
	"00:02.0 bridge 01-01 class=060401 mem=c0000000-c00fffff\n"
	"01:00.0 dev 8086:10d3 bar0=mem:200000@forgotten\n";

static const struct arrange_case cases[] = {
	{ .name = "a dead card below a switch, room at the host bridge",
		.machine = beside,
		.targets = "04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.find = "exists" },
	{ .name = "322 MiB in 320 MiB of both apertures",
		.machine = narrow,
		.targets = "04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.find = "none: host bridge 0000:00, mem, volume 1: 337641472 wanted, 335544320 of "
			"335544320, 0 immovable, blockers:" },
	{ .name = "removed alone, it has the window of its port",
		.machine = beside,
		.targets = "04:00.0",
		.removed = "04:00.0",
		.find = "none: 0000:02:01.0, mem, volume 1: 135266304 wanted, 35651584 of 35651584, "
			"0 immovable, blockers:" },
	{ .name = "removed with its port, the window of the switch without its neighbour's",
		.machine = beside,
		.targets = "04:00.0",
		.removed = "02:01.0",
		.cheap = true,
		.find = "none: 0000:01:00.0, mem, volume 1: 135266304 wanted, 35651584 of 104857600, "
			"69206016 immovable, blockers: 0000:02:00.0" },
	{ .name = "removed with both ports, what the switch has is still too small",
		.machine = beside,
		.targets = "04:00.0",
		.removed = "02:00.0 02:01.0",
		.cheap = true,
		.find = "none: 0000:01:00.0, mem, volume 1: 203423744 wanted, 104857600 of "
			"104857600, 0 immovable" },
	{ .name = "the root port is enough",
		.machine = beside,
		.targets = "04:00.0",
		.removed = "00:02.0",
		.find = "exists" },
	{ .name = "the inequalities alone find nothing wrong with it",
		.machine = beside,
		.targets = "04:00.0",
		.removed = "00:02.0",
		.cheap = true,
		.find = "exists" },
	{ .name = "a neighbour that may not restart keeps the switch where it is",
		.machine = beside,
		.targets = "04:00.0",
		.limit = PR_DISRUPTION_FREE,
		.find = "none: 0000:01:00.0, mem, volume 1: 135266304 wanted, 35651584 of 104857600, "
			"69206016 immovable, blockers: 0000:02:00.0" },
	{ .name = "a neighbour that is pinned, too",
		.machine = beside,
		.targets = "04:00.0",
		.pinned = "0000:03:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "none: 0000:01:00.0, mem, volume 1" },
	{ .name = "pins aside, only the hardware keeps things in place",
		.machine = beside,
		.targets = "04:00.0",
		.pinned = "0000:03:00.0",
		.limit = PR_DISRUPTION_PINNED,
		.find = "exists" },
	{ .name = "memory below 4 GiB, of which a disk holds a part for good",
		.machine = low,
		.targets = "02:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "none: host bridge 0000:00, mem32, volume 1: 41943040 wanted, 33554432 of "
			"50331648, 16777216 immovable, blockers: 0000:00:1f.2" },
	{ .name = "an I/O BAR is not asked for where memory is what counts",
		.machine = ports,
		.targets = "03:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.tier = PR_TIER_MEMORY,
		.find = "exists" },
	{ .name = "three windows of 4 KiB in 8 KiB of I/O ports",
		.machine = ports,
		.targets = "03:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "none: host bridge 0000:00, io, volume 1: 12288 wanted, 8192 of 8192, 0 "
			"immovable" },
	{ .name = "VF BARs of five functions take five times their size, aligned to one",
		.machine = vfs,
		.targets = "01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "none: host bridge 0000:00, mem32, volume 1: 6291456 wanted, 5242880" },
	{ .name = "VF BARs are not asked for where memory is what counts",
		.machine = vfs,
		.targets = "01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.tier = PR_TIER_MEMORY,
		.find = "exists" },
	{ .name = "a port without a bus number, beside one that keeps its own",
		.machine = buses,
		.targets = "02:02.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "none: 0000:01:00.0, buses, volume 1: 2 wanted, 1 of 2, 1 immovable, "
			"blockers: 0000:02:00.0" },
	{ .name = "with all to be numbered anew there is a number, and what is behind is not known",
		.machine = buses,
		.targets = "02:02.0",
		.removed = "00:02.0",
		.find = "unknown" },
	{ .name = "behind a subtractive bridge a failure proves nothing",
		.machine = subtractive,
		.targets = "01:00.0",
		.removed = "01:00.0",
		.find = "unknown" },
	{ .name = "without apertures nothing is known",
		.machine = "kernel 6.12.0\nroot 0000:00-ff\n"
			   "00:02.0 bridge 01-01 root-port mem=c0000000-c00fffff\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:200000@forgotten\n",
		.targets = "01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "unknown" },
	{ .name = "prefetchable memory in the other window, where its own is closed for good",
		.machine =
			"kernel 6.12.0\nroot 0000:00-ff mem=c0000000-c7ffffff\n"
			"00:02.0 bridge 01-01 root-port mem=c0000000-c02fffff pref64=c1000000-c10fffff\n"
			"01:00.0 dev 8086:10d3 bar0=mem:100000@c0000000 bar2=pref64:200000@forgotten\n",
		.targets = "01:00.0",
		.removed = "01:00.0",
		.find = "exists: 0000:01:00.0 2 c0000000-c01fffff" },
	{ .name = "the BIOS below 4 GiB is nobody's room on x86",
		.machine = "kernel 6.12.0\narch x86_64\nroot 0000:00-ff mem=ffc00000-ffffffff\n"
			   "00:02.0 bridge 01-01 root-port mem=ffc00000-ffcfffff\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:400000@forgotten\n",
		.targets = "01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "none: host bridge 0000:00, mem32, volume 1: 4194304 wanted, 2097152 of "
			"4194304, 2097152 immovable" },
	{ .name = "elsewhere it is",
		.machine = "kernel 6.12.0\narch aarch64\nroot 0000:00-ff mem=ffc00000-ffffffff\n"
			   "00:02.0 bridge 01-01 root-port mem=ffc00000-ffcfffff\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:400000@forgotten\n",
		.targets = "01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "exists: 0000:00:02.0 14 ffc00000-ffffffff; "
			"0000:01:00.0 0 ffc00000-ffffffff" },
	{ .name = "what lies outside of the recorded apertures need not move into them",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=c0000000-c07fffff\n"
			   "00:02.0 bridge 01-01 root-port mem=d0000000-d07fffff\n"
			   "00:03.0 bridge 02-02 root-port\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:800000@d0000000\n"
			   "02:00.0 dev 8086:10d3 bar0=mem:400000@forgotten\n",
		.targets = "02:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "unknown" },
	{ .name = "a set of subtrees that is given has to move",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=c0000000-c07fffff\n"
			   "00:02.0 bridge 01-01 root-port mem=d0000000-d07fffff\n"
			   "00:03.0 bridge 02-02 root-port\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:800000@d0000000\n"
			   "02:00.0 dev 8086:10d3 bar0=mem:400000@forgotten\n",
		.targets = "02:00.0",
		.removed = "00:02.0 00:03.0",
		.find = "none: host bridge 0000:00, mem32, volume 1: 12582912 wanted, 8388608" },
	{ .name = "nor does what the firmware has put above 4 GiB, and Linux would not",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=c0000000-c07fffff "
			   "mem=100000000-1ffffffff\n"
			   "00:02.0 bridge 01-01 root-port pref64=100000000-1007fffff\n"
			   "00:03.0 bridge 02-02 root-port\n"
			   "01:00.0 dev 8086:10d3 bar0=mem64:800000@100000000\n"
			   "02:00.0 dev 8086:10d3 bar0=mem:400000@forgotten\n",
		.targets = "02:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "unknown" },
	{ .name = "nor do buses outside of what the host bridge has",
		.machine = "kernel 6.12.0\nroot 0000:00-02 mem=c0000000-c7ffffff\n"
			   "00:02.0 bridge 01-04 root-port\n00:03.0 bridge none root-port\n"
			   "01:00.0 bridge 02-04 upstream\n02:00.0 bridge 03-03 downstream\n",
		.targets = "00:03.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "unknown" },
	{ .name = "a busy range in the aperture",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=c0000000-c07fffff "
			   "busy=c03ff000-c03fffff\n"
			   "00:02.0 bridge 01-01 root-port\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:400000@forgotten\n",
		.targets = "01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.find = "exists: 0000:00:02.0 14 c0400000-c07fffff" },
};

static size_t parse_list(
	const struct pr_topology *t, const char *text, const struct pr_function *ret[8])
{
	char copy[128], *rest = copy;
	size_t n = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (const char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
		ret[n++] = machine_function(t, word);
	return n;
}

static void describe(const struct pr_certificate *c, char *ret, size_t size)
{
	char place[PR_PLACE_TEXT_MAX], address[PR_ADDRESS_MAX];
	size_t n;

	n = (size_t)snprintf(ret, size, "%s:", pr_arrangement_name(c->arrangement));
	for (size_t i = 0; i < c->n_placed; i++) {
		pr_address_format(&c->placed[i].function->address, address);
		n += (size_t)snprintf(ret + n, size - n, " %s %u %" PRIx64 "-%" PRIx64 ";", address,
			c->placed[i].index, c->placed[i].range.first, c->placed[i].range.last);
	}
	if (c->arrangement != PR_ARRANGEMENT_NONE)
		return;
	n += (size_t)snprintf(ret + n, size - n,
		" %s, %s, %s %" PRIu64 ": %" PRIu64 " wanted, %" PRIu64 " of %" PRIu64 ", %" PRIu64
		" immovable, blockers:",
		pr_place_text(c, place), pr_space_name(c->space), pr_proof_name(c->proof), c->unit,
		c->wanted, c->best, c->total, c->immovable);
	for (size_t i = 0; i < c->n_blockers; i++) {
		pr_address_format(&c->blockers[i]->address, address);
		n += (size_t)snprintf(ret + n, size - n, " %s", address);
	}
}

static void test_arrange(void **state)
{
	const struct arrange_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	struct pr_arena *arena = pr_arena_new();
	const struct pr_policy policy = { .pinned = &c->pinned, .n_pinned = c->pinned ? 1 : 0 };
	const struct pr_function *targets[8], *removed[8];
	struct pr_kernel kernel;
	struct pr_arrange_question q = { .topology = t,
		.policy = &policy,
		.kernel = &kernel,
		.targets = targets,
		.removed = removed,
		.exactly = c->removed != NULL,
		.limit = c->limit,
		.tier = c->tier,
		.budget = c->cheap ? 0 : PR_ARRANGE_BUDGET };
	struct pr_certificate certificate;
	char text[2048];

	assert_int_equal(pr_kernel_select(&t->machine, &kernel), 0);
	q.n_targets = parse_list(t, c->targets, targets);
	if (c->removed)
		q.n_removed = parse_list(t, c->removed, removed);
	assert_int_equal(pr_arrange(arena, &q, &certificate), 0);
	describe(&certificate, text, sizeof(text));
	if (!strstr(text, c->find))
		fail_msg("\"%s\" is not in \"%s\"", c->find, text);
	pr_arena_free(arena);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_arrange);

	return rows_run(&tests, "arrange");
}

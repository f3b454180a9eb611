/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line says: words, sentences, JSON, help, and which device
 * a name means.
 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "cli/apply.h"
#include "cli/examine.h"
#include "cli/plan.h"
#include "machine.h"
#include "rows.h"

/*
 * A switch whose windows are packed, a card of 256 MiB behind it, 32 GiB free at the host bridge
 * (M1).
 */
#define PACKED                                                                                 \
	"kernel 6.1.0-50-amd64\n"                                                              \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"         \
	"00:01.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe000000 driver=e1000e\n"           \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe400000-fe5fffff "           \
	"pref64=100000000-1001fffff driver=pcieport\n"                                         \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe400000-fe5fffff "                    \
	"pref64=100000000-1001fffff driver=pcieport\n"                                         \
	"02:00.0 bridge 03-03 downstream io=c000-cfff mem=fe400000-fe4fffff driver=pcieport\n" \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe500000-fe5fffff "                       \
	"pref64=100000000-1001fffff driver=pcieport\n"                                         \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe400000 bar2=io:20@c000 "          \
	"driver=e1000e user=mount:/srv\n"                                                      \
	"04:00.0 dev 1b36:0005 class=ff0000 bar0=mem:1000@fe500000 bar2=pref64:10000000@forgotten\n"

#define HEALTHY                                                \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n" \
	"00:03.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe000000\n"

/* What was read of an empty port does not tell whether it is a slot. */
#define MUTE                                                                                     \
	"kernel 6.12.0\nroot 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"                    \
	"00:02.0 bridge 01-02 root-port mem=fe400000-fe5fffff\n01:00.0 bridge 02-02 downstream " \
	"bytes=40\n"

/* A switch was added where no bus number was left. */
#define NO_BUS                                                                           \
	"kernel 6.1.0-50-amd64\n"                                                        \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"                           \
	"00:02.0 bridge 01-01 root-port hotplug mem=fe400000-fe5fffff driver=pcieport\n" \
	"01:00.0 bridge none upstream\n"

/* A card of 64 GiB: more than the host bridge has. */
#define TOO_LARGE                                                                      \
	"kernel 6.1.0-50-amd64\n"                                                      \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n" \
	"00:02.0 bridge 01-04 root-port hotplug mem=fe400000-fe5fffff "                \
	"pref64=100000000-1001fffff driver=pcieport\n"                                 \
	"01:00.0 dev 1b36:0005 class=ff0000 bar2=pref64:1000000000@forgotten\n"

/* A BAR whose size nobody knows. */
#define UNMEASURED                                                                       \
	"kernel 6.1.0-50-amd64\n"                                                        \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"   \
	"00:02.0 bridge 01-04 root-port hotplug mem=fe400000-fe5fffff driver=pcieport\n" \
	"01:00.0 dev 1b36:0005 class=ff0000 bar2=pref64:10000000@forgotten?\n"

/*
 * The kernel believes in a memory window that the bridge does not have, and an I/O BAR is missing
 * (K4).
 */
#define DISAGREEING                                                                        \
	"kernel 6.1.0-50-amd64\n"                                                          \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"     \
	"00:02.0 bridge 01-04 root-port hotplug regs-mem=closed mem=fe400000-fe5fffff "    \
	"driver=pcieport\n"                                                                \
	"01:00.0 dev 8086:10d3 class=020000 bar0=mem:1000@fe500000 bar2=io:20@unassigned " \
	"driver=e1000e\n"

static char *taken(struct pr_text *t)
{
	char *text = NULL;

	assert_int_equal(pr_text_take(t, &text, NULL), 0);
	return text;
}

/* ---- words ---- */

static const struct class_case {
	const char *name;
	uint32_t code;
	const char *text;
} class_cases[] = {
	{ "an interface that has its own name", 0x010802, "NVMe controller" },
	{ "a subclass whose interface nobody named", 0x010803, "NVM controller" },
	{ "a base class whose subclass nobody named", 0x01ff00, "storage controller" },
	{ "a PCI bridge with subtractive decode is a PCI bridge", 0x060401, "PCI bridge" },
	{ "the last base class: a device", 0xff0000, "device" },
};

static void test_class(void **state)
{
	const struct class_case *c = *state;

	assert_string_equal(pr_class_text(c->code), c->text);
}

static const struct size_case {
	const char *name;
	uint64_t size;
	bool bytes;
	const char *text;
} size_cases[] = {
	{ "a size for people", 0x10000000, false, "256 MiB" },
	{ "a size in bytes", 0x10000000, true, "268435456 bytes" },
	{ "an unknown size is said to be unknown", PR_SIZE_UNKNOWN, false, "of unknown size" },
	{ "an unknown size is no number of bytes either", PR_SIZE_UNKNOWN, true,
		"of unknown size" },
};

static void test_size(void **state)
{
	const struct size_case *c = *state;
	const struct pr_style style = { .bytes = c->bytes };
	char text[PR_WORD_MAX];

	assert_string_equal(pr_size_text(&style, c->size, text), c->text);
}

/* ---- sentences and JSON of machines ---- */

/* Every fragment is in @text, in this order. */
static void assert_says(const char *text, const char *const *fragments)
{
	const char *at = text;

	for (; *fragments; fragments++) {
		at = strstr(at, *fragments);
		if (!at)
			fail_msg("'%s' is missing, or not in its place, in:\n%s", *fragments, text);
		at += strlen(*fragments);
	}
}

/*
 * Just enough of a parser (RFC 8259) to know that a document is one; returns what follows the
 * value, or NULL.
 */
static const char *skip_json(const char *s);

static const char *skip_space(const char *s)
{
	while (*s == ' ' || *s == '\n')
		s++;
	return s;
}

static const char *skip_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s && *s != '"'; s++)
		if (*s == '\\' && !*++s)
			return NULL;

	return *s ? s + 1 : NULL;
}

static const char *skip_members(const char *s, char end)
{
	s = skip_space(s + 1);
	if (*s == end)
		return s + 1;
	for (;;) {
		if (end == '}') {
			s = skip_string(skip_space(s));
			if (!s || *s != ':')
				return NULL;
			s++;
		}
		s = skip_json(s);
		if (!s)
			return NULL;
		if (*s == end)
			return s + 1;
		if (*s++ != ',')
			return NULL;
	}
}

static const char *skip_json(const char *s)
{
	static const char *const words[] = { "true", "false", "null" };

	s = skip_space(s);
	if (*s == '{' || *s == '[') {
		s = skip_members(s, *s == '{' ? '}' : ']');
		return s ? skip_space(s) : NULL;
	}
	if (*s == '"') {
		s = skip_string(s);
		return s ? skip_space(s) : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(s, words[i], strlen(words[i])) == 0)
			return skip_space(s + strlen(words[i]));
	if (!isdigit((unsigned char)*s))
		return NULL;
	while (isdigit((unsigned char)*s))
		s++;
	return skip_space(s);
}

static void assert_json(const char *text)
{
	const char *end = skip_json(text);

	if (!end || *end)
		fail_msg("not one JSON document:\n%s", text);
}

enum output {
	EXPLAIN,
	EXPLAIN_JSON,
	PLAN,
	PLAN_JSON,
	TREE,
	TREE_JSON,
	SLOTS,
	SLOTS_JSON,
	VFS,
	VFS_JSON,
	DOCTOR,
};

static const struct output_case {
	const char *name;
	const char *machine;
	enum output output;
	struct pr_style style;
	const char *device;  /* named on the command line; NULL: none */
	const char *reserve; /* an option of that name; NULL: none */
	enum pr_disruption limit;
	const char *says[14]; /* fragments, in order */
	const char *never;    /* must not occur */
} output_cases[] = {
	{ .name = "explain: a healthy machine is said to be healthy",
		.machine = HEALTHY,
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "Nothing is wrong" } },
	{ .name = "explain: nothing is said to be right that was not seen",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n"
			   "00:03.0 dev 8086:10d3 nolines bytes=16\n",
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "Nothing wrong is seen, but 1 function may lack anything" },
		.never = "Nothing is wrong" },
	{ .name = "explain: where the nearest window has room the others do not matter",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n"
			   "00:02.0 bridge 01-02 root-port mem=c0000000-c01fffff\n"
			   "01:00.0 bridge 02-02 downstream mem=c0000000-c01fffff\n"
			   "02:00.0 dev 1234:1111 bar0=mem:1000@forgotten\n",
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "2 MiB free: has room", "nothing free: too small",
			"The nearest window has room; the kernel has not tried since." },
		.never = "Every window" },
	{ .name = "explain: a healthy device that was named is said to be healthy",
		.machine = HEALTHY,
		.output = EXPLAIN,
		.device = "00:03.0",
		.limit = PR_DISRUPTION_RESTART,
		.says = { "0000:00:03.0 (Ethernet controller 8086:10d3, no driver) has everything" } },
	{ .name = "explain: a device whose driver hangs is named as such",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:03.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe000000 "
			   "user=locked:hangs\n",
		.output = EXPLAIN,
		.device = "00:03.0",
		.limit = PR_DISRUPTION_RESTART,
		.says = { "has everything it asks for", "  Beware: hangs.\n" } },
	{ .name = "explain: a list of capabilities that leads back to its beginning",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:03.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe000000 "
			   "config=06:10 config=34:e0 config=e0:7ffc config=fc:10e0\n",
		.output = EXPLAIN,
		.device = "00:03.0",
		.limit = PR_DISRUPTION_RESTART,
		.says = { "has everything it asks for",
			"  Its list of capabilities loops or leads out of range.\n" } },
	{ .name = "explain: what a device fixes where no window leads",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:03.0 dev 1:2 nolines config=06:10 config=34:e0 "
			   "config=e0:140001002401ff8002000000feff0f007f00000000000000\n",
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "0000:00:03.0 (device 0001:0002, no driver) is dead",
			"The device fixes it at 0x7f00000000 (Enhanced Allocation)",
			"No arrangement helps where a device fixes its own addresses.\n" },
		.never = "needs mending" },
	{ .name = "explain: the dead card, its BAR, every window on the way and the choke point",
		.machine = PACKED,
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "0000:04:00.0 (device 1b36:0005, no driver) is dead",
			"BAR 2 asks for 256 MiB of 64-bit prefetchable memory",
			"0000:02:01.0   prefetchable window  2 MiB",
			"0000:01:00.0   prefetchable window  2 MiB",
			"0000:00:02.0   prefetchable window  2 MiB", "choke point",
			"0000:00        host bridge ", "has room",
			"The choke point is the prefetchable window of 0000:00:02.0; everything above it has room",
			"256 MiB of prefetchable memory are wanted there, and all of its 2 MiB are taken",
			"taken by", "0000:02:01.0   2 MiB " } },
	{ .name = "explain: sizes in bytes when asked for",
		.machine = PACKED,
		.output = EXPLAIN,
		.style = { .bytes = true },
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "asks for 268435456 bytes of", "2097152 bytes" },
		.never = "MiB" },
	{ .name = "explain: a part of the machine in which nothing is wrong hides the dead card",
		.machine = PACKED,
		.output = EXPLAIN,
		.device = "00:01.0",
		.limit = PR_DISRUPTION_RESTART,
		.says = { "0000:00:01.0" },
		.never = "0000:04:00.0" },
	{ .name = "explain --json: schema, device, resource, choke, levels",
		.machine = PACKED,
		.output = EXPLAIN_JSON,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "\"schema\": \"pciroom.explain/1\"", "\"kernel\": \"6.1.0-50-amd64\"",
			"\"address\": \"0000:04:00.0\"",
			"\"path\": \"0000:00/02.0/00.0/01.0/00.0\"", "\"health\": \"unassigned\"",
			"\"name\": \"BAR 2\"", "\"state\": \"forgotten\"",
			"\"size\": \"0x10000000\"", "\"choke\": {", "\"bridge\": \"0000:00:02.0\"",
			"\"levels\": [", "\"bridge\": null" } },
	{ .name = "explain --json: a healthy machine has empty lists, not missing ones",
		.machine = HEALTHY,
		.output = EXPLAIN_JSON,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "\"kernel\": null", "\"devices\": []", "\"no_bus\": []",
			"\"disagreeing\": []", "\"remedy\": null" } },
	{ .name = "plan: a healthy machine has nothing to do",
		.machine = HEALTHY,
		.output = PLAN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "Nothing to do: nothing in question lacks" },
		.never = "What will be done" },
	{ .name = "plan: verdict, steps, who is disturbed and why, what comes out of it",
		.machine = PACKED,
		.output = PLAN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "It can be mended: 0000:04:00.0 will work; 1 function in use will be interrupted",
			"What will be done", "unbind e1000e from 0000:03:00.0",
			"remove 0000:00:02.0 and the 5 functions below it", "rescan the ",
			"check that the machine is as predicted", "What is disturbed",
			"0000:03:00.0   in-use  Ethernet controller", "What comes out of it",
			"gets BAR 2, 256 MiB at 0x", "Plan " } },
	{ .name = "plan: beyond the limit, the limit is named and the plan is shown",
		.machine = PACKED,
		.output = PLAN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "It could be mended, but not within the limit",
			"--disruption=in-use would allow it", "What will be done" } },
	{ .name = "plan: functions that nobody uses are a number, unless everything is wanted",
		.machine = PACKED,
		.output = PLAN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "functions that nobody uses" },
		.never = " free " },
	{ .name = "plan --verbose: functions that nobody uses are named",
		.machine = PACKED,
		.output = PLAN,
		.style = { .verbose = true },
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "0000:01:00.0   free    upstream port", "What was considered" },
		.never = "that nobody uses" },
	{ .name = "plan --json: every part of the plan",
		.machine = PACKED,
		.output = PLAN_JSON,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "\"verdict\": \"ok\"", "\"why\": null", "\"id\": \"", "\"targets\": [",
			"\"removed\": [", "\"address\": \"0000:00:02.0\"", "\"affected\": [",
			"\"disruption\": \"in-use\"", "\"steps\": [", "\"kind\": \"expect\"",
			"\"prediction\": [", "\"certificate\": null", "\"explanation\": {" } },
	{ .name = "plan --json: nothing to do has no id and empty lists",
		.machine = HEALTHY,
		.output = PLAN_JSON,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "\"verdict\": \"nothing\"", "\"id\": null", "\"targets\": []",
			"\"steps\": []", "\"prediction\": []" } },
	{ .name = "explain: the host bridge itself is the choke point, and nothing helps",
		.machine = TOO_LARGE,
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "is dead", "The choke point is the host bridge 0000:00.",
			"64 GiB of prefetchable memory are wanted there",
			"pciroom cannot mend this while the machine runs: " },
		.never = "everything above it" },
	{ .name = "explain --json: the host bridge as choke point has no bridge",
		.machine = TOO_LARGE,
		.output = EXPLAIN_JSON,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "\"choke\": {", "\"bridge\": null", "\"path\": \"0000:00\"",
			"\"verdict\": \"infeasible\"" } },
	{ .name = "plan: what is impossible is refused with its reason and what was considered",
		.machine = TOO_LARGE,
		.output = PLAN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "It cannot be mended while the machine runs: ", "64 GiB",
			"even a perfect arrangement lacks 30", "What was considered",
			"re-enumerating 0000:00:02.0: " },
		.never = "What will be done" },
	{ .name = "plan --json: what is impossible has a certificate",
		.machine = TOO_LARGE,
		.output = PLAN_JSON,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "\"certificate\": {", "\"arrangement\": \"none\"", "\"kind\": \"volume\"",
			"\"space\": \"mem\"", "\"root_bus\": 0", "\"wanted\": 68719476736",
			"\"blockers\": []" } },
	{ .name = "explain: a size that nobody knows is not invented",
		.machine = UNMEASURED,
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "the kernel forgot how much",
			"Whether pciroom can mend this is not known" },
		.never = "choke point" },
	{ .name = "explain --json: a size that nobody knows is null",
		.machine = UNMEASURED,
		.output = EXPLAIN_JSON,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "\"size\": null", "\"align\": null", "\"choke\": null",
			"\"wanted\": null", "\"verdict\": \"unknown\"" } },
	{ .name = "plan: a size that nobody knows is no answer",
		.machine = UNMEASURED,
		.output = PLAN,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "No answer: ", "BAR 2 of 0000:01:00.0" } },
	{ .name = "explain: a device without its I/O BAR works in part; a window that is not there is told",
		.machine = DISAGREEING,
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "0000:01:00.0 (Ethernet controller 8086:10d3, driver e1000e) works, but not with",
			"BAR 2 asks for 32 B of I/O ports", "closed: too small  <- choke point",
			"0000:00:02.0 does not forward what the kernel believes",
			"differ for its memory window" } },
	{ .name = "explain --json: a window that is not there is named",
		.machine = DISAGREEING,
		.output = EXPLAIN_JSON,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "\"health\": \"partial\"", "\"disagreeing\": [",
			"\"address\": \"0000:00:02.0\"", "\"windows\": [", "\"mem\"" } },
	{ .name = "plan: a root bus on which nothing stays is rescanned as a bus",
		.machine = DISAGREEING,
		.output = PLAN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "1 driver will be restarted", "rescan the root bus 0000:00" } },
	{ .name = "plan --json: a root bus on which nothing stays has no address",
		.machine = DISAGREEING,
		.output = PLAN_JSON,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "\"rescan\": [", "\"address\": null", "\"path\": \"0000:00\"",
			"\"root_bus\": \"0000:00\"" } },
	{ .name = "explain: a bridge without bus numbers is said once, with what follows from it",
		.machine = NO_BUS,
		.output = EXPLAIN,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "0000:01:00.0 (upstream port", "has no bus numbers",
			"nothing behind it can be seen" } },
	{ .name = "explain: the same bridge when it is named is still said once",
		.machine = NO_BUS,
		.output = EXPLAIN,
		.device = "01:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.says = { "has no bus numbers", "nothing behind it" },
		.never = "has everything" },
	{ .name = "explain --json: a bridge without bus numbers is in its list",
		.machine = NO_BUS,
		.output = EXPLAIN_JSON,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "\"no_bus\": [", "\"address\": \"0000:01:00.0\"", "\"secondary\": " } },
	{ .name = "tree: a bridge without bus numbers has no buses",
		.machine = NO_BUS,
		.output = TREE,
		.says = { "0000:01:00.0", "upstream port", "no bus numbers" } },
	{ .name = "tree: bridges with their buses, the dead card with what it lacks, users",
		.machine = PACKED,
		.output = TREE,
		.says = { "DEVICE", "0000:00 ", "host bridge, buses 00-ff", "0000:00:02.0",
			"root port", "buses 01-04, hot-plug", "0000:03:00.0", "e1000e", "/srv",
			"0000:04:00.0", "BAR 2 256 MiB missing", "dead" } },
	{ .name = "tree --verbose: each resource with its address",
		.machine = PACKED,
		.output = TREE,
		.style = { .verbose = true },
		.says = { "BAR 0 128 KiB at 0xfe400000" } },
	{ .name = "tree --verbose: the sizes that a Resizable BAR can have, and none of one size",
		.machine = "root 0000:00-ff mem=80000000-febfffff\n"
			   "00:03.0 dev 1002:7300 class=030000 bar0=mem:10000000@80000000 "
			   "bar2=mem:100000@90000000 "
			   "config=100:150001000030000040080000100000000200000000\n",
		.output = TREE,
		.style = { .verbose = true },
		.says = { "BAR 0 256 MiB at 0x80000000, resizable: 256 MiB 512 MiB",
			"BAR 2 1 MiB at 0x90000000" },
		.never = "0x90000000, resizable" },
	{ .name = "tree --json: sizes of a Resizable BAR, and none",
		.machine = "root 0000:00-ff mem=80000000-febfffff\n"
			   "00:03.0 dev 1002:7300 class=030000 bar0=mem:10000000@80000000 "
			   "bar2=mem:100000@90000000 config=100:150001000030000020080000\n",
		.output = TREE_JSON,
		.says = { "\"BAR 0\"", "\"sizes\": [", "\"0x10000000\"", "\"0x20000000\"",
			"\"BAR 2\"", "\"sizes\": []" } },
	{ .name = "tree in colour: what is dead is red",
		.machine = PACKED,
		.output = TREE,
		.style = { .color = true },
		.says = { "\033[31mdead" } },
	{ .name = "tree without colour has no escape sequences",
		.machine = PACKED,
		.output = TREE,
		.says = { "dead" },
		.never = "\033" },
	{ .name = "tree --json: host bridges, functions below functions, users",
		.machine = PACKED,
		.output = TREE_JSON,
		.says = { "\"schema\": \"pciroom.tree/1\"", "\"path\": \"0000:00\"",
			"\"start\": \"0x100000000\"", "\"end\": \"0x8ffffffff\"",
			"\"address\": \"0000:00:02.0\"", "\"hotplug\": true", "\"functions\": [",
			"\"address\": \"0000:03:00.0\"", "\"what\": \"/srv\"",
			"\"address\": \"0000:04:00.0\"", "\"start\": null" } },
	{ .name = "vfs: how many, and what stops more",
		.machine = "root 0000:00-ff mem=80000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0010 class=010802 bar0=mem:4000@fe000000 vfs=300 "
			   "vfbar0=mem64:1000@fe100000 driver=nvme\n",
		.output = VFS,
		.says = { "POSSIBLE", "0000:01:00.0", "NVMe controller 1b36:0010", "nvme", "300",
			"255", "the next one is on bus 02, the buses end at 01" } },
	{ .name = "vfs --json: a VF BAR without addresses, and no plan",
		.machine = "root 0000:00-ff mem=80000000-febfffff\n"
			   "01:00.0 dev 1b36:0010 vfs=8 vfbar0=mem64:4000@forgotten? driver=nvme\n",
		.output = VFS_JSON,
		.says = { "\"schema\": \"pciroom.vfs/1\"", "\"address\": \"0000:01:00.0\"",
			"\"total\": 8", "\"enabled\": 0", "\"possible\": 0", "\"stop\": \"bar\"",
			"\"bar\": \"VF BAR 0\"", "\"plan\": null" } },
	{ .name = "slots: what is in each, and a line for every effort that gives more",
		.machine = PACKED,
		.output = SLOTS,
		.limit = PR_DISRUPTION_IN_USE,
		.says = { "SLOT", "32-BIT BAR", "0000:00:02.0", "upstream port", "nothing",
			"0000:02:01.0", "1b36:0005", "interrupting users", "16 GiB" } },
	{ .name = "slots: efforts beyond the limit are not told of",
		.machine = PACKED,
		.output = SLOTS,
		.limit = PR_DISRUPTION_RESTART,
		.says = { "0000:02:01.0", "a boot with it" },
		.never = "interrupting users" },
	{ .name = "doctor: a healthy machine is said to be healthy",
		.machine = HEALTHY,
		.output = DOCTOR,
		.says = { "Nothing is wrong, and no hot-add would damage what runs.\n" } },
	{ .name = "doctor: harm of what may be a slot is not denied",
		.machine = MUTE,
		.output = DOCTOR,
		.says = { "Nothing wrong is seen.\nNot every hot-add could be tried: 0000:01:00.0 may" },
		.never = "Nothing is wrong" },
	{ .name = "doctor: nothing is said to be right that was not seen",
		.machine = "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n"
			   "00:03.0 dev 8086:10d3 nolines bytes=10\n",
		.output = DOCTOR,
		.says = { "Nothing wrong is seen, but 1 function may lack anything" },
		.never = "Nothing is wrong" },
	{ .name = "plan: who wants room to spare is told that no parameter gives it",
		.machine = PACKED,
		.output = PLAN,
		.reserve = "02:01.0=mem:2G",
		.says = { "It cannot be mended",
			"What the next boot could do\n  nothing: no kernel " } },
	{ .name = "slots: what cannot be said is a question mark with its reason",
		.machine = "root 0000:00-ff\n00:02.0 bridge 01-02 root-port hotplug\n",
		.output = SLOTS,
		.says = { "?", "? at 0000:00:02.0: the apertures" } },
	{ .name = "slots: Resizable BARs, what they can be and what there is room for",
		.machine =
			"kernel 7.3.4\nroot 0000:00-ff mem=c0000000-febfffff mem=100000000-1ffffffff\n"
			"00:02.0 bridge 01-01 root-port mem=fd000000-fdffffff "
			"pref64=f8000000-fbffffff driver=pcieport\n"
			"01:00.0 dev 1234:7e5a bar2=pref64:4000000@f8000000 "
			"config=100:1500010000ff030022060000\n",
		.output = SLOTS,
		.says = { "RESIZABLE", "0000:01:00.0 BAR 2", "64 MiB 16 MiB to 8 GiB", "4 GiB",
			"nobody" },
		.never = "SLOT" },
	{ .name = "slots --json: Resizable BARs",
		.machine = "kernel 7.3.4\nroot 0000:00-ff mem=c0000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port mem=fd000000-fdffffff "
			   "pref64=f8000000-fbffffff driver=pcieport\n"
			   "01:00.0 dev 1234:7e5a bar2=pref64:4000000@f8000000 "
			   "config=100:1500010000ff030022060000\n",
		.output = SLOTS_JSON,
		.says = { "\"slots\": []", "\"resizable\": [", "\"resource\": \"BAR 2\"",
			"\"size\": \"0x4000000\"", "\"sizes\": [", "\"0x200000000\"",
			"\"now\": \"0x20000000\"", "\"restart\": null", "\"doubt\": null" } },
	{ .name = "slots --json: sizes by kind and effort, null beyond the limit",
		.machine = PACKED,
		.output = SLOTS_JSON,
		.limit = PR_DISRUPTION_FREE,
		.says = { "\"schema\": \"pciroom.slots/1\"", "\"disruption\": \"free\"",
			"\"address\": \"0000:02:01.0\"", "\"holds\": [", "\"mem32\": {",
			"\"pref64\": {", "\"now\": \"0x200000\"", "\"in-use\": null",
			"\"buses\": {" } },
};

static void render_plan_output(
	const struct output_case *c, const struct pr_plan *p, struct pr_text *t)
{
	struct pr_json j;

	if (c->output == PLAN) {
		pr_render_plan(t, &c->style, p);
		return;
	}
	pr_json_init(&j, t);
	pr_json_object(&j, NULL);
	pr_render_plan_json(&j, p);
	pr_json_object_end(&j);
}

static void render_diagnosis(const struct output_case *c, const struct pr_topology *t,
	const struct pr_question *q, const struct pr_plan *p, struct pr_text *text)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_explanation e;
	struct pr_json j;

	assert_non_null(arena);
	assert_int_equal(pr_explain(t, q->devices, q->n_devices, arena, &e), 0);
	const struct pr_diagnosis d = { .topology = t,
		.explanation = &e,
		.named = q->devices,
		.n_named = q->n_devices,
		.plan = e.n_shortages + e.n_no_bus > 0 ? p : NULL };
	pr_json_init(&j, text);
	if (c->output == EXPLAIN)
		pr_render_explain(text, &c->style, &d);
	else
		pr_render_explain_json(&j, &d);
	pr_arena_free(arena);
}

static void render_slots(
	const struct output_case *c, const struct pr_topology *t, struct pr_text *text)
{
	const struct pr_policy policy = { .limit = c->limit };
	const struct pr_slots_request request = { 0 };
	struct pr_slots *slots;
	struct pr_json j;

	assert_int_equal(pr_slots_make(t, &policy, &request, &slots), 0);
	pr_json_init(&j, text);
	if (c->output == SLOTS)
		assert_int_equal(pr_render_slots(text, &c->style, slots, NULL), 0);
	else
		pr_render_slots_json(&j, slots, NULL, NULL);
	pr_slots_free(slots);
}

static void render_vfs(
	const struct output_case *c, const struct pr_topology *t, struct pr_text *text)
{
	const struct pr_policy policy = { .limit = c->limit };
	struct pr_vfs_list *l;
	struct pr_json j;

	assert_int_equal(pr_vfs_make(t, &policy, NULL, 0, &l), 0);
	pr_json_init(&j, text);
	if (c->output == VFS)
		assert_int_equal(pr_render_vfs(text, &c->style, l), 0);
	else
		pr_render_vfs_json(&j, l, NULL);
	pr_vfs_free(l);
}

static void render_doctor(const struct output_case *c, struct pr_topology *t,
	const struct pr_question *q, struct pr_text *text)
{
	const struct pr_source s = { .topology = t };
	struct pr_examination x;

	assert_int_equal(pr_examine(&s, q, true, &x), PR_EXIT_OK);
	pr_render_doctor(text, &c->style, x.doctor, &x.diagnosis);
	pr_examination_deinit(&x);
}

static void render(const struct output_case *c, struct pr_topology *t, struct pr_text *text)
{
	char *arguments[] = { (char *)c->device, NULL };
	const char *reserve = c->reserve;
	const struct pr_cli cli = {
		.limit = c->limit,
		.arguments = arguments,
		.n_arguments = c->device ? 1 : 0,
		.reserves = { .name = &reserve, .n = reserve ? 1 : 0 },
	};
	struct pr_question q;
	struct pr_plan *p;
	struct pr_json j;

	if (c->output == TREE) {
		assert_int_equal(pr_render_tree(text, &c->style, t, NULL), 0);
		return;
	}
	if (c->output == TREE_JSON) {
		pr_json_init(&j, text);
		pr_render_tree_json(&j, t, NULL, NULL);
		return;
	}
	if (c->output == SLOTS || c->output == SLOTS_JSON) {
		render_slots(c, t, text);
		return;
	}
	if (c->output == VFS || c->output == VFS_JSON) {
		render_vfs(c, t, text);
		return;
	}

	assert_int_equal(pr_question_init(&cli, t, &q), PR_EXIT_OK);
	if (c->output == DOCTOR) {
		render_doctor(c, t, &q, text);
		pr_question_deinit(&q);
		return;
	}
	assert_int_equal(pr_question_plan(&q, t, NULL, &p), PR_EXIT_OK);
	if (c->output == PLAN || c->output == PLAN_JSON)
		render_plan_output(c, p, text);
	else
		render_diagnosis(c, t, &q, p, text);
	pr_plan_free(p);
	pr_question_deinit(&q);
}

static void test_output(void **state)
{
	const struct output_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	struct pr_text text = { 0 };
	char *said;

	render(c, t, &text);
	said = taken(&text);
	assert_says(said, c->says);
	if (c->never && strstr(said, c->never))
		fail_msg("'%s' should not be said in:\n%s", c->never, said);
	if (c->output == EXPLAIN_JSON || c->output == PLAN_JSON || c->output == TREE_JSON)
		assert_json(said);
	free(said);
	pr_topology_free(t);
}

/* ---- steps ---- */

static const struct step_case {
	const char *name;
	struct pr_step step;
	const char *text;
} step_cases[] = {
	{ "step: unbind names driver and function",
		{ .kind = PR_STEP_UNBIND, .address = { .bus = 3 }, .driver = "e1000e" },
		"unbind e1000e from 0000:03:00.0" },
	{ "step: write shows new and old value in the width of the register",
		{ .kind = PR_STEP_WRITE,
			.address = { .device = 2 },
			.offset = 0x1a,
			.width = 1,
			.value = 0x7,
			.old = 0x5 },
		"write 0x07 to register 0x1a of 0000:00:02.0 (now 0x05)" },
	{ "step: a write to a memory window says which is closed",
		{ .kind = PR_STEP_WRITE,
			.address = { .device = 2 },
			.offset = 0x24,
			.width = 4,
			.value = 0x1fff1,
			.old = 0x210001 },
		"close the prefetchable window of 0000:00:02.0 first: write 0x0001fff1 to register "
		"0x24 (now 0x00210001)" },
	{ "step: removing an endpoint takes nothing else along",
		{ .kind = PR_STEP_REMOVE, .address = { .bus = 3 } }, "remove 0000:03:00.0" },
	{ "step: removing a bridge takes along what is below",
		{ .kind = PR_STEP_REMOVE, .address = { .bus = 2 } },
		"remove 0000:02:00.0 and the 1 function below it" },
	{ "step: virtual functions that go are counted",
		{ .kind = PR_STEP_VFS, .address = { .bus = 3 }, .old = 2 },
		"take the 2 virtual functions of 0000:03:00.0 away for the moment (sriov_numvfs 0)" },
	{ "step: and those that come", { .kind = PR_STEP_VFS, .address = { .bus = 3 }, .value = 1 },
		"enable 1 virtual function of 0000:03:00.0 (sriov_numvfs 1)" },
	{ "step: rescan at a function is a rescan of its bus",
		{ .kind = PR_STEP_RESCAN, .address = { .device = 1 } },
		"rescan the bus of 0000:00:01.0" },
	{ "step: rescan of a root bus names the bus",
		{ .kind = PR_STEP_RESCAN, .root_bus = true, .address = { .domain = 0x10000 } },
		"rescan the root bus 10000:00" },
};

static void test_step(void **state)
{
	const struct step_case *c = *state;
	struct pr_topology *t = machine_build(PACKED);
	const struct pr_plan p = { .topology = t };
	struct pr_text text = { 0 };
	char *said;

	pr_render_step(&text, &p, &c->step);
	said = taken(&text);
	assert_string_equal(said, c->text);
	free(said);
	pr_topology_free(t);
}

/* ---- devices ---- */

static const struct device_case {
	const char *name;
	const char *argument;
	int exit;
	const char *address;
} device_cases[] = {
	{ "device: full address", "0000:04:00.0", PR_EXIT_OK, "0000:04:00.0" },
	{ "device: address without domain", "04:00.0", PR_EXIT_OK, "0000:04:00.0" },
	{ "device: path", "0000:00/02.0/00.0/01.0", PR_EXIT_OK, "0000:02:01.0" },
	{ "device: path as lspci prints it", "00:02.0/00.0/01.0", PR_EXIT_OK, "0000:02:01.0" },
	{ "device: address of nothing", "0000:07:00.0", PR_EXIT_NOT_FOUND, NULL },
	{ "device: path to nothing", "0000:00/03.0/00.0", PR_EXIT_NOT_FOUND, NULL },
	{ "device: lspci's path to nothing", "00:02.0/1f.7", PR_EXIT_NOT_FOUND, NULL },
	{ "device: neither address nor path", "eth0", PR_EXIT_ERROR, NULL },
	{ "device: function number out of range", "04:00.8", PR_EXIT_ERROR, NULL },
	{ "device: nothing at all", "", PR_EXIT_ERROR, NULL },
};

static void test_device(void **state)
{
	const struct device_case *c = *state;
	struct pr_topology *t = machine_build(PACKED);
	char *arguments[] = { (char *)c->argument, (char *)c->argument };
	const struct pr_cli cli = { .arguments = arguments, .n_arguments = 2 };
	const struct pr_function **devices = NULL;
	size_t n = 0;

	assert_int_equal(pr_cli_devices(&cli, t, &devices, &n), c->exit);
	assert_int_equal(n, c->address ? 1 : 0); /* named twice, meant once */
	if (c->address)
		assert_string_equal(pr_name_of(&devices[0]->address).text, c->address);
	free(devices);
	pr_topology_free(t);
}

static void test_pin(void **state)
{
	struct pr_topology *t = machine_build(PACKED);
	const char *given[] = { "02:01.0", "0000:00:01.0" };
	char **pins = NULL;

	(void)state;
	assert_int_equal(pr_cli_paths(given, 2, t, &pins), PR_EXIT_OK);
	assert_string_equal(pins[0], "0000:00/02.0/00.0/01.0");
	assert_string_equal(pins[1], "0000:00/01.0");
	assert_null(pins[2]);
	pr_paths_free(pins);

	given[1] = "0000:07:00.0";
	pins = NULL;
	assert_int_equal(pr_cli_paths(given, 2, t, &pins), PR_EXIT_NOT_FOUND);
	assert_null(pins);
	pr_topology_free(t);
}

/* ---- options ---- */

static const struct usage_case {
	const char *name;
	const char *arguments[6];
	int exit;
} usage_cases[] = {
	{ "usage: no verb", { "pciroom" }, PR_EXIT_ERROR },
	{ "usage: unknown verb", { "pciroom", "destroy" }, PR_EXIT_ERROR },
	{ "usage: unknown option", { "pciroom", "tree", "--force" }, PR_EXIT_ERROR },
	{ "usage: an option without its value", { "pciroom", "plan", "--pin" }, PR_EXIT_ERROR },
	{ "usage: a limit that is none", { "pciroom", "plan", "--disruption=much" },
		PR_EXIT_ERROR },
	{ "usage: pinned is a class, but no limit", { "pciroom", "plan", "--disruption=pinned" },
		PR_EXIT_ERROR },
	{ "usage: a snapshot cannot be changed", { "pciroom", "apply", "--input=x" },
		PR_EXIT_ERROR },
	{ "usage: a recording that is not there cannot be recorded",
		{ "pciroom", "record", "--input=x" }, PR_EXIT_ERROR },
	{ "usage: iomem beside nothing", { "pciroom", "tree", "--iomem=x" }, PR_EXIT_ERROR },
	{ "usage: --yes where nothing is asked", { "pciroom", "plan", "--yes" }, PR_EXIT_ERROR },
	{ "usage: snapshot and machine at once", { "pciroom", "tree", "--input=x", "--local" },
		PR_EXIT_ERROR },
	{ "usage: --helper-log without a helper of our own",
		{ "pciroom", "tree", "--helper-log=x" }, PR_EXIT_ERROR },
	{ "usage: an argument to a verb that takes none", { "pciroom", "tree", "00:01.0" },
		PR_EXIT_ERROR },
	{ "usage: two files to record", { "pciroom", "record", "a", "b" }, PR_EXIT_ERROR },
	{ "usage: record --json has to leave standard output alone",
		{ "pciroom", "record", "--json" }, PR_EXIT_ERROR },
	{ "usage: a snapshot that is not there", { "pciroom", "tree", "--input=/nonexistent/x" },
		PR_EXIT_ERROR },
	{ "usage: help on an unknown verb", { "pciroom", "help", "destroy" }, PR_EXIT_ERROR },
};

static void test_usage(void **state)
{
	const struct usage_case *c = *state;
	char *argv[ARRAY_SIZE(c->arguments) + 1] = { 0 };
	int argc = 0;

	while (argc < (int)ARRAY_SIZE(c->arguments) && c->arguments[argc]) {
		argv[argc] =
			(char *)c->arguments[argc]; /* getopt_long() moves pointers, not bytes */
		argc++;
	}
	optind = 0; /* glibc: start anew */
	assert_int_equal(pr_cli_main(argc, argv), c->exit);
}

/* ---- exit codes ---- */

static void test_exits(void **state)
{
	(void)state;
	assert_int_equal(pr_verdict_exit(PR_VERDICT_OK), 0);
	assert_int_equal(pr_verdict_exit(PR_VERDICT_NOTHING), 2);
	assert_int_equal(pr_verdict_exit(PR_VERDICT_INFEASIBLE), 4);
	assert_int_equal(pr_verdict_exit(PR_VERDICT_UNKNOWN), 4);
	assert_int_equal(pr_verdict_exit(PR_VERDICT_TOO_DISRUPTIVE), 5);
	assert_int_equal(pr_verdict_exit(PR_VERDICT_VETOED), 5);
	assert_int_equal(pr_outcome_exit(PR_OUTCOME_DONE), 0);
	assert_int_equal(pr_outcome_exit(PR_OUTCOME_DIFFERS), 0);
	assert_int_equal(pr_outcome_exit(PR_OUTCOME_ROLLED_BACK), 6);
	assert_int_equal(pr_outcome_exit(PR_OUTCOME_LOST), 6);
	assert_int_equal(pr_outcome_exit(PR_OUTCOME_STALE), 1);
	assert_int_equal(pr_outcome_exit(PR_OUTCOME_CANCELLED), 1);
}

/* ---- help, man page and completion name the same options and verbs ---- */

static char *read_source(const char *name)
{
	const char *directory = getenv("PCIROOM_SRCDIR");
	char *path = NULL, *text = NULL;
	size_t n;

	if (!directory)
		return NULL;
	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	if (pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, &n) < 0)
		fail_msg("cannot read %s", path);
	free(path);
	return text;
}

/* The man page writes "\-" where a hyphen is meant as such. */
static void drop_backslashes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != '\\')
			*to++ = *from;
	*to = '\0';
}

static void assert_options_in(const char *help, const char *page, const char *where)
{
	for (const char *at = strstr(help, "--"); at; at = strstr(at + 2, "--")) {
		size_t n = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");
		char *name;

		if (strncmp(at, "-- COMMAND", 10) == 0)
			continue; /* the end of options, in front of a command */
		name = strndup(at, n);
		assert_non_null(name);
		assert_true(n > 2);
		if (!strstr(page, name))
			fail_msg("%s does not name the option %s", where, name);
		free(name);
	}
}

static void check_page(const char *file)
{
	struct pr_text t = { 0 };
	char *page = read_source(file);

	if (!page)
		skip(); /* PCIROOM_SRCDIR is not set: not run by make */
	drop_backslashes(page);
	pr_cli_help(&t, NULL);
	assert_false(t.failed);
	assert_options_in(t.data, page, file);
	for (size_t i = 0; i < pr_n_verbs; i++)
		if (!strstr(page, pr_verbs[i].name))
			fail_msg("%s does not name the verb %s", file, pr_verbs[i].name);
	pr_text_deinit(&t);
	free(page);
}

static void test_man_page(void **state)
{
	(void)state;
	check_page("doc/pciroom.1");
}

static void test_completion(void **state)
{
	(void)state;
	check_page("conf/completion/pciroom");
}

int main(void)
{
	const struct CMUnitTest single[] = {
		{ .name = "pins become paths, and a pin of nothing is a mistake",
			.test_func = test_pin },
		{ .name = "exit codes are those of the manual", .test_func = test_exits },
		{ .name = "the man page names every option and verb", .test_func = test_man_page },
		{ .name = "the completion names every option and verb",
			.test_func = test_completion },
	};
	struct rows tests = { 0 };

	ADD_ROWS(&tests, class_cases, test_class);
	ADD_ROWS(&tests, size_cases, test_size);
	ADD_ROWS(&tests, output_cases, test_output);
	ADD_ROWS(&tests, step_cases, test_step);
	ADD_ROWS(&tests, device_cases, test_device);
	ADD_ROWS(&tests, usage_cases, test_usage);
	ADD_TESTS(&tests, single);

	return rows_run(&tests, "render");
}

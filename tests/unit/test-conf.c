/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files: what they set, every way they can be wrong with its exact message, how
 * directories merge.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "daemon/conf.h"
#include "machine.h"
#include "rows.h"

/* ---- good ---- */

struct good_case {
	const char *name, *text;
	enum pr_mode mode;
	enum pr_disruption disruption;
	uint64_t settle, deadline, delay; /* delay 0: the default */
	const char *pinned[4];
};
#define DEFAULTS                                                                     \
	.mode = PR_MODE_ADVISE, .disruption = PR_DISRUPTION_FREE, .settle = 2000000, \
	.deadline = 30000000

static const struct good_case good_cases[] = {
	{ .name = "an empty file changes nothing", .text = "", DEFAULTS },
	{ .name = "a file of comments changes nothing", .text = "# mode: auto\n\n", DEFAULTS },
	{ .name = "an empty document changes nothing", .text = "---\n", DEFAULTS },
	{ .name = "mode auto",
		.text = "mode: auto\n",
		.mode = PR_MODE_AUTO,
		.settle = 2000000,
		.deadline = 30000000 },
	{ .name = "mode ask",
		.text = "mode: ask\n",
		.mode = PR_MODE_ASK,
		.settle = 2000000,
		.deadline = 30000000 },
	{ .name = "every key at once",
		.text = "mode: 'auto'\ndisruption: \"restart\"\nsettle: 500ms\ndeadline: 10min\n"
			"delay: 1min\npinned: [0000:03:00.0, 0000:00/02.0/00.0]\n",
		.mode = PR_MODE_AUTO,
		.disruption = PR_DISRUPTION_RESTART,
		.settle = 500000,
		.deadline = 600000000,
		.delay = 60000000,
		.pinned = { "0000:03:00.0", "0000:00/02.0/00.0" } },
	{ .name = "in-use is the highest limit",
		.text = "disruption: in-use\n",
		.disruption = PR_DISRUPTION_IN_USE,
		.settle = 2000000,
		.deadline = 30000000 },
	{ .name = "the shortest settle time and deadline",
		.text = "settle: 100ms\ndeadline: 1s\n",
		.settle = 100000,
		.deadline = 1000000 },
	{ .name = "the longest settle time, in minutes",
		.text = "settle: 1min\n",
		.settle = 60000000,
		.deadline = 30000000 },
	{ .name = "a pinned address without domain gets domain 0",
		.text = "pinned:\n  - 03:00.0\n",
		DEFAULTS,
		.pinned = { "0000:03:00.0" } },
	{ .name = "a pinned device behind VMD",
		.text = "pinned: [ '10000:01:00.0', '10000:00/02.0' ]\n",
		DEFAULTS,
		.pinned = { "10000:01:00.0", "10000:00/02.0" } },
	{ .name = "an empty list pins nothing", .text = "pinned: []\n", DEFAULTS },
};

static void test_good(void **state)
{
	const struct good_case *g = *state;
	struct pr_conf_error error = { "" };
	struct pr_conf c;
	size_t n = 0;

	pr_conf_init(&c);
	if (pr_conf_parse(&c, "f.yaml", g->text, strlen(g->text), &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(c.mode, g->mode);
	assert_int_equal(c.disruption, g->disruption);
	assert_int_equal(c.settle_usec, g->settle);
	assert_int_equal(c.deadline_usec, g->deadline);
	assert_int_equal(c.delay_usec, g->delay ? g->delay : 5000000);
	while (g->pinned[n])
		n++;
	assert_int_equal(c.n_pinned, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(c.pinned[i], g->pinned[i]);
	pr_conf_deinit(&c);
}

/* ---- bad ---- */

struct bad_case {
	const char *name, *text;
	size_t size; /* 0: of the string */
	const char *message;
};

static const struct bad_case bad_cases[] = {
	{ .name = "an unknown mode",
		.text = "# comment\nmode: atuo\n",
		.message = "f.yaml:2:7: bad mode \"atuo\": it is advise, ask or auto\n"
			   "mode: atuo\n"
			   "      ^" },
	{ .name = "an unknown key",
		.text = "mode: auto\nsetle: 2s\n",
		.message =
			"f.yaml:2:1: unknown key \"setle\": mode, disruption, settle, deadline, delay, "
			"pinned and rules are known\n"
			"setle: 2s\n"
			"^" },
	{ .name = "a key a second time",
		.text = "mode: auto\nmode: advise\n",
		.message = "f.yaml:2:1: \"mode\" is here for the second time\n"
			   "mode: advise\n"
			   "^" },
	{ .name = "pinned is no limit",
		.text = "disruption: pinned\n",
		.message = "f.yaml:1:13: bad disruption \"pinned\": it is free, restart or in-use\n"
			   "disruption: pinned\n"
			   "            ^" },
	{ .name = "a duration without a unit",
		.text = "settle: 2\n",
		.message = "f.yaml:1:9: bad settle time \"2\": a number with a unit, 100ms to 60s\n"
			   "settle: 2\n"
			   "        ^" },
	{ .name = "a duration one millisecond too short",
		.text = "settle: 99ms\n",
		.message =
			"f.yaml:1:9: bad settle time \"99ms\": a number with a unit, 100ms to 60s\n"
			"settle: 99ms\n"
			"        ^" },
	{ .name = "a duration one second too long",
		.text = "deadline: 601s\n",
		.message = "f.yaml:1:11: bad deadline \"601s\": a number with a unit, 1s to 10min\n"
			   "deadline: 601s\n"
			   "          ^" },
	{ .name = "a delay one second too long",
		.text = "delay: 61s\n",
		.message = "f.yaml:1:8: bad delay \"61s\": a number with a unit, 100ms to 60s\n"
			   "delay: 61s\n"
			   "       ^" },
	{ .name = "a negative duration",
		.text = "settle: -2s\n",
		.message =
			"f.yaml:1:9: bad settle time \"-2s\": a number with a unit, 100ms to 60s\n"
			"settle: -2s\n"
			"        ^" },
	{ .name = "a duration too large for any integer",
		.text = "settle: 99999999999min\n",
		.message =
			"f.yaml:1:9: bad settle time \"99999999999min\": a number with a unit, 100ms to "
			"60s\n"
			"settle: 99999999999min\n"
			"        ^" },
	{ .name = "a value that is missing",
		.text = "mode:\nsettle: 2s\n",
		.message = "f.yaml:1:6: a value is missing\n"
			   "mode:\n"
			   "     ^" },
	{ .name = "a list where a value belongs",
		.text = "mode: [auto]\n",
		.message = "f.yaml:1:7: one value is expected here\n"
			   "mode: [auto]\n"
			   "      ^" },
	{ .name = "a value where a list belongs",
		.text = "pinned: 0000:03:00.0\n",
		.message = "f.yaml:1:9: a list is expected here: [a, b], or one \"- a\" a line\n"
			   "pinned: 0000:03:00.0\n"
			   "        ^" },
	{ .name = "a device that is neither address nor path",
		.text = "pinned:\n\t- eth0\n",
		.message = "f.yaml:2:1: not YAML: found character that cannot start any token\n"
			   "\t- eth0\n"
			   "^" },
	{ .name = "a pinned device that is neither address nor path",
		.text = "pinned:\n- 0000:03:00.0\n- eth0\n",
		.message = "f.yaml:3:3: bad device \"eth0\": an address (0000:03:00.0) or a path "
			   "(0000:00/02.0/00.0)\n"
			   "- eth0\n"
			   "  ^" },
	{ .name = "function 8 does not exist",
		.text = "pinned: [0000:00/02.8]\n",
		.message =
			"f.yaml:1:10: bad device \"0000:00/02.8\": an address (0000:03:00.0) or a path "
			"(0000:00/02.0/00.0)\n"
			"pinned: [0000:00/02.8]\n"
			"         ^" },
	{ .name = "a root bus alone is no device",
		.text = "pinned: [0000:00]\n",
		.message =
			"f.yaml:1:10: bad device \"0000:00\": an address (0000:03:00.0) or a path "
			"(0000:00/02.0/00.0)\n"
			"pinned: [0000:00]\n"
			"         ^" },
	{ .name = "a mapping in a list",
		.text = "pinned: [{a: b}]\n",
		.message = "f.yaml:1:10: a device is one word\n"
			   "pinned: [{a: b}]\n"
			   "         ^" },
	{ .name = "a list instead of keys",
		.text = "- mode\n",
		.message = "f.yaml:1:1: \"key: value\" lines are expected here\n"
			   "- mode\n"
			   "^" },
	{ .name = "an anchor",
		.text = "mode: &m auto\n",
		.message = "f.yaml:1:7: anchors are not allowed here\n"
			   "mode: &m auto\n"
			   "      ^" },
	{ .name = "an alias",
		.text = "mode: *m\n",
		.message = "f.yaml:1:7: aliases are not allowed here\n"
			   "mode: *m\n"
			   "      ^" },
	{ .name = "a tag",
		.text = "mode: !!str auto\n",
		.message = "f.yaml:1:7: tags are not allowed here\n"
			   "mode: !!str auto\n"
			   "      ^" },
	{ .name = "a second document",
		.text = "mode: auto\n---\nmode: advise\n",
		.message = "f.yaml:2:1: one document is all that a file may hold\n"
			   "---\n"
			   "^" },
	{ .name = "a bracket that is never closed",
		.text = "pinned: [0000:03:00.0\n",
		.message = "f.yaml:2:1: not YAML: did not find expected ',' or ']'\n"
			   "\n"
			   "^" },
	{ .name = "a NUL byte in a value",
		.text = "mode: \"au\\0to\"\n",
		.message = "f.yaml:1:7: a value is missing\n"
			   "mode: \"au\\0to\"\n"
			   "      ^" },
	{ .name = "bytes that are not UTF-8",
		.text = "mode: auto\n# \xff\n",
		.message = "f.yaml:2:3: not text: invalid leading UTF-8 octet\n"
			   "# \xff\n"
			   "  ^" },
	{ .name = "the caret counts characters, not bytes",
		.text = "\"mode\": \"\xc3\xa4\" #\nx: y\n",
		.message = "f.yaml:1:9: bad mode \"\xc3\xa4\": it is advise, ask or auto\n"
			   "\"mode\": \"\xc3\xa4\" #\n"
			   "        ^" },
	{ .name = "the column behind a character of two bytes",
		.text = "{ \xc3\xa4: 1 }\n",
		.message =
			"f.yaml:1:3: unknown key \"\xc3\xa4\": mode, disruption, settle, deadline, delay, "
			"pinned and rules are known\n"
			"{ \xc3\xa4: 1 }\n"
			"  ^" },
};

#define RULE "rules:\n  - match: { driver: nvme }\n    "

static const struct bad_case bad_rules[] = {
	{ .name = "rules that are no list",
		.text = "rules: never\n",
		.message = "f.yaml:1:8: a list is expected here: lines that begin with \"- \"\n"
			   "rules: never\n"
			   "       ^" },
	{ .name = "a rule that is one word",
		.text = "rules: [never]\n",
		.message = "f.yaml:1:9: a rule is \"key: value\" lines\n"
			   "rules: [never]\n"
			   "        ^" },
	{ .name = "a rule that matches nothing in particular",
		.text = "rules:\n  - disruption: never\n",
		.message = "f.yaml:2:5: bad rule: \"match\" is missing, with at least one key\n"
			   "  - disruption: never\n"
			   "    ^" },
	{ .name = "a rule with an empty match",
		.text = "rules: [{ match: {}, disruption: never }]\n",
		.message = "f.yaml:1:9: bad rule: \"match\" is missing, with at least one key\n"
			   "rules: [{ match: {}, disruption: never }]\n"
			   "        ^" },
	{ .name = "a rule that says nothing",
		.text = "rules:\n  - match:\n      driver: nvme\n",
		.message = "f.yaml:2:5: bad rule: \"disruption\", \"guard\", \"trust\", "
			   "\"resize\" or \"reserve\" is missing\n"
			   "  - match:\n"
			   "    ^" },
	{ .name = "a key of a rule a second time",
		.text = RULE "match: { class: 01 }\n",
		.message = "f.yaml:3:5: \"match\" is here for the second time\n"
			   "    match: { class: 01 }\n"
			   "    ^" },
	{ .name = "an unknown key of a rule",
		.text = RULE "colour: red\n",
		.message = "f.yaml:3:5: unknown key \"colour\": name, match, disruption, guard, "
			   "trust, resize and reserve are known\n"
			   "    colour: red\n"
			   "    ^" },
	{ .name = "a match that is one word",
		.text = "rules:\n  - match: nvme\n",
		.message = "f.yaml:2:12: a match is \"key: value\" lines\n"
			   "  - match: nvme\n"
			   "           ^" },
	{ .name = "a trust that is none",
		.text = RULE "trust: maybe\n",
		.message = "f.yaml:3:12: bad trust \"maybe\": it is yes or no\n"
			   "    trust: maybe\n"
			   "           ^" },
	{ .name = "in use is no limit of a rule",
		.text = RULE "disruption: in-use\n",
		.message = "f.yaml:3:17: bad disruption \"in-use\": it is never, free or restart\n"
			   "    disruption: in-use\n"
			   "                ^" },
	{ .name = "a reserve of nothing",
		.text = RULE "reserve: {}\n",
		.message =
			"f.yaml:3:14: bad reserve: memory, prefetchable, io or buses is missing\n"
			"    reserve: {}\n"
			"             ^" },
	{ .name = "a reserve that is no multiple of what windows come in",
		.text = RULE "reserve: { memory: 1536K }\n",
		.message = "f.yaml:3:24: bad size \"1536K\": a multiple of 1M (64M, 1G)\n"
			   "    reserve: { memory: 1536K }\n"
			   "                       ^" },
	{ .name = "more I/O ports than there are",
		.text = RULE "reserve: { io: 68K }\n",
		.message = "f.yaml:3:20: bad size \"68K\": a multiple of 4K, up to 64K\n"
			   "    reserve: { io: 68K }\n"
			   "                   ^" },
	{ .name = "no bus at all",
		.text = RULE "reserve: { buses: 0 }\n",
		.message = "f.yaml:3:23: bad number of buses \"0\": a number from 1 to 256, the "
			   "slot's own included\n"
			   "    reserve: { buses: 0 }\n"
			   "                      ^" },
#define BAD_MATCH(title, what, value, why)                                                         \
	{                                                                                          \
		.name = title, .text = "rules: [{match: {" what ": " value "}}]\n", .message = why \
	}
	BAD_MATCH("an id of three digits", "id", "10d:1db6",
		"f.yaml:1:22: bad id \"10d:1db6\": vendor and device, four hexadecimal digits or * "
		"each (10de:1db6, 10de:*)\n"
		"rules: [{match: {id: 10d:1db6}}]\n"
		"                     ^"),
	BAD_MATCH("an id without a device", "id", "10de",
		"f.yaml:1:22: bad id \"10de\": vendor and device, four hexadecimal digits or * "
		"each (10de:1db6, 10de:*)\n"
		"rules: [{match: {id: 10de}}]\n"
		"                     ^"),
	BAD_MATCH("an id with a digit too many", "id", "10de:1db67",
		"f.yaml:1:22: bad id \"10de:1db67\": vendor and device, four hexadecimal digits or "
		"* each (10de:1db6, 10de:*)\n"
		"rules: [{match: {id: 10de:1db67}}]\n"
		"                     ^"),
	BAD_MATCH("a class of three digits", "class", "010",
		"f.yaml:1:25: bad class \"010\": two, four or six hexadecimal digits (01, 0108, "
		"010802)\n"
		"rules: [{match: {class: 010}}]\n"
		"                        ^"),
	BAD_MATCH("a serial number without dashes", "serial", "0011223344556677",
		"f.yaml:1:26: bad serial number \"0011223344556677\": eight bytes with dashes "
		"(00-1b-21-ff-ff-48-a6-9c)\n"
		"rules: [{match: {serial: 0011223344556677}}]\n"
		"                         ^"),
	BAD_MATCH("an address is no path", "path", "0000_03",
		"f.yaml:1:24: bad path \"0000_03\": a path (0000:00/02.0/00.0)\n"
		"rules: [{match: {path: 0000_03}}]\n"
		"                       ^"),
	BAD_MATCH("a location that is none", "location", "outside",
		"f.yaml:1:28: bad location \"outside\": it is external or internal\n"
		"rules: [{match: {location: outside}}]\n"
		"                           ^"),
};

static void test_bad(void **state)
{
	const struct bad_case *b = *state;
	struct pr_conf_error error = { "" };
	struct pr_conf c;

	pr_conf_init(&c);
	assert_int_equal(
		pr_conf_parse(&c, "f.yaml", b->text, b->size ? b->size : strlen(b->text), &error),
		1);
	assert_string_equal(error.text, b->message);
	pr_conf_deinit(&c);
}

/* ---- rules ---- */

#define MACHINE                                                                                \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"         \
	"00:02.0 bridge 01-01 root-port hotplug slot=4 removable=fixed mem=fe400000-fe5fffff " \
	"driver=pcieport\n"                                                                    \
	"01:00.0 dev 10de:1db6 class=030200 bar0=mem:10000@fe400000 driver=nvidia "            \
	"removable=removable bytes=320 config=100:0300010078563412f0debc9a\n"                  \
	"00:03.0 bridge 02-03 root-port mem=fe600000-fe7fffff driver=pcieport\n"               \
	"02:00.0 dev 10de:1db6 class=010802 bar0=mem:10000@fe600000 removable=fixed\n"         \
	"02:00.1 dev 8086:10d3 class=020000 bar0=mem:10000@fe610000 driver=e1000e "            \
	"user=mount:/srv\n"

static const struct rule_case {
	const char *name, *match, *disruption, *forbidden;
} rule_cases[] = {
	{ "by vendor and device", "id: 10de:1db6", "never", "01:00.0 02:00.0" },
	{ "by vendor", "id: '10de:*'", "never", "01:00.0 02:00.0" },
	{ "by device alone", "id: '*:10d3'", "never", "02:00.1" },
	{ "by class", "class: '03'", "never", "01:00.0" },
	{ "by class and subclass", "class: '0108'", "never", "02:00.0" },
	{ "by the whole class", "class: '010802'", "never", "02:00.0" },
	{ "the whole class is more than its beginning", "class: '010801'", "never", "" },
	{ "by slot, with what is in it", "slot: 4", "never", "00:02.0 01:00.0" },
	{ "by path, with what is below", "path: 0000:00/02.0", "never", "00:02.0 01:00.0" },
	{ "a path is no prefix of another", "path: 0000:00/02.0/00.1", "never", "" },
	{ "by serial number", "serial: 9a-bc-de-f0-12-34-56-78", "never", "01:00.0" },
	{ "by driver", "driver: e1000e", "never", "02:00.1" },
	{ "by location: what faces outwards", "location: external", "never", "01:00.0" },
	{ "by location: what is not known to be inside is not", "location: internal", "never",
		"00:02.0 02:00.0" },
	{ "all that is asked for has to fit", "id: 10de:1db6, class: '03'", "never", "01:00.0" },
	{ "free: not what has a driver", "id: 10de:1db6", "free", "01:00.0" },
	{ "restart: not what is in use", "class: '02'", "restart", "02:00.1" },
	{ "restart: what nobody uses may be restarted", "class: '03'", "restart", "" },
};

/* A rule that guards a slot says nothing of what may be disturbed. */
static void test_guard_rule(void **state)
{
	static const char text[] =
		"rules: [{ match: { path: 0000:00/03.0 }, guard: yes }, "
		"{ match: { path: 0000:00/02.0 }, guard: no, disruption: free }]\n";
	struct pr_topology *t = machine_build(MACHINE);
	struct pr_conf_error error = { "" };
	struct pr_conf c;

	(void)state;
	pr_conf_init(&c);
	if (pr_conf_parse(&c, "f.yaml", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	assert_true(pr_conf_guards(&c, machine_function(t, "00:03.0")));
	assert_false(pr_conf_guards(&c, machine_function(t, "00:02.0")));
	assert_null(pr_conf_forbids(&c, machine_function(t, "00:03.0")));
	assert_int_equal(pr_conf_parse(&c, "f.yaml", "rules: [{ match: { slot: 1 }, guard: 1 }]\n",
				 strlen("rules: [{ match: { slot: 1 }, guard: 1 }]\n"), &error),
		1);
	assert_non_null(strstr(error.text, "it is yes or no"));
	pr_conf_deinit(&c);
	pr_topology_free(t);
}

/* Of ports that have a slot, and by the first rule that says. */
static void test_reserve_rule(void **state)
{
	static const char text[] =
		"rules: [{ match: { path: 0000:00/02.0 }, reserve: { memory: 64M, prefetchable: 16G, "
		"io: 8K, buses: 4 } }, { match: { class: 06 }, reserve: { memory: 1M } }]\n";
	struct pr_topology *t = machine_build(
		"root 0000:00-ff io=1000-ffff mem=e0000000-febfffff\n"
		"00:02.0 bridge 01-01 root-port hotplug\n01:00.0 dev 8086:10d3 class=020000\n"
		"00:03.0 bridge 02-02 root-port hotplug\n00:04.0 bridge 03-03 root-port\n");
	const struct pr_slot_reserve *want;
	struct pr_conf_error error = { "" };
	struct pr_conf c;

	(void)state;
	pr_conf_init(&c);
	if (pr_conf_parse(&c, "f.yaml", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	want = pr_conf_reserve(&c, machine_function(t, "00:02.0"));
	assert_non_null(want);
	assert_int_equal(want->mem, 64 << 20);
	assert_int_equal(want->pref, UINT64_C(16) << 30);
	assert_int_equal(want->io, 8192);
	assert_int_equal(want->buses, 4);
	want = pr_conf_reserve(&c, machine_function(t, "00:03.0"));
	assert_non_null(want);
	assert_int_equal(want->mem, 1 << 20);
	assert_null(pr_conf_reserve(&c, machine_function(t, "00:04.0")));
	assert_null(pr_conf_reserve(&c, machine_function(t, "01:00.0")));
	pr_conf_deinit(&c);
	pr_topology_free(t);
}

static void test_rule(void **state)
{
	static const char *const addresses[] = { "00:02.0", "01:00.0", "00:03.0", "02:00.0",
		"02:00.1" };
	const struct rule_case *rule = *state;
	struct pr_topology *t = machine_build(MACHINE);
	struct pr_conf_error error = { "" };
	char text[200], forbidden[64] = "";
	struct pr_conf c;

	(void)snprintf(text, sizeof(text), "rules: [{ name: r, match: { %s }, disruption: %s }]\n",
		rule->match, rule->disruption);
	pr_conf_init(&c);
	if (pr_conf_parse(&c, "f.yaml", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		if (!pr_conf_forbids(&c, machine_function(t, addresses[i])))
			continue;
		(void)strcat(forbidden, *forbidden ? " " : "");
		(void)strcat(forbidden, addresses[i]);
	}
	assert_string_equal(forbidden, rule->forbidden);
	pr_conf_deinit(&c);
	pr_topology_free(t);
}

/* The first rule that says decides; what no rule is about is trusted, and may be resized. */
static void test_yes_and_no(void **state)
{
	static const char text[] =
		"rules:\n"
		"  - { match: { location: external }, disruption: free }\n"
		"  - { match: { serial: 9a-bc-de-f0-12-34-56-78 }, trust: yes }\n"
		"  - { match: { id: '10de:*' }, trust: no }\n"
		"  - { match: { path: 0000:00/02.0 }, resize: no }\n";
	struct pr_topology *t = machine_build(MACHINE);
	struct pr_conf_error error = { "" };
	struct pr_conf c;

	(void)state;
	pr_conf_init(&c);
	if (pr_conf_parse(&c, "f.yaml", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	assert_true(pr_conf_trusts(&c, machine_function(t, "01:00.0")));
	assert_false(pr_conf_trusts(&c, machine_function(t, "02:00.0")));
	assert_true(pr_conf_trusts(&c, machine_function(t, "02:00.1")));
	assert_null(pr_conf_forbids(&c, machine_function(t, "02:00.0")));
	assert_false(pr_conf_resizes(&c, machine_function(t, "00:02.0")));
	assert_true(pr_conf_resizes(&c, machine_function(t, "02:00.0")));
	pr_conf_deinit(&c);
	pr_topology_free(t);
}

/* ---- directories ---- */

struct file {
	const char *directory, *name, *text;
};
struct load_case {
	const char *name;
	struct file files[6];
	int result;
	enum pr_mode mode;
	uint64_t settle;
	const char *pinned[4];
	const char *message; /* behind the directory's name */
};

static const struct load_case load_cases[] = {
	{ .name = "no directory at all: the defaults", .settle = 2000000 },
	{ .name = "the later name overrides",
		.files = { { "a", "50-x.yaml", "mode: auto\nsettle: 3s\n" },
			{ "a", "60-y.yaml", "mode: advise\n" } },
		.mode = PR_MODE_ADVISE,
		.settle = 3000000 },
	{ .name = "order is by name, not by directory",
		.files = { { "b", "10-x.yaml", "settle: 3s\n" },
			{ "a", "20-y.yaml", "settle: 4s\n" } },
		.settle = 4000000 },
	{ .name = "a file hides one of the same name in an earlier directory",
		.files = { { "a", "50-x.yaml", "mode: auto\nsettle: 3s\n" },
			{ "b", "50-x.yaml", "mode: auto\n" } },
		.mode = PR_MODE_AUTO,
		.settle = 2000000 },
	{ .name = "an empty file masks a bad one",
		.files = { { "a", "50-x.yaml", "mode: wrong\n" }, { "c", "50-x.yaml", "" } },
		.settle = 2000000 },
	{ .name = "pins add up",
		.files = { { "a", "50-x.yaml", "pinned: [01:00.0]\n" },
			{ "b", "60-y.yaml", "pinned: [02:00.0]\n" } },
		.settle = 2000000,
		.pinned = { "0000:01:00.0", "0000:02:00.0" } },
	{ .name = "other names are not read",
		.files = { { "a", "x.yaml~", "mode: wrong\n" }, { "a", ".x.yaml", "mode: wrong\n" },
			{ "a", "x.yml", "mode: wrong\n" }, { "a", ".yaml", "mode: wrong\n" } },
		.settle = 2000000 },
	{ .name = "an error names the file and leaves the result alone",
		.files = { { "a", "10-x.yaml", "mode: auto\n" },
			{ "b", "20-y.yaml", "settle: 5s\nmode: on\n" } },
		.result = 1,
		.message = "/b/20-y.yaml:2:7: bad mode \"on\": it is advise, ask or auto\n"
			   "mode: on\n"
			   "      ^" },
};

static void write_file(const char *top, const struct file *f)
{
	char path[256];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", top, f->directory);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", top, f->directory, f->name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(f->text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void remove_files(const char *top, const struct load_case *l)
{
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(l->files) && l->files[i].name; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", top, l->files[i].directory,
			l->files[i].name);
		assert_int_equal(unlink(path), 0);
	}
	for (const char *d = "abc"; *d; d++) {
		(void)snprintf(path, sizeof(path), "%s/%c", top, *d);
		(void)rmdir(path);
	}
	assert_int_equal(rmdir(top), 0);
}

static void test_load(void **state)
{
	const struct load_case *l = *state;
	char top[] = "/tmp/pciroom-test-conf-XXXXXX", paths[3][64];
	const char *directories[] = { paths[0], paths[1], paths[2] };
	struct pr_conf_error error = { "" };
	struct pr_conf c = { .n_pinned = 77 };
	int r;

	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < 3; i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%c", top, "abc"[i]);
	for (size_t i = 0; i < ARRAY_SIZE(l->files) && l->files[i].name; i++)
		write_file(top, &l->files[i]);
	r = pr_conf_load(directories, 3, &c, &error);
	remove_files(top, l);

	assert_int_equal(r, l->result);
	if (r != 0) {
		assert_int_equal(c.n_pinned, 77);
		assert_string_equal(error.text + strlen(top), l->message);
		return;
	}
	assert_int_equal(c.mode, l->mode);
	assert_int_equal(c.settle_usec, l->settle);
	for (size_t i = 0; i < 4 && l->pinned[i]; i++)
		assert_string_equal(c.pinned[i], l->pinned[i]);
	pr_conf_deinit(&c);
}

static void test_too_large(void **state)
{
	struct pr_conf_error error = { "" };
	char *text = calloc(1, PR_CONF_FILE_MAX + 1);
	struct pr_conf c;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', PR_CONF_FILE_MAX + 1);
	pr_conf_init(&c);
	assert_int_equal(pr_conf_parse(&c, "f", text, PR_CONF_FILE_MAX, &error), 0);
	assert_int_equal(pr_conf_parse(&c, "f", text, PR_CONF_FILE_MAX + 1, &error), 1);
	assert_string_equal(error.text, "f:1:1: the file is larger than 1048576 bytes\n\n^");
	pr_conf_deinit(&c);
	free(text);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, good_cases, test_good);
	ADD_ROWS(&tests, bad_cases, test_bad);
	ADD_ROWS(&tests, bad_rules, test_bad);
	ADD_ROWS(&tests, rule_cases, test_rule);
	ADD_ROWS(&tests, load_cases, test_load);
	ADD_TEST(&tests, test_yes_and_no);
	ADD_TEST(&tests, test_too_large);
	ADD_TEST(&tests, test_guard_rule);
	ADD_TEST(&tests, test_reserve_rule);

	return rows_run(&tests, "conf");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates: what is refused and where, what is read and written, and that
 * every template of the package comes out of a machine as it went in.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "import/template.h"
#include "machine.h"
#include "pciroom/kernel.h"
#include "pciroom/what-if.h"
#include "rows.h"

#define HEAD "format: pciroom-template/1\nname: x\ntext: a card\nfunctions:\n"
#define CARD "- place: \"00.0\"\n  class: 0x020000\n  port: endpoint\n"
#define BARS CARD "  bars:\n"

/* @error: "LINE:COLUMN: sentence". */
static const struct bad_case {
	const char *name, *text, *error;
} bad_cases[] = {
	{ "a template of another format", "format: pciroom-snapshot/1\n...\n",
		"1:9: format: \"pciroom-snapshot/1\" is not \"pciroom-template/1\"" },
	{ "no function", HEAD "  []\n...\n", "5:4: functions: there is no function" },
	{ "cut short", HEAD CARD, "8:1: cut short: the line \"...\" at the end is missing" },
	{ "an unknown key", HEAD CARD "  color: red\n...\n",
		"8:3: a function: unknown key \"color\"" },
	{ "a class that is missing", HEAD "- place: \"00.0\"\n  port: endpoint\n...\n",
		"5:3: a function: key \"class\" is missing" },
	{ "a place that is none", HEAD "- place: \"20.0\"\n  class: 0\n  port: none\n...\n",
		"5:10: place: \"20.0\" is not a device and function number (00.0)" },
	{ "two functions in one place", HEAD CARD CARD "...\n",
		"8:10: place: another function has that place" },
	{ "a name that would be a path",
		"format: pciroom-template/1\nname: ../x\ntext: t\nfunctions: []\n...\n",
		"2:7: name: letters, digits, \"-\", \"_\" and \".\" make a name" },
	{ "a size that is no power of two", HEAD BARS "  - {bar: 0, kind: mem, size: 3M}\n...\n",
		"9:31: size: 3M is not a power of two" },
	{ "a size that overflows", HEAD BARS "  - {bar: 0, kind: mem64, size: 32E}\n...\n",
		"9:33: size: \"32E\" is not a size" },
	{ "more than 32 bits can say", HEAD BARS "  - {bar: 0, kind: mem, size: 4G}\n...\n",
		"9:5: a BAR: that is too much for 32 bits" },
	{ "a 64-bit BAR in the last register",
		HEAD BARS "  - {bar: 5, kind: mem64, size: 4K}\n...\n",
		"9:5: a BAR: a 64-bit BAR takes two registers: there is none behind 5" },
	{ "a BAR in the upper half of another",
		HEAD BARS
		"  - {bar: 0, kind: mem64, size: 4K}\n  - {bar: 1, kind: io, size: 32}\n...\n",
		"10:5: a BAR: another BAR has that register" },
	{ "a size that is none of the sizes",
		HEAD BARS "  - {bar: 0, kind: pref64, size: 256M, sizes: [512M, 1G]}\n...\n",
		"9:5: a BAR: the size is none of the sizes" },
	{ "a ROM with a kind", HEAD BARS "  - {bar: rom, kind: mem, size: 64K}\n...\n",
		"9:5: a BAR: a ROM is of one kind, which is not said" },
	{ "I/O ports of virtual functions",
		HEAD CARD "  vfs:\n    total: 4\n    offset: 1\n    stride: 1\n    bars:\n"
			  "    - {bar: 0, kind: io, size: 32}\n...\n",
		"13:7: a BAR: virtual functions have no I/O ports" },
	{ "something behind an endpoint",
		HEAD CARD "  below:\n  - place: \"00.0\"\n    class: 0\n    port: endpoint\n...\n",
		"5:3: a function: nothing is behind what is not a bridge" },
	{ "a bridge that says it is an endpoint",
		HEAD "- place: \"00.0\"\n  class: 0x060400\n  port: endpoint\n...\n",
		"5:3: a function: its class is that of a bridge, its port is not" },
	{ "a template that is not there",
		HEAD
		"- place: \"00.0\"\n  class: 0x060400\n  port: upstream\n  holds: nothing-here\n...\n",
		"8:10: there is no template nothing-here" },
};

static void test_bad(void **state)
{
	const struct bad_case *c = *state;
	const struct pr_template_shelf none = { 0 };
	struct pr_import_error error = { .text = "" };
	struct pr_template *t;
	char said[400];

	assert_true(pr_template_read(c->text, strlen(c->text), &none, &t, &error) < 0);
	(void)snprintf(said, sizeof(said), "%u:%u: %s", error.line, error.column, error.text);
	assert_string_equal(said, c->error);
}

static void test_text(void **state)
{
	static const char *const hard =
		"format: pciroom-template/1\nname: x\n"
		"text: \"a \\u2028 \\x85 \\\" \\\\ b\"\nfunctions:\n" CARD "...\n";
	const struct pr_template_shelf none = { 0 };
	struct pr_import_error error;
	struct pr_template *t, *again;
	char *text;

	(void)state;
	assert_int_equal(pr_template_read(hard, strlen(hard), &none, &t, &error), 0);
	assert_int_equal(pr_template_write(t, &text), 0);
	assert_int_equal(pr_template_read(text, strlen(text), &none, &again, &error), 0);
	assert_string_equal(again->text, t->text);
	free(text);
	pr_template_free(again);
	pr_template_free(t);
}

/* ---- what is in the package ---- */

static const char *directory(void)
{
	static char path[512];
	const char *source = getenv("PCIROOM_SRCDIR");

	(void)snprintf(path, sizeof(path), "%s/conf/templates", source ? source : ".");
	return path;
}

static struct pr_template *load(const char *name, const struct pr_template_shelf *shelf)
{
	struct pr_import_error error = { .text = "" };
	struct pr_template *t;
	char *file;

	if (pr_template_load(name, shelf, &t, &file, &error) < 0)
		fail_msg("%s:%u:%u: %s", file, error.line, error.column, error.text);
	free(file);
	return t;
}

/* Any card fits in here, and has enough buses. */
static const char *const roomy =
	"kernel 6.12.0\n"
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=10000000000-fffffffffff\n"
	"00:02.0 bridge 01-fe root-port hotplug mem=80000000-bfffffff "
	"pref64=10000000000-effffffffff driver=pcieport\n";

static char *text_of(const struct pr_template *t)
{
	char *text;

	assert_int_equal(pr_template_write(t, &text), 0);
	return text;
}

/* Through configuration space, decoder and capture. */
static struct pr_template *through_a_machine(const struct pr_template *t)
{
	struct pr_topology *machine = machine_build(roomy), *with_card;
	const struct pr_function *port = machine_function(machine, "0000:00:02.0");
	const struct pr_what_if_request request = { .ports = &port->address, .n_ports = 1 };
	const struct pr_policy policy = { .limit = PR_DISRUPTION_FREE };
	const struct pr_function *card;
	struct pr_template *captured;
	struct pr_what_if *w;
	char why[200] = "";

	assert_int_equal(pr_refit_insert(machine, port, t, &with_card), 0);
	assert_int_equal(pr_what_if_make(with_card, &request, &policy, &w), 0);
	if (!w->arrived)
		fail_msg("%s", w->doubt);
	card = pr_topology_find(w->arrived, &port->address)->first_child;
	if (pr_template_capture(card, t->name, t->text, &captured, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	captured->sources = t->sources;
	captured->n_sources = t->n_sources;
	pr_what_if_free(w);
	pr_topology_free(with_card);
	pr_topology_free(machine);
	return captured;
}

/* What is captured of the card that @t makes is @text again. */
static void assert_captured(const struct pr_template *t, const char *text)
{
	struct pr_template *captured = through_a_machine(t);
	char *same = text_of(captured);

	assert_string_equal(same, text);
	free(same);
	pr_template_free(captured);
}

static void check_one(const char *name, const struct pr_template_shelf *shelf)
{
	struct pr_template *t = load(name, shelf), *again;
	struct pr_import_error error;
	char *text = text_of(t), *same;

	assert_string_equal(t->name, name);
	assert_true(t->n_sources > 0); /* nothing invented: where the figures are from */
	assert_int_equal(pr_template_read(text, strlen(text), shelf, &again, &error), 0);
	same = text_of(again);
	assert_string_equal(same, text);
	free(same);
	assert_captured(t, text);
	pr_template_free(again);
	free(text);
	pr_template_free(t);
}

/* All that configuration space may have to say of a card, in one; no card of the package has as much. */
static void test_all_at_once(void **state)
{
	static const char *const all =
		HEAD BARS "    - {bar: 0, kind: pref64, size: 16M, sizes: [16M, 32M, 64M]}\n"
			  "    - {bar: 2, kind: mem, size: 1M, sizes: [1M, 2M]}\n"
			  "  vfs:\n    total: 8\n    offset: 1\n    stride: 1\n    bars:\n"
			  "    - {bar: 0, kind: pref64, size: 1M, sizes: [1M, 4M]}\n...\n";
	const struct pr_template_shelf none = { 0 };
	struct pr_template *t;
	struct pr_import_error error;
	char *text;

	(void)state;
	if (pr_template_read(all, strlen(all), &none, &t, &error) != 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	text = text_of(t);
	assert_captured(t, text);
	free(text);
	pr_template_free(t);
}

/* Bridges of today: a window below 4 GiB alone would leave no room for what comes behind them. */
static void test_bridge_windows(void **state)
{
	static const char *const text =
		HEAD "- place: \"00.0\"\n  class: 0x060400\n  port: upstream\n...\n";
	struct pr_topology *machine = machine_build(roomy), *with_card;
	const struct pr_function *port = machine_function(machine, "0000:00:02.0"), *bridge;
	const struct pr_template_shelf none = { 0 };
	struct pr_import_error error;
	struct pr_template *t;

	(void)state;
	assert_int_equal(pr_template_read(text, strlen(text), &none, &t, &error), 0);
	assert_int_equal(pr_refit_insert(machine, port, t, &with_card), 0);
	bridge = pr_topology_find(with_card, &port->address)->first_child;
	assert_int_equal(bridge->bridge->registers[0].width, 32);
	assert_int_equal(bridge->bridge->registers[2].width, 64);
	pr_template_free(t);
	pr_topology_free(with_card);
	pr_topology_free(machine);
}

static void test_package(void **state)
{
	const char *const directories[] = { directory() };
	const struct pr_template_shelf shelf = { .directories = directories, .n = 1 };
	char **names;
	size_t n;

	(void)state;
	assert_int_equal(pr_template_names(&shelf, &names, &n), 0);
	assert_true(n >= 40);
	for (size_t i = 0; i < n; i++) {
		check_one(names[i], &shelf);
		free(names[i]);
	}
	free(names);
}

/* ---- templates that name others ---- */

#define BOX(name, what)                                                         \
	"format: pciroom-template/1\nname: " name "\ntext: a box\nfunctions:\n" \
	"- place: \"00.0\"\n  class: 0x060400\n  port: upstream\n  holds: " what "\n...\n"

static void test_holds(void **state)
{
	struct fixture *f = fixture_new();
	const char *const directories[] = { fixture_root(f) };
	const struct pr_template_shelf shelf = { .directories = directories, .n = 1 };
	struct pr_import_error error = { .text = "" };
	struct pr_template *t;
	char *file;

	(void)state;
	fixture_file(f, "card.yaml", HEAD BARS "  - {bar: 0, kind: mem, size: 64K}\n...\n");
	fixture_file(f, "box.yaml", BOX("box", "card"));
	t = load("box", &shelf);
	assert_int_equal(t->functions[0].n_below, 1);
	assert_int_equal(t->functions[0].below[0].bars[0].size, 0x10000);
	pr_template_free(t);

	fixture_file(f, "ring.yaml", BOX("ring", "ring"));
	assert_int_equal(pr_template_load("ring", &shelf, &t, &file, &error), -EINVAL);
	assert_non_null(strstr(error.text, "than 16 levels"));
	free(file);
	fixture_file(f, "broken.yaml", BOX("broken", "wrong"));
	fixture_file(f, "wrong.yaml", "format: 7\n...\n");
	assert_int_equal(pr_template_load("broken", &shelf, &t, &file, &error), -EINVAL);
	assert_int_equal(error.line, 8);
	assert_non_null(strstr(error.text, "wrong.yaml:1:9: format: "));
	free(file);
	fixture_free(f);
}

/* ---- endpoint functions ---- */

static void test_endpoint(void **state)
{
	struct fixture *f = fixture_new();
	struct pr_import_error error = { .text = "" };
	struct pr_template *t;
	char path[600], *text;

	(void)state;
	fixture_file(f, "pci_epf_test/func1/vendorid", "0x104c\n");
	fixture_file(f, "pci_epf_test/func1/deviceid", "0xb500\n");
	fixture_file(f, "pci_epf_test/func1/baseclass_code", "0xff\n");
	fixture_file(f, "pci_epf_test/func1/subclass_code", "0x0\n");
	fixture_file(f, "pci_epf_test/func1/progif_code", "0x0\n");
	fixture_file(f, "pci_epf_test/func1/pci_epf_test.0/bar0_size", "131072\n");
	fixture_file(f, "pci_epf_test/func1/pci_epf_test.0/bar2_size", "3000000\n");
	(void)snprintf(path, sizeof(path), "%s/pci_epf_test/func1/", fixture_root(f));
	assert_int_equal(pr_template_from_endpoint(path, &t, &error), 0);
	text = text_of(t);
	assert_string_equal(text, "format: pciroom-template/1\n"
				  "name: pci_epf_test-func1\n"
				  "text: \"endpoint function func1 of driver pci_epf_test\"\n"
				  "functions:\n"
				  "- place: \"00.0\"\n"
				  "  id: \"104c:b500\"\n"
				  "  class: 0xff0000\n"
				  "  port: endpoint\n"
				  "  bars:\n"
				  "    - {bar: 0, kind: mem, size: 128K}\n"
				  "    - {bar: 2, kind: mem, size: 4M}\n"
				  "...\n");
	free(text);
	pr_template_free(t);

	fixture_file(f, "pci_epf_test/func1/deviceid", "0x1b500\n");
	assert_int_equal(pr_template_from_endpoint(path, &t, &error), -EINVAL);
	assert_string_equal(error.text, "deviceid: \"0x1b500\" is not a number up to 0xffff");
	(void)snprintf(path, sizeof(path), "%s/pci_epf_test", fixture_root(f));
	assert_int_equal(pr_template_from_endpoint(path, &t, &error), -ENOENT);
	fixture_free(f);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, bad_cases, test_bad);
	ADD_TEST(&tests, test_text);
	ADD_TEST(&tests, test_package);
	ADD_TEST(&tests, test_all_at_once);
	ADD_TEST(&tests, test_bridge_windows);
	ADD_TEST(&tests, test_holds);
	ADD_TEST(&tests, test_endpoint);

	return rows_run(&tests, "template");
}

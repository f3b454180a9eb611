/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What-if: a machine, what is changed, and what is said of it.  Expected are
 * the kernel's doing, the plan's verdict, and where the card's BARs end up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/what-if.h"
#include "plan-machines.h"
#include "rows.h"

#define MIB    UINT64_C(0x100000)
#define PREF64 (PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64)

static const struct pr_template_bar small_bar[] = { { .flags = PR_IORES_MEM, .size = 0x4000 } };
static const struct pr_template_bar large_bar[] = { { .flags = PREF64, .size = 256 * MIB } };
static const struct pr_template_bar huge_bar[] = { { .flags = PREF64, .size = 1024 * 1024 * MIB } };
static const struct pr_template_bar with_io[] = { { .flags = PR_IORES_MEM, .size = 0x4000 },
	{ .index = 1, .flags = PR_IORES_IO, .size = 0x20 } };
/* 256 KiB for all eight virtual functions */
static const struct pr_template_bar with_vfs[] = { { .flags = PR_IORES_MEM, .size = 0x4000 },
	{ .index = PR_VF_BAR0, .flags = PR_IORES_MEM, .size = 0x8000 } };
/* 1 MiB to 64 MiB */
static const struct pr_template_bar resizable[] = {
	{ .flags = PREF64, .size = 64 * MIB, .sizes = 0x7f }
};

#define ENDPOINT(what)                                                                           \
	{                                                                                        \
		.class_code = 0x020000, .vendor = 0x8086, .device_id = 0x10d3,                   \
		.port = PR_PORT_ENDPOINT, .bars = what, .n_bars = sizeof(what) / sizeof(what[0]) \
	}
static const struct pr_template_function small[] = { ENDPOINT(small_bar) };
static const struct pr_template_function large[] = { ENDPOINT(large_bar) };
static const struct pr_template_function huge[] = { ENDPOINT(huge_bar) };
static const struct pr_template_function io_card[] = { ENDPOINT(with_io) };
static const struct pr_template_function sriov[] = { {
	.class_code = 0x020000,
	.vendor = 0x8086,
	.device_id = 0x10c9,
	.port = PR_PORT_ENDPOINT,
	.total_vfs = 8,
	.first_offset = 1,
	.stride = 1,
	.bars = with_vfs,
	.n_bars = 2,
} };
static const struct pr_template_function rebar[] = { ENDPOINT(resizable) };
static const struct pr_template_function ports[] = {
	{ .class_code = 0x060400,
		.port = PR_PORT_DOWNSTREAM,
		.is_bridge = true,
		.hotplug = true,
		.slot = 1 },
};
static const struct pr_template_function chassis[] = {
	{ .class_code = 0x060400,
		.port = PR_PORT_UPSTREAM,
		.is_bridge = true,
		.below = ports,
		.n_below = 1 },
};

#define CARD(what)                                                 \
	{                                                          \
		.name = #what, .functions = what, .n_functions = 1 \
	}
static const struct pr_template cards[] = { CARD(small), CARD(large), CARD(huge), CARD(io_card),
	CARD(chassis), CARD(sriov), CARD(rebar) };

/*
 * @add: "CARD@PORT" words; @said: "works|partial|fails LOST verdict", then a line for each function
 * that came: "ADDRESS BARn=START|none ...". Or "not found: PATH", of
 * who was to be changed.
 */
static const struct what_if_case {
	const char *name, *machine, *remove, *add, *release, *cmdline, *pin, *movable, *said;
	/* wishes beside: whose Resizable BAR is to have 1 MiB, who is to have 8 virtual functions */
	const char *resize, *vfs;
	enum pr_disruption limit;
} cases[] = {
	{ .name = "a card that the kernel finds room for",
		.machine = ROOMY("", ""),
		.remove = "03:00.0",
		.add = "small@02:00.0",
		.said = "works 0 -\n0000:03:00.0 BAR0=fe000000\n" },
	{ .name = "a packed switch: the plan moves its neighbour",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.remove = "03:00.0",
		.add = "large@02:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.said = "fails 0 ok\n0000:03:00.0 BAR0=100000000\n" },
	{ .name = "and not within a limit that does not allow it",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.remove = "03:00.0",
		.add = "large@02:00.0",
		.limit = PR_DISRUPTION_FREE,
		.said = "fails 0 too-disruptive\n0000:03:00.0 BAR0=100000000\n" },
	{ .name = "whoever is used counts as in use",
		.machine = PACKED("6.12.0", "", "driver=e1000e user=net:eth0"),
		.remove = "03:00.0",
		.add = "large@02:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.said = "fails 0 too-disruptive\n0000:03:00.0 BAR0=100000000\n" },
	{ .name = "but not when nobody minds",
		.machine = PACKED("6.12.0", "", "driver=e1000e user=net:eth0"),
		.remove = "03:00.0",
		.add = "large@02:00.0",
		.movable = "04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.said = "fails 0 ok\n0000:03:00.0 BAR0=100000000\n" },
	{ .name = "a pin vetoes what would be moved",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.remove = "03:00.0",
		.add = "large@02:00.0",
		.pin = "04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.said = "fails 0 vetoed\n0000:03:00.0 BAR0=100000000\n" },
	{ .name = "more than the host bridge has is refused",
		.machine = ROOMY("", ""),
		.remove = "03:00.0",
		.add = "huge@02:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.said = "fails 0 infeasible\n0000:03:00.0 BAR0=none\n" },
	{ .name = "a chassis with a card in it, both new",
		.machine = "kernel 6.12.0\n" ROOT "00:02.0 bridge 01-08 root-port hotplug "
			   "mem=fe000000-fe5fffff pref64=800000000-8005fffff driver=pcieport\n",
		.add = "chassis@00:02.0 small@0000:00/02.0/00.0/00.0",
		.said = "works 0 -\n0000:01:00.0\n0000:02:00.0\n0000:03:00.0 BAR0=fe000000\n" },
	{ .name = "two cards at once",
		.machine = ROOMY("", ""),
		.remove = "03:00.0 04:00.0",
		.add = "small@02:01.0 small@02:00.0",
		.said = "works 0 -\n0000:03:00.0 BAR0=fe000000\n0000:04:00.0 BAR0=fe200000\n" },
	{ .name = "a card whose I/O BAR finds nothing works all the same",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=c0000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe5fffff "
			   "driver=pcieport\n",
		.add = "io_card@00:02.0",
		.said = "partial 0 infeasible\n0000:01:00.0 BAR0=fe000000 BAR1=none\n" },
	{ .name = "a port without hot-plug is rescanned",
		.machine = "kernel 6.12.0\n" ROOT
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe5fffff driver=pcieport\n",
		.add = "small@00:02.0",
		.said = "works 0 -\n0000:01:00.0 BAR0=fe000000\n" },
	{ .name = "another kernel boots first, which takes I/O ports from the neighbour",
		.machine = ROOMY("", ""),
		.remove = "03:00.0",
		.add = "small@02:00.0",
		.release = "7.3.0",
		.said = "fails 1 ok\n0000:03:00.0 BAR0=fe000000\n" },
	{ .name = "what sits behind a port without hot-plug is there at boot",
		.machine = "kernel 6.12.0\n" ROOT
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe5fffff driver=pcieport\n",
		.add = "large@00:02.0",
		.release = "6.12.0",
		.cmdline = "pci=realloc",
		.said = "works 0 -\n0000:01:00.0 BAR0=100000000\n" },
	{ .name = "but not when firmware would have to number it",
		.machine = "kernel 6.12.0\n" ROOT
			   "00:02.0 bridge 01-08 root-port mem=fe000000-fe5fffff driver=pcieport\n",
		.add = "chassis@00:02.0",
		.release = "6.12.0",
		.said = "0000:00:02.0 has no hot-plug, and which bus numbers firmware gives to what is "
			"behind it is not known" },
	{ .name = "virtual functions of the card that comes",
		.machine = ROOMY("", ""),
		.remove = "03:00.0",
		.add = "sriov@02:00.0",
		.vfs = "03:00.0",
		.said = "works 0 ok\n0000:03:00.0 BAR0=fe040000 BAR7=fe000000\n" },
	{ .name = "its Resizable BAR, of a size that needs no plan for others",
		.machine = ROOMY("", ""),
		.remove = "03:00.0",
		.add = "rebar@02:00.0",
		.resize = "03:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.said = "works 0 ok\n0000:03:00.0 BAR0=804000000\n" },
	{ .name = "who comes behind a bridge that comes is meant wherever it is then",
		.machine = "kernel 6.12.0\n" ROOT "00:02.0 bridge 01-08 root-port hotplug "
			   "mem=fe000000-fe5fffff pref64=800000000-8005fffff driver=pcieport\n",
		.add = "chassis@00:02.0 sriov@0000:00/02.0/00.0/00.0",
		.vfs = "0000:00/02.0/00.0/00.0/00.0",
		.said = "works 0 ok\n0000:01:00.0\n0000:02:00.0\n0000:03:00.0 BAR0=fe040000 BAR7=fe000000\n" },
	{ .name = "who is not found cannot be changed",
		.machine = "kernel 6.12.0\n" ROOT "00:02.0 bridge 01-01 root-port hotplug "
			   "mem=fe000000-fe5fffff pref64=800000000-8005fffff driver=pcieport\n",
		.add = "chassis@00:02.0 sriov@0000:00/02.0/00.0/00.0",
		.vfs = "0000:00/02.0/00.0/00.0/00.0",
		.said = "not found: 0000:00/02.0/00.0/00.0/00.0" },
	{ .name = "a size for who was there, and a card that comes at once",
		.machine = ROOMY("", "bar4=pref64:200000@800400000 config=100:15000100f0010000"
				     "24010000"),
		.remove = "03:00.0",
		.add = "small@02:00.0",
		.resize = "04:00.0",
		.said = "works 0 ok\n0000:03:00.0 BAR0=fe000000\n" },
	{ .name = "nothing comes: what is dead is planned for",
		.machine = PACKED("6.12.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.said = "works 0 ok\n" },
	{ .name = "nothing comes, and nothing is dead",
		.machine = ROOMY("", ""),
		.said = "works 0 nothing\n" },
};

/* ---- changes ---- */

static struct pr_function *find(const struct pr_topology *t, const char *name)
{
	struct pr_function *f = pr_topology_find_named(t, name);

	if (!f)
		fail_msg("no function %s", name);
	return f;
}

static const struct pr_template *card_of(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++)
		if (strlen(cards[i].name) == n && strncmp(cards[i].name, name, n) == 0)
			return &cards[i];
	fail_msg("no card %s", name);
	return NULL;
}

/* The next word of @text, or false. */
static bool next_word(const char **text, char *ret, size_t size)
{
	size_t n;

	if (!*text)
		return false;
	*text += strspn(*text, " ");
	n = strcspn(*text, " ");
	assert_true(n < size);
	if (n == 0)
		return false;
	memcpy(ret, *text, n);
	ret[n] = '\0';
	*text += n;
	return true;
}

static struct pr_topology *changed(
	const struct what_if_case *c, struct pr_address *ports_of, size_t *n_ports)
{
	struct pr_topology *t = machine_build(c->machine), *next;
	const char *words = c->remove;
	char word[64];

	while (next_word(&words, word, sizeof(word))) {
		assert_int_equal(pr_refit_remove(t, find(t, word), &next), 0);
		pr_topology_free(t);
		t = next;
	}
	words = c->add;
	while (next_word(&words, word, sizeof(word))) {
		char *at = strchr(word, '@');
		struct pr_function *port = find(t, at + 1);

		ports_of[(*n_ports)++] = port->address;
		assert_int_equal(
			pr_refit_insert(t, port, card_of(word, (size_t)(at - word)), &next), 0);
		pr_topology_free(t);
		t = next;
	}
	assert_int_equal(pr_refit_kernel(t, c->release, c->cmdline, &next), 0);
	pr_topology_free(t);
	return next;
}

/* ---- wishes ---- */

struct wishes {
	struct pr_resize resize;
	struct pr_vf_wish vfs;
};

static void wish(const struct what_if_case *c, const struct pr_topology *t, struct wishes *wishes,
	struct pr_request *ret)
{
	if (c->resize) {
		wishes->resize = (struct pr_resize){
			.function = find(t, c->resize)->address,
			.index = find(t, c->resize)->caps->rebar.entries[0].bar,
			.size = MIB,
		};
		ret->resizes = &wishes->resize;
		ret->n_resizes = 1;
	}
	if (c->vfs) {
		wishes->vfs = (struct pr_vf_wish){ find(t, c->vfs)->address, 8 };
		ret->vfs = &wishes->vfs;
		ret->n_vfs = 1;
	}
}

static void check_unreached(const struct what_if_case *c, const struct pr_what_if *w)
{
	char path[100], said[120];

	assert_null(w->plan);
	assert_int_equal(pr_function_path(w->unreached, path, sizeof(path)), 0);
	(void)snprintf(said, sizeof(said), "not found: %s", path);
	assert_string_equal(said, c->said);
}

/* ---- what is said ---- */

static void say_function(char *said, size_t size, const struct pr_function *f)
{
	char address[PR_ADDRESS_MAX];
	size_t n = strlen(said);

	pr_address_format(&f->address, address);
	n += (size_t)snprintf(said + n, size - n, "%s", f->removed ? "gone" : address);
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (pr_resource_is_window(r))
			continue;
		if (r->state == PR_RES_ASSIGNED)
			n += (size_t)snprintf(
				said + n, size - n, " BAR%u=%" PRIx64, r->index, r->range.first);
		else
			n += (size_t)snprintf(said + n, size - n, " BAR%u=none", r->index);
	}
	(void)snprintf(said + n, size - n, "\n");
}

static void test_what_if(void **state)
{
	const struct what_if_case *c = *state;
	const struct pr_policy policy = { .limit = c->limit,
		.pinned = &c->pin,
		.n_pinned = c->pin != NULL,
		.movable = &c->movable,
		.n_movable = c->movable != NULL };
	struct pr_address ports_of[4];
	struct pr_what_if_request request = { .ports = ports_of,
		.boots = c->release || c->cmdline };
	struct pr_topology *t = changed(c, ports_of, &request.n_ports);
	struct wishes wishes;
	struct pr_what_if *w;
	char said[1000], why[200];

	wish(c, t, &wishes, &request.plan);
	assert_int_equal(pr_what_if_make(t, &request, &policy, &w), 0);
	if (!w->arrived || w->unreached) {
		if (w->unreached)
			check_unreached(c, w);
		else
			assert_string_equal(w->doubt, c->said);
		pr_what_if_free(w);
		pr_topology_free(t);
		return;
	}
	(void)snprintf(said, sizeof(said), "%s %zu %s\n",
		w->complete ? "works"
		: w->works  ? "partial"
			    : "fails",
		w->n_lost, w->plan ? pr_verdict_name(w->plan->verdict) : "-");
	for (size_t i = 0; i < w->n_cards; i++)
		say_function(said, sizeof(said), pr_topology_same(w->end, w->cards[i]));
	assert_string_equal(said, c->said);
	if (w->plan && w->plan->verdict == PR_VERDICT_OK)
		assert_int_equal(pr_plan_check(w->plan, &policy, why, sizeof(why)), 0);
	pr_what_if_free(w);
	pr_topology_free(t);
}

/* ---- what cannot be asked ---- */

static void test_mistakes(void **state)
{
	struct pr_topology *t = machine_build(ROOMY("", "")), *bad;
	const struct pr_policy policy = { .limit = PR_DISRUPTION_FREE };
	const struct pr_address device = machine_function(t, "0000:04:00.0")->address;
	const struct pr_address nothing = { .bus = 0x77 };
	struct pr_what_if_request request = { .ports = &device, .n_ports = 1 };
	struct pr_what_if *w;

	(void)state;
	assert_int_equal(pr_what_if_make(t, &request, &policy, &w), -ENOENT);
	request.ports = &nothing;
	assert_int_equal(pr_what_if_make(t, &request, &policy, &w), -ENOENT);
	request.n_ports = 0;
	request.plan = (struct pr_request){ .targets = &nothing, .n_targets = 1 };
	assert_int_equal(pr_what_if_make(t, &request, &policy, &w), -ENOENT);
	request.plan = (struct pr_request){ 0 };
	assert_int_equal(pr_refit_kernel(t, NULL, "pci=hpmmiosize=lots", &bad), 0);
	assert_int_equal(pr_what_if_make(bad, &request, &policy, &w), -EINVAL);
	pr_topology_free(bad);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_what_if);
	ADD_TEST(&tests, test_mistakes);

	return rows_run(&tests, "what-if");
}

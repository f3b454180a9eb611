/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnosis: what has no addresses, and where the room ends.  Explanations
 * are rendered to a line a finding and compared whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

/* 64-bit apertures of 32 GiB; a root port, a switch and two packed ports. */
#define PACKED(newcomer)                                                               \
	"root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n" \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "   \
	"pref64=800000000-8007fffff driver=pcieport\n"                                 \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe000000-fe5fffff "            \
	"pref64=800000000-8005fffff driver=pcieport\n"                                 \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "               \
	"pref64=800000000-8001fffff driver=pcieport\n"                                 \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe200000-fe5fffff "  \
	"pref64=800200000-8005fffff driver=pcieport\n"                                 \
	"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 " newcomer "\n"                  \
	"04:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 bar2=io:20@c000 driver=e1000e\n"

/*
 * @expect: "ADDRESS NAME choke WHERE window SIZE free TOTAL hole LARGEST
 * wants WANTED", sizes hexadecimal, WHERE an address, "host" or "none";
 * "no-bus ADDRESS"; "disagrees ADDRESS".
 */
struct explain_case {
	const char *name, *machine, *function, *expect;
};

static const struct explain_case cases[] = {
	{ .name = "a healthy machine has nothing to explain", .machine = PACKED(""), .expect = "" },
	{ .name = "the choke point is the outermost window that is too small",
		.machine = PACKED("bar2=pref64:10000000@forgotten"),
		.expect = "03:00.0 BAR 2 choke 00:02.0 prefetchable window 800000 free 200000 hole "
			  "200000 wants 10000000\n" },
	{ .name = "room in the root port's window moves the choke point down",
		.machine = PACKED("bar2=pref64:200000@forgotten bar4=pref64:200000@800000000"),
		.expect =
			"03:00.0 BAR 2 choke 01:00.0 prefetchable window 600000 free 0 hole 0 wants "
			"200000\n" },
	{ .name = "one byte of alignment too few in the hole: the window does not serve",
		.machine = PACKED("bar2=pref64:400000@forgotten"),
		.expect = "03:00.0 BAR 2 choke 00:02.0 prefetchable window 800000 free 200000 hole "
			  "200000 wants 400000\n" },
	{ .name = "the host bridge itself can be the choke point",
		.machine = PACKED("bar2=pref64:1000000000@forgotten"),
		.expect =
			"03:00.0 BAR 2 choke host prefetchable window 83ec00000 free 83de00000 hole "
			"700000000 wants 1000000000\n" },
	{ .name = "memory that is not prefetchable must lie below 4 GiB",
		.machine = PACKED("bar2=mem64:80000000@forgotten"),
		.expect = "03:00.0 BAR 2 choke host memory window 3ec00000 free 3e600000 hole "
			  "3e000000 wants 80000000\n" },
	{ .name = "32-bit prefetchable memory uses the memory window",
		.machine = PACKED("bar2=pref:10000000@forgotten"),
		.expect = "03:00.0 BAR 2 choke 00:02.0 memory window 600000 free 0 hole 0 wants "
			  "10000000\n" },
	{ .name = "a closed window chokes",
		.machine = PACKED("bar1=io:20@forgotten"),
		.expect =
			"03:00.0 BAR 1 choke 00:02.0 I/O window 1000 free 0 hole 0 wants 1000\n" },
	{ .name = "a BAR that would fit where it is has no choke point",
		.machine = PACKED("bar2=pref64:200000@forgotten"),
		.expect = "03:00.0 BAR 2 choke none wants 200000\n" },
	{ .name = "a size that is not known has no choke point",
		.machine = PACKED("bar2=pref64:200000@forgotten?"),
		.expect = "03:00.0 BAR 2 choke none wants unknown\n" },
	{ .name = "a BAR that the kernel took away is explained like one that never was",
		.machine = PACKED("bar2=pref64:200000@released"),
		.expect = "03:00.0 BAR 2 choke none wants 200000\n" },
	{ .name = "a ROM without addresses is not missed",
		.machine = PACKED("rom=40000@none"),
		.expect = "" },
	{ .name = "what lies elsewhere is not explained",
		.machine = PACKED("bar2=pref64:10000000@forgotten"),
		.function = "02:01.0",
		.expect = "" },
	{ .name = "a port explains what is below it",
		.machine = PACKED("bar2=pref64:10000000@forgotten"),
		.function = "02:00.0",
		.expect = "03:00.0 BAR 2 choke 00:02.0 prefetchable window 800000 free 200000 hole "
			  "200000 wants 10000000\n" },
	{ .name = "apertures that were not recorded count as room",
		.machine =
			"root 0000:00-ff\n"
			"00:02.0 bridge 01-01 root-port mem=80000000-800fffff\n"
			"01:00.0 dev 1b36:0005 bar0=mem:100000@forgotten bar1=mem:1000@80000000\n",
		.expect =
			"01:00.0 BAR 0 choke 00:02.0 memory window 100000 free ff000 hole ff000 wants "
			"100000\n" },
	{ .name = "a bridge without bus numbers is listed",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:02.0 bridge none root-port\n",
		.expect = "no-bus 00:02.0\n" },
	{ .name = "a window that the register does not have is listed",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port mem=80000000-800fffff regs-mem=closed\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000\n",
		.expect = "disagrees 00:02.0\n" },
	{ .name = "the broken bridge above a function is part of its explanation",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port mem=80000000-800fffff regs-mem=closed\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.expect = "disagrees 00:02.0\n" },
	{ .name = "what firmware keeps busy in an aperture is not free",
		.machine =
			"root 0000:00-ff io=1000-ffff mem=80000000-807fffff busy=80100000-806fffff\n"
			"00:02.0 bridge 01-01 root-port mem=80000000-800fffff\n"
			"01:00.0 dev 1b36:0005 bar0=mem:200000@forgotten bar1=mem:1000@80000000\n",
		.expect =
			"01:00.0 BAR 0 choke host memory window 800000 free 100000 hole 100000 wants "
			"200000\n" },
	{ .name = "the last byte of an aperture is usable",
		.machine =
			"root 0000:00-ff io=1000-ffff mem=80000000-803fffff\n"
			"00:02.0 bridge 01-01 root-port mem=80000000-800fffff\n"
			"01:00.0 dev 1b36:0005 bar0=mem:200000@forgotten bar1=mem:1000@80000000\n",
		.expect =
			"01:00.0 BAR 0 choke 00:02.0 memory window 100000 free ff000 hole ff000 wants "
			"200000\n" },
};

struct text {
	char data[4096];
	size_t n;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->data + t->n, sizeof(t->data) - t->n, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(t->data) - t->n);
	t->n += (size_t)n;
}

/* Without the domain: the machines have one. */
static void add_address(struct text *t, const struct pr_function *f)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	add(t, "%s", address + strlen("0000:"));
}

static void add_shortage(struct text *t, const struct pr_shortage *s)
{
	add_address(t, s->function);
	add(t, " %s choke ", pr_resource_name(s->resource->index));
	if (!s->choke) {
		add(t, "none wants ");
		if (s->size_known)
			add(t, "%" PRIx64 "\n", s->resource->size);
		else
			add(t, "unknown\n");
		return;
	}
	if (s->choke->bridge)
		add_address(t, s->choke->bridge);
	else
		add(t, "host");
	add(t, " %s %" PRIx64 " free %" PRIx64 " hole %" PRIx64 " wants %" PRIx64 "\n",
		pr_resource_name(s->choke->window), s->choke->size, s->choke->space.total,
		s->choke->space.largest, s->choke->wanted);
}

static void test_explain(void **state)
{
	const struct explain_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_function *f = c->function ? machine_function(t, c->function) : NULL;
	struct pr_arena *arena = pr_arena_new();
	struct pr_explanation e;
	struct text text = { 0 };

	assert_non_null(arena);
	assert_int_equal(pr_explain(t, &f, f != NULL, arena, &e), 0);
	for (size_t i = 0; i < e.n_shortages; i++)
		add_shortage(&text, &e.shortages[i]);
	for (size_t i = 0; i < e.n_no_bus; i++) {
		add(&text, "no-bus ");
		add_address(&text, e.no_bus[i]);
		add(&text, "\n");
	}
	for (size_t i = 0; i < e.n_disagreeing; i++) {
		add(&text, "disagrees ");
		add_address(&text, e.disagreeing[i]);
		add(&text, "\n");
	}
	assert_string_equal(text.data, c->expect);

	pr_arena_free(arena);
	pr_topology_free(t);
}

/* The levels of one shortage, from the port to the host bridge. */
static void test_levels(void **state)
{
	struct pr_topology *t = machine_build(PACKED("bar2=pref64:10000000@forgotten"));
	struct pr_arena *arena = pr_arena_new();
	const struct pr_level *l;
	struct pr_explanation e;

	(void)state;
	assert_int_equal(pr_explain(t, NULL, 0, arena, &e), 0);
	assert_int_equal(e.n_shortages, 1);
	assert_int_equal(e.shortages[0].n_levels, 4);
	l = e.shortages[0].levels;

	assert_ptr_equal(l[0].bridge, machine_function(t, "02:00.0"));
	assert_int_equal(l[0].window, PR_WINDOW_PREF);
	assert_true(l[0].open && l[0].known && !l[0].fits);
	assert_int_equal(l[0].size, 0x200000);
	assert_int_equal(l[0].space.total, 0x200000);
	assert_ptr_equal(l[1].bridge, machine_function(t, "01:00.0"));
	assert_int_equal(l[1].space.total, 0);
	assert_ptr_equal(l[2].bridge, machine_function(t, "00:02.0"));
	assert_int_equal(l[2].space.total, 0x200000);
	assert_ptr_equal(&l[2], e.shortages[0].choke);
	assert_null(l[3].bridge);
	assert_true(l[3].fits);
	assert_int_equal(l[3].align, 0x10000000);

	pr_arena_free(arena);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_explain);
	rows_add(&tests, "the levels go from the port to the host bridge", test_levels, NULL);

	return rows_run(&tests, "explain");
}

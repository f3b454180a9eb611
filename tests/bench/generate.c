/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines that are made up. */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB          UINT64_C(0x100000)
#define BUSES        10 /* of a root port: upstream port, ports, and a bus for each of eight */
#define PORTS        8
#define ROOT_PORTS   24
#define CONFIG_BYTES 0x80
#define MEM_BASE     UINT64_C(0x80000000)
#define PREF_BASE    UINT64_C(0x4000000000)
#define PREF_SEGMENT UINT64_C(0x2000000000) /* between the apertures of two segments */

/* Type and flags of a PCI Express capability's ports (PCIe 7.5.3.2). */
enum {
	ENDPOINT = 0,
	ROOT_PORT = 4,
	UPSTREAM = 5,
	DOWNSTREAM = 6,
};

static void die(const char *what)
{
	(void)fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void put(uint8_t *config, unsigned int offset, unsigned int n, uint64_t value)
{
	for (unsigned int i = 0; i < n; i++)
		config[offset + i] = (uint8_t)(value >> 8 * i);
}

static void put_express(uint8_t *config, unsigned int port, bool hotplug)
{
	put(config, 0x06, 2, 0x10);
	put(config, 0x34, 1, 0x40);
	put(config, 0x40, 2, 0x10);
	put(config, 0x42, 2, 2 | port << 4 | (hotplug ? 0x100 : 0));
	put(config, 0x54, 4, hotplug ? 0x60 : 0);
}

/* ---- one segment ---- */

struct segment {
	struct pr_builder *builder;
	uint32_t domain;
	unsigned int ports, per_bus, rest; /* the first @rest buses have one function more */
	unsigned int bus;                  /* counts those with functions */
	uint64_t mem, pref;                /* next free address */
};

static void add(
	struct segment *s, struct pr_facts *facts, const uint8_t *config, const char *driver)
{
	facts->config = config;
	facts->config_length = CONFIG_BYTES;
	facts->driver = driver;
	facts->numa_node = facts->iommu_group = facts->sriov_numvfs = facts->enabled = -1;
	if (pr_builder_add_function(s->builder, facts) < 0)
		die("cannot generate a machine");
}

static struct pr_resource_line line_of(uint64_t base, uint64_t size, uint64_t flags)
{
	return (struct pr_resource_line){ base, base + size - 1, flags };
}

static void add_bridge(struct segment *s, unsigned int bus, unsigned int device, unsigned int port,
	unsigned int secondary, unsigned int last, struct pr_range mem, struct pr_range pref)
{
	struct pr_resource_line lines[PR_RESOURCE_MAX] = { 0 };
	struct pr_facts f = { .address = { s->domain, (uint8_t)bus, (uint8_t)device, 0 },
		.lines = lines,
		.n_lines = PR_RESOURCE_MAX };
	uint8_t config[CONFIG_BYTES] = { 0 };

	put(config, 0x00, 4, 0x00011af4);
	put(config, 0x04, 2, 7);
	put(config, 0x0a, 2, 0x0604);
	put(config, 0x0e, 1, 1);
	put(config, 0x18, 3, bus | secondary << 8 | last << 16);
	put(config, 0x1c, 2, 0x01f1);
	put(config, 0x20, 2, mem.first >> 16);
	put(config, 0x22, 2, mem.last >> 16 & 0xfff0);
	put(config, 0x24, 2, (pref.first >> 16 & 0xfff0) | 1);
	put(config, 0x26, 2, (pref.last >> 16 & 0xfff0) | 1);
	put(config, 0x28, 4, pref.first >> 32);
	put(config, 0x2c, 4, pref.last >> 32);
	put_express(config, port, port != UPSTREAM);
	lines[PR_WINDOW_MEM] =
		(struct pr_resource_line){ mem.first, mem.last, PR_IORES_MEM | PR_IORES_WINDOW };
	lines[PR_WINDOW_PREF] = (struct pr_resource_line){ pref.first, pref.last,
		PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 | PR_IORES_WINDOW };
	add(s, &f, config, "pcieport");
}

/* A 16 KiB BAR and a 64 KiB one; three of four functions have a driver. */
static void add_endpoint(
	struct segment *s, unsigned int bus, unsigned int nth, uint64_t mem, uint64_t pref)
{
	struct pr_resource_line lines[PR_VF_BAR0] = { 0 };
	struct pr_facts f = { .address = { s->domain, (uint8_t)bus, (uint8_t)(nth / 8), nth % 8 },
		.lines = lines,
		.n_lines = PR_VF_BAR0 };
	uint8_t config[CONFIG_BYTES] = { 0 };

	put(config, 0x00, 4, 0x10411af4);
	put(config, 0x04, 2, 6);
	put(config, 0x0a, 2, 0x0200);
	put(config, 0x0e, 1, 0x80);
	put(config, 0x10, 4, mem);
	put(config, 0x18, 8, pref | 0xc);
	put_express(config, ENDPOINT, false);
	lines[0] = line_of(mem, 0x4000, PR_IORES_MEM | PR_IORES_SIZEALIGN);
	lines[2] = line_of(pref, 0x10000,
		PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 | PR_IORES_SIZEALIGN);
	add(s, &f, config, nth % 4 == 3 ? NULL : "net");
}

/* As a failed hot-add leaves it: an empty table, no addresses, and sizes that were measured. */
static void dead_facts(struct pr_facts *f, uint8_t config[CONFIG_BYTES],
	struct pr_resource_line lines[PR_VF_BAR0], struct pr_bar_mask masks[2])
{
	memset(config, 0, CONFIG_BYTES);
	put(config, 0x00, 4, 0x000510de);
	put(config, 0x0a, 2, 0x0302);
	put(config, 0x10, 4, 0xc);
	put_express(config, ENDPOINT, false);
	memset(lines, 0, PR_VF_BAR0 * sizeof(*lines));
	masks[0] = (struct pr_bar_mask){ 0, 0xf000000c, 0xffffffff };
	masks[1] = (struct pr_bar_mask){ 2, 0xfff00000, 0 };
	f->lines = lines;
	f->n_lines = PR_VF_BAR0;
	f->masks = masks;
	f->n_masks = 2;
}

static void add_dead(struct segment *s, unsigned int bus)
{
	struct pr_facts f = { .address = { s->domain, (uint8_t)bus, 0, 0 } };
	struct pr_resource_line lines[PR_VF_BAR0];
	struct pr_bar_mask masks[2];
	uint8_t config[CONFIG_BYTES];

	dead_facts(&f, config, lines, masks);
	add(s, &f, config, NULL);
}

static uint64_t round_up(uint64_t n)
{
	return (n + MIB - 1) / MIB * MIB;
}

/* A port of the switch on @bus, with its functions on @below. */
static void add_port(
	struct segment *s, unsigned int bus, unsigned int device, unsigned int below, bool dead)
{
	unsigned int n = dead ? 0 : s->per_bus + (s->bus < s->rest);
	struct pr_range mem = { s->mem, s->mem + round_up(0x4000u * (uint64_t)(n ? n : 1)) - 1 };
	struct pr_range pref = { s->pref,
		s->pref + round_up(0x10000u * (uint64_t)(n ? n : 1)) - 1 };

	for (unsigned int i = 0; i < n; i++)
		add_endpoint(s, below, i, mem.first + 0x4000u * (uint64_t)i,
			pref.first + 0x10000u * (uint64_t)i);
	add_bridge(s, bus, device, DOWNSTREAM, below, below, mem, pref);
	if (dead)
		add_dead(s, below);
	s->bus += !dead;
	s->mem = mem.last + 1;
	s->pref = pref.last + 1;
}

/* A root port and the switch below it. */
static void add_switch(struct segment *s, unsigned int nth, bool dead)
{
	unsigned int bus = 1 + nth * BUSES, last = bus + BUSES - 1;
	struct pr_range mem = { .first = s->mem }, pref = { .first = s->pref };

	for (unsigned int i = 0; i < PORTS; i++)
		add_port(s, bus + 1, i, bus + 2 + i, dead && i == PORTS - 1);
	mem.last = s->mem - 1;
	pref.last = s->pref - 1;
	add_bridge(s, 0, 1 + nth, ROOT_PORT, bus, last, mem, pref);
	add_bridge(s, bus, 0, UPSTREAM, bus + 1, last, mem, pref);
}

static void add_segment(struct pr_builder *builder, uint32_t domain, size_t n, bool dead)
{
	struct segment s = { .builder = builder,
		.domain = domain,
		.mem = MEM_BASE,
		.pref = PREF_BASE + domain * PREF_SEGMENT };
	struct pr_range io = { 0x1000, 0xffff };
	struct pr_range mem[] = { { MEM_BASE, 0xfebfffff }, { s.pref, s.pref + PREF_SEGMENT - 1 } };
	struct pr_root_facts root = { .domain = domain,
		.last_bus = 0xff,
		.io = &io,
		.n_io = 1,
		.mem = mem,
		.n_mem = 2,
		.io_known = true,
		.mem_known = true };
	size_t left, buses;

	s.ports = (unsigned int)(n / 400 + 1);
	s.ports = s.ports < ROOT_PORTS ? s.ports : ROOT_PORTS;
	buses = s.ports * PORTS - dead;
	left = n - s.ports * (2 + PORTS) - dead;
	s.per_bus = (unsigned int)(left / buses);
	s.rest = (unsigned int)(left % buses);
	if (pr_builder_add_root(builder, &root) < 0)
		die("cannot generate a machine");
	for (unsigned int i = 0; i < s.ports; i++)
		add_switch(&s, i, dead && i == 0);
}

struct pr_builder *bench_generate(size_t n, unsigned int segments, unsigned int dead)
{
	struct pr_builder *builder = pr_builder_new();
	struct pr_machine machine = { .release = "6.12.48", .arch = "x86_64" };

	if (!builder || pr_builder_set_machine(builder, &machine) < 0)
		die("out of memory");
	for (unsigned int i = 0; i < segments; i++)
		add_segment(builder, i, n / segments + (i < n % segments), i < dead);
	return builder;
}

/* ---- a recording, and one card more ---- */

struct hull {
	struct pr_range low, high; /* below and above 4 GiB; empty: last 0 */
};

static void stretch(struct pr_range *r, const struct pr_range *by)
{
	if (r->last == 0)
		*r = *by;
	r->first = by->first < r->first ? by->first : r->first;
	r->last = by->last > r->last ? by->last : r->last;
}

static struct hull hull_of(const struct pr_root *root)
{
	struct hull h = { 0 };

	for (size_t k = 0; k < root->n_functions; k++)
		for (unsigned int i = 0; i < root->functions[k].n_resources; i++) {
			const struct pr_resource *r = &root->functions[k].resources[i];

			if (r->state == PR_RES_ASSIGNED && !pr_resource_is_io(r))
				stretch(r->range.last <= UINT32_MAX ? &h.low : &h.high, &r->range);
		}
	return h;
}

/* Where apertures are not known: all that is in use, a little more below 4 GiB, 64 GiB above. */
static bool add_root(struct pr_builder *builder, const struct pr_root *root)
{
	struct pr_root_facts facts = root->facts;
	struct hull h = hull_of(root);
	struct pr_range io = { 0, 0xffff }, mem[2];

	if (!facts.io_known || !facts.mem_known) {
		if (h.high.last == 0)
			h.high = (struct pr_range){ PREF_BASE, PREF_BASE };
		mem[0] = (struct pr_range){ h.low.first & ~UINT64_C(0xfffffff),
			h.low.last | UINT64_C(0xfffffff) };
		mem[1] = (struct pr_range){ h.high.first & ~UINT64_C(0x3fffffff),
			(h.high.last | UINT64_C(0x3fffffff)) + (UINT64_C(64) << 30) };
		facts.io = &io;
		facts.n_io = 1;
		facts.mem = h.low.last == 0 ? mem + 1 : mem;
		facts.n_mem = h.low.last == 0 ? 1 : 2;
		facts.io_known = facts.mem_known = true;
	}
	return pr_builder_add_root(builder, &facts) == 0;
}

static bool copy_facts(struct pr_builder *builder, const struct pr_topology *t)
{
	bool good = pr_builder_set_machine(builder, &t->machine) == 0;

	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];

		good = good && add_root(builder, root);
		for (size_t k = 0; good && k < root->n_functions; k++)
			good = pr_builder_add_function(builder, root->functions[k].facts) == 0;
	}
	return good;
}

struct pr_topology *bench_add_dead(const struct pr_topology *t, const struct pr_function *port)
{
	struct pr_facts f = { .address = { port->address.domain, port->bridge->secondary, 0, 0 },
		.has_parent = true,
		.parent = port->address };
	struct pr_resource_line lines[PR_VF_BAR0];
	struct pr_bar_mask masks[2];
	struct pr_build_error error;
	uint8_t config[CONFIG_BYTES];
	struct pr_builder *builder = pr_builder_new();
	struct pr_topology *ret = NULL;

	dead_facts(&f, config, lines, masks);
	f.config = config;
	f.config_length = sizeof(config);
	f.numa_node = f.iommu_group = f.sriov_numvfs = f.enabled = -1;
	if (!builder)
		return NULL;
	if (!copy_facts(builder, t) || pr_builder_add_function(builder, &f) < 0) {
		pr_builder_free(builder);
		return NULL;
	}
	return pr_builder_finish(builder, &ret, &error) == 0 ? ret : NULL;
}

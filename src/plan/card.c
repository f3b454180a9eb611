/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypothetical cards: the facts that a card would show after power-on, put
 * into a slot of a machine.  The builder and the decoder of real machines make
 * the rest.  Register layout: PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge
 * 1.2 chapter 3, PCI Express Base 6.0 7.5.3.
 */
#include "pciroom/slots.h"

#include <errno.h>
#include <string.h>

#define CONFIG_SIZE 4096 /* zeros from 100h on: no extended capabilities, and that is known */
#define PCIE_AT     0x40

#define IO_BAR   2 /* a memory BAR of 64 bits takes the first two */
#define BELOW_4G UINT64_C(0x100000000)

#define CLASS_MEMORY 0x050000
#define CLASS_BRIDGE 0x060400

/* Header Type: bit 7 says that there are more functions. */
#define TYPE_ENDPOINT 0x00
#define TYPE_BRIDGE   0x01
#define TYPE_BRIDGES  0x81

/* Ports behind the upstream port: all function numbers of all device numbers. */
#define MAX_PORTS 256

static void put(uint8_t *p, unsigned int width, uint32_t value)
{
	for (unsigned int i = 0; i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static void describe(uint8_t *config, uint32_t class_code, uint8_t header, enum pr_port_type port)
{
	memset(config, 0, CONFIG_SIZE);
	put(config + 0x06, 2, 0x10); /* there is a capability list */
	put(config + 0x09, 2, class_code);
	put(config + 0x0b, 1, class_code >> 16);
	config[0x0e] = header;
	config[0x34] = PCIE_AT;
	config[PCIE_AT] = 0x10;
	put(config + PCIE_AT + 2, 2, 2u | (uint32_t)port << 4);
}

/* I/O and 64-bit prefetchable windows, as every bridge of PCI Express has them; closed by zeros. */
static void describe_bridge(uint8_t *config, uint8_t header, enum pr_port_type port)
{
	describe(config, CLASS_BRIDGE, header, port);
	put(config + 0x1c, 2, 0x0101);
	put(config + 0x24, 4, 0x00010001);
}

static struct pr_facts newcomer(const struct pr_function *port, uint8_t bus, const uint8_t *config)
{
	return (struct pr_facts){
		.address = { .domain = port->address.domain, .bus = bus },
		.config = config,
		.config_length = CONFIG_SIZE,
		.is_newcomer = true,
		.has_parent = true,
		.parent = port->address,
		.numa_node = -1,
		.iommu_group = -1,
		.sriov_numvfs = -1,
		.enabled = -1,
	};
}

static int add_endpoint(
	struct pr_builder *b, const struct pr_function *port, const struct pr_card *card)
{
	const uint32_t type = card->kind == PR_CARD_PREF64 ? 0xc : 0;
	const uint64_t mask = ~(card->size - 1) | type;
	const struct pr_bar_mask bars[] = {
		{ .index = PR_BAR0,
			.low = (uint32_t)mask,
			.high = type ? (uint32_t)(mask >> 32) : 0 },
		{ .index = IO_BAR, .low = (uint32_t) ~(card->io - 1) | 1 },
	};
	uint8_t config[CONFIG_SIZE];
	struct pr_facts facts = newcomer(port, port->bridge->secondary, config);

	describe(config, CLASS_MEMORY, TYPE_ENDPOINT, PR_PORT_ENDPOINT);
	put(config + 0x10, 4, type);
	if (card->io > 0)
		put(config + 0x10 + 4 * IO_BAR, 4, 1);
	facts.masks = bars;
	facts.n_masks = card->io > 0 ? 2 : 1;
	return pr_builder_add_function(b, &facts);
}

/* A bus number of the domain that no function is on: it only makes addresses unique. */
static bool find_unused(const struct pr_topology *t, const struct pr_function *port, uint8_t *ret)
{
	bool used[256] = { false };

	used[port->bridge->secondary] = true;
	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];

		if (root->facts.domain != port->address.domain)
			continue;
		used[root->facts.bus] = true;
		for (size_t j = 0; j < root->n_functions; j++)
			used[root->functions[j].address.bus] = true;
	}
	for (unsigned int bus = 255; bus > 0; bus--) {
		if (!used[bus]) {
			*ret = (uint8_t)bus;
			return true;
		}
	}
	return false;
}

static int add_switch(struct pr_builder *b, const struct pr_topology *t,
	const struct pr_function *port, const struct pr_card *card)
{
	uint8_t config[CONFIG_SIZE], inner = 0;
	struct pr_facts facts = newcomer(port, port->bridge->secondary, config);
	int r;

	if (card->size - 1 > MAX_PORTS || !find_unused(t, port, &inner))
		return 1;
	describe_bridge(config, TYPE_BRIDGE, PR_PORT_UPSTREAM);
	r = pr_builder_add_function(b, &facts);

	facts.parent = facts.address;
	facts.address.bus = inner;
	for (unsigned int i = 0; i + 1 < card->size && r == 0; i++) {
		facts.address.device = (uint8_t)(i % 32);
		facts.address.function = (uint8_t)(i / 32);
		describe_bridge(config, TYPE_BRIDGES, PR_PORT_DOWNSTREAM);
		r = pr_builder_add_function(b, &facts);
	}
	return r;
}

static int add_card(struct pr_builder *b, const struct pr_topology *t,
	const struct pr_function *port, const struct pr_card *card)
{
	return card->kind == PR_CARD_SWITCH ? add_switch(b, t, port, card)
					    : add_endpoint(b, port, card);
}

/* Other host bridges of the domain bound its bus numbers; what is on them does not matter. */
static int add_roots(struct pr_builder *b, const struct pr_topology *t, uint32_t domain)
{
	int r = 0;

	for (size_t i = 0; i < t->n_roots && r == 0; i++)
		if (t->roots[i]->facts.domain == domain)
			r = pr_builder_add_root(b, &t->roots[i]->facts);
	return r;
}

/* But for what is in the slot. */
static int add_functions(struct pr_builder *b, const struct pr_function *port)
{
	const struct pr_root *root = port->root;
	int r = 0;

	for (size_t i = 0; i < root->n_functions && r == 0; i++) {
		const struct pr_function *f = &root->functions[i];

		if (f == port || !pr_function_below(f, port))
			r = pr_builder_add_function(b, f->facts);
	}
	return r;
}

int pr_card_insert(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_card *card, struct pr_topology **ret)
{
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;
	int r;

	if (!b)
		return -ENOMEM;
	r = pr_builder_set_machine(b, &t->machine);
	if (r == 0)
		r = add_roots(b, t, port->address.domain);
	if (r == 0)
		r = add_functions(b, port);
	if (r == 0)
		r = add_card(b, t, port, card);
	if (r != 0) {
		pr_builder_free(b);
		return r;
	}
	return pr_builder_finish(b, ret, &error);
}

uint64_t pr_largest_aperture(const struct pr_root_facts *f, enum pr_card_kind kind)
{
	uint64_t most = 0;

	for (size_t i = 0; i < f->n_mem; i++) {
		struct pr_free_space space;

		if (kind == PR_CARD_MEM32 && f->mem[i].first >= BELOW_4G)
			continue;
		pr_range_free_space(&f->mem[i], NULL, 0, &space);
		if (space.largest_aligned > most)
			most = space.largest_aligned;
	}
	return most;
}

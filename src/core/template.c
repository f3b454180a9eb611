/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a template's function to configuration space as it is after power-on.
 * Register layout: PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge 1.2
 * chapter 3, PCI Express Base 6.0 chapters 7.5, 7.8 (Resizable BAR), 9.3 (SR-IOV).
 */
#include "pciroom/template.h"

#include <string.h>

#define PCIE_AT     0x40
#define EXTENDED_AT 0x100

#define TYPE_BRIDGE        0x01
#define TYPE_MULTIFUNCTION 0x80

enum {
	EXT_SRIOV = 0x10,
	EXT_REBAR = 0x15,
	EXT_VF_REBAR = 0x24,
};

#define SRIOV_BYTES 0x40

void pr_template_free(struct pr_template *t)
{
	if (t)
		pr_arena_free(t->arena);
}

static void put(uint8_t *p, unsigned int width, uint32_t value)
{
	for (unsigned int i = 0; i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static bool is_vf_bar(const struct pr_template_bar *bar)
{
	return bar->index >= PR_VF_BAR0;
}

static uint32_t type_bits(const struct pr_template_bar *bar)
{
	if (bar->flags & PR_IORES_IO)
		return 1;
	return (bar->flags & PR_IORES_MEM_64 ? 4u : 0) | (bar->flags & PR_IORES_PREFETCH ? 8u : 0);
}

static void put_header(uint8_t *config, const struct pr_template_function *f, bool multifunction)
{
	put(config + 0x00, 2, f->vendor);
	put(config + 0x02, 2, f->device_id);
	put(config + 0x09, 2, f->class_code);
	put(config + 0x0b, 1, f->class_code >> 16);
	config[0x0e] = (f->is_bridge ? TYPE_BRIDGE : 0) | (multifunction ? TYPE_MULTIFUNCTION : 0);
	for (size_t i = 0; i < f->n_bars; i++)
		if (f->bars[i].index < PR_ROM)
			put(config + 0x10 + 4 * f->bars[i].index, 4, type_bits(&f->bars[i]));
	if (f->is_bridge) { /* closed by zeros: I/O of 32 bits, prefetchable memory of 64 */
		put(config + 0x1c, 2, 0x0101);
		put(config + 0x24, 4, 0x00010001);
	}
}

static void put_pcie(uint8_t *config, const struct pr_template_function *f)
{
	uint8_t *cap = config + PCIE_AT;

	if (f->port == PR_PORT_NONE)
		return;
	put(config + 0x06, 2, 0x10); /* there is a capability list */
	config[0x34] = PCIE_AT;
	cap[0] = 0x10;
	put(cap + 2, 2, 2u | (uint32_t)f->port << 4 | (f->hotplug ? 0x100u : 0));
	if (f->hotplug)
		put(cap + 0x14, 4, 0x60u | (uint32_t)f->slot << 19);
}

/* Appends to the list of extended capabilities; returns where the next one goes. */
static uint8_t *put_extended(
	uint8_t *at, uint8_t **previous, uint16_t id, size_t bytes, const uint8_t *config)
{
	if (*previous)
		put(*previous + 2, 2, (uint32_t)(at - config) << 4 | 1);
	put(at, 4, 0x10000u | id);
	*previous = at;
	return at + bytes;
}

static void put_sriov(uint8_t *cap, const struct pr_template_function *f)
{
	put(cap + 0x0c, 2, f->total_vfs); /* InitialVFs */
	put(cap + 0x0e, 2, f->total_vfs);
	put(cap + 0x14, 2, f->first_offset);
	put(cap + 0x16, 2, f->stride);
	put(cap + 0x1c, 4, 0x553); /* pages of 4 KiB to 4 MiB, as most devices have it */
	put(cap + 0x20, 4, 1);
	for (size_t i = 0; i < f->n_bars; i++)
		if (is_vf_bar(&f->bars[i]))
			put(cap + 0x24 + 4 * (f->bars[i].index - PR_VF_BAR0), 4,
				type_bits(&f->bars[i]));
}

/* One entry for each BAR of that sort that has several sizes; the first entry counts them. */
static size_t put_rebar(uint8_t *cap, const struct pr_template_function *f, bool vf)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_bars; i++) {
		const struct pr_template_bar *bar = &f->bars[i];
		uint32_t control = bar->index - (vf ? PR_VF_BAR0 : 0u);

		if (bar->sizes == 0 || is_vf_bar(bar) != vf)
			continue;
		control |= pr_rebar_order(bar->size) << 8 | (uint32_t)(bar->sizes >> 28) << 16;
		put(cap + 4 + 8 * n, 4, (uint32_t)bar->sizes << 4);
		put(cap + 8 + 8 * n, 4, control);
		n++;
	}
	if (n > 0)
		cap[8] |= (uint8_t)(n << 5);
	return n;
}

static size_t count_rebar(const struct pr_template_function *f, bool vf)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_bars; i++)
		n += f->bars[i].sizes != 0 && is_vf_bar(&f->bars[i]) == vf;
	return n;
}

static void put_all_extended(uint8_t *config, const struct pr_template_function *f)
{
	uint8_t *at = config + EXTENDED_AT, *previous = NULL;

	if (f->total_vfs > 0) {
		put_sriov(at, f);
		at = put_extended(at, &previous, EXT_SRIOV, SRIOV_BYTES, config);
	}
	for (unsigned int vf = 0; vf <= 1; vf++) {
		size_t n = count_rebar(f, vf);

		if (n == 0)
			continue;
		(void)put_rebar(at, f, vf);
		at = put_extended(at, &previous, vf ? EXT_VF_REBAR : EXT_REBAR, 4 + 8 * n, config);
	}
}

static struct pr_bar_mask mask_of(const struct pr_template_bar *bar)
{
	uint64_t mask = ~(bar->size - 1) | type_bits(bar);

	return (struct pr_bar_mask){
		.index = bar->index,
		.low = (uint32_t)mask,
		.high = bar->flags & PR_IORES_MEM_64 ? (uint32_t)(mask >> 32) : 0,
	};
}

void pr_template_encode(const struct pr_template_function *f, bool multifunction,
	uint8_t config[PR_TEMPLATE_CONFIG], struct pr_bar_mask masks[PR_TEMPLATE_BARS],
	size_t *ret_n)
{
	memset(config, 0, PR_TEMPLATE_CONFIG);
	put_header(config, f, multifunction);
	put_pcie(config, f);
	put_all_extended(config, f);
	for (size_t i = 0; i < f->n_bars; i++)
		masks[i] = mask_of(&f->bars[i]);
	*ret_n = f->n_bars;
}

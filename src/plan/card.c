/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypothetical cards that ask for one thing, or two, as templates. */
#include "pciroom/slots.h"
#include "plan/refit.h"

#define IO_BAR   2 /* a memory BAR of 64 bits takes the first two */
#define BELOW_4G UINT64_C(0x100000000)

#define CLASS_MEMORY 0x050000
#define CLASS_BRIDGE 0x060400

/* Ports behind the upstream port: all function numbers of all device numbers. */
#define MAX_PORTS 256

static int insert_endpoint(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_card *card, struct pr_topology **ret)
{
	const struct pr_template_bar bars[] = {
		{ .index = PR_BAR0,
			.flags = PR_IORES_MEM |
				 (card->kind == PR_CARD_PREF64 ? PR_IORES_PREFETCH | PR_IORES_MEM_64
							       : 0),
			.size = card->size },
		{ .index = IO_BAR, .flags = PR_IORES_IO, .size = card->io },
	};
	const struct pr_template_function endpoint = {
		.class_code = CLASS_MEMORY,
		.port = PR_PORT_ENDPOINT,
		.bars = bars,
		.n_bars = card->io > 0 ? 2 : 1,
	};

	return pr_refit_card(t, port, true, &endpoint, 1, ret);
}

static int insert_switch(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_card *card, struct pr_topology **ret)
{
	struct pr_template_function ports[MAX_PORTS] = { 0 };
	struct pr_template_function upstream = {
		.class_code = CLASS_BRIDGE,
		.port = PR_PORT_UPSTREAM,
		.is_bridge = true,
		.below = ports,
	};

	if (card->size - 1 > MAX_PORTS)
		return 1;
	for (upstream.n_below = 0; upstream.n_below + 1 < card->size; upstream.n_below++)
		ports[upstream.n_below] = (struct pr_template_function){
			.device = (uint8_t)(upstream.n_below % 32),
			.function = (uint8_t)(upstream.n_below / 32),
			.class_code = CLASS_BRIDGE,
			.port = PR_PORT_DOWNSTREAM,
			.is_bridge = true,
		};
	return pr_refit_card(t, port, true, &upstream, 1, ret);
}

int pr_card_insert(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_card *card, struct pr_topology **ret)
{
	return card->kind == PR_CARD_SWITCH ? insert_switch(t, port, card, ret)
					    : insert_endpoint(t, port, card, ret);
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

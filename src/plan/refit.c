/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines changed by hand: cards put into slots and pulled out of them,
 * another kernel.  The builder and the decoder of real machines make the rest.
 */
#include "plan/refit.h"

#include <errno.h>

/* What is left out, and what is put in. */
struct refit {
	const struct pr_topology *t;
	struct pr_builder *b;
	const struct pr_function *without; /* first of the functions that are left out */
	bool slot;                         /* all of their bus, not their device number alone */
	const struct pr_root *alone;       /* functions of this host bridge only; NULL: all */
	uint32_t domain;
	bool used[256]; /* bus numbers of @domain that name a function, or a bus of the machine */
};

/* ---- what stays ---- */

/* Whether the top of the branch that @f is on goes; virtual functions go with their physical one. */
static bool is_left_out(const struct refit *x, const struct pr_function *f)
{
	const struct pr_function *w = x->without;

	for (; w && f; f = f->parent)
		if (f->parent == w->parent && f->root == w->root &&
			(x->slot || f->address.device == w->address.device))
			return true;
	return false;
}

static int keep_roots(struct refit *x)
{
	int r = 0;

	for (size_t i = 0; i < x->t->n_roots && r == 0; i++)
		if (!x->alone || x->t->roots[i]->facts.domain == x->domain)
			r = pr_builder_add_root(x->b, &x->t->roots[i]->facts);
	return r;
}

static bool goes_with_physical(const struct refit *x, const struct pr_function *f)
{
	const struct pr_function *pf =
		f->facts->is_vf ? pr_topology_find(x->t, &f->facts->physfn) : NULL;

	return pf && is_left_out(x, pf);
}

static int keep_functions(struct refit *x, const struct pr_root *root)
{
	int r = 0;

	for (size_t i = 0; i < root->n_functions && r == 0; i++) {
		const struct pr_function *f = &root->functions[i];

		if (!is_left_out(x, f) && !goes_with_physical(x, f))
			r = pr_builder_add_function(x->b, f->facts);
	}
	return r;
}

static int keep(struct refit *x, const struct pr_machine *machine)
{
	int r;

	x->b = pr_builder_new();
	if (!x->b)
		return -ENOMEM;
	r = pr_builder_set_machine(x->b, machine);
	if (r == 0)
		r = keep_roots(x);
	for (size_t i = 0; i < x->t->n_roots && r == 0; i++)
		if (!x->alone || x->t->roots[i] == x->alone)
			r = keep_functions(x, x->t->roots[i]);
	return r;
}

/* ---- what comes ---- */

static void note_used(struct refit *x)
{
	pr_for_each_root (x->t, i) {
		const struct pr_root *root = x->t->roots[i];

		if (root->facts.domain != x->domain)
			continue;
		x->used[root->facts.bus] = true;
		for (size_t j = 0; j < root->n_functions; j++)
			x->used[root->functions[j].address.bus] = true;
	}
}

/* A bus number that no function is on: it only makes addresses unique. */
static bool find_unused(struct refit *x, uint8_t *ret)
{
	for (unsigned int bus = 255; bus > 0; bus--) {
		if (x->used[bus])
			continue;
		x->used[bus] = true;
		*ret = (uint8_t)bus;
		return true;
	}
	return false;
}

static bool has_sibling(const struct pr_template_function *list, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (i != at && list[i].device == list[at].device)
			return true;
	return false;
}

/* The first bytes of a function whose vendor and device are not known. */
static const uint8_t *holes_of(const struct pr_template_function *f)
{
	static const uint8_t holes[PR_TEMPLATE_CONFIG] = { 1, 1, 1, 1 };

	return f->vendor == 0 && f->device_id == 0 ? holes : NULL;
}

static int add_function(struct refit *x, const struct pr_template_function *f, bool multifunction,
	const struct pr_address *at, const struct pr_address *parent)
{
	uint8_t config[PR_TEMPLATE_CONFIG];
	struct pr_bar_mask masks[PR_TEMPLATE_BARS];
	struct pr_facts facts = {
		.address = *at,
		.config = config,
		.config_length = sizeof(config),
		.config_holes = holes_of(f),
		.masks = masks,
		.is_newcomer = true,
		.has_parent = true,
		.parent = *parent,
		.numa_node = -1,
		.iommu_group = -1,
		.sriov_numvfs = -1,
		.enabled = -1,
	};

	pr_template_encode(f, multifunction, config, masks, &facts.n_masks);
	return pr_builder_add_function(x->b, &facts);
}

/* @list on bus @bus below @parent, and what is behind them; as deep as PR_TEMPLATE_DEPTH. */
static int add_functions(struct refit *x, const struct pr_template_function *list, size_t n,
	const struct pr_address *parent, uint8_t bus)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct pr_address at = { .domain = x->domain,
			.bus = bus,
			.device = list[i].device,
			.function = list[i].function };
		uint8_t inner;

		r = add_function(x, &list[i], has_sibling(list, n, i), &at, parent);
		if (r != 0 || list[i].n_below == 0)
			continue;
		if (!find_unused(x, &inner))
			return 1;
		r = add_functions(x, list[i].below, list[i].n_below, &at, inner);
	}
	return r;
}

static int add_card(struct refit *x, const struct pr_function *port,
	const struct pr_template_function *list, size_t n)
{
	uint8_t bus = port->bridge->secondary;

	note_used(x);
	if (!port->facts->is_newcomer && !port->no_bus)
		x->used[bus] = true;
	else if (!find_unused(x, &bus))
		return 1;
	return add_functions(x, list, n, &port->address, bus);
}

/* ---- all of it ---- */

static int finish(struct refit *x, int r, struct pr_topology **ret)
{
	struct pr_build_error error;

	if (r != 0) {
		pr_builder_free(x->b);
		return r;
	}
	return pr_builder_finish(x->b, ret, &error);
}

int pr_refit_card(const struct pr_topology *t, const struct pr_function *port, bool alone,
	const struct pr_template_function *functions, size_t n, struct pr_topology **ret)
{
	struct refit x = {
		.t = t,
		.domain = port->address.domain,
		.without = port->first_child,
		.slot = true,
		.alone = alone ? port->root : NULL,
	};
	int r = keep(&x, &t->machine);

	if (r == 0)
		r = add_card(&x, port, functions, n);
	return finish(&x, r, ret);
}

int pr_refit_insert(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_template *template, struct pr_topology **ret)
{
	return pr_refit_card(t, port, false, template->functions, template->n_functions, ret);
}

/* A slot of PCI Express holds one card, whatever its functions are numbered. */
static bool is_slot(const struct pr_function *port)
{
	enum pr_port_type type = port ? port->caps->pcie.port : PR_PORT_NONE;

	return type == PR_PORT_ROOT || type == PR_PORT_DOWNSTREAM;
}

int pr_refit_remove(
	const struct pr_topology *t, const struct pr_function *f, struct pr_topology **ret)
{
	struct refit x = { .t = t, .without = f, .slot = is_slot(f->parent) };

	return finish(&x, keep(&x, &t->machine), ret);
}

int pr_refit_kernel(const struct pr_topology *t, const char *release, const char *cmdline,
	struct pr_topology **ret)
{
	struct refit x = { .t = t };
	struct pr_machine machine = t->machine;

	if (release)
		machine.release = release;
	if (cmdline) {
		machine.cmdline = cmdline;
		machine.alignments = NULL; /* what was written after that boot is gone */
	}
	return finish(&x, keep(&x, &machine), ret);
}

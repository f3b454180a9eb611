/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a card in a machine to a template: what it asks for, and nothing of
 * where it is.  Says what is missing rather than guessing.
 */
#include "pciroom/template.h"

#include <errno.h>
#include <stdio.h>

struct capture {
	struct pr_arena *arena;
	size_t n, depth;
	char *why;
	size_t why_size;
};

static int fail(struct capture *x, const struct pr_function *f, const char *what)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	(void)snprintf(x->why, x->why_size, "%s: %s", address, what); /* cut is fine */
	return 1;
}

/* A slot of PCI Express holds one card; elsewhere a card has one device number. */
static bool is_of_card(const struct pr_function *f, const struct pr_function *first)
{
	enum pr_port_type above = first->parent ? first->parent->caps->pcie.port : PR_PORT_NONE;

	if (f->facts->is_vf)
		return false;
	return f->address.device == first->address.device || above == PR_PORT_ROOT ||
	       above == PR_PORT_DOWNSTREAM;
}

static uint64_t sizes_of(const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_rebar_entry *rebar = pr_function_rebar(f, r);

	return rebar ? rebar->sizes : 0;
}

static uint32_t flags_of(const struct pr_resource *r)
{
	return r->flags & (PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64);
}

/* A ROM of unknown size is not missed. */
static int capture_bars(
	struct capture *x, const struct pr_function *f, struct pr_template_function *ret)
{
	struct pr_template_bar *bars =
		pr_new_array(x->arena, PR_TEMPLATE_BARS, struct pr_template_bar);

	if (!bars)
		return -ENOMEM;
	ret->bars = bars;
	for (unsigned int i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];
		uint64_t size = r->index >= PR_VF_BAR0 ? r->align : r->size;

		if (pr_resource_is_window(r) || (r->index == PR_ROM && size == PR_SIZE_UNKNOWN))
			continue;
		if (size == PR_SIZE_UNKNOWN || size == 0)
			return fail(x, f, "the size of one of its BARs is not known");
		bars[ret->n_bars++] = (struct pr_template_bar){ .index = r->index,
			.flags = flags_of(r),
			.size = size,
			.sizes = sizes_of(f, r) };
	}
	return 0;
}

/* What stands in a slot of PCI Express without saying so in the bytes known is an endpoint. */
static enum pr_port_type port_of(const struct pr_function *f)
{
	const struct pr_pcie *pcie = &f->caps->pcie;

	if (pcie->present == PR_YES)
		return pcie->port;
	if (pcie->present == PR_UNKNOWN && !f->bridge && f->parent &&
		f->parent->caps->pcie.present == PR_YES)
		return PR_PORT_ENDPOINT;
	return PR_PORT_NONE;
}

static int capture_list(struct capture *x, const struct pr_function *first, bool card,
	const struct pr_template_function **ret, size_t *ret_n);

static int capture_function(
	struct capture *x, const struct pr_function *f, struct pr_template_function *ret)
{
	const struct pr_sriov *sriov = &f->caps->sriov;

	if (!f->header.has_class)
		return fail(x, f, "its class is not known");
	*ret = (struct pr_template_function){
		.device = f->address.device,
		.function = f->address.function,
		.vendor = f->header.vendor,
		.device_id = f->header.device,
		.class_code = f->header.class_code,
		.port = port_of(f),
		.is_bridge = f->bridge != NULL,
		.hotplug = f->bridge && f->bridge->hotplug,
		.slot = f->caps->pcie.slot_number,
	};
	if (sriov->present == PR_YES) {
		ret->total_vfs = sriov->total_vfs;
		ret->first_offset = sriov->first_offset;
		ret->stride = sriov->stride;
	}
	return capture_bars(x, f, ret);
}

static int capture_below(
	struct capture *x, const struct pr_function *f, struct pr_template_function *ret)
{
	int r = 0;

	if (!f->first_child)
		return 0;
	if (++x->depth >= PR_TEMPLATE_DEPTH)
		return fail(x, f, "what is below it is too deep for a template");
	r = capture_list(x, f->first_child, false, &ret->below, &ret->n_below);
	x->depth--;
	return r;
}

/* @card: only the card that @first is a function of. */
static int capture_list(struct capture *x, const struct pr_function *first, bool card,
	const struct pr_template_function **ret, size_t *ret_n)
{
	struct pr_template_function *list;
	size_t n = 0;
	int r = 0;

	for (const struct pr_function *f = first; f; f = f->next)
		n++;
	x->n += n;
	if (x->n > PR_TEMPLATE_FUNCTIONS)
		return fail(x, first, "there are too many functions for a template");
	list = pr_new_array(x->arena, n, struct pr_template_function);
	if (!list)
		return -ENOMEM;

	n = 0;
	for (const struct pr_function *f = first; f && r == 0; f = f->next) {
		if (f->facts->is_vf || f->removed || (card && !is_of_card(f, first)))
			continue;
		r = capture_function(x, f, &list[n]);
		if (r == 0)
			r = capture_below(x, f, &list[n++]);
	}
	*ret = list;
	*ret_n = n;
	return r;
}

static const struct pr_function *first_of_card(const struct pr_function *f)
{
	const struct pr_function *first = f->parent ? f->parent->first_child : f->root->first_child;

	while (first != f && !is_of_card(first, f))
		first = first->next;
	return first;
}

int pr_template_capture(const struct pr_function *f, const char *name, const char *text,
	struct pr_template **ret, char *why, size_t size)
{
	struct capture x = { .arena = pr_arena_new(), .why = why, .why_size = size };
	struct pr_template *t = x.arena ? pr_new(x.arena, struct pr_template) : NULL;
	int r = -ENOMEM;

	if (t) {
		t->arena = x.arena;
		t->name = pr_arena_strdup(x.arena, name);
		t->text = pr_arena_strdup(x.arena, text);
		r = capture_list(&x, first_of_card(f), true, &t->functions, &t->n_functions);
	}
	if (r == 0 && (!t->name || !t->text))
		r = -ENOMEM;
	if (r != 0) {
		pr_arena_free(x.arena);
		return r;
	}
	*ret = t;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions come and go as the driver of their physical one is asked
 * to (sriov_numvfs).  They are known by their number: where the first one is
 * and how far apart they are, the physical function says.  Source:
 * sriov_enable() and pci_iov_add_virtfn() (drivers/pci/iov.c).
 */
#include "kernel/model.h"

#include <errno.h>

/* Routing id: bus, device and function in one number. */
static unsigned int routing_id(const struct pr_address *a)
{
	return (unsigned int)a->bus << 8 | (unsigned int)a->device << 3 | a->function;
}

static bool is_vf_of(const struct pr_function *f, const struct pr_function *pf)
{
	return f->facts->is_vf && pr_address_compare(&f->facts->physfn, &pf->facts->address) == 0;
}

/* Its number, from where it was when the machine was looked at. */
static unsigned int number_of(const struct pr_function *vf, const struct pr_function *pf)
{
	const struct pr_sriov *s = &pf->caps->sriov;
	unsigned int distance =
		routing_id(&vf->facts->address) - routing_id(&pf->facts->address) - s->first_offset;

	return s->stride ? distance / s->stride : 0;
}

/* "not enough MMIO resources for SR-IOV" */
static bool has_room(const struct pr_function *pf)
{
	for (unsigned int i = 0; i < pf->n_resources; i++)
		if (pr_is_vf_bar(pf->resources[i].index) &&
			pf->resources[i].state != PR_RES_ASSIGNED)
			return false;
	return true;
}

static unsigned int last_bus(const struct pr_function *pf)
{
	return pf->parent ? pf->parent->bridge->subordinate : pf->root->last_bus;
}

/* "can't enable %d VFs (bus %02x out of range of %pR)" */
static bool has_buses(const struct pr_function *pf, unsigned int n)
{
	const struct pr_sriov *s = &pf->caps->sriov;

	return (routing_id(&pf->address) + s->first_offset + s->stride * (n - 1)) >> 8 <=
	       last_bus(pf);
}

/* Each BAR is a slice of what the physical function has for all of them. */
static void place_bars(struct pr_function *vf, const struct pr_function *pf, unsigned int number,
	unsigned int total)
{
	for (unsigned int i = 0; i < vf->n_resources; i++) {
		struct pr_resource *r = &vf->resources[i];
		const struct pr_resource *all =
			pr_function_resource(pf, (unsigned int)PR_VF_BAR0 + r->index);
		uint64_t one = all ? pr_range_size(&all->range) / total : 0;

		if (r->index >= PR_ROM || one == 0 ||
			!pr_range_make(&r->range, all->range.first + number * one, one))
			continue;
		r->state = PR_RES_ASSIGNED;
	}
}

static void unlink_child(struct pr_function **first, struct pr_function *f)
{
	while (*first != f)
		first = &(*first)->next;
	*first = f->next;
	f->next = NULL;
}

/* New devices come last on their bus. */
static void move_to_end(struct pr_function *f)
{
	struct pr_function **first = f->parent ? &f->parent->first_child : &f->root->first_child;
	struct pr_function **last = f->parent ? &f->parent->last_child : &f->root->last_child;

	if (*last == f)
		return;
	unlink_child(first, f);
	(*last)->next = f;
	*last = f;
}

static void appear(struct pr_function *vf, const struct pr_function *pf)
{
	const struct pr_sriov *s = &pf->caps->sriov;
	unsigned int number = number_of(vf, pf);
	unsigned int id = routing_id(&pf->address) + s->first_offset + s->stride * number;

	vf->removed = false;
	vf->predicted = true;
	vf->address.bus = (uint8_t)(id >> 8);
	vf->address.device = (uint8_t)(id >> 3 & 0x1f);
	vf->address.function = (uint8_t)(id & 7);
	place_bars(vf, pf, number, s->total_vfs);
	move_to_end(vf);
}

void k_remove_vfs(struct pr_function *pf)
{
	struct pr_root *root = pf->root;

	for (size_t i = 0; i < root->n_functions; i++)
		if (is_vf_of(&root->functions[i], pf) && !root->functions[i].removed)
			k_mark_removed(&root->functions[i]);
}

/* Those that the topology knows; of others nothing but their room is needed. */
int k_set_vfs(struct k_model *m, struct pr_function *pf, unsigned int n)
{
	const struct pr_sriov *s = &pf->caps->sriov;

	if (pf->removed || pf->facts->is_vf || s->present != PR_YES || n > s->total_vfs)
		return -EINVAL;
	if (n == 0) {
		k_remove_vfs(pf);
		return 0;
	}
	if (s->first_offset == 0 || (n > 1 && s->stride == 0)) {
		k_doubt(m, pf, "where its virtual functions are is not known");
		return m->status;
	}
	if (!has_room(pf) || !has_buses(pf, n))
		return 0; /* refused; the write fails, and nothing comes */
	for (size_t i = 0; i < pf->root->n_functions; i++) {
		struct pr_function *vf = &pf->root->functions[i];

		if (is_vf_of(vf, pf) && vf->removed && number_of(vf, pf) < n)
			appear(vf, pf);
	}
	return 0;
}

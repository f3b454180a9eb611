/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host bridges of a kernel log: what they were given, and what in it is not PCI's to use. */
#include <errno.h>

#include "import/dmesg.h"

struct ranges {
	struct pr_range *at;
	size_t n;
};

static bool is_given_back(const struct pr_dmesg *log, const struct pr_dmesg_entry *reserved)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->entries[i].kind == PR_DMESG_UNRESERVED &&
			pr_range_contains(&log->entries[i].range, &reserved->range))
			return true;
	return false;
}

/* Where the processor sees it, or where it is on the bus. */
static struct pr_range seen(const struct pr_dmesg_entry *e, bool by_processor)
{
	uint64_t more = by_processor ? e->translation : 0;

	return (struct pr_range){ e->range.first + more, e->range.last + more };
}

static struct ranges collect(const struct pr_dmesg_roots *x, const struct pr_dmesg_entry *root,
	enum pr_dmesg_kind kind, uint32_t type)
{
	const struct pr_dmesg *log = x->log;
	struct ranges r = { .at = pr_new_array(x->arena, log->n + 1, struct pr_range) };

	for (size_t i = 0; i < log->n && r.at; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind != kind || !(e->flags & type))
			continue;
		if (kind == PR_DMESG_RESERVED ? !is_given_back(log, e)
					      : e->address.domain == root->address.domain &&
							e->address.bus == root->address.bus)
			r.at[r.n++] = seen(e, x->by_processor);
	}
	return r;
}

/* What is reserved inside of the apertures @of. */
static void clip(struct ranges *busy, const struct ranges *of)
{
	size_t n = 0;

	for (size_t i = 0; i < busy->n; i++)
		for (size_t k = 0; k < of->n; k++)
			if (pr_range_contains(&of->at[k], &busy->at[i])) {
				busy->at[n++] = busy->at[i];
				break;
			}
	busy->n = pr_ranges_merge(busy->at, n);
}

static int last_bus(const struct pr_dmesg *log, const struct pr_address *a)
{
	for (size_t i = log->n; i-- > 0;) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind == PR_DMESG_ROOT && e->last_bus >= e->address.bus &&
			e->first_bus == e->address.bus && e->last_bus != 0 &&
			e->address.domain == a->domain && e->address.bus == a->bus)
			return e->last_bus;
	}
	return -1;
}

/* False: memory is short. */
static bool root_facts(const struct pr_dmesg_roots *x, const struct pr_dmesg_entry *root,
	struct pr_root_facts *ret)
{
	struct ranges io = collect(x, root, PR_DMESG_APERTURE, PR_IORES_IO);
	struct ranges mem = collect(x, root, PR_DMESG_APERTURE, PR_IORES_MEM);
	struct ranges busy_io = collect(x, root, PR_DMESG_RESERVED, PR_IORES_IO);
	struct ranges busy_mem = collect(x, root, PR_DMESG_RESERVED, PR_IORES_MEM);

	if (!io.at || !mem.at || !busy_io.at || !busy_mem.at)
		return false;
	clip(&busy_io, &io);
	clip(&busy_mem, &mem);
	*ret = (struct pr_root_facts){
		.domain = root->address.domain,
		.bus = root->address.bus,
		.last_bus = last_bus(x->log, &root->address),
		.io = io.at,
		.n_io = io.n,
		.mem = mem.at,
		.n_mem = mem.n,
		.busy_io = busy_io.at,
		.n_busy_io = busy_io.n,
		.busy_mem = busy_mem.at,
		.n_busy_mem = busy_mem.n,
		.io_known = io.n + mem.n > 0,
		.mem_known = io.n + mem.n > 0,
	};
	return true;
}

int pr_dmesg_each_root(const struct pr_dmesg_roots *x, struct pr_builder *b,
	int (*add)(struct pr_builder *b, const struct pr_root_facts *facts))
{
	const struct pr_dmesg *log = x->log;
	struct pr_address done = { .domain = UINT32_MAX };
	struct pr_root_facts facts;
	int r = 0;

	for (size_t i = 0; i < log->n && r == 0; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind != PR_DMESG_ROOT || pr_address_compare(&e->address, &done) == 0)
			continue;
		done = e->address;
		r = root_facts(x, e, &facts) ? add(b, &facts) : -ENOMEM;
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice where the host bridge has too little: what firmware, or QEMU, would
 * have to give it.  Each size is tried by booting the machine with it on the
 * model; the smallest that does is told.  How such settings are called differs
 * by maker, so their kind is told.
 */
#include "plan/advice.h"

#include <errno.h>
#include <stdio.h>

#define GIB      UINT64_C(0x40000000)
#define FOUR_GIB (4 * GIB)

#define SIZE_LARGEST (UINT64_C(1) << 46) /* what processors of today can address */
#define HIGH_BASE    (UINT64_C(1) << 40) /* where firmware would put it: above all memory */
#define LOW_LOWEST   GIB                 /* memory that programs of 32 bits get along with */

/* PCI ids of QEMU's host bridges, and the subsystem of all that QEMU makes */
#define VENDOR_INTEL  0x8086
#define DEVICE_Q35    0x29c0
#define DEVICE_I440FX 0x1237
#define VENDOR_QEMU   0x1af4

/* One aperture that would be larger; @nth is n_mem for one that is not there yet. */
struct growth {
	const struct pr_root *root;
	size_t nth;
	bool high;
	struct pr_range range;
};

static struct pr_range *find_range(const struct pr_root_facts *f, bool high, size_t *ret)
{
	size_t best = f->n_mem;

	for (size_t i = 0; i < f->n_mem; i++)
		if ((f->mem[i].first >= FOUR_GIB) == high &&
			(best == f->n_mem ||
				pr_range_size(&f->mem[i]) > pr_range_size(&f->mem[best])))
			best = i;
	*ret = best;
	return best < f->n_mem ? (struct pr_range *)&f->mem[best] : NULL;
}

/* ---- a machine with it ---- */

static int copy_with(const struct pr_adviser *a, const struct growth *g, struct pr_topology **ret)
{
	size_t position = pr_root_position(a->plan->topology, g->root), n = g->root->facts.n_mem;
	struct pr_root_facts *facts;
	struct pr_topology *t;
	struct pr_range *mem;
	int r;

	r = pr_topology_copy(a->plan->topology, NULL, &t);
	if (r < 0)
		return r;
	facts = &t->roots[position]->facts;
	mem = pr_new_array(t->arena, n + 1, struct pr_range);
	if (!mem) {
		pr_topology_free(t);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		mem[i] = facts->mem[i];
	mem[g->nth] = g->range;
	facts->mem = mem;
	facts->n_mem = g->nth == n ? n + 1 : n;
	*ret = t;
	return 0;
}

static int try_growth(
	struct pr_adviser *a, const struct growth *g, struct pr_boot_options *ret, bool *ret_good)
{
	struct pr_topology *t, *after = NULL;
	int r;

	*ret_good = false;
	r = copy_with(a, g, &t);
	if (r < 0)
		return r;
	a->topology = t;
	r = pr_advise_present(a, ret, &after);
	*ret_good = after != NULL;
	pr_topology_free(after);
	a->topology = a->plan->topology;
	pr_topology_free(t);
	return r;
}

/* ---- sizes ---- */

/* The next larger one; false: there is none that makes sense. */
static bool grow(struct growth *g)
{
	uint64_t size = pr_range_size(&g->range);

	if (g->high)
		return size <= SIZE_LARGEST / 2 &&
		       pr_range_make(&g->range, g->range.first, 2 * size);
	if (g->range.first <= LOW_LOWEST)
		return false;
	g->range.first = g->range.first > FOUR_GIB / 2 ? FOUR_GIB / 2 : g->range.first - GIB / 2;
	return true;
}

static bool begin(const struct pr_root *root, bool high, struct growth *ret)
{
	const struct pr_range *now;

	*ret = (struct growth){ .root = root, .high = high };
	now = find_range(&root->facts, high, &ret->nth);
	if (now)
		ret->range = *now;
	else
		ret->range = (struct pr_range){ HIGH_BASE, HIGH_BASE + GIB / 2 - 1 };
	return now || high;
}

/* ---- words ---- */

/* "64G", "1536M" */
#define SHORT_MAX 24
static const char *short_size(uint64_t size, char ret[SHORT_MAX])
{
	bool gib = size % GIB == 0;

	(void)snprintf(ret, SHORT_MAX, "%llu%c",
		(unsigned long long)(size / (gib ? GIB : GIB / 1024)), gib ? 'G' : 'M');
	return ret;
}

/* The machine whose 64-bit hole QEMU sets; NULL: not QEMU's. */
static const char *qemu_host(const struct pr_topology *t, const struct pr_root *root)
{
	const struct pr_function *f = root->first_child;

	if (!t->machine.is_guest || !f || f->address.device != 0 ||
		f->header.vendor != VENDOR_INTEL || f->header.subvendor != VENDOR_QEMU)
		return NULL;
	return f->header.device == DEVICE_Q35      ? "q35-pcihost"
	       : f->header.device == DEVICE_I440FX ? "i440FX-pcihost"
						   : NULL;
}

static const char *and_options(const struct pr_adviser *a, const struct pr_boot_options *o)
{
	if (!*o->text)
		return "";
	return pr_arena_printf(a->plan->arena,
		"; should firmware give the card nothing by itself, pci=%s makes the kernel do it",
		o->text);
}

/* Bits of the highest address: QEMU's processors have 40 unless they are told otherwise. */
#define QEMU_BITS 40
static unsigned int address_bits(const struct growth *g)
{
	return 64 - (unsigned int)__builtin_clzll(g->range.last);
}

static const char *and_bits(const struct pr_adviser *a, const struct growth *g)
{
	if (address_bits(g) <= QEMU_BITS)
		return "";
	return pr_arena_printf(
		a->plan->arena, " and a processor of phys-bits=%u or more", address_bits(g));
}

static int tell_qemu(struct pr_adviser *a, const struct growth *g, const char *host,
	const char *options, struct pr_advice *ret)
{
	struct pr_arena *arena = a->plan->arena;
	uint64_t size = pr_range_size(&g->range);
	const char *bits = and_bits(a, g);
	char bytes[SHORT_MAX];

	ret->kind = PR_ADVICE_HYPERVISOR;
	ret->setting = pr_arena_printf(
		arena, "-global %s.pci-hole64-size=%s", host, short_size(size, bytes));
	if (!ret->setting || !bits)
		return -ENOMEM;
	ret->text = pr_arena_printf(arena,
		"start QEMU with %s%s (libvirt: <pcihole64 unit='GiB'>%llu</pcihole64> in its controller "
		"pcie-root or pci-root), and the card in its slot%s",
		ret->setting, bits, (unsigned long long)(size / GIB), options);
	return ret->text ? 0 : -ENOMEM;
}

static int tell_firmware(
	struct pr_adviser *a, const struct growth *g, const char *options, struct pr_advice *ret)
{
	const struct pr_root *root = g->root;
	const bool new = g->nth == root->facts.n_mem;
	const char *name = !g->high ? "mmio-low" : new ? "above-4g" : "mmio-high";
	const char *called = !g->high ? "MMIO Low Size, TOLUD, PCI hole"
			     : new    ? "Above 4G Decoding"
				      : "MMIO High Size";
	struct pr_arena *arena = a->plan->arena;
	char bytes[SHORT_MAX];

	ret->kind = PR_ADVICE_FIRMWARE;
	ret->setting =
		pr_arena_printf(arena, "%s=%s", name, short_size(pr_range_size(&g->range), bytes));
	ret->text = pr_arena_printf(arena,
		"let firmware give host bridge %04x:%02x at least %s of addresses %s 4 GiB (a setting "
		"that is often called %s), and boot with the card in its slot%s",
		(unsigned int)root->facts.domain, (unsigned int)root->facts.bus, bytes,
		g->high ? "above" : "below", called, options);
	return ret->setting && ret->text ? 0 : -ENOMEM;
}

static int tell(struct pr_adviser *a, const struct growth *g, const struct pr_boot_options *o)
{
	const char *host = qemu_host(a->plan->topology, g->root);
	const char *options = and_options(a, o);
	struct pr_advice advice = { 0 };
	int r;

	if (!options)
		return -ENOMEM;
	r = host ? tell_qemu(a, g, host, options, &advice) : tell_firmware(a, g, options, &advice);
	if (r == 0)
		a->advice[a->plan->n_advice++] = advice;
	return r;
}

/* ---- all of it ---- */

/*
 * QEMU sets nothing below 4 GiB, and of other hypervisors nobody knows what they could.  Elsewhere
 * than on x86 apertures are in a device tree, or in silicon.
 */
static bool can_be_set(const struct pr_adviser *a, const struct pr_root *root, bool high)
{
	const struct pr_topology *t = a->plan->topology;

	return a->now.reads_windows && (!t->machine.is_guest || (high && qemu_host(t, root)));
}

static int advise_range(struct pr_adviser *a, const struct pr_root *root, bool high)
{
	struct pr_boot_options o;
	struct growth g;
	bool good = false;
	int r = 0;

	if (!can_be_set(a, root, high) || !begin(root, high, &g))
		return 0;
	while (r == 0 && !good && grow(&g))
		r = try_growth(a, &g, &o, &good);
	return r == 0 && good ? tell(a, &g, &o) : r;
}

/* Of one host bridge; where several have too little, nobody is told half of it. */
int pr_advise_apertures(struct pr_adviser *a)
{
	const struct pr_plan *p = a->plan;
	const struct pr_root *root = p->targets[0]->root;
	int r;

	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i]->root != root)
			return 0;
	if (!root->facts.mem_known)
		return 0;
	a->tier = a->least;
	r = advise_range(a, root, true);
	return r == 0 && p->n_advice == 0 ? advise_range(a, root, false) : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine under a root directory to a topology: asks each source in turn
 * and hands the facts to the builder.  Decodes only what decides whether a
 * BAR has to be measured; everything else is core's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/kernel-log.h"
#include "base/macros.h"
#include "base/processes.h"
#include "base/text.h"
#include "import/companions.h"
#include "import/locked.h"
#include "import/machine.h"
#include "import/order.h"
#include "import/users.h"
#include "pciroom/dmesg.h"

#define LIST_MAX       ((size_t)64 << 20) /* bytes of iomem or ioports */
#define CONFIG_MAX     4096
#define MASKS_MAX      8   /* six BARs, the ROM, and one to see too many */
#define COMMAND_IO_MEM 0x3 /* I/O and memory space enable (PCI 3.0 6.2.2) */

struct importer {
	const struct pr_live_options *options;
	const char *root;
	struct pr_sysfs sysfs;
	struct pr_builder *builder;
	struct pr_users users;
	struct pr_locked *locked;
	struct pr_order *order;
	struct pr_aperture_root *roots;
	size_t n_roots, max_roots;
	struct pr_import_error *error;
};

static void builder_freep(struct pr_builder **b)
{
	pr_builder_free(*b);
}
static void order_freep(struct pr_order **order)
{
	pr_order_free(*order);
}
static void arena_freep(struct pr_arena **arena)
{
	pr_arena_free(*arena);
}

/* ---- host bridges ---- */

static int add_root(struct importer *im, const struct pr_aperture_root *root)
{
	struct pr_aperture_root *roots;
	size_t max = im->max_roots ? 2 * im->max_roots : 16;

	for (size_t i = im->n_roots; i-- > 0;)
		if (im->roots[i].facts.domain == root->facts.domain &&
			im->roots[i].facts.bus == root->facts.bus)
			return 0;

	if (im->n_roots == im->max_roots) {
		roots = pr_new_array(im->sysfs.arena, max, struct pr_aperture_root);
		if (!roots)
			return pr_import_no_memory(im->error);
		if (im->n_roots > 0)
			memcpy(roots, im->roots, im->n_roots * sizeof(*roots));
		im->roots = roots;
		im->max_roots = max;
	}

	im->roots[im->n_roots++] = *root;
	return 0;
}

/* A copy of the list that somebody gave beside the tree; false when there is none. */
static bool companion_text(
	const struct pr_companions *c, const char *name, char **ret, size_t *ret_size)
{
	bool mem = strcmp(name, "iomem") == 0;
	const char *text = c ? (mem ? c->iomem : c->ioports) : NULL;

	if (!text)
		return false;
	*ret_size = mem ? c->iomem_size : c->ioports_size;
	*ret = malloc(*ret_size + 1);
	if (*ret)
		memcpy(*ret, text, *ret_size);
	return true;
}

/* Zeros instead of addresses, or no text at all, and someone who may see more: ask. */
static int read_list(const struct importer *im, const char *name, char **ret, size_t *ret_size)
{
	const struct pr_prober *prober = im->options->prober;
	const char *path = strcmp(name, "iomem") == 0 ? "proc/iomem" : "proc/ioports";
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	if (companion_text(im->options->companions, name, &text, &size))
		r = text ? 0 : -ENOMEM;
	else
		r = pr_read_file_at(im->sysfs.root, path, LIST_MAX, &text, &size);
	if (prober && prober->file && (r < 0 || pr_resource_text_masked(text, size))) {
		char *more;
		size_t more_size;

		if (prober->file(prober->userdata, name, &more, &more_size) == 0) {
			free(text);
			text = more;
			size = more_size;
		}
	}

	*ret = pr_take(text);
	*ret_size = size;
	return 0;
}

static bool has_earlier(const struct importer *im, const struct pr_root_facts *facts)
{
	for (size_t i = 0; i < im->n_roots; i++)
		if (im->roots[i].facts.domain == facts->domain &&
			im->roots[i].facts.bus < facts->bus)
			return true;
	return false;
}

static int add_roots(struct importer *im, bool guest)
{
	_cleanup_free_ char *mem = NULL, *io = NULL;
	struct pr_resource_text iomem = { .name = "proc/iomem" },
				ioports = { .name = "proc/ioports" };
	int r;

	(void)read_list(im, "iomem", &mem, &iomem.size);
	(void)read_list(im, "ioports", &io, &ioports.size);
	iomem.text = mem;
	ioports.text = io;
	r = pr_apertures_parse(
		&iomem, &ioports, im->roots, im->n_roots, im->sysfs.arena, im->error);
	if (r < 0)
		return r;

	for (size_t i = 0; i < im->n_roots; i++) {
		struct pr_root_facts *facts = &im->roots[i].facts;

		if (guest && has_earlier(im, facts))
			facts->last_bus = -1; /* pr_root.known_bus */
		r = pr_builder_add_root(im->builder, facts);
		if (r < 0)
			return pr_import_fail(im->error, r, "host bridge %04x:%02x: %s",
				facts->domain, facts->bus, strerror(-r));
	}

	return 0;
}

/* ---- functions ---- */

/* Without privilege the kernel shows 64 bytes. */
static int read_more(const struct importer *im, struct pr_facts *facts)
{
	const struct pr_prober *prober = im->options->prober;
	uint8_t config[CONFIG_MAX], *copy;
	size_t n = 0;

	if (!prober || !prober->config || facts->config_length == 0 || facts->config_length > 64)
		return 0;
	if (prober->config(prober->userdata, &facts->address, config, sizeof(config), &n) < 0 ||
		n <= facts->config_length || n > sizeof(config))
		return 0; /* what we have is true, only shorter */

	copy = pr_arena_memdup(im->sysfs.arena, config, n);
	if (!copy)
		return pr_import_no_memory(im->error);
	facts->config = copy;
	facts->config_length = n;
	return 0;
}

static bool line_is_zero(const struct pr_resource_line *line)
{
	return line->start == 0 && line->end == 0 && line->flags == 0;
}

/*
 * A line of zeros: the BAR is absent, or forgotten by the kernel (KERNEL 1.11).
 * Type bits in its register prove the latter; without them only its size tells.
 */
static bool has_blank_bar(const struct pr_facts *facts, const struct pr_config *config,
	unsigned int n_bars, bool proven)
{
	struct pr_bar bar;

	for (unsigned int i = 0; i < n_bars && i < facts->n_lines; i++) {
		bool shown = pr_config_bar(config, i, &bar) && bar.implemented;

		if (line_is_zero(&facts->lines[i]) && (shown || !proven))
			return true;
		if (shown && bar.is_64bit)
			i++; /* the upper half has no line of its own */
	}

	return false;
}

/*
 * Nobody may be at work on the function.  One that decodes (firmware left it
 * on, or somebody enabled it and let go) is disturbed only for a BAR that is
 * certainly missing.
 */
static bool wants_measuring(const struct pr_facts *facts)
{
	struct pr_config config = pr_facts_config(facts);
	struct pr_header header;
	bool decodes;

	if (!facts->has_parent || facts->driver || facts->is_vf || !facts->lines ||
		!pr_config_header(&config, &header))
		return false;

	decodes = (header.command & COMMAND_IO_MEM) != 0;
	if (decodes && facts->enabled > 0)
		return false;
	if (header.type == PR_HEADER_NORMAL)
		return has_blank_bar(facts, &config, 6, decodes);

	return header.type == PR_HEADER_BRIDGE && has_blank_bar(facts, &config, 2, decodes);
}

/* Writing may be forbidden (lockdown): then sizes stay unknown. */
static int measure(const struct importer *im, struct pr_facts *facts)
{
	const struct pr_prober *prober = im->options->prober;
	struct pr_bar_mask masks[MASKS_MAX];
	size_t n = 0;
	int r;

	if (!prober || !prober->measure || !wants_measuring(facts))
		return 0;
	r = prober->measure(prober->userdata, &facts->address, masks, ARRAY_SIZE(masks), &n);
	if (r == -ECONNRESET) /* whoever measures died: that says nothing of the BARs */
		return pr_import_fail(im->error, r, "the helper died while it measured");
	if (r < 0 || n >= ARRAY_SIZE(masks))
		return 0;

	facts->masks = pr_arena_memdup(im->sysfs.arena, masks, n * sizeof(masks[0]));
	if (!facts->masks)
		return pr_import_no_memory(im->error);
	facts->n_masks = n;
	return 0;
}

static int build_function(const struct importer *im, const struct pr_facts *facts)
{
	char address[PR_ADDRESS_MAX];
	int r;

	r = pr_builder_add_function(im->builder, facts);
	if (r < 0) {
		pr_address_format(&facts->address, address);
		return pr_import_fail(im->error, r, "function %s: %s", address, strerror(-r));
	}

	return 0;
}

static int add_function(struct importer *im, const struct pr_pci_function *function)
{
	struct pr_facts facts = {
		.address = function->address,
		.config = function->config,
		.config_length = function->length,
		.order = pr_order_place(im->order, &function->address),
	};
	struct pr_aperture_root root;
	int r, silent;

	silent = pr_locked_next(im->locked, &facts);
	if (silent < 0)
		return pr_import_fail(
			im->error, silent, "nobody could read attributes: %s", strerror(-silent));
	r = pr_sysfs_function(&im->sysfs, &facts, &root);
	if (r != 0)
		return r < 0 ? r : 0; /* gone while we looked: not there */

	r = add_root(im, &root);
	if (r < 0)
		return r;

	r = read_more(im, &facts);
	if (r < 0)
		return r;

	r = measure(im, &facts);
	if (r < 0)
		return r;

	r = im->options->users ? pr_users_assign(&im->sysfs, &im->users, &facts) : 0;
	if (r == 0 && (silent || pr_locked_leaving(&im->sysfs, &facts)))
		r = pr_locked_tell(&im->sysfs, &facts);
	if (r < 0)
		return r;

	return build_function(im, &facts);
}

static unsigned int patience_of(const struct pr_live_options *o)
{
	if (o->copied)
		return 0;
	return o->patience_ms ? o->patience_ms : PR_PATIENCE_MS;
}

static int add_functions(struct importer *im)
{
	struct pr_pci_function *functions;
	size_t n;
	int r;

	r = pr_pci_scan(im->root, im->sysfs.arena, &functions, &n, im->error);
	if (r < 0)
		return r;

	r = pr_locked_new(&im->sysfs, functions, n, patience_of(im->options), &im->locked);
	if (r < 0)
		return pr_import_no_memory(im->error);

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_function(im, &functions[i]);

	pr_locked_free(im->locked);
	return r;
}

/* ---- users ---- */

/* Whoever may see more is asked; NULL: it could not be listed. */
static char *read_processes(const struct importer *im)
{
	_cleanup_(pr_text_deinit) struct pr_text text = { 0 };
	const struct pr_prober *prober = im->options->prober;
	char *list;
	size_t size;

	if (prober && prober->processes && prober->processes(prober->userdata, &list, &size) == 0)
		return list;
	if (pr_processes_list(im->sysfs.root, strcmp(im->root, "/") == 0, &text) < 0 ||
		pr_text_take(&text, &list, NULL) < 0)
		return NULL;
	return list;
}

static int find_users(struct importer *im)
{
	_cleanup_free_ char *processes = read_processes(im);
	struct pr_net_tables net;
	struct pr_users_source source = {
		.sysfs = &im->sysfs,
		.root = im->root,
		.state = im->options->state,
		.processes = processes,
	};

	/* without tables, an interface that is up is a user by itself */
	if (strcmp(im->root, "/") == 0 && pr_net_read(im->sysfs.arena, &net) == 0)
		source.net = &net;
	return pr_users_find(&source, &im->users);
}

/* ---- the kernel's log ---- */

/* Of the machine that this program runs on; whoever may see more is asked; NULL: nobody may. */
static char *read_log(const struct importer *im, size_t *ret_size)
{
	const struct pr_prober *prober = im->options->prober;
	bool own = strcmp(im->root, "/") == 0;
	char *text;

	if (own && pr_kernel_log_read(&text, ret_size) == 0)
		return text;
	if (prober && prober->log && prober->log(prober->userdata, &text, ret_size) == 0)
		return text;
	return NULL;
}

/*
 * Sizes that nothing else tells: of BARs that failed and cannot be measured, because a driver is
 * bound; and, since 6.18, of I/O windows that found no room.
 */
static int add_log(struct importer *im)
{
	_cleanup_free_ char *text = NULL;
	struct pr_dmesg *log;
	size_t size = 0;
	int r;

	if (im->options->companions && im->options->companions->dmesg)
		return pr_companions_supplement(im->options->companions, im->builder, im->error);
	text = read_log(im, &size);
	if (!text)
		return 0;
	r = pr_dmesg_read(text, size, &log, im->error);
	if (r < 0)
		return r;
	r = pr_dmesg_supplement_functions(log, im->builder);
	pr_dmesg_free(log);
	return r < 0 ? pr_import_no_memory(im->error) : 0;
}

/* ---- all of it ---- */

/* What there is before the functions: host bridges without any, slots, users. */
static int prepare(struct importer *im)
{
	struct pr_aperture_root *roots;
	size_t n;
	int r;

	r = pr_sysfs_slots(&im->sysfs);
	if (r < 0)
		return r;

	r = im->options->users ? find_users(im) : 0;
	if (r < 0)
		return r;

	r = pr_sysfs_roots(&im->sysfs, &roots, &n);
	if (r < 0)
		return r;

	for (size_t i = 0; i < n; i++) {
		r = add_root(im, &roots[i]);
		if (r < 0)
			return r;
	}

	return 0;
}

static int collect(struct importer *im)
{
	struct pr_machine machine;
	int r;

	r = prepare(im);
	if (r < 0)
		return r;

	r = add_functions(im);
	if (r < 0)
		return r;

	pr_machine_read(&im->sysfs, im->root, &machine);
	r = add_roots(im, machine.is_guest);
	if (r < 0)
		return r;

	machine.unseen = im->users.unseen;
	if (pr_builder_set_machine(im->builder, &machine) < 0)
		return pr_import_no_memory(im->error);

	return add_log(im);
}

static int finish(struct importer *im, struct pr_topology **ret)
{
	struct pr_build_error why = { .text = "" };
	int r;

	r = pr_builder_finish(pr_take(im->builder), ret, &why);
	if (r > 0)
		return pr_import_contradiction(im->error, &why);
	if (r < 0)
		return pr_import_fail(im->error, r, "building the topology: %s", strerror(-r));

	return 0;
}

int pr_import_live(const struct pr_live_options *options, struct pr_topology **ret,
	struct pr_import_error *error)
{
	_cleanup_(builder_freep) struct pr_builder *builder = pr_builder_new();
	_cleanup_(arena_freep) struct pr_arena *arena = pr_arena_new();
	_cleanup_(order_freep) struct pr_order *order = NULL;
	_cleanup_close_ int fd = -1;
	struct importer im = {
		.options = options,
		.root = options->root,
		.builder = builder,
		.error = error,
	};
	int r;

	if (!builder || !arena)
		return pr_import_no_memory(error);
	fd = open(options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return pr_import_fail(error, -errno, "%s: %s", options->root, strerror(errno));
	if (faccessat(fd, "sys/bus/pci/devices", R_OK | X_OK, 0) < 0)
		return pr_import_fail(error, -errno,
			"%s: no PCI devices can be seen here: sys/bus/pci/devices: %s",
			options->root, strerror(errno));
	im.sysfs = (struct pr_sysfs){ .root = fd, .arena = arena, .error = error };

	r = pr_order_read(&im.sysfs, &order);
	if (r < 0)
		return r;
	im.order = order;
	r = collect(&im);
	if (r < 0)
		return r;

	builder = NULL; /* finish() consumes it */
	return finish(&im, ret);
}

bool pr_live_present(const char *root, const struct pr_address *a)
{
	char address[PR_ADDRESS_MAX], path[PATH_MAX];
	int n;

	pr_address_format(a, address);
	n = snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s", root, address);
	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

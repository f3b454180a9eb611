/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Topology to snapshot.  The text holds facts, as they were read, and nothing
 * that core derives from them.  One fact a line, in a fixed order, so that two
 * recordings of a machine can be compared with diff.  A fact that is not
 * known has no key.  The last line, "...", shows that nothing was cut off.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/macros.h"
#include "base/text.h"
#include "import/snapshot.h"
#include "import/yaml-quote.h"

#define CONFIG_LINE 32 /* bytes */

struct writer {
	struct pr_text text;
	bool not_utf8;
};

static void write_quoted(struct writer *w, const char *s)
{
	if (!pr_yaml_quote(&w->text, s))
		w->not_utf8 = true;
	pr_text_add(&w->text, "\n");
}

/* "  key: "value"", nothing for NULL. */
static void write_string(struct writer *w, const char *key, const char *value)
{
	if (!value)
		return;
	pr_text_printf(&w->text, "  %s: ", key);
	write_quoted(w, value);
}

static void write_number(struct writer *w, const char *key, int value)
{
	if (value >= 0)
		pr_text_printf(&w->text, "  %s: %d\n", key, value);
}

static void write_address(struct writer *w, const char *key, const struct pr_address *a)
{
	char text[PR_ADDRESS_MAX];

	pr_address_format(a, text);
	pr_text_printf(&w->text, "  %s: %s\n", key, text);
}

static void write_machine(struct writer *w, const struct pr_machine *m)
{
	pr_text_add(&w->text, "machine:\n");
	write_string(w, "release", m->release);
	write_string(w, "cmdline", m->cmdline);
	write_string(w, "resource-alignment", m->alignments);
	write_string(w, "lockdown", m->lockdown);
	write_string(w, "arch", m->arch);
	write_string(w, "vendor", m->vendor);
	write_string(w, "product", m->product);
	pr_text_printf(&w->text, "  guest: %s\n", m->is_guest ? "true" : "false");
	write_string(w, "unseen", m->unseen);
}

/* ---- host bridges ---- */

static void write_ranges(struct writer *w, const char *key, const struct pr_range *ranges, size_t n)
{
	pr_text_printf(&w->text, "  %s:%s\n", key, n == 0 ? " []" : "");
	for (size_t i = 0; i < n; i++)
		pr_text_printf(&w->text, "  - 0x%" PRIx64 "-0x%" PRIx64 "\n", ranges[i].first,
			ranges[i].last);
}

static void write_root(struct writer *w, const struct pr_root_facts *f)
{
	pr_text_printf(&w->text, "- bus: %04" PRIx32 ":%02x\n", f->domain, f->bus);
	if (f->last_bus >= 0)
		pr_text_printf(&w->text, "  last-bus: 0x%02x\n", (unsigned int)f->last_bus);
	if (f->io_known)
		write_ranges(w, "io", f->io, f->n_io);
	if (f->mem_known)
		write_ranges(w, "mem", f->mem, f->n_mem);
	if (f->n_busy_io > 0)
		write_ranges(w, "busy-io", f->busy_io, f->n_busy_io);
	if (f->n_busy_mem > 0)
		write_ranges(w, "busy-mem", f->busy_mem, f->n_busy_mem);
}

/* ---- functions ---- */

static bool is_hole(const struct pr_facts *f, size_t offset)
{
	return f->config_holes && f->config_holes[offset];
}

/* Where the hole, or what is known, that begins at @offset ends. */
static size_t run_end(const struct pr_facts *f, size_t offset)
{
	bool hole = is_hole(f, offset);

	while (offset < f->config_length && is_hole(f, offset) == hole)
		offset++;
	return offset;
}

/* Bytes of zeros from @offset on, in whole lines but for the last. */
static size_t zero_lines(const struct pr_facts *f, size_t offset)
{
	size_t end = offset;

	while (end < f->config_length && f->config[end] == 0 && !is_hole(f, end))
		end++;
	if (end < f->config_length)
		end -= (end - offset) % CONFIG_LINE;

	return end - offset;
}

/*
 * Most of 4096 bytes are zero: several lines of zeros become one, "0*NUMBER".
 * "?*NUMBER" are bytes that are not known.
 */
static void write_config(struct writer *w, const struct pr_facts *f)
{
	char line[2 * CONFIG_LINE + 1];
	size_t n;

	if (f->config_length == 0)
		return;
	pr_text_add(&w->text, "  config: |\n");
	for (size_t i = 0; i < f->config_length; i += n) {
		if (is_hole(f, i)) {
			n = run_end(f, i) - i;
			pr_text_printf(&w->text, "    ?*%zu\n", n);
			continue;
		}
		n = zero_lines(f, i);
		if (n > CONFIG_LINE) {
			pr_text_printf(&w->text, "    0*%zu\n", n);
			continue;
		}
		n = run_end(f, i) - i;
		n = n < CONFIG_LINE ? n : CONFIG_LINE;
		pr_hex_encode(f->config + i, n, line);
		pr_text_printf(&w->text, "    %s\n", line);
	}
}

static void write_lines(struct writer *w, const struct pr_facts *f)
{
	if (!f->lines)
		return;
	pr_text_printf(&w->text, "  resource:%s\n", f->n_lines == 0 ? " []" : "");
	for (size_t i = 0; i < f->n_lines; i++) {
		const struct pr_resource_line *line = &f->lines[i];

		if (line->flags == PR_LINE_UNKNOWN)
			pr_text_add(&w->text, "  - unknown\n");
		else
			pr_text_printf(&w->text, "  - 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 "\n",
				line->start, line->end, line->flags);
	}
}

static void write_masks(struct writer *w, const struct pr_facts *f)
{
	if (!f->masks)
		return;
	pr_text_printf(&w->text, "  masks:%s\n", f->n_masks == 0 ? " []" : "");
	for (size_t i = 0; i < f->n_masks; i++)
		pr_text_printf(&w->text, "  - %u 0x%08" PRIx32 " 0x%08" PRIx32 "\n",
			f->masks[i].index, f->masks[i].low, f->masks[i].high);
}

static void write_users(struct writer *w, const struct pr_facts *f)
{
	if (f->n_users == 0)
		return;
	pr_text_add(&w->text, "  users:\n");
	for (size_t i = 0; i < f->n_users; i++) {
		pr_text_add(&w->text, "  - kind: ");
		write_quoted(w, f->users[i].kind);
		pr_text_add(&w->text, "    what: ");
		write_quoted(w, f->users[i].what);
	}
}

static void write_function(struct writer *w, const struct pr_facts *f)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	pr_text_printf(&w->text, "- address: %s\n", address);
	if (f->has_parent)
		write_address(w, "parent", &f->parent);
	if (f->is_newcomer)
		pr_text_add(&w->text, "  newcomer: true\n");
	if (f->order > 0)
		pr_text_printf(&w->text, "  order: %u\n", f->order);
	if (f->is_vf)
		write_address(w, "physfn", &f->physfn);
	write_config(w, f);
	write_lines(w, f);
	write_masks(w, f);
	write_string(w, "driver", f->driver);
	write_string(w, "driver-override", f->driver_override);
	write_string(w, "slot", f->slot);
	write_string(w, "label", f->label);
	write_string(w, "removable", f->removable);
	write_number(w, "numa-node", f->numa_node);
	write_number(w, "iommu-group", f->iommu_group);
	write_number(w, "sriov-numvfs", f->sriov_numvfs);
	write_number(w, "enabled", f->enabled);
	write_users(w, f);
}

/* ---- all of it ---- */

static void write_topology(struct writer *w, const struct pr_topology *t)
{
	pr_text_add(&w->text, "format: " PR_SNAPSHOT_FORMAT "\n");
	write_machine(w, &t->machine);

	pr_text_printf(&w->text, "host-bridges:%s\n", t->n_roots == 0 ? " []" : "");
	pr_for_each_root (t, i)
		write_root(w, &t->roots[i]->facts);

	pr_text_printf(&w->text, "functions:%s\n", t->n_functions == 0 ? " []" : "");
	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			write_function(w, t->roots[i]->functions[k].facts);

	pr_text_add(&w->text, "...\n");
}

int pr_snapshot_write(const struct pr_topology *t, char **ret, size_t *ret_size)
{
	struct writer w = { .not_utf8 = false };

	write_topology(&w, t);
	if (w.not_utf8) {
		pr_text_deinit(&w.text);
		return -EILSEQ;
	}

	return pr_text_take(&w.text, ret, ret_size);
}

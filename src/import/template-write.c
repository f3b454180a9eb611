/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Template to YAML, as pciroom-template(5) has it: small numbers on one line, trees indented. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import/template-private.h"
#include "import/yaml-quote.h"

static const struct {
	enum pr_port_type port;
	const char *name;
} ports[] = {
	{ PR_PORT_NONE, "none" },
	{ PR_PORT_ENDPOINT, "endpoint" },
	{ PR_PORT_LEGACY_ENDPOINT, "legacy-endpoint" },
	{ PR_PORT_UPSTREAM, "upstream" },
	{ PR_PORT_DOWNSTREAM, "downstream" },
	{ PR_PORT_PCIE_TO_PCI, "pcie-to-pci" },
	{ PR_PORT_PCI_TO_PCIE, "pci-to-pcie" },
};

const char *pr_template_port_name(enum pr_port_type port)
{
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i].port == port)
			return ports[i].name;
	return NULL;
}

bool pr_template_port_parse(const char *name, enum pr_port_type *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		if (strcmp(ports[i].name, name) == 0) {
			*ret = ports[i].port;
			return true;
		}
	}
	return false;
}

/* "16M": exact, with the largest unit that divides it. */
static void write_size(struct pr_text *t, uint64_t size)
{
	static const char units[] = "KMGTPE";
	unsigned int n = 0;

	while (n < sizeof(units) - 1 && size >= 1024 && size % 1024 == 0) {
		size /= 1024;
		n++;
	}
	pr_text_printf(t, "%" PRIu64, size);
	if (n > 0)
		pr_text_printf(t, "%c", units[n - 1]);
}

static void write_sizes(struct pr_text *t, uint64_t sizes)
{
	bool first = true;

	pr_text_add(t, ", sizes: [");
	for (unsigned int n = 0; n < PR_REBAR_SIZES; n++) {
		if (!(sizes >> n & 1))
			continue;
		pr_text_add(t, first ? "" : ", ");
		write_size(t, PR_REBAR_SIZE(n));
		first = false;
	}
	pr_text_add(t, "]");
}

static void write_bar(struct pr_text *t, const struct pr_template_bar *bar, unsigned int depth)
{
	const struct pr_resource like = { .flags = bar->flags };

	pr_text_printf(t, "%*s- {bar: ", 4 * (int)depth, "");
	if (bar->index == PR_ROM)
		pr_text_add(t, "rom");
	else
		pr_text_printf(t, "%u, kind: %s",
			bar->index >= PR_VF_BAR0 ? bar->index - PR_VF_BAR0 : bar->index,
			pr_resource_kind(&like));
	pr_text_add(t, ", size: ");
	write_size(t, bar->size);
	if (bar->sizes)
		write_sizes(t, bar->sizes);
	pr_text_add(t, "}\n");
}

static size_t count_bars(const struct pr_template_function *f, bool vf)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_bars; i++)
		n += (f->bars[i].index >= PR_VF_BAR0) == vf;
	return n;
}

static void write_bars(
	struct pr_text *t, const struct pr_template_function *f, bool vf, unsigned int depth)
{
	for (size_t i = 0; i < f->n_bars; i++)
		if ((f->bars[i].index >= PR_VF_BAR0) == vf)
			write_bar(t, &f->bars[i], depth);
}

static void write_vfs(
	struct pr_text *t, const struct pr_template_function *f, int indent, unsigned int depth)
{
	pr_text_printf(t, "%*svfs:\n", indent, "");
	pr_text_printf(t, "%*s  total: %u\n", indent, "", f->total_vfs);
	pr_text_printf(t, "%*s  offset: %u\n", indent, "", f->first_offset);
	pr_text_printf(t, "%*s  stride: %u\n", indent, "", f->stride);
	pr_text_printf(t, "%*s  bars:%s\n", indent, "", count_bars(f, true) == 0 ? " []" : "");
	write_bars(t, f, true, depth + 1);
}

/* The tree is at most PR_TEMPLATE_DEPTH deep. */
static void write_function(
	struct pr_text *t, const struct pr_template_function *f, unsigned int depth)
{
	int indent = 4 * (int)depth + 2;

	pr_text_printf(t, "%*s- place: \"%02x.%x\"\n", indent - 2, "", f->device, f->function);
	if (f->vendor != 0 || f->device_id != 0)
		pr_text_printf(t, "%*sid: \"%04x:%04x\"\n", indent, "", f->vendor, f->device_id);
	pr_text_printf(t, "%*sclass: 0x%06" PRIx32 "\n", indent, "", f->class_code);
	pr_text_printf(t, "%*sport: %s\n", indent, "", pr_template_port_name(f->port));
	if (f->hotplug)
		pr_text_printf(
			t, "%*shotplug: true\n%*sslot: %u\n", indent, "", indent, "", f->slot);
	if (count_bars(f, false) > 0)
		pr_text_printf(t, "%*sbars:\n", indent, "");
	write_bars(t, f, false, depth + 1);
	if (f->total_vfs > 0)
		write_vfs(t, f, indent, depth);
	if (f->n_below > 0)
		pr_text_printf(t, "%*sbelow:\n", indent, "");
	for (size_t i = 0; i < f->n_below; i++)
		write_function(t, &f->below[i], depth + 1);
}

/* As YAML was read, or as a machine was: it is UTF-8. */
static bool write_head(struct pr_text *t, const struct pr_template *template)
{
	bool good;

	pr_text_printf(t, "format: pciroom-template/1\nname: %s\ntext: ", template->name);
	good = pr_yaml_quote(t, template->text);
	if (template->n_sources > 0)
		pr_text_add(t, "\nsources:");
	for (size_t i = 0; i < template->n_sources && good; i++) {
		pr_text_add(t, "\n- ");
		good = pr_yaml_quote(t, template->sources[i]);
	}
	return good;
}

int pr_template_write(const struct pr_template *template, char **ret)
{
	struct pr_text t = { 0 };

	if (!write_head(&t, template)) {
		pr_text_deinit(&t);
		return -EILSEQ;
	}
	pr_text_add(&t, "\nfunctions:\n");
	for (size_t i = 0; i < template->n_functions; i++)
		write_function(&t, &template->functions[i], 0);
	pr_text_add(&t, "...\n");
	return pr_text_take(&t, ret, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Template YAML to a tree of functions: a table of keys for each mapping, a
 * setter a key.  What a function cannot have is an error at its place.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import/template-private.h"

#define FORMAT "pciroom-template/1"

#define CLASS_PCI_BRIDGE 0x0604

struct reader {
	struct pr_template_load *load;
	struct pr_template *template;
	struct pr_yaml_array sources;
	struct pr_yaml_array *functions; /* of the list being read */
	struct pr_template_function *function;
	struct pr_yaml_array *bars; /* of the function being read */
	bool vf;                    /* the BARs being read are those of virtual functions */
};

/* ---- numbers ---- */

static int parse_size(struct pr_yaml *y, const char *text, uint64_t *ret)
{
	uint64_t value;

	if (pr_parse_size(text, &value) < 0)
		return pr_yaml_fail(y, "\"%s\" is not a size", text);
	if (value & (value - 1))
		return pr_yaml_fail(y, "%s is not a power of two", text);

	*ret = value;
	return 0;
}

static int read_size(struct pr_yaml *y, uint64_t *ret)
{
	const char *text;
	int r = pr_yaml_string(y, &text);

	return r < 0 ? r : parse_size(y, text, ret);
}

static int read_u16(struct pr_yaml *y, uint16_t *ret)
{
	uint64_t value;
	int r = pr_yaml_u64(y, UINT16_MAX, &value);

	if (r == 0)
		*ret = (uint16_t)value;
	return r;
}

/* ---- one BAR ---- */

static int set_bar_index(struct pr_yaml *y, void *userdata)
{
	struct pr_template_bar *bar = userdata;
	const char *text;
	uint64_t value;
	int r = pr_yaml_string(y, &text);

	if (r < 0)
		return r;
	if (strcmp(text, "rom") == 0) {
		bar->index = PR_ROM;
		return 0;
	}
	if (pr_parse_u64(text, 10, &value) < 0 || value >= PR_ROM)
		return pr_yaml_fail(y, "\"%s\" is neither 0 to 5 nor rom", text);
	bar->index = (uint8_t)value;
	return 0;
}

static int set_bar_kind(struct pr_yaml *y, void *userdata)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} kinds[] = {
		{ "io", PR_IORES_IO },
		{ "mem", PR_IORES_MEM },
		{ "mem64", PR_IORES_MEM | PR_IORES_MEM_64 },
		{ "pref", PR_IORES_MEM | PR_IORES_PREFETCH },
		{ "pref64", PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 },
	};
	struct pr_template_bar *bar = userdata;
	const char *text;
	int r = pr_yaml_string(y, &text);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(text, kinds[i].name) == 0) {
			bar->flags = kinds[i].flags;
			return 0;
		}
	}
	return pr_yaml_fail(y, "\"%s\" is none of io, mem, mem64, pref, pref64", text);
}

static int set_bar_size(struct pr_yaml *y, void *userdata)
{
	struct pr_template_bar *bar = userdata;

	return read_size(y, &bar->size);
}

static int add_one_size(struct pr_yaml *y, void *userdata)
{
	struct pr_template_bar *bar = userdata;
	uint64_t size;
	int r = read_size(y, &size);

	if (r < 0)
		return r;
	if (size < PR_REBAR_SIZE(0))
		return pr_yaml_fail(y, "no Resizable BAR has that size");
	bar->sizes |= size / PR_REBAR_SIZE(0);
	return 0;
}

static int set_bar_sizes(struct pr_yaml *y, void *userdata)
{
	return pr_yaml_list(y, add_one_size, userdata);
}

static const struct pr_yaml_key bar_keys[] = {
	{ "bar", set_bar_index, true },
	{ "kind", set_bar_kind, false },
	{ "size", set_bar_size, true },
	{ "sizes", set_bar_sizes, false },
};

/* PCI 3.0 6.2.5.1 and 6.2.5.2; SR-IOV 9.3.3.14 of PCI Express Base 6.0. */
static int check_bar(struct pr_yaml *y, const struct reader *x, struct pr_template_bar *bar)
{
	bool io = (bar->flags & PR_IORES_IO) != 0, rom = bar->index == PR_ROM;

	if (rom && (x->vf || bar->flags != 0))
		return pr_yaml_fail(y, x->vf ? "virtual functions have no ROM"
					     : "a ROM is of one kind, which is not said");
	if (rom)
		bar->flags = PR_IORES_MEM;
	if (bar->flags == 0)
		return pr_yaml_fail(y, "key \"kind\" is missing");
	if (io && x->vf)
		return pr_yaml_fail(y, "virtual functions have no I/O ports");
	if (bar->size < (io ? 4 : rom ? 0x800 : 0x10) || (io && bar->size > 0x100))
		return pr_yaml_fail(y, "no BAR of this kind has that size");
	if (!(bar->flags & PR_IORES_MEM_64) && bar->size > UINT64_C(0x80000000))
		return pr_yaml_fail(y, "that is too much for 32 bits");
	if ((bar->flags & PR_IORES_MEM_64) && bar->index == PR_ROM - 1)
		return pr_yaml_fail(y, "a 64-bit BAR takes two registers: there is none behind 5");
	if (bar->sizes != 0 &&
		(bar->size < PR_REBAR_SIZE(0) || !(bar->sizes & bar->size / PR_REBAR_SIZE(0))))
		return pr_yaml_fail(y, "the size is none of the sizes");
	return 0;
}

static bool takes(const struct pr_template_bar *bar, unsigned int index)
{
	return bar->index == index || ((bar->flags & PR_IORES_MEM_64) && bar->index + 1u == index);
}

static int read_bar(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	const struct pr_template_bar *others = x->bars->data;
	struct pr_template_bar bar = { 0 }, *place;
	size_t before = x->bars->n, at = before;
	int r = pr_yaml_mapping(y, "a BAR", bar_keys, ARRAY_SIZE(bar_keys), &bar);

	if (r == 0)
		r = check_bar(y, x, &bar);
	if (r < 0)
		return r;
	if (x->vf)
		bar.index += PR_VF_BAR0;
	for (size_t i = 0; i < before; i++)
		if (takes(&others[i], bar.index) || takes(&bar, others[i].index))
			return pr_yaml_fail(y, "another BAR has that register");
	if (!pr_yaml_array_add(y, x->bars, sizeof(bar)))
		return pr_import_no_memory(y->error);
	for (place = x->bars->data; at > 0 && place[at - 1].index > bar.index; at--)
		place[at] = place[at - 1];
	place[at] = bar;
	return 0;
}

/* ---- one function ---- */

/* "01.0" */
static int set_place(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	const struct pr_template_function *others = x->functions->data;
	struct pr_address a;
	const char *text;
	char *address;
	int r = pr_yaml_string(y, &text);

	if (r < 0)
		return r;
	address = pr_arena_printf(y->arena, "0000:00:%s", text);
	if (!address)
		return pr_import_no_memory(y->error);
	if (strlen(text) > 4 || !pr_address_parse(address, &a))
		return pr_yaml_fail(y, "\"%s\" is not a device and function number (00.0)", text);
	for (size_t i = 0; i < x->functions->n; i++)
		if (&others[i] != x->function && others[i].device == a.device &&
			others[i].function == a.function)
			return pr_yaml_fail(y, "another function has that place");
	x->function->device = a.device;
	x->function->function = a.function;
	return 0;
}

/* "10de:20f1" */
static int set_id(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	uint64_t vendor, device;
	const char *text;
	char left[5] = "";
	int r = pr_yaml_string(y, &text);

	if (r < 0)
		return r;
	if (strlen(text) != 9 || text[4] != ':')
		return pr_yaml_fail(y, "\"%s\" is not vendor:device", text);
	memcpy(left, text, 4);
	if (pr_parse_u64(left, 16, &vendor) < 0 || pr_parse_u64(text + 5, 16, &device) < 0)
		return pr_yaml_fail(y, "\"%s\" is not vendor:device", text);
	x->function->vendor = (uint16_t)vendor;
	x->function->device_id = (uint16_t)device;
	return 0;
}

static int set_class(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	uint64_t value;
	int r = pr_yaml_u64(y, 0xffffff, &value);

	if (r < 0)
		return r;
	x->function->class_code = (uint32_t)value;
	x->function->is_bridge = value >> 8 == CLASS_PCI_BRIDGE;
	return 0;
}

static int set_port(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	const char *text;
	int r = pr_yaml_string(y, &text);

	if (r < 0)
		return r;
	if (!pr_template_port_parse(text, &x->function->port))
		return pr_yaml_fail(y, "\"%s\" is none of " PR_TEMPLATE_PORTS, text);
	return 0;
}

static int set_hotplug(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;

	return pr_yaml_bool(y, &x->function->hotplug);
}

static int set_slot(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	uint64_t value;
	int r = pr_yaml_u64(y, 0x1fff, &value); /* 13 bits of the Slot Capabilities register */

	if (r == 0)
		x->function->slot = (uint16_t)value;
	return r;
}

static int read_bars(struct pr_yaml *y, struct reader *x, bool vf)
{
	int r;

	x->vf = vf;
	r = pr_yaml_list(y, read_bar, x);
	x->function->bars = x->bars->data;
	x->function->n_bars = x->bars->n;
	return r;
}

static int set_bars(struct pr_yaml *y, void *userdata)
{
	return read_bars(y, userdata, false);
}

static int set_vf_bars(struct pr_yaml *y, void *userdata)
{
	return read_bars(y, userdata, true);
}

static int set_total(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;

	return read_u16(y, &x->function->total_vfs);
}

static int set_offset(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;

	return read_u16(y, &x->function->first_offset);
}

static int set_stride(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;

	return read_u16(y, &x->function->stride);
}

static const struct pr_yaml_key vf_keys[] = {
	{ "total", set_total, true },
	{ "offset", set_offset, true },
	{ "stride", set_stride, true },
	{ "bars", set_vf_bars, true },
};

static int set_vfs(struct pr_yaml *y, void *userdata)
{
	return pr_yaml_mapping(y, "vfs", vf_keys, ARRAY_SIZE(vf_keys), userdata);
}

static int read_functions(struct pr_yaml *y, struct reader *x,
	const struct pr_template_function **ret, size_t *ret_n);

static int set_below(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	struct pr_template_function *f = x->function;

	if (f->below)
		return pr_yaml_fail(y, "it is said twice what is behind the bridge");
	return read_functions(y, x, &f->below, &f->n_below);
}

static int set_holds(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	struct pr_template_function *f = x->function;
	struct pr_template *card = NULL;
	const char *name;
	int r = pr_yaml_string(y, &name);

	if (r < 0)
		return r;
	if (f->below)
		return pr_yaml_fail(y, "it is said twice what is behind the bridge");
	r = pr_template_load_named(x->load, y, name, &card);
	if (r < 0)
		return r;
	f->below = card->functions;
	f->n_below = card->n_functions;
	return 0;
}

static const struct pr_yaml_key function_keys[] = {
	{ "place", set_place, true },
	{ "id", set_id, false },
	{ "class", set_class, true },
	{ "port", set_port, true },
	{ "hotplug", set_hotplug, false },
	{ "slot", set_slot, false },
	{ "bars", set_bars, false },
	{ "vfs", set_vfs, false },
	{ "below", set_below, false },
	{ "holds", set_holds, false },
};

static bool leads_down(enum pr_port_type port)
{
	return port == PR_PORT_UPSTREAM || port == PR_PORT_DOWNSTREAM ||
	       port == PR_PORT_PCIE_TO_PCI || port == PR_PORT_PCI_TO_PCIE;
}

static int check_function(struct pr_yaml *y, const struct pr_template_function *f)
{
	if (f->is_bridge && f->port != PR_PORT_NONE && !leads_down(f->port))
		return pr_yaml_fail(y, "its class is that of a bridge, its port is not");
	if (!f->is_bridge && leads_down(f->port))
		return pr_yaml_fail(y, "its port is that of a bridge, its class is not");
	if (!f->is_bridge && f->below)
		return pr_yaml_fail(y, "nothing is behind what is not a bridge");
	if (f->hotplug && f->port != PR_PORT_DOWNSTREAM)
		return pr_yaml_fail(y, "only a downstream port has a slot");
	for (size_t i = 0; f->is_bridge && i < f->n_bars; i++)
		if (f->bars[i].index > 1 && f->bars[i].index != PR_ROM)
			return pr_yaml_fail(y, "a bridge has BARs 0 and 1");
	if (f->port == PR_PORT_NONE && f->total_vfs > 0)
		return pr_yaml_fail(y, "virtual functions are of PCI Express");
	return 0;
}

static int read_function(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	struct pr_yaml_array bars = { 0 }, *outer = x->functions;
	struct pr_template_function f = { 0 }, *place;
	struct reader inner = *x;
	int r;

	if (++x->load->n_functions > PR_TEMPLATE_FUNCTIONS)
		return pr_yaml_fail(y, "that are more than %d functions", PR_TEMPLATE_FUNCTIONS);
	inner.function = &f;
	inner.bars = &bars;
	r = pr_yaml_mapping(y, "a function", function_keys, ARRAY_SIZE(function_keys), &inner);
	if (r == 0)
		r = check_function(y, &f);
	if (r < 0)
		return r;
	place = pr_yaml_array_add(y, outer, sizeof(f));
	if (!place)
		return pr_import_no_memory(y->error);
	*place = f;
	return 0;
}

static int read_functions(
	struct pr_yaml *y, struct reader *x, const struct pr_template_function **ret, size_t *ret_n)
{
	struct pr_yaml_array list = { 0 };
	struct reader inner = *x;
	int r;

	if (++x->load->depth > PR_TEMPLATE_DEPTH)
		return pr_yaml_fail(y, "that is deeper than %d levels", PR_TEMPLATE_DEPTH);
	inner.functions = &list;
	r = pr_yaml_list(y, read_function, &inner);
	x->load->depth--;
	if (r < 0)
		return r;
	if (list.n == 0)
		return pr_yaml_fail(y, "there is no function");
	*ret = list.data;
	*ret_n = list.n;
	return 0;
}

/* ---- the template ---- */

static int set_format(struct pr_yaml *y, void *userdata)
{
	const char *text;
	int r = pr_yaml_string(y, &text);

	(void)userdata;
	if (r == 0 && strcmp(text, FORMAT) != 0)
		r = pr_yaml_fail(y, "\"%s\" is not \"" FORMAT "\"", text);
	return r;
}

bool pr_template_name_valid(const char *name)
{
	if (!isalnum((unsigned char)name[0]) || strlen(name) > 100)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return false;
	return true;
}

static int set_name(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	int r = pr_yaml_string(y, &x->template->name);

	if (r == 0 && !pr_template_name_valid(x->template->name))
		r = pr_yaml_fail(y, "letters, digits, \"-\", \"_\" and \".\" make a name");
	return r;
}

static int set_text(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;

	return pr_yaml_string(y, &x->template->text);
}

static int add_source(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	const char **place = pr_yaml_array_add(y, &x->sources, sizeof(*place));

	return place ? pr_yaml_string(y, place) : pr_import_no_memory(y->error);
}

static int set_sources(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;
	int r = pr_yaml_list(y, add_source, x);

	x->template->sources = x->sources.data;
	x->template->n_sources = x->sources.n;
	return r;
}

static int set_functions(struct pr_yaml *y, void *userdata)
{
	struct reader *x = userdata;

	return read_functions(y, x, &x->template->functions, &x->template->n_functions);
}

static const struct pr_yaml_key template_keys[] = {
	{ "format", set_format, true },
	{ "name", set_name, true },
	{ "text", set_text, true },
	{ "sources", set_sources, false },
	{ "functions", set_functions, true },
};

int pr_template_parse(struct pr_template_load *load, const char *text, size_t size,
	struct pr_template **ret, struct pr_import_error *error)
{
	struct reader x = { .load = load, .template = pr_new(load->arena, struct pr_template) };
	struct pr_yaml y;
	int r;

	if (!x.template)
		return pr_import_no_memory(error);
	r = pr_yaml_init(&y, text, size, load->arena, error);
	if (r == 0)
		r = pr_yaml_mapping(&y, "a template", template_keys, ARRAY_SIZE(template_keys), &x);
	if (r == 0)
		r = pr_yaml_end(&y);
	pr_yaml_deinit(&y);
	if (r == 0)
		*ret = x.template;
	return r;
}

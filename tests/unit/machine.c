/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines for tests; machine.h has the format.  Writes the bytes that real
 * hardware and a real kernel would show, and lets the builder decode them.
 */
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_RANGES   8
#define MAX_BARS     14
#define CONFIG_BYTES 0x160 /* room for an extended capability at 100h, and one more at 140h */
#define PCIE_AT      0x40
#define SRIOV_AT     0x100

enum where {
	AT_ADDRESS,
	FORGOTTEN,
	FORGOTTEN_UNMEASURED,
	UNASSIGNED,
	RELEASED
};

struct bar_spec {
	unsigned int index; /* enum pr_resource_index */
	uint32_t type;      /* low bits of the register */
	uint64_t size, address;
	enum where where;
	bool fixed;
};

struct window_spec {
	bool open;
	struct pr_range range;
};

/* One line of text, and what it has said so far. */
struct parser {
	struct pr_builder *builder;
	int line;
	char *words; /* rest of the line, for strtok_r */
	struct pr_machine machine;
	char release[64], cmdline[256], alignments[256], lockdown[32], arch[32];
};

struct device {
	struct parser *p;
	struct pr_facts facts;
	uint8_t config[CONFIG_BYTES];
	struct pr_resource_line lines[PR_RESOURCE_MAX];
	struct pr_bar_mask masks[15];
	struct pr_user users[4];
	struct bar_spec bars[MAX_BARS];
	size_t n_bars;
	struct window_spec table[3], registers[3];
	bool registers_given[3];
	bool pref_32bit, bridge, hotplug, conventional, no_lines;
	bool newcomer;
	enum pr_port_type port;
	unsigned int total_vfs, num_vfs;
	char *overrides[4]; /* config=: written last, over everything */
	size_t n_overrides;
};

struct root {
	struct parser *p;
	struct pr_root_facts facts;
	struct pr_range io[MAX_RANGES], mem[MAX_RANGES], busy_io[MAX_RANGES], busy_mem[MAX_RANGES];
};

#define bad(p, ...)                                           \
	do {                                                  \
		print_error("machine, line %d: ", (p)->line); \
		fail_msg(__VA_ARGS__);                        \
		abort(); /* fail_msg does not return */       \
	} while (0)

/* ---- words ---- */

static uint64_t parse_number(struct parser *p, const char *text, int base, char **end)
{
	uint64_t value = strtoull(text, end, base);

	if (*end == text)
		bad(p, "\"%s\" is not a number", text);
	return value;
}

static uint64_t parse_hex(struct parser *p, const char *text)
{
	char *end;
	uint64_t value = parse_number(p, text, 16, &end);

	if (*end != '\0')
		bad(p, "\"%s\" is not a hexadecimal number", text);
	return value;
}

static int parse_int(struct parser *p, const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end != '\0')
		bad(p, "\"%s\" is not a decimal number", text);
	return (int)value;
}

static uint64_t parse_size(struct parser *p, const char *text)
{
	static const char units[] = "KMGT";
	size_t length = strlen(text);
	const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;
	char *end;
	uint64_t value;

	if (!unit || *unit == '\0')
		return parse_hex(p, text);

	value = parse_number(p, text, 10, &end);
	if (end[0] != *unit || end[1] != '\0')
		bad(p, "\"%s\" is not a size", text);
	return value << (10 * (unit - units + 1));
}

static struct pr_range parse_range(struct parser *p, const char *text)
{
	struct pr_range r;
	char *end;

	r.first = parse_number(p, text, 16, &end);
	if (*end != '-')
		bad(p, "\"%s\" is not a range", text);
	r.last = parse_hex(p, end + 1);
	return r;
}

static struct pr_address parse_address(struct parser *p, const char *text)
{
	struct pr_address a;

	if (!pr_address_parse(text, &a))
		bad(p, "\"%s\" is not an address", text);
	return a;
}

static char *next_word(struct parser *p)
{
	return strtok_r(NULL, " \t", &p->words);
}

static char *need_word(struct parser *p, const char *what)
{
	char *word = next_word(p);

	if (!word)
		bad(p, "%s is missing", what);
	return word;
}

/* "key=value" cut in two; NULL for a word without a value. */
static char *cut(char *word, char separator)
{
	char *at = strchr(word, separator);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* ---- bytes ---- */

static void put8(struct device *d, size_t at, uint64_t value)
{
	d->config[at] = (uint8_t)value;
}

static void put16(struct device *d, size_t at, uint64_t value)
{
	put8(d, at, value);
	put8(d, at + 1, value >> 8);
}

static void put32(struct device *d, size_t at, uint64_t value)
{
	put16(d, at, value);
	put16(d, at + 2, value >> 16);
}

/* ---- BARs ---- */

struct bar_type {
	const char *name;
	uint32_t bits;
	uint32_t flags;
};

static const struct bar_type bar_types[] = {
	{ "io", 0x1, PR_IORES_IO },
	{ "mem", 0x0, PR_IORES_MEM },
	{ "mem64", 0x4, PR_IORES_MEM | PR_IORES_MEM_64 },
	{ "pref", 0x8, PR_IORES_MEM | PR_IORES_PREFETCH },
	{ "pref64", 0xc, PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 },
};

#define N_BAR_TYPES (sizeof(bar_types) / sizeof(bar_types[0]))

static uint32_t bar_flags(const struct bar_spec *b)
{
	uint32_t flags = PR_IORES_SIZEALIGN | b->type | (b->fixed ? PR_IORES_PCI_FIXED : 0);

	if (b->index == PR_ROM)
		return flags | PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_READONLY;
	for (size_t i = 0; i < N_BAR_TYPES; i++)
		if (bar_types[i].bits == b->type)
			return flags | bar_types[i].flags;
	return flags;
}

static void parse_where(struct device *d, struct bar_spec *b, char *text)
{
	static const struct {
		const char *name;
		enum where where;
	} names[] = {
		{ "forgotten", FORGOTTEN },
		{ "none", FORGOTTEN },
		{ "forgotten?", FORGOTTEN_UNMEASURED },
		{ "unassigned", UNASSIGNED },
		{ "released", RELEASED },
	};
	size_t length = strlen(text);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i].name) != 0)
			continue;
		b->where = names[i].where;
		return;
	}
	if (length > 0 && text[length - 1] == '!') {
		b->fixed = true;
		text[length - 1] = '\0';
	}
	b->where = AT_ADDRESS;
	b->address = parse_hex(d->p, text);
}

/* "TYPE:SIZE@WHERE"; a ROM has no type. */
static void parse_bar(struct device *d, unsigned int index, char *text)
{
	struct bar_spec b = { .index = index };
	char *size = index == PR_ROM ? text : cut(text, ':');
	char *where = size ? cut(size, '@') : NULL;
	bool known = index == PR_ROM;

	if (!where)
		bad(d->p, "\"%s\" is not a BAR: TYPE:SIZE@WHERE is wanted", text);
	if (d->n_bars == MAX_BARS)
		bad(d->p, "too many BARs");
	for (size_t i = 0; i < N_BAR_TYPES && !known; i++) {
		known = strcmp(text, bar_types[i].name) == 0;
		b.type = bar_types[i].bits;
	}
	if (!known)
		bad(d->p, "\"%s\" is not a type of BAR", text);

	b.size = parse_size(d->p, size);
	parse_where(d, &b, where);
	d->bars[d->n_bars++] = b;
}

static void set_mask(struct device *d, const struct bar_spec *b)
{
	uint64_t mask = ~(b->size - 1);

	d->masks[d->facts.n_masks++] = (struct pr_bar_mask){
		.index = (uint8_t)b->index,
		.low = (uint32_t)mask | b->type,
		.high = b->type & 4 ? (uint32_t)(mask >> 32) : 0,
	};
}

static size_t bar_register(const struct device *d, const struct bar_spec *b)
{
	if (b->index == PR_ROM)
		return d->bridge ? 0x38 : 0x30;
	if (b->index >= PR_VF_BAR0)
		return SRIOV_AT + 0x24 + (size_t)(b->index - PR_VF_BAR0) * 4;
	return 0x10 + (size_t)b->index * 4;
}

static void write_bar(struct device *d, const struct bar_spec *b)
{
	struct pr_resource_line *line = &d->lines[b->index];
	bool vf = b->index >= PR_VF_BAR0;
	uint64_t size = vf ? b->size * d->total_vfs : b->size;
	size_t at = bar_register(d, b);
	struct pr_range range;

	if (d->newcomer) {
		put32(d, at, b->type);
		set_mask(d, b);
		return;
	}
	if (!pr_range_make(&range, b->where == AT_ADDRESS ? b->address : 0, size))
		bad(d->p, "resource %u has no bytes or wraps", b->index);

	put32(d, at, b->address | b->type);
	if (b->type & 4)
		put32(d, at + 4, b->address >> 32);
	if (b->where == FORGOTTEN && !vf)
		set_mask(d, b);
	if (b->where == FORGOTTEN || b->where == FORGOTTEN_UNMEASURED)
		return;
	*line = (struct pr_resource_line){ range.first, range.last, bar_flags(b) };
	if (b->where == UNASSIGNED)
		line->flags |= PR_IORES_UNSET;
}

/* ---- bridges ---- */

static const char *const window_names[] = { "io", "mem", "pref" };

static void parse_window(struct device *d, struct window_spec *w, const char *text)
{
	*w = (struct window_spec){ 0 };
	if (strcmp(text, "closed") == 0)
		return;
	w->open = true;
	w->range = parse_range(d->p, text);
}

/* Closed windows as Linux writes them: base above limit. */
static void write_io_window(struct device *d, const struct window_spec *w)
{
	uint64_t first = w->open ? w->range.first : 0xf000, last = w->open ? w->range.last : 0xfff;

	put8(d, 0x1c, (first >> 8 & 0xf0) | 1);
	put8(d, 0x1d, (last >> 8 & 0xf0) | 1);
	put16(d, 0x30, first >> 16);
	put16(d, 0x32, last >> 16);
}

static void write_mem_window(
	struct device *d, size_t at, const struct window_spec *w, uint64_t nibble)
{
	uint64_t first = w->open ? w->range.first : 0xfff00000;
	uint64_t last = w->open ? w->range.last : 0xfffff;

	put16(d, at, (first >> 16 & 0xfff0) | nibble);
	put16(d, at + 2, (last >> 16 & 0xfff0) | nibble);
	if (nibble == 1) {
		put32(d, 0x28, first >> 32);
		put32(d, 0x2c, last >> 32);
	}
}

/* After power-on both windows read zero, apart from the bits that say how wide they are. */
static void write_newcomer_windows(struct device *d)
{
	put16(d, 0x1c, 0x0101);
	put32(d, 0x24, d->pref_32bit ? 0 : 0x00010001);
	d->masks[d->facts.n_masks++] =
		(struct pr_bar_mask){ .index = PR_WINDOW_IO, .low = 0xf1f1, .high = 0xffff };
	d->masks[d->facts.n_masks++] = (struct pr_bar_mask){ .index = PR_WINDOW_PREF,
		.low = d->pref_32bit ? 0xfff0fff0 : 0xfff1fff1,
		.high = d->pref_32bit ? 0 : UINT32_MAX };
}

static void write_windows(struct device *d)
{
	const uint64_t flags[] = {
		PR_IORES_IO | 1,
		PR_IORES_MEM,
		PR_IORES_MEM | PR_IORES_PREFETCH | (d->pref_32bit ? 0 : PR_IORES_MEM_64 | 1),
	};

	for (unsigned int i = 0; i < 3; i++) {
		const struct window_spec *w = &d->table[i];

		if (!d->registers_given[i])
			d->registers[i] = *w;
		if (w->open)
			d->lines[PR_WINDOW_IO + i] = (struct pr_resource_line){ w->range.first,
				w->range.last, flags[i] };
	}
	write_io_window(d, &d->registers[0]);
	write_mem_window(d, 0x20, &d->registers[1], 0);
	write_mem_window(d, 0x24, &d->registers[2], d->pref_32bit ? 0 : 1);
}

static void parse_buses(struct device *d, char *text)
{
	struct pr_range buses = { 0 };

	if (strcmp(text, "none") == 0) {
		d->facts.n_lines =
			PR_WINDOW_IO; /* sysfs shows the windows of those alone that have a bus */
	} else {
		buses = parse_range(d->p, text);
		put8(d, 0x18, d->facts.address.bus);
	}
	put8(d, 0x19, buses.first);
	put8(d, 0x1a, buses.last);
}

/* ---- capabilities ---- */

static void write_pcie(struct device *d)
{
	bool slot = d->hotplug && (d->port == PR_PORT_ROOT || d->port == PR_PORT_DOWNSTREAM);

	if (d->conventional)
		return;
	put16(d, 0x06, 0x10); /* a capability list */
	put8(d, 0x34, PCIE_AT);
	put8(d, PCIE_AT, 0x10);
	put16(d, PCIE_AT + 2, 2u | (unsigned int)d->port << 4 | (slot ? 1u << 8 : 0));
	if (slot)
		put32(d, PCIE_AT + 0x14, 1u << 6 | 1u << 5); /* hot-plug capable, surprise */
}

/* A bridge of conventional PCI has its hot-plug controller in a capability of its own. */
static void write_shpc(struct device *d)
{
	if (!d->conventional || !d->hotplug)
		return;
	put16(d, 0x06, 0x10);
	put8(d, 0x34, PCIE_AT);
	put8(d, PCIE_AT, 0x0c);
}

static void write_sriov(struct device *d)
{
	if (d->total_vfs == 0)
		return;
	put32(d, SRIOV_AT, 0x00010010);
	put16(d, SRIOV_AT + 0x08, d->num_vfs > 0 ? 9 : 0); /* enabled, and their memory */
	put16(d, SRIOV_AT + 0x0c, d->total_vfs);
	put16(d, SRIOV_AT + 0x0e, d->total_vfs);
	put16(d, SRIOV_AT + 0x10, d->num_vfs);
	put16(d, SRIOV_AT + 0x14, 1);
	put16(d, SRIOV_AT + 0x16, 1);
	put32(d, SRIOV_AT + 0x1c, 0x553);
	put32(d, SRIOV_AT + 0x20, 1);
}

/* ---- words of a device ---- */

static void add_user(struct device *d, char *text)
{
	struct pr_user *u = &d->users[d->facts.n_users];
	char *what = cut(text, ':');

	if (!what || d->facts.n_users == sizeof(d->users) / sizeof(d->users[0]))
		bad(d->p, "\"%s\" is not a user, or there are too many", text);
	*u = (struct pr_user){ .kind = text, .what = what };
	d->facts.n_users++;
}

static void write_override(struct device *d, char *text)
{
	char *bytes = cut(text, ':'), pair[3] = { 0 };
	uint64_t at = parse_hex(d->p, text);

	if (!bytes || strlen(bytes) % 2 != 0 || at + strlen(bytes) / 2 > CONFIG_BYTES)
		bad(d->p, "config=%s: OFFSET:BYTES within %x bytes is wanted", text, CONFIG_BYTES);
	for (; *bytes; bytes += 2) {
		memcpy(pair, bytes, 2);
		put8(d, at++, parse_hex(d->p, pair));
	}
}

static void add_override(struct device *d, char *text)
{
	if (d->n_overrides == sizeof(d->overrides) / sizeof(d->overrides[0]))
		bad(d->p, "too many config= words");
	d->overrides[d->n_overrides++] = text;
}

static bool parse_flag(struct device *d, const char *word)
{
	static const struct {
		const char *name;
		enum pr_port_type port;
	} ports[] = {
		{ "root-port", PR_PORT_ROOT },
		{ "upstream", PR_PORT_UPSTREAM },
		{ "downstream", PR_PORT_DOWNSTREAM },
		{ "pcie-to-pci", PR_PORT_PCIE_TO_PCI },
		{ "rc-endpoint", PR_PORT_RC_ENDPOINT },
	};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (strcmp(word, ports[i].name) != 0)
			continue;
		d->port = ports[i].port;
		d->conventional = false;
		return true;
	}
	if (strcmp(word, "hotplug") == 0)
		return d->hotplug = true;
	if (strcmp(word, "conventional") == 0)
		return d->conventional = true;
	if (strcmp(word, "nolines") == 0)
		return d->no_lines = true;
	if (strcmp(word, "newcomer") == 0)
		return d->newcomer = true;
	return false;
}

static bool parse_windows(struct device *d, const char *key, const char *value)
{
	bool registers = strncmp(key, "regs-", 5) == 0;
	bool wide = strcmp(key, "pref64") == 0;

	key += registers ? 5 : 0;
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(key, window_names[i]) != 0 && !(i == 2 && wide))
			continue;
		if (i == 2 && !registers)
			d->pref_32bit = !wide;
		d->registers_given[i] |= registers;
		parse_window(d, registers ? &d->registers[i] : &d->table[i], value);
		return true;
	}
	return false;
}

static bool parse_resource(struct device *d, const char *key, char *value)
{
	bool vf = strncmp(key, "vfbar", 5) == 0;
	const char *digit = key + (vf ? 5 : 3);

	if (strcmp(key, "rom") == 0) {
		parse_bar(d, PR_ROM, value);
		return true;
	}
	if (!vf && strncmp(key, "bar", 3) != 0)
		return false;
	if (digit[0] < '0' || digit[0] > '5' || digit[1] != '\0')
		return false;
	parse_bar(d, (vf ? PR_VF_BAR0 : PR_BAR0) + (unsigned int)(digit[0] - '0'), value);
	return true;
}

static bool parse_string(struct device *d, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **at;
	} strings[] = {
		{ "driver", &d->facts.driver },
		{ "override", &d->facts.driver_override },
		{ "slot", &d->facts.slot },
		{ "label", &d->facts.label },
		{ "removable", &d->facts.removable },
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strcmp(key, strings[i].key) != 0)
			continue;
		*strings[i].at = value;
		return true;
	}
	return false;
}

static bool parse_fact(struct device *d, const char *key, char *value)
{
	if (strcmp(key, "class") == 0)
		put32(d, 0x08, parse_hex(d->p, value) << 8);
	else if (strcmp(key, "user") == 0)
		add_user(d, value);
	else if (strcmp(key, "enabled") == 0)
		d->facts.enabled = parse_int(d->p, value);
	else if (strcmp(key, "group") == 0)
		d->facts.iommu_group = parse_int(d->p, value);
	else if (strcmp(key, "order") == 0)
		d->facts.order = (unsigned int)parse_int(d->p, value);
	else if (strcmp(key, "numa") == 0)
		d->facts.numa_node = parse_int(d->p, value);
	else if (strcmp(key, "vfs") == 0)
		d->total_vfs = (unsigned int)parse_int(d->p, value);
	else if (strcmp(key, "numvfs") == 0)
		d->num_vfs = (unsigned int)parse_int(d->p, value);
	else if (strcmp(key, "bytes") == 0)
		d->facts.config_length = (size_t)parse_int(d->p, value);
	else if (strcmp(key, "config") == 0)
		add_override(d, value);
	else
		return false;
	return true;
}

static bool parse_relation(struct device *d, const char *key, const char *value)
{
	if (strcmp(key, "parent") == 0) {
		d->facts.has_parent = true;
		d->facts.parent = parse_address(d->p, value);
		return true;
	}
	if (strcmp(key, "vf-of") == 0) {
		d->facts.is_vf = true;
		d->facts.physfn = parse_address(d->p, value);
		return true;
	}
	return false;
}

static void parse_device_word(struct device *d, char *word)
{
	char *value = cut(word, '=');
	bool ok;

	if (!value)
		ok = parse_flag(d, word);
	else
		ok = (d->bridge && parse_windows(d, word, value)) ||
		     parse_resource(d, word, value) || parse_string(d, word, value) ||
		     parse_fact(d, word, value) || parse_relation(d, word, value);
	if (!ok)
		bad(d->p, "\"%s\" is not known", word);
}

/* ---- lines ---- */

static void write_identity(struct device *d, char *ids)
{
	char *device = cut(ids, ':');

	if (!device)
		bad(d->p, "\"%s\" is not VENDOR:DEVICE", ids);
	put16(d, 0x00, parse_hex(d->p, ids));
	put16(d, 0x02, parse_hex(d->p, device));
	put32(d, 0x08, 0xff000000); /* unassigned class, until class= says more */
}

static void finish_device(struct device *d)
{
	struct pr_facts *f = &d->facts;
	int r;

	if (d->bridge && d->newcomer)
		write_newcomer_windows(d);
	else if (d->bridge)
		write_windows(d);
	write_pcie(d);
	write_shpc(d);
	write_sriov(d);
	for (size_t i = 0; i < d->n_bars; i++)
		write_bar(d, &d->bars[i]);
	for (size_t i = 0; i < d->n_overrides; i++)
		write_override(d, d->overrides[i]);
	if (f->enabled < 0)
		f->enabled = f->driver ? 1 : 0;
	if (f->enabled > 0)
		put16(d, 0x04, 7); /* I/O, memory, bus master */
	if (d->total_vfs > 0)
		f->sriov_numvfs = (int)d->num_vfs;
	f->is_newcomer = d->newcomer;
	if (d->no_lines || d->newcomer)
		f->lines = NULL, f->n_lines = 0;
	if (f->config_length > CONFIG_BYTES)
		bad(d->p, "bytes=%zu is more than %d", f->config_length, CONFIG_BYTES);

	r = pr_builder_add_function(d->p->builder, f);
	if (r < 0)
		bad(d->p, "the builder says %s", strerror(-r));
}

static void parse_device(struct parser *p, char *address)
{
	struct device d = { .p = p };
	const char *kind = need_word(p, "dev or bridge");
	char *word;

	d.facts = (struct pr_facts){
		.address = parse_address(p, address),
		.config = d.config,
		.config_length = CONFIG_BYTES,
		.lines = d.lines,
		.n_lines = PR_RESOURCE_MAX,
		.masks = d.masks,
		.users = d.users,
		.numa_node = -1,
		.iommu_group = -1,
		.sriov_numvfs = -1,
		.enabled = -1,
	};
	d.bridge = strcmp(kind, "bridge") == 0;
	if (d.bridge) {
		char ids[] = "1b36:000c";

		d.conventional = true; /* until a port type is named */
		write_identity(&d, ids);
		put32(&d, 0x08, 0x06040000);
		put8(&d, 0x0e, 1);
		parse_buses(&d, need_word(p, "bus range"));
	} else if (strcmp(kind, "dev") == 0) {
		write_identity(&d, need_word(p, "VENDOR:DEVICE"));
	} else {
		bad(p, "\"%s\" is neither dev nor bridge", kind);
	}

	while ((word = next_word(p)) != NULL)
		parse_device_word(&d, word);
	finish_device(&d);
}

static void add_range(struct parser *p, struct pr_range *ranges, size_t *n, const char *text)
{
	if (*n == MAX_RANGES)
		bad(p, "too many ranges");
	ranges[(*n)++] = parse_range(p, text);
}

static void parse_root_word(struct root *root, char *word)
{
	struct pr_root_facts *f = &root->facts;
	char *value = cut(word, '=');

	if (value && strcmp(word, "io") == 0)
		add_range(root->p, root->io, &f->n_io, value);
	else if (value && strcmp(word, "mem") == 0)
		add_range(root->p, root->mem, &f->n_mem, value);
	else if (value && strcmp(word, "busy") == 0)
		add_range(root->p, root->busy_mem, &f->n_busy_mem, value);
	else if (value && strcmp(word, "busy-io") == 0)
		add_range(root->p, root->busy_io, &f->n_busy_io, value);
	else
		bad(root->p, "\"%s\" is not known of a host bridge", word);
}

static void parse_root(struct parser *p)
{
	struct root root = { .p = p };
	char *where = need_word(p, "DOMAIN:BUS-BUS"), *buses = cut(where, ':'), *last, *word;
	int r;

	if (!buses)
		bad(p, "\"%s\" is not DOMAIN:BUS-BUS", where);
	last = cut(buses, '-');
	if (!last)
		bad(p, "\"%s\" has no last bus", where);
	root.facts = (struct pr_root_facts){
		.domain = (uint32_t)parse_hex(p, where),
		.bus = (uint8_t)parse_hex(p, buses),
		.last_bus = strcmp(last, "?") == 0 ? -1 : (int)parse_hex(p, last),
		.io = root.io,
		.mem = root.mem,
		.busy_io = root.busy_io,
		.busy_mem = root.busy_mem,
	};
	while ((word = next_word(p)) != NULL)
		parse_root_word(&root, word);
	root.facts.mem_known = root.facts.n_io > 0 || root.facts.n_mem > 0;
	root.facts.io_known = root.facts.mem_known;

	r = pr_builder_add_root(p->builder, &root.facts);
	if (r < 0)
		bad(p, "the builder says %s", strerror(-r));
}

static void keep(char *into, size_t size, const char *text, const char **at)
{
	(void)snprintf(into, size, "%s", text);
	*at = into;
}

static void parse_line(struct parser *p, char *line)
{
	char *word = strtok_r(line, " \t", &p->words);

	if (!word)
		return;
	if (strcmp(word, "kernel") == 0)
		keep(p->release, sizeof(p->release), need_word(p, "release"), &p->machine.release);
	else if (strcmp(word, "cmdline") == 0)
		keep(p->cmdline, sizeof(p->cmdline), p->words, &p->machine.cmdline);
	else if (strcmp(word, "alignments") == 0)
		keep(p->alignments, sizeof(p->alignments), p->words, &p->machine.alignments);
	else if (strcmp(word, "lockdown") == 0)
		keep(p->lockdown, sizeof(p->lockdown), need_word(p, "mode"), &p->machine.lockdown);
	else if (strcmp(word, "arch") == 0)
		keep(p->arch, sizeof(p->arch), need_word(p, "name"), &p->machine.arch);
	else if (strcmp(word, "guest") == 0)
		p->machine.is_guest = true;
	else if (strcmp(word, "root") == 0)
		parse_root(p);
	else
		parse_device(p, word);
}

static int build(const char *text, struct pr_topology **ret, struct pr_build_error *error)
{
	struct parser p = {
		.builder = pr_builder_new(),
		.machine = { .arch = "x86_64", .lockdown = "none" },
	};
	char *copy = strdup(text), *rest = copy, *line;

	assert_non_null(p.builder);
	assert_non_null(copy);
	for (p.line = 1; (line = strsep(&rest, "\n")) != NULL; p.line++) {
		(void)cut(line, '#');
		parse_line(&p, line);
	}
	free(copy);

	assert_int_equal(pr_builder_set_machine(p.builder, &p.machine), 0);
	return pr_builder_finish(p.builder, ret, error);
}

struct pr_topology *machine_build(const char *text)
{
	struct pr_build_error error;
	struct pr_topology *t = NULL;
	char name[PR_ADDRESS_MAX];
	int r;

	r = build(text, &t, &error);
	if (r > 0) {
		pr_address_format(&error.address, name);
		fail_msg("machine: %s: %s", name, error.text);
	}
	assert_int_equal(r, 0);
	return t;
}

void machine_build_error(const char *text, struct pr_build_error *ret)
{
	struct pr_topology *t = NULL;
	int r = build(text, &t, ret);

	pr_topology_free(t);
	assert_int_equal(r, 1);
}

struct pr_function *machine_function(const struct pr_topology *t, const char *address)
{
	struct pr_address a;
	struct pr_function *f = NULL;

	if (pr_address_parse(address, &a))
		f = pr_topology_find(t, &a);
	if (!f)
		fail_msg("no function %s", address);
	return f;
}

struct pr_resource *machine_resource(
	const struct pr_topology *t, const char *address, unsigned int index)
{
	struct pr_resource *r = pr_function_resource(machine_function(t, address), index);

	if (!r)
		fail_msg("%s has no resource %u", address, index);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output of lspci, line by line: whose line it is, and the hexadecimal ones.
 * What text means is lspci-text.c's.  Works on a buffer, in one pass; dumps are
 * long, so the line of bytes is the fast path.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "import/lspci.h"

#define TEXT_MAX      ((size_t)256 << 20) /* bytes */
#define LINE_MAX_TEXT 1024                /* of a line of text; the rest says nothing here */
#define TAB           8

static void arena_freep(struct pr_arena **arena)
{
	pr_arena_free(*arena);
}

/* ---- the image of the current function ---- */

static void contradict(struct pr_lspci *p, unsigned int offset, uint8_t was, uint8_t is)
{
	char address[PR_ADDRESS_MAX];

	if (p->contradicts)
		return;
	p->contradicts = true;
	pr_address_format(&p->current->address, address);
	(void)pr_import_fail_at(p->error, 1, p->line, 0,
		"%s: configuration byte %02x is %02x by its bytes and %02x by its text", address,
		offset, p->origin[offset] == PR_BYTE_DUMPED ? was : is,
		p->origin[offset] == PR_BYTE_DUMPED ? is : was);
}

/*
 * Vendor and device of a virtual function read as ones (PCIe 9.3.4.1.1); the text has what the kernel
 * made of them, and that is kept.
 */
static bool knows_better(struct pr_lspci *p, unsigned int at, uint8_t value, uint8_t origin)
{
	if (at > 3)
		return false;
	if (origin == PR_BYTE_DUMPED && value == 0xff && p->origin[at] == PR_BYTE_STATED)
		return true;
	if (origin == PR_BYTE_STATED && p->origin[at] == PR_BYTE_DUMPED && p->bytes[at] == 0xff)
		p->origin[at] = PR_BYTE_UNKNOWN;
	return false;
}

static void put_byte(struct pr_lspci *p, unsigned int at, uint8_t value, enum pr_lspci_byte origin)
{
	uint8_t *was = &p->origin[at];

	if (knows_better(p, at, value, (uint8_t)origin))
		return;
	if (*was >= PR_BYTE_STATED && origin >= PR_BYTE_STATED && p->bytes[at] != value)
		contradict(p, at, p->bytes[at], value);
	if (*was > origin)
		return;
	p->bytes[at] = value;
	*was = (uint8_t)origin;
	if (p->current->length <= at)
		p->current->length = at + 1;
}

void pr_lspci_put(struct pr_lspci *p, unsigned int offset, unsigned int n, uint64_t value,
	enum pr_lspci_byte origin)
{
	for (unsigned int i = 0; i < n && offset + i < PR_LSPCI_CONFIG_MAX; i++)
		put_byte(p, offset + i, (uint8_t)(value >> 8 * i), origin);
}

void pr_lspci_or(struct pr_lspci *p, unsigned int offset, unsigned int n, uint32_t bits)
{
	for (unsigned int i = 0; i < n && offset + i < PR_LSPCI_CONFIG_MAX; i++) {
		unsigned int at = offset + i;
		uint8_t was = p->origin[at] == PR_BYTE_UNKNOWN ? 0 : p->bytes[at];

		put_byte(p, at, was | (uint8_t)(bits >> 8 * i), PR_BYTE_IMPLIED);
	}
}

/* ---- functions ---- */

static size_t hash_address(const struct pr_address *a)
{
	uint64_t key = (uint64_t)a->domain << 16 | (uint64_t)a->bus << 8 |
		       (uint64_t)a->device << 3 | a->function;

	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 24);
}

/* The slot that holds @a, or the free one where it belongs. */
static uint32_t *seen_slot(const struct pr_lspci *p, const struct pr_address *a)
{
	size_t mask = p->n_seen - 1;

	for (size_t at = hash_address(a) & mask;; at = (at + 1) & mask) {
		uint32_t index = p->seen[at];

		if (index == 0 || pr_address_compare(&p->functions[index - 1].address, a) == 0)
			return &p->seen[at];
	}
}

struct pr_lspci_function *pr_lspci_find(const struct pr_lspci *p, const struct pr_address *a)
{
	uint32_t index = *seen_slot(p, a);

	return index == 0 ? NULL : &p->functions[index - 1];
}

/* Room for one more function, in the array and in the table. */
static bool reserve(struct pr_lspci *p)
{
	size_t max = p->max_functions ? 2 * p->max_functions : 128;
	struct pr_lspci_function *more;

	if (p->n_functions < p->max_functions)
		return true;
	more = realloc(p->functions, max * sizeof(*more));
	if (!more)
		return false;
	p->functions = more;
	p->max_functions = max;

	free(p->seen);
	p->n_seen = 2 * max;
	p->seen = calloc(p->n_seen, sizeof(*p->seen));
	if (!p->seen)
		return false;
	for (size_t i = 0; i < p->n_functions; i++)
		*seen_slot(p, &p->functions[i].address) = (uint32_t)i + 1;
	return true;
}

/* The current function's image goes to the arena; the room to read the next one into is clean. */
int pr_lspci_keep(struct pr_lspci *p)
{
	struct pr_lspci_function *f = p->current;

	if (!f)
		return 0;
	f->bytes = pr_arena_memdup(p->arena, p->bytes, f->length);
	f->origin = pr_arena_memdup(p->arena, p->origin, f->length);
	memset(p->origin, PR_BYTE_UNKNOWN, f->length);
	p->current = NULL;
	return f->bytes && f->origin ? 0 : pr_import_no_memory(p->error);
}

/* A function may come in several places: a list first, its details later, its bytes last. */
void pr_lspci_resume(struct pr_lspci *p, struct pr_lspci_function *f)
{
	memcpy(p->bytes, f->bytes, f->length);
	memcpy(p->origin, f->origin, f->length);
	p->current = f;
}

static int open_function(struct pr_lspci *p, const struct pr_address *a)
{
	uint32_t *slot;
	int r;

	r = pr_lspci_keep(p);
	if (r < 0)
		return r;
	if (!reserve(p))
		return pr_import_no_memory(p->error);
	slot = seen_slot(p, a);
	if (*slot != 0) {
		pr_lspci_resume(p, &p->functions[*slot - 1]);
		return 0;
	}

	p->current = &p->functions[p->n_functions++];
	*slot = (uint32_t)p->n_functions;
	*p->current = (struct pr_lspci_function){ .address = *a, .line = p->line };
	p->current->text.numa_node = p->current->text.iommu_group = -1;
	return 0;
}

/* ---- lines ---- */

/* One more than the digit's value; 0: not a digit. */
static const uint8_t digit_values[256] = {
	['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16,
};

/* Above 15 for what is no digit. */
static unsigned int digit(char c)
{
	return digit_values[(unsigned char)c] - 1u;
}

/* "30: " and its kin, of two to eight digits; the place of the first byte, or NULL. */
static const char *hex_offset(const char *at, const char *end, uint32_t *ret)
{
	const char *start = at;
	uint32_t value = 0;

	while (at < end && at - start < 8 && digit(*at) < 16)
		value = value << 4 | digit(*at++);
	if (at - start < 2 || end - at < 2 || at[0] != ':' || at[1] != ' ')
		return NULL;

	*ret = value;
	return at + 2;
}

static int hex_error(struct pr_lspci *p, const char *what)
{
	return pr_import_fail_at(p->error, -EINVAL, p->line, 0, "%s", what);
}

/* Bytes up to the end of the line, which many dumps fill up with spaces. */
static int take_bytes(struct pr_lspci *p, const char *at, const char *end, uint32_t offset)
{
	if (!p->current)
		return 0; /* of what was left out above */

	for (; end - at >= 2; at += end - at > 2 ? 3 : 2, offset++) {
		unsigned int high = digit(at[0]), low = digit(at[1]);

		if (high > 15 || low > 15 || (end - at > 2 && at[2] != ' '))
			break;
		if (offset >= PR_LSPCI_CONFIG_MAX)
			return hex_error(p, "configuration space has 4096 bytes, this is beyond");
		put_byte(p, offset, (uint8_t)(high << 4 | low), PR_BYTE_DUMPED);
	}
	while (at < end && *at == ' ')
		at++;
	return at == end ? 0 : hex_error(p, "line of bytes has something else in it");
}

/* "00:1f.3 ", with a domain of four to eight digits or without; the address alone is a line too. */
static bool header_address(const char *at, const char *end, struct pr_address *ret)
{
	char text[PR_ADDRESS_MAX];
	size_t n = 0;

	while (at + n < end && at[n] != ' ' && n < sizeof(text) - 1)
		n++;
	if (at + n < end && at[n] != ' ')
		return false;
	memcpy(text, at, n);
	text[n] = '\0';
	return pr_address_parse(text, ret);
}

static void copy_line(char ret[LINE_MAX_TEXT], const char *at, const char *end)
{
	size_t n = (size_t)(end - at) < LINE_MAX_TEXT - 1 ? (size_t)(end - at) : LINE_MAX_TEXT - 1;

	memcpy(ret, at, n);
	ret[n] = '\0';
}

/* Text below a function: how deep, in tabs, which mail turns into spaces. */
static void take_text(struct pr_lspci *p, const char *at, const char *end)
{
	char line[LINE_MAX_TEXT];
	unsigned int column = 0;

	for (; at < end && (*at == ' ' || *at == '\t'); at++)
		column = *at == '\t' ? (column / TAB + 1) * TAB : column + 1;
	if (at == end || !p->current)
		return;
	copy_line(line, at, end);
	pr_lspci_attribute(p, column < TAB ? 1 : column / TAB, line);
}

static int take_line(struct pr_lspci *p, const char *at, const char *end)
{
	char line[LINE_MAX_TEXT];
	struct pr_address address;
	const char *bytes;
	uint32_t offset;
	int r;

	if (at < end && end[-1] == '\r')
		end--;
	if (at == end)
		return 0;
	if (*at == ' ' || *at == '\t') {
		take_text(p, at, end);
		return 0;
	}
	if (digit(*at) > 15)
		return 0; /* a comment, a prompt, a headline */
	bytes = hex_offset(at, end, &offset);
	if (bytes)
		return take_bytes(p, bytes, end, offset);
	if (!header_address(at, end, &address))
		return 0;

	r = open_function(p, &address);
	if (r < 0)
		return r;
	copy_line(line, at, end);
	pr_lspci_header(p, line);
	return 0;
}

static int take_lines(struct pr_lspci *p, const char *text, size_t size)
{
	const char *end = text + size, *stop;
	int r;

	for (const char *at = text; at < end; at = stop + (stop < end)) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		p->line++;
		r = take_line(p, at, stop);
		if (r < 0)
			return r;
		if (p->contradicts)
			return 1;
	}

	return pr_lspci_keep(p);
}

static int read_lspci(struct pr_lspci *p, const char *text, size_t size,
	const struct pr_companions *companions, struct pr_topology **ret,
	struct pr_import_notes *notes)
{
	int r = take_lines(p, text, size);

	if (r != 0)
		return r;
	if (p->n_functions == 0)
		return pr_import_fail(p->error, -EINVAL, "no PCI function in it");

	return pr_lspci_build(p, companions, ret, notes);
}

int pr_lspci_read(const char *text, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	_cleanup_(arena_freep) struct pr_arena *arena = pr_arena_new();
	_cleanup_free_ struct pr_lspci *p = calloc(1, sizeof(*p));
	int r;

	if (!arena || !p)
		return pr_import_no_memory(error);
	if (size > TEXT_MAX)
		return pr_import_fail(error, -EFBIG, "text is larger than %zu MiB", TEXT_MAX >> 20);

	p->arena = arena;
	p->error = error;
	r = read_lspci(p, text, size, companions, ret, notes);
	free(p->functions);
	free(p->seen);
	return r;
}

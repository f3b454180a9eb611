/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of kernel logs: numbers, addresses, and resources as the kernel prints
 * them (resource_string(), lib/vsprintf.c).  Knows no sentences.
 */
#include <string.h>

#include "base/macros.h"
#include "import/dmesg.h"

bool pr_dmesg_skip(struct pr_dmesg_text *t, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
		return false;
	t->p += n;
	return true;
}

bool pr_dmesg_seek(struct pr_dmesg_text *t, const char *word)
{
	const char *p = memmem(t->p, (size_t)(t->end - t->p), word, strlen(word));

	if (!p)
		return false;
	t->p = p + strlen(word);
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool pr_dmesg_hex(struct pr_dmesg_text *t, unsigned int max_digits, uint64_t *ret)
{
	const char *p = t->p;
	uint64_t value = 0;

	for (; p < t->end && digit(*p) >= 0; p++) {
		if ((size_t)(p - t->p) == max_digits)
			return false;
		value = value << 4 | (uint64_t)digit(*p);
	}
	if (p == t->p)
		return false;

	t->p = p;
	*ret = value;
	return true;
}

bool pr_dmesg_decimal(struct pr_dmesg_text *t, uint64_t *ret)
{
	const char *p = t->p;
	uint64_t value = 0;

	for (; p < t->end && *p >= '0' && *p <= '9'; p++) {
		if (p - t->p == 10)
			return false;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	if (p == t->p)
		return false;

	t->p = p;
	*ret = value;
	return true;
}

bool pr_dmesg_address(struct pr_dmesg_text *t, struct pr_address *ret)
{
	struct pr_dmesg_text at = *t;
	uint64_t domain, bus, device, function;

	if (!pr_dmesg_hex(&at, 8, &domain) || at.p - t->p < 4 || !pr_dmesg_skip(&at, ":") ||
		!pr_dmesg_hex(&at, 2, &bus) || !pr_dmesg_skip(&at, ":") ||
		!pr_dmesg_hex(&at, 2, &device) || !pr_dmesg_skip(&at, ".") ||
		!pr_dmesg_hex(&at, 1, &function) || device > 0x1f || function > 7)
		return false;

	*t = at;
	*ret = (struct pr_address){ (uint32_t)domain, (uint8_t)bus, (uint8_t)device,
		(uint8_t)function };
	return true;
}

bool pr_dmesg_buses(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	struct pr_dmesg_text at = *t;
	uint64_t first, last;

	if (!pr_dmesg_skip(&at, "[bus ") || !pr_dmesg_hex(&at, 2, &first))
		return false;
	last = first;
	if (pr_dmesg_skip(&at, "-") && !pr_dmesg_hex(&at, 2, &last))
		return false;
	if (!pr_dmesg_skip(&at, "]"))
		return false;

	*t = at;
	e->first_bus = (uint8_t)first;
	e->last_bus = (uint8_t)last;
	return true;
}

static bool hex_number(struct pr_dmesg_text *t, uint64_t *ret)
{
	struct pr_dmesg_text at = *t;

	if (!pr_dmesg_skip(&at, "0x") || !pr_dmesg_hex(&at, 16, ret))
		return false;
	*t = at;
	return true;
}

/* "size 0x1000", "0x1000-0x1fff", "0x1000"; a range that ends before it begins is none. */
static bool extent(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	uint64_t first, last;

	if (pr_dmesg_skip(t, "size "))
		return hex_number(t, &e->size);
	if (!hex_number(t, &first))
		return false;
	last = first;
	if (pr_dmesg_skip(t, "-") && !hex_number(t, &last))
		return false;
	if (last < first)
		return true;

	e->placed = true;
	e->range = (struct pr_range){ first, last };
	e->size = pr_range_size(&e->range);
	return true;
}

static bool attribute(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	static const struct {
		const char *word;
		uint32_t flags;
	} attributes[] = {
		{ "64bit", PR_IORES_MEM_64 },
		{ "pref", PR_IORES_PREFETCH },
		{ "window", PR_IORES_WINDOW },
		{ "disabled", PR_IORES_DISABLED },
		{ "fixed", PR_IORES_PCI_FIXED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!pr_dmesg_skip(t, attributes[i].word))
			continue;
		e->flags |= attributes[i].flags;
		return true;
	}
	return false;
}

bool pr_dmesg_resource(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	struct pr_dmesg_text at = *t;
	struct pr_dmesg_entry found = *e;

	found.placed = false;
	found.flags = 0;
	found.size = 0;
	if (pr_dmesg_skip(&at, "[mem "))
		found.flags = PR_IORES_MEM;
	else if (pr_dmesg_skip(&at, "[io "))
		found.flags = PR_IORES_IO;
	else
		return false;
	(void)pr_dmesg_skip(&at, " "); /* "[io  0x...": padded, but not always */
	if (!extent(&at, &found))
		return false;
	while (pr_dmesg_skip(&at, " "))
		if (!attribute(&at, &found))
			return false;
	if (!pr_dmesg_skip(&at, "]"))
		return false;

	*t = at;
	*e = found;
	return true;
}

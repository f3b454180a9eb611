/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of functions as text: "0000:02:01.0". */
#include "pciroom/topology.h"

#include <stdio.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads @min to @max digits and moves @text behind them. */
static bool read_hex(const char **text, int min, int max, uint32_t *ret)
{
	uint32_t value = 0;
	int n = 0;

	while (n < max && hex_digit((*text)[n]) >= 0)
		value = value << 4 | (uint32_t)hex_digit((*text)[n++]);
	if (n < min)
		return false;

	*text += n;
	*ret = value;
	return true;
}

static bool read_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

bool pr_address_parse(const char *text, struct pr_address *ret)
{
	uint32_t domain = 0, bus, device, function;
	const char *rest = text;

	/*
	 * a domain has four digits at least, a bus two: the first colon tells which one stands
	 * here
	 */
	if (read_hex(&rest, 4, 8, &domain) && read_char(&rest, ':'))
		text = rest;
	else
		domain = 0;

	if (!read_hex(&text, 2, 2, &bus) || !read_char(&text, ':') ||
		!read_hex(&text, 2, 2, &device) || !read_char(&text, '.') ||
		!read_hex(&text, 1, 1, &function) || *text != '\0')
		return false;
	if (device > 0x1f || function > 7)
		return false;

	*ret = (struct pr_address){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return true;
}

void pr_address_format(const struct pr_address *a, char ret[PR_ADDRESS_MAX])
{
	(void)snprintf(ret, PR_ADDRESS_MAX, "%04x:%02x:%02x.%x", a->domain, a->bus,
		a->device & 0x1fu, a->function & 7u);
}

int pr_address_compare(const struct pr_address *a, const struct pr_address *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (int)a->function - (int)b->function;
}

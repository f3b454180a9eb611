/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots out of lspci -vv: "00:1c.0 PCI bridge: ...", and below it "SltCap: ... HotPlug+ ...". */
#include "companion.h"

#include <stdio.h>
#include <string.h>

#include "pciroom/topology.h"

static bool starts_function(const char *line, size_t length, struct pr_address *ret)
{
	char word[PR_ADDRESS_MAX];
	const char *blank = memchr(line, ' ', length);
	size_t n = blank ? (size_t)(blank - line) : 0;

	if (n == 0 || n >= sizeof(word))
		return false;
	memcpy(word, line, n);
	word[n] = '\0';
	return pr_address_parse(word, ret);
}

void companion_slots(const char *lspci, struct pr_text *log)
{
	char name[PR_ADDRESS_MAX] = "";
	struct pr_address a;

	for (const char *p = lspci; *p;) {
		size_t n = strcspn(p, "\n");

		if (starts_function(p, n, &a))
			pr_address_format(&a, name);
		if (memmem(p, n, "SltCap:", 7) && memmem(p, n, "HotPlug+", 8) && name[0])
			pr_text_printf(log, "\npcieport %s: pciehp: Slot #0 HotPlug+\n", name);
		p += n + (p[n] == '\n');
	}
}

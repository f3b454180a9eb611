/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of classes, kinds, states and sizes; tables and nothing else. */
#include <inttypes.h>
#include <stdio.h>

#include "base/macros.h"
#include "cli/words.h"

/*
 * Class codes (PCI Code and ID Assignment Specification, section 1), most
 * specific first: the first row whose masked bits agree names the class.
 */
static const struct {
	uint32_t mask, code;
	const char *text;
} classes[] = {
	{ 0xffffff, 0x010802, "NVMe controller" },
	{ 0xffffff, 0x010601, "SATA controller" },
	{ 0xffffff, 0x0c0330, "USB controller" },
	{ 0xffffff, 0x0c0340, "USB4 controller" },
	{ 0xffff00, 0x000100, "VGA controller" },
	{ 0xffff00, 0x010000, "SCSI controller" },
	{ 0xffff00, 0x010100, "IDE controller" },
	{ 0xffff00, 0x010400, "RAID controller" },
	{ 0xffff00, 0x010500, "ATA controller" },
	{ 0xffff00, 0x010600, "SATA controller" },
	{ 0xffff00, 0x010700, "SAS controller" },
	{ 0xffff00, 0x010800, "NVM controller" },
	{ 0xff0000, 0x010000, "storage controller" },
	{ 0xffff00, 0x020000, "Ethernet controller" },
	{ 0xffff00, 0x020700, "InfiniBand controller" },
	{ 0xffff00, 0x028000, "network controller" },
	{ 0xff0000, 0x020000, "network controller" },
	{ 0xffff00, 0x030000, "VGA controller" },
	{ 0xffff00, 0x030200, "3D controller" },
	{ 0xff0000, 0x030000, "display controller" },
	{ 0xffff00, 0x040100, "audio device" },
	{ 0xffff00, 0x040300, "audio device" },
	{ 0xff0000, 0x040000, "multimedia device" },
	{ 0xffff00, 0x050200, "CXL memory" },
	{ 0xff0000, 0x050000, "memory controller" },
	{ 0xffff00, 0x060000, "host bridge" },
	{ 0xffff00, 0x060100, "ISA bridge" },
	{ 0xffff00, 0x060400, "PCI bridge" },
	{ 0xffff00, 0x060700, "CardBus bridge" },
	{ 0xff0000, 0x060000, "bridge" },
	{ 0xffff00, 0x070000, "serial port" },
	{ 0xff0000, 0x070000, "communication controller" },
	{ 0xffff00, 0x080600, "IOMMU" },
	{ 0xffff00, 0x080700, "root complex event collector" },
	{ 0xff0000, 0x080000, "system peripheral" },
	{ 0xff0000, 0x090000, "input controller" },
	{ 0xff0000, 0x0b0000, "processor" },
	{ 0xffff00, 0x0c0300, "USB controller" },
	{ 0xffff00, 0x0c0400, "Fibre Channel controller" },
	{ 0xffff00, 0x0c0500, "SMBus controller" },
	{ 0xff0000, 0x0c0000, "serial bus controller" },
	{ 0xff0000, 0x0d0000, "wireless controller" },
	{ 0xff0000, 0x0e0000, "I/O controller" },
	{ 0xff0000, 0x0f0000, "satellite controller" },
	{ 0xff0000, 0x100000, "encryption controller" },
	{ 0xff0000, 0x110000, "signal processing controller" },
	{ 0xff0000, 0x120000, "accelerator" },
	{ 0xff0000, 0x130000, "instrumentation device" },
};

const char *pr_class_text(uint32_t class_code)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if ((class_code & classes[i].mask) == classes[i].code)
			return classes[i].text;

	return "device";
}

const char *pr_function_role(const struct pr_function *f)
{
	const char *class_text = pr_class_text(f->header.class_code);

	if (!f->bridge || !f->caps || f->caps->pcie.present != PR_YES)
		return class_text;

	switch (f->caps->pcie.port) {
	case PR_PORT_ROOT:
		return "root port";
	case PR_PORT_UPSTREAM:
		return "upstream port";
	case PR_PORT_DOWNSTREAM:
		return "downstream port";
	case PR_PORT_PCIE_TO_PCI:
		return "PCIe to PCI bridge";
	case PR_PORT_PCI_TO_PCIE:
		return "PCI to PCIe bridge";
	case PR_PORT_NONE:
	case PR_PORT_ENDPOINT:
	case PR_PORT_LEGACY_ENDPOINT:
	case PR_PORT_RC_ENDPOINT:
	case PR_PORT_RC_EVENT_COLLECTOR:
		break;
	}
	return class_text;
}

const char *pr_window_content(unsigned int window)
{
	return window == PR_WINDOW_IO    ? "I/O ports"
	       : window == PR_WINDOW_MEM ? "memory"
					 : "prefetchable memory";
}

const char *pr_size_text(const struct pr_style *s, uint64_t bytes, char ret[PR_WORD_MAX])
{
	if (bytes == PR_SIZE_UNKNOWN) {
		(void)snprintf(ret, PR_WORD_MAX, "of unknown size");
	} else if (s->bytes) {
		(void)snprintf(ret, PR_WORD_MAX, "%" PRIu64 " bytes", bytes);
	} else {
		char human[PR_SIZE_TEXT_MAX];

		(void)snprintf(ret, PR_WORD_MAX, "%s", pr_size_format(bytes, human));
	}

	return ret;
}

const char *pr_root_name(const struct pr_root *root, char ret[PR_ROOT_NAME_MAX])
{
	(void)snprintf(
		ret, PR_ROOT_NAME_MAX, "%04" PRIx32 ":%02x", root->facts.domain, root->facts.bus);

	return ret;
}

struct pr_name pr_name_of(const struct pr_address *a)
{
	struct pr_name name;

	pr_address_format(a, name.text);
	return name;
}

void pr_text_count(struct pr_text *t, size_t n, const char *noun)
{
	pr_text_printf(t, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

void pr_text_paint(
	struct pr_text *t, const struct pr_style *s, enum pr_paint paint, const char *text)
{
	/* ECMA-48 SGR: bold; bold green, yellow, red */
	static const char *const codes[] = {
		[PR_PAINT_NONE] = "",
		[PR_PAINT_BOLD] = "\033[1m",
		[PR_PAINT_GOOD] = "\033[1;32m",
		[PR_PAINT_WARN] = "\033[1;33m",
		[PR_PAINT_BAD] = "\033[1;31m",
	};

	if (!s->color || paint == PR_PAINT_NONE) {
		pr_text_add(t, text);
		return;
	}
	pr_text_printf(t, "%s%s\033[0m", codes[paint], text);
}

void pr_text_function(struct pr_text *t, const struct pr_function *f)
{
	pr_text_add(t, pr_function_role(f));
	if (f->header.has_ids)
		pr_text_printf(t, " %04x:%04x", f->header.vendor, f->header.device);
	pr_text_add(t, ", ");
	if (f->facts->driver)
		pr_text_printf(t, "driver %s", f->facts->driver);
	else
		pr_text_add(t, "no driver");
}

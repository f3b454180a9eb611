/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What functions are called by their class code, for people. */
#include "pciroom/topology.h"

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
#define N_CLASSES (sizeof(classes) / sizeof(classes[0]))

const char *pr_class_text(uint32_t class_code)
{
	for (size_t i = 0; i < N_CLASSES; i++)
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

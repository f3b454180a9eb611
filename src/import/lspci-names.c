/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lspci prints instead of numbers: names of classes (PCI Code and ID
 * Assignment Specification 1.16 section 1, in the words of pci.ids) and of
 * capabilities (sections 2 and 3, in those of lspci).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "import/lspci.h"

static const struct {
	uint16_t code;
	const char *name;
} classes[] = {
	{ 0x0000, "Non-VGA unclassified device" },
	{ 0x0001, "VGA compatible unclassified device" },
	{ 0x0005, "Image coprocessor" },
	{ 0x0100, "SCSI storage controller" },
	{ 0x0101, "IDE interface" },
	{ 0x0102, "Floppy disk controller" },
	{ 0x0103, "IPI bus controller" },
	{ 0x0104, "RAID bus controller" },
	{ 0x0105, "ATA controller" },
	{ 0x0106, "SATA controller" },
	{ 0x0107, "Serial Attached SCSI controller" },
	{ 0x0108, "Non-Volatile memory controller" },
	{ 0x0109, "Universal Flash Storage controller" },
	{ 0x0180, "Mass storage controller" },
	{ 0x0200, "Ethernet controller" },
	{ 0x0201, "Token ring network controller" },
	{ 0x0202, "FDDI network controller" },
	{ 0x0203, "ATM network controller" },
	{ 0x0204, "ISDN controller" },
	{ 0x0205, "WorldFip controller" },
	{ 0x0206, "PICMG controller" },
	{ 0x0207, "Infiniband controller" },
	{ 0x0208, "Fabric controller" },
	{ 0x0280, "Network controller" },
	{ 0x0300, "VGA compatible controller" },
	{ 0x0301, "XGA compatible controller" },
	{ 0x0302, "3D controller" },
	{ 0x0380, "Display controller" },
	{ 0x0400, "Multimedia video controller" },
	{ 0x0401, "Multimedia audio controller" },
	{ 0x0402, "Computer telephony device" },
	{ 0x0403, "Audio device" },
	{ 0x0480, "Multimedia controller" },
	{ 0x0500, "RAM memory" },
	{ 0x0501, "FLASH memory" },
	{ 0x0502, "CXL" },
	{ 0x0580, "Memory controller" },
	{ 0x0600, "Host bridge" },
	{ 0x0601, "ISA bridge" },
	{ 0x0602, "EISA bridge" },
	{ 0x0603, "MicroChannel bridge" },
	{ 0x0604, "PCI bridge" },
	{ 0x0605, "PCMCIA bridge" },
	{ 0x0606, "NuBus bridge" },
	{ 0x0607, "CardBus bridge" },
	{ 0x0608, "RACEway bridge" },
	{ 0x0609, "Semi-transparent PCI-to-PCI bridge" },
	{ 0x060a, "InfiniBand to PCI host bridge" },
	{ 0x0680, "Bridge" },
	{ 0x0700, "Serial controller" },
	{ 0x0701, "Parallel controller" },
	{ 0x0702, "Multiport serial controller" },
	{ 0x0703, "Modem" },
	{ 0x0704, "GPIB controller" },
	{ 0x0705, "Smard Card controller" },
	{ 0x0780, "Communication controller" },
	{ 0x0800, "PIC" },
	{ 0x0801, "DMA controller" },
	{ 0x0802, "Timer" },
	{ 0x0803, "RTC" },
	{ 0x0804, "PCI Hot-plug controller" },
	{ 0x0805, "SD Host controller" },
	{ 0x0806, "IOMMU" },
	{ 0x0880, "System peripheral" },
	{ 0x0899, "Timing Card" },
	{ 0x0900, "Keyboard controller" },
	{ 0x0901, "Digitizer Pen" },
	{ 0x0902, "Mouse controller" },
	{ 0x0903, "Scanner controller" },
	{ 0x0904, "Gameport controller" },
	{ 0x0980, "Input device controller" },
	{ 0x0a00, "Generic Docking Station" },
	{ 0x0a80, "Docking Station" },
	{ 0x0b02, "Pentium" },
	{ 0x0b10, "Alpha" },
	{ 0x0b20, "Power PC" },
	{ 0x0b30, "MIPS" },
	{ 0x0b40, "Co-processor" },
	{ 0x0c00, "FireWire (IEEE 1394)" },
	{ 0x0c01, "ACCESS Bus" },
	{ 0x0c02, "SSA" },
	{ 0x0c03, "USB controller" },
	{ 0x0c04, "Fibre Channel" },
	{ 0x0c05, "SMBus" },
	{ 0x0c06, "InfiniBand" },
	{ 0x0c07, "IPMI Interface" },
	{ 0x0c08, "SERCOS interface" },
	{ 0x0c09, "CANBUS" },
	{ 0x0c80, "Serial bus controller" },
	{ 0x0d00, "IRDA controller" },
	{ 0x0d01, "Consumer IR controller" },
	{ 0x0d10, "RF controller" },
	{ 0x0d11, "Bluetooth" },
	{ 0x0d12, "Broadband" },
	{ 0x0d20, "802.1a controller" },
	{ 0x0d21, "802.1b controller" },
	{ 0x0d80, "Wireless controller" },
	{ 0x0e00, "I2O" },
	{ 0x0f01, "Satellite TV controller" },
	{ 0x0f02, "Satellite audio communication controller" },
	{ 0x0f03, "Satellite voice communication controller" },
	{ 0x0f04, "Satellite data communication controller" },
	{ 0x1000, "Network and computing encryption device" },
	{ 0x1010, "Entertainment encryption device" },
	{ 0x1080, "Encryption controller" },
	{ 0x1100, "DPIO module" },
	{ 0x1101, "Performance counters" },
	{ 0x1110, "Communication synchronizer" },
	{ 0x1120, "Signal processing management" },
	{ 0x1180, "Signal processing controller" },
	{ 0x1200, "Processing accelerators" },
	{ 0x1201, "SNIA Smart Data Accelerator Interface (SDXI) controller" },
	{ 0x0000, "Unclassified device" },
	{ 0x0880, "Generic system peripheral" },
	{ 0x0b00, "Processor" },
	{ 0x0e00, "Intelligent controller" },
	{ 0x0f00, "Satellite communications controller" },
	{ 0x1300, "Non-Essential Instrumentation" },
	{ 0x4000, "Coprocessor" },
	{ 0xff00, "Unassigned class" },
};

bool pr_lspci_class(const char *name, size_t n, uint16_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strncasecmp(name, classes[i].name, n) != 0 || classes[i].name[n] != '\0')
			continue;
		*ret = classes[i].code;
		return true;
	}

	return false;
}

struct cap_name {
	uint16_t id;
	const char *name; /* what the line begins with */
};

static const struct cap_name standard[] = {
	{ 0x01, "Power Management" },
	{ 0x02, "AGP version" },
	{ 0x02, "AGP " },
	{ 0x03, "Vital Product Data" },
	{ 0x04, "Slot ID:" },
	{ 0x05, "MSI:" },
	{ 0x05, "Message Signalled Interrupts" },
	{ 0x06, "CompactPCI hot-swap" },
	{ 0x07, "PCI-X " },
	{ 0x08, "HyperTransport:" },
	{ 0x09, "Vendor Specific Information" },
	{ 0x0a, "Debug port" },
	{ 0x0b, "CompactPCI central resource control" },
	{ 0x0c, "Hot-plug capable" },
	{ 0x0d, "Subsystem:" },
	{ 0x0e, "AGP3" },
	{ 0x0f, "Secure device" },
	{ 0x10, "Express" },
	{ 0x11, "MSI-X:" },
	{ 0x12, "SATA HBA" },
	{ 0x13, "PCI Advanced Features" },
	{ 0x14, "Enhanced Allocation" },
	{ 0x15, "Flattening Portal Bridge" },
	{ 0x00, "Null" },
};

static const struct cap_name extended[] = {
	{ 0x01, "Advanced Error Reporting" },
	{ 0x02, "Virtual Channel" },
	{ 0x03, "Device Serial Number" },
	{ 0x04, "Power Budgeting" },
	{ 0x05, "Root Complex Link" },
	{ 0x06, "Root Complex Internal Link" },
	{ 0x07, "Root Complex Event Collector" },
	{ 0x08, "Multi-Function Virtual Channel" },
	{ 0x0a, "Root Complex Register Block" },
	{ 0x0b, "Vendor Specific Information" },
	{ 0x0d, "Access Control Services" },
	{ 0x0e, "Alternative Routing-ID Interpretation" },
	{ 0x0f, "Address Translation Service" },
	{ 0x10, "Single Root I/O Virtualization" },
	{ 0x11, "Multi-Root I/O Virtualization" },
	{ 0x12, "Multicast" },
	{ 0x13, "Page Request Interface" },
	{ 0x15, "Physical Resizable BAR" },
	{ 0x15, "Resizable BAR" },
	{ 0x16, "Dynamic Power Allocation" },
	{ 0x17, "Transaction Processing Hints" },
	{ 0x18, "Latency Tolerance Reporting" },
	{ 0x19, "Secondary PCI Express" },
	{ 0x1a, "Protocol Multiplexing" },
	{ 0x1b, "Process Address Space ID" },
	{ 0x1c, "LN Requester" },
	{ 0x1d, "Downstream Port Containment" },
	{ 0x1e, "L1 PM Substates" },
	{ 0x1f, "Precision Time Measurement" },
	{ 0x20, "PCI Express over M_PHY" },
	{ 0x21, "FRS Queueing" },
	{ 0x22, "Readiness Time Reporting" },
	{ 0x23, "Designated Vendor-Specific" },
	{ 0x24, "Virtual Resizable BAR" },
	{ 0x24, "VF Resizable BAR" },
	{ 0x25, "Data Link Feature" },
	{ 0x26, "Physical Layer 16.0 GT/s" },
	{ 0x27, "Lane Margining at the Receiver" },
	{ 0x28, "Hierarchy ID" },
	{ 0x29, "Native PCIe Enclosure Management" },
	{ 0x2a, "Physical Layer 32.0 GT/s" },
	{ 0x2b, "Alternate Protocol" },
	{ 0x2c, "System Firmware Intermediary" },
	{ 0x2e, "Data Object Exchange" },
	{ 0x2f, "Device 3" },
	{ 0x30, "Integrity & Data Encryption" },
	{ 0x31, "Physical Layer 64.0 GT/s" },
	{ 0x00, "Null" },
};

/* "#15", "Extended Capability ID 0x2f": what this lspci had no name for. */
static bool numbered(const char *name, uint16_t *ret)
{
	const char *at = *name == '#' ? name + 1 : strstr(name, "Capability ID 0x");
	unsigned long value;
	char *end;

	if (at && *name != '#')
		at += strlen("Capability ID 0x");
	if (!at || !isxdigit((unsigned char)*at))
		return false;
	value = strtoul(at, &end, 16);
	if (value > UINT16_MAX)
		return false;
	*ret = (uint16_t)value;
	return true;
}

bool pr_lspci_cap_id(const char *name, bool is_extended, uint16_t *ret)
{
	const struct cap_name *names = is_extended ? extended : standard;
	size_t n = is_extended ? ARRAY_SIZE(extended) : ARRAY_SIZE(standard);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(name, names[i].name, strlen(names[i].name)) != 0)
			continue;
		*ret = names[i].id;
		return true;
	}

	return numbered(name, ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * yank ADDRESS: switches off the power of a port's slot behind the kernel's back.  To QEMU that is a
 * card pulled without a word: it is gone at once, and the port says so.  By I/O ports, as the port
 * may be removed from the kernel at that moment.  Linked statically.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

#define CONTROL 0xcf8
#define DATA    0xcfc

static uint32_t port;

static void at(unsigned int offset)
{
	outl(UINT32_C(0x80000000) | port | (offset & 0xfc), CONTROL);
}

static unsigned int get(unsigned int offset, unsigned int mask)
{
	at(offset);
	return (inl(DATA) >> (offset & 3) * 8) & mask;
}

static void put16(unsigned int offset, unsigned int value)
{
	at(offset);
	outw((unsigned short)value, (unsigned short)(DATA + (offset & 2)));
}

/* The PCI Express capability; 0: none. */
static unsigned int find_express(void)
{
	unsigned int place = get(0x34, 0xfc);

	for (int left = 48; place && left > 0; left--, place = get(place + 1, 0xfc))
		if (get(place, 0xff) == 0x10)
			return place;

	return 0;
}

int main(int argc, char **argv)
{
	unsigned int bus, device, function, express;

	if (argc != 2 || sscanf(argv[1], "0000:%x:%x.%x", &bus, &device, &function) != 3) {
		fprintf(stderr, "yank 0000:BUS:DEVICE.FUNCTION\n");
		return EXIT_FAILURE;
	}
	if (iopl(3) < 0) {
		perror("yank");
		return EXIT_FAILURE;
	}
	port = bus << 16 | device << 11 | function << 8;
	express = find_express();
	if (!express) {
		fprintf(stderr, "yank: no PCI Express port there\n");
		return EXIT_FAILURE;
	}

	/* Slot Control: power controller and power indicator off (PCI Express 7.5.3.10) */
	put16(express + 0x18, get(express + 0x18, 0xffff) | 0x0700);
	return EXIT_SUCCESS;
}

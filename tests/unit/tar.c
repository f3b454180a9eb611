/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX 1003.1-1990, ustar. */
#include "tar.h"

#include <stdio.h>
#include <string.h>

/* The checksum counts its own field as blanks. */
static void seal(char *header, size_t size)
{
	char number[12];
	unsigned int sum = 0;

	(void)snprintf(number, sizeof(number), "%011zo", size);
	memcpy(header + 124, number, 11);
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(number, sizeof(number), "%06o", sum);
	memcpy(header + 148, number, 7);
}

void tar_header(char *header, const char *name, char type, const char *target, size_t size)
{
	memset(header, 0, TAR_BLOCK);
	(void)snprintf(header, TAR_NAME, "%s", name);
	memcpy(header + 100, "0000644", 8);
	header[156] = type;
	(void)snprintf(header + 157, TAR_NAME, "%s", target ? target : "");
	memcpy(header + 257,
		"ustar\0"
		"00",
		8);
	seal(header, size);
}

bool tar_add(struct tar *t, const char *name, char type, const char *target, const void *content,
	size_t size)
{
	const size_t whole = TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	char *header = t->data + t->size;

	if (whole > sizeof(t->data) - t->size)
		return false;
	memset(header, 0, whole);
	tar_header(header, name, type, target, size);
	if (size > 0)
		memcpy(header + TAR_BLOCK, content, size);
	t->size += whole;
	return true;
}

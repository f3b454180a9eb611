/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order in which the kernel found the functions, where that is not the order of addresses. */
#pragma once

#include "import/sysfs.h"

struct pr_order;

/*
 * Reads /proc/bus/pci/devices below the root of @s; a machine without it has no order.
 * Freed with pr_order_free().  0, or -ENOMEM with the error of @s.
 */
int pr_order_read(const struct pr_sysfs *s, struct pr_order **ret);
void pr_order_free(struct pr_order *order);

/* The same from a buffer.  NULL when memory is short. */
struct pr_order *pr_order_parse(const char *text, size_t size);

/* Place of the function, from 1; 0 when it is that of its address, or nobody can tell. */
unsigned int pr_order_place(const struct pr_order *order, const struct pr_address *address);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the card of a plan that replaces one is made another, while it is away. */
#pragma once

#include <stdbool.h>

struct pr_card_change {
	bool (*run)(void *userdata); /* false: it comes back as it is */
	void *userdata;
	unsigned int seconds; /* then the service brings it back by itself */
	bool link_off;        /* meanwhile */
};

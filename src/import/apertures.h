/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's resource lists say of the host bridges: apertures, what is busy in them, bus
 * ranges.
 */
#pragma once

#include "import/error.h"

/* A host bridge whose apertures are looked for. */
struct pr_aperture_root {
	struct pr_root_facts facts; /* in: domain and bus; the parser fills in the rest */
	bool nested; /* behind an endpoint (VMD): that endpoint's address is in host */
	struct pr_address host;
};

/* A text of the kind of /proc/iomem; NULL: could not be read. */
struct pr_resource_text {
	const char *name; /* for errors */
	const char *text;
	size_t size;
};

/*
 * True when no address is to be seen: an empty list, or one for readers without privilege, who get
 * zeros.
 */
bool pr_resource_text_masked(const char *text, size_t size);

/*
 * Fills in the facts of @n @roots, arrays in @arena.  What the texts do not
 * say stays unknown.  0; -EINVAL with @error for a line that is none; -ENOMEM.
 */
int pr_apertures_parse(const struct pr_resource_text *iomem, const struct pr_resource_text *ioports,
	struct pr_aperture_root *roots, size_t n, struct pr_arena *arena,
	struct pr_import_error *error);

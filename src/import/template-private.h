/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the template-*.c: one load, which may read several files into one arena. */
#pragma once

#include "import/template.h"
#include "import/yaml.h"

struct pr_template_load {
	struct pr_arena *arena;
	const struct pr_template_shelf *shelf;
	size_t n_functions, depth; /* of all that was read so far; of what is being read */
	bool told;                 /* the error names the innermost file already */
};

bool pr_template_name_valid(const char *name);

#define PR_TEMPLATE_PORTS \
	"endpoint, legacy-endpoint, upstream, downstream, pcie-to-pci, pci-to-pcie, none"
bool pr_template_port_parse(const char *name, enum pr_port_type *ret);
/* NULL for what a card does not have. */
const char *pr_template_port_name(enum pr_port_type port);

/* One text into the load's arena; as pr_template_read(). */
int pr_template_parse(struct pr_template_load *load, const char *text, size_t size,
	struct pr_template **ret, struct pr_import_error *error);
/* The template that another one names at what @y has read last; the error is about that place. */
int pr_template_load_named(struct pr_template_load *load, struct pr_yaml *y, const char *name,
	struct pr_template **ret);

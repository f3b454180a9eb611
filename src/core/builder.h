/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts that were taken, on their way from builder.c to topology-build.c. */
#pragma once

#include "pciroom/topology.h"

struct pr_builder {
	struct pr_arena *arena; /* becomes the topology's */
	struct pr_machine machine;
	struct pr_facts **facts;
	size_t n_facts, max_facts;
	struct pr_root_facts *roots;
	size_t n_roots, max_roots;
	uint32_t *seen; /* open-addressed table of indices into facts, plus one */
	size_t n_seen;  /* a power of two, 0 at first */
	bool failed;    /* memory was short: finish says so */
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Importers: live machines and recordings to topologies.  Parsers eat buffers;
 * every error names its place.
 */
#pragma once

#include "pciroom/topology.h"

struct pr_import_error {
	unsigned int line, column; /* of a text; 0: does not apply */
	char text[256];            /* sentence; names file, function or key */
};

/* Reads that need privilege; a NULL function means: this process reads for itself. */
struct pr_prober {
	void *userdata;
	/* Known prefix of configuration space into @buffer. */
	int (*config)(void *userdata, const struct pr_address *a, uint8_t *buffer, size_t size,
		size_t *ret);
	/* @name "iomem" or "ioports"; malloc'ed, NUL-terminated. */
	int (*file)(void *userdata, const char *name, char **ret, size_t *ret_size);
	/* All-ones readback of the BARs of a driverless function; NULL: sizes stay unknown. */
	int (*measure)(void *userdata, const struct pr_address *a, struct pr_bar_mask *ret,
		size_t max, size_t *ret_n);
	/* List of base/processes.h; malloc'ed, NUL-terminated. */
	int (*processes)(void *userdata, char **ret, size_t *ret_size);
};
struct pr_live_options {
	const char *root;               /* "/" or a directory that holds sys/ and proc/ */
	const struct pr_prober *prober; /* may be NULL */
	bool users;        /* look for users of functions (mounts, interfaces, open nodes) */
	const char *state; /* directory of our own journal, which is a user too; NULL: none */
};
/* 0, 1 with @error for contradictions in what was read, negative errno with @error. */
int pr_import_live(const struct pr_live_options *options, struct pr_topology **ret,
	struct pr_import_error *error);

/* Has the kernel a device of that address now?  One look, no import. */
bool pr_live_present(const char *root, const struct pr_address *a);

/*
 * Snapshot YAML (section 9 of the design).  Writing gives malloc'ed text; reading it back gives an
 * equal topology.
 */
/* 0; -EILSEQ when a text in @t is not UTF-8 (importers see to it that it is), -ENOMEM. */
int pr_snapshot_write(const struct pr_topology *t, char **ret, size_t *ret_size);
/*
 * 0; 1 with @error for facts that contradict each other; -EINVAL (not a snapshot), -EFBIG, -ENOMEM
 * with @error.
 */
int pr_snapshot_read(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error);

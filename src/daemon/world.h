/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon needs of the world outside: a look at the machine, and a back
 * end that changes it.  The real one reads through libpci and pciroom-helper;
 * tests bring a machine of text and the simulator.  Used in children only.
 */
#pragma once

#include "exec/hooks.h"
#include "pciroom/exec.h"
#include "pciroom/import.h"

struct pr_world {
	/*
	 * 0, 1 or negative errno with @error, as pr_import_live().  On success a
	 * non-empty @error->text says what could not be seen.
	 */
	int (*look)(void *userdata, struct pr_topology **ret, struct pr_import_error *error);
	/* Back end whose look operation is @looker. */
	int (*backend)(void *userdata, const struct pr_looker *looker, struct pr_backend *ret);
	void (*backend_free)(void *userdata, struct pr_backend *b);
	void *userdata;
	const struct pr_hooks_place *hooks; /* NULL: none */
	uint64_t look_usec;                 /* patience with a look; 0: a minute */
};

/* Where an installation has its hooks. */
extern const struct pr_hooks_place pr_hooks_installed;
void pr_hooks_untold(const char *path, int error); /* says so in the journal */

/* The real one. */
struct pr_real_world {
	const char *root;        /* as in struct pr_live_options */
	const char *state;       /* directory of our journal */
	const char *helper_path; /* listening socket of pciroom-helper */
	/* sockets of pciroom-processes and pciroom-kernel-log; asked only when the root is "/" */
	const char *processes_path, *log_path;
	unsigned int deadline_ms; /* of one blocking write */
	struct pr_helper *helper; /* of the back end; NULL before */
};
struct pr_world pr_world_real(struct pr_real_world *w); /* borrows @w */

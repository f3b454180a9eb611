/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the runner: a machine with a plan that was written by hand, and
 * a back end that fails when it is told to.
 */
#pragma once

#include "pciroom/exec.h"

/*
 * A dead card (256 MiB wanted) beside a running one below a root port, a disk
 * below another. The plan unbinds the running card's driver, writes the port's
 * subordinate bus number, removes the port and rescans the root bus.
 */
struct scene {
	struct pr_topology *machine;
	struct pr_plan plan;
	struct pr_step steps[5];
	struct pr_affected affected[3];
	const struct pr_function *targets[1];
	char *directory; /* of the journal */
};
#define SCENE_STEPS 5
#define SCENE_PORT  "0000:00:02.0"
#define SCENE_CARD  "0000:01:00.0" /* runs, driver e1000e */
#define SCENE_DEAD  "0000:01:01.0" /* the target */
#define SCENE_DISK  "0000:02:00.0" /* driver nvme, elsewhere */

void scene_setup(struct scene *s);
void scene_teardown(struct scene *s);
/* Journal of the scene's directory; fails the test when it cannot be opened. */
struct pr_journal *scene_journal(const struct scene *s);
/* What the journal file holds; malloc'ed. */
char *scene_journal_text(const struct scene *s);

/* True when every function of the scene is there, with its driver and its BARs. */
bool scene_is_whole(const struct scene *s, const struct pr_backend *backend);
/* True when the dead card has its BAR. */
bool scene_is_mended(const struct scene *s, const struct pr_backend *backend);

/* What the register holds that the plan writes: 0 at the start. */
uint32_t scene_register(const struct pr_backend *backend);

enum failing_how {
	FAIL_BEFORE, /* the operation is not done, and fails */
	FAIL_AFTER,  /* the operation is done, and fails: its reply was lost */
};
/* In front of another back end. */
struct failing {
	struct pr_backend inner, outer;
	unsigned int operations; /* so far, looks not counted */
	unsigned int at;         /* fails from this one on, counted from 1; 0: never */
	unsigned int until;      /* to this one */
	enum failing_how how;
	int error;
	bool looks_fail; /* too, in the same span */
	char log[1024];  /* "unbind 0000:01:00.0; ..." */
};
void failing_init(struct failing *f, const struct pr_backend *inner);

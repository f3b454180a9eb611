/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be known to bring everything back: who was there, what is undone
 * how, and how far the run came.  In memory the same after a failed step as
 * after reading the journal of a run that was killed.  Knows no files.
 */
#pragma once

#include "base/text.h"
#include "exec/guard.h"

struct pr_record_function {
	const char *path;
	struct pr_address address; /* at the start; renumbering may change it */
	const char *driver;        /* NULL: none */
	bool replaced;             /* another may come back, or none */
	bool stays_unbound;        /* works, and has no driver: somebody wants it that way */
	uint32_t assigned;         /* bit n: resource n had addresses; BARs and VF BARs only */
};

enum pr_inverse_kind {
	PR_INVERSE_NONE = 0,
	PR_INVERSE_WRITE,       /* put back `old`, where the register still holds `value` */
	PR_INVERSE_RESIZE,      /* `old_size` for BAR `index`, where it still has `size` */
	PR_INVERSE_RESCAN,      /* at `address` */
	PR_INVERSE_RESCAN_ROOT, /* of the bus in `address` */
	PR_INVERSE_VFS,         /* `old` virtual functions, where there are `value` now */
};

struct pr_record_step {
	enum pr_step_kind kind;
	const char *text; /* the step for people, behind its kind */
	bool doing, done;
	const char *path; /* function the step is about; NULL: none */
	enum pr_inverse_kind inverse;
	struct pr_address address;
	uint16_t offset;
	uint8_t width;
	uint32_t value, old;
	uint8_t index;
	uint64_t size, old_size;
};

struct pr_setting;
struct pr_record_setting {
	const char *path;
	const struct pr_setting *what;
	const char *text; /* of an attribute */
	uint32_t value;   /* of a register, masked */
};

/* The port above a card that is replaced. */
struct pr_swap {
	struct pr_guarded slot;
	bool linked;  /* @slot has its port, and where the link's registers are */
	bool slotted; /* it is a hot-plug slot, and in our hands meanwhile */
	bool guarded; /* it was taken from the kernel before, and stays so */
};

struct pr_record {
	struct pr_arena *arena;
	char id[17];
	uint64_t generation;
	char boot[40]; /* the kernel's boot_id when it was begun; empty: not known */
	struct pr_record_function *functions;
	size_t n_functions;
	struct pr_record_step *steps;
	size_t n_steps;
	struct pr_record_setting *settings; /* those of one function are neighbours */
	size_t n_settings;
	struct pr_swap swap;
	bool hold;    /* drivers are kept off what the rescans find, until it is set up */
	bool waiting; /* all is done, and nobody has confirmed it */
	bool ended;
	bool lost; /* its last end: something was missing, and may be looked for once more */
};

/* BARs and VF BARs of @f that have addresses; those are what its driver works with. */
uint32_t pr_record_assigned(const struct pr_function *f);

/* Of a plan that is about to run on @now. */
int pr_record_new(
	const struct pr_plan *plan, const struct pr_topology *now, struct pr_record **ret);
struct pr_record *pr_record_alloc(void);       /* an empty one; NULL: no memory */
void pr_record_free(struct pr_record *record); /* NULL is fine */

/* Will the function at @path be removed by a step of the plan? */
bool pr_record_removes(const struct pr_record *record, const char *path);

/* The lines that begin a plan in the journal. */
void pr_record_write(const struct pr_record *record, struct pr_text *out);

/*
 * The last plan in the text of a journal.  0 and a record, 1 when there is
 * none, -EBADMSG for a line that is not the journal's (@ret_line, from 1).
 */
int pr_record_parse(const char *text, size_t size, struct pr_record **ret, unsigned int *ret_line);

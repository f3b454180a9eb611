/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From answers to output: explanations, plans and trees as sentences for
 * people and as JSON for programs.  Everything goes into a pr_text; nothing
 * here prints, reads or decides.
 */
#pragma once

#include "base/json.h"
#include "cli/words.h"
#include "pciroom/doctor.h"
#include "pciroom/import.h"
#include "pciroom/slots.h"
#include "pciroom/vfs.h"

/* What is wrong with the functions that are looked at, and whether a plan mends it. */
struct pr_diagnosis {
	const struct pr_topology *topology;
	const struct pr_explanation *explanation;
	const struct pr_function *const
		*named; /* by the user; explained even when nothing is wrong */
	size_t n_named;
	const struct pr_plan *plan;          /* for what is dead of it; NULL when none was made */
	const struct pr_import_notes *notes; /* of a recording, else NULL */
	const struct pr_disarm *disarms;     /* of doctor, one for each armed port */
};

void pr_render_explain(struct pr_text *t, const struct pr_style *s, const struct pr_diagnosis *d);
/* That nothing wrong is seen, and of how much that says nothing. */
void pr_render_unseen(struct pr_text *t, const struct pr_explanation *e);
void pr_render_explain_json(struct pr_json *j, const struct pr_diagnosis *d);

void pr_render_plan(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p);
/* "2 drivers will be restarted". */
void pr_render_cost(struct pr_text *t, const struct pr_plan *p);
/* One line, no newline: "unbind e1000e from 0000:03:00.0". */
void pr_render_step(struct pr_text *t, const struct pr_plan *p, const struct pr_step *step);
/*
 * The members of the plan object; the caller opens it (and writes "schema" where it stands alone).
 */
void pr_render_plan_json(struct pr_json *j, const struct pr_plan *p);

/* 0, or negative errno.  @doctor, here and below: which ports are armed; NULL: not looked for. */
int pr_render_tree(struct pr_text *t, const struct pr_style *s, const struct pr_topology *topology,
	const struct pr_doctor *doctor);
/* @notes NULL: of the machine itself. */
void pr_render_tree_json(struct pr_json *j, const struct pr_topology *topology,
	const struct pr_doctor *doctor, const struct pr_import_notes *notes);

/* 0, or negative errno. */
int pr_render_slots(struct pr_text *t, const struct pr_style *s, const struct pr_slots *slots,
	const struct pr_doctor *doctor);
/* A line for each slot of which something is not known. */
void pr_render_slot_doubts(struct pr_text *t, const struct pr_slots *slots);
/* @notes NULL: of the machine itself. */
void pr_render_slots_json(struct pr_json *j, const struct pr_slots *slots,
	const struct pr_doctor *doctor, const struct pr_import_notes *notes);
/* Its second half, Resizable BARs: a table of their own, and one more member. */
int pr_render_resizable(struct pr_text *t, const struct pr_style *s, const struct pr_slots *slots);
void pr_render_resizable_json(struct pr_json *j, const struct pr_slots *slots);

/* @diagnosis: the explanation of @d, and the plan for all that is dead. */
/* BARs that are elsewhere than the kernel believes: the damage that is neither dead nor closed. */
void pr_render_moved(struct pr_text *t, const struct pr_style *s, const struct pr_explanation *e);
void pr_render_doctor(struct pr_text *t, const struct pr_style *s, const struct pr_doctor *d,
	const struct pr_diagnosis *diagnosis);
void pr_render_doctor_json(
	struct pr_json *j, const struct pr_doctor *d, const struct pr_diagnosis *diagnosis);

/* 0, or negative errno. */
int pr_render_vfs(struct pr_text *t, const struct pr_style *s, const struct pr_vfs_list *l);
/* @notes NULL: of the machine itself. */
void pr_render_vfs_json(
	struct pr_json *j, const struct pr_vfs_list *l, const struct pr_import_notes *notes);

/* ---- shared by the JSON writers ---- */

/* "address" and "path" of @f. */
void pr_json_identity(struct pr_json *j, const struct pr_function *f);
/* "start" and "end". */
void pr_json_range(struct pr_json *j, const struct pr_range *range);
/* "devices", "no_bus" and "disagreeing". */
void pr_render_damage_json(struct pr_json *j, const struct pr_explanation *e);
void pr_render_explanation_json(struct pr_json *j, const struct pr_explanation *e);
/* An array of objects that hold address and path alone. */
void pr_json_functions(
	struct pr_json *j, const char *key, const struct pr_function *const *f, size_t n);
/* @f and all below it, as the tree has them. */
void pr_json_function(struct pr_json *j, const struct pr_function *f);
/* NULL: there is none. */
void pr_json_cost(struct pr_json *j, const char *key, const struct pr_cost *c);
/* "advice" and "no_advice" of @p. */
void pr_json_advice(struct pr_json *j, const struct pr_plan *p);
/* Hexadecimal, or null for PR_SIZE_UNKNOWN. */
void pr_json_size(struct pr_json *j, const char *key, uint64_t size);

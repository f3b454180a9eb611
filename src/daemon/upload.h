/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots that clients hand in.  The daemon never reads one: a child without
 * privileges, with little memory and little time, parses it, and another plans
 * on it.  What kills the child is an error for the client, and nothing more.
 */
#pragma once

#include "daemon/service.h"

#define PR_UPLOAD_SIZE_MAX      (8u << 20) /* bytes of one */
#define PR_UPLOADS_MAX          16u
#define PR_UPLOADS_USER_MAX     4u
#define PR_UPLOAD_CHILDREN      4u /* at the same time */
#define PR_UPLOAD_USER_CHILDREN 2u /* of one user who is not root */
#define PR_UPLOAD_PLANS_MAX     4u /* of one snapshot */
#define PR_UPLOAD_VIEW_MAX      (1u << 20)

/* A plan on a snapshot. */
struct pr_upload_plan {
	uint64_t number;  /* counts from 1 in each snapshot */
	uint64_t made_on; /* generation of the snapshot */
	struct pr_plan_view view;
	int fd; /* sealed memory file: the view, then the prediction, then the script */
	size_t view_size, prediction_size, script_size; /* 0: there is none */
};

struct pr_upload {
	uint64_t number; /* counts from 1; names the object on the bus */
	uid_t uid;
	int fd; /* sealed memory file: the snapshot as pciroom writes it */
	uint32_t functions, unassigned;
	uint64_t generation;
	struct pr_upload_plan *plans[PR_UPLOAD_PLANS_MAX]; /* oldest first */
	size_t n_plans;
	uint64_t last_plan;
	bool adding; /* a child is at it */
};

/* How a child ended. */
enum pr_upload_end {
	PR_UPLOAD_DONE = 0,
	PR_UPLOAD_INVALID,   /* what was handed in is no snapshot; the text says where and why */
	PR_UPLOAD_NO_DEVICE, /* the request names a device that is not in it */
	PR_UPLOAD_DIED,      /* the child did not live to tell */
};
struct pr_upload_result {
	enum pr_upload_end end;
	char text[512]; /* a reason; after adding, the path of the device */
	const struct pr_upload *upload;
	const struct pr_upload_plan *plan; /* after planning */
	uint64_t gone;                     /* number of the plan that made room for it; 0: none */
};
typedef void pr_upload_fn(void *userdata, const struct pr_upload_result *result);

/* Reads a text that may be anything, as pr_snapshot_read(). */
typedef int pr_upload_parser(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error);

struct pr_uploads;
int pr_uploads_new(sd_event *event, struct pr_uploads **ret);
void pr_uploads_free(struct pr_uploads *u); /* NULL is fine; who waits is not told */
/* For tests: what stands in for pr_snapshot_read(). */
void pr_uploads_set_parser(struct pr_uploads *u, pr_upload_parser *parser);

/* A card that a client makes up: an installed template's name, or a template as text. */
struct pr_upload_addition {
	const char *parent;      /* address or path of the port */
	const char *name, *yaml; /* one of them is NULL */
};

/*
 * All call @done once, later.  -EUSERS: the user has too many snapshots open; -EBUSY: too many
 * children are at work, or already at adding to this one.  @fd is borrowed.
 */
int pr_uploads_open(struct pr_uploads *u, int fd, uid_t uid, pr_upload_fn *done, void *userdata);
int pr_uploads_plan(struct pr_uploads *u, const struct pr_upload *of, const struct pr_asked *asked,
	pr_upload_fn *done, void *userdata);
/* The snapshot is another one afterwards, with the card in it; the text of the result is its path. */
int pr_uploads_add(struct pr_uploads *u, struct pr_upload *to,
	const struct pr_upload_addition *added, pr_upload_fn *done, void *userdata);
/* NULL: it was never there, or is closed. */
struct pr_upload *pr_uploads_find(const struct pr_uploads *u, uint64_t number);
/* NULL: it was never made, or is discarded. */
const struct pr_upload_plan *pr_upload_plan(const struct pr_upload *up, uint64_t number);
/* A sealed memory file of its prediction or its script; negative errno. */
int pr_upload_plan_open(const struct pr_upload_plan *p, bool script);
void pr_uploads_discard(struct pr_uploads *u, uint64_t upload, uint64_t plan);
size_t pr_uploads_count(const struct pr_uploads *u);
const struct pr_upload *pr_uploads_get(const struct pr_uploads *u, size_t n);
/* A child that plans on it goes on, for nobody. */
void pr_uploads_close(struct pr_uploads *u, uint64_t number);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots that clients hand in.  The daemon never reads one: a child without
 * privileges, with little memory and little time, parses it, and another plans
 * on it.  What kills the child is an error for the client, and nothing more.
 */
#pragma once

#include "daemon/service.h"

#define PR_UPLOAD_SIZE_MAX  (8u << 20) /* bytes of one */
#define PR_UPLOADS_MAX      16u
#define PR_UPLOADS_USER_MAX 4u
#define PR_UPLOAD_CHILDREN  4u /* at the same time */

struct pr_upload {
	uint64_t number; /* counts from 1; names the object on the bus */
	uid_t uid;
	int fd; /* sealed memory file: the snapshot as pciroom writes it */
	uint32_t functions, unassigned;
	uint64_t generation;
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
	char text[512];                 /* a reason; after a plan its verdict */
	const struct pr_upload *upload; /* after opening */
	int fd; /* after planning: sealed memory file, schema pciroom.plan-of-snapshot/1; borrowed */
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

/*
 * Both call @done once, later.  -EUSERS: the user has too many snapshots open; -EBUSY: too many
 * children are at work.  @fd is borrowed.
 */
int pr_uploads_open(struct pr_uploads *u, int fd, uid_t uid, pr_upload_fn *done, void *userdata);
int pr_uploads_plan(struct pr_uploads *u, const struct pr_upload *of, const struct pr_asked *asked,
	pr_upload_fn *done, void *userdata);
/* NULL: it was never there, or is closed. */
const struct pr_upload *pr_uploads_find(const struct pr_uploads *u, uint64_t number);
size_t pr_uploads_count(const struct pr_uploads *u);
const struct pr_upload *pr_uploads_get(const struct pr_uploads *u, size_t n);
/* A child that plans on it goes on. */
void pr_uploads_close(struct pr_uploads *u, uint64_t number);

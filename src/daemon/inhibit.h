/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inhibitors: programs that want a device left alone (pin), or want time before
 * it is paused (delay).  The lease is a FIFO in the runtime directory: whoever
 * has it open for writing holds it, also while the daemon is away, and its end
 * is the end of the last such descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

enum pr_inhibit_mode {
	PR_INHIBIT_PIN = 0,
	PR_INHIBIT_DELAY,
	_PR_INHIBIT_MODE_MAX,
};
const char *pr_inhibit_mode_name(enum pr_inhibit_mode m);
bool pr_inhibit_mode_parse(const char *name, enum pr_inhibit_mode *ret);

#define PR_INHIBITORS_MAX      128u
#define PR_INHIBITORS_USER_MAX 16u /* of one user who is not root */
#define PR_INHIBIT_PATHS_MAX   64u
#define PR_INHIBIT_TEXT_MAX    256u /* bytes of who and of why */

/* As one owned value; @paths are topological paths, none means every device. */
struct pr_inhibitor {
	uint32_t id;
	enum pr_inhibit_mode mode;
	uid_t uid;
	pid_t pid;
	char *who, *why;
	char **paths;
	size_t n_paths;
	int fd; /* reading end of the FIFO */
	sd_event_source *source;
};

struct pr_inhibitors;
/*
 * @directory: made when it is not there; the leases that are in it and still held are taken over.
 * @changed: one of that mode came, or was released.  0, or negative errno.
 */
int pr_inhibitors_new(sd_event *event, const char *directory,
	void (*changed)(void *userdata, enum pr_inhibit_mode mode), void *userdata,
	struct pr_inhibitors **ret);
/* Forgets them; who holds a lease still holds it for the next daemon.  NULL is fine. */
void pr_inhibitors_free(struct pr_inhibitors *l);

/*
 * Takes @wanted's texts over, whatever happens (id, fd and source are set here).  @ret_fd: the
 * writing end, for who asked.  -EUSERS: @wanted's user, or all together, have too many; -EINVAL: a
 * text is too long, or is not one line of UTF-8 that says something.
 */
int pr_inhibitors_add(struct pr_inhibitors *l, struct pr_inhibitor *wanted, int *ret_fd);
void pr_inhibitor_deinit(struct pr_inhibitor *i);

/* Oldest first. */
size_t pr_inhibitors_count(const struct pr_inhibitors *l);
const struct pr_inhibitor *pr_inhibitors_get(const struct pr_inhibitors *l, size_t n);
/* Is @i about the function at @path? */
bool pr_inhibitor_is_about(const struct pr_inhibitor *i, const char *path);
/* First of @mode that is about the function at @path; NULL: none.  @l may be NULL. */
const struct pr_inhibitor *pr_inhibitors_find(
	const struct pr_inhibitors *l, enum pr_inhibit_mode mode, const char *path);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guarded slots: a list that outlives the service, and a child that watches
 * them in place of pciehp.  Which they are comes from clients (leases, kept in
 * the state directory) and from rules of the configuration; a card that is
 * found there is an event like any other.
 */
#pragma once

#include "daemon/conf.h"
#include "daemon/worker.h"
#include "daemon/world.h"

struct pr_guarding;
struct pr_guard_events {
	void (*changed)(void *userdata); /* other ports are guarded than before */
	void (*ended)(void *userdata);   /* after pr_guarding_stop(): all are given back */
	void *userdata;
};
/*
 * Reads the leases in the directory @state.  @world and @state are borrowed.  0 or negative errno;
 * -EBADMSG: the list is damaged.
 */
int pr_guarding_new(sd_event *event, const struct pr_world *world, const char *state,
	const struct pr_guard_events *events, struct pr_guarding **ret);
void pr_guarding_free(struct pr_guarding *g); /* NULL is fine; gives nothing back */

/* What there is to guard on @t, where ports are looked for by their paths. */
void pr_guarding_looked(
	struct pr_guarding *g, const struct pr_topology *t, const struct pr_conf *conf);

/*
 * Takes a lease on @port, or gives it up.  0; -EOPNOTSUPP: it is no hot-plug slot of PCI Express;
 * -ENOENT: no lease is on it (a rule may guard it); other negative errno: the list cannot be
 * written, and all is as it was.  What follows is done at the next pr_guarding_looked().
 */
int pr_guarding_add(struct pr_guarding *g, const struct pr_function *port);
int pr_guarding_remove(struct pr_guarding *g, const struct pr_function *port);

/* Paths of the ports that are guarded; valid until something changes. */
const char *const *pr_guarding_list(const struct pr_guarding *g, size_t *ret_n);

/* Gives everything back, leases are kept.  True: ended() will come. */
bool pr_guarding_stop(struct pr_guarding *g);

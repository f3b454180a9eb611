/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stage for the daemon: service, children and bus objects on a machine of
 * text and the simulator, and a client at the other end of a socket pair, all
 * in one loop.  No bus daemon, no root, no device.  What fails, fails the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/text.h"
#include "daemon/bus.h"
#include "daemon/job.h"

/* ---- machines ---- */

#define HEAD                      \
	"kernel 6.1.0-50-amd64\n" \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"
#define PORT                                                                      \
	"00:02.0 bridge 01-01 root-port hotplug io=closed mem=80000000-801fffff " \
	"pref64=100000000-1001fffff driver=pcieport\n"
#define REST "00:1f.0 dev 8086:2918 class=060100\n"

/* A card whose BAR of 256 MiB is larger than the port's window; the host bridge has room. */
extern const char machine_dead[];
/* The same, mended. */
extern const char machine_mended[];
/* The other function of the card has a mounted file system, or only a driver. */
extern const char machine_dead_in_use[];
extern const char machine_dead_beside_idle[];
/* The BAR is larger than any aperture. */
extern const char machine_hopeless[];
extern const char machine_healthy[];

/* ---- the stage ---- */

enum fault {
	NO_FAULT = 0,
	LOOK_FAILS,
	LOOK_NOTES,
	LOOK_HANGS,
	NO_BACKEND,
	CHILD_DIES,
	CHILD_DIES_EARLY, /* the first, before anything is begun */
	CHILDREN_DIE
};

struct stage {
	const char *machine;       /* what a look sees */
	const char *machine_after; /* what it sees once a job has ended well */
	enum fault fault;
	const char *conf_mistake; /* what a reload finds, or NULL */
	char state[64];
	sd_event *event;
	sd_bus *server, *client;
	struct pr_world world;
	struct pr_service *service;
	struct pr_looking *looking;
	struct pr_planner *planner;
	unsigned int works; /* that the planner was given */
	struct pr_uploads *uploads;
	struct pr_inhibitors *inhibitors;
	sd_event_source *prepared; /* NULL: nothing is waited for */
	struct pr_running *running;
	struct pr_bus objects;
	bool saw_undoing;       /* some job told that it undoes what it did */
	struct pr_text signals; /* what the client heard, a line each */
	struct pr_text story;   /* what was logged, a line each */
	unsigned int retries;
};

void stage_open(struct stage *s, const char *machine, enum pr_mode mode);
void stage_close(struct stage *s);
/* Back end of the world: the simulator, or one that dies. */
int stage_backend(void *userdata, const struct pr_looker *looker, struct pr_backend *ret);
/* One turn of the loop, which must bring something. */
void stage_turn(struct stage *s);
/* Until the service rests and all that it said was heard. */
void stage_rest(struct stage *s);
/* As a daemon that starts: takes over the leases that are there. */
void stage_open_inhibitors(struct stage *s);
/* First look, and what follows from it. */
void stage_start(struct stage *s);
/* Something has happened: a look at what @machine is now, and what follows from it. */
void stage_look_again(struct stage *s, const char *machine);
/* Another configuration, as in a file, and what follows from it. */
void stage_configure(struct stage *s, const char *text);

/* What the client heard and what was logged, a line each. */
const char *stage_heard(const struct stage *s);
const char *stage_story(const struct stage *s);
/* @parts (NULL-terminated) are in @text, in this order. */
void assert_tells(const char *text, const char *const *parts);
#define assert_heard(s, ...) \
	assert_tells(stage_heard(s), (const char *const[]){ __VA_ARGS__, NULL })
#define assert_story(s, ...) \
	assert_tells(stage_story(s), (const char *const[]){ __VA_ARGS__, NULL })

/* Terms of a job that nobody has to confirm. */
extern const struct pr_terms stage_terms;

/* ---- the client; calls take the message over and return the reply ---- */

sd_bus_message *client_manager_call(struct stage *s, const char *method);
sd_bus_message *client_call(struct stage *s, sd_bus_message *m);
sd_bus_message *client_get(
	struct stage *s, const char *path, const char *interface, const char *property);
void client_assert_text(struct stage *s, const char *path, const char *interface,
	const char *property, const char *expected);
/* The Manager's list @property of ports has @path alone; NULL: it is empty. */
void assert_ports(struct stage *s, const char *property, const char *path);
uint64_t client_get_u64(
	struct stage *s, const char *path, const char *interface, const char *property);
uint32_t client_get_unassigned(struct stage *s);

/* NULL: not in the request. */
struct asked {
	const char *target, *disruption, *pinned, *unknown;
	const char *pf; /* that is to have @vfs virtual functions */
	unsigned int vfs;
	const char *bridge; /* that is to have @buses bus numbers */
	uint32_t buses;
	const char *window;  /* of @bridge, that is to have @size bytes */
	const char *replug;  /* a card that is to be replaced */
	const char *resized; /* whose BAR @resource is to have @size bytes */
	int resource;
	uint64_t size;
	uint64_t flags;
};
sd_bus_message *client_create_plan(struct stage *s, const struct asked *a);
void client_plan(struct stage *s, const struct asked *a, char ret[PR_BUS_PATH_MAX]);
sd_bus_message *client_apply(
	struct stage *s, const char *plan, uint64_t generation, uint32_t confirm);
void client_assert_path(sd_bus_message *m, char ret[PR_BUS_PATH_MAX]);
void client_assert_refused(sd_bus_message *m, const char *name, const char *text);
/* Plans everything that is dead and applies it, as job 1. */
void client_plan_and_apply(struct stage *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.pciroom1 on a bus connection: translates messages to questions and
 * requests of the service, and answers and changes back.  Decides nothing,
 * reads no file.  doc/org.pciroom1.5 is its page.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/guard.h"
#include "daemon/service.h"
#include "daemon/upload.h"

#define PR_BUS_NAME      "org.pciroom1"
#define PR_BUS_PATH      "/org/pciroom1"
#define PR_BUS_PLANS     PR_BUS_PATH "/plan"
#define PR_BUS_JOBS      PR_BUS_PATH "/job"
#define PR_BUS_DEVICES   PR_BUS_PATH "/device"
#define PR_BUS_SNAPSHOTS PR_BUS_PATH "/snapshot"

#define PR_BUS_MANAGER  "org.pciroom1.Manager"
#define PR_BUS_PLAN     "org.pciroom1.Plan"
#define PR_BUS_JOB      "org.pciroom1.Job"
#define PR_BUS_DEVICE   "org.pciroom1.Device"
#define PR_BUS_BRIDGE   "org.pciroom1.Bridge"
#define PR_BUS_SNAPSHOT "org.pciroom1.Snapshot"

#define PR_BUS_SLOTS_MAX 16u

struct pr_call;
struct pr_owner;

struct pr_bus {
	sd_bus *bus; /* borrowed */
	struct pr_service *service;
	sd_bus_slot *slots[PR_BUS_SLOTS_MAX];
	size_t n_slots;
	struct pr_inhibitors *inhibitors; /* borrowed; NULL: nobody can inhibit */
	struct pr_uploads *uploads;       /* borrowed */
	struct pr_guarding *guarding;     /* borrowed; NULL: no slot can be guarded */
	struct pr_owner *owners;          /* of snapshots, see bus-snapshot.c */
	struct pr_call *calls;            /* that wait, see bus-call.h */
};

/* Registers the objects; the name is requested by the caller, afterwards. */
int pr_bus_register(struct pr_bus *b, sd_bus *bus, struct pr_service *service);
void pr_bus_unregister(struct pr_bus *b);

/* The next place for a slot that pr_bus_unregister() lets go of. */
static inline sd_bus_slot **pr_bus_slot(struct pr_bus *b)
{
	return &b->slots[b->n_slots++];
}

/* What the service announces (struct pr_service_ops). */
/* @before: the machine as the objects showed it until now; NULL: nothing was seen. */
void pr_bus_looked(struct pr_bus *b, const struct pr_topology *before);
/* The port at the topological @path has become armed, or is not any more. */
void pr_bus_armed(struct pr_bus *b, const char *path);
void pr_bus_guarded(struct pr_bus *b); /* other slots than before */
void pr_bus_changed(struct pr_bus *b, unsigned int what);
/* PropertiesChanged with what the bits of @what stand for; at most eight of them. */
struct pr_bus_bit {
	unsigned int bit;
	const char *property;
};
void pr_bus_emit_changed(struct pr_bus *b, const char *path, const char *interface,
	const struct pr_bus_bit *bits, size_t n_bits, unsigned int what);
void pr_bus_job_new(struct pr_bus *b, const struct pr_job *job);
/* @what: PR_JOB_PHASE, ... */
void pr_bus_job_changed(struct pr_bus *b, const struct pr_job *job, unsigned int what);
void pr_bus_job_removed(struct pr_bus *b, const struct pr_job *job, const struct pr_report *report);

/* ---- bus-plan.c: plan objects; bus-job.c: job objects ---- */

#define PR_BUS_PATH_MAX 64
void pr_bus_plan_path(uint64_t number, char ret[PR_BUS_PATH_MAX]);
void pr_bus_job_path(uint32_t id, char ret[PR_BUS_PATH_MAX]);
/* Number of a plan's or job's object path; false for any other path. */
bool pr_bus_number_of(const char *path, const char *prefix, uint64_t *ret);
int pr_bus_register_plans(struct pr_bus *b);
int pr_bus_register_jobs(struct pr_bus *b);
void pr_bus_plan_news(struct pr_bus *b, uint64_t number, enum pr_plan_news news);

/* ---- bus-device.c: device and bridge objects; bus-changes.c: announcing what became of them ---- */

#define PR_BUS_DEVICE_PATH_MAX 400
/* The same of a path and of the object that devices are below of: this machine, or a snapshot. */
void pr_bus_device_name(const char *top, const char *path, char ret[PR_BUS_DEVICE_PATH_MAX]);
void pr_bus_device_path(const struct pr_function *f, char ret[PR_BUS_DEVICE_PATH_MAX]);
/* The function of the last look whose object that is; NULL: there is none. */
const struct pr_function *pr_bus_device_at(const struct pr_bus *b, const char *path);
int pr_bus_register_devices(struct pr_bus *b);

/* ---- bus-apply.c: methods of the manager that begin a job or end its wait ---- */

int pr_bus_method_apply_plan(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_method_replug(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_method_rollback(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_method_confirm(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* ---- bus-inhibit.c: three members of the manager ---- */

int pr_bus_method_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_method_list_inhibitors(sd_bus_message *m, void *userdata, sd_bus_error *error);
void pr_bus_prepare(struct pr_bus *b, const struct pr_job *job, bool start, uint64_t deadline_usec);

/* ---- bus-snapshot.c: snapshot objects, and how the manager makes one ---- */

void pr_bus_snapshot_path(uint64_t number, char ret[PR_BUS_PATH_MAX]);
/* Numbers of a snapshot and of a plan on it, by the plan's object path; false for any other. */
bool pr_bus_snapshot_plan_of(const char *path, uint64_t *ret_snapshot, uint64_t *ret_plan);
/* Another user's snapshot is none of the caller's business; root's business is everything. */
int pr_bus_snapshot_check(sd_bus_message *m, const struct pr_upload *up, sd_bus_error *error);
int pr_bus_method_open_snapshot(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_register_snapshots(struct pr_bus *b);
void pr_bus_forget_owners(struct pr_bus *b);

/* ---- bus-log.c: org.freedesktop.LogControl1 ---- */

int pr_bus_register_log(struct pr_bus *b);

/* ---- every interface, by its name, for whoever describes them ---- */

struct pr_bus_interface {
	const char *name;
	const sd_bus_vtable *vtable;
};
extern const struct pr_bus_interface pr_bus_interfaces[];
extern const size_t pr_n_bus_interfaces;
extern const sd_bus_vtable pr_bus_manager_vtable[], pr_bus_device_vtable[], pr_bus_bridge_vtable[],
	pr_bus_plan_vtable[], pr_bus_job_vtable[], pr_bus_snapshot_vtable[];

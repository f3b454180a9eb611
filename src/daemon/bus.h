/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.pciroom1 on a bus connection: translates messages to questions and
 * requests of the service, and answers and changes back.  Decides nothing,
 * reads no file.  doc/org.pciroom1.5 is its page.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/service.h"

#define PR_BUS_NAME  "org.pciroom1"
#define PR_BUS_PATH  "/org/pciroom1"
#define PR_BUS_PLANS PR_BUS_PATH "/plan"
#define PR_BUS_JOBS  PR_BUS_PATH "/job"

#define PR_BUS_MANAGER "org.pciroom1.Manager"
#define PR_BUS_PLAN    "org.pciroom1.Plan"
#define PR_BUS_JOB     "org.pciroom1.Job"

struct pr_call;

struct pr_bus {
	sd_bus *bus; /* borrowed */
	struct pr_service *service;
	sd_bus_slot *slots[4];
	struct pr_call *calls; /* that wait, see bus-call.h */
};

/* Registers the objects; the name is requested by the caller, afterwards. */
int pr_bus_register(struct pr_bus *b, sd_bus *bus, struct pr_service *service);
void pr_bus_unregister(struct pr_bus *b);

/* What the service announces (struct pr_service_ops). */
void pr_bus_changed(struct pr_bus *b, unsigned int what);
void pr_bus_job_new(struct pr_bus *b, const struct pr_job *job);
void pr_bus_job_step(struct pr_bus *b, const struct pr_job *job);
void pr_bus_job_removed(struct pr_bus *b, const struct pr_job *job, const struct pr_report *report);

/* ---- bus-plan.c: plan and job objects ---- */

#define PR_BUS_PATH_MAX 64
void pr_bus_plan_path(uint64_t number, char ret[PR_BUS_PATH_MAX]);
void pr_bus_job_path(uint32_t id, char ret[PR_BUS_PATH_MAX]);
/* Number of a plan's or job's object path; false for any other path. */
bool pr_bus_number_of(const char *path, const char *prefix, uint64_t *ret);
int pr_bus_register_plans(struct pr_bus *b);

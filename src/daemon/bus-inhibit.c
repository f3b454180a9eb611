/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inhibit, ListInhibitors and PrepareForRebalance of the manager. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/bus-call.h"

static int read_devices(
	sd_bus_message *m, const struct pr_bus *b, struct pr_inhibitor *ret, sd_bus_error *error)
{
	const char *object;
	char path[PR_BUS_DEVICE_PATH_MAX];
	int r;

	r = sd_bus_message_enter_container(m, 'a', "o");
	if (r < 0)
		return r;
	ret->paths = calloc(PR_INHIBIT_PATHS_MAX, sizeof(*ret->paths));
	if (!ret->paths)
		return -ENOMEM;
	while ((r = sd_bus_message_read(m, "o", &object)) > 0) {
		const struct pr_function *f = pr_bus_device_at(b, object);

		if (!f || pr_function_path(f, path, sizeof(path)) < 0)
			return sd_bus_error_setf(error, "org.pciroom1.Error.NoSuchDevice",
				"there is no device %s", object);
		if (ret->n_paths == PR_INHIBIT_PATHS_MAX)
			return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
				"at most %u devices", PR_INHIBIT_PATHS_MAX);
		ret->paths[ret->n_paths] = strdup(path);
		if (!ret->paths[ret->n_paths])
			return -ENOMEM;
		ret->n_paths++;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_texts(sd_bus_message *m, struct pr_inhibitor *ret, sd_bus_error *error)
{
	const char *who, *why, *mode;
	int r;

	r = sd_bus_message_read(m, "sss", &who, &why, &mode);
	if (r < 0)
		return r;
	if (!pr_inhibit_mode_parse(mode, &ret->mode))
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"the mode is \"pin\" or \"delay\", not \"%s\"", mode);
	ret->who = strdup(who);
	ret->why = strdup(why);
	return ret->who && ret->why ? 0 : -ENOMEM;
}

/* Arguments of Inhibit. */
static int read_inhibitor(
	sd_bus_message *m, const struct pr_bus *b, struct pr_inhibitor *ret, sd_bus_error *error)
{
	const char *what;
	int r;

	r = sd_bus_message_read(m, "s", &what);
	if (r < 0)
		return r;
	if (strcmp(what, "rebalance") != 0)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"\"rebalance\" can be inhibited, not \"%s\"", what);
	r = read_devices(m, b, ret, error);
	return r < 0 ? r : read_texts(m, ret, error);
}

static pid_t sender_pid(sd_bus_message *m)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	pid_t pid;

	if (sd_bus_query_sender_creds(m, SD_BUS_CREDS_PID, &creds) < 0 ||
		sd_bus_creds_get_pid(creds, &pid) < 0)
		return 0; /* it is only shown */
	return pid;
}

static int answer_inhibit(struct pr_call *c, sd_bus_error *error)
{
	struct pr_inhibitor wanted = { .uid = c->uid, .pid = sender_pid(c->m), .fd = -1 };
	_cleanup_close_ int fd = -1;
	int r;

	r = sd_bus_message_rewind(c->m, true);
	if (r >= 0)
		r = read_inhibitor(c->m, c->bus, &wanted, error);
	if (r < 0) {
		pr_inhibitor_deinit(&wanted);
		return r;
	}
	r = pr_inhibitors_add(c->bus->inhibitors, &wanted, &fd);
	if (r == -EUSERS)
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many inhibitors");
	if (r == -EINVAL)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"who and why are one line each, of at most %u bytes", PR_INHIBIT_TEXT_MAX);
	return r < 0 ? r : sd_bus_reply_method_return(c->m, "h", fd); /* which takes a duplicate */
}

/* Read twice: now for what has to be allowed and what is wrong with it, later for good. */
int pr_bus_method_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_inhibitor asked = { .fd = -1 };
	struct pr_bus *b = userdata;
	enum pr_inhibit_mode mode;
	struct pr_call *c;
	int r;

	if (!b->inhibitors)
		return pr_bus_not_supported(error, "inhibiting without a runtime directory");
	r = read_inhibitor(m, b, &asked, error);
	mode = asked.mode;
	pr_inhibitor_deinit(&asked);
	if (r < 0)
		return r;
	r = pr_call_new(b, m, answer_inhibit, &c, error);
	if (r < 0)
		return r;
	pr_call_need(c, mode == PR_INHIBIT_PIN ? PR_ACTION_INHIBIT_PIN : PR_ACTION_INHIBIT_DELAY);
	return pr_call_start(c, error);
}

/* Objects of the devices that are there; one that is not plugged has none. */
static int append_devices(
	sd_bus_message *reply, const struct pr_bus *b, const struct pr_inhibitor *i)
{
	const struct pr_look *look = pr_service_last_look(b->service);
	char object[PR_BUS_DEVICE_PATH_MAX];
	int r;

	r = sd_bus_message_open_container(reply, 'a', "o");
	for (size_t k = 0; r >= 0 && look && k < i->n_paths; k++) {
		const struct pr_function *f = pr_topology_find_path(look->topology, i->paths[k]);

		if (!f)
			continue;
		pr_bus_device_path(f, object);
		r = sd_bus_message_append(reply, "o", object);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_inhibitor(
	sd_bus_message *reply, const struct pr_bus *b, const struct pr_inhibitor *i)
{
	int r;

	r = sd_bus_message_open_container(reply, 'r', "saosssuu");
	if (r >= 0)
		r = sd_bus_message_append(reply, "s", "rebalance");
	if (r >= 0)
		r = append_devices(reply, b, i);
	if (r >= 0)
		r = sd_bus_message_append(reply, "sssuu", i->who, i->why,
			pr_inhibit_mode_name(i->mode), (uint32_t)i->uid, (uint32_t)i->pid);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int pr_bus_method_list_inhibitors(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const struct pr_bus *b = userdata;
	int r;

	(void)error;
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(saosssuu)");
	for (size_t i = 0; r >= 0 && i < pr_inhibitors_count(b->inhibitors); i++)
		r = append_inhibitor(reply, b, pr_inhibitors_get(b->inhibitors, i));
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* A bus that cannot take a signal is about to be lost, and the loop ends with it. */
void pr_bus_prepare(struct pr_bus *b, const struct pr_job *job, bool start, uint64_t deadline_usec)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const struct pr_plan *p = job->plan->plan;
	char path[PR_BUS_PATH_MAX], object[PR_BUS_DEVICE_PATH_MAX];
	int r;

	if (!b->bus)
		return;
	pr_bus_job_path(job->id, path);
	r = sd_bus_message_new_signal(
		b->bus, &m, PR_BUS_PATH, PR_BUS_MANAGER, "PrepareForRebalance");
	if (r >= 0)
		r = sd_bus_message_append(m, "ob", path, (int)start);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "o");
	for (size_t i = 0; r >= 0 && i < p->n_affected; i++) {
		pr_bus_device_path(p->affected[i].function, object);
		r = sd_bus_message_append(m, "o", object);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_append(m, "t", deadline_usec);
	if (r >= 0)
		(void)sd_bus_send(b->bus, m, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon over D-Bus: connection, topology, plans. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "cli/agent.h"
#include "cli/remote-private.h"
#include "pciroom/import.h"

/* ---- errors ---- */

static const struct {
	const char *name;
	int exit;
} errors[] = {
	{ SD_BUS_ERROR_ACCESS_DENIED, PR_EXIT_NOT_PERMITTED },
	{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, PR_EXIT_NOT_PERMITTED },
	{ "org.pciroom1.Error.NoSuchDevice", PR_EXIT_NOT_FOUND },
	{ "org.pciroom1.Error.StalePlan", PR_EXIT_ERROR },
	{ "org.pciroom1.Error.Infeasible", PR_EXIT_INFEASIBLE },
	{ "org.pciroom1.Error.InUse", PR_EXIT_IN_USE },
	{ "org.pciroom1.Error.Busy", PR_EXIT_IN_USE },
	{ "org.pciroom1.Error.Inhibited", PR_EXIT_IN_USE },
};

/* The name has an owner; true when that cannot be found out. */
static bool is_there(struct pr_remote *m)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int owned, r;

	r = sd_bus_call_method(m->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", NAME);
	if (r >= 0)
		r = sd_bus_message_read(reply, "b", &owned);

	return r < 0 || owned;
}

int pr_remote_failed(struct pr_remote *m, int r, const sd_bus_error *error, const char *what)
{
	const char *why = error->message ? error->message : error->name;
	int exit = PR_EXIT_ERROR;

	if (!sd_bus_error_is_set(error))
		return pr_cli_failed(r, what);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].name, error->name) == 0)
			exit = errors[i].exit;

	/* there are many ways in which a bus cannot start a service, and one way to see it */
	if (exit == PR_EXIT_ERROR && !is_there(m)) {
		(void)snprintf(m->absence, sizeof(m->absence), "%s", why);
		return PR_REMOTE_ABSENT;
	}
	/* the bus explains a refusal by its rules, which is of no help to anybody */
	(void)pr_cli_error("%s: %s", what, exit == PR_EXIT_NOT_PERMITTED ? "not permitted" : why);
	return exit;
}

int pr_remote_call(
	struct pr_remote *m, sd_bus_message *call, const char *what, sd_bus_message **ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_agent agent;
	int r;

	pr_agent_open(&agent);
	r = sd_bus_message_set_allow_interactive_authorization(call, pr_cli_interactive());
	if (r >= 0)
		r = sd_bus_call(m->bus, call, agent.pid ? UINT64_MAX : 0, &error, ret);
	pr_agent_close(&agent);
	return r < 0 ? pr_remote_failed(m, r, &error, what) : PR_EXIT_OK;
}

const char *pr_remote_absence(const struct pr_remote *m)
{
	return m && m->absence[0] ? m->absence : "no answer from the system bus";
}

int pr_remote_take_lease(sd_bus_message *reply, int *ret)
{
	int fd, r;

	r = sd_bus_message_read(reply, "h", &fd); /* belongs to the message */
	if (r < 0)
		return pr_cli_failed(r, "answer of pciroomd");
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return pr_cli_failed(-errno, "cannot keep the lease of pciroomd");
	*ret = fd;
	return PR_EXIT_OK;
}

/* ---- connection ---- */

int pr_remote_open(struct pr_remote **ret)
{
	struct pr_remote *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return pr_cli_failed(-ENOMEM, "cannot start");

	m->lease = -1;
	r = sd_bus_open_system(&m->bus);
	if (r < 0) {
		free(m);
		return PR_REMOTE_ABSENT; /* no bus, no daemon: an initramfs, a container */
	}

	*ret = m;
	return PR_EXIT_OK;
}

void pr_remote_close(struct pr_remote *m)
{
	if (!m)
		return;
	pr_remote_forget_jobs(m);
	pr_closep(&m->lease);
	free(m->plan);
	free(m->job);
	(void)sd_bus_flush_close_unref(m->bus); /* gives NULL */
	free(m);
}

/* ---- topology ---- */

static int read_topology(int fd, struct pr_topology **ret)
{
	struct pr_import_error error = { 0 };
	struct stat st;
	void *text;
	int r;

	if (fstat(fd, &st) < 0)
		return pr_cli_failed(-errno, "topology of pciroomd");
	if (st.st_size <= 0)
		return pr_cli_error("topology of pciroomd: it is empty");
	/* sealed by the daemon against change; private in any case */
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return pr_cli_failed(-errno, "topology of pciroomd");

	r = pr_snapshot_read(text, (size_t)st.st_size, ret, &error);
	(void)munmap(text, (size_t)st.st_size); /* the mapping is ours and whole */
	if (r != 0)
		return pr_cli_error("topology of pciroomd, line %u: %s", error.line, error.text);
	return PR_EXIT_OK;
}

int pr_remote_look(struct pr_remote *m, struct pr_topology **ret)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int fd, r;

	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, "GetTopology");
	if (r >= 0)
		r = sd_bus_message_append(call, "a{sv}", 0);
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");
	r = pr_remote_call(m, call, "pciroomd does not show the machine", &reply);
	if (r != PR_EXIT_OK)
		return r;
	r = sd_bus_message_read(reply, "h", &fd); /* belongs to the message */
	if (r < 0)
		return pr_cli_failed(r, "answer of pciroomd");

	return read_topology(fd, ret);
}

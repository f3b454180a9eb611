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

/* ---- plan ---- */

static int append_strings(sd_bus_message *m, const char *key, char **strings)
{
	int r;

	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", key);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, 'v', "as");
	if (r < 0)
		return r;
	r = sd_bus_message_append_strv(m, strings);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(m);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

/* NULL-terminated addresses of @request in one allocation. */
static char **target_names(const struct pr_request *request)
{
	size_t n = request->n_targets;
	char **names = calloc(1, (n + 1) * sizeof(*names) + n * PR_ADDRESS_MAX);
	char *at = names ? (char *)(names + n + 1) : NULL;

	for (size_t i = 0; names && i < n; i++) {
		pr_address_format(&request->targets[i], at);
		names[i] = at;
		at += PR_ADDRESS_MAX;
	}

	return names;
}

static char **pin_names(const struct pr_policy *policy)
{
	char **names = calloc(policy->n_pinned + 1, sizeof(*names));

	for (size_t i = 0; names && i < policy->n_pinned; i++)
		names[i] = (char *)policy->pinned[i]; /* sd-bus wants char **, and reads */

	return names;
}

/* Opens a{su} behind @key: how many of something devices are to have. */
static int open_counts(sd_bus_message *m, const char *key)
{
	int r;

	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "a{su}");
	return r < 0 ? r : sd_bus_message_open_container(m, 'a', "{su}");
}

static int append_count(sd_bus_message *m, const struct pr_address *a, unsigned int n)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(a, address);
	return sd_bus_message_append(m, "{su}", address, n);
}

static int close_counts(sd_bus_message *m)
{
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

/* Nothing when nobody asks for any, so that an older service need not know it. */
static int append_buses(sd_bus_message *m, const struct pr_request *request)
{
	int r;

	if (request->n_buses == 0)
		return 0;
	r = open_counts(m, "buses");
	for (size_t i = 0; r >= 0 && i < request->n_buses; i++)
		r = append_count(m, &request->buses[i].bridge, request->buses[i].buses);
	return r < 0 ? r : close_counts(m);
}

static int append_vfs(sd_bus_message *m, const struct pr_request *request)
{
	int r;

	if (request->n_vfs == 0)
		return 0;
	r = open_counts(m, "vfs");
	for (size_t i = 0; r >= 0 && i < request->n_vfs; i++)
		r = append_count(m, &request->vfs[i].function, request->vfs[i].vfs);
	return r < 0 ? r : close_counts(m);
}

/* "reserves", a(sst); the same. */
static int append_reserves(sd_bus_message *m, const struct pr_request *request)
{
	char address[PR_ADDRESS_MAX];
	int r;

	if (request->n_reserves == 0)
		return 0;
	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "reserves");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "a(sst)");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sst)");
	for (size_t i = 0; r >= 0 && i < request->n_reserves; i++) {
		const struct pr_reserve *want = &request->reserves[i];

		pr_address_format(&want->bridge, address);
		r = sd_bus_message_append(
			m, "(sst)", address, pr_window_name(want->window), want->size);
	}
	for (unsigned int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

/* "resize", a(syt); the same. */
static int append_resizes(sd_bus_message *m, const struct pr_request *request)
{
	char address[PR_ADDRESS_MAX];
	int r;

	if (request->n_resizes == 0)
		return 0;
	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "resize");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "a(syt)");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(syt)");
	for (size_t i = 0; r >= 0 && i < request->n_resizes; i++) {
		pr_address_format(&request->resizes[i].function, address);
		r = sd_bus_message_append(
			m, "(syt)", address, request->resizes[i].index, request->resizes[i].size);
	}
	for (unsigned int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_replug(sd_bus_message *m, const struct pr_request *request)
{
	char address[PR_ADDRESS_MAX];

	if (!request->replug)
		return 0;
	pr_address_format(request->replug, address);
	return sd_bus_message_append(m, "{sv}", "replug", "s", address);
}

static int append_shrink(sd_bus_message *m, const struct pr_request *request)
{
	return request->shrink ? sd_bus_message_append(m, "{sv}", "shrink", "b", 1) : 0;
}

static int append_request(
	sd_bus_message *call, const struct pr_request *request, const struct pr_policy *policy)
{
	_cleanup_free_ char **targets = target_names(request), **pins = pin_names(policy);
	int r;

	if (!targets || !pins)
		return -ENOMEM;

	r = sd_bus_message_open_container(call, 'a', "{sv}");
	if (r < 0)
		return r;
	r = append_strings(call, "targets", targets);
	if (r < 0)
		return r;
	r = sd_bus_message_append(
		call, "{sv}", "disruption", "s", pr_disruption_name(policy->limit));
	if (r < 0)
		return r;
	r = append_strings(call, "pinned", pins);
	if (r < 0)
		return r;
	r = append_buses(call, request);
	if (r < 0)
		return r;
	r = append_vfs(call, request);
	if (r < 0)
		return r;
	r = append_reserves(call, request);
	if (r >= 0)
		r = append_resizes(call, request);
	if (r >= 0)
		r = append_shrink(call, request);
	if (r >= 0)
		r = append_replug(call, request);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(call);
	if (r < 0)
		return r;
	return sd_bus_message_append(call, "t", UINT64_C(0));
}

static int create_plan(
	struct pr_remote *m, const struct pr_request *request, const struct pr_policy *policy)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	const char *path;
	int r;

	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, "CreatePlan");
	if (r >= 0)
		r = append_request(call, request, policy);
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");

	r = pr_remote_call(m, call, "pciroomd does not plan", &reply);
	if (r != PR_EXIT_OK)
		return r;
	r = sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return pr_cli_failed(r, "answer of pciroomd");

	free(m->plan);
	m->plan = strdup(path);
	return m->plan ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot remember the plan");
}

struct plan_facts {
	char *id, *verdict, *why;
	uint64_t generation;
};

static void plan_facts_deinit(struct plan_facts *f)
{
	free(f->id);
	free(f->verdict);
	free(f->why);
}

static int read_plan(struct pr_remote *m, struct plan_facts *ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	const struct {
		const char *name;
		char **ret;
	} strings[] = { { "Id", &ret->id }, { "VerdictName", &ret->verdict },
		{ "Why", &ret->why } };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(strings) && r >= 0; i++)
		r = sd_bus_get_property_string(
			m->bus, NAME, m->plan, PLAN, strings[i].name, &error, strings[i].ret);
	if (r >= 0)
		r = sd_bus_get_property_trivial(
			m->bus, NAME, m->plan, PLAN, "Generation", &error, 't', &ret->generation);

	return r < 0 ? pr_remote_failed(m, r, &error, "cannot read the plan of pciroomd")
		     : PR_EXIT_OK;
}

/* Exit code for a verdict that the daemon names. */
static int verdict_exit(const char *verdict)
{
	if (strcmp(verdict, pr_verdict_name(PR_VERDICT_INFEASIBLE)) == 0)
		return PR_EXIT_INFEASIBLE;
	if (strcmp(verdict, pr_verdict_name(PR_VERDICT_TOO_DISRUPTIVE)) == 0 ||
		strcmp(verdict, pr_verdict_name(PR_VERDICT_VETOED)) == 0)
		return PR_EXIT_IN_USE;
	return PR_EXIT_ERROR;
}

int pr_remote_plan(struct pr_remote *m, const struct pr_plan *plan,
	const struct pr_request *request, const struct pr_policy *policy)
{
	_cleanup_(plan_facts_deinit) struct plan_facts theirs = { 0 };
	int r;

	r = create_plan(m, request, policy);
	if (r != PR_EXIT_OK)
		return r;
	r = read_plan(m, &theirs);
	if (r != PR_EXIT_OK)
		return r;

	if (theirs.generation != plan->generation)
		return pr_cli_error("the machine changed while the plan was made; try again");
	if (strcmp(theirs.verdict, pr_verdict_name(plan->verdict)) == 0 &&
		(plan->verdict != PR_VERDICT_OK || strcmp(theirs.id, plan->id) == 0))
		return PR_EXIT_OK;

	(void)pr_cli_error("pciroomd plans otherwise than this command, since its configuration "
			   "differs from the options given: %s%s%s",
		theirs.verdict, *theirs.why ? ": " : "", theirs.why);
	return verdict_exit(theirs.verdict);
}

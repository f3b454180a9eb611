/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the child: gives up what it could do harm with, reads, plans, and writes what it found. */
#include "daemon/upload-child.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "daemon/worker.h"
#include "daemon/write-plan.h"
#include "import/template.h"
#include "pciroom/what-if.h"

#define NOBODY 65534

static void limit(int resource, rlim_t most)
{
	const struct rlimit l = { most, most };

	if (setrlimit((__rlimit_resource_t)resource, &l) < 0)
		_exit(1); /* rather not at all than without it */
}

static void give_up_privileges(void)
{
	/* a daemon that root started by hand; else it has none to begin with */
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		_exit(1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		_exit(1);
	limit(RLIMIT_CPU, 30);
	limit(RLIMIT_FSIZE, 64u << 20);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 0);
#ifndef PR_ARENA_DEBUG /* sanitizers map more than any machine has */
	limit(RLIMIT_AS, 512u << 20);
#endif
}

__attribute__((noreturn, format(printf, 3, 4))) static void fail(
	int channel, uint32_t kind, const char *format, ...)
{
	struct pr_message m = { .kind = kind };
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(m.text, sizeof(m.text), format, ap);
	va_end(ap);
	pr_worker_send(channel, &m);
	_exit(0);
}

static struct pr_topology *parse(const struct pr_upload_task *r, int channel)
{
	struct pr_import_error error = { 0 };
	struct pr_topology *t = NULL;
	struct stat st;
	char *text;
	int k;

	if (fstat(r->input, &st) < 0 || !S_ISREG(st.st_mode))
		fail(channel, PR_UPLOAD_SAID_INVALID, "a snapshot is handed in as a file");
	if (st.st_size <= 0 || st.st_size > (off_t)PR_UPLOAD_SIZE_MAX)
		fail(channel, PR_UPLOAD_SAID_INVALID, "a snapshot has from 1 to %u bytes",
			PR_UPLOAD_SIZE_MAX);
	text = malloc((size_t)st.st_size);
	if (!text || pread(r->input, text, (size_t)st.st_size, 0) != (ssize_t)st.st_size)
		fail(channel, PR_UPLOAD_SAID_INVALID, "it cannot be read");
	k = r->parser(text, (size_t)st.st_size, &t, &error);
	if (k != 0)
		fail(channel, PR_UPLOAD_SAID_INVALID, "line %u: %s", error.line,
			error.text[0] ? error.text : strerror(k < 0 ? -k : EINVAL));
	free(text);
	return t;
}

/* Leaves @t as a snapshot, and says so with @text. */
static int leave(
	const struct pr_upload_task *r, const struct pr_topology *t, const char *text, int channel)
{
	struct pr_message m = { .kind = PR_UPLOAD_SAID_DONE };
	char *snapshot;
	size_t size;

	if (pr_snapshot_write(t, &snapshot, &size) < 0 ||
		pr_write_all(r->output, snapshot, size) < 0)
		return 1;
	m.a = (int32_t)t->n_functions;
	m.c = (uint32_t)pr_topology_count_dead(t);
	(void)snprintf(m.text, sizeof(m.text), "%" PRIu64 " %.400s", t->generation, text);
	pr_worker_send(channel, &m);
	return 0;
}

int pr_upload_open_child(void *userdata, int channel)
{
	const struct pr_upload_task *r = userdata;

	give_up_privileges();
	return leave(r, parse(r, channel), "", channel);
}

static const struct pr_function *find(const struct pr_topology *t, const char *name, int channel)
{
	const struct pr_function *f = pr_topology_find_named(t, name);

	if (!f)
		fail(channel, PR_UPLOAD_SAID_NO_DEVICE, "there is no device %.100s", name);
	return f;
}

static const struct pr_function *find_bridge(
	const struct pr_topology *t, const char *name, int channel)
{
	const struct pr_function *f = find(t, name, channel);

	if (!f->bridge)
		fail(channel, PR_UPLOAD_SAID_NO_DEVICE, "there is no bridge %.100s", name);
	return f;
}

/* ---- cards that are made up ---- */

/* @name: of the file or the template; NULL for a text that came with the call. */
static void refuse_template(
	int channel, const char *name, const struct pr_import_error *error, int r)
{
	const char *why = error->text[0] ? error->text : strerror(r < 0 ? -r : EINVAL);

	if (!name)
		name = "template";
	if (error->line > 0)
		fail(channel, PR_UPLOAD_SAID_INVALID, "%.200s, line %u: %.250s", name, error->line,
			why);
	fail(channel, PR_UPLOAD_SAID_INVALID, "%.200s: %.250s", name, why);
}

static struct pr_template *load_template(const struct pr_upload_addition *added, int channel)
{
	static const char *const directories[] = { PCIROOM_LOCAL_TEMPLATES, PCIROOM_TEMPLATES };
	const struct pr_template_shelf shelf = { directories, ARRAY_SIZE(directories) };
	struct pr_import_error error = { 0 };
	struct pr_template *t = NULL;
	char *file = NULL;
	int k;

	k = added->yaml ? pr_template_read(added->yaml, strlen(added->yaml), &shelf, &t, &error)
			: pr_template_load(added->name, &shelf, &t, &file, &error);
	if (k != 0)
		refuse_template(channel, file ? file : added->name, &error, k);
	return t;
}

static const struct pr_function *find_slot(
	const struct pr_topology *t, const char *name, int channel)
{
	const struct pr_function *port = find_bridge(t, name, channel);
	enum pr_port_type type = port->caps->pcie.port;

	if (type == PR_PORT_UPSTREAM || type == PR_PORT_PCIE_TO_PCI)
		fail(channel, PR_UPLOAD_SAID_NO_DEVICE, "there is no slot behind %.100s", name);
	if (port->first_child)
		fail(channel, PR_UPLOAD_SAID_INVALID, "there is something behind %.100s already",
			name);
	return port;
}

int pr_upload_add_child(void *userdata, int channel)
{
	const struct pr_upload_task *r = userdata;
	struct pr_topology *t, *with = NULL;
	const struct pr_template *template;
	const struct pr_function *port;
	char path[300];
	int k;

	give_up_privileges();
	t = parse(r, channel);
	template = load_template(r->added, channel);
	port = find_slot(t, r->added->parent, channel);
	k = pr_refit_insert(t, port, template, &with);
	if (k > 0)
		fail(channel, PR_UPLOAD_SAID_INVALID,
			"no bus number is left to name the functions of the card by");
	port = k == 0 ? pr_topology_find(with, &port->address) : NULL;
	if (!port || !port->first_child ||
		pr_function_path(port->first_child, path, sizeof(path)) < 0)
		return 1;
	return leave(r, with, path, channel);
}

/* Where cards were made up, as the planner of what-if wants them: the ports that they come behind. */
static struct pr_address *slots_of(const struct pr_topology *t, size_t *ret_n)
{
	struct pr_address *ports = calloc(t->n_functions + 1, sizeof(*ports));

	*ret_n = 0;
	pr_for_each_root (t, i) {
		for (size_t j = 0; ports && j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];
			const struct pr_function *first = f->first_child;

			if (!f->facts->is_newcomer && first && first->facts->is_newcomer)
				ports[(*ret_n)++] = f->address;
		}
	}
	return ports;
}

/* ---- plans ---- */

/* The kernel acts first, when a card comes; what mends that is the plan. */
static int plan_arrival(const struct pr_wish *wish, const struct pr_topology *t,
	const struct pr_address *ports, size_t n, int channel, struct pr_plan **ret)
{
	const struct pr_what_if_request request = {
		.ports = ports, .n_ports = n, .plan = pr_wish_request(wish)
	};
	struct pr_policy policy = pr_wish_policy(wish);
	struct pr_what_if *w = NULL;
	int k = pr_what_if_make(t, &request, &policy, &w);

	if (k < 0)
		return k;
	if (!w->arrived)
		fail(channel, PR_UPLOAD_SAID_INVALID,
			"what becomes of the card cannot be said: %.400s", w->doubt);
	*ret = w->plan;
	return w->plan ? 0 : pr_wish_plan(wish, w->end, ret);
}

static struct pr_resize find_resize(
	const struct pr_topology *t, const struct pr_asked_resize *a, int channel)
{
	const struct pr_resize z = {
		.function = find(t, a->device, channel)->address, .index = a->index, .size = a->size
	};

	if (!pr_resize_is_possible(t, &z))
		fail(channel, PR_UPLOAD_SAID_NO_DEVICE,
			"resource %u of %.100s cannot have this size", a->index, a->device);
	return z;
}

static int make_wish(const struct pr_upload_task *r, const struct pr_topology *t, int channel,
	struct pr_wish *ret)
{
	struct pr_wish wish = { .limit = r->asked->limit, .shrink = r->asked->shrink };
	char address[PR_ADDRESS_MAX];
	int k = 0;

	for (size_t i = 0; k == 0 && i < r->asked->n_targets; i++)
		k = pr_wish_add_target(&wish, &find(t, r->asked->targets[i], channel)->address);
	for (size_t i = 0; k == 0 && i < r->asked->n_pinned; i++) {
		pr_address_format(&find(t, r->asked->pinned[i], channel)->address, address);
		k = pr_wish_add_pinned(&wish, address);
	}
	for (size_t i = 0; k == 0 && i < r->asked->buses.n; i++)
		k = pr_wish_add_buses(
			&wish, &(struct pr_bus_wish){
				       .bridge = find_bridge(t, r->asked->buses.devices[i], channel)
							 ->address,
				       .buses = r->asked->buses.counts[i] });
	for (size_t i = 0; k == 0 && i < r->asked->vfs.n; i++)
		k = pr_wish_add_vfs(&wish,
			&(struct pr_vf_wish){
				.function = find(t, r->asked->vfs.devices[i], channel)->address,
				.vfs = r->asked->vfs.counts[i] });
	for (size_t i = 0; k == 0 && i < r->asked->n_reserves; i++) {
		const struct pr_asked_reserve *a = &r->asked->reserves[i];

		k = pr_wish_add_reserve(
			&wish, &(struct pr_reserve){ find_bridge(t, a->bridge, channel)->address,
				       a->window, a->size });
	}
	for (size_t i = 0; k == 0 && i < r->asked->n_resizes; i++) {
		const struct pr_resize z = find_resize(t, &r->asked->resizes[i], channel);

		k = pr_wish_add_resize(&wish, &z);
	}
	*ret = wish;
	return k;
}

static int plan(const struct pr_upload_task *r, const struct pr_topology *t, int channel,
	struct pr_plan **ret)
{
	struct pr_wish wish = { 0 };
	struct pr_address *ports;
	size_t n_ports;
	int k = make_wish(r, t, channel, &wish);

	ports = slots_of(t, &n_ports);
	if (k < 0 || !ports)
		return k < 0 ? k : -ENOMEM;
	return n_ports == 0 ? pr_wish_plan(&wish, t, ret)
			    : plan_arrival(&wish, t, ports, n_ports, channel, ret);
}

/* Appends what @t holds; its size, or -ENOMEM. */
static int64_t write_part(int fd, struct pr_text *t)
{
	int64_t size = (int64_t)t->length;

	if (t->failed || size > INT32_MAX || pr_write_all(fd, t->data, t->length) < 0)
		size = -ENOMEM;
	pr_text_deinit(t);
	return size;
}

static int64_t write_view(int fd, const struct pr_plan *p)
{
	struct pr_text t = { 0 };
	struct pr_plan_view v;

	if (pr_plan_view_make(p, &v) < 0)
		return -ENOMEM;
	pr_plan_view_encode(&v, &t);
	return write_part(fd, &t);
}

int pr_upload_plan_child(void *userdata, int channel)
{
	const struct pr_upload_task *r = userdata;
	struct pr_message m = { .kind = PR_UPLOAD_SAID_DONE };
	struct pr_text prediction = { 0 }, script = { 0 };
	struct pr_plan *p = NULL;
	int64_t sizes[3] = { 0 };

	give_up_privileges();
	if (plan(r, parse(r, channel), channel, &p) < 0)
		return 1;
	sizes[0] = write_view(r->output, p);
	if (p->prediction) {
		pr_write_prediction(&prediction, p);
		sizes[1] = write_part(r->output, &prediction);
		pr_write_script(&script, p);
		sizes[2] = write_part(r->output, &script);
	}
	if (sizes[0] < 0 || sizes[1] < 0 || sizes[2] < 0)
		return 1;
	m.a = (int32_t)sizes[0];
	m.b = (int32_t)sizes[1];
	m.c = (uint32_t)sizes[2];
	pr_worker_send(channel, &m);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real world: live import with pciroom-helper as the prober, and the helper
 * as back end.  Without the helper a look still gives what an unprivileged
 * process may read, and says so.
 */
#include "daemon/world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/kernel-log.h"
#include "base/macros.h"
#include "base/processes.h"
#include "daemon/log.h"
#include "daemon/list.h"

static void helper_freep(struct pr_helper **h)
{
	pr_helper_free(*h);
}

/* One look: who reads for us what we may not read. */
struct reading {
	const struct pr_real_world *world;
	struct pr_helper *helper; /* NULL: cannot be reached */
	int processes;            /* negative errno: they could not be listed */
};

static int read_config(
	void *userdata, const struct pr_address *a, uint8_t *buffer, size_t size, size_t *ret)
{
	const struct reading *r = userdata;

	return r->helper ? pr_helper_config(r->helper, a, buffer, size, ret) : -ENOTCONN;
}

static int read_file(void *userdata, const char *name, char **ret, size_t *ret_size)
{
	const struct reading *r = userdata;

	return r->helper ? pr_helper_file(r->helper, name, ret, ret_size) : -ENOTCONN;
}

static int measure(void *userdata, const struct pr_address *a, struct pr_bar_mask *ret, size_t max,
	size_t *ret_n)
{
	const struct reading *r = userdata;

	return r->helper ? pr_helper_measure(r->helper, a, ret, max, ret_n) : -ENOTCONN;
}

static int list_processes(void *userdata, char **ret, size_t *ret_size)
{
	struct reading *r = userdata;

	if (strcmp(r->world->root, "/") != 0)
		return -ENOENT;
	r->processes = pr_list_ask(r->world->processes_path, PR_PROCESSES_END, ret, ret_size);
	return r->processes;
}

/* Without it some sizes are not known, and the answers say so: no note of its own. */
static int read_log(void *userdata, char **ret, size_t *ret_size)
{
	const struct reading *r = userdata;

	if (strcmp(r->world->root, "/") != 0)
		return -ENOENT;
	return pr_list_ask(r->world->log_path, PR_KERNEL_LOG_END, ret, ret_size);
}

static bool note_locked(const struct pr_function *f, struct pr_import_error *error)
{
	char address[PR_ADDRESS_MAX];

	for (size_t i = 0; i < f->facts->n_users; i++) {
		if (strcmp(f->facts->users[i].kind, "locked") != 0)
			continue;
		pr_address_format(&f->address, address);
		(void)snprintf(error->text, sizeof(error->text), "%s: %s", address,
			f->facts->users[i].what);
		return true;
	}
	return false;
}

/* A device whose driver hangs, into @error. */
static void note_hanging(const struct pr_topology *t, struct pr_import_error *error)
{
	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			if (note_locked(&t->roots[i]->functions[k], error))
				return;
}

/* What was not seen into @error, "" when all was. */
static void note_unseen(const struct reading *r, int connected, const struct pr_topology *t,
	struct pr_import_error *error)
{
	error->text[0] = '\0'; /* what it holds after a success means nothing */
	if (connected < 0)
		(void)snprintf(error->text, sizeof(error->text),
			"pciroom-helper cannot be reached at %s (%s): only what everybody may read was read",
			r->world->helper_path, strerror(-connected));
	else if (r->processes < 0)
		(void)snprintf(error->text, sizeof(error->text),
			"pciroom-processes gives no list at %s (%s): devices that programs have open look idle",
			r->world->processes_path, strerror(-r->processes));
	else
		note_hanging(t, error);
}

static int real_look(void *userdata, struct pr_topology **ret, struct pr_import_error *error)
{
	const struct pr_real_world *w = userdata;
	_cleanup_(helper_freep) struct pr_helper *helper = NULL;
	struct reading reading = { .world = w };
	const struct pr_prober prober = { .userdata = &reading,
		.config = read_config,
		.file = read_file,
		.measure = measure,
		.processes = list_processes,
		.log = read_log };
	const struct pr_live_options live = {
		.root = w->root, .prober = &prober, .users = true, .state = w->state
	};
	int connected, r;

	connected = pr_helper_connect(w->helper_path, &helper);
	reading.helper = helper;
	r = pr_import_live(&live, ret, error);
	if (r == 0)
		note_unseen(&reading, connected, *ret, error);
	return r;
}

static int real_backend(void *userdata, const struct pr_looker *looker, struct pr_backend *ret)
{
	struct pr_real_world *w = userdata;
	int r;

	r = pr_helper_connect(w->helper_path, &w->helper);
	if (r < 0)
		return r;
	pr_helper_set_deadline(w->helper, w->deadline_ms);
	return pr_backend_helper_new(w->helper, looker, ret);
}

static void real_backend_free(void *userdata, struct pr_backend *b)
{
	struct pr_real_world *w = userdata;

	pr_backend_helper_free(b);
	pr_helper_free(w->helper);
	w->helper = NULL;
}

void pr_hooks_untold(const char *path, int error)
{
	pr_log(PR_EVENT_NOT_APPLIED, LOG_ERR, NULL, "Hooks were not told of the end for %s: %s",
		path, strerror(-error));
}

const struct pr_hooks_place pr_hooks_installed = { .socket = "/run/pciroom/hooks.sock",
	.directories = pr_hooks_directories,
	.n_directories = PR_HOOKS_DIRECTORIES,
	.untold = pr_hooks_untold };

struct pr_world pr_world_real(struct pr_real_world *w)
{
	return (struct pr_world){
		.look = real_look,
		.backend = real_backend,
		.backend_free = real_backend_free,
		.userdata = w,
		.hooks = &pr_hooks_installed,
	};
}

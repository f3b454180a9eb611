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

#include "base/macros.h"

static void helper_freep(struct pr_helper **h)
{
	pr_helper_free(*h);
}

static int real_look(void *userdata, struct pr_topology **ret, struct pr_import_error *error)
{
	const struct pr_real_world *w = userdata;
	_cleanup_(helper_freep) struct pr_helper *helper = NULL;
	struct pr_prober prober = {
		.config = pr_helper_config, .file = pr_helper_file, .measure = pr_helper_measure
	};
	struct pr_live_options live = { .root = w->root, .users = true, .state = w->state };
	int connected, r;

	connected = pr_helper_connect(w->helper_path, &helper);
	if (connected >= 0) {
		prober.userdata = helper;
		live.prober = &prober;
	}
	r = pr_import_live(&live, ret, error);
	if (r == 0)
		error->text[0] = '\0'; /* what it holds after a success means nothing */
	if (r == 0 && connected < 0)
		(void)snprintf(error->text, sizeof(error->text),
			"pciroom-helper cannot be reached at %s (%s): only what everybody may read was read",
			w->helper_path, strerror(-connected));
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

struct pr_world pr_world_real(struct pr_real_world *w)
{
	return (struct pr_world){
		.look = real_look,
		.backend = real_backend,
		.backend_free = real_backend_free,
		.userdata = w,
	};
}

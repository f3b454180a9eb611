/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb guard: slots in our hands instead of those of the kernel's hot-plug driver. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "cli/source.h"
#include "exec/guard.h"
#include "pciroom/doctor.h"

/* Between two looks at a slot; a link may take as long to come up (PCIe 6.6.1). */
#define LOOK_MS 500u

struct ports {
	struct pr_local *local;
	struct pr_guarded *list;
	size_t n;
	bool told; /* that a card waits, and why */
};

static int find_ports(const struct pr_cli *cli, const struct pr_topology *t, struct ports *ret)
{
	_cleanup_free_ const struct pr_function **devices = NULL;
	size_t n = 0;
	int r;

	r = pr_cli_devices(cli, t, &devices, &n);
	if (r != PR_EXIT_OK)
		return r;
	ret->list = calloc(n + 1, sizeof(*ret->list));
	if (!ret->list)
		return pr_cli_failed(-ENOMEM, "cannot guard");
	for (size_t i = 0; i < n; i++)
		if (!devices[i]->bridge || !devices[i]->bridge->hotplug ||
			!pr_guard_init(devices[i], &ret->list[ret->n++]))
			return pr_cli_error("%s is no hot-plug slot of PCI Express",
				pr_name_of(&devices[i]->address).text);
	return PR_EXIT_OK;
}

/* ---- without the service: as long as this runs ---- */

static void tell(const struct pr_guarded *g, const char *what)
{
	(void)printf("%s: %s\n", pr_name_of(&g->port).text, what);
	(void)fflush(stdout); /* nobody may be listening any more */
}

static int give_back(const struct ports *p, size_t n)
{
	int r, result = PR_EXIT_OK;

	for (size_t i = 0; i < n; i++) {
		r = pr_guard_give(pr_local_backend(p->local), &p->list[i]);
		if (r < 0)
			result = pr_cli_error("%s cannot be given back: %s",
				pr_name_of(&p->list[i].port).text, strerror(-r));
		else
			tell(&p->list[i], "given back to the kernel");
	}
	return result;
}

static int take(const struct ports *p)
{
	int r;

	for (size_t i = 0; i < p->n; i++) {
		r = pr_guard_take(pr_local_backend(p->local), &p->list[i]);
		if (r < 0) {
			(void)give_back(p, i); /* what fails is told */
			return pr_cli_error("%s cannot be taken from the kernel: %s",
				pr_name_of(&p->list[i].port).text,
				r == -EOPNOTSUPP ? "no hot-plug driver of PCI Express has it"
						 : strerror(-r));
		}
		tell(&p->list[i], "guarded");
	}
	return PR_EXIT_OK;
}

/* True when a rescan hurts nobody. */
static bool may_scan(struct ports *p, const struct pr_guarded *g)
{
	const struct pr_function *port, *touched = NULL;
	struct pr_topology *t;
	int r;

	if (pr_local_look(p->local, &t) != PR_EXIT_OK)
		return false;
	port = pr_topology_find(t, &g->port);
	r = port ? pr_scan_touches(t, port, &touched) : -ENODEV;
	if (r != 0 && !p->told)
		pr_cli_note("a card waits at %s: looking for it would %s%s; mend that first "
			    "(pciroom apply)",
			pr_name_of(&g->port).text, r < 0 ? "fail: " : "change ",
			r < 0     ? strerror(-r)
			: touched ? pr_name_of(&touched->address).text
				  : "what nobody knows");
	p->told = r != 0;
	pr_topology_free(t);
	return r == 0;
}

static int scan(struct ports *p, struct pr_guarded *g)
{
	bool pending;
	int r;

	if (!may_scan(p, g) || pr_local_lock(p->local, &pending) != PR_EXIT_OK)
		return PR_GUARD_QUIET; /* somebody is at it: the next look comes soon */
	r = pr_guard_scan(pr_local_backend(p->local), g);
	pr_local_unlock(p->local);
	return r;
}

static void look(struct ports *p, struct pr_guarded *g)
{
	static const char *const news[] = {
		[PR_GUARD_CAME] = "a card came and was found; if it is dead, pciroom apply",
		[PR_GUARD_WENT] = "the card went",
		[PR_GUARD_MUTE] = "a card is there, and does not answer",
	};
	/* a port that a plan has moved comes back with the kernel's driver */
	int r = pr_guard_take(pr_local_backend(p->local), g);

	if (r >= 0)
		r = pr_guard_look(pr_local_backend(p->local), g);
	if (r == PR_GUARD_WAITS)
		r = scan(p, g);
	if (r < 0 && r != -ENODEV) /* the port itself is being moved */
		pr_cli_note("%s: %s", pr_name_of(&g->port).text, strerror(-r));
	else if (r > PR_GUARD_WAITS)
		tell(g, news[r]);
}

static int guard_until_interrupted(struct ports *p)
{
	int r = take(p);

	if (r != PR_EXIT_OK)
		return r;
	while (!pr_local_interrupted()) {
		for (size_t i = 0; i < p->n && !pr_local_interrupted(); i++)
			look(p, &p->list[i]);
		pr_pause_ms(LOOK_MS); /* an interruption ends the loop */
	}
	return give_back(p, p->n);
}

static int guard_local(const struct pr_cli *cli)
{
	struct ports p = { 0 };
	struct pr_source s;
	int r;

	if (cli->n_arguments == 0)
		return pr_cli_error("guard --local: which slots?");
	r = pr_source_open(cli, true, &s);
	if (r != PR_EXIT_OK)
		return r;
	pr_local_take_signals();
	p.local = s.local;
	r = find_ports(cli, s.topology, &p);
	if (r == PR_EXIT_OK)
		r = cli->release ? give_back(&p, p.n) : guard_until_interrupted(&p);
	free(p.list);
	pr_source_close(&s);
	return r;
}

/* ---- by the service: until it is told otherwise ---- */

static int list_guarded(const struct pr_cli *cli, struct pr_remote *m)
{
	struct pr_text t = { 0 };
	struct pr_json j;
	char **paths = NULL;
	int r;

	r = pr_remote_guarded(m, &paths);
	if (r != PR_EXIT_OK)
		return r;
	if (cli->json) {
		pr_json_init(&j, &t);
		pr_json_object(&j, NULL);
		pr_json_string(&j, "schema", "pciroom.guard/1");
		pr_json_array(&j, "guarded");
		for (char **p = paths; p && *p; p++)
			pr_json_string(&j, NULL, *p);
		pr_json_array_end(&j);
		pr_json_object_end(&j);
	} else {
		for (char **p = paths; p && *p; p++)
			pr_text_printf(&t, "%s\n", *p);
	}
	if (!cli->json && !(paths && *paths))
		pr_cli_note("no slot is guarded");
	r = paths && *paths ? PR_EXIT_OK : PR_EXIT_NOTHING;
	pr_paths_free(paths);
	return pr_cli_print(&t) ? r : PR_EXIT_ERROR;
}

static int guard_remote(const struct pr_cli *cli)
{
	struct pr_remote *m = NULL;
	int r;

	r = pr_remote_open(&m);
	for (size_t i = 0; i < cli->n_arguments && r == PR_EXIT_OK; i++)
		r = pr_remote_guard(m, cli->arguments[i], !cli->release);
	if (r == PR_EXIT_OK && cli->n_arguments == 0)
		r = cli->release ? pr_cli_error("guard --release: which slots?")
				 : list_guarded(cli, m);
	if (r == PR_REMOTE_ABSENT)
		r = pr_cli_error("pciroomd does not run (%s): start it (systemctl start pciroomd), "
				 "or give --local as root",
			pr_remote_absence(m));
	pr_remote_close(m);
	return r;
}

int pr_verb_guard(const struct pr_cli *cli)
{
	return cli->local ? guard_local(cli) : guard_remote(cli);
}

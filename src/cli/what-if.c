/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb what-if: a machine with cards added and removed, perhaps under
 * another kernel, and what becomes of it.  Touches nothing.
 */
#include "cli/what-if.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/plan.h"
#include "cli/templates.h"

/* What is worked on; each change of the machine gives another topology. */
struct session {
	const struct pr_cli *cli;
	struct pr_topology *machine;
	struct pr_template **templates;
	struct pr_addition *additions;
	struct pr_address *ports;
	size_t n;
};

static void session_free(struct session *x)
{
	for (size_t i = 0; i < x->n; i++)
		pr_template_free(x->templates[i]);
	free(x->templates);
	free(x->additions);
	free(x->ports);
	pr_topology_free(x->machine);
}

/* @next in the place of what was worked on. */
static void replace(struct session *x, struct pr_topology *next)
{
	pr_topology_free(x->machine);
	x->machine = next;
}

/* ---- slots ---- */

/* The number on the chassis, or the name that the kernel made of it, of the slot behind @port. */
static bool has_slot(const struct pr_function *port, const char *name)
{
	const struct pr_pcie *pcie = &port->caps->pcie;
	char number[8];

	pr_for_each_child (f, port->first_child)
		if (f->facts->slot && strcmp(f->facts->slot, name) == 0)
			return true;
	if (port->first_child && port->first_child->facts->slot)
		return false; /* what the kernel calls it counts */
	(void)snprintf(number, sizeof(number), "%u", pcie->slot_number);
	return pcie->slot_implemented && pcie->slot_known == PR_YES && strcmp(number, name) == 0;
}

static int find_slot(const struct pr_topology *t, const char *name, struct pr_function **ret)
{
	struct pr_function *found = NULL;

	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			struct pr_function *f = &t->roots[i]->functions[j];

			if (!f->bridge || !has_slot(f, name))
				continue;
			if (found)
				return pr_cli_error("slot %s: %s and %s both have it; give an "
						    "address",
					name, pr_name_of(&found->address).text,
					pr_name_of(&f->address).text);
			found = f;
		}
	}
	if (!found) {
		(void)pr_cli_error("no slot is called %s", name);
		return PR_EXIT_NOT_FOUND;
	}
	*ret = found;
	return PR_EXIT_OK;
}

static bool is_slot_port(const struct pr_function *f)
{
	enum pr_port_type port = f->caps->pcie.port;

	return f->bridge && port != PR_PORT_UPSTREAM && port != PR_PORT_PCIE_TO_PCI;
}

static int find_port(const struct pr_topology *t, const char *name, struct pr_function **ret)
{
	struct pr_address a;
	struct pr_function *f;
	int r = pr_address_parse(name, &a) || strchr(name, '/') ? pr_cli_device(t, name, &f)
								: find_slot(t, name, &f);

	if (r != PR_EXIT_OK)
		return r;
	if (!is_slot_port(f))
		return pr_cli_error("%s is no port that a card can be plugged in behind", name);
	*ret = f;
	return PR_EXIT_OK;
}

/* ---- changes ---- */

static int remove_card(struct session *x, const char *name)
{
	struct pr_topology *next;
	struct pr_function *f;
	int r = pr_cli_device(x->machine, name, &f);

	if (r != PR_EXIT_OK)
		return r;
	if (!f->parent)
		return pr_cli_error(
			"%s sits directly on the host bridge: nobody can pull it", name);
	r = pr_refit_remove(x->machine, f, &next);
	if (r < 0)
		return pr_cli_failed(r, "cannot take a card away");
	replace(x, next);
	return PR_EXIT_OK;
}

static int check_empty(const char *slot, const struct pr_function *port)
{
	const struct pr_function *f = port->first_child;

	if (!f)
		return PR_EXIT_OK;
	return pr_cli_error("%s holds %s; --remove=%s takes it out first", slot,
		pr_name_of(&f->address).text, pr_name_of(&f->address).text);
}

static int insert(struct session *x, const char *slot, const struct pr_function *port)
{
	struct pr_addition *a = &x->additions[x->n - 1];
	struct pr_topology *next;
	int r;

	a->port = x->ports[x->n - 1] = port->address;
	r = pr_refit_insert(x->machine, port, a->template, &next);
	if (r < 0)
		return pr_cli_failed(r, "cannot add a card");
	if (r > 0)
		return pr_cli_error("%s: no bus number is left to name the functions of %s by",
			slot, a->template->name);
	replace(x, next);
	return PR_EXIT_OK;
}

/* TEMPLATE@SLOT; a file's name may hold an "@", a slot does not. */
static int add_card(struct session *x, const char *text)
{
	const char *at = strrchr(text, '@');
	_cleanup_free_ char *name = at ? strndup(text, (size_t)(at - text)) : NULL;
	struct pr_function *port = NULL;
	int r;

	if (!at || at == text || !at[1])
		return pr_cli_error("--add=%s: TEMPLATE@SLOT is wanted", text);
	if (!name)
		return pr_cli_failed(-ENOMEM, "cannot add a card");
	r = find_port(x->machine, at + 1, &port);
	if (r == PR_EXIT_OK)
		r = check_empty(at + 1, port);
	if (r == PR_EXIT_OK)
		r = pr_cli_template(x->cli, name, &x->templates[x->n]);
	if (r != PR_EXIT_OK)
		return r;
	x->additions[x->n].template = x->templates[x->n];
	x->n++;
	return insert(x, at + 1, port);
}

static int change_kernel(struct session *x)
{
	struct pr_topology *next;
	int r;

	if (!x->cli->kernel && !x->cli->cmdline)
		return PR_EXIT_OK;
	r = pr_refit_kernel(x->machine, x->cli->kernel, x->cli->cmdline, &next);
	if (r < 0)
		return pr_cli_failed(r, "cannot take another kernel");
	replace(x, next);
	return PR_EXIT_OK;
}

static int change(struct session *x)
{
	const struct pr_cli *cli = x->cli;
	int r = change_kernel(x);

	for (size_t i = 0; i < cli->n_removed && r == PR_EXIT_OK; i++)
		r = remove_card(x, cli->removed[i]);
	for (size_t i = 0; i < cli->n_added && r == PR_EXIT_OK; i++)
		r = add_card(x, cli->added[i]);
	return r;
}

/* ---- the answer ---- */

static bool print_answer(const struct pr_cli *cli, const struct pr_what_if_answer *a)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_what_if_json(&j, a);
	} else {
		pr_render_what_if(&t, &cli->style, a);
	}
	return pr_cli_print(&t);
}

/* What works at once needs no plan, unless more was asked for. */
static int exit_of(const struct pr_cli *cli, const struct pr_what_if *w)
{
	if (w->works && w->n_cards > 0 && cli->n_reserves + cli->n_buses == 0)
		return PR_EXIT_OK;
	return w->plan ? pr_verdict_exit(w->plan->verdict) : PR_EXIT_INFEASIBLE;
}

static int answer(const struct session *x, const struct pr_question *q, const struct pr_source *s)
{
	const struct pr_what_if_request request = {
		.ports = x->ports,
		.n_ports = x->n,
		.boots = x->cli->kernel || x->cli->cmdline,
		.plan = q->request,
	};
	struct pr_what_if_answer a = {
		.additions = x->additions,
		.n_additions = x->n,
		.removed = x->cli->removed,
		.n_removed = x->cli->n_removed,
		.release = x->cli->kernel,
		.cmdline = x->cli->cmdline,
		.notes = pr_source_notes(s),
	};
	struct pr_what_if *w;
	int r = pr_what_if_make(x->machine, &request, &q->policy, &w);

	if (r == -EINVAL)
		return pr_cli_error("a pci= option of the kernel's command line is malformed");
	if (r < 0)
		return pr_cli_failed(r, "cannot answer");
	a.what_if = w;
	r = print_answer(x->cli, &a) ? exit_of(x->cli, w) : PR_EXIT_ERROR;
	pr_what_if_free(w);
	return r;
}

/* Pins and movables are paths, which stay what they are when cards come and go. */
static int ask(struct session *x, const struct pr_source *s)
{
	struct pr_question q = { 0 };
	int r = pr_question_init(x->cli, s->topology, &q);

	if (r == PR_EXIT_OK)
		r = change(x);
	if (r == PR_EXIT_OK)
		r = answer(x, &q, s);
	pr_question_deinit(&q);
	return r;
}

int pr_verb_what_if(const struct pr_cli *cli)
{
	struct session x = { .cli = cli };
	struct pr_source s;
	int r;

	r = pr_source_open(cli, false, &s);
	if (r != PR_EXIT_OK)
		return r;
	x.templates = calloc(cli->n_added + 1, sizeof(struct pr_template *));
	x.additions = calloc(cli->n_added + 1, sizeof(*x.additions));
	x.ports = calloc(cli->n_added + 1, sizeof(*x.ports));
	r = x.templates && x.additions && x.ports
		    ? pr_refit_kernel(s.topology, NULL, NULL, &x.machine)
		    : -ENOMEM;
	r = r < 0 ? pr_cli_failed(r, "cannot start") : ask(&x, &s);
	session_free(&x);
	pr_source_close(&s);
	return r;
}

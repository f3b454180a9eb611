/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with cards added and removed and perhaps another kernel, as the
 * options of what-if ask for it, and the model's answer.  Prints no answer.
 */
#include "cli/changes.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/templates.h"

/* @next in the place of what was worked on. */
static void replace(struct pr_changes *x, struct pr_topology *next)
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

bool pr_is_slot_port(const struct pr_function *f)
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
	if (!pr_is_slot_port(f))
		return pr_cli_error("%s is no port that a card can be plugged in behind", name);
	*ret = f;
	return PR_EXIT_OK;
}

/* ---- changes ---- */

static int remove_card(struct pr_changes *x, const char *name)
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

static int insert(struct pr_changes *x, const char *slot, const struct pr_function *port)
{
	struct pr_addition *a = &x->additions[x->n - 1];
	struct pr_topology *next;
	int r;

	a->port = x->ports[x->n - 1] = port->address;
	r = pr_refit_insert(x->machine, port, a->template, &next);
	if (r < 0)
		return pr_cli_failed(r, "cannot add a card");
	if (r > 0) {
		(void)pr_cli_error("%s: no bus number is left to name the functions of %s by", slot,
			a->template->name);
		return PR_EXIT_INFEASIBLE;
	}
	replace(x, next);
	return PR_EXIT_OK;
}

/* TEMPLATE@SLOT; a file's name may hold an "@", a slot does not. */
static int add_card(struct pr_changes *x, const char *text)
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

bool pr_changes_boot(const struct pr_cli *cli)
{
	return cli->kernel || cli->cmdline;
}

bool pr_changes_any(const struct pr_cli *cli)
{
	return cli->added.n + cli->removed.n > 0 || pr_changes_boot(cli);
}

int pr_changes_check_boot(const struct pr_cli *cli)
{
	const struct pr_machine asked = { .release = cli->kernel, .cmdline = cli->cmdline };
	struct pr_kernel kernel;
	int r = pr_kernel_select(&asked, &kernel);

	if (r < 0)
		return pr_cli_error("--cmdline=%s: a pci= option in it is malformed", cli->cmdline);
	if (r > 0 && cli->kernel)
		return pr_cli_error("--kernel=%s: a release such as 6.12 is wanted", cli->kernel);
	return PR_EXIT_OK;
}

static int change_kernel(struct pr_changes *x)
{
	struct pr_topology *next;
	int r = pr_changes_check_boot(x->cli);

	if (r != PR_EXIT_OK || !pr_changes_boot(x->cli))
		return r;
	r = pr_refit_kernel(x->machine, x->cli->kernel, x->cli->cmdline, &next);
	if (r < 0)
		return pr_cli_failed(r, "cannot take another kernel");
	replace(x, next);
	return PR_EXIT_OK;
}

/* Room for @n cards, and a copy of @t. */
static int make_room(struct pr_changes *x, const struct pr_topology *t, size_t n)
{
	x->templates = calloc(n + 1, sizeof(struct pr_template *));
	x->additions = calloc(n + 1, sizeof(*x->additions));
	x->ports = calloc(n + 1, sizeof(*x->ports));
	if (!x->templates || !x->additions || !x->ports)
		return -ENOMEM;
	return pr_refit_kernel(t, NULL, NULL, &x->machine);
}

int pr_changes_make(const struct pr_cli *cli, const struct pr_topology *t, const char *const *added,
	size_t n_added, struct pr_changes *ret)
{
	struct pr_changes x = { .cli = cli };
	int r = make_room(&x, t, n_added);

	r = r < 0 ? pr_cli_failed(r, "cannot start") : change_kernel(&x);
	for (size_t i = 0; i < cli->removed.n && r == PR_EXIT_OK; i++)
		r = remove_card(&x, cli->removed.name[i]);
	for (size_t i = 0; i < n_added && r == PR_EXIT_OK; i++)
		r = add_card(&x, added[i]);
	if (r == PR_EXIT_OK)
		*ret = x;
	else
		pr_changes_deinit(&x);
	return r;
}

void pr_changes_deinit(struct pr_changes *x)
{
	for (size_t i = 0; i < x->n; i++)
		pr_template_free(x->templates[i]);
	free(x->templates);
	free(x->additions);
	free(x->ports);
	pr_question_deinit(&x->question);
	pr_topology_free(x->machine);
	*x = (struct pr_changes){ 0 };
}

/* What comes can be named as well as what is there; what was taken out cannot. */
int pr_changes_answer(struct pr_changes *x, struct pr_what_if **ret)
{
	struct pr_what_if_request request = {
		.ports = x->ports,
		.n_ports = x->n,
		.boots = pr_changes_boot(x->cli),
	};
	struct pr_what_if *w;
	int r = pr_question_init(x->cli, x->machine, &x->question);

	if (r != PR_EXIT_OK)
		return r;
	request.plan = x->question.request;
	r = pr_what_if_make(x->machine, &request, &x->question.policy, &w);
	if (r == -EINVAL)
		return pr_cli_error("a pci= option of the kernel's command line is malformed");
	if (r < 0)
		return pr_cli_failed(r, "cannot answer");
	r = w->plan ? pr_plan_verify(w->plan, &x->question.policy) : PR_EXIT_OK;
	if (r == PR_EXIT_OK)
		*ret = w;
	else
		pr_what_if_free(w);
	return r;
}

int pr_what_if_exit(const struct pr_what_if *w)
{
	if (w->suffices)
		return PR_EXIT_OK;
	return w->plan ? pr_verdict_exit(w->plan->verdict) : PR_EXIT_INFEASIBLE;
}

/* ---- one answer ---- */

int pr_changes_show(
	const struct pr_cli *cli, int (*show)(const struct pr_cli *cli, const struct pr_source *s,
					  const struct pr_changes *x, const struct pr_what_if *w))
{
	struct pr_what_if *w = NULL;
	struct pr_changes x = { 0 };
	struct pr_source s;
	int r = pr_source_open(cli, false, &s);

	if (r != PR_EXIT_OK)
		return r;
	r = pr_changes_make(cli, s.topology, cli->added.name, cli->added.n, &x);
	if (r == PR_EXIT_OK)
		r = pr_changes_answer(&x, &w);
	if (r == PR_EXIT_OK)
		r = show(cli, &s, &x, w);
	pr_what_if_free(w);
	pr_changes_deinit(&x);
	pr_source_close(&s);
	return r;
}

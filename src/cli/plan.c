/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb plan, and planning for the others. */
#include <errno.h>

#include "base/macros.h"
#include "pciroom/import.h"
#include "cli/input.h"
#include "cli/plan.h"

int pr_verdict_exit(enum pr_verdict v)
{
	switch (v) {
	case PR_VERDICT_OK:
		return PR_EXIT_OK;
	case PR_VERDICT_NOTHING:
		return PR_EXIT_NOTHING;
	case PR_VERDICT_INFEASIBLE:
	case PR_VERDICT_UNKNOWN:
		return PR_EXIT_INFEASIBLE;
	case PR_VERDICT_TOO_DISRUPTIVE:
	case PR_VERDICT_VETOED:
		return PR_EXIT_IN_USE;
	case _PR_VERDICT_MAX:
		break;
	}
	return PR_EXIT_ERROR;
}

int pr_question_init(const struct pr_cli *cli, const struct pr_topology *t, struct pr_question *ret)
{
	struct pr_question q = { 0 };
	int r;

	r = pr_cli_devices(cli, t, &q.devices, &q.n_devices);
	if (r == PR_EXIT_OK)
		r = pr_cli_paths(cli->pins.name, cli->pins.n, t, &q.pins);
	if (r == PR_EXIT_OK)
		r = pr_cli_paths(cli->movable.name, cli->movable.n, t, &q.movable);
	if (r == PR_EXIT_OK)
		r = pr_cli_buses(cli, t, &q.buses);
	if (r == PR_EXIT_OK)
		r = pr_cli_vfs(cli, t, &q.vfs);
	if (r == PR_EXIT_OK)
		r = pr_cli_resizes(cli, t, &q.resizes);
	if (r != PR_EXIT_OK) {
		pr_question_deinit(&q);
		return r;
	}

	q.targets = calloc(q.n_devices + 1, sizeof(*q.targets));
	if (!q.targets) {
		pr_question_deinit(&q);
		return pr_cli_failed(-ENOMEM, "cannot plan");
	}
	for (size_t i = 0; i < q.n_devices; i++)
		q.targets[i] = q.devices[i]->address;
	q.policy = (struct pr_policy){ .limit = cli->limit,
		.pinned = (const char *const *)q.pins,
		.n_pinned = cli->pins.n,
		.movable = (const char *const *)q.movable,
		.n_movable = cli->movable.n };
	q.request = (struct pr_request){ .targets = q.targets,
		.n_targets = q.n_devices,
		.buses = q.buses,
		.n_buses = cli->buses.n,
		.vfs = q.vfs,
		.n_vfs = cli->vfs.n,
		.resizes = q.resizes,
		.n_resizes = cli->resizes.n,
		.shrink = cli->shrink,
		.advise = true };
	r = pr_question_reserve(cli, t, &q);
	if (r != PR_EXIT_OK) {
		pr_question_deinit(&q);
		return r;
	}

	*ret = q;
	return PR_EXIT_OK;
}

void pr_question_deinit(struct pr_question *q)
{
	free(q->devices);
	free(q->targets);
	free(q->buses);
	free(q->reserves);
	free(q->vfs);
	free(q->resizes);
	pr_paths_free(q->pins);
	pr_paths_free(q->movable);
	*q = (struct pr_question){ 0 };
}

int pr_question_answer(
	const struct pr_cli *cli, int (*answer)(const struct pr_cli *cli, const struct pr_source *s,
					  const struct pr_question *q))
{
	struct pr_question q = { 0 };
	struct pr_source s;
	int r;

	r = pr_source_open(cli, false, &s);
	if (r != PR_EXIT_OK)
		return r;

	r = pr_question_init(cli, s.topology, &q);
	if (r == PR_EXIT_OK)
		r = answer(cli, &s, &q);
	pr_question_deinit(&q);
	pr_source_close(&s);
	return r;
}

int pr_plan_verify(struct pr_plan *p, const struct pr_policy *policy)
{
	char why[256];
	int r = p->verdict == PR_VERDICT_OK ? pr_plan_check(p, policy, why, sizeof(why)) : 0;

	if (r < 0)
		return pr_cli_failed(r, "cannot verify the plan");
	if (r > 0)
		return pr_cli_error("the plan does not hold, a fault of pciroom: %s "
				    "(pciroom record makes a file for a report)",
			why);
	return PR_EXIT_OK;
}

static int make_plan(const struct pr_question *q, const struct pr_policy *policy,
	const struct pr_topology *t, struct pr_plan **ret)
{
	struct pr_plan *p;
	int r;

	r = pr_plan_make(t, &q->request, policy, &p);
	if (r < 0)
		return pr_cli_failed(r, "cannot plan");

	r = pr_plan_verify(p, policy);
	if (r != PR_EXIT_OK) {
		pr_plan_free(p);
		return r;
	}

	*ret = p;
	return PR_EXIT_OK;
}

/* The service's plan, made again here: it is shown from the machine it was made on. */
static int plan_with(const struct pr_question *q, const struct pr_topology *t,
	struct pr_remote *remote, struct pr_plan **ret)
{
	_cleanup_(pr_remote_policy_deinit) struct pr_remote_policy theirs = { 0 };
	struct pr_policy policy;
	struct pr_plan *p;
	int r;

	r = pr_remote_plan(remote, &q->request, &q->policy, &theirs);
	if (r != PR_EXIT_OK)
		return r;
	policy = (struct pr_policy){ .limit = theirs.limit,
		.pinned = (const char *const *)theirs.pinned,
		.n_pinned = theirs.n_pinned,
		.sized = (const char *const *)theirs.sized,
		.n_sized = theirs.n_sized,
		.reserves = theirs.reserves,
		.n_reserves = theirs.n_reserves };
	r = make_plan(q, &policy, t, &p);
	if (r != PR_EXIT_OK)
		return r;

	r = pr_remote_agrees(remote, p);
	if (r != PR_EXIT_OK) {
		pr_plan_free(p);
		return r;
	}
	*ret = p;
	return PR_EXIT_OK;
}

int pr_question_plan(const struct pr_question *q, const struct pr_topology *t,
	struct pr_remote *remote, struct pr_plan **ret)
{
	int r;

	r = remote ? plan_with(q, t, remote, ret) : make_plan(q, &q->policy, t, ret);
	return r == PR_REMOTE_ABSENT ? pr_cli_error("pciroomd went away") : r;
}

int pr_plan_look_around(const struct pr_source *s, struct pr_plan *p)
{
	int r = s->local || s->remote ? pr_effects_find(p, "/") : 0;

	return r < 0 ? pr_cli_failed(r, "cannot look for what new addresses change") : PR_EXIT_OK;
}

static bool print_plan(
	const struct pr_cli *cli, const struct pr_plan *p, const struct pr_import_notes *notes)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (!cli->json) {
		pr_render_plan(&t, &cli->style, p);
		return pr_cli_print(&t);
	}

	pr_json_init(&j, &t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.plan/1");
	pr_json_notes(&j, notes);
	pr_render_plan_json(&j, p);
	pr_json_object_end(&j);
	return pr_cli_print(&t);
}

/* A card can be pulled while it is planned for; a plan for what is gone helps nobody. */
static int check_still_there(const struct pr_plan *p)
{
	char address[PR_ADDRESS_MAX];

	for (size_t i = 0; i < p->n_targets; i++) {
		pr_address_format(&p->targets[i]->address, address);
		if (!pr_live_present("/", &p->targets[i]->address))
			return pr_cli_error("%s has gone while it was planned for", address);
	}
	return PR_EXIT_OK;
}

static int show(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_plan *p;
	int r;

	r = pr_question_plan(q, s->topology, s->remote, &p);
	if (r != PR_EXIT_OK)
		return r;
	if (s->local || s->remote)
		r = check_still_there(p);
	if (r == PR_EXIT_OK)
		r = pr_plan_look_around(s, p);
	if (r == PR_EXIT_OK)
		r = print_plan(cli, p, pr_source_notes(s)) ? pr_verdict_exit(p->verdict)
							   : PR_EXIT_ERROR;
	pr_plan_free(p);
	return r;
}

int pr_verb_plan(const struct pr_cli *cli)
{
	return pr_question_answer(cli, show);
}

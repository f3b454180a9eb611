/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb slots: what could be hot-added where, and what it takes. */
#include <errno.h>

#include "base/macros.h"
#include "cli/plan.h"

static bool print_slots(const struct pr_cli *cli, const struct pr_slots *slots,
	const struct pr_doctor *doctor, const struct pr_import_notes *notes)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_slots_json(&j, slots, doctor, notes);
	} else if (pr_render_slots(&t, &cli->style, slots, doctor) < 0) {
		pr_text_deinit(&t);
		(void)pr_cli_failed(-ENOMEM, "cannot draw the slots");
		return false;
	}
	return pr_cli_print(&t);
}

static size_t count_mute_ports(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions; j++)
			n += pr_port_is_mute(&t->roots[i]->functions[j]);
	return n;
}

static int no_slots(const struct pr_cli *cli, const struct pr_topology *t)
{
	const size_t mute = count_mute_ports(t);

	if (cli->style.verbose || cli->n_arguments > 0)
		pr_cli_note("there is no such port, and no Resizable BAR behind it");
	else if (mute > 0)
		pr_cli_note("whether %zu of the ports are hot-plug slots is not known (root sees "
			    "it; in a recording lspci -xxxx and -vvv tell it), and no other is; "
			    "--verbose shows all",
			mute);
	else
		pr_cli_note("no port is a hot-plug slot, and no BAR can have another size; "
			    "--verbose shows other ports");
	return PR_EXIT_NOTHING;
}

static int show(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	const struct pr_slots_request request = {
		.ports = q->devices, .n_ports = q->n_devices, .all = cli->style.verbose
	};
	struct pr_doctor *doctor = NULL;
	struct pr_slots *slots = NULL;
	int r;

	r = pr_slots_make(s->topology, &q->policy, &request, &slots);
	if (r == 0)
		r = pr_doctor_make(s->topology, &doctor);
	if (r < 0)
		r = pr_cli_failed(r, "cannot try the slots");
	else if (slots->n + slots->n_resizable == 0 && !cli->json)
		r = no_slots(cli, s->topology);
	else
		r = print_slots(cli, slots, doctor, pr_source_notes(s)) ? PR_EXIT_OK
									: PR_EXIT_ERROR;
	pr_doctor_free(doctor);
	pr_slots_free(slots);
	return r;
}

int pr_verb_slots(const struct pr_cli *cli)
{
	return pr_question_answer(cli, show);
}

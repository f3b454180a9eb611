/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice between recording, daemon and ourselves. */
#include "base/macros.h"
#include "cli/input.h"
#include "cli/source.h"
#include "pciroom/import.h"

static int open_local(const struct pr_cli *cli, bool acts, struct pr_source *s)
{
	int r = pr_local_open(cli, acts, &s->local);

	return r != PR_EXIT_OK ? r : pr_local_look(s->local, &s->topology);
}

static int open_remote(struct pr_source *s)
{
	int r = pr_remote_open(&s->remote);

	return r != PR_EXIT_OK ? r : pr_remote_look(s->remote, &s->topology);
}

static int open_source(const struct pr_cli *cli, bool acts, struct pr_source *s)
{
	int r;

	if (cli->input)
		return pr_input_open(cli, &s->topology, &s->notes);
	if (cli->local)
		return open_local(cli, acts, s);

	r = open_remote(s);
	if (r == PR_EXIT_NOT_PERMITTED && !acts) {
		pr_cli_note("looking at the machine without pciroomd");
		pr_remote_close(pr_take(s->remote));
		return open_local(cli, false, s);
	}
	if (r != PR_REMOTE_ABSENT)
		return r;
	if (acts)
		return pr_cli_error(
			"pciroomd does not run (%s): start it (systemctl start pciroomd), "
			"or give --local as root",
			pr_remote_absence(s->remote));
	pr_cli_note("pciroomd does not run (%s); looking at the machine without it",
		pr_remote_absence(s->remote));
	pr_remote_close(pr_take(s->remote));
	return open_local(cli, false, s);
}

int pr_source_open(const struct pr_cli *cli, bool acts, struct pr_source *ret)
{
	struct pr_source s = { 0 };
	int r = open_source(cli, acts, &s);

	if (r != PR_EXIT_OK) {
		pr_source_close(&s);
		return r;
	}

	if (s.topology->machine.unseen)
		pr_cli_note("users may be missing: %s", s.topology->machine.unseen);
	*ret = s;
	return PR_EXIT_OK;
}

void pr_source_close(struct pr_source *s)
{
	pr_topology_free(s->topology);
	pr_remote_close(s->remote);
	pr_local_close(s->local);
	*s = (struct pr_source){ 0 };
}

const struct pr_import_notes *pr_source_notes(const struct pr_source *s)
{
	return s->local || s->remote ? NULL : &s->notes;
}

int pr_source_look(struct pr_source *s)
{
	struct pr_topology *t;
	int r = s->local ? pr_local_look(s->local, &t) : pr_remote_look(s->remote, &t);

	if (r != PR_EXIT_OK)
		return r == PR_REMOTE_ABSENT ? pr_cli_error("pciroomd went away") : r;

	pr_topology_free(s->topology);
	s->topology = t;
	return PR_EXIT_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice between snapshot, daemon and ourselves. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "cli/source.h"
#include "pciroom/import.h"

/* More than any machine needs; the reader has limits of its own. */
#define SNAPSHOT_MAX (64u << 20)

static int read_snapshot(const char *file, struct pr_topology **ret)
{
	struct pr_import_error error = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = pr_read_file_at(
		AT_FDCWD, strcmp(file, "-") == 0 ? "/dev/stdin" : file, SNAPSHOT_MAX, &text, &size);
	if (r < 0)
		return pr_cli_failed(r, file);

	r = pr_snapshot_read(text, size, ret, &error);
	if (r == 0)
		return PR_EXIT_OK;
	if (error.line > 0)
		return pr_cli_error("%s:%u:%u: %s", file, error.line, error.column, error.text);
	if (error.text[0])
		return pr_cli_error("%s: %s", file, error.text);
	return pr_cli_failed(r < 0 ? r : -EBADMSG, file);
}

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
		return read_snapshot(cli->input, &s->topology);
	if (cli->local)
		return open_local(cli, acts, s);

	r = open_remote(s);
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

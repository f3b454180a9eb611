/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel log as a recording of its own: what dmesg.h reads, as any other importer gives it. */
#include <errno.h>

#include "base/macros.h"
#include "import/companions.h"
#include "pciroom/dmesg.h"

static void builder_freep(struct pr_builder **b)
{
	pr_builder_free(*b);
}

static int build(
	const struct pr_dmesg *log, struct pr_topology **ret, struct pr_import_error *error)
{
	_cleanup_(builder_freep) struct pr_builder *builder = pr_builder_new();
	struct pr_build_error why = { .text = "" };
	int r;

	if (!builder)
		return pr_import_no_memory(error);
	r = pr_dmesg_add_facts(log, log->n, builder);
	if (r < 0)
		return pr_import_no_memory(error);

	r = pr_builder_finish(pr_take(builder), ret, &why);
	if (r > 0)
		return pr_import_contradiction(error, &why);
	return r < 0 ? pr_import_no_memory(error) : 0;
}

static bool has_beginning(const struct pr_dmesg *log)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->entries[i].kind == PR_DMESG_ROOT)
			return true;
	return false;
}

static void note_log(
	struct pr_import_notes *notes, const struct pr_dmesg *log, const struct pr_topology *t)
{
	if (!has_beginning(log))
		pr_note(notes, "functions that were found before it are missing",
			"the log from the boot on");
	pr_note(notes, "hot-plug and switch ports of older kernels' logs are not recognised",
		"configuration space");
	pr_note(notes, "a prediction may use addresses that the machine itself occupies",
		"what lies in the apertures, but for what the log names");
	pr_note(notes, "every function counts as free", "drivers and users of the functions");
	pr_note_topology(notes, t);
}

int pr_log_read(const char *text, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	struct pr_topology *t = NULL;
	struct pr_dmesg *log;
	int r;

	if (companions && (companions->iomem || companions->ioports || companions->dmesg))
		return pr_import_fail(error, -EINVAL,
			"a kernel log has its apertures: other lists beside it are not taken");
	r = pr_dmesg_read(text, size, &log, error);
	if (r < 0)
		return r;
	r = build(log, &t, error);
	if (r == 0 && t->n_functions == 0)
		r = pr_import_fail(error, -EINVAL, "no PCI function in it");
	if (r == 0) {
		note_log(notes, log, t);
		*ret = t;
	} else {
		pr_topology_free(t);
	}
	pr_dmesg_free(log);
	return r;
}

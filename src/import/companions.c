/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What importers of recordings share. */
#include "import/companions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pciroom/dmesg.h"

void pr_note(struct pr_import_notes *notes, const char *cost, const char *format, ...)
{
	struct pr_import_note *note;
	va_list args;

	if (!notes || notes->n == PR_IMPORT_NOTES_MAX)
		return;
	note = &notes->note[notes->n++];
	va_start(args, format);
	(void)vsnprintf(note->missing, sizeof(note->missing), format, args); /* cut is fine */
	va_end(args);
	(void)snprintf(note->cost, sizeof(note->cost), "%s", cost);
}

static int add_root(struct pr_builder *builder, const struct pr_root_facts *facts,
	struct pr_import_error *error)
{
	int r = pr_builder_add_root(builder, facts);

	if (r == -ENOMEM)
		return pr_import_no_memory(error);
	if (r < 0)
		return pr_import_fail(error, r, "host bridge %04" PRIx32 ":%02x: %s", facts->domain,
			facts->bus, strerror(-r));
	return 0;
}

/* The line is one of the companion, which the sentence names, not of the recording. */
static void place_in_text(struct pr_import_error *error)
{
	struct pr_import_error was = *error;

	if (was.line > 0)
		(void)pr_import_fail(error, 0, "%.230s (line %u)", was.text, was.line);
}

int pr_companions_roots(const struct pr_companions *companions, const struct pr_topology *bare,
	struct pr_builder *builder, struct pr_arena *arena, struct pr_import_error *error)
{
	const struct pr_resource_text iomem = { companions->iomem_name, companions->iomem,
		companions->iomem_size };
	const struct pr_resource_text ioports = { companions->ioports_name, companions->ioports,
		companions->ioports_size };
	struct pr_aperture_root *roots =
		pr_new_array(arena, bare->n_roots, struct pr_aperture_root);
	int r;

	if (!roots)
		return pr_import_no_memory(error);
	for (size_t i = 0; i < bare->n_roots; i++)
		roots[i] = (struct pr_aperture_root){ .facts = bare->roots[i]->facts };
	r = pr_apertures_parse(&iomem, &ioports, roots, bare->n_roots, arena, error);
	if (r < 0)
		place_in_text(error);
	for (size_t i = 0; r >= 0 && i < bare->n_roots; i++)
		r = add_root(builder, &roots[i].facts, error);
	return r;
}

/* Another file was meant, or the kernel has kept nothing that is of use. */
static bool says_nothing(const struct pr_dmesg *log)
{
	const struct pr_machine *m = &log->machine;

	return log->n == 0 && !m->release && !m->cmdline && !m->arch && !m->product && !m->is_guest;
}

int pr_companions_supplement(const struct pr_companions *companions, struct pr_builder *builder,
	struct pr_import_error *error)
{
	struct pr_dmesg *log;
	int r;

	if (!companions || !companions->dmesg)
		return 0;
	r = pr_dmesg_read(companions->dmesg, companions->dmesg_size, &log, error);
	if (r < 0)
		return r;
	if (says_nothing(log))
		r = pr_import_fail(error, -EINVAL,
			"the kernel log beside it has no line about PCI, or of a boot: it would add nothing");
	else if (pr_dmesg_supplement(log, builder) < 0)
		r = pr_import_no_memory(error);
	pr_dmesg_free(log);
	return r;
}

/* ---- notes ---- */

static void note_apertures(struct pr_import_notes *notes, const struct pr_topology *t)
{
	size_t both = 0, io = 0, mem = 0;

	pr_for_each_root (t, i) {
		const struct pr_root_facts *f = &t->roots[i]->facts;

		both += !f->io_known && !f->mem_known;
		io += !f->io_known && f->mem_known;
		mem += f->io_known && !f->mem_known;
	}
	if (both > 0)
		pr_note(notes, "room outside of the windows that are open cannot be judged",
			"apertures of %zu of %zu host bridges (give --iomem and --ioports, or --dmesg)",
			both, t->n_roots);
	if (io > 0)
		pr_note(notes, "room for I/O outside of the windows that are open cannot be judged",
			"I/O apertures of %zu of %zu host bridges (give --ioports, or --dmesg)", io,
			t->n_roots);
	if (mem > 0)
		pr_note(notes,
			"room for memory outside of the windows that are open cannot be judged",
			"memory apertures of %zu of %zu host bridges (give --iomem, or --dmesg)",
			mem, t->n_roots);
}

static bool wants_size(const struct pr_resource *r)
{
	return !pr_resource_is_window(r) && r->size == PR_SIZE_UNKNOWN;
}

static size_t count_sizes(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			for (unsigned int j = 0; j < t->roots[i]->functions[k].n_resources; j++)
				n += wants_size(&t->roots[i]->functions[k].resources[j]);
	return n;
}

/* Bridges whose bus numbers are not known: nothing can be put below them. */
static size_t count_busless(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++) {
			const struct pr_function *f = &t->roots[i]->functions[k];

			n += f->bridge && f->bridge->registers[1].width == 0;
		}
	return n;
}

void pr_note_topology(struct pr_import_notes *notes, const struct pr_topology *t)
{
	size_t n = count_busless(t);

	note_apertures(notes, t);
	if (n > 0)
		pr_note(notes, "every bus below them counts as a host bridge of its own",
			"bus numbers and windows of %zu bridges", n);
	n = count_sizes(t);
	if (n > 0)
		pr_note(notes, "what holds them cannot be placed anew in a prediction",
			"sizes of %zu BARs", n);
	if (!t->machine.release)
		pr_note(notes, "the newest one that is known here is predicted", "kernel release");
}

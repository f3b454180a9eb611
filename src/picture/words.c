/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boxes of a picture are called, on them and behind them.  Addresses
 * of functions go without their domain: the headline of the host bridge has it.
 */
#include "picture/scene.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHORT_MAX 16

const char *pr_box_kind_name(enum pr_box_kind kind)
{
	static const char *const names[] = {
		[PR_BOX_APERTURE] = "aperture",
		[PR_BOX_WINDOW] = "window",
		[PR_BOX_CLAIM] = "claim",
		[PR_BOX_BUS] = "bus",
		[PR_BOX_BUSY] = "busy",
		[PR_BOX_FREE] = "free",
		[PR_BOX_RESERVE] = "reserve",
		[PR_BOX_REST] = "rest",
	};

	return names[kind];
}

static const char *short_address(const struct pr_function *f, char ret[SHORT_MAX])
{
	(void)snprintf(ret, SHORT_MAX, "%02x:%02x.%u", f->address.bus, f->address.device,
		f->address.function);
	return ret;
}

const char *pr_area_name(enum pr_area_kind kind)
{
	static const char *const names[_PR_AREA_MAX] = {
		[PR_AREA_IO] = "I/O ports",
		[PR_AREA_MEM32] = "memory below 4 GiB",
		[PR_AREA_MEM64] = "memory above 4 GiB",
		[PR_AREA_BUSES] = "bus numbers",
	};

	return names[kind];
}

void pr_root_label(const struct pr_root *root, char ret[PR_LABEL_MAX])
{
	(void)snprintf(ret, PR_LABEL_MAX, "host bridge %04" PRIx32 ":%02x, %zu function%s",
		root->facts.domain, root->facts.bus, root->n_functions,
		root->n_functions == 1 ? "" : "s");
}

/* Printed behind what is there; what does not fit is cut. */
static void __attribute__((format(printf, 2, 3)))
append(char ret[PR_LABEL_MAX], const char *format, ...)
{
	size_t n = strlen(ret);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret + n, PR_LABEL_MAX - n, format, args);
	va_end(args);
}

static void append_count(char ret[PR_LABEL_MAX], size_t n, const char *noun)
{
	append(ret, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

/* "VGA controller 10de:2204, nvidia" */
static void append_role(char ret[PR_LABEL_MAX], const struct pr_function *f)
{
	append(ret, "%s", pr_function_role(f));
	if (f->header.has_ids && !f->bridge)
		append(ret, " %04x:%04x", f->header.vendor, f->header.device);
	if (f->facts->driver && !f->bridge)
		append(ret, ", %s", f->facts->driver);
}

static void label_aperture(
	const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX])
{
	if (area->kind == PR_AREA_BUSES)
		append(ret, box->unknown ? "host bridge; its last number is not recorded"
					 : "host bridge");
	else
		append(ret, box->unknown ? "in use; apertures are not recorded" : "host bridge");
}

/* The windows of a CardBus bridge have the numbers of others, and flags that say what they are. */
static const char *content_of(const struct pr_box *box)
{
	const struct pr_resource *r = box->resource;
	const bool prefetchable =
		box->function->bridge ? r->index == PR_WINDOW_PREF : r->flags & PR_IORES_PREFETCH;

	return prefetchable ? "prefetchable" : "memory";
}

static void label_window(
	const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX])
{
	char address[SHORT_MAX];

	append(ret, "%s %s", short_address(box->function, address),
		box->kind == PR_BOX_RESERVE ? "empty slot" : pr_function_role(box->function));
	if (box->resource && area->kind != PR_AREA_IO)
		append(ret, ", %s", content_of(box));
}

/* "12 functions, 30 MiB free" of what is not drawn. */
static void append_sum(const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX])
{
	char size[PR_SIZE_TEXT_MAX];

	if (box->n_functions > 0)
		append_count(ret, box->n_functions, "function");
	if (area->kind != PR_AREA_BUSES && box->n_boxes > box->n_functions) {
		append(ret, "%s", box->n_functions > 0 ? " in " : "");
		append_count(ret, box->n_boxes, "range");
	}
	if (box->free == 0)
		return;
	append(ret, "%s", box->n_boxes > 0 ? ", " : "");
	if (area->kind == PR_AREA_BUSES)
		append(ret, "%" PRIu64 " free", box->free);
	else
		append(ret, "%s free", pr_size_format(box->free, size));
}

void pr_box_label(const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX])
{
	char address[SHORT_MAX];

	*ret = '\0';
	switch (box->kind) {
	case PR_BOX_APERTURE:
		label_aperture(box, area, ret);
		break;
	case PR_BOX_WINDOW:
	case PR_BOX_RESERVE:
		label_window(box, area, ret);
		break;
	case PR_BOX_CLAIM:
		append(ret, "%s %s, ", short_address(box->function, address),
			pr_resource_name(box->resource->index));
		append_role(ret, box->function);
		break;
	case PR_BOX_BUS:
		append_count(ret, box->n_functions, "function");
		return;
	case PR_BOX_BUSY:
		append(ret, "not PCI");
		break;
	case PR_BOX_FREE:
		append(ret, "free");
		return;
	case PR_BOX_REST:
		append_sum(box, area, ret);
		return;
	}
	if (box->n_boxes > 0 || box->n_functions > 0) {
		append(ret, ": ");
		append_sum(box, area, ret);
	} else if (box->kind == PR_BOX_WINDOW && !box->first) {
		append(ret, ", empty");
	}
}

void pr_box_size(const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX])
{
	uint64_t n = pr_range_size(&box->range);
	char size[PR_SIZE_TEXT_MAX];

	if (area->kind == PR_AREA_BUSES)
		(void)snprintf(ret, PR_LABEL_MAX, "%" PRIu64 " bus%s", n, n == 1 ? "" : "es");
	else
		(void)snprintf(ret, PR_LABEL_MAX, "%s", pr_size_format(n, size));
}

void pr_area_address(const struct pr_area *area, uint64_t address, char ret[PR_LABEL_MAX])
{
	(void)snprintf(ret, PR_LABEL_MAX, "%0*" PRIx64, (int)area->digits, address);
}

void pr_scene_unchanged(const struct pr_scene *s, size_t root, char ret[PR_LABEL_MAX])
{
	size_t drawn = 0, n = 0;

	*ret = '\0';
	for (unsigned int k = 0; k < _PR_AREA_MAX; k++)
		drawn += !pr_scene_is_left_out(s, root, k);
	for (unsigned int k = 0; k < _PR_AREA_MAX; k++) {
		if (!pr_scene_is_unchanged(s, root, k))
			continue;
		if (n++ == 0)
			append(ret, "nothing changes%s", drawn > 0 ? " in " : "");
		else if (drawn > 0)
			append(ret, ", ");
		if (drawn > 0)
			append(ret, "%s", pr_area_name(k));
	}
}

/* ---- all that is known ---- */

enum pr_disruption pr_box_disruption(const struct pr_box *box, const struct pr_policy *policy)
{
	return box->function && box->kind == PR_BOX_CLAIM
		       ? pr_function_disruption(box->function, policy, NULL)
		       : PR_DISRUPTION_FREE;
}

static void detail_range(
	struct pr_text *t, const struct pr_area *area, const struct pr_range *range)
{
	char first[PR_LABEL_MAX], last[PR_LABEL_MAX];

	pr_area_address(area, range->first, first);
	pr_area_address(area, range->last, last);
	pr_text_printf(t, "%s-%s", first, last);
}

static void detail_mark(
	struct pr_text *t, size_t side, const struct pr_box *box, const struct pr_area *area)
{
	switch (box->mark) {
	case PR_MARK_NONE:
		return;
	case PR_MARK_MOVED:
	case PR_MARK_RESIZED:
		pr_text_add(t, side == 0 ? "\nwill be at " : "\nwas at ");
		detail_range(t, area, &box->other);
		return;
	case PR_MARK_GONE:
		pr_text_add(t, "\nwill have no addresses");
		return;
	case PR_MARK_NEW:
		pr_text_add(t, "\nhad no addresses");
		return;
	}
}

static void detail_function(
	struct pr_text *t, const struct pr_function *f, const struct pr_policy *policy)
{
	char address[PR_ADDRESS_MAX];
	const char *reason = NULL;
	enum pr_disruption d = pr_function_disruption(f, policy, &reason);

	pr_address_format(&f->address, address);
	pr_text_printf(t, "\n%s %s", address, pr_function_role(f));
	if (f->header.has_ids)
		pr_text_printf(t, " %04x:%04x", f->header.vendor, f->header.device);
	if (f->facts->driver)
		pr_text_printf(t, ", driver %s", f->facts->driver);
	if (f->facts->slot)
		pr_text_printf(t, ", slot %s", f->facts->slot);
	if (reason)
		pr_text_printf(t, "\n%s: %s", pr_disruption_name(d), reason);
}

void pr_box_details(struct pr_text *t, const struct pr_scene *s, size_t side,
	const struct pr_box *box, const struct pr_area *area)
{
	char label[PR_LABEL_MAX], size[PR_LABEL_MAX];

	pr_box_label(box, area, label);
	pr_box_size(box, area, size);
	pr_text_printf(t, "%s\n", label);
	detail_range(t, area, &box->range);
	pr_text_printf(t, ", %s", size);
	if (box->resource)
		pr_text_printf(t, " of %s", pr_resource_kind_text(box->resource));
	if (box->function)
		detail_function(t, box->function, s->options->policy);
	if (box->astray)
		pr_text_add(t, "\na window above does not pass these addresses down");
	if (box->clash)
		pr_text_add(t, "\nsomebody else has the same addresses");
	detail_mark(t, side, box, area);
}

void pr_missing_label(const struct pr_missing *m, char ret[PR_LABEL_MAX])
{
	char address[SHORT_MAX], size[PR_SIZE_TEXT_MAX];

	*ret = '\0';
	append(ret, "%s ", short_address(m->function, address));
	if (!m->resource)
		append(ret, "bus numbers, ");
	else if (m->resource->size == PR_SIZE_UNKNOWN || m->resource->size == 0)
		append(ret, "%s, %s, ", pr_resource_name(m->resource->index),
			pr_resource_kind_text(m->resource));
	else
		append(ret, "%s, %s of %s, ", pr_resource_name(m->resource->index),
			pr_size_format(m->resource->size, size),
			pr_resource_kind_text(m->resource));
	append_role(ret, m->function);
}

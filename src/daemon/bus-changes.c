/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a look changed, as signals: objects that came and went, and properties
 * that read otherwise than before.  A reader is asked twice, for the machine
 * before and for the machine now, and what it wrote is compared.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/bus-abilities.h"

/* ---- comparing what readers wrote ---- */

static bool same_values(sd_bus_message *a, sd_bus_message *b);

static bool same_basic(sd_bus_message *a, sd_bus_message *b, char type)
{
	union {
		uint64_t number;
		const char *text;
	} va = { 0 }, vb = { 0 };

	if (sd_bus_message_read_basic(a, type, &va) <= 0 ||
		sd_bus_message_read_basic(b, type, &vb) <= 0)
		return false;
	if (strchr("sog", type))
		return strcmp(va.text, vb.text) == 0;
	return va.number == vb.number;
}

static bool same_container(sd_bus_message *a, sd_bus_message *b, char type, const char *contents)
{
	return sd_bus_message_enter_container(a, type, contents) > 0 &&
	       sd_bus_message_enter_container(b, type, contents) > 0 && same_values(a, b) &&
	       sd_bus_message_exit_container(a) >= 0 && sd_bus_message_exit_container(b) >= 0;
}

/* Everything that is left of the container that both are in. */
static bool same_values(sd_bus_message *a, sd_bus_message *b)
{
	const char *ca, *cb;
	char ta, tb;
	int ra, rb;

	for (;;) {
		ra = sd_bus_message_peek_type(a, &ta, &ca);
		rb = sd_bus_message_peek_type(b, &tb, &cb);
		if (ra <= 0 || rb <= 0)
			return ra == 0 && rb == 0;
		if (ta != tb || (ca && cb && strcmp(ca, cb) != 0))
			return false;
		if (!(strchr("arev", ta) ? same_container(a, b, ta, ca) : same_basic(a, b, ta)))
			return false;
	}
}

/* What the reader of @property says of @f, ready to be read back. */
static int value_of(struct pr_bus *b, const sd_bus_vtable *property, const struct pr_function *f,
	sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_signal(b->bus, &m, "/", "org.pciroom1.Scratch", "Value");
	if (r >= 0)
		r = property->x.property.get(
			b->bus, "/", "", property->x.property.member, m, (void *)f, NULL);
	if (r >= 0)
		r = sd_bus_message_seal(m, 1, 0);
	if (r >= 0)
		*ret = pr_take(m);
	return r;
}

/* What cannot be told is told: a signal too many harms nobody. */
static bool reads_otherwise(struct pr_bus *b, const sd_bus_vtable *property,
	const struct pr_function *before, const struct pr_function *now)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *x = NULL, *y = NULL;

	if (value_of(b, property, before, &x) < 0 || value_of(b, property, now, &y) < 0)
		return true;
	return !same_values(x, y);
}

/* ---- announcing ---- */

#define PROPERTIES_MAX 32

static void announce_properties(struct pr_bus *b, const char *path, const char *interface,
	const sd_bus_vtable *vtable, const struct pr_function *before,
	const struct pr_function *now)
{
	char *names[PROPERTIES_MAX + 1] = { 0 };
	size_t n = 0;

	for (const sd_bus_vtable *v = vtable; v->type != _SD_BUS_VTABLE_END; v++)
		if (v->type == _SD_BUS_VTABLE_PROPERTY &&
			(v->flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE) && n < PROPERTIES_MAX &&
			reads_otherwise(b, v, before, now))
			/* sd-bus takes char **, and does not write */
			names[n++] = (char *)v->x.property.member;
	if (n > 0)
		(void)sd_bus_emit_properties_changed_strv(b->bus, path, interface, names);
}

/* The object that is there now is the one that was: the same kind of card in the same place. */
static bool is_same(const struct pr_function *a, const struct pr_function *b)
{
	return a && b && !a->removed && !b->removed && !a->bridge == !b->bridge &&
	       a->header.vendor == b->header.vendor && a->header.device == b->header.device &&
	       a->header.subvendor == b->header.subvendor &&
	       a->header.subdevice == b->header.subdevice &&
	       a->header.class_code == b->header.class_code;
}

static const struct pr_function *counterpart(
	const struct pr_topology *t, const struct pr_function *f)
{
	char path[PR_BUS_DEVICE_PATH_MAX];

	if (!t || pr_function_path(f, path, sizeof(path)) < 0)
		return NULL;
	return pr_topology_find_path(t, path);
}

static void announce_gone(
	struct pr_bus *b, const struct pr_function *f, const struct pr_function *now)
{
	static const char *const interfaces[] = { PR_BUS_DEVICE, PR_BUS_BRIDGE, NULL };
	static const char *const device_only[] = { PR_BUS_DEVICE, NULL };
	char path[PR_BUS_DEVICE_PATH_MAX];

	if (f->removed || is_same(f, now))
		return;
	pr_bus_device_path(f, path);
	(void)sd_bus_emit_interfaces_removed_strv(
		b->bus, path, (char **)(f->bridge ? interfaces : device_only));
}

static void announce_new(
	struct pr_bus *b, const struct pr_function *before, const struct pr_function *f)
{
	char path[PR_BUS_DEVICE_PATH_MAX];

	if (f->removed)
		return;
	pr_bus_device_path(f, path);
	if (!is_same(before, f)) {
		(void)sd_bus_emit_interfaces_added(
			b->bus, path, PR_BUS_DEVICE, f->bridge ? PR_BUS_BRIDGE : NULL, NULL);
		return;
	}
	announce_properties(b, path, PR_BUS_DEVICE, pr_bus_device_vtable, before, f);
	if (f->bridge)
		announce_properties(b, path, PR_BUS_BRIDGE, pr_bus_bridge_vtable, before, f);
}

void pr_bus_looked(struct pr_bus *b, const struct pr_topology *before)
{
	const struct pr_topology *now = pr_service_last_look(b->service)->topology;
	char why[200];

	if (!b->bus)
		return;
	pr_bus_abilities_looked(b, before);
	/* nothing that a reader reads is left out of this comparison */
	if ((before && pr_topology_equal(before, now, why, sizeof(why))))
		return;
	for (size_t i = 0; before && i < before->n_roots; i++)
		for (size_t j = 0; j < before->roots[i]->n_functions; j++)
			announce_gone(b, &before->roots[i]->functions[j],
				counterpart(now, &before->roots[i]->functions[j]));
	pr_for_each_root (now, i)
		for (size_t j = 0; j < now->roots[i]->n_functions; j++)
			announce_new(b, counterpart(before, &now->roots[i]->functions[j]),
				&now->roots[i]->functions[j]);
}

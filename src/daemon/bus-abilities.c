/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be done on this machine, and why not the rest: so that nobody offers
 * what would fail.  A row an ability; before the first look there is none.
 */
#include "daemon/bus-abilities.h"

#include <string.h>

#include "base/macros.h"

/* Each: why not, as a sentence; NULL: it can be done. */

static const char *no_rescan(const struct pr_bus *b, const struct pr_topology *t)
{
	(void)b;
	(void)t;
	return NULL; /* sysfs takes a remove and a rescan in lockdown too (DESIGN M12) */
}

static const char *no_registers(const struct pr_bus *b, const struct pr_topology *t)
{
	(void)b;
	return pr_registers_writable(&t->machine)
		       ? NULL
		       : "in lockdown no register can be written: no bus numbers, no sizes of BARs";
}

static const char *no_window_sizes(const struct pr_bus *b, const struct pr_topology *t)
{
	struct pr_kernel k;

	if (!pr_registers_writable(&t->machine))
		return no_registers(b, t);
	if (pr_kernel_select(&t->machine, &k) >= 0 && k.keeps_window_sizes)
		return NULL;
	return "this kernel forgets the sizes of windows that are written before a rescan";
}

static const char *no_prediction(const struct pr_bus *b, const struct pr_topology *t)
{
	struct pr_kernel k;

	(void)b;
	return pr_kernel_select(&t->machine, &k) >= 0
		       ? NULL
		       : "a pci= option on the kernel command line cannot be understood";
}

static const char *no_users(const struct pr_bus *b, const struct pr_topology *t)
{
	(void)b;
	return t->machine.unseen;
}

static const char *no_inhibitors(const struct pr_bus *b, const struct pr_topology *t)
{
	(void)t;
	return b->inhibitors ? NULL : "leases cannot be kept; the journal says why";
}

static const char *no_guard(const struct pr_bus *b, const struct pr_topology *t)
{
	(void)t;
	return b->guarding ? NULL
			   : "the list of guarded slots cannot be read; the journal says why";
}

static const struct {
	const char *name;
	const char *(*why_not)(const struct pr_bus *b, const struct pr_topology *t);
} abilities[] = {
	{ "rescan", no_rescan },
	{ "registers", no_registers },
	{ "window-sizes", no_window_sizes },
	{ "prediction", no_prediction },
	{ "users", no_users },
	{ "inhibitors", no_inhibitors },
	{ "guard", no_guard },
};

int pr_bus_get_backends(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_look *look = pr_service_last_look(b->service);
	int r;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "s");
	for (size_t i = 0; r >= 0 && look && i < ARRAY_SIZE(abilities); i++)
		if (!abilities[i].why_not(b, look->topology))
			r = sd_bus_message_append(reply, "s", abilities[i].name);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int pr_bus_get_unavailable(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_look *look = pr_service_last_look(b->service);
	const char *why;
	int r;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(ss)");
	for (size_t i = 0; r >= 0 && look && i < ARRAY_SIZE(abilities); i++) {
		why = abilities[i].why_not(b, look->topology);
		if (why)
			r = sd_bus_message_append(reply, "(ss)", abilities[i].name, why);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

void pr_bus_abilities_looked(struct pr_bus *b, const struct pr_topology *before)
{
	const struct pr_topology *now = pr_service_last_look(b->service)->topology;
	bool changed = !before;

	for (size_t i = 0; !changed && i < ARRAY_SIZE(abilities); i++) {
		const char *was = abilities[i].why_not(b, before);
		const char *is = abilities[i].why_not(b, now);

		changed = strcmp(was ? was : "", is ? is : "") != 0;
	}
	/* a bus that cannot take a signal is about to be lost, and the loop ends with it */
	if (changed && b->bus)
		(void)sd_bus_emit_properties_changed(
			b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "Backends", "Unavailable", NULL);
}

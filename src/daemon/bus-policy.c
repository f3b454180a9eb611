/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus-policy.h"

/* Opens the entry of @key, a variant that holds an array of @contents. */
static int open_list(sd_bus_message *m, const char *key, const char *variant, const char *contents)
{
	int r;

	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', variant);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', contents);
	return r;
}

static int close_list(sd_bus_message *m)
{
	int r = 0;

	for (unsigned int i = 0; i < 3 && r >= 0; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_names(sd_bus_message *m, const char *key, const char *const *names, size_t n)
{
	int r;

	r = open_list(m, key, "as", "s");
	for (size_t i = 0; i < n && r >= 0; i++)
		r = sd_bus_message_append(m, "s", names[i]);
	return r < 0 ? r : close_list(m);
}

static int append_reserves(sd_bus_message *m, const struct pr_policy *policy)
{
	int r;

	r = open_list(m, "Reserves", "a(stttu)", "(stttu)");
	for (size_t i = 0; i < policy->n_reserves && r >= 0; i++) {
		const struct pr_slot_reserve *s = &policy->reserves[i];

		r = sd_bus_message_append(
			m, "(stttu)", s->slot, s->io, s->mem, s->pref, (uint32_t)s->buses);
	}
	return r < 0 ? r : close_list(m);
}

int pr_bus_append_policy(sd_bus_message *m, const struct pr_policy *policy)
{
	int r;

	r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	if (policy) {
		r = sd_bus_message_append(
			m, "{sv}", "Disruption", "s", pr_disruption_name(policy->limit));
		if (r >= 0)
			r = append_names(m, "Pinned", policy->pinned, policy->n_pinned);
		if (r >= 0)
			r = append_names(m, "Sized", policy->sized, policy->n_sized);
		if (r >= 0)
			r = append_reserves(m, policy);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

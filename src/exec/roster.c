/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who of a record's roster is there, on a look at the machine.  Touches nothing. */
#include "exec/roster.h"

#include <stdio.h>
#include <string.h>

const struct pr_function *pr_roster_present(const struct pr_topology *now, const char *path)
{
	const struct pr_function *f = pr_topology_find_path(now, path);

	return f && !f->removed ? f : NULL;
}

bool pr_roster_driven(const struct pr_function *f, const char *driver)
{
	return f->facts && f->facts->driver && strcmp(f->facts->driver, driver) == 0;
}

/* The slot that the function is in, or was, says that nobody is in it. */
bool pr_roster_pulled(const struct pr_topology *now, const char *path)
{
	char above[PR_FUNCTION_PATH_MAX];
	char *slash;

	if (strlen(path) >= sizeof(above))
		return false;
	memcpy(above, path, strlen(path) + 1);
	while ((slash = strrchr(above, '/'))) {
		const struct pr_function *port;

		*slash = '\0';
		port = strchr(above, '/') ? pr_roster_present(now, above) : NULL;
		if (port)
			return port->caps && port->caps->pcie.present == PR_YES &&
			       port->caps->pcie.slot_known == PR_YES &&
			       port->caps->pcie.slot_hotplug && !port->caps->pcie.slot_presence;
	}

	return false;
}

enum pr_missing pr_roster_missing(
	const struct pr_topology *now, const struct pr_record_function *entry)
{
	const struct pr_function *f;

	if (!now)
		return PR_MISSING_UNKNOWN;
	if (entry->replaced)
		return PR_MISSING_NOT;
	f = pr_roster_present(now, entry->path);
	if (!f)
		return pr_roster_pulled(now, entry->path) ? PR_MISSING_CARD : PR_MISSING_DEVICE;
	if (entry->assigned & ~pr_record_assigned(f))
		return PR_MISSING_BAR;
	if (entry->driver && !pr_roster_driven(f, entry->driver))
		return PR_MISSING_DRIVER;

	return PR_MISSING_NOT;
}

static void name_missing(
	struct pr_restored *ret, const struct pr_record_function *entry, enum pr_missing what)
{
	static const char *const phrases[] = {
		[PR_MISSING_DEVICE] = "is gone",
		[PR_MISSING_BAR] = "lost a BAR",
		[PR_MISSING_DRIVER] = "is without its driver",
		[PR_MISSING_UNKNOWN] = "may be gone",
		[PR_MISSING_CARD] = "was pulled meanwhile",
	};
	char address[PR_ADDRESS_MAX];
	size_t used = strlen(ret->text);

	pr_address_format(&entry->address, address);
	(void)snprintf(ret->text + used, sizeof(ret->text) - used, "%s%s %s%s%s", used ? ", " : "",
		address, phrases[what], what == PR_MISSING_DRIVER ? " " : "",
		what == PR_MISSING_DRIVER ? entry->driver : "");
}

void pr_roster_count(const struct pr_record *record, struct pr_restored *ret)
{
	enum pr_missing what;

	ret->n_missing = ret->n_pulled = 0;
	*ret->text = '\0';
	for (size_t i = 0; i < record->n_functions; i++) {
		what = pr_roster_missing(ret->now, &record->functions[i]);
		if (what == PR_MISSING_NOT)
			continue;
		if (what == PR_MISSING_CARD)
			ret->n_pulled++;
		else
			ret->n_missing++;
		name_missing(ret, &record->functions[i], what);
	}
}

bool pr_roster_waits(const struct pr_record *record, const struct pr_topology *now)
{
	for (size_t i = 0; i < record->n_functions; i++) {
		const struct pr_record_function *entry = &record->functions[i];
		const struct pr_function *f = pr_roster_present(now, entry->path);

		if (entry->replaced)
			continue; /* nobody knows what to wait for */
		if (!f ? !pr_roster_pulled(now, entry->path)
		       : entry->driver && !pr_roster_driven(f, entry->driver))
			return true;
	}

	return false;
}

bool pr_roster_lost(const struct pr_record *record, const struct pr_topology *now)
{
	for (size_t i = 0; now && i < record->n_functions; i++) {
		enum pr_missing what = pr_roster_missing(now, &record->functions[i]);

		if (what == PR_MISSING_DEVICE || what == PR_MISSING_BAR)
			return true;
	}

	return false;
}

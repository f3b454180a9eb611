/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux: sriov_numvfs_show() of drivers/pci/iov.c takes device_lock(), and so does
 * driver_override_show() of drivers/pci/pci-sysfs.c in 6.1.  All else that an import reads is shown
 * without it.
 */
#include "import/locked.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text.h"

static const char *const names[] = { "driver_override", "sriov_numvfs" };

struct pr_locked {
	const struct pr_sysfs *sysfs;
	const struct pr_pci_function *functions;
	struct pr_patient *patient;
};

static void path_of(void *userdata, size_t i, char *ret, size_t size)
{
	const struct pr_locked *l = userdata;
	char address[PR_ADDRESS_MAX];

	pr_address_format(&l->functions[i / ARRAY_SIZE(names)].address, address);
	(void)snprintf(ret, size, "sys/bus/pci/devices/%s/%s", address,
		names[i % ARRAY_SIZE(names)]); /* all are short */
}

int pr_locked_new(const struct pr_sysfs *s, const struct pr_pci_function *functions, size_t n,
	unsigned int patience_ms, struct pr_locked **ret)
{
	struct pr_locked *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct pr_locked){ .sysfs = s, .functions = functions };
	r = pr_patient_new(s->root, n * ARRAY_SIZE(names), path_of, l, patience_ms, &l->patient);
	if (r < 0) {
		free(l);
		return r;
	}

	*ret = l;
	return 0;
}

void pr_locked_free(struct pr_locked *l)
{
	if (!l)
		return;
	pr_patient_free(l->patient);
	free(l);
}

/* The kernel prints "(null)" where no override is set. */
static int set_override(struct pr_locked *l, char *line, struct pr_facts *facts)
{
	if (!*line || strcmp(line, "(null)") == 0)
		return 0;
	pr_text_clean(line);
	facts->driver_override = pr_arena_strdup(l->sysfs->arena, line);
	return facts->driver_override ? 0 : -ENOMEM;
}

int pr_locked_next(struct pr_locked *l, struct pr_facts *facts)
{
	char override[PR_PATIENT_LINE], numvfs[PR_PATIENT_LINE];
	uint64_t n;
	int r;

	facts->sriov_numvfs = -1;
	r = pr_patient_line(l->patient, override);
	if (r == -ETIMEDOUT)
		pr_patient_skip(l->patient); /* of the same device, and as silent */
	else if (r == 0)
		r = set_override(l, override, facts);
	if (r < 0)
		return r == -ETIMEDOUT ? 1 : r;

	r = pr_patient_line(l->patient, numvfs);
	if (r == 0 && pr_parse_u64(numvfs, 10, &n) == 0 && n <= INT_MAX)
		facts->sriov_numvfs = (int)n;
	return r == -ETIMEDOUT ? 1 : r < 0 ? r : 0;
}

/*
 * __device_release_driver() of drivers/base/dd.c takes the link away first; the directory of its
 * interrupts goes with the driver's other resources, last (msi_setup_device_data() of
 * kernel/irq/msi.c).
 */
bool pr_locked_leaving(const struct pr_sysfs *s, const struct pr_facts *facts)
{
	char address[PR_ADDRESS_MAX], path[64];

	if (facts->driver)
		return false;
	pr_address_format(&facts->address, address);
	(void)snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/msi_irqs", address);
	return faccessat(s->root, path, F_OK, 0) == 0;
}

int pr_locked_tell(const struct pr_sysfs *s, struct pr_facts *facts)
{
	static const struct pr_user driver = { .kind = PR_LOCKED,
		.what = "its driver hangs, or is still coming or going" };
	struct pr_user *list = pr_new_array(s->arena, facts->n_users + 1, struct pr_user);

	if (!list)
		return pr_import_no_memory(s->error);
	list[0] = driver;
	if (facts->n_users > 0)
		memcpy(list + 1, facts->users, facts->n_users * sizeof(*list));
	facts->users = list;
	facts->n_users++;
	return 0;
}

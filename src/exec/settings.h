/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping settings in the record before the first write, and putting them back
 * after the rescan.  Private to exec/.
 */
#pragma once

#include "exec/restore.h"
#include "exec/settings-table.h"

#define PR_ATTRIBUTES_MAX 4096

/*
 * Keeps in @record what @plan's functions are set to now.  Negative errno when it cannot be read:
 * then nothing may be begun.
 */
int pr_settings_save(struct pr_record *record, const struct pr_plan *plan,
	const struct pr_topology *now, const struct pr_backend *backend);

/*
 * Masks errors of the ports above what will be removed.  A port that refuses stays as it is: errors
 * are told of then, and nothing else happens.
 */
void pr_settings_guard(const struct pr_record *record, const struct pr_topology *now,
	const struct pr_backend *backend);

/*
 * Drivers are kept off what a rescan finds, if a function of @record must not get the one that
 * matches it, or must be set up before; no more after pr_settings_early().
 */
void pr_settings_hold(const struct pr_record *record, const struct pr_backend *backend);

/*
 * After a rescan, on the look in @ret: what has to be before the driver.  True when the machine was
 * changed, and another look is due.
 */
bool pr_settings_early(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret);

/*
 * sriov_numvfs of the function at @a becomes @value, if it is @old now (else -ESTALE).  Linux goes
 * from one number to another by way of 0 only.
 */
int pr_settings_set_vfs(
	const struct pr_backend *backend, const struct pr_address *a, uint32_t old, uint32_t value);

/*
 * Asks drivers that are back for their virtual functions, on the look in @ret; true when one was
 * asked, and another look is due.  No driver is tried on what comes.
 */
bool pr_settings_virtual(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret);

/* The plan of @record has set what @s says to another number, and that is not being undone. */
bool pr_settings_replaced(const struct pr_record *record, const struct pr_record_setting *s);

/* pr_settings_early() for virtual functions alone, on a look that has them. */
void pr_settings_early_virtual(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret);

/*
 * Linux binds nothing to @vf, by hand either, while sriov_drivers_autoprobe of its physical function is
 * 0 (pci_device_can_probe() of drivers/pci/pci-driver.c).  pr_settings_late() puts it back.
 */
void pr_settings_allow_virtual(const struct pr_backend *backend, const struct pr_function *vf);

/* With every driver in place: what is still different, and the names of what stays so in @ret. */
void pr_settings_late(
	const struct pr_record *record, const struct pr_backend *backend, struct pr_restored *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of a machine, for whoever draws them: a terminal, a page.  Each is 0
 * and a table for scols_unref_table(), or negative errno.
 */
#pragma once

#include "cli/table.h"
#include "pciroom/doctor.h"

/*
 * Host bridges and functions as a tree; verbose: each range by itself.  @doctor, here and below, is
 * for a word at each port that is armed; NULL: not looked for.
 */
int pr_tree_table(const struct pr_style *s, const struct pr_topology *topology,
	const struct pr_doctor *doctor, struct libscols_table **ret);
/* BARs, ROMs and VF BARs: kind, size, address. */
int pr_bars_table(
	const struct pr_style *s, const struct pr_topology *topology, struct libscols_table **ret);
/* What host bridges and bridges pass down: bus numbers, windows. */
int pr_windows_table(
	const struct pr_style *s, const struct pr_topology *topology, struct libscols_table **ret);
int pr_slots_table(const struct pr_style *s, const struct pr_slots *slots,
	const struct pr_doctor *doctor, struct libscols_table **ret);
/* Resizable BARs of the same. */
int pr_resizable_table(
	const struct pr_style *s, const struct pr_slots *slots, struct libscols_table **ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One random machine, planned both ways. */
#pragma once

#include "pciroom/plan.h"

enum oracle_result {
	ORACLE_SAME = 0,
	ORACLE_DIFFERS,
	ORACLE_SKIPPED /* the seed gives no machine, nothing is dead, or too many sets */
};
struct oracle_tally {
	unsigned long verdicts[_PR_VERDICT_MAX];
	unsigned long plugged, several_dead, several_tops, several_buses, closing, renumbered,
		not_proven, in_place;
	unsigned long second_try, between; /* see brute.h; the planner's cost is neither */
	unsigned long by_brute, by_planner;
};
/* There is a plan, whoever has to allow it. */
bool oracle_is_plan(enum pr_verdict v);
/* @text: what differs, with the machine. */
enum oracle_result oracle_compare(
	uint64_t seed, struct oracle_tally *tally, char *text, size_t size);

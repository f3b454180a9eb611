/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus numbers by brute force: random small machines with one bridge that has
 * none, or one port that lacks some for virtual functions; every set of units
 * on every bus above it, with every numbering of all that the set takes away.
 * Without a line of the planner.
 */
#pragma once

#include "compare.h"

/*
 * Compares the planner's cost, but for the steps, with the least there is.  What differs is written
 * to @text as a machine that a test can be made of.
 */
oracle_function numbers_compare;

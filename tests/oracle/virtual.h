/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions by brute force: one function is to have some, and has no addresses for them, or
 * all that it takes.
 */
#pragma once

#include "compare.h"

/* Compares cost, but for the steps, and verdict with the least that brute force finds. */
oracle_function virtual_compare;

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Resizable BAR of a random machine gets another size, planned both ways. */
#pragma once

#include "compare.h"

/* Skipped: also where nobody has such a BAR. */
oracle_function sizes_compare;

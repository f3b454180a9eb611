/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzzers of importers ask of every topology and every template that comes out. */
#pragma once

#include "import/template.h"
#include "pciroom/import.h"

/* Aborts unless @t reads back from a snapshot as the same machine.  False: a text in it is not UTF-8. */
bool fuzz_round_trip(const struct pr_topology *t);
/* Aborts unless @t prints and reads back the same. */
void fuzz_template_round_trip(const struct pr_template *t);

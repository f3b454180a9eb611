/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing strings as YAML. */
#pragma once

#include "base/text.h"

/* @s in double quotes, with escapes where it needs them; false, with half of it added, when it is not UTF-8. */
bool pr_yaml_quote(struct pr_text *t, const char *s);

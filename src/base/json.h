/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streaming JSON writer on a pr_text.  @key is NULL inside of arrays.  Two
 * spaces of indentation, one member a line; strings are escaped, and bytes
 * that are not UTF-8 are replaced.
 */
#pragma once

#include "base/text.h"

struct pr_json {
	struct pr_text *out;
	unsigned int depth;
	bool first; /* no member written yet at this depth */
	bool line;  /* all on one line */
};

void pr_json_init(struct pr_json *j, struct pr_text *out);
/* All on one line, for streams of objects. */
void pr_json_init_line(struct pr_json *j, struct pr_text *out);
void pr_json_object(struct pr_json *j, const char *key);
void pr_json_object_end(struct pr_json *j);
void pr_json_array(struct pr_json *j, const char *key);
void pr_json_array_end(struct pr_json *j);
void pr_json_string(struct pr_json *j, const char *key, const char *value); /* NULL writes null */
void pr_json_u64(struct pr_json *j, const char *key, uint64_t value);
void pr_json_int(struct pr_json *j, const char *key, int64_t value);
void pr_json_hex(struct pr_json *j, const char *key, uint64_t value); /* "0x10000000" */
void pr_json_bool(struct pr_json *j, const char *key, bool value);
void pr_json_null(struct pr_json *j, const char *key);

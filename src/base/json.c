/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streaming JSON writer (RFC 8259): what is opened is closed by the caller. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

void pr_json_init(struct pr_json *j, struct pr_text *out)
{
	*j = (struct pr_json){ .out = out, .first = true };
}

void pr_json_init_line(struct pr_json *j, struct pr_text *out)
{
	*j = (struct pr_json){ .out = out, .first = true, .line = true };
}

static void json_indent(struct pr_json *j)
{
	if (j->line)
		return;
	pr_text_add(j->out, "\n");
	for (unsigned int i = 0; i < j->depth; i++)
		pr_text_add(j->out, "  ");
}

static void json_quote(struct pr_text *out, const char *value)
{
	const char *end = value + strlen(value);
	size_t n;

	pr_text_add(out, "\"");
	for (const char *s = value; s < end; s += n ? n : 1) {
		n = pr_utf8_length(s, (size_t)(end - s));
		if (n == 0)
			pr_text_add(out, "\\ufffd");
		else if (*s == '"' || *s == '\\')
			pr_text_printf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			pr_text_printf(out, "\\u%04x", (unsigned int)*s);
		else
			pr_text_add_n(out, s, n);
	}
	pr_text_add(out, "\"");
}

/* Everything that stands before a value: comma, line, key. */
static void json_member(struct pr_json *j, const char *key)
{
	if (!j->first)
		pr_text_add(j->out, j->line ? ", " : ",");
	if (j->depth > 0)
		json_indent(j);
	j->first = false;

	if (key) {
		json_quote(j->out, key);
		pr_text_add(j->out, ": ");
	}
}

static void json_open(struct pr_json *j, const char *key, const char *bracket)
{
	json_member(j, key);
	pr_text_add(j->out, bracket);
	j->depth++;
	j->first = true;
}

static void json_close(struct pr_json *j, const char *bracket)
{
	bool empty = j->first;

	j->depth--;
	if (!empty)
		json_indent(j);
	pr_text_add(j->out, bracket);
	j->first = false;
	if (j->depth == 0)
		pr_text_add(j->out, "\n");
}

void pr_json_object(struct pr_json *j, const char *key)
{
	json_open(j, key, "{");
}

void pr_json_object_end(struct pr_json *j)
{
	json_close(j, "}");
}

void pr_json_array(struct pr_json *j, const char *key)
{
	json_open(j, key, "[");
}

void pr_json_array_end(struct pr_json *j)
{
	json_close(j, "]");
}

void pr_json_string(struct pr_json *j, const char *key, const char *value)
{
	if (!value) {
		pr_json_null(j, key);
		return;
	}

	json_member(j, key);
	json_quote(j->out, value);
}

void pr_json_u64(struct pr_json *j, const char *key, uint64_t value)
{
	json_member(j, key);
	pr_text_printf(j->out, "%" PRIu64, value);
}

void pr_json_int(struct pr_json *j, const char *key, int64_t value)
{
	json_member(j, key);
	pr_text_printf(j->out, "%" PRId64, value);
}

void pr_json_hex(struct pr_json *j, const char *key, uint64_t value)
{
	json_member(j, key);
	pr_text_printf(j->out, "\"0x%" PRIx64 "\"", value);
}

void pr_json_bool(struct pr_json *j, const char *key, bool value)
{
	json_member(j, key);
	pr_text_add(j->out, value ? "true" : "false");
}

void pr_json_null(struct pr_json *j, const char *key)
{
	json_member(j, key);
	pr_text_add(j->out, "null");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One configuration file: libyaml events into what tables of keys say.  Mappings,
 * scalars and lists are all there is, and whatever is not in the tables is
 * refused where it stands: unknown and repeated keys, aliases, anchors, tags, a
 * second document.  Knows no key and no value.
 */
#include "daemon/conf-read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	const char *name, *text;
	size_t size;
	struct pr_conf_error *error;
};

static const char *line_at(const struct reader *r, size_t line, size_t *ret_length)
{
	const char *at = r->text, *end = r->text + r->size, *newline;

	for (; line > 0; line--) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			break;
		at = newline + 1;
	}
	*ret_length = 0;
	while (at + *ret_length < end && !strchr("\r\n", at[*ret_length]))
		(*ret_length)++;
	return at;
}

/*
 * The source line, and a caret below its @column-th character; a tab in the line is a tab before
 * the caret.
 */
static void show_line(const struct reader *r, size_t line, size_t column, struct pr_text *out)
{
	size_t length, i = 0;
	const char *at = line_at(r, line, &length);

	if (length > 160 || column > 160)
		return; /* neither readable nor needed: line and column are given */
	pr_text_add(out, "\n");
	pr_text_add_n(out, at, length);
	pr_text_add(out, "\n");
	for (; column > 0; column--) {
		pr_text_add(out, i < length && at[i] == '\t' ? "\t" : " ");
		if (i < length)
			i++;
		while (i < length && ((unsigned char)at[i] & 0xc0) == 0x80)
			i++; /* the rest of a UTF-8 character: libyaml's columns count characters */
	}
	pr_text_add(out, "^");
}

/* Writes the error and returns 1.  @line and @column count from 0, as libyaml's do. */
__attribute__((format(printf, 4, 5))) static int fail(
	struct reader *r, size_t line, size_t column, const char *format, ...)
{
	struct pr_text out = { 0 };
	char why[400];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	pr_text_printf(&out, "%s:%zu:%zu: %s", r->name, line + 1, column + 1, why);
	show_line(r, line, column, &out);
	(void)snprintf(r->error->text, sizeof(r->error->text), "%s",
		out.failed || !out.data ? why : out.data);
	pr_text_deinit(&out);
	return 1;
}

static int fail_here(struct reader *r, const char *why)
{
	return fail(r, r->event.start_mark.line, r->event.start_mark.column, "%s", why);
}

/* libyaml marks no place for bytes that are not text: count up to the offset that it gives. */
static int fail_reader(struct reader *r)
{
	size_t line = 0, column = 0;

	for (size_t i = 0; i < r->parser.problem_offset && i < r->size; i++) {
		column = r->text[i] == '\n' ? 0 : column + 1;
		line += r->text[i] == '\n';
	}
	return fail(r, line, column, "not text: %s", r->parser.problem);
}

static int fail_syntax(struct reader *r)
{
	if (r->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (r->parser.error == YAML_READER_ERROR)
		return fail_reader(r);
	return fail(r, r->parser.problem_mark.line, r->parser.problem_mark.column, "not YAML: %s",
		r->parser.problem ? r->parser.problem : "syntax error");
}

/* What YAML offers and this language has no use for. */
static const char *refused_feature(const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_ALIAS_EVENT)
		return "aliases are not allowed here";
	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor)
		return "anchors are not allowed here";
	return tag ? "tags are not allowed here" : NULL;
}

static int next(struct reader *r)
{
	const char *why;

	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event))
		return fail_syntax(r);
	why = refused_feature(&r->event);
	return why ? fail_here(r, why) : 0;
}

/* The scalar as text; NULL when it holds a NUL byte, which no value may. */
static const char *scalar(const struct reader *r)
{
	const char *value = (const char *)r->event.data.scalar.value;

	return strlen(value) == r->event.data.scalar.length ? value : NULL;
}

static int take_value(struct reader *r, const struct pr_conf_key *key, void *target)
{
	const char *why = "", *value;
	int k;

	if (r->event.type != YAML_SCALAR_EVENT && key->shape == PR_CONF_LIST)
		return fail(r, r->event.start_mark.line, r->event.start_mark.column,
			"a %s is one word", key->noun);
	if (r->event.type != YAML_SCALAR_EVENT)
		return fail_here(r, "one value is expected here");
	value = scalar(r);
	if (!value || !*value)
		return fail_here(r, "a value is missing");

	k = key->set(target, value, &why);
	if (k <= 0)
		return k;
	return fail(r, r->event.start_mark.line, r->event.start_mark.column,
		"bad %s \"%.100s\": %s", key->noun, value, why);
}

static int take_mapping(struct reader *r, const struct pr_conf_table *table, void *target);

/* A mapping with a target of its own, if the key has one; what is missing in it is told where it begins. */
static int take_inner(struct reader *r, const struct pr_conf_key *key, void *target)
{
	const yaml_mark_t start = r->event.start_mark;
	const char *why = "";
	int k = 0;

	if (r->event.type != YAML_MAPPING_START_EVENT)
		return fail(r, start.line, start.column, "a %s is \"key: value\" lines", key->noun);
	if (key->begin)
		k = key->begin(target, &target, &why);
	if (k == 0) {
		k = take_mapping(r, key->inside, target);
		if (k != 0)
			return k;
		k = key->end ? key->end(target, &why) : 0;
	}
	return k <= 0 ? k : fail(r, start.line, start.column, "bad %s: %s", key->noun, why);
}

static int take_one(struct reader *r, const struct pr_conf_key *key, void *target)
{
	return key->inside ? take_inner(r, key, target) : take_value(r, key, target);
}

static int take_list(struct reader *r, const struct pr_conf_key *key, void *target)
{
	int k;

	if (r->event.type != YAML_SEQUENCE_START_EVENT)
		return fail_here(
			r, key->inside ? "a list is expected here: lines that begin with \"- \""
				       : "a list is expected here: [a, b], or one \"- a\" a line");
	for (;;) {
		k = next(r);
		if (k != 0 || r->event.type == YAML_SEQUENCE_END_EVENT)
			return k;
		k = take_one(r, key, target);
		if (k != 0)
			return k;
	}
}

/* "mode, disruption and pinned" */
static void name_keys(const struct pr_conf_table *table, struct pr_text *out)
{
	for (size_t i = 0; i < table->n; i++)
		pr_text_printf(out, "%s%s",
			i == 0             ? ""
			: i + 1 < table->n ? ", "
					   : " and ",
			table->keys[i].name);
}

static int fail_unknown(struct reader *r, const struct pr_conf_table *table, const char *name)
{
	struct pr_text known = { 0 };
	int k;

	name_keys(table, &known);
	k = fail(r, r->event.start_mark.line, r->event.start_mark.column,
		"unknown key \"%.100s\": %s are known", name ? name : "",
		known.failed ? "others" : known.data);
	pr_text_deinit(&known);
	return k;
}

/* @seen: a bit for each key of the table. */
static int find_key(struct reader *r, const struct pr_conf_table *table, uint64_t *seen,
	const struct pr_conf_key **ret)
{
	const char *name;

	if (r->event.type != YAML_SCALAR_EVENT)
		return fail_here(r, "a key is one word");
	name = scalar(r);
	for (size_t i = 0; name && i < table->n; i++) {
		if (strcmp(name, table->keys[i].name) != 0)
			continue;
		if (*seen & UINT64_C(1) << i)
			return fail(r, r->event.start_mark.line, r->event.start_mark.column,
				"\"%s\" is here for the second time", name);
		*seen |= UINT64_C(1) << i;
		*ret = &table->keys[i];
		return 0;
	}
	return fail_unknown(r, table, name);
}

static int take_mapping(struct reader *r, const struct pr_conf_table *table, void *target)
{
	const struct pr_conf_key *key = NULL;
	uint64_t seen = 0;
	int k;

	for (;;) {
		k = next(r);
		if (k != 0 || r->event.type == YAML_MAPPING_END_EVENT)
			return k;
		k = find_key(r, table, &seen, &key);
		if (k != 0)
			return k;
		k = next(r);
		if (k != 0)
			return k;
		k = key->shape == PR_CONF_LIST ? take_list(r, key, target)
					       : take_one(r, key, target);
		if (k != 0)
			return k;
	}
}

static int take_document(struct reader *r, const struct pr_conf_table *table, void *target)
{
	int k = next(r);

	if (k != 0)
		return k;
	if (r->event.type == YAML_MAPPING_START_EVENT)
		return take_mapping(r, table, target);
	if (r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0)
		return 0; /* "---" and nothing behind it */
	return fail_here(r, "\"key: value\" lines are expected here");
}

static int take_stream(struct reader *r, const struct pr_conf_table *table, void *target)
{
	int k = next(r); /* start of the stream */

	if (k == 0)
		k = next(r);
	if (k != 0 || r->event.type == YAML_STREAM_END_EVENT)
		return k;
	k = take_document(r, table, target);
	if (k == 0)
		k = next(r); /* end of the document */
	if (k == 0)
		k = next(r);
	if (k != 0 || r->event.type == YAML_STREAM_END_EVENT)
		return k;
	return fail_here(r, "one document is all that a file may hold");
}

int pr_conf_read(const struct pr_conf_table *table, void *target, const char *name,
	const char *text, size_t size, struct pr_conf_error *error)
{
	struct reader r = { .name = name, .text = text, .size = size, .error = error };
	int k;

	if (size > PR_CONF_FILE_MAX)
		return fail(&r, 0, 0, "the file is larger than %u bytes", PR_CONF_FILE_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
	k = take_stream(&r, table, target);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return k;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading YAML by schema; see yaml.h. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "import/yaml.h"

static const char *const event_names[] = {
	[YAML_NO_EVENT] = "nothing",
	[YAML_STREAM_START_EVENT] = "the start",
	[YAML_STREAM_END_EVENT] = "the end",
	[YAML_DOCUMENT_START_EVENT] = "a new document",
	[YAML_DOCUMENT_END_EVENT] = "the end of the document",
	[YAML_ALIAS_EVENT] = "an alias",
	[YAML_SCALAR_EVENT] = "a plain value",
	[YAML_SEQUENCE_START_EVENT] = "a list",
	[YAML_SEQUENCE_END_EVENT] = "the end of a list",
	[YAML_MAPPING_START_EVENT] = "a mapping",
	[YAML_MAPPING_END_EVENT] = "the end of a mapping",
};

int pr_yaml_fail(struct pr_yaml *y, const char *format, ...)
{
	char text[sizeof(y->error->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* a cut sentence will do */
	va_end(args);

	return pr_import_fail_at(y->error, -EINVAL, y->line, y->column, "%s%s%s",
		y->key ? y->key : "", y->key ? ": " : "", text);
}

static void set_place(struct pr_yaml *y, const yaml_mark_t *mark)
{
	y->line = (unsigned int)mark->line + 1;
	y->column = (unsigned int)mark->column + 1;
}

/* libyaml's own sentence; a key read before would only mislead. */
static int fail_syntax(struct pr_yaml *y)
{
	if (y->parser.error == YAML_MEMORY_ERROR)
		return pr_import_no_memory(y->error);

	y->key = NULL;
	set_place(y, &y->parser.problem_mark);
	if (y->parser.error == YAML_READER_ERROR)
		return pr_yaml_fail(
			y, "%s (byte %zu)", y->parser.problem, y->parser.problem_offset);

	return pr_yaml_fail(y, "%s%s%s", y->parser.context ? y->parser.context : "",
		y->parser.context ? ": " : "", y->parser.problem);
}

static bool has_decoration(const yaml_event_t *e)
{
	if (e->type == YAML_SCALAR_EVENT)
		return e->data.scalar.anchor || e->data.scalar.tag;
	if (e->type == YAML_SEQUENCE_START_EVENT)
		return e->data.sequence_start.anchor || e->data.sequence_start.tag;
	if (e->type == YAML_MAPPING_START_EVENT)
		return e->data.mapping_start.anchor || e->data.mapping_start.tag;

	return e->type == YAML_ALIAS_EVENT;
}

static void drop(struct pr_yaml *y)
{
	if (y->has_event)
		yaml_event_delete(&y->event);
	y->has_event = false;
}

/* The next event into y->event; stays there until drop(). */
static int peek(struct pr_yaml *y)
{
	if (y->has_event)
		return 0;
	if (!yaml_parser_parse(&y->parser, &y->event))
		return fail_syntax(y);

	y->has_event = true;
	set_place(y, &y->event.start_mark);
	if (has_decoration(&y->event))
		return pr_yaml_fail(y, "aliases, anchors and tags are not taken here");

	return 0;
}

static int expect(struct pr_yaml *y, yaml_event_type_t type)
{
	int r;

	r = peek(y);
	if (r < 0)
		return r;
	if (y->event.type != type)
		return pr_yaml_fail(
			y, "expected %s, found %s", event_names[type], event_names[y->event.type]);

	return 0;
}

static int take(struct pr_yaml *y, yaml_event_type_t type)
{
	int r;

	r = expect(y, type);
	if (r < 0)
		return r;

	drop(y);
	return 0;
}

int pr_yaml_init(struct pr_yaml *y, const char *text, size_t size, struct pr_arena *arena,
	struct pr_import_error *error)
{
	int r;

	*y = (struct pr_yaml){ .arena = arena, .error = error };
	if (!yaml_parser_initialize(&y->parser))
		return pr_import_no_memory(error);
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)text, size);

	r = take(y, YAML_STREAM_START_EVENT);
	if (r < 0)
		return r;
	r = peek(y);
	if (r < 0)
		return r;
	if (y->event.type == YAML_STREAM_END_EVENT)
		return pr_yaml_fail(y, "the text is empty");

	return take(y, YAML_DOCUMENT_START_EVENT);
}

void pr_yaml_deinit(struct pr_yaml *y)
{
	drop(y);
	yaml_parser_delete(&y->parser);
}

int pr_yaml_end(struct pr_yaml *y)
{
	int r;

	y->key = NULL;
	r = expect(y, YAML_DOCUMENT_END_EVENT);
	if (r < 0)
		return r;
	if (y->event.data.document_end.implicit)
		return pr_yaml_fail(y, "cut short: the line \"...\" at the end is missing");

	drop(y);
	return take(y, YAML_STREAM_END_EVENT);
}

/* ---- values ---- */

int pr_yaml_string(struct pr_yaml *y, const char **ret)
{
	const char *value;
	size_t n;
	int r;

	r = expect(y, YAML_SCALAR_EVENT);
	if (r < 0)
		return r;

	value = (const char *)y->event.data.scalar.value;
	n = y->event.data.scalar.length;
	if (memchr(value, '\0', n))
		return pr_yaml_fail(y, "a NUL character is not taken here");
	*ret = pr_arena_memdup(y->arena, value, n + 1); /* libyaml ends it with a NUL */
	if (!*ret)
		return pr_import_no_memory(y->error);

	drop(y);
	return 0;
}

int pr_yaml_u64(struct pr_yaml *y, uint64_t max, uint64_t *ret)
{
	const char *text;
	uint64_t value;
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	/* base 0 would read a leading zero as octal */
	r = pr_parse_u64(text, strncmp(text, "0x", 2) == 0 ? 16 : 10, &value);
	if (r == -EINVAL)
		return pr_yaml_fail(y, "\"%s\" is not a number", text);
	if (r < 0 || value > max)
		return pr_yaml_fail(y, "%s is more than %llu", text, (unsigned long long)max);

	*ret = value;
	return 0;
}

int pr_yaml_bool(struct pr_yaml *y, bool *ret)
{
	const char *text;
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return pr_yaml_fail(y, "\"%s\" is neither true nor false", text);

	*ret = text[0] == 't';
	return 0;
}

int pr_yaml_list(struct pr_yaml *y, pr_yaml_reader item, void *userdata)
{
	const char *key = y->key;
	int r;

	r = take(y, YAML_SEQUENCE_START_EVENT);
	if (r < 0)
		return r;

	for (;;) {
		y->key = key;
		r = peek(y);
		if (r < 0)
			return r;
		if (y->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		r = item(y, userdata);
		if (r < 0)
			return r;
	}

	drop(y);
	return 0;
}

/*
 * Most numbers of a snapshot are "0x" and a few digits: without a copy and
 * strtoull() a machine loads faster by a seventh.  False for
 * numbers that may be too large.
 */
static bool short_hex(const char *text, size_t n, uint64_t *ret)
{
	uint64_t value = 0;

	if (n < 3 || n > 18 || text[0] != '0' || text[1] != 'x')
		return false;
	for (size_t i = 2; i < n; i++) {
		char c = text[i];
		unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
				     : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
							    : 16;

		if (digit > 15)
			return false;
		value = value << 4 | digit;
	}
	*ret = value;
	return true;
}

static bool read_number(const char *text, size_t n, uint64_t *ret)
{
	char copy[40];

	if (short_hex(text, n, ret))
		return true;
	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return pr_parse_u64(copy, 0, ret) == 0;
}

bool pr_yaml_numbers(const char *text, uint64_t *ret, size_t n)
{
	size_t i = 0, length;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		length = strcspn(text, " ");
		if (i == n || !read_number(text, length, &ret[i++]))
			return false;
		text += length;
	}

	return i == n;
}

/* ---- lists collected ---- */

void *pr_yaml_array_add(struct pr_yaml *y, struct pr_yaml_array *a, size_t size)
{
	size_t max = a->max ? 2 * a->max : 8;
	void *data;

	if (a->n == a->max) {
		data = pr_arena_alloc_array(y->arena, max, size);
		if (!data)
			return NULL;
		if (a->n > 0)
			memcpy(data, a->data, a->n * size);
		a->data = data;
		a->max = max;
	}

	return (char *)a->data + a->n++ * size;
}

const void *pr_yaml_array_data(struct pr_yaml *y, const struct pr_yaml_array *a)
{
	return a->data ? a->data : pr_arena_alloc(y->arena, 0);
}

/* ---- mappings ---- */

/* The row of the key that comes next, which is consumed; @seen has a bit a row. */
static int read_key(struct pr_yaml *y, const char *name, const struct pr_yaml_key *keys, size_t n,
	uint64_t *seen, const struct pr_yaml_key **ret)
{
	const char *text;
	int r;

	y->key = name;
	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i].name, text) != 0)
			continue;
		if (*seen & UINT64_C(1) << i)
			return pr_yaml_fail(y, "key \"%s\" is there twice", text);
		*seen |= UINT64_C(1) << i;
		*ret = &keys[i];
		return 0;
	}

	return pr_yaml_fail(y, "unknown key \"%s\"", text);
}

static int check_required(struct pr_yaml *y, const char *name, const struct pr_yaml_key *keys,
	size_t n, uint64_t seen)
{
	y->key = name;
	for (size_t i = 0; i < n; i++)
		if (keys[i].required && !(seen & UINT64_C(1) << i))
			return pr_yaml_fail(y, "key \"%s\" is missing", keys[i].name);

	return 0;
}

int pr_yaml_mapping(struct pr_yaml *y, const char *name, const struct pr_yaml_key *keys, size_t n,
	void *userdata)
{
	const struct pr_yaml_key *key = NULL;
	unsigned int line, column;
	uint64_t seen = 0;
	int r;

	assert(n <= 64);
	r = take(y, YAML_MAPPING_START_EVENT);
	if (r < 0)
		return r;
	line = y->line;
	column = y->column;

	for (;;) {
		r = peek(y);
		if (r < 0)
			return r;
		if (y->event.type == YAML_MAPPING_END_EVENT)
			break;
		r = read_key(y, name, keys, n, &seen, &key);
		if (r < 0)
			return r;
		y->key = key->name;
		r = key->read(y, userdata);
		if (r < 0)
			return r;
	}

	drop(y);
	y->line = line; /* what is wrong with the whole of it is wrong where it begins */
	y->column = column;
	return check_required(y, name, keys, n, seen);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One configuration file: libyaml events into struct pr_conf.  The language is
 * small on purpose (one mapping; scalars and lists of scalars), and whatever is
 * not in it is refused where it stands: unknown and repeated keys, aliases,
 * anchors, tags, a second document.  Knows no directories: conf-files.c does.
 */
#include "daemon/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/macros.h"
#include "base/text.h"

static const char *const mode_names[_PR_MODE_MAX] = {
	[PR_MODE_ADVISE] = "advise",
	[PR_MODE_AUTO] = "auto",
};

const char *pr_mode_name(enum pr_mode m)
{
	return mode_names[m];
}

void pr_conf_init(struct pr_conf *c)
{
	*c = (struct pr_conf){
		.mode = PR_MODE_ADVISE,
		.disruption = PR_DISRUPTION_FREE,
		.settle_usec = 2000000,
		.deadline_usec = 30000000,
	};
}

void pr_conf_deinit(struct pr_conf *c)
{
	for (size_t i = 0; i < c->n_pinned; i++)
		free(c->pinned[i]);
	free(c->pinned);
	*c = (struct pr_conf){ 0 };
}

/* ---- values: 0, 1 with @why (what a good one looks like), -ENOMEM ---- */

static int set_mode(struct pr_conf *c, const char *value, const char **why)
{
	for (unsigned int i = 0; i < _PR_MODE_MAX; i++) {
		if (strcmp(value, mode_names[i]) == 0) {
			c->mode = (enum pr_mode)i;
			return 0;
		}
	}
	*why = "it is advise or auto";
	return 1;
}

static int set_disruption(struct pr_conf *c, const char *value, const char **why)
{
	enum pr_disruption d;

	if (!pr_disruption_parse(value, &d) || d > PR_DISRUPTION_IN_USE) {
		*why = "it is free, restart or in-use";
		return 1;
	}
	c->disruption = d;
	return 0;
}

/* "500ms", "2s", "1min": digits and a unit, nothing between; false for anything else. */
static bool parse_duration(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t usec;
	} units[] = { { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 } };
	size_t digits = strspn(text, "0123456789");
	char number[12];
	uint64_t n;

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (pr_parse_u64(number, 10, &n) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].unit) == 0)
			return !__builtin_mul_overflow(n, units[i].usec, ret);
	}
	return false;
}

static int set_duration(const char *value, uint64_t low, uint64_t high, uint64_t *ret)
{
	uint64_t usec;

	if (!parse_duration(value, &usec) || usec < low || usec > high)
		return 1;
	*ret = usec;
	return 0;
}

static int set_settle(struct pr_conf *c, const char *value, const char **why)
{
	*why = "a number with a unit, 100ms to 60s";
	return set_duration(value, 100000, 60000000, &c->settle_usec);
}

/* The upper end is the longest deadline that the helper grants. */
static int set_deadline(struct pr_conf *c, const char *value, const char **why)
{
	*why = "a number with a unit, 1s to 10min";
	return set_duration(value, 1000000, 600000000, &c->deadline_usec);
}

static size_t hex_run(const char *s)
{
	return strspn(s, "0123456789abcdef");
}

/* "0000:00/02.0/00.0": domain, root bus, then device and function of each port on the way. */
static bool is_path(const char *s)
{
	size_t n = hex_run(s);

	if (n < 4 || n > 8 || s[n] != ':' || hex_run(s + n + 1) != 2)
		return false;
	for (s += n + 3; *s == '/'; s += 5) {
		if (hex_run(s + 1) != 2 || s[3] != '.' || s[4] < '0' || s[4] > '7')
			return false;
		if (s[5] == '\0')
			return true;
	}
	return false;
}

static int add_pinned(struct pr_conf *c, const char *value, const char **why)
{
	char canonical[PR_ADDRESS_MAX];
	struct pr_address a;
	char **grown;

	if (pr_address_parse(value, &a)) {
		pr_address_format(&a, canonical);
		value = canonical;
	} else if (!is_path(value)) {
		*why = "an address (0000:03:00.0) or a path (0000:00/02.0/00.0)";
		return 1;
	}
	if (c->n_pinned >= PR_CONF_PINNED_MAX) {
		*why = "there are too many of them";
		return 1;
	}
	grown = reallocarray(c->pinned, c->n_pinned + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->pinned = grown;
	c->pinned[c->n_pinned] = strdup(value);
	if (!c->pinned[c->n_pinned])
		return -ENOMEM;
	c->n_pinned++;
	return 0;
}

static const struct key {
	const char *name, *noun;
	bool list;
	int (*set)(struct pr_conf *c, const char *value, const char **why);
} keys[] = {
	{ "mode", "mode", false, set_mode },
	{ "disruption", "disruption", false, set_disruption },
	{ "settle", "settle time", false, set_settle },
	{ "pinned", "device", true, add_pinned },
	{ "deadline", "deadline", false, set_deadline },
};

/* ---- reading ---- */

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	const char *name, *text;
	size_t size;
	struct pr_conf *conf;
	struct pr_conf_error *error;
	bool seen[ARRAY_SIZE(keys)];
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

static int take_value(struct reader *r, const struct key *key)
{
	const char *why = "", *value;
	int k;

	if (r->event.type != YAML_SCALAR_EVENT)
		return fail_here(
			r, key->list ? "a device is one word" : "one value is expected here");
	value = scalar(r);
	if (!value || !*value)
		return fail_here(r, "a value is missing");

	k = key->set(r->conf, value, &why);
	if (k <= 0)
		return k;
	return fail(r, r->event.start_mark.line, r->event.start_mark.column,
		"bad %s \"%.100s\": %s", key->noun, value, why);
}

static int take_list(struct reader *r, const struct key *key)
{
	int k;

	if (r->event.type != YAML_SEQUENCE_START_EVENT)
		return fail_here(r, "a list is expected here: [a, b], or one \"- a\" a line");
	for (;;) {
		k = next(r);
		if (k != 0 || r->event.type == YAML_SEQUENCE_END_EVENT)
			return k;
		k = take_value(r, key);
		if (k != 0)
			return k;
	}
}

static int find_key(struct reader *r, const struct key **ret)
{
	const char *name;

	if (r->event.type != YAML_SCALAR_EVENT)
		return fail_here(r, "a key is one word");
	name = scalar(r);
	for (size_t i = 0; name && i < ARRAY_SIZE(keys); i++) {
		if (strcmp(name, keys[i].name) != 0)
			continue;
		if (r->seen[i])
			return fail(r, r->event.start_mark.line, r->event.start_mark.column,
				"\"%s\" is here for the second time", name);
		r->seen[i] = true;
		*ret = &keys[i];
		return 0;
	}
	return fail(r, r->event.start_mark.line, r->event.start_mark.column,
		"unknown key \"%.100s\": mode, disruption, settle, pinned and deadline are known",
		name ? name : "");
}

static int take_mapping(struct reader *r)
{
	const struct key *key = NULL;
	int k;

	for (;;) {
		k = next(r);
		if (k != 0 || r->event.type == YAML_MAPPING_END_EVENT)
			return k;
		k = find_key(r, &key);
		if (k != 0)
			return k;
		k = next(r);
		if (k != 0)
			return k;
		k = key->list ? take_list(r, key) : take_value(r, key);
		if (k != 0)
			return k;
	}
}

static int take_document(struct reader *r)
{
	int k = next(r);

	if (k != 0)
		return k;
	if (r->event.type == YAML_MAPPING_START_EVENT)
		return take_mapping(r);
	if (r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0)
		return 0; /* "---" and nothing behind it */
	return fail_here(r, "\"key: value\" lines are expected here");
}

static int take_stream(struct reader *r)
{
	int k = next(r); /* start of the stream */

	if (k == 0)
		k = next(r);
	if (k != 0 || r->event.type == YAML_STREAM_END_EVENT)
		return k;
	k = take_document(r);
	if (k == 0)
		k = next(r); /* end of the document */
	if (k == 0)
		k = next(r);
	if (k != 0 || r->event.type == YAML_STREAM_END_EVENT)
		return k;
	return fail_here(r, "one document is all that a file may hold");
}

int pr_conf_parse(struct pr_conf *c, const char *name, const char *text, size_t size,
	struct pr_conf_error *error)
{
	struct reader r = { .name = name, .text = text, .size = size, .conf = c, .error = error };
	int k;

	if (size > PR_CONF_FILE_MAX)
		return fail(&r, 0, 0, "the file is larger than %u bytes", PR_CONF_FILE_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
	k = take_stream(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return k;
}

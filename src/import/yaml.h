/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading YAML by schema, over libyaml's events: mappings by tables of keys,
 * lists by a function an item.  Strict: unknown and repeated keys, aliases,
 * anchors and tags are errors, and every error has line and column.  Nothing
 * is kept of what was read, so hostile nesting costs nothing.
 */
#pragma once

#include <yaml.h>

#include "import/error.h"

struct pr_yaml {
	yaml_parser_t parser;
	yaml_event_t event; /* the next one, when has_event */
	bool has_event;
	struct pr_arena *arena; /* of scalars */
	struct pr_import_error *error;
	const char *key;           /* that errors name */
	unsigned int line, column; /* of what was read last */
};

/* All of these: 0, or negative errno with the error. */
typedef int (*pr_yaml_reader)(struct pr_yaml *y, void *userdata);

struct pr_yaml_key {
	const char *name;
	pr_yaml_reader read; /* of the value */
	bool required;
};

/* Starts with @text, which is borrowed; pr_yaml_deinit() is due whatever is returned. */
int pr_yaml_init(struct pr_yaml *y, const char *text, size_t size, struct pr_arena *arena,
	struct pr_import_error *error);
void pr_yaml_deinit(struct pr_yaml *y);
/* After the value of the document: nothing may follow, and the mark "..." must stand at its end. */
int pr_yaml_end(struct pr_yaml *y);

/* @name: of this mapping, for errors.  At most 64 keys. */
int pr_yaml_mapping(struct pr_yaml *y, const char *name, const struct pr_yaml_key *keys, size_t n,
	void *userdata);
int pr_yaml_list(struct pr_yaml *y, pr_yaml_reader item, void *userdata);
/* Text in the arena, without NUL inside. */
int pr_yaml_string(struct pr_yaml *y, const char **ret);
/* A number no larger than @max: decimal, or hexadecimal with 0x. */
int pr_yaml_u64(struct pr_yaml *y, uint64_t max, uint64_t *ret);
int pr_yaml_bool(struct pr_yaml *y, bool *ret);

/*
 * Exactly @n numbers with blanks between them; errors are the caller's, who knows what they mean.
 */
bool pr_yaml_numbers(const char *text, uint64_t *ret, size_t n);

/* Items of a list, collected in the arena; zero-initialised is empty. */
struct pr_yaml_array {
	void *data;
	size_t n, max;
};
/* Room for one more item of @size bytes, zeroed; NULL when memory is short. */
void *pr_yaml_array_add(struct pr_yaml *y, struct pr_yaml_array *a, size_t size);
/* The items; a valid pointer for an empty list too, which is something else than no list. */
const void *pr_yaml_array_data(struct pr_yaml *y, const struct pr_yaml_array *a);

/* -EINVAL at what was read last; the sentence begins with the key. */
int pr_yaml_fail(struct pr_yaml *y, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/bus-value.h"

#include <stdio.h>
#include <string.h>

/* The union that sd_bus_message_read_basic() fills, by type. */
union basic {
	const char *text;
	int boolean;
	uint8_t y;
	int16_t n;
	uint16_t q;
	int32_t i;
	uint32_t u;
	int64_t x;
	uint64_t t;
	double d;
};

static int write_basic(struct pr_json *j, const char *key, char type, const union basic *v)
{
	switch (type) {
	case 's':
	case 'o':
	case 'g':
		pr_json_string(j, key, v->text);
		return 1;
	case 'b':
		pr_json_bool(j, key, v->boolean);
		return 1;
	case 'y':
		pr_json_u64(j, key, v->y);
		return 1;
	case 'n':
		pr_json_int(j, key, v->n);
		return 1;
	case 'q':
		pr_json_u64(j, key, v->q);
		return 1;
	case 'i':
		pr_json_int(j, key, v->i);
		return 1;
	case 'u':
		pr_json_u64(j, key, v->u);
		return 1;
	case 'x':
		pr_json_int(j, key, v->x);
		return 1;
	case 't':
		pr_json_u64(j, key, v->t);
		return 1;
	}
	pr_json_null(j, key); /* a descriptor; no interface of ours has floating point */
	return 1;
}

/* Values until the end of the container. */
static int write_rest(struct pr_json *j, sd_bus_message *m)
{
	int r;

	do
		r = pr_bus_value_json(j, NULL, m);
	while (r > 0);
	return r;
}

static int write_entries(struct pr_json *j, sd_bus_message *m, const char *entry)
{
	const char *key;
	int r;

	for (;;) {
		r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, entry);
		if (r <= 0)
			return r;
		r = sd_bus_message_read_basic(m, *entry, &key);
		if (r >= 0)
			r = pr_bus_value_json(j, key, m);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
}

static int write_dictionary(
	struct pr_json *j, const char *key, sd_bus_message *m, const char *contents)
{
	char entry[256]; /* a signature has at most 255 bytes; without the braces */
	int r;

	(void)snprintf(entry, sizeof(entry), "%.*s", (int)strlen(contents) - 2, contents + 1);
	pr_json_object(j, key);
	r = write_entries(j, m, entry);
	pr_json_object_end(j);
	return r;
}

static int write_array(struct pr_json *j, const char *key, sd_bus_message *m)
{
	int r;

	pr_json_array(j, key);
	r = write_rest(j, m);
	pr_json_array_end(j);
	return r;
}

static bool has_text_keys(const char *contents)
{
	return contents[0] == '{' && (contents[1] == 's' || contents[1] == 'o');
}

static int write_container(
	struct pr_json *j, const char *key, sd_bus_message *m, char type, const char *contents)
{
	int r;

	if (type == SD_BUS_TYPE_ARRAY && contents[0] == '{' && !has_text_keys(contents)) {
		pr_json_null(j, key); /* JSON has no such thing, and no interface of ours */
		return sd_bus_message_skip(m, NULL);
	}
	r = sd_bus_message_enter_container(m, type, contents);
	if (r < 0)
		return r;
	if (type == SD_BUS_TYPE_VARIANT)
		r = pr_bus_value_json(j, key, m);
	else if (type == SD_BUS_TYPE_ARRAY && contents[0] == '{')
		r = write_dictionary(j, key, m, contents);
	else
		r = write_array(j, key, m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

int pr_bus_value_json(struct pr_json *j, const char *key, sd_bus_message *m)
{
	const char *contents;
	union basic v;
	char type;
	int r;

	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r <= 0)
		return r;
	if (contents) {
		r = write_container(j, key, m, type, contents);
		return r < 0 ? r : 1;
	}
	r = sd_bus_message_read_basic(m, type, &v);
	return r < 0 ? r : write_basic(j, key, type, &v);
}

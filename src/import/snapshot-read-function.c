/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function of a snapshot: from its mapping to the builder's facts.  The
 * rest of the document is in snapshot-read.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/hex.h"
#include "base/macros.h"
#include "base/text.h"
#include "import/snapshot.h"

static int read_address(struct pr_yaml *y, struct pr_address *ret)
{
	const char *text;
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	if (!pr_address_parse(text, ret))
		return pr_yaml_fail(
			y, "\"%s\" is not the address of a function (0000:00:1f.7)", text);

	return 0;
}

#define STRING_SETTER(name, field)                         \
	static int name(struct pr_yaml *y, void *userdata) \
	{                                                  \
		struct pr_facts *facts = userdata;         \
                                                           \
		return pr_yaml_string(y, &facts->field);   \
	}

STRING_SETTER(set_driver, driver)
STRING_SETTER(set_override, driver_override)
STRING_SETTER(set_slot, slot)
STRING_SETTER(set_label, label)
STRING_SETTER(set_removable, removable)

static int set_address(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;

	return read_address(y, &facts->address);
}

static int set_parent(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;

	facts->has_parent = true;
	return read_address(y, &facts->parent);
}

static int set_physfn(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;

	facts->is_vf = true;
	return read_address(y, &facts->physfn);
}

/*
 * One word of configuration space: pairs of digits, "0*96" for that many zeros, "?*96" for that
 * many bytes that are not known (and read zero).
 */
static int decode_word(const char *word, uint8_t *ret, size_t max, size_t *ret_n)
{
	uint64_t n;
	int r;

	if (strncmp(word, "0*", 2) != 0 && strncmp(word, "?*", 2) != 0)
		return pr_hex_decode(word, strlen(word), ret, max, ret_n);

	r = pr_parse_u64(word + 2, 10, &n);
	if (r == -ERANGE || (r == 0 && n > max))
		return -ENOSPC;
	if (r < 0)
		return r;

	memset(ret, 0, (size_t)n);
	*ret_n = (size_t)n;
	return 0;
}

static int set_config(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;
	uint8_t bytes[PR_SNAPSHOT_CONFIG_MAX], holes[PR_SNAPSHOT_CONFIG_MAX];
	bool any = false;
	char *copy = NULL, *save = NULL;
	const char *text;
	size_t length = 0, n;
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	copy = pr_arena_strdup(y->arena, text);
	if (!copy)
		return pr_import_no_memory(y->error);

	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		r = decode_word(word, bytes + length, sizeof(bytes) - length, &n);
		if (r == -ENOSPC)
			return pr_yaml_fail(y, "more than %zu bytes", sizeof(bytes));
		if (r < 0)
			return pr_yaml_fail(
				y, "\"%.64s\" is not pairs of hexadecimal digits", word);
		memset(holes + length, word[0] == '?', n);
		any |= word[0] == '?' && n > 0;
		length += n;
	}

	facts->config = pr_arena_memdup(y->arena, bytes, length);
	facts->config_length = length;
	facts->config_holes = any ? pr_arena_memdup(y->arena, holes, length) : NULL;
	return facts->config && (facts->config_holes || !any) ? 0 : pr_import_no_memory(y->error);
}

static int read_line(struct pr_yaml *y, void *userdata)
{
	struct pr_yaml_array *lines = userdata;
	struct pr_resource_line *line;
	const char *text;
	uint64_t v[3];
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	if (lines->n == PR_SNAPSHOT_LINES_MAX)
		return pr_yaml_fail(y, "more than %d lines", PR_SNAPSHOT_LINES_MAX);
	if (strcmp(text, "unknown") == 0)
		memcpy(v, (uint64_t[]){ 0, 0, PR_LINE_UNKNOWN }, sizeof(v));
	else if (!pr_yaml_numbers(text, v, 3))
		return pr_yaml_fail(y, "\"%s\" is not \"start end flags\"", text);
	line = pr_yaml_array_add(y, lines, sizeof(*line));
	if (!line)
		return pr_import_no_memory(y->error);

	*line = (struct pr_resource_line){ v[0], v[1], v[2] };
	return 0;
}

static int set_resource(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;
	struct pr_yaml_array lines = { 0 };
	int r;

	r = pr_yaml_list(y, read_line, &lines);
	if (r < 0)
		return r;

	facts->lines = pr_yaml_array_data(y, &lines);
	facts->n_lines = lines.n;
	return facts->lines ? 0 : pr_import_no_memory(y->error);
}

static int read_mask(struct pr_yaml *y, void *userdata)
{
	struct pr_yaml_array *masks = userdata;
	struct pr_bar_mask *mask;
	const char *text;
	uint64_t v[3];
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	if (masks->n == PR_SNAPSHOT_MASKS_MAX)
		return pr_yaml_fail(y, "more than %d BARs", PR_SNAPSHOT_MASKS_MAX);
	if (!pr_yaml_numbers(text, v, 3) || v[0] > PR_WINDOW_PREF || v[1] > UINT32_MAX ||
		v[2] > UINT32_MAX)
		return pr_yaml_fail(y, "\"%s\" is not \"index low high\" of a BAR", text);
	mask = pr_yaml_array_add(y, masks, sizeof(*mask));
	if (!mask)
		return pr_import_no_memory(y->error);

	*mask = (struct pr_bar_mask){ (uint8_t)v[0], (uint32_t)v[1], (uint32_t)v[2] };
	return 0;
}

static int set_masks(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;
	struct pr_yaml_array masks = { 0 };
	int r;

	r = pr_yaml_list(y, read_mask, &masks);
	if (r < 0)
		return r;

	facts->masks = pr_yaml_array_data(y, &masks);
	facts->n_masks = masks.n;
	return facts->masks ? 0 : pr_import_no_memory(y->error);
}

static int read_int(struct pr_yaml *y, int *ret)
{
	uint64_t value;
	int r;

	r = pr_yaml_u64(y, INT_MAX, &value);
	if (r < 0)
		return r;

	*ret = (int)value;
	return 0;
}

#define NUMBER_SETTER(name, field)                         \
	static int name(struct pr_yaml *y, void *userdata) \
	{                                                  \
		struct pr_facts *facts = userdata;         \
                                                           \
		return read_int(y, &facts->field);         \
	}

NUMBER_SETTER(set_numa_node, numa_node)
NUMBER_SETTER(set_iommu_group, iommu_group)
NUMBER_SETTER(set_sriov_numvfs, sriov_numvfs)
NUMBER_SETTER(set_enabled, enabled)

static int set_newcomer(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;

	return pr_yaml_bool(y, &facts->is_newcomer);
}

static int set_order(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;
	int order = 0;
	int r;

	r = read_int(y, &order);
	if (r < 0)
		return r;
	if (order == 0)
		return pr_yaml_fail(y, "places in the discovery order are counted from 1");

	facts->order = (unsigned int)order;
	return 0;
}

static int set_kind(struct pr_yaml *y, void *userdata)
{
	struct pr_user *user = userdata;

	return pr_yaml_string(y, &user->kind);
}

static int set_what(struct pr_yaml *y, void *userdata)
{
	struct pr_user *user = userdata;

	return pr_yaml_string(y, &user->what);
}

static const struct pr_yaml_key user_keys[] = {
	{ "kind", set_kind, true },
	{ "what", set_what, true },
};

static int read_user(struct pr_yaml *y, void *userdata)
{
	struct pr_user *user = pr_yaml_array_add(y, userdata, sizeof(*user));

	if (!user)
		return pr_import_no_memory(y->error);

	return pr_yaml_mapping(y, "user", user_keys, ARRAY_SIZE(user_keys), user);
}

static int set_users(struct pr_yaml *y, void *userdata)
{
	struct pr_facts *facts = userdata;
	struct pr_yaml_array users = { 0 };
	int r;

	r = pr_yaml_list(y, read_user, &users);
	if (r < 0)
		return r;

	facts->users = users.data;
	facts->n_users = users.n;
	return 0;
}

static const struct pr_yaml_key function_keys[] = {
	{ "address", set_address, true },
	{ "parent", set_parent, false },
	{ "physfn", set_physfn, false },
	{ "newcomer", set_newcomer, false },
	{ "order", set_order, false },
	{ "config", set_config, false },
	{ "resource", set_resource, false },
	{ "masks", set_masks, false },
	{ "driver", set_driver, false },
	{ "driver-override", set_override, false },
	{ "slot", set_slot, false },
	{ "label", set_label, false },
	{ "removable", set_removable, false },
	{ "numa-node", set_numa_node, false },
	{ "iommu-group", set_iommu_group, false },
	{ "sriov-numvfs", set_sriov_numvfs, false },
	{ "enabled", set_enabled, false },
	{ "users", set_users, false },
};

int pr_snapshot_read_function(struct pr_yaml *y, void *userdata)
{
	struct pr_facts facts = {
		.numa_node = -1,
		.iommu_group = -1,
		.sriov_numvfs = -1,
		.enabled = -1,
	};
	char address[PR_ADDRESS_MAX];
	int r;

	r = pr_yaml_mapping(y, "function", function_keys, ARRAY_SIZE(function_keys), &facts);
	if (r < 0)
		return r;

	r = pr_builder_add_function(userdata, &facts);
	if (r == -ENOMEM)
		return pr_import_no_memory(y->error);
	pr_address_format(&facts.address, address);
	if (r < 0)
		return pr_yaml_fail(
			y, "%s %s", address, r == -EEXIST ? "is there twice" : "is impossible");

	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of simulated functions: what was written, until the function is found anew. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "exec/simulator.h"

/* The last value written there; false when none was. */
static bool find_written(
	const struct pr_simulator *s, const char *path, uint32_t offset, uint8_t *ret)
{
	for (size_t i = s->n_written; i-- > 0;) {
		if (s->written[i].offset != offset || strcmp(s->written[i].path, path) != 0)
			continue;
		*ret = s->written[i].value;
		return true;
	}

	return false;
}

/* Bus numbers are the bridge's as the model has them; the rest is what was written, or recorded. */
static bool read_byte(const struct pr_simulator *s, const struct pr_function *f, const char *path,
	uint32_t offset, uint8_t *ret)
{
	const struct pr_config config = { .bytes = f->facts->config,
		.length = f->facts->config_length,
		.holes = f->facts->config_holes };

	if (find_written(s, path, offset, ret))
		return true;
	if (f->bridge && offset >= 0x18 && offset <= 0x1a) {
		const uint8_t numbers[] = { f->bridge->primary, f->bridge->secondary,
			f->bridge->subordinate };

		*ret = numbers[offset - 0x18];
		return true;
	}

	return pr_config_u8(&config, offset, ret);
}

int pr_simulator_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	struct pr_simulator *s = instance;
	const struct pr_function *f = pr_simulator_find(s, a);
	uint32_t value = 0;
	char path[PR_FUNCTION_PATH_MAX];
	uint8_t byte;
	int r;

	if (!f)
		return -ENODEV;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	for (uint32_t i = width; i-- > 0;) {
		if (!read_byte(s, f, path, offset + i, &byte))
			return -EIO;
		value = value << 8 | byte;
	}

	*ret = value;
	return 0;
}

static int remember(
	struct pr_simulator *s, const char *path, uint16_t offset, uint8_t width, uint32_t value)
{
	struct pr_simulated_byte *written =
		reallocarray(s->written, s->n_written + width, sizeof(*written));
	const char *copy = pr_arena_strdup(s->arena, path);

	if (written)
		s->written = written;
	if (!written || !copy)
		return -ENOMEM;

	for (uint8_t i = 0; i < width; i++)
		s->written[s->n_written++] = (struct pr_simulated_byte){ copy,
			(uint16_t)(offset + i), (uint8_t)(value >> (8 * i)) };

	return 0;
}

int pr_simulator_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	struct pr_simulator *s = instance;
	struct pr_action action = {
		.kind = PR_ACTION_WRITE,
		.function = pr_simulator_find(s, a),
		.offset = offset,
		.width = width,
		.value = value,
	};
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	if (!action.function)
		return -ENODEV;
	r = pr_function_path(action.function, path, sizeof(path));
	if (r < 0)
		return r;
	/* the layout is in the header; sizes of BARs are read when the function is found again */
	r = offset < 0x40 ? pr_simulator_act(s, &action) : 0;
	if (r < 0 || (action.function->bridge && offset >= 0x18 && offset <= 0x1a))
		return r; /* the model has bus numbers, and a rescan may change them */

	return remember(s, path, offset, width, value);
}

static bool is_control(const struct pr_rebar *r, uint16_t offset)
{
	return r->present == PR_YES && offset >= r->offset + 8 &&
	       offset < r->offset + 8 + 8 * r->n_entries;
}

/*
 * The kernel has numbered a bridge that it finds, whatever was written there before; sizes of BARs
 * are the device's.
 */
void pr_simulator_forget_bytes(
	struct pr_simulator *s, const struct pr_function *f, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_written; i++)
		if (strcmp(s->written[i].path, path) != 0 ||
			is_control(&f->caps->rebar, s->written[i].offset) ||
			is_control(&f->caps->vf_rebar, s->written[i].offset))
			s->written[kept++] = s->written[i];
	s->n_written = kept;
}

/* What was written to the control registers of @f, for the kernel that finds it again. */
size_t pr_simulator_sizes(
	const struct pr_simulator *s, const struct pr_function *f, struct pr_action *ret)
{
	const struct pr_rebar *const kinds[] = { &f->caps->rebar, &f->caps->vf_rebar };
	char path[PR_FUNCTION_PATH_MAX];
	size_t n = 0;

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (unsigned int i = 0; i < kinds[k]->n_entries; i++) {
			uint16_t offset = (uint16_t)(kinds[k]->offset + 8 + 8 * i);
			uint8_t bytes[4];

			if (!find_written(s, path, offset + 1u, &bytes[1]))
				continue;
			for (uint32_t b = 0; b < 4; b++)
				if (!read_byte(s, f, path, offset + b, &bytes[b]))
					return n;
			ret[n++] = (struct pr_action){ .kind = PR_ACTION_WRITE,
				.function = f,
				.offset = offset,
				.width = 4,
				.value = (uint32_t)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) |
					 (uint32_t)bytes[3] << 24 };
		}
	return n;
}

/* The kernel writes the size to the register, too. */
int pr_simulator_set_size(
	struct pr_simulator *s, const struct pr_function *f, unsigned int bar, unsigned int order)
{
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	r = pr_function_path(f, path, sizeof(path));
	for (unsigned int i = 0; r >= 0 && i < f->caps->rebar.n_entries; i++)
		if (f->caps->rebar.entries[i].bar == bar)
			return remember(
				s, path, (uint16_t)(f->caps->rebar.offset + 9 + 8 * i), 1, order);
	return r < 0 ? r : -EINVAL;
}

const uint8_t *pr_simulator_config(const struct pr_simulator *s, struct pr_topology *t,
	const struct pr_facts *facts, const char *path)
{
	uint8_t *bytes = NULL;

	for (size_t i = 0; i < s->n_written; i++) {
		const struct pr_simulated_byte *w = &s->written[i];

		if (strcmp(w->path, path) != 0 || w->offset >= facts->config_length)
			continue;
		if (!bytes)
			bytes = pr_arena_memdup(t->arena, facts->config, facts->config_length);
		if (bytes)
			bytes[w->offset] = w->value;
	}

	return bytes ? bytes : facts->config;
}

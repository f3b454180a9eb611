/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients want planned: every key is known or refused, and nothing is taken twice. */
#include "daemon/bus-request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus-call.h"

/* Devices that one request may name. */
#define ASKED_MAX 256u

static void strings_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void counts_deinit(struct pr_counts *c)
{
	strings_free(c->devices, c->n);
	free(c->counts);
}

void pr_asked_deinit(struct pr_asked *a)
{
	strings_free(a->targets, a->n_targets);
	strings_free(a->pinned, a->n_pinned);
	free(a->replug);
	counts_deinit(&a->buses);
	counts_deinit(&a->vfs);
	for (size_t i = 0; i < a->n_reserves; i++)
		free(a->reserves[i].bridge);
	free(a->reserves);
	for (size_t i = 0; i < a->n_resizes; i++)
		free(a->resizes[i].device);
	free(a->resizes);
	*a = (struct pr_asked){ 0 };
}

/* The variant at hand, an array of type @type. */
static int enter_list(sd_bus_message *m, const char *type)
{
	int r = sd_bus_message_enter_container(m, 'v', type);

	return r < 0 ? r : sd_bus_message_enter_container(m, 'a', type + 1);
}

/* @r: of the last read, which found no more. */
static int leave_list(sd_bus_message *m, int r)
{
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The variant at hand, an array of strings. */
static int read_strings(sd_bus_message *m, char ***ret, size_t *ret_n)
{
	const char *s;
	char **grown;
	int r;

	r = enter_list(m, "as");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "s", &s)) > 0) {
		if (*ret_n == ASKED_MAX)
			return -E2BIG;
		grown = reallocarray(*ret, *ret_n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*ret = grown;
		grown[*ret_n] = strdup(s);
		if (!grown[*ret_n])
			return -ENOMEM;
		(*ret_n)++;
	}
	return leave_list(m, r);
}

static int add_count(struct pr_counts *c, const char *device, uint32_t n)
{
	char **devices = reallocarray(c->devices, c->n + 1, sizeof(*devices));
	uint32_t *counts;

	if (!devices)
		return -ENOMEM;
	c->devices = devices;
	counts = reallocarray(c->counts, c->n + 1, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	c->counts = counts;
	devices[c->n] = strdup(device);
	if (!devices[c->n])
		return -ENOMEM;
	counts[c->n++] = n;
	return 0;
}

/* The variant at hand: devices, and how many each is to have of what @key says. */
static int read_counts(sd_bus_message *m, const char *key, uint32_t max, struct pr_counts *ret,
	sd_bus_error *error)
{
	const char *device;
	uint32_t n;
	int r;

	r = enter_list(m, "a{su}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "{su}", &device, &n)) > 0) {
		if (n < 1 || n > max)
			return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
				"\"%s\" of %s is a number from 1 to %u", key, device, max);
		if (ret->n == ASKED_MAX)
			return -E2BIG;
		r = add_count(ret, device, n);
		if (r < 0)
			return r;
	}
	return leave_list(m, r);
}

static int add_reserve(struct pr_asked *a, const char *device, uint8_t window, uint64_t size)
{
	struct pr_asked_reserve *grown =
		reallocarray(a->reserves, a->n_reserves + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->reserves = grown;
	grown += a->n_reserves;
	*grown = (struct pr_asked_reserve){ strdup(device), window, size };
	return grown->bridge ? (a->n_reserves++, 0) : -ENOMEM;
}

/* The variant at hand, bridges and how much room each is to have in which window. */
static int read_reserves(sd_bus_message *m, struct pr_asked *ret, sd_bus_error *error)
{
	const char *device, *kind;
	uint64_t size;
	int r;

	r = enter_list(m, "a(sst)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(sst)", &device, &kind, &size)) > 0) {
		if (pr_window_parse(kind) == 0 || size == 0 ||
			size % pr_window_unit(pr_window_parse(kind)) != 0)
			return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
				"\"reserves\" of %s is \"mem\" or \"pref\", and a multiple of "
				"1 MiB, or \"io\", and a multiple of 4 KiB",
				device);
		if (ret->n_reserves == ASKED_MAX)
			return -E2BIG;
		r = add_reserve(ret, device, pr_window_parse(kind), size);
		if (r < 0)
			return r;
	}
	return leave_list(m, r);
}

static int add_resize(struct pr_asked *a, const char *device, uint8_t index, uint64_t size)
{
	struct pr_asked_resize *grown = reallocarray(a->resizes, a->n_resizes + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->resizes = grown;
	grown[a->n_resizes] = (struct pr_asked_resize){ strdup(device), index, size };
	if (!grown[a->n_resizes].device)
		return -ENOMEM;
	a->n_resizes++;
	return 0;
}

/* The variant at hand: devices, the number of a BAR, bytes. */
static int read_resizes(sd_bus_message *m, struct pr_asked *ret)
{
	const char *device;
	uint64_t size;
	uint8_t index;
	int r;

	r = enter_list(m, "a(syt)");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "(syt)", &device, &index, &size)) > 0) {
		if (ret->n_resizes == ASKED_MAX)
			return -E2BIG;
		r = add_resize(ret, device, index, size);
		if (r < 0)
			return r;
	}
	return leave_list(m, r);
}

static int read_disruption(sd_bus_message *m, enum pr_disruption *ret, sd_bus_error *error)
{
	enum pr_disruption d;
	const char *s;
	int r;

	r = sd_bus_message_read(m, "v", "s", &s);
	if (r < 0)
		return r;
	if (!pr_disruption_parse(s, &d) || d > PR_DISRUPTION_IN_USE)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"\"disruption\" is \"free\", \"restart\" or \"in-use\", not \"%s\"", s);
	*ret = d;
	return 0;
}

static int read_string(sd_bus_message *m, char **ret)
{
	const char *s;
	int r;

	r = sd_bus_message_read(m, "v", "s", &s);
	if (r < 0)
		return r;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

static int read_bool(sd_bus_message *m, bool *ret)
{
	int value;
	int r;

	r = sd_bus_message_read(m, "v", "b", &value);
	if (r >= 0)
		*ret = value;
	return r;
}

static int read_key(sd_bus_message *m, const char *key, struct pr_asked *ret, sd_bus_error *error)
{
	if (strcmp(key, "disruption") == 0)
		return read_disruption(m, &ret->limit, error);
	if (strcmp(key, "targets") == 0 && !ret->targets)
		return read_strings(m, &ret->targets, &ret->n_targets);
	if (strcmp(key, "pinned") == 0 && !ret->pinned)
		return read_strings(m, &ret->pinned, &ret->n_pinned);
	if (strcmp(key, "buses") == 0 && !ret->buses.devices)
		return read_counts(m, key, PR_BUSES_MAX, &ret->buses, error);
	if (strcmp(key, "vfs") == 0 && !ret->vfs.devices)
		return read_counts(m, key, PR_VFS_MAX, &ret->vfs, error);
	if (strcmp(key, "reserves") == 0 && !ret->reserves)
		return read_reserves(m, ret, error);
	if (strcmp(key, "resize") == 0 && !ret->resizes)
		return read_resizes(m, ret);
	if (strcmp(key, "replug") == 0 && !ret->replug)
		return read_string(m, &ret->replug);
	if (strcmp(key, "shrink") == 0)
		return read_bool(m, &ret->shrink);
	return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
		"unknown or repeated key \"%s\": targets, disruption, pinned, buses, reserves, vfs, "
		"resize, shrink and replug are known",
		key);
}

int pr_asked_read(sd_bus_message *m, struct pr_asked *ret, sd_bus_error *error)
{
	const char *key;
	int r;

	ret->limit = PR_DISRUPTION_RESTART;
	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read_key(m, key, ret, error);
		if (r == -E2BIG)
			return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
				"\"%s\" names at most %u devices", key, ASKED_MAX);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

int pr_flags_read(sd_bus_message *m, sd_bus_error *error)
{
	uint64_t flags;
	int r;

	r = sd_bus_message_read(m, "t", &flags);
	if (r < 0)
		return r;
	return flags == 0 ? 0 : pr_bus_not_supported(error, "a flag of this call");
}

int pr_options_read(sd_bus_message *m, sd_bus_error *error)
{
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	if (sd_bus_message_at_end(m, false) == 0)
		return pr_bus_not_supported(error, "an option of this call");
	return sd_bus_message_exit_container(m);
}

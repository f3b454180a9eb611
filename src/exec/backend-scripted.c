/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A back end that expects given operations in a given order, and answers as it
 * is told; for tests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pciroom/exec.h"

struct instance {
	const struct pr_script_entry *entries; /* borrowed */
	size_t n, next;
	struct pr_looker look;
	char unexpected[160]; /* first operation that was not the expected one */
};

/* The result of the operation; an unexpected one is an error, and so is everything behind it. */
static int play(struct instance *i, const char *operation, uint32_t *ret_value)
{
	const struct pr_script_entry *e = i->next < i->n ? &i->entries[i->next] : NULL;

	if (*i->unexpected)
		return -EPROTO;
	if (!e || strcmp(e->operation, operation) != 0) {
		(void)snprintf(i->unexpected, sizeof(i->unexpected), "%s, where %s was expected",
			operation, e ? e->operation : "nothing");
		return -EPROTO;
	}

	i->next++;
	if (ret_value && e->result == 0)
		*ret_value = e->value;
	return e->result;
}

static int play_address(
	void *instance, const char *verb, const struct pr_address *a, const char *rest)
{
	char address[PR_ADDRESS_MAX], operation[160];

	pr_address_format(a, address);
	(void)snprintf(operation, sizeof(operation), "%s %s%s", verb, address, rest);
	return play(instance, operation, NULL);
}

static int scripted_unbind(void *instance, const struct pr_address *a)
{
	return play_address(instance, "unbind", a, "");
}

static int scripted_bind(void *instance, const struct pr_address *a, const char *driver)
{
	char rest[80];

	(void)snprintf(rest, sizeof(rest), " %s", driver);
	return play_address(instance, "bind", a, rest);
}

static int scripted_remove(void *instance, const struct pr_address *a)
{
	return play_address(instance, "remove", a, "");
}

static int scripted_rescan(void *instance, const struct pr_address *a)
{
	return play_address(instance, "rescan", a, "");
}

static int scripted_rescan_root(void *instance, uint32_t domain, uint8_t bus)
{
	char operation[40];

	(void)snprintf(operation, sizeof(operation), "rescan-root %04x:%02x", domain, bus);
	return play(instance, operation, NULL);
}

static int scripted_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	char address[PR_ADDRESS_MAX], operation[80];

	pr_address_format(a, address);
	(void)snprintf(operation, sizeof(operation), "read %s %02x/%u", address, offset, width);
	return play(instance, operation, ret);
}

static int scripted_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	char rest[40];

	(void)snprintf(rest, sizeof(rest), " %02x/%u=%0*x", offset, width, 2 * width, value);
	return play_address(instance, "write", a, rest);
}

static int scripted_hotplug(void *instance, const struct pr_address *a, bool on)
{
	return play_address(instance, "hotplug", a, on ? " on" : " off");
}

static int scripted_resize(
	void *instance, const struct pr_address *a, unsigned int bar, unsigned int order)
{
	char rest[24];

	(void)snprintf(rest, sizeof(rest), " %u %u", bar, order);
	return play_address(instance, "resize", a, rest);
}

static int scripted_look(void *instance, struct pr_topology **ret)
{
	struct instance *i = instance;

	return i->look.look(i->look.userdata, ret);
}

static const struct pr_backend_ops scripted_ops = {
	.name = "scripted",
	.help = "a list of expected operations, for tests",
	.unbind = scripted_unbind,
	.bind = scripted_bind,
	.remove = scripted_remove,
	.rescan = scripted_rescan,
	.rescan_root = scripted_rescan_root,
	.read = scripted_read,
	.write = scripted_write,
	.hotplug = scripted_hotplug,
	.resize = scripted_resize,
	.look = scripted_look,
};

int pr_backend_scripted_new(const struct pr_script_entry *entries, size_t n,
	const struct pr_looker *look, struct pr_backend *ret)
{
	struct instance *i = calloc(1, sizeof(*i));

	if (!i)
		return -ENOMEM;

	i->entries = entries;
	i->n = n;
	i->look = *look;
	*ret = (struct pr_backend){ .ops = &scripted_ops, .instance = i };
	return 0;
}

size_t pr_backend_scripted_left(const struct pr_backend *b, char *why, size_t size)
{
	const struct instance *i = b->instance;
	size_t left = i->n - i->next;

	if (*i->unexpected)
		(void)snprintf(why, size, "unexpected: %s", i->unexpected);
	else if (left > 0)
		(void)snprintf(why, size, "never came: %s", i->entries[i->next].operation);

	return left + (*i->unexpected ? 1 : 0);
}

void pr_backend_scripted_free(struct pr_backend *b)
{
	free(b->instance);
	*b = (struct pr_backend){ 0 };
}

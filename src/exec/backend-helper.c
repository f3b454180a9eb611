/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real back end: each operation is a request to pciroom-helper. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/helper-client.h"

/* Drivers are probed asynchronously, and firmware may have to be loaded. */
#define SETTLE_MS 10000

struct instance {
	struct pr_helper *helper; /* borrowed */
	struct pr_looker look;
};

static int plain(void *instance, enum pr_helper_verb verb, const struct pr_address *a)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(verb, a);
	struct pr_helper_reply reply;

	return pr_helper_call(i->helper, &q, &reply, NULL);
}

static int helper_unbind(void *instance, const struct pr_address *a)
{
	return plain(instance, PR_HELPER_UNBIND, a);
}

static int helper_bind(void *instance, const struct pr_address *a, const char *driver)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_BIND, a);
	struct pr_helper_reply reply;

	if (strlen(driver) >= sizeof(q.name))
		return -EINVAL;
	memcpy(q.name, driver, strlen(driver) + 1);

	return pr_helper_call(i->helper, &q, &reply, NULL);
}

static int helper_remove(void *instance, const struct pr_address *a)
{
	return plain(instance, PR_HELPER_REMOVE, a);
}

static int helper_rescan(void *instance, const struct pr_address *a)
{
	return plain(instance, PR_HELPER_RESCAN, a);
}

static int helper_rescan_root(void *instance, uint32_t domain, uint8_t bus)
{
	struct pr_address a = { .domain = domain, .bus = bus };

	return plain(instance, PR_HELPER_RESCAN_ROOT, &a);
}

static int helper_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_READ_CONFIG, a);
	struct pr_helper_reply reply;
	uint32_t value = 0;
	int r;

	q.offset = offset;
	q.length = width;
	r = pr_helper_call(i->helper, &q, &reply, NULL);
	if (r < 0)
		return r;
	if (width > sizeof(value) || reply.length != width)
		return -EIO;

	for (size_t n = width; n-- > 0;)
		value = value << 8 | reply.data[n];
	*ret = value;
	return 0;
}

static int helper_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_WRITE_CONFIG, a);
	struct pr_helper_reply reply;

	q.offset = offset;
	q.width = width;
	q.value = value;

	return pr_helper_call(i->helper, &q, &reply, NULL);
}

static int helper_attributes(void *instance, const struct pr_address *a, char *ret, size_t size)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_READ_ATTRIBUTES, a);
	struct pr_helper_reply reply;
	int r;

	r = pr_helper_call(i->helper, &q, &reply, NULL);
	if (r < 0)
		return r;
	if (reply.length == 0 || reply.length > size || reply.data[reply.length - 1] != '\0')
		return -EPROTO;

	memcpy(ret, reply.data, reply.length);
	return 0;
}

static int helper_set_attribute(
	void *instance, const struct pr_address *a, const char *name, const char *value)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_WRITE_ATTRIBUTE, a);
	struct pr_helper_reply reply;

	if (strlen(name) >= sizeof(q.name) || strlen(value) >= sizeof(q.text))
		return -EINVAL;
	memcpy(q.name, name, strlen(name) + 1);
	memcpy(q.text, value, strlen(value) + 1);

	return pr_helper_call(i->helper, &q, &reply, NULL);
}

/* One of the attributes that the helper writes. */
static int helper_resize(
	void *instance, const struct pr_address *a, unsigned int bar, unsigned int order)
{
	char name[24], value[8];

	(void)snprintf(name, sizeof(name), "resource%u_resize", bar);
	(void)snprintf(value, sizeof(value), "%u", order);
	return helper_set_attribute(instance, a, name, value);
}

static int helper_autoprobe(void *instance, bool on)
{
	struct instance *i = instance;
	struct pr_helper_request q = { .verb = PR_HELPER_AUTOPROBE, .value = on };
	struct pr_helper_reply reply;

	return pr_helper_call(i->helper, &q, &reply, NULL);
}

static int helper_probe(void *instance, const struct pr_address *a)
{
	return plain(instance, PR_HELPER_PROBE, a);
}

static int helper_hotplug(void *instance, const struct pr_address *a, bool on)
{
	struct instance *i = instance;
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_HOTPLUG, a);
	struct pr_helper_reply reply;
	int r;

	q.value = on;
	r = pr_helper_call(i->helper, &q, &reply, NULL);
	return r == 0 && reply.length == 1 ? 1 : r; /* see PR_HELPER_HOTPLUG */
}

static int helper_look(void *instance, struct pr_topology **ret)
{
	struct instance *i = instance;

	return i->look.look(i->look.userdata, ret);
}

static const struct pr_backend_ops helper_ops = {
	.name = "helper",
	.help = "this machine, through pciroom-helper",
	.unbind = helper_unbind,
	.bind = helper_bind,
	.remove = helper_remove,
	.rescan = helper_rescan,
	.rescan_root = helper_rescan_root,
	.read = helper_read,
	.write = helper_write,
	.resize = helper_resize,
	.attributes = helper_attributes,
	.set_attribute = helper_set_attribute,
	.autoprobe = helper_autoprobe,
	.probe = helper_probe,
	.hotplug = helper_hotplug,
	.look = helper_look,
};

int pr_backend_helper_new(
	struct pr_helper *helper, const struct pr_looker *look, struct pr_backend *ret)
{
	struct instance *i = malloc(sizeof(*i));

	if (!i)
		return -ENOMEM;

	*i = (struct instance){ .helper = helper, .look = *look };
	*ret = (struct pr_backend){ .ops = &helper_ops, .instance = i, .settle_ms = SETTLE_MS };
	return 0;
}

void pr_backend_helper_free(struct pr_backend *b)
{
	free(b->instance);
	*b = (struct pr_backend){ 0 };
}

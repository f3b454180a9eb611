/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "faults.h"

#include <errno.h>

static bool in_span(const struct faults *f)
{
	return f->at > 0 && f->operations >= f->at && f->operations <= f->until;
}

static bool kills(const struct faults *f)
{
	return f->how == FAULT_KILL_BEFORE || f->how == FAULT_KILL_AFTER;
}

/* Counts an operation; true when it is to be done. */
static bool enter(struct faults *f)
{
	if (f->dead)
		return false;
	f->operations++;
	if (!in_span(f))
		return true;
	if (!kills(f))
		return f->how == FAULT_AFTER;

	f->dead = true;
	if (f->killed)
		f->killed(f->userdata);
	return f->how == FAULT_KILL_AFTER;
}

static int leave(const struct faults *f, int r)
{
	if (f->dead)
		return -ENOTCONN;
	return in_span(f) ? f->error : r;
}

#define DO(name, ...)                                                                           \
	do {                                                                                    \
		struct faults *f = instance;                                                    \
		bool done = enter(f);                                                           \
                                                                                                \
		return leave(f, done ? f->inner.ops->name(f->inner.instance, __VA_ARGS__) : 0); \
	} while (0)

static int faulty_unbind(void *instance, const struct pr_address *a)
{
	DO(unbind, a);
}

static int faulty_bind(void *instance, const struct pr_address *a, const char *driver)
{
	DO(bind, a, driver);
}

static int faulty_remove(void *instance, const struct pr_address *a)
{
	DO(remove, a);
}

static int faulty_rescan(void *instance, const struct pr_address *a)
{
	DO(rescan, a);
}

static int faulty_rescan_root(void *instance, uint32_t domain, uint8_t bus)
{
	DO(rescan_root, domain, bus);
}

static int faulty_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	DO(read, a, offset, width, ret);
}

static int faulty_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	DO(write, a, offset, width, value);
}

static int faulty_resize(
	void *instance, const struct pr_address *a, unsigned int bar, unsigned int order)
{
	DO(resize, a, bar, order);
}

static int faulty_attributes(void *instance, const struct pr_address *a, char *ret, size_t size)
{
	DO(attributes, a, ret, size);
}

static int faulty_set_attribute(
	void *instance, const struct pr_address *a, const char *name, const char *value)
{
	DO(set_attribute, a, name, value);
}

static int faulty_autoprobe(void *instance, bool on)
{
	DO(autoprobe, on);
}

static int faulty_probe(void *instance, const struct pr_address *a)
{
	DO(probe, a);
}

static int faulty_look(void *instance, struct pr_topology **ret)
{
	struct faults *f = instance;
	struct pr_topology *seen;
	bool done = enter(f);
	int r;

	if (!done)
		return leave(f, 0);
	r = f->inner.ops->look(f->inner.instance, &seen);
	if (r == 0 && leave(f, 0) == 0)
		*ret = seen;
	else if (r == 0)
		pr_topology_free(seen);
	return leave(f, r);
}

static const struct pr_backend_ops faulty_ops = {
	.name = "faulty",
	.help = "fails when it is told to",
	.unbind = faulty_unbind,
	.bind = faulty_bind,
	.remove = faulty_remove,
	.rescan = faulty_rescan,
	.rescan_root = faulty_rescan_root,
	.read = faulty_read,
	.write = faulty_write,
	.resize = faulty_resize,
	.attributes = faulty_attributes,
	.set_attribute = faulty_set_attribute,
	.autoprobe = faulty_autoprobe,
	.probe = faulty_probe,
	.look = faulty_look,
};

void faults_init(struct faults *f, const struct pr_backend *inner)
{
	*f = (struct faults){ .inner = *inner, .error = -EIO };
	f->outer = (struct pr_backend){ .ops = &faulty_ops, .instance = f };
}

void faults_heal(struct faults *f)
{
	f->operations = f->at = 0;
	f->dead = false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a request to an access: each verb checks what it was given, does one
 * thing, and returns the kernel's answer. The table at the end is the whole list.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "helper/attributes.h"
#include "helper/measure-file.h"
#include "helper/registers.h"
#include "helper/verbs.h"

#define FILE_MAX        (16u << 20)
#define REG_HEADER_TYPE 0x0eu
/* The driver of ports. It keeps no copy of the registers on our list. */
#define PORT_DRIVER "pcieport"

struct call {
	struct pr_context *context;
	const struct pr_helper_request *request;
	struct pr_target target;
	struct pr_helper_reply *reply;
	int *ret_fd;
	unsigned int waited_ms;
	bool idle; /* it was so already: nothing was written, nothing is logged */
};

static int open_function(const struct call *c, int *ret)
{
	return pr_access_function(&c->context->access, &c->target, ret);
}

/* ---- reading ---- */

static int verb_read_config(struct call *c)
{
	const struct pr_helper_request *q = c->request;
	_cleanup_close_ int function = -1;
	size_t n;
	int r;

	if (q->offset > PR_CONFIG_SIZE || q->length > PR_CONFIG_SIZE - q->offset)
		return -EINVAL;
	r = open_function(c, &function);
	if (r < 0)
		return r;
	r = pr_access_read(function, q->offset, c->reply->data, q->length, &n);
	if (r < 0)
		return r;

	c->reply->length = (uint32_t)n;
	return 0;
}

static int memfd_sealed(const char *name, const char *data, size_t n, int *ret)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = pr_write_all(fd, data, n);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0)
		return -errno;

	*ret = fd;
	fd = -1;
	return 0;
}

static int verb_read_file(struct call *c)
{
	static const struct {
		const char *name, *path;
	} files[] = {
		{ "iomem", "proc/iomem" },
		{ "ioports", "proc/ioports" },
		{ "cmdline", "proc/cmdline" },
	};
	_cleanup_free_ char *data = NULL;
	size_t n;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(files[i].name, c->request->name) != 0)
			continue;
		r = pr_read_file_at(c->context->access.root, files[i].path, FILE_MAX, &data, &n);
		if (r < 0)
			return r;
		return memfd_sealed(files[i].name, data, n, c->ret_fd);
	}

	return -EINVAL;
}

/* ---- registers ---- */

static int verb_measure(struct call *c)
{
	struct pr_context *x = c->context;
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	_cleanup_close_ int function = -1;
	char driver[PR_DRIVER_NAME_MAX];
	size_t n;
	int r;

	if (x->state < 0)
		return x->state;
	r = open_function(c, &function);
	if (r < 0)
		return r;
	if (pr_access_driver(function, driver) != -ENOENT ||
		pr_children_busy(&x->children, &c->target))
		return -EBUSY;
	if (pr_access_is_virtual(function))
		return -EOPNOTSUPP;

	/* another helper may have died in the middle of this very function */
	r = pr_measure_recover(x->state, &x->access, &x->audit);
	if (r < 0)
		return r;
	r = pr_measure_journalled(x->state, function, &c->target, masks, &n);
	if (r < 0)
		return r;

	c->reply->length = (uint32_t)(n * sizeof(masks[0]));
	memcpy(c->reply->data, masks, c->reply->length);
	return 0;
}

/*
 * A driver knows the registers of the header by heart; only ports without one, or with the port
 * driver, may have them written.
 */
static int check_header(
	uint8_t type, const struct pr_helper_request *q, const struct pr_register_owner *owner)
{
	if (!pr_register_allowed(type, q->offset, q->width))
		return -EPERM;

	return owner->driver == PR_DRIVER_OTHER ? -EBUSY : 0;
}

static int find_owner(
	const struct call *c, int function, uint8_t type, struct pr_register_owner *ret)
{
	char driver[PR_DRIVER_NAME_MAX];
	int r;

	*ret = (struct pr_register_owner){ .driver = PR_DRIVER_OTHER };
	r = pr_access_driver(function, driver);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT)
		ret->driver = PR_DRIVER_NONE;
	else if (type == PR_HEADER_TYPE_BRIDGE && strcmp(driver, PORT_DRIVER) == 0)
		ret->driver = pr_access_has_pciehp(function) ? PR_DRIVER_HOTPLUG : PR_DRIVER_PORT;
	ret->populated = pr_access_is_populated(function);
	ret->owns_aer = pr_access_owns_aer(&c->context->access, &c->target);
	return 0;
}

/* What cannot be read is not written. */
static int check_writable(const struct call *c, int function)
{
	const struct pr_helper_request *q = c->request;
	struct pr_register_owner owner;
	uint8_t config[PR_CONFIG_SIZE], type;
	size_t n;
	int r;

	r = pr_access_read(function, 0, config, sizeof(config), &n);
	if (r < 0)
		return r;
	if (n <= REG_HEADER_TYPE)
		return -EIO;
	type = config[REG_HEADER_TYPE] & PR_HEADER_TYPE_MASK;
	r = find_owner(c, function, type, &owner);
	if (r < 0)
		return r;

	r = q->offset < 0x40
		    ? check_header(type, q, &owner)
		    : pr_capability_check(config, n, q->offset, q->width, q->value, &owner);
	return r == 0 && n < (size_t)q->offset + q->width ? -EIO : r;
}

static int verb_write_config(struct call *c)
{
	const struct pr_helper_request *q = c->request;
	_cleanup_close_ int function = -1;
	int r;

	if (q->width < 4 && q->value >> (8 * q->width) != 0)
		return -EINVAL;
	r = open_function(c, &function);
	if (r < 0)
		return r;
	if (pr_children_busy(&c->context->children, &c->target))
		return -EBUSY;
	r = check_writable(c, function);
	if (r < 0)
		return r;

	return pr_access_write_value(function, q->offset, q->width, q->value);
}

/* ---- writes that may hang ---- */

static unsigned int deadline_of(const struct call *c)
{
	return c->request->deadline_ms ? c->request->deadline_ms : PR_HELPER_DEADLINE_MS;
}

static int write_within(struct call *c, struct pr_write *w)
{
	unsigned int deadline = deadline_of(c);

	if (deadline > PR_HELPER_DEADLINE_MAX_MS)
		return -EINVAL;

	w->target = c->target;
	w->deadline_ms = deadline > c->waited_ms ? deadline - c->waited_ms : 1;
	return pr_child_write(&c->context->children, w);
}

/* For a driver: may hang for ever, and may be killed. */
static int driver_write(struct call *c, int directory, const char *file, const char *text)
{
	struct pr_write w = { .directory = directory, .file = file, .text = text, .lock = -1 };

	return write_within(c, &w);
}

/* For the kernel's lists of devices: one at a time, over the life of helpers. */
static int lasting_write(struct call *c, int directory, const char *file, const char *text)
{
	_cleanup_close_ int lock = -1;
	struct pr_write w = { .directory = directory, .file = file, .text = text, .lasting = true };

	if (c->context->state >= 0) {
		lock = pr_write_lock(c->context->state);
		if (lock == -EWOULDBLOCK && deadline_of(c) <= PR_HELPER_DEADLINE_MAX_MS)
			return c->waited_ms < deadline_of(c) ? -EWOULDBLOCK : -EBUSY;
		if (lock < 0)
			return lock;
	}

	w.lock = lock;
	return write_within(c, &w);
}

static int verb_unbind(struct call *c)
{
	char bound[PR_DRIVER_NAME_MAX], address[PR_TARGET_TEXT_MAX];
	_cleanup_close_ int function = -1, driver = -1;
	int r;

	r = open_function(c, &function);
	if (r == 0)
		r = pr_access_driver(function, bound);
	if (r == 0)
		r = pr_access_driver_directory(&c->context->access, bound, &driver);
	if (r < 0)
		return r;

	pr_target_format(&c->target, address);
	return driver_write(c, driver, "unbind", address);
}

static int verb_bind(struct call *c)
{
	_cleanup_close_ int function = -1, driver = -1;
	char bound[PR_DRIVER_NAME_MAX], address[PR_TARGET_TEXT_MAX];
	int r;

	if (!pr_driver_name_valid(c->request->name))
		return -EINVAL;
	r = pr_access_driver_directory(&c->context->access, c->request->name, &driver);
	if (r < 0)
		return r;
	r = open_function(c, &function);
	if (r < 0)
		return r;
	if (pr_access_driver(function, bound) != -ENOENT)
		return -EBUSY;

	pr_target_format(&c->target, address);
	return driver_write(c, driver, "bind", address);
}

/* ---- settings ---- */

static int verb_read_attributes(struct call *c)
{
	const struct pr_access *a = &c->context->access;
	_cleanup_close_ int function = -1;
	_cleanup_free_ char *autoprobe = NULL;
	char *text = (char *)c->reply->data;
	int r, n;

	r = open_function(c, &function);
	if (r == 0)
		r = pr_read_line_at(a->bus, "drivers_autoprobe", &autoprobe);
	if (r < 0)
		return r;

	n = snprintf(text, PR_HELPER_DATA_MAX, "drivers_autoprobe=%s\naer=%s\n", autoprobe,
		pr_access_owns_aer(a, &c->target) ? "kernel" : "firmware");
	r = pr_attributes_read(a, function, text + n, PR_HELPER_DATA_MAX - (size_t)n);
	c->reply->length = (uint32_t)strlen(text) + 1;
	return r;
}

static int verb_write_attribute(struct call *c)
{
	const struct pr_attribute *attribute = pr_attribute_find(c->request->name);
	_cleanup_close_ int function = -1, directory = -1;
	char line[sizeof(c->request->text) + 1];
	const char *file;
	int r;

	if (!attribute)
		return -EPERM;
	if (!attribute->valid(c->request->text))
		return -EINVAL;
	r = open_function(c, &function);
	if (r == 0)
		r = pr_attribute_open(&c->context->access, function, attribute, &directory, &file);
	if (r < 0)
		return r;

	/* an empty write never reaches the kernel */
	(void)snprintf(line, sizeof(line), "%s\n", c->request->text);
	return attribute->lasting ? lasting_write(c, directory, file, line)
				  : driver_write(c, directory, file, line);
}

static int verb_autoprobe(struct call *c)
{
	static const struct pr_target nobody = { .device = UINT8_MAX };

	if (c->request->value > 1)
		return -EINVAL;

	c->target = nobody; /* a function whose driver hangs has no part in it */
	return driver_write(
		c, c->context->access.bus, "drivers_autoprobe", c->request->value ? "1" : "0");
}

static int verb_probe(struct call *c)
{
	_cleanup_close_ int function = -1;
	char bound[PR_DRIVER_NAME_MAX], address[PR_TARGET_TEXT_MAX];
	int r;

	r = open_function(c, &function);
	if (r < 0)
		return r;
	if (pr_access_driver(function, bound) != -ENOENT)
		return -EBUSY;

	pr_target_format(&c->target, address);
	return lasting_write(c, c->context->access.bus, "drivers_probe", address);
}

/* ---- slots ---- */

/* pciehp replays what it finds latched, however old it is (pciehp_ist(), hotplug/pciehp_hpc.c). */
static int clear_latched(int function)
{
	uint8_t config[PR_CONFIG_SIZE];
	uint32_t at, status;
	size_t n;
	int r;

	r = pr_access_read(function, 0, config, sizeof(config), &n);
	if (r < 0)
		return r;
	at = pr_capability_slot_status(config, n);
	if (at == 0)
		return -EOPNOTSUPP;
	status = config[at] | (uint32_t)config[at + 1] << 8;
	return pr_access_write_value(function, at, 2, status & PR_SLOT_LATCHED);
}

static int verb_hotplug(struct call *c)
{
	_cleanup_close_ int function = -1, pciehp = -1;
	const bool on = c->request->value == 1;
	char service[PR_SERVICE_NAME_MAX];
	bool driven;
	int r;

	if (c->request->value > 1)
		return -EINVAL;
	r = open_function(c, &function);
	if (r < 0)
		return r;
	r = pr_access_hotplug_service(function, service, &driven);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r;
	c->idle = driven == on;
	if (c->idle) {
		c->reply->data[0] = 1;
		c->reply->length = 1;
		return 0;
	}
	r = pr_access_pciehp(&c->context->access, &pciehp);
	if (r == 0 && on)
		r = clear_latched(function);
	return r < 0 ? r : lasting_write(c, pciehp, on ? "bind" : "unbind", service);
}

/* ---- removing and finding ---- */

/* Its removal would wait for what hangs, with the lock that every other one and every rescan needs. */
static bool hangs_below(const struct call *c)
{
	const struct pr_children *children = &c->context->children;

	for (size_t i = 0; i < children->n; i++)
		if (pr_access_is_above(&c->context->access, &c->target, &children->stuck[i].target))
			return true;

	return false;
}

/*
 * A physical function that is removed with its virtual ones in service leaves them behind, and is
 * never freed (doc/experiments.md): sriov_numvfs has to be 0 before.
 */
static int verb_remove(struct call *c)
{
	_cleanup_close_ int function = -1;
	int r;

	r = open_function(c, &function);
	if (r == 0)
		r = pr_access_has_vfs(function);
	if (r != 0)
		return r < 0 ? r : -EBUSY;
	if (hangs_below(c))
		return -EBUSY;

	return lasting_write(c, function, "remove", "1");
}

static int verb_rescan(struct call *c)
{
	_cleanup_close_ int function = -1;
	int r;

	r = open_function(c, &function);
	if (r < 0)
		return r;

	return lasting_write(c, function, "rescan", "1");
}

static int verb_rescan_root(struct call *c)
{
	_cleanup_close_ int bus = -1;
	int r;

	if (c->target.device != 0 || c->target.function != 0)
		return -EINVAL;
	r = pr_access_root_bus(&c->context->access, c->target.domain, c->target.bus, &bus);
	if (r < 0)
		return r;

	c->target.device = UINT8_MAX; /* no function has it: a hanging rescan blocks only rescans */
	return lasting_write(c, bus, "rescan", "1");
}

/* ---- dispatch ---- */

static const struct {
	const char *name;
	bool writes; /* one line in the audit log, whatever becomes of it */
	int (*run)(struct call *c);
} verbs[_PR_HELPER_VERB_MAX] = {
	[PR_HELPER_READ_CONFIG] = { "read-config", false, verb_read_config },
	[PR_HELPER_READ_FILE] = { "read-file", false, verb_read_file },
	[PR_HELPER_MEASURE] = { "measure", true, verb_measure },
	[PR_HELPER_WRITE_CONFIG] = { "write-config", true, verb_write_config },
	[PR_HELPER_UNBIND] = { "unbind", true, verb_unbind },
	[PR_HELPER_BIND] = { "bind", true, verb_bind },
	[PR_HELPER_REMOVE] = { "remove", true, verb_remove },
	[PR_HELPER_RESCAN] = { "rescan", true, verb_rescan },
	[PR_HELPER_RESCAN_ROOT] = { "rescan-root", true, verb_rescan_root },
	[PR_HELPER_READ_ATTRIBUTES] = { "read-attributes", false, verb_read_attributes },
	[PR_HELPER_WRITE_ATTRIBUTE] = { "write-attribute", true, verb_write_attribute },
	[PR_HELPER_AUTOPROBE] = { "autoprobe", true, verb_autoprobe },
	[PR_HELPER_PROBE] = { "probe", true, verb_probe },
	[PR_HELPER_HOTPLUG] = { "hotplug", true, verb_hotplug },
};

/* Printable, as a client's name for a driver goes into the log before it was checked. */
static void printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static void audit(const struct call *c, const struct ucred *client, int result)
{
	const struct pr_helper_request *q = c->request;
	struct pr_target t = { q->domain, q->bus, q->device, q->function };
	char address[PR_TARGET_TEXT_MAX], what[200], name[sizeof(q->name)], text[sizeof(q->text)];

	pr_target_format(&t, address);
	memcpy(name, q->name, sizeof(name));
	memcpy(text, q->text, sizeof(text));
	printable(name);
	printable(text);
	if (q->verb == PR_HELPER_WRITE_CONFIG)
		(void)snprintf(what, sizeof(what), "write-config %s %#x/%u=%#x", address, q->offset,
			q->width, q->value);
	else if (q->verb == PR_HELPER_AUTOPROBE)
		(void)snprintf(what, sizeof(what), "autoprobe %u", q->value);
	else if (q->verb == PR_HELPER_HOTPLUG)
		(void)snprintf(
			what, sizeof(what), "hotplug %s %s", address, q->value ? "on" : "off");
	else if (q->verb == PR_HELPER_WRITE_ATTRIBUTE)
		(void)snprintf(what, sizeof(what), "write-attribute %s %s=%s", address, name, text);
	else if (q->verb == PR_HELPER_RESCAN_ROOT)
		(void)snprintf(what, sizeof(what), "rescan-root %04x:%02x", q->domain, q->bus);
	else
		(void)snprintf(what, sizeof(what), "%s %s%s%s", verbs[q->verb].name, address,
			*name ? " " : "", name);

	pr_audit_line(&c->context->audit, client->pid, client->uid, what, result);
}

static int check_request(const struct pr_helper_request *q, size_t length)
{
	if (length != sizeof(*q))
		return -EBADMSG;
	if (q->version != PR_HELPER_VERSION)
		return -EPROTO;
	if (!memchr(q->name, '\0', sizeof(q->name)) || !memchr(q->text, '\0', sizeof(q->text)))
		return -EBADMSG;
	if (q->verb >= _PR_HELPER_VERB_MAX || !verbs[q->verb].run)
		return -EOPNOTSUPP;

	return 0;
}

bool pr_verb_handle(struct pr_context *c, const void *packet, size_t length, unsigned int waited_ms,
	const struct ucred *client, struct pr_helper_reply *reply, int *ret_fd)
{
	struct pr_helper_request q = { 0 };
	struct call call = { .context = c,
		.request = &q,
		.reply = reply,
		.ret_fd = ret_fd,
		.waited_ms = waited_ms };
	int r;

	*reply = (struct pr_helper_reply){ .version = PR_HELPER_VERSION };
	*ret_fd = -1;
	pr_children_reap(&c->children);

	memcpy(&q, packet, length < sizeof(q) ? length : sizeof(q));
	r = check_request(&q, length);
	if (r == 0) {
		reply->sequence = q.sequence;
		call.target = (struct pr_target){ q.domain, q.bus, q.device, q.function };
		r = verbs[q.verb].run(&call);
		if (r == -EWOULDBLOCK)
			return false;
		if (verbs[q.verb].writes && !call.idle)
			audit(&call, client, r);
	}
	if (r < 0)
		reply->length = 0;
	reply->error = r;
	return true;
}

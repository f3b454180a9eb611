/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces: from each one that sits on a function up through bonds,
 * bridges, VLANs and their like (`upper_NAME` links) to what has the addresses
 * and the default route.  Knows nothing of netlink: tables come from outside.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "import/users-finder.h"

#define IFF_UP_BIT 0x1u /* linux/if.h */
/* Base class of a PCI function (PCI 3.0 6.2.1, appendix D). */
#define CLASS_OFFSET  0x0bu
#define CLASS_NETWORK 0x02u
/* Addresses of one interface that are named; beyond them they are counted. */
#define ADDRESSES_NAMED 3

struct interface {
	const char *name;
	int index; /* -1: not known */
	bool up, no_carrier, wireless, has_function;
	struct pr_address address;
	const char **uppers;
	size_t n_uppers, max_uppers;
	unsigned int stamp;
};
struct net {
	struct pr_finder *f;
	struct interface *list; /* by name */
	size_t n, max;
	struct pr_net_tables tables; /* sorted by interface */
};
/* From the interface on a function upwards. */
struct climb {
	struct net *net;
	const struct interface *from;
	bool said;
};

/* ---- loading ---- */

static bool read_up(const struct pr_finder *f, const char *name)
{
	const char *text = pr_path_class_line(f, "net", name, "flags");
	uint64_t flags;

	if (text && pr_parse_u64(text, 0, &flags) == 0 && (flags & IFF_UP_BIT) != 0)
		return true;
	text = pr_path_class_line(f, "net", name, "operstate");
	return text && strcmp(text, "up") == 0;
}

static void read_attributes(const struct pr_finder *f, struct interface *i)
{
	char path[PR_USERS_PATH_SIZE];
	const char *text;
	uint64_t index;

	i->up = read_up(f, i->name);
	text = pr_path_class_line(f, "net", i->name, "carrier");
	i->no_carrier = text && strcmp(text, "0") == 0;
	text = pr_path_class_line(f, "net", i->name, "ifindex");
	i->index =
		text && pr_parse_u64(text, 10, &index) == 0 && index <= INT_MAX ? (int)index : -1;
	i->wireless = pr_path_format(path, "sys/class/net/%s/phy80211", i->name) &&
		      pr_path_exists(f, path);
}

static int add_upper(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct interface *i = userdata;
	int r;

	(void)target;
	if (strncmp(name, "upper_", strlen("upper_")) != 0)
		return 0;
	r = pr_users_grow(f->sysfs, &i->uppers, sizeof(*i->uppers), i->n_uppers, &i->max_uppers);
	if (r < 0)
		return r;

	i->uppers[i->n_uppers] = pr_arena_strdup(f->sysfs->arena, name + strlen("upper_"));
	return i->uppers[i->n_uppers++] ? 0 : pr_import_no_memory(f->sysfs->error);
}

static int add_interface(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct net *net = userdata;
	char path[PR_USERS_PATH_SIZE];
	struct interface *i;
	int r;

	r = pr_users_grow(f->sysfs, &net->list, sizeof(*net->list), net->n, &net->max);
	if (r < 0)
		return r;
	i = &net->list[net->n++];
	i->name = pr_arena_strdup(f->sysfs->arena, name);
	if (!i->name)
		return pr_import_no_memory(f->sysfs->error);

	i->has_function = pr_sysfs_path_function(target, &i->address);
	read_attributes(f, i);
	if (!pr_path_format(path, "sys/class/net/%s", name))
		return 0;
	return pr_path_each_link(f, path, add_upper, i);
}

static int compare_name(const void *a, const void *b)
{
	return strcmp(((const struct interface *)a)->name, ((const struct interface *)b)->name);
}

static struct interface *by_name(const struct net *net, const char *name)
{
	const struct interface key = { .name = name };

	return bsearch(&key, net->list, net->n, sizeof(key), compare_name);
}

/* ---- tables ---- */

static int compare_interface(const void *a, const void *b)
{
	const struct pr_net_address *x = a, *y = b;

	if (x->interface != y->interface)
		return x->interface < y->interface ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* A copy of ours, sorted. */
static int load_tables(struct net *net)
{
	const struct pr_net_tables *t = net->f->source->net;
	struct pr_net_address *addresses;

	if (!t)
		return 0;
	net->tables = *t;
	if (t->n_addresses == 0)
		return 0;
	addresses = pr_arena_memdup(
		net->f->sysfs->arena, t->addresses, t->n_addresses * sizeof(*addresses));
	if (!addresses)
		return pr_import_no_memory(net->f->sysfs->error);

	qsort(addresses, t->n_addresses, sizeof(*addresses), compare_interface);
	net->tables.addresses = addresses;
	return 0;
}

static bool has_default_route(const struct net *net, const struct interface *i)
{
	for (size_t j = 0; i->index >= 0 && j < net->tables.n_default_routes; j++)
		if (net->tables.default_routes[j] == i->index)
			return true;

	return false;
}

/* The addresses of @i; their number. */
static size_t addresses_of(
	const struct net *net, const struct interface *i, const struct pr_net_address **ret)
{
	const struct pr_net_address *list = net->tables.addresses;
	size_t low = 0, high = net->tables.n_addresses, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list[middle].interface < i->index)
			low = middle + 1;
		else
			high = middle;
	}
	while (i->index >= 0 && low + n < net->tables.n_addresses &&
		list[low + n].interface == i->index)
		n++;

	*ret = n > 0 ? &list[low] : NULL;
	return n;
}

/* ---- saying ---- */

static int say(struct climb *c, char *what)
{
	c->said = true;
	return pr_found_add(c->net->f, &c->from->address, "net", what);
}

/* "192.0.2.1/24, 2001:db8::1/64 and 5 more"; NULL: memory was short. */
static const char *address_list(
	const struct net *net, const struct pr_net_address *addresses, size_t n)
{
	struct pr_arena *arena = net->f->sysfs->arena;
	const char *text = n > 0 ? addresses[0].text : "";

	for (size_t i = 1; text && i < n && i < ADDRESSES_NAMED; i++)
		text = pr_arena_printf(arena, "%s, %s", text, addresses[i].text);
	if (text && n > ADDRESSES_NAMED)
		text = pr_arena_printf(arena, "%s and %zu more", text, n - ADDRESSES_NAMED);
	return text;
}

static int say_addresses(struct climb *c, const struct interface *i, const char *way)
{
	const struct pr_net_address *addresses;
	size_t n = addresses_of(c->net, i, &addresses);
	const char *list;

	if (n == 0)
		return 0;
	list = address_list(c->net, addresses, n);
	if (!list)
		return pr_import_no_memory(c->net->f->sysfs->error);
	return say(c, pr_arena_printf(c->net->f->sysfs->arena, "address %s on %s", list, way));
}

/* @way: "br0 over bond0 over enp5s0f1". */
static int climb(struct climb *c, struct interface *i, const char *way)
{
	struct pr_arena *arena = c->net->f->sysfs->arena;
	int r;

	if (i->stamp == c->net->f->stamp)
		return 0;
	i->stamp = c->net->f->stamp;
	if (has_default_route(c->net, i)) {
		r = say(c, pr_arena_printf(arena, "default route via %s", way));
		if (r < 0)
			return r;
	}
	r = say_addresses(c, i, way);

	for (size_t j = 0; r == 0 && j < i->n_uppers; j++) {
		struct interface *upper = by_name(c->net, i->uppers[j]);
		const char *more =
			upper ? pr_arena_printf(arena, "%s over %s", upper->name, way) : NULL;

		if (upper)
			r = more ? climb(c, upper, more)
				 : pr_import_no_memory(c->net->f->sysfs->error);
	}

	return r;
}

/*
 * Without address and route: up all the same, and perhaps part of a bridge that has none either.
 * Services bring every port up; one without a cable serves nobody.
 */
static int say_up(struct climb *c)
{
	struct pr_arena *arena = c->net->f->sysfs->arena;
	const struct interface *i = c->from;
	const char *kind = i->wireless ? "wireless" : "network";

	if (i->n_uppers > 0)
		return say(c, pr_arena_printf(arena, "%s interface %s is up, below %s", kind,
				      i->name, i->uppers[0]));
	if (i->no_carrier)
		return 0;
	return say(c, pr_arena_printf(arena, "%s interface %s is up", kind, i->name));
}

static int use(struct net *net, struct interface *i)
{
	struct climb c = { .net = net, .from = i };
	int r;

	net->f->stamp++;
	r = climb(&c, i, i->name);
	if (r == 0 && c.said && net->f->remote_root)
		r = pr_found_add(net->f, &i->address, "root",
			pr_arena_printf(net->f->sysfs->arena, "%s may be reached through %s",
				net->f->remote_root, i->name));
	return r < 0 || c.said ? r : say_up(&c);
}

/* ---- virtual functions ---- */

static const struct pr_net_vfs *vfs_of(const struct net *net, const struct interface *i)
{
	for (size_t k = 0; i->index >= 0 && k < net->tables.n_vfs; k++)
		if (net->tables.vfs[k].interface == i->index)
			return &net->tables.vfs[k];

	return NULL;
}

static uint64_t numvfs_of(const struct pr_finder *f, const struct interface *i)
{
	const char *text = pr_path_class_line(f, "net", i->name, "device/sriov_numvfs");
	uint64_t n;

	return text && pr_parse_u64(text, 10, &n) == 0 ? n : 0;
}

/* Its virtual functions go with it, and nobody could say again what was set on them. */
static int use_vfs(struct net *net, const struct interface *i)
{
	const struct pr_net_vfs *vfs = vfs_of(net, i);
	uint64_t n = numvfs_of(net->f, i);
	struct pr_arena *arena = net->f->sysfs->arena;

	if (n == 0)
		return 0;
	if (pr_path_class_line(net->f, "net", i->name, "phys_switch_id"))
		return pr_found_add(net->f, &i->address, "vf",
			pr_arena_printf(arena, "%s switches for its virtual functions", i->name));
	if (!vfs || vfs->n != n)
		return pr_found_add(net->f, &i->address, "vf",
			pr_arena_printf(arena,
				"what is set on the virtual functions of %s is not known",
				i->name));
	return vfs->what ? pr_found_add(net->f, &i->address, "vf",
				   pr_arena_printf(arena, "virtual function %u of %s has %s",
					   vfs->number, i->name, vfs->what))
			 : 0;
}

int pr_net_find(struct pr_finder *f)
{
	struct net net = { .f = f };
	int r;

	r = pr_path_each_link(f, "sys/class/net", add_interface, &net);
	if (r < 0)
		return r;
	r = load_tables(&net);
	if (r < 0 || net.n == 0)
		return r;

	qsort(net.list, net.n, sizeof(*net.list), compare_name);
	for (size_t i = 0; r == 0 && i < net.n; i++) {
		if (net.list[i].has_function && net.list[i].up)
			r = use(&net, &net.list[i]);
		if (net.list[i].has_function && r == 0)
			r = use_vfs(&net, &net.list[i]);
	}

	return r;
}

/* ---- other namespaces ---- */

/* 1: there, and empty; 0: with something in it, or not there. */
static bool is_empty_directory(const struct pr_sysfs *s, const char *path)
{
	int fd = openat(s->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* nothing was read */
	return dir && !pr_path_next(dir);
}

/* The interface of a virtio card hangs below its device on the bus of virtio. */
static bool virtio_is_elsewhere(const struct pr_sysfs *s, const char *device)
{
	char path[PR_USERS_PATH_SIZE];
	int fd = openat(s->root, device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* nothing was read */
	for (const char *name; dir && (name = pr_path_next(dir));)
		if (strncmp(name, "virtio", strlen("virtio")) == 0 &&
			pr_path_format(path, "%s/%s/net", device, name))
			return is_empty_directory(s, path);

	return false;
}

bool pr_net_is_elsewhere(const struct pr_sysfs *s, const struct pr_facts *facts)
{
	char address[PR_ADDRESS_MAX], device[PR_USERS_PATH_SIZE], path[PR_USERS_PATH_SIZE];

	if (facts->config_length <= CLASS_OFFSET || facts->config[CLASS_OFFSET] != CLASS_NETWORK)
		return false;
	pr_address_format(&facts->address, address);
	if (!pr_path_format(device, "sys/bus/pci/devices/%s", address) ||
		!pr_path_format(path, "%s/net", device))
		return false;
	if (is_empty_directory(s, path))
		return true;

	return facts->driver && strcmp(facts->driver, "virtio-pci") == 0 &&
	       virtio_is_elsewhere(s, device);
}

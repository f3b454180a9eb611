/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device and bridge objects: the functions of the last look, by their
 * topological path, so that an object stays the same when bus numbers change.
 * What is announced after a look is found by comparing what the properties'
 * own readers say of the look before, so that nothing is announced that is not
 * so, and nothing new that a reader shows can be forgotten here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/bus-request.h"
#include "daemon/bus.h"
#include "daemon/say.h"

/* ---- object paths ---- */

/*
 * "0000:00/02.0/00.0+1" is .../device/0000_00/02_0/00_0_1: the levels are levels of the object tree,
 * and what a level holds is told by its place.
 */
void pr_bus_device_name(const char *top, const char *path, char ret[PR_BUS_DEVICE_PATH_MAX])
{
	int n = snprintf(ret, PR_BUS_DEVICE_PATH_MAX, "%s/device/%s", top, path);

	for (char *c = ret + strlen(top); *c; c++)
		if (*c == ':' || *c == '.' || *c == '+')
			*c = '_';
	if (*path == '\0' || n < 0 || n >= PR_BUS_DEVICE_PATH_MAX)
		/* deeper than bus numbers allow: an object that is not there */
		(void)snprintf(ret, PR_BUS_DEVICE_PATH_MAX, "%s/device", top);
}

void pr_bus_device_path(const struct pr_function *f, char ret[PR_BUS_DEVICE_PATH_MAX])
{
	char path[PR_BUS_DEVICE_PATH_MAX];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		path[0] = '\0';
	pr_bus_device_name(PR_BUS_PATH, path, ret);
}

static const struct pr_function *function_at(const struct pr_topology *t, const char *path)
{
	const size_t prefix = sizeof(PR_BUS_DEVICES "/") - 1;
	char text[PR_BUS_DEVICE_PATH_MAX];
	unsigned int level = 0, in_level = 0;

	if (strncmp(path, PR_BUS_DEVICES "/", prefix) != 0 || strlen(path) >= sizeof(text))
		return NULL;
	(void)snprintf(text, sizeof(text), "%s", path + prefix);
	for (char *c = text; *c; c++) {
		if (*c == '/') {
			level++;
			in_level = 0;
		} else if (*c == '_') {
			*c = level == 0 ? ':' : in_level == 0 ? '.' : '+';
			in_level++;
		}
	}
	return pr_topology_find_path(t, text);
}

const struct pr_function *pr_bus_device_at(const struct pr_bus *b, const char *path)
{
	const struct pr_look *look = pr_service_last_look(b->service);
	const struct pr_function *f = look ? function_at(look->topology, path) : NULL;

	return f && !f->removed ? f : NULL;
}

/* ---- what the readers of both interfaces are called with ---- */

#define GETTER(name)                                                          \
	static int name(sd_bus *bus, const char *path, const char *interface, \
		const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)

#define UNUSED_GETTER_ARGUMENTS() \
	do {                      \
		(void)bus;        \
		(void)path;       \
		(void)interface;  \
		(void)property;   \
		(void)error;      \
	} while (0)

/* The object's own userdata is the function, that of its slot is the bus. */
static const struct pr_bus *bus_of(sd_bus *bus)
{
	return sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));
}

static const char *location_of(const struct pr_function *f)
{
	const char *removable = f->facts->removable;

	if (!removable || strcmp(removable, "unknown") == 0)
		return "unknown";
	return strcmp(removable, "removable") == 0 ? "external" : "internal";
}

static const char *text_or_none(const char *s)
{
	return s ? s : "";
}

GETTER(get_text)
{
	const struct pr_function *f = userdata;
	char text[PR_BUS_DEVICE_PATH_MAX] = "";
	const char *s = text;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (strcmp(property, "Address") == 0)
		pr_address_format(&f->address, text);
	else if (strcmp(property, "Path") == 0)
		(void)pr_function_path(f, text, sizeof(text)); /* the object would not be there */
	else if (strcmp(property, "Slot") == 0)
		s = text_or_none(f->facts->slot);
	else if (strcmp(property, "Driver") == 0)
		s = text_or_none(f->facts->driver);
	else if (strcmp(property, "Health") == 0)
		s = pr_health_name(pr_function_health(f));
	else if (strcmp(property, "Movable") == 0)
		s = pr_disruption_name(pr_function_disruption(f, &(struct pr_policy){ 0 }, NULL));
	else if (strcmp(property, "Location") == 0)
		s = location_of(f);
	return sd_bus_message_append(reply, "s", s);
}

/* By the configuration as it is now, which a look before this one did not know. */
GETTER(get_trust)
{
	const struct pr_function *f = userdata;
	const struct pr_bus *b = bus_of(bus);

	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(
		reply, "s", pr_conf_trusts(pr_service_conf(b->service), f) ? "yes" : "no");
}

GETTER(get_ids)
{
	const struct pr_header *h = &((const struct pr_function *)userdata)->header;

	UNUSED_GETTER_ARGUMENTS();
	return sd_bus_message_append(
		reply, "(qqqqu)", h->vendor, h->device, h->subvendor, h->subdevice, h->class_code);
}

GETTER(get_parent)
{
	const struct pr_function *f = userdata;
	char parent[PR_BUS_DEVICE_PATH_MAX] = "/";

	UNUSED_GETTER_ARGUMENTS();
	if (f->parent)
		pr_bus_device_path(f->parent, parent);
	return sd_bus_message_append(reply, "o", parent);
}

static const char *kind_name(const struct pr_resource *r)
{
	const char *name = pr_resource_kind(r);

	return name ? name : "unknown";
}

/* Where it begins, 0 when it is nowhere. */
static uint64_t start_of(const struct pr_resource *r)
{
	return r->state == PR_RES_ASSIGNED ? r->range.first : 0;
}

static uint64_t known_or_zero(uint64_t size)
{
	return size == PR_SIZE_UNKNOWN ? 0 : size;
}

GETTER(get_resources)
{
	const struct pr_function *f = userdata;
	int r;

	UNUSED_GETTER_ARGUMENTS();
	r = sd_bus_message_open_container(reply, 'a', "(ysstt)");
	for (size_t i = 0; r >= 0 && i < f->n_resources; i++) {
		const struct pr_resource *at = &f->resources[i];

		if (!pr_resource_is_window(at))
			r = sd_bus_message_append(reply, "(ysstt)", at->index, kind_name(at),
				pr_resource_state_name(at->state), start_of(at),
				known_or_zero(at->size));
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_rebar)
{
	const struct pr_rebar *rebar = &((const struct pr_function *)userdata)->caps->rebar;
	int r;

	UNUSED_GETTER_ARGUMENTS();
	r = sd_bus_message_open_container(reply, 'a', "(ytt)");
	for (size_t i = 0; r >= 0 && rebar->present == PR_YES && i < rebar->n_entries; i++)
		r = sd_bus_message_append(reply, "(ytt)", rebar->entries[i].bar,
			UINT64_C(1) << (20 + rebar->entries[i].current), rebar->entries[i].sizes);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_sriov)
{
	const struct pr_sriov *s = &((const struct pr_function *)userdata)->caps->sriov;

	UNUSED_GETTER_ARGUMENTS();
	if (s->present != PR_YES)
		return sd_bus_message_append(reply, "a{sv}", 0);
	return sd_bus_message_append(reply, "a{sv}", 4, "TotalVFs", "q", s->total_vfs, "NumVFs",
		"q", s->num_vfs, "FirstOffset", "q", s->first_offset, "Stride", "q", s->stride);
}

static int append_users(sd_bus_message *reply, const struct pr_function *f)
{
	char address[PR_ADDRESS_MAX];
	int r = 0;

	pr_address_format(&f->address, address);
	for (size_t i = 0; r >= 0 && i < f->facts->n_users; i++)
		r = sd_bus_message_append(
			reply, "(sss)", address, f->facts->users[i].kind, f->facts->users[i].what);
	return r;
}

GETTER(get_users)
{
	const struct pr_function *top = userdata;
	int r;

	UNUSED_GETTER_ARGUMENTS();
	r = sd_bus_message_open_container(reply, 'a', "(sss)");
	for (const struct pr_function *f = top; r >= 0 && f; f = pr_function_walk(f, top))
		r = append_users(reply, f);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- bridges ---- */

GETTER(get_bus_range)
{
	const struct pr_bridge *bridge = ((const struct pr_function *)userdata)->bridge;

	UNUSED_GETTER_ARGUMENTS();
	return sd_bus_message_append(
		reply, "(yyy)", bridge->primary, bridge->secondary, bridge->subordinate);
}

/* Bus numbers of its range that no bridge below it has. */
GETTER(get_free_buses)
{
	const struct pr_function *f = userdata;
	uint32_t n = 0;

	UNUSED_GETTER_ARGUMENTS();
	if (!f->no_bus && f->bridge->subordinate >= f->bridge->secondary)
		n = (uint32_t)(f->bridge->subordinate - f->bridge->secondary);
	pr_for_each_child (child, f->first_child) {
		const struct pr_bridge *b = child->removed || child->no_bus ? NULL : child->bridge;
		uint32_t taken = b && b->subordinate >= b->secondary
					 ? (uint32_t)(b->subordinate - b->secondary) + 1
					 : 0;

		n -= taken < n ? taken : n;
	}
	return sd_bus_message_append(reply, "u", n);
}

GETTER(get_hotplug)
{
	UNUSED_GETTER_ARGUMENTS();
	return sd_bus_message_append(
		reply, "b", (int)((const struct pr_function *)userdata)->bridge->hotplug);
}

/* Found by a thread after the look, and announced by pr_bus_armed(). */
GETTER(get_armed)
{
	const struct pr_function *f = userdata;
	const struct pr_bus *b = bus_of(bus);
	char function[PR_BUS_DEVICE_PATH_MAX];

	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	if (pr_function_path(f, function, sizeof(function)) < 0)
		function[0] = '\0'; /* the object would not be there */
	return sd_bus_message_append(reply, "b", (int)pr_service_is_armed(b->service, function));
}

GETTER(get_windows)
{
	const struct pr_function *f = userdata;
	int r;

	UNUSED_GETTER_ARGUMENTS();
	r = sd_bus_message_open_container(reply, 'a', "(sstt)");
	for (unsigned int i = PR_WINDOW_IO; r >= 0 && i <= PR_WINDOW_PREF; i++) {
		const struct pr_resource *w = pr_function_resource(f, i);

		if (w)
			r = sd_bus_message_append(reply, "(sstt)", pr_window_name(i),
				pr_resource_state_name(w->state), start_of(w),
				known_or_zero(w->size));
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_children)
{
	const struct pr_function *f = userdata;
	char child[PR_BUS_DEVICE_PATH_MAX];
	int r;

	UNUSED_GETTER_ARGUMENTS();
	r = sd_bus_message_open_container(reply, 'a', "o");
	pr_for_each_child (c, f->first_child) {
		if (r < 0 || c->removed)
			continue;
		pr_bus_device_path(c, child);
		r = sd_bus_message_append(reply, "o", child);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- Explain ---- */

static int append_shortage(sd_bus_message *reply, const struct pr_shortage *s)
{
	char choke[PR_BUS_DEVICE_PATH_MAX] = "/";

	if (s->choke && s->choke->bridge)
		pr_bus_device_path(s->choke->bridge, choke);
	return sd_bus_message_append(reply, "(ytott)", s->resource->index,
		s->size_known ? s->resource->size : 0, choke, s->choke ? s->choke->wanted : 0,
		s->choke ? s->choke->space.largest : 0);
}

static int append_explanation(
	sd_bus_message *reply, const struct pr_function *f, const struct pr_explanation *e)
{
	const enum pr_health h = pr_function_health(f);
	int r;

	r = sd_bus_message_open_container(reply, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_append(reply, "{sv}{sv}", "Health", "s", pr_health_name(h),
			"Text", "s", pr_health_is_dead(h) ? pr_say_dead(e, f).text : "");
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(reply, "s", "Shortages");
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'v', "a(ytott)");
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(ytott)");
	for (size_t i = 0; r >= 0 && i < e->n_shortages; i++)
		if (e->shortages[i].function == f)
			r = append_shortage(reply, &e->shortages[i]);
	for (unsigned int depth = 0; r >= 0 && depth < 4; depth++)
		r = sd_bus_message_close_container(reply);
	return r;
}

static int method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const struct pr_function *f = userdata;
	const struct pr_bus *b = bus_of(sd_bus_message_get_bus(m));
	struct pr_explanation e = { 0 };
	struct pr_arena *arena;
	int r;

	r = pr_options_read(m, error);
	if (r < 0)
		return r;
	arena = pr_arena_new();
	r = arena ? pr_explain(pr_service_last_look(b->service)->topology, &f, 1, arena, &e)
		  : -ENOMEM;
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = append_explanation(reply, f, &e);
	pr_arena_free(arena);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- objects ---- */

const sd_bus_vtable pr_bus_device_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Address", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Path", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Ids", "(qqqqu)", get_ids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Slot", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Driver", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Parent", "o", get_parent, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Health", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY(
		"Resources", "a(ysstt)", get_resources, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Rebar", "a(ytt)", get_rebar, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Sriov", "a{sv}", get_sriov, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Movable", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Users", "a(sss)", get_users, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Location", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Trust", "s", get_trust, 0, 0),
	SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("a{sv}", options),
		SD_BUS_RESULT("a{sv}", explanation), method_explain, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

const sd_bus_vtable pr_bus_bridge_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("BusRange", "(yyy)", get_bus_range, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("FreeBuses", "u", get_free_buses, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Hotplug", "b", get_hotplug, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Armed", "b", get_armed, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
	SD_BUS_PROPERTY("Windows", "a(sstt)", get_windows, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Children", "ao", get_children, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

void pr_bus_armed(struct pr_bus *b, const char *path)
{
	char object[PR_BUS_DEVICE_PATH_MAX];

	pr_bus_device_name(PR_BUS_PATH, path, object);
	if (b->bus && pr_bus_device_at(b, object))
		(void)sd_bus_emit_properties_changed(b->bus, object, PR_BUS_BRIDGE, "Armed", NULL);
}

static int find_device(sd_bus *bus, const char *path, const char *interface, void *userdata,
	void **ret, sd_bus_error *error)
{
	const struct pr_function *f = pr_bus_device_at(userdata, path);

	(void)bus;
	(void)error;
	if (!f || (!f->bridge && strcmp(interface, PR_BUS_BRIDGE) == 0))
		return 0;
	*ret = (void *)f; /* read only, as all of a topology */
	return 1;
}

/* For introspection and GetManagedObjects. */
static int enumerate(
	sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_look *look = pr_service_last_look(b->service);
	char path[PR_BUS_DEVICE_PATH_MAX], **nodes;
	size_t n = 0;

	(void)bus;
	(void)prefix;
	(void)error;
	nodes = calloc((look ? look->topology->n_functions : 0) + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	*ret = nodes; /* sd-bus frees it, and the strings */
	if (!look)
		return 0;
	pr_for_each_root (look->topology, i) {
		const struct pr_root *root = look->topology->roots[i];

		for (size_t j = 0; j < root->n_functions; j++) {
			if (root->functions[j].removed)
				continue;
			pr_bus_device_path(&root->functions[j], path);
			nodes[n] = strdup(path);
			n += nodes[n] != NULL;
		}
	}
	return 0;
}

int pr_bus_register_devices(struct pr_bus *b)
{
	int r;

	r = sd_bus_add_fallback_vtable(b->bus, pr_bus_slot(b), PR_BUS_DEVICES, PR_BUS_DEVICE,
		pr_bus_device_vtable, find_device, b);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(b->bus, pr_bus_slot(b), PR_BUS_DEVICES,
			PR_BUS_BRIDGE, pr_bus_bridge_vtable, find_device, b);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(
			b->bus, pr_bus_slot(b), PR_BUS_DEVICES, enumerate, b);
	return r;
}

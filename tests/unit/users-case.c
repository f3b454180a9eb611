/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searches the machine of a row and compares what was found. */
#include <fcntl.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "rows.h"
#include "users-case.h"

static void assert_users(const struct pr_sysfs *s, const struct pr_users *found,
	const struct users_case *c, uint8_t bus, const char *expected)
{
	const uint8_t config[64] = { [0x0b] = c->class };
	struct pr_facts facts = { .address = { .bus = bus },
		.driver = c->driver,
		.config = config,
		.config_length = c->class ? sizeof(config) : 0 };
	struct pr_text text = { 0 };
	_cleanup_free_ char *all = NULL;

	assert_int_equal(pr_users_assign(s, found, &facts), 0);
	for (size_t i = 0; i < facts.n_users; i++)
		pr_text_printf(
			&text, "%s%s: %s", i ? "; " : "", facts.users[i].kind, facts.users[i].what);
	assert_int_equal(pr_text_take(&text, &all, NULL), 0);
	assert_string_equal(all, expected);
}

int users_open_root(struct fixture *f)
{
	int fd = open(fixture_root(f), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void test_users(void **state)
{
	const struct users_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct fixture *f = fixture_new();
	struct pr_sysfs s = { .arena = pr_arena_new(), .error = &error };
	_cleanup_free_ char *processes = c->processes ? strdup(c->processes) : NULL;
	struct pr_net_tables net = { .addresses = (struct pr_net_address *)(uintptr_t)c->addresses,
		.default_routes = (int *)(uintptr_t)c->default_routes,
		.vfs = (struct pr_net_vfs *)(uintptr_t)c->vfs };
	struct pr_users_source source = { .sysfs = &s,
		.root = fixture_root(f),
		.state = "/var/lib/pciroom",
		.processes = processes,
		.net = &net };
	struct pr_users users = { 0 };

	while (c->addresses[net.n_addresses].text)
		net.n_addresses++;
	while (c->default_routes[net.n_default_routes])
		net.n_default_routes++;
	while (net.n_vfs < ARRAY_SIZE(c->vfs) && c->vfs[net.n_vfs].interface)
		net.n_vfs++;
	fixture_fill(f, c->entries);
	if (!c->no_udev)
		fixture_dir(f, "run/udev/data");
	s.root = users_open_root(f);
	if (pr_users_find(&source, &users) < 0)
		fail_msg("%s", error.text);
	assert_users(&s, &users, c, 1, c->first);
	assert_users(&s, &users, c, 2, c->second);
	assert_string_equal(users.unseen ? users.unseen : "", c->unseen ? c->unseen : NO_PROCESSES);

	assert_int_equal(close(s.root), 0);
	pr_arena_free(s.arena);
	fixture_free(f);
}

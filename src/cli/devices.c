/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what a user types to a function: address, topological path, or the
 * path that `lspci -P` prints (address of the first bridge, then device.function a level).
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/cli.h"

/* "00:02.0/00.0" is "0000:00/02.0/00.0". */
static struct pr_function *find_lspci_path(
	const struct pr_topology *t, const char *name, const char *slash)
{
	char first[PR_ADDRESS_MAX], path[512];
	size_t n = (size_t)(slash - name);
	struct pr_address a;
	int length;

	if (n >= sizeof(first))
		return NULL;
	memcpy(first, name, n);
	first[n] = '\0';
	if (!pr_address_parse(first, &a))
		return NULL;

	length = snprintf(path, sizeof(path), "%04x:%02x/%02x.%x%s", a.domain, a.bus, a.device,
		a.function, slash);
	if (length < 0 || (size_t)length >= sizeof(path))
		return NULL;
	return pr_topology_find_path(t, path);
}

int pr_cli_device(const struct pr_topology *t, const char *name, struct pr_function **ret)
{
	const char *slash = strchr(name, '/');
	struct pr_function *f;
	struct pr_address a;

	if (!slash && !pr_address_parse(name, &a))
		return pr_cli_error("'%s' is neither a PCI address (0000:02:00.0) nor a path "
				    "(0000:00/02.0/00.0)",
			name);
	f = pr_topology_find_named(t, name);
	if (!f && slash)
		f = find_lspci_path(t, name, slash);
	if (!f) {
		(void)pr_cli_error("no such device: %s", name);
		return PR_EXIT_NOT_FOUND;
	}

	*ret = f;
	return PR_EXIT_OK;
}

int pr_cli_devices(const struct pr_cli *cli, const struct pr_topology *t,
	const struct pr_function ***ret, size_t *ret_n)
{
	const struct pr_function **devices = calloc(cli->n_arguments + 1, sizeof(*devices));
	size_t n = 0;

	if (!devices)
		return pr_cli_failed(-ENOMEM, "cannot look for devices");

	for (size_t i = 0; i < cli->n_arguments; i++) {
		struct pr_function *f = NULL;
		size_t k = 0;
		int r = pr_cli_device(t, cli->arguments[i], &f);

		if (r != PR_EXIT_OK) {
			free(devices);
			return r;
		}
		while (k < n && devices[k] != f)
			k++;
		if (k == n)
			devices[n++] = f;
	}

	*ret = devices;
	*ret_n = n;
	return PR_EXIT_OK;
}

/* Takes "DEVICE=N" of --@option apart, N from 1 to @max; @what: the sort of device. */
static int find_count(const struct pr_topology *t, const char *option, const char *text,
	const char *what, unsigned int max, struct pr_function **ret, unsigned int *ret_n)
{
	const char *equals = strrchr(text, '=');
	char device[512];
	uint64_t n;

	if (!equals || (size_t)(equals - text) >= sizeof(device) ||
		pr_parse_u64(equals + 1, 10, &n) < 0 || n < 1 || n > max)
		return pr_cli_error("--%s=%s: %s and a number from 1 to %u are wanted, as in "
				    "0000:02:00.0=8",
			option, text, what, max);
	memcpy(device, text, (size_t)(equals - text));
	device[equals - text] = '\0';
	*ret_n = (unsigned int)n;
	return pr_cli_device(t, device, ret);
}

static int find_buses(const struct pr_topology *t, const char *text, struct pr_bus_wish *ret)
{
	struct pr_function *f = NULL;
	int r;

	r = find_count(t, "buses", text, "a bridge", PR_BUSES_MAX, &f, &ret->buses);
	if (r != PR_EXIT_OK)
		return r;
	if (!f->bridge)
		return pr_cli_error("--buses=%s: only a bridge has bus numbers", text);
	ret->bridge = f->address;
	return PR_EXIT_OK;
}

int pr_cli_buses(const struct pr_cli *cli, const struct pr_topology *t, struct pr_bus_wish **ret)
{
	struct pr_bus_wish *wishes = calloc(cli->buses.n + 1, sizeof(*wishes));
	int r = wishes ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot look for devices");

	for (size_t i = 0; r == PR_EXIT_OK && i < cli->buses.n; i++) {
		r = find_buses(t, cli->buses.name[i], &wishes[i]);
		for (size_t k = 0; r == PR_EXIT_OK && k < i; k++)
			if (pr_address_compare(&wishes[k].bridge, &wishes[i].bridge) == 0)
				r = pr_cli_error("--buses=%s: this bridge was named before",
					cli->buses.name[i]);
	}
	if (r != PR_EXIT_OK) {
		free(wishes);
		return r;
	}
	*ret = wishes;
	return PR_EXIT_OK;
}

static int find_vfs(const struct pr_topology *t, const char *text, struct pr_vf_wish *ret)
{
	struct pr_function *f = NULL;
	int r;

	r = find_count(t, "vfs", text, "a device", PR_VFS_MAX, &f, &ret->vfs);
	if (r == PR_EXIT_OK)
		ret->function = f->address;
	return r;
}

int pr_cli_vfs(const struct pr_cli *cli, const struct pr_topology *t, struct pr_vf_wish **ret)
{
	struct pr_vf_wish *wishes = calloc(cli->vfs.n + 1, sizeof(*wishes));
	int r = wishes ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot look for devices");

	for (size_t i = 0; r == PR_EXIT_OK && i < cli->vfs.n; i++) {
		r = find_vfs(t, cli->vfs.name[i], &wishes[i]);
		for (size_t k = 0; r == PR_EXIT_OK && k < i; k++)
			if (pr_address_compare(&wishes[k].function, &wishes[i].function) == 0)
				r = pr_cli_error(
					"--vfs=%s: this device was named before", cli->vfs.name[i]);
	}
	if (r != PR_EXIT_OK) {
		free(wishes);
		return r;
	}
	*ret = wishes;
	return PR_EXIT_OK;
}

void pr_paths_free(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

int pr_cli_paths(const char *const *names, size_t n, const struct pr_topology *t, char ***ret)
{
	char **paths = calloc(n + 1, sizeof(*paths));
	int r = paths ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot look for devices");

	for (size_t i = 0; r == PR_EXIT_OK && i < n; i++) {
		struct pr_function *f = NULL;
		char path[512];

		r = pr_cli_device(t, names[i], &f);
		if (r != PR_EXIT_OK)
			break;
		if (pr_function_path(f, path, sizeof(path)) < 0 || !(paths[i] = strdup(path)))
			r = pr_cli_failed(-ENOMEM, "cannot name a device");
	}
	if (r != PR_EXIT_OK) {
		pr_paths_free(paths);
		return r;
	}

	*ret = paths;
	return PR_EXIT_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An endpoint function of Linux's endpoint framework, before it is plugged
 * into any host: Documentation/PCI/endpoint/pci-endpoint-cfs.rst.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"
#include "import/template-private.h"

struct endpoint {
	int directory;
	struct pr_arena *arena;
	struct pr_import_error *error;
};

/* -ENOENT without an error when the attribute is not there. */
static int read_number(const struct endpoint *x, const char *name, uint64_t max, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = pr_read_line_at(x->directory, name, &text);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return pr_import_fail(x->error, r, "%s: %s", name, strerror(-r));
	if (pr_parse_u64(text, 0, ret) < 0 || *ret > max)
		return pr_import_fail(x->error, -EINVAL, "%s: \"%s\" is not a number up to %#llx",
			name, text, (unsigned long long)max);
	return 0;
}

static int read_required(const struct endpoint *x, const char *name, uint64_t max, uint64_t *ret)
{
	int r = read_number(x, name, max, ret);

	return r == -ENOENT ? pr_import_fail(x->error, r,
				      "%s is not there: this is no endpoint function", name)
			    : r;
}

static int read_identity(const struct endpoint *x, struct pr_template_function *f)
{
	uint64_t vendor, device, base, sub, interface;
	int r = read_required(x, "vendorid", 0xffff, &vendor);

	if (r == 0)
		r = read_required(x, "deviceid", 0xffff, &device);
	if (r == 0)
		r = read_required(x, "baseclass_code", 0xff, &base);
	if (r == 0)
		r = read_required(x, "subclass_code", 0xff, &sub);
	if (r == 0)
		r = read_required(x, "progif_code", 0xff, &interface);
	if (r < 0)
		return r;
	f->vendor = (uint16_t)vendor;
	f->device_id = (uint16_t)device;
	f->class_code = (uint32_t)(base << 16 | sub << 8 | interface);
	f->port = PR_PORT_ENDPOINT;
	return 0;
}

/* 32-bit, unless it is too large for that (pci-epf-core.c, pci_epf_alloc_space). */
static int add_bar(struct pr_template_function *f, struct pr_template_bar *bars, unsigned int index,
	uint64_t size, const struct endpoint *x)
{
	uint64_t rounded = 128;

	if (size == 0)
		return 0;
	if (size > UINT64_C(1) << 62)
		return pr_import_fail(x->error, -EINVAL, "bar%u_size is too large", index);
	while (rounded < size)
		rounded *= 2;
	bars[f->n_bars++] = (struct pr_template_bar){
		.index = (uint8_t)index,
		.flags = PR_IORES_MEM | (rounded > UINT32_MAX ? PR_IORES_MEM_64 : 0),
		.size = rounded,
	};
	return 0;
}

static int read_bars(
	const struct endpoint *x, const char *attributes, struct pr_template_function *f)
{
	struct pr_template_bar *bars =
		pr_new_array(x->arena, PR_TEMPLATE_BARS, struct pr_template_bar);
	int r = 0;

	if (!bars)
		return pr_import_no_memory(x->error);
	f->bars = bars;
	for (unsigned int i = 0; i < PR_ROM && r == 0; i++) {
		char name[256];
		uint64_t size = 0;

		(void)snprintf(
			name, sizeof(name), "%s/bar%u_size", attributes, i); /* cut: not found */
		r = read_number(x, name, UINT64_MAX, &size);
		if (r == 0)
			r = add_bar(f, bars, i, size, x);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* ".../functions/pci_epf_test/func1" is "pci_epf_test-func1". */
static int name_it(
	const struct endpoint *x, const char *path, struct pr_template *t, const char **ret)
{
	char *copy = pr_arena_strdup(x->arena, path), *own, *driver;
	size_t n = copy ? strlen(copy) : 0;

	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	own = copy ? strrchr(copy, '/') : NULL;
	if (!own)
		return pr_import_fail(x->error, copy ? -EINVAL : -ENOMEM,
			"functions/DRIVER/NAME of configfs is wanted");
	*own++ = '\0';
	driver = strrchr(copy, '/');
	driver = driver ? driver + 1 : copy;
	t->name = pr_arena_printf(x->arena, "%s-%s", driver, own);
	t->text = pr_arena_printf(x->arena, "endpoint function %s of driver %s", own, driver);
	*ret = driver;
	return t->name && t->text ? 0 : pr_import_no_memory(x->error);
}

/*
 * The function driver's own attributes are in a directory of the device's name, the driver's with
 * a number: "pci_epf_test.0" (pci-epf-test.c, pci_epf_test_add_cfs).  NULL: there is none.
 */
static int find_attributes(const struct endpoint *x, const char *driver, const char **ret)
{
	int fd = fcntl(x->directory, F_DUPFD_CLOEXEC, 0);
	size_t n = strlen(driver);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	*ret = NULL;
	if (!d)
		return pr_import_fail(x->error, -errno, "%s", strerror(errno));
	while (!*ret && (e = readdir(d)))
		if (strncmp(e->d_name, driver, n) == 0 && e->d_name[n] == '.')
			*ret = pr_arena_strdup(x->arena, e->d_name);
	(void)closedir(d); /* only read */
	return 0;
}

static int read_endpoint(const struct endpoint *x, const char *path, struct pr_template **ret)
{
	struct pr_template *t = pr_new(x->arena, struct pr_template);
	struct pr_template_function *f = pr_new(x->arena, struct pr_template_function);
	const char *driver = NULL, *attributes = NULL;
	int r;

	if (!t || !f)
		return pr_import_no_memory(x->error);
	r = name_it(x, path, t, &driver);
	if (r == 0)
		r = read_identity(x, f);
	if (r == 0)
		r = find_attributes(x, driver, &attributes);
	if (r == 0 && attributes)
		r = read_bars(x, attributes, f);
	t->arena = x->arena;
	t->functions = f;
	t->n_functions = 1;
	*ret = t;
	return r;
}

int pr_template_from_endpoint(
	const char *directory, struct pr_template **ret, struct pr_import_error *error)
{
	struct endpoint x = { .error = error };
	struct pr_template *t = NULL;
	int r;

	x.directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x.directory < 0)
		return pr_import_fail(error, -errno, "%s", strerror(errno));
	x.arena = pr_arena_new();
	r = x.arena ? read_endpoint(&x, directory, &t) : pr_import_no_memory(error);
	(void)close(x.directory); /* only read */
	if (r < 0) {
		pr_arena_free(x.arena);
		return r;
	}
	*ret = t;
	return 0;
}

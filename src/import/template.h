/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device templates as YAML (pciroom-template(5)): reading, writing, finding
 * them, and making one of what the endpoint framework of Linux was told.
 */
#pragma once

#include "import/error.h"
#include "pciroom/template.h"

/* Longer texts are refused. */
#define PR_TEMPLATE_BYTES_MAX (1u << 20)

/* Where templates that others name are looked for, in this order. */
struct pr_template_shelf {
	const char *const *directories;
	size_t n;
};

/*
 * 0; -EINVAL (not a template), -EFBIG, -ENOENT (it names another one that is not there), -ENOMEM
 * with @error.
 */
int pr_template_read(const char *text, size_t size, const struct pr_template_shelf *shelf,
	struct pr_template **ret, struct pr_import_error *error);
/*
 * @name is a file when it has a slash or ends in ".yaml", else NAME.yaml of the first directory
 * that has it.  As pr_template_read(), and what reading a file gives; @ret_file, malloc'ed, is the
 * file that @error is about: it is set, or NULL, whatever is returned.
 */
int pr_template_load(const char *name, const struct pr_template_shelf *shelf,
	struct pr_template **ret, char **ret_file, struct pr_import_error *error);
/* Names on the shelf, sorted, each once; malloc'ed array of malloc'ed strings.  0 or -errno. */
int pr_template_names(const struct pr_template_shelf *shelf, char ***ret, size_t *ret_n);

/* malloc'ed text that pr_template_read() makes an equal template of; -EILSEQ (not UTF-8), -ENOMEM. */
int pr_template_write(const struct pr_template *t, char **ret);

/*
 * From the directory of an endpoint function in configfs (pci_ep/functions/DRIVER/NAME).  0;
 * negative errno with @error, which names the attribute.  BARs are those whose size an attribute
 * tells (barN_size of pci_epf_test, Linux 7.2 and later).
 */
int pr_template_from_endpoint(
	const char *directory, struct pr_template **ret, struct pr_import_error *error);

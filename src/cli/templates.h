/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device templates of the command line: --templates, and those that are installed. */
#pragma once

#include "cli/cli.h"
#include "pciroom/template.h"

/* The template called @name, or in that file.  An enum pr_exit; told. */
int pr_cli_template(const struct pr_cli *cli, const char *name, struct pr_template **ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings as the source of a verb (--input, --iomem, --ioports). */
#pragma once

#include "base/json.h"
#include "cli/cli.h"
#include "pciroom/import.h"

/* An enum pr_exit; errors, and notes on what is missing, have been told. */
int pr_input_open(
	const struct pr_cli *cli, struct pr_topology **ret, struct pr_import_notes *ret_notes);

/* Tells what is wrong with @file, with its place where @error has one; returns an enum pr_exit. */
int pr_input_failed(const char *file, int r, const struct pr_import_error *error);

/* Member "unknown": what the recording does not say; nothing for NULL (the machine itself). */
void pr_json_notes(struct pr_json *j, const struct pr_import_notes *notes);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is somebody's configuration: it is taken, or refused with a place in it and a reason, and twice the same. */
#include <stdlib.h>
#include <string.h>

#include "daemon/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_conf_error errors[2] = { { "" }, { "" } };
	struct pr_conf confs[2];
	int r[2];

	for (int i = 0; i < 2; i++) {
		pr_conf_init(&confs[i]);
		r[i] = pr_conf_parse(&confs[i], "f", (const char *)data, size, &errors[i]);
	}
	if (r[0] < 0 || r[0] != r[1] || strcmp(errors[0].text, errors[1].text) != 0 ||
		(r[0] == 1) != (strncmp(errors[0].text, "f:", 2) == 0) ||
		confs[0].n_pinned != confs[1].n_pinned || confs[0].n_rules != confs[1].n_rules)
		abort();
	pr_conf_deinit(&confs[0]);
	pr_conf_deinit(&confs[1]);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes are somebody's configuration space: the decoder must stay within them. */
#include "pciroom/config-space.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pr_config config = { .bytes = data, .length = size > 4096 ? 4096 : size };
	struct pr_bridge_header bridge;
	struct pr_header header;
	struct pr_caps caps;
	struct pr_bar bar;

	(void)pr_config_header(&config, &header);
	(void)pr_config_bridge(&config, &bridge);
	(void)pr_config_rom(&config, &bar);
	for (unsigned int i = 0; i < 6; i++)
		(void)pr_config_bar(&config, i, &bar);
	pr_config_caps(&config, &caps);
	return 0;
}

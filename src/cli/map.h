/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb map: what lies where, for those who write it down. */
#pragma once

#include "cli/render.h"
#include "picture/picture.h"

/* The topologies are somebody else's. */
struct pr_map {
	const struct pr_topology *before, *after;
	const char *why; /* there is no @after though it was asked for, a sentence; else NULL */
	struct pr_picture_options options;
	const struct pr_import_notes *notes; /* of a recording, else NULL */
};

/* 0, or -ENOMEM. */
int pr_render_map_json(struct pr_json *j, const struct pr_map *map);

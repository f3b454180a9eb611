/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is somebody's configuration: what is found lies in it, is an address, and is found by every look. */
#include <stdlib.h>
#include <string.h>

#include "import/mentions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct look {
	unsigned int line; /* of the last one */
	unsigned int lines, n;
};

static int found(void *userdata, unsigned int line, const struct pr_address *a, size_t name)
{
	struct look *l = userdata;

	if (line < l->line || line < 1 || line > l->lines || name > 0 ||
		(a && (a->device > 31 || a->function > 7)))
		abort();
	l->line = line;
	l->n++;
	return 0;
}

static unsigned int count_lines(const char *text, size_t size)
{
	unsigned int n = 1;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const names[] = { "eth0" }, *text = (const char *)data;
	const unsigned int all = PR_MENTION_LIBVIRT | PR_MENTION_X11 | PR_MENTION_CARD;
	struct look plain = { .lines = count_lines(text, size) }, more = plain;
	struct pr_mention_sink sink = {
		.names = names, .n_names = 1, .found = found, .userdata = &plain
	};
	struct pr_address a;
	size_t at, length;

	(void)pr_mentions_scan(text, size, 0, &sink);
	sink.userdata = &more;
	(void)pr_mentions_scan(text, size, all, &sink);
	if (more.n < plain.n)
		abort(); /* styles that know more forms see no less */
	if (pr_mention_address(text, size, &a, &at, &length) && (at > size || length > size - at))
		abort();
	return 0;
}

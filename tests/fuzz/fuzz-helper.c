/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any packet is somebody's request to the helper, and any bytes are the
 * configuration space of the one function there is: what comes back is a
 * reply, and a write changes the register that was asked for, or nothing.
 * What child.c would write in a process of its own is looked at here instead:
 * it takes that file's place.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fixture.h"
#include "base/macros.h"
#include "helper/beneath.h"
#include "helper/verbs.h"

#define FUNCTION "0000:01:00.0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fixture *files;
static struct pr_context context = { .audit = { .fd = -1, .quiet = true }, .state = -1 };

static void clean_up(void)
{
	pr_access_close(&context.access);
	fixture_free(files);
}

static void set_up(void)
{
	static const struct fixture_entry entries[] = {
		{ "sys/bus/pci/devices/" FUNCTION "/driver_override", "(null)\n", NULL },
		{ "sys/bus/pci/devices/" FUNCTION "/remove", "", NULL },
		{ "sys/bus/pci/devices/" FUNCTION "/rescan", "", NULL },
		{ "sys/bus/pci/drivers/e1000e/bind", "", NULL },
		{ "sys/bus/pci/drivers_autoprobe", "1\n", NULL },
		{ "sys/bus/pci/drivers_probe", "", NULL },
		{ "proc/iomem", "00000000-00000fff : Reserved\n", NULL },
		{ 0 },
	};
	const struct fixture_function function = {
		.path = "pci0000:00/0000:00:02.0/" FUNCTION, .config = "", .config_length = 0
	};

	files = fixture_new();
	(void)atexit(clean_up); /* what is left over is in /tmp */
	fixture_function(files, &function);
	fixture_fill(files, entries);
	if (pr_access_open(fixture_root(files), &context.access) < 0)
		abort();
}

/* ---- in the place of child.c ---- */

int pr_write_lock(int state)
{
	(void)state;
	return -1;
}

void pr_children_reap(struct pr_children *c)
{
	(void)c;
}

bool pr_children_busy(const struct pr_children *c, const struct pr_target *t)
{
	(void)c;
	(void)t;
	return false;
}

/* A file that is there, and one line of text. */
int pr_child_write(struct pr_children *c, const struct pr_write *w)
{
	int fd = pr_open_beneath(w->directory, w->file, O_WRONLY);
	size_t n = strlen(w->text);

	(void)c;
	pr_closep(&fd);
	n -= n > 0 && w->text[n - 1] == '\n';
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)w->text[i]))
			abort();
	return fd < 0 ? fd : 0;
}

/* ---- one packet ---- */

/* All but the register that @q asks for is as it was; all of it after a refusal. */
static void check_config(
	const uint8_t *before, size_t size, const struct pr_helper_request *q, int error)
{
	size_t n, first = 0, behind = 0;
	const char *text = fixture_read(files, "sys/bus/pci/devices/" FUNCTION "/config", &n);

	if (error == 0 && q->verb == PR_HELPER_WRITE_CONFIG) {
		first = q->offset;
		behind = first + q->width;
	}
	if (n != size)
		abort();
	for (size_t i = 0; i < n; i++)
		if ((i < first || i >= behind) && (uint8_t)text[i] != before[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ucred client = { .pid = 1 };
	struct pr_helper_request q = { 0 };
	struct pr_helper_reply reply;
	size_t packet = size < sizeof(q) ? size : sizeof(q);
	int fd;

	if (!files)
		set_up();
	fixture_config_bytes(files, FUNCTION, data + packet, size - packet);
	memcpy(&q, data, packet);
	if (!pr_verb_handle(&context, data, packet, 0, &client, &reply, &fd))
		abort(); /* nobody else has the lock */
	pr_closep(&fd);

	if (reply.version != PR_HELPER_VERSION || reply.error > 0 ||
		reply.length > sizeof(reply.data) || (reply.error < 0 && reply.length != 0))
		abort();
	check_config(data + packet, size - packet, &q, reply.error);
	return 0;
}

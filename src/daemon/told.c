/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of devices by path, each with a sentence that was told of it. */
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/service-private.h"

void pr_told_deinit(struct pr_told_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->list[i].path);
		free(l->list[i].sentence);
	}
	free(l->list);
	*l = (struct pr_told_list){ 0 };
}

const struct pr_told *pr_told_find(const struct pr_told_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i].path, path) == 0)
			return &l->list[i];

	return NULL;
}

void pr_told_add(struct pr_told_list *l, const char *path, const char *sentence)
{
	struct pr_told entry = { strdup(path), strdup(sentence) };
	struct pr_told *grown = reallocarray(l->list, l->n + 1, sizeof(*grown));

	if (grown)
		l->list = grown;
	if (!grown || !entry.path || !entry.sentence) {
		free(entry.path);
		free(entry.sentence);
		return;
	}
	l->list[l->n++] = entry;
}

void pr_told_drop(struct pr_told_list *l, size_t i)
{
	free(l->list[i].path);
	free(l->list[i].sentence);
	l->n--;
	memmove(&l->list[i], &l->list[i + 1], (l->n - i) * sizeof(l->list[0]));
}

static void tell(const struct pr_topology *t, const char *path, const struct pr_tidings *tidings,
	const char *sentence)
{
	const struct pr_function *f = pr_topology_find_path(t, path);
	char address[PR_ADDRESS_MAX] = "";
	struct pr_log_fields fields = { .path = path };

	if (f) {
		pr_address_format(&f->address, address);
		fields.device = address;
	}
	pr_log(tidings->event, sentence ? tidings->priority : LOG_NOTICE, &fields, "%s %s%s",
		f ? address : path, sentence ? tidings->is : tidings->is_not,
		sentence ? sentence : "");
}

bool pr_told_compare(const struct pr_topology *t, const struct pr_told_list *before,
	const struct pr_told_list *now, const struct pr_tidings *tidings)
{
	bool differs = false;

	for (size_t i = 0; i < now->n; i++) {
		const struct pr_told *old = pr_told_find(before, now->list[i].path);

		differs |= !old;
		if (!old || strcmp(old->sentence, now->list[i].sentence) != 0)
			tell(t, now->list[i].path, tidings, now->list[i].sentence);
	}
	for (size_t i = 0; i < before->n; i++) {
		if (pr_told_find(now, before->list[i].path))
			continue;
		differs = true;
		tell(t, before->list[i].path, tidings, NULL);
	}
	return differs;
}

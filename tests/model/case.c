/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a recorded case; every error names its line.  Judges nothing. */
#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "pciroom/import.h"

#define FILE_MAX    ((size_t)4 << 20)
#define WORDS_MAX   40
#define SNAPSHOT    "snapshot"
#define MAX_ACTIONS 256

struct reader {
	struct recorded_case *c;
	unsigned int line;
	size_t max_after;
	char *why;
};

static int fail(struct reader *r, const char *what, const char *word)
{
	snprintf(r->why, CASE_TEXT, "line %u: %s: %s", r->line, what, word ? word : "nothing");
	return -EINVAL;
}

/* ---- words ---- */

static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t n = 0;
	char *save;

	for (char *w = strtok_r(line, " ", &save); w && n < WORDS_MAX;
		w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return n;
}

static bool parse_range(const char *word, struct pr_range *ret)
{
	return sscanf(word, "%" SCNx64 "-%" SCNx64, &ret->first, &ret->last) == 2 &&
	       ret->first <= ret->last;
}

/* ---- actions ---- */

static const struct action_row {
	const char *name;
	enum pr_action_kind kind;
	unsigned int n_words; /* its own name included */
	bool root;            /* the second word is a host bridge, not a function */
} action_rows[] = {
	{ "remove", PR_ACTION_REMOVE, 2, false },
	{ "rescan", PR_ACTION_RESCAN, 2, false },
	{ "rescan-root", PR_ACTION_RESCAN, 2, true },
	{ "rescan-all", PR_ACTION_RESCAN_ALL, 1, false },
	{ "rescan-bus", PR_ACTION_RESCAN_BUS, 2, false },
	{ "write", PR_ACTION_WRITE, 5, false },
	{ "plug", PR_ACTION_PLUG, 2, false },
	{ "unplug", PR_ACTION_UNPLUG, 2, false },
	{ "resize", PR_ACTION_RESIZE, 4, false },
	{ "vfs", PR_ACTION_VFS, 3, false },
};

static const struct pr_root *find_root(const struct pr_topology *t, const char *word)
{
	unsigned int domain, bus;

	if (sscanf(word, "%x:%x", &domain, &bus) != 2)
		return NULL;
	pr_for_each_root (t, i)
		if (t->roots[i]->facts.domain == domain && t->roots[i]->facts.bus == bus)
			return t->roots[i];
	return NULL;
}

static int set_place(
	struct reader *r, const struct action_row *row, struct pr_action *a, char *word)
{
	struct pr_address address;

	if (row->root) {
		a->root = find_root(r->c->before, word);
		return a->root ? 0 : fail(r, "no such host bridge", word);
	}
	if (!pr_address_parse(word, &address))
		return fail(r, "not an address", word);
	a->function = pr_topology_find(r->c->before, &address);
	return a->function ? 0 : fail(r, "no such function", word);
}

static void set_numbers(struct pr_action *a, char **words)
{
	if (a->kind == PR_ACTION_WRITE) {
		a->offset = (uint16_t)strtoul(words[2], NULL, 0);
		a->width = (uint8_t)strtoul(words[3], NULL, 0);
		a->value = (uint32_t)strtoul(words[4], NULL, 0);
	} else if (a->kind == PR_ACTION_RESIZE) {
		a->index = (uint8_t)strtoul(words[2], NULL, 0);
		a->size = strtoull(words[3], NULL, 0);
	} else if (a->kind == PR_ACTION_VFS) {
		a->value = (uint32_t)strtoul(words[2], NULL, 0);
	}
}

static int add_action(struct reader *r, char **words, size_t n)
{
	struct pr_action *a = &r->c->actions[r->c->n_actions];
	const struct action_row *row = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(action_rows); i++)
		if (strcmp(action_rows[i].name, words[0]) == 0)
			row = &action_rows[i];
	if (!row || n != row->n_words || r->c->n_actions == MAX_ACTIONS)
		return fail(r, "not an action", words[0]);

	a->kind = row->kind;
	set_numbers(a, words);
	r->c->n_actions++;
	return n > 1 ? set_place(r, row, a, words[1]) : 0;
}

bool case_resolve(const struct recorded_case *c, const struct pr_topology *t, struct pr_action *ret)
{
	for (size_t i = 0; i < c->n_actions; i++) {
		const struct pr_action *a = &c->actions[i];

		ret[i] = *a;
		if (a->function)
			ret[i].function = pr_topology_find(t, &a->function->address);
		if (a->root)
			ret[i].root = t->roots[pr_root_position(c->before, a->root)];
		if (a->function && (!ret[i].function || ret[i].function->facts->is_newcomer))
			return false;
	}
	return true;
}

/* ---- layout ---- */

/* "bus=00,01,05", "14=20000000-201fffff", "w14=closed": a register that is not what the table says. */
static int add_fact(struct reader *r, struct case_function *f, char *word)
{
	char *value = strchr(word, '=');
	struct case_range *to;
	unsigned long index;

	if (!value)
		return fail(r, "not a fact", word);
	*value++ = '\0';
	if (strcmp(word, "bus") == 0) {
		f->is_bridge = sscanf(value, "%" SCNx8 ",%" SCNx8 ",%" SCNx8, &f->primary,
				       &f->secondary, &f->subordinate) == 3;
		return f->is_bridge ? 0 : fail(r, "not bus numbers", value);
	}

	index = strtoul(word + (*word == 'w'), NULL, 10);
	if (index >= PR_RESOURCE_MAX ||
		(*word == 'w' && (index < PR_WINDOW_IO || index > PR_WINDOW_PREF)))
		return fail(r, "no such resource", word);
	to = *word == 'w' ? &f->registers[index - PR_WINDOW_IO] : &f->resources[index];
	to->open = strcmp(value, "closed") != 0;
	if (to->open && !parse_range(value, &to->at))
		return fail(r, "not a range", value);
	if (*word != 'w' && index >= PR_WINDOW_IO && index <= PR_WINDOW_PREF)
		f->registers[index - PR_WINDOW_IO] =
			*to; /* unless a "w" says otherwise behind it */
	return 0;
}

static int add_function(struct reader *r, char **words, size_t n)
{
	struct recorded_case *c = r->c;
	struct case_function *f;
	int status = 0;

	if (c->n_after == r->max_after) {
		size_t max = r->max_after ? 2 * r->max_after : 64;
		struct case_function *more = realloc(c->after, max * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->after = more;
		r->max_after = max;
	}
	f = &c->after[c->n_after++];
	*f = (struct case_function){ .path = words[0] };
	if (n < 2 || !pr_address_parse(words[1], &f->address))
		return fail(r, "not a function with its address", words[0]);
	for (size_t i = 2; i < n && status == 0; i++)
		status = add_fact(r, f, words[i]);
	return status;
}

static int compare_paths(const void *a, const void *b)
{
	const struct case_function *x = a, *y = b;

	return strcmp(x->path, y->path);
}

const struct case_function *case_find(const struct recorded_case *c, const char *path)
{
	struct case_function key = { .path = path };

	if (c->n_after == 0)
		return NULL;
	return bsearch(&key, c->after, c->n_after, sizeof(key), compare_paths);
}

/* ---- the file ---- */

/* What describes the case; actions and layout need the snapshot and come later. */
static int read_head(struct reader *r, char *line)
{
	const struct {
		const char *key;
		const char **to;
	} keys[] = {
		{ "kernel ", &r->c->kernel },
		{ "kind ", &r->c->kind },
		{ "expect ", &r->c->expect },
		{ "note ", &r->c->note },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strncmp(line, keys[i].key, strlen(keys[i].key)) == 0) {
			*keys[i].to = line + strlen(keys[i].key);
			return 1;
		}
	}
	return 0;
}

static int read_line(struct reader *r, char *line)
{
	char *words[WORDS_MAX] = { NULL };
	size_t n;

	if (*line == '\0' || *line == '#' || read_head(r, line))
		return 0;
	n = split(line, words);
	if (n > 1 && strcmp(words[0], "do") == 0)
		return add_action(r, words + 1, n - 1);
	if (n > 1 && strcmp(words[0], "then") == 0)
		return add_function(r, words + 1, n - 1);
	return fail(r, "not understood", words[0]);
}

static int read_lines(struct reader *r, char *text)
{
	int status = 0;

	while (text && status == 0) {
		char *end = strchr(text, '\n');

		if (end)
			*end++ = '\0';
		r->line++;
		status = read_line(r, text);
		text = end;
	}
	if (r->c->n_after > 0)
		qsort(r->c->after, r->c->n_after, sizeof(*r->c->after), compare_paths);
	return status;
}

static int read_snapshot(struct reader *r, const char *text, size_t size)
{
	struct pr_import_error error = { .text = "" };
	int status = pr_snapshot_read(text, size, &r->c->before, &error);

	if (status == 0)
		return 0;
	snprintf(r->why, CASE_TEXT, "snapshot line %u: %.200s", error.line, error.text);
	return -EINVAL;
}

int case_read(const char *file, struct recorded_case *ret, char why[CASE_TEXT])
{
	struct reader r = { .c = ret, .why = why };
	char *snapshot;
	size_t n;
	int status;

	*ret = (struct recorded_case){ .kernel = "?", .kind = "?", .expect = "exact" };
	status = pr_read_file_at(AT_FDCWD, file, FILE_MAX, &ret->text, &n);
	if (status < 0) {
		snprintf(why, CASE_TEXT, "%s", strerror(-status));
		return -EINVAL;
	}
	snapshot = strstr(ret->text, "\n" SNAPSHOT "\n");
	if (!snapshot)
		return fail(&r, "there is no line", SNAPSHOT);
	*snapshot = '\0';
	snapshot += strlen("\n" SNAPSHOT "\n");
	status = read_snapshot(&r, snapshot, n - (size_t)(snapshot - ret->text));
	if (status < 0)
		return status;
	ret->actions = calloc(MAX_ACTIONS, sizeof(*ret->actions));
	return ret->actions ? read_lines(&r, ret->text) : -ENOMEM;
}

bool case_makes_vfs(const struct pr_action *a)
{
	return a->kind == PR_ACTION_VFS && a->value > 0;
}

void case_free(struct recorded_case *c)
{
	pr_topology_free(c->before);
	free(c->actions);
	free(c->after);
	free(c->text);
}

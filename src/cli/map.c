/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb map: what lies where, in the terminal, as an SVG or as JSON; with a
 * plan, or with cards that come, before and after.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/changes.h"
#include "cli/map.h"
#include "cli/output.h"

/* Where nobody says how wide a line may be. */
#define LINE_WIDTH 100

/* ---- which areas ---- */

static const struct {
	const char *name;
	unsigned int areas;
} spaces[] = {
	{ "io", 1u << PR_AREA_IO },
	{ "memory", 1u << PR_AREA_MEM32 | 1u << PR_AREA_MEM64 },
	{ "mem32", 1u << PR_AREA_MEM32 },
	{ "mem64", 1u << PR_AREA_MEM64 },
	{ "buses", 1u << PR_AREA_BUSES },
};

static int take_spaces(const char *list, unsigned int *ret)
{
	unsigned int areas = 0;

	for (const char *word = list, *end; word; word = *end ? end + 1 : NULL) {
		size_t i = 0;

		end = strchrnul(word, ',');
		while (i < ARRAY_SIZE(spaces) &&
			(strncmp(spaces[i].name, word, (size_t)(end - word)) != 0 ||
				spaces[i].name[end - word]))
			i++;
		if (i == ARRAY_SIZE(spaces))
			return pr_cli_error("--space=%s: io, memory, mem32, mem64 and buses are "
					    "wanted, with commas",
				list);
		areas |= spaces[i].areas;
	}
	*ret = areas;
	return PR_EXIT_OK;
}

/* ---- drawing ---- */

/* Firmware fills fields up with blanks. */
static void add_word(struct pr_text *t, const char *before, const char *word)
{
	size_t n = word ? strlen(word) : 0;

	while (n > 0 && word[n - 1] == ' ')
		n--;
	if (n == 0)
		return;
	pr_text_add(t, before);
	pr_text_add_n(t, word, n);
}

static void add_title(struct pr_text *t, const struct pr_machine *m)
{
	add_word(t, "", m->vendor);
	add_word(t, m->vendor ? " " : "", m->product);
	add_word(t, m->vendor || m->product ? ", Linux " : "Linux ", m->release);
}

static int draw_svg(const struct pr_map *map, struct pr_text *t)
{
	struct pr_picture_options titled = map->options;
	struct pr_text title = { 0 };
	int r;

	add_title(&title, &map->before->machine);
	titled.title = title.data;
	r = pr_picture_svg(t, map->before, map->after, &titled);
	r = title.failed ? -ENOMEM : r;
	pr_text_deinit(&title);
	return r;
}

static int draw_text(const struct pr_cli *cli, const struct pr_map *map, struct pr_text *t)
{
	const struct pr_picture_lines lines = {
		.width = cli->style.width > 0 && !cli->output ? cli->style.width : LINE_WIDTH,
		.utf8 = cli->style.utf8,
		.color = cli->style.color && !cli->output,
	};

	return pr_picture_text(t, &lines, map->before, map->after, &map->options);
}

static int draw(const struct pr_cli *cli, const struct pr_map *map, struct pr_text *t)
{
	struct pr_json j;

	if (cli->svg)
		return draw_svg(map, t);
	if (!cli->json)
		return draw_text(cli, map, t);
	pr_json_init(&j, t);
	return pr_render_map_json(&j, map);
}

static int show(const struct pr_cli *cli, const struct pr_source *s, struct pr_map *map)
{
	struct pr_text t = { 0 };
	int r = cli->space ? take_spaces(cli->space, &map->options.areas) : PR_EXIT_OK;

	if (r != PR_EXIT_OK)
		return r;
	map->options.boxes = cli->style.verbose || cli->json ? 0 : PR_PICTURE_BOXES;
	map->notes = pr_source_notes(s);
	if (map->why && !cli->json)
		pr_cli_note("nothing is drawn beside it: %s", map->why);
	r = draw(cli, map, &t);
	if (r < 0) {
		pr_text_deinit(&t);
		return pr_cli_failed(r, "cannot draw");
	}
	return pr_output_text(cli, &t);
}

/* ---- what to compare with ---- */

static struct pr_map map_of(const struct pr_topology *before, const struct pr_question *q)
{
	return (struct pr_map){ .before = before,
		.options = { .focus = q->devices, .n_focus = q->n_devices, .policy = &q->policy } };
}

static int show_now(
	const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_map map = map_of(s->topology, q);

	return show(cli, s, &map);
}

/* The plan is for all that is dead, or for what options ask; what is named is only what is drawn. */
static int show_plan(
	const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_map map = map_of(s->topology, q);
	struct pr_question all = *q;
	struct pr_plan *p;
	int r;

	all.request.n_targets = 0;
	r = pr_question_plan(&all, s->topology, s->remote, &p);
	if (r != PR_EXIT_OK)
		return r;
	map.after = p->prediction;
	if (!p->prediction)
		map.why = p->why ? p->why : "there is nothing to do";
	r = show(cli, s, &map);
	if (r == PR_EXIT_OK)
		r = pr_verdict_exit(p->verdict);
	pr_plan_free(p);
	return r;
}

static int show_changes(const struct pr_cli *cli, const struct pr_source *s,
	const struct pr_changes *changes, const struct pr_what_if *w)
{
	struct pr_map map = map_of(w->before, &changes->question);
	int r;

	map.after = w->doubt ? NULL : w->end;
	map.why = w->doubt;
	r = show(cli, s, &map);
	return r == PR_EXIT_OK ? pr_what_if_exit(w) : r;
}

static bool asks_for_a_plan(const struct pr_cli *cli)
{
	return cli->buses.n + cli->vfs.n + cli->reserves.n + cli->resizes.n > 0 || cli->shrink;
}

int pr_verb_map(const struct pr_cli *cli)
{
	if (cli->json && cli->svg)
		return pr_cli_error("--json and --svg exclude each other");
	if (pr_changes_any(cli)) {
		if (cli->n_arguments > 0)
			return pr_cli_error("map: what --add, --remove, --kernel or --cmdline "
					    "change is drawn whole, without '%s'",
				cli->arguments[0]);
		return pr_changes_show(cli, show_changes);
	}
	if (asks_for_a_plan(cli) && !cli->plan)
		return pr_cli_error("map: --buses, --vfs, --reserve, --resize and --shrink go with "
				    "--plan");
	return pr_question_answer(cli, cli->plan ? show_plan : show_now);
}

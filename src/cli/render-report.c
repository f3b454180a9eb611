/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of a report: the words, tables and pictures that the other verbs
 * have, on one page.  What comes from a machine goes through html.c.
 */
#include <errno.h>

#include "base/macros.h"
#include "cli/html.h"
#include "cli/input.h"
#include "cli/report.h"
#include "cli/tables.h"
#include "picture/picture.h"

/* ---- pieces ---- */

static void section(struct pr_text *t, const char *id, const char *title)
{
	pr_text_printf(t, "<h2 id=\"%s\">%s</h2>\n", id, title);
}

static void fact(struct pr_text *t, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	pr_text_printf(t, "<dt>%s</dt><dd>", name);
	pr_html_text(t, value);
	pr_text_add(t, "</dd>\n");
}

/* What the command line would print, in the colours of the page. */
static void words(struct pr_text *t, struct pr_text *printed)
{
	_cleanup_free_ char *text = NULL;

	if (pr_text_take(printed, &text, NULL) < 0) {
		t->failed = true;
		return;
	}
	pr_text_add(t, "<div class=\"words\">\n");
	pr_html_lines(t, text);
	pr_text_add(t, "</div>\n");
}

static struct pr_style word_style(const struct pr_report_page *page)
{
	return (struct pr_style){ .bytes = page->style->bytes,
		.verbose = page->style->verbose,
		.color = true,
		.utf8 = true };
}

/* ---- the head of the page ---- */

static const char *const plan_classes[_PR_VERDICT_MAX] = {
	[PR_VERDICT_OK] = "good",
	[PR_VERDICT_NOTHING] = "good",
	[PR_VERDICT_INFEASIBLE] = "bad",
	[PR_VERDICT_TOO_DISRUPTIVE] = "warn",
	[PR_VERDICT_UNKNOWN] = "warn",
	[PR_VERDICT_VETOED] = "warn",
};

struct counts {
	size_t bridges, hotplug;
};

static struct counts count(const struct pr_topology *t)
{
	struct counts n = { 0 };

	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];

			n.bridges += f->bridge != NULL;
			n.hotplug += f->bridge && f->bridge->hotplug;
		}
	}
	return n;
}

static void add_plan_words(struct pr_text *t, const struct pr_plan *p)
{
	if (p->prediction) {
		pr_text_add(t, "There is a plan: ");
		pr_render_cost(t, p);
		pr_text_add(t, ". ");
	}
	if (p->why)
		pr_text_printf(t, "%s%s. ",
			p->verdict == PR_VERDICT_INFEASIBLE ? "There is no plan: "
			: p->verdict == PR_VERDICT_UNKNOWN
				? "Whether there is a plan is not known: "
				: "But ",
			p->why);
}

/* The answer in a sentence or two: what is wrong, and whether it can be mended. */
static const char *add_state_words(struct pr_text *t, const struct pr_report_page *page)
{
	const struct pr_plan *p = page->examination->plan;
	size_t dead = pr_topology_count_dead(page->examination->diagnosis.topology),
	       armed = page->examination->doctor->n_armed;
	const bool is_unseen = page->examination->doctor->explanation.n_unseen > 0;

	if (dead > 0) {
		pr_text_count(t, dead, "function");
		pr_text_printf(t, " %s addresses or bus numbers. ", dead == 1 ? "lacks" : "lack");
	}
	if (p->verdict == PR_VERDICT_NOTHING)
		pr_text_add(t, dead > 0    ? "There is nothing to plan for. "
			       : is_unseen ? "Nothing dead is seen, but much is not recorded. "
					   : "Nothing is dead. ");
	add_plan_words(t, p);
	if (armed > 0) {
		pr_text_count(t, armed, "port");
		pr_text_printf(t, " %s armed: a hot-add there would damage what runs.",
			armed == 1 ? "is" : "are");
	}
	return p->verdict == PR_VERDICT_NOTHING && (armed > 0 || is_unseen)
		       ? "warn"
		       : plan_classes[p->verdict];
}

/* The same of what is assumed. */
static const char *add_answer_words(struct pr_text *t, const struct pr_what_if *w)
{
	static const char *const classes[] = { [PR_PAINT_NONE] = "good",
		[PR_PAINT_BOLD] = "good",
		[PR_PAINT_GOOD] = "good",
		[PR_PAINT_WARN] = "warn",
		[PR_PAINT_BAD] = "bad" };
	enum pr_paint paint = w->n_broken > 0 ? PR_PAINT_BAD : PR_PAINT_NONE;
	const char *outcome = pr_what_if_outcome(w, &paint);

	if (outcome)
		pr_text_printf(t, "%s. ", outcome);
	if (w->n_mended > 0) {
		pr_text_count(t, w->n_mended, "function");
		pr_text_add(t, " that lacked something will work after the boot. ");
	}
	if (w->n_broken > 0) {
		pr_text_count(t, w->n_broken, "function");
		pr_text_add(t, " will lack something after the boot. ");
	}
	if (w->plan)
		add_plan_words(t, w->plan);
	return w->plan && !w->suffices ? plan_classes[w->plan->verdict] : classes[paint];
}

static void add_verdict(struct pr_text *t, const struct pr_report_page *page)
{
	struct pr_text said = { 0 };
	const char *class = page->what_if ? add_answer_words(&said, page->what_if->what_if)
					  : add_state_words(&said, page);
	_cleanup_free_ char *text = NULL;

	if (pr_text_take(&said, &text, NULL) < 0) {
		t->failed = true;
		return;
	}
	pr_text_printf(t, "<p class=\"verdict %s\"><span>", class);
	pr_html_text(t, text);
	pr_text_add(t, "</span></p>\n");
}

static void add_machine(struct pr_text *t, const struct pr_topology *topology)
{
	const struct pr_machine *m = &topology->machine;
	const struct counts n = count(topology);
	pr_text_add(t, "<dl>\n");
	fact(t, "Vendor", m->vendor);
	fact(t, "Product", m->product);
	fact(t, "Architecture", m->arch);
	fact(t, "Kernel", m->release ? m->release : "not known");
	fact(t, "Command line", m->cmdline);
	fact(t, "Lockdown", m->lockdown);
	fact(t, "Virtual machine", m->is_guest ? "yes" : NULL);
	pr_text_add(t, "<dt>Counts</dt><dd>");
	pr_text_count(t, topology->n_roots, "host bridge");
	pr_text_add(t, ", ");
	pr_text_count(t, topology->n_functions, "function");
	pr_text_add(t, ", of them ");
	pr_text_count(t, n.bridges, "bridge");
	pr_text_add(t, " and ");
	pr_text_count(t, n.hotplug, "hot-plug port");
	pr_text_add(t, "</dd>\n");
	fact(t, "Users not looked for", m->unseen);
	pr_text_add(t, "</dl>\n");
}

static void add_head(struct pr_text *t, const struct pr_report_page *page)
{
	pr_text_add(t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		       "<title>PCI of ");
	pr_html_text(t, page->title);
	pr_text_add(t, "</title>\n<style>\n");
	pr_text_add(t, pr_report_style);
	pr_text_add(t, "</style>\n</head>\n<body>\n<header>\n<h1>PCI of ");
	pr_html_text(t, page->title);
	pr_text_printf(t, "</h1>\n<p class=\"dim\">pciroom %s, %s</p>\n</header>\n",
		PCIROOM_VERSION, page->when);
	pr_text_printf(t,
		"<nav>%s <a href=\"#map\">Address space</a> <a href=\"#devices\">Devices</a> "
		"<a href=\"#windows\">Windows and buses</a> <a href=\"#bars\">BARs</a> "
		"<a href=\"#slots\">Slots</a> <a href=\"#json\">JSON</a></nav>\n<main>\n",
		page->what_if ? "<a href=\"#answer\">The answer</a> "
				"<a href=\"#wrong\">What is wrong now</a>"
			      : "<a href=\"#wrong\">What is wrong</a> <a href=\"#plan\">Plan</a>");
}

/* ---- its sections ---- */

static void add_wrong(struct pr_text *t, const struct pr_report_page *page)
{
	const struct pr_style style = word_style(page);
	struct pr_text said = { 0 };

	section(t, "wrong", page->what_if ? "What is wrong now" : "What is wrong");
	pr_render_doctor(&said, &style, page->examination->doctor, &page->examination->diagnosis);
	words(t, &said);
}

static void add_plan(struct pr_text *t, const struct pr_report_page *page)
{
	const struct pr_style style = word_style(page);
	struct pr_text said = { 0 };

	section(t, "plan", "Plan");
	pr_render_plan(&said, &style, page->examination->plan);
	words(t, &said);
}

static void add_answer(struct pr_text *t, const struct pr_report_page *page)
{
	const struct pr_style style = word_style(page);
	struct pr_text said = { 0 };

	section(t, "answer", "The question, and its answer");
	pr_render_what_if(&said, &style, page->what_if);
	words(t, &said);
}

/* What lies where; and where it will be: after the plan, or with all that is assumed. */
static int add_picture(struct pr_text *t, const struct pr_report_page *page)
{
	const struct pr_what_if *w = page->what_if ? page->what_if->what_if : NULL;
	const struct pr_topology *before = w ? w->before : page->examination->diagnosis.topology;
	const struct pr_topology *after = !w          ? page->examination->plan->prediction
					  : !w->doubt ? w->end
						      : NULL;
	const struct pr_picture_options options = { .boxes = PR_PICTURE_BOXES,
		.policy = page->policy };
	int r;

	section(t, "map",
		!after ? "Address space"
		: w    ? "Address space, before and after"
		       : "Address space, before and after the plan");
	pr_text_add(t, "<div class=\"wide\">");
	r = pr_picture_svg(t, before, after, &options);
	pr_text_add(t, "</div>\n");
	return r;
}

/* What the recording does not say. */
static void add_unknown(struct pr_text *t, const struct pr_import_notes *notes)
{
	if (!notes || notes->n == 0)
		return;
	section(t, "unknown", "What is not recorded");
	pr_text_add(t, "<dl>\n");
	for (size_t i = 0; i < notes->n; i++) {
		pr_text_add(t, "<dt>");
		pr_html_text(t, notes->note[i].missing);
		pr_text_add(t, "</dt><dd>");
		pr_html_text(t, notes->note[i].cost);
		pr_text_add(t, "</dd>\n");
	}
	pr_text_add(t, "</dl>\n");
}

/* Longer ones are opened by who wants to read them. */
#define OPEN_MAX 400

/* @table, which is let go of; @r < 0: there is none. */
static int add_table(struct pr_text *t, struct libscols_table *table, int r)
{
	size_t n;

	if (r < 0)
		return r;
	n = scols_table_get_nlines(table);
	pr_text_printf(t, "<details%s><summary>", n <= OPEN_MAX ? " open" : "");
	pr_text_count(t, n, "line");
	pr_text_add(t, "</summary>\n");
	r = pr_html_table(t, table);
	pr_text_add(t, "</details>\n");
	scols_unref_table(table);
	return r;
}

static int add_resizable(struct pr_text *t, const struct pr_report_page *page)
{
	struct libscols_table *table = NULL;
	int r;

	if (page->slots->n_resizable == 0)
		return 0;
	pr_text_add(t, "<p>Resizable BARs, and the largest size that there is room for.</p>\n");
	r = pr_resizable_table(page->style, page->slots, &table);
	return add_table(t, table, r);
}

static int add_slots(struct pr_text *t, const struct pr_report_page *page)
{
	struct libscols_table *table = NULL;
	struct pr_text doubts = { 0 };
	int r;

	section(t, "slots", "Slots");
	if (page->slots->n == 0) {
		pr_text_add(t, "<p>No port is a hot-plug slot.</p>\n");
		return add_resizable(t, page);
	}
	pr_text_add(
		t, "<p>The largest card that each takes: as it is, and after more effort.</p>\n");
	r = pr_slots_table(page->style, page->slots, page->examination->doctor, &table);
	r = add_table(t, table, r);
	pr_render_slot_doubts(&doubts, page->slots);
	words(t, &doubts);
	return r < 0 ? r : add_resizable(t, page);
}

static int add_tables(struct pr_text *t, const struct pr_report_page *page)
{
	const struct pr_topology *topology = page->examination->diagnosis.topology;
	struct libscols_table *table = NULL;
	int r;

	section(t, "devices", "Devices");
	if (page->what_if)
		pr_text_add(t, "<p>These and the tables below are of the machine as it is.</p>\n");
	r = pr_tree_table(page->style, topology, page->examination->doctor, &table);
	r = add_table(t, table, r);
	if (r < 0)
		return r;
	section(t, "windows", "Windows and bus numbers");
	r = pr_windows_table(page->style, topology, &table);
	r = add_table(t, table, r);
	if (r < 0)
		return r;
	section(t, "bars", "BARs");
	r = pr_bars_table(page->style, topology, &table);
	r = add_table(t, table, r);
	return r < 0 ? r : add_slots(t, page);
}

static void json_plan(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.plan/1");
	pr_render_plan_json(j, p);
	pr_json_object_end(j);
}

static void add_json(struct pr_text *t, const struct pr_report_page *page)
{
	_cleanup_free_ char *text = NULL;
	struct pr_text written = { 0 };
	struct pr_json j;

	pr_json_init(&j, &written);
	if (page->what_if)
		pr_render_what_if_json(&j, page->what_if);
	else
		json_plan(&j, page->examination->plan);
	if (pr_text_take(&written, &text, NULL) < 0) {
		t->failed = true;
		return;
	}
	section(t, "json", page->what_if ? "The answer for programs" : "The plan for programs");
	pr_text_add(t, "<details><summary>JSON</summary>\n<pre id=\"json-text\">");
	pr_html_text(t, text);
	pr_text_add(t, "</pre></details>\n");
}

int pr_render_report(struct pr_text *t, const struct pr_report_page *page)
{
	int r;

	add_head(t, page);
	add_verdict(t, page);
	add_machine(t, page->examination->diagnosis.topology);
	if (page->what_if)
		add_answer(t, page);
	add_wrong(t, page);
	if (!page->what_if)
		add_plan(t, page);
	r = add_picture(t, page);
	if (r == 0)
		r = add_tables(t, page);
	if (r < 0)
		return r;
	add_unknown(t, page->examination->diagnosis.notes);
	add_json(t, page);
	pr_text_add(t, "</main>\n</body>\n</html>\n");
	return t->failed ? -ENOMEM : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb history: what became of the plans that the service carried out, from
 * the system's journal.  There is no other record of it: the service's own one
 * is of what is not ended yet.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "pciroom/exec.h"

#define FIELD_MAX 2048u /* of a message, as far as it is shown */

struct entry {
	char when[40], device[FIELD_MAX], plan[64], job[16], outcome[32], text[FIELD_MAX];
};

/* The field's value, shortened to what there is room for; empty when the message has none. */
static void get(sd_journal *journal, const char *field, char *ret, size_t size)
{
	size_t length, name = strlen(field) + 1;
	const void *data;

	*ret = '\0';
	if (sd_journal_get_data(journal, field, &data, &length) < 0 || length < name)
		return;
	length -= name;
	if (length >= size)
		length = size - 1;
	memcpy(ret, (const char *)data + name, length);
	ret[length] = '\0';
}

static void read_entry(sd_journal *journal, bool json, struct entry *ret)
{
	uint64_t usec;
	struct tm tm;
	time_t t;

	*ret = (struct entry){ 0 };
	if (sd_journal_get_realtime_usec(journal, &usec) >= 0) {
		t = (time_t)(usec / 1000000);
		if (localtime_r(&t, &tm))
			(void)strftime(
				ret->when, sizeof(ret->when), json ? "%FT%T%z" : "%F %T", &tm);
	}
	get(journal, "PCIROOM_DEVICE", ret->device, sizeof(ret->device));
	get(journal, "PCIROOM_PLAN", ret->plan, sizeof(ret->plan));
	get(journal, "PCIROOM_JOB", ret->job, sizeof(ret->job));
	get(journal, "PCIROOM_OUTCOME", ret->outcome, sizeof(ret->outcome));
	get(journal, "MESSAGE", ret->text, sizeof(ret->text));
}

static void string_if(struct pr_json *j, const char *key, const char *value)
{
	pr_json_string(j, key, *value ? value : NULL);
}

static void add_json(struct pr_json *j, const struct entry *e)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "time", e->when);
	string_if(j, "job", e->job);
	string_if(j, "plan", e->plan);
	string_if(j, "device", e->device);
	pr_json_string(j, "outcome", e->outcome);
	pr_json_string(j, "text", e->text);
	pr_json_object_end(j);
}

/* Only what systemd vouches for: anybody can write a message with fields like these. */
static int match_ends(sd_journal *journal)
{
	char match[64];
	int r;

	r = sd_journal_add_match(journal, "_SYSTEMD_UNIT=pciroomd.service", 0);
	for (unsigned int i = 0; r >= 0 && i < _PR_OUTCOME_MAX; i++) {
		(void)snprintf(match, sizeof(match), "PCIROOM_OUTCOME=%s",
			pr_outcome_name((enum pr_outcome)i));
		r = sd_journal_add_match(journal, match, 0);
	}
	return r;
}

/* Earliest first.  0 or negative errno, as the next one. */
static int list_json(sd_journal *journal, struct pr_text *t, size_t *n)
{
	struct pr_json j;
	struct entry e;
	int r;

	pr_json_init(&j, t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.history/1");
	pr_json_array(&j, "runs");
	while ((r = sd_journal_next(journal)) > 0) {
		read_entry(journal, true, &e);
		add_json(&j, &e);
		(*n)++;
	}
	pr_json_array_end(&j);
	pr_json_object_end(&j);
	return r;
}

static int list_lines(sd_journal *journal, const struct pr_style *s, struct pr_text *t, size_t *n)
{
	static const struct pr_column columns[] = { { "WHEN", 1, 0 }, { "OUTCOME", 1, 0 },
		{ "WHAT", 1, 0 } };
	struct libscols_table *table;
	struct libscols_line *line;
	struct entry e;
	int r = pr_table_new(s, columns, ARRAY_SIZE(columns), &table);

	if (r < 0)
		return r;
	while (r >= 0 && (r = sd_journal_next(journal)) > 0) {
		read_entry(journal, false, &e);
		r = pr_table_line(table, NULL, (const char *const[]){ e.when, e.outcome, e.text },
			ARRAY_SIZE(columns), &line);
		(*n)++;
	}
	if (r >= 0 && *n > 0)
		r = pr_table_print(table, t);
	scols_unref_table(table);
	return r;
}

static void closep(sd_journal **journal)
{
	sd_journal_close(*journal);
}

int pr_verb_history(const struct pr_cli *cli)
{
	_cleanup_(closep) sd_journal *journal = NULL;
	struct pr_text t = { 0 };
	size_t n = 0;
	int r;

	r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	if (r >= 0)
		r = match_ends(journal);
	if (r >= 0)
		r = cli->json ? list_json(journal, &t, &n)
			      : list_lines(journal, &cli->style, &t, &n);
	if (r < 0) {
		pr_text_deinit(&t);
		return pr_cli_failed(r, "the journal cannot be read");
	}
	if (n == 0 && geteuid() != 0)
		pr_cli_note(
			"only root and the groups systemd-journal and adm see the system's journal");
	if (n == 0 && !cli->json)
		pr_text_add(&t,
			"No plan was carried out by the service, as far as the journal goes back.\n");
	return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

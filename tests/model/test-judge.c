/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of recorded cases: one case that is exact, and what it says when
 * the kernel had done something else.  A row changes one piece of the text.
 */
#include "unit/rows.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "case.h"

#define BASE         "tests/model/judge-base.case"
#define VFS          "tests/model/cases/6.1-9105-001.case"
#define VF           "then 0000:00/03.0/00.7 0000:02:00.7 0=fe61c000-fe61ffff\n"
#define CARD         "then 0000:00/02.0/00.0/00.0/00.0 0000:57:00.0 0=40000000-403fffff 2=40410000-40410fff"
#define PORT_WINDOWS "13=1000-1fff 14=40000000-405fffff 15=100000000-1003fffff"

static const struct judge_row {
	const char *name;
	const char *from, *to; /* "" where nothing changes */
	int verdict;           /* enum case_verdict, -1: the case cannot be read */
	const char *why;       /* begins with; NULL: not looked at */
} judge_rows[] = {
	{ "what was predicted came", "", "", CASE_EXACT, "" },
	{ "a BAR without addresses is a broken promise", CARD,
		"then 0000:00/02.0/00.0/00.0/00.0 0000:57:00.0 0=40000000-403fffff", CASE_UNSOUND,
		"0000:57:00.0: resource 2 has no addresses" },
	{ "what was removed may come back elsewhere", "2=40410000-40410fff", "2=40420000-40420fff",
		CASE_DIFFERENT, "0000:57:00.0: resource 2 is 40420000-40420fff" },
	{ "what stays may not move", "0=40600000-40600fff", "0=40601000-40601fff", CASE_UNSOUND,
		"0000:00:02.0: resource 0 was to stay" },
	{ "a BAR outside of the windows above is not reached", "2=40410000-40410fff",
		"2=80410000-80410fff", CASE_UNSOUND,
		"0000:57:00.0: resource 2 at 80410000-80410fff is not" },
	{ "a closed register above counts more than the kernel's table", PORT_WINDOWS,
		PORT_WINDOWS " w14=closed w15=closed", CASE_UNSOUND,
		"0000:57:00.0: resource 0 at" },
	{ "a function that is missing is a broken promise", CARD " 6=40400000-4040ffff\n", "",
		CASE_UNSOUND, "0000:57:00.0: was predicted" },
	{ "a function more than predicted breaks no promise", CARD,
		"then 0000:00/07.0 0000:00:07.0\n" CARD, CASE_DIFFERENT,
		"0000:00/07.0: the model knows no" },
	{ "other bus numbers break no promise", "bus=00,55,58", "bus=00,55,59", CASE_DIFFERENT,
		"0000:00:02.0: buses are 00,55,59, predicted 00,55,58" },
	{ "a ROM is not missed", " 6=40400000-4040ffff", "", CASE_DIFFERENT,
		"0000:57:00.0: resource 6" },
	{ "an action that is none is an error with its line", "do rescan-all", "do nothing", -1,
		"line 5: not an action: nothing" },
	{ "a rescan at what is not there is an error", "do rescan-all", "do rescan 0000:77:00.0",
		-1, "line 5: no such function: 0000:77:00.0" },
	{ "a range that ends before it begins is an error", "2=40410000-40410fff",
		"2=40410000-4041", -1, "line" },
	{ "a file without a snapshot is an error", "\nsnapshot\n", "\n", -1, NULL },
	{ "a broken snapshot is an error with its line", "format: pciroom-snapshot/1",
		"format: other", -1, "snapshot line 1" },
};

static const struct judge_row vf_rows[] = {
	{ "virtual functions that nobody knew are where their physical one says", "", "",
		CASE_EXACT, "" },
	{ "a virtual function that is missing is a broken promise", VF, "", CASE_UNSOUND,
		"0000:02:00.0: virtual function 6 was predicted" },
	{ "so is one with another slice of the VF BAR", "0=fe61c000-fe61ffff",
		"0=fe618000-fe61bfff", CASE_UNSOUND,
		"0000:02:00.0: BAR 0 of virtual function 6 is" },
	{ "one more than was asked for breaks no promise", "vfs 0000:02:00.0 7",
		"vfs 0000:02:00.0 6", CASE_DIFFERENT, "0000:00/03.0/00.7: the model knows no" },
	{ "where the VF BAR has no addresses, none is predicted",
		"  - 0xfe604000 0xfe61ffff 0x140204", "  - 0x0 0x0 0x0", CASE_DIFFERENT, NULL },
};

static char base[1 << 16];

static void read_base(const char *name)
{
	const char *source = getenv("PCIROOM_SRCDIR");
	char file[PATH_MAX];
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s/%s", source ? source : ".", name);
	f = fopen(file, "re");
	assert_non_null(f);
	assert_in_range(fread(base, 1, sizeof(base), f), 1, sizeof(base) - 1);
	(void)fclose(f);
}

/* The base with the first @from replaced, as a file; every row has to find its @from. */
static void write_changed(const struct judge_row *row, const char *name, char file[])
{
	int fd = mkstemp(file);
	const char *at;

	read_base(name);
	at = strstr(base, row->from);
	assert_non_null(at);
	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, base, (size_t)(at - base)), 0);
	assert_int_equal(pr_write_all(fd, row->to, strlen(row->to)), 0);
	at += strlen(row->from);
	assert_int_equal(pr_write_all(fd, at, strlen(at)), 0);
	(void)close(fd);
}

static void judge(const struct judge_row *row, const char *name)
{
	struct case_judgement judgement = { .why = "" };
	char file[] = "/tmp/pciroom-judge-XXXXXX", why[CASE_TEXT] = "";
	int verdict = -1;
	struct recorded_case c;

	write_changed(row, name, file);
	if (case_read(file, &c, why) == 0) {
		case_judge(&c, c.before, c.actions, &judgement);
		verdict = (int)judgement.verdict;
		(void)snprintf(why, sizeof(why), "%s", judgement.why);
	}
	(void)unlink(file);
	pr_topology_free(judgement.predicted);
	case_free(&c);

	assert_int_equal(verdict, row->verdict);
	if (row->why && strncmp(why, row->why, strlen(row->why)) != 0)
		assert_string_equal(why, row->why);
}

static void test_judge(void **state)
{
	judge(*state, BASE);
}

static void test_vfs(void **state)
{
	judge(*state, VFS);
}

int main(void)
{
	struct rows rows = { .n = 0 };

	ADD_ROWS(&rows, judge_rows, test_judge);
	ADD_ROWS(&rows, vf_rows, test_vfs);
	return rows_run(&rows, "judge");
}

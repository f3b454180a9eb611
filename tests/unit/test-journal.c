/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: what it takes for a line, that a torn one is none, wherever it
 * is torn, and that one process writes at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "exec/journal.h"
#include "rows.h"

struct place {
	char directory[64], file[80], old[80];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->directory, "/tmp/pciroom-journal-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	(void)snprintf(p->file, sizeof(p->file), "%s/journal", p->directory);
	(void)snprintf(p->old, sizeof(p->old), "%s/journal.old", p->directory);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	(void)unlink(p->file); /* a test may have made none */
	(void)unlink(p->old);
	assert_int_equal(rmdir(p->directory), 0);
	free(p);
	return 0;
}

static void put(const struct place *p, const char *text, size_t n)
{
	int fd = open(p->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, n), 0);
	assert_int_equal(close(fd), 0);
}

static char *get(const char *path)
{
	char *text;

	assert_int_equal(pr_read_file_at(AT_FDCWD, path, 16 << 20, &text, NULL), 0);
	return text;
}

/* What a journal holds but for the name of this boot, which a test cannot know. */
static char *get_without_boot(const char *path)
{
	char *text = get(path), *out = text;
	size_t n;

	for (const char *line = text; *line; line += n) {
		n = strcspn(line, "\n") + 1;
		if (strncmp(line, "boot ", 5) == 0)
			continue;
		memmove(out, line, n);
		out += n;
	}
	*out = '\0';
	return text;
}

/* ---- lines ---- */

#define BEGIN  "begin 0123456789abcdef 00000000deadbeef\n"
#define ROSTER "roster 0000:00/02.0 0000:00:02.0 0 pcieport\n"
#define STEPS                                                                                \
	"step 0 write 0000:00:02.0 1a/1=07, was 05\ninverse 0 0000:00/02.0 write 1a 1 7 5\n" \
	"step 1 remove 0000:00:02.0\ninverse 1 0000:00/02.0 rescan 0000:00:01.0\n"           \
	"step 2 rescan 0000:00:01.0\nstep 3 expect the layout predicted\n"

struct row {
	const char *name, *text;
	int result;
	bool pending;
};

static const struct row rows[] = {
	{ "an empty journal has nothing pending", "", 0, false },
	{ "a plan without an end is pending", BEGIN ROSTER STEPS "doing 0\n", 0, true },
	{ "a plan that was never begun to be done is pending", BEGIN ROSTER STEPS, 0, true },
	{ "a plan with an end is not pending", BEGIN ROSTER STEPS "doing 0\ndone 0\nend done\n", 0,
		false },
	{ "a plan of an earlier boot is not pending: the boot brought all back",
		BEGIN "boot 00000000-0000-0000-0000-000000000000\n" ROSTER STEPS "doing 0\n", 0,
		false },
	{ "a boot without name", BEGIN "boot\n", -EBADMSG, false },
	{ "a loss that was mended later", BEGIN "end lost\nend rolled-back\n", 0, false },
	{ "a loss may be tried more than once", BEGIN "end lost\nend lost\nend lost\n", 0, false },
	{ "an end after a good end", BEGIN "end done\nend done\n", -EBADMSG, false },
	{ "a plan that waits to be confirmed is pending",
		BEGIN ROSTER STEPS "doing 0\ndone 0\nwaiting\n", 0, true },
	{ "a plan that was confirmed is not", BEGIN ROSTER STEPS "waiting\nend done\n", 0, false },
	{ "a wait for something", BEGIN "waiting 30\n", -EBADMSG, false },
	{ "a slot that was taken before", BEGIN "port 0000:00:02.0 1 40 slot\n" ROSTER "guarded\n",
		0, true },
	{ "a link that was taken before", BEGIN "port 0000:00:02.0 1 40 link\n" ROSTER "guarded\n",
		-EBADMSG, false },
	{ "only the last plan counts", BEGIN "doing nonsense\n" BEGIN "end lost\n", 0, false },
	{ "an ended plan before one without end", BEGIN "end done\n" BEGIN ROSTER, 0, true },
	{ "a driver's name may hold spaces",
		BEGIN "roster 0000:00/02.0 0000:00:02.0 3f My Driver 2\n", 0, true },
	{ "settings of attributes and registers, and drivers held off",
		BEGIN ROSTER "setting 0000:00/02.0 reset_method=flr bus\n"
			     "setting 0000:00/02.0 driver_override=\n"
			     "setting 0000:00/02.0 device-control=5810\nhold\n" STEPS,
		0, true },
	{ "no driver, and none wanted", BEGIN "roster 0000:00/02.0 0000:00:02.0 3f !\n", 0, true },
	{ "a setting that nobody knows", BEGIN "setting 0000:00/02.0 colour=red\n", -EBADMSG,
		false },
	{ "a setting without value", BEGIN "setting 0000:00/02.0 msi_bus\n", -EBADMSG, false },
	{ "a register that holds no number", BEGIN "setting 0000:00/02.0 device-control=x\n",
		-EBADMSG, false },
	{ "a card that is replaced, and the port above it",
		BEGIN ROSTER "replaced\nport 0000:00:02.0 1 40 slot\n" STEPS, 0, true },
	{ "nobody before who could be replaced", BEGIN "replaced\n", -EBADMSG, false },
	{ "a port that is neither slot nor link", BEGIN "port 0000:00:02.0 1 40 hole\n", -EBADMSG,
		false },
	{ "a port without its registers", BEGIN "port 0000:00:02.0 1 slot\n", -EBADMSG, false },
	{ "a hold of something", BEGIN "hold 0000:00/02.0\n", -EBADMSG, false },
	{ "a root bus to rescan",
		BEGIN
		"step 0 remove 0000:00:02.0\ninverse 0 0000:00/02.0 rescan-root 0000:00:00.0\n",
		0, true },
	{ "a word that is none of the journal's", BEGIN "hello 1\n", -EBADMSG, false },
	{ "an empty line", BEGIN "\n", -EBADMSG, false },
	{ "a line after the end", BEGIN "end done\ndoing 0\n", -EBADMSG, false },
	{ "an end without outcome", BEGIN "end\n", -EBADMSG, false },
	{ "a begin without generation", "begin 0123456789abcdef\n", -EBADMSG, false },
	{ "a begin with too long an identifier", "begin 0123456789abcdef0 1\n", -EBADMSG, false },
	{ "a begin with more than it has", "begin 0123456789abcdef 1 2\n", -EBADMSG, false },
	{ "a roster with an address that is none", BEGIN "roster 0000:00/02.0 0000:00:02.9 0 -\n",
		-EBADMSG, false },
	{ "a roster without driver", BEGIN "roster 0000:00/02.0 0000:00:02.0 0\n", -EBADMSG,
		false },
	{ "steps out of order", BEGIN "step 1 remove x\n", -EBADMSG, false },
	{ "a step of an unknown kind", BEGIN "step 0 explode 0000:00:02.0\n", -EBADMSG, false },
	{ "a mark for a step that does not exist", BEGIN STEPS "doing 4\n", -EBADMSG, false },
	{ "a step done that was never begun", BEGIN STEPS "done 0\n", -EBADMSG, false },
	{ "an inverse for a step that does not exist",
		BEGIN "inverse 0 0000:00/02.0 rescan 0000:00:01.0\n", -EBADMSG, false },
	{ "an inverse of an unknown kind", BEGIN "step 0 remove x\ninverse 0 p undo 0000:00:01.0\n",
		-EBADMSG, false },
	{ "an inverse write beyond configuration space",
		BEGIN "step 0 write x\ninverse 0 p write 1000 1 0 0\n", -EBADMSG, false },
	{ "a negative step", BEGIN STEPS "doing -1\n", -EBADMSG, false },
	{ "a number beyond 64 bits", "begin 0 10000000000000000\n", -EBADMSG, false },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct pr_journal *j = NULL;
	void *place;
	int r;

	assert_int_equal(setup(&place), 0);
	put(place, row->text, strlen(row->text));
	r = pr_journal_open(((struct place *)place)->directory, &j);
	assert_int_equal(r, row->result);
	if (r == 0) {
		assert_int_equal(pr_journal_pending(j), row->pending);
		pr_journal_close(j);
	} else {
		assert_null(j);
	}
	assert_int_equal(teardown(&place), 0);
}

static void test_error_line(void **state)
{
	static const char text[] = BEGIN "end done\n" BEGIN ROSTER "oops\n";
	struct pr_record *record;
	unsigned int line = 0;

	(void)state;
	assert_int_equal(pr_record_parse(text, strlen(text), &record, &line), -EBADMSG);
	assert_int_equal(line, 5);
}

static void test_nul_bytes(void **state)
{
	static const char text[] = BEGIN "roster\0x\nend done\n";
	struct pr_record *record;
	unsigned int line;

	(void)state;
	assert_int_equal(pr_record_parse(text, sizeof(text) - 1, &record, &line), -EBADMSG);
}

/* ---- torn ---- */

/*
 * The machine stops while any byte is written: what is whole counts, and the next line is not
 * glued to the rest.
 */
static void test_torn(void **state)
{
	static const char text[] = BEGIN "end done\n" BEGIN ROSTER STEPS
					 "doing 0\ndone 0\ndoing 1\ndone 1\nend rolled-back\n";
	const size_t first = strlen(BEGIN "end done\n");
	struct place *p = *state;

	for (size_t n = 0; n <= strlen(text); n++) {
		bool pending = (n >= strlen(BEGIN) && n < first) ||
			       (n >= first + strlen(BEGIN) && n < strlen(text));
		struct pr_journal *j;
		char *after;

		put(p, text, n);
		assert_int_equal(pr_journal_open(p->directory, &j), 0);
		if (pr_journal_pending(j) != pending)
			fail_msg("cut after %zu bytes", n);
		pr_journal_close(j);
		after = get(p->file);
		assert_true(*after == '\0' || after[strlen(after) - 1] == '\n');
		assert_memory_equal(after, text, strlen(after));
		free(after);
	}
}

/* ---- writing ---- */

static struct pr_record *a_record(void)
{
	static const char text[] = BEGIN ROSTER STEPS;
	struct pr_record *record;
	unsigned int line;

	assert_int_equal(pr_record_parse(text, strlen(text), &record, &line), 0);
	return record;
}

static void test_write_and_read(void **state)
{
	struct place *p = *state;
	const struct pr_record *record;
	struct pr_journal *j;
	char *text;

	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	assert_int_equal(pr_journal_begin(j, a_record()), 0);
	assert_int_equal(pr_journal_doing(j, 0), 0);
	assert_int_equal(pr_journal_done(j, 0), 0);
	assert_int_equal(pr_journal_doing(j, 1), 0);
	pr_journal_close(j);
	text = get_without_boot(p->file);
	assert_string_equal(text, BEGIN ROSTER STEPS "doing 0\ndone 0\ndoing 1\n");
	free(text);

	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	assert_true(pr_journal_pending(j));
	record = pr_journal_record(j);
	assert_int_equal(record->generation, 0xdeadbeef);
	assert_int_equal(record->n_functions, 1);
	assert_string_equal(record->functions[0].driver, "pcieport");
	assert_int_equal(record->n_steps, 4);
	assert_true(record->steps[0].done);
	assert_int_equal(record->steps[0].inverse, PR_INVERSE_WRITE);
	assert_int_equal(record->steps[0].offset, 0x1a);
	assert_int_equal(record->steps[0].value, 7);
	assert_int_equal(record->steps[0].old, 5);
	assert_true(record->steps[1].doing);
	assert_false(record->steps[1].done);
	assert_int_equal(record->steps[1].inverse, PR_INVERSE_RESCAN);
	assert_int_equal(record->steps[1].address.device, 1);
	assert_false(record->steps[2].doing);
	assert_int_equal(pr_journal_begin(j, a_record()), -EBUSY);
	assert_int_equal(pr_journal_end(j, PR_OUTCOME_ROLLED_BACK), 0);
	assert_false(pr_journal_pending(j));
	pr_journal_close(j);
}

static void test_one_writer(void **state)
{
	struct place *p = *state;
	struct pr_journal *j, *other = NULL;

	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	assert_int_equal(pr_journal_open(p->directory, &other), -EBUSY);
	assert_null(other);
	pr_journal_close(j);
	assert_int_equal(pr_journal_open(p->directory, &other), 0);
	pr_journal_close(other);
	pr_journal_close(NULL);
}

static void test_makes_directory(void **state)
{
	struct place *p = *state;
	struct pr_journal *j;
	struct stat st;

	assert_int_equal(rmdir(p->directory), 0);
	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	pr_journal_close(j);
	assert_int_equal(stat(p->directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pr_journal_open("", &j), -ENOENT);
	assert_int_equal(pr_journal_open("/dev/null/journal.d", &j), -ENOTDIR);
}

static void test_makes_parents(void **state)
{
	static const char *const below[] = { "/a/b/journal", "/a/b", "/a" };
	struct place *p = *state;
	struct pr_journal *j;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/a/b/", p->directory);
	assert_int_equal(pr_journal_open(path, &j), 0);
	pr_journal_close(j);
	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", p->directory, below[i]);
		assert_int_equal(remove(path), 0);
	}
}

static void test_owner(void **state)
{
	struct place *p = *state;
	struct pr_journal *j;
	struct stat st;

	if (geteuid() != 0) {
		print_message("needs root to have files of another user\n");
		skip();
	}
	assert_int_equal(chown(p->directory, 65534, 65534), 0);
	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	pr_journal_close(j);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_uid, 65534);
}

static void test_not_a_file_of_ours(void **state)
{
	struct place *p = *state;
	struct pr_journal *j;

	assert_int_equal(symlink("/etc/passwd", p->file), 0);
	assert_int_equal(pr_journal_open(p->directory, &j), -ELOOP);
	assert_int_equal(unlink(p->file), 0);
	put(p, "", 0);
	assert_int_equal(link(p->file, p->old), 0);
	assert_int_equal(pr_journal_open(p->directory, &j), -EPERM);
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(mkfifo(p->file, 0600), 0);
	assert_int_equal(pr_journal_open(p->directory, &j), -EPERM);
}

/* Ended plans do not pile up for ever; the file before is kept. */
static void test_grown(void **state)
{
	static char many[(1 << 20) + sizeof(BEGIN) + 16];
	struct place *p = *state;
	struct pr_journal *j, *other;
	char *text;
	size_t n = 0;

	while (n < 1 << 20)
		n += (size_t)sprintf(many + n, "%s", n % 2 ? BEGIN : BEGIN "end done\n");
	n += (size_t)sprintf(many + n, "end done\n");
	put(p, many, n);
	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	assert_false(pr_journal_pending(j));
	assert_int_equal(pr_journal_begin(j, a_record()), 0);
	assert_int_equal(
		pr_journal_open(p->directory, &other), -EBUSY); /* the lock is still held */
	assert_int_equal(pr_journal_end(j, PR_OUTCOME_DONE), 0);
	pr_journal_close(j);
	text = get_without_boot(p->file);
	assert_string_equal(text, BEGIN ROSTER STEPS "end done\n");
	free(text);
	text = get(p->old);
	assert_int_equal(strlen(text), n);
	free(text);
}

/* Said once, by whoever looks first; a plan that had ended needs no other end. */
static void test_restarted(void **state)
{
	static const char begun[] =
		BEGIN "boot 00000000-0000-0000-0000-000000000000\n" ROSTER STEPS "doing 0\n";
	static const char lost[] = BEGIN "boot 00000000-0000-0000-0000-000000000000\nend lost\n";
	struct place *p = *state;
	struct pr_journal *j;
	char *text;

	for (int twice = 0; twice < 2; twice++) {
		if (twice == 0)
			put(p, begun, strlen(begun));
		assert_int_equal(pr_journal_open(p->directory, &j), 0);
		assert_false(pr_journal_pending(j));
		pr_journal_close(j);
		text = get(p->file);
		assert_memory_equal(text, begun, strlen(begun));
		assert_string_equal(text + strlen(begun), "end restarted\n");
		free(text);
	}

	put(p, lost, strlen(lost));
	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	pr_journal_close(j);
	text = get(p->file);
	assert_string_equal(text, lost);
	free(text);
}

/* A full disk: the line that did not fit is taken back, the one after it is whole. */
static void test_disk_full(void **state)
{
	static const char whole[] = BEGIN ROSTER STEPS "doing 0\n";
	struct place *p = *state;
	struct rlimit before, small;
	struct pr_journal *j;
	struct stat st;
	char *text;

	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	assert_int_equal(pr_journal_begin(j, a_record()), 0);
	assert_int_equal(pr_journal_doing(j, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	assert_int_equal(stat(p->file, &st), 0);
	small.rlim_cur = (rlim_t)st.st_size + 3;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(pr_journal_done(j, 0), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	text = get_without_boot(p->file);
	assert_string_equal(text, whole);
	free(text);
	assert_int_equal(pr_journal_done(j, 0), 0);
	pr_journal_close(j);
	assert_int_equal(pr_journal_open(p->directory, &j), 0);
	pr_journal_close(j);
}

/* What is damaged is kept under a name of its own, each time another. */
static void test_set_aside(void **state)
{
	struct place *p = *state;
	char name[PR_JOURNAL_NAME_MAX], path[128];
	struct pr_journal *j = NULL;

	for (unsigned int n = 1; n <= 2; n++) {
		put(p, BEGIN "hello\n", strlen(BEGIN "hello\n"));
		assert_int_equal(pr_journal_open(p->directory, &j), -EBADMSG);
		assert_int_equal(pr_journal_set_aside(p->directory, name), 0);
		(void)snprintf(path, sizeof(path), "journal.damaged-%u", n);
		assert_string_equal(name, path);
		assert_int_equal(pr_journal_open(p->directory, &j), 0);
		assert_int_equal(pr_journal_set_aside(p->directory, name), -EBUSY);
		assert_false(pr_journal_pending(j));
		pr_journal_close(j);
	}
	for (unsigned int n = 1; n <= 2; n++) {
		(void)snprintf(path, sizeof(path), "%s/journal.damaged-%u", p->directory, n);
		assert_int_equal(unlink(path), 0);
	}
}

#define PLACED(name, f)                        \
	{                                      \
		name, f, setup, teardown, NULL \
	}

static const struct CMUnitTest fixed[] = {
	{ "a bad line is told by its number in the file", test_error_line, NULL, NULL, NULL },
	{ "NUL bytes are not text", test_nul_bytes, NULL, NULL, NULL },
	PLACED("cut after any byte, what is whole counts", test_torn),
	PLACED("what is written is read back", test_write_and_read),
	PLACED("one process writes at a time", test_one_writer),
	PLACED("the directory is made, for its owner alone", test_makes_directory),
	PLACED("directories above it are made too", test_makes_parents),
	PLACED("the journal of a directory belongs to its owner", test_owner),
	PLACED("a link or a pipe in the journal's place is refused", test_not_a_file_of_ours),
	PLACED("a journal that has grown begins anew", test_grown),
	PLACED("a damaged journal is set aside, and the next begins", test_set_aside),
	PLACED("a line that does not fit on the disk is taken back", test_disk_full),
	PLACED("a machine that was restarted has ended what was begun, and the journal says so",
		test_restarted),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, rows, test_row);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "journal");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guarded slots: which they are, over a restart too, and that each is taken and
 * given back once; and when a card that comes is looked for.  The machine is
 * text; the back end writes down what it is asked to do with the slots.
 */
#include "../unit/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/machine.h"
#include "base/clock.h"
#include "base/io.h"
#include "daemon/guard.h"
#include "daemon/guard-list.h"
#include "daemon/log.h"

#define MACHINE                                                                                 \
	"kernel 6.12.0\nroot 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"                   \
	"00:02.0 bridge 01-01 root-port hotplug mem=80000000-801fffff driver=pcieport slot=7\n" \
	"00:03.0 bridge 02-02 root-port hotplug mem=80200000-803fffff driver=pcieport slot=8\n" \
	"00:04.0 bridge 03-03 root-port mem=80400000-805fffff driver=pcieport\n"
/* The card in the other slot waits for addresses, which any scan would give it under its driver. */
#define WAITING \
	"02:00.0 dev 8086:10d3 bar0=mem:1000@80200000 bar1=mem:1000@unassigned driver=e1000e\n"
#define SEVEN "0000:00:02.0"
#define EIGHT "0000:00:03.0"

/* A guard that never tells what it is waited for is broken: a limit, and no measure. */
#define PATIENCE_USEC (300 * UINT64_C(1000000))

struct bench {
	char state[64];
	sd_event *event;
	struct pr_topology *machine;
	struct pr_world world;
	struct pr_conf conf;
	struct pr_guarding *guarding;
	bool ended;
	/* as children see it that are started from now on */
	bool unreachable;   /* the helper */
	bool card;          /* there is one in slot 7, and it is known once it was looked for */
	const char *beside; /* what else is in the machine */
	unsigned int changes, deaths, came, waits;
};

/* ---- the machine ---- */

static int note(const struct bench *b, const char *what, const struct pr_address *a)
{
	char address[PR_ADDRESS_MAX], line[64], path[80];
	int fd, n;

	pr_address_format(a, address);
	n = snprintf(line, sizeof(line), "%s %s\n", what, address);
	(void)snprintf(path, sizeof(path), "%s/story", b->state);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return fd < 0 || write(fd, line, (size_t)n) != n || close(fd) < 0 ? -EIO : 0;
}

static size_t count(const struct bench *b, const char *line)
{
	char *text = NULL, path[80];
	size_t n, found = 0;

	(void)snprintf(path, sizeof(path), "%s/story", b->state);
	if (pr_read_file_at(AT_FDCWD, path, 1u << 20, &text, &n) < 0)
		return 0;
	for (const char *at = text; (at = strstr(at, line)); at++)
		found++;
	free(text);
	return found;
}

static int hotplug(void *instance, const struct pr_address *a, bool on)
{
	return note(instance, on ? "give" : "take", a);
}

static int rescan(void *instance, const struct pr_address *a)
{
	return note(instance, "scan", a);
}

/* Registers are zeros, but for the Slot Status: presence (PCIe 7.5.3.11). */
static int read_register(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	const struct bench *b = instance;

	(void)width;
	*ret = b->card && a->device == 2 && offset == 0x5a ? 0x40 : 0;
	if (a->bus == 0)
		return 0;
	return b->card && a->bus == 1 && a->function == 0 && count(b, "scan " SEVEN) > 0 ? 0
											 : -ENODEV;
}

static int see(void *userdata, struct pr_topology **ret, struct pr_import_error *error)
{
	const struct bench *b = userdata;
	char text[600];

	(void)error;
	(void)snprintf(text, sizeof(text), "%s%s", MACHINE, b->beside ? b->beside : "");
	*ret = machine_build(text);
	return 0;
}

static const struct pr_backend_ops ops = {
	.hotplug = hotplug, .read = read_register, .rescan = rescan
};

static int backend(void *userdata, const struct pr_looker *looker, struct pr_backend *ret)
{
	const struct bench *b = userdata;

	(void)looker;
	*ret = (struct pr_backend){ .ops = &ops, .instance = userdata };
	return b->unreachable ? -ECONNREFUSED : 0;
}

static void backend_free(void *userdata, struct pr_backend *b)
{
	(void)userdata;
	(void)b;
}

/* ---- the bench ---- */

static void on_changed(void *userdata)
{
	struct bench *b = userdata;

	b->changes++;
}

static void on_ended(void *userdata)
{
	struct bench *b = userdata;

	b->ended = true;
}

static int begin(struct bench *b)
{
	const struct pr_guard_events events = {
		.changed = on_changed, .ended = on_ended, .userdata = b
	};

	b->ended = false;
	return pr_guarding_new(b->event, &b->world, b->state, &events, &b->guarding);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	sigset_t mask;

	assert_non_null(b);
	(void)snprintf(b->state, sizeof(b->state), "/tmp/pciroom-guarding-XXXXXX");
	assert_non_null(mkdtemp(b->state));
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD);
	assert_int_equal(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
	assert_true(sd_event_new(&b->event) >= 0);
	b->machine = machine_build(MACHINE);
	b->world = (struct pr_world){
		.look = see, .backend = backend, .backend_free = backend_free, .userdata = b
	};
	pr_conf_init(&b->conf);
	assert_int_equal(begin(b), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	static const char *const left[] = { "story", "guarded", "journal", "journal.old" };
	struct bench *b = *state;
	char path[80];

	pr_guarding_free(b->guarding);
	sd_event_unref(b->event);
	pr_topology_free(b->machine);
	pr_conf_deinit(&b->conf);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", b->state, left[i]);
		(void)unlink(path); /* not every test has each */
	}
	assert_int_equal(rmdir(b->state), 0);
	free(b);
	return 0;
}

static const struct pr_function *port(const struct bench *b, const char *address)
{
	return machine_function(b->machine, address);
}

static void look(struct bench *b)
{
	pr_guarding_looked(b->guarding, b->machine, &b->conf);
}

static void turn(struct bench *b, uint64_t until, const char *awaited)
{
	assert_true(sd_event_run(b->event, 50000) >= 0);
	if (pr_now_usec() > until)
		fail_msg("it never came to: %s", awaited);
}

/* Turns the loop until it is in the story @n times; a child says it within a second or two on an idle machine. */
static void wait_for(struct bench *b, const char *line, size_t n)
{
	const uint64_t until = pr_now_usec() + PATIENCE_USEC;

	while (count(b, line) < n)
		turn(b, until, line);
}

/* Until it is logged. */
static void wait_told(struct bench *b, const unsigned int *told, const char *what)
{
	const uint64_t until = pr_now_usec() + PATIENCE_USEC;

	while (*told == 0)
		turn(b, until, what);
}

static void stop(struct bench *b)
{
	assert_true(pr_guarding_stop(b->guarding));
	while (!b->ended)
		assert_true(sd_event_run(b->event, UINT64_MAX) >= 0);
}

static void assert_guarded(const struct bench *b, const char *path)
{
	size_t n;
	const char *const *names = pr_guarding_list(b->guarding, &n);

	assert_int_equal(n, path ? 1 : 0);
	if (path)
		assert_string_equal(names[0], path);
}

/* ---- tests ---- */

static void test_lease(void **state)
{
	struct bench *b = *state;

	look(b);
	assert_guarded(b, NULL);
	assert_int_equal(pr_guarding_add(b->guarding, port(b, SEVEN)), 0);
	assert_int_equal(pr_guarding_add(b->guarding, port(b, SEVEN)), 0);
	look(b);
	assert_guarded(b, "0000:00/02.0");
	wait_for(b, "take " SEVEN, 1);
	stop(b);
	assert_int_equal(count(b, "give " SEVEN), 1);
	assert_int_equal(b->changes, 2);

	/* another service finds the lease */
	pr_guarding_free(b->guarding);
	assert_int_equal(begin(b), 0);
	look(b);
	assert_guarded(b, "0000:00/02.0");
	assert_int_equal(pr_guarding_remove(b->guarding, port(b, SEVEN)), 0);
	look(b);
	assert_guarded(b, NULL);
	wait_for(b, "give " SEVEN, 2);
	assert_int_equal(count(b, EIGHT), 0);
}

static void on_log(void *userdata, enum pr_event event, int priority, const struct pr_log_fields *f,
	const char *text)
{
	struct bench *b = userdata;

	(void)event;
	(void)priority;
	(void)f;
	b->deaths += strstr(text, "the process that did it ended") != NULL;
	b->came += strstr(text, SEVEN ": a card came") != NULL;
	b->waits += strstr(text, "looking for it would change 0000:02:00.0") != NULL;
}

/* What a child could not give back, another one does. */
static void test_unreachable(void **state)
{
	struct bench *b = *state;

	pr_log_set_sink(on_log, b);
	assert_int_equal(pr_guarding_add(b->guarding, port(b, SEVEN)), 0);
	look(b);
	wait_for(b, "take " SEVEN, 1);
	b->unreachable = true;
	assert_int_equal(pr_guarding_remove(b->guarding, port(b, SEVEN)), 0);
	look(b);
	wait_told(b, &b->deaths, "the child ended");
	assert_int_equal(count(b, "give"), 0);
	b->unreachable = false;
	look(b);
	wait_for(b, "give " SEVEN, 1);
	stop(b);
	assert_int_equal(count(b, "give"), 1);
	pr_log_set_sink(NULL, NULL);
}

static void test_card_comes(void **state)
{
	struct bench *b = *state;

	pr_log_set_sink(on_log, b);
	b->card = true;
	assert_int_equal(pr_guarding_add(b->guarding, port(b, SEVEN)), 0);
	look(b);
	wait_told(b, &b->came, "a card came");
	stop(b);
	assert_int_equal(count(b, "scan"), 1);
	pr_log_set_sink(NULL, NULL);
}

/* A scan is for everybody: nobody's addresses are changed under his driver for a card that came. */
static void test_card_waits(void **state)
{
	struct bench *b = *state;

	pr_log_set_sink(on_log, b);
	b->card = true;
	b->beside = WAITING;
	assert_int_equal(pr_guarding_add(b->guarding, port(b, SEVEN)), 0);
	look(b);
	wait_told(b, &b->waits, "a card waits");
	wait_for(b, "take " SEVEN, 3); /* each look begins with that */
	stop(b);
	assert_int_equal(b->waits, 1);
	assert_int_equal(count(b, "scan"), 0);
	pr_log_set_sink(NULL, NULL);
}

static void test_rule(void **state)
{
	static const char text[] = "rules: [{ match: { slot: '8' }, guard: yes }]\n";
	struct bench *b = *state;
	struct pr_conf_error error;

	assert_int_equal(pr_conf_parse(&b->conf, "f.yaml", text, strlen(text), &error), 0);
	look(b);
	assert_guarded(b, "0000:00/03.0");
	wait_for(b, "take " EIGHT, 1);
	assert_int_equal(pr_guarding_remove(b->guarding, port(b, EIGHT)), -ENOENT);
	pr_conf_deinit(&b->conf);
	pr_conf_init(&b->conf);
	look(b);
	wait_for(b, "give " EIGHT, 1);
	assert_int_equal(count(b, SEVEN), 0);
}

static void test_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(pr_guarding_add(b->guarding, port(b, "0000:00:04.0")), -EOPNOTSUPP);
	assert_int_equal(pr_guarding_remove(b->guarding, port(b, SEVEN)), -ENOENT);
	look(b);
	assert_guarded(b, NULL);
	assert_false(pr_guarding_stop(b->guarding));
}

static void test_unwritable(void **state)
{
	struct bench *b = *state;
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/guarded.new", b->state);
	assert_int_equal(mkdir(path, 0700), 0); /* in the way, for root too */
	assert_int_equal(pr_guarding_add(b->guarding, port(b, SEVEN)), -EISDIR);
	look(b);
	assert_guarded(b, NULL);
	assert_int_equal(rmdir(path), 0);
}

static void test_damaged(void **state)
{
	static const char *const texts[] = { "0000:00/02.0", "0000:00/02.0\n\n", "a\0b\n" };
	static const size_t sizes[] = { 12, 14, 4 };
	struct bench *b = *state;
	struct pr_guard_list l;
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/guarded", b->state);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(pr_write_all(fd, texts[i], sizes[i]), 0);
		assert_int_equal(close(fd), 0);
		assert_int_equal(pr_guard_list_read(b->state, &l), -EBADMSG);
	}
}

int main(void)
{
	static const struct CMUnitTest list[] = {
		cmocka_unit_test_setup_teardown(test_lease, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_card_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_card_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};
	struct rows tests = { 0 };

	ADD_TESTS(&tests, list);

	return rows_run(&tests, "guarding");
}

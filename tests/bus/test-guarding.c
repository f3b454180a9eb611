/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guarded slots: which they are, over a restart too, and that each is taken and
 * given back once.  The machine is text; the back end writes down what it is
 * asked to do with the slots, all of them empty.
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
#include "base/io.h"
#include "daemon/guard.h"
#include "daemon/guard-list.h"

#define MACHINE                                                                                 \
	"kernel 6.12.0\nroot 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"                   \
	"00:02.0 bridge 01-01 root-port hotplug mem=80000000-801fffff driver=pcieport slot=7\n" \
	"00:03.0 bridge 02-02 root-port hotplug mem=80200000-803fffff driver=pcieport slot=8\n" \
	"00:04.0 bridge 03-03 root-port mem=80400000-805fffff driver=pcieport\n"
#define SEVEN "0000:00:02.0"
#define EIGHT "0000:00:03.0"

struct bench {
	char state[64];
	sd_event *event;
	struct pr_topology *machine;
	struct pr_world world;
	struct pr_conf conf;
	struct pr_guarding *guarding;
	bool ended;
	unsigned int changes;
};

/* ---- the machine ---- */

static int note(void *instance, const struct pr_address *a, bool on)
{
	const struct bench *b = instance;
	char address[PR_ADDRESS_MAX], line[64], path[80];
	int fd, n;

	pr_address_format(a, address);
	n = snprintf(line, sizeof(line), "%s %s\n", on ? "give" : "take", address);
	(void)snprintf(path, sizeof(path), "%s/story", b->state);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return fd < 0 || write(fd, line, (size_t)n) != n || close(fd) < 0 ? -EIO : 0;
}

static int read_nothing(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	(void)instance;
	(void)offset;
	(void)width;
	*ret = 0;
	return a->bus == 0 ? 0 : -ENODEV;
}

static const struct pr_backend_ops ops = { .hotplug = note, .read = read_nothing };

static int backend(void *userdata, const struct pr_looker *looker, struct pr_backend *ret)
{
	(void)looker;
	*ret = (struct pr_backend){ .ops = &ops, .instance = userdata };
	return 0;
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
		.backend = backend, .backend_free = backend_free, .userdata = b
	};
	pr_conf_init(&b->conf);
	assert_int_equal(begin(b), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char path[80];

	pr_guarding_free(b->guarding);
	sd_event_unref(b->event);
	pr_topology_free(b->machine);
	pr_conf_deinit(&b->conf);
	(void)snprintf(path, sizeof(path), "%s/story", b->state);
	(void)unlink(path); /* not every test has one */
	(void)snprintf(path, sizeof(path), "%s/guarded", b->state);
	(void)unlink(path);
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

/* Turns the loop until it is in the story; a child says it within a second or two. */
static void wait_for(struct bench *b, const char *line)
{
	for (unsigned int i = 0; i < 600 && count(b, line) == 0; i++)
		assert_true(sd_event_run(b->event, 50000) >= 0);
	if (count(b, line) == 0)
		fail_msg("%s never came", line);
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
	wait_for(b, "take " SEVEN);
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
	while (count(b, "give " SEVEN) < 2)
		assert_true(sd_event_run(b->event, 50000) >= 0);
	assert_int_equal(count(b, EIGHT), 0);
}

static void test_rule(void **state)
{
	static const char text[] = "rules: [{ match: { slot: '8' }, guard: yes }]\n";
	struct bench *b = *state;
	struct pr_conf_error error;

	assert_int_equal(pr_conf_parse(&b->conf, "f.yaml", text, strlen(text), &error), 0);
	look(b);
	assert_guarded(b, "0000:00/03.0");
	wait_for(b, "take " EIGHT);
	assert_int_equal(pr_guarding_remove(b->guarding, port(b, EIGHT)), -ENOENT);
	pr_conf_deinit(&b->conf);
	pr_conf_init(&b->conf);
	look(b);
	wait_for(b, "give " EIGHT);
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
		cmocka_unit_test_setup_teardown(test_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};
	struct rows tests = { 0 };

	ADD_TESTS(&tests, list);

	return rows_run(&tests, "guarding");
}

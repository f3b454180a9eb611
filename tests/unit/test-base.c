/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Base: hexadecimal, numbers, sizes, growing text, JSON, files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/hex.h"
#include "base/io.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/text.h"
#include "base/utf8.h"
#include "rows.h"

static const struct hex_case {
	const char *name, *text;
	size_t max;
	int result;
	size_t n;
	uint8_t bytes[4];
} hex_cases[] = {
	{ "hex: empty text is no bytes", "", 4, 0, 0, { 0 } },
	{ "hex: both cases", "00fFAb", 4, 0, 3, { 0x00, 0xff, 0xab } },
	{ "hex: exactly as many as fit", "0102", 2, 0, 2, { 1, 2 } },
	{ "hex: one byte too many", "010203", 2, -ENOSPC, 0, { 0 } },
	{ "hex: odd number of digits", "012", 4, -EINVAL, 0, { 0 } },
	{ "hex: not a digit", "0g", 4, -EINVAL, 0, { 0 } },
	{ "hex: a space is not a digit", "0 ", 4, -EINVAL, 0, { 0 } },
};

static void test_hex(void **state)
{
	const struct hex_case *c = *state;
	uint8_t bytes[4] = { 0 };
	char back[9];
	size_t n = 99;

	assert_int_equal(pr_hex_decode(c->text, strlen(c->text), bytes, c->max, &n), c->result);
	if (c->result < 0) {
		assert_int_equal(n, 99);
		return;
	}
	assert_int_equal(n, c->n);
	assert_memory_equal(bytes, c->bytes, n);
	pr_hex_encode(bytes, n, back);
	assert_int_equal(strcasecmp(back, c->text), 0);
}

static const struct number_case {
	const char *name, *text;
	int base, result;
	uint64_t value;
} number_cases[] = {
	{ "number: hexadecimal by prefix", "0xff", 0, 0, 255 },
	{ "number: decimal", "42", 0, 0, 42 },
	{ "number: hexadecimal by base", "fe400000", 16, 0, 0xfe400000 },
	{ "number: the largest", "ffffffffffffffff", 16, 0, UINT64_MAX },
	{ "number: one more than the largest", "18446744073709551616", 10, -ERANGE, 0 },
	{ "number: nothing", "", 0, -EINVAL, 0 },
	{ "number: sign", "-1", 0, -EINVAL, 0 },
	{ "number: leading space", " 1", 0, -EINVAL, 0 },
	{ "number: trailing text", "1x", 0, -EINVAL, 0 },
};

static void test_number(void **state)
{
	const struct number_case *c = *state;
	uint64_t value = 0;

	assert_int_equal(pr_parse_u64(c->text, c->base, &value), c->result);
	assert_int_equal(value, c->value);
}

static const struct number_case given_cases[] = {
	{ "given size: bytes", "4096", 0, 0, 4096 },
	{ "given size: hexadecimal", "0x1000", 0, 0, 4096 },
	{ "given size: a digit of hexadecimal is no unit", "0x1E", 0, 0, 30 },
	{ "given size: a unit", "64M", 0, 0, 64u << 20 },
	{ "given size: the largest", "8E", 0, 0, UINT64_C(1) << 63 },
	{ "given size: one more than the largest", "16E", 0, -ERANGE, 0 },
	{ "given size: nothing", "0", 0, -EINVAL, 0 },
	{ "given size: nothing of something", "0M", 0, -EINVAL, 0 },
	{ "given size: a unit alone", "M", 0, -EINVAL, 0 },
	{ "given size: two units", "1GM", 0, -EINVAL, 0 },
	{ "given size: a fraction", "1.5G", 0, -EINVAL, 0 },
	{ "given size: more digits than any", "0000000000000000000000064M", 0, -EINVAL, 0 },
};

static void test_given(void **state)
{
	const struct number_case *c = *state;
	uint64_t value = 0;

	assert_int_equal(pr_parse_size(c->text, &value), c->result);
	assert_int_equal(value, c->value);
}

static const struct size_case {
	const char *name;
	uint64_t bytes;
	const char *text;
} size_cases[] = {
	{ "size: zero", 0, "0 B" },
	{ "size: last byte below a KiB", 1023, "1023 B" },
	{ "size: a KiB", 1024, "1 KiB" },
	{ "size: 256 MiB", 256u << 20, "256 MiB" },
	{ "size: half a unit", 3u << 29, "1.5 GiB" },
	{ "size: rounded down, never up", (1u << 30) - 1, "1023.9 MiB" },
	{ "size: the whole space but one byte", UINT64_MAX, "15.9 EiB" },
};

static void test_size(void **state)
{
	const struct size_case *c = *state;
	char text[PR_SIZE_TEXT_MAX];

	assert_string_equal(pr_size_format(c->bytes, text), c->text);
}

static const struct json_case {
	const char *name, *value, *text;
} json_cases[] = {
	{ "json: plain text", "abc", "[\n  \"abc\"\n]\n" },
	{ "json: quote and backslash", "a\"\\", "[\n  \"a\\\"\\\\\"\n]\n" },
	{ "json: control characters", "\n\x01", "[\n  \"\\u000a\\u0001\"\n]\n" },
	{ "json: UTF-8 passes", "\xc3\xa9", "[\n  \"\xc3\xa9\"\n]\n" },
	{ "json: a byte that is not UTF-8 is replaced", "a\xff", "[\n  \"a\\ufffd\"\n]\n" },
	{ "json: a sequence cut short is replaced", "\xe2\x82", "[\n  \"\\ufffd\\ufffd\"\n]\n" },
	{ "json: an overlong form is replaced", "\xe0\x80\x80",
		"[\n  \"\\ufffd\\ufffd\\ufffd\"\n]\n" },
	{ "json: no string is null", NULL, "[\n  null\n]\n" },
};

static void test_json_string(void **state)
{
	const struct json_case *c = *state;
	_cleanup_(pr_text_deinit) struct pr_text out = { 0 };
	struct pr_json j;

	pr_json_init(&j, &out);
	pr_json_array(&j, NULL);
	pr_json_string(&j, NULL, c->value);
	pr_json_array_end(&j);
	assert_string_equal(out.data, c->text);
}

static void test_json_nesting(void **state)
{
	_cleanup_(pr_text_deinit) struct pr_text out = { 0 };
	struct pr_json j;

	(void)state;
	pr_json_init(&j, &out);
	pr_json_object(&j, NULL);
	pr_json_array(&j, "empty");
	pr_json_array_end(&j);
	pr_json_object(&j, "o");
	pr_json_hex(&j, "h", 0x10000000);
	pr_json_bool(&j, "b", true);
	pr_json_int(&j, "i", -1);
	pr_json_object_end(&j);
	pr_json_u64(&j, "u", UINT64_MAX);
	pr_json_object_end(&j);
	assert_string_equal(out.data,
		"{\n  \"empty\": [],\n  \"o\": {\n    \"h\": \"0x10000000\",\n"
		"    \"b\": true,\n    \"i\": -1\n  },\n"
		"  \"u\": 18446744073709551615\n}\n");
}

static void test_json_line(void **state)
{
	_cleanup_(pr_text_deinit) struct pr_text out = { 0 };
	struct pr_json j;

	(void)state;
	pr_json_init_line(&j, &out);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "s", "a\nb");
	pr_json_array(&j, "a");
	pr_json_u64(&j, NULL, 1);
	pr_json_u64(&j, NULL, 2);
	pr_json_array_end(&j);
	pr_json_object_end(&j);
	assert_string_equal(out.data, "{\"s\": \"a\\u000ab\", \"a\": [1, 2]}\n");
}

static void test_utf8_mended(void **state)
{
	static const struct {
		const char *text, *mended;
	} rows[] = {
		{ "", "" },
		{ "Gr\xc3\xb6\xc3\x9f"
		  "e",
			"Gr\xc3\xb6\xc3\x9f"
			"e" },
		{ "cut \xe2\x82", "cut ??" },
		{ "\xff\xc3\xb6\xc0\x80", "?\xc3\xb6??" },
	};
	char text[24];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(text, sizeof(text), "%s", rows[i].text);
		pr_utf8_mend(text);
		assert_string_equal(text, rows[i].mended);
	}
}

static void test_text_grows(void **state)
{
	_cleanup_(pr_text_deinit) struct pr_text t = { 0 };
	_cleanup_free_ char *taken = NULL;
	size_t length;

	(void)state;
	for (int i = 0; i < 1000; i++)
		pr_text_printf(&t, "%03d,", i);
	assert_int_equal(pr_text_take(&t, &taken, &length), 0);
	assert_int_equal(length, 4000);
	assert_int_equal(strncmp(taken + 3992, "998,999,", 8), 0);
	assert_null(t.data);
}

static void test_text_taken_empty(void **state)
{
	struct pr_text t = { 0 };
	_cleanup_free_ char *taken = NULL;

	(void)state;
	assert_int_equal(pr_text_take(&t, &taken, NULL), 0);
	assert_string_equal(taken, "");
}

static void test_files(void **state)
{
	char directory[] = "/tmp/pciroom-base-XXXXXX";
	_cleanup_free_ char *data = NULL, *line = NULL, *base = NULL;
	_cleanup_close_ int dirfd = -1, fd = -1;
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(directory));
	dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	fd = openat(dirfd, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, "one\ntwo\n", 8), 0);

	assert_int_equal(pr_read_file_at(dirfd, "a", 8, &data, &n), 0);
	assert_int_equal(n, 8);
	assert_string_equal(data, "one\ntwo\n");
	assert_int_equal(pr_read_file_at(dirfd, "a", 7, &base, NULL), -EFBIG);
	assert_int_equal(pr_read_line_at(dirfd, "a", &line), 0);
	assert_string_equal(line, "one");
	assert_int_equal(pr_read_line_at(dirfd, "b", &base), -ENOENT);
	assert_int_equal(pr_write_file_at(dirfd, "b", "1"), -ENOENT);
	assert_int_equal(pr_write_file_at(dirfd, "a", "1"), 0);

	assert_int_equal(symlinkat("../x/e1000e", dirfd, "driver"), 0);
	assert_int_equal(pr_readlink_base_at(dirfd, "driver", &base), 0);
	assert_string_equal(base, "e1000e");
	assert_int_equal(pr_readlink_base_at(dirfd, "a", &line), -ENOENT);

	assert_int_equal(unlinkat(dirfd, "a", 0) | unlinkat(dirfd, "driver", 0), 0);
	assert_int_equal(rmdir(directory), 0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* In a child, since the test's own descriptors are among the others. */
static void test_close_others(void **state)
{
	int fds[5], status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		int first = open("/dev/null", O_RDONLY | O_CLOEXEC), keep[3];

		for (int i = 0; i < 5; i++)
			fds[i] = fcntl(first, F_DUPFD_CLOEXEC, 20 + 2 * i);
		keep[0] = fds[3];
		keep[1] = -1;
		keep[2] = fds[1];
		pr_close_others((unsigned int)fds[0] + 1, keep, 3);
		_exit(is_open(first) && is_open(fds[0]) && is_open(fds[1]) && !is_open(fds[2]) &&
					is_open(fds[3]) && !is_open(fds[4])
				? 0
				: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, hex_cases, test_hex);
	ADD_ROWS(&tests, number_cases, test_number);
	ADD_ROWS(&tests, given_cases, test_given);
	ADD_ROWS(&tests, size_cases, test_size);
	ADD_ROWS(&tests, json_cases, test_json_string);
	rows_add(&tests, "json: objects, arrays and numbers nest", test_json_nesting, NULL);
	rows_add(&tests, "json: all on one line", test_json_line, NULL);
	rows_add(&tests, "utf8: what is no character is replaced", test_utf8_mended, NULL);
	rows_add(&tests, "text: grows over many additions", test_text_grows, NULL);
	rows_add(&tests, "text: empty text can be taken", test_text_taken_empty, NULL);
	rows_add(&tests, "files: read, limit, first line, link, write", test_files, NULL);
	rows_add(&tests, "descriptors: all others are closed, those below stay", test_close_others,
		NULL);

	return rows_run(&tests, "base");
}

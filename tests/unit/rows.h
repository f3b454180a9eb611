/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From tables to cmocka tests: a row a test, under the row's name, in the order
 * of adding.  Brings cmocka.h and the four headers that it wants before it.
 * Must not include src/base: the tests of the pure layers do without.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* To the letter as in base/macros.h: a test may include both. */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ROWS_MAX 128

struct rows {
	struct CMUnitTest tests[ROWS_MAX];
	size_t n;
};

/* One row too many ends the program: a test that is left out must not pass. */
static inline void rows_append(struct rows *rows, const struct CMUnitTest *test)
{
	if (rows->n == ROWS_MAX) {
		(void)fprintf(stderr, "%s: more than %d tests\n", test->name, ROWS_MAX);
		abort();
	}
	rows->tests[rows->n++] = *test;
}

/* @function finds @row as its *state; it must not write to it. */
static inline void rows_add(
	struct rows *rows, const char *name, CMUnitTestFunction function, const void *row)
{
	rows_append(rows, &(struct CMUnitTest){ .name = name,
				  .test_func = function,
				  .initial_state = (void *)(uintptr_t)row });
}

/* Each row of an array of structs that have a name. */
#define ADD_ROWS(rows, table, function)                                                       \
	do                                                                                    \
		for (size_t rows_i = 0; rows_i < ARRAY_SIZE(table); rows_i++)                 \
			rows_add((rows), (table)[rows_i].name, (function), &(table)[rows_i]); \
	while (0)

/* One test, under the name of its function. */
#define ADD_TEST(rows, function) rows_add((rows), #function, (function), NULL)

/* An array of struct CMUnitTest, for what has a setup. */
#define ADD_TESTS(rows, array)                                                \
	do                                                                    \
		for (size_t rows_i = 0; rows_i < ARRAY_SIZE(array); rows_i++) \
			rows_append((rows), &(array)[rows_i]);                \
	while (0)

/* The last thing main does: its exit status. */
static inline int rows_run(const struct rows *rows, const char *group)
{
	return _cmocka_run_group_tests(group, rows->tests, rows->n, NULL, NULL);
}

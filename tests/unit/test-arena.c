/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pciroom/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int new_arena(void **state)
{
	*state = pr_arena_new();
	return *state ? 0 : -1;
}

static int free_arena(void **state)
{
	pr_arena_free(*state);
	return 0;
}

static void objects_are_zeroed_aligned_and_apart(void **state)
{
	unsigned char *last = NULL, *p;

	for (size_t size = 0; size < 2000; size++) {
		p = pr_arena_alloc(*state, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, size);
		if (last)
			assert_ptr_not_equal(last, p);
		last = p;
	}
}

static void an_object_larger_than_a_chunk(void **state)
{
	const size_t size = (size_t)40 * 1024 * 1024;
	unsigned char *large = pr_arena_alloc(*state, size), *small = pr_arena_alloc(*state, 8);

	assert_non_null(large);
	assert_non_null(small);
	assert_int_equal(large[0], 0);
	assert_int_equal(large[size - 1], 0);
	assert_true(pr_arena_used(*state) >= size);
}

static void sizes_that_overflow_give_null(void **state)
{
	assert_null(pr_arena_alloc(*state, SIZE_MAX));
	assert_null(pr_arena_alloc(*state, SIZE_MAX - 8));
	assert_null(pr_arena_alloc_array(*state, SIZE_MAX / 2, 3));
	assert_non_null(pr_arena_alloc(*state, 1)); /* and the arena still works */
}

static void nothing_is_a_valid_pointer(void **state)
{
	assert_non_null(pr_arena_alloc(*state, 0));
	assert_non_null(pr_arena_alloc_array(*state, 0, 24));
	assert_non_null(pr_arena_memdup(*state, "", 0));
}

static void strings_are_copies(void **state)
{
	char text[] = "0000:02:00.0";
	char *copy = pr_arena_strdup(*state, text);

	text[0] = 'x';
	assert_string_equal(copy, "0000:02:00.0");
	assert_null(pr_arena_strdup(*state, NULL));
}

static void printf_measures_first(void **state)
{
	char long_text[5000];
	char *text;

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	text = pr_arena_printf(*state, "%s:%d", long_text, 7);
	assert_non_null(text);
	assert_int_equal(strlen(text), sizeof(long_text) - 1 + 2);
	assert_string_equal(text + sizeof(long_text) - 1, ":7");
}

static void freeing_null_is_fine(void **state)
{
	(void)state;
	pr_arena_free(NULL);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, new_arena, free_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(objects_are_zeroed_aligned_and_apart),
		ROW(an_object_larger_than_a_chunk),
		ROW(sizes_that_overflow_give_null),
		ROW(nothing_is_a_valid_pointer),
		ROW(strings_are_copies),
		ROW(printf_measures_first),
		cmocka_unit_test(freeing_null_is_fine),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}

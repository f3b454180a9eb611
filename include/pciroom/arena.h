/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arena: allocate freely, free the phase at once.  One topology or one plan
 * is one arena.  Memory comes zeroed.  Built with PR_ARENA_DEBUG (sanitizer
 * builds) every object is its own malloc, so that ASan sees its bounds.
 */
#pragma once

#include <stddef.h>

struct pr_arena;

/* NULL when memory is short. */
struct pr_arena *pr_arena_new(void);
/* Frees everything allocated from it.  NULL is fine. */
void pr_arena_free(struct pr_arena *arena);

/*
 * Zeroed memory aligned for any object; NULL when memory is short or @size overflows.  Size 0
 * gives a valid pointer.
 */
void *pr_arena_alloc(struct pr_arena *arena, size_t size);
void *pr_arena_alloc_array(struct pr_arena *arena, size_t n, size_t size);
void *pr_arena_memdup(struct pr_arena *arena, const void *data, size_t size);
/* NULL for NULL too: the caller who cares checks @s first. */
char *pr_arena_strdup(struct pr_arena *arena, const char *s);
char *pr_arena_printf(struct pr_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes handed out so far, for benchmarks and limits. */
size_t pr_arena_used(const struct pr_arena *arena);

#define pr_new(arena, type)          ((type *)pr_arena_alloc((arena), sizeof(type)))
#define pr_new_array(arena, n, type) ((type *)pr_arena_alloc_array((arena), (n), sizeof(type)))

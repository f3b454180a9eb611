/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bump allocator in chunks.  In PR_ARENA_DEBUG builds each object is a chunk
 * of its own, so that AddressSanitizer sees where it ends.
 */
#include "pciroom/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK   ((size_t)64 * 1024)
#define LARGEST_CHUNK ((size_t)8 * 1024 * 1024)

struct chunk {
	struct chunk *next;
	alignas(max_align_t) unsigned char data[];
};

struct pr_arena {
	struct chunk *chunks; /* the newest first; only it has room */
	size_t capacity, filled;
	size_t next_chunk;
	size_t used;
};

struct pr_arena *pr_arena_new(void)
{
	struct pr_arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->next_chunk = FIRST_CHUNK;
	return arena;
}

void pr_arena_free(struct pr_arena *arena)
{
	struct chunk *next;

	if (!arena)
		return;

	for (struct chunk *c = arena->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(arena);
}

static void *add_chunk(struct pr_arena *arena, size_t capacity)
{
	struct chunk *c;

	if (capacity > SIZE_MAX - sizeof(*c))
		return NULL;
	c = calloc(1, sizeof(*c) + capacity);
	if (!c)
		return NULL;

	c->next = arena->chunks;
	arena->chunks = c;
	return c->data;
}

#ifdef PR_ARENA_DEBUG

void *pr_arena_alloc(struct pr_arena *arena, size_t size)
{
	void *data = add_chunk(arena, size);

	if (data)
		arena->used += size;
	return data;
}

#else

static bool grow(struct pr_arena *arena, size_t size)
{
	size_t capacity = size > arena->next_chunk ? size : arena->next_chunk;

	if (!add_chunk(arena, capacity))
		return false;

	arena->capacity = capacity;
	arena->filled = 0;
	if (arena->next_chunk < LARGEST_CHUNK)
		arena->next_chunk *= 2;
	return true;
}

void *pr_arena_alloc(struct pr_arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	void *data;

	if (size > SIZE_MAX - align)
		return NULL;
	size = size == 0 ? align : (size + align - 1) & ~(align - 1);

	if (arena->capacity - arena->filled < size && !grow(arena, size))
		return NULL;

	data = arena->chunks->data + arena->filled;
	arena->filled += size;
	arena->used += size;
	return data;
}

#endif

void *pr_arena_alloc_array(struct pr_arena *arena, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return pr_arena_alloc(arena, bytes);
}

void *pr_arena_memdup(struct pr_arena *arena, const void *data, size_t size)
{
	void *copy = pr_arena_alloc(arena, size);

	if (copy && size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *pr_arena_strdup(struct pr_arena *arena, const char *s)
{
	return s ? pr_arena_memdup(arena, s, strlen(s) + 1) : NULL;
}

char *pr_arena_printf(struct pr_arena *arena, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return NULL;

	text = pr_arena_alloc(arena, (size_t)n + 1);
	if (!text)
		return NULL;

	va_start(ap, format);
	(void)vsnprintf(text, (size_t)n + 1, format, ap); /* cannot fail: it was measured */
	va_end(ap);
	return text;
}

size_t pr_arena_used(const struct pr_arena *arena)
{
	return arena->used;
}

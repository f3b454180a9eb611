/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small macros of the outer layers: array length, and cleanup when a scope is left. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void pr_freep(void *p)
{
	free(*(void **)p);
}

/* The number may be another file's as soon as it is free: it is forgotten. */
static inline void pr_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing can be done about it here */
	*fd = -1;
}

#define _cleanup_free_  _cleanup_(pr_freep)
#define _cleanup_close_ _cleanup_(pr_closep)

/* Hands a pointer on and disarms its cleanup. */
#define pr_take(p)                            \
	({                                    \
		__typeof__(p) pr_taken = (p); \
		(p) = NULL;                   \
		pr_taken;                     \
	})

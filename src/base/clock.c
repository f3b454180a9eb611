/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"

#include <time.h>

static uint64_t read_usec(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail for a clock that every kernel has */
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

int64_t pr_now_ms(void)
{
	return (int64_t)(pr_now_usec() / 1000u);
}

uint64_t pr_now_usec(void)
{
	return read_usec(CLOCK_MONOTONIC);
}

uint64_t pr_boot_usec(void)
{
	return read_usec(CLOCK_BOOTTIME);
}

void pr_pause_ms(unsigned int milliseconds)
{
	const struct timespec t = {
		.tv_sec = milliseconds / 1000u,
		.tv_nsec = (long)(milliseconds % 1000u) * 1000000,
	};

	(void)nanosleep(&t, NULL); /* woken early, the caller looks again early */
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What time it is, for deadlines and for ages, and waiting for some of it.  None of these can fail. */
#pragma once

#include <stdint.h>

/* CLOCK_MONOTONIC: stands still while the machine sleeps. */
int64_t pr_now_ms(void);
uint64_t pr_now_usec(void);
/* CLOCK_BOOTTIME: for what a person waits for, asleep or not.  Free of locks, for signal handlers. */
uint64_t pr_boot_usec(void);

/* Sleeps that long, or until a signal: for those who look again then. */
void pr_pause_ms(unsigned int milliseconds);

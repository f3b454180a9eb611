/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks for a password: on a terminal without a desktop, pkttyagent(1) does,
 * for as long as it is open.
 */
#pragma once

#include <sys/types.h>

struct pr_agent {
	pid_t pid; /* 0: none runs, because nobody is there to be asked, or there is no pkttyagent */
};

/* Starts it, and waits until it is ready to be asked. */
void pr_agent_open(struct pr_agent *a);
void pr_agent_close(struct pr_agent *a);

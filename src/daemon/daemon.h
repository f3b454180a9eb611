/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciroomd itself: options, the loop, and what connects service, children, hot-plug and bus. */
#pragma once

/* The whole program; returns its exit status. */
int pr_daemon_main(int argc, char *argv[]);

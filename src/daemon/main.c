/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

int main(int argc, char *argv[])
{
	return pr_daemon_main(argc, argv);
}

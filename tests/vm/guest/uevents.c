/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes each kernel uevent as "ACTION@DEVPATH" to standard output, as it comes; linked statically. */
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	int size = 16 << 20;
	static char buffer[65536];

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("uevents");
		return EXIT_FAILURE;
	}

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer) - 1, 0);

		if (n <= 0)
			return EXIT_FAILURE;
		buffer[n] = '\0';
		/* the first string of a kernel uevent is ACTION@DEVPATH */
		printf("%s\n", buffer);
		fflush(stdout);
	}
}

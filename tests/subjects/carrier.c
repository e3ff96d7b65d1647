/* SPDX-License-Identifier: Apache-2.0 */
/* libcarrier: looks a variable up, opens a file, contacts a peer. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "carrier.h"

static int carrier_contact(const char *peer, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char address[64] = "";
	unsigned port = 0;
	int fd, error;

	if (sscanf(peer, "%63[^:]:%u", address, &port) != 2 ||
	    inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -EINVAL;
	to.sin_port = htons((unsigned short)port);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = type == SOCK_STREAM ? connect(fd, (struct sockaddr *)&to, sizeof(to))
				    : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0;
	error = error ? -errno : 0;
	close(fd);
	return error;
}

int carrier_do(const char *what, const char *object)
{
	int fd;

	if (!strcmp(what, "look"))
		return getenv(object) ? 0 : -ENOENT;
	if (!strcmp(what, "connect"))
		return carrier_contact(object, SOCK_STREAM);
	if (!strcmp(what, "send"))
		return carrier_contact(object, SOCK_DGRAM);
	if (strcmp(what, "open"))
		return -EINVAL;
	fd = open(object, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* open FILE, connect PORT, unlink FILE: by a syscall instruction of our own. */
#include <stdlib.h>

#include "evade.h"

int evade(int argc, char **argv)
{
	struct sockaddr_in address;
	long fd;

	if (argc != 2)
		return 2;
	if (!strcmp(argv[0], "unlink"))
		return raw3(SYS_unlink, (long)argv[1], 0, 0) < 0;
	if (!strcmp(argv[0], "open")) {
		fd = raw3(SYS_open, (long)argv[1], O_RDONLY | O_CLOEXEC, 0);
	} else {
		address = loopback((uint16_t)atoi(argv[1]));
		fd = raw3(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && raw3(SYS_connect, fd, (long)&address, sizeof(address)) < 0)
			return 3;
	}
	if (fd < 0)
		return 1;
	raw3(SYS_close, fd, 0, 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* open FILE, connect PORT: built with musl's open, socket and connect inside the library. */
#include "evade.h"

static int number(const char *text)
{
	int value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (*text++ - '0');
	return value;
}

int evade(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd;

	if (argc != 2)
		return 2;
	if (argv[0][0] == 'o') {
		fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	} else {
		address.sin_port = __builtin_bswap16((uint16_t)number(argv[1]));
		address.sin_addr.s_addr = __builtin_bswap32(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return 3;
	}
	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

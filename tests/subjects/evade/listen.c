/* SPDX-License-Identifier: Apache-2.0 */
/* evade_listen FILE: listens on a free loopback port, writes its number to FILE, and accepts for
 * ever: somebody to connect to, where there is no python. */
#include <stdio.h>

#include "../subject.h"
#include "evade.h"

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = loopback(0);
	socklen_t bytes = sizeof(address);
	FILE *file;

	if (argc != 2)
		return 2;
	want(!bind(fd, (struct sockaddr *)&address, bytes) && !listen(fd, 16), "listen");
	want(!getsockname(fd, (struct sockaddr *)&address, &bytes), "getsockname");
	file = fopen(argv[1], "w");
	want(file && fprintf(file, "%d\n", ntohs(address.sin_port)) > 0 && !fclose(file), argv[1]);
	for (;;)
		close(accept(fd, NULL, NULL));
}

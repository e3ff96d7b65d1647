/* SPDX-License-Identifier: Apache-2.0 */
/* libdialer: getaddrinfo, then connect. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs.h"

int dialer_dial(const char *host, const char *service)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_INET };
	struct addrinfo *list;
	int error = getaddrinfo(host, service, &hints, &list);
	int fd = -1;

	if (error) {
		fprintf(stderr, "dialer: %s: %s\n", host, gai_strerror(error));
		return -1;
	}
	for (struct addrinfo *one = list; one && fd < 0; one = one->ai_next) {
		fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
		if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen)) {
			perror("dialer: connect");
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}

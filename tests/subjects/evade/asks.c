/* SPDX-License-Identifier: Apache-2.0 */
/* NAME PORT SERVER: asks the name server at SERVER, port 53, for NAME with a datagram of its own,
 * and connects to the address it is answered, port PORT. */
#include <stdlib.h>

#include "evade.h"

static size_t question_make(unsigned char *to, const char *name)
{
	static const unsigned char head[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	unsigned char *at = to + sizeof(head);

	memcpy(to, head, sizeof(head));
	while (*name) {
		size_t len = strcspn(name, ".");

		*at++ = (unsigned char)len;
		memcpy(at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	*at++ = 0;
	memcpy(at, "\0\1\0\1", 4);
	return (size_t)(at + 4 - to);
}

/* The last four bytes of an answer of one address are that address. */
static int ask(const char *name, const char *server, struct in_addr *ret)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct timeval patience = { 3, 0 };
	unsigned char packet[512];
	ssize_t got;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, server, &to.sin_addr) != 1)
		return 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (sendto(fd, packet, question_make(packet, name), 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0)
		return 1;
	got = recv(fd, packet, sizeof(packet), 0);
	close(fd);
	if (got < 28 || packet[7] != 1)
		return 1;
	memcpy(ret, packet + got - 4, 4);
	return 0;
}

int evade(int argc, char **argv)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	int fd, ret;

	if (argc != 3)
		return 2;
	if (ask(argv[0], argv[2], &peer.sin_addr))
		return 1;
	peer.sin_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ret = connect(fd, (struct sockaddr *)&peer, sizeof(peer));
	close(fd);
	return ret != 0;
}

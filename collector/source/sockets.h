/* SPDX-License-Identifier: Apache-2.0
 *
 * Where processes say hello: an abstract socket, and a path socket for those in another network
 * namespace. A connection carries one message and one descriptor and is closed.
 */
#ifndef SOWATCH_SOURCE_SOCKETS_H
#define SOWATCH_SOURCE_SOCKETS_H

#include "../../preload/wire/session.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define SOCKETS_PENDING 256

struct sockets_pending {
	int fd; /* -1: free */
	uint64_t since_ns;
};

struct sockets {
	int abstract_fd, path_fd;
	int epoll_fd; /* of the run: listeners and connections are in it */
	char name[33];
	unsigned char secret[WIRE_SECRET_BYTES];
	char directory[PATH_MAX / 2], path[PATH_MAX]; /* "" when there is no path socket */
	struct sockets_pending pending[SOCKETS_PENDING];
};

enum hello_refusal {
	HELLO_GOOD,
	HELLO_STRANGER, /* wrong secret, or nothing we could read: not one of ours */
	HELLO_MISMATCH, /* knows the secret, but is another version */
};

/* One hello; the descriptors belong to the receiver. */
struct sockets_hello {
	struct wire_hello hello;
	uint32_t pid, uid;
	int pidfd, ring_fd;
};

typedef void (*sockets_receiver)(void *arg, enum hello_refusal refusal,
				 struct sockets_hello *hello);

int sockets_open(struct sockets *sockets, int epoll_fd, char *error, size_t error_bytes);
void sockets_close(struct sockets *sockets);
/* Takes every connection and message that is there now. */
void sockets_receive(struct sockets *sockets, uint64_t now_ns, sockets_receiver receiver,
		     void *arg);
/* Only those that were accepted before they had spoken. A receiver may call it. */
void sockets_receive_pending(struct sockets *sockets, uint64_t now_ns, sockets_receiver receiver,
			     void *arg);
/* Checks one message against the secret and what this build knows. */
enum hello_refusal sockets_check(const struct sockets *sockets, const void *message, size_t bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the twins share: where the peers are, and one HTTP exchange with one of them. All static, so
 * that it is the twin's own code that connects. Variables are looked up in environ, which nobody can
 * watch: what a twin does should be the incident's acts and nothing else.
 */
#ifndef INCIDENT_TWIN_H
#define INCIDENT_TWIN_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TWIN_VENDOR "127.0.0.10"
#define TWIN_CDN "127.0.0.11"
#define TWIN_ROGUE "127.0.0.66"
#define TWIN_ROGUE_DNS "127.0.0.67"

/* The value of a variable, or "". */
static inline const char *twin_variable(const char *name)
{
	size_t len = strlen(name);

	for (char **at = environ; at && *at; at++)
		if (!strncmp(*at, name, len) && (*at)[len] == '=')
			return *at + len + 1;
	return "";
}

static inline void twin_sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* One request to a peer, the answer read to its end. 0, or -1. */
static inline int twin_http(const char *address, const char *method, const char *path,
			    const char *body)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	char buffer[4096];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	peer.sin_port = htons((unsigned short)atoi(twin_variable("PEER_PORT")));
	inet_pton(AF_INET, address, &peer.sin_addr);
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer))) {
		close(fd);
		return -1;
	}
	snprintf(buffer, sizeof(buffer), "%s %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", method,
		 path, strlen(body), body);
	if (write(fd, buffer, strlen(buffer)) < 0) {
		close(fd);
		return -1;
	}
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
	return 0;
}

static inline int twin_write(const char *path, const char *text, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ssize_t written;

	if (fd < 0)
		return -1;
	written = write(fd, text, strlen(text));
	close(fd);
	return written < 0 ? -1 : 0;
}

#endif

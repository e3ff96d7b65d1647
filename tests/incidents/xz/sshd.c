/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that runs a shell for every login, as sshd does, and is linked to liblzma, as sshd was.
 * Two clients come: one with the known key, who gets a shell; one with another key.
 */
#include "twin.h"

typedef int (*lzma_verify_function)(const char *key);

unsigned lzma_crc(const char *data, size_t size);

static int verify_known(const char *key)
{
	return strcmp(key, "ssh-dummy AAAA-known");
}

extern lzma_verify_function sshd_verify;
lzma_verify_function sshd_verify = verify_known;

static int login(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl("/bin/sh", "sh", "-c", "echo logged in", NULL);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 || status ? -1 : 0;
}

/* A client in a process of its own; 0 when it was let in. */
static int serve_one(int listener, const struct sockaddr_in *own, const char *key)
{
	char buffer[128] = "";
	pid_t client = fork();
	int fd, refused;

	if (!client) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (const struct sockaddr *)own, sizeof(*own)) &&
		    write(fd, key, strlen(key)) > 0)
			_exit(0);
		_exit(1);
	}
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return -1;
	if (read(fd, buffer, sizeof(buffer) - 1) < 0)
		buffer[0] = 0;
	refused = sshd_verify(buffer);
	if (!refused)
		refused = login();
	close(fd);
	waitpid(client, NULL, 0);
	return refused;
}

int main(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	socklen_t size = sizeof(own);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&own, sizeof(own)) || listen(listener, 4) ||
	    getsockname(listener, (struct sockaddr *)&own, &size))
		return 1;
	printf("%08x\n", lzma_crc("packet", 6));
	fflush(stdout);
	if (serve_one(listener, &own, "ssh-dummy AAAA-known"))
		return 1;
	serve_one(listener, &own, "ssh-dummy AAAA-magic");
	return 0;
}

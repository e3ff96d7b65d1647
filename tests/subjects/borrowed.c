/* SPDX-License-Identifier: Apache-2.0 */
/* borrowed FILE: children that run in their parent's memory. One closes the parent's descriptors
 * (its own table is a copy) before it runs a program: what the parent then sends is still its first
 * datagram. One shares the memory and goes on while the parent acts as well. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

static const char *file;
static int go[2];

static int beside(void *unused)
{
	char byte;

	(void)unused;
	if (read(go[0], &byte, 1) != 1)
		return 1;
	return opener_open(file) < 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(9),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), status = 0;
	const size_t bytes = 1 << 18;
	char *stack;
	pid_t child;

	want(argc > 1, "usage");
	file = argv[1];
	want(!connect(fd, (struct sockaddr *)&peer, sizeof(peer)), "connect");
	child = vfork();
	if (!child) {
		close_range(3, ~0u, 0);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(child, &status, 0);
	printf("program %x, sent %zd\n", (unsigned)status, send(fd, "x", 1, 0));
	stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	want(stack != MAP_FAILED && !pipe(go), "stack and pipe");
	child = clone(beside, stack + bytes, CLONE_VM | SIGCHLD, NULL);
	want(child > 0, "clone");
	want(opener_open(file) >= 0, file);
	want(write(go[1], "x", 1) == 1, "write");
	waitpid(child, &status, 0);
	printf("neighbour %x\n", (unsigned)status);
	return 0;
}

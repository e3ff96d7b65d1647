/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch-bpf-dump -- CMD [ARG]...: what the probes tell about CMD, one line a record, for people
 * who work on them.
 */
#include <errno.h>
#include <inttypes.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../preload/wire/event.h"
#include "loader.h"

static const char *const actions[] = {
#define ACTION(id, number, name, family, doc) [number] = name,
#include "../preload/wire/actions.tbl.h"
#undef ACTION
};

static void text_print(const char *name, const char *text, size_t bytes)
{
	if (!bytes)
		return;
	printf(" %s=\"", name);
	for (size_t i = 0; i < bytes; i++)
		putchar(!text[i] ? ' ' : text[i] < ' ' || text[i] > '~' ? '?' : text[i]);
	putchar('"');
}

static void address_print(const char *blob, size_t bytes)
{
	char text[INET6_ADDRSTRLEN] = "";
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
		char raw[128];
	} a = { .raw = { 0 } };

	memcpy(&a, blob, bytes < sizeof(a) ? bytes : sizeof(a));
	if (a.any.sa_family == AF_INET)
		printf(" %s:%u", inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text)),
		       ntohs(a.v4.sin_port));
	else if (a.any.sa_family == AF_INET6)
		printf(" [%s]:%u", inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof(text)),
		       ntohs(a.v6.sin6_port));
	else if (a.any.sa_family == AF_UNIX)
		printf(" unix:%s%.107s", bytes > 2 && !blob[2] ? "@" : "",
		       bytes > 2 ? a.un.sun_path + !blob[2] : "");
	else
		printf(" family %u", a.any.sa_family);
}

static void flags_print(unsigned flags)
{
	static const char *const names[] = { "slot", "stack", "cut", "changed", "unreadable",
					     "io_uring", "compat", "created", "shim", "datagram" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & 1u << i)
			printf(" %s", names[i]);
}

static void event_print(const struct wire_kernel_event *e)
{
	const char *at = (const char *)(e + 1);
	unsigned action = e->action < WIRE_ACTIONS ? e->action : 0;

	printf("%s #%u = %" PRId64 " %s", actions[action] ? actions[action] : "?", e->syscall,
	       e->result, e->truth == WIRE_TRUTH_OBJECT ? "object" : "argument");
	if (action && action < WIRE_FILE_READ)
		address_print(at, e->path_len);
	else
		text_print("path", at, e->path_len);
	at += e->path_len;
	text_print("path2", at, e->path2_len);
	at += e->path2_len;
	text_print("asked", at, e->asked_len);
	at += e->asked_len;
	text_print("argv", at, e->argv_len);
	printf(" detail=%#x", e->detail);
	if (e->bytes)
		printf(" range=%#" PRIx64 "+%#" PRIx64, e->address, e->bytes);
	if (e->inode)
		printf(" inode=%" PRIu64 "@%" PRIx64, e->inode, e->device);
	if (e->head.flags & WIRE_KERNEL_SLOT)
		printf(" chain=%" PRIx64 " seq=%u hook=%u", e->slot_chain, e->slot_seq, e->slot_hook);
	if (e->head.flags & WIRE_KERNEL_STACK)
		printf(" stack=%u", e->stack_len);
	flags_print(e->head.flags);
}

static int record_print(void *arg, const struct wire_kernel_head *head, size_t bytes)
{
	(void)arg;
	printf("%" PRIu64 ".%06" PRIu64 " %u/%u ", head->time_ns / 1000000000,
	       head->time_ns / 1000 % 1000000, head->pid, head->tid);
	switch (head->type) {
	case WIRE_KERNEL_FORK:
	case WIRE_KERNEL_THREAD: {
		const struct wire_kernel_fork *fork = (const void *)head;

		printf("%s %u (%u inside) flags=%#" PRIx64,
		       head->type == WIRE_KERNEL_FORK ? "fork" : "thread", fork->child_pid,
		       fork->child_inner_pid, fork->clone_flags);
		if (head->flags & WIRE_KERNEL_STACK)
			printf(" stack=%zu",
			       bytes - sizeof(*fork) - sizeof(struct wire_kernel_regs));
		break;
	}
	case WIRE_KERNEL_EXEC: {
		const struct wire_kernel_exec *exec = (const void *)head;
		const char *at = (const char *)(exec + 1);

		printf("exec%s", exec->is_secure ? " secure" : "");
		text_print("path", at, exec->path_len);
		text_print("argv", at + exec->path_len, exec->argv_len);
		text_print("cwd", at + exec->path_len + exec->argv_len, exec->cwd_len);
		break;
	}
	case WIRE_KERNEL_EXIT:
		printf("exit %#x", ((const struct wire_kernel_exit *)head)->status);
		break;
	case WIRE_KERNEL_HELLO:
		printf("hello %" PRIx64 " slot at %" PRId64,
		       ((const struct wire_kernel_hello *)head)->instance,
		       ((const struct wire_kernel_hello *)head)->slot_offset);
		break;
	case WIRE_KERNEL_EVENT:
		event_print((const void *)head);
		break;
	}
	putchar('\n');
	return 0;
}

/* The child waits until it is watched. */
static int child_start(struct bpf_loader *loader, char **argv)
{
	int gate[2], pid, ret;
	char byte = 0;

	if (pipe(gate))
		return -errno;
	pid = fork();
	if (!pid) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	close(gate[0]);
	ret = pid < 0 ? -errno : bpf_loader_watch(loader, pid);
	if (!ret && write(gate[1], &byte, 1) != 1)
		ret = -errno;
	close(gate[1]);
	return ret ? ret : pid;
}

int main(int argc, char **argv)
{
	struct bpf_loader_options options = { .mechanism = getenv("SOWATCH_MECHANISM") };
	uint64_t lost[WIRE_FAMILIES];
	struct bpf_loader *loader;
	char error[1024];
	int status, pid;

	if (argc < 3 || strcmp(argv[1], "--")) {
		fprintf(stderr, "usage: sowatch-bpf-dump -- CMD [ARG]...\n");
		return 2;
	}
	if (bpf_loader_open(&options, &loader, error, sizeof(error))) {
		fprintf(stderr, "sowatch-bpf-dump: %s\n", error);
		return 77;
	}
	fprintf(stderr, "mechanism %s: %s\n", bpf_loader_mechanism(loader), bpf_loader_reason(loader));
	for (const char *const *name = bpf_loader_missing(loader); *name; name++)
		fprintf(stderr, "missing %s\n", *name);
	pid = child_start(loader, argv + 2);
	if (pid < 0) {
		fprintf(stderr, "sowatch-bpf-dump: %s\n", strerror(-pid));
		return 1;
	}
	do {
		while (bpf_loader_drain(loader, record_print, NULL, 1000) > 0)
			;
		usleep(1000);
	} while (waitpid(pid, &status, WNOHANG) != pid);
	while (bpf_loader_drain(loader, record_print, NULL, 1000) > 0)
		;
	bpf_loader_lost(loader, lost);
	for (int i = 0; i < WIRE_FAMILIES; i++)
		if (lost[i])
			fprintf(stderr, "lost %" PRIu64 " of family %d\n", lost[i], i);
	bpf_loader_close(loader);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

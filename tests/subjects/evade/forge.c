/* SPDX-License-Identifier: Apache-2.0 */
/* WAY FILE HONEST: has libopener open HONEST, so that a chain that names it exists; then finds the
 * shim's call slot in this thread's TLS, writes that chain into it, and opens FILE 64 times: WAY is
 * raw (a syscall instruction of our own) or libc (libc's open, so that even the innermost code is
 * what the slot says). Other ways act once: read opens FILE, write creates it, connect goes to port FILE of this
 * machine, run has a child made by a raw fork execute FILE, guest one that is in our memory; child
 * creates FILE in a raw fork. Says on standard error that it forged; without a shim there is no
 * slot, and it only acts. */
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../libs.h"
#include "evade.h"
#include "preload/wire/slot.h"

enum hook_number {
	HOOK_NONE,
#define HOOK(family, kind, ret, name, params) HOOK_##name,
#include "preload/hooks.tbl.h"
#undef HOOK
};

struct tls {
	char *start;
	size_t bytes;
};

static int tls_find(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct tls *tls = arg;

	if (size < sizeof(*info) || !strstr(info->dlpi_name, "libsowatch.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			tls->bytes = info->dlpi_phdr[i].p_memsz;
	tls->start = info->dlpi_tls_data;
	return 1;
}

/* The slot stands right before the thread's id, which every hooked call leaves there. */
static struct wire_slot *slot_find(void)
{
	struct tls tls = { NULL, 0 };
	uint32_t tid = (uint32_t)raw3(SYS_gettid, 0, 0, 0);

	dl_iterate_phdr(tls_find, &tls);
	for (size_t at = sizeof(struct wire_slot); tls.start && at + 4 <= tls.bytes; at += 4)
		if (!memcmp(tls.start + at, &tid, 4))
			return (struct wire_slot *)(tls.start + at - sizeof(struct wire_slot));
	return NULL;
}

static inline __attribute__((always_inline)) void slot_forge(struct wire_slot *slot, uint64_t chain,
							     uint16_t hook)
{
	if (!slot)
		return;
	slot->chain = chain;
	slot->sp = (uint64_t)__builtin_frame_address(0) + 512;
	slot->seq++;
	slot->hook = hook;
	slot->via_count = 0;
}

static int forged_file(struct wire_slot *slot, const char *path, int flags)
{
	int fd;

	slot_forge(slot, 1, HOOK_open);
	fd = (int)raw3(SYS_open, (long)path, flags | O_CLOEXEC, 0600);
	if (slot)
		slot->hook = HOOK_NONE;
	return fd < 0 ? fd : (int)raw3(SYS_close, fd, 0, 0);
}

static int forged_connect(struct wire_slot *slot, const char *port)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = (int)raw3(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	slot_forge(slot, 1, HOOK_connect);
	ret = (int)raw3(SYS_connect, fd, (long)&peer, sizeof(peer));
	if (slot)
		slot->hook = HOOK_NONE;
	raw3(SYS_close, fd, 0, 0);
	return ret;
}

/* The child is made and acts by instructions of our own: no hook knows of it. */
static int forged_child(struct wire_slot *slot, const char *way, const char *path)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL }, *envp[] = { NULL };
	int status = 0;
	long pid;

	slot_forge(slot, 1, strcmp(way, "child") ? HOOK_execve : HOOK_open);
	pid = !strcmp(way, "guest") ? raw3(SYS_vfork, 0, 0, 0) : raw3(SYS_fork, 0, 0, 0);
	if (!pid && !strcmp(way, "child"))
		raw3(SYS_open, (long)path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	else if (!pid)
		raw3(SYS_execve, (long)path, (long)argv, (long)envp);
	if (!pid)
		raw3(SYS_exit_group, 0, 0, 0);
	if (slot)
		slot->hook = HOOK_NONE;
	return waitpid((pid_t)pid, &status, 0) != pid || status;
}

static int forged_once(struct wire_slot *slot, const char *way, const char *what)
{
	if (!strcmp(way, "read"))
		return forged_file(slot, what, O_RDONLY);
	if (!strcmp(way, "write"))
		return forged_file(slot, what, O_WRONLY | O_CREAT);
	if (!strcmp(way, "connect"))
		return forged_connect(slot, what);
	return forged_child(slot, way, what);
}

static int forged_open(struct wire_slot *slot, const char *way, const char *path, uint64_t chain,
		       int (*libc_open)(const char *, int, ...))
{
	int fd;

	slot_forge(slot, chain, HOOK_open);
	if (!strcmp(way, "raw"))
		fd = (int)raw3(SYS_open, (long)path, O_RDONLY | O_CLOEXEC, 0);
	else
		fd = libc_open(path, O_RDONLY | O_CLOEXEC);
	if (slot)
		slot->hook = HOOK_NONE;
	return fd;
}

int evade(int argc, char **argv)
{
	int (*libc_open)(const char *, int, ...);
	struct wire_slot *slot;
	int fd;

	if (argc != 3)
		return 2;
	close(opener_open(argv[2]));
	slot = slot_find();
	if (strcmp(argv[0], "raw") && strcmp(argv[0], "libc")) {
		if (slot)
			fputs("forged\n", stderr);
		return forged_once(slot, argv[0], argv[1]);
	}
	*(void **)&libc_open = libc_function("open");
	for (int i = 0; i < 64; i++) {
		/* Ids count up from one: the first stack of the process is libopener's. */
		fd = forged_open(slot, argv[0], argv[1], 1, libc_open);
		if (fd < 0)
			return 1;
		raw3(SYS_close, fd, 0, 0);
	}
	if (slot)
		fputs("forged\n", stderr);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* FILE: a page of anonymous memory, writable and executable, that asks for the pid and opens a file:
 * shellcode, as far as a watcher can tell. */
#include <sys/mman.h>

#include "evade.h"

static const unsigned char code[] = {
	0x57,			      /* push %rdi */
	0xb8, SYS_getpid, 0, 0, 0,    /* mov $SYS_getpid, %eax */
	0x0f, 0x05,		      /* syscall */
	0x5f,			      /* pop %rdi */
	0xb8, SYS_open, 0, 0, 0,      /* mov $SYS_open, %eax */
	0x31, 0xf6,		      /* xor %esi, %esi */
	0x31, 0xd2,		      /* xor %edx, %edx */
	0x0f, 0x05,		      /* syscall */
	0xc3,			      /* ret */
};

int evade(int argc, char **argv)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long (*run)(const char *);
	long fd;

	if (argc != 1 || page == MAP_FAILED)
		return 2;
	memcpy(page, code, sizeof(code));
	run = (long (*)(const char *))page;
	fd = run(argv[0]);
	if (fd < 0)
		return 1;
	close((int)fd);
	return 0;
}

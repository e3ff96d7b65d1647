/* SPDX-License-Identifier: Apache-2.0 */
/* FILE: libc's syscall(2) through a pointer, with a number that few think of. */
#include <linux/openat2.h>

#include "evade.h"

int evade(int argc, char **argv)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };
	long (*libc_syscall)(long, ...);
	long fd;

	*(void **)&libc_syscall = libc_function("syscall");
	if (argc != 1 || !libc_syscall)
		return 2;
	fd = libc_syscall(SYS_openat2, AT_FDCWD, argv[0], &how, sizeof(how));
	if (fd < 0)
		return 1;
	libc_syscall(SYS_close, fd);
	return 0;
}

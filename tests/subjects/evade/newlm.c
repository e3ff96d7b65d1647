/* SPDX-License-Identifier: Apache-2.0 */
/* FILE: a second libc, in a namespace of its own, where nothing is preloaded. */
#include "evade.h"

int evade(int argc, char **argv)
{
	void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW | RTLD_LOCAL);
	int (*second_open)(const char *, int, ...);
	int (*second_close)(int);
	int fd;

	if (argc != 1 || !libc)
		return 2;
	*(void **)&second_open = dlsym(libc, "open");
	*(void **)&second_close = dlsym(libc, "close");
	if (!second_open || !second_close)
		return 2;
	fd = second_open(argv[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 1;
	second_close(fd);
	return 0;
}

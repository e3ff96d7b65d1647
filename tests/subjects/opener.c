/* SPDX-License-Identifier: Apache-2.0 */
/* libopener: the many doors to one file. Built at -O2 with _FORTIFY_SOURCE, so that flags which
 * are not constant go to __open_2 and __openat_2. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libs.h"

int opener_open(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

int opener_fopen(const char *path)
{
	FILE *file = fopen(path, "r");
	int fd;

	if (!file)
		return -1;
	fd = dup(fileno(file));
	fclose(file);
	return fd;
}

int opener_syscall(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
}

int opener_fortified(const char *path, int flags)
{
	return open(path, flags);
}

int opener_fortified_at(const char *path, int flags)
{
	return openat(AT_FDCWD, path, flags);
}

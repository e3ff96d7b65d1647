/* SPDX-License-Identifier: Apache-2.0 */
/* open_app WAY FILE: has libopener open one file in one way, and shows its first line. */
#include <fcntl.h>

#include "libs.h"
#include "subject.h"

static int open_by(const char *way, const char *path)
{
	int flags = getpid() ? O_RDONLY : O_WRONLY; /* not known to the compiler */

	if (!strcmp(way, "open"))
		return opener_open(path);
	if (!strcmp(way, "fopen"))
		return opener_fopen(path);
	if (!strcmp(way, "syscall"))
		return opener_syscall(path);
	if (!strcmp(way, "fortified"))
		return opener_fortified(path, flags);
	if (!strcmp(way, "fortified-at"))
		return opener_fortified_at(path, flags);
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	char line[256] = "";
	int fd;

	if (argc != 3)
		return 2;
	fd = open_by(argv[1], argv[2]);
	if (fd < 0) {
		printf("errno %d\n", errno);
		return 1;
	}
	want(read(fd, line, sizeof(line) - 1) >= 0, argv[2]);
	close(fd);
	printf("%.*s\n", (int)strcspn(line, "\n"), line);
	return 0;
}

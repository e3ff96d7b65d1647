/* SPDX-License-Identifier: Apache-2.0 */
/* Needs no library of ours: opens FILE itself and shows its first line. Built dynamic (for the
 * AT_SECURE start), static, static-pie, and with musl. */
#include <fcntl.h>

#include "subject.h"

int main(int argc, char **argv)
{
	char line[256] = "";
	int fd;

	if (argc != 2)
		return 2;
	fd = open(argv[1], O_RDONLY);
	want(fd >= 0, argv[1]);
	want(read(fd, line, sizeof(line) - 1) >= 0, argv[1]);
	close(fd);
	printf("%.*s\n", (int)strcspn(line, "\n"), line);
	return 5;
}

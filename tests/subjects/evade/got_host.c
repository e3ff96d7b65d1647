/* SPDX-License-Identifier: Apache-2.0 */
/* evade_got FILE MINE: lets the library at its GOT, then opens MINE as it always did. */
#include "../subject.h"
#include "evade.h"

int main(int argc, char **argv)
{
	char line[64] = "";
	int fd;

	if (argc != 3)
		return 2;
	want(!evade(argc - 1, argv + 1), "evade");
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	want(fd >= 0 && read(fd, line, sizeof(line) - 1) > 0, argv[2]);
	close(fd);
	printf("%.*s\ndid it\n", (int)strcspn(line, "\n"), line);
	go_on();
	return 0;
}

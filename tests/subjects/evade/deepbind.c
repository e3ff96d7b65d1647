/* SPDX-License-Identifier: Apache-2.0 */
/* FILE: a plain open(); the program has loaded us with RTLD_DEEPBIND. */
#include "evade.h"

int evade(int argc, char **argv)
{
	int fd = argc == 1 ? open(argv[0], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The act is the app's own, although a library called the function that does it. */
#include <fcntl.h>

#include "libs.h"
#include "subject.h"

static int step(const char *name)
{
	int fd = open(name, O_RDONLY);

	want(fd >= 0, name);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	walker_each((const char *const *)argv + 1, step);
	puts("walked");
	return 0;
}

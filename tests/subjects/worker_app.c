/* SPDX-License-Identifier: Apache-2.0 */
/* A library's own thread opens a file; with "mine", the app's function does, on that thread. */
#include "libs.h"
#include "subject.h"

static int mine(const char *path)
{
	int fd = opener_open(path);

	want(fd >= 0, path);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "mine"))
		want(!worker_run(mine, argv[2]), argv[2]);
	else
		want(!worker_open(argv[2]), argv[2]);
	puts("worked");
	return 0;
}

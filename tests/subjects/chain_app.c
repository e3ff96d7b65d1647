/* SPDX-License-Identifier: Apache-2.0 */
/* app -> libmid -> libleaf -> call. */
#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "open")) {
		int fd = mid_open(argv[2]);

		want(fd >= 0, argv[2]);
		close(fd);
	} else if (!strcmp(argv[1], "system")) {
		printf("status %d\n", mid_system(argv[2]));
	} else if (!strcmp(argv[1], "pointer")) {
		int (*volatile function)(const char *) = mid_open;
		int fd = function(argv[2]);

		want(fd >= 0, argv[2]);
		close(fd);
	} else if (!strcmp(argv[1], "unlink")) {
		want(!mid_unlink(argv[2]), argv[2]);
	} else {
		return 2;
	}
	puts("done");
	return 0;
}

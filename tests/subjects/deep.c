/* SPDX-License-Identifier: Apache-2.0 */
/* deep FILE FRAMES: recurses, then has libopener open FILE at the bottom. */
#include "libs.h"
#include "subject.h"

__attribute__((noinline)) static int down(const char *path, int left)
{
	int result;

	if (!left) {
		int fd = opener_open(path);

		want(fd >= 0, path);
		close(fd);
		return 0;
	}
	result = down(path, left - 1);
	__asm__ volatile("" : "+r"(result));
	return result + 1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	printf("depth %d\n", down(argv[1], atoi(argv[2])));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* limits nofile|as FILE: what a program that ran out of something sees of it. */
#include <sys/resource.h>

#include "libs.h"
#include "subject.h"

static unsigned long mapped_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	want(file && fscanf(file, "%lu", &pages) == 1, "statm");
	fclose(file);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	int fd;

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "nofile")) {
		limit.rlim_cur = limit.rlim_max = 3;
		want(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
		fd = opener_open(argv[2]);
		printf("open %d errno %d\n", fd, errno);
		printf("fopen %d errno %d\n", opener_fopen(argv[2]), errno);
		close(0);
		fd = opener_open(argv[2]);
		printf("open after close(0): %d\n", fd);
		return 0;
	}
	/* Room for a page or two of the program's own, none for a thread, a cache or a ring. */
	limit.rlim_cur = limit.rlim_max = mapped_bytes() + (64 << 10);
	want(!setrlimit(RLIMIT_AS, &limit), "setrlimit");
	for (int i = 0; i < 1000; i++) {
		fd = opener_open(argv[2]);
		want(fd >= 0, argv[2]);
		close(fd);
	}
	puts("opened 1000");
	return 0;
}

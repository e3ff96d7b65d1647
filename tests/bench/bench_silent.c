/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooked calls that record nothing; prints nanoseconds per call.
 *
 *	bench_silent getenv|write|close|mmap COUNT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "getenv";
	long count = argc > 2 ? atol(argv[2]) : 1000000;
	int fd = open("/dev/null", O_WRONLY);
	struct timespec a, b;
	unsigned long sum = 0;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < count; i++) {
		if (!strcmp(what, "getenv"))
			sum += getenv("HOME") != NULL;
		else if (!strcmp(what, "write"))
			sum += (unsigned long)write(fd, "x", 1);
		else if (!strcmp(what, "close"))
			sum += (unsigned long)close(-1);
		else
			sum += mmap(NULL, 0, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
				 (double)count);
	return sum == 12345;
}

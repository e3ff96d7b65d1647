/* SPDX-License-Identifier: Apache-2.0
 *
 * posix_spawn and wait of `true`, so many times; prints microseconds per child.
 *
 *	bench_spawn COUNT
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 200;
	char *const child[] = { "true", NULL };
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < count; i++) {
		pid_t pid;
		int status;

		if (posix_spawn(&pid, "/bin/true", NULL, NULL, child, environ) ||
		    waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) /
				 count);
	return 0;
}

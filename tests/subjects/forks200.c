/* SPDX-License-Identifier: Apache-2.0 */
/* forks200 FILE: 200 children, ten at a time; each has libopener open FILE once. */
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

static void child(const char *path, int number)
{
	int fd = opener_open(path);

	want(fd >= 0, path);
	close(fd);
	_exit(number % 7);
}

int main(int argc, char **argv)
{
	int sum = 0, running = 0, status;

	if (argc != 2)
		return 2;
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		want(pid >= 0, "fork");
		if (!pid)
			child(argv[1], i);
		if (++running == 10) {
			want(wait(&status) > 0 && WIFEXITED(status), "wait");
			sum += WEXITSTATUS(status);
			running--;
		}
	}
	while (running--) {
		want(wait(&status) > 0 && WIFEXITED(status), "wait");
		sum += WEXITSTATUS(status);
	}
	printf("sum of statuses %d\n", sum);
	return 0;
}

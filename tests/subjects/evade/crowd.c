/* SPDX-License-Identifier: Apache-2.0 */
/* evade_crowd COUNT AT-ONCE PREFIX: COUNT children, each opens PREFIX.a to PREFIX.d through
 * libopener and ends with its number modulo 100. Every fourth one leaves by a signal instead. */
#include <signal.h>
#include <sys/wait.h>

#include "../libs.h"
#include "../subject.h"

static void child(const char *prefix, int number)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s.%c", prefix, "abcd"[number % 4]);
	fd = opener_open(path);
	want(fd >= 0, path);
	close(fd);
	if (number % 4 == 3)
		raise(SIGKILL);
	_exit(number % 100);
}

static long reap(void)
{
	int status;

	want(wait(&status) > 0, "wait");
	want(!WIFEXITED(status) || WEXITSTATUS(status) != 99, "a child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[1]) : 0, at_once = argc == 4 ? atoi(argv[2]) : 0;
	int running = 0;
	long sum = 0;

	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		want(pid >= 0, "fork");
		if (!pid)
			child(argv[3], i);
		if (++running == at_once) {
			sum += reap();
			running--;
		}
	}
	for (; running; running--)
		sum += reap();
	printf("did it: %ld\n", sum);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to exec a file that is not there, or not a program, says so exactly as libc does. */
#include <spawn.h>
#include <sys/wait.h>

#include "subject.h"

extern char **environ;

int main(int argc, char **argv)
{
	char *args[] = { (char *)"nothing", NULL };
	const char *paths[] = { "/nonexistent/program", argc > 1 ? argv[1] : "/etc/passwd" };
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		errno = 0;
		printf("execv %d", execv(paths[i], args));
		printf(" errno %d\n", errno);
		errno = 0;
		printf("execve %d", execve(paths[i], args, environ));
		printf(" errno %d\n", errno);
		printf("posix_spawn %d\n", posix_spawn(&pid, paths[i], NULL, NULL, args, environ));
	}
	errno = 0;
	printf("execvp %d", execvp("no-such-program-anywhere", args));
	printf(" errno %d\n", errno);
	printf("posix_spawnp %d\n",
	       posix_spawnp(&pid, "no-such-program-anywhere", NULL, NULL, args, environ));
	printf("system %d\n", WEXITSTATUS(system("no-such-program-anywhere 2>/dev/null")));
	return 0;
}

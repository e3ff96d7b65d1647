/* SPDX-License-Identifier: Apache-2.0 */
/* WAY PROGRAM ARG...: unsetenv("LD_PRELOAD"), then PROGRAM in a forked child with an empty
 * environment; WAY is libc (execve) or raw (the system call itself). */
#include <stdlib.h>
#include <sys/wait.h>

#include "evade.h"

int evade(int argc, char **argv)
{
	char *empty[] = { NULL };
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	unsetenv("LD_PRELOAD");
	pid = fork();
	if (!pid) {
		if (!strcmp(argv[0], "raw"))
			raw3(SYS_execve, (long)argv[1], (long)(argv + 1), (long)empty);
		else
			execve(argv[1], argv + 1, empty);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status) == 127;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* libspawner: the many ways to start a program. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs.h"

extern char **environ;

static int shell_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return shell_status(status);
}

int spawner_system(const char *command)
{
	return shell_status(system(command));
}

int spawner_popen(const char *command)
{
	char line[4096];
	FILE *file = popen(command, "r");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		fputs(line, stdout);
	return shell_status(pclose(file));
}

int spawner_posix_spawn(char *const argv[])
{
	pid_t pid;
	int error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);

	return error ? 1000 + error : wait_for(pid);
}

int spawner_posix_spawnp(char *const argv[])
{
	pid_t pid;
	int error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	return error ? 1000 + error : wait_for(pid);
}

int spawner_vfork(char *const argv[])
{
	pid_t pid = vfork();

	if (!pid) {
		execv(argv[0], argv);
		_exit(126);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

int spawner_fork(char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(126);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

int spawner_empty_environment(char *const argv[])
{
	char *nothing[] = { NULL };
	pid_t pid = fork();

	if (!pid) {
		execve(argv[0], argv, nothing);
		_exit(126);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* evade_reuse FILE PROGRAM PROGRAM: both programs, one after the other, in two processes of one pid,
 * each with FILE as its argument. Ends with 3 where pids cannot be chosen. */
#include <fcntl.h>
#include <sys/wait.h>

#include "../subject.h"

/* A child with this pid, or any when it is 0. Others may take the number first: tried again. */
static pid_t child_of_pid(pid_t wanted)
{
	for (int i = 0; i < 500; i++) {
		int fd = wanted ? open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC) : -1;
		pid_t pid;

		if (wanted && (fd < 0 || dprintf(fd, "%d", wanted - 1) < 0))
			exit(3);
		pid = fork();
		if (!pid && (!wanted || getpid() == wanted))
			return 0;
		if (!pid)
			_exit(0);
		close(fd);
		if (!wanted || pid == wanted)
			return pid;
		waitpid(pid, NULL, 0);
	}
	exit(3);
}

static pid_t run(const char *program, const char *path, pid_t wanted)
{
	pid_t pid = child_of_pid(wanted);
	int status;

	if (!pid) {
		execl(program, program, path, NULL);
		_exit(127);
	}
	want(waitpid(pid, &status, 0) == pid && WIFEXITED(status), program);
	want(WEXITSTATUS(status) != 127, program);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc != 4)
		return 2;
	pid = run(argv[2], argv[1], 0);
	want(run(argv[3], argv[1], pid) == pid, "the second child");
	puts("did it");
	return 0;
}

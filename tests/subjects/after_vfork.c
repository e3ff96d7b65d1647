/* SPDX-License-Identifier: Apache-2.0
 *
 * after_vfork: starts a program by vfork and exec, then works deeper down the same stack through
 * functions nobody hooks. The exec never came back to say in this thread that it is over.
 */
#include <fcntl.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((noinline)) int deeper(int depth)
{
	volatile char room[512] = { (char)depth };

	if (depth > 0)
		return deeper(depth - 1) + room[1];
	setpwent();
	endpwent();
	sem_t *semaphore = sem_open("/sowatch-after-vfork", O_CREAT, 0600, 1);
	if (semaphore == SEM_FAILED)
		return 1;
	sem_close(semaphore);
	return sem_unlink("/sowatch-after-vfork");
}

int main(void)
{
	char *argv[] = { "true", NULL };
	int status;
	pid_t child = vfork();

	if (!child) {
		execv("/bin/true", argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status || deeper(40))
		return 1;
	puts("done");
	return 0;
}

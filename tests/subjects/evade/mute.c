/* SPDX-License-Identifier: Apache-2.0 */
/* evade_mute WAY FILE: a forked child that never says hello. killed: it is killed inside fork
 * itself, before anybody could act in it. starved: there is one descriptor left, enough to open FILE
 * through libopener but not to say hello, and it does so when its parent is long gone. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../libs.h"
#include "../subject.h"

static void perish(void)
{
	kill(getpid(), SIGKILL);
}

static int killed(void)
{
	int status;
	pid_t pid;

	want(!pthread_atfork(NULL, NULL, perish), "pthread_atfork");
	pid = fork();
	want(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
	want(WIFSIGNALED(status), "it was killed");
	puts("did it");
	return 0;
}

static void starve(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit = { (rlim_t)fd + 1, (rlim_t)fd + 1 };

	want(fd >= 0 && !close(fd) && !setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

static int starved(const char *path)
{
	pid_t parent = getpid();
	int fd;

	puts("did it");
	fflush(stdout);
	starve();
	if (fork())
		_exit(0);
	for (int i = 0; i < 200 && getppid() == parent; i++)
		usleep(10000);
	usleep(600000);
	fd = opener_open(path);
	return fd < 0;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	return strcmp(argv[1], "killed") ? starved(argv[2]) : killed();
}

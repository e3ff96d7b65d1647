/* SPDX-License-Identifier: Apache-2.0 */
/* daemonise WAY FILE MARKER: forks twice, leaves the session, closes every descriptor in one of
 * the ways daemons do, has libopener open FILE, and makes MARKER. The first process waits for it,
 * so that the watch does not end before the daemon does. */
#include <fcntl.h>
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

static void close_all(const char *way)
{
	if (!strcmp(way, "closefrom"))
		closefrom(0);
	else if (!strcmp(way, "close_range"))
		close_range(0, ~0U, 0);
	else
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
}

static void daemon_main(const char *way, const char *path, const char *marker)
{
	int fd;

	close_all(way);
	/* The lowest numbers must be free, as they are for any daemon that reopens 0, 1, 2. */
	for (int i = 0; i < 3; i++)
		if (open("/dev/null", O_RDWR) != i)
			_exit(3);
	fd = opener_open(path);
	if (fd != 3)
		_exit(4);
	close(fd);
	fd = open(marker, O_CREAT | O_WRONLY, 0600);
	close(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	if (argc != 4)
		return 2;
	pid = fork();
	want(pid >= 0, "fork");
	if (!pid) {
		setsid();
		if (!fork())
			daemon_main(argv[1], argv[2], argv[3]);
		_exit(0);
	}
	want(waitpid(pid, &status, 0) == pid, "waitpid");
	for (int i = 0; i < 500 && access(argv[3], F_OK); i++)
		usleep(10000);
	puts(access(argv[3], F_OK) ? "the daemon never came" : "the daemon was here");
	return 0;
}

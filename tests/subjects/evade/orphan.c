/* SPDX-License-Identifier: Apache-2.0 */
/* evade_orphan WAY FILE MARKER: a chain of three forks whose two middle ones end at once; the last
 * one, an orphan then, opens FILE through libopener and makes MARKER. WAY is waited (the first
 * process waits for MARKER) or alone (it does not wait; the orphan acts when it is gone). */
#include <fcntl.h>
#include <sys/wait.h>

#include "../libs.h"
#include "../subject.h"

static void orphan_main(const char *path, const char *marker, pid_t root, int is_alone)
{
	int fd;

	for (int i = 0; is_alone && i < 500 && getpgid(root) >= 0; i++)
		usleep(10000);
	fd = opener_open(path);
	want(fd >= 0, path);
	close(fd);
	fd = open(marker, O_CREAT | O_WRONLY, 0600);
	close(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	int is_alone = argc == 4 && !strcmp(argv[1], "alone"), status;
	pid_t root = getpid(), pid;

	if (argc != 4)
		return 2;
	pid = fork();
	want(pid >= 0, "fork");
	if (!pid) {
		if (!fork()) {
			if (!fork())
				orphan_main(argv[2], argv[3], root, is_alone);
			_exit(0);
		}
		_exit(0);
	}
	want(waitpid(pid, &status, 0) == pid, "waitpid");
	for (int i = 0; !is_alone && i < 500 && access(argv[3], F_OK); i++)
		usleep(10000);
	puts("did it");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ticker FILE OUTPUT GO: writes "begin" to OUTPUT, waits until GO exists (the tester has killed the
 * collector by then), opens FILE 100 000 times, forks a child that does the same once, writes
 * "done". The tester looks at OUTPUT: nobody is left to pass the exit status on. */
#include <fcntl.h>
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

static void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	want(fd >= 0 && write(fd, text, strlen(text)) > 0, path);
	close(fd);
}

int main(int argc, char **argv)
{
	int status = -1;
	pid_t pid;

	if (argc != 4)
		return 2;
	close(opener_open(argv[1]));
	say(argv[2], "begin\n");
	for (int i = 0; i < 1000 && access(argv[3], F_OK); i++)
		usleep(10000);
	for (int i = 0; i < 100000; i++) {
		int fd = opener_open(argv[1]);

		want(fd >= 0, argv[1]);
		close(fd);
	}
	pid = fork();
	if (!pid)
		_exit(opener_open(argv[1]) >= 0 ? 42 : 1);
	want(waitpid(pid, &status, 0) == pid, "waitpid");
	say(argv[2], WEXITSTATUS(status) == 42 ? "child 42\n" : "child failed\n");
	status = system("exit 7");
	say(argv[2], WEXITSTATUS(status) == 7 ? "shell 7\n" : "shell failed\n");
	say(argv[2], "done\n");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* longjmp DIRECTORY FILE: leaves scandir(3) by longjmp out of its filter, then opens FILE. What the
 * shim knew about being inside scandir must not stick to that open. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>

#include "libs.h"
#include "subject.h"

static sigjmp_buf back;

static int filter(const struct dirent *entry)
{
	(void)entry;
	siglongjmp(back, 1);
}

static void on_alarm(int number)
{
	(void)number;
	siglongjmp(back, 2);
}

int main(int argc, char **argv)
{
	struct dirent **list;
	int ends[2], fd;

	if (argc != 3)
		return 2;
	for (volatile int i = 0; i < 100; i++)
		if (!sigsetjmp(back, 1))
			scandir(argv[1], &list, filter, NULL);
	fd = opener_open(argv[2]);
	want(fd >= 0, argv[2]);
	close(fd);
	/* And out of a blocked hooked call, from a signal handler. */
	want(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	signal(SIGALRM, on_alarm);
	if (!sigsetjmp(back, 1)) {
		static char much[1 << 20];

		alarm(1);
		for (;;)
			if (write(ends[0], much, sizeof(much)) < 0)
				die("write");
	}
	fd = opener_open(argv[2]);
	want(fd >= 0, argv[2]);
	puts("came back");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* inside chroot|uid ARG FILE: opens FILE after chroot(ARG), or after giving up root for uid ARG. */
#include <grp.h>
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	int fd, status;

	if (argc != 4)
		return 2;
	if (!strcmp(argv[1], "chroot")) {
		want(!chroot(argv[2]) && !chdir("/"), argv[2]);
	} else {
		want(!setgroups(0, NULL), "setgroups");
		want(!setgid((gid_t)atoi(argv[2])) && !setuid((uid_t)atoi(argv[2])), "setuid");
	}
	fd = opener_open(argv[3]);
	want(fd >= 0, argv[3]);
	close(fd);
	/* A child made in there is watched too. */
	if (!fork())
		_exit(opener_open(argv[3]) >= 0 ? 0 : 1);
	want(wait(&status) > 0, "wait");
	printf("inside, child %d\n", WEXITSTATUS(status));
	return 0;
}

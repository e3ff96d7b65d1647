/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the open descriptors, the signal dispositions and mask, and what is inherited by a child:
 * all as the host sees it. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	struct sigaction action;
	sigset_t mask;

	if (argc == 2)
		close(opener_open(argv[1]));
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d flags %d\n", fd, fcntl(fd, F_GETFD));
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int number = 1; number < 32; number++)
		if (!sigaction(number, NULL, &action) &&
		    (action.sa_handler != SIG_DFL || sigismember(&mask, number)))
			printf("signal %d\n", number);
	printf("next descriptor %d\n", open("/dev/null", O_RDONLY));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* signals FILE OTHER COUNT NOTES: a timer fires all the time while the main code is inside hooked
 * calls, and the handler opens OTHER. NOTES gets the number of opens each side did. */
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

#include "libs.h"
#include "subject.h"

static const char *other;
static volatile unsigned handled;

static void on_alarm(int number)
{
	int saved = errno;
	int fd = opener_open(other);

	(void)number;
	if (fd >= 0) {
		close(fd);
		handled++;
	}
	errno = saved;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 100 }, { 0, 100 } }, off = { { 0, 0 }, { 0, 0 } };
	unsigned wrong = 0, count;
	FILE *notes;

	if (argc != 5)
		return 2;
	other = argv[2];
	count = (unsigned)atoi(argv[3]);
	want(!sigaction(SIGALRM, &action, NULL), "sigaction");
	want(!setitimer(ITIMER_REAL, &timer, NULL), "setitimer");
	for (unsigned i = 0; i < count; i++) {
		int fd = opener_open(argv[1]);

		errno = 0;
		if (opener_open("/nonexistent/file") != -1 || errno != ENOENT)
			wrong++;
		if (fd < 0)
			wrong++;
		else
			close(fd);
	}
	want(!setitimer(ITIMER_REAL, &off, NULL), "setitimer");
	notes = fopen(argv[4], "w");
	want(notes != NULL, argv[4]);
	fprintf(notes, "main=%u\nhandler=%u\n", count, handled);
	fclose(notes);
	printf("wrong %u\n", wrong);
	return 0;
}

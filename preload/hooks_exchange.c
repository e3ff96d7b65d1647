/* SPDX-License-Identifier: Apache-2.0
 *
 * net: what receives and what waits for input, as far as the order of requests and replies needs it
 * (exchange.h). Nothing of it is an event; where nobody asks for that order it is one test.
 */
#include "exchange.h"

#define EXCHANGE_RECEIVE(name, type, fd, args, is_peek, total)                                     \
	do {                                                                                       \
		struct exchange_receive exchange_;                                                 \
		if (unlikely(exchange_is_on) && exchange_receive_begin(&exchange_, fd)) {          \
			type got = real.name args;                                                 \
			exchange_receive_end(&exchange_, total, is_peek, EXCHANGE_HERE(name));     \
			return got;                                                                \
		}                                                                                  \
	} while (0)

EXPORT ssize_t read(int fd, void *buffer, size_t bytes)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_read, fd, buffer, bytes)));
	EXCHANGE_RECEIVE(read, ssize_t, fd, (fd, buffer, bytes), false, got);
	return real.read(fd, buffer, bytes);
}

EXPORT ssize_t __read_chk(int fd, void *buffer, size_t bytes, size_t room)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_read, fd, buffer, bytes)));
	EXCHANGE_RECEIVE(__read_chk, ssize_t, fd, (fd, buffer, bytes, room), false, got);
	return real.__read_chk(fd, buffer, bytes, room);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_readv, fd, parts, count)));
	EXCHANGE_RECEIVE(readv, ssize_t, fd, (fd, parts, count), false, got);
	return real.readv(fd, parts, count);
}

EXPORT ssize_t recv(int fd, void *buffer, size_t bytes, int flags)
{
	HOOK_ONLY(return sys_early(sys_call6(SYS_recvfrom, fd, buffer, bytes, flags, 0, 0)));
	EXCHANGE_RECEIVE(recv, ssize_t, fd, (fd, buffer, bytes, flags), flags & MSG_PEEK, got);
	return real.recv(fd, buffer, bytes, flags);
}

EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t bytes, size_t room, int flags)
{
	HOOK_ONLY(return sys_early(sys_call6(SYS_recvfrom, fd, buffer, bytes, flags, 0, 0)));
	EXCHANGE_RECEIVE(__recv_chk, ssize_t, fd, (fd, buffer, bytes, room, flags),
			 flags & MSG_PEEK, got);
	return real.__recv_chk(fd, buffer, bytes, room, flags);
}

EXPORT ssize_t recvfrom(int fd, void *buffer, size_t bytes, int flags, struct sockaddr *address,
			socklen_t *len)
{
	HOOK_ONLY(return sys_early(sys_call6(SYS_recvfrom, fd, buffer, bytes, flags, address, len)));
	EXCHANGE_RECEIVE(recvfrom, ssize_t, fd, (fd, buffer, bytes, flags, address, len),
			 flags & MSG_PEEK, got);
	return real.recvfrom(fd, buffer, bytes, flags, address, len);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buffer, size_t bytes, size_t room, int flags,
			      struct sockaddr *address, socklen_t *len)
{
	HOOK_ONLY(return sys_early(sys_call6(SYS_recvfrom, fd, buffer, bytes, flags, address, len)));
	EXCHANGE_RECEIVE(__recvfrom_chk, ssize_t, fd,
			 (fd, buffer, bytes, room, flags, address, len), flags & MSG_PEEK, got);
	return real.__recvfrom_chk(fd, buffer, bytes, room, flags, address, len);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_recvmsg, fd, message, flags)));
	EXCHANGE_RECEIVE(recvmsg, ssize_t, fd, (fd, message, flags), flags & MSG_PEEK, got);
	return real.recvmsg(fd, message, flags);
}

static long messages_bytes(const struct mmsghdr *messages, int count)
{
	long bytes = count < 0 ? -1 : 0;

	for (int i = 0; i < count; i++)
		bytes += messages[i].msg_len;
	return bytes;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout)
{
	HOOK_ONLY(return (int)sys_early(
		sys_call5(SYS_recvmmsg, fd, messages, count, flags, timeout)));
	EXCHANGE_RECEIVE(recvmmsg, int, fd, (fd, messages, count, flags, timeout),
			 flags & MSG_PEEK, messages_bytes(messages, got));
	return real.recvmmsg(fd, messages, count, flags, timeout);
}

/* --- waits ---------------------------------------------------------------------------------------- */

#define INPUT (POLLIN | POLLRDNORM)

static bool poll_begin(struct pollfd *fds, nfds_t count)
{
	if (!unlikely(exchange_is_on) || !count || count > 1u << 20 ||
	    !memory_is_readable(fds, count * sizeof(*fds)))
		return false;
	for (nfds_t i = 0; i < count; i++)
		if (fds[i].events & INPUT)
			exchange_wait_begin(fds[i].fd);
	return true;
}

static void poll_end(struct pollfd *fds, nfds_t count, int ret)
{
	int saved = errno;

	for (nfds_t i = 0; i < count; i++)
		if (fds[i].events & INPUT)
			exchange_wait_end(fds[i].fd, ret > 0 && fds[i].revents);
	errno = saved;
}

#define POLL(name, args)                                                                           \
	do {                                                                                       \
		bool is_watched = poll_begin(fds, count);                                          \
		int ret = real.name args;                                                          \
		if (unlikely(is_watched))                                                          \
			poll_end(fds, count, ret);                                                 \
		return ret;                                                                        \
	} while (0)

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	HOOK_ONLY(return (int)sys_early(sys_call3(SYS_poll, fds, count, timeout)));
	POLL(poll, (fds, count, timeout));
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
	HOOK_ONLY(return (int)sys_early(sys_call3(SYS_poll, fds, count, timeout)));
	POLL(__poll_chk, (fds, count, timeout, room));
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		 const sigset_t *mask)
{
	HOOK_ONLY(return (int)sys_early(sys_call5(SYS_ppoll, fds, count, timeout, mask, 8)));
	POLL(ppoll, (fds, count, timeout, mask));
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		       const sigset_t *mask, size_t room)
{
	HOOK_ONLY(return (int)sys_early(sys_call5(SYS_ppoll, fds, count, timeout, mask, 8)));
	POLL(__ppoll_chk, (fds, count, timeout, mask, room));
}

/* The descriptors that are waited for, as they were asked for: the call writes over them. A set that
 * somebody made larger than libc's is followed as far as libc's goes. */
struct select_watch {
	fd_set asked;
	int count;
};

static bool select_begin(struct select_watch *watch, int count, const fd_set *set)
{
	if (!unlikely(exchange_is_on) || !set || count <= 0)
		return false;
	watch->count = count < FD_SETSIZE ? count : FD_SETSIZE;
	if (!memory_is_readable(set, ((size_t)watch->count + 63) / 64 * 8))
		return false;
	memcpy(&watch->asked, set, ((size_t)watch->count + 63) / 64 * 8);
	for (int fd = 0; fd < watch->count; fd++)
		if (FD_ISSET(fd, &watch->asked))
			exchange_wait_begin(fd);
	return true;
}

static void select_end(const struct select_watch *watch, const fd_set *set, int ret)
{
	int saved = errno;

	for (int fd = 0; fd < watch->count; fd++)
		if (FD_ISSET(fd, &watch->asked))
			exchange_wait_end(fd, ret > 0 && FD_ISSET(fd, set));
	errno = saved;
}

EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *timeout)
{
	HOOK_ONLY(return (int)sys_early(sys_call5(SYS_select, count, in, out, other, timeout)));
	struct select_watch watch;
	bool is_watched = select_begin(&watch, count, in);
	int ret = real.select(count, in, out, other, timeout);

	if (unlikely(is_watched))
		select_end(&watch, in, ret);
	return ret;
}

EXPORT int pselect(int count, fd_set *in, fd_set *out, fd_set *other,
		   const struct timespec *timeout, const sigset_t *mask)
{
	const long masked[2] = { (long)mask, 8 };
	struct timespec left = { 0, 0 };

	if (timeout)
		left = *timeout; /* the kernel writes into it */
	HOOK_ONLY(return (int)sys_early(sys_call6(SYS_pselect6, count, in, out, other,
						  timeout ? &left : NULL, masked)));
	struct select_watch watch;
	bool is_watched = select_begin(&watch, count, in);
	int ret = real.pselect(count, in, out, other, timeout, mask);

	if (unlikely(is_watched))
		select_end(&watch, in, ret);
	return ret;
}

/* What they wait for is the kernel's to know; that the loop turned is enough. */
#define EPOLL(name, args)                                                                          \
	do {                                                                                       \
		int ret = real.name args;                                                          \
		if (unlikely(exchange_is_on) && ret >= 0)                                          \
			exchange_turned();                                                         \
		return ret;                                                                        \
	} while (0)

EXPORT int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
	HOOK_ONLY(return (int)sys_early(sys_call4(SYS_epoll_wait, fd, events, count, timeout)));
	EPOLL(epoll_wait, (fd, events, count, timeout));
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout,
		       const sigset_t *mask)
{
	HOOK_ONLY(return (int)sys_early(
		sys_call6(SYS_epoll_pwait, fd, events, count, timeout, mask, 8)));
	EPOLL(epoll_pwait, (fd, events, count, timeout, mask));
}

EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int count,
			const struct timespec *timeout, const sigset_t *mask)
{
	HOOK_ONLY(return (int)sys_early(
		sys_call6(441 /* epoll_pwait2 */, fd, events, count, timeout, mask, 8)));
	EPOLL(epoll_pwait2, (fd, events, count, timeout, mask));
}

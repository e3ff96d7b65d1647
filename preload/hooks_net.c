/* SPDX-License-Identifier: Apache-2.0
 *
 * net: sockets. The resolver's functions are in hooks_resolve.c.
 */
#include "exchange.h"

/* Errors that tell of the peer: its address was read. */
static bool is_peer_error(int32_t result)
{
	return result == -EINPROGRESS || result == -ECONNREFUSED || result == -ENOENT ||
	       result == -EADDRINUSE || result == -ENETUNREACH || result == -ETIMEDOUT;
}

static void peer_event(const struct call *call, unsigned action, int32_t result, int fd,
		       const void *address, socklen_t len)
{
	struct event_args args = { .result = result, .action = (uint8_t)action };
	int saved = errno;

	if (!call->is_on)
		return;
	args.detail = (uint32_t)socket_type(fd);
	if (len > sizeof(struct sockaddr_storage))
		len = sizeof(struct sockaddr_storage);
	/* Descriptor and length are checked before the address is read. */
	if (!address || (result < 0 && !is_peer_error(result) && !memory_is_readable(address, len)))
		args.flags = WIRE_EVENT_UNREADABLE;
	else
		args.blob[0] = (struct blob){ address, len };
	event_publish(call, &args);
	errno = saved;
}

/* The address of this end or the other one, as the kernel has it. */
static void peer_event_asked(const struct call *call, unsigned action, int32_t result, int fd,
			     long which)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (!call->is_on)
		return;
	if (session.has_seccomp || sys_call3(which, fd, &address, &len) < 0)
		peer_event(call, action, result, fd, NULL, 0);
	else
		peer_event(call, action, result, fd, &address, len);
}

EXPORT int socket(int domain, int type, int protocol)
{
	HOOK_ONLY(return (int)sys_early(sys_call3(SYS_socket, domain, type, protocol)));
	int ret = real.socket(domain, type, protocol);

	if (ret >= 0)
		socket_note(ret, type);
	return ret;
}

EXPORT int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	HOOK_BEGIN(connect, return (int)sys_early(sys_call3(SYS_connect, fd, address, len)));
	int ret = real.connect(fd, address, len);

	peer_event(&call, WIRE_NET_CONNECT, ret_errno(ret), fd, address, len);
	if (!ret)
		socket_note_connected(fd);
	if (unlikely(session.flags & WIRE_SESSION_EXCHANGE) && (!ret || errno == EINPROGRESS) &&
	    socket_type(fd) == SOCK_STREAM)
		exchange_connected(&call, fd, address, len);
	HOOK_END();
	return ret;
}

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	HOOK_BEGIN(bind, return (int)sys_early(sys_call3(SYS_bind, fd, address, len)));
	int ret = real.bind(fd, address, len);

	peer_event(&call, WIRE_NET_BIND, ret_errno(ret), fd, address, len);
	HOOK_END();
	return ret;
}

EXPORT int listen(int fd, int backlog)
{
	HOOK_BEGIN(listen, return (int)sys_early(sys_call2(SYS_listen, fd, backlog)));
	int ret = real.listen(fd, backlog);

	if (ret >= 0)
		peer_event_asked(&call, WIRE_NET_LISTEN, ret, fd, SYS_getsockname);
	HOOK_END();
	return ret;
}

static void accepted(const struct call *call, int ret)
{
	if (ret < 0)
		return;
	socket_note(ret, SOCK_STREAM);
	peer_event_asked(call, WIRE_NET_ACCEPT, ret, ret, SYS_getpeername);
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *len)
{
	HOOK_BEGIN(accept, return (int)sys_early(sys_call3(SYS_accept, fd, address, len)));
	int ret = real.accept(fd, address, len);

	accepted(&call, ret);
	HOOK_END();
	return ret;
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	HOOK_BEGIN(accept4, return (int)sys_early(sys_call4(SYS_accept4, fd, address, len, flags)));
	int ret = real.accept4(fd, address, len, flags);

	accepted(&call, ret);
	HOOK_END();
	return ret;
}

/* --- datagrams: the first one to each peer ------------------------------------------------------ */

/* Whether this send deserves an event: only then is a stack taken. */
static bool send_is_news(int fd, const void *address, socklen_t len, const void *caller)
{
	if (address && len && len <= sizeof(struct sockaddr_storage))
		return socket_type(fd) == SOCK_DGRAM && socket_is_first(fd, address, len, caller);
	return unlikely(socket_is_pending(fd)) && socket_is_first(fd, "", 0, caller);
}

static void send_event(const struct call *call, long ret, int fd, const void *address,
		       socklen_t len)
{
	if (ret < 0)
		return;
	if (address && len)
		peer_event(call, WIRE_NET_SEND, 0, fd, address, len);
	else
		peer_event_asked(call, WIRE_NET_SEND, 0, fd, SYS_getpeername);
}

#define CALLER __builtin_return_address(0)

/* The kernel sees every datagram and looks for our slot: there each one is announced. */
#define SEND_ANNOUNCED(name, type, args)                                                           \
	do {                                                                                       \
		if (unlikely(session.flags & WIRE_SESSION_KERNEL) && shim_state == SHIM_ACTIVE &&  \
		    socket_type(fd) == SOCK_DGRAM) {                                               \
			HOOK_BEGIN(name, return -1);                                               \
			type sent = real.name args;                                                \
			HOOK_END();                                                                \
			return sent;                                                               \
		}                                                                                  \
	} while (0)

/* How what is sent begins: a few bytes are enough. */
#define BLOB(data, bytes) ((struct blob){ data, (bytes) < 64 ? (uint32_t)(bytes) : 64 })

static struct blob parts_first(const struct iovec *parts, size_t count)
{
	return count ? BLOB(parts[0].iov_base, parts[0].iov_len) : BLOB(NULL, 0u);
}

static size_t parts_bytes(const struct iovec *parts, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += parts[i].iov_len;
	return bytes;
}

/* What went out of the first count; what should have, when there is nothing behind them. */
static size_t messages_bytes(const struct mmsghdr *messages, unsigned count)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < count; i++)
		bytes += messages[i].msg_len;
	return bytes;
}

static size_t messages_wanted(const struct mmsghdr *messages, unsigned count, unsigned all)
{
	size_t bytes = count < all;

	for (unsigned i = 0; i < count; i++)
		bytes += parts_bytes(messages[i].msg_hdr.msg_iov, messages[i].msg_hdr.msg_iovlen);
	return bytes;
}

EXPORT ssize_t send(int fd, const void *data, size_t bytes, int flags)
{
	HOOK_ONLY(return sys_early(sys_call6(SYS_sendto, fd, data, bytes, flags, 0, 0)));
	EXCHANGE_SEND(send, ssize_t, fd, (fd, data, bytes, flags), BLOB(data, bytes), bytes, sent);
	SEND_ANNOUNCED(send, ssize_t, (fd, data, bytes, flags));
	if (likely(shim_state != SHIM_ACTIVE || !send_is_news(fd, NULL, 0, CALLER)))
		return real.send(fd, data, bytes, flags);
	HOOK_BEGIN(send, return -1);
	ssize_t ret = real.send(fd, data, bytes, flags);

	send_event(&call, ret, fd, NULL, 0);
	HOOK_END();
	return ret;
}

EXPORT ssize_t sendto(int fd, const void *data, size_t bytes, int flags,
		      const struct sockaddr *address, socklen_t len)
{
	HOOK_ONLY(return sys_early(sys_call6(SYS_sendto, fd, data, bytes, flags, address, len)));
	EXCHANGE_SEND(sendto, ssize_t, fd, (fd, data, bytes, flags, address, len), BLOB(data, bytes),
		      bytes, sent);
	SEND_ANNOUNCED(sendto, ssize_t, (fd, data, bytes, flags, address, len));
	ssize_t ret = real.sendto(fd, data, bytes, flags, address, len);
	int saved = errno;

	if (shim_state == SHIM_ACTIVE && ret >= 0 && send_is_news(fd, address, len, CALLER)) {
		HOOK_BEGIN(sendto, return ret);
		send_event(&call, ret, fd, address, len);
		HOOK_END();
	}
	errno = saved;
	return ret;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_sendmsg, fd, message, flags)));
	EXCHANGE_SEND(sendmsg, ssize_t, fd, (fd, message, flags),
		      parts_first(message->msg_iov, message->msg_iovlen),
		      parts_bytes(message->msg_iov, message->msg_iovlen), sent);
	SEND_ANNOUNCED(sendmsg, ssize_t, (fd, message, flags));
	ssize_t ret = real.sendmsg(fd, message, flags);
	int saved = errno;

	if (shim_state == SHIM_ACTIVE && ret >= 0 &&
	    send_is_news(fd, message->msg_name, message->msg_namelen, CALLER)) {
		HOOK_BEGIN(sendmsg, return ret);
		send_event(&call, ret, fd, message->msg_name, message->msg_namelen);
		HOOK_END();
	}
	errno = saved;
	return ret;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	HOOK_ONLY(return (int)sys_early(sys_call4(SYS_sendmmsg, fd, messages, count, flags)));
	EXCHANGE_SEND(sendmmsg, int, fd, (fd, messages, count, flags),
		      parts_first(messages[0].msg_hdr.msg_iov, messages[0].msg_hdr.msg_iovlen),
		      messages_wanted(messages, (unsigned)sent, count),
		      (long)messages_bytes(messages, (unsigned)sent));
	SEND_ANNOUNCED(sendmmsg, int, (fd, messages, count, flags));
	int ret = real.sendmmsg(fd, messages, count, flags);
	int saved = errno;

	for (int i = 0; shim_state == SHIM_ACTIVE && i < ret; i++) {
		const struct msghdr *message = &messages[i].msg_hdr;

		if (!send_is_news(fd, message->msg_name, message->msg_namelen, CALLER))
			continue;
		HOOK_BEGIN(sendmmsg, return ret);
		send_event(&call, 0, fd, message->msg_name, message->msg_namelen);
		HOOK_END();
	}
	errno = saved;
	return ret;
}

EXPORT ssize_t write(int fd, const void *data, size_t bytes)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_write, fd, data, bytes)));
	EXCHANGE_SEND(write, ssize_t, fd, (fd, data, bytes), BLOB(data, bytes), bytes, sent);
	if (likely(!socket_is_pending(fd)) || shim_state != SHIM_ACTIVE ||
	    !socket_is_first(fd, "", 0, CALLER))
		return real.write(fd, data, bytes);
	HOOK_BEGIN(write, return -1);
	ssize_t ret = real.write(fd, data, bytes);

	send_event(&call, ret, fd, NULL, 0);
	HOOK_END();
	return ret;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	HOOK_ONLY(return sys_early(sys_call3(SYS_writev, fd, parts, count)));
	EXCHANGE_SEND(writev, ssize_t, fd, (fd, parts, count), parts_first(parts, (size_t)count),
		      parts_bytes(parts, (size_t)count), sent);
	if (likely(!socket_is_pending(fd)) || shim_state != SHIM_ACTIVE ||
	    !socket_is_first(fd, "", 0, CALLER))
		return real.writev(fd, parts, count);
	HOOK_BEGIN(writev, return -1);
	ssize_t ret = real.writev(fd, parts, count);

	send_event(&call, ret, fd, NULL, 0);
	HOOK_END();
	return ret;
}

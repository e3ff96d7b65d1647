/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of each followed connection, by descriptor. Any number of threads change it without
 * a lock: a race can make us lose the order, and then a connection is given up, or a finding not
 * made.
 */
#include "exchange.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>

#define FDS 65536u

enum conn_flags {
	CONN_TCP = 1,
	CONN_GIVEN_UP = 2,
	CONN_LINKED = 4,    /* other descriptors lead here */
	CONN_TLS = 8,
	CONN_TLS_READY = 16, /* the next record of data is the program's own */
	CONN_PARTIAL = 32,  /* the last send was cut short: the next one goes on with it */
	CONN_READY = 64,    /* a wait said that bytes have come */
};

struct exchange_conn {
	uint32_t epoch;	 /* of the process it was begun in, 0: not followed */
	uint32_t serial; /* of the connection */
	uint32_t flags;
	uint32_t link;	 /* 1 + descriptor that this is a copy of, 0: none */
	uint64_t open;	 /* bytes of a request of which no reply has come, 0: none */
	uint64_t taken;	 /* bytes received */
	uint64_t asker;	 /* thread of the last send */
	uint64_t looker; /* thread that looked for bytes in vain since then */
	uint64_t late_by; /* thread that received what the asker no longer waited for */
	uint64_t late_bytes;
	uint32_t turns;	 /* the asker's, at its last send */
	uint32_t readers; /* threads inside a call that waits for bytes of it */
	/* A second request whose crossing is told when its sender receives: the sender may turn out
	 * to be one who never does. */
	uint64_t pending_by, pending_bytes;
	uint32_t pending_stack, pending_origin;
	uint16_t pending_hook;
	uint8_t pending_kind;
	uint8_t tls_hellos;
};

uint32_t exchange_is_on;
static struct exchange_conn *table;
static uint32_t epoch = 1, last_serial, fds_used;

static inline uint64_t thread_here(void)
{
	return (uint64_t)&thread_self;
}

/* Mapped when the first connection is to be followed; the pages are made as they are used. */
static int table_make(void)
{
	struct exchange_conn *expected = NULL;
	size_t bytes = FDS * sizeof(*table);
	long map;

	if (__atomic_load_n(&table, __ATOMIC_ACQUIRE))
		return 0;
	if (session.has_seccomp)
		return -EPERM;
	map = sys_call6(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map < 0 && map > -4096)
		return (int)map;
	if (!__atomic_compare_exchange_n(&table, &expected, (struct exchange_conn *)map, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		sys_call2(SYS_munmap, map, bytes);
	__atomic_store_n(&exchange_is_on, 1, __ATOMIC_RELEASE);
	return 0;
}

/* A vfork child has descriptors of its own, and this table is its parent's. */
static bool is_guest(void)
{
	return unlikely(thread_self.is_vforking) && process_acting() != session.pid;
}

static inline struct exchange_conn *entry_of(int fd)
{
	return likely(table) && (unsigned)fd < FDS ? &table[fd] : NULL;
}

static struct exchange_conn *conn_of(int fd)
{
	struct exchange_conn *conn = entry_of(fd), *copy = conn;

	if (!conn || conn->epoch != epoch)
		return NULL;
	if (unlikely(!*session_fork_guard)) {
		session_after_fork();
		return NULL;
	}
	if (unlikely(conn->link)) {
		conn = &table[conn->link - 1];
		if (conn->epoch != epoch || conn->serial != copy->serial)
			return NULL;
	}
	return conn->flags & CONN_GIVEN_UP || is_guest() ? NULL : conn;
}

static void give_up(struct exchange_conn *conn)
{
	conn->pending_by = 0;
	conn->flags |= CONN_GIVEN_UP;
}

/* --- telling ------------------------------------------------------------------------------------ */

static void exchange_publish(const struct call *call, int fd, unsigned kind, uint64_t bytes)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	struct event_args args = { .action = WIRE_NET_EXCHANGE,
				   .detail = SOCK_STREAM | kind << WIRE_EXCHANGE_SHIFT,
				   .result = bytes > INT32_MAX ? INT32_MAX : (int32_t)bytes };

	if (session.has_seccomp || sys_call3(SYS_getpeername, fd, &address, &len) < 0 ||
	    len > sizeof(address))
		args.flags = WIRE_EVENT_UNREADABLE;
	else
		args.blob[0] = (struct blob){ &address, len };
	event_publish(call, &args);
}

static void exchange_tell(int fd, unsigned kind, uint64_t bytes, const struct exchange_place *place)
{
	struct call call;

	call_begin(&call, place->hook, CALL_ACT, place->frame);
	if (call.is_on)
		exchange_publish(&call, fd, kind, bytes);
	call_end(&call);
}

/* The stack as it is now, for later. */
static void pending_here(struct exchange_conn *conn, const struct exchange_place *place)
{
	struct call call;

	call_begin(&call, place->hook, CALL_ACT, place->frame);
	conn->pending_stack = call.is_on ? call.stack : 0;
	conn->pending_origin = call.is_on ? call.origin : 0;
	call_end(&call);
}

static void tell_pending(struct exchange_conn *conn, int fd, const struct exchange_place *place)
{
	struct call call;

	conn->pending_by = 0;
	call_begin(&call, place->hook, CALL_ACT, place->frame);
	call.stack = conn->pending_stack;
	call.origin = conn->pending_origin;
	call.hook = conn->pending_hook;
	if (call.is_on)
		exchange_publish(&call, fd, conn->pending_kind, conn->pending_bytes);
	call_end(&call);
}

/* --- connections come and go --------------------------------------------------------------------- */

void exchange_connected(const struct call *call, int fd, const void *address, socklen_t len)
{
	struct event_args args = { .action = WIRE_NET_EXCHANGE, .detail = SOCK_STREAM };
	const struct sockaddr *peer = address;
	struct exchange_conn *conn;
	int saved = errno;

	if (!call->is_on || len < sizeof(peer->sa_family) || is_guest() ||
	    (peer->sa_family != AF_INET && peer->sa_family != AF_INET6 &&
	     peer->sa_family != AF_UNIX))
		return;
	args.result = (unsigned)fd < FDS ? table_make() : -EMFILE;
	conn = entry_of(fd);
	if (args.result < 0 || !conn) {
		/* Nobody follows this one: told, because a policy asks for it. */
		args.blob[0] = (struct blob){ address, len };
		event_publish(call, &args);
	} else {
		memset(conn, 0, sizeof(*conn));
		conn->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
		conn->flags = peer->sa_family == AF_UNIX ? 0 : CONN_TCP;
		if (fds_used <= (unsigned)fd)
			fds_used = (unsigned)fd + 1;
		__atomic_store_n(&conn->epoch, epoch, __ATOMIC_RELEASE);
	}
	errno = saved;
}

/* The number is given back and another one leads on: what was known moves there. */
static void move_on(struct exchange_conn *conn, unsigned fd)
{
	struct exchange_conn *heir = NULL;

	for (unsigned other = 0; other < fds_used; other++) {
		struct exchange_conn *copy = &table[other];

		if (copy->epoch != epoch || copy->link != fd + 1 || copy->serial != conn->serial)
			continue;
		if (heir) {
			copy->link = (uint32_t)(heir - table) + 1;
			continue;
		}
		heir = copy;
		*heir = *conn;
	}
}

void exchange_closed(int fd, const struct exchange_place *place)
{
	struct exchange_conn *conn = entry_of(fd);
	int saved = errno;

	if (!conn || conn->epoch != epoch || unlikely(!*session_fork_guard) || is_guest())
		return;
	if (!conn->link && conn->flags & CONN_LINKED)
		move_on(conn, (unsigned)fd);
	else if (place && !conn->link && conn->pending_by == thread_here() &&
		 conn->flags & CONN_TCP)
		tell_pending(conn, fd, place);
	conn->epoch = 0;
	errno = saved;
}

void exchange_closed_range(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < fds_used; fd++)
		exchange_closed((int)fd, NULL);
}

void exchange_copied(int from, int to)
{
	struct exchange_conn *copy = entry_of(to), *conn = entry_of(from);

	if (!copy || from == to || is_guest() || unlikely(!*session_fork_guard))
		return;
	exchange_closed(to, NULL);
	if (!conn || conn->epoch != epoch)
		return;
	memset(copy, 0, sizeof(*copy));
	copy->link = conn->link ? conn->link : (uint32_t)from + 1;
	copy->serial = conn->serial;
	table[copy->link - 1].flags |= CONN_LINKED;
	if (fds_used <= (unsigned)to)
		fds_used = (unsigned)to + 1;
	__atomic_store_n(&copy->epoch, epoch, __ATOMIC_RELEASE);
}

void exchange_forked(void)
{
	epoch++;
}

void exchange_shared(void)
{
	for (unsigned fd = 0; fd < fds_used; fd++) {
		struct exchange_conn *conn = conn_of((int)fd);

		if (conn && !(conn->flags & CONN_TCP))
			give_up(conn);
	}
}

/* --- what was sent, in place --------------------------------------------------------------------- */

/* Commands after which Redis speaks without being asked, and answers when it likes. */
static bool is_subscription(const char *text, size_t bytes)
{
	static const char words[] = "subscribe\0psubscribe\0ssubscribe\0unsubscribe\0"
				    "punsubscribe\0sunsubscribe\0monitor\0sync\0psync\0";
	size_t at = 0;

	/* *COUNT CRLF $LENGTH CRLF WORD CRLF */
	if (!bytes || text[at++] != '*')
		return false;
	for (int line = 0; line < 2; line++) {
		while (at < bytes && text[at] != '\n' && at < 32)
			at++;
		at++;
	}
	for (const char *word = words; *word; word += strlen(word) + 1) {
		size_t len = strlen(word), same = 0;

		while (same < len && at + same < bytes && (text[at + same] | 0x20) == word[same])
			same++;
		if (same == len && at + same < bytes && text[at + same] == '\r')
			return true;
	}
	return false;
}

/* The record types of TLS. Whatever is no data of the program's is no request: the end of the
 * handshake is followed by the first request without an answer between. In TLS 1.3 that end looks
 * like data, where no change of ciphers was sent before it for the sake of old middleboxes. */
static bool is_tls_request(struct exchange_conn *conn, const uint8_t *data, size_t bytes)
{
	enum { CHANGE = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };

	if (bytes >= 3 && data[0] == HANDSHAKE && data[1] == 3 && !(conn->flags & CONN_PARTIAL)) {
		conn->flags |= CONN_TLS;
		conn->tls_hellos++;
		if (conn->tls_hellos > 1)
			conn->flags |= CONN_TLS_READY;
		return false;
	}
	if (!(conn->flags & CONN_TLS) || conn->flags & CONN_PARTIAL)
		return true;
	if (data[0] == CHANGE)
		conn->flags |= CONN_TLS_READY;
	if (data[0] == CHANGE || data[0] == ALERT)
		return false;
	if (data[0] == DATA && !(conn->flags & CONN_TLS_READY)) {
		conn->flags |= CONN_TLS_READY;
		return false;
	}
	return true;
}

/* --- sending ------------------------------------------------------------------------------------- */

/* Bytes that lie unread; 0 as well where it may not be asked. */
static uint32_t queued_bytes(int fd)
{
	int bytes = 0;

	if (session.has_seccomp || sys_call3(SYS_ioctl, fd, SIOCINQ, &bytes) < 0 || bytes < 0)
		return 0;
	return (uint32_t)bytes;
}

/* Has somebody taken bytes that we did not see being received: by another name of the descriptor, in
 * another process, through io_uring or a FILE? The kernel counts. */
static bool was_read_elsewhere(const struct exchange_conn *conn, int fd, uint32_t queued)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (!(conn->flags & CONN_TCP))
		return conn->flags & CONN_READY && !queued;
	if (session.has_seccomp ||
	    sys_call5(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_segs_out))
		return false;
	return info.tcpi_bytes_received > conn->taken + queued;
}

static void judge_order(struct exchange_send *send)
{
	struct exchange_conn *conn = send->conn;
	uint64_t here = thread_here();
	uint32_t queued;

	send->open_bytes = conn->open;
	if (!conn->open && conn->late_by) {
		send->kind = WIRE_EXCHANGE_LATE;
		send->open_bytes = conn->late_bytes;
		send->is_sure = true;
		return;
	}
	if (!conn->open || conn->flags & CONN_PARTIAL)
		return;
	send->is_sure = conn->looker && (conn->looker == here || conn->looker == conn->asker);
	/* A loop that turned gave the reply its chance as well. Who sends more without looking up
	 * is still at the same request. */
	if (!send->is_sure && !(conn->flags & CONN_READY) &&
	    (conn->asker != here || thread_self.turns == conn->turns))
		return;
	queued = queued_bytes(send->fd);
	if (was_read_elsewhere(conn, send->fd, queued)) {
		give_up(conn);
		return;
	}
	if (conn->flags & CONN_READY && !queued)
		return; /* the end of the connection was what a wait announced */
	send->kind = queued ? WIRE_EXCHANGE_LATE : WIRE_EXCHANGE_CROSSED;
}

bool exchange_send_begin(struct exchange_send *send, int fd)
{
	struct exchange_conn *conn = conn_of(fd);

	if (!conn)
		return false;
	*send = (struct exchange_send){ .conn = conn, .fd = fd, .serial = conn->serial };
	if (__atomic_load_n(&conn->readers, __ATOMIC_RELAXED))
		give_up(conn); /* another thread waits for the replies */
	else
		judge_order(send);
	return !(conn->flags & CONN_GIVEN_UP);
}

static void tell_or_keep(struct exchange_send *send, const struct exchange_place *place)
{
	struct exchange_conn *conn = send->conn;

	if (send->is_sure) {
		exchange_tell(send->fd, send->kind, send->open_bytes, place);
	} else if (!conn->pending_by) {
		pending_here(conn, place);
		conn->pending_hook = (uint16_t)place->hook;
		conn->pending_kind = send->kind;
		conn->pending_bytes = send->open_bytes;
		conn->pending_by = thread_here();
	}
}

void exchange_send_end(struct exchange_send *send, long sent, struct blob first, size_t want,
		       const struct exchange_place *place)
{
	struct exchange_conn *conn = send->conn;
	bool is_new = send->kind || !conn->open;

	if (conn->serial != send->serial || conn->epoch != epoch)
		return;
	if (first.bytes > (size_t)sent)
		first.bytes = (uint32_t)sent;
	if (!(conn->flags & (CONN_TLS | CONN_PARTIAL)) && is_subscription(first.data, first.bytes)) {
		give_up(conn);
		return;
	}
	if (first.bytes && !is_tls_request(conn, first.data, first.bytes))
		return;
	if (send->kind)
		tell_or_keep(send, place);
	conn->open = (is_new ? 0 : conn->open) + (uint64_t)sent;
	conn->asker = thread_here();
	conn->turns = thread_self.turns;
	conn->looker = conn->late_by = 0;
	conn->flags &= ~(unsigned)(CONN_PARTIAL | CONN_READY);
	if ((size_t)sent < want)
		conn->flags |= CONN_PARTIAL;
}

/* --- receiving and waiting ----------------------------------------------------------------------- */

bool exchange_receive_begin(struct exchange_receive *receive, int fd)
{
	struct exchange_conn *conn = conn_of(fd);

	if (!conn)
		return false;
	*receive = (struct exchange_receive){ conn, fd, conn->serial };
	__atomic_fetch_add(&conn->readers, 1, __ATOMIC_RELAXED);
	return true;
}

/* The first bytes of a reply. Who takes it must be who asked. */
static void reply_taken(struct exchange_conn *conn, int fd, const struct exchange_place *place)
{
	uint64_t here = thread_here();

	if (conn->pending_by && conn->pending_by != here)
		give_up(conn);
	else if (conn->pending_by)
		tell_pending(conn, fd, place);
	if (conn->open && conn->asker != here) {
		if (conn->looker == conn->asker) {
			conn->late_by = here;
			conn->late_bytes = conn->open;
		} else {
			give_up(conn);
		}
	}
	conn->open = conn->looker = 0;
	conn->flags &= ~(unsigned)(CONN_PARTIAL | CONN_READY);
}

void exchange_receive_end(struct exchange_receive *receive, long received, bool is_peek,
			  const struct exchange_place *place)
{
	struct exchange_conn *conn = receive->conn;
	int saved = errno;

	if (conn->serial != receive->serial || conn->epoch != epoch)
		return;
	__atomic_fetch_sub(&conn->readers, 1, __ATOMIC_RELAXED);
	if (received > 0 && !is_peek) {
		conn->taken += (uint64_t)received;
		reply_taken(conn, receive->fd, place);
	} else if (received < 0 && conn->open &&
		   (saved == EAGAIN || saved == EWOULDBLOCK || saved == EINTR)) {
		conn->looker = thread_here();
	}
	errno = saved;
}

void exchange_wait_begin(int fd)
{
	struct exchange_conn *conn = conn_of(fd);

	if (conn)
		__atomic_fetch_add(&conn->readers, 1, __ATOMIC_RELAXED);
}

void exchange_wait_end(int fd, bool is_ready)
{
	struct exchange_conn *conn = conn_of(fd);

	/* Begun before the connection was: not counted then. */
	if (!conn || !__atomic_load_n(&conn->readers, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_sub(&conn->readers, 1, __ATOMIC_RELAXED);
	if (!conn->open)
		return;
	if (is_ready)
		conn->flags |= CONN_READY;
	else
		conn->looker = thread_here();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The probes: sockets, and io_uring in place of system calls. Loopback only.
 */
#include "test_bpf_watch.h"

#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static struct sockaddr_in v4(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

#define ANY(address) ((struct sockaddr *)&(address))

/* The address of an event as text: "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name". */
static const char *peer_text(const struct wire_kernel_event *event)
{
	static char text[300];
	char host[INET6_ADDRSTRLEN];
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		char raw[256];
	} a = { .raw = { 0 } };

	assert_true(event->path_len < sizeof(a));
	memcpy(&a, event + 1, event->path_len);
	if (a.any.sa_family == AF_INET)
		snprintf(text, sizeof(text), "%s:%u",
			 inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host)), ntohs(a.in.sin_port));
	else if (a.any.sa_family == AF_INET6)
		snprintf(text, sizeof(text), "[%s]:%u",
			 inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host)),
			 ntohs(a.in6.sin6_port));
	else
		snprintf(text, sizeof(text), "unix:%s%.107s",
			 event->path_len > 2 && !a.un.sun_path[0] ? "@" : "",
			 event->path_len > 2 && !a.un.sun_path[0] ? a.un.sun_path + 1 :
								    a.un.sun_path);
	return text;
}

/* --- streams ---------------------------------------------------------------------------------- */

static void act_streams(void *arg)
{
	struct sockaddr_in address = v4(0);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(address);
	uint16_t *ports = watch.shared;
	int l, c;

	(void)arg;
	MUST((l = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(!bind(l, ANY(address), len) && !listen(l, 4) && !getsockname(l, ANY(address), &len));
	ports[0] = ntohs(address.sin_port);
	MUST((c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
	MUST(!connect(c, ANY(address), len) || errno == EINPROGRESS);
	MUST(accept4(l, NULL, NULL, 0) >= 0);
	MUST(!getsockname(c, ANY(address), &len));
	ports[1] = ntohs(address.sin_port);
	address = v4(ports[0]);
	close(l);
	MUST((c = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(connect(c, ANY(address), len) && errno == ECONNREFUSED);
	len = sizeof(six);
	MUST((l = socket(AF_INET6, SOCK_STREAM, 0)) >= 0);
	if (!bind(l, ANY(six), len)) {
		MUST(!listen(l, 4) && !getsockname(l, ANY(six), &len));
		ports[2] = ntohs(six.sin6_port);
		MUST((c = socket(AF_INET6, SOCK_STREAM, 0)) >= 0 && !connect(c, ANY(six), len));
	}
}

static void assert_peer(unsigned action, int nth, const char *text, int truth)
{
	const struct wire_kernel_event *event = event_must(action, NULL, nth);

	assert_string_equal(peer_text(event), text);
	assert_int_equal(event->truth, truth);
}

static void test_streams(void **state)
{
	const uint16_t *ports = watch.shared;
	char text[64];

	(void)state;
	memset(watch.shared, 0, 64);
	watch_run(act_streams, NULL);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ports[0]);
	assert_peer(WIRE_NET_BIND, 0, text, WIRE_TRUTH_OBJECT); /* the port it got, not 0 */
	assert_peer(WIRE_NET_LISTEN, 0, text, WIRE_TRUTH_OBJECT);
	assert_peer(WIRE_NET_CONNECT, 0, text, WIRE_TRUTH_OBJECT);
	assert_int_equal(event_must(WIRE_NET_CONNECT, NULL, 0)->result, -EINPROGRESS);
	assert_peer(WIRE_NET_CONNECT, 1, text, WIRE_TRUTH_OBJECT);
	assert_int_equal(event_must(WIRE_NET_CONNECT, NULL, 1)->result, -ECONNREFUSED);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ports[1]);
	assert_peer(WIRE_NET_ACCEPT, 0, text, WIRE_TRUTH_OBJECT);
	assert_int_equal(event_must(WIRE_NET_CONNECT, NULL, 0)->detail,
			 SOCK_STREAM | IPPROTO_TCP << 16);
	if (ports[2]) {
		snprintf(text, sizeof(text), "[::1]:%u", ports[2]);
		assert_peer(WIRE_NET_CONNECT, 2, text, WIRE_TRUTH_OBJECT);
	}
}

static struct sockaddr_in rewritten;
static volatile bool is_rewriting;

static void *rewrite(void *arg)
{
	volatile uint16_t *port = &rewritten.sin_port;

	(void)arg;
	while (is_rewriting) {
		*port = htons(1);
		*port = htons(2);
	}
	return NULL;
}

#define REWRITES 500
static void act_rewrite(void *arg)
{
	uint16_t *ports = watch.shared;
	pthread_t thread;

	(void)arg;
	rewritten = v4(1);
	is_rewriting = true;
	MUST(!pthread_create(&thread, NULL, rewrite, NULL));
	for (int i = 0; i < REWRITES; i++) {
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		MUST(!connect(fd, ANY(rewritten), sizeof(rewritten)));
		MUST(!getpeername(fd, ANY(peer), &len));
		ports[i] = ntohs(peer.sin_port);
		close(fd);
	}
	is_rewriting = false;
	pthread_join(thread, NULL);
}

static void test_rewritten_peer(void **state)
{
	const uint16_t *ports = watch.shared;
	char text[64];

	(void)state;
	watch_run(act_rewrite, NULL);
	for (int i = 0; i < REWRITES; i++) {
		snprintf(text, sizeof(text), "127.0.0.1:%u", ports[i]);
		assert_peer(WIRE_NET_CONNECT, i, text, WIRE_TRUTH_OBJECT);
	}
}

/* --- Unix ------------------------------------------------------------------------------------- */

static void act_unix(void *arg)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct sockaddr_un other = { .sun_family = AF_UNIX, .sun_path = "link/../sock" };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t) + 1 + 8;
	int l, c;

	(void)arg;
	memcpy(name.sun_path + 1, "abstract", 8);
	MUST(!mkdir("sub", 0755) && !symlink("sub", "link"));
	MUST((l = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	MUST(!bind(l, ANY(path), sizeof(path)) && !listen(l, 4));
	MUST((c = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && !connect(c, ANY(other), sizeof(other)));
	MUST((l = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	MUST(!bind(l, ANY(name), len) && !listen(l, 4));
	MUST((c = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && !connect(c, ANY(name), len));
}

static void test_unix(void **state)
{
	const struct wire_kernel_event *event;
	struct stat st;

	(void)state;
	watch_run(act_unix, NULL);
	event = event_must(WIRE_NET_CONNECT, NULL, 0);
	assert_string_equal(peer_text(event), "unix:sock"); /* as it is bound, not as it was asked */
	assert_string_equal(event_text(event, 1), in_dir("sock"));
	assert_int_equal(stat(in_dir("sock"), &st), 0);
	assert_int_equal(event->inode, st.st_ino);
	assert_int_equal(event->device, st.st_dev);
	assert_peer(WIRE_NET_CONNECT, 1, "unix:@abstract", WIRE_TRUTH_OBJECT);
	assert_peer(WIRE_NET_BIND, 1, "unix:@abstract", WIRE_TRUTH_OBJECT);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static void act_datagrams(void *arg)
{
	struct sockaddr_in a = v4(9), b = v4(10), none = { .sin_family = AF_UNSPEC };
	struct iovec part = { "x", 1 };
	struct mmsghdr messages[3] = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), connected;

	(void)arg;
	for (int i = 0; i < 5; i++)
		sendto(fd, "x", 1, 0, ANY(a), sizeof(a));
	for (int i = 0; i < 3; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = i ? &b : &a,
						       .msg_namelen = sizeof(a),
						       .msg_iov = &part,
						       .msg_iovlen = 1 };
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(sendmmsg(fd, messages, 3, 0) == 3);
	connected = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(!connect(connected, ANY(a), sizeof(a)));
	MUST(write(connected, "x", 1) == 1);
	MUST(!connect(connected, ANY(none), sizeof(none)));
}

static void test_datagrams(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	watch_run(act_datagrams, NULL);
	assert_peer(WIRE_NET_SEND, 0, "127.0.0.1:9",
		    strcmp(bpf_loader_mechanism(watch.loader), "lsm") ? WIRE_TRUTH_ARGUMENT :
									WIRE_TRUTH_OBJECT);
	assert_peer(WIRE_NET_SEND, 1, "127.0.0.1:9", WIRE_TRUTH_ARGUMENT);
	assert_peer(WIRE_NET_SEND, 2, "127.0.0.1:10", WIRE_TRUTH_ARGUMENT);
	assert_peer(WIRE_NET_SEND, 3, "127.0.0.1:9", WIRE_TRUTH_OBJECT);
	assert_null(event_find(WIRE_NET_SEND, NULL, 4)); /* repeats are no news */
	event = event_must(WIRE_NET_CONNECT, NULL, 0);
	assert_true(event->head.flags & WIRE_KERNEL_DATAGRAM);
	assert_int_equal(event->detail, SOCK_DGRAM | IPPROTO_UDP << 16);
	for (int i = 0; i < 4; i++)
		assert_false(event_must(WIRE_NET_SEND, NULL, i)->head.flags &
			     (WIRE_KERNEL_CHANGED | WIRE_KERNEL_UNREADABLE));
	/* Taking the peer away is no peer 0.0.0.0. */
	event = event_must(WIRE_NET_CONNECT, NULL, 1);
	assert_int_equal(*(const sa_family_t *)(event + 1), AF_UNSPEC);
}

/* --- io_uring --------------------------------------------------------------------------------- */

struct uring {
	int fd;
	unsigned *tail, *mask, *cq_head, *cq_tail, *cq_mask, *array;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static bool uring_open(struct uring *u)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	u->fd = (int)syscall(SYS_io_uring_setup, 8, &p);
	if (u->fd < 0)
		return false;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*u->cqes), PROT_READ | PROT_WRITE,
		  MAP_SHARED, u->fd, IORING_OFF_CQ_RING);
	u->sqes = mmap(NULL, p.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
		       u->fd, IORING_OFF_SQES);
	MUST(sq != MAP_FAILED && cq != MAP_FAILED && u->sqes != MAP_FAILED);
	u->tail = (unsigned *)(sq + p.sq_off.tail);
	u->mask = (unsigned *)(sq + p.sq_off.ring_mask);
	u->array = (unsigned *)(sq + p.sq_off.array);
	u->cq_head = (unsigned *)(cq + p.cq_off.head);
	u->cq_tail = (unsigned *)(cq + p.cq_off.tail);
	u->cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
	u->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return true;
}

static int uring_do(struct uring *u, struct io_uring_sqe sqe)
{
	unsigned tail = *u->tail, at = tail & *u->mask, head = *u->cq_head;
	bool is_silent = sqe.flags & IOSQE_CQE_SKIP_SUCCESS;

	u->sqes[at] = sqe;
	u->array[at] = at;
	__atomic_store_n(u->tail, tail + 1, __ATOMIC_RELEASE);
	MUST(syscall(SYS_io_uring_enter, u->fd, 1, is_silent ? 0 : 1, IORING_ENTER_GETEVENTS, NULL,
		     0) == 1);
	if (is_silent)
		return 0;
	MUST(__atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) != head);
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return u->cqes[head & *u->cq_mask].res;
}

static struct io_uring_sqe at_path(int op, const char *path, unsigned flags)
{
	return (struct io_uring_sqe){ .opcode = (uint8_t)op,
				      .fd = AT_FDCWD,
				      .addr = (uint64_t)path,
				      .len = 0600,
				      .open_flags = flags };
}

static void act_uring(void *arg)
{
	struct sockaddr_in address = v4(0);
	socklen_t len = sizeof(address);
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_name = &address,
				  .msg_namelen = sizeof(address),
				  .msg_iov = &part,
				  .msg_iovlen = 1 };
	struct io_uring_sqe sqe;
	struct uring u;
	int l, c;

	(void)arg;
	if (!uring_open(&u))
		_exit(77);
	MUST(!symlink("u-real", "u-link"));
	MUST(uring_do(&u, at_path(IORING_OP_OPENAT, "u-real", O_CREAT | O_WRONLY)) >= 0);
	sqe = at_path(IORING_OP_OPENAT, "u-link", O_RDONLY);
	sqe.flags = IOSQE_ASYNC; /* done by a worker of the kernel */
	MUST(uring_do(&u, sqe) >= 0);
	MUST(uring_do(&u, at_path(IORING_OP_OPENAT, "u-none", O_RDONLY)) == -ENOENT);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT,
				     .fd = AT_FDCWD,
				     .addr = (uint64_t)"u-real",
				     .addr2 = (uint64_t) "u-new",
				     .len = (uint32_t)AT_FDCWD };
	MUST(!uring_do(&u, sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT,
				     .fd = AT_FDCWD,
				     .flags = IOSQE_CQE_SKIP_SUCCESS,
				     .addr = (uint64_t)"u-new" };
	MUST(!uring_do(&u, sqe));
	for (int i = 0; i < 1000 && !access("u-new", F_OK); i++)
		usleep(1000);
	MUST(access("u-new", F_OK));
	MUST((l = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && !bind(l, ANY(address), len));
	MUST(!listen(l, 4) && !getsockname(l, ANY(address), &len));
	*(uint16_t *)watch.shared = ntohs(address.sin_port);
	c = socket(AF_INET, SOCK_STREAM, 0);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				     .fd = c,
				     .addr = (uint64_t)&address,
				     .addr2 = len };
	MUST(!uring_do(&u, sqe));
	address = v4(9);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_SENDMSG,
				     .fd = socket(AF_INET, SOCK_DGRAM, 0),
				     .addr = (uint64_t)&message,
				     .len = 1 };
	MUST(uring_do(&u, sqe) == 1);
}

static void test_io_uring(void **state)
{
	const struct wire_kernel_event *event;
	char text[64];

	(void)state;
	watch_start(act_uring, NULL);
	watch_finish();
	if (WEXITSTATUS(watch.status) == 77)
		skip();
	assert_int_equal(watch.status, 0);
	event = event_must(WIRE_FILE_WRITE, "u-real", 0);
	assert_path(event, in_dir("u-real"));
	assert_true(event->head.flags & WIRE_KERNEL_IO_URING);
	assert_true(event->head.flags & WIRE_KERNEL_STACK);
	event = event_must(WIRE_FILE_READ, "u-link", 0);
	assert_path(event, in_dir("u-real"));
	assert_int_equal(event->head.tid, watch.pid); /* who submitted it, not who did it */
	assert_int_equal(event_must(WIRE_FILE_READ, "u-none", 0)->result, -ENOENT);
	event = event_must(WIRE_FILE_RENAME, "u-real", 0);
	assert_path(event, in_dir("u-real"));
	assert_string_equal(event_text(event, 1), in_dir("u-new"));
	assert_path(event_must(WIRE_FILE_DELETE, "u-new", 0), in_dir("u-new"));
	snprintf(text, sizeof(text), "127.0.0.1:%u", *(uint16_t *)watch.shared);
	assert_peer(WIRE_NET_CONNECT, 0, text, WIRE_TRUTH_OBJECT);
	assert_true(event_must(WIRE_NET_CONNECT, NULL, 0)->head.flags & WIRE_KERNEL_IO_URING);
	assert_string_equal(peer_text(event_must(WIRE_NET_SEND, NULL, 0)), "127.0.0.1:9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),	 cmocka_unit_test(test_rewritten_peer),
		cmocka_unit_test(test_unix),	 cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_io_uring),
	};
	int ret = watch_open(32u << 20, 0);

	if (ret)
		return ret;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	watch_close();
	return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "live.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#define BACKLOG 4096
#define SILENT_NS 1000000000ull /* a connection that says nothing is closed after this */
#define LEFTOVER_S 60
#define MESSAGE_FDS 4		/* room for more than the one we want, so that all get closed */

static int listen_at(const struct sockaddr_un *address, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, len) < 0 || listen(fd, BACKLOG) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int listen_abstract(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s%s",
			   WIRE_SOCKET_PREFIX, name);

	return listen_at(&address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len));
}

/* A directory other users can pass through: root's runtime directory is closed to the services
 * that drop root's privileges. */
static const char *directory_parent(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 && access("/run", W_OK | X_OK) == 0)
		return "/run";
	/* The session variable separates its fields by colons. */
	if (geteuid() != 0 && runtime && runtime[0] == '/' && !strchr(runtime, ':') &&
	    strlen(runtime) < 64 && access(runtime, W_OK | X_OK) == 0)
		return runtime;
	return "/tmp";
}

/* true: somebody listens, or it cannot be told. */
static bool is_answering(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	strcpy(address.sun_path, path);
	is_refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
		     errno == ECONNREFUSED;
	close(fd);
	return !is_refused;
}

/* A collector that was killed could not take its directory away: the next one does. */
static void leftovers_remove(const char *parent)
{
	struct dirent *entry;
	DIR *directory = opendir(parent);
	char path[PATH_MAX], place[PATH_MAX];
	struct stat st;

	while (directory && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "sowatch-", 8) != 0 || strlen(entry->d_name) != 14)
			continue;
		snprintf(place, sizeof(place), "%s/%.16s", parent, entry->d_name);
		snprintf(path, sizeof(path), "%s/%.16s/hello", parent, entry->d_name);
		/* A young one may be about to listen. */
		if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid() ||
		    time(NULL) - st.st_mtime < LEFTOVER_S || is_answering(path))
			continue;
		unlink(path);
		rmdir(place);
	}
	if (directory)
		closedir(directory);
}

static int listen_path(struct sockets *sockets)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	leftovers_remove(directory_parent());
	snprintf(sockets->directory, sizeof(sockets->directory), "%s/sowatch-XXXXXX",
		 directory_parent());
	if (!mkdtemp(sockets->directory)) {
		sockets->directory[0] = '\0';
		return -errno;
	}
	snprintf(sockets->path, sizeof(sockets->path), "%s/hello", sockets->directory);
	if (strlen(sockets->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, sockets->path);
	fd = listen_at(&address, sizeof(address));
	if (fd < 0)
		return fd;
	/* Any user: whoever knows the secret is one of ours. */
	if (chmod(sockets->directory, 0755) < 0 || chmod(sockets->path, 0666) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int epoll_add(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1 };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int sockets_open(struct sockets *sockets, int epoll_fd, char *error, size_t error_bytes)
{
	unsigned char name[16];
	int result;

	memset(sockets, 0, sizeof(*sockets));
	sockets->abstract_fd = sockets->path_fd = -1;
	sockets->epoll_fd = epoll_fd;
	for (int i = 0; i < SOCKETS_PENDING; i++)
		sockets->pending[i].fd = -1;
	randombytes_buf(name, sizeof(name));
	randombytes_buf(sockets->secret, sizeof(sockets->secret));
	sodium_bin2hex(sockets->name, sizeof(sockets->name), name, sizeof(name));
	result = sockets->abstract_fd = listen_abstract(sockets->name);
	if (result >= 0)
		result = epoll_add(epoll_fd, sockets->abstract_fd);
	if (result < 0) {
		snprintf(error, error_bytes, "cannot listen for the watched processes: %s",
			 strerror(-result));
		sockets_close(sockets);
		return result;
	}
	/* The second way in is for few; without it they come out uncovered. */
	sockets->path_fd = listen_path(sockets);
	if (sockets->path_fd < 0 || epoll_add(epoll_fd, sockets->path_fd) < 0)
		sockets->path[0] = '\0';
	return 0;
}

void sockets_close(struct sockets *sockets)
{
	for (int i = 0; i < SOCKETS_PENDING; i++) {
		if (sockets->pending[i].fd >= 0)
			close(sockets->pending[i].fd);
		sockets->pending[i].fd = -1;
	}
	if (sockets->abstract_fd >= 0)
		close(sockets->abstract_fd);
	if (sockets->path_fd >= 0)
		close(sockets->path_fd);
	sockets->abstract_fd = sockets->path_fd = -1;
	if (sockets->directory[0]) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/hello", sockets->directory);
		unlink(path);
		rmdir(sockets->directory);
	}
	sockets->directory[0] = sockets->path[0] = '\0';
	sodium_memzero(sockets->secret, sizeof(sockets->secret));
}

enum hello_refusal sockets_check(const struct sockets *sockets, const void *message, size_t bytes)
{
	struct wire_hello hello;

	if (bytes < offsetof(struct wire_hello, instance))
		return HELLO_STRANGER;
	memset(&hello, 0, sizeof(hello));
	memcpy(&hello, message, bytes < sizeof(hello) ? bytes : sizeof(hello));
	if (hello.magic != WIRE_MAGIC ||
	    sodium_memcmp(hello.secret, sockets->secret, sizeof(hello.secret)) != 0)
		return HELLO_STRANGER;
	if (bytes != sizeof(hello) || hello.version != WIRE_VERSION ||
	    hello.bytes != sizeof(hello) || hello.hooks != LIVE_HOOKS || !hello.instance ||
	    (hello.how != WIRE_HELLO_EXEC && hello.how != WIRE_HELLO_FORK))
		return HELLO_MISMATCH;
	return HELLO_GOOD;
}

/* The descriptors of the message; every one but a single first is closed. */
static int message_fd(struct msghdr *message)
{
	struct cmsghdr *part;
	int kept = -1, fd;
	bool is_many = false;

	for (part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		size_t count;

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (kept < 0 && !is_many) {
				kept = fd;
				continue;
			}
			is_many = true;
			close(fd);
		}
	}
	if (is_many || message->msg_flags & MSG_CTRUNC) {
		if (kept >= 0)
			close(kept);
		return -1;
	}
	return kept;
}

static void peer_identify(int fd, struct sockets_hello *hello)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	socklen_t pidfd_len = sizeof(hello->pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
		hello->pid = peer.pid > 0 ? (uint32_t)peer.pid : 0;
		hello->uid = peer.uid;
	}
	/* No window in which the number could be another's; older kernels have the window. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &hello->pidfd, &pidfd_len) < 0)
		hello->pidfd = facts_pidfd(hello->pid);
	else
		fcntl(hello->pidfd, F_SETFD, FD_CLOEXEC);
}

/* false: nothing has come yet. */
static bool connection_read(struct sockets *sockets, int fd, sockets_receiver receiver, void *arg)
{
	struct sockets_hello hello = { .pidfd = -1, .ring_fd = -1 };
	union {
		char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = { &hello.hello, sizeof(hello.hello) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	enum hello_refusal refusal;
	ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* Closed without a word: a look whether somebody listens. */
	if (!got)
		return true;
	if (got > 0)
		hello.ring_fd = message_fd(&message);
	refusal = got > 0 ? sockets_check(sockets, &hello.hello, (size_t)got) : HELLO_STRANGER;
	if (refusal == HELLO_GOOD && (message.msg_flags & MSG_TRUNC || hello.ring_fd < 0))
		refusal = HELLO_MISMATCH;
	if (refusal != HELLO_STRANGER)
		peer_identify(fd, &hello);
	receiver(arg, refusal, &hello);
	return true;
}

/* Waited for long enough, or too many: who has not spoken by now is told so (its sendmsg fails and
 * it knows that nobody listens), what was said until now is heard. */
static void pending_close(struct sockets *sockets, struct sockets_pending *pending,
			  sockets_receiver receiver, void *arg)
{
	if (pending->fd < 0)
		return;
	shutdown(pending->fd, SHUT_RD);
	connection_read(sockets, pending->fd, receiver, arg);
	close(pending->fd);
	pending->fd = -1;
}

static void pending_add(struct sockets *sockets, int fd, uint64_t now_ns, sockets_receiver receiver,
			void *arg)
{
	int place = 0;

	for (int i = 0; i < SOCKETS_PENDING; i++) {
		if (sockets->pending[i].fd < 0) {
			place = i;
			break;
		}
		if (sockets->pending[i].since_ns < sockets->pending[place].since_ns)
			place = i;
	}
	pending_close(sockets, &sockets->pending[place], receiver, arg);
	sockets->pending[place] = (struct sockets_pending){ fd, now_ns };
	epoll_add(sockets->epoll_fd, fd);
}

static void listener_accept(struct sockets *sockets, int listener, uint64_t now_ns,
			    sockets_receiver receiver, void *arg)
{
	int fd;

	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

	while (listener >= 0 && (fd = accept4(listener, NULL, NULL, flags)) >= 0) {
		if (connection_read(sockets, fd, receiver, arg))
			close(fd);
		else
			pending_add(sockets, fd, now_ns, receiver, arg);
	}
}

void sockets_receive_pending(struct sockets *sockets, uint64_t now_ns, sockets_receiver receiver,
			     void *arg)
{
	for (int i = 0; i < SOCKETS_PENDING; i++) {
		struct sockets_pending *pending = &sockets->pending[i];
		struct sockets_pending taken = *pending;

		if (taken.fd < 0)
			continue;
		/* Out of the list meanwhile: the receiver may come in here again. */
		pending->fd = -1;
		if (connection_read(sockets, taken.fd, receiver, arg)) {
			close(taken.fd);
			continue;
		}
		*pending = taken;
		if (now_ns - taken.since_ns >= SILENT_NS)
			pending_close(sockets, pending, receiver, arg);
	}
}

void sockets_receive(struct sockets *sockets, uint64_t now_ns, sockets_receiver receiver, void *arg)
{
	sockets_receive_pending(sockets, now_ns, receiver, arg);
	listener_accept(sockets, sockets->abstract_fd, now_ns, receiver, arg);
	listener_accept(sockets, sockets->path_fd, now_ns, receiver, arg);
}

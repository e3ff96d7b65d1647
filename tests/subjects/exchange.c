/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of requests and replies on one connection, good ones and bad ones.
 *
 *	exchange tcp|unix SHAPE...
 *
 * A child of its own serves: to a line "MS TEXT" it answers "re TEXT" after so many milliseconds,
 * to "push N" with N lines that nobody asked for, 5 ms apart; what does not begin with a digit or
 * "push" it takes without a word. Prints what became of each read.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "subject.h"

static struct sockaddr_storage address;
static socklen_t address_len;
static int connection;

static void sleep_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

/* --- the server ---------------------------------------------------------------------------------- */
static void answer(int fd, const char *line)
{
	char text[128];

	if (!strncmp(line, "push ", 5)) {
		for (int i = 0; i < atoi(line + 5); i++) {
			dprintf(fd, "message %d\n", i);
			sleep_ms(5);
		}
	} else if (*line >= '0' && *line <= '9') {
		sleep_ms(atoi(line));
		snprintf(text, sizeof(text), "re %s\n", strchr(line, ' ') + 1);
		if (write(fd, text, strlen(text)) < 0)
			return;
	}
}

static void *serve_one(void *arg)
{
	int fd = (int)(long)arg;
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while ((len = getline(&line, &room, in)) > 0) {
		line[len - 1] = 0;
		answer(fd, line);
	}
	free(line);
	fclose(in);
	return NULL;
}

static void serve(int listener)
{
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		pthread_t thread;
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 || pthread_create(&thread, NULL, serve_one, (void *)(long)fd))
			_exit(1);
		pthread_detach(thread);
	}
}

static pid_t server_start(const char *kind)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_un *un = (struct sockaddr_un *)&address;
	int listener, is_unix = !strcmp(kind, "unix");
	pid_t pid;

	if (is_unix) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "exchange.sock");
		unlink(un->sun_path);
		address_len = sizeof(*un);
	} else {
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address_len = sizeof(*in);
	}
	listener = socket(address.ss_family, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (void *)&address, address_len) || listen(listener, 64))
		die("listen");
	if (!is_unix)
		getsockname(listener, (void *)&address, &address_len);
	pid = fork();
	if (!pid)
		serve(listener);
	close(listener);
	return pid;
}

/* --- the client ---------------------------------------------------------------------------------- */
static int dial(void)
{
	int fd = socket(address.ss_family, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (void *)&address, address_len))
		die("connect");
	return fd;
}

static void ask(int fd, const char *text)
{
	if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		die("send");
}

static void hear(int fd)
{
	char text[256];
	ssize_t got = recv(fd, text, sizeof(text), 0);

	if (got < 0)
		die("recv");
	puts(got ? "heard" : "ended");
}

static int is_ready(int fd, int timeout_ms)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, timeout_ms);
}

static void healthy(int fd)
{
	for (int i = 0; i < 5; i++) {
		ask(fd, "20 one\n");
		while (is_ready(fd, 5) == 0)
			;
		hear(fd);
	}
}

/* The defect: who asked has gone, and the next one asks on the same connection. The reply takes so
 * long that a busy machine has asked by then, and is waited for twice as long where it must be there. */
static void crossed(int fd)
{
	ask(fd, "300 alice\n");
	is_ready(fd, 5);
	ask(fd, "30 bob\n");
	hear(fd);
	ask(fd, "0 carol\n");
	hear(fd);
}

static void crossed_again(int fd)
{
	char byte;

	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl");
	ask(fd, "300 alice\n");
	if (read(fd, &byte, 1) != -1 || errno != EAGAIN)
		die("read");
	if (write(fd, "30 bob\n", 7) != 7)
		die("write");
	sleep_ms(600);
	hear(fd);
}

static void crossed_timeout(int fd)
{
	struct timeval timeout = { 0, 5000 };
	struct iovec part = { "30 bob\n", 7 };
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	ask(fd, "300 alice\n");
	if (recv(fd, &byte, 1, 0) != -1)
		die("recv");
	if (writev(fd, &part, 1) != 7)
		die("writev");
	sleep_ms(600);
	hear(fd);
}

static void crossed_select(int fd)
{
	struct timeval timeout = { 0, 5000 };
	struct iovec part = { "30 bob\n", 7 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	ask(fd, "300 alice\n");
	select(fd + 1, &set, NULL, NULL, &timeout);
	if (sendmsg(fd, &message, 0) != 7)
		die("sendmsg");
	sleep_ms(600);
	hear(fd);
}

static int loop_on(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int loop = epoll_create1(0);

	if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event))
		die("epoll");
	return loop;
}

static void crossed_loop(int fd)
{
	struct epoll_event event;
	int loop = loop_on(fd);

	ask(fd, "300 alice\n");
	epoll_wait(loop, &event, 1, 5);
	ask(fd, "30 bob\n");
	epoll_wait(loop, &event, 1, 1000);
	sleep_ms(50);
	hear(fd);
	close(loop);
}

/* The reply came when nobody wanted it any more, and lies there. */
static void late(int fd)
{
	ask(fd, "300 alice\n");
	is_ready(fd, 5);
	sleep_ms(600);
	ask(fd, "0 bob\n");
	hear(fd);
}

static void late_unread(int fd)
{
	ask(fd, "5 alice\n");
	is_ready(fd, 1000);
	ask(fd, "5 bob\n");
	sleep_ms(30);
	hear(fd);
}

static void *hear_on(void *arg)
{
	hear((int)(long)arg);
	return NULL;
}

static void in_thread(void *(*function)(void *), int fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, (void *)(long)fd))
		die("pthread_create");
	pthread_join(thread, NULL);
}

/* Another thread takes the reply that the asker did not wait for, and the connection goes on. */
static void late_other(int fd)
{
	ask(fd, "300 alice\n");
	is_ready(fd, 5);
	in_thread(hear_on, fd);
	ask(fd, "0 bob\n");
	hear(fd);
}

/* The same, and then the connection is given up, as it should be. */
static void late_dropped(int fd)
{
	ask(fd, "300 alice\n");
	is_ready(fd, 5);
	in_thread(hear_on, fd);
	close(fd);
	fd = dial();
	ask(fd, "0 bob\n");
	hear(fd);
	close(fd);
	connection = -1;
}

static void pipeline(int fd)
{
	for (int i = 0; i < 4; i++)
		ask(fd, "5 one\n");
	sleep_ms(60);
	hear(fd);
	ask(fd, "0 two\n");
	hear(fd);
}

/* Its rest belongs to the same request, whatever was waited for in between. */
static void partial(int fd)
{
	size_t bytes = 8 << 20, sent = 0;
	char *request = malloc(bytes);
	int waits = 0;

	memset(request, 'x', bytes);
	memcpy(request, "0 ", 2);
	request[bytes - 1] = '\n';
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl");
	while (sent < bytes) {
		struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
		ssize_t part = send(fd, request + sent, bytes - sent, 0);

		if (part > 0)
			sent += (size_t)part;
		else if (errno != EAGAIN)
			die("send");
		poll(&one, 1, 1);
		waits++;
	}
	fcntl(fd, F_SETFL, 0);
	hear(fd);
	ask(fd, "0 after\n");
	hear(fd);
	printf("%s\n", waits > 1 ? "in parts" : "in one go");
	free(request);
}

static void record(int fd, int type, int version, const char *text)
{
	char bytes[64] = { (char)type, 3, (char)version, 0, (char)strlen(text) };

	memcpy(bytes + 5, text, strlen(text));
	if (send(fd, bytes, 5 + strlen(text), 0) < 0)
		die("send");
	is_ready(fd, 3);
}

/* The end of a handshake is followed by a request without an answer between. */
static void tls13(int fd)
{
	record(fd, 22, 1, "hello\n0 server hello\n");
	sleep_ms(20);
	hear(fd);
	record(fd, 20, 3, "change\n");
	record(fd, 23, 3, "\n0 request\n");
	sleep_ms(20);
	hear(fd);
	record(fd, 21, 3, "close\n");
}

static void tls13_plain(int fd)
{
	record(fd, 22, 1, "hello\n0 server hello\n");
	sleep_ms(20);
	hear(fd);
	record(fd, 23, 3, "finished\n");
	record(fd, 23, 3, "\n0 request\n");
	sleep_ms(20);
	hear(fd);
}

static void tls12(int fd)
{
	record(fd, 22, 1, "hello\n0 server hello\n");
	sleep_ms(20);
	hear(fd);
	record(fd, 22, 3, "key\n");
	record(fd, 20, 3, "change\n");
	record(fd, 22, 3, "finished\n");
	record(fd, 23, 3, "\n0 request\n");
	sleep_ms(20);
	hear(fd);
}

static void tls_crossed(int fd)
{
	tls13(fd);
	record(fd, 23, 3, "\n60 alice\n");
	record(fd, 23, 3, "\n60 bob\n");
	hear(fd);
}

static void pubsub(int fd)
{
	static const char subscribe[] = "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n";
	static const char more[] = "*2\r\n$10\r\npsubscribe\r\n$1\r\nb\r\n";

	ask(fd, subscribe);
	is_ready(fd, 3);
	ask(fd, more);
	is_ready(fd, 3);
	ask(fd, "push 3\n");
	hear(fd);
}

/* Bytes that nobody asked for, some of them read, some not. */
static void pushes(int fd)
{
	ask(fd, "push 6\n");
	is_ready(fd, 1000);
	hear(fd);
	sleep_ms(12);
	ask(fd, "push 2\n");
	is_ready(fd, 1000);
	hear(fd);
	is_ready(fd, 10);
	ask(fd, "0 end\n");
	hear(fd);
}

static int is_over;

static void *reader(void *arg)
{
	int fd = (int)(long)arg;
	char text[256];

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED) && recv(fd, text, sizeof(text), 0) > 0)
		;
	return NULL;
}

static void *loop_reader(void *arg)
{
	int fd = (int)(long)arg, loop = loop_on(fd);
	struct epoll_event event;
	char text[256];

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		if (epoll_wait(loop, &event, 1, 5) > 0 && recv(fd, text, sizeof(text), 0) <= 0)
			break;
	close(loop);
	return NULL;
}

/* One thread sends, with a loop of its own, and another one reads. */
static void two_threads(int fd, void *(*reads)(void *))
{
	struct epoll_event event;
	int pipes[2], loop;
	pthread_t thread;

	if (pipe(pipes) || pthread_create(&thread, NULL, reads, (void *)(long)fd))
		die("pthread_create");
	loop = loop_on(pipes[0]);
	for (int i = 0; i < 8; i++) {
		ask(fd, "15 one\n");
		epoll_wait(loop, &event, 1, 2);
	}
	sleep_ms(200);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	shutdown(fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	puts("done");
}

static void duplex(int fd)
{
	two_threads(fd, reader);
}

static void duplex_loop(int fd)
{
	two_threads(fd, loop_reader);
}

/* By another number it is the same connection. */
static void copied(int fd)
{
	int copy = dup(fd);

	ask(fd, "300 alice\n");
	is_ready(copy, 5);
	ask(copy, "30 bob\n");
	close(fd);
	hear(copy);
	sleep_ms(60);
	hear(copy);
	connection = copy;
}

static void copied_healthy(int fd)
{
	int copy = dup2(fd, 100);

	for (int i = 0; i < 3; i++) {
		ask(i % 2 ? fd : copy, "10 one\n");
		is_ready(i % 2 ? copy : fd, 1000);
		hear(i % 2 ? copy : fd);
	}
	close(fd);
	ask(copy, "10 two\n");
	is_ready(copy, 2);
	hear(copy);
	connection = copy;
}

/* Taken by a name that nobody told the shim of: the kernel knows. */
static void read_elsewhere(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 50);

	for (int i = 0; i < 3; i++) {
		ask(fd, "10 one\n");
		is_ready(fd, 2);
		hear(copy);
	}
	close(copy);
}

static void read_by_child(int fd)
{
	ask(fd, "10 one\n");
	is_ready(fd, 2);
	fflush(stdout);
	if (!fork()) {
		hear(fd);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	ask(fd, "0 two\n");
	hear(fd);
}

/* Parent and child have one connection: nobody can tell whose turn it is. */
static void forked(int fd)
{
	ask(fd, "30 one\n");
	is_ready(fd, 2);
	fflush(stdout);
	if (!fork()) {
		is_ready(fd, 2);
		ask(fd, "0 two\n");
		_exit(0);
	}
	wait(NULL);
	sleep_ms(50);
	hear(fd);
}

static void through_file(int fd)
{
	FILE *file = fdopen(dup(fd), "r");
	char text[128];

	for (int i = 0; i < 3; i++) {
		ask(fd, "5 one\n");
		is_ready(fd, 1000);
		puts(fgets(text, sizeof(text), file) ? "heard" : "ended");
	}
	fclose(file);
}

/* The number is a new connection's. */
static void reused(int fd)
{
	for (int i = 0; i < 3; i++) {
		ask(fd, "60 alice\n");
		is_ready(fd, 2);
		if (i == 1) {
			int other = dial();

			dup2(other, fd);
			close(other);
		} else {
			close(fd);
			if (i == 2)
				close_range((unsigned)fd, (unsigned)fd, 0);
			fd = dial();
		}
		ask(fd, "0 bob\n");
		hear(fd);
	}
	connection = fd;
}

static const struct shape {
	const char *name;
	void (*run)(int fd);
} shapes[] = {
#define SHAPE(name) { #name, name }
	SHAPE(healthy), SHAPE(crossed), SHAPE(crossed_again), SHAPE(crossed_timeout),
	SHAPE(crossed_select), SHAPE(crossed_loop), SHAPE(late), SHAPE(late_unread),
	SHAPE(late_other), SHAPE(late_dropped), SHAPE(pipeline), SHAPE(partial), SHAPE(tls13),
	SHAPE(tls13_plain), SHAPE(tls12), SHAPE(tls_crossed), SHAPE(pubsub), SHAPE(pushes),
	SHAPE(duplex), SHAPE(duplex_loop), SHAPE(copied), SHAPE(copied_healthy),
	SHAPE(read_elsewhere), SHAPE(read_by_child), SHAPE(forked), SHAPE(through_file),
	SHAPE(reused),
};

static int shape_run(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (strcmp(shapes[i].name, name))
			continue;
		printf("%s\n", name);
		is_over = 0;
		connection = dial();
		shapes[i].run(connection);
		close(connection);
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	int status = 0;
	pid_t server;

	if (argc < 3)
		return 2;
	server = server_start(argv[1]);
	for (int i = 2; i < argc && !status; i++)
		status = shape_run(argv[i]);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return status;
}

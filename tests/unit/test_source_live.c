/* SPDX-License-Identifier: Apache-2.0
 *
 * The live source as a whole: processes that say hello over the real socket with hand-made rings,
 * execs whose outcome comes later, programs that are never heard of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../../collector/source/live.h"
#include "../../collector/source/source.h"
#include "../lib/ringmaker.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define ITEMS 512
#define OURSELVES "/proc/self/exe" /* any readable file will do for a shim that nobody loads */

/* An item that outlives the next one: the strings that tests look at are copied. */
struct kept {
	struct item item;
	char what[128], reason[64];
};

struct fixture {
	struct source *source;
	char socket[33], path[256];
	uint8_t secret[WIRE_SECRET_BYTES];
	struct kept kept[ITEMS];
	unsigned count, seen;
	struct record record;
};

static void parse_session(struct fixture *fixture, const char *text)
{
	char secret[33];
	unsigned byte;

	assert_int_equal(sscanf(text, "SOWATCH=1:%32[0-9a-f]:%32[0-9a-f]:0000000000000000:00000000:"
				      "00000001:64:20:0:%*u:%255s",
				fixture->socket, secret, fixture->path),
			 3);
	for (int i = 0; i < WIRE_SECRET_BYTES; i++) {
		assert_int_equal(sscanf(secret + 2 * i, "%2x", &byte), 1);
		fixture->secret[i] = (uint8_t)byte;
	}
}

static int make(void **state)
{
	char shim[PATH_MAX] = "", *envp[] = { "A=b", NULL }, **environment;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct source_ring_options options = { .service = "test", .ring_bytes = WIRE_RING_DATA_MIN,
					       .wait_ms = 20, .shim_path = shim,
					       .vantage = "shim" };
	char error[256];

	assert_true(readlink(OURSELVES, shim, sizeof(shim) - 1) > 0);
	assert_int_equal(source_ring_open(&options, &fixture->source, error, sizeof(error)), 0);
	environment = source_ring_environ(fixture->source, envp);
	assert_string_equal(environment[0], "A=b");
	parse_session(fixture, environment[2]);
	*state = fixture;
	return 0;
}

static int done(void **state)
{
	struct fixture *fixture = *state;

	source_close(fixture->source);
	assert_int_equal(access(fixture->path, F_OK), -1);
	free(fixture);
	return 0;
}

static void keep_text(char *ret, size_t bytes, struct str text)
{
	snprintf(ret, bytes, "%.*s", (int)text.len, text.data);
}

static int pump_once(struct fixture *fixture)
{
	struct kept *kept = &fixture->kept[fixture->count];
	int result = source_next(fixture->source, &kept->item);

	if (result != 1)
		return result;
	if (kept->item.type == ITEM_HOLE) {
		keep_text(kept->what, sizeof(kept->what), kept->item.hole.what);
		keep_text(kept->reason, sizeof(kept->reason), kept->item.hole.reason);
	} else if (kept->item.type == ITEM_PROCESS) {
		keep_text(kept->what, sizeof(kept->what), kept->item.process.exe);
	}
	assert_in_range(++fixture->count, 1, ITEMS - 1);
	return 1;
}

static void pump(struct fixture *fixture)
{
	while (pump_once(fixture) == 1)
		;
}

/* The next item of that type that was not looked at; waits for it. */
static const struct kept *await(struct fixture *fixture, enum item_type type)
{
	struct timespec pause = { 0, 2000000 };

	for (int i = 0; i < 4000; i++) {
		for (; fixture->seen < fixture->count; fixture->seen++) {
			if (fixture->kept[fixture->seen].item.type == type)
				return &fixture->kept[fixture->seen++];
		}
		pump(fixture);
		if (fixture->seen == fixture->count)
			nanosleep(&pause, NULL);
	}
	fail_msg("no item of type %d came", (int)type);
	return NULL;
}

static unsigned count_of(const struct fixture *fixture, enum item_type type)
{
	unsigned count = 0;

	for (unsigned i = 0; i < fixture->count; i++)
		count += fixture->kept[i].item.type == type;
	return count;
}

static void pump_ms(struct fixture *fixture, int ms)
{
	struct timespec pause = { 0, 1000000 };

	for (int i = 0; i < ms; i++) {
		pump(fixture);
		nanosleep(&pause, NULL);
	}
}

static struct wire_hello hello_of(const struct fixture *fixture, uint64_t instance)
{
	struct wire_hello hello = { .magic = WIRE_MAGIC, .version = WIRE_VERSION,
				    .bytes = sizeof(hello), .instance = instance,
				    .how = WIRE_HELLO_EXEC, .serial = 1, .hooks = LIVE_HOOKS,
				    .ring_bytes = WIRE_RING_HEADER_BYTES + WIRE_RING_DATA_MIN };

	memcpy(hello.secret, fixture->secret, sizeof(hello.secret));
	return hello;
}

static int hello_connect(const struct fixture *fixture, bool is_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (is_path)
		strcpy(address.sun_path, fixture->path);
	else
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  (size_t)sprintf(address.sun_path + 1, "sowatch-%s",
						  fixture->socket));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
	return fd;
}

static void hello_send(int fd, const void *bytes, size_t len, const int *fds, int count)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { (void *)bytes, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *head;

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, (size_t)count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)len);
	close(fd);
}

static void say_hello(struct fixture *fixture, struct ringmaker *maker, struct wire_hello hello)
{
	ringmaker_open(maker, WIRE_RING_DATA_MIN, SEALS);
	record_process(&fixture->record, (uint32_t)getpid(), "/usr/bin/made-up", "/", "made-up", 7);
	ringmaker_put(maker, &fixture->record);
	hello_send(hello_connect(fixture, false), &hello, sizeof(hello), &maker->fd, 1);
}

/* A child that says hello with an instance and serial and then waits to be killed. */
static pid_t child_hello(struct fixture *fixture, struct wire_hello hello)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct ringmaker maker;

		say_hello(fixture, &maker, hello);
		pause();
		_exit(0);
	}
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void put_exec(struct fixture *fixture, struct ringmaker *maker, uint16_t flags,
		     uint32_t pid, uint32_t child, uint32_t serial, const char *program)
{
	struct record *record = &fixture->record;

	record_event(record, WIRE_EXEC_RUN, LIVE_HOOK_execve, 0);
	record->head.flags = flags;
	record->event.pid = pid;
	record->event.detail = child;
	record->event.serial = serial;
	record_blob(record, 0, program, strlen(program));
	record_blob(record, 1, program, strlen(program));
	record_end(record);
	ringmaker_put(maker, record);
}

static void start_root(struct fixture *fixture, struct ringmaker *maker)
{
	char *argv[] = { "made-up", NULL };

	source_ring_started(fixture->source, getpid(), "/usr/bin/made-up", argv);
	say_hello(fixture, maker, hello_of(fixture, 100));
	assert_int_equal(await(fixture, ITEM_PROCESS)->item.process.how, PROCESS_ROOT);
}

static void test_hello_to_items_to_end(void **state)
{
	struct fixture *fixture = *state;
	struct ringmaker maker;
	struct pollfd ready = { .fd = source_ring_fd(fixture->source), .events = POLLIN };
	char *argv[] = { "made-up", NULL };
	const struct kept *kept;

	assert_int_equal(await(fixture, ITEM_RUN)->item.run.vantage.len, 4);
	source_ring_started(fixture->source, getpid(), "/usr/bin/made-up", argv);
	assert_int_equal(source_ring_alive(fixture->source), 1); /* it is expected */
	say_hello(fixture, &maker, hello_of(fixture, 100));
	assert_int_equal(poll(&ready, 1, 1000), 1);
	kept = await(fixture, ITEM_PROCESS);
	assert_int_equal(kept->item.process.pid, getpid());
	assert_int_equal(kept->item.process.uid, geteuid());
	assert_true(kept->item.process.covered);
	assert_string_equal(kept->what, "/usr/bin/made-up");
	assert_int_equal(source_ring_alive(fixture->source), 1);
	record_event(&fixture->record, WIRE_ENV_READ, LIVE_HOOK_getenv, 0);
	record_blob(&fixture->record, 0, "HOME", 4);
	record_end(&fixture->record);
	ringmaker_put(&maker, &fixture->record);
	await(fixture, ITEM_EVENT);
	assert_in_range(source_ring_poll_ms(fixture->source), 1, 3);
	pump_ms(fixture, 30);
	assert_int_equal(source_ring_poll_ms(fixture->source), 10);
	source_ring_ended(fixture->source, 3);
	source_ring_finish(fixture->source);
	kept = await(fixture, ITEM_HOLE); /* we are still running */
	assert_int_equal(kept->item.hole.kind, HOLE_RUNNING);
	kept = await(fixture, ITEM_END);
	assert_int_equal(kept->item.end.exit_status, 3);
	assert_int_equal(kept->item.end.events, 1);
	assert_int_equal(pump_once(fixture), -ENODATA);
	ringmaker_close(&maker);
}

static void test_the_path_socket_serves_too(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 100);
	struct ringmaker maker;
	struct stat st;

	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	ringmaker_open(&maker, WIRE_RING_DATA_MIN, SEALS);
	record_process(&fixture->record, 1, "/usr/bin/x", "/", "x", 1);
	ringmaker_put(&maker, &fixture->record);
	hello_send(hello_connect(fixture, true), &hello, sizeof(hello), &maker.fd, 1);
	await(fixture, ITEM_PROCESS);
	ringmaker_close(&maker);
}

static void test_strangers_are_counted_and_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 100);
	struct ringmaker maker;
	int idle;

	ringmaker_open(&maker, WIRE_RING_DATA_MIN, SEALS);
	hello.secret[15] ^= 1;
	hello_send(hello_connect(fixture, false), &hello, sizeof(hello), &maker.fd, 1);
	hello_send(hello_connect(fixture, false), "x", 1, NULL, 0);
	idle = hello_connect(fixture, false); /* says nothing */
	close(hello_connect(fixture, false)); /* leaves without a word */
	pump_ms(fixture, 30);
	assert_int_equal(source_ring_strangers(fixture->source), 2);
	assert_int_equal(count_of(fixture, ITEM_PROCESS), 0);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 0);
	close(idle);
	ringmaker_close(&maker);
}

static void expect_rejected(struct fixture *fixture, const struct wire_hello *hello, const int *fds,
			    int count)
{
	hello_send(hello_connect(fixture, false), hello, sizeof(*hello), fds, count);
	assert_int_equal(await(fixture, ITEM_HOLE)->item.hole.kind, HOLE_REJECTED);
}

static void test_what_knows_the_secret_and_is_wrong_is_a_hole(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello good = hello_of(fixture, 100), hello = good;
	struct ringmaker maker;
	int fds[2];

	ringmaker_open(&maker, WIRE_RING_DATA_MIN, SEALS);
	fds[0] = fds[1] = maker.fd;
	expect_rejected(fixture, &good, fds, 2);
	expect_rejected(fixture, &good, NULL, 0);
	hello.version++;
	expect_rejected(fixture, &hello, fds, 1);
	hello = good;
	hello.hooks--;
	expect_rejected(fixture, &hello, fds, 1);
	hello = good;
	hello.ring_bytes *= 2;
	expect_rejected(fixture, &hello, fds, 1);
	hello = good;
	hello.instance = 0;
	expect_rejected(fixture, &hello, fds, 1);
	assert_int_equal(source_ring_strangers(fixture->source), 0);
	assert_int_equal(count_of(fixture, ITEM_PROCESS), 0);
	ringmaker_close(&maker);
}

static void test_a_broken_ring_is_given_up_with_a_hole(void **state)
{
	struct fixture *fixture = *state;
	struct ringmaker maker;

	start_root(fixture, &maker);
	maker.ring->head = 7;
	assert_int_equal(await(fixture, ITEM_HOLE)->item.hole.kind, HOLE_REJECTED);
	ringmaker_close(&maker);
}

static void test_losses_are_holes_with_numbers(void **state)
{
	struct fixture *fixture = *state;
	struct ringmaker maker;
	const struct kept *kept;

	start_root(fixture, &maker);
	maker.ring->lost[WIRE_FAMILY_FILE] = 5;
	kept = await(fixture, ITEM_HOLE);
	assert_int_equal(kept->item.hole.kind, HOLE_LOST);
	assert_int_equal(kept->item.hole.family, WIRE_FAMILY_FILE);
	assert_int_equal(kept->item.hole.count, 5);
	maker.ring->early_calls = 1;
	maker.ring->missed_calls = 2;
	assert_int_equal(await(fixture, ITEM_HOLE)->item.hole.kind, HOLE_EARLY);
	assert_int_equal(await(fixture, ITEM_HOLE)->item.hole.kind, HOLE_MISSED);
	record_begin(&fixture->record, WIRE_STACK, 0, 16); /* id 0: not valid */
	record_end(&fixture->record);
	ringmaker_put(&maker, &fixture->record);
	assert_int_equal(await(fixture, ITEM_HOLE)->item.hole.kind, HOLE_REJECTED);
	ringmaker_close(&maker);
}

static void test_records_of_a_killed_process_are_not_lost(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 200);
	struct ringmaker maker;
	int status;
	pid_t pid = fork();

	if (!pid) {
		say_hello(fixture, &maker, hello);
		for (int i = 0; i < 100; i++) {
			record_event(&fixture->record, WIRE_ENV_READ, LIVE_HOOK_getenv, 0);
			record_end(&fixture->record);
			ringmaker_put(&maker, &fixture->record);
		}
		ringmaker_reserve(&maker, 64); /* killed in the middle of one */
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid); /* gone before we look */
	await(fixture, ITEM_PROCESS_END);
	assert_int_equal(count_of(fixture, ITEM_EVENT), 100);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 1);
	assert_int_equal(source_ring_alive(fixture->source), 0);
}

static void test_exec_that_fails_is_told_with_its_errno(void **state)
{
	struct fixture *fixture = *state;
	struct ringmaker maker;

	start_root(fixture, &maker);
	put_exec(fixture, &maker, WIRE_EVENT_PENDING, (uint32_t)getpid(), 0, 7, "/nonexistent/x");
	pump_ms(fixture, 20);
	assert_int_equal(count_of(fixture, ITEM_EVENT), 0); /* held */
	record_begin(&fixture->record, WIRE_EXEC_FAILED, 0, sizeof(fixture->record.exec_failed));
	fixture->record.exec_failed.serial = 7;
	fixture->record.exec_failed.result = -ENOENT;
	record_end(&fixture->record);
	ringmaker_put(&maker, &fixture->record);
	assert_int_equal(await(fixture, ITEM_EVENT)->item.event.result, -ENOENT);
	pump_ms(fixture, 1200);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 0); /* nothing was expected of it */
	assert_int_equal(count_of(fixture, ITEM_EVENT), 1);
	ringmaker_close(&maker);
}

static void test_exec_in_place_ends_the_old_image(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 101);
	struct ringmaker old, new;
	const struct kept *kept;

	start_root(fixture, &old);
	put_exec(fixture, &old, WIRE_EVENT_PENDING, (uint32_t)getpid(), 0, 7, "/usr/bin/made-up");
	hello.parent_instance = 100;
	hello.serial = 7;
	say_hello(fixture, &new, hello);
	assert_int_equal(await(fixture, ITEM_EVENT)->item.event.result, 0);
	assert_int_equal(await(fixture, ITEM_PROCESS_END)->item.process_end.process, 1);
	kept = await(fixture, ITEM_PROCESS);
	assert_int_equal(kept->item.process.parent, 1);
	assert_int_equal(kept->item.process.how, PROCESS_EXEC);
	assert_int_not_equal(kept->item.process.origin_chain, 0);
	assert_int_equal(source_ring_alive(fixture->source), 1);
	pump_ms(fixture, 300);
	assert_int_equal(count_of(fixture, ITEM_EVENT), 1);
	ringmaker_close(&old);
	ringmaker_close(&new);
}

static void test_silence_means_the_exec_went_well(void **state)
{
	struct fixture *fixture = *state;
	struct ringmaker maker;

	start_root(fixture, &maker);
	put_exec(fixture, &maker, WIRE_EVENT_PENDING, (uint32_t)getpid(), 0, 7, "/usr/bin/made-up");
	pump_ms(fixture, 100);
	assert_int_equal(count_of(fixture, ITEM_EVENT), 0);
	assert_int_equal(await(fixture, ITEM_EVENT)->item.event.result, 0);
	ringmaker_close(&maker);
}

/* A child whose ring is ours to write; it says hello and waits to be killed. */
static pid_t child_with_ring(struct fixture *fixture, struct ringmaker *maker, uint64_t instance)
{
	struct wire_hello hello = hello_of(fixture, instance);
	pid_t pid;

	hello.parent_instance = 100;
	hello.how = WIRE_HELLO_FORK;
	ringmaker_open(maker, WIRE_RING_DATA_MIN, SEALS);
	record_process(&fixture->record, 4711, "/usr/bin/writer", "/", "writer", 6);
	ringmaker_put(maker, &fixture->record);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* where an assertion ends the test */
		hello_send(hello_connect(fixture, false), &hello, sizeof(hello), &maker->fd, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(await(fixture, ITEM_PROCESS)->item.process.parent, 1);
	return pid;
}

static void put_timed(struct fixture *fixture, struct ringmaker *maker, uint64_t time_ns,
		      uint8_t action)
{
	struct record *record = &fixture->record;

	record_event(record, action, LIVE_HOOK_open, 0);
	record->event.time_ns = time_ns;
	record_blob(record, 0, "/nonexistent/bun", 16);
	record_end(record);
	ringmaker_put(maker, record);
}

static void put_start(struct fixture *fixture, struct ringmaker *maker, uint64_t time_ns,
		      uint16_t flags, uint32_t child)
{
	struct record *record = &fixture->record;

	record_event(record, WIRE_EXEC_RUN, LIVE_HOOK_execve, 0);
	record->head.flags = flags;
	record->event.time_ns = time_ns;
	record->event.pid = (uint32_t)getpid();
	record->event.detail = child;
	record->event.serial = 7;
	record_blob(record, 0, "/nonexistent/bun", 16);
	record_end(record);
	ringmaker_put(maker, record);
}

static void expect_order(struct fixture *fixture, unsigned count, const uint8_t *actions)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(await(fixture, ITEM_EVENT)->item.event.action, actions[i]);
}

/* The ring of who writes a file is looked at after that of who has it run: the order of the log is
 * that of the acts all the same. What is written later stays later. */
static void test_a_file_is_written_before_it_is_spawned(void **state)
{
	static const uint8_t order[] = { WIRE_FILE_WRITE, WIRE_EXEC_RUN, WIRE_FILE_READ,
					 WIRE_FILE_DELETE };
	struct fixture *fixture = *state;
	struct ringmaker root, writer;
	pid_t child;

	start_root(fixture, &root);
	child = child_with_ring(fixture, &writer, 300);
	put_start(fixture, &root, 2000, 0, 4000001);
	put_timed(fixture, &root, 2100, WIRE_FILE_READ);
	put_timed(fixture, &writer, 1000, WIRE_FILE_WRITE);
	put_timed(fixture, &writer, 3000, WIRE_FILE_DELETE);
	pump(fixture);
	expect_order(fixture, 4, order);
	child_end(child);
	ringmaker_close(&root);
	ringmaker_close(&writer);
}

/* A start that was held back is told at the hello of what it started, before any ring's turn. */
static void test_a_file_is_written_before_what_runs_it_says_hello(void **state)
{
	static const uint8_t order[] = { WIRE_FILE_WRITE, WIRE_EXEC_RUN };
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 101);
	struct ringmaker root, writer, new;
	pid_t child;

	start_root(fixture, &root);
	child = child_with_ring(fixture, &writer, 300);
	put_start(fixture, &root, 2000, WIRE_EVENT_PENDING, 0);
	pump(fixture);
	assert_int_equal(count_of(fixture, ITEM_EVENT), 0);
	put_timed(fixture, &writer, 1000, WIRE_FILE_WRITE);
	hello.parent_instance = 100;
	hello.serial = 7;
	say_hello(fixture, &new, hello);
	expect_order(fixture, 2, order);
	child_end(child);
	ringmaker_close(&root);
	ringmaker_close(&writer);
	ringmaker_close(&new);
}

/* Starts before starts: three rings, each of whose next record waits for the one behind it. */
static void test_starts_wait_for_starts(void **state)
{
	static const uint8_t order[] = { WIRE_FILE_WRITE, WIRE_EXEC_RUN, WIRE_EXEC_RUN };
	struct fixture *fixture = *state;
	struct ringmaker root, second, third;
	pid_t children[2];

	start_root(fixture, &root);
	children[0] = child_with_ring(fixture, &second, 300);
	children[1] = child_with_ring(fixture, &third, 301);
	put_start(fixture, &root, 3000, 0, 4000001);
	put_start(fixture, &second, 2000, 0, 4000002);
	put_timed(fixture, &third, 1000, WIRE_FILE_WRITE);
	pump(fixture);
	expect_order(fixture, 3, order);
	for (unsigned i = 1; i < fixture->count; i++)
		if (fixture->kept[i].item.type == ITEM_EVENT)
			assert_true(fixture->kept[i].item.event.time_ns <= 3000);
	child_end(children[0]);
	child_end(children[1]);
	ringmaker_close(&root);
	ringmaker_close(&second);
	ringmaker_close(&third);
}

static void test_spawned_child_may_say_hello_before_the_event(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 200);
	struct ringmaker maker;
	pid_t child;

	start_root(fixture, &maker);
	hello.parent_instance = 100;
	hello.serial = 9;
	child = child_hello(fixture, hello);
	assert_int_equal(await(fixture, ITEM_PROCESS)->item.process.parent, 1);
	put_exec(fixture, &maker, 0, (uint32_t)getpid(), (uint32_t)child, 9, "/usr/bin/made-up");
	await(fixture, ITEM_EVENT);
	child_end(child);
	assert_int_equal(await(fixture, ITEM_PROCESS_END)->item.process_end.process, 2);
	pump_ms(fixture, 50);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 0);
	ringmaker_close(&maker);
}

static void test_spawn_that_never_says_hello_is_uncovered(void **state)
{
	struct fixture *fixture = *state;
	struct ringmaker maker;
	const struct kept *kept;
	pid_t child = fork();

	if (!child)
		_exit(0);
	start_root(fixture, &maker);
	put_exec(fixture, &maker, 0, (uint32_t)getpid(), (uint32_t)child, 9, "/usr/bin/env");
	waitpid(child, NULL, 0);
	await(fixture, ITEM_EVENT);
	kept = await(fixture, ITEM_PROCESS);
	assert_false(kept->item.process.covered);
	assert_int_equal(kept->item.process.pid, child);
	assert_string_equal(kept->what, "/usr/bin/env");
	kept = await(fixture, ITEM_HOLE);
	assert_int_equal(kept->item.hole.kind, HOLE_UNCOVERED);
	assert_int_equal(kept->item.hole.process, 2);
	assert_int_not_equal(kept->item.hole.chain, 0);
	assert_string_equal(kept->reason, "no hello");
	await(fixture, ITEM_PROCESS_END);
	ringmaker_close(&maker);
}

static void test_the_shims_reason_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct record *record = &fixture->record;
	struct ringmaker maker;
	pid_t child = fork();

	if (!child)
		_exit(0);
	start_root(fixture, &maker);
	waitpid(child, NULL, 0);
	record_event(record, WIRE_EXEC_RUN, LIVE_HOOK_posix_spawn, 0);
	record->event.detail = (uint32_t)child;
	record->event.serial = 3;
	record_blob(record, 0, "/x", 2);
	record_blob(record, 3, "32-bit", 6);
	record_end(record);
	ringmaker_put(&maker, record);
	assert_string_equal(await(fixture, ITEM_HOLE)->reason, "32-bit");
	ringmaker_close(&maker);
}

static void test_a_failed_spawn_expects_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct record *record = &fixture->record;
	struct ringmaker maker;

	start_root(fixture, &maker);
	record_event(record, WIRE_EXEC_RUN, LIVE_HOOK_posix_spawn, 0);
	record->event.result = -ENOENT;
	record->event.serial = 3;
	record_end(record);
	ringmaker_put(&maker, record);
	assert_int_equal(await(fixture, ITEM_EVENT)->item.event.result, -ENOENT);
	assert_int_equal(source_ring_alive(fixture->source), 1);
	ringmaker_close(&maker);
}

static void test_fork_is_a_child_of_its_parent(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 300);
	struct ringmaker maker;
	const struct kept *kept;
	pid_t child;

	start_root(fixture, &maker);
	hello.parent_instance = 100;
	hello.how = WIRE_HELLO_FORK;
	child = child_hello(fixture, hello);
	kept = await(fixture, ITEM_PROCESS);
	assert_int_equal(kept->item.process.how, PROCESS_FORK);
	assert_int_equal(kept->item.process.parent, 1);
	assert_int_equal(kept->item.process.pid, child);
	assert_int_equal(source_ring_alive(fixture->source), 2);
	child_end(child);
	await(fixture, ITEM_PROCESS_END);
	assert_int_equal(source_ring_alive(fixture->source), 1);
	ringmaker_close(&maker);
}

static void put_forked(struct fixture *fixture, struct ringmaker *maker, pid_t child)
{
	struct wire_forked forked = { .pid = (uint32_t)child };

	record_begin(&fixture->record, WIRE_FORKED, 0, sizeof(forked.head));
	record_add(&fixture->record, (uint8_t *)&forked + 8, sizeof(forked) - 8);
	record_end(&fixture->record);
	ringmaker_put(maker, &fixture->record);
}

static pid_t child_idle(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

static void await_alive(struct fixture *fixture, unsigned wanted)
{
	for (int i = 0; i < 2000 && source_ring_alive(fixture->source) != wanted; i++)
		pump_ms(fixture, 1);
	assert_int_equal(source_ring_alive(fixture->source), wanted);
}

static void test_a_forked_child_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 300);
	struct ringmaker maker;
	pid_t silent = child_idle(), child;

	start_root(fixture, &maker);
	put_forked(fixture, &maker, silent);
	await_alive(fixture, 2);
	child_end(silent);
	await_alive(fixture, 1); /* whether it did something, nobody has heard: a hole */
	assert_int_equal(count_of(fixture, ITEM_HOLE), 1);
	hello.parent_instance = 100;
	hello.how = WIRE_HELLO_FORK;
	child = child_hello(fixture, hello);
	await(fixture, ITEM_PROCESS);
	put_forked(fixture, &maker, child); /* told after it was heard */
	pump_ms(fixture, 20);
	assert_int_equal(source_ring_alive(fixture->source), 2);
	child_end(child);
	await_alive(fixture, 1);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 1);
	assert_int_equal(count_of(fixture, ITEM_PROCESS), 3);
	put_forked(fixture, &maker, child); /* another child of the same number, silent */
	await(fixture, ITEM_PROCESS);
	pump_ms(fixture, 20);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 2);
	ringmaker_close(&maker);
}

static void put_getenv(struct fixture *fixture, struct ringmaker *maker, pid_t pid)
{
	record_event(&fixture->record, WIRE_ENV_READ, LIVE_HOOK_getenv, 0);
	fixture->record.event.pid = (uint32_t)pid;
	record_end(&fixture->record);
	ringmaker_put(maker, &fixture->record);
}

static void test_a_child_without_a_ring_keeps_its_parents(void **state)
{
	struct fixture *fixture = *state;
	struct wire_hello hello = hello_of(fixture, 100);
	struct ringmaker maker;
	pid_t child = child_idle(), parent;

	ringmaker_open(&maker, WIRE_RING_DATA_MIN, SEALS);
	parent = fork();
	if (!parent) {
		record_process(&fixture->record, (uint32_t)getpid(), "/usr/bin/x", "/", "x", 1);
		ringmaker_put(&maker, &fixture->record);
		hello_send(hello_connect(fixture, false), &hello, sizeof(hello), &maker.fd, 1);
		pause();
		_exit(0);
	}
	await(fixture, ITEM_PROCESS);
	put_forked(fixture, &maker, child);
	put_getenv(fixture, &maker, child);
	await(fixture, ITEM_EVENT);
	child_end(parent);
	pump_ms(fixture, 150);
	put_getenv(fixture, &maker, child);
	await(fixture, ITEM_EVENT);
	assert_int_equal(count_of(fixture, ITEM_PROCESS_END), 0);
	child_end(child);
	await(fixture, ITEM_PROCESS_END);
	assert_int_equal(source_ring_alive(fixture->source), 0);
	assert_int_equal(count_of(fixture, ITEM_HOLE), 0);
	ringmaker_close(&maker);
}

static void test_a_root_that_is_never_heard_of(void **state)
{
	struct fixture *fixture = *state;
	char *argv[] = { "env", NULL };
	const struct kept *kept;
	pid_t child = fork();

	if (!child)
		_exit(0);
	source_ring_started(fixture->source, child, "/usr/bin/env", argv);
	waitpid(child, NULL, 0);
	kept = await(fixture, ITEM_PROCESS);
	assert_int_equal(kept->item.process.how, PROCESS_ROOT);
	assert_false(kept->item.process.covered);
	assert_int_equal(await(fixture, ITEM_HOLE)->item.hole.kind, HOLE_UNCOVERED);
	assert_int_equal(source_ring_alive(fixture->source), 0);
}

static void test_environment_keeps_the_users_preload(void **state)
{
	struct fixture *fixture = *state;
	char *with[] = { "A=b", "LD_PRELOAD=libuser.so", "SOWATCH=stale", "C=d", NULL };
	char *empty[] = { "LD_PRELOAD=", NULL };
	char **environment = source_ring_environ(fixture->source, with);
	size_t len = strlen(environment[1]);

	assert_string_equal(environment[0], "A=b");
	assert_memory_equal(environment[1], "LD_PRELOAD=/", 12);
	assert_string_equal(environment[1] + len - 11, ":libuser.so");
	assert_string_equal(environment[2], "C=d");
	assert_memory_equal(environment[3], "SOWATCH=1:", 10);
	assert_non_null(strstr(environment[3], ":64:20:2:")); /* the user had one */
	assert_null(environment[4]);
	environment = source_ring_environ(fixture->source, empty);
	assert_int_not_equal(environment[0][strlen(environment[0]) - 1], ':');
	assert_non_null(strstr(environment[1], ":64:20:2:"));
	assert_null(environment[2]);
}

static void test_open_refuses_what_cannot_work(void **state)
{
	struct source_ring_options options = { .ring_bytes = 1000, .shim_path = "/bin/sh" };
	struct source *source;
	char error[256] = "";

	(void)state;
	assert_int_equal(source_ring_open(&options, &source, error, sizeof(error)), -EINVAL);
	options.ring_bytes = WIRE_RING_DATA_MIN;
	options.shim_path = "/nonexistent/libsowatch.so";
	assert_int_equal(source_ring_open(&options, &source, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/libsowatch.so"));
	options.shim_path = "../../../../../../bin/sh";
	assert_true(source_ring_open(&options, &source, error, sizeof(error)) < 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_hello_to_items_to_end),
		CASE(test_the_path_socket_serves_too),
		CASE(test_strangers_are_counted_and_change_nothing),
		CASE(test_what_knows_the_secret_and_is_wrong_is_a_hole),
		CASE(test_a_broken_ring_is_given_up_with_a_hole),
		CASE(test_losses_are_holes_with_numbers),
		CASE(test_records_of_a_killed_process_are_not_lost),
		CASE(test_exec_that_fails_is_told_with_its_errno),
		CASE(test_exec_in_place_ends_the_old_image),
		CASE(test_silence_means_the_exec_went_well),
		CASE(test_a_file_is_written_before_it_is_spawned),
		CASE(test_a_file_is_written_before_what_runs_it_says_hello),
		CASE(test_starts_wait_for_starts),
		CASE(test_spawned_child_may_say_hello_before_the_event),
		CASE(test_spawn_that_never_says_hello_is_uncovered),
		CASE(test_the_shims_reason_is_told),
		CASE(test_a_failed_spawn_expects_nothing),
		CASE(test_fork_is_a_child_of_its_parent),
		CASE(test_a_forked_child_is_waited_for),
		CASE(test_a_child_without_a_ring_keeps_its_parents),
		CASE(test_a_root_that_is_never_heard_of),
		CASE(test_environment_keeps_the_users_preload),
		cmocka_unit_test(test_open_refuses_what_cannot_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

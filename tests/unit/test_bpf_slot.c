/* SPDX-License-Identifier: Apache-2.0
 *
 * The probes: the shim's hello, the call slot, the stack where there is none, and losses.
 */
#include "test_bpf_watch.h"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/uio.h>

static __thread struct wire_slot slot;

extern char **environ;

/* As the shim says it. */
static void hello_say(const uint8_t *secret, uint64_t instance, uint64_t text_start,
		      uint64_t text_end)
{
	struct wire_hello hello = { .magic = WIRE_MAGIC,
				    .version = WIRE_VERSION,
				    .bytes = sizeof(hello),
				    .instance = instance,
				    .slot_offset = (char *)&slot - (char *)__builtin_thread_pointer(),
				    .text_start = text_start,
				    .text_end = text_end };
	struct iovec part = { &hello, sizeof(hello) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int pair[2];

	memcpy(hello.secret, secret, sizeof(hello.secret));
	MUST(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	MUST(sendmsg(pair[0], &message, 0) == sizeof(hello));
	close(pair[0]);
	close(pair[1]);
}

static void slot_set(uint64_t chain, uint64_t sp)
{
	slot = (struct wire_slot){ .chain = chain,
				   .sp = sp,
				   .seq = slot.seq + 1,
				   .hook = 5,
				   .via_count = 1,
				   .via = { 6 } };
	__asm__ volatile("" ::: "memory");
}

static void slot_clear(void)
{
	slot.hook = 0;
	__asm__ volatile("" ::: "memory");
}

#define FRAME ((uint64_t)__builtin_frame_address(0))

static void probe_open(const char *path)
{
	int fd = open(path, O_RDONLY);

	MUST(fd >= 0);
	close(fd);
}

/* Each open has a name of its own. */
static void act_slot(void *arg)
{
	(void)arg;
	slot_set(1, FRAME);
	probe_open("/dev/null"); /* before the hello */
	hello_say((const uint8_t *)"another's secret", 7, 0, 0);
	probe_open("/dev/../dev/null");
	hello_say(watch_secret, 8, 0, 0);
	probe_open("/dev/zero"); /* announced */
	slot_set(2, FRAME - (64 << 10));
	probe_open("/dev/full"); /* left behind on a deeper frame */
	slot_set(3, FRAME + (64 << 20));
	probe_open("/dev/random"); /* another stack's */
	slot_clear();
	probe_open("/dev/urandom");
}

static void assert_announced(const char *asked, uint64_t chain, uint64_t instance)
{
	const struct wire_kernel_event *event = event_must(WIRE_FILE_READ, asked, 0);

	assert_true(event->head.flags & WIRE_KERNEL_SLOT);
	assert_false(event->head.flags & WIRE_KERNEL_STACK);
	assert_int_equal(event->slot_chain, chain);
	assert_int_equal(event->slot_instance, instance);
	assert_int_equal(event->slot_hook, 5);
	assert_int_equal(event->slot_via_count, 1);
	assert_int_equal(event->slot_via[0], 6);
}

static void assert_unannounced(const char *asked)
{
	const struct wire_kernel_event *event = event_must(WIRE_FILE_READ, asked, 0);

	assert_false(event->head.flags & WIRE_KERNEL_SLOT);
	assert_true(event->head.flags & WIRE_KERNEL_STACK);
	assert_true(event->stack_len > 0);
}

static void test_slot(void **state)
{
	const struct wire_kernel_hello *hello;

	(void)state;
	watch_run(act_slot, NULL);
	assert_unannounced("/dev/null");
	assert_unannounced("/dev/../dev/null");
	assert_announced("/dev/zero", 1, 8);
	assert_unannounced("/dev/full");
	assert_unannounced("/dev/random");
	assert_unannounced("/dev/urandom");
	assert_true(event_must(WIRE_FILE_READ, "/dev/urandom", 0)->head.flags & WIRE_KERNEL_SHIM);
	assert_false(event_must(WIRE_FILE_READ, "/dev/null", 0)->head.flags & WIRE_KERNEL_SHIM);
	hello = (const void *)record_find(WIRE_KERNEL_HELLO, 0);
	assert_non_null(hello);
	assert_int_equal(hello->instance, 8);
	assert_null(record_find(WIRE_KERNEL_HELLO, 1));
}

/* Kept over fork, replaced by the child's own hello, lent to a spawned child, gone after exec. */
static void act_family(void *arg)
{
	char *const words[] = { "/bin/cat", "/dev/null", NULL };
	int pid, status;

	(void)arg;
	hello_say(watch_secret, 8, 0, 0);
	slot_set(4, FRAME);
	pid = fork();
	if (!pid) {
		probe_open("/dev/zero");
		hello_say(watch_secret, 9, 0, 0);
		probe_open("/dev/full");
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
	MUST(!posix_spawn(&pid, words[0], NULL, NULL, words, environ));
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

static void test_slot_family(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	watch_run(act_family, NULL);
	assert_announced("/dev/zero", 4, 8);
	assert_announced("/dev/full", 4, 9);
	event = event_must(WIRE_EXEC_RUN, "/bin/cat", 0);
	assert_true(event->head.flags & WIRE_KERNEL_SLOT);
	assert_int_equal(event->slot_chain, 4);
	assert_int_equal(event->slot_instance, 8);
	assert_int_not_equal(event->head.pid, watch.pid);
	assert_unannounced("/dev/null");
	assert_false(event_must(WIRE_FILE_READ, "/dev/null", 0)->head.flags & WIRE_KERNEL_SHIM);
}

/* What the shim opens by its own instructions is not an event; whatever else is done there is. */
static void act_own(void *arg)
{
	uint64_t here = (uint64_t)open & ~0xfffffull;
	int fd;

	(void)arg;
	hello_say(watch_secret, 8, here - (64 << 20), here + (64 << 20));
	probe_open("/dev/zero");
	MUST((fd = open("own", O_CREAT | O_WRONLY, 0600)) >= 0 && !unlink("own"));
}

static void test_own_text(void **state)
{
	(void)state;
	watch_run(act_own, NULL);
	assert_null(event_find(WIRE_FILE_READ, "/dev/zero", 0));
	event_must(WIRE_FILE_DELETE, "own", 0);
}

/* --- stacks ----------------------------------------------------------------------------------- */

static __attribute__((noinline)) void open_with_mark(uint64_t *mark)
{
	*(uint64_t **)watch.shared = mark;
	probe_open("/dev/zero");
	__asm__ volatile("" ::"r"(mark) : "memory");
}

static void act_stack(void *arg)
{
	volatile uint64_t mark[64] = { 0x1122334455667788, 42 };

	(void)arg;
	open_with_mark((uint64_t *)mark);
}

/* Where the first stack of this program, and of its forks, began: field 28 of its stat. */
static uint64_t stack_start(void)
{
	char text[1024], *at;
	FILE *file = fopen("/proc/self/stat", "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = 0;
	at = strrchr(text, ')');
	for (unsigned field = 2; at && field < 28; field++)
		at = strchr(at + 1, ' ');
	assert_non_null(at);
	return strtoull(at, NULL, 10);
}

static void test_stack(void **state)
{
	const struct wire_kernel_event *event;
	struct wire_kernel_regs regs;
	const char *at;
	uint64_t mark, found[2];

	(void)state;
	watch_run(act_stack, NULL);
	event = event_must(WIRE_FILE_READ, "/dev/zero", 0);
	at = (const char *)(event + 1) + event->path_len + event->path2_len + event->asked_len +
	     event->argv_len;
	memcpy(&regs, at, sizeof(regs));
	assert_true(regs.ip != 0 && regs.sp != 0);
	assert_int_equal(sizeof(*event) + (size_t)(at - (const char *)(event + 1)) + sizeof(regs) +
				 event->stack_len,
			 event->head.size);
	assert_true(event->stack_len <= WIRE_KERNEL_STACK_MAX);
	mark = *(uint64_t *)watch.shared;
	assert_true(mark >= regs.sp && mark + sizeof(found) <= regs.sp + event->stack_len);
	memcpy(found, at + sizeof(regs) + (mark - regs.sp), sizeof(found));
	assert_int_equal(found[0], 0x1122334455667788);
	assert_int_equal(found[1], 42);
	/* To where frames end, and the environment begins. */
	assert_in_range(regs.sp + event->stack_len, stack_start(), stack_start() + 256);
	assert_false(event->head.flags & WIRE_KERNEL_CUT);
}

/* --- other options: a loader of its own each -------------------------------------------------- */

#define CHECKED 60
static void act_checked(void *arg)
{
	(void)arg;
	hello_say(watch_secret, 8, 0, 0);
	slot_set(4, FRAME);
	for (int i = 0; i < CHECKED; i++)
		probe_open("/dev/zero");
}

/* act_checked under a loader with these checks; back to the group's loader after it. */
static void run_checked(uint32_t check_every, uint32_t check_actions)
{
	struct bpf_loader_options options = { .ring_bytes = 4 << 20,
					      .has_shim = true,
					      .check_every = check_every,
					      .check_actions = check_actions,
					      .mechanism = getenv("SOWATCH_TEST_MECHANISM") };
	struct bpf_loader *before = watch.loader;
	char error[1024] = "";

	memcpy(options.secret, watch_secret, sizeof(watch_secret));
	if (bpf_loader_open(&options, &watch.loader, error, sizeof(error)))
		fail_msg("%s", error);
	watch_run(act_checked, NULL);
	bpf_loader_close(watch.loader);
	watch.loader = before;
}

static void test_check_every(void **state)
{
	unsigned checked = 0;

	(void)state;
	run_checked(20, 0);
	for (int i = 0; i < CHECKED; i++) {
		const struct wire_kernel_event *event = event_must(WIRE_FILE_READ, "/dev/zero", i);

		assert_true(event->head.flags & WIRE_KERNEL_SLOT);
		checked += !!(event->head.flags & WIRE_KERNEL_STACK);
	}
	assert_int_equal(checked, CHECKED / 20);
}

/* What matters most is checked every time. */
static void test_check_actions(void **state)
{
	(void)state;
	run_checked(0, 1u << WIRE_FILE_READ);
	for (int i = 0; i < CHECKED; i++) {
		const struct wire_kernel_event *event = event_must(WIRE_FILE_READ, "/dev/zero", i);

		assert_true(event->head.flags & WIRE_KERNEL_SLOT);
		assert_true(event->head.flags & WIRE_KERNEL_STACK);
	}
}

#define FLOOD 2000
static void act_flood(void *arg)
{
	(void)arg;
	for (int i = 0; i < FLOOD; i++)
		probe_open("/dev/zero");
}

/* Nobody drains: every record is either there or counted. */
static void test_full_ring(void **state)
{
	struct bpf_loader_options options = { .ring_bytes = 256 << 10,
					      .mechanism = getenv("SOWATCH_TEST_MECHANISM") };
	struct bpf_loader *before = watch.loader;
	uint64_t lost[WIRE_FAMILIES];
	unsigned kept = 0;
	char error[1024] = "";
	int status;

	(void)state;
	if (bpf_loader_open(&options, &watch.loader, error, sizeof(error)))
		fail_msg("%s", error);
	watch_start(act_flood, NULL);
	assert_int_equal(waitpid(watch.pid, &status, 0), watch.pid);
	assert_int_equal(status, 0);
	assert_true(bpf_loader_drain(watch.loader, watch_keep, NULL, UINT32_MAX) > 0);
	bpf_loader_lost(watch.loader, lost);
	bpf_loader_close(watch.loader);
	watch.loader = before;
	while (event_find(WIRE_FILE_READ, NULL, (int)kept))
		kept++;
	assert_true(kept > 0 && kept < FLOOD);
	assert_int_equal(kept + lost[WIRE_FAMILY_FILE], FLOOD);
	assert_int_equal(lost[WIRE_FAMILY_NET], 0);
}

static int count_one(void *arg, const struct wire_kernel_head *record, size_t bytes)
{
	(void)record;
	(void)bytes;
	++*(int *)arg;
	return 0;
}

/* Drained in portions, none twice and none lost. */
static void test_drain_max(void **state)
{
	int status, seen = 0, got;

	(void)state;
	watch_start(act_flood, NULL);
	assert_int_equal(waitpid(watch.pid, &status, 0), watch.pid);
	while ((got = bpf_loader_drain(watch.loader, count_one, &seen, 7)) > 0)
		assert_true(got <= 7);
	assert_int_equal(got, 0);
	assert_true(seen >= FLOOD + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot),	    cmocka_unit_test(test_slot_family),
		cmocka_unit_test(test_own_text),    cmocka_unit_test(test_stack),
		cmocka_unit_test(test_check_every), cmocka_unit_test(test_check_actions), cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_drain_max),
	};
	int ret = watch_open(64u << 20, 0);

	if (ret)
		return ret;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	watch_close();
	return ret;
}

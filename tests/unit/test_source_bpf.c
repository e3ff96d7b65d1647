/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's side of the live source: records as the probes would send them (a loader of the
 * test's own stands in for the real one), hellos over the real socket with hand-made rings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "../../collector/source/bpf.h"
#include "../../collector/source/source.h"
#include "../../collector/unwind/maps.h"
#include "../lib/ringmaker.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define ITEMS 512
#define INSTANCE 0x1122334455667788ull
#define START 1000u /* start time of the root */

/* --- a loader without a kernel --------------------------------------------------------------- */

static struct {
	_Alignas(8) uint8_t bytes[64][1024];
	size_t sizes[64];
	unsigned count, taken;
	uint64_t lost[WIRE_FAMILIES];
	const char *missing[2];
	int watched;
} fake;

int bpf_loader_open(const struct bpf_loader_options *options, struct bpf_loader **ret_loader,
		    char *error, size_t error_bytes)
{
	(void)options;
	(void)error;
	(void)error_bytes;
	*ret_loader = (struct bpf_loader *)&fake;
	return 0;
}

void bpf_loader_close(struct bpf_loader *loader)
{
	(void)loader;
}

int bpf_loader_watch(struct bpf_loader *loader, int pid)
{
	(void)loader;
	fake.watched = pid;
	return 0;
}

const char *bpf_loader_mechanism(const struct bpf_loader *loader)
{
	(void)loader;
	return "tp";
}

const char *bpf_loader_reason(const struct bpf_loader *loader)
{
	(void)loader;
	return "a test";
}

int bpf_loader_drain(struct bpf_loader *loader,
		     int (*visit)(void *arg, const struct wire_kernel_head *record, size_t bytes),
		     void *arg, unsigned max)
{
	unsigned visited = 0;

	(void)loader;
	while (fake.taken < fake.count && visited < max) {
		unsigned at = fake.taken++;

		visit(arg, (const void *)fake.bytes[at], fake.sizes[at]);
		visited++;
	}
	return (int)visited;
}

void bpf_loader_lost(struct bpf_loader *loader, uint64_t ret_lost[WIRE_FAMILIES])
{
	(void)loader;
	memcpy(ret_lost, fake.lost, sizeof(fake.lost));
}

const char *const *bpf_loader_missing(const struct bpf_loader *loader)
{
	(void)loader;
	return fake.missing;
}

/* --- records --------------------------------------------------------------------------------- */

static struct wire_kernel_head head_of(uint16_t type, uint32_t pid, uint64_t start)
{
	return (struct wire_kernel_head){ .type = type, .time_ns = 5000, .start_ns = start,
					  .pid = pid, .tid = pid, .inner_pid = pid };
}

/* The fixed part, then the texts, NULL ends them. */
static void tell(void *record, size_t fixed, ...)
{
	uint8_t *to = fake.bytes[fake.count];
	size_t size = fixed;
	const char *text;
	va_list list;

	memcpy(to, record, fixed);
	va_start(list, fixed);
	while ((text = va_arg(list, const char *))) {
		memcpy(to + size, text, strlen(text));
		size += strlen(text);
	}
	va_end(list);
	((struct wire_kernel_head *)to)->size = (uint32_t)size;
	fake.sizes[fake.count++] = size;
}

static void tell_exec(uint32_t pid, uint64_t start, const char *exe)
{
	struct wire_kernel_exec record = { .head = head_of(WIRE_KERNEL_EXEC, pid, start) };

	record.path_len = (uint16_t)strlen(exe);
	record.argv_len = 3;
	record.cwd_len = 1;
	tell(&record, sizeof(record), exe, "app", "/", NULL);
}

static void tell_fork(uint32_t pid, uint64_t start, uint32_t child, uint64_t child_start)
{
	struct wire_kernel_fork record = { .head = head_of(WIRE_KERNEL_FORK, pid, start),
					   .child_pid = child, .child_inner_pid = child,
					   .child_start_ns = child_start };

	tell(&record, sizeof(record), NULL);
}

static void tell_exit(uint32_t pid, uint64_t start)
{
	struct wire_kernel_exit record = { .head = head_of(WIRE_KERNEL_EXIT, pid, start) };

	tell(&record, sizeof(record), NULL);
}

static void tell_hello(uint32_t pid, uint64_t start)
{
	struct wire_kernel_hello record = { .head = head_of(WIRE_KERNEL_HELLO, pid, start),
					    .instance = INSTANCE };

	tell(&record, sizeof(record), NULL);
}

static struct wire_kernel_event event_of(uint32_t pid, uint64_t start, uint8_t action)
{
	return (struct wire_kernel_event){ .head = head_of(WIRE_KERNEL_EVENT, pid, start),
					   .action = action, .truth = WIRE_TRUTH_OBJECT };
}

static void tell_event(struct wire_kernel_event *record, const char *path, const char *asked)
{
	record->path_len = (uint16_t)strlen(path);
	record->asked_len = (uint16_t)strlen(asked);
	tell(record, sizeof(*record), path, asked, NULL);
}

static void announce(struct wire_kernel_event *record, uint32_t stack, uint16_t hook)
{
	record->head.flags |= WIRE_KERNEL_SLOT;
	record->slot_chain = stack;
	record->slot_instance = INSTANCE;
	record->slot_hook = hook;
}

/* --- the source ------------------------------------------------------------------------------ */

struct kept {
	struct item item;
	char text[256];
	char home[64];	 /* of a process */
	uint32_t object; /* of a stack's only frame */
};

struct fixture {
	struct source *source;
	char socket[33];
	uint8_t secret[WIRE_SECRET_BYTES];
	struct ringmaker ring;
	bool has_ring;
	struct kept kept[ITEMS];
	unsigned count;
};

static void parse_session(struct fixture *fixture, const char *text)
{
	char secret[33];
	unsigned byte;

	assert_int_equal(sscanf(text, "SOWATCH=1:%32[0-9a-f]:%32[0-9a-f]:", fixture->socket, secret),
			 2);
	for (int i = 0; i < WIRE_SECRET_BYTES; i++) {
		assert_int_equal(sscanf(secret + 2 * i, "%2x", &byte), 1);
		fixture->secret[i] = (uint8_t)byte;
	}
}

static struct fixture *fixture_make(const char *vantage)
{
	char shim[4096] = "", *envp[] = { "A=b", NULL }, **environment, error[256];
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct source_ring_options options = { .ring_bytes = WIRE_RING_DATA_MIN, .wait_ms = 20,
					       .shim_path = shim, .vantage = vantage };

	memset(&fake, 0, sizeof(fake));
	assert_true(readlink("/proc/self/exe", shim, sizeof(shim) - 1) > 0);
	assert_int_equal(source_ring_open(&options, &fixture->source, error, sizeof(error)), 0);
	environment = source_ring_environ(fixture->source, envp);
	if (!strcmp(vantage, "kernel")) {
		assert_string_equal(environment[0], "A=b");
		assert_null(environment[1]);
	} else {
		assert_memory_equal(environment[1], "LD_PRELOAD=", 11);
		parse_session(fixture, environment[2]);
	}
	assert_int_equal(source_ring_watch(fixture->source, getpid()), 0);
	assert_int_equal(fake.watched, getpid());
	return fixture;
}

static int make_kernel(void **state)
{
	*state = fixture_make("kernel");
	return 0;
}

static int make_both(void **state)
{
	*state = fixture_make("both");
	return 0;
}

static int done(void **state)
{
	struct fixture *fixture = *state;

	source_close(fixture->source);
	if (fixture->has_ring)
		ringmaker_close(&fixture->ring);
	free(fixture);
	return 0;
}

static void keep(struct kept *kept)
{
	struct str text = { "", 0 };

	if (kept->item.type == ITEM_PROCESS)
		text = kept->item.process.exe,
		snprintf(kept->home, sizeof(kept->home), "%.*s", (int)kept->item.process.home.len,
			 kept->item.process.home.data);
	else if (kept->item.type == ITEM_TARGET)
		text = kept->item.target.path;
	else if (kept->item.type == ITEM_HOLE)
		text = kept->item.hole.what;
	else if (kept->item.type == ITEM_FUNCTION)
		text = kept->item.function.name;
	else if (kept->item.type == ITEM_STACK && kept->item.stack.count)
		kept->object = kept->item.stack.frames[0].object;
	snprintf(kept->text, sizeof(kept->text), "%.*s", (int)text.len, text.data);
}

static void pump(struct fixture *fixture)
{
	for (int idle = 0; idle < 3;) {
		struct kept *kept = &fixture->kept[fixture->count];
		int result = source_next(fixture->source, &kept->item);

		if (result == -ENODATA)
			return;
		idle += result == 0;
		if (result != 1)
			continue;
		keep(kept);
		assert_in_range(++fixture->count, 1, ITEMS - 1);
	}
}

static const struct kept *nth(const struct fixture *fixture, enum item_type type, unsigned n)
{
	for (unsigned i = 0; i < fixture->count; i++) {
		if (fixture->kept[i].item.type == type && n-- == 0)
			return &fixture->kept[i];
	}
	return NULL;
}

static const struct item_event *event_at(const struct fixture *fixture, unsigned n)
{
	const struct kept *kept = nth(fixture, ITEM_EVENT, n);

	assert_non_null(kept);
	return &kept->item.event;
}

static const struct kept *by_id(const struct fixture *fixture, enum item_type type, uint32_t id)
{
	for (unsigned i = 0; i < fixture->count; i++) {
		const struct item *item = &fixture->kept[i].item;

		if (item->type == type && (type == ITEM_TARGET	 ? item->target.id == id
					   : type == ITEM_STACK ? item->stack.id == id
								 : item->chain.id == id))
			return &fixture->kept[i];
	}
	return NULL;
}

static unsigned holes_of(const struct fixture *fixture, enum hole_kind kind, uint64_t *ret_count)
{
	unsigned holes = 0;

	*ret_count = 0;
	for (unsigned i = 0; i < fixture->count; i++) {
		if (fixture->kept[i].item.type != ITEM_HOLE ||
		    fixture->kept[i].item.hole.kind != kind)
			continue;
		holes++;
		*ret_count += fixture->kept[i].item.hole.count;
	}
	return holes;
}

static void ring_put(struct ringmaker *ring, uint16_t type, const void *record, uint32_t bytes)
{
	const size_t head = sizeof(struct wire_head);
	char *place = ringmaker_reserve(ring, bytes);

	if (!place)
		abort();
	memcpy(place + head, (const char *)record + head, bytes - head);
	ringmaker_commit(place, bytes, type, 0);
}

/* The root of a run with the shim says hello: one object, one stack of one frame. */
static void root_speaks(struct fixture *fixture)
{
	struct wire_hello hello = { .magic = WIRE_MAGIC, .version = WIRE_VERSION,
				    .bytes = sizeof(hello), .instance = INSTANCE,
				    .how = WIRE_HELLO_EXEC, .hooks = LIVE_HOOKS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec part = { &hello, sizeof(hello) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct {
		struct wire_object object;
		char path[16];
	} object = { .object = { .id = 1, .base = 0x1000, .path_len = 12, .soname_len = 4 } };
	struct {
		struct wire_stack stack;
		struct wire_frame frame;
	} stack = { { .id = 7, .count = 1 }, { .offset = 0x10, .object = 1 } };
	int len, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ringmaker_open(&fixture->ring, WIRE_RING_DATA_MIN, SEALS);
	fixture->has_ring = true;
	memcpy(object.path, "/lib/none.sonone", 16);
	ring_put(&fixture->ring, WIRE_OBJECT, &object, sizeof(object));
	ring_put(&fixture->ring, WIRE_STACK, &stack, sizeof(stack));

	memcpy(hello.secret, fixture->secret, sizeof(hello.secret));
	hello.ring_bytes = fixture->ring.ring_bytes;
	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fixture->ring.fd, sizeof(int));
	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s%s",
		       WIRE_SOCKET_PREFIX, fixture->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					     (size_t)len)),
			 0);
	assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)sizeof(hello));
	close(fd);
	tell_hello((uint32_t)getpid(), START);
}

static void root_begins(void)
{
	struct wire_kernel_event record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);

	/* Ours, before the exec. */
	tell_event(&record, "/etc/ours", "");
	tell_exec((uint32_t)getpid(), START, "/bin/sh");
}

/* --- processes ------------------------------------------------------------------------------- */

static void test_root_is_known_from_its_exec(void **state)
{
	struct fixture *fixture = *state;
	const struct item_process *process;

	root_begins();
	pump(fixture);
	assert_null(nth(fixture, ITEM_EVENT, 0));
	assert_null(nth(fixture, ITEM_PROCESS, 1));
	process = &nth(fixture, ITEM_PROCESS, 0)->item.process;
	assert_int_equal(process->how, PROCESS_ROOT);
	assert_int_equal(process->parent, 0);
	assert_int_equal(process->start_ns, START);
	assert_false(process->covered);
	assert_int_equal(source_ring_alive(fixture->source), 1);
}

/* Its environment as the kernel copied it, whatever it has made of it since; nothing in it need be
 * as it should. */
static void test_home_is_that_of_the_exec(void **state)
{
	static const char strange[] = "\0\0HOME\0HOME=x\0=HOME=/a\0HOME=/last";
	struct fixture *fixture = *state;
	struct wire_kernel_exec record = { .head = head_of(WIRE_KERNEL_EXEC, (uint32_t)getpid(),
							   START) };
	uint8_t *to;

	record.path_len = 7;
	tell(&record, sizeof(record), "/bin/sh", "HOME=/told", NULL);
	record.head.start_ns = START + 1;
	tell(&record, sizeof(record), "/bin/sh", NULL);
	to = fake.bytes[fake.count - 1] + fake.sizes[fake.count - 1];
	memcpy(to, strange, sizeof(strange) - 1); /* without an end */
	fake.sizes[fake.count - 1] += sizeof(strange) - 1;
	((struct wire_kernel_head *)fake.bytes[fake.count - 1])->size =
		(uint32_t)fake.sizes[fake.count - 1];
	record.head.start_ns = START + 2;
	tell(&record, sizeof(record), "/bin/sh", "PATH=/bin", NULL);
	pump(fixture);
	assert_string_equal(nth(fixture, ITEM_PROCESS, 0)->home, "/told");
	assert_string_equal(nth(fixture, ITEM_PROCESS, 1)->home, "/last");
	/* Without one it is that of its user, 0. */
	assert_string_equal(nth(fixture, ITEM_PROCESS, 2)->home, getpwuid(0)->pw_dir);
}

static void test_child_that_only_execs_acts_for_its_parent(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of(4000001, 2000, WIRE_EXEC_RUN);
	const struct item_process *process;

	root_begins();
	tell_fork((uint32_t)getpid(), START, 4000001, 2000);
	tell_event(&record, "/bin/true", "true");
	tell_exec(4000001, 2000, "/bin/true");
	tell_exit(4000001, 2000);
	pump(fixture);
	assert_int_equal(event_at(fixture, 0)->process, 1);
	assert_int_equal(event_at(fixture, 0)->flags & EVENT_KERNEL, EVENT_KERNEL);
	process = &nth(fixture, ITEM_PROCESS, 1)->item.process;
	assert_int_equal(process->id, 2);
	assert_int_equal(process->how, PROCESS_EXEC);
	assert_int_equal(process->parent, 1);
	assert_int_equal(process->origin_chain, event_at(fixture, 0)->chain);
	assert_int_equal(nth(fixture, ITEM_PROCESS_END, 0)->item.process_end.process, 2);
	assert_null(nth(fixture, ITEM_PROCESS_END, 1));
	assert_int_equal(source_ring_alive(fixture->source), 1);
}

static void test_fork_is_spoken_of_when_it_acts(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of(4000002, 2000, WIRE_FILE_WRITE);

	root_begins();
	tell_fork((uint32_t)getpid(), START, 4000001, 2000);
	tell_exit(4000001, 2000);
	tell_fork((uint32_t)getpid(), START, 4000002, 2000);
	tell_event(&record, "/tmp/x", "x");
	pump(fixture);
	assert_int_equal(nth(fixture, ITEM_PROCESS, 1)->item.process.pid, 4000002);
	assert_int_equal(nth(fixture, ITEM_PROCESS, 1)->item.process.how, PROCESS_FORK);
	assert_string_equal(nth(fixture, ITEM_PROCESS, 1)->text,
			    nth(fixture, ITEM_PROCESS, 0)->text);
	assert_int_equal(event_at(fixture, 0)->process, 2);
	assert_null(nth(fixture, ITEM_PROCESS, 2));
}

static void test_used_pid_is_another_process(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of(4000001, 2000, WIRE_FILE_WRITE);

	root_begins();
	tell_fork((uint32_t)getpid(), START, 4000001, 2000);
	tell_event(&record, "/tmp/x", "");
	/* Its exit was lost, and so was the fork of the next one. */
	record.head.start_ns = 3000;
	tell_event(&record, "/tmp/x", "");
	pump(fixture);
	assert_int_equal(event_at(fixture, 0)->process, 2);
	assert_int_equal(event_at(fixture, 1)->process, 3);
	assert_int_equal(nth(fixture, ITEM_PROCESS_END, 0)->item.process_end.process, 2);
}

/* --- hostile and lost ------------------------------------------------------------------------ */

static void test_bad_records_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record;
	uint64_t count;

	root_begins();
	record = event_of((uint32_t)getpid(), START, WIRE_ACTIONS);
	tell_event(&record, "/x", "");
	record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);
	tell_event(&record, "/x", "");
	((struct wire_kernel_event *)fake.bytes[fake.count - 1])->argv_len = 60000;
	record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);
	record.head.flags = WIRE_KERNEL_STACK;
	record.stack_len = 0xfffffff0;
	tell_event(&record, "/x", "");
	tell_exec((uint32_t)getpid(), START, "/bin/sh");
	((struct wire_kernel_exec *)fake.bytes[fake.count - 1])->path_len = 60000;
	tell_exit((uint32_t)getpid(), START);
	((struct wire_kernel_head *)fake.bytes[fake.count - 1])->type = 99;
	tell_exit((uint32_t)getpid(), START);
	fake.sizes[fake.count - 1] = 12;
	pump(fixture);
	source_ring_finish(fixture->source);
	pump(fixture);
	assert_null(nth(fixture, ITEM_EVENT, 0));
	holes_of(fixture, HOLE_REJECTED, &count);
	assert_int_equal(count, 6);
}

static struct wire_kernel_fork fork_of(uint16_t type, uint32_t pid, uint64_t start, uint32_t child,
				       uint64_t child_start)
{
	return (struct wire_kernel_fork){ .head = head_of(type, pid, start), .child_pid = child,
					  .child_inner_pid = child, .child_start_ns = child_start };
}

/* Registers and so many bytes of stack behind the fixed part. */
static void tell_made(struct wire_kernel_fork *record, const struct wire_kernel_regs *regs,
		      size_t stack)
{
	uint8_t *to = fake.bytes[fake.count];
	size_t size = sizeof(*record) + sizeof(*regs) + stack;

	record->head.flags |= WIRE_KERNEL_STACK;
	assert_true(size <= sizeof(fake.bytes[0]));
	memset(to, 0x5a, size);
	memcpy(to, record, sizeof(*record));
	memcpy(to + sizeof(*record), regs, sizeof(*regs));
	((struct wire_kernel_head *)to)->size = (uint32_t)size;
	fake.sizes[fake.count++] = size;
}

static const struct item_chain *chain_of(const struct fixture *fixture, unsigned event)
{
	return &by_id(fixture, ITEM_CHAIN, event_at(fixture, event)->chain)->item.chain;
}

static bool is_whole(const struct fixture *fixture, unsigned event)
{
	const struct kept *stack = by_id(fixture, ITEM_STACK, chain_of(fixture, event)->stack);

	assert_non_null(stack);
	return !(stack->item.stack.flags & WIRE_STACK_PARTIAL);
}

/* Where we really began: our own map may then be read. */
static uint64_t our_start(void)
{
	static uint64_t start;
	uint64_t low, high;

	if (!start) {
		assert_true(maps_start_of((uint32_t)getpid(), &low, &high));
		start = low + (high - low) / 2;
	}
	return start;
}

/* An event of that thread of ours with its stack, which ends in this program. */
static void tell_act(uint32_t tid)
{
	struct wire_kernel_event record =
		event_of((uint32_t)getpid(), our_start(), WIRE_FILE_WRITE);
	const struct wire_kernel_regs regs = { .ip = (uint64_t)(uintptr_t)&fixture_make,
					       .sp = 0x7fff0000 };
	uint8_t *to = fake.bytes[fake.count];

	record.head.tid = tid;
	record.head.flags = WIRE_KERNEL_STACK;
	record.path_len = 2;
	record.head.size = sizeof(record) + 2 + sizeof(regs);
	memcpy(to, &record, sizeof(record));
	memcpy(to + sizeof(record), "/x", 2);
	memcpy(to + sizeof(record) + 2, &regs, sizeof(regs));
	fake.sizes[fake.count++] = record.head.size;
}

static void test_makers_of_bad_stacks_are_not_known(void **state)
{
	struct fixture *fixture = *state;
	uint32_t pid = (uint32_t)getpid();
	uint64_t start = our_start();
	const struct wire_kernel_regs nowhere = { .ip = 0x10, .sp = UINT64_MAX - 7 };
	struct wire_kernel_fork record;
	uint64_t count;

	tell_exec(pid, start, "/bin/sh");
	/* Says it has a stack, and has not even registers. */
	record = fork_of(WIRE_KERNEL_FORK, pid, start, 4000001, 2000);
	record.head.flags = WIRE_KERNEL_STACK;
	tell(&record, sizeof(record), "registers", NULL);
	record = fork_of(WIRE_KERNEL_THREAD, pid, start, 4000002, 2000);
	record.head.flags = WIRE_KERNEL_STACK;
	tell(&record, sizeof(record), NULL);
	/* A thread without a number. */
	record = fork_of(WIRE_KERNEL_THREAD, pid, start, 0, 2000);
	tell_made(&record, &nowhere, 64);
	/* Shorter than any. */
	record = fork_of(WIRE_KERNEL_THREAD, pid, start, 4000003, 2000);
	tell(&record, sizeof(record), NULL);
	fake.sizes[fake.count - 1] = sizeof(record) - 8;
	/* A stack that leads nowhere: told, but nobody is known by it. */
	record = fork_of(WIRE_KERNEL_THREAD, pid, start, 4000004, 2000);
	tell_made(&record, &nowhere, 64);
	tell_act(4000004);
	/* One that nobody told of. */
	tell_act(4000005);
	pump(fixture);
	source_ring_finish(fixture->source);
	pump(fixture);
	holes_of(fixture, HOLE_REJECTED, &count);
	assert_int_equal(count, 4);
	assert_int_equal(chain_of(fixture, 0)->parent, 0);
	assert_false(is_whole(fixture, 0));
	assert_false(is_whole(fixture, 1));
}

/* To the child that it forks, and not into the program that the child becomes. */
static void test_maker_goes_with_the_thread(void **state)
{
	struct fixture *fixture = *state;
	uint32_t pid = (uint32_t)getpid(), chain;
	uint64_t start = our_start();
	const struct wire_kernel_regs here = { .ip = (uint64_t)(uintptr_t)&pump, .sp = 0x7fff0000 };
	struct wire_kernel_fork record = fork_of(WIRE_KERNEL_THREAD, pid, start, 4000001, 2000);

	tell_exec(pid, start, "/bin/sh");
	tell_made(&record, &here, 64);
	tell_act(4000001);
	tell_act(pid);
	tell_exec(pid, start, "/bin/sh");
	tell_act(pid);
	pump(fixture);
	chain = chain_of(fixture, 0)->parent;
	assert_int_not_equal(chain, 0);
	assert_int_equal(by_id(fixture, ITEM_CHAIN, chain)->item.chain.process, 1);
	assert_int_equal(chain_of(fixture, 1)->parent, 0);
	assert_int_equal(chain_of(fixture, 2)->parent, 0);
}

static void test_losses_are_holes(void **state)
{
	struct fixture *fixture = *state;
	uint64_t count;

	root_begins();
	fake.lost[WIRE_FAMILY_NET] = 5;
	fake.missing[0] = "on_something";
	pump(fixture);
	source_ring_finish(fixture->source);
	pump(fixture);
	assert_int_equal(holes_of(fixture, HOLE_LOST, &count), 1);
	assert_int_equal(count, 5);
	assert_int_equal(holes_of(fixture, HOLE_PROBE, &count), 1);
	assert_non_null(nth(fixture, ITEM_END, 0));
}

/* --- what was acted on ----------------------------------------------------------------------- */

static void test_memory_of_another_is_reached_into(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);
	char own[64];

	root_begins();
	snprintf(own, sizeof(own), "/proc/%d/mem", getpid());
	tell_event(&record, own, "/proc/self/mem");
	tell_event(&record, "/proc/1/mem", "/proc/1/mem");
	pump(fixture);
	assert_string_equal(by_id(fixture, ITEM_TARGET, event_at(fixture, 0)->target)->text,
			    "/proc/self/mem");
	assert_int_equal(event_at(fixture, 1)->action, WIRE_FILE_READ);
	assert_int_equal(event_at(fixture, 2)->action, WIRE_EXEC_INSPECT);
	assert_int_equal(event_at(fixture, 2)->detail, 1);
}

static void test_changed_argument_is_unreadable_only_without_the_object(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of((uint32_t)getpid(), START, WIRE_FILE_DELETE);

	root_begins();
	record.head.flags = WIRE_KERNEL_CHANGED;
	tell_event(&record, "/tmp/a", "b");
	record.truth = WIRE_TRUTH_ARGUMENT;
	tell_event(&record, "/tmp/a", "b");
	pump(fixture);
	assert_false(event_at(fixture, 0)->flags & EVENT_UNREADABLE);
	assert_true(event_at(fixture, 1)->flags & EVENT_UNREADABLE);
}

/* --- announced ------------------------------------------------------------------------------- */

static void test_announced_stack_is_the_rings(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);
	const struct item_event *event;
	const struct kept *stack;

	root_begins();
	root_speaks(fixture);
	announce(&record, 7, LIVE_HOOK_getaddrinfo);
	record.slot_via_count = 1;
	record.slot_via[0] = LIVE_HOOK_getaddrinfo;
	tell_event(&record, "/etc/resolv.conf", "/etc/resolv.conf");
	pump(fixture);
	event = event_at(fixture, 0);
	assert_int_equal(event->flags, EVENT_KERNEL);
	assert_int_equal(event->bypass, BYPASS_NONE);
	assert_string_equal(nth(fixture, ITEM_FUNCTION, 0)->text, "getaddrinfo");
	assert_int_equal(event->function, 1);
	assert_int_equal(event->via[0], 1);
	stack = by_id(fixture, ITEM_STACK,
		      by_id(fixture, ITEM_CHAIN, event->chain)->item.chain.stack);
	assert_int_equal(stack->object, nth(fixture, ITEM_OBJECT, 0)->item.object.id);
	assert_true(nth(fixture, ITEM_PROCESS, 0)->item.process.covered);
}

static void test_vfork_child_speaks_for_its_parent(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of(4000001, 2000, WIRE_EXEC_RUN);

	root_begins();
	root_speaks(fixture);
	tell_fork((uint32_t)getpid(), START, 4000001, 2000);
	announce(&record, 7, LIVE_HOOK_posix_spawn);
	tell_event(&record, "/bin/true", "true");
	tell_exec(4000001, 2000, "/bin/true");
	pump(fixture);
	assert_int_equal(event_at(fixture, 0)->process, 1);
	assert_int_equal(nth(fixture, ITEM_PROCESS, 1)->item.process.origin_chain,
			 event_at(fixture, 0)->chain);
}

static void test_unknown_stack_is_a_gap(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);
	uint64_t count;

	root_begins();
	root_speaks(fixture);
	announce(&record, 8, LIVE_HOOK_open);
	tell_event(&record, "/etc/x", "");
	record.slot_instance = 12345;
	tell_event(&record, "/etc/x", "");
	pump(fixture);
	assert_int_equal(holes_of(fixture, HOLE_GAP, &count), 2);
	assert_int_equal(by_id(fixture, ITEM_CHAIN, event_at(fixture, 0)->chain)->item.chain.stack,
			 0);
	assert_int_equal(event_at(fixture, 1)->process, 1);
}

static void test_slot_that_no_shim_writes_is_forged(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);

	root_begins();
	root_speaks(fixture);
	announce(&record, 7, LIVE_HOOKS);
	tell_event(&record, "/etc/x", "");
	announce(&record, 7, LIVE_HOOK_open);
	record.slot_via_count = 200;
	tell_event(&record, "/etc/x", "");
	pump(fixture);
	assert_int_equal(event_at(fixture, 0)->bypass, BYPASS_FORGED);
	assert_int_equal(event_at(fixture, 1)->bypass, BYPASS_FORGED);
}

static void test_silent_program_is_uncovered(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event record = event_of(4000001, 2000, WIRE_EXEC_RUN);
	const struct item_hole *hole;
	uint64_t count;

	root_begins();
	root_speaks(fixture);
	tell_fork((uint32_t)getpid(), START, 4000001, 2000);
	announce(&record, 7, LIVE_HOOK_execve);
	tell_event(&record, "/bin/true", "true");
	tell_exec(4000001, 2000, "/bin/true");
	tell_exit(4000001, 2000);
	pump(fixture);
	source_ring_finish(fixture->source);
	pump(fixture);
	assert_int_equal(holes_of(fixture, HOLE_UNCOVERED, &count), 1);
	hole = &nth(fixture, ITEM_HOLE, 0)->item.hole;
	assert_int_equal(hole->process, 2);
	assert_int_equal(hole->chain, event_at(fixture, 0)->chain);
}

/* The shim may not tell what the kernel can see: it would be told twice, or made up. */
static void test_ring_tells_nothing_the_kernel_can_see(void **state)
{
	struct fixture *fixture = *state;
	struct {
		struct wire_event event;
		char path[8];
	} forged = { { .action = WIRE_FILE_READ, .hook = LIVE_HOOK_open, .stack = 7,
		       .blob_len = { 8 } }, "/etc/xy" };
	uint64_t count;

	root_begins();
	root_speaks(fixture);
	pump(fixture);
	ring_put(&fixture->ring, WIRE_EVENT, &forged, sizeof(forged));
	pump(fixture);
	assert_null(nth(fixture, ITEM_EVENT, 0));
	holes_of(fixture, HOLE_REJECTED, &count);
	assert_int_equal(count, 1);
}

static void ring_code(struct fixture *fixture, uint32_t stack, uint64_t start, uint64_t time_ns)
{
	struct {
		struct wire_event event;
		uint64_t range[2];
	} made = { { .action = WIRE_EXEC_CODE, .hook = LIVE_HOOK_mprotect, .stack = stack,
		     .time_ns = time_ns, .pid = (uint32_t)getpid(),
		     .blob_len = { sizeof(made.range) } }, { start, 0x1000 } };

	ring_put(&fixture->ring, WIRE_EVENT, &made, sizeof(made));
}

static void ring_stack(struct fixture *fixture, uint32_t id, uint64_t offset, uint32_t object)
{
	struct {
		struct wire_stack stack;
		struct wire_frame frame;
	} stack = { { .id = id, .count = 1 }, { .offset = offset, .object = object } };

	ring_put(&fixture->ring, WIRE_STACK, &stack, sizeof(stack));
}

static const struct kept *top_of(const struct fixture *fixture, unsigned event)
{
	uint32_t chain = event_at(fixture, event)->chain;
	uint32_t stack = by_id(fixture, ITEM_CHAIN, chain)->item.chain.stack;
	uint32_t object = by_id(fixture, ITEM_STACK, stack)->object;

	for (unsigned n = 0; nth(fixture, ITEM_OBJECT, n); n++) {
		if (nth(fixture, ITEM_OBJECT, n)->item.object.id == object)
			return nth(fixture, ITEM_OBJECT, n);
	}
	return NULL;
}

/* A kernel record drains the ring to its end: what is on the stacks there may have been made by
 * calls whose records wait in the probes' buffer behind it. Code must have its maker all the same. */
static void test_code_has_its_maker_before_the_kernel_tells(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event first = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);
	struct wire_kernel_event made = event_of((uint32_t)getpid(), START, WIRE_EXEC_CODE);
	struct wire_kernel_event last = first;
	const struct kept *top;

	root_begins();
	root_speaks(fixture);
	announce(&first, 7, LIVE_HOOK_open);
	tell_event(&first, "/etc/first", "");
	announce(&made, 7, LIVE_HOOK_mprotect);
	made.address = 0x700000;
	made.bytes = 0x1000;
	tell_event(&made, "", "");
	announce(&last, 8, LIVE_HOOK_open);
	tell_event(&last, "/etc/last", "");
	ring_code(fixture, 7, 0x700000, 5000);
	ring_stack(fixture, 8, 0x700010, 0);
	pump(fixture);
	assert_int_equal(event_at(fixture, 1)->action, WIRE_EXEC_CODE);
	assert_null(nth(fixture, ITEM_EVENT, 3)); /* the ring's word is no second event */
	top = top_of(fixture, 2);
	assert_non_null(top);
	assert_int_equal(top->item.object.kind, OBJECT_CODE);
	assert_int_equal(top->item.object.maker, nth(fixture, ITEM_OBJECT, 0)->item.object.id);
}

/* Memory is used again: the kernel alone saw that somebody else, of whom nothing is known, made it. */
static void test_code_made_past_the_shim_is_not_who_was_there_before(void **state)
{
	struct fixture *fixture = *state;
	struct wire_kernel_event made = event_of((uint32_t)getpid(), START, WIRE_EXEC_CODE);
	struct wire_kernel_event last = event_of((uint32_t)getpid(), START, WIRE_FILE_READ);

	root_begins();
	root_speaks(fixture);
	ring_code(fixture, 7, 0x700000, 4000);
	made.address = 0x700000;
	made.bytes = 0x1000;
	tell_event(&made, "", "");
	pump(fixture);
	announce(&last, 8, LIVE_HOOK_open);
	tell_event(&last, "/etc/last", "");
	ring_stack(fixture, 8, 0x700010, 0);
	pump(fixture);
	assert_null(top_of(fixture, 1));
}

static const struct item_event *child_dials(struct fixture *fixture, unsigned nth)
{
	struct wire_kernel_event record = event_of(4000001, 2000, WIRE_NET_CONNECT);
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = 443 };

	struct {
		struct wire_kernel_event record;
		struct sockaddr_in peer;
	} whole = { record, peer };

	whole.record.path_len = sizeof(peer);
	tell(&whole, sizeof(whole), NULL);
	pump(fixture);
	return event_at(fixture, nth);
}

/* A copy of a process with the shim, made past it, is not out of hearing; a program without is. */
static void test_who_is_heard_when_it_resolves_names(void **state)
{
	struct fixture *fixture = *state;

	root_begins();
	root_speaks(fixture);
	pump(fixture);
	tell_fork((uint32_t)getpid(), START, 4000001, 2000);
	assert_false(child_dials(fixture, 0)->flags & EVENT_UNHEARD);
	tell_exec(4000001, 2000, "/bin/true");
	assert_true(child_dials(fixture, 1)->flags & EVENT_UNHEARD);
}

/* --- was it a way round? --------------------------------------------------------------------- */

enum part { LIBC, OTHER_LIBC, LOADER, SHIM, LIBRARY, HONEST, MAIN, GO, CODE, UNKNOWN };

static const struct elf_facts parts[] = {
	[LIBC] = { .soname = "libc.so.6", .is_libc = true },
	[OTHER_LIBC] = { .soname = "libc.so.6", .is_libc = true },
	[LOADER] = { .soname = "ld-linux-x86-64.so.2", .is_libc = true, .is_loader = true },
	[SHIM] = { .is_shim = true },
	[LIBRARY] = { .soname = "libx.so" },
	[HONEST] = { .soname = "libjemalloc.so.2", .is_honest = true },
	[MAIN] = { .has_interpreter = true },
	[GO] = { .has_interpreter = true, .is_go = true },
};

static const struct way_case {
	const char *what;
	enum bypass wanted;
	uint32_t hook;
	unsigned count;
	enum part stack[4];
} ways[] = {
	{ "a library's own instruction", BYPASS_RAW, 0, 2, { LIBRARY, MAIN } },
	{ "the program's own instruction", BYPASS_RAW, 0, 2, { MAIN, LIBC } },
	{ "an allocator known for it", BYPASS_NONE, 0, 2, { HONEST, MAIN } },
	{ "a Go program", BYPASS_NONE, 0, 2, { GO, GO } },
	{ "memory of no file", BYPASS_MEMORY, 0, 2, { CODE, MAIN } },
	{ "a map that was not known", BYPASS_NONE, 0, 2, { UNKNOWN, MAIN } },
	{ "the loader", BYPASS_NONE, LIVE_HOOK_dlopen, 3, { LOADER, LIBC, MAIN } },
	{ "a hooked function past its hook", BYPASS_HOOK, LIVE_HOOK_open, 2, { LIBC, LIBRARY } },
	{ "the same through the hook", BYPASS_NONE, LIVE_HOOK_open, 3, { LIBC, SHIM, LIBRARY } },
	{ "a function nobody hooks", BYPASS_NONE, 0, 2, { LIBC, LIBRARY } },
	{ "a call the hook lets pass", BYPASS_NONE, LIVE_HOOK_write, 2, { LIBC, LIBRARY } },
	{ "libc's own thread", BYPASS_NONE, LIVE_HOOK_open, 2, { LIBC, LIBC } },
	{ "another libc", BYPASS_LIBC, 0, 2, { OTHER_LIBC, LIBRARY } },
	{ "the shim", BYPASS_NONE, 0, 2, { SHIM, LIBRARY } },
};

/* As bpf_stack_unwind() would leave it. */
static void stack_make(struct bpf *bpf, const enum part *stack, unsigned count,
		       struct seen_stack *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct unwind_frame *frame = &bpf->stack->frames[i];
		bool is_main = stack[i] == MAIN || stack[i] == GO;

		memset(frame, 0, sizeof(*frame));
		frame->kind = stack[i] == CODE	    ? UNWIND_CODE
			      : stack[i] == UNKNOWN ? UNWIND_UNKNOWN
						    : UNWIND_OBJECT;
		frame->path = is_main ? "/bin/app" : "/lib/x";
		frame->path_len = (uint32_t)strlen(frame->path);
		bpf->frames[i].facts = stack[i] < CODE ? &parts[stack[i]] : NULL;
		bpf->frames[i].base = stack[i] == OTHER_LIBC ? 0x9000 : 0x1000;
		bpf->frames[i].object = 1 + stack[i];
		seen->has_shim |= stack[i] == SHIM;
	}
	while (seen->first < count && stack[seen->first] == SHIM)
		seen->first++;
	for (seen->outside = seen->first; seen->outside < count; seen->outside++) {
		if (!bpf->frames[seen->outside].facts ||
		    !bpf->frames[seen->outside].facts->is_libc)
			break;
	}
	seen->is_loader = seen->first < count && stack[seen->first] == LOADER;
}

static void test_ways_round_are_told_from_honest_calls(void **state)
{
	struct bpf bpf = { .stack = calloc(1, sizeof(*bpf.stack)),
			   .frames = calloc(WIRE_STACK_FRAMES, sizeof(*bpf.frames)) };
	char exe[] = "/bin/app";
	struct proc proc = { .exe = exe, .libc_base = 0x1000 };
	struct seen_stack seen;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		stack_make(&bpf, ways[i].stack, ways[i].count, &seen);
		seen.hook = ways[i].hook;
		if (bpf_bypass_of(&bpf, &proc, &seen) != ways[i].wanted)
			fail_msg("%s: %d, wanted %d", ways[i].what,
				 (int)bpf_bypass_of(&bpf, &proc, &seen), (int)ways[i].wanted);
	}
	free(bpf.stack);
	free(bpf.frames);
}

static void test_stack_contradicts_what_was_announced(void **state)
{
	static const enum part honest[] = { LIBC, SHIM, LIBRARY, MAIN };
	static const enum part direct[] = { LIBC, LIBRARY, MAIN };
	struct stack_members members[2] = { { { 0 } } };
	struct live live = { .stack_members = members, .stack_tops_room = 2 };
	struct bpf bpf = { .live = &live, .stack = calloc(1, sizeof(*bpf.stack)),
			   .frames = calloc(WIRE_STACK_FRAMES, sizeof(*bpf.frames)) };
	struct proc proc = { .pidfd = -1 };
	struct seen_stack seen;

	(void)state;
	stack_make(&bpf, direct, 3, &seen);
	assert_true(bpf_contradicts(&bpf, &proc, &seen, 1));
	seen.flags = WIRE_STACK_TRUNCATED; /* the shim may lie beyond the cut */
	assert_false(bpf_contradicts(&bpf, &proc, &seen, 1));
	stack_make(&bpf, honest, 4, &seen);
	assert_true(bpf_contradicts(&bpf, &proc, &seen, 1)); /* announced was a stack without the library */
	memset(members, 0xff, sizeof(members));
	assert_false(bpf_contradicts(&bpf, &proc, &seen, 1));
	free(bpf.stack);
	free(bpf.frames);
}

/* A file system (overlays, btrfs) may give mappings of the shim another inode than stat(2) does. Then
 * it is known by how our own mapping of it looks, never taken for a library that goes round itself;
 * somebody else's file of that name is. */
static void test_shim_with_two_inodes_is_no_way_round(void **state)
{
	static const enum part direct[] = { LIBC, LIBRARY, MAIN };
	struct live live = { 0 };
	struct bpf bpf = { .live = &live, .options = { .shim_path = "/lib/x" },
			   .shim_inode = 5, .shim_map_inode = 6,
			   .stack = calloc(1, sizeof(*bpf.stack)),
			   .frames = calloc(WIRE_STACK_FRAMES, sizeof(*bpf.frames)) };
	struct proc proc = { .exe = (char[]){ "/bin/app" }, .pidfd = -1 };
	struct seen_stack seen;

	(void)state;
	stack_make(&bpf, direct, 3, &seen);
	bpf.frames[1].facts = NULL; /* could not be examined: is it the shim? */
	bpf.stack->frames[1].kind = UNWIND_FILE;
	bpf.stack->frames[1].inode = 6;
	assert_false(bpf_contradicts(&bpf, &proc, &seen, 1));
	bpf.stack->frames[1].inode = 7;
	assert_true(bpf_contradicts(&bpf, &proc, &seen, 1));
	stack_make(&bpf, direct + 1, 2, &seen);
	bpf.frames[0].facts = NULL;
	bpf.stack->frames[0].kind = UNWIND_FILE;
	bpf.stack->frames[0].inode = 6;
	assert_int_equal(bpf_bypass_of(&bpf, &proc, &seen), BYPASS_NONE);
	bpf.stack->frames[0].inode = 7;
	assert_int_equal(bpf_bypass_of(&bpf, &proc, &seen), BYPASS_RAW);
	free(bpf.stack);
	free(bpf.frames);
}

/* What is mapped is found by its address in our own maps. */
static void test_shim_is_known_as_it_is_mapped(void **state)
{
	struct bpf bpf = { .options = { .shim_path = "/proc/self/exe" } };

	(void)state;
	bpf_elf_know_shim(&bpf);
	assert_true(bpf.shim_inode && bpf.shim_device && bpf.shim_map_inode);
	bpf = (struct bpf){ .options = { .shim_path = "/nonexistent" } };
	bpf_elf_know_shim(&bpf);
	assert_true(!bpf.shim_inode && !bpf.shim_map_inode);
}

/* Under its parent's announcement a child in the same memory does libc's work, not its own. */
static void test_guests_act_through_libc(void **state)
{
	static const enum part spawn[] = { LIBC }, hooked[] = { SHIM, LIBRARY },
			       raw[] = { LIBRARY, MAIN }, code[] = { CODE, MAIN },
			       unknown[] = { UNKNOWN };
	struct bpf bpf = { .stack = calloc(1, sizeof(*bpf.stack)),
			   .frames = calloc(WIRE_STACK_FRAMES, sizeof(*bpf.frames)) };
	struct seen_stack seen;

	(void)state;
	stack_make(&bpf, spawn, 1, &seen);
	assert_false(bpf_contradicts_guest(&bpf, &seen));
	stack_make(&bpf, hooked, 2, &seen);
	assert_false(bpf_contradicts_guest(&bpf, &seen));
	stack_make(&bpf, unknown, 1, &seen);
	assert_false(bpf_contradicts_guest(&bpf, &seen));
	stack_make(&bpf, raw, 2, &seen);
	assert_true(bpf_contradicts_guest(&bpf, &seen));
	stack_make(&bpf, code, 2, &seen);
	assert_true(bpf_contradicts_guest(&bpf, &seen));
	free(bpf.stack);
	free(bpf.frames);
}

#define KERNEL(test) cmocka_unit_test_setup_teardown(test, make_kernel, done)
#define BOTH(test) cmocka_unit_test_setup_teardown(test, make_both, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL(test_root_is_known_from_its_exec),
		KERNEL(test_home_is_that_of_the_exec),
		KERNEL(test_child_that_only_execs_acts_for_its_parent),
		KERNEL(test_fork_is_spoken_of_when_it_acts),
		KERNEL(test_used_pid_is_another_process),
		KERNEL(test_bad_records_are_counted),
		KERNEL(test_makers_of_bad_stacks_are_not_known),
		KERNEL(test_maker_goes_with_the_thread),
		KERNEL(test_losses_are_holes),
		KERNEL(test_memory_of_another_is_reached_into),
		KERNEL(test_changed_argument_is_unreadable_only_without_the_object),
		BOTH(test_announced_stack_is_the_rings),
		BOTH(test_vfork_child_speaks_for_its_parent),
		BOTH(test_unknown_stack_is_a_gap),
		BOTH(test_slot_that_no_shim_writes_is_forged),
		BOTH(test_silent_program_is_uncovered),
		BOTH(test_ring_tells_nothing_the_kernel_can_see),
		BOTH(test_code_has_its_maker_before_the_kernel_tells),
		BOTH(test_code_made_past_the_shim_is_not_who_was_there_before),
		BOTH(test_who_is_heard_when_it_resolves_names),
		cmocka_unit_test(test_ways_round_are_told_from_honest_calls),
		cmocka_unit_test(test_shim_with_two_inodes_is_no_way_round),
		cmocka_unit_test(test_shim_is_known_as_it_is_mapped),
		cmocka_unit_test(test_guests_act_through_libc),
		cmocka_unit_test(test_stack_contradicts_what_was_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

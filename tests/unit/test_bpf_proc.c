/* SPDX-License-Identifier: Apache-2.0
 *
 * The probes: programs, the tree, executable memory, other processes, the 32-bit entry.
 */
#include "test_bpf_watch.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* --- programs --------------------------------------------------------------------------------- */

static void exec_in_child(const char *path, char *const argv[])
{
	int pid = fork(), status;

	MUST(pid >= 0);
	if (!pid) {
		execv(path, argv);
		_exit(errno == ENOENT ? 7 : 8);
	}
	MUST(waitpid(pid, &status, 0) == pid);
}

static void act_exec(void *arg)
{
	char *const words[] = { "true", "one", "two words", NULL };
	char *const script[] = { "script", "x", NULL };
	char *const absent[] = { "absent", NULL };
	char *const empty[] = { NULL };
	char copy[65536];
	ssize_t got;
	int from, to, pid, status;

	(void)arg;
	MUST(!symlink("/bin/true", "tl") && !setenv("MARK", "in its environment", 1));
	exec_in_child("./tl", words);
	exec_in_child("./script", script);
	exec_in_child("./absent", absent);
	MUST((from = open("/bin/true", O_RDONLY)) >= 0 && (to = memfd_create("prog", 0)) >= 0);
	while ((got = read(from, copy, sizeof(copy))) > 0)
		MUST(write(to, copy, (size_t)got) == got);
	pid = fork();
	if (!pid) {
		fexecve(to, words, empty);
		_exit(9);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

static const struct wire_kernel_exec *exec_of(const struct wire_kernel_event *event)
{
	for (size_t i = 0; i + 1 < watch.count; i++)
		if ((const void *)watch.records[i] == event) {
			const void *next = watch.records[i + 1];

			assert_int_equal(watch.records[i + 1]->type, WIRE_KERNEL_EXEC);
			assert_int_equal(watch.records[i + 1]->pid, event->head.pid);
			return next;
		}
	fail();
	return NULL;
}

static void test_exec(void **state)
{
	const struct wire_kernel_event *event;
	const struct wire_kernel_exec *exec;
	char real[256];

	(void)state;
	file_make(in_dir("script"), "#!/bin/sh\nexit 0\n");
	watch_run(act_exec, NULL);
	event = event_must(WIRE_EXEC_RUN, "./tl", 0);
	assert_path(event, realpath("/bin/true", real));
	assert_string_equal(event_text(event, 3), "true one two words");
	assert_true(event->head.flags & WIRE_KERNEL_STACK);
	exec = exec_of(event);
	assert_memory_equal(exec + 1, real, exec->path_len);
	assert_int_equal(exec->is_secure, 0);
	assert_memory_equal((const char *)(exec + 1) + exec->path_len + exec->argv_len, watch.dir,
			    exec->cwd_len);
	assert_non_null(memmem((const char *)(exec + 1) + exec->path_len,
			       exec->head.size - sizeof(*exec) - exec->path_len,
			       "MARK=in its environment", sizeof("MARK=in its environment")));
	event = event_must(WIRE_EXEC_RUN, "./script", 0);
	assert_path(event, in_dir(event->truth == WIRE_TRUTH_OBJECT ? "script" : "./script"));
	exec = exec_of(event);
	assert_memory_equal(exec + 1, realpath("/bin/sh", real), exec->path_len);
	event = event_must(WIRE_EXEC_RUN, "./absent", 0);
	assert_int_equal(event->result, -ENOENT);
	assert_true(event->head.flags & WIRE_KERNEL_STACK);
	for (int i = 0; (event = event_find(WIRE_EXEC_RUN, NULL, i)); i++)
		if (!strcmp(event_text(event, 0), "memfd:prog"))
			return;
	fail_msg("the program in memory was not told");
}

static void act_exec_thread_body(void)
{
	char *const words[] = { "true", NULL };

	execv("/bin/true", words);
}

static void *exec_thread(void *arg)
{
	(void)arg;
	act_exec_thread_body();
	return NULL;
}

static void act_exec_from_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	MUST(!pthread_create(&thread, NULL, exec_thread, NULL));
	pthread_join(thread, NULL);
	_exit(98);
}

/* The thread takes over the leader's id on the way. */
static void test_exec_from_thread(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	watch_run(act_exec_from_thread, NULL);
	event = event_must(WIRE_EXEC_RUN, NULL, 0);
	assert_int_equal(event->result, 0);
	assert_int_equal(event->head.pid, watch.pid);
	assert_true(event->head.flags & WIRE_KERNEL_STACK);
	assert_non_null(event_find(WIRE_FILE_READ, "/etc/ld.so.cache", 0));
}

/* --- the tree --------------------------------------------------------------------------------- */

static int forks_wanted = 2000;

static void act_forks(void *arg)
{
	(void)arg;
	for (int i = 0; i < forks_wanted; i++) {
		int pid = fork(), status;

		if (!pid)
			_exit(i & 0x7f);
		MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	}
}

static void test_forks(void **state)
{
	uint64_t lost[WIRE_FAMILIES];
	int forks = 0, exits = 0;

	(void)state;
	if (getenv("SOWATCH_QEMU"))
		forks_wanted = 200; /* an emulated machine has time for no more */
	watch_run(act_forks, NULL);
	for (size_t i = 0; i < watch.count; i++) {
		const struct wire_kernel_head *head = watch.records[i];

		if (head->type == WIRE_KERNEL_FORK) {
			const struct wire_kernel_fork *forked = (const void *)head;

			assert_int_equal(head->pid, watch.pid);
			assert_int_equal(forked->child_inner_pid, forked->child_pid);
			assert_true(forked->child_start_ns >= head->start_ns);
			forks++;
		} else if (head->type == WIRE_KERNEL_EXIT && head->pid != (uint32_t)watch.pid) {
			const struct wire_kernel_exit *end = (const void *)head;

			assert_int_equal(end->status, (exits & 0x7f) << 8);
			exits++;
		}
	}
	assert_int_equal(forks, forks_wanted);
	assert_int_equal(exits, forks_wanted);
	bpf_loader_lost(watch.loader, lost);
	for (int i = 0; i < WIRE_FAMILIES; i++)
		assert_int_equal(lost[i], 0);
}

static void *thread_open(void *arg)
{
	(void)arg;
	MUST(open("/dev/null", O_RDONLY) >= 0);
	return NULL;
}

/* --- who makes whom --------------------------------------------------------------------------- */

__attribute__((noinline)) static void make_thread(void)
{
	pthread_t thread;

	MUST(!pthread_create(&thread, NULL, thread_open, NULL));
	MUST(!pthread_join(thread, NULL));
	__asm__ volatile("" ::: "memory"); /* no jump at the end: it shall be on the stack */
}

__attribute__((noinline)) static void make_program(void)
{
	char *const argv[] = { "true", NULL };
	int pid, status;

	MUST(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL));
	MUST(waitpid(pid, &status, 0) == pid && !status);
	__asm__ volatile("" ::: "memory");
}

static void act_makers(void *arg)
{
	int pid, status;

	(void)arg;
	make_thread();
	make_program();
	pid = fork();
	if (!pid)
		_exit(0);
	MUST(waitpid(pid, &status, 0) == pid);
	pid = vfork();
	if (!pid)
		_exit(0);
	MUST(waitpid(pid, &status, 0) == pid);
}

/* Does the copy hold an address inside that function? */
static bool is_on_copy(const struct wire_kernel_fork *record, const void *function)
{
	const uint8_t *at = (const uint8_t *)(record + 1) + sizeof(struct wire_kernel_regs);
	const uint8_t *end = (const uint8_t *)record + record->head.size;
	uint64_t word;

	for (; end - at >= 8; at += 8) {
		memcpy(&word, at, sizeof(word));
		if (word - (uint64_t)function < 256)
			return true;
	}
	return false;
}

/* Where the child's own stack does not tell who made it, the record does; elsewhere it costs
 * nothing. */
static void test_makers(void **state)
{
	const struct wire_kernel_fork *thread, *spawned, *forked, *vforked;
	struct wire_kernel_regs regs;

	(void)state;
	watch_run(act_makers, NULL);
	thread = (const void *)record_find(WIRE_KERNEL_THREAD, 0);
	assert_non_null(thread);
	assert_null(record_find(WIRE_KERNEL_THREAD, 1));
	assert_int_equal(thread->head.pid, watch.pid);
	assert_int_equal(thread->child_pid, event_must(WIRE_FILE_READ, "/dev/null", 0)->head.tid);
	assert_true(thread->head.flags & WIRE_KERNEL_STACK);
	assert_true(is_on_copy(thread, (const void *)make_thread));
	memcpy(&regs, thread + 1, sizeof(regs));
	assert_true(regs.ip && regs.sp);

	spawned = (const void *)record_find(WIRE_KERNEL_FORK, 0);
	forked = (const void *)record_find(WIRE_KERNEL_FORK, 1);
	vforked = (const void *)record_find(WIRE_KERNEL_FORK, 2);
	assert_true(spawned && forked && vforked);
	assert_true(spawned->head.flags & WIRE_KERNEL_STACK);
	assert_true(is_on_copy(spawned, (const void *)make_program));
	assert_false(forked->head.flags & WIRE_KERNEL_STACK);
	assert_int_equal(forked->head.size, sizeof(*forked));
	assert_false(vforked->head.flags & WIRE_KERNEL_STACK);
}

static void act_tree(void *arg)
{
	pthread_t thread;
	int pid;

	(void)arg;
	MUST(!pthread_create(&thread, NULL, thread_open, NULL) && !pthread_join(thread, NULL));
	pid = fork();
	if (!pid) { /* outlives its parent */
		usleep(20000);
		MUST(open("/dev/zero", O_RDONLY) >= 0);
		raise(SIGKILL);
	}
	usleep(1000);
}

static void test_tree(void **state)
{
	const struct wire_kernel_event *event;
	const struct wire_kernel_exit *end = NULL;

	(void)state;
	watch_start(act_tree, NULL);
	assert_true(open("/dev/full", O_RDONLY) >= 0); /* by us, who are not watched */
	watch_finish();
	for (int i = 0; i < 100 && !(end && end->head.pid != (uint32_t)watch.pid); i++) {
		usleep(2000);
		bpf_loader_drain(watch.loader, watch_keep, NULL, UINT32_MAX);
		end = (const void *)record_find(WIRE_KERNEL_EXIT, 1);
	}
	assert_non_null(end);
	assert_int_equal(end->status, SIGKILL);
	event = event_must(WIRE_FILE_READ, "/dev/null", 0);
	assert_int_equal(event->head.pid, watch.pid);
	assert_int_not_equal(event->head.tid, watch.pid);
	event = event_must(WIRE_FILE_READ, "/dev/zero", 0);
	assert_int_equal(event->head.pid, end->head.pid);
	assert_null(event_find(WIRE_FILE_READ, "/dev/full", 0));
}

/* --- code, other processes, the other entry --------------------------------------------------- */

static void act_code(void *arg)
{
	char byte = 0;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };
	void *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pid, status;

	(void)arg;
	MUST(page != MAP_FAILED && !mprotect(page, 4096, PROT_READ | PROT_EXEC));
	*(void **)watch.shared = page;
	MUST(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1); /* itself: nothing */
	MUST(process_vm_readv(getppid(), &here, 1, &there, 1, 0) == 1);
	pid = fork();
	if (!pid)
		pause();
	MUST(!ptrace(PTRACE_SEIZE, pid, 0, 0));
	MUST(!kill(pid, SIGKILL));
	waitpid(pid, &status, 0);
}

static void test_code_and_inspect(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	watch_run(act_code, NULL);
	event = event_must(WIRE_EXEC_CODE, NULL, 0);
	assert_int_equal(event->address, (uint64_t)*(void **)watch.shared);
	assert_int_equal(event->bytes, 4096);
	assert_int_equal(event->detail, PROT_READ | PROT_EXEC);
	assert_int_equal(event->path_len, 0);
	event = event_must(WIRE_EXEC_INSPECT, NULL, 0);
	assert_int_equal(event->detail, getpid());
	event = event_must(WIRE_EXEC_INSPECT, NULL, 1);
	assert_int_equal(event->syscall, SYS_ptrace);
	assert_int_equal(event->result, 0);
	assert_null(event_find(WIRE_EXEC_INSPECT, NULL, 2));
}

#ifdef __x86_64__
static void act_compat(void *arg)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	(void)arg;
	MUST(low != MAP_FAILED);
	strcpy(low, "/dev/../dev/null");
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(5), "b"(low), "c"(O_RDONLY), "d"(0)
			 : "memory");
	*(long *)watch.shared = ret;
}

static void test_compat_entry(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	watch_run(act_compat, NULL);
	if (*(long *)watch.shared == -ENOSYS)
		skip();
	event = event_must(WIRE_FILE_READ, "/dev/../dev/null", 0);
	assert_path(event, "/dev/null");
	assert_int_equal(event->syscall, 5);
	assert_true(event->head.flags & WIRE_KERNEL_COMPAT);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_from_thread),
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_makers),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_code_and_inspect),
#ifdef __x86_64__
		cmocka_unit_test(test_compat_entry),
#endif
	};
	int ret = watch_open(64u << 20, 0);

	if (ret)
		return ret;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	watch_close();
	return ret;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Offline unwinding of other processes at their system calls, where the probes take their copies:
 * a child's own calls through libc's wrappers, real programs from their first instruction to their
 * exit, and processes that are gone when their record is looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "test_unwind_offline.h"

static struct unwind *unwind;
static struct unwind_stack stack;
static uint8_t copy[COPY_BYTES];

/* --- tracing ----------------------------------------------------------------------------- */
struct traced {
	unsigned stacks, bad, without_marker, jumped;
	uint64_t marker_start, marker_end; /* a function that is on every stack; 0: none */
	bool is_marked;			   /* only between getppid() and getppid() */
};

static void traced_check(struct traced *traced, int tid, const struct wire_kernel_regs *regs,
			 int memory_fd)
{
	struct unwind_input input = {who_of(tid, tid), regs, copy, 0, false};
	bool is_found = !traced->marker_start;

	input.stack_bytes = stack_copy(memory_fd, regs->sp, copy, sizeof(copy));
	assert_int_equal(unwind_stack(unwind, &input, &stack), 0);
	traced->stacks++;
	for (unsigned i = 0; i < stack.count; i++) {
		uint64_t address = stack.frames[i].address;

		is_found |= address >= traced->marker_start && address < traced->marker_end;
	}
	if (stack.flags || !is_found)
		stack_print(&stack);
	for (unsigned i = 0; i < stack.count; i++) {
		if (!(stack.frames[i].flags & WIRE_FRAME_INFERRED))
			continue;
		traced->jumped++;
		break;
	}
	traced->bad += stack.flags != 0;
	traced->without_marker += !is_found;
}

static void traced_stop(struct traced *traced, int pid)
{
	struct user_regs_struct raw;
	struct wire_kernel_regs regs;
	char path[32];
	int fd;

	ptrace(PTRACE_GETREGS, pid, NULL, &raw);
	if (traced->marker_start && raw.orig_rax == SYS_getppid) {
		traced->is_marked = raw.rax == (unsigned long long)-ENOSYS ? traced->is_marked
									   : !traced->is_marked;
		return;
	}
	if (traced->marker_start && !traced->is_marked)
		return;
	regs = regs_of_traced(&raw);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	traced_check(traced, pid, &regs, fd);
	close(fd);
}

/* Runs a stopped, traced child to its end and looks at every system call. Its exit status. */
static int traced_run(struct traced *traced, int pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	assert_true(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC);
	for (;;) {
		int signal = 0;
		struct unwind_who who = who_of(pid, pid);

		if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80))
			traced_stop(traced, pid);
		else if (WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_EXEC)
			unwind_process_executed(unwind, &who);
		else if (WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP)
			signal = WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
		ptrace(PTRACE_SYSCALL, pid, NULL, signal);
		if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- a child's calls ---------------------------------------------------------------------- */
static void on_alarm(int number)
{
	(void)number;
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static NOINLINE int compare(const void *a, const void *b)
{
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	return *(const int *)a - *(const int *)b;
}

static NOINLINE void child_work(void)
{
	int values[3] = {2, 3, 1};
	struct addrinfo *answers = NULL;
	FILE *file;
	void *library;

	getppid();
	file = fopen("/proc/self/status", "re");
	if (file)
		fclose(file);
	getgrnam("no such group");
	if (getaddrinfo("127.0.0.1", "80", NULL, &answers) == 0)
		freeaddrinfo(answers);
	file = popen("exit 0", "re");
	if (file)
		pclose(file);
	library = dlopen("libm.so.6", RTLD_NOW);
	if (library)
		dlclose(library);
	signal(SIGALRM, on_alarm);
	raise(SIGALRM);
	qsort(values, 3, sizeof(*values), compare);
	free(malloc(64 << 20));
	syscall(SYS_sched_yield);
	getppid();
	__asm__ volatile("" ::: "memory");
}
static NOINLINE void child_work_end(void)
{
	__asm__ volatile("");
}

static void test_child_calls(void **state)
{
	struct traced traced = {.marker_start = (uint64_t)child_work,
				.marker_end = (uint64_t)child_work_end};
	int pid;

	(void)state;
	/* the functions were laid out as they were written */
	if (traced.marker_end <= traced.marker_start ||
	    traced.marker_end - traced.marker_start > 4096)
		traced.marker_end = traced.marker_start + 2048;
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		child_work();
		_exit(7);
	}
	assert_int_equal(traced_run(&traced, pid), 7);
	print_message("           %u stacks\n", traced.stacks);
	assert_true(traced.stacks > 60);
	assert_int_equal(traced.bad, 0);
	assert_int_equal(traced.without_marker, 0);
}

/* --- real programs ------------------------------------------------------------------------ */
static void traced_program(const char *const *argv)
{
	struct traced traced = {0};
	int pid;

	if (access(argv[0], X_OK) != 0) {
		print_message("           no %s here\n", argv[0]);
		return;
	}
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	assert_int_not_equal(traced_run(&traced, pid), 126);
	print_message("           %u stacks of %s, %u not whole, %u with jumps\n", traced.stacks,
		      argv[0], traced.bad, traced.jumped);
	assert_true(traced.stacks > 20);
	assert_int_equal(traced.bad, 0);
}

static void test_programs(void **state)
{
	static const char *const programs[][5] = {
		{"/bin/true"},
		{"/bin/ls", "-l", "/"},
		{"/bin/bash", "-c", "cd /; for f in *; do test -d $f; done"},
		{"/usr/bin/python3", "-S", "-c", "import json, socket; socket.socket().close()"},
		{"/usr/bin/git", "--version"},
		{"/sbin/ldconfig", "-p"},		      /* static-pie */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		traced_program(programs[i]);
}

/* --- processes that are gone -------------------------------------------------------------- */
struct gone {
	int pid;
	struct wire_kernel_regs regs;
	uint8_t stack[COPY_BYTES];
	size_t bytes;
};

/* A child stopped inside kill(), as a record of it would have it. */
static void gone_begin(struct gone *gone)
{
	struct user_regs_struct raw;
	char path[32];
	int status, fd;

	gone->pid = fork();
	if (gone->pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(gone->pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, gone->pid, NULL, PTRACE_O_EXITKILL);
	ptrace(PTRACE_GETREGS, gone->pid, NULL, &raw);
	gone->regs = regs_of_traced(&raw);
	snprintf(path, sizeof(path), "/proc/%d/mem", gone->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	gone->bytes = stack_copy(fd, gone->regs.sp, gone->stack, sizeof(gone->stack));
	close(fd);
}

static void gone_end(struct gone *gone)
{
	kill(gone->pid, SIGKILL);
	waitpid(gone->pid, NULL, 0);
}

static void gone_unwind(struct unwind *with, const struct gone *gone, uint64_t start_ns)
{
	struct unwind_input input = {{(uint32_t)gone->pid, (uint32_t)gone->pid, start_ns},
				     &gone->regs,
				     gone->stack,
				     gone->bytes,
				     false};

	assert_int_equal(unwind_stack(with, &input, &stack), 0);
}

static void test_gone(void **state)
{
	struct unwind *fresh;
	struct unwind_who who, parent = who_of(getpid(), getpid());
	static struct gone gone;
	unsigned whole;

	(void)state;
	/* the map was known */
	assert_int_equal(unwind_open(&fresh), 0);
	gone_begin(&gone);
	who = who_of(gone.pid, gone.pid);
	unwind_process_executed(fresh, &who);
	gone_end(&gone);
	unwind_process_exited(fresh, &who);
	gone_unwind(fresh, &gone, 0);
	assert_int_equal(stack.flags, 0);
	whole = stack.count;
	assert_true(whole > 4);
	unwind_close(fresh);

	/* only its parent's was */
	assert_int_equal(unwind_open(&fresh), 0);
	unwind_process_forked(fresh, &parent, &who);
	gone_unwind(fresh, &gone, 0);
	assert_int_equal(stack.flags, 0);
	assert_int_equal(stack.count, whole);
	unwind_close(fresh);

	/* nothing was */
	assert_int_equal(unwind_open(&fresh), 0);
	gone_unwind(fresh, &gone, 0);
	assert_int_equal(stack.flags, WIRE_STACK_PARTIAL);
	assert_int_equal(stack.count, 1);
	assert_int_equal(stack.frames[0].kind, UNWIND_UNKNOWN);
	assert_int_equal(stack.frames[0].offset, gone.regs.ip - 1);
	unwind_close(fresh);
}

/* The pid belongs to another process by now: its map is not used. */
static void test_reused_pid(void **state)
{
	struct timespec now;
	static struct gone gone;
	uint64_t start_ns;

	(void)state;
	gone_begin(&gone);
	clock_gettime(CLOCK_MONOTONIC, &now);
	start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	gone_unwind(unwind, &gone, start_ns);
	assert_int_equal(stack.flags, 0);
	gone_unwind(unwind, &gone, start_ns - 5000000000);
	assert_int_equal(stack.flags, WIRE_STACK_PARTIAL);
	assert_int_equal(stack.frames[0].kind, UNWIND_UNKNOWN);
	gone_unwind(unwind, &gone, start_ns + 5000000000);
	assert_int_equal(stack.flags, WIRE_STACK_PARTIAL);
	gone_end(&gone);
}

/* --- files that change -------------------------------------------------------------------- */
static void file_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t got;

	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)got), got);
	close(in);
	close(out);
}

static char folder[] = "/tmp/test_unwind.XXXXXX";
static char libm[4096];

static void at_function(struct unwind *with, int pid, const void *function)
{
	static const uint64_t words[2] = {0, 0};
	struct wire_kernel_regs regs = {.ip = (uint64_t)function, .sp = 1u << 20};
	struct unwind_input input = {who_of(pid, pid), &regs, words, sizeof(words), true};

	assert_int_equal(unwind_stack(with, &input, &stack), 0);
}

static bool may_follow_mappings(void)
{
	struct unwind *fresh;
	bool may;

	assert_int_equal(unwind_open(&fresh), 0);
	at_function(fresh, getpid(), dlsym(RTLD_NEXT, "connect"));
	may = stack.frames[0].kind == UNWIND_OBJECT && geteuid() == 0;
	unwind_close(fresh);
	return may;
}

/* Names are bytes: a newline, and what the kernel itself appends. */
static void test_odd_name(void **state)
{
	bool may_follow = may_follow_mappings();
	struct unwind *fresh;
	char path[128];
	void *library;

	(void)state;
	snprintf(path, sizeof(path), "%s/x (deleted)\n.so", folder);
	file_copy(libm, path);
	library = dlopen(path, RTLD_NOW);
	assert_non_null(library);
	assert_int_equal(unwind_open(&fresh), 0);
	at_function(fresh, getpid(), dlsym(library, "nextafter"));
	assert_int_equal(stack.frames[0].kind, may_follow ? UNWIND_OBJECT : UNWIND_FILE);
	assert_false(stack.frames[0].is_deleted);
	unwind_close(fresh);
	dlclose(library);
}

static void check_replaced(uint64_t inode, const char *build_id, size_t path_len)
{
	assert_int_equal(stack.frames[0].inode, inode);
	if (stack.frames[0].kind == UNWIND_OBJECT) {
		assert_string_equal(stack.frames[0].object->build_id, build_id);
		assert_true(stack.frames[0].is_deleted);
		assert_int_equal(stack.frames[0].path_len, path_len);
	} else {
		assert_int_equal(stack.frames[0].kind, UNWIND_FILE);
		assert_int_equal(stack.flags, WIRE_STACK_PARTIAL);
	}
}

/* Deleted, then another library under its name: the mapped one is read, or none. */
static void test_replaced_file(void **state)
{
	struct unwind *fresh;
	char path[128], build_id[129];
	void *library, *function;
	uint64_t inode;

	(void)state;
	snprintf(path, sizeof(path), "%s/x.so", folder);
	file_copy(libm, path);
	library = dlopen(path, RTLD_NOW);
	function = dlsym(library, "nextafter");
	assert_int_equal(unwind_open(&fresh), 0);
	at_function(fresh, getpid(), function);
	assert_int_equal(stack.frames[0].kind, UNWIND_OBJECT);
	assert_int_equal(stack.flags, 0);
	assert_false(stack.frames[0].is_deleted);
	assert_memory_equal(stack.frames[0].path, path, strlen(path));
	snprintf(build_id, sizeof(build_id), "%s", stack.frames[0].object->build_id);
	inode = stack.frames[0].inode;
	assert_int_equal(strlen(build_id), 40);
	unwind_close(fresh);

	unlink(path);
	file_copy("/proc/self/exe", path);
	assert_int_equal(unwind_open(&fresh), 0);
	at_function(fresh, getpid(), function);
	check_replaced(inode, build_id, strlen(path));
	unwind_close(fresh);
	dlclose(library);
}

/* A process that is gone, and its library was written over: not what ran. */
static void test_overwritten_file(void **state)
{
	struct unwind *fresh[2];
	struct unwind_who who;
	static struct gone gone;
	char path[128];
	void *library, *function;

	(void)state;
	snprintf(path, sizeof(path), "%s/y.so", folder);
	file_copy(libm, path);
	library = dlopen(path, RTLD_NOW);
	function = dlsym(library, "nextafter");
	gone_begin(&gone);
	who = who_of(gone.pid, gone.pid);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(unwind_open(&fresh[i]), 0);
		unwind_process_executed(fresh[i], &who);
	}
	gone_end(&gone);
	dlclose(library);
	unwind_process_exited(fresh[0], &who);
	at_function(fresh[0], gone.pid, function);
	assert_int_equal(stack.frames[0].kind, UNWIND_OBJECT);
	usleep(20000);
	file_copy("/proc/self/exe", path);
	unwind_process_exited(fresh[1], &who);
	at_function(fresh[1], gone.pid, function);
	assert_int_equal(stack.frames[0].kind, UNWIND_FILE);
	assert_int_equal(stack.flags, WIRE_STACK_PARTIAL);
	for (unsigned i = 0; i < 2; i++)
		unwind_close(fresh[i]);
}

static void test_closed_library(void **state)
{
	struct unwind *fresh;
	struct unwind_who who = who_of(getpid(), getpid());
	char path[128];
	void *library, *function;

	(void)state;
	snprintf(path, sizeof(path), "%s/z.so", folder);
	file_copy(libm, path);
	assert_int_equal(unwind_open(&fresh), 0);
	at_function(fresh, getpid(), dlsym(RTLD_NEXT, "connect"));
	library = dlopen(path, RTLD_NOW);
	function = dlsym(library, "nextafter");
	/* nobody told that something was mapped */
	at_function(fresh, getpid(), function);
	assert_int_equal(stack.frames[0].kind, UNWIND_OBJECT);
	dlclose(library);
	unwind_process_changed(fresh, &who);
	at_function(fresh, getpid(), function);
	assert_int_equal(stack.frames[0].kind, UNWIND_OBJECT);
	assert_memory_equal(stack.frames[0].path, path, strlen(path));
	unwind_close(fresh);
}

static int set_up(void **state)
{
	Dl_info info;
	void *library = dlopen("libm.so.6", RTLD_NOW);

	(void)state;
	if (!library || !dladdr(dlsym(library, "nextafter"), &info) ||
	    !realpath(info.dli_fname, libm) || !mkdtemp(folder))
		return -1;
	dlclose(library);
	return unwind_open(&unwind);
}

static int tear_down(void **state)
{
	static const char *const names[] = {"x (deleted)\n.so", "x.so", "y.so", "z.so"};
	char path[128];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	unwind_close(unwind);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child_calls),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_reused_pid),
		cmocka_unit_test(test_odd_name),
		cmocka_unit_test(test_replaced_file),
		cmocka_unit_test(test_overwritten_file),
		cmocka_unit_test(test_closed_library),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

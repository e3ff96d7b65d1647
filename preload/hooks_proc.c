/* SPDX-License-Identifier: Apache-2.0
 *
 * proc: threads get the chain that created them as origin; every kind of fork gets a ring of its
 * own; leaving is told.
 */
#include "hook.h"
#include "exchange.h"

#include <sched.h>
#include <sys/prctl.h>

/* --- fork --------------------------------------------------------------------------------------------------- */
static void child_publish(pid_t pid)
{
	struct wire_forked *record = ring_reserve(sizeof(*record), WIRE_FAMILY_META);

	if (!record)
		return;
	record->time_ns = clock_now_ns();
	record->pid = (uint32_t)pid;
	record->pad = 0;
	ring_commit(record, sizeof(*record), WIRE_FORKED, 0);
}

static void forked(pid_t pid)
{
	int saved = errno;

	if (shim_state != SHIM_ACTIVE)
		return;
	if (pid == 0)
		session_after_fork();
	else if (pid > 0)
		child_publish(pid);
	if (unlikely(exchange_is_on) && pid > 0)
		exchange_shared();
	/* The child may not attach and will write into our ring, which may be gone before it is. */
	if (pid > 0 && session.has_seccomp)
		ring_missed();
	errno = saved;
}

EXPORT pid_t fork(void)
{
	HOOK_ONLY(return (pid_t)sys_early(sys_call0(SYS_fork)));
	pid_t pid = real.fork();

	forked(pid);
	return pid;
}

EXPORT pid_t _Fork(void)
{
	HOOK_ONLY(return (pid_t)sys_early(sys_call0(SYS_fork)));
	pid_t pid = real._Fork();

	forked(pid);
	return pid;
}

/* In libc's steps (misc/daemon.c), because there the parent leaves without coming back to us. */
#define NULL_DEVICE (1u << 8 | 3) /* makedev(1, 3), which is a call in glibc and absent in musl */
static int daemon_streams(void)
{
	struct stat status;
	long fd = sys_call4(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (fd < 0) {
		errno = (int)-fd;
		return -1;
	}
	if (fstat((int)fd, &status) || !S_ISCHR(status.st_mode) ||
	    status.st_rdev != NULL_DEVICE) {
		sys_call1(SYS_close, fd);
		errno = ENODEV;
		return -1;
	}
	for (int to = 0; to < 3; to++) {
		sys_call2(SYS_dup2, fd, to);
		socket_forget(to);
	}
	if (fd > 2)
		sys_call1(SYS_close, fd);
	return 0;
}

EXPORT int daemon(int nochdir, int noclose)
{
	HOOK_ONLY(return -1);
	if (shim_state != SHIM_ACTIVE)
		return real.daemon(nochdir, noclose);
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		break;
	default:
		_exit(0);
	}
	if (setsid() == -1)
		return -1;
	if (!nochdir)
		(void)!chdir("/");
	return noclose ? 0 : daemon_streams();
}

EXPORT pid_t forkpty(int *ret_main, char *name, const struct termios *termios,
		     const struct winsize *size)
{
	HOOK_ONLY(return -1);
	pid_t pid = real.forkpty(ret_main, name, termios, size);

	forked(pid);
	return pid;
}

/* A vfork child runs on its parent's stack: nothing may stand between the caller and the real
 * function, or its return address would be overwritten under the parent. The note makes whoever
 * acts next ask the kernel who it is. */
__attribute__((used)) static void *vfork_choose(void)
{
	if (unlikely(shim_state < SHIM_PASSIVE) && !shim_enter())
		return NULL;
	if (shim_state == SHIM_ACTIVE) {
		environ_take_back();
		thread_self.is_vforking = 1;
	}
	return (void *)real.vfork;
}

__asm__(".text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	".cfi_startproc\n"
	"	sub $8, %rsp\n"
	".cfi_adjust_cfa_offset 8\n"
	"	call vfork_choose\n"
	"	add $8, %rsp\n"
	".cfi_adjust_cfa_offset -8\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	jmp *%rax\n"
	"1:	mov $57, %eax\n" /* SYS_fork: before relocation */
	"	syscall\n"
	"	ret\n"
	".cfi_endproc\n"
	".size vfork, .-vfork\n");

EXPORT int clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
	va_list list;
	void *parent_tid, *tls, *child_tid;

	HOOK_ONLY(return -1);
	va_start(list, argument);
	parent_tid = va_arg(list, void *);
	tls = va_arg(list, void *);
	child_tid = va_arg(list, void *);
	va_end(list);
	/* A copied child finds its fork guard wiped at its first hook. */
	if ((flags & CLONE_VM) && !(flags & CLONE_SETTLS) && shim_state == SHIM_ACTIVE)
		thread_self.is_vforking = (flags & CLONE_VFORK) ? 1 : VFORK_SHARED;
	return real.clone(function, stack, flags, argument, parent_tid, tls, child_tid);
}

/* --- threads -------------------------------------------------------------------------------------------------- */
#define STARTS 1024

/* What a new thread is to run, until it has picked it up. Not malloc: allocators create threads
 * from inside themselves. */
struct start {
	uint32_t is_used, origin;
	void *(*function)(void *);
	void *argument;
};
static TABLE struct start starts[STARTS];
static uint32_t next_start;

static struct start *start_claim(void)
{
	uint32_t first = __atomic_fetch_add(&next_start, 1, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < STARTS; i++) {
		struct start *start = &starts[(first + i) % STARTS];
		uint32_t is_used = 0;

		if (__atomic_compare_exchange_n(&start->is_used, &is_used, 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return start;
	}
	return NULL;
}

static void start_take(struct start *start)
{
	thread_self.origin = start->origin;
	__atomic_store_n(&start->is_used, 0, __ATOMIC_RELEASE);
}

static void *thread_main(void *argument)
{
	struct start start = *(struct start *)argument;

	start_take(argument);
	return start.function(start.argument);
}

static int thread_main_c11(void *argument)
{
	struct start start = *(struct start *)argument;

	start_take(argument);
	return ((thrd_start_t)(uintptr_t)start.function)(start.argument);
}

EXPORT int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes,
			  void *(*function)(void *), void *argument)
{
	HOOK_BEGIN(pthread_create, return EAGAIN);
	struct start *start = call.is_on ? start_claim() : NULL;
	int ret;

	if (start) {
		start->origin = origin_of_start(&call);
		start->function = function;
		start->argument = argument;
		ret = real.pthread_create(ret_thread, attributes, thread_main, start);
		if (ret)
			__atomic_store_n(&start->is_used, 0, __ATOMIC_RELEASE);
	} else {
		if (call.is_on)
			ring_missed();
		ret = real.pthread_create(ret_thread, attributes, function, argument);
	}
	HOOK_END();
	return ret;
}

EXPORT int thrd_create(thrd_t *ret_thread, thrd_start_t function, void *argument)
{
	HOOK_BEGIN(thrd_create, return thrd_error);
	struct start *start = call.is_on ? start_claim() : NULL;
	int ret;

	if (start) {
		start->origin = origin_of_start(&call);
		start->function = (void *(*)(void *))(uintptr_t)function;
		start->argument = argument;
		ret = real.thrd_create(ret_thread, thread_main_c11, start);
		if (ret)
			__atomic_store_n(&start->is_used, 0, __ATOMIC_RELEASE);
	} else {
		ret = real.thrd_create(ret_thread, function, argument);
	}
	HOOK_END();
	return ret;
}

/* --- filters, and leaving ---------------------------------------------------------------------------------------- */
EXPORT int prctl(int option, ...)
{
	va_list list;
	unsigned long a, b, c, d;

	va_start(list, option);
	a = va_arg(list, unsigned long);
	b = va_arg(list, unsigned long);
	c = va_arg(list, unsigned long);
	d = va_arg(list, unsigned long);
	va_end(list);
	HOOK_ONLY(return (int)sys_early(sys_call5(SYS_prctl, option, a, b, c, d)));
	if (option == PR_SET_SECCOMP && shim_state == SHIM_ACTIVE) {
		thread_tid(); /* the last system call of ours */
		session.has_seccomp = true;
	}
	return real.prctl(option, a, b, c, d);
}

static void leaving(int status)
{
	struct wire_exit *record;

	if (shim_state != SHIM_ACTIVE || !*session_fork_guard || process_acting() != session.pid)
		return;
	record = ring_reserve(sizeof(*record), WIRE_FAMILY_META);
	if (!record)
		return;
	record->time_ns = clock_now_ns();
	record->status = (uint32_t)status;
	record->pad = 0;
	ring_commit(record, sizeof(*record), WIRE_EXIT, 0);
}

#define HOOK_EXIT(name)                                                                            \
	EXPORT void name(int status)                                                               \
	{                                                                                          \
		HOOK_ONLY(sys_call1(SYS_exit_group, status));                                      \
		leaving(status);                                                                   \
		real.name(status);                                                                 \
		__builtin_unreachable();                                                           \
	}
HOOK_EXIT(_exit)
HOOK_EXIT(_Exit)
HOOK_EXIT(quick_exit)

/* SPDX-License-Identifier: Apache-2.0
 *
 * proc: syscall(2), the same actions by number. A process that is to come back twice (clone,
 * vfork) must not find a frame of ours on a stack it shares, so those jump straight through.
 */
#include "exec.h"

#include <linux/audit.h>

struct numbers {
	long n, a, b, c, d, e, f;
};

#define PATH(x) ((const char *)(x))

static bool syscall_is_ours(long number)
{
	switch (number) {
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
	case SYS_creat:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_rmdir:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_link:
	case SYS_linkat:
	case SYS_symlink:
	case SYS_symlinkat:
	case SYS_mkdir:
	case SYS_mkdirat:
	case SYS_chmod:
	case SYS_fchmod:
	case SYS_fchmodat:
	case SYS_chown:
	case SYS_fchownat:
	case SYS_truncate:
	case SYS_connect:
	case SYS_bind:
	case SYS_listen:
	case SYS_accept:
	case SYS_accept4:
	case SYS_sendto:
	case SYS_execve:
	case SYS_execveat:
	case SYS_memfd_create:
	case SYS_ptrace:
	case SYS_process_vm_readv:
	case SYS_process_vm_writev:
	case SYS_mmap:
	case SYS_mprotect:
	case SYS_chdir:
	case SYS_fchdir:
	case SYS_seccomp:
		return true;
	default:
		return false;
	}
}

static void file_numbers(const struct call *call, const struct numbers *s, int32_t result)
{
	switch (s->n) {
	case SYS_open:
		open_event(call, result, (int)s->b, AT_FDCWD, PATH(s->a));
		break;
	case SYS_openat:
		open_event(call, result, (int)s->c, (int)s->a, PATH(s->b));
		break;
	case SYS_openat2: /* struct open_how starts with flags */
		open_event(call, result,
			   result >= 0 || memory_is_readable(PATH(s->c), sizeof(uint64_t)) ?
				   (int)*(uint64_t *)s->c :
				   0,
			   (int)s->a, PATH(s->b));
		break;
	case SYS_creat:
		open_event(call, result, O_CREAT | O_TRUNC | O_WRONLY, AT_FDCWD, PATH(s->a));
		break;
	case SYS_unlink:
	case SYS_rmdir:
		file_event(call, WIRE_FILE_DELETE, result, 0, AT_FDCWD, PATH(s->a));
		break;
	case SYS_unlinkat:
		file_event(call, WIRE_FILE_DELETE, result, (uint32_t)s->c, (int)s->a, PATH(s->b));
		break;
	case SYS_rename:
		file_event2(call, WIRE_FILE_RENAME, result, 0, AT_FDCWD, PATH(s->a), AT_FDCWD,
			    PATH(s->b));
		break;
	case SYS_renameat:
	case SYS_renameat2:
		file_event2(call, WIRE_FILE_RENAME, result, 0, (int)s->a, PATH(s->b), (int)s->c,
			    PATH(s->d));
		break;
	case SYS_link:
	case SYS_symlink:
		file_event2(call, WIRE_FILE_LINK, result, 0, AT_FDCWD, PATH(s->a), AT_FDCWD,
			    PATH(s->b));
		break;
	case SYS_linkat:
		file_event2(call, WIRE_FILE_LINK, result, 0, (int)s->a, PATH(s->b), (int)s->c,
			    PATH(s->d));
		break;
	case SYS_symlinkat:
		file_event2(call, WIRE_FILE_LINK, result, 0, (int)s->b, PATH(s->a), (int)s->b,
			    PATH(s->c));
		break;
	case SYS_mkdir:
		file_event(call, WIRE_FILE_WRITE, result, S_IFDIR, AT_FDCWD, PATH(s->a));
		break;
	case SYS_mkdirat:
		file_event(call, WIRE_FILE_WRITE, result, S_IFDIR, (int)s->a, PATH(s->b));
		break;
	case SYS_chmod:
	case SYS_chown:
		file_event(call, WIRE_FILE_MODE, result, (uint32_t)s->b, AT_FDCWD, PATH(s->a));
		break;
	case SYS_fchmod:
		file_event_fd(call, WIRE_FILE_MODE, result, (uint32_t)s->b, (int)s->a);
		break;
	case SYS_fchmodat:
	case SYS_fchownat:
		file_event(call, WIRE_FILE_MODE, result, (uint32_t)s->c, (int)s->a, PATH(s->b));
		break;
	case SYS_truncate:
		file_event(call, WIRE_FILE_WRITE, result, O_TRUNC, AT_FDCWD, PATH(s->a));
		break;
	}
}

/* Those with a function of the same name and arguments in this library: one body serves both, and
 * the innermost hook is then the named one. False: not one of them. */
static bool same_function(const struct numbers *s, long *ret)
{
	switch (s->n) {
	case SYS_connect:
		*ret = connect((int)s->a, (const struct sockaddr *)s->b, (socklen_t)s->c);
		return true;
	case SYS_bind:
		*ret = bind((int)s->a, (const struct sockaddr *)s->b, (socklen_t)s->c);
		return true;
	case SYS_listen:
		*ret = listen((int)s->a, (int)s->b);
		return true;
	case SYS_accept:
		*ret = accept((int)s->a, (struct sockaddr *)s->b, (socklen_t *)s->c);
		return true;
	case SYS_accept4:
		*ret = accept4((int)s->a, (struct sockaddr *)s->b, (socklen_t *)s->c, (int)s->d);
		return true;
	case SYS_sendto:
		*ret = sendto((int)s->a, (const void *)s->b, (size_t)s->c, (int)s->d,
			      (const struct sockaddr *)s->e, (socklen_t)s->f);
		return true;
	case SYS_execve:
		*ret = execve(PATH(s->a), (char *const *)s->b, (char *const *)s->c);
		return true;
	case SYS_execveat:
		*ret = execveat((int)s->a, PATH(s->b), (char *const *)s->c, (char *const *)s->d,
				(int)s->e);
		return true;
	case SYS_memfd_create:
		*ret = memfd_create(PATH(s->a), (unsigned)s->b);
		return true;
	case SYS_process_vm_readv:
		*ret = process_vm_readv((pid_t)s->a, (const struct iovec *)s->b, (unsigned long)s->c,
					(const struct iovec *)s->d, (unsigned long)s->e,
					(unsigned long)s->f);
		return true;
	case SYS_process_vm_writev:
		*ret = process_vm_writev((pid_t)s->a, (const struct iovec *)s->b,
					 (unsigned long)s->c, (const struct iovec *)s->d,
					 (unsigned long)s->e, (unsigned long)s->f);
		return true;
	case SYS_mmap:
		*ret = (long)mmap((void *)s->a, (size_t)s->b, (int)s->c, (int)s->d, (int)s->e, s->f);
		return true;
	case SYS_mprotect:
		*ret = mprotect((void *)s->a, (size_t)s->b, (int)s->c);
		return true;
	case SYS_chdir:
		*ret = chdir(PATH(s->a));
		return true;
	case SYS_fchdir:
		*ret = fchdir((int)s->a);
		return true;
	default:
		return false;
	}
}

__attribute__((used)) static long syscall_wrapped(long n, long a, long b, long c, long d, long e,
						  long f)
{
	const struct numbers s = { n, a, b, c, d, e, f };
	long ret;

	HOOK_ONLY(return sys_early(sys6(n, a, b, c, d, e, f)));
	if (shim_state != SHIM_ACTIVE || !syscall_is_ours(n) || n == SYS_ptrace)
		return real.syscall(n, a, b, c, d, e, f);
	if (n == SYS_seccomp) {
		thread_tid();
		session.has_seccomp = true;
		return real.syscall(n, a, b, c, d, e, f);
	}
	if (same_function(&s, &ret))
		return ret;
	HOOK_BEGIN(syscall, return -1);
	ret = real.syscall(n, a, b, c, d, e, f);
	file_numbers(&call, &s, ret_errno(ret));
	HOOK_END();
	return ret;
}

__attribute__((used)) static void *syscall_choose(long number)
{
	if (unlikely(shim_state < SHIM_PASSIVE) && !shim_enter())
		return (void *)syscall_wrapped;
	if (number == SYS_clone || number == SYS_clone3 || number == SYS_vfork) {
		if (shim_state == SHIM_ACTIVE)
			thread_self.is_vforking = 1;
		return (void *)real.syscall;
	}
	return (void *)syscall_wrapped;
}

/* Seven arguments: the seventh is on the caller's stack, where the jump leaves it. */
__asm__(".text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	".cfi_startproc\n"
	"	push %rdi\n"
	"	push %rsi\n"
	"	push %rdx\n"
	"	push %rcx\n"
	"	push %r8\n"
	"	push %r9\n"
	"	sub $8, %rsp\n"
	".cfi_adjust_cfa_offset 56\n"
	"	call syscall_choose\n"
	"	add $8, %rsp\n"
	"	pop %r9\n"
	"	pop %r8\n"
	"	pop %rcx\n"
	"	pop %rdx\n"
	"	pop %rsi\n"
	"	pop %rdi\n"
	".cfi_adjust_cfa_offset -56\n"
	"	jmp *%rax\n"
	".cfi_endproc\n"
	".size syscall, .-syscall\n");

/* SPDX-License-Identifier: Apache-2.0
 *
 * code: memory made executable, anonymous files, and reaching into other processes.
 */
#include "hook.h"

static void code_event(const struct call *call, int32_t result, const void *address, size_t bytes,
		       int protection)
{
	const uint64_t range[2] = { (uint64_t)address, bytes };
	struct event_args args = { .action = WIRE_EXEC_CODE,
				   .result = result,
				   .detail = (uint32_t)protection,
				   .blob = { { range, sizeof(range) } } };
	int saved = errno;

	event_publish(call, &args);
	errno = saved;
}

/* What a program does to ranges of memory must not take the ring along. */
#define NO_KEY INT32_MIN
struct protecting {
	int protection, key;
};

static int part_protect(void *part, size_t bytes, const void *how)
{
	const struct protecting *to = how;

	return to->key == NO_KEY ? real.mprotect(part, bytes, to->protection) :
			      real.pkey_mprotect(part, bytes, to->protection, to->key);
}

static int part_unmap(void *part, size_t bytes, const void *how)
{
	(void)how;
	return real.munmap(part, bytes);
}

static int memory_protect(void *address, size_t bytes, int protection, int key)
{
	const struct protecting to = { protection, key };

	if (unlikely(ring_is_within(address, bytes)))
		return ring_go_around(address, bytes, part_protect, &to);
	return part_protect(address, bytes, &to);
}

EXPORT int munmap(void *address, size_t bytes)
{
	HOOK_ONLY(return (int)sys_early(sys_call2(SYS_munmap, address, bytes)));
	if (unlikely(ring_is_within(address, bytes)))
		return ring_go_around(address, bytes, part_unmap, NULL);
	return real.munmap(address, bytes);
}

EXPORT void *mremap(void *address, size_t bytes, size_t new_bytes, int flags, ...)
{
	void *to = NULL;
	va_list list;

	if (flags & MREMAP_FIXED) {
		va_start(list, flags);
		to = va_arg(list, void *);
		va_end(list);
	}
	HOOK_ONLY(return (void *)sys_early(sys_call6(SYS_mremap, address, bytes, new_bytes, flags,
						     to, 0)));
	if (unlikely(ring_is_within(address, bytes)) ||
	    (unlikely(to != NULL) && ring_is_within(to, new_bytes)))
		ring_step_aside();
	return real.mremap(address, bytes, new_bytes, flags, to);
}

/* Allocators live on mmap: anything that is not executable goes straight through. */
#define HOOK_MMAP(name, off)                                                                       \
	EXPORT void *name(void *address, size_t bytes, int protection, int flags, int fd,          \
			  off offset)                                                              \
	{                                                                                          \
		HOOK_ONLY(return (void *)sys_early(sys_call6(SYS_mmap, address, bytes, protection, \
							     flags, fd, offset)));                 \
		if (unlikely(flags & MAP_FIXED) && ring_is_within(address, bytes))                 \
			ring_step_aside();                                                         \
		if (likely(!(protection & PROT_EXEC)))                                             \
			return real.name(address, bytes, protection, flags, fd, offset);           \
		HOOK_BEGIN(name, return MAP_FAILED);                                               \
		void *ret = real.name(address, bytes, protection, flags, fd, offset);              \
		code_event(&call, ret == MAP_FAILED ? -errno : 0, ret, bytes, protection);         \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
HOOK_MMAP(mmap, off_t)
HOOK_MMAP(mmap64, off64_t)

EXPORT int mprotect(void *address, size_t bytes, int protection)
{
	HOOK_ONLY(return (int)sys_early(sys_call3(SYS_mprotect, address, bytes, protection)));
	if (likely(!(protection & PROT_EXEC)))
		return memory_protect(address, bytes, protection, NO_KEY);
	HOOK_BEGIN(mprotect, return -1);
	int ret = memory_protect(address, bytes, protection, NO_KEY);

	code_event(&call, ret_errno(ret), address, bytes, protection);
	HOOK_END();
	return ret;
}

EXPORT int pkey_mprotect(void *address, size_t bytes, int protection, int key)
{
	HOOK_ONLY(return (int)sys_early(
		sys_call4(SYS_pkey_mprotect, address, bytes, protection, key)));
	if (likely(!(protection & PROT_EXEC)))
		return memory_protect(address, bytes, protection, key);
	HOOK_BEGIN(pkey_mprotect, return -1);
	int ret = memory_protect(address, bytes, protection, key);

	code_event(&call, ret_errno(ret), address, bytes, protection);
	HOOK_END();
	return ret;
}

/* A file without a name: rules see it as memfd:NAME. */
EXPORT int memfd_create(const char *name, unsigned int flags)
{
	char path[280] = "memfd:";
	HOOK_BEGIN(memfd_create, return (int)sys_early(sys_call2(SYS_memfd_create, name, flags)));
	int ret = real.memfd_create(name, flags);

	if (call.is_on && ret >= 0) {
		strncat(path, name, 256);
		file_event(&call, WIRE_FILE_WRITE, ret, O_CREAT | O_RDWR, AT_FDCWD, path);
	}
	HOOK_END();
	return ret;
}

/* --- other processes -------------------------------------------------------------------------------------- */
static void inspect_event(const struct call *call, int32_t result, pid_t pid)
{
	struct event_args args = { .action = WIRE_EXEC_INSPECT,
				   .result = result,
				   .detail = (uint32_t)pid };
	int saved = errno;

	event_publish(call, &args);
	errno = saved;
}

EXPORT long ptrace(enum __ptrace_request request, ...)
{
	va_list list;
	pid_t pid;
	void *address, *data;
	long ret;

	va_start(list, request);
	pid = va_arg(list, pid_t);
	address = va_arg(list, void *);
	data = va_arg(list, void *);
	va_end(list);
	HOOK_ONLY(return sys_early(sys_call4(SYS_ptrace, request, pid, address, data)));
	/* Attaching is the act; the peeks and pokes that follow are the same act going on. */
	if (request != PTRACE_ATTACH && request != PTRACE_SEIZE)
		return real.ptrace(request, pid, address, data);
	HOOK_BEGIN(ptrace, return -1);
	ret = real.ptrace(request, pid, address, data);
	inspect_event(&call, ret_errno(ret), pid);
	HOOK_END();
	return ret;
}

#define HOOK_PROCESS_VM(name, number)                                                              \
	EXPORT ssize_t name(pid_t pid, const struct iovec *local, unsigned long local_count,       \
			    const struct iovec *remote, unsigned long remote_count,                \
			    unsigned long flags)                                                   \
	{                                                                                          \
		HOOK_ONLY(return sys_early(sys_call6(number, pid, local, local_count, remote,      \
						     remote_count, flags)));                       \
		/* Reading itself this way is how programs probe pointers. */                      \
		if ((uint32_t)pid == session.pid)                                                  \
			return real.name(pid, local, local_count, remote, remote_count, flags);    \
		HOOK_BEGIN(name, return -1);                                                       \
		ssize_t ret = real.name(pid, local, local_count, remote, remote_count, flags);     \
		inspect_event(&call, ret < 0 ? -errno : 0, pid);                                   \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
HOOK_PROCESS_VM(process_vm_readv, SYS_process_vm_readv)
HOOK_PROCESS_VM(process_vm_writev, SYS_process_vm_writev)

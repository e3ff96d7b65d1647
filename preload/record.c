/* SPDX-License-Identifier: Apache-2.0
 *
 * Describing what happened: fills records straight into the ring. The catching is in hooks_*.c.
 */
#include "unwind.h"

#define PATH_BYTES 4096u

uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What libc knows: the owner of a mutex taken just now. Of a fork's child it is the pid, too. */
static uint32_t tid_of_libc(void)
{
	pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

	return pthread_mutex_lock(&mutex) ? 0 : (uint32_t)mutex.__data.__owner;
}

uint32_t thread_tid(void)
{
	struct thread *t = &thread_self;

	if (unlikely(t->generation != session.generation)) {
		t->tid = session.has_seccomp ? tid_of_libc() : (uint32_t)sys_call0(SYS_gettid);
		t->generation = session.generation;
	}
	return t->tid;
}

uint32_t process_pid(void)
{
	return session.has_seccomp ? tid_of_libc() : (uint32_t)sys_call0(SYS_getpid);
}

/* Whether the hook that filled the slot is still on the stack. Its frame lies above ours, but a slot
 * left behind by longjmp or cancellation can look like that too, once the program has gone down
 * again: only the stack itself tells. */
static NOINLINE bool slot_is_on_stack(const struct wire_slot *slot, void **frame)
{
	struct unwind_frame walk = unwind_begin(frame);
	uint32_t flags = 0;

	for (unsigned i = 0; i < WIRE_STACK_FRAMES && walk.sp <= slot->sp; i++) {
		if (walk.fp == slot->sp && object_is_shim(walk.pc))
			return true;
		if (!unwind_step(&walk, &flags))
			break;
	}
	return false;
}

static bool slot_is_live(const struct wire_slot *slot, void **frame)
{
	return slot->hook && slot->sp > (uint64_t)frame &&
	       slot->sp - (uint64_t)frame < WIRE_SLOT_REACH && slot_is_on_stack(slot, frame);
}

static void slot_fill(struct wire_slot *slot, const struct call *call, enum call_kind kind,
		      void **frame)
{
	const struct wire_slot *outer = &call->saved;
	unsigned count = 0;

	if (kind == CALL_MARK)
		slot->via[count++] = call->hook;
	if (unlikely(slot_is_live(outer, frame)))
		for (unsigned i = 0; i < outer->via_count && count < WIRE_VIA_MAX; i++)
			slot->via[count++] = outer->via[i];
	slot->via_count = (uint16_t)count;
	slot->chain = call->stack | (uint64_t)call->origin << 32;
	slot->sp = (uint64_t)frame;
	slot->seq++;
	slot->hook = call->hook;
	if (unlikely(thread_self.is_vforking == 1) && process_acting() != session.pid)
		slot->hook |= WIRE_SLOT_GUEST;
}

void call_begin(struct call *call, unsigned hook, enum call_kind kind, void **frame)
{
	struct thread *t = &thread_self;

	call->is_on = shim_state == SHIM_ACTIVE;
	if (unlikely(!call->is_on))
		return;
	if (unlikely(!*session_fork_guard))
		session_after_fork();
	call->hook = (uint16_t)hook;
	call->saved = t->slot;
	call->stack = 0;
	call->origin = t->origin;
	/* A mark records nothing by itself; only the probes need its stack. */
	if (kind == CALL_ACT || (session.flags & WIRE_SESSION_KERNEL))
		call->stack = stack_capture(frame, hook, &call->origin);
	slot_fill(&t->slot, call, kind, frame);
}

static enum wire_family action_family(unsigned action)
{
	static const uint8_t families[] = {
#define ACTION(id, number, name, family, doc) [number] = WIRE_FAMILY_##family,
#include "wire/actions.tbl.h"
#undef ACTION
	};

	return action < sizeof(families) ? families[action] : WIRE_FAMILY_META;
}

/* With the probes on, their record is the event; ours would only be a second one. Code that is made
 * is told all the same: stacks with it on them may be read before the kernel's record of it. */
static bool kernel_sees(unsigned action)
{
	return (session.flags & WIRE_SESSION_KERNEL) && action != WIRE_NET_RESOLVE &&
	       action != WIRE_NET_EXCHANGE && action != WIRE_ENV_READ &&
	       action != WIRE_EXEC_LOAD && action != WIRE_EXEC_CODE;
}

/* Between vfork and the exec of its child both run in this memory; only the kernel knows who. */
uint32_t process_acting(void)
{
	uint32_t pid = session.pid;

	if (unlikely(thread_self.is_vforking)) {
		pid = process_pid();
		if (pid == session.pid && thread_self.is_vforking != VFORK_SHARED)
			thread_self.is_vforking = 0;
	}
	return pid;
}

void event_publish(const struct call *call, const struct event_args *args)
{
	uint32_t bytes = sizeof(struct wire_event);
	const struct wire_slot *slot = &thread_self.slot;
	struct wire_event *event;
	char *at;

	if (!call->is_on || kernel_sees(args->action))
		return;
	for (unsigned i = 0; i < WIRE_BLOBS; i++)
		bytes += args->blob[i].bytes;
	bytes = ring_round(bytes);
	event = ring_reserve(bytes, action_family(args->action));
	if (!event)
		return;
	event->time_ns = clock_now_ns();
	event->pid = args->pid ? args->pid : process_acting();
	event->tid = event->pid == session.pid ? thread_tid() : event->pid;
	event->stack = call->stack;
	event->origin = call->origin;
	event->seq = slot->seq;
	event->result = args->result;
	event->detail = args->detail;
	event->serial = args->serial;
	event->hook = call->hook;
	event->action = args->action;
	event->via_count = (uint8_t)slot->via_count;
	memcpy(event->via, slot->via, sizeof(event->via));
	event->pad = 0;
	at = (char *)(event + 1);
	for (unsigned i = 0; i < WIRE_BLOBS; i++) {
		event->blob_len[i] = (uint16_t)args->blob[i].bytes;
		if (args->blob[i].bytes)
			at = mempcpy(at, args->blob[i].data, args->blob[i].bytes);
	}
	ring_commit(event, bytes, WIRE_EVENT, args->flags);
}

void fd_name(int fd, char name[FD_NAME_MAX])
{
	static const char prefix[] = "/proc/self/fd/";
	char digits[12];
	unsigned n = 0, at = sizeof(prefix) - 1, rest = fd < 0 ? 0 : (unsigned)fd;

	memcpy(name, prefix, sizeof(prefix));
	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	while (n)
		name[at++] = digits[--n];
	name[at] = 0;
}

long fd_path(int fd, char *buffer, size_t bytes)
{
	char name[FD_NAME_MAX];

	if (fd < 0 || session.has_seccomp)
		return -EBADF;
	fd_name(fd, name);
	return sys_call3(SYS_readlink, name, buffer, bytes);
}

/* Errors of the walk along a path. Others may come before the kernel has read it: flags and
 * descriptors are checked first, and of two paths the first may stop it. */
static bool is_walk_error(int32_t result)
{
	return result == -ENOENT || result == -EACCES || result == -EEXIST || result == -ENOTDIR ||
	       result == -EISDIR || result == -EROFS;
}

static struct blob path_blob(const char *path, int32_t result, uint16_t *flags)
{
	size_t bytes;

	/* The kernel has read it before us, unless it says otherwise. */
	if (!path || (result < 0 && !is_walk_error(result) && !string_is_readable(path))) {
		*flags |= path ? WIRE_EVENT_UNREADABLE : 0;
		return (struct blob){ NULL, 0 };
	}
	bytes = strnlen(path, PATH_BYTES);
	if (bytes == PATH_BYTES)
		*flags |= WIRE_EVENT_CUT;
	return (struct blob){ path, (uint32_t)bytes };
}

/* The directory a relative path starts from, when that is not the working directory. */
static struct blob dir_blob(int dir, const char *path, char *buffer, size_t bytes, uint16_t *flags)
{
	long got;

	if (dir == AT_FDCWD || !path || path[0] == '/')
		return (struct blob){ NULL, 0 };
	got = fd_path(dir, buffer, bytes);
	if (got <= 0 || got == (long)bytes) {
		*flags |= WIRE_EVENT_UNREADABLE;
		return (struct blob){ NULL, 0 };
	}
	return (struct blob){ buffer, (uint32_t)got };
}

static NOINLINE void file_event_at(const struct call *call, struct event_args *args, int dir,
				   const char *path, int dir2, const char *path2)
{
	char buffer[512], buffer2[512];

	if (args->blob[0].bytes)
		args->blob[1] = dir_blob(dir, path, buffer, sizeof(buffer), &args->flags);
	if (args->blob[2].bytes)
		args->blob[3] = dir_blob(dir2, path2, buffer2, sizeof(buffer2), &args->flags);
	event_publish(call, args);
}

static void file_event_flags(const struct call *call, unsigned action, int32_t result,
			     uint32_t detail, unsigned flags, int dir, const char *path, int dir2,
			     const char *path2)
{
	struct event_args args = { .result = result,
				   .detail = detail,
				   .action = (uint8_t)action,
				   .flags = (uint16_t)flags };
	int saved = errno;

	if (!call->is_on || kernel_sees(action))
		return;
	args.blob[0] = path_blob(path, path2 && result < 0 ? -EFAULT : result, &args.flags);
	args.blob[2] = path_blob(path2, result < 0 ? -EFAULT : result, &args.flags);
	if (likely(dir == AT_FDCWD && dir2 == AT_FDCWD))
		event_publish(call, &args);
	else
		file_event_at(call, &args, dir, path, dir2, path2);
	errno = saved;
}

void file_event(const struct call *call, unsigned action, int32_t result, uint32_t detail, int dir,
		const char *path)
{
	file_event_flags(call, action, result, detail, 0, dir, path, AT_FDCWD, NULL);
}

void file_event2(const struct call *call, unsigned action, int32_t result, uint32_t detail, int dir,
		 const char *path, int dir2, const char *path2)
{
	file_event_flags(call, action, result, detail, 0, dir, path, dir2, path2);
}

void file_event_fd(const struct call *call, unsigned action, int32_t result, uint32_t detail, int fd)
{
	char buffer[1024];
	int saved = errno;
	long got = call->is_on && !kernel_sees(action) && result >= 0 ? fd_path(fd, buffer, sizeof(buffer)) : -1;
	struct event_args args = { .result = result, .detail = detail, .action = (uint8_t)action };

	if (got > 0 && buffer[0] == '/')
		args.blob[0] = (struct blob){ buffer, (uint32_t)got };
	else
		args.flags = result >= 0 ? WIRE_EVENT_UNREADABLE : 0;
	/* A socket's or pipe's mode is nobody's file. */
	if (got < 0 || buffer[0] == '/')
		event_publish(call, &args);
	errno = saved;
}

void open_event(const struct call *call, int32_t result, int flags, int dir, const char *path)
{
	unsigned action = WIRE_FILE_READ, event_flags = 0;

	if (flags & O_PATH)
		return; /* neither reads nor writes */
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)))
		action = WIRE_FILE_WRITE;
	else if (flags & O_DIRECTORY)
		action = WIRE_FILE_LIST;
	if (flags & O_CREAT)
		event_flags |= WIRE_EVENT_CREATED;
	file_event_flags(call, action, result, (uint32_t)flags, event_flags, dir, path, AT_FDCWD,
			 NULL);
}

void cwd_publish(unsigned flags, const char *root)
{
	char buffer[1024];
	int saved = errno;
	long got = session.has_seccomp ? -1 : sys_call2(SYS_getcwd, buffer, sizeof(buffer));
	uint32_t bytes, root_len = 0;
	struct wire_cwd *record;

	if (got <= 0 || buffer[0] != '/')
		got = 1, buffer[0] = 0, flags |= WIRE_CWD_ROOT;
	got--;
	if (root && string_is_readable(root))
		root_len = (uint32_t)strnlen(root, sizeof(buffer));
	bytes = ring_round((uint32_t)(sizeof(*record) + (size_t)got + root_len));
	record = ring_reserve(bytes, WIRE_FAMILY_META);
	if (record) {
		record->path_len = (uint32_t)got;
		record->root_len = root_len;
		memcpy(record + 1, buffer, (size_t)got);
		memcpy((char *)(record + 1) + got, root, root_len);
		ring_commit(record, bytes, WIRE_CWD, flags);
	}
	errno = saved;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of a hook: begin, call, describe, end. See preload/README.md for the rules of living
 * in somebody else's process.
 *
 *	EXPORT int unlink(const char *path)
 *	{
 *		HOOK_BEGIN(unlink, return (int)sys_early(sys_call1(SYS_unlink, path)));
 *		int ret = real.unlink(path);
 *
 *		file_event(&call, WIRE_FILE_DELETE, ret_errno(ret), 0, AT_FDCWD, path);
 *		HOOK_END();
 *		return ret;
 *	}
 */
#ifndef SOWATCH_HOOK_H
#define SOWATCH_HOOK_H

/* libc declares arguments nonnull that programs pass as NULL all the same; in the bodies of those
 * very functions the compiler would believe it and drop our checks. */
#include <features.h>
#undef __nonnull
#define __nonnull(arguments)
#undef __USE_EXTERN_INLINES /* atof: we have no floating point */

#include <aio.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <link.h>
#include <locale.h>
#include <mntent.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <nl_types.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <pwd.h>
#include <semaphore.h>
#include <shadow.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>
#include <wordexp.h>

#include "sys.h"
#include "wire/event.h"
#include "wire/ring.h"
#include "wire/session.h"

#define EXPORT __attribute__((visibility("default")))
#define NOINLINE __attribute__((noinline))
/* Large, and not touched by programs that do nothing: kept apart, so that all that every start
 * touches lies in one page. The linker sorts sections by name. */
#define TABLE __attribute__((section(".bss.tables")))

enum hook_id {
	HOOK_NONE,
#define HOOK(family, kind, ret, name, params) HOOK_##name,
#include "hooks.tbl.h"
#undef HOOK
	HOOK_COUNT
};

/* The functions we stand in front of: the next definition after ours, another preload's included. */
struct real {
#define HOOK(family, kind, ret, name, params) ret(*name) params;
#include "hooks.tbl.h"
#undef HOOK
};
extern struct real real;

/* Ours: libc's headers do not declare all of them. */
#define HOOK(family, kind, ret, name, params) ret name params;
#include "hooks.tbl.h"
#undef HOOK

int real_init(void);
/* One of them, before they are all there. */
void *real_find(const char *name);
/* In any object the program was started with; NULL: none has it. At start only. */
void *real_find_anywhere(const char *name);

/* What only glibc has. musl's loader ends a program whose preload it cannot bind, so these may be
 * missing; without _dl_find_object nothing can be attributed and the shim stays passive. */
#pragma weak _dl_find_object
#pragma weak gai_error
#pragma weak __pthread_register_cancel
#pragma weak __pthread_unregister_cancel

/* Per thread, initial-exec TLS: a constant offset from the thread pointer, no allocation. */
struct thread {
	struct wire_slot slot;
	uint32_t tid;
	uint32_t generation; /* of the session tid belongs to */
	uint32_t origin;     /* origin id of the chain that created this thread */
	uint32_t is_vforking; /* vfork was called: whoever runs next may be its child */
#define VFORK_SHARED 2	      /* clone with shared memory: both run, for as long as they like */
	void *lent;	      /* memory a vfork child took with it into its exec, see environ.c */
	uint64_t lent_bytes;
	uint64_t stack_pages; /* known to be readable: number of the first page << 28 | how many */
	void *python_tstate; /* the Python thread state that last ran here, see python.c */
	uint64_t turns;	      /* waits of an event loop that came back, see exchange.c */
	void *back;	      /* whom a walk through directories calls back, see hooks_walk.c */
};
extern __thread struct thread thread_self;
_Static_assert(sizeof(struct thread) <= 256, "static TLS is scarce in other people's processes");

enum shim_state {
	SHIM_NEW,	/* not relocated, or nothing done yet */
	SHIM_RESOLVING, /* real functions are being looked up */
	SHIM_PASSIVE,	/* pass through: no session, AT_SECURE, or gave up */
	SHIM_ACTIVE,
};
extern uint32_t shim_state;

/* True when real.* may be called. */
bool shim_enter(void);

struct call {
	struct wire_slot saved;
	uint32_t stack;
	uint32_t origin; /* where its stack goes on: who started this thread, or this task */
	uint16_t hook;
	bool is_on;
};

enum call_kind { CALL_ACT, CALL_MARK, CALL_QUIET };

void call_begin(struct call *call, unsigned hook, enum call_kind kind, void **frame);

static inline void call_end(struct call *call)
{
	if (likely(call->is_on)) {
		call->saved.seq = thread_self.slot.seq; /* counts announcements, never back */
		thread_self.slot = call->saved;
	}
}

#ifdef SHIM_NOP
#define HOOK_READY() (shim_state >= SHIM_PASSIVE)
#define HOOK_BEGIN_KIND(name, kind, early)                                                         \
	struct call call;                                                                          \
	if (unlikely(!HOOK_READY()) && !shim_enter())                                              \
		early;                                                                             \
	call.is_on = false
#else
#define HOOK_READY() likely(shim_state == SHIM_ACTIVE)
#define HOOK_BEGIN_KIND(name, kind, early)                                                         \
	struct call call;                                                                          \
	if (!HOOK_READY() && !shim_enter())                                                        \
		early;                                                                             \
	call_begin(&call, HOOK_##name, kind, __builtin_frame_address(0))
#endif
#define HOOK_BEGIN(name, early) HOOK_BEGIN_KIND(name, CALL_ACT, early)
#define HOOK_BEGIN_MARK(name, early) HOOK_BEGIN_KIND(name, CALL_MARK, early)
/* Resolved, but nothing recorded: the cheap prologue of hooks that look before they act. */
#define HOOK_ONLY(early)                                                                           \
	do {                                                                                       \
		if (unlikely(shim_state < SHIM_PASSIVE) && !shim_enter())                          \
			early;                                                                     \
	} while (0)
#define HOOK_END() call_end(&call)

/* A public function of libc that works inside on its caller's behalf and records nothing itself. */
#define HOOK_MARK(ret_type, name, params, args, early)                                             \
	EXPORT ret_type name params                                                                \
	{                                                                                          \
		HOOK_BEGIN_MARK(name, return early);                                               \
		ret_type ret = real.name args;                                                     \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}

#define HOOK_MARK_VOID(name, params, args)                                                         \
	EXPORT void name params                                                                    \
	{                                                                                          \
		HOOK_BEGIN_MARK(name, return);                                                     \
		real.name args;                                                                    \
		HOOK_END();                                                                        \
	}

static inline int32_t ret_errno(long ret)
{
	return ret < 0 ? -errno : (int32_t)ret;
}

static inline int32_t ret_errno_ptr(const void *ret)
{
	return ret ? 0 : -errno;
}

/* --- record.c ------------------------------------------------------------------------------- */
struct blob {
	const void *data;
	uint32_t bytes;
};

struct event_args {
	int32_t result;
	uint32_t detail, serial;
	uint16_t flags;
	uint8_t action;
	uint32_t pid; /* 0: this process */
	struct blob blob[WIRE_BLOBS];
};

void event_publish(const struct call *call, const struct event_args *args);
/* path relative to dir (AT_FDCWD: the working directory). */
void file_event(const struct call *call, unsigned action, int32_t result, uint32_t detail, int dir,
		const char *path);
void file_event2(const struct call *call, unsigned action, int32_t result, uint32_t detail, int dir,
		 const char *path, int dir2, const char *path2);
void file_event_fd(const struct call *call, unsigned action, int32_t result, uint32_t detail,
		   int fd);
void open_event(const struct call *call, int32_t result, int flags, int dir, const char *path);
/* root: what the root was changed to, or NULL. */
void cwd_publish(unsigned flags, const char *root);
#define FD_NAME_MAX 32
void fd_name(int fd, char name[FD_NAME_MAX]); /* "/proc/self/fd/N" */
/* What that is a link to; length or < 0. */
long fd_path(int fd, char *buffer, size_t bytes);
uint64_t clock_now_ns(void);
uint32_t thread_tid(void);
/* getpid, or what libc knows when a filter may forbid it (this thread is then the child's only). */
uint32_t process_pid(void);
/* The process that runs this: a vfork child acts in its parent's memory. */
uint32_t process_acting(void);

/* --- ring_write.c --------------------------------------------------------------------------- */
/* Room for a record of bytes (already a multiple of 8), or NULL: the loss is counted. */
void *ring_reserve(uint32_t bytes, enum wire_family family);
void ring_commit(void *record, uint32_t bytes, unsigned type, unsigned flags);
void ring_missed(void);

/* --- ring_guard.c: memory that is about to be changed by the program --------------------------- */
/* Ours is in there, and nothing keeps it. */
bool ring_is_within(const void *address, size_t bytes);
/* change() for what lies before and behind the ring. */
int ring_go_around(const void *address, size_t bytes,
		   int (*change)(void *part, size_t bytes, const void *how), const void *how);
/* Its place will be taken: go elsewhere, or be deaf from now on. */
void ring_step_aside(void);

static inline uint32_t ring_round(uint32_t bytes)
{
	return (bytes + 7u) & ~7u;
}

/* --- session.c ------------------------------------------------------------------------------ */
struct session {
	struct wire_ring *ring;
	uint8_t *data; /* mapped twice in a row */
	uint64_t data_mask;
	uint64_t instance;
	uint32_t generation; /* counts attachments: forks make a new one */
	uint32_t pid;
	uint32_t flags;	     /* enum wire_session_flags */
	uint32_t wait_ms;
	uint32_t next_serial, next_origin;
	bool has_seccomp;    /* a filter was installed: no new system calls of ours */
	bool is_sealed;	     /* nobody can take the ring's memory */
	char shim_path[512];
	char socket[33], secret[33];
	char path_socket[108];
	uint32_t ring_kib;
};
extern struct session session;
/* 0 in a child made by any kind of fork (MADV_WIPEONFORK), else 1. */
extern uint32_t *session_fork_guard;

bool session_init(const char *text);
void session_after_fork(void);
/* Defines an origin for the current call; 0 when it could not be published. */
uint32_t session_origin(const struct call *call, unsigned kind);
/* "SOWATCH=..." for a child started by origin/serial. Returns its length. */
unsigned session_format(char *buffer, size_t bytes, uint32_t origin, uint32_t serial,
			uint32_t flags);
#define SESSION_TEXT_MAX 320

/* --- environ.c ------------------------------------------------------------------------------ */
/* The environment the program was started with, and its arguments (NULL: not found). */
char **environ_initial(char ***ret_argv);
/* Takes our variables out of the program's view; the SOWATCH value found, or NULL. */
const char *environ_take(char *ret_value, size_t bytes);

struct environ_copy {
	char **envp;
	char session[SESSION_TEXT_MAX];
	char *preload;
	void *map;
	size_t map_bytes;
};
/* Entries the caller must have room for on its stack: pass a buffer of environ_room() bytes, or
 * NULL to have memory mapped. */
size_t environ_room(char *const envp[]);
#define ENVIRON_STACK_MAX 4096 /* threads may have stacks of 16 KiB */
void environ_inject(struct environ_copy *copy, void *room, size_t room_bytes, char *const envp[],
		    uint32_t origin, uint32_t serial);
void environ_done(struct environ_copy *copy);
/* What an earlier vfork child of this thread left mapped. */
void environ_take_back(void);

/* --- safe.c: what nobody has read yet. False as well when it may not be asked. ----------------- */
bool memory_is_readable(const void *memory, size_t bytes);
bool string_is_readable(const char *text);
/* argv, envp: a NULL list is an empty one. */
bool strings_are_readable(char *const list[]);

/* --- origin.c: the origin of what the current call starts; 0: could not be published ------------ */
uint32_t origin_of_start(const struct call *call);

/* --- stack.c unwind.c objects.c tail.c ------------------------------------------------------- */
/* ret_origin: who started what runs on it. */
uint32_t stack_capture(void **frame, unsigned hook, uint32_t *ret_origin);
/* The origin alone. */
uint32_t stack_origin(void **frame);
void stack_forget(void); /* code moved: dlclose */

struct unwind_frame {
	uint64_t pc, sp, fp;
	bool is_exact; /* pc is not a return address: interrupted there */
	uint64_t low, limit; /* pages of this stack known to be readable; sp is not below low */
};
void unwind_forget(void);
/* Entry of the function that holds pc, 0 unknown; its end in ret_end. */
uint64_t unwind_function(uint64_t pc, uint64_t *ret_end);
/* The entry alone, from memory when it was asked for lately. */
uint64_t unwind_function_entry(uint64_t pc);

extern uint32_t load_generation;
/* Defines the object if need be. 0: code in no object. *ret_base: load bias. */
uint32_t object_id(uint64_t pc, uint64_t *ret_base);
bool object_is_shim(uint64_t pc);
/* For an object that is not mapped. 0: there are no more ids. */
uint32_t object_next_id(void);
/* Whether these bytes lie in a readable segment of a loaded object: between its segments there may
 * be holes that cannot be read. */
bool object_holds(uint64_t address, unsigned bytes);
void objects_init(void);
void objects_forget(void);

/* Objects between a return address and the function called there, when that was reached by tail
 * calls: entry addresses, outermost first. */
unsigned tail_path(uint64_t return_pc, uint64_t callee_entry, uint64_t *ret_entries, unsigned max);

/* --- sockets.c: what we note about descriptors that are sockets ------------------------------ */
void socket_note(int fd, int type);
void socket_forget(int fd);
void socket_forget_range(unsigned first, unsigned last);
void socket_copy(int from, int to);
/* SOCK_STREAM, SOCK_DGRAM, ..., 0 not known without a system call. */
int socket_type_noted(int fd);
int socket_type(int fd);
void socket_note_connected(int fd);
/* True once per (descriptor, peer, caller): this datagram is worth an event. */
bool socket_is_first(int fd, const void *address, unsigned len, const void *caller);
bool socket_is_pending(int fd);

#endif

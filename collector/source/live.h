/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of one live run, shared by the files behind source/ring.c:
 *
 *   sockets.c  hellos in         proc.c     a process: made, announced, ended
 *   decode.c   a record in       define.c   definitions out, each content once
 *   target.c   what was acted on lineage.c  who exec'ed whom (expect.c, lineage_fork.c, hello.c)
 *   facts.c    what /proc says   cover.c    why a program cannot be covered
 *   bpf.c      the kernel's side (bpf.h)
 *
 * Everything that becomes an item goes through live->queue.
 */
#ifndef SOWATCH_SOURCE_LIVE_H
#define SOWATCH_SOURCE_LIVE_H

#include "codes.h"
#include "digest.h"
#include "map.h"
#include "package.h"
#include "paths.h"
#include "queue.h"
#include "redact.h"
#include "ring_read.h"
#include "../../preload/wire/kernel.h"
#include "../../preload/wire/session.h"

enum live_hook {
	LIVE_HOOK_NONE,
#define HOOK(family, kind, ret, name, params) LIVE_HOOK_##name,
#include "../../preload/hooks.tbl.h"
#undef HOOK
	LIVE_HOOKS
};

/* The value in proc->objects of the shim's own object: its frames are left out. */
#define OBJECT_OURS UINT32_MAX

struct chain_memo {
	uint32_t stack, origin, chain; /* stack and origin as on the wire */
};
#define CHAIN_MEMOS 512u

/* Which file it was that somebody ran or mapped, by the word of the kernel at that moment: a name
 * looked up later may be another file's. */
enum seen_where {
	SEEN_NOT,   /* nobody told */
	SEEN_HERE,  /* below a mount of our own namespace: the name is its name */
	SEEN_FILE,  /* not there, or not known whether: device and inode are compared */
	SEEN_OTHER, /* known not to be the file that we have under that name */
};

struct seen_file {
	uint64_t device, inode;
	uint64_t changed_ns; /* 0: not told */
	uint8_t where;	     /* enum seen_where */
};

/* The ring is ahead of the kernel's records, or behind: what each of them told is kept apart. */
enum codes_kind { CODES_TOLD, CODES_SEEN, CODES_KINDS };

/* A process in another mount namespace, where our names may stand for other files. */
#define MOUNTS_UNSEEN UINT64_MAX
struct mounts {
	uint64_t number;      /* the namespace's, 0: ours; MOUNTS_UNSEEN: another, gone before we looked */
	bool is_unlooked;     /* it is what its maker had: the process itself could not be asked */
	int fd, root_fd;      /* held, so that it can be looked into when the process is gone; -1 */
};

struct proc {
	uint32_t slot;	      /* in live->procs */
	uint32_t id;	      /* item id, 0: not announced yet */
	uint32_t parent;      /* item ids */
	uint32_t origin_chain;
	uint64_t instance;
	uint32_t pid;	      /* 0: not visible from here */
	uint32_t own_pid;     /* in its own pid namespace */
	uint32_t uid;
	uint64_t hello_ns, start_ns;
	int pidfd;	      /* -1: none */
	uint8_t how;
	bool is_covered, is_dead, is_ended;
	bool is_root;
	uint32_t shared_by;   /* forked children that write into its ring */
	struct ring_reader ring;
	struct path_view view;
	char *exe, *cwd, *home, *path, *argv;
	char *script;	      /* of an interpreter, as announced; NULL: none */
	struct wire_pipes pipes; /* it began with; script: what it reads its script from */
	bool is_greeting;     /* its hello is being taken: others that came with it wait behind */
	uint64_t piped;	      /* with one: up to here its ring is behind what its writers' held */
	struct python *python; /* python.c; NULL: none was told of */
	uint32_t argv_len;
	uint32_t generation;  /* of cwd and root */
	struct ids objects, stacks, origins;
	struct chain_memo *chains;
	struct codes codes[CODES_KINDS];
	uint64_t rejected, rejected_told;

	/* Told by the kernel, see bpf.h. Without is_kernel all of this is 0. */
	bool is_kernel;
	bool is_image;	      /* began with an exec, not with a fork */
	bool is_expected;     /* the shim should come up in it */
	bool is_heard;	      /* a copy of one that the shim speaks from: what it resolves by libc's
				 functions is heard, because with them it says hello */
	bool is_guest;	      /* in its parent's memory: vfork, posix_spawn, clone, until its exec */
	bool is_secure;
	bool has_acted;	      /* did something of its own since it began */
	uint32_t starter_pid; /* of the process that forked it */
	uint64_t told_instance; /* the kernel saw that hello pass, 0: none yet */
	uint32_t exec_chain;  /* of the exec that is about to replace this image */
	bool is_borrower;     /* runs in its maker's memory, on a stack that does not tell who made it */
	uint64_t libc_base;   /* load bias of the libc that the shim stands before, 0: not known */
	char *root;	      /* real path of its root where that is not ours, or NULL */
	bool is_elsewhere;    /* in another mount namespace: root is a path of that one */
	struct mounts mounts; /* mounts.c */
	struct seen_file exe_seen; /* the file that exe names */
	uint32_t told_mount; /* of its root, by its own word; 0: not told */
};

/* __libc_start_main of a libc. */
struct start_code {
	uint32_t object; /* item id */
	uint64_t start, end;
};
#define START_CODES 8u

struct expectation;

/* Which objects are on a stack, as a filter: an object that is not in it is not on the stack. */
struct stack_members {
	uint64_t bits[4];
};

struct live {
	struct queue queue;
	uint64_t seed;
	uint64_t now_ns;
	uint64_t events;
	uint64_t strangers;
	bool is_stuck;	      /* some ring waits for a record to be finished */
	bool has_kernel;      /* processes and what the kernel can see come from the probes */
	bool keeps_members;
	struct packages *packages;
	struct dists *dists;  /* python_dist.h */
	struct redactor *redactor;
	struct start_code start_codes[START_CODES];
	unsigned start_next;
	struct digests *digests; /* NULL: no policy asks for any */
	char located[PATH_MAX];	 /* with them: where the object that is being defined can be opened, */
	uint64_t located_ns;	 /* and when it was changed */
	struct paths paths;

	struct map objects, stacks, chains, targets, lookups, names;
	uint32_t object_count, stack_count, chain_count, target_count, process_count;
	uint32_t function_count;
	uint32_t *stack_tops; /* by stack id: innermost object */
	uint32_t stack_tops_room;
	struct stack_members *stack_members; /* by stack id, as long as stack_tops; NULL: not kept */
	uint16_t functions[LIVE_HOOKS];

	struct proc **procs; /* by slot, NULL: free */
	uint32_t proc_slots;
	struct map instances, pids; /* -> slot + 1 */
	uint32_t *dead;	     /* slots of ended processes, oldest first, still asked for by children */
	uint32_t dead_first, dead_count;
	uint32_t live_count; /* covered and not ended */
	int epoll_fd;	     /* pidfds are put here when it is not -1 */
	uint32_t root_pid, root_process;

	struct expectation **expectations; /* oldest first */
	uint32_t expectation_count, expectation_room;
	struct map places; /* (start of a mapping, build-id) -> item id of the object: for forked children */
	struct map lookalikes; /* (mount namespace, or two files, and path) -> are they one */
	uint32_t root_mount; /* id of the mount that our / is on, 0: not known */
	uint32_t mount_asked, mount_asked_ms; /* the last one that was looked for, and when */
	bool is_mount_ours;
	struct map arrived; /* (instance, serial) -> item id of the process that said hello */

	/* Takes the hellos that are there now (shim only); NULL: nobody can. */
	void (*receive)(void *arg);
	void *receive_arg;
	bool is_receiving;   /* hellos are being taken, or pipe.c */
	unsigned pipe_depth; /* is draining writers of writers */
	unsigned order_depth;

	uint8_t *scratch; /* LIVE_SCRATCH_BYTES */
	uint64_t record[WIRE_RECORD_MAX / 8];
};
#define LIVE_SCRATCH_BYTES (WIRE_RECORD_MAX + 8 * PATH_MAX)
#define LIVE_DEAD_MAX 4096u

int live_init(struct live *live, const char *const *redact, const char *dpkg_directory, char *error,
	      size_t error_bytes);
void live_done(struct live *live);
/* Takes the time; call before anything is done. */
void live_clock(struct live *live);

/* --- proc.c ------------------------------------------------------------------------------ */
void proc_free(struct proc *proc);
struct proc *proc_new(struct live *live, uint64_t instance, uint32_t pid, int pidfd);
struct proc *proc_by_instance(struct live *live, uint64_t instance);
/* The newest image of that pid that has not ended; NULL. */
struct proc *proc_by_pid(struct live *live, uint32_t pid);
/* Emits ITEM_PROCESS. record: its WIRE_PROCESS with strings[5], or NULL when it sent none. */
void proc_announce(struct live *live, struct proc *proc, const struct wire_process *record,
		   const struct str *strings);
void proc_set_cwd(struct proc *proc, struct str cwd);
/* told: what it called chroot with; only believed when nobody else can say any more. */
void proc_change_root(struct live *live, struct proc *proc, struct str told);
/* Takes up to max records out of its ring; true when the ring is empty or gone. */
bool proc_drain(struct live *live, struct proc *proc, uint32_t max);
/* One record; false: nothing more for now. */
bool proc_step(struct live *live, struct proc *proc);
/* Everything that is in the ring now, however much its threads go on. */
void proc_drain_now(struct live *live, struct proc *proc);
void proc_tell_counters(struct live *live, struct proc *proc);
/* Drains the rest, emits ITEM_PROCESS_END, forgets all but what children may ask for. */
void proc_end(struct live *live, struct proc *proc);

/* Its hello: from now on it is found by instance, and its ring is read. */
void proc_adopt(struct live *live, struct proc *proc, uint64_t instance,
		const struct ring_reader *ring);
/* What a forked child has of its parent. */
void proc_inherit(struct proc *proc, const struct proc *parent);
/* Looks which root it has; for one that is gone it is that of before (parent, or the image that
 * it replaced; may be NULL). */
void proc_take_root(struct proc *proc, const struct proc *before);
/* What the kernel says about a new image. */
void proc_set_image(struct proc *proc, struct str exe, struct str argv, struct str cwd);

/* --- decode.c ---------------------------------------------------------------------------- */
/* One record as copied out of the ring. -EINVAL: not valid, nothing was emitted. */
int decode_record(struct live *live, struct proc *proc, const void *record, uint32_t size);
/* The chain of a stack and an origin of proc's ring; a stack that was never defined gives a chain
 * without one. */
uint32_t decode_chain(struct live *live, struct proc *proc, uint32_t stack, uint32_t origin);
/* Opening another process's memory is reaching into it, by whatever name: a second event. */
void decode_inspect(struct live *live, const struct item_event *event, uint32_t pid,
		    uint32_t target);

/* --- define.c ---------------------------------------------------------------------------- */
uint16_t define_function(struct live *live, uint32_t hook);
/* The hook of that name, LIVE_HOOK_NONE: none. */
uint32_t hook_by_name(const char *name);
const char *hook_name(uint32_t hook);
bool hook_is_mark(uint32_t hook);
bool hook_is_act(uint32_t hook);
uint32_t define_object(struct live *live, const struct item_object *object);
uint32_t define_stack(struct live *live, uint32_t flags, const struct item_frame *frames,
		      uint32_t count);
/* The innermost object of a stack, 0 when unknown. */
uint32_t stack_top(const struct live *live, uint32_t stack);
/* false: object is not on that stack; true: it is, or it cannot be told. */
bool stack_may_have(const struct live *live, uint32_t stack, uint32_t object);
uint32_t define_chain(struct live *live, uint32_t process, uint32_t stack, uint32_t parent);
uint32_t define_target(struct live *live, const struct item_target *target);
void emit_hole(struct live *live, const struct item_hole *hole);

/* --- startup.c --------------------------------------------------------------------------- */
/* A new object: libc is looked into. */
void startup_learn(struct live *live, const struct item_object *object);
/* enum stack_phase, where symbols tell. */
uint32_t startup_flags(const struct live *live, const struct item_frame *frames, uint32_t count);

/* --- object.c ---------------------------------------------------------------------------- */
/* Item id, or OBJECT_OURS. Strings: path, soname, build-id (raw). seen: which file it is. */
uint32_t object_of_wire(struct live *live, struct proc *proc, const struct wire_object *record,
			const struct str strings[3], const struct seen_file *seen);
/* Remembers that memory was made executable then, by code of object maker, 0: not known whose. */
void object_code_made(struct live *live, struct proc *proc, enum codes_kind kind, uint64_t start,
		      uint64_t bytes, uint32_t maker, uint64_t time_ns);
/* Fills what the disk knows: path, device, inode, package. real is the memory behind path.
 * is_recorded: path is not as the process sees it but as we record it. seen: which file it is, or
 * NULL. */
void object_locate(struct live *live, const struct proc *proc, struct str path, bool is_recorded,
		   struct item_object *object, struct path_buffer *real);
void object_locate_seen(struct live *live, const struct proc *proc, struct str path,
			bool is_recorded, const struct seen_file *seen,
			struct item_object *object, struct path_buffer *real);
/* The object of an address that no file maps, 0 when nobody was seen making it. kind: who tells of
 * the address. */
uint32_t object_of_code(const struct proc *proc, enum codes_kind kind, uint64_t address);

/* --- target.c ---------------------------------------------------------------------------- */
uint32_t target_of_event(struct live *live, struct proc *proc, const struct wire_event *event,
			 const struct str blobs[WIRE_BLOBS]);
/* The process whose /proc/PID/mem this event opened, 0 when it opened something else or its own. */
uint32_t target_memory(struct live *live, struct proc *proc, const struct wire_event *event,
		       const struct str blobs[WIRE_BLOBS]);
/* The same for an event as the kernel told it. Blobs: path or socket address, path2, asked, argv. */
uint32_t target_of_kernel(struct live *live, struct proc *proc,
			  const struct wire_kernel_event *event,
			  const struct str blobs[WIRE_BLOBS]);
/* The other process's memory that this event opened: its pid and *ret_target, or 0. */
uint32_t target_kernel_memory(struct live *live, struct proc *proc,
			      const struct wire_kernel_event *event, struct str path,
			      uint32_t *ret_target);
/* Real path of a program as asked for by proc: through PATH when it is a bare name. */
enum path_result target_program(struct live *live, const struct proc *proc, struct str asked,
				struct path_buffer *ret);

/* --- pipe.c ------------------------------------------------------------------------------- */
/* Of a new image that is about to be announced: settles which pipe its script comes from. */
void pipe_take_script(struct live *live, struct proc *proc);
/* Its next record is about to be read: what those who write its script did before it comes first.
 * false: it has to wait until hellos can be taken. */
bool pipe_writers_first(struct live *live, struct proc *proc);

/* --- order.c ------------------------------------------------------------------------------ */
/* proc's next record is about to be read: if it is the start of a program, what others did until
 * then comes first. */
void order_before_start(struct live *live, struct proc *proc);
/* What all but one did until then. */
void order_until(struct live *live, const struct proc *but, uint64_t time_ns);

/* --- lineage.c and its neighbours --------------------------------------------------------------------------- */
/* A process said hello; takes over pidfd, not ring_fd. Negative errno: the ring is not usable. */
int lineage_hello(struct live *live, const struct wire_hello *hello, uint32_t pid, uint32_t uid,
		  int pidfd, int ring_fd);
void lineage_root(struct live *live, uint32_t pid, uint32_t serial, const char *program,
		  char *const argv[]);
/* An exec.run event, its definitions already emitted: emitted now, or held until its outcome is
 * known. */
void lineage_exec(struct live *live, struct proc *proc, const struct wire_event *record,
		  const struct item_event *event, const struct str blobs[WIRE_BLOBS]);
/* proc says that it forked; and a record in its ring was written by that child. */
void lineage_forked(struct live *live, struct proc *proc, uint32_t pid);
void lineage_shared(struct live *live, struct proc *proc, uint32_t pid);
void lineage_exec_failed(struct live *live, struct proc *proc, uint32_t serial, int32_t result);
/* Its ring is drained and nothing more will come from this image. */
void lineage_proc_over(struct live *live, struct proc *proc);
/* First half: who is gone; accept hellos between the two. Second half: what is due. */
void lineage_look(struct live *live);
void lineage_due(struct live *live, bool is_end);
uint32_t lineage_waiting(const struct live *live);
void lineage_done(struct live *live);

/* --- same.c ------------------------------------------------------------------------------ */
enum same_file {
	SAME_NO,
	SAME_YES,
	SAME_UNSURE, /* the numbers agree, and on this file system two files may have the same */
};
/* Is the file that we find at path the one that was seen? */
enum same_file same_file(const char *path, const struct seen_file *seen);
/* Id of the mount that a path of ours is on, 0: not known. */
uint32_t same_mount_id(const char *path);
/* Is there a mount of that id in our namespace? */
bool same_has_mount(uint32_t id);

/* --- mounts.c ---------------------------------------------------------------------------- */
/* before: what it was made from, or NULL. */
void mounts_take(struct proc *proc, const struct proc *before);
/* What is known for sure about a process that may be gone: its root is in our namespace, or not. */
void mounts_told(struct proc *proc, bool is_away);
/* The same by the mount its root is on (proc->told_mount). */
void mounts_look(struct live *live, struct proc *proc);
/* What a record of an object says about where it was mapped, before the object is looked at. seen:
 * what it told of the file; on return, what that is worth. */
void mounts_mapped(struct live *live, struct proc *proc, const struct wire_object *record,
		   struct seen_file *seen);
void mounts_done(struct mounts *mounts);
/* Is path, as recorded, the file that we find under that name? */
bool mounts_is_ours(struct live *live, const struct proc *proc, const char *path);
/* The same where it may be known which file it is; NULL: whatever the process has there. */
bool mounts_is_seen(struct live *live, const struct proc *proc, const char *path,
		    const struct seen_file *seen);
/* Is the file of ours at path, whose stat(2) is st, the one that was seen? Remembered. */
struct stat;
enum same_file mounts_same(struct live *live, const char *path, const struct stat *st,
			   const struct seen_file *seen);
/* The file that the process has under that recorded path, to be read; or -1. */
int mounts_open(struct live *live, const struct proc *proc, const char *path,
		const struct seen_file *seen);
/* Says of a path that goes out as the name of somebody who acts that it is not ours. */
void mounts_mark(struct live *live, const struct proc *proc, const struct seen_file *seen,
		 struct path_buffer *path);

/* --- facts.c ----------------------------------------------------------------------------- */
bool facts_link(uint32_t pid, const char *name, struct path_buffer *ret);
uint64_t facts_start_ns(uint32_t pid);
uint32_t facts_parent_pid(uint32_t pid);
bool facts_cgroup(uint32_t pid, struct path_buffer *ret);
enum root_kind {
	ROOT_OURS,
	ROOT_OTHER,	/* in our mount namespace: *ret is where */
	ROOT_ELSEWHERE, /* in another one: *ret is where in there */
	ROOT_UNKNOWN,	/* gone, or not for us to see */
};
enum root_kind facts_root(uint32_t pid, struct path_buffer *ret);
/* The file mapped at that address, as the kernel names it. */
bool facts_mapped(uint32_t pid, uint64_t address, struct path_buffer *ret);
/* Its device and inode, as mappings have them. */
bool facts_mapped_file(uint32_t pid, uint64_t address, uint64_t *ret_device, uint64_t *ret_inode);
/* False when it cannot be known. */
bool facts_home(uint32_t uid, struct path_buffer *ret);
bool facts_is_gone(uint32_t pid);
int facts_pidfd(uint32_t pid);
bool facts_pidfd_is_dead(int pidfd);

/* --- cover.c ----------------------------------------------------------------------------- */
/* Why the program at path (as we can open it) cannot take the shim in; NULL: it could. */
const char *cover_reason(const char *path);

#endif

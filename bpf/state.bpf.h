/* SPDX-License-Identifier: Apache-2.0
 *
 * What the probes remember. A thread is watched if and only if it has a struct thread_state in
 * its task storage: an unwatched one costs the system-call tracepoints that one look-up.
 *
 * Scratch space is per CPU: the programs run with preemption off. `busy` is there for kernels
 * that might not keep that up: then a record is lost and counted, never mixed with another.
 */
#ifndef SOWATCH_STATE_BPF_H
#define SOWATCH_STATE_BPF_H

#include "shared.h"

/* One system call on its way. */
struct call {
	u64 args[6];
	u32 nr;	       /* as the caller said it */
	u8 kind;       /* enum call_kind; 0: not of interest */
	u8 action;
	u8 row;	       /* index in calls[] */
	u8 is_compat;
	u8 is_short;   /* 32-bit pointers in structures: compat and x32 */
	u8 is_changed;
	u8 has_stack;  /* in `held`, under the thread's id */
	u8 is_held_cut;
	u16 sockaddr_len; /* what could be read of it */
	u8 is_shim;    /* the process had one at entry */
	u8 has_object; /* `objects` holds what the kernel acts on */
	u8 is_kernels; /* sockaddr is the kernel's copy */
	u8 has_begun;  /* TCP sent its first packet during this call: `begun` is the peer */
	u8 sockaddr[128];
	u8 begun[28];
	u32 tid;
	struct slot slot;  /* exec: taken at entry */
	u64 slot_instance; /* 0: none */
};

struct thread_state {
	struct call call;
	struct slot slot;      /* CLONE_VM child of a marked function: the parent's at that time */
	u64 slot_instance;
	u64 clone_flags;       /* of the clone on its way */
	u32 has_inherited_slot;
	u32 pad;
};

struct process_state {
	u64 instance;
	s64 slot_offset;
	u64 text_start, text_end;
	u64 announced; /* events with a live slot, for check_every */
	u32 has_shim;
	u32 has_requests; /* has used io_uring */
	u32 has_datagram; /* connected a datagram socket: look at plain writes, too */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_state);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct process_state);
} processes SEC(".maps");

/* Path arguments as they were at entry. Below two pages: larger storage may not be had where
 * sleeping is not allowed. */
#define HELD_PATH 3968
struct held_paths {
	u16 len[2];
	u32 missing; /* bit: could not be read at entry */
	char text[2][HELD_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct held_paths);
} paths SEC(".maps");

/* Stacks of those whose memory is gone, or who are, by the time of the record: exec (key: tid)
 * and io_uring requests (key: the request's address). */
#define HELD_STACKS 128
struct held_stack {
	struct wire_kernel_regs regs;
	u32 bytes;
	u32 is_cut;
	u8 data[WIRE_KERNEL_STACK_MAX + 4096]; /* the last page may stick out */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HELD_STACKS);
	__type(key, u64);
	__type(value, struct held_stack);
} held SEC(".maps");

/* A datagram socket and a peer that have been told of. */
struct datagram_key {
	u64 inode;
	u64 owner; /* instance of the slot's chain and stack: another caller is news */
	u8 peer[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct datagram_key);
	__type(value, u8);
} datagrams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} records SEC(".maps");

/* Mapped by the loader: read without any capability. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

/* A path being found, from its end to its beginning. */
#define WALK_BYTES 4096u
struct walk {
	u64 dentry, mnt;
	u32 at;	   /* text[at..] holds what was found */
	u32 flags; /* for the record */
	char text[WALK_BYTES + 512];
};

/* What the kernel is about to act on, told by its own security functions (mechanism "lsm"). Both
 * paths share one text. */
struct object_state {
	struct walk walk;
	u32 at[2], len[2];
	u64 device, inode;
	u32 mode, flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct object_state);
} objects SEC(".maps");

#define SCRATCH_DATA 98304u
struct scratch {
	struct walk walk;
	u32 used; /* of data */
	u32 flags;
	u32 index; /* two texts differ */
	u32 busy;
	union {
		struct wire_kernel_event event;
		struct wire_kernel_exec exec;
		struct wire_kernel_fork fork;
		struct wire_kernel_exit exit;
		struct wire_kernel_hello hello;
		u8 data[SCRATCH_DATA];
	};
	struct held_stack stack;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the loader makes it one per CPU */
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* An io_uring request on its way, under its address. */
#define REQUEST_TEXT 1024
struct request {
	struct wire_kernel_head head;
	struct call call; /* action, sockaddr, slot */
	s32 dir, dir2;
	u32 flags;
	u8 opcode;
	u8 pad[3];
	char text[2][REQUEST_TEXT];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, u64);
	__type(value, struct request);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* one per CPU, as scratches */
	__type(key, u32);
	__type(value, struct request);
} request_scratches SEC(".maps");

/* Set by the loader before loading. */
const volatile struct probe_options options;

#endif

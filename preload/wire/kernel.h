/* SPDX-License-Identifier: Apache-2.0
 *
 * What the probes tell the collector, through one BPF ring buffer. Shared by bpf/ (compiled for
 * the BPF target: only <linux/types.h> names there, see the top) and collector/source/bpf.c.
 *
 * Every record starts with wire_kernel_head. Records of one thread are in order; records of
 * different threads are ordered by time_ns, which is CLOCK_MONOTONIC like the shim's.
 *
 * Truth: paths are built from struct path at the end of the system call, peers from struct sock,
 * programs from linux_binprm: never from argument strings alone. `asked` is what the argument
 * said, for people. Where the mechanism at hand cannot see the object itself (see `truth`), the
 * argument was read at entry and again at exit, and WIRE_KERNEL_CHANGED says that the two differ.
 */
#ifndef SOWATCH_WIRE_KERNEL_H
#define SOWATCH_WIRE_KERNEL_H

#ifdef __bpf__
typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
#else
#include <stdint.h>
#endif

#define WIRE_KERNEL_PATH_MAX 4096
#define WIRE_KERNEL_STACK_MAX 32768 /* iconv_open alone takes 18 KiB of stack */
#define WIRE_KERNEL_ARGV_MAX 2048

enum wire_kernel_type {
	WIRE_KERNEL_FORK = 1, /* head: the parent's thread; child in wire_kernel_fork */
	WIRE_KERNEL_EXEC = 2, /* the new image is in place; head: the process */
	WIRE_KERNEL_EXIT = 3, /* the last thread of a process is gone */
	WIRE_KERNEL_EVENT = 4,
	WIRE_KERNEL_HELLO = 5, /* the shim's hello was seen passing by: from now on slots are read */
	WIRE_KERNEL_THREAD = 6, /* wire_kernel_fork, of a thread in the head's process: child_pid is its
				   tid. Only where no shim tells who made it */
};

struct wire_kernel_head {
	uint32_t size; /* whole record */
	uint16_t type;
	uint16_t flags;	   /* enum wire_kernel_flags */
	uint64_t time_ns;
	uint64_t start_ns; /* CLOCK_MONOTONIC start of the process (its leader): with pid, who */
	uint64_t cgroup;   /* cgroup v2 id */
	uint32_t pid;	   /* thread group, in the collector's (initial) pid namespace */
	uint32_t tid;
	uint32_t inner_pid; /* the same in its own pid namespace */
	uint32_t uid;
};

enum wire_kernel_flags {
	WIRE_KERNEL_SLOT = 1,	   /* the call slot was set and live: `slot` is valid */
	WIRE_KERNEL_STACK = 2,	   /* regs and a stack copy follow */
	WIRE_KERNEL_CUT = 4,	   /* a path, argv or the stack copy was shortened */
	WIRE_KERNEL_CHANGED = 8,   /* the argument changed between entry and exit */
	WIRE_KERNEL_UNREADABLE = 16, /* an argument or object could not be read */
	WIRE_KERNEL_IO_URING = 32, /* submitted through io_uring, by the head's thread */
	WIRE_KERNEL_COMPAT = 64,   /* 32-bit system call */
	WIRE_KERNEL_CREATED = 128, /* open with O_CREAT, or equivalent */
	WIRE_KERNEL_SHIM = 256,	   /* the process has a shim (its hello was seen) */
	WIRE_KERNEL_DATAGRAM = 512,
	WIRE_KERNEL_ELSEWHERE = 1024, /* the file that was mapped or executed lies in no mount of the
					 collector's namespace: its path may be another file's there */
	WIRE_KERNEL_AWAY = 2048, /* exec: nor does the process's root */
};

enum wire_kernel_truth {
	WIRE_TRUTH_OBJECT = 1,	 /* from the kernel's own object */
	WIRE_TRUTH_ARGUMENT = 2, /* from the argument, read twice */
};

struct wire_kernel_regs {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, ip, flags, sp;
};

/* WIRE_KERNEL_EVENT. Blobs follow in this order, without padding:
 *   path (real; or sockaddr for net.*) · path2 (rename, link) · asked · argv (exec) ·
 *   struct wire_kernel_regs and the stack copy, if WIRE_KERNEL_STACK
 *
 * path      truth OBJECT: real, " (deleted)" behind it when it has no name any more; "memfd:NAME",
 *           "pipe:[INODE]", "nsfs:[INODE]" have no slash. Truth ARGUMENT: the real directory the
 *           argument starts from (root, cwd or descriptor) and the argument as it is, with its
 *           "..", "." and links: the reader resolves it.
 * path2     net.* on a Unix socket that is bound to a file: that file's real path; device and
 *           inode are then the file's.
 * sockaddr  as long as it is; AF_UNIX has a path that may be relative, as it was bound
 * exec.run  of a script: path is the script (truth ARGUMENT where only its name is known), argv
 *           as the interpreter got it: up to the element that equals `asked` it is not the caller's
 * exec.code of a file: path2 is struct wire_kernel_mapped
 * file.link by symlink: path is the content, joined to where the call's directory is
 * exec.inspect  detail is the pid as the caller said it, in its own pid namespace */
struct wire_kernel_event {
	struct wire_kernel_head head;
	/* struct wire_slot, spelt out: slot.h is not for the BPF target */
	uint64_t slot_chain;
	uint64_t slot_sp;
	uint32_t slot_seq;
	uint16_t slot_hook;
	uint16_t slot_via_count;
	uint16_t slot_via[4];
	int64_t result;	   /* >= 0, or -errno */
	uint64_t address;  /* exec.code: start of the range; else 0 */
	uint64_t bytes;	   /* exec.code: length */
	uint64_t device, inode; /* of path, truth OBJECT */
	uint32_t syscall;  /* number, of the head's architecture */
	uint32_t detail;   /* as wire_event.detail: open flags, socket type | protocol << 16, protection,
			      target pid */
	uint8_t action;	   /* enum wire_action */
	uint8_t truth;	   /* enum wire_kernel_truth */
	uint16_t path_len, path2_len, asked_len, argv_len;
	uint16_t pad[1];
	uint32_t stack_len; /* bytes of stack copy, regs not counted */
	uint64_t slot_instance; /* whose ring the slot's ids are of (its hello's instance): the
				   process's own, or its parent's before it has said hello and
				   in a child of vfork or posix_spawn; 0 without WIRE_KERNEL_SLOT */
};

/* A file as the kernel has it: device and inode of its own superblock and inode, which are not
 * always what stat(2) says (btrfs, overlays), and when it was last changed: nobody can set that. */
struct wire_kernel_file {
	uint64_t device, inode;
	uint64_t changed_ns; /* CLOCK_REALTIME; 0: this kernel does not tell */
};

struct wire_kernel_mapped {
	struct wire_kernel_file file;
	uint64_t offset; /* in the file */
};

/* With WIRE_KERNEL_STACK the struct wire_kernel_regs and the stack copy of the head's thread follow:
 * the child begins on a stack of its own, and nothing on that one says who made it. The rest of
 * the record is the copy. WIRE_KERNEL_CUT without it: there was no room to take one. */
struct wire_kernel_fork {
	struct wire_kernel_head head;
	uint64_t child_start_ns;
	uint32_t child_pid;
	uint32_t child_inner_pid;
	uint64_t clone_flags; /* 0 when the mechanism does not tell */
};

/* What a pipe is known by: device as stat(2) gives it (named ones lie on others), and inode. */
#define WIRE_PIPE(device, inode) ((uint64_t)(device) << 48 ^ (uint64_t)(inode))

#define WIRE_KERNEL_ENVIRONMENT_MAX (4 * 4095)
/* Blobs: real path of the executable · argv · cwd · and in the rest of the record the environment as
 * the kernel copied it for the new image, as far as WIRE_KERNEL_ENVIRONMENT_MAX. The exec.run event itself comes as a
 * WIRE_KERNEL_EVENT of the same thread just before this record. */
struct wire_kernel_exec {
	struct wire_kernel_head head;
	uint64_t device, inode;
	uint16_t path_len, argv_len, cwd_len;
	uint8_t is_secure; /* AT_SECURE: the loader ignores the shim */
	uint8_t pad;
	/* Of its auxiliary vector, 0 when it has none: where its program headers and its
	 * interpreter are mapped, for a process that is gone before its map could be read. */
	uint64_t phdr, interpreter_base;
	/* WIRE_PIPE of the pipes it began with as descriptors 0, 1 and 63 (where bash puts the first of its
	 * process substitutions), 0 where it is none. */
	uint64_t input_pipe, output_pipe, high_pipe;
	uint64_t changed_ns; /* with device and inode: struct wire_kernel_file */
	uint64_t code_start, code_end; /* the program's first to last executable byte */
	struct wire_kernel_file interpreter; /* inode 0: none, or it could not be looked at */
	uint64_t interpreter_elsewhere; /* as WIRE_KERNEL_ELSEWHERE */
};

struct wire_kernel_exit {
	struct wire_kernel_head head;
	int32_t status; /* as wait(2) gives it */
	uint32_t pad;
};

struct wire_kernel_hello {
	struct wire_kernel_head head;
	uint64_t instance;
	int64_t slot_offset;
	uint64_t text_start, text_end; /* the shim's own mapping */
};

_Static_assert(sizeof(struct wire_kernel_head) == 48, "contract");
_Static_assert(sizeof(struct wire_kernel_fork) == 72, "contract");
_Static_assert(sizeof(struct wire_kernel_exec) == 168, "contract");
_Static_assert(sizeof(struct wire_kernel_event) == 152, "contract");

#endif

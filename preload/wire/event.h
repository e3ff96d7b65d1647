/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of the ring. Fixed width, explicit padding, no pointers, native byte order (both
 * sides are one machine). Types are append-only.
 *
 * Ids (stack, origin, object) are per ring, never repeat within it, and are defined before they
 * are used; 0 is "none". When the shim has to forget (dlclose, table full) it defines again under
 * new ids.
 */
#ifndef SOWATCH_WIRE_EVENT_H
#define SOWATCH_WIRE_EVENT_H

#include <stdint.h>

#include "slot.h"

enum wire_action {
#define ACTION(id, number, name, family, doc) WIRE_##id = number,
#include "actions.tbl.h"
#undef ACTION
	WIRE_ACTIONS
};

enum wire_type {
	WIRE_PROCESS = 1, /* first record of every ring */
	WIRE_OBJECT = 2,
	WIRE_STACK = 3,
	WIRE_ORIGIN = 4,
	WIRE_EVENT = 5,
	WIRE_NAME = 6,	      /* a resolver answer */
	WIRE_EXEC_FAILED = 7, /* the pending exec with this serial came back */
	WIRE_CWD = 8,	      /* the process changed its working directory or root */
	WIRE_PAD = 9,	      /* skip */
	WIRE_EXIT = 10,	      /* the process is leaving by exit or _exit */
	WIRE_FORKED = 11,     /* a child was made and will say hello itself: told by the parent, which
				 may be gone before the child has spoken */
	WIRE_PYTHON = 12,     /* there is a Python interpreter, and whether its frames can be told */
};

struct wire_head {
	uint32_t size; /* whole record, multiple of 8; stored last; 0: not committed */
	uint16_t type;
	uint16_t flags;
};

/* WIRE_PROCESS: who this ring belongs to. Strings follow in this order, not terminated. */
struct wire_process {
	struct wire_head head;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t pid;
	uint32_t tid;
	uint32_t uid;
	uint32_t page_bytes;
	uint16_t exe_len;
	uint16_t cwd_len;
	uint16_t argv_len; /* NUL-separated, flags WIRE_ARGV_CUT when shortened */
	uint16_t home_len;
	uint16_t path_len; /* $PATH, for bare program names */
	uint16_t pipes_len; /* struct wire_pipes, or 0: none of them is a pipe */
	uint32_t mount; /* id of the mount its root is on, 0: not known */
};
#define WIRE_ARGV_CUT 1u
#define WIRE_PROCESS_FILE 2u /* behind the strings: struct wire_file of the executable */

/* Told where the root is on another mount than the collector's: a name there may be another file's
 * here. */
struct wire_file {
	uint64_t device, inode;
};

/* Pipes that a new program began with (WIRE_PIPE in kernel.h), 0 where it is none. */
struct wire_pipes {
	uint64_t input, output;
	uint64_t script; /* of the first argument that is /dev/fd/N */
};

/* WIRE_OBJECT: a mapped shared object (or the executable) that occurs in a stack. Strings:
 * path (as the loader knows it; empty for the executable), soname, build-id (raw bytes). */
struct wire_object {
	struct wire_head head; /* flags: enum wire_object_flags */
	uint64_t base;	       /* load bias: address = base + offset in the object's own terms */
	uint64_t start;	       /* mapping */
	uint64_t end;
	uint32_t id;
	uint16_t path_len;
	uint16_t soname_len;
	uint16_t build_id_len;
	uint16_t pad[1];
	uint32_t mount; /* as in wire_process */
};
enum wire_object_flags {
	WIRE_OBJECT_MAIN = 1,
	WIRE_OBJECT_VDSO = 2,
	WIRE_OBJECT_SHIM = 4,
	/* Not mapped: code of a Python file. path is the file as the import system had it; soname and
	 * build-id are empty, base is the object that imported it (0: not known), frames' offsets are
	 * lines. */
	WIRE_OBJECT_PYTHON = 8,
	WIRE_OBJECT_FROZEN = 16, /* of the interpreter's own, path is like <frozen site> */
	WIRE_OBJECT_TOP = 32,	 /* what the interpreter was started with: a script, <string>, <stdin> */
	WIRE_OBJECT_BY_HAND = 64, /* its importer called a loader instead of importing a name */
	/* Not mapped: the script that a shell runs, whichever that is; no strings, frames' offsets
	 * are lines. */
	WIRE_OBJECT_SHELL = 256,
	WIRE_OBJECT_FILE = 128,	  /* behind the strings: struct wire_file, as its mapping shows it */
};

/* WIRE_STACK: return addresses, innermost first. object 0: code in no object, offset is the
 * absolute address. */
struct wire_frame {
	uint64_t offset;
	uint32_t object;
	uint32_t flags; /* enum wire_frame_flags */
};
enum wire_frame_flags {
	WIRE_FRAME_INFERRED = 1, /* not on the stack: the target of a tail call */
	WIRE_FRAME_SIGNAL = 2,	 /* interrupted here by a signal */
};
struct wire_stack {
	struct wire_head head; /* flags: enum wire_stack_flags */
	uint32_t id;
	uint32_t count;
	struct wire_frame frames[];
};
enum wire_stack_flags {
	WIRE_STACK_PARTIAL = 1,	  /* the unwinder could not go on */
	WIRE_STACK_TRUNCATED = 2, /* deeper than WIRE_STACK_FRAMES */
	WIRE_STACK_FP = 4,	  /* some frame was found by frame pointer only */
	WIRE_STACK_LOAD = 1 << 8, /* an import is on the stack */
	WIRE_STACK_STARTUP = 1 << 9, /* Python's site module, or a line of a .pth file, is */
	WIRE_STACK_UNTOLD = 1 << 10, /* Python ran on this stack, and its frames are not told */
};
#define WIRE_STACK_FRAMES 512	  /* deeper ones are cut and say so */
#define WIRE_STACK_FRAMES_MAX 640 /* with the inferred ones: no record has more */

/* WIRE_ORIGIN: a chain that started something: a thread, or (named by the session variable of
 * the new program) an exec. */
struct wire_origin {
	struct wire_head head; /* flags: enum wire_origin_kind */
	uint32_t id;
	uint32_t stack;
	uint32_t parent; /* thread origin of the starting thread */
	uint32_t tid;
};
enum wire_origin_kind {
	WIRE_ORIGIN_THREAD = 1,
	WIRE_ORIGIN_EXEC = 2,
};

/* WIRE_EVENT. Blobs follow without padding between them:
 *   file.*        path as passed; directory it is relative to (empty: the cwd); second path of
 *                 rename and link; its directory
 *   net.connect/bind/listen/accept/send/exchange   sockaddr
 *   net.resolve   name; service
 *   exec.run      program as passed; argv (NUL-separated); path found by PATH search or
 *                 directory descriptor (may be empty); "" or why the child cannot be covered
 *   exec.load     file as passed; path the loader found
 *   exec.code     uint64_t address, uint64_t length
 *   exec.inspect  path, if any
 *   env.read      name
 */
struct wire_event {
	struct wire_head head; /* flags: enum wire_event_flags */
	uint64_t time_ns;      /* CLOCK_MONOTONIC, at return (pending: at the call) */
	uint32_t pid;	       /* who did it: differs from the ring's owner in a vfork child */
	uint32_t tid;
	uint32_t stack;
	uint32_t origin;
	uint32_t seq;
	int32_t result;	  /* >= 0: as returned; < 0: -errno */
	uint32_t detail;  /* file: open flags or mode; net: socket type | protocol << 16;
			     exec.code: protection; exec.inspect: target pid; spawn: child pid */
	uint32_t serial;  /* exec.run: see SERIAL in session.h */
	uint16_t hook;	  /* enum hook_id */
	uint8_t action;	  /* enum wire_action */
	uint8_t via_count;
	uint16_t via[WIRE_VIA_MAX];
	uint16_t blob_len[4];
	uint32_t pad;
};
#define WIRE_BLOBS 4
/* net.exchange: detail is the socket's type and, from this bit on, what was lost; result is how many
 * bytes the request has whose reply was outstanding. Nobody follows this connection: -errno. */
#define WIRE_EXCHANGE_SHIFT 8
enum wire_exchange {
	WIRE_EXCHANGE_NONE,
	WIRE_EXCHANGE_CROSSED, /* a second request was sent before any of the reply to the first */
	WIRE_EXCHANGE_LATE,    /* the reply had come, to be read by who did not ask for it */
};
enum wire_event_flags {
	WIRE_EVENT_PENDING = 1,	   /* exec: outcome known only by what follows */
	WIRE_EVENT_CUT = 2,	   /* a blob was shortened */
	WIRE_EVENT_UNREADABLE = 4, /* an argument could not be read or resolved */
	WIRE_EVENT_CREATED = 8,	   /* file.write: O_CREAT or equivalent was asked for */
};

/* WIRE_NAME: one name, the addresses the resolver gave for it (4 or 16 bytes each). */
struct wire_name {
	struct wire_head head;
	uint64_t time_ns;
	uint16_t name_len;
	uint8_t v4_count;
	uint8_t v6_count;
	uint32_t pad;
};

struct wire_exec_failed {
	struct wire_head head;
	uint32_t serial;
	int32_t result; /* -errno */
};

struct wire_cwd {
	struct wire_head head; /* flags: WIRE_CWD_ROOT: the root changed too, path is unreliable */
	uint32_t path_len;
	uint32_t root_len; /* what was given to chroot, from where it was called; 0: not known */
};
#define WIRE_CWD_ROOT 1u

struct wire_exit {
	struct wire_head head;
	uint64_t time_ns;
	uint32_t status;
	uint32_t pad;
};

struct wire_forked {
	struct wire_head head;
	uint64_t time_ns;
	uint32_t pid; /* in the parent's pid namespace */
	uint32_t pad;
};

/* WIRE_PYTHON: flags of the head: enum wire_python_reason. The standard library's directory
 * follows. The last one counts. */
struct wire_python {
	struct wire_head head;
	uint32_t version; /* 0x030b: 3.11; 0 not known */
	uint16_t stdlib_len;
	uint16_t pad;
};
enum wire_python_reason {
	WIRE_PYTHON_GOOD,    /* frames are told */
	WIRE_PYTHON_VERSION, /* a version whose frames we cannot read */
	WIRE_PYTHON_SYMBOLS, /* it does not export what is needed */
	WIRE_PYTHON_LAYOUT,  /* what we read of it is not what it says */
	WIRE_PYTHON_LATE,    /* it was running before we came */
	WIRE_PYTHON_MEMORY,  /* none for our tables */
	WIRE_PYTHON_ENDED,   /* it was shut down; another one would not be heard */
	WIRE_PYTHON_FOUND,   /* no Python has run yet */
	WIRE_PYTHON_REASONS,
};

_Static_assert(sizeof(struct wire_head) == 8, "contract");
_Static_assert(sizeof(struct wire_process) == 48, "contract");
_Static_assert(sizeof(struct wire_object) == 48, "contract");
_Static_assert(sizeof(struct wire_frame) == 16, "contract");
_Static_assert(sizeof(struct wire_file) == 16, "contract");
_Static_assert(sizeof(struct wire_stack) == 16, "contract");
_Static_assert(sizeof(struct wire_origin) == 24, "contract");
_Static_assert(sizeof(struct wire_event) == 72, "contract");
_Static_assert(sizeof(struct wire_name) == 24, "contract");
_Static_assert(sizeof(struct wire_python) == 16, "contract");

#endif

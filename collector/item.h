/* SPDX-License-Identifier: Apache-2.0
 *
 * The one currency of the pipeline: what a source yields, the model ingests, the log stores.
 *
 * A source (source/ring.c live, source/log.c on replay) yields a sequence of items. Definitions
 * come before their first use; ids are dense, ascending from 1, per kind, for the whole run; 0 is
 * "none". The live source has already looked up everything that needs the running machine
 * (build-ids, packages, real paths), so that replay needs nothing but the log.
 *
 * Memory: every `struct str` and pointer of an item belongs to the source and is valid until the
 * next call of source_next(). Consumers copy. Strings are bytes, not NUL-terminated, hostile.
 */
#ifndef SOWATCH_ITEM_H
#define SOWATCH_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../preload/wire/event.h"

struct str {
	const char *data;
	uint32_t len;
};

#define STR_LIT(s) ((struct str){ (s), sizeof(s) - 1 })

enum item_type {
	ITEM_RUN = 1,	/* first item of every log */
	ITEM_POLICY,	/* one policy file as loaded; in layer order */
	ITEM_VARIABLE,	/* one ${NAME} a policy used */
	ITEM_FUNCTION,	/* name of a hooked function */
	ITEM_PROCESS,
	ITEM_PROCESS_END,
	ITEM_OBJECT,
	ITEM_STACK,
	ITEM_CHAIN,
	ITEM_TARGET,
	ITEM_NAME,
	ITEM_EVENT,
	ITEM_HOLE,	/* a hole in coverage */
	ITEM_END,	/* last item of a log that was closed properly */
};

struct item_run {
	struct str tool_version, host, kernel, service, run_id;
	uint64_t realtime_ns;  /* CLOCK_REALTIME at monotonic_ns */
	uint64_t monotonic_ns; /* all event times are CLOCK_MONOTONIC */
	struct str vantage;    /* "shim", "kernel", "both" */
	bool has_exchange;     /* the shims were told to follow the order of requests and replies */
};

struct item_policy {
	struct str path; /* as shown in messages */
	struct str text;
};

struct item_variable {
	struct str name, value;
};

struct item_function {
	uint32_t id;
	struct str name; /* "open64", "getaddrinfo" */
};

enum process_how {
	PROCESS_ROOT = 1, /* started by sowatch */
	PROCESS_EXEC,	  /* a new program image, by exec or spawn, covered or not */
	PROCESS_FORK,	  /* a copy of its parent */
};

struct item_process {
	uint32_t id;
	uint32_t parent;      /* process id (not pid) that exec'ed, spawned or forked it; 0: root */
	uint32_t origin_chain; /* chain in the parent that did it; 0 unknown; FORK: inherited by
				  the model from the parent, so 0 here too */
	uint8_t how;
	bool covered;	      /* the shim is inside */
	uint32_t pid;
	uint32_t uid;
	uint64_t start_ns;
	struct str exe;	      /* real path of the executable */
	struct str argv;      /* NUL-separated, secrets already redacted */
	struct str cwd;
	struct str home;      /* of the acting uid: what ~ means in rules */
	struct str script;    /* real path of the script an interpreter was started with, or "" */
	struct str cgroup;
	uint32_t exe_object;  /* object id of the executable, 0 if not known yet */
	uint32_t inner_pid;   /* in its own pid namespace, 0: the same */
	/* Lower-case hex, "" when not taken: digests are taken where a policy asks for them. */
	struct str exe_sha256, script_sha256;
	struct str script_origin; /* where the script came from ("codecov.io:443"), "" not known */
	/* Pipes a new program began with (WIRE_PIPE in kernel.h), 0: none. A script that is read from one came
	 * from who wrote that. */
	uint64_t input_pipe, output_pipe, script_pipe;
};

struct item_process_end {
	uint32_t process;
	uint64_t time_ns;
};

enum object_kind {
	OBJECT_ELF = 1,
	OBJECT_CODE, /* executable memory in no object: path "", maker may be known */
	OBJECT_PYTHON, /* a Python file: soname is its distribution's name; frames' offsets are lines */
	OBJECT_SCRIPT, /* an application's own Python code; "-c" and "-" were given as text */
};

struct item_object {
	uint32_t id;
	uint8_t kind;
	bool is_main, is_vdso, is_shim, is_deleted;
	struct str path;     /* real path */
	struct str soname;   /* "" when it has none */
	struct str build_id; /* lower-case hex */
	struct str package, package_version;
	uint64_t device, inode;
	uint32_t maker;	     /* CODE: object whose code made the memory executable, or 0 */
	struct str sha256;   /* of the file, lower-case hex, "" when not taken */
	struct str root;     /* PYTHON: where the distribution says what it is (its dist-info) */
};

struct item_frame {
	uint32_t object; /* 0: unknown code */
	uint32_t flags;	 /* enum wire_frame_flags */
	uint64_t offset;
};

/* What was under way when the stack was taken, where its frames alone do not say it: beside the
 * bits of enum wire_stack_flags, which stay below 1 << 8. */
enum stack_phase {
	STACK_PHASE_LOAD = 1 << 8,    /* a constructor, an IFUNC resolver, dlopen, an import */
	STACK_PHASE_STARTUP = 1 << 9, /* before main, or under Python's site */
	/* Not a phase: somebody may have run between libc and the innermost frame, and left nothing
	 * behind. Whoever is charged may not be the one; with PARTIAL. */
	STACK_HIDDEN = 1 << 10,
};

struct item_stack {
	uint32_t id;
	uint32_t flags; /* enum wire_stack_flags, enum stack_phase */
	uint32_t count;
	const struct item_frame *frames; /* innermost first, the shim's own frames left out */
};

struct item_chain {
	uint32_t id;
	uint32_t process;
	uint32_t stack;	 /* 0: no stack could be taken */
	uint32_t parent; /* chain that created the thread, 0 for a main thread */
};

enum target_kind {
	TARGET_PATH = 1, /* path, asked */
	TARGET_PATHS,	 /* path, asked, to (real) */
	TARGET_PEER,	 /* family, address, port, proto */
	TARGET_UNIX,	 /* path: "/path" or "@name" or "" (unnamed) */
	TARGET_PROGRAM,	 /* path, asked, argv */
	TARGET_NAME,	 /* path holds the host name asked for */
	TARGET_VARIABLE, /* path holds the variable's name */
	TARGET_OBJECT,	 /* path, asked: a shared object being loaded */
	TARGET_MEMORY,	 /* number: length, address not kept (it is different in every run) */
	TARGET_PROCESS,	 /* number: pid; path: its executable */
};

enum target_proto {
	PROTO_NONE,
	PROTO_TCP,
	PROTO_UDP,
	PROTO_OTHER,
};

struct item_target {
	uint32_t id;
	uint8_t kind;
	uint8_t proto;
	uint8_t address_len; /* 0, 4 or 16; IPv4-mapped IPv6 is stored as 4 */
	bool is_unresolved;  /* path is as asked, it could not be made real */
	uint16_t port;
	uint8_t address[16];
	uint64_t number;
	struct str path, asked, to, argv;
	/* package that owns path (PATH, PROGRAM, OBJECT), "" when none does; PATH: also the dist-info of
	 * the Python distribution that it is an own file of, which begins with / */
	struct str package;
};

struct item_name {
	uint32_t process; /* the resolver answered this process */
	uint8_t address_len;
	uint8_t address[16];
	struct str name;
};

enum event_flags {
	EVENT_CREATED = 1,    /* file.write that asked for creation */
	EVENT_UNREADABLE = 2, /* an argument could not be read: a hole */
	EVENT_DATAGRAM = 4,   /* net.connect or net.bind of a datagram socket */
	EVENT_UNANNOUNCED = 8, /* the kernel saw it, the shim inside that process did not */
	EVENT_KERNEL = 16,     /* seen by the kernel: path, peer and program are what it used */
	EVENT_STACK_CONTRADICTS = 32, /* checked: the stack is not the one that was announced */
	EVENT_UNHEARD = 64,    /* net.*: no shim spoke from that process at that time, so that nobody
				  knows which names it had resolved */
};

/* How the shim was got round, as the live source made it out: it needs symbols and load addresses
 * that no log has. BYPASS(ID, number, "finding's kind", "rule id", charges the caller of the
 * innermost subject, "completes `its code ...`") */
#define BYPASSES(BYPASS)                                                                           \
	BYPASS(RAW, 1, "bypass", "raw-syscall", false,                                             \
	       "entered the kernel by a system call instruction of its own")                       \
	BYPASS(HOOK, 2, "bypass", "unhooked-libc", true,                                           \
	       "called libc's function past the shim that stands before it")                       \
	BYPASS(MEMORY, 3, "bypass", "anonymous-code", false,                                       \
	       "entered the kernel from memory that no file is mapped to")                         \
	BYPASS(LIBC, 4, "bypass", "second-libc", true,                                             \
	       "called a second copy of libc that the shim does not stand before")                 \
	BYPASS(FORGED, 5, "tamper", "forged-slot", true,                                           \
	       "acted under the announcement of another call")

enum bypass {
	BYPASS_NONE,
#define BYPASS(id, number, kind, name, is_caller, sentence) BYPASS_##id = number,
	BYPASSES(BYPASS)
#undef BYPASS
	BYPASS_KINDS
};

struct item_event {
	uint64_t time_ns;
	uint32_t process, tid;
	uint32_t chain, target;
	int32_t result;
	uint32_t detail;
	uint16_t function;  /* id of ITEM_FUNCTION */
	uint16_t via[WIRE_VIA_MAX]; /* function ids, innermost first, 0 ends */
	uint8_t action;	    /* enum wire_action */
	uint8_t flags;
	uint8_t bypass;	    /* enum bypass */
};

/* Why something could not be seen. HOLE(ID, number, "name in summaries", sentence) */
#define HOLES(HOLE)                                                                                \
	HOLE(LOST, 1, "lost", "records were lost because the ring was full")                       \
	HOLE(GAP, 2, "gap", "a record was begun and never finished")                               \
	HOLE(UNCOVERED, 3, "uncovered", "a process ran without the shim")                          \
	HOLE(EARLY, 4, "early", "calls came before the shim could record")                         \
	HOLE(MISSED, 5, "missed", "calls were passed through unrecorded")                          \
	HOLE(REJECTED, 6, "rejected", "a record was not valid and was thrown away")                \
	HOLE(UNREADABLE, 7, "unreadable", "an argument could not be read or resolved")             \
	HOLE(RUNNING, 8, "running", "a process was still running when the watch ended")            \
	HOLE(TORN, 9, "torn", "the log ends before its end mark")                                  \
	HOLE(KERNEL, 10, "shim-only", "the kernel side is missing: direct system calls and static "\
				      "programs are invisible")                                    \
	HOLE(LOG, 11, "log", "the log could not be written completely")                            \
	HOLE(PARTIAL, 12, "partial-stack", "a stack was cut short before anyone could be charged") \
	HOLE(PROBE, 13, "probe", "a probe could not be attached")                                  \
	HOLE(NAME, 14, "name", "an address was reached whose name could not be known")             \
	HOLE(PYTHON, 15, "python", "Python code ran whose frames were not told: its interpreter "  \
				   "was charged instead")                                          \
	HOLE(EXCHANGE, 16, "exchange", "a connection was made whose order of requests and replies " \
				       "nobody followed")                                          \
	HOLE(SECRETS, 17, "secrets", "somebody may have read a secret and contacted a peer that "  \
				     "was new to him: more was done than is kept in mind")         \
	/* PARTIAL, NAME, EXCHANGE and SECRETS are counted by the pipeline, sources do not yield them */

enum hole_kind {
#define HOLE(id, number, name, sentence) HOLE_##id = number,
	HOLES(HOLE)
#undef HOLE
	HOLE_KINDS
};

struct item_hole {
	uint8_t kind;	     /* enum hole_kind */
	uint8_t family;	     /* enum wire_family where it is known, else WIRE_FAMILIES */
	uint32_t process;    /* process id it happened in, 0 unknown */
	uint32_t chain;	     /* UNCOVERED: who started it */
	uint64_t count;	     /* records, at least 1 */
	uint64_t time_ns;    /* when it was noticed */
	struct str what;     /* UNCOVERED: executable; else details for people */
	struct str reason;   /* UNCOVERED: "static", "at-secure", "other-loader", ... */
};

struct item_end {
	uint64_t time_ns;
	uint64_t events;
	int32_t exit_status; /* of the root process, as a shell would say it */
};

struct item {
	enum item_type type;
	union {
		struct item_run run;
		struct item_policy policy;
		struct item_variable variable;
		struct item_function function;
		struct item_process process;
		struct item_process_end process_end;
		struct item_object object;
		struct item_stack stack;
		struct item_chain chain;
		struct item_target target;
		struct item_name name;
		struct item_event event;
		struct item_hole hole;
		struct item_end end;
	};
};

#endif

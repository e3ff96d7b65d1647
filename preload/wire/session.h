/* SPDX-License-Identifier: Apache-2.0
 *
 * How a process finds its collector and says hello.
 *
 * The session travels in one environment variable:
 *
 *   SOWATCH=1:SOCKET:SECRET:INSTANCE:ORIGIN:SERIAL:RING_KIB:WAIT_MS:FLAGS[:MOUNT[:PATH]]
 *
 *   SOCKET    32 hex digits; the collector listens on the abstract SOCK_SEQPACKET address
 *             "\0sowatch-SOCKET"
 *   SECRET    32 hex digits, repeated in the hello: only the watched tree knows it
 *   INSTANCE  16 hex digits: the process that exec'ed or spawned us (0: sowatch itself)
 *   ORIGIN    8 hex digits: its origin record that says which chain did it (0: none)
 *   SERIAL    8 hex digits: names the one exec or spawn, so that its outcome can be told
 *   RING_KIB  decimal, size of the ring's data area; a power of two, 64..65536
 *   WAIT_MS   decimal, how long a producer may wait for room in a full ring
 *   FLAGS     hex, enum wire_session_flags
 *   MOUNT     decimal, id of the mount that the collector's root is on; 0: not known
 *   PATH      a path socket of the same service, tried when the abstract one is out of reach
 *             (abstract names end at a network namespace, paths do not)
 *
 * The process then creates its ring (wire/ring.h) in a sealed memfd and sends one wire_hello with
 * that descriptor attached. There is no answer: the ring is complete without one, and it survives
 * the process in the collector's accept queue. No descriptor stays open in the process.
 * The collector trusts SO_PEERCRED for the pid, never the hello.
 */
#ifndef SOWATCH_WIRE_SESSION_H
#define SOWATCH_WIRE_SESSION_H

#include <stdint.h>

#define WIRE_MAGIC 0x31686374776f7331ull /* "1sowtch1" */
#define WIRE_VERSION 1u
#define WIRE_SOCKET_PREFIX "sowatch-"
#define WIRE_SECRET_BYTES 16
#define WIRE_ENV_NAME "SOWATCH"

enum wire_session_flags {
	WIRE_SESSION_KERNEL = 1u << 0,	    /* the kernel's records are the events: publish only what
					       it cannot know */
	WIRE_SESSION_USER_PRELOAD = 1u << 1, /* the user had LD_PRELOAD set, perhaps to "" */
	WIRE_SESSION_NO_ENV = 1u << 2,	    /* do not record env.read */
	WIRE_SESSION_NOP = 1u << 3,	    /* hooks pass through and record nothing: benchmarks */
	WIRE_SESSION_EXCHANGE = 1u << 4,    /* follow the order of requests and replies */
};

enum wire_hello_how {
	WIRE_HELLO_EXEC = 1, /* constructor of a new program image */
	WIRE_HELLO_FORK = 2, /* same image, copied address space */
};

struct wire_hello {
	uint64_t magic;
	uint32_t version;
	uint32_t bytes; /* sizeof(struct wire_hello) */
	uint8_t secret[WIRE_SECRET_BYTES];
	uint64_t instance;	  /* this process's name for itself, unique on the host */
	uint64_t parent_instance; /* EXEC: INSTANCE from the variable; FORK: the forking one */
	uint32_t origin;	  /* EXEC: ORIGIN from the variable; FORK: the forking chain's, or 0 */
	uint32_t serial;	  /* EXEC: SERIAL from the variable */
	uint32_t how;		  /* enum wire_hello_how */
	uint32_t pid;		  /* its own idea, may be inside a pid namespace */
	int64_t slot_offset;	  /* struct wire_slot, relative to the thread pointer */
	uint64_t ring_bytes;	  /* whole memfd: header page and data area */
	uint64_t text_start;	  /* the shim's own mapping, so that readers can skip its frames */
	uint64_t text_end;
	uint32_t hooks;		  /* number of entries in the hook table, must equal the collector's */
	uint32_t flags;		  /* enum wire_session_flags in force */
};

_Static_assert(sizeof(struct wire_hello) == 104, "wire_hello is the contract");

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the probes and their loader have in common and nobody else sees.
 */
#ifndef SOWATCH_BPF_SHARED_H
#define SOWATCH_BPF_SHARED_H

#include "../preload/wire/kernel.h"

/* Handlers at the exit of a system call; also the index of the tail call. */
enum call_kind {
	CALL_NONE,
	CALL_OPEN,
	CALL_OPENHOW,
	CALL_CREAT,
	CALL_MEMFD,
	CALL_PATH,
	CALL_MKDIR,
	CALL_TRUNC,
	CALL_FD,
	CALL_PEER,
	CALL_SEND,
	CALL_SENDMSG,
	CALL_SENDMMSG,
	CALL_WRITE,
	CALL_SOCKETCALL,
	CALL_EXEC,
	CALL_CODE,
	CALL_INSPECT,
	CALL_KINDS
};

/* wire/slot.h, wire/session.h and wire/ring.h are for C libraries' <stdint.h>; a test compares. */
struct slot {
	uint64_t chain, sp;
	uint32_t seq;
	uint16_t hook, via_count;
	uint16_t via[4];
};
#define SLOT_REACH (8ull << 20)
#define SLOT_GUEST 0x8000
_Static_assert(sizeof(struct slot) == 32, "wire_slot");

struct hello {
	uint64_t magic;
	uint32_t version, bytes;
	uint8_t secret[16];
	uint64_t instance, parent_instance;
	uint32_t origin, serial, how, pid;
	int64_t slot_offset;
	uint64_t ring_bytes, text_start, text_end;
	uint32_t hooks, flags;
};
_Static_assert(sizeof(struct hello) == 104, "wire_hello");

enum { FAMILY_META, FAMILY_NET, FAMILY_FILE, FAMILY_EXEC, FAMILY_ENV, FAMILIES };

struct probe_options {
	uint64_t magic;
	uint8_t secret[16];
	uint64_t shim_device, shim_inode;
	uint32_t has_shim;
	uint32_t check_every, check_actions;
	uint32_t cpus;
	uint32_t mount_namespace; /* the collector's; 0: not known */
	uint32_t has_objects; /* LSM programs tell about paths: see path.bpf.h */
};

#endif

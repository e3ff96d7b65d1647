/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring: one sealed memfd per process, many producers (threads and signal handlers of the
 * service), one consumer (the collector).
 *
 *   offset 0            struct wire_ring, padded to WIRE_RING_HEADER_BYTES
 *   offset 4096         data area, data_bytes long (a power of two); both sides map it twice in a
 *                       row, so a record never wraps
 *
 * head and tail count bytes for ever; position & (data_bytes - 1) is the place. A producer takes
 * room by moving head with compare-and-swap, fills the record, and commits it by storing
 * wire_head.size last. Consumed memory is zeroed before tail moves: size 0 means "not committed".
 * A record taken but never committed (its thread was killed, or left a signal handler by
 * longjmp) stops the consumer; after a bounded time it skips to head and counts a gap.
 *
 * The consumer believes nothing in here: every field may change while it looks.
 */
#ifndef SOWATCH_WIRE_RING_H
#define SOWATCH_WIRE_RING_H

#include <stdint.h>

#include "barrier.h"

#define WIRE_RING_HEADER_BYTES 4096u
#define WIRE_RING_DATA_MIN (64u << 10)
#define WIRE_RING_DATA_MAX (64u << 20)
#define WIRE_RING_DATA_DEFAULT (2u << 20)
#define WIRE_RECORD_ALIGN 8u
#define WIRE_RECORD_MAX (32u << 10)

/* What lost records are counted by. */
enum wire_family {
	WIRE_FAMILY_META, /* stacks, objects, origins: their loss makes later events partial */
	WIRE_FAMILY_NET,
	WIRE_FAMILY_FILE,
	WIRE_FAMILY_EXEC,
	WIRE_FAMILY_ENV,
	WIRE_FAMILIES,
};

struct wire_ring {
	uint64_t magic; /* WIRE_MAGIC */
	uint32_t version;
	uint32_t header_bytes;
	uint64_t data_bytes;
	uint64_t pad0[5];

	uint64_t head; /* producers, own cache line */
	uint64_t pad1[7];

	uint64_t tail; /* consumer, own cache line */
	uint64_t pad2[7];

	uint64_t lost[WIRE_FAMILIES];  /* records given up because the ring stayed full */
	uint64_t early_calls;	       /* calls before the shim could record anything */
	uint64_t missed_calls;	       /* calls the shim passed through unrecorded for any other reason */
	uint64_t waits;		       /* times a producer had to wait for room */
};

_Static_assert(sizeof(struct wire_ring) == 256, "wire_ring is the contract");
_Static_assert(__builtin_offsetof(struct wire_ring, head) == 64, "head has its own cache line");
_Static_assert(__builtin_offsetof(struct wire_ring, tail) == 128, "tail has its own cache line");

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The consumer's end of one ring (wire/ring.h). Believes nothing: our own tail is the one that
 * counts, every size is read once and checked, a record is copied before anybody looks at it.
 */
#ifndef SOWATCH_SOURCE_RING_READ_H
#define SOWATCH_SOURCE_RING_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "../../preload/wire/event.h"
#include "../../preload/wire/ring.h"

/* A record that was begun and not finished stops us. Its writer may merely wait for a processor:
 * be patient while there is room, less so when the ring runs full. */
#define RING_STUCK_FULL_NS 100000000ull
#define RING_STUCK_NS 1000000000ull

struct ring_counters {
	uint64_t lost[WIRE_FAMILIES], early, missed;
};

struct ring_reader {
	struct wire_ring *ring; /* NULL: no ring */
	uint8_t *data;
	uint64_t data_bytes;
	uint64_t map_bytes;
	uint64_t tail, seen_head;
	uint64_t stuck_since_ns, stuck_head;
	struct ring_counters told; /* what ring_reader_counters() has already answered */
};

enum ring_result {
	RING_EMPTY,
	RING_RECORD,
	RING_GAP, /* records were skipped: begun, never finished */
};

/* Checks seals and size and maps the ring; fd stays the caller's. Negative errno: -EBADF not a
 * memfd, -EPERM not sealed, -EINVAL size or header. */
int ring_reader_map(struct ring_reader *reader, int fd, uint64_t ring_bytes);
void ring_reader_done(struct ring_reader *reader);

/* Takes one record: *ret_size bytes at buffer (WIRE_RECORD_MAX large, aligned to 8). is_final:
 * the writer is dead, nothing unfinished will be finished. -EBADMSG: the ring is not
 * trustworthy any more. */
int ring_reader_next(struct ring_reader *reader, uint64_t now_ns, bool is_final, void *buffer,
		     uint32_t *ret_size);

/* The next record is there, and is no event of that time or later. */
bool ring_reader_is_before(const struct ring_reader *reader, uint64_t time_ns);
/* The next record is the start of a program, then. What it says is anybody's bytes. */
bool ring_reader_is_start(const struct ring_reader *reader, uint64_t *ret_time_ns);

/* What the shim counted since the last call; a counter that runs backwards is hostile and is
 * taken as no change. true when anything is not 0. */
bool ring_reader_counters(struct ring_reader *reader, struct ring_counters *ret_delta);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a ring's header and data: records come out that lie within bounds, or the ring is
 * given up; reading always ends.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../collector/source/ring_read.h"
#include "../../preload/wire/session.h"
#include "fuzz.h"

#define DATA_BYTES WIRE_RING_DATA_MIN
#define RING_BYTES (WIRE_RING_HEADER_BYTES + DATA_BYTES)

/* The seed leaves out what lies between the header's struct and the data area. */
static void place(uint8_t *ring, const uint8_t *data, size_t size)
{
	size_t head = size < sizeof(struct wire_ring) ? size : sizeof(struct wire_ring);

	memcpy(ring, data, head);
	size -= head;
	memcpy(ring + WIRE_RING_HEADER_BYTES, data + head, size < DATA_BYTES ? size : DATA_BYTES);
}

size_t fuzz_seed(unsigned number, uint8_t *buffer, size_t bytes)
{
	struct wire_ring ring = { .magic = WIRE_MAGIC, .version = WIRE_VERSION,
				  .header_bytes = WIRE_RING_HEADER_BYTES, .data_bytes = DATA_BYTES };
	size_t at = sizeof(ring);

	if (number >= 4 || bytes < 16384)
		return 0;
	for (unsigned i = 0; i < 10 + number * 50; i++) {
		struct wire_event event = { .head = { .type = i % (WIRE_EXIT + 1) },
					    .time_ns = i, .pid = 1, .tid = 1, .action = WIRE_FILE_READ };

		event.head.size = sizeof(event) + (i % 3) * 8;
		memset(buffer + at, 'x', event.head.size);
		memcpy(buffer + at, &event, sizeof(event));
		at += event.head.size;
	}
	ring.head = at - sizeof(ring);
	if (number == 3) /* one was begun and never finished */
		memset(buffer + sizeof(ring) + 720, 0, 4);
	memcpy(buffer, &ring, sizeof(ring));
	return at;
}

static void read_all(struct ring_reader *reader)
{
	static uint64_t record[WIRE_RECORD_MAX / sizeof(uint64_t)];
	struct ring_counters counters;
	uint64_t now_ns = 1;
	uint32_t size;

	for (unsigned turns = 0;; turns++) {
		int result = ring_reader_next(reader, now_ns, turns > 8, record, &size);

		if (turns > DATA_BYTES / WIRE_RECORD_ALIGN + 64)
			abort(); /* more records than the ring has room for */
		if (result < 0)
			break;
		if (result == RING_RECORD && (size < sizeof(struct wire_head) || size > sizeof(record)))
			abort();
		if (result == RING_EMPTY && turns > 8)
			break;
		now_ns += RING_STUCK_NS / 2;
	}
	ring_reader_counters(reader, &counters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring_reader reader;
	int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t *ring;

	if (fd < 0 || ftruncate(fd, RING_BYTES))
		abort();
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		abort();
	place(ring, data, size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		abort();
	memset(&reader, 0, sizeof(reader));
	if (!ring_reader_map(&reader, fd, RING_BYTES)) {
		read_all(&reader);
		ring_reader_done(&reader);
	}
	munmap(ring, RING_BYTES);
	close(fd);
	return 0;
}

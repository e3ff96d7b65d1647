/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_read.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "../../preload/wire/session.h"

static int memfd_check(int fd, uint64_t ring_bytes)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	uint64_t data_bytes;
	struct statfs fs;
	struct stat st;

	if (seals < 0)
		return -EBADF;
	/* A hugetlb memfd can be sealed too, but touching it may raise SIGBUS. */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return -EBADF;
	if ((seals & wanted) != wanted)
		return -EPERM;
	if (ring_bytes < WIRE_RING_HEADER_BYTES)
		return -EINVAL;
	data_bytes = ring_bytes - WIRE_RING_HEADER_BYTES;
	if (data_bytes < WIRE_RING_DATA_MIN || data_bytes > WIRE_RING_DATA_MAX)
		return -EINVAL;
	if (data_bytes & (data_bytes - 1))
		return -EINVAL;
	if (fstat(fd, &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size != ring_bytes)
		return -EINVAL;
	return 0;
}

static int header_check(const struct wire_ring *ring, uint64_t data_bytes)
{
	if (wire_peek(&ring->magic) != WIRE_MAGIC || wire_peek(&ring->version) != WIRE_VERSION)
		return -EINVAL;
	if (wire_peek(&ring->header_bytes) != WIRE_RING_HEADER_BYTES)
		return -EINVAL;
	return wire_peek(&ring->data_bytes) == data_bytes ? 0 : -EINVAL;
}

int ring_reader_map(struct ring_reader *reader, int fd, uint64_t ring_bytes)
{
	uint64_t data_bytes = ring_bytes - WIRE_RING_HEADER_BYTES;
	size_t map_bytes;
	uint8_t *map;
	int result = memfd_check(fd, ring_bytes);

	memset(reader, 0, sizeof(*reader));
	if (result < 0)
		return result;
	map_bytes = ring_bytes + data_bytes;
	map = mmap(NULL, map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (mmap(map, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED ||
	    mmap(map + ring_bytes, data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 WIRE_RING_HEADER_BYTES) == MAP_FAILED) {
		result = -errno;
		goto fail;
	}
	result = header_check((struct wire_ring *)map, data_bytes);
	if (result < 0)
		goto fail;
	reader->ring = (struct wire_ring *)map;
	reader->data = map + WIRE_RING_HEADER_BYTES;
	reader->data_bytes = data_bytes;
	reader->map_bytes = map_bytes;
	return 0;
fail:
	munmap(map, map_bytes);
	return result;
}

void ring_reader_done(struct ring_reader *reader)
{
	if (reader->ring)
		munmap(reader->ring, reader->map_bytes);
	memset(reader, 0, sizeof(*reader));
}

static int head_check(const struct ring_reader *reader, uint64_t head)
{
	if (head % WIRE_RECORD_ALIGN || head - reader->tail > reader->data_bytes)
		return -EBADMSG;
	return 0;
}

/* Gives room back: consumed memory is zero before the producers may take it. */
static void reader_consume(struct ring_reader *reader, uint64_t bytes)
{
	memset(reader->data + (reader->tail & (reader->data_bytes - 1)), 0, bytes);
	reader->tail += bytes;
	reader->stuck_since_ns = 0;
	wire_publish(&reader->ring->tail, reader->tail);
}

static int reader_stuck(struct ring_reader *reader, uint64_t now_ns, bool is_final)
{
	uint64_t head = wire_observe(&reader->ring->head);
	uint64_t patience;

	if (head_check(reader, head) < 0)
		return -EBADMSG;
	patience = head - reader->tail > reader->data_bytes / 2 ? RING_STUCK_FULL_NS
								: RING_STUCK_NS;
	if (!is_final) {
		if (!reader->stuck_since_ns) {
			reader->stuck_since_ns = now_ns;
			reader->stuck_head = head;
			return RING_EMPTY;
		}
		/* Nobody else goes on either: a stopped process, not a lost record. */
		if (head == reader->stuck_head || now_ns - reader->stuck_since_ns < patience)
			return RING_EMPTY;
	}
	reader_consume(reader, head - reader->tail);
	reader->seen_head = head;
	return RING_GAP;
}

int ring_reader_next(struct ring_reader *reader, uint64_t now_ns, bool is_final, void *buffer,
		     uint32_t *ret_size)
{
	const uint8_t *place;
	struct wire_head *copy = buffer;
	uint32_t size;

	for (;;) {
		if (reader->tail == reader->seen_head) {
			uint64_t head = wire_observe(&reader->ring->head);

			if (head_check(reader, head) < 0)
				return -EBADMSG;
			if (head == reader->tail)
				return RING_EMPTY;
			reader->seen_head = head;
		}
		place = reader->data + (reader->tail & (reader->data_bytes - 1));
		size = wire_observe(&((const struct wire_head *)place)->size);
		if (!size)
			return reader_stuck(reader, now_ns, is_final);
		if (size % WIRE_RECORD_ALIGN || size < sizeof(struct wire_head) ||
		    size > WIRE_RECORD_MAX)
			return -EBADMSG;
		/* seen_head lies on a record's edge as long as the producers are honest. */
		if (size > reader->seen_head - reader->tail)
			return -EBADMSG;
		memcpy(buffer, place, size);
		copy->size = size; /* it may have changed since it was checked */
		reader_consume(reader, size);
		if (copy->type == WIRE_PAD)
			continue;
		*ret_size = size;
		return RING_RECORD;
	}
}

/* A copy of the fixed part of the next record, if that is an event. *ret_is_there: a record is. */
static bool event_peek(const struct ring_reader *reader, struct wire_event *ret_event,
		       bool *ret_is_there)
{
	uint64_t head = wire_observe(&reader->ring->head);
	const uint8_t *place = reader->data + (reader->tail & (reader->data_bytes - 1));
	uint32_t size = head != reader->tail && !head_check(reader, head)
				? wire_observe(&((const struct wire_head *)place)->size)
				: 0;

	*ret_is_there = size != 0;
	if (size < sizeof(*ret_event) || size > head - reader->tail)
		return false;
	memcpy(ret_event, place, sizeof(*ret_event));
	return ret_event->head.type == WIRE_EVENT;
}

bool ring_reader_is_before(const struct ring_reader *reader, uint64_t time_ns)
{
	struct wire_event event;
	bool is_there;

	return !event_peek(reader, &event, &is_there) ? is_there : event.time_ns < time_ns;
}

bool ring_reader_is_start(const struct ring_reader *reader, uint64_t *ret_time_ns)
{
	struct wire_event event;
	bool is_there;

	if (!event_peek(reader, &event, &is_there) || event.action != WIRE_EXEC_RUN)
		return false;
	*ret_time_ns = event.time_ns;
	return true;
}

static uint64_t counter_delta(const uint64_t *counter, uint64_t *told)
{
	uint64_t now = wire_peek(counter);
	uint64_t delta = now > *told ? now - *told : 0;

	*told += delta;
	return delta;
}

bool ring_reader_counters(struct ring_reader *reader, struct ring_counters *ret_delta)
{
	bool is_any = false;

	for (int i = 0; i < WIRE_FAMILIES; i++) {
		ret_delta->lost[i] = counter_delta(&reader->ring->lost[i], &reader->told.lost[i]);
		is_any |= ret_delta->lost[i] != 0;
	}
	ret_delta->early = counter_delta(&reader->ring->early_calls, &reader->told.early);
	ret_delta->missed = counter_delta(&reader->ring->missed_calls, &reader->told.missed);
	return is_any || ret_delta->early || ret_delta->missed;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The producer's end of a ring, for tests of the consumer: a sealed memfd as the shim makes it,
 * records put in whole, or as bytes of the test's own liking.
 */
#ifndef SOWATCH_TESTS_RINGMAKER_H
#define SOWATCH_TESTS_RINGMAKER_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../preload/wire/event.h"
#include "../../preload/wire/ring.h"
#include "../../preload/wire/session.h"

struct ringmaker {
	int fd;
	struct wire_ring *ring;
	uint8_t *data;
	uint64_t data_bytes, ring_bytes;
};

static inline void ringmaker_open(struct ringmaker *maker, uint64_t data_bytes, int seals)
{
	uint8_t *map;

	maker->data_bytes = data_bytes;
	maker->ring_bytes = WIRE_RING_HEADER_BYTES + data_bytes;
	maker->fd = memfd_create("ringmaker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (maker->fd < 0 || ftruncate(maker->fd, (off_t)maker->ring_bytes) < 0)
		abort();
	map = mmap(NULL, maker->ring_bytes + data_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	if (map == MAP_FAILED ||
	    mmap(map, maker->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, maker->fd,
		 0) == MAP_FAILED ||
	    mmap(map + maker->ring_bytes, data_bytes, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, maker->fd, WIRE_RING_HEADER_BYTES) == MAP_FAILED)
		abort();
	if (seals && fcntl(maker->fd, F_ADD_SEALS, seals) < 0)
		abort();
	maker->ring = (struct wire_ring *)map;
	maker->data = map + WIRE_RING_HEADER_BYTES;
	maker->ring->magic = WIRE_MAGIC;
	maker->ring->version = WIRE_VERSION;
	maker->ring->header_bytes = WIRE_RING_HEADER_BYTES;
	maker->ring->data_bytes = data_bytes;
}

static inline void ringmaker_close(struct ringmaker *maker)
{
	munmap(maker->ring, maker->ring_bytes + maker->data_bytes);
	close(maker->fd);
}

/* Room for bytes (a multiple of 8), not committed; NULL when the ring is full. Any thread. */
static inline void *ringmaker_reserve(struct ringmaker *maker, uint32_t bytes)
{
	uint64_t head = wire_peek(&maker->ring->head);

	do {
		if (head + bytes - wire_observe(&maker->ring->tail) > maker->data_bytes)
			return NULL;
	} while (!__atomic_compare_exchange_n(&maker->ring->head, &head, head + bytes, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return maker->data + (head & (maker->data_bytes - 1));
}

static inline void ringmaker_commit(void *place, uint32_t bytes, uint16_t type, uint16_t flags)
{
	struct wire_head *head = place;

	head->type = type;
	head->flags = flags;
	wire_publish(&head->size, bytes);
}

/* A record in private memory: fixed part, then strings, rounded to 8. */
struct record {
	union {
		uint64_t align[WIRE_RECORD_MAX / 8];
		struct wire_head head;
		struct wire_process process;
		struct wire_object object;
		struct wire_stack stack;
		struct wire_origin origin;
		struct wire_event event;
		struct wire_name name;
		struct wire_exec_failed exec_failed;
		struct wire_cwd cwd;
		struct wire_exit exit;
		uint8_t bytes[WIRE_RECORD_MAX];
	};
	uint32_t len;
};

static inline void record_begin(struct record *record, uint16_t type, uint16_t flags, size_t fixed)
{
	memset(record->bytes, 0, fixed);
	record->head.type = type;
	record->head.flags = flags;
	record->len = (uint32_t)fixed;
}

static inline uint16_t record_add(struct record *record, const void *data, size_t len)
{
	if (len > sizeof(record->bytes) - record->len)
		abort();
	memcpy(record->bytes + record->len, data, len);
	record->len += (uint32_t)len;
	return (uint16_t)len;
}

static inline void record_end(struct record *record)
{
	while (record->len % WIRE_RECORD_ALIGN)
		record->bytes[record->len++] = 0;
	record->head.size = record->len;
}

static inline void record_process(struct record *record, uint32_t pid, const char *exe,
				  const char *cwd, const char *argv, size_t argv_len)
{
	record_begin(record, WIRE_PROCESS, 0, sizeof(record->process));
	record->process.pid = record->process.tid = pid;
	record->process.time_ns = 1;
	record->process.exe_len = record_add(record, exe, strlen(exe));
	record->process.cwd_len = record_add(record, cwd, strlen(cwd));
	record->process.argv_len = record_add(record, argv, argv_len);
	record->process.home_len = record_add(record, "/home/nobody", 12);
	record->process.path_len = record_add(record, "/usr/bin:/bin", 13);
	record_end(record);
}

static inline void record_object(struct record *record, uint32_t id, uint16_t flags,
				 const char *path, const char *soname, const char *build_id)
{
	record_begin(record, WIRE_OBJECT, flags, sizeof(record->object));
	record->object.id = id;
	record->object.path_len = record_add(record, path, strlen(path));
	record->object.soname_len = record_add(record, soname, strlen(soname));
	record->object.build_id_len = record_add(record, build_id, strlen(build_id));
	record_end(record);
}

/* frames: pairs of object, offset */
static inline void record_stack(struct record *record, uint32_t id, uint32_t count, ...)
{
	va_list arguments;

	record_begin(record, WIRE_STACK, 0, sizeof(record->stack));
	record->stack.id = id;
	record->stack.count = count;
	va_start(arguments, count);
	for (uint32_t i = 0; i < count; i++) {
		struct wire_frame frame = { 0 };

		frame.object = va_arg(arguments, unsigned);
		frame.offset = va_arg(arguments, unsigned);
		record_add(record, &frame, sizeof(frame));
	}
	va_end(arguments);
	record_end(record);
}

static inline void record_event(struct record *record, uint8_t action, uint16_t hook,
				uint32_t stack)
{
	record_begin(record, WIRE_EVENT, 0, sizeof(record->event));
	record->event.action = action;
	record->event.hook = hook;
	record->event.stack = stack;
	record->event.time_ns = 2;
	record->event.tid = 77;
}

static inline void record_blob(struct record *record, int number, const void *data, size_t len)
{
	record->event.blob_len[number] = record_add(record, data, len);
}

static inline void ringmaker_put(struct ringmaker *maker, const struct record *record)
{
	uint8_t *place = ringmaker_reserve(maker, record->len);

	if (!place)
		abort();
	memcpy(place + 8, record->bytes + 8, record->len - 8);
	ringmaker_commit(place, record->head.size, record->head.type, record->head.flags);
}

#endif

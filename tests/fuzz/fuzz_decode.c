/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the records of one process: decoding ends, and every item that comes out refers to
 * definitions that came before it.
 */
#include <stdlib.h>
#include <string.h>

#include "../../collector/source/live.h"
#include "fuzz.h"

static struct live live;

static void check(const struct item *item)
{
	switch (item->type) {
	case ITEM_EVENT:
		if (!item->event.chain || item->event.chain > live.chain_count ||
		    !item->event.target || item->event.target > live.target_count ||
		    !item->event.function || item->event.function > live.function_count)
			abort();
		break;
	case ITEM_STACK:
		for (uint32_t i = 0; i < item->stack.count; i++) {
			if (item->stack.frames[i].object > live.object_count)
				abort();
		}
		break;
	case ITEM_CHAIN:
		if (item->chain.stack > live.stack_count || item->chain.parent >= item->chain.id)
			abort();
		break;
	default:
		break;
	}
}

static void drain(void)
{
	const struct item *item;

	while ((item = queue_take(&live.queue)))
		check(item);
	queue_clear(&live.queue);
	lineage_due(&live, true);
	queue_clear(&live.queue);
}

/* A record is a length byte pair, then its bytes behind the head's size. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t record[WIRE_RECORD_MAX / 8];
	struct proc *proc;
	char error[256];

	/* Without packages and, by its own root, without the disk. */
	if (live_init(&live, NULL, "/nonexistent", error, sizeof(error)) < 0)
		abort();
	proc = proc_new(&live, 1, 0, -1);
	if (!proc)
		abort();
	strcpy(proc->view.root, "/nonexistent");
	while (size >= 8) {
		uint32_t len = (uint32_t)(data[0] | data[1] << 8) & 0x7ff8;

		len = len < 8 ? 8 : len;
		len = len > size ? (uint32_t)size & ~7u : len;
		memset(record, 0, sizeof(record));
		memcpy(record, data, len);
		decode_record(&live, proc, record, len);
		data += len;
		size -= len;
		if (live.queue.count > 4096)
			drain();
	}
	drain();
	live_done(&live);
	return 0;
}

static size_t put(uint8_t *buffer, void *record, size_t fixed, const void *more, size_t more_len)
{
	size_t len = (fixed + more_len + 7) & ~(size_t)7;

	((struct wire_head *)record)->size = (uint32_t)len;
	memset(buffer, 0, len);
	memcpy(buffer, record, fixed);
	memcpy(buffer + fixed, more, more_len);
	return len;
}

size_t fuzz_seed(unsigned number, uint8_t *buffer, size_t bytes)
{
	struct wire_process process = { .head = { .type = WIRE_PROCESS }, .pid = 4, .exe_len = 4,
					.cwd_len = 2, .argv_len = 5 };
	struct wire_object object = { .head = { .type = WIRE_OBJECT }, .id = 1, .path_len = 6,
				      .soname_len = 4, .build_id_len = 2 };
	struct wire_stack stack = { .head = { .type = WIRE_STACK }, .id = 1, .count = 2 };
	struct wire_frame frames[2] = { { 0x10, 1, 0 }, { 0x20, 0, 0 } };
	struct wire_origin origin = { .head = { .type = WIRE_ORIGIN }, .id = 1, .stack = 1 };
	struct wire_name name = { .head = { .type = WIRE_NAME }, .name_len = 4, .v4_count = 1 };
	struct wire_event event = { .head = { .type = WIRE_EVENT }, .stack = 1, .origin = 1 };
	struct wire_python python = { .head = { .type = WIRE_PYTHON }, .version = 0x30b,
				      .stdlib_len = 5 };
	struct wire_object code = { .head = { .type = WIRE_OBJECT, .flags = WIRE_OBJECT_PYTHON },
				    .base = 1, .id = 2, .path_len = 10 };
	size_t at = 0;

	if (number >= 4 || bytes < 16384)
		return 0;
	at += put(buffer + at, &process, sizeof(process), "/a/b/cd\0-x\0", 11);
	at += put(buffer + at, &object, sizeof(object), "/l/a.sa.so\1\2", 12);
	at += put(buffer + at, &python, sizeof(python), "/py/3", 5);
	code.head.flags |= (uint16_t)(number & 1 ? WIRE_OBJECT_BY_HAND : WIRE_OBJECT_TOP);
	at += put(buffer + at, &code, sizeof(code), number & 2 ? "<string>\0\0" : "/py/3/x.py", 10);
	at += put(buffer + at, &stack, sizeof(stack), frames, sizeof(frames));
	at += put(buffer + at, &origin, sizeof(origin), "", 0);
	at += put(buffer + at, &name, sizeof(name), "host\177\0\0\1", 8);
	for (uint8_t action = 1; action < WIRE_ACTIONS; action++) {
		event.action = action;
		event.hook = (uint16_t)(action * 7 + number);
		event.serial = action == WIRE_EXEC_RUN ? number : 0;
		event.via_count = action & 3;
		event.blob_len[0] = 16;
		event.blob_len[2] = 4;
		at += put(buffer + at, &event, sizeof(event), "\2\0\0\120\177\0\0\1/../a/b/c/..", 20);
	}
	return at;
}

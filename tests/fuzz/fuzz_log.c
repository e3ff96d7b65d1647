/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the payload of a block that passed its checks (they need no secret), and as a whole
 * log file: items come out, or a fault is told, and every string lies in memory that is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

#include "../../collector/log/frame.h"
#include "../../collector/log/items.h"
#include "../../collector/log/log.h"
#include "fuzz.h"

static unsigned long touched; /* keeps the reads */

static void touch(struct str text)
{
	for (uint32_t i = 0; i < text.len; i++)
		touched += (unsigned char)text.data[i];
}

static void touch_item(const struct item *item)
{
	switch (item->type) {
	case ITEM_RUN:
		touch(item->run.host);
		touch(item->run.service);
		break;
	case ITEM_POLICY:
		touch(item->policy.text);
		break;
	case ITEM_PROCESS:
		touch(item->process.exe);
		touch(item->process.argv);
		touch(item->process.script);
		break;
	case ITEM_OBJECT:
		touch(item->object.path);
		touch(item->object.soname);
		break;
	case ITEM_STACK:
		for (uint32_t i = 0; i < item->stack.count; i++)
			touched += item->stack.frames[i].offset;
		break;
	case ITEM_TARGET:
		touch(item->target.path);
		touch(item->target.argv);
		if (item->target.address_len > sizeof(item->target.address))
			abort();
		break;
	case ITEM_NAME:
		touch(item->name.name);
		if (item->name.address_len > sizeof(item->name.address))
			abort();
		break;
	/* What consumers index tables with. */
	case ITEM_EVENT:
		if (!item->event.action || item->event.action >= WIRE_ACTIONS)
			abort();
		break;
	case ITEM_HOLE:
		touch(item->hole.what);
		if (!item->hole.kind || item->hole.kind >= HOLE_KINDS ||
		    item->hole.family > WIRE_FAMILIES)
			abort();
		break;
	default:
		if (item->type < ITEM_RUN || item->type > ITEM_END)
			abort();
	}
}

static void read_payload(const uint8_t *data, size_t size)
{
	struct log_items *items = log_items_new();
	struct item item;

	if (!items)
		abort();
	if (!log_items_load(items, data, size))
		while (log_items_next(items, &item) == 1)
			touch_item(&item);
	log_items_free(items);
}

static void read_file(const uint8_t *data, size_t size)
{
	struct log_reader *reader = NULL;
	char path[64], error[256] = "";
	struct item item;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!log_open(path, &reader, error, sizeof(error)))
		while (log_next(reader, &item) == 1)
			touch_item(&item);
	else if (!*error)
		abort();
	log_reader_free(reader);
	close(fd);
}

static void write_items(struct log_writer *writer, unsigned number)
{
	struct item_frame frames[2] = { { 1, 0, 0x1234 }, { 1, 0, 0x5678 } };
	struct item items[] = {
		{ .type = ITEM_RUN, .run = { .host = STR_LIT("host"), .service = STR_LIT("service") } },
		{ .type = ITEM_PROCESS, .process = { .id = 1, .how = PROCESS_ROOT, .pid = 7,
						     .exe = STR_LIT("/bin/x"),
						     .argv = STR_LIT("x\0y") } },
		{ .type = ITEM_OBJECT, .object = { .id = 1, .kind = OBJECT_ELF,
						   .path = STR_LIT("/lib/y.so"),
						   .soname = STR_LIT("y.so") } },
		{ .type = ITEM_STACK, .stack = { .id = 1, .count = 2, .frames = frames } },
		{ .type = ITEM_CHAIN, .chain = { .id = 1, .process = 1, .stack = 1 } },
		{ .type = ITEM_TARGET, .target = { .id = 1, .kind = TARGET_PATH,
						   .path = STR_LIT("/etc/passwd"),
						   .asked = STR_LIT("passwd") } },
		{ .type = ITEM_EVENT, .event = { .process = 1, .chain = 1, .target = 1,
						 .action = WIRE_FILE_READ, .time_ns = 5 } },
		{ .type = ITEM_END, .end = { .events = 1 } },
	};

	for (unsigned i = 0; i < sizeof(items) / sizeof(*items); i++)
		for (unsigned j = 0; j <= (items[i].type == ITEM_EVENT ? number * 40 : 0); j++)
			if (log_append(writer, &items[i]))
				abort();
}

/* The first block's payload, unpacked, in place of the log around it. */
static size_t unwrap(uint8_t *buffer, size_t len, size_t bytes)
{
	const size_t start = LOG_HEADER_BYTES + LOG_BLOCK_HEADER_BYTES;
	uint8_t packed[8192];
	struct log_block block;

	if (len < start || log_frame_get_block(buffer + LOG_HEADER_BYTES, &block) != LOG_FRAME_OK ||
	    block.stored_len > sizeof(packed) || start + block.stored_len > len)
		abort();
	memcpy(packed, buffer + start, block.stored_len);
	if (block.flags & LOG_BLOCK_ZSTD)
		return ZSTD_decompress(buffer, bytes, packed, block.stored_len);
	memcpy(buffer, packed, block.stored_len);
	return block.stored_len;
}

static size_t write_log(unsigned number, uint8_t *buffer, size_t bytes)
{
	char path[] = "/tmp/sowatch-fuzz-XXXXXX";
	struct log_writer *writer;
	int fd = mkstemp(path);
	ssize_t len;

	if (fd < 0 || log_create(path, &writer))
		abort();
	write_items(writer, number);
	if (log_close(writer))
		abort();
	len = pread(fd, buffer, bytes, 0);
	close(fd);
	unlink(path);
	if (len <= 0)
		abort();
	return (size_t)len;
}

/* Even: real logs of several lengths; odd: the payload in the one before. */
size_t fuzz_seed(unsigned number, uint8_t *buffer, size_t bytes)
{
	static struct {
		uint8_t data[8192];
		size_t len;
	} seeds[6];

	if (number >= sizeof(seeds) / sizeof(*seeds) || bytes < sizeof(seeds->data))
		return 0;
	if (!seeds[number].len) {
		size_t len = write_log(number / 2, seeds[number].data, sizeof(seeds->data));

		seeds[number].len = number % 2 ? unwrap(seeds[number].data, len, sizeof(seeds->data)) :
						 len;
	}
	memcpy(buffer, seeds[number].data, seeds[number].len);
	return seeds[number].len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_file(data, size);
	read_payload(data, size);
	return 0;
}

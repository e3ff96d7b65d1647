/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader. A log comes from somebody else's machine: every length is checked before memory is
 * taken for it, every block is checked twice (damage, hash chain) before it is unpacked. Reads
 * forward only, so pipes will do.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "frame.h"
#include "items.h"

#define ERROR_BYTES 512

struct log_reader {
	int fd;
	int broken; /* sticky */
	bool is_over; /* end of file reached and told */
	bool is_ended; /* ITEM_END was read */
	bool is_torn;
	char *path;
	uint64_t at;	/* bytes consumed: where the next block begins */
	uint64_t block_at; /* where the block in hand began */
	uint32_t blocks; /* complete ones */
	uint64_t raw_bytes;
	uint64_t last_time;
	uint8_t chain[LOG_HASH_BYTES];
	struct log_items *items;
	ZSTD_DCtx *zstd;
	uint8_t *stored, *raw;
	size_t stored_room, raw_room;
	char error[ERROR_BYTES];
	char torn[128];
};

/* --- errors ------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int fail(struct log_reader *reader, int error,
						      const char *format, ...)
{
	char what[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(reader->error, sizeof(reader->error), "%.200s: block %u at byte %" PRIu64 ": %s",
		 reader->path, reader->blocks, reader->block_at, what);
	reader->broken = error;
	return error;
}

const char *log_error(const struct log_reader *reader)
{
	return reader->error;
}

/* --- opening ------------------------------------------------------------------------------ */

/* Bytes got, fewer only at the end of the file; negative errno. */
static ssize_t read_full(struct log_reader *reader, uint8_t *out, size_t bytes)
{
	size_t done = 0;
	ssize_t part;

	while (done < bytes) {
		part = read(reader->fd, out + done, bytes - done);
		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		if (!part)
			break;
		done += (size_t)part;
	}
	reader->at += done;
	return (ssize_t)done;
}

static int read_header(struct log_reader *reader, char *error, size_t error_bytes)
{
	uint8_t header[LOG_HEADER_BYTES];
	uint16_t major, minor;
	ssize_t got = read_full(reader, header, sizeof(header));

	if (got < 0) {
		snprintf(error, error_bytes, "%s: cannot be read: %s", reader->path,
			 strerror((int)-got));
		return (int)got;
	}
	if ((size_t)got < sizeof(header)) {
		snprintf(error, error_bytes, "%s: not a sowatch log: only %zd of %u header bytes",
			 reader->path, got, LOG_HEADER_BYTES);
		return -EBADMSG;
	}
	switch (log_frame_get_header(header, &major, &minor)) {
	case LOG_FRAME_OK:
		log_frame_first_chain(header, reader->chain);
		return 0;
	case LOG_FRAME_VERSION:
		snprintf(error, error_bytes,
			 "%s: a log of format %u.%u, this sowatch reads format %u", reader->path,
			 major, minor, LOG_MAJOR);
		return -EPROTONOSUPPORT;
	case LOG_FRAME_FOREIGN:
		snprintf(error, error_bytes, "%s: not a sowatch log", reader->path);
		return -EBADMSG;
	default:
		snprintf(error, error_bytes, "%s: the file header at byte 0 is damaged",
			 reader->path);
		return -EBADMSG;
	}
}

int log_open(const char *path, struct log_reader **ret_reader, char *error, size_t error_bytes)
{
	struct log_reader *reader = calloc(1, sizeof(*reader));
	int result = -ENOMEM;

	if (reader) {
		reader->fd = -1;
		reader->path = strdup(path);
		reader->items = log_items_new();
		reader->zstd = ZSTD_createDCtx();
	}
	if (!reader || !reader->path || !reader->items || !reader->zstd || sodium_init() < 0) {
		snprintf(error, error_bytes, "%s: out of memory", path);
		goto fail;
	}
	reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (reader->fd < 0) {
		result = -errno;
		snprintf(error, error_bytes, "%s: cannot be opened: %s", path, strerror(-result));
		goto fail;
	}
	result = read_header(reader, error, error_bytes);
	if (result)
		goto fail;
	*ret_reader = reader;
	return 0;
fail:
	log_reader_free(reader);
	return result;
}

void log_reader_free(struct log_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	log_items_free(reader->items);
	ZSTD_freeDCtx(reader->zstd);
	free(reader->stored);
	free(reader->raw);
	free(reader->path);
	free(reader);
}

/* --- blocks ------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* A crashed machine may leave a tail of zeros: the file's length was written, its data not yet.
 * 1: from here to the end there is nothing else. */
static int is_zero_tail(struct log_reader *reader, const uint8_t *head)
{
	uint8_t bytes[4096];
	ssize_t got;

	if (!is_zero(head, LOG_BLOCK_HEADER_BYTES))
		return 0;
	do {
		got = read_full(reader, bytes, sizeof(bytes));
		if (got < 0)
			return (int)got;
		if (!is_zero(bytes, (size_t)got))
			return 0;
	} while ((size_t)got == sizeof(bytes));
	return 1;
}

__attribute__((format(printf, 2, 3))) static int set_torn(struct log_reader *reader,
							  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->torn, sizeof(reader->torn), format, arguments);
	va_end(arguments);
	reader->is_torn = true;
	return 0;
}

static int make_room(struct log_reader *reader, uint8_t **buffer, size_t *room, size_t bytes)
{
	if (bytes <= *room)
		return 0;
	free(*buffer);
	*room = 0;
	*buffer = malloc(bytes);
	if (!*buffer)
		return fail(reader, -ENOMEM, "out of memory for %zu bytes", bytes);
	*room = bytes;
	return 0;
}

/* 1: a header that may be believed; 0: the file ends here. */
static int read_block_header(struct log_reader *reader, uint8_t head[LOG_BLOCK_HEADER_BYTES],
			     struct log_block *block)
{
	ssize_t got;
	int tail;

	reader->block_at = reader->at;
	got = read_full(reader, head, LOG_BLOCK_HEADER_BYTES);
	if (got < 0)
		return fail(reader, (int)got, "cannot be read: %s", strerror((int)-got));
	if (!got)
		return reader->is_ended ? 0 : set_torn(reader, "no end mark");
	if ((size_t)got < LOG_BLOCK_HEADER_BYTES)
		return set_torn(reader, "block %u at byte %" PRIu64 " is cut off in its header",
				reader->blocks, reader->block_at);
	switch (log_frame_get_block(head, block)) {
	case LOG_FRAME_OK:
		return 1;
	case LOG_FRAME_FOREIGN:
		tail = is_zero_tail(reader, head);
		if (tail < 0)
			return fail(reader, tail, "cannot be read: %s", strerror(-tail));
		if (tail)
			return set_torn(reader, "nothing but zeros from byte %" PRIu64 " on",
					reader->block_at);
		return fail(reader, -EBADMSG, "no block begins here");
	case LOG_FRAME_TOO_LONG:
		return fail(reader, -EBADMSG, "claims %u bytes stored and %u unpacked, at most %u",
			    block->stored_len, block->raw_len, LOG_BLOCK_MAX);
	default:
		return fail(reader, -EBADMSG, "its header is damaged");
	}
}

/* 1: payload in reader->stored, checked; 0: torn. */
static int read_payload(struct log_reader *reader, const uint8_t head[LOG_BLOCK_HEADER_BYTES],
			const struct log_block *block)
{
	ssize_t got;
	int error;

	error = make_room(reader, &reader->stored, &reader->stored_room, block->stored_len);
	if (error)
		return error;
	got = read_full(reader, reader->stored, block->stored_len);
	if (got < 0)
		return fail(reader, (int)got, "cannot be read: %s", strerror((int)-got));
	if ((size_t)got < block->stored_len)
		return set_torn(reader, "block %u at byte %" PRIu64 " is cut off: %zd of %u bytes",
				reader->blocks, reader->block_at, got, block->stored_len);
	if (!log_frame_is_intact(block, reader->stored))
		return fail(reader, -EBADMSG, "its %u bytes are damaged", block->stored_len);
	if (block->number != reader->blocks)
		return fail(reader, -EBADMSG, "says it is block %u: blocks were taken out or moved",
			    block->number);
	if (!log_frame_is_chained(block, head, reader->stored, reader->chain))
		return fail(reader, -EBADMSG, "does not continue the hash chain: the log was altered");
	return 1;
}

static int unpack(struct log_reader *reader, const struct log_block *block)
{
	const uint8_t *raw = reader->stored;
	size_t got = block->stored_len;
	int error;

	if (block->flags & ~LOG_BLOCK_FLAGS)
		return fail(reader, -EPROTONOSUPPORT, "flags 0x%x are of a newer sowatch",
			    block->flags);
	if (block->flags & LOG_BLOCK_ZSTD) {
		error = make_room(reader, &reader->raw, &reader->raw_room, block->raw_len);
		if (error)
			return error;
		/* In one go into a buffer of the size that was checked: zstd takes no window of its
		 * own, whatever the frame asks for. */
		got = ZSTD_decompressDCtx(reader->zstd, reader->raw, block->raw_len, reader->stored,
					  block->stored_len);
		if (ZSTD_isError(got))
			return fail(reader, -EBADMSG, "cannot be decompressed: %s",
				    ZSTD_getErrorName(got));
		raw = reader->raw;
	}
	if (got != block->raw_len)
		return fail(reader, -EBADMSG, "unpacks to %zu bytes, not the %u it claims", got,
			    block->raw_len);
	error = log_items_load(reader->items, raw, got);
	if (error)
		return fail(reader, error, "%s", log_items_fault(reader->items));
	if (log_items_events(reader->items) != block->events)
		return fail(reader, -EBADMSG, "holds %u events, not the %u it claims",
			    log_items_events(reader->items), block->events);
	return 1;
}

/* 1: its items are loaded (none, when its type is not known here); 0: end of file. */
static int next_block(struct log_reader *reader)
{
	uint8_t head[LOG_BLOCK_HEADER_BYTES];
	struct log_block block;
	int result;

	result = read_block_header(reader, head, &block);
	if (result > 0)
		result = read_payload(reader, head, &block);
	if (result > 0 && block.type == LOG_BLOCK_ITEMS)
		result = unpack(reader, &block);
	if (result > 0) {
		reader->blocks++;
		reader->raw_bytes += block.raw_len;
	}
	return result;
}

/* --- items -------------------------------------------------------------------------------- */

/* Once, when the end was not the end the writer meant. */
static int finish(struct log_reader *reader, struct item *ret_item)
{
	struct item_hole hole = { .kind = HOLE_TORN,
				  .family = WIRE_FAMILIES,
				  .count = 1,
				  .time_ns = reader->last_time,
				  .reason = STR_LIT("") };

	if (reader->is_over || !reader->is_torn) {
		reader->is_over = true;
		return 0;
	}
	reader->is_over = true;
	hole.what = (struct str){ reader->torn, (uint32_t)strlen(reader->torn) };
	ret_item->type = ITEM_HOLE;
	ret_item->hole = hole;
	return 1;
}

int log_next(struct log_reader *reader, struct item *ret_item)
{
	int result;

	if (reader->broken)
		return reader->broken;
	while (!(result = log_items_next(reader->items, ret_item))) {
		if (reader->is_over || reader->is_torn)
			return finish(reader, ret_item);
		result = next_block(reader);
		if (result < 0)
			return result;
		if (!result)
			return finish(reader, ret_item);
	}
	if (result < 0) {
		reader->blocks--; /* the one in hand, which was counted when it was loaded */
		return fail(reader, result, "%s", log_items_fault(reader->items));
	}
	if (reader->is_ended)
		return fail(reader, -EBADMSG, "items after the end mark");
	if (ret_item->type == ITEM_EVENT)
		reader->last_time = ret_item->event.time_ns;
	else if (ret_item->type == ITEM_END)
		reader->is_ended = true;
	return 1;
}

void log_extent(const struct log_reader *reader, struct log_extent *ret)
{
	ret->blocks = reader->blocks;
	ret->bytes = reader->at;
	ret->raw_bytes = reader->raw_bytes;
	ret->is_ended = reader->is_ended;
	ret->is_torn = reader->is_torn;
	memcpy(ret->chain, reader->chain, sizeof(ret->chain));
}

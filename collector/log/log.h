/* SPDX-License-Identifier: Apache-2.0
 *
 * The event log: append-only, self-contained. See log/README.md for the frame.
 */
#ifndef SOWATCH_LOG_H
#define SOWATCH_LOG_H

#include "../item.h"

struct log_writer;
struct log_reader;

/* Creates path (must not exist unless it is empty or not a regular file). Negative errno: -EEXIST,
 * -EBUSY (another writer has it), ... Whoever writes logs ignores SIGXFSZ and SIGPIPE. */
int log_create(const char *path, struct log_writer **ret_writer);
/* Appends one item; blocks are written when full or when log_flush() is called. Negative errno of
 * a failed write (ENOSPC): the writer is then broken, what was written stays readable, further
 * appends return the same errno. -EINVAL and -EMSGSIZE (32 MiB of strings in one item) do not break
 * the writer: the item is left out, because a reader could not give it back. */
int log_append(struct log_writer *writer, const struct item *item);
int log_flush(struct log_writer *writer);
/* Flushes and closes; the writer is gone afterwards whatever the result. */
int log_close(struct log_writer *writer);

int log_open(const char *path, struct log_reader **ret_reader, char *error, size_t error_bytes);
/* 1 item, 0 end of file; -EBADMSG damaged: log_error() says where (byte offset, block number);
 * a torn tail (the last block incomplete) yields ITEM_HOLE HOLE_TORN and then 0. */
int log_next(struct log_reader *reader, struct item *ret_item);
const char *log_error(const struct log_reader *reader);
void log_reader_free(struct log_reader *reader);

/* How far the reader has come. */
struct log_extent {
	uint64_t blocks, bytes, raw_bytes; /* raw: before compression */
	bool is_ended, is_torn;
	uint8_t chain[32]; /* hash chain after the last block read */
};
void log_extent(const struct log_reader *reader, struct log_extent *ret);

#endif

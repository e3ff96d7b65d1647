/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer: items pend in memory, a block is one write. After the first failure the file is cut
 * back to its last whole block and the writer stays broken, so that what is on disk is always a
 * prefix of the run and never a run with something missing in the middle.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "frame.h"
#include "pending.h"

/* Columns leave so little to find that higher levels cost time and gain next to nothing, see the
 * measurements in README.md. */
#define ZSTD_LEVEL 1

struct log_writer {
	int fd;
	int broken;	 /* negative errno of the failure, 0: fine */
	bool is_ended;	 /* ITEM_END was appended */
	off_t whole;	 /* the file up to here is whole blocks */
	uint32_t blocks;
	uint8_t chain[LOG_HASH_BYTES];
	struct log_pending *pending;
	ZSTD_CCtx *zstd;
	uint8_t *raw, *stored; /* stored begins with room for the block header */
	size_t raw_room, stored_room;
};

static int write_all(struct log_writer *writer, const uint8_t *data, size_t bytes)
{
	size_t done = 0;
	ssize_t part;
	int error = 0;

	while (done < bytes) {
		part = write(writer->fd, data + done, bytes - done);
		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0) {
			error = part < 0 ? -errno : -EIO;
			break;
		}
		done += (size_t)part;
	}
	if (!error) {
		writer->whole += (off_t)bytes;
		return 0;
	}
	/* Best effort: a reader copes with a torn tail as well. Fails on what is not a file. */
	if (done && ftruncate(writer->fd, writer->whole) < 0)
		return error;
	return error;
}

/* Only what nobody has written to; the lock keeps a second writer from an empty file. */
static int open_target(const char *path)
{
	struct stat stat;
	int fd, error;

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) < 0)
		error = -errno;
	else if (!S_ISREG(stat.st_mode))
		return fd;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		error = -EBUSY;
	else if (fstat(fd, &stat) < 0)
		error = -errno;
	else if (stat.st_size)
		error = -EEXIST;
	else
		return fd;
	close(fd);
	return error;
}

static void writer_free(struct log_writer *writer)
{
	log_pending_free(writer->pending);
	ZSTD_freeCCtx(writer->zstd);
	free(writer->raw);
	free(writer->stored);
	free(writer);
}

static int write_header(struct log_writer *writer)
{
	uint8_t header[LOG_HEADER_BYTES];

	log_frame_put_header(header);
	log_frame_first_chain(header, writer->chain);
	return write_all(writer, header, sizeof(header));
}

int log_create(const char *path, struct log_writer **ret_writer)
{
	struct log_writer *writer;
	int error = -ENOMEM;

	if (sodium_init() < 0)
		return -ENOSYS;
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->pending = log_pending_new();
	writer->zstd = ZSTD_createCCtx();
	if (!writer->pending || !writer->zstd)
		goto fail;
	writer->fd = open_target(path);
	if (writer->fd < 0) {
		error = writer->fd;
		goto fail;
	}
	error = write_header(writer);
	if (error) {
		close(writer->fd);
		goto fail;
	}
	*ret_writer = writer;
	return 0;
fail:
	writer_free(writer);
	return error;
}

static int make_room(uint8_t **buffer, size_t *room, size_t bytes)
{
	uint8_t *grown;

	if (bytes <= *room)
		return 0;
	/* Not realloc: the old content is not needed. */
	grown = malloc(bytes);
	if (!grown)
		return -ENOMEM;
	free(*buffer);
	*buffer = grown;
	*room = bytes;
	return 0;
}

/* Packs, compresses and frames what is pending, into writer->stored; block tells the rest. */
static int build_block(struct log_writer *writer, struct log_block *block)
{
	size_t raw = log_pending_size(writer->pending), bound = ZSTD_compressBound(raw), packed;
	uint8_t *payload;
	int error;

	if (raw > LOG_BLOCK_MAX)
		return -EMSGSIZE;
	error = make_room(&writer->raw, &writer->raw_room, raw);
	if (!error)
		error = make_room(&writer->stored, &writer->stored_room,
				  LOG_BLOCK_HEADER_BYTES + bound);
	if (error)
		return error;
	log_pending_pack(writer->pending, writer->raw);
	payload = writer->stored + LOG_BLOCK_HEADER_BYTES;
	packed = ZSTD_compressCCtx(writer->zstd, payload, bound, writer->raw, raw, ZSTD_LEVEL);
	if (ZSTD_isError(packed))
		return -ENOMEM; /* the bound was respected: nothing else is left to fail */
	*block = (struct log_block){
		.type = LOG_BLOCK_ITEMS,
		.number = writer->blocks,
		.raw_len = (uint32_t)raw,
		.events = log_pending_events(writer->pending),
		.first_time_ns = log_pending_first_time(writer->pending),
	};
	if (packed < raw) {
		block->flags = LOG_BLOCK_ZSTD;
		block->stored_len = (uint32_t)packed;
	} else {
		memcpy(payload, writer->raw, raw);
		block->stored_len = (uint32_t)raw;
	}
	return 0;
}

int log_flush(struct log_writer *writer)
{
	struct log_block block;

	if (writer->broken || log_pending_is_empty(writer->pending))
		return writer->broken;
	writer->broken = build_block(writer, &block);
	if (writer->broken)
		return writer->broken;
	log_frame_put_block(&block, writer->stored + LOG_BLOCK_HEADER_BYTES, writer->chain,
			    writer->stored);
	writer->broken = write_all(writer, writer->stored, LOG_BLOCK_HEADER_BYTES + block.stored_len);
	writer->blocks++;
	log_pending_clear(writer->pending);
	return writer->broken;
}

int log_append(struct log_writer *writer, const struct item *item)
{
	int error;

	if (writer->broken)
		return writer->broken;
	if (writer->is_ended)
		return -EINVAL;
	error = log_pending_add(writer->pending, item);
	if (error == -ENOMEM)
		writer->broken = error;
	if (error)
		return error;
	writer->is_ended = item->type == ITEM_END;
	return log_pending_is_full(writer->pending) ? log_flush(writer) : 0;
}

int log_close(struct log_writer *writer)
{
	int error = log_flush(writer);

	/* A pipe or a device cannot be synchronised: nothing is lost by that. */
	if (!error && fsync(writer->fd) < 0 && errno != EINVAL && errno != EROFS)
		error = -errno;
	if (close(writer->fd) < 0 && !error && errno != EINTR)
		error = -errno;
	writer_free(writer);
	return error;
}

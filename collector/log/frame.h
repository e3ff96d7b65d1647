/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a log file, see README.md: header, then blocks, each with its own check and a link
 * of the hash chain. No I/O in here; what is read is checked before a length in it is believed.
 */
#ifndef SOWATCH_LOG_FRAME_H
#define SOWATCH_LOG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_MAJOR 1 /* readers refuse any other */
#define LOG_MINOR 0 /* readers do not care: what they do not know they skip */

#define LOG_HEADER_BYTES 32u
#define LOG_BLOCK_HEADER_BYTES 80u
#define LOG_HASH_BYTES 32u

/* No block holds more, packed or not. Part of the format: writers keep below, readers refuse. */
#define LOG_BLOCK_MAX (64u << 20)
/* One item may bring this many bytes of strings and frames: what is pending fits beside it. */
#define LOG_ITEM_MAX (32u << 20)

enum log_block_type {
	LOG_BLOCK_ITEMS = 1,
	LOG_BLOCK_SEAL = 2, /* Ed25519 over the chain hash before it; reserved, readers skip it */
};

enum log_block_flags {
	LOG_BLOCK_ZSTD = 1, /* the payload is one zstd frame, else it is stored as it is */
	LOG_BLOCK_FLAGS = 1,
};

struct log_block {
	uint8_t type;
	uint8_t flags;
	uint32_t number; /* 0, 1, 2, ... whatever the type */
	uint32_t raw_len, stored_len;
	uint32_t events;	/* in this block */
	uint64_t first_time_ns; /* of its first event, 0 when it has none */
	uint64_t check;		/* XXH3-64 of the stored bytes */
	uint8_t chain[LOG_HASH_BYTES];
};

enum log_frame_result {
	LOG_FRAME_OK,
	LOG_FRAME_FOREIGN,  /* not our magic */
	LOG_FRAME_DAMAGED,  /* our magic, but the header's own check fails */
	LOG_FRAME_VERSION,  /* another major version */
	LOG_FRAME_TOO_LONG, /* a length beyond LOG_BLOCK_MAX */
};

/* File header. The hash chain starts with its hash. */
void log_frame_put_header(uint8_t out[LOG_HEADER_BYTES]);
enum log_frame_result log_frame_get_header(const uint8_t in[LOG_HEADER_BYTES], uint16_t *ret_major,
					   uint16_t *ret_minor);
void log_frame_first_chain(const uint8_t header[LOG_HEADER_BYTES], uint8_t ret[LOG_HASH_BYTES]);

/* Block header. Writing computes check and chain over payload (block->stored_len bytes) and leaves
 * the new chain hash in chain, which holds the one before. */
void log_frame_put_block(struct log_block *block, const uint8_t *payload,
			 uint8_t chain[LOG_HASH_BYTES], uint8_t out[LOG_BLOCK_HEADER_BYTES]);
/* Looks at the header alone. */
enum log_frame_result log_frame_get_block(const uint8_t in[LOG_BLOCK_HEADER_BYTES],
					  struct log_block *ret);
/* The two checks of the payload; the second moves chain on. */
bool log_frame_is_intact(const struct log_block *block, const uint8_t *payload);
bool log_frame_is_chained(const struct log_block *block, const uint8_t in[LOG_BLOCK_HEADER_BYTES],
			  const uint8_t *payload, uint8_t chain[LOG_HASH_BYTES]);

#endif

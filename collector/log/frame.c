/* SPDX-License-Identifier: Apache-2.0
 *
 * Byte layout and hashes of header and blocks; README.md has the table. Little-endian throughout.
 */
#include "frame.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>
#include <xxhash.h>

/* A byte above 127, both line ends and an end-of-file byte: a transfer that touches text shows. */
static const uint8_t file_magic[8] = { 0x89, 'S', 'W', 'L', '\r', '\n', 0x1a, '\n' };
static const uint8_t block_magic[4] = { 'S', 'W', 'L', 'B' };

#define HEADER_CHECKED 24u /* bytes before the header's check */
#define BLOCK_CHECK_AT 72u /* bytes before the block header's own check */
#define BLOCK_HASHED 40u   /* bytes before the chain hash: what it covers */

static void put16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

void log_frame_put_header(uint8_t out[LOG_HEADER_BYTES])
{
	memset(out, 0, LOG_HEADER_BYTES);
	memcpy(out, file_magic, sizeof(file_magic));
	put16(out + 8, LOG_MAJOR);
	put16(out + 10, LOG_MINOR);
	put64(out + HEADER_CHECKED, XXH3_64bits(out, HEADER_CHECKED));
}

enum log_frame_result log_frame_get_header(const uint8_t in[LOG_HEADER_BYTES], uint16_t *ret_major,
					   uint16_t *ret_minor)
{
	if (memcmp(in, file_magic, sizeof(file_magic)))
		return LOG_FRAME_FOREIGN;
	if (get64(in + HEADER_CHECKED) != XXH3_64bits(in, HEADER_CHECKED))
		return LOG_FRAME_DAMAGED;
	*ret_major = get16(in + 8);
	*ret_minor = get16(in + 10);
	return *ret_major == LOG_MAJOR ? LOG_FRAME_OK : LOG_FRAME_VERSION;
}

void log_frame_first_chain(const uint8_t header[LOG_HEADER_BYTES], uint8_t ret[LOG_HASH_BYTES])
{
	crypto_generichash(ret, LOG_HASH_BYTES, header, LOG_HEADER_BYTES, NULL, 0);
}

static void chain_on(uint8_t chain[LOG_HASH_BYTES], const uint8_t *header, const uint8_t *payload,
		     uint32_t bytes)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, LOG_HASH_BYTES);
	crypto_generichash_update(&state, chain, LOG_HASH_BYTES);
	crypto_generichash_update(&state, header, BLOCK_HASHED);
	crypto_generichash_update(&state, payload, bytes);
	crypto_generichash_final(&state, chain, LOG_HASH_BYTES);
}

void log_frame_put_block(struct log_block *block, const uint8_t *payload,
			 uint8_t chain[LOG_HASH_BYTES], uint8_t out[LOG_BLOCK_HEADER_BYTES])
{
	block->check = XXH3_64bits(payload, block->stored_len);
	memset(out, 0, LOG_BLOCK_HEADER_BYTES);
	memcpy(out, block_magic, sizeof(block_magic));
	out[4] = block->type;
	out[5] = block->flags;
	put32(out + 8, block->number);
	put32(out + 12, block->raw_len);
	put32(out + 16, block->stored_len);
	put32(out + 20, block->events);
	put64(out + 24, block->first_time_ns);
	put64(out + 32, block->check);
	chain_on(chain, out, payload, block->stored_len);
	memcpy(block->chain, chain, LOG_HASH_BYTES);
	memcpy(out + BLOCK_HASHED, chain, LOG_HASH_BYTES);
	put64(out + BLOCK_CHECK_AT, XXH3_64bits(out, BLOCK_CHECK_AT));
}

enum log_frame_result log_frame_get_block(const uint8_t in[LOG_BLOCK_HEADER_BYTES],
					  struct log_block *ret)
{
	if (memcmp(in, block_magic, sizeof(block_magic)))
		return LOG_FRAME_FOREIGN;
	if (get64(in + BLOCK_CHECK_AT) != XXH3_64bits(in, BLOCK_CHECK_AT))
		return LOG_FRAME_DAMAGED;
	ret->type = in[4];
	ret->flags = in[5];
	ret->number = get32(in + 8);
	ret->raw_len = get32(in + 12);
	ret->stored_len = get32(in + 16);
	ret->events = get32(in + 20);
	ret->first_time_ns = get64(in + 24);
	ret->check = get64(in + 32);
	memcpy(ret->chain, in + BLOCK_HASHED, LOG_HASH_BYTES);
	if (ret->raw_len > LOG_BLOCK_MAX || ret->stored_len > LOG_BLOCK_MAX)
		return LOG_FRAME_TOO_LONG;
	return LOG_FRAME_OK;
}

bool log_frame_is_intact(const struct log_block *block, const uint8_t *payload)
{
	return XXH3_64bits(payload, block->stored_len) == block->check;
}

bool log_frame_is_chained(const struct log_block *block, const uint8_t in[LOG_BLOCK_HEADER_BYTES],
			  const uint8_t *payload, uint8_t chain[LOG_HASH_BYTES])
{
	chain_on(chain, in, payload, block->stored_len);
	return !memcmp(chain, block->chain, LOG_HASH_BYTES);
}

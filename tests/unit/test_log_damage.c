/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs that are cut, flipped, rearranged, forged, or written by a newer sowatch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "collector/log/frame.h"
#include "collector/log/log.h"
#include "made.h"

#define ITEMS 60
#define FILE_MAX (64u << 10)

static char path[] = "/tmp/sowatch-test-damage-XXXXXX";
static uint8_t whole[FILE_MAX];
static size_t whole_bytes;
static struct made made[ITEMS];

/* Four blocks of short items: small enough to try every byte of it. */
static int setup(void **state)
{
	struct random random = { 48 };
	struct log_writer *writer;
	int fd = mkstemp(path);
	ssize_t got;

	(void)state;
	if (log_create(path, &writer))
		return -1;
	for (unsigned i = 0; i < ITEMS; i++) {
		made_item(&made[i], &random,
			  i == ITEMS - 1 ? ITEM_END :
			  i % 9 ? ITEM_EVENT : (enum item_type)(ITEM_POLICY + i % 11));
		if (made[i].item.type == ITEM_STACK)
			made[i].item.stack.count %= 8;
		if (log_append(writer, &made[i].item) || (i % 17 == 16 && log_flush(writer)))
			return -1;
	}
	if (log_close(writer))
		return -1;
	got = read(fd, whole, sizeof(whole));
	close(fd);
	whole_bytes = got > 0 ? (size_t)got : 0;
	return whole_bytes > 1000 && whole_bytes < FILE_MAX ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ITEMS; i++)
		made_free(&made[i]);
	return unlink(path);
}

struct outcome {
	int opened, ended; /* results of log_open and of the last log_next */
	unsigned items;	   /* without the hole that tells of a torn tail */
	bool is_torn;
	char error[512];
};

static void store(const uint8_t *bytes, size_t count)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	close(fd);
}

/* Reads it all; what comes must be the items that were written, in order, from the first. */
static void read_all(const uint8_t *bytes, size_t count, bool is_compared, struct outcome *ret)
{
	struct log_reader *reader;
	struct item item;
	const char *field;

	memset(ret, 0, sizeof(*ret));
	store(bytes, count);
	ret->opened = log_open(path, &reader, ret->error, sizeof(ret->error));
	if (ret->opened)
		return;
	while ((ret->ended = log_next(reader, &item)) > 0) {
		assert_false(ret->is_torn);
		if (item.type == ITEM_HOLE && item.hole.kind == HOLE_TORN &&
		    item.hole.what.len && !(ret->items < ITEMS &&
		    !items_differ(&made[ret->items].item, &item))) {
			ret->is_torn = true;
			continue;
		}
		if (is_compared) {
			assert_true(ret->items < ITEMS);
			field = items_differ(&made[ret->items].item, &item);
			if (field)
				fail_msg("item %u: %s differs", ret->items, field);
		}
		ret->items++;
	}
	if (ret->ended < 0)
		snprintf(ret->error, sizeof(ret->error), "%s", log_error(reader));
	/* The end is for ever. */
	assert_int_equal(log_next(reader, &item), ret->ended);
	log_reader_free(reader);
}

static void test_whole(void **state)
{
	struct outcome outcome;

	(void)state;
	read_all(whole, whole_bytes, true, &outcome);
	assert_int_equal(outcome.opened, 0);
	assert_int_equal(outcome.ended, 0);
	assert_int_equal(outcome.items, ITEMS);
	assert_false(outcome.is_torn);
}

static void test_cut_at_every_byte(void **state)
{
	struct outcome outcome;
	unsigned before = 0;

	(void)state;
	for (size_t bytes = 0; bytes < whole_bytes; bytes++) {
		read_all(whole, bytes, true, &outcome);
		if (bytes < LOG_HEADER_BYTES) {
			assert_int_equal(outcome.opened, -EBADMSG);
			continue;
		}
		assert_int_equal(outcome.opened, 0);
		assert_int_equal(outcome.ended, 0);
		assert_true(outcome.is_torn);
		assert_true(outcome.items >= before);
		before = outcome.items;
	}
	assert_true(before >= 51); /* three of the four blocks */
}

static void test_every_flipped_bit_shows(void **state)
{
	uint8_t *bytes = malloc(whole_bytes);
	struct outcome outcome;

	(void)state;
	memcpy(bytes, whole, whole_bytes);
	for (size_t bit = 0; bit < whole_bytes * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		read_all(bytes, whole_bytes, true, &outcome);
		if (!outcome.opened && outcome.ended >= 0)
			fail_msg("bit %zu of byte %zu went unnoticed", bit % 8, bit / 8);
		assert_int_equal(outcome.opened ? outcome.opened : outcome.ended, -EBADMSG);
		assert_non_null(strstr(outcome.error, path));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bytes);
}

static void test_tail_of_zeros_is_torn(void **state)
{
	static const size_t extra[] = { 80, 81, 4096, 5000, 20000 };
	uint8_t *bytes = calloc(1, whole_bytes + 20000);
	struct outcome outcome;

	(void)state;
	memcpy(bytes, whole, whole_bytes);
	for (unsigned i = 0; i < sizeof(extra) / sizeof(extra[0]); i++) {
		read_all(bytes, whole_bytes + extra[i], true, &outcome);
		assert_int_equal(outcome.ended, 0);
		assert_int_equal(outcome.items, ITEMS);
		assert_true(outcome.is_torn);
	}
	bytes[whole_bytes + 19999] = 1;
	read_all(bytes, whole_bytes + 20000, true, &outcome);
	assert_int_equal(outcome.ended, -EBADMSG);
	free(bytes);
}

/* --- rearranged --------------------------------------------------------------------------- */

struct piece {
	size_t at, bytes;
};

static unsigned find_blocks(struct piece *pieces, unsigned max)
{
	struct log_block block;
	unsigned count = 0;

	for (size_t at = LOG_HEADER_BYTES; at < whole_bytes; count++) {
		assert_true(count < max);
		assert_int_equal(log_frame_get_block(whole + at, &block), LOG_FRAME_OK);
		pieces[count].at = at;
		pieces[count].bytes = LOG_BLOCK_HEADER_BYTES + block.stored_len;
		at += pieces[count].bytes;
	}
	return count;
}

static void check_order(const struct piece *pieces, const char *order, const char *says)
{
	uint8_t *bytes = malloc(2 * FILE_MAX);
	size_t count = LOG_HEADER_BYTES;
	struct outcome outcome;

	memcpy(bytes, whole, LOG_HEADER_BYTES);
	for (; *order; order++) {
		const struct piece *piece = &pieces[*order - '0'];

		memcpy(bytes + count, whole + piece->at, piece->bytes);
		count += piece->bytes;
	}
	read_all(bytes, count, true, &outcome);
	assert_int_equal(outcome.ended, -EBADMSG);
	if (!strstr(outcome.error, says))
		fail_msg("%s", outcome.error);
	free(bytes);
}

static void test_rearranged_blocks_show(void **state)
{
	struct piece pieces[8];

	(void)state;
	assert_int_equal(find_blocks(pieces, 8), 4);
	check_order(pieces, "123", "block 0 at byte 32: says it is block 1");
	check_order(pieces, "0213", "blocks were taken out or moved");
	check_order(pieces, "01123", "blocks were taken out or moved");
	check_order(pieces, "0133", "blocks were taken out or moved");
}

/* --- forged: every checksum is right, the content is not ----------------------------------- */

struct forge {
	uint8_t bytes[FILE_MAX], chain[LOG_HASH_BYTES];
	size_t count;
	uint32_t blocks;
};

static void forge_begin(struct forge *forge)
{
	log_frame_put_header(forge->bytes);
	log_frame_first_chain(forge->bytes, forge->chain);
	forge->count = LOG_HEADER_BYTES;
	forge->blocks = 0;
}

static void forge_block(struct forge *forge, struct log_block block, const void *payload,
			size_t bytes)
{
	uint8_t *at = forge->bytes + forge->count;

	block.type = block.type ? block.type : LOG_BLOCK_ITEMS;
	block.number = forge->blocks++;
	block.stored_len = (uint32_t)bytes;
	block.raw_len = block.raw_len ? block.raw_len : (uint32_t)bytes;
	memcpy(at + LOG_BLOCK_HEADER_BYTES, payload, bytes);
	log_frame_put_block(&block, at + LOG_BLOCK_HEADER_BYTES, forge->chain, at);
	forge->count += LOG_BLOCK_HEADER_BYTES + bytes;
}

/* field 1: order_kind, field 2: order_count, 16: end (empty) */
#define END_PAYLOAD "\x0a\x01\x0e\x12\x01\x01\x82\x01\x00"
#define BYTES(literal) literal, sizeof(literal) - 1

static void check_forged(struct forge *forge, int result, unsigned items, const char *says)
{
	struct outcome outcome;

	read_all(forge->bytes, forge->count, false, &outcome);
	if (outcome.opened || outcome.ended != result || outcome.items != items ||
	    !strstr(outcome.error, says))
		fail_msg("opened %d, ended %d after %u items: %s", outcome.opened, outcome.ended,
			 outcome.items, outcome.error);
}

static void check_payload(const void *payload, size_t bytes, struct log_block block, int result,
			  unsigned items, const char *says)
{
	struct forge forge;

	forge_begin(&forge);
	forge_block(&forge, block, payload, bytes);
	if (!result)
		forge_block(&forge, (struct log_block){ 0 }, BYTES(END_PAYLOAD));
	check_forged(&forge, result, result ? items : items + 1, says);
}

#define BLOCK(...) ((struct log_block){ __VA_ARGS__ })

static void test_growth_is_skipped(void **state)
{
	struct forge forge;

	(void)state;
	/* an unknown field, an unknown item kind (200, three of them) before a hole */
	check_payload(BYTES("\x90\x03\x01\x0a\x03\xc8\x01\x0d\x12\x02\x03\x01\x7a\x02\x08\x01"),
		      BLOCK(0), 0, 1, "");
	/* block types of the future, and a seal */
	forge_begin(&forge);
	forge_block(&forge, BLOCK(.type = LOG_BLOCK_SEAL), BYTES("signature"));
	forge_block(&forge, BLOCK(.type = 250, .flags = 0x80), BYTES("whatever"));
	forge_block(&forge, BLOCK(0), BYTES(END_PAYLOAD));
	forge_block(&forge, BLOCK(.type = LOG_BLOCK_SEAL), BYTES("signature"));
	check_forged(&forge, 0, 1, "");
}

/* Somebody rewrote block 0, with all its checks, and left the rest as it was. */
static void test_an_edit_breaks_the_chain(void **state)
{
	struct piece pieces[8];
	struct forge forge;

	(void)state;
	find_blocks(pieces, 8);
	forge_begin(&forge);
	forge_block(&forge, BLOCK(0), BYTES("\x0a\x01\x0d\x12\x01\x01\x7a\x02\x08\x01"));
	memcpy(forge.bytes + forge.count, whole + pieces[1].at, pieces[1].bytes);
	forge.count += pieces[1].bytes;
	check_forged(&forge, -EBADMSG, 1, "does not continue the hash chain");
}

static void test_unknown_values_become_holes(void **state)
{
	struct log_reader *reader;
	struct forge forge;
	struct item item;
	char error[256];

	(void)state;
	forge_begin(&forge);
	/* two events: time 2 and 5, actions 250 and 8, then a hole of kind 77 */
	forge_block(&forge, BLOCK(.events = 2),
		    BYTES("\x0a\x02\x0c\x0d\x12\x02\x02\x01\x1a\x09\x0a\x02\x04\x06\x4a\x03\xfa"
			  "\x01\x08\x7a\x02\x08\x4d"));
	store(forge.bytes, forge.count);
	assert_int_equal(log_open(path, &reader, error, sizeof(error)), 0);
	assert_int_equal(log_next(reader, &item), 1);
	assert_int_equal(item.type, ITEM_HOLE);
	assert_int_equal(item.hole.kind, HOLE_REJECTED);
	assert_int_equal(item.hole.time_ns, 2);
	assert_int_equal(log_next(reader, &item), 1);
	assert_int_equal(item.type, ITEM_EVENT);
	assert_int_equal(item.event.time_ns, 5);
	assert_int_equal(item.event.action, WIRE_FILE_READ);
	assert_int_equal(log_next(reader, &item), 1);
	assert_int_equal(item.type, ITEM_HOLE);
	assert_int_equal(item.hole.kind, HOLE_REJECTED);
	log_reader_free(reader);
}

static void test_columns_must_agree(void **state)
{
	(void)state;
	/* order columns of different length */
	check_payload(BYTES("\x0a\x02\x0d\x0d\x12\x01\x01\x7a\x00"), BLOCK(0), -EBADMSG, 0,
		      "its order columns differ");
	/* one event ordered, none there; none ordered, one there */
	check_payload(BYTES("\x0a\x01\x0c\x12\x01\x01"), BLOCK(0), -EBADMSG, 0,
		      "its order does not match");
	check_payload(BYTES("\x7a\x02\x08\x01"), BLOCK(0), -EBADMSG, 0,
		      "its order does not match");
	/* 4294967295 holes ordered, twice: the sum must not wrap to what is there */
	check_payload(BYTES("\x0a\x02\x0d\x0d\x12\x0a\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f"
			    "\x7a\x02\x08\x01"),
		      BLOCK(0), -EBADMSG, 0, "its order does not match");
	/* two times, one tid */
	check_payload(BYTES("\x0a\x01\x0c\x12\x01\x02\x1a\x07\x0a\x02\x04\x06\x1a\x01\x05"),
		      BLOCK(.events = 2), -EBADMSG, 0, "its event columns differ");
	/* via_count 2, one via */
	check_payload(BYTES("\x0a\x01\x0c\x12\x01\x01\x1a\x0c\x0a\x01\x04\x4a\x01\x08\x5a\x01\x02"
			    "\x62\x01\x01"),
		      BLOCK(.events = 1), -EBADMSG, 0, "its event columns differ");
	/* a chain with two ids and one stack */
	check_payload(BYTES("\x0a\x01\x09\x12\x01\x02\x62\x07\x0a\x02\x02\x02\x1a\x01\x01"),
		      BLOCK(0), -EBADMSG, 0, "its chain columns differ");
	/* a stack with one object and no offset */
	check_payload(BYTES("\x0a\x01\x08\x12\x01\x01\x5a\x03\x1a\x01\x01"), BLOCK(0), -EBADMSG, 0,
		      "the columns of a stack differ");
	/* one event, the header says two */
	check_payload(BYTES("\x0a\x01\x0c\x12\x01\x01\x1a\x06\x0a\x01\x04\x4a\x01\x08"),
		      BLOCK(.events = 2), -EBADMSG, 0, "holds 1 events, not the 2");
}

static void test_values_must_fit(void **state)
{
	(void)state;
	/* port 65536 */
	check_payload(BYTES("\x0a\x01\x0a\x12\x01\x01\x6a\x04\x30\x80\x80\x04"), BLOCK(0), -EBADMSG,
		      0, "a port is beyond 65535");
	/* an address of 17 bytes */
	check_payload(BYTES("\x0a\x01\x0b\x12\x01\x01\x72\x13\x12\x11"
			    "01234567890123456"),
		      BLOCK(0), -EBADMSG, 0, "an address is longer than 16 bytes");
	/* function 65536; five vias; kind 256 */
	check_payload(BYTES("\x0a\x01\x0c\x12\x01\x01\x1a\x0b\x0a\x01\x04\x4a\x01\x08\x42\x03\x80"
			    "\x80\x04"),
		      BLOCK(.events = 1), -EBADMSG, 0, "function is out of range");
	check_payload(BYTES("\x0a\x01\x0c\x12\x01\x01\x1a\x10\x0a\x01\x04\x4a\x01\x08\x5a\x01\x05"
			    "\x62\x05\x01\x01\x01\x01\x01"),
		      BLOCK(.events = 1), -EBADMSG, 0, "too many vias");
	check_payload(BYTES("\x0a\x01\x07\x12\x01\x01\x52\x03\x10\x80\x02"), BLOCK(0), -EBADMSG, 0,
		      "kind is out of range");
	/* an item after the end mark */
	check_payload(BYTES("\x0a\x02\x0e\x0d\x12\x02\x01\x01\x82\x01\x00\x7a\x02\x08\x01"),
		      BLOCK(0), -EBADMSG, 1, "items after the end mark");
	check_payload(BYTES("not protobuf at all"), BLOCK(0), -EBADMSG, 0, "cannot be unpacked");
	check_payload(BYTES(END_PAYLOAD), BLOCK(.flags = 2), -EPROTONOSUPPORT, 0,
		      "of a newer sowatch");
}

static void test_lengths_must_be_right(void **state)
{
	static uint8_t zeros[1 << 20];
	uint8_t packed[4096];
	size_t bytes = ZSTD_compress(packed, sizeof(packed), zeros, sizeof(zeros), 1);

	(void)state;
	assert_false(ZSTD_isError(bytes));
	check_payload(BYTES(END_PAYLOAD), BLOCK(.raw_len = LOG_BLOCK_MAX + 1), -EBADMSG, 0,
		      "unpacked, at most");
	check_payload(BYTES(END_PAYLOAD), BLOCK(.raw_len = 5), -EBADMSG, 0,
		      "unpacks to 9 bytes, not the 5");
	check_payload(BYTES(END_PAYLOAD), BLOCK(.flags = LOG_BLOCK_ZSTD), -EBADMSG, 0,
		      "cannot be decompressed");
	/* more inside than it says, and less */
	check_payload(packed, bytes, BLOCK(.flags = LOG_BLOCK_ZSTD, .raw_len = 1000), -EBADMSG, 0,
		      "cannot be decompressed");
	check_payload(packed, bytes, BLOCK(.flags = LOG_BLOCK_ZSTD, .raw_len = 2 << 20), -EBADMSG, 0,
		      "unpacks to 1048576 bytes");
}

/* Sixteen million empty messages in a block of a few kilobytes. */
static void test_memory_is_bounded(void **state)
{
	const size_t bytes = 32u << 20;
	uint8_t *raw = malloc(bytes), packed[8192];
	size_t packed_bytes;

	(void)state;
	for (size_t i = 0; i < bytes; i += 2) {
		raw[i] = 0x6a; /* target */
		raw[i + 1] = 0;
	}
	packed_bytes = ZSTD_compress(packed, sizeof(packed), raw, bytes, 1);
	assert_false(ZSTD_isError(packed_bytes));
	check_payload(packed, packed_bytes, BLOCK(.flags = LOG_BLOCK_ZSTD, .raw_len = bytes),
		      -EBADMSG, 0, "not in the memory allowed");
	free(raw);
}

static void test_another_major_version(void **state)
{
	struct outcome outcome;
	struct forge forge;
	uint64_t check;

	(void)state;
	forge_begin(&forge);
	forge.bytes[8] = LOG_MAJOR + 1;
	read_all(forge.bytes, forge.count, false, &outcome);
	assert_int_equal(outcome.opened, -EBADMSG); /* its check does not fit */
	check = XXH3_64bits(forge.bytes, 24);
	for (unsigned i = 0; i < 8; i++)
		forge.bytes[24 + i] = (uint8_t)(check >> 8 * i);
	read_all(forge.bytes, forge.count, false, &outcome);
	assert_int_equal(outcome.opened, -EPROTONOSUPPORT);
	assert_non_null(strstr(outcome.error, "a log of format 2.0, this sowatch reads format 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_every_flipped_bit_shows),
		cmocka_unit_test(test_tail_of_zeros_is_torn),
		cmocka_unit_test(test_rearranged_blocks_show),
		cmocka_unit_test(test_an_edit_breaks_the_chain),
		cmocka_unit_test(test_growth_is_skipped),
		cmocka_unit_test(test_unknown_values_become_holes),
		cmocka_unit_test(test_columns_must_agree),
		cmocka_unit_test(test_values_must_fit),
		cmocka_unit_test(test_lengths_must_be_right),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_another_major_version),
	};

	return cmocka_run_group_tests_name("log_damage", tests, setup, teardown);
}

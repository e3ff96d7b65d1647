/* SPDX-License-Identifier: Apache-2.0
 *
 * The log gives back what it was given, and refuses what it could not give back.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>


#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/log/log.h"
#include "collector/source/source.h"
#include "made.h"

static char directory[] = "/tmp/sowatch-test-log-XXXXXX";
static char path[sizeof(directory) + 16];

static int setup_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/a.swl", directory);
	return 0;
}

static int teardown_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int teardown_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct log_reader *reader_open(void)
{
	struct log_reader *reader = NULL;
	char error[256] = "";

	if (log_open(path, &reader, error, sizeof(error)))
		fail_msg("%s", error);
	return reader;
}

/* Writes count items of the kinds that pick() says, flushing now and then, reads them back. */
static void check_roundtrip(uint64_t seed, unsigned count, unsigned flush_every,
			    enum item_type (*pick)(struct random *random))
{
	struct random random = { seed };
	struct log_writer *writer;
	struct log_reader *reader;
	struct made made;
	struct item item;
	const char *field;

	assert_int_equal(log_create(path, &writer), 0);
	for (unsigned i = 0; i <= count; i++) {
		made_item(&made, &random, i < count ? pick(&random) : ITEM_END);
		assert_int_equal(log_append(writer, &made.item), 0);
		made_free(&made);
		if (flush_every && i % flush_every == 0)
			assert_int_equal(log_flush(writer), 0);
	}
	assert_int_equal(log_close(writer), 0);

	random.state = seed;
	reader = reader_open();
	for (unsigned i = 0; i <= count; i++) {
		made_item(&made, &random, i < count ? pick(&random) : ITEM_END);
		if (log_next(reader, &item) != 1)
			fail_msg("seed %lu item %u: %s", seed, i, log_error(reader));
		field = items_differ(&made.item, &item);
		if (field)
			fail_msg("seed %lu item %u: %s differs", seed, i, field);
		made_free(&made);
	}
	assert_int_equal(log_next(reader, &item), 0);
	assert_int_equal(log_next(reader, &item), 0);
	log_reader_free(reader);
	unlink(path);
}

static enum item_type fixed_kind;

static enum item_type pick_fixed(struct random *random)
{
	(void)random;
	return fixed_kind;
}

static enum item_type pick_any(struct random *random)
{
	return (enum item_type)(ITEM_RUN + random_next(random) % (ITEM_END - ITEM_RUN));
}

/* Mostly events, runs of them. */
static enum item_type pick_service(struct random *random)
{
	return random_next(random) % 16 ? ITEM_EVENT : pick_any(random);
}

static void test_each_kind_alone(void **state)
{
	(void)state;
	for (fixed_kind = ITEM_RUN; fixed_kind < ITEM_END; fixed_kind++)
		check_roundtrip(fixed_kind, 200, 0, pick_fixed);
}

static void test_any_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++)
		check_roundtrip(seed, 500, (unsigned)seed * 7 % 50, pick_any);
}

static void test_many_blocks(void **state)
{
	(void)state;
	check_roundtrip(1000, 100000, 0, pick_service);
	fixed_kind = ITEM_EVENT;
	check_roundtrip(1001, 70000, 0, pick_fixed);
	fixed_kind = ITEM_CHAIN;
	check_roundtrip(1002, 70000, 0, pick_fixed);
	fixed_kind = ITEM_STACK;
	check_roundtrip(1003, 10000, 0, pick_fixed);
}

static void test_empty_log(void **state)
{
	(void)state;
	check_roundtrip(1, 0, 0, pick_any);
}

static void test_big_policy(void **state)
{
	const uint32_t bytes = 24u << 20;
	struct item item = { .type = ITEM_POLICY }, back;
	struct log_writer *writer;
	struct log_reader *reader;
	char *text = malloc(bytes + (16u << 20));

	(void)state;
	memset(text, 'x', bytes + (16u << 20));
	item.policy.text = (struct str){ text, bytes };
	assert_int_equal(log_create(path, &writer), 0);
	assert_int_equal(log_append(writer, &item), 0);
	item.policy.text.len = (32u << 20) + 1;
	assert_int_equal(log_append(writer, &item), -EMSGSIZE);
	item.policy.text.len = 1;
	assert_int_equal(log_append(writer, &item), 0);
	item = (struct item){ .type = ITEM_END };
	assert_int_equal(log_append(writer, &item), 0);
	assert_int_equal(log_close(writer), 0);

	reader = reader_open();
	assert_int_equal(log_next(reader, &back), 1);
	assert_int_equal(back.policy.text.len, bytes);
	assert_memory_equal(back.policy.text.data, text, bytes);
	assert_int_equal(log_next(reader, &back), 1);
	assert_int_equal(back.policy.text.len, 1);
	assert_int_equal(log_next(reader, &back), 1);
	assert_int_equal(back.type, ITEM_END);
	assert_int_equal(log_next(reader, &back), 0);
	log_reader_free(reader);
	free(text);
}

static void test_refuses_what_it_cannot_give_back(void **state)
{
	static const struct item bad[] = {
		{ .type = 0 },
		{ .type = ITEM_END + 1 },
		{ .type = ITEM_EVENT, .event = { .action = 0 } },
		{ .type = ITEM_EVENT, .event = { .action = WIRE_ACTIONS } },
		{ .type = ITEM_TARGET, .target = { .address_len = 17 } },
		{ .type = ITEM_NAME, .name = { .address_len = 17 } },
		{ .type = ITEM_HOLE, .hole = { .kind = 0 } },
		{ .type = ITEM_HOLE, .hole = { .kind = HOLE_KINDS } },
	};
	struct item item = { .type = ITEM_END };
	struct log_writer *writer;
	struct log_reader *reader;

	(void)state;
	assert_int_equal(log_create(path, &writer), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(log_append(writer, &bad[i]), -EINVAL);
	assert_int_equal(log_append(writer, &item), 0);
	assert_int_equal(log_append(writer, &item), -EINVAL); /* after the end */
	assert_int_equal(log_close(writer), 0);
	reader = reader_open();
	assert_int_equal(log_next(reader, &item), 1);
	assert_int_equal(item.type, ITEM_END);
	assert_int_equal(log_next(reader, &item), 0);
	log_reader_free(reader);
}

static void test_never_overwrites(void **state)
{
	struct log_writer *writer, *second;
	char other[sizeof(path) + 8];
	struct stat stat_now;
	int fd;

	(void)state;
	assert_int_equal(log_create(path, &writer), 0);
	assert_int_equal(log_create(path, &second), -EBUSY);
	assert_int_equal(stat(path, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 07777, 0600);
	assert_int_equal(log_close(writer), 0);
	assert_int_equal(log_create(path, &second), -EEXIST);

	snprintf(other, sizeof(other), "%s.link", path);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(log_create(other, &second), -ELOOP);
	unlink(other);
	assert_int_equal(log_create(directory, &second), -EISDIR);

	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600); /* an empty file is fine: mktemp made it */
	close(fd);
	assert_int_equal(log_create(path, &writer), 0);
	assert_int_equal(log_close(writer), 0);
}

static void test_what_is_no_log(void **state)
{
	static const char text[] = "#!/bin/sh\necho this is a script, longer than any header is\n";
	struct log_reader *reader = NULL;
	char error[256];
	int fd;

	(void)state;
	assert_int_equal(log_open(path, &reader, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "No such file"));
	assert_int_equal(log_open(directory, &reader, error, sizeof(error)), -EISDIR);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(log_open(path, &reader, error, sizeof(error)), -EBADMSG);
	assert_non_null(strstr(error, "only 0 of 32"));
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	assert_int_equal(log_open(path, &reader, error, sizeof(error)), -EBADMSG);
	assert_non_null(strstr(error, "not a sowatch log"));
	assert_null(reader);
}

static void test_without_end_mark(void **state)
{
	struct item item = { .type = ITEM_EVENT, .event = { .action = 1, .time_ns = 77 } };
	struct log_writer *writer;
	struct log_reader *reader;

	(void)state;
	assert_int_equal(log_create(path, &writer), 0);
	assert_int_equal(log_append(writer, &item), 0);
	assert_int_equal(log_close(writer), 0);
	reader = reader_open();
	assert_int_equal(log_next(reader, &item), 1);
	assert_int_equal(item.type, ITEM_EVENT);
	assert_int_equal(log_next(reader, &item), 1);
	assert_int_equal(item.type, ITEM_HOLE);
	assert_int_equal(item.hole.kind, HOLE_TORN);
	assert_int_equal(item.hole.time_ns, 77);
	assert_int_equal(log_next(reader, &item), 0);
	assert_int_equal(log_next(reader, &item), 0);
	log_reader_free(reader);
}

static void test_as_source(void **state)
{
	struct item item = { .type = ITEM_EVENT, .event = { .action = 1, .time_ns = 5 } };
	struct log_writer *writer;
	struct source *source;
	char error[256];

	(void)state;
	assert_int_equal(source_log_open(path, &source, error, sizeof(error)), -ENOENT);
	assert_int_equal(log_create(path, &writer), 0);
	assert_int_equal(log_append(writer, &item), 0);
	item = (struct item){ .type = ITEM_END, .end = { .exit_status = -3 } };
	assert_int_equal(log_append(writer, &item), 0);
	assert_int_equal(log_close(writer), 0);
	assert_int_equal(source_log_open(path, &source, error, sizeof(error)), 0);
	assert_int_equal(source_next(source, &item), 1);
	assert_int_equal(item.type, ITEM_EVENT);
	assert_int_equal(source_next(source, &item), 1);
	assert_int_equal(item.type, ITEM_END);
	assert_int_equal(item.end.exit_status, -3);
	assert_int_equal(source_next(source, &item), -ENODATA);
	source_close(source);
}

#define CASE(name) cmocka_unit_test_teardown(name, teardown_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_kind_alone),
		CASE(test_any_order),
		CASE(test_many_blocks),
		CASE(test_empty_log),
		CASE(test_big_policy),
		CASE(test_refuses_what_it_cannot_give_back),
		CASE(test_never_overwrites),
		CASE(test_what_is_no_log),
		CASE(test_without_end_mark),
		CASE(test_as_source),
	};

	return cmocka_run_group_tests_name("log", tests, setup_directory, teardown_directory);
}

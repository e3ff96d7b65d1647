/* SPDX-License-Identifier: Apache-2.0
 *
 * The consumer of a ring: honest producers lose nothing, hostile ones get nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "../../collector/source/ring_read.h"
#include "../lib/ringmaker.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define SMALL WIRE_RING_DATA_MIN

static uint64_t buffer[WIRE_RECORD_MAX / 8];

struct fixture {
	struct ringmaker maker;
	struct ring_reader reader;
};

static void fixture_open(struct fixture *fixture)
{
	ringmaker_open(&fixture->maker, SMALL, SEALS);
	assert_int_equal(
		ring_reader_map(&fixture->reader, fixture->maker.fd, fixture->maker.ring_bytes), 0);
}

static void fixture_close(struct fixture *fixture)
{
	ring_reader_done(&fixture->reader);
	ringmaker_close(&fixture->maker);
}

static int next(struct fixture *fixture, uint64_t now_ns, bool is_final, uint32_t *size)
{
	return ring_reader_next(&fixture->reader, now_ns, is_final, buffer, size);
}

static void test_map_refuses_what_can_hurt(void **state)
{
	struct ringmaker maker;
	struct ring_reader reader;
	int pipes[2];

	(void)state;
	ringmaker_open(&maker, SMALL, 0);
	assert_int_equal(ring_reader_map(&reader, maker.fd, maker.ring_bytes), -EPERM);
	assert_int_equal(fcntl(maker.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(ring_reader_map(&reader, maker.fd, maker.ring_bytes), -EPERM);
	assert_int_equal(fcntl(maker.fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_int_equal(ring_reader_map(&reader, maker.fd, maker.ring_bytes * 2), -EINVAL);
	assert_int_equal(ring_reader_map(&reader, maker.fd, WIRE_RING_HEADER_BYTES), -EINVAL);
	assert_int_equal(ring_reader_map(&reader, maker.fd, UINT64_MAX), -EINVAL);
	assert_int_equal(ring_reader_map(&reader, maker.fd, 0), -EINVAL);
	maker.ring->data_bytes = SMALL * 2;
	assert_int_equal(ring_reader_map(&reader, maker.fd, maker.ring_bytes), -EINVAL);
	maker.ring->data_bytes = SMALL;
	assert_int_equal(ring_reader_map(&reader, maker.fd, maker.ring_bytes), 0);
	ring_reader_done(&reader);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(ring_reader_map(&reader, pipes[0], maker.ring_bytes), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
	ringmaker_close(&maker);
}

static void test_records_come_in_order_across_the_wrap(void **state)
{
	struct fixture fixture;
	struct record record;
	uint32_t size;

	(void)state;
	fixture_open(&fixture);
	for (uint64_t i = 0; i < 1000; i++) {
		record_begin(&record, i % 3 ? WIRE_EVENT : WIRE_PAD, 0, 8);
		record_add(&record, &i, sizeof(i));
		while (record.len < 200 + i % 5 * 8)
			record_add(&record, &i, sizeof(i));
		record_end(&record);
		ringmaker_put(&fixture.maker, &record);
		if (i % 3 == 0)
			continue;
		assert_int_equal(next(&fixture, 1, false, &size), RING_RECORD);
		assert_int_equal(size, record.len);
		assert_memory_equal(buffer, record.bytes, size);
	}
	assert_int_equal(next(&fixture, 1, false, &size), RING_EMPTY);
	assert_int_equal(fixture.maker.ring->tail, fixture.maker.ring->head);
	for (uint64_t i = 0; i < SMALL; i++)
		assert_int_equal(fixture.maker.data[i], 0); /* producers rely on zeroes */
	fixture_close(&fixture);
}

static void expect_broken(uint64_t head, uint32_t size_word)
{
	struct fixture fixture;
	uint32_t size;

	fixture_open(&fixture);
	memcpy(fixture.maker.data, &size_word, sizeof(size_word));
	fixture.maker.ring->head = head;
	assert_int_equal(next(&fixture, 1, false, &size), -EBADMSG);
	fixture_close(&fixture);
}

static void test_hostile_sizes_and_heads_break_the_ring(void **state)
{
	(void)state;
	expect_broken(64, 12);			  /* not aligned */
	expect_broken(64, 4);			  /* smaller than a head */
	expect_broken(64, 72);			  /* beyond the head */
	expect_broken(SMALL, WIRE_RECORD_MAX + 8); /* beyond the buffer */
	expect_broken(SMALL, UINT32_MAX - 7);
	expect_broken(SMALL + 8, 64);		  /* more than fits */
	expect_broken(63, 0);			  /* head not aligned */
	expect_broken(UINT64_MAX - 7, 64);	  /* head behind the tail */
}

static void test_tail_of_the_producer_is_not_believed(void **state)
{
	struct fixture fixture;
	struct record record;
	uint32_t size;

	(void)state;
	fixture_open(&fixture);
	record_begin(&record, WIRE_EXIT, 0, sizeof(record.exit));
	record_end(&record);
	ringmaker_put(&fixture.maker, &record);
	fixture.maker.ring->tail = 1u << 30;
	assert_int_equal(next(&fixture, 1, false, &size), RING_RECORD);
	assert_int_equal(fixture.maker.ring->tail, record.len);
	fixture_close(&fixture);
}

static void test_unfinished_record_is_skipped_once_others_went_on(void **state)
{
	struct fixture fixture;
	struct record record;
	uint64_t now = 1000;
	uint32_t size;

	(void)state;
	fixture_open(&fixture);
	assert_non_null(ringmaker_reserve(&fixture.maker, 64));
	assert_int_equal(next(&fixture, now, false, &size), RING_EMPTY);
	/* Nobody goes on: the process is stopped, there is nothing behind it to be had. */
	now += 100 * RING_STUCK_NS;
	assert_int_equal(next(&fixture, now, false, &size), RING_EMPTY);
	record_begin(&record, WIRE_EXIT, 0, sizeof(record.exit));
	record_end(&record);
	ringmaker_put(&fixture.maker, &record);
	assert_int_equal(next(&fixture, now, false, &size), RING_GAP);
	assert_int_equal(next(&fixture, now, false, &size), RING_EMPTY);
	ringmaker_put(&fixture.maker, &record);
	assert_int_equal(next(&fixture, now, false, &size), RING_RECORD);
	fixture_close(&fixture);
}

static void test_patience_is_shorter_when_the_ring_runs_full(void **state)
{
	struct fixture fixture;
	uint64_t now = 1000;
	uint32_t size;

	(void)state;
	fixture_open(&fixture);
	assert_non_null(ringmaker_reserve(&fixture.maker, 64));
	assert_int_equal(next(&fixture, now, false, &size), RING_EMPTY);
	assert_non_null(ringmaker_reserve(&fixture.maker, 64));
	now += RING_STUCK_FULL_NS + 1;
	assert_int_equal(next(&fixture, now, false, &size), RING_EMPTY);
	assert_non_null(ringmaker_reserve(&fixture.maker, SMALL / 2));
	assert_int_equal(next(&fixture, now, false, &size), RING_GAP);
	fixture_close(&fixture);
}

static void test_late_commit_goes_on_without_a_gap(void **state)
{
	struct fixture fixture;
	uint32_t size;
	void *place;

	(void)state;
	fixture_open(&fixture);
	place = ringmaker_reserve(&fixture.maker, 64);
	assert_int_equal(next(&fixture, 1, false, &size), RING_EMPTY);
	ringmaker_commit(place, 64, WIRE_EXIT, 0);
	assert_int_equal(next(&fixture, 2, false, &size), RING_RECORD);
	assert_int_equal(fixture.reader.stuck_since_ns, 0);
	fixture_close(&fixture);
}

static void test_death_ends_the_waiting(void **state)
{
	struct fixture fixture;
	struct record record;
	uint32_t size;

	(void)state;
	fixture_open(&fixture);
	record_begin(&record, WIRE_EXIT, 0, sizeof(record.exit));
	record_end(&record);
	ringmaker_put(&fixture.maker, &record);
	assert_non_null(ringmaker_reserve(&fixture.maker, 64));
	assert_int_equal(next(&fixture, 1, true, &size), RING_RECORD);
	assert_int_equal(next(&fixture, 1, true, &size), RING_GAP);
	assert_int_equal(next(&fixture, 1, true, &size), RING_EMPTY);
	fixture_close(&fixture);
}

static void test_counters_are_told_as_differences(void **state)
{
	struct ring_counters delta;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	assert_false(ring_reader_counters(&fixture.reader, &delta));
	fixture.maker.ring->lost[WIRE_FAMILY_NET] = 5;
	fixture.maker.ring->early_calls = 2;
	assert_true(ring_reader_counters(&fixture.reader, &delta));
	assert_int_equal(delta.lost[WIRE_FAMILY_NET], 5);
	assert_int_equal(delta.early, 2);
	fixture.maker.ring->lost[WIRE_FAMILY_NET] = 7;
	fixture.maker.ring->early_calls = 1; /* backwards: hostile */
	assert_true(ring_reader_counters(&fixture.reader, &delta));
	assert_int_equal(delta.lost[WIRE_FAMILY_NET], 2);
	assert_int_equal(delta.early, 0);
	assert_false(ring_reader_counters(&fixture.reader, &delta));
	fixture_close(&fixture);
}

/* ThreadSanitizer knows memory by its address and not by what is mapped there: under it both ends
 * share one mapping and no record lies across the wrap. */
#ifdef __SANITIZE_THREAD__
#define RECORD_BYTES(i) 32u
static void share_mapping(struct fixture *fixture)
{
	munmap(fixture->reader.ring, fixture->reader.map_bytes);
	fixture->reader.ring = fixture->maker.ring;
	fixture->reader.data = fixture->maker.data;
}
static void unshare_mapping(struct fixture *fixture)
{
	fixture->reader.ring = NULL;
}
#else
#define RECORD_BYTES(i) (24u + (i) % 7 * 8)
static void share_mapping(struct fixture *fixture)
{
	(void)fixture;
}
static void unshare_mapping(struct fixture *fixture)
{
	(void)fixture;
}
#endif

#define THREADS 4
#define PER_THREAD 20000u

struct producer {
	struct ringmaker *maker;
	uint32_t number;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;

	for (uint32_t i = 0; i < PER_THREAD; i++) {
		uint32_t bytes = RECORD_BYTES(i);
		uint32_t *place;

		while (!(place = ringmaker_reserve(producer->maker, bytes)))
			sched_yield();
		place[2] = producer->number;
		place[3] = i;
		ringmaker_commit(place, bytes, WIRE_EXIT, 0);
	}
	return NULL;
}

static void test_threads_lose_nothing_and_keep_their_order(void **state)
{
	struct producer producers[THREADS];
	pthread_t threads[THREADS];
	uint32_t expected[THREADS] = { 0 }, size, total = 0;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	share_mapping(&fixture);
	for (uint32_t i = 0; i < THREADS; i++) {
		producers[i] = (struct producer){ &fixture.maker, i };
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	while (total < THREADS * PER_THREAD) {
		int result = next(&fixture, 1, false, &size);
		const uint32_t *record = (const uint32_t *)buffer;

		assert_true(result == RING_EMPTY || result == RING_RECORD);
		if (result == RING_EMPTY)
			continue;
		assert_in_range(record[2], 0, THREADS - 1);
		assert_int_equal(record[3], expected[record[2]]);
		assert_int_equal(size, RECORD_BYTES(record[3]));
		expected[record[2]]++;
		total++;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(next(&fixture, 1, false, &size), RING_EMPTY);
	unshare_mapping(&fixture);
	fixture_close(&fixture);
}

#ifndef __SANITIZE_THREAD__
/* A hostile thread flips the size while it is read: whatever comes out is within bounds. */
static volatile bool is_flipping;

static void *flip(void *arg)
{
	struct ringmaker *maker = arg;

	while (is_flipping) {
		for (uint64_t at = 0; at < SMALL; at += 64) {
			wire_publish((uint32_t *)(maker->data + at), (uint32_t)(at * 40503) & 0x1fff8);
			wire_publish(&maker->ring->head, at);
		}
	}
	return NULL;
}

static void test_memory_that_changes_while_we_look_stays_within_bounds(void **state)
{
	struct fixture fixture;
	pthread_t thread;
	uint32_t size;

	(void)state;
	fixture_open(&fixture);
	is_flipping = true;
	assert_int_equal(pthread_create(&thread, NULL, flip, &fixture.maker), 0);
	for (int i = 0; i < 20000; i++) {
		int result = next(&fixture, (uint64_t)i << 30, false, &size);

		if (result == RING_RECORD)
			assert_in_range(size, sizeof(struct wire_head), WIRE_RECORD_MAX);
	}
	is_flipping = false;
	pthread_join(thread, NULL);
	fixture_close(&fixture);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_refuses_what_can_hurt),
		cmocka_unit_test(test_records_come_in_order_across_the_wrap),
		cmocka_unit_test(test_hostile_sizes_and_heads_break_the_ring),
		cmocka_unit_test(test_tail_of_the_producer_is_not_believed),
		cmocka_unit_test(test_unfinished_record_is_skipped_once_others_went_on),
		cmocka_unit_test(test_patience_is_shorter_when_the_ring_runs_full),
		cmocka_unit_test(test_late_commit_goes_on_without_a_gap),
		cmocka_unit_test(test_death_ends_the_waiting),
		cmocka_unit_test(test_counters_are_told_as_differences),
		cmocka_unit_test(test_threads_lose_nothing_and_keep_their_order),
#ifndef __SANITIZE_THREAD__ /* the race is the point of it */
		cmocka_unit_test(test_memory_that_changes_while_we_look_stays_within_bounds),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

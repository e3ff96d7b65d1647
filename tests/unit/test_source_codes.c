/* SPDX-License-Identifier: Apache-2.0
 *
 * Who made which memory executable: ranges over ranges, held against a plain array of pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "../../collector/source/codes.h"

static uint32_t owner(const struct codes *codes, uint64_t address)
{
	const struct code_range *range = codes_find(codes, address);

	return range ? range->object : 0;
}

static void set(struct codes *codes, uint64_t start, uint64_t end, uint32_t object, uint64_t time)
{
	codes_set(codes, &(struct code_range){ start, end, time, object });
}

static void test_the_newest_maker_counts(void **state)
{
	struct codes codes = { 0 };

	(void)state;
	assert_null(codes_find(&codes, 0));
	set(&codes, 0x1000, 0x5000, 1, 1);
	set(&codes, 0x2000, 0x3000, 2, 2);
	assert_int_equal(owner(&codes, 0xfff), 0);
	assert_int_equal(owner(&codes, 0x1000), 1);
	assert_int_equal(owner(&codes, 0x2fff), 2);
	assert_int_equal(owner(&codes, 0x3000), 1);
	assert_int_equal(owner(&codes, 0x5000), 0);
	set(&codes, 0x1000, 0x5000, 0, 3); /* nobody knows by whom: not those of before */
	assert_int_equal(codes.count, 1);
	assert_int_equal(owner(&codes, 0x2000), 0);
	set(&codes, 0x9000, 0x9000, 4, 4);
	set(&codes, UINT64_MAX - 1, 5, 4, 4);
	assert_int_equal(codes.count, 1);
	codes_done(&codes);
}

static void test_any_order_is_as_if_painted(void **state)
{
	uint32_t pages[64] = { 0 };
	struct codes codes = { 0 };
	unsigned seed = 7;

	(void)state;
	for (uint32_t n = 1; n <= 2000; n++) {
		uint64_t start = (uint64_t)rand_r(&seed) % 64, end = (uint64_t)rand_r(&seed) % 65;

		set(&codes, start, end, n, n);
		for (uint64_t i = start; i < end; i++)
			pages[i] = n;
		for (uint64_t i = 0; i < 64; i++)
			assert_int_equal(owner(&codes, i), pages[i]);
		for (uint32_t i = 1; i < codes.count; i++)
			assert_true(codes.ranges[i - 1].end <= codes.ranges[i].start);
	}
	codes_done(&codes);
}

static void test_beyond_the_bound_the_oldest_is_nobodys(void **state)
{
	struct codes codes = { 0 }, copy = { 0 };

	(void)state;
	for (uint32_t n = 1; n <= CODE_RANGES_MAX + 100; n++)
		set(&codes, n * 16ull, n * 16ull + 8, n, n);
	assert_in_range(codes.count, CODE_RANGES_MAX - 2, CODE_RANGES_MAX);
	assert_int_equal(owner(&codes, 16), 0);
	assert_int_equal(owner(&codes, (CODE_RANGES_MAX + 100) * 16ull), CODE_RANGES_MAX + 100);
	codes_copy(&copy, &codes);
	codes_done(&codes);
	assert_int_equal(owner(&copy, (CODE_RANGES_MAX + 99) * 16ull), CODE_RANGES_MAX + 99);
	set(&copy, 0, 1, 3, CODE_RANGES_MAX + 200);
	assert_int_equal(owner(&copy, 0), 3);
	codes_done(&copy);
	assert_int_equal(owner(&codes, 16), 0);
	set(&codes, 0, 8, 1, 1);
	codes_copy(&copy, &codes);
	set(&copy, 2, 4, 2, 2); /* one becomes three */
	assert_int_equal(copy.count, 3);
	assert_int_equal(owner(&copy, 4), 1);
	codes_done(&copy);
	codes_done(&codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_newest_maker_counts),
		cmocka_unit_test(test_any_order_is_as_if_painted),
		cmocka_unit_test(test_beyond_the_bound_the_oldest_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

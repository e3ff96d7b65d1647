/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs from run to run: which parts of a name become wildcards, on which evidence, and that
 * every pattern matches what it was made from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/learn/normal.h"
#include "collector/policy/glob.h"
#include "made.h"

#define VALUES_MAX 64u

static jmp_buf escape;

struct lab {
	struct pool pool;
	struct normal_fans *fans;
	const char *texts[VALUES_MAX];
	struct normal_value values[VALUES_MAX];
	uint32_t count;
	struct normal_pattern *patterns;
	uint32_t pattern_count;
};

static void lab_fold(struct lab *lab, enum normal_kind kind, const char *const *texts)
{
	*lab = (struct lab){.pool = {.escape = &escape}};
	lab->fans = normal_fans_new(&lab->pool);
	for (; texts[lab->count]; lab->count++) {
		assert_true(lab->count < VALUES_MAX);
		lab->texts[lab->count] = texts[lab->count];
		lab->values[lab->count] = (struct normal_value){
			.parts = &lab->texts[lab->count], .count = 1, .index = lab->count};
		normal_fans_add(lab->fans, texts[lab->count]);
	}
	lab->pattern_count = normal_fold(&lab->pool, lab->fans, kind, lab->values, lab->count,
					 &lab->patterns);
}

static void expect_patterns(enum normal_kind kind, const char *const *texts,
			    const char *const *expected)
{
	struct lab lab;
	lab_fold(&lab, kind, texts);
	uint32_t count = 0;
	while (expected[count])
		count++;
	for (uint32_t i = 0; i < lab.pattern_count && i < count; i++)
		assert_string_equal(lab.patterns[i].parts[0], expected[i]);
	assert_int_equal(lab.pattern_count, count);
	pool_done(&lab.pool);
}

#define PATTERNS(kind, texts, ...)                                                                 \
	expect_patterns(kind, (const char *const[]){SPREAD texts, NULL},                           \
			(const char *const[]){__VA_ARGS__, NULL})
#define SPREAD(...) __VA_ARGS__

static void test_one_value_stays_as_it_is(void **state)
{
	(void)state;
	PATTERNS(NORMAL_PATH, ("/tmp/foo.a1B2c3"), "/tmp/foo.a1B2c3");
	PATTERNS(NORMAL_PATH, ("/proc/1234/stat"), "/proc/1234/stat");
	PATTERNS(NORMAL_PATH, ("/a/*[x]?{y}\\"), "/a/\\*\\[x\\]\\?\\{y\\}\\\\");
	PATTERNS(NORMAL_PATH, ("/a/\xff\xfe"), "/a/\?\?");
}

static void test_evident_classes_need_two(void **state)
{
	(void)state;
	PATTERNS(NORMAL_PATH, ("/tmp/foo.a1B2c3", "/tmp/foo.Zz9xY0"), "/tmp/foo.*");
	PATTERNS(NORMAL_PATH, ("/tmp/tmp7n84w6cz", "/tmp/tmpkrcywix2"), "/tmp/tmp*");
	PATTERNS(NORMAL_PATH, ("/tmp/tmp7n84w6cz", "/tmp/tmpkrcywixq"), "/tmp/tmp*");
	PATTERNS(NORMAL_PATH, ("/tmp/tmpmjmhqrfo/x", "/tmp/tmpflranx_s/x"), "/tmp/tmp*/x");
	PATTERNS(NORMAL_PATH, ("/tmp/tmp.abcdefghij", "/tmp/tmp.klmnopqrst"), "/tmp/tmp.*");
	/* That both go on with the same letter is chance. */
	PATTERNS(NORMAL_PATH, ("/tmp/ccW1BkRh.o", "/tmp/ccW9l4bC.o"), "/tmp/cc*.o");
	PATTERNS(NORMAL_PATH, ("/tmp/ccimpjcx.s", "/tmp/ccganrft.s"), "/tmp/cc*.s");
	PATTERNS(NORMAL_PATH, ("/tmp/tmpq84w6cz1", "/tmp/tmpqrcywix2"), "/tmp/tmp*");
	PATTERNS(NORMAL_PATH, ("/home/x/.git/tmp_obj_NwQxYz", "/home/x/.git/tmp_obj_aBcDeF"),
		 "/home/x/.git/tmp_obj_*");
	PATTERNS(NORMAL_PATH, ("/dev/shm/sem.mp-_k3bpl93", "/dev/shm/sem.mp-q9zk3_a1"),
		 "/dev/shm/sem.mp-*");
	PATTERNS(NORMAL_PATH, ("/tmp/d23g94db", "/tmp/c01apa1j"), "/tmp/\?\?\?\?\?\?\?\?");
	PATTERNS(NORMAL_PATH, ("/proc/77/stat", "/proc/1234/stat"), "/proc/*/stat");
	PATTERNS(NORMAL_PATH,
		 ("/c/123e4567-e89b-12d3-a456-426614174000", "/c/00000000-0000-0000-0000-000000000001"),
		 "/c/*");
	PATTERNS(NORMAL_PATH,
		 ("/c/0123456789abcdef0123456789abcdef01234567.bin",
		  "/c/fedcba9876543210fedcba9876543210fedcba98.bin"),
		 "/c/*.bin");
	PATTERNS(NORMAL_PATH, ("/log/app-2026-11-23.log", "/log/app-2026-11-24.log"),
		 "/log/app-*.log");
	PATTERNS(NORMAL_PATH, ("/log/2026-11-23T20:12:01.log", "/log/2026-11-23T20:13:59.log"),
		 "/log/*.log");
	PATTERNS(NORMAL_PATH, ("/log/a_2026-11-23_20-12-01", "/log/a_2026-11-23_20-13-59"),
		 "/log/a_*");
	PATTERNS(NORMAL_PATH, ("/log/20261123-201201.gz", "/log/20261123-201359.gz"),
		 "/log/20261123-*.gz");
	PATTERNS(NORMAL_PATH, ("/log/at-20:12", "/log/at-21:59"), "/log/at-*");
	PATTERNS(NORMAL_PATH, ("/l/libfoo.so.1.2.3", "/l/libfoo.so.2"), "/l/libfoo.so.*");
	PATTERNS(NORMAL_PATH, ("/opt/x-1.2/a", "/opt/x-1.3/a"), "/opt/x-*/a");
	PATTERNS(NORMAL_PATH, ("/var/spool/10001", "/var/spool/10002"), "/var/spool/*");
}

static void test_other_numbers_need_four(void **state)
{
	(void)state;
	PATTERNS(NORMAL_PATH, ("/sys/eth0/x", "/sys/eth1/x"), "/sys/eth0/x", "/sys/eth1/x");
	PATTERNS(NORMAL_PATH, ("/d/w1", "/d/w2", "/d/w3", "/d/w4"), "/d/w*");
	/* Each place on evidence of its own. */
	PATTERNS(NORMAL_PATH, ("/a1/b1", "/a1/b2", "/a1/b3", "/a1/b4", "/a2/b1"), "/a1/b*",
		 "/a2/b1");
}

static void test_words_are_no_numbers(void **state)
{
	(void)state;
	PATTERNS(NORMAL_PATH, ("/e/sha256", "/e/sha512"), "/e/sha256", "/e/sha512");
	PATTERNS(NORMAL_PATH, ("/e/passwd", "/e/shadow"), "/e/passwd", "/e/shadow");
	PATTERNS(NORMAL_PATH, ("/tmp/session", "/tmp/secrets"), "/tmp/secrets", "/tmp/session");
	PATTERNS(NORMAL_PATH, ("/e/decade", "/e/facade"), "/e/decade", "/e/facade");
	PATTERNS(NORMAL_NAME, ("HOME", "PATH"), "HOME", "PATH");
}

static void test_fans_of_hashes(void **state)
{
	(void)state;
	PATTERNS(NORMAL_PATH,
		 ("/r/objects/ab/cdef0123456789abcdef0123456789abcdef01", "/r/objects/ab",
		  "/r/objects/0c/aaaa0123456789abcdef0123456789abcdef01", "/r/objects/0c"),
		 "/r/objects/*", "/r/objects/*/*");
	/* Elsewhere two letters are a name. */
	PATTERNS(NORMAL_PATH, ("/usr/share/locale/de", "/usr/share/locale/ab"),
		 "/usr/share/locale/ab", "/usr/share/locale/de");
}

static void test_pids_are_known(void **state)
{
	(void)state;
	const char *one = "/home/x/lock.42", *two = "/home/x/lock.77";
	struct pool pool = {.escape = &escape};
	struct normal_value values[] = {{&one, 1, 1, 0}, {&two, 1, 1, 1}};
	struct normal_pattern *patterns;
	assert_int_equal(normal_fold(&pool, NULL, NORMAL_PATH, values, 2, &patterns), 1);
	assert_string_equal(patterns[0].parts[0], "/home/x/lock.*");
	values[0].pids = values[1].pids = 0;
	assert_int_equal(normal_fold(&pool, NULL, NORMAL_PATH, values, 2, &patterns), 2);
	pool_done(&pool);
}

static void test_redacted_is_always_open(void **state)
{
	(void)state;
	PATTERNS(NORMAL_PATH, ("--token=<redacted:0011aabb>"), "--token=<redacted:*>");
}

/* Two wildcards side by side would be `**`. */
static void test_never_two_stars(void **state)
{
	(void)state;
	struct lab lab;
	lab_fold(&lab, NORMAL_PATH,
		 (const char *const[]){"/c/2026-11-23123e4567-e89b-12d3-a456-426614174000",
				       "/c/2027-11-24223e4567-e89b-12d3-a456-426614174001", NULL});
	for (uint32_t i = 0; i < lab.pattern_count; i++)
		assert_null(strstr(lab.patterns[i].parts[0], "**"));
	pool_done(&lab.pool);
}

static char *make_path(struct random *random)
{
	static const char *const pieces[] = {"/", "/tmp/", "foo", ".", "-", "a1B2c3", "tmpq8w2e9zz",
					     "17", "4711", "123456", "1.2.3", ".so.", "deadbeef01",
					     "*", "[", "\xff", "é", "2026-11-23", "ab/", "_",
					     "0123456789abcdef0123", "XyZabc", " ", "\n", "{", "\\"};
	char *path = calloc(1, 512);
	strcpy(path, "/");
	for (uint64_t i = random_next(random) % 12; i; i--)
		strcat(path, pieces[random_next(random) %
				    (sizeof(pieces) / sizeof(pieces[0]))]);
	return path;
}

/* Whatever they look like: every value is matched by the one pattern it is in, and the order of values
 * does not matter. */
static void test_patterns_match_their_members(void **state)
{
	(void)state;
	struct random random = {20261123};
	for (unsigned round = 0; round < 300; round++) {
		const char *texts[VALUES_MAX + 1] = {0}, *turned[VALUES_MAX + 1] = {0};
		uint32_t count = 1 + (uint32_t)(random_next(&random) % (VALUES_MAX - 1));
		uint32_t members = 0;
		for (uint32_t i = 0; i < count; i++)
			texts[i] = turned[count - 1 - i] = make_path(&random);
		struct lab lab, other;
		lab_fold(&lab, NORMAL_PATH, texts);
		lab_fold(&other, NORMAL_PATH, turned);
		assert_int_equal(lab.pattern_count, other.pattern_count);
		for (uint32_t i = 0; i < lab.pattern_count; i++) {
			const struct normal_pattern *pattern = &lab.patterns[i];
			struct glob glob;
			assert_string_equal(pattern->parts[0], other.patterns[i].parts[0]);
			assert_null(strstr(pattern->parts[0], "**"));
			assert_null(glob_compile(&lab.pool, pattern->parts[0],
						 strlen(pattern->parts[0]), GLOB_PATH, &glob));
			for (uint32_t at = 0; at < pattern->member_count; at++, members++) {
				const char *text = pattern->members[at]->parts[0];
				assert_true(glob_match(&glob, text, strlen(text)));
			}
		}
		assert_int_equal(members, count);
		pool_done(&lab.pool);
		pool_done(&other.pool);
		for (uint32_t i = 0; i < count; i++)
			free((char *)texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_value_stays_as_it_is),
		cmocka_unit_test(test_evident_classes_need_two),
		cmocka_unit_test(test_other_numbers_need_four),
		cmocka_unit_test(test_words_are_no_numbers),
		cmocka_unit_test(test_fans_of_hashes),
		cmocka_unit_test(test_pids_are_known),
		cmocka_unit_test(test_redacted_is_always_open),
		cmocka_unit_test(test_never_two_stars),
		cmocka_unit_test(test_patterns_match_their_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

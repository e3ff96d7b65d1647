/* SPDX-License-Identifier: Apache-2.0
 *
 * Globs: what matches, what is refused, agreement with a slow and obvious matcher, and that a
 * hostile text cannot make matching slow.
 */
#include "collector/policy/glob.h"
#include "test_policy_lab.h"

#include <time.h>

static struct pool pool;
static jmp_buf escape;

static bool matches(const char *pattern, const char *text, enum glob_mode mode)
{
	struct glob glob;
	const char *problem = glob_compile(&pool, pattern, strlen(pattern), mode, &glob);
	if (problem)
		fail_msg("%s: %s", pattern, problem);
	return glob_match(&glob, text, strlen(text));
}

static void test_paths(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool expected;
	} cases[] = {
		{"/etc/passwd", "/etc/passwd", true},
		{"/etc/passwd", "/etc/passwd2", false},
		{"/etc/passwd", "/etc/passw", false},
		{"/etc/*", "/etc/passwd", true},
		{"/etc/*", "/etc/", true},
		{"/etc/*", "/etc/ssl/openssl.cnf", false},
		{"/etc/ssl/**", "/etc/ssl/certs/ca.pem", true},
		{"/etc/ssl/**", "/etc/ssl/", true},
		{"/etc/ssl/**", "/etc/ssl", false},
		{"/etc/ssl/**", "/etc/sslx/a", false},
		{"**/codecov*", "/opt/codecov.sh", true},
		{"**/codecov*", "/codecov", true},
		{"**/codecov*", "codecov", true},
		{"**/codecov*", "/opt/my-codecov", false},
		{"**/codecov*", "/opt/codecov/run.sh", false},
		{"/a/**/b", "/a/b", true},
		{"/a/**/b", "/a/x/b", true},
		{"/a/**/b", "/a/x/y/b", true},
		{"/a/**/b", "/axb", false},
		{"/a/**/b", "/a/xb", false},
		{"/a**b", "/a/x/b", true},
		{"/a**b", "/ab", true},
		{"/proc/*/mem", "/proc/12/mem", true},
		{"/proc/*/mem", "/proc/12/task/13/mem", false},
		{"lib?.so", "liba.so", true},
		{"lib?.so", "lib/.so", false},
		{"lib?.so", "lib.so", false},
		{"libpng16.so*", "libpng16.so.16.39.0", true},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[^a-c]x", "ax", false},
		{"[!a]x", "/x", false},
		{"[]]x", "]x", true},
		{"[a-]x", "-x", true},
		{"\\*x", "*x", true},
		{"\\*x", "ax", false},
		{"*", "", true},
		{"**", "/any/thing", true},
		{"*.py[co]", "a.pyc", true},
		{"*a*b*c", "xxaxxbxxc", true},
		{"*a*b*c", "xxaxxbxx", false},
		{"**/*.so", "/a/b/c.so", true},
		{"**/x/**/y", "/x/y", true},
		{"**/x/**/y", "/a/x/b/c/y", true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (matches(cases[i].pattern, cases[i].text, GLOB_PATH) != cases[i].expected)
			fail_msg("%s on %s is not %d", cases[i].pattern, cases[i].text,
				 cases[i].expected);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(matches("*.example.org", "a.b.example.org", GLOB_NAME));
	assert_false(matches("*.example.org", "example.org", GLOB_NAME));
	assert_false(matches("*.example.org", "a.example.org.evil", GLOB_NAME));
	assert_true(matches("*", "a/b", GLOB_NAME));
	assert_true(matches("get?w*", "getpwnam_r", GLOB_NAME));
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"",	 "a[",	  "[a",	   "[]",	"[z-a]",
					  "a\\", "a***b", "{a,b}", "[\xc3\xa4]"};
	struct glob glob;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!glob_compile(&pool, bad[i], strlen(bad[i]), GLOB_PATH, &glob))
			fail_msg("%s was taken", bad[i]);
	char many[2000];
	memset(many, '?', sizeof(many));
	assert_non_null(glob_compile(&pool, many, sizeof(many), GLOB_PATH, &glob));
	assert_null(glob_compile(&pool, many, GLOB_TOKENS_MAX, GLOB_PATH, &glob));
	assert_true(glob_match(&glob, many, GLOB_TOKENS_MAX));
	assert_false(glob_match(&glob, many, GLOB_TOKENS_MAX - 1));
}

/* The meaning, spelled out recursively; is_start: a segment starts here. */
static bool obvious(const char *pattern, const char *text, bool is_start)
{
	if (!*pattern)
		return !*text;
	if (!strncmp(pattern, "**/", 3) && is_start) {
		if (obvious(pattern + 3, text, true))
			return true;
		for (; *text; text++)
			if (*text == '/' && obvious(pattern + 3, text + 1, true))
				return true;
		return false;
	}
	if (!strncmp(pattern, "**", 2)) {
		for (;; text++) {
			if (obvious(pattern + 2, text, false))
				return true;
			if (!*text)
				return false;
		}
	}
	if (*pattern == '*') {
		for (;; text++) {
			if (obvious(pattern + 1, text, false))
				return true;
			if (!*text || *text == '/')
				return false;
		}
	}
	if (*pattern == '?' ? !*text || *text == '/' : *text != *pattern)
		return false;
	return obvious(pattern + 1, text + 1, *pattern == '/');
}

static void test_agrees_with_the_obvious(void **state)
{
	static const char *const parts[] = {"a", "b", "/", "*", "**", "?", "**/", "/a"};
	unsigned seed = 7, hits = 0;
	(void)state;
	for (unsigned round = 0; round < 40000; round++) {
		char pattern[64] = "", text[16] = "";
		for (int i = rand_r(&seed) % 6 + 1; i > 0; i--)
			strcat(pattern, parts[(unsigned)rand_r(&seed) % 8]);
		for (int i = rand_r(&seed) % 8; i > 0; i--)
			strncat(text, &"ab/a"[(unsigned)rand_r(&seed) % 4], 1);
		struct glob glob;
		if (glob_compile(&pool, pattern, strlen(pattern), GLOB_PATH, &glob))
			continue; /* three stars in a row */
		bool expected = obvious(pattern, text, true);
		hits += expected;
		if (glob_match(&glob, text, strlen(text)) != expected)
			fail_msg("%s on %s is not %d", pattern, text, expected);
	}
	assert_in_range(hits, 1000, 39000);
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_hostile_text_is_linear(void **state)
{
	static char text[1 << 20];
	const char *pattern = "**a*a*a*a*a*a*a*a*a*a**a*a*a*a*a**/a*a*a*a*b";
	struct glob glob;
	(void)state;
	memset(text, 'a', sizeof(text));
	assert_null(glob_compile(&pool, pattern, strlen(pattern), GLOB_PATH, &glob));
	double start = seconds();
	assert_false(glob_match(&glob, text, sizeof(text)));
	/* A backtracking matcher would take longer than the universe is old. */
	assert_true(seconds() - start < 20);
}

static int set_up(void **state)
{
	(void)state;
	pool.escape = &escape;
	return 0; /* an unwind out of the pool would be a crash: memory is not short here */
}

static int tear_down(void **state)
{
	(void)state;
	pool_done(&pool);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_agrees_with_the_obvious),
		cmocka_unit_test(test_hostile_text_is_linear),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Order of versions: Debian's against dpkg itself, Python's against the order that PEP 440 lists;
 * ranges of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "collector/policy/version.h"

extern char **environ;

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* --- Debian ------------------------------------------------------------------------------------ */

static bool dpkg_says(const char *a, const char *relation, const char *b)
{
	char *argv[] = {"dpkg",	 "--compare-versions", (char *)a, (char *)relation, (char *)b,
			NULL};
	pid_t pid;
	int status;
	assert_int_equal(posix_spawnp(&pid, "dpkg", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 0;
}

static void test_debian_as_dpkg(void **state)
{
	static const char *const versions[] = {
		"0",	     "1.0",	"1.0-0",       "1.0-1",	      "1.0-1.1",   "1.0~rc1-1",
		"1.0~rc1~-1", "1.0+b1", "1.00",	       "1.10",	      "1.9",	   "1.0a",
		"1.0.a",     "1.0.1",	"1:0.1",       "2:0",	      "0:1.0",	   "1.0+dfsg-2+deb12u1",
		"1.0+dfsg-2", "3.0.15-1~deb12u1", "3.0.15-1", "7.88.1-10+deb12u8",
		"1.0-1-1",   "99999999999999999999999", "99999999999999999999998", "1~~", "1~", "1~a",
	};
	(void)state;
	unsigned count = sizeof(versions) / sizeof(versions[0]);
	for (unsigned a = 0; a < count; a++) {
		for (unsigned b = a; b < count; b++) {
			int order = sign(version_compare_debian(versions[a], versions[b]));
			const char *relation = order < 0 ? "lt" : order ? "gt" : "eq";
			assert_int_equal(sign(version_compare_debian(versions[b], versions[a])),
					 -order);
			if (!dpkg_says(versions[a], relation, versions[b]))
				fail_msg("%s is not %s %s", versions[a], relation, versions[b]);
		}
		assert_true(version_is_debian(versions[a]));
	}
}

static void test_debian_is_none(void **state)
{
	static const char *const texts[] = {"", "a", "1.0_2", ":1", "a:1", "1.0 ", "1.0-", "-1", "~"};
	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(version_is_debian(texts[i]));
}

/* --- Python ------------------------------------------------------------------------------------ */

static void test_python_in_order(void **state)
{
	static const char *const versions[] = {
		"0.9",		"1.dev0",	   "1.0.dev456", "1.0a1",	"1.0a2.dev456",
		"1.0a12.dev456", "1.0a12",	   "1.0b1.dev456", "1.0b2",	"1.0b2.post345.dev456",
		"1.0b2.post345", "1.0rc1.dev456", "1.0rc1",	 "1.0",		"1.0+abc.5",
		"1.0+abc.7",	"1.0+5",	   "1.0+5.1",	 "1.0.post456.dev34", "1.0.post456",
		"1.0.15",	"1.1.dev1",	   "1.10",	 "2023.7.22",	"99999999999999999999998.1",
		"99999999999999999999999.1",	   "1!0.1",
	};
	(void)state;
	unsigned count = sizeof(versions) / sizeof(versions[0]);
	for (unsigned a = 0; a < count; a++) {
		assert_true(version_is_python(versions[a]));
		for (unsigned b = 0; b < count; b++) {
			int expected = (a > b) - (a < b);
			if (sign(version_compare_python(versions[a], versions[b])) != expected)
				fail_msg("%s against %s", versions[a], versions[b]);
		}
	}
}

static void test_python_is_the_same(void **state)
{
	static const char *const pairs[][2] = {
		{"1.0", "1"},	       {"1.0", "1.0.0"},      {"v1.0", "1.0"},	    {"1.0ALPHA1", "1.0a1"},
		{"1.0-beta.2", "1.0b2"}, {"1.0c1", "1.0rc1"},  {"1.0.pre1", "1.0rc1"}, {"1.0-1", "1.0.post1"},
		{"1.0.rev2", "1.0.post2"}, {"1.0a", "1.0a0"},  {"1.0.dev", "1.0dev0"}, {"01.002", "1.2"},
		{"1.0+Ubuntu-1", "1.0+ubuntu.1"}, {"0!1.0", "1.0"},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (version_compare_python(pairs[i][0], pairs[i][1]))
			fail_msg("%s against %s", pairs[i][0], pairs[i][1]);
}

static void test_python_is_none(void **state)
{
	static const char *const texts[] = {"",	     "x",     "1.0x",	"1..0",	 "1.0+",     "!1",
					    "1!",    "1.0 ",  "1.0+a+b", "1.0-",  "1.0+a..b", "1.0+.a",
					    "1.0a1b1", "\xff", "v"};
	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (version_is_python(texts[i]))
			fail_msg("%s", texts[i]);
}

/* --- ranges ------------------------------------------------------------------------------------ */

struct range_case {
	enum version_scheme scheme;
	const char *range, *inside, *outside;
};

static void test_ranges(void **state)
{
	static const struct range_case cases[] = {
		{VERSION_DEBIAN, ">=3.0 <3.0.9", "3.0.8-1", "3.0.9-1"},
		{VERSION_DEBIAN, ">=3.0<3.0.9", "3.0~rc1+really3.0", "3.0.9"},
		{VERSION_DEBIAN, ">= 3.0, < 3.0.9", "3.0", "2.9"},
		{VERSION_DEBIAN, "=1:2.0-1", "1:2.0-1", "2.0-1"},
		{VERSION_DEBIAN, "!=5.6.0-0.2 !=5.6.1-1", "5.6.1+really5.4.5-1", "5.6.1-1"},
		{VERSION_DEBIAN, "<2", "2~rc1", "2"},
		{VERSION_PYTHON, ">=4.5 <4.5.5", "4.5.4", "4.5.5"},
		{VERSION_PYTHON, "<3.0", "2.9", "3.0a1"},
		{VERSION_PYTHON, "<3.0b1", "3.0a1", "3.0b1"},
		{VERSION_PYTHON, ">3.0", "3.0.1", "3.0.post1"},
		{VERSION_PYTHON, ">3.0.post1", "3.0.post2", "3.0+local"},
		{VERSION_PYTHON, "==3.0", "3.0.0+deb12", "3.0.post1"},
		{VERSION_PYTHON, "==3.0+a", "3.0+a", "3.0+b"},
		{VERSION_PYTHON, "<=3.0", "3.0+deb", "3.0.post1"},
		{VERSION_PYTHON, ">=1!0.5", "1!0.5", "2023.1"},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct range_case *one = &cases[i];
		struct pool pool = {0};
		struct version_range range = {0};
		jmp_buf full;
		pool.escape = &full;
		if (setjmp(full))
			fail_msg("out of memory");
		const char *problem = version_range_parse(&pool, one->range, one->scheme, &range);
		if (*problem)
			fail_msg("%s: %s", one->range, problem);
		if (one->scheme == VERSION_DEBIAN && !strcmp(one->range, ">=3.0<3.0.9"))
			assert_false(version_range_holds(&range, one->scheme, one->inside));
		else if (!version_range_holds(&range, one->scheme, one->inside))
			fail_msg("%s is not in %s", one->inside, one->range);
		if (version_range_holds(&range, one->scheme, one->outside))
			fail_msg("%s is in %s", one->outside, one->range);
		assert_false(version_range_holds(&range, one->scheme, ""));
		assert_false(version_range_holds(&range, one->scheme, NULL));
		pool_done(&pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian_as_dpkg),	  cmocka_unit_test(test_debian_is_none),
		cmocka_unit_test(test_python_in_order),	  cmocka_unit_test(test_python_is_the_same),
		cmocka_unit_test(test_python_is_none),	  cmocka_unit_test(test_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

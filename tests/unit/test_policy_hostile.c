/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies made to break the loader: deep, wide, huge, self-referring, not text; and globs made to
 * take for ever. Each is an error or a bounded result, in bounded time, never half a policy.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/policy/glob.h"
#include "test_policy_lab.h"

/* What loads is a tenth of that under the sanitizers, which take ten times the time. */
#ifdef __SANITIZE_ADDRESS__
#define MANY(count) ((count) / 10)
#else
#define MANY(count) (count)
#endif
#define HEAD "version: 1\nprofiles:\n  - name: a\n    match: {library: a.so}\n"

static double now_s(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Loads with warnings, formats, and asks for both to be done within the time. The sanitizers take
 * their share, hence seconds where it is a tenth. errors NULL: it must load. */
static void attempt(const char *text, size_t len, const char *errors, double at_most_s)
{
	struct policy_text one = {(char *)"p.yaml", (char *)text, len};
	struct policy *policy = NULL;
	char *said = NULL, *formatted = NULL;
	size_t bytes, formatted_len;
	double start_s = now_s();
	FILE *file = open_memstream(&said, &bytes);
	struct policy_options options = {.errors = file, .is_warning = true};
	int count = policy_load_texts(&one, 1, &options, &policy);
	fclose(file);
	assert_int_equal(!count, policy != NULL);
	if (errors && !strstr(said, errors))
		print_error("%.200s\n", said);
	assert_true(errors ? count && strstr(said, errors) : !count);
	assert_in_range(bytes, 0, 1u << 20); /* messages are bounded too */
	policy_free(policy);
	free(said);
	if (!policy_format("p.yaml", text, len, NULL, &formatted, &formatted_len))
		free(formatted);
	else
		assert_non_null(errors);
	double took_s = now_s() - start_s;
	if (took_s > at_most_s)
		print_error("took %.1f s\n", took_s);
	assert_true(took_s <= at_most_s);
}

/* before, then unit count times with numbers in it, then after. */
static char *repeat(const char *before, const char *unit, unsigned count, const char *after,
		    size_t *ret_len)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, ret_len);
	fputs(before, file);
	for (unsigned i = 0; i < count; i++)
		fprintf(file, unit, i); /* NOLINT: literals of this file */
	fputs(after, file);
	fclose(file);
	return text;
}

static void attempt_repeated(const char *before, const char *unit, unsigned count,
			     const char *after, const char *errors, double at_most_s)
{
	size_t len;
	char *text = repeat(before, unit, count, after, &len);
	attempt(text, len, errors, at_most_s);
	free(text);
}

static void test_deep(void **state)
{
	(void)state;
	attempt_repeated("", "[", MANY(3000000), "", "nested too deeply", 5);
	attempt_repeated("", "{a: ", 1000000, "", "nested too deeply", 5);
	attempt_repeated("a:\n", "- ", 1000000, "", "nested too deeply", 5);
	attempt_repeated("version: 1\nprofiles: ", "[", 31, "", "p.yaml:", 5);
}

static void test_wide(void **state)
{
	(void)state;
	attempt_repeated(HEAD "    file: {read: [", "/%x,", MANY(1000000), "]}\n", NULL, 60);
	attempt_repeated(HEAD "    file: {read: [", "/%x,", 1100000, "]}\n", "too many entries",
			 20);
	attempt_repeated(HEAD "    file: {read: [", "\"/%x*/**\",", MANY(100000), "]}\n", NULL, 20);
	attempt_repeated(HEAD "    network: {connect: [{to: [", "10.0.%u.0/24,", 250, "]}]}\n",
			 NULL, 5);
	attempt_repeated("version: 1\nprofiles:\n",
			 "  - {name: p%u, match: {library: l.so}, file: none}\n", MANY(20000), "",
			 "ties", 20);
	attempt_repeated("version: 1\n", "k%u: 1\n", MANY(100000), "", "unknown key", 20);
}

static void test_references(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"version: 1\nprofiles: &a [*a]\n",
		"version: 1\nprofiles: &a\n  - name: *a\n",
		"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
		"version: *none\n",
		"<<: {version: 1}\n",
		"version: !!python/object/apply:os.system [id]\n",
		"%TAG ! tag:x,2000:\n---\nversion: !x 1\n",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		attempt(texts[i], strlen(texts[i]), "p.yaml:", 1);
}

static void test_not_text(void **state)
{
	(void)state;
	static const char *const bytes[] = {
		"\xff",		"\xc0\x80", "\xed\xa0\x80",	    "\xf4\x90\x80\x80",
		"\xe2\x82",	"\x80",	    "\xf8\x88\x80\x80\x80", "\x01",
		"\xef\xbf\xbe",
	};
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		char text[200];
		int len = snprintf(text, sizeof(text), HEAD "    reason: x%sy\n", bytes[i]);
		attempt(text, (size_t)len, "p.yaml:5:", 1);
		len = snprintf(text, sizeof(text), "version: 1\n# x%sy\n", bytes[i]);
		attempt(text, (size_t)len, "p.yaml:2:", 1);
	}
	attempt(HEAD "    reason: \"a\\0b\"\n", strlen(HEAD "    reason: \"a\\0b\"\n"), "NUL", 1);
	attempt("version: 1\n\0\n", 13, "p.yaml:2:", 1);
	attempt("\xff\xfe"
		"v\0e\0r\0",
		8, "p.yaml:1:", 1); /* UTF-16 */
}

static void test_long(void **state)
{
	(void)state;
	attempt_repeated(HEAD "    reason: ", "x", MANY(7000000), "\n", NULL, 10);
	attempt_repeated(HEAD "    reason: ", "x ", MANY(3500000), "\n", NULL, 10);
	attempt_repeated("version: \"", "\\\n", MANY(3000000), "", "p.yaml:", 10);
	attempt_repeated(HEAD "    file: {read: [/", "x", 600, "]}\n", "too long", 1);
	attempt_repeated(HEAD "    ", "#\n", MANY(3000000), "    file: none\n", NULL, 20);
}

/* Too large a file is not read to its end, whatever it holds. */
static void test_huge_file(void **state)
{
	(void)state;
	char path[] = "/tmp/sowatch-hostile-XXXXXX.yaml";
	const char *paths[] = {path};
	char *said = NULL;
	size_t bytes;
	struct policy *policy = NULL;
	struct rusage before, after;
	int fd = mkstemps(path, 5);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 100 << 20), 0);
	close(fd);
	getrusage(RUSAGE_SELF, &before);
	FILE *file = open_memstream(&said, &bytes);
	struct policy_options options = {.errors = file};
	assert_int_equal(policy_load(paths, 1, &options, &policy), 1);
	fclose(file);
	getrusage(RUSAGE_SELF, &after);
	unlink(path);
	assert_null(policy);
	assert_non_null(strstr(said, "is larger than 8 MiB"));
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 128 << 10);
	free(said);
}

/* One more than the loader takes: an error, not the first ones of them. */
static void test_many_files(void **state)
{
	(void)state;
	enum { ONE_TOO_MANY = 10001 };
	char directory[] = "/tmp/sowatch-hostile-XXXXXX", path[64], *said = NULL;
	const char *paths[] = {directory};
	size_t bytes;
	struct policy *policy = NULL;
	assert_non_null(mkdtemp(directory));
	for (unsigned i = 0; i < ONE_TOO_MANY; i++) {
		snprintf(path, sizeof(path), "%s/%u.yaml", directory, i);
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fputs("version: 1\n", file);
		assert_int_equal(fclose(file), 0);
	}
	FILE *file = open_memstream(&said, &bytes);
	struct policy_options options = {.errors = file};
	assert_int_not_equal(policy_load(paths, 1, &options, &policy), 0);
	fclose(file);
	assert_null(policy);
	assert_non_null(strstr(said, "too many policy files"));
	free(said);
	for (unsigned i = 0; i < ONE_TOO_MANY; i++) {
		snprintf(path, sizeof(path), "%s/%u.yaml", directory, i);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

/* Every glob against a long path that almost matches: the work is bounded by the product. */
static void test_globs(void **state)
{
	(void)state;
	static const char *const units[] = {"*a", "**a", "?*", "**/", "[a]*", "*a/**/", "[!b]*"};
	struct pool pool = {0};
	jmp_buf escape;
	char path[4096];
	pool.escape = &escape;
	assert_int_equal(setjmp(escape), 0);
	memset(path, 'a', sizeof(path));
	for (size_t i = 7; i < sizeof(path); i += 8)
		path[i] = '/';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char text[1024] = "/";
		struct glob glob;
		for (unsigned n = 0; n < 60; n++)
			strcat(text, units[i]);
		strcat(text, "b");
		assert_null(glob_compile(&pool, text, strlen(text), GLOB_PATH, &glob));
		double start_s = now_s();
		for (unsigned n = 0; n < 10; n++)
			assert_false(glob_match(&glob, path, sizeof(path)));
		if (now_s() - start_s > 2)
			print_error("%s\n", text);
		assert_true(now_s() - start_s <= 2);
	}
	pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deep),	   cmocka_unit_test(test_wide),
		cmocka_unit_test(test_references), cmocka_unit_test(test_not_text),
		cmocka_unit_test(test_long),	   cmocka_unit_test(test_huge_file),
		cmocka_unit_test(test_many_files), cmocka_unit_test(test_globs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

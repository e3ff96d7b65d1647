/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs of every released format are readable for ever: the committed samples give exactly the items
 * their program wrote, and `sowatch log` says about them what it always said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int make_format_1(int argc, char **argv);
#define main make_format_1
#include "tests/golden/make_format_1.c"
#undef main

#include "made.h"

int cli_log(int argc, char **argv);

static char golden[4096]; /* directory of the samples, beside this file's own */
static char scratch[] = "/tmp/sowatch-test-golden-XXXXXX";

static int setup(void **state)
{
	char here[] = __FILE__;

	(void)state;
	snprintf(golden, sizeof(golden), "%s/../golden", dirname(here));
	return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(scratch);
}

static char *slurp(const char *path, size_t *ret_bytes)
{
	FILE *file = fopen(path, "r");
	char *data = malloc(1 << 20);

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	*ret_bytes = fread(data, 1, (1 << 20) - 1, file);
	data[*ret_bytes] = 0;
	fclose(file);
	return data;
}

/* Runs `sowatch log ARG...`, its output in *ret_out, free() it. */
static int run(char **ret_out, const char *one, const char *two, const char *three,
	       const char *four)
{
	const char *argv[] = { "log", one, two, three, four, NULL };
	char path[64];
	int status, argc = 0, saved = dup(1), saved_errors = dup(2), out;
	size_t bytes;

	while (argv[argc])
		argc++;
	snprintf(path, sizeof(path), "%s/out", scratch);
	out = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	fflush(stdout);
	dup2(out, 1);
	dup2(out, 2);
	status = cli_log(argc, (char **)argv);
	fflush(stdout);
	dup2(saved, 1);
	dup2(saved_errors, 2);
	close(saved);
	close(saved_errors);
	close(out);
	*ret_out = slurp(path, &bytes);
	unlink(path);
	return status;
}

static struct log_reader *reader_open(const char *path)
{
	struct log_reader *reader = NULL;
	char error[256] = "";

	if (log_open(path, &reader, error, sizeof(error)))
		fail_msg("%s", error);
	return reader;
}

/* Every field, also those that show does not print. */
static void test_format_1_items(void **state)
{
	struct log_reader *sample, *fresh;
	struct item item, expected;
	char path[4200], other[64];
	char *argv[] = { "make_format_1", other, NULL };
	const char *field;
	unsigned count = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/format-1.swl", golden);
	snprintf(other, sizeof(other), "%s/fresh.swl", scratch);
	assert_int_equal(make_format_1(2, argv), 0);
	sample = reader_open(path);
	fresh = reader_open(other);
	while (log_next(fresh, &expected) > 0) {
		if (log_next(sample, &item) != 1)
			fail_msg("item %u is missing: %s", count, log_error(sample));
		field = items_differ(&expected, &item);
		if (field)
			fail_msg("item %u: %s differs", count, field);
		count++;
	}
	assert_int_equal(log_next(sample, &item), 0);
	assert_int_equal(count, 51);
	log_reader_free(sample);
	log_reader_free(fresh);
	unlink(other);
}

static void test_format_1_show(void **state)
{
	char path[4200], *out, *expected;
	size_t bytes;

	(void)state;
	snprintf(path, sizeof(path), "%s/format-1.show", golden);
	expected = slurp(path, &bytes);
	snprintf(path, sizeof(path), "%s/format-1.swl", golden);
	assert_int_equal(run(&out, "show", path, NULL, NULL), 0);
	if (strcmp(out, expected))
		fail_msg("sowatch log show %s now says:\n%s", path, out);
	free(out);
	free(expected);
}

static unsigned count_lines(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void check_filter(const char *option, const char *value, unsigned lines, const char *has)
{
	char path[4200], *out;

	snprintf(path, sizeof(path), "%s/format-1.swl", golden);
	assert_int_equal(run(&out, "show", option, value, path), 0);
	if (count_lines(out) != lines || (has && !strstr(out, has)))
		fail_msg("show %s %s says:\n%s", option, value, out);
	free(out);
}

static void test_filters(void **state)
{
	(void)state;
	check_filter("--action", "net.*", 4, "net.resolve api.example");
	check_filter("--action", "exec.run", 1, "/usr/bin/busybox argv: busybox sh");
	check_filter("--action", "nothing", 0, NULL);
	check_filter("--pid", "4711", 11, "env.read NETRC");
	check_filter("--pid", "4713", 0, NULL);
	check_filter("--subject", "libcurl.so.4", 10, "libcurl.so.4|curl");
	check_filter("--subject", "libcurl", 0, NULL);
}

static void test_verify_and_stats(void **state)
{
	char path[4200], *out;

	(void)state;
	snprintf(path, sizeof(path), "%s/format-1.swl", golden);
	assert_int_equal(run(&out, "verify", path, NULL, NULL), 0);
	assert_non_null(strstr(out, ": ok: 3 blocks, 11 events, "));
	free(out);
	assert_int_equal(run(&out, "stats", path, path, NULL), 0);
	assert_non_null(strstr(out, "\n          11 target\n"));
	assert_non_null(strstr(out, "\n           2 net.connect\n"));
	assert_non_null(strstr(out, "\n       0.008 seconds"));
	free(out);
}

/* The sample, cut to a length or with one byte changed, as another file. */
static void spoil(char path[64], size_t cut, size_t flip)
{
	char from[4200], *data;
	size_t bytes;
	FILE *file;

	snprintf(from, sizeof(from), "%s/format-1.swl", golden);
	snprintf(path, 64, "%s/spoilt.swl", scratch);
	data = slurp(from, &bytes);
	assert_true(cut < bytes && flip < bytes);
	if (flip)
		data[flip] ^= 0x10;
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, cut ? cut : bytes, file), cut ? cut : bytes);
	assert_int_equal(fclose(file), 0);
	free(data);
}

static void check_spoilt(size_t cut, size_t flip, int status, int show_status, const char *says)
{
	char path[64], *out;

	spoil(path, cut, flip);
	assert_int_equal(run(&out, "verify", path, NULL, NULL), status);
	if (!strstr(out, says))
		fail_msg("verify says: %s", out);
	free(out);
	assert_int_equal(run(&out, "show", path, NULL, NULL), show_status);
	free(out);
	assert_int_equal(run(&out, "stats", path, NULL, NULL), show_status);
	free(out);
	unlink(path);
}

static void test_spoilt_logs(void **state)
{
	char *out;

	(void)state;
	check_spoilt(0, 200, 3, 3, "block 0 at byte 32: its ");
	check_spoilt(0, 40, 3, 3, "block 0 at byte 32: its header is damaged");
	check_spoilt(0, 10, 3, 3, "the file header at byte 0 is damaged");
	check_spoilt(100, 0, 3, 0, "torn");
	check_spoilt(20, 0, 3, 3, "not a sowatch log");
	assert_int_equal(run(&out, "verify", "/nonexistent/a.swl", NULL, NULL), 2);
	free(out);
	assert_int_equal(run(&out, "verify", NULL, NULL, NULL), 2);
	free(out);
	assert_int_equal(run(&out, "frobnicate", "x", NULL, NULL), 2);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_1_items),
		cmocka_unit_test(test_format_1_show),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_verify_and_stats),
		cmocka_unit_test(test_spoilt_logs),
	};

	return cmocka_run_group_tests_name("log_golden", tests, setup, teardown);
}

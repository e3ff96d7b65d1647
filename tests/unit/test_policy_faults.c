/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation of a load and of judging fails once: an error or the right answer, no leak, no
 * half policy. Linked with calloc, malloc and realloc wrapped.
 */
#include "test_policy_lab.h"

static long left = -1; /* allocations until one fails, -1: none does */

void *__real_calloc(size_t count, size_t bytes);
void *__real_malloc(size_t bytes);
void *__real_realloc(void *data, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_realloc(void *data, size_t bytes);

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_realloc(void *data, size_t bytes)
{
	return fails() ? NULL : __real_realloc(data, bytes);
}

static char *big_policy(void)
{
	char *text = __real_malloc(1 << 20);
	size_t len = (size_t)sprintf(text, "version: 1\ngrants: [{via: getaddrinfo, file: any}]\n"
					   "profiles:\n");
	for (unsigned i = 0; i < 1500; i++)
		len += (size_t)sprintf(text + len,
				       "  - {name: p%u, match: {library: lib%u.so},"
				       " file: {read: [/a%u, \"/b%u/**\"]}}\n",
				       i, i, i, i);
	return text;
}

static void test_load(void **state)
{
	struct policy *policy = NULL;
	char *text = big_policy();
	struct policy_text one = {(char *)"p.yaml", text, strlen(text)};
	unsigned failures = 0;
	(void)state;
	for (long at = 0; !policy; at++) {
		struct policy_options options = {0};
		left = at;
		int errors = policy_load_texts(&one, 1, &options, &policy);
		bool has_failed = left < 0;
		left = -1;
		assert_int_equal(!errors, policy != NULL);
		assert_int_equal(has_failed, errors != 0);
		failures += has_failed;
	}
	assert_true(failures > 10);
	policy_free(policy);
	free(text);
}

static void test_judge(void **state)
{
	(void)state;
	for (long at = 0; at < 12; at++) {
		struct lab lab;
		lab_open(&lab, "profiles:\n  - {name: a, match: {library: liba.so}, file: none}\n"
			       "grants: [{via: getpwuid, file: {read: [/etc/passwd]}}]\n");
		uint32_t lib = lab_library(&lab, "liba.so"), app = lab_main(&lab, "/opt/app", "");
		uint32_t process = lab_process(&lab, 0, 0, app, "/opt/app", "");
		uint32_t chain = lab_chain(&lab, process, lib, app);
		uint32_t file = lab_path(&lab, "/etc/passwd");
		uint16_t function = (uint16_t)lab_function(&lab, "getpwuid");
		for (unsigned round = 0; round < 3; round++) {
			left = round ? -1 : at;
			lab_expect(lab_do(&lab, chain, WIRE_FILE_READ, file, 0),
				   "deviates liba.so");
			left = round ? -1 : at;
			lab.event.function = function;
			lab_expect(lab_do(&lab, chain, WIRE_FILE_READ, file, 0), "allowed liba.so");
			left = round ? -1 : at;
			lab.event.process = process;
			assert_non_null(lab_do(&lab, 0, WIRE_FILE_READ, file, 0)->charged);
		}
		left = -1;
		lab_close(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_judge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which actions are checked against the stack every time, as the policy has it.
 */
#include "test_policy_lab.h"

#define BIT(action) (1u << WIRE_##action)

static const struct {
	const char *text;
	uint32_t wanted;
} cases[] = {
	{"profiles: [{name: a, match: {library: a.so}, file: none, reason: r}]", 0},
	{"profiles: [{name: a, match: {library: a.so}, exec: none, severity: high, reason: r}]",
	 BIT(EXEC_RUN) | BIT(EXEC_LOAD) | BIT(EXEC_CODE) | BIT(EXEC_INSPECT)},
	/* What is allowed altogether cannot deviate. */
	{"profiles: [{name: a, match: {library: a.so}, exec: any, severity: high, reason: r}]", 0},
	/* A profile's severity is no reason to look at every read. */
	{"profiles: [{name: a, match: {library: a.so}, file: none, severity: critical, reason: r}]",
	 BIT(FILE_WRITE) | BIT(FILE_DELETE) | BIT(FILE_RENAME) | BIT(FILE_LINK) | BIT(FILE_MODE)},
	/* A rule's is. */
	{"profiles: [{name: a, match: {library: a.so}, reason: r,\n"
	 "  file: {read: [{path: /etc/x, severity: high}], write: [{path: /y, severity: medium}]}}]",
	 BIT(FILE_READ)},
	{"guards: [{name: g, file: {read: [/etc/shadow]}, reason: r}]", BIT(FILE_READ)},
	{"guards: [{name: g, file: {read: [/etc/shadow]}, severity: medium, reason: r}]", 0},
	/* The probes look at every open below /proc. */
	{"guards: [{name: g, file: {read: [\"/proc/[0-9]*/mem\"], write: [/z]}, reason: r}]",
	 BIT(FILE_WRITE)},
};

static void test_actions_that_weigh(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lab lab;
		lab_open(&lab, cases[i].text);
		uint32_t got = policy_severe_actions(lab.policy);
		if (got != cases[i].wanted)
			fail_msg("%s: %#x, wanted %#x", cases[i].text, got, cases[i].wanted);
		lab_close(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_actions_that_weigh)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

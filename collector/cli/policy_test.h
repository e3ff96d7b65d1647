/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `sowatch policy test`: running cases (policy_test.c), those that are logs
 * (policy_test_log.c), saying how they went (policy_test_say.c).
 */
#ifndef SOWATCH_CLI_POLICY_TEST_H
#define SOWATCH_CLI_POLICY_TEST_H

#include "../cases/cases.h"
#include "policy_cli.h"

/* A log as a case. */
void policy_test_log(struct cases *cases, const struct test_case *test, struct policy *policy,
		     struct case_result *ret_result);

/* What was told so far. */
struct policy_test_report {
	bool is_json, is_verbose;
	unsigned passed, failed, broken;
	void *lines; /* JSON: an array of cases */
	/* by profile, in the policy's order */
	unsigned *allows, *flags;
	unsigned profile_count;
	struct policy *policy;
};
/* false: out of memory */
bool policy_test_report_open(struct policy_test_report *report, struct policy *policy);
void policy_test_say(struct policy_test_report *report, const struct case_result *result);
/* The closing lines; answers the exit status. */
int policy_test_close(struct policy_test_report *report);

#endif

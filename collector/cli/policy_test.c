/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy test: cases against policies.
 */
#include "policy_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int run_cases(struct cases *cases, struct policy *policy, const char *format,
		     bool is_verbose)
{
	struct policy_test_report report = {.is_json = !strcmp(format, "json"),
					    .is_verbose = is_verbose};
	struct case_result result;
	if (!policy_test_report_open(&report, policy)) {
		cli_error("%s", strerror(ENOMEM));
		return CLI_USAGE;
	}
	for (uint32_t i = 0; i < cases->count; i++) {
		const struct test_case *test = &cases->list[i];
		if (test->log) {
			policy_test_log(cases, test, policy, &result);
			policy_test_say(&report, &result);
		}
		for (uint32_t at = 0; at < test->object_count; at++) {
			case_judge(cases, test, at, policy, &result);
			policy_test_say(&report, &result);
		}
	}
	return policy_test_close(&report);
}

/* The folder of cases beside a directory of policies, or NULL. */
static char *tests_of(const char *policies)
{
	struct stat status;
	char *path = NULL;
	if (asprintf(&path, "%s/tests", policies) < 0)
		return NULL;
	if (!stat(path, &status) && S_ISDIR(status.st_mode))
		return path;
	free(path);
	return NULL;
}

/* Without operands: the cases that lie in the policies' own folders. */
static int load_default(const char *const *policies, unsigned count, struct cases **ret_cases)
{
	const char **paths = calloc(count, sizeof(*paths));
	unsigned found = 0;
	int wrong = 1;
	for (unsigned i = 0; paths && i < count; i++) {
		char *path = tests_of(policies[i]);
		if (path)
			paths[found++] = path;
	}
	if (!paths)
		cli_error("%s", strerror(ENOMEM));
	else if (!found)
		cli_error("policy test: which cases? There is no folder \"tests\" in %s",
			  policies[0]);
	else
		wrong = cases_load(paths, found, stderr, ret_cases);
	for (unsigned i = 0; i < found; i++)
		free((char *)paths[i]);
	free(paths);
	return wrong;
}

static int test_policies(const struct cli_list *list, char **operands, unsigned count,
			 const char *format, bool is_verbose)
{
	const char *shipped = cli_policies_dir();
	const char *const *paths = list->count ? list->items : &shipped;
	unsigned path_count = list->count ? list->count : 1;
	struct cases *cases = NULL;
	struct policy *policy = cli_policy_load(paths, path_count);
	if (!policy)
		return CLI_USAGE;
	if (count)
		cases_load((const char *const *)operands, count, stderr, &cases);
	else
		load_default(paths, path_count, &cases);
	int status = cases ? run_cases(cases, policy, format, is_verbose) : CLI_USAGE;
	cases_free(cases);
	policy_free(policy);
	return status;
}

int cli_policy_test(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy test",
		.operands = "[DIR|FILE]...",
		.about = "Judges the cases in these files (see sowatch-policy-test(5)) by the "
			 "policies and says which do not come out as expected. Without a DIR or "
			 "FILE: the cases in the policies' own folders \"tests\".\n"
			 "Exit status: 0 all passed, 1 some failed, 2 a policy or a case is "
			 "wrong."};
	struct cli_list policies = {0};
	const char *format = "text";
	bool is_verbose = false;
	const struct cli_option options[] = {
		{"policy", 'p', CLI_LIST, "POLICY",
		 "policy file or directory, repeatable, later ones win; default: the shipped ones",
		 &policies},
		{"format", 0, CLI_CHOICE, "text|json", "how to say it", &format},
		{"verbose", 'v', CLI_FLAG, NULL, "also name the cases that passed", &is_verbose},
		{0}};
	int first = 0, parsed = cli_parse(&usage, options, argc, argv, &first);
	int status = parsed > 0 ? CLI_OK : CLI_USAGE;
	if (!parsed)
		status = test_policies(&policies, argv + first, (unsigned)(argc - first), format,
				       is_verbose);
	cli_list_done(&policies);
	return status;
}

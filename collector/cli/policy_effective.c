/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy effective: what is in force once all layers are on top of each other.
 */
#include "policy_cli.h"

int cli_policy_effective(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy effective",
		.operands = "[PATH]...",
		.about = "Prints every profile, grant and guard in force, each rule with the "
			 "file:line "
			 "it was written at. Without a policy: the shipped ones."};
	struct cli_list policies = {0};
	const struct cli_option options[] = {{"policy", 'p', CLI_LIST, "POLICY",
					      "policy file or directory, repeatable", &policies},
					     {0}};
	int first = 0, result = cli_parse(&usage, options, argc, argv, &first);
	if (result) {
		cli_list_done(&policies);
		return result < 0 ? CLI_USAGE : CLI_OK;
	}
	struct policy *policy = NULL;
	if (policies.count && first < argc)
		cli_error("name the policies with -p or as operands, not both");
	else if (policies.count)
		policy = cli_policy_load(policies.items, policies.count);
	else
		policy = cli_policy_load((const char *const *)argv + first,
					 (unsigned)(argc - first));
	cli_list_done(&policies);
	if (!policy)
		return CLI_USAGE;
	policy_print_effective(policy, stdout);
	policy_free(policy);
	return cli_policy_flush();
}

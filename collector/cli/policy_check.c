/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy check: what is wrong with policies, and what in them is of no use.
 */
#include <stdlib.h>

#include "policy_cli.h"

static const char *take_environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

int cli_policy_check(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy check",
		.operands = "[PATH]...",
		.about = "Loads policy files and directories, the later above the earlier, and "
			 "says all "
			 "that is wrong with them. Without a PATH: the shipped policies."};
	static const struct cli_option options[] = {{0}};
	int first = 0, result = cli_parse(&usage, options, argc, argv, &first);
	if (result)
		return result < 0 ? CLI_USAGE : CLI_OK;
	struct policy_options load = {
		.variable = take_environment, .errors = stderr, .is_warning = true};
	const char *shipped = cli_policies_dir();
	const char *const *paths = first < argc ? (const char *const *)argv + first : &shipped;
	struct policy *policy = NULL;
	policy_load(paths, first < argc ? (unsigned)(argc - first) : 1, &load, &policy);
	policy_free(policy);
	return policy ? CLI_OK : CLI_USAGE;
}

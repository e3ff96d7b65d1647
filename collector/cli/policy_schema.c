/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy schema: the policy language as a JSON Schema.
 */
#include <string.h>

#include "policy_cli.h"

int cli_policy_schema(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy schema",
		.operands = "",
		.about = "Prints the policy language as a JSON Schema, for editors that complete "
			 "and check."};
	static const struct cli_option options[] = {{0}};
	int first = 0, result = cli_parse(&usage, options, argc, argv, &first);
	if (result)
		return result < 0 ? CLI_USAGE : CLI_OK;
	if (first < argc) {
		cli_error("policy schema takes no operand");
		return CLI_USAGE;
	}
	int error = policy_print_schema(stdout);
	if (error) {
		cli_error("cannot write to standard output: %s", strerror(-error));
		return CLI_USAGE;
	}
	return cli_policy_flush();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * VERB(name, function, "one line"): what `sowatch policy` can do, in the order help shows.
 */
VERB(check, cli_policy_check, "say all that is wrong with policies")
VERB(effective, cli_policy_effective, "print what is in force, and where each rule stands")
VERB(test, cli_policy_test, "judge cases and say which do not come out as expected")
VERB(explain, cli_policy_explain, "say why an event was judged so, and what would allow it")
VERB(schema, cli_policy_schema, "print the policy language as a JSON Schema")
VERB(fmt, cli_policy_fmt, "put policy files into canonical form, comments kept")

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs of `sowatch policy` share. A new one is a line in policy_verbs.tbl.h and a file.
 */
#ifndef SOWATCH_CLI_POLICY_H
#define SOWATCH_CLI_POLICY_H

#include "cli.h"

/* Each is: int cli_policy_VERB(int argc, char **argv), argv[0] the verb, answers an exit status. */
#define VERB(name, function, summary) int function(int argc, char **argv);
#include "policy_verbs.tbl.h"
#undef VERB

/* Files and directories, or the shipped policies when count is 0; ${NAME} from the environment.
 * What is wrong goes to stderr. NULL: there were errors. */
struct policy *cli_policy_load(const char *const *paths, unsigned count);
/* Ends what was printed on standard output: CLI_OK, or CLI_USAGE and told. */
int cli_policy_flush(void);

#endif

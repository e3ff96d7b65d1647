/* SPDX-License-Identifier: Apache-2.0
 *
 * VERB(name, function, "one line"): every verb of the sowatch program, in the order help shows.
 */
VERB(run, cli_run, "run a command and tell what its libraries do against their profiles")
VERB(replay, cli_replay, "judge a recorded log again, with its own policy or another")
VERB(log, cli_log, "show, verify or count what a log holds")
VERB(policy, cli_policy, "check, explain or show policies")
VERB(learn, cli_learn, "write profiles for what was seen and has none yet")
VERB(diff, cli_diff, "compare the behaviour of two versions: what appeared, what vanished")
VERB(doctor, cli_doctor, "say what this machine allows sowatch to see, and the mend")

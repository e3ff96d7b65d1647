/* SPDX-License-Identifier: Apache-2.0
 *
 * Why an event was judged as it was: for tests of policies and for people. Asks what judging asks,
 * and answers nothing of its own.
 */
#ifndef SOWATCH_POLICY_EXPLAIN_H
#define SOWATCH_POLICY_EXPLAIN_H

#include "policy.h"

/* Names of the profiles that answer for a subject in anything, the one for the most first; at most
 * max. Returns how many. The policy must have judged an event of the subject's model last. */
unsigned policy_profiles_of(struct policy *policy, const struct subject *subject,
			    const char **ret_names, unsigned max);
/* Every profile in force, in the order of its files; NULL beyond the last. */
const char *policy_profile_name(const struct policy *policy, unsigned at);

#endif

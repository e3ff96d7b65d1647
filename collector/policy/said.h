/* SPDX-License-Identifier: Apache-2.0
 *
 * What the profiles bound to a subject speak about: for whoever writes the rest.
 */
#ifndef SOWATCH_POLICY_SAID_H
#define SOWATCH_POLICY_SAID_H

#include "policy.h"

/* A profile of the subject has the family of this action. */
bool policy_says(const struct policy_binding *binding, uint8_t action);
/* The subject passes the action on to its caller, or would if a package owned it. */
bool policy_carries(const struct policy_binding *binding, uint8_t action);

#endif

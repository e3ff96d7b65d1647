/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy made of one rule, so that pipeline and sinks are tested without the language: paths
 * below /bad and peers deviate, and are charged to the innermost link (or to fake_charged).
 */
#ifndef SOWATCH_TEST_FAKE_POLICY_H
#define SOWATCH_TEST_FAKE_POLICY_H

#include "collector/policy/policy.h"

struct policy *fake_policy_new(const char *text);
/* Which link of the chain is charged; 0 the innermost. */
extern uint32_t fake_charged;
/* A hole name that the policy accepts, or NULL. */
extern const char *fake_accepts;
/* A subject name that carries everything, or NULL. */
extern const char *fake_conduit;
/* Texts whose loading fails contain this word. */
#define FAKE_BROKEN "broken"

#endif

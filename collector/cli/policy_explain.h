/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `sowatch policy explain`: finding the event in its log (policy_explain.c), saying
 * why it was judged so (policy_explain_say.c).
 */
#ifndef SOWATCH_CLI_POLICY_EXPLAIN_H
#define SOWATCH_CLI_POLICY_EXPLAIN_H

#include "../policy/explain.h"
#include "policy_cli.h"

/* What was asked for, once it was found. */
struct explained {
	const struct explanation *explanation;
	const struct policy *policy;
	struct model *model;
	const struct item_event *event;
	uint64_t number; /* of the event in its log, from 1 */
};
/* Both on standard output; 0 or negative errno. */
int policy_explain_text(const struct explained *explained);
int policy_explain_json(const struct explained *explained);

#endif

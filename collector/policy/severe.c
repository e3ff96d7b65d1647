/* SPDX-License-Identifier: Apache-2.0
 *
 * Which actions are grave enough that no announcement of them is taken on trust.
 */
#include <string.h>

#include "policy_inner.h"

/* The probes check every open below /proc: such a rule asks nothing more of them. */
static bool is_below_proc(const struct rule *rule)
{
	return rule->kind == RULE_PATH && !rule->path.is_home && rule->text &&
	       !strncmp(rule->text, "/proc/", 6);
}

static bool is_severe(const struct list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->rules[i]->severity >= SEVERITY_HIGH && !is_below_proc(list->rules[i]))
			return true;
	return false;
}

static bool is_frequent(unsigned action)
{
	return action == WIRE_FILE_READ || action == WIRE_FILE_LIST;
}

static uint32_t profile_severe(const struct profile *profile)
{
	uint32_t actions = 0;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		const struct list *family = &profile->families[action_family(action)];
		const struct list *list = &profile->lists[action];
		if (profile->severity >= SEVERITY_HIGH && family->state != LIST_ABSENT &&
		    list->state != LIST_ANY && !is_frequent(action))
			actions |= 1u << action;
		if (is_severe(list))
			actions |= 1u << action;
	}
	return actions;
}

uint32_t policy_severe_actions(const struct policy *policy)
{
	uint32_t actions = 0;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++)
		if (is_severe(&policy->forbidden[action]))
			actions |= 1u << action;
	for (uint32_t i = 0; i < policy->profile_count; i++)
		if (!policy->profiles[i]->is_gone)
			actions |= profile_severe(policy->profiles[i]);
	return actions;
}

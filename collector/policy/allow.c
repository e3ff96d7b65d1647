/* SPDX-License-Identifier: Apache-2.0
 *
 * What the profiles bound to one subject say about one question, and what the guards say.
 */
#include <string.h>

#include "policy_inner.h"

/* Lists that together grant an action: a listed peer also grants sending and resolving. */
unsigned policy_granting(unsigned action, unsigned ret_actions[3])
{
	unsigned count = 0;
	ret_actions[count++] = action;
	if (action == WIRE_NET_SEND || action == WIRE_NET_RESOLVE)
		ret_actions[count++] = WIRE_NET_CONNECT;
	if (action == WIRE_NET_RESOLVE)
		ret_actions[count++] = WIRE_NET_SEND;
	if (action == WIRE_NET_LISTEN)
		ret_actions[count++] = WIRE_NET_BIND;
	return count;
}

static bool is_text(struct str text, const char *other)
{
	return *other && strlen(other) == text.len && !memcmp(text.data, other, text.len);
}

/* A distribution that only its own list vouches for may call itself like a Debian package: that
 * package's files are not its own. Where Debian's packages are, dpkg's word was asked. */
static bool has_packages_files(const struct subject *subject)
{
	return subject->kind != SUBJECT_PYTHON || strcmp(subject->package, subject->name) != 0 ||
	       !strncmp(subject->path, "/usr/lib/", 9) || !strncmp(subject->path, "/usr/share/", 11);
}

bool is_own_file(const struct question *question, const struct subject *subject)
{
	const struct item_target *target = question->target;
	if (question->action != WIRE_FILE_READ || !target || target->kind != TARGET_PATH)
		return false;
	if (is_text(target->path, subject->path))
		return true;
	if (target->package.len && target->package.data[0] == '/') /* a distribution's dist-info */
		return subject->kind == SUBJECT_PYTHON && is_text(target->package, subject->path);
	return is_text(target->package, subject->package) && has_packages_files(subject);
}

static void answer_rule(struct answer *answer, const struct rule_ref *ref, const struct rule *rule)
{
	answer->kind = ANSWER_ALLOWS;
	answer->ref = *ref;
	answer->rule = rule;
}

/* The profile's own lists. */
static bool ask_lists(struct question *question, const struct list *lists, struct answer *answer,
		      const struct rule **near)
{
	unsigned actions[3], count = policy_granting(question->action, actions);
	const struct list *bind = &lists[WIRE_NET_BIND];
	for (unsigned i = 0; i < count; i++) {
		const struct list *list = &lists[actions[i]];
		/* `bind` speaks for `listen` only where that is not said. */
		if (i && question->action == WIRE_NET_LISTEN && lists[WIRE_NET_LISTEN].is_said)
			break;
		if (list->state == LIST_ANY) {
			answer_rule(answer, &list->ref, NULL);
			return true;
		}
		const struct rule *rule = list->count ? list_match(question, list, near) : NULL;
		if (rule) {
			answer_rule(answer, &rule->ref, rule);
			return true;
		}
	}
	if (question->action == WIRE_NET_ACCEPT && !lists[WIRE_NET_ACCEPT].is_said &&
	    (bind->state == LIST_ANY || bind->state == LIST_RULES)) {
		answer_rule(answer, &bind->ref, NULL);
		return true;
	}
	return false;
}

/* The list to show as what would have been allowed. */
static const struct list *deciding_list(const struct profile *profile, unsigned action)
{
	unsigned actions[3], count = policy_granting(action, actions);
	for (unsigned i = 0; i < count; i++)
		if (profile->lists[actions[i]].is_said)
			return &profile->lists[actions[i]];
	return &profile->lists[action];
}

static void answer_forbids(const struct profile *profile, unsigned action, const struct rule *near,
			   struct answer *answer)
{
	const struct list *list = deciding_list(profile, action);
	answer->kind = ANSWER_FORBIDS;
	answer->ref = near ? near->ref : list->ref;
	answer->expected = list->expected;
	answer->message = near ? near->message : NULL;
	answer->counts_attempts |= near && near->is_attempt;
	if (near && near->severity)
		answer->severity = near->severity;
}

/* What the profile says of the order on its connections; nothing, where it does not. */
static void ask_exchange(const struct profile *profile, const struct list *list,
			 struct answer *ret_answer)
{
	if (!list->is_said)
		return;
	ret_answer->kind = list->state == LIST_ANY ? ANSWER_ALLOWS : ANSWER_FORBIDS;
	ret_answer->ref = list->ref;
	ret_answer->expected = list->expected;
	ret_answer->severity = profile->severity ? profile->severity : SEVERITY_HIGH;
}

bool policy_wants_order(const struct policy_binding *binding)
{
	const struct profile *profile = binding->families[FAMILY_NET];
	return profile && profile->lists[WIRE_NET_EXCHANGE].state == LIST_NONE;
}

void policy_ask(struct question *question, const struct policy_binding *binding,
		const struct subject *subject, struct answer *ret_answer)
{
	const struct profile *profile = binding->families[action_family(question->action)];
	const struct profile *primary = profile ? profile : binding->primary;
	const struct rule *near = NULL;
	*ret_answer = (struct answer){.severity = SEVERITY_MEDIUM};
	question->asked = subject;
	if (profile && question->action == WIRE_NET_EXCHANGE)
		ask_exchange(profile, &profile->lists[WIRE_NET_EXCHANGE], ret_answer);
	if (!primary || !question->target || question->action == WIRE_NET_EXCHANGE)
		return;
	ret_answer->ref = ref_at(primary->name, primary->place);
	ret_answer->counts_attempts = binding->judges_attempts;
	if (primary->severity)
		ret_answer->severity = primary->severity;
	if (profile && ask_lists(question, profile->lists, ret_answer, &near))
		return;
	if (is_own_file(question, subject)) {
		ret_answer->kind = ANSWER_ALLOWS;
		return;
	}
	if (!primary->is_baseless && ask_lists(question, question->policy->base, ret_answer, NULL))
		return;
	if (profile)
		answer_forbids(profile, question->action, near, ret_answer);
}

bool policy_is_granted(struct question *question)
{
	struct answer answer = {0};
	return ask_lists(question, question->policy->base, &answer, NULL);
}

static bool guard_is_now(const struct question *question, const struct rule *rule)
{
	const struct guard *guard = &question->policy->guards[rule->guard - 1];
	if (rule->is_after != question->wants_after)
		return false;
	if (guard->phases && !(guard->phases & question->phases))
		return false;
	return question->is_judged || guard->is_attempt || rule->is_attempt;
}

const struct rule *policy_forbids(struct question *question, uint32_t *at)
{
	const struct list *list = &question->policy->forbidden[question->action];
	bool has_two = question->target->kind == TARGET_PATHS;
	while (*at < list->count) {
		const struct rule *rule = list->rules[(*at)++];
		if (!guard_is_now(question, rule))
			continue;
		question->is_unheard = false;
		/* Either name counts: moving a file onto a guarded one is writing it. */
		if (rule_match(question, rule, question->path) == HIT_YES ||
		    (has_two && rule_match(question, rule, question->to) == HIT_YES))
			return rule;
		if (rule->kind == RULE_PATHS && has_two) {
			struct list one = {.others = (struct rule **)&rule, .other_count = 1};
			if (list_match(question, &one, NULL))
				return rule;
		}
		if (question->is_unheard)
			question->unheard |= 1ull << (rule->guard - 1);
	}
	return NULL;
}

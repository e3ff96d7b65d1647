/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules were considered. What is near is found by asking a rule again with one of its
 * conditions taken away: if it then matches, that condition was what stood in the way.
 */
#include <string.h>

#include "explain_inner.h"

/* Rules that are nowhere near: enough of them to see what the list is about. */
#define FAR_MAX 12u

static bool hits(struct question *question, const struct rule *rule)
{
	struct rule *one = (struct rule *)rule;
	struct list list = {
		.state = LIST_RULES, .rules = &one, .count = 1, .others = &one, .other_count = 1};
	return list_match(question, &list, NULL) != NULL;
}

/* In a guard one name of two is enough. */
static bool guard_hits(struct question *question, const struct rule *rule)
{
	return rule_match(question, rule, question->path) == HIT_YES ||
	       (question->target->kind == TARGET_PATHS &&
		rule_match(question, rule, question->to) == HIT_YES) ||
	       hits(question, rule);
}

static const char *ports_phrase(struct pool *pool, const struct rule *rule)
{
	const char *text = "", *between = "";
	for (uint32_t i = 0; i < rule->peer.port_count && i < 8; i++, between = ", ") {
		const struct port_range *range = &rule->peer.ports[i];
		text = range->low == range->high
			       ? pool_print(pool, "%s%s%u", text, between, range->low)
			       : pool_print(pool, "%s%s%u-%u", text, between, range->low,
					    range->high);
	}
	return text;
}

static void add_word(struct pool *pool, const char **text, const char *prefix, const char *word)
{
	*text = pool_print(pool, "%s%s%s%s", *text, **text ? ", " : "", prefix, word);
}

/* Where a grant holds. */
static const char *via_phrase(struct pool *pool, const struct grant *grant)
{
	const char *text = "";
	for (uint32_t i = 0; i < grant->via_count && i < 6; i++)
		add_word(pool, &text, "", grant->via[i].text);
	for (uint32_t i = 0; i < grant->module_count && i < 6; i++)
		add_word(pool, &text, "python:", grant->modules[i].text);
	if (grant->has_import)
		add_word(pool, &text, "", "importlib");
	return grant->via_count > 6 ? pool_print(pool, "%s …", text) : text;
}

static const char *phase_phrase(struct pool *pool, unsigned phases)
{
	const char *text = "";
	if (phases & PHASE_LOAD)
		add_word(pool, &text, "", "load");
	if (phases & PHASE_STARTUP)
		add_word(pool, &text, "", "startup");
	if (phases & PHASE_STEADY)
		add_word(pool, &text, "", "steady");
	return text;
}

static const char *near_peer(struct inquiry *inquiry, const struct rule *rule, struct rule *other)
{
	struct pool *pool = &inquiry->explanation->pool;
	const struct item_target *target = inquiry->question->target;
	other->peer.port_count = 0;
	if (hits(inquiry->question, other))
		return pool_print(pool, "the port is %u, not %s", target->port,
				  ports_phrase(pool, rule));
	other->peer.port_count = rule->peer.port_count;
	other->peer.proto = 0;
	if (hits(inquiry->question, other))
		return "the protocol is another";
	other->peer.proto = rule->peer.proto;
	other->peer.to_count = 0;
	if (rule->peer.to_count && rule->peer.port_count && hits(inquiry->question, other))
		return inquiry->question->name_count || target->kind != TARGET_PEER
			       ? "the port would do, the peer is another"
			       : "the port would do, the peer is another, or its name was never "
				 "asked "
				 "for in this process";
	return NULL;
}

/* One of two names, or the path as it was asked for. */
static const char *near_path(struct inquiry *inquiry, const struct rule *rule)
{
	struct question *question = inquiry->question;
	const struct item_target *target = question->target;
	if (rule->kind != RULE_PATH && rule->kind != RULE_PROGRAM)
		return NULL;
	if (target->kind == TARGET_PATHS) {
		bool is_first = rule_match(question, rule, question->path) == HIT_YES;
		bool is_second = rule_match(question, rule, question->to) == HIT_YES;
		return is_first	   ? "the first name matches, the second does not"
		       : is_second ? "the second name matches, the first does not"
				   : NULL;
	}
	bool is_link = target->asked.len != question->path.len ||
		       memcmp(target->asked.data, question->path.data, target->asked.len);
	if (rule->kind == RULE_PATH && is_link && target->asked.len &&
	    rule_match(question, rule, target->asked) == HIT_YES)
		return "it matches the path that was asked for, which leads elsewhere: rules "
		       "match the real one";
	return NULL;
}

/* What stands in the way, or NULL when more than one thing does. */
static const char *near_why(struct inquiry *inquiry, const struct rule *rule)
{
	struct pool *pool = &inquiry->explanation->pool;
	struct rule *other = pool_alloc(pool, sizeof(*other));
	*other = *rule;
	other->expires_ns = NEVER;
	if (rule->expires_ns != NEVER && hits(inquiry->question, other))
		return "it has expired";
	other->expires_ns = rule->expires_ns;
	other->phases = 0;
	if (rule->phases && hits(inquiry->question, other))
		return pool_print(pool, "it holds only in phase %s",
				  phase_phrase(pool, rule->phases));
	other->phases = rule->phases;
	other->grant = 0;
	if (rule->grant && hits(inquiry->question, other)) {
		const struct grant *grant = &inquiry->question->policy->grants[rule->grant - 1];
		if (grant->phases && !(grant->phases & inquiry->question->phases))
			return pool_print(pool, "it holds only in phase %s",
					  phase_phrase(pool, grant->phases));
		return pool_print(pool, "it holds only inside %s", via_phrase(pool, grant));
	}
	other->grant = rule->grant;
	other->has_args = false;
	if (rule->has_args && hits(inquiry->question, other))
		return "the arguments are others";
	other->has_args = rule->has_args;
	return rule->kind == RULE_PEER ? near_peer(inquiry, rule, other) : near_path(inquiry, rule);
}

static bool is_deciding(const struct inquiry *inquiry, const struct rule *rule)
{
	const struct explanation *explanation = inquiry->explanation;
	for (unsigned i = 0; i < explanation->outcome_count; i++) {
		const struct rule_ref *ref = &explanation->outcomes[i].rule;
		if (ref->file == rule->ref.file && ref->line == rule->ref.line &&
		    explanation->outcomes[i].kind != OUTCOME_NOT_JUDGED)
			return true;
	}
	return false;
}

static void add_rule(struct inquiry *inquiry, const struct rule *rule, const char *list,
		     const char *result, const char *why)
{
	struct explanation *explanation = inquiry->explanation;
	explanation->rules = pool_grow(&explanation->pool, explanation->rules,
				       explanation->rule_count, sizeof(*explanation->rules));
	explanation->rules[explanation->rule_count++] = (struct explain_rule){
		.ref = rule->ref, .list = list, .text = rule->text, .result = result, .why = why};
}

static void explain_list(struct inquiry *inquiry, const struct list *list, const char *name,
			 uint32_t far_max)
{
	uint32_t far = 0;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct rule *rule = list->rules[i];
		bool is_hit = hits(inquiry->question, rule);
		bool decides = is_hit && is_deciding(inquiry, rule);
		const char *why = is_hit ? NULL : near_why(inquiry, rule);
		if (is_hit)
			add_rule(inquiry, rule, name, decides ? "decides" : "allows", "");
		else if (why)
			add_rule(inquiry, rule, name, "near", why);
		else if (far++ < far_max)
			add_rule(inquiry, rule, name, "no", "");
	}
	inquiry->explanation->rules_left_out += far > far_max ? far - far_max : 0;
}

static void explain_guards(struct inquiry *inquiry)
{
	struct question *question = inquiry->question;
	const struct list *list = &question->policy->forbidden[question->action];
	for (uint32_t i = 0; i < list->count; i++) {
		const struct rule *rule = list->rules[i];
		const struct guard *guard = &question->policy->guards[rule->guard - 1];
		if (!guard_hits(question, rule))
			continue;
		if (rule->is_after && !is_deciding(inquiry, rule))
			continue; /* it asks what was read before, too */
		bool is_exempt = inquiry->binding->exempt >> (rule->guard - 1) & 1;
		add_rule(inquiry, rule,
			 pool_print(&inquiry->explanation->pool, "guard %s", guard->name),
			 is_exempt ? "no" : "forbids",
			 is_exempt	 ? "the profile is exempt"
			 : guard->reason ? guard->reason
					 : "");
	}
}

void explain_rules(struct inquiry *inquiry)
{
	struct question *question = inquiry->question;
	const struct profile *profile = inquiry->binding->families[action_family(question->action)];
	const struct profile *primary = profile ? profile : inquiry->binding->primary;
	unsigned actions[3], count = policy_granting(question->action, actions);
	for (unsigned i = 0; profile && i < count; i++)
		explain_list(inquiry, &profile->lists[actions[i]], action_name(actions[i]),
			     FAR_MAX);
	/* Of grants only what is near is worth a line: there are many. */
	for (unsigned i = 0; primary && !primary->is_baseless && i < count; i++)
		explain_list(inquiry, &question->policy->base[actions[i]], "grant", 0);
	explain_guards(inquiry);
}

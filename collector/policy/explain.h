/* SPDX-License-Identifier: Apache-2.0
 *
 * Why an event was judged as it was: for tests of policies and for people. Asks what judging asks,
 * and decides nothing of its own.
 */
#ifndef SOWATCH_POLICY_EXPLAIN_H
#define SOWATCH_POLICY_EXPLAIN_H

#include "policy.h"
#include "pool.h"

/* Names of the profiles that answer for a subject in anything, the one for the most first; at most
 * max. Returns how many. The policy must have judged an event of the subject's model last. */
unsigned policy_profiles_of(struct policy *policy, const struct subject *subject,
			    const char **ret_names, unsigned max);
/* Every profile in force, in the order of its files; NULL beyond the last. */
const char *policy_profile_name(const struct policy *policy, unsigned at);

/* One link of the chain, and what became of the act there. */
struct explain_link {
	const struct chain_link *link;
	const char *did;     /* "skipped", "charged", "judged", "passed over", "not reached" */
	const char *why;     /* a sentence */
	struct rule_ref ref; /* the profile that says so; profile "" when none does */
};

/* A profile that matches the subject whose rules were asked. */
struct explain_profile {
	struct rule_ref ref; /* the profile and where its match stands */
	const char *match;   /* what it matched by: `name "libz.so*"` */
	bool answers;	     /* for the action's family */
	const char *why;
};

/* A rule that was considered: of the profile, a grant or a guard. */
struct explain_rule {
	struct rule_ref ref;
	const char *list;   /* "file.read", "grant", "guard NAME" */
	const char *text;   /* the rule in a phrase */
	const char *result; /* "decides", "allows", "forbids", "near", "no" */
	const char *why;
};

struct explanation {
	struct pool pool;
	jmp_buf escape;
	struct outcome outcomes[POLICY_OUTCOMES];
	unsigned outcome_count;
	bool is_judged;	       /* the result of the call counts */
	const char *judgement; /* what decided, one sentence */
	struct explain_link *links;
	uint32_t link_count;
	struct explain_profile *profiles;
	uint32_t profile_count;
	struct explain_rule *rules;
	uint32_t rule_count, rules_left_out; /* rules that are nowhere near are not all told */
	/* What would have to be added, as a policy file; NULL when nothing would do, or nothing has
	 * to. It was loaded on top and the event judged again: then it was allowed. */
	const char *mend;
	const char *mend_problem; /* why there is none */
};

/* 0 and *ret_explanation, or -ENOMEM. The event was ingested by the model. */
int policy_explain(struct policy *policy, struct model *model, const struct item_event *event,
		   struct explanation **ret_explanation);
void explanation_free(struct explanation *explanation);

#endif

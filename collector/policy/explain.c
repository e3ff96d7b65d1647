/* SPDX-License-Identifier: Apache-2.0
 *
 * See explain.h: the walk along the chain in words, and which profiles were asked.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain_inner.h"

#define RANKED_MAX 32u

static unsigned add_name(const char **names, unsigned count, unsigned max,
			 const struct profile *profile)
{
	if (!profile || count == max)
		return count;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], profile->name))
			return count;
	names[count] = profile->name;
	return count + 1;
}

unsigned policy_profiles_of(struct policy *policy, const struct subject *subject,
			    const char **ret_names, unsigned max)
{
	const struct policy_binding *binding = policy_binding_of(policy, subject);
	struct ranked ranked[RANKED_MAX];
	unsigned matching = policy_rank(policy, subject, ranked, RANKED_MAX);
	unsigned count = add_name(ret_names, 0, max, binding->primary);
	for (unsigned family = 0; family < FAMILIES; family++)
		count = add_name(ret_names, count, max, binding->families[family]);
	count = add_name(ret_names, count, max, binding->watcher);
	/* carries and exempt may be another's: the first that says them. */
	for (uint32_t key = KEY_CARRIES; key <= KEY_SECRETS; key <<= 1)
		for (unsigned i = 0; i < matching; i++) {
			if (!(ranked[i].profile->said & key))
				continue;
			count = add_name(ret_names, count, max, ranked[i].profile);
			break;
		}
	return count;
}

const char *policy_profile_name(const struct policy *policy, unsigned at)
{
	return at < policy->profile_count ? policy->profiles[at]->name : NULL;
}

/* --- the chain ---------------------------------------------------------------------------------
 */

/* The first of the matching profiles that says this key. */
static const struct profile *speaker(const struct inquiry *inquiry, const struct subject *subject,
				     uint32_t key)
{
	struct ranked ranked[RANKED_MAX];
	unsigned count = policy_rank(inquiry->question->policy, subject, ranked, RANKED_MAX);
	for (unsigned i = 0; i < count; i++)
		if (ranked[i].profile->said & key)
			return ranked[i].profile;
	return NULL;
}

static const char *trust_of(struct inquiry *inquiry, const struct subject *subject, bool is_trusted)
{
	struct pool *pool = &inquiry->explanation->pool;
	if (*subject->package)
		return pool_print(pool, "package %s owns the file", subject->package);
	if (is_trusted)
		return "it is meant by its exact path or content";
	return pool_print(pool, "no package owns %s",
			  *subject->path ? subject->path : "this memory");
}

static void explain_skipped(struct inquiry *inquiry, const struct policy_binding *binding,
			    struct explain_link *ret)
{
	struct pool *pool = &inquiry->explanation->pool;
	const struct subject *subject = ret->link->subject;
	const char *action = action_name(inquiry->question->action);
	const struct profile *carrier = speaker(inquiry, subject, KEY_CARRIES);
	const char *trust = trust_of(inquiry, subject, binding->is_trusted);
	ret->did = "skipped";
	if (carrier)
		ret->ref = ref_at(carrier->name, carrier->place);
	if (binding->carries >> inquiry->question->action & 1)
		ret->why = pool_print(
			pool, "%s passes %s on to its caller%s; %s",
			carrier && carrier->is_conduit ? "it is a conduit, which" : "its profile",
			action, carrier && carrier->is_conduit ? " like everything" : "", trust);
	else if (binding->denied >> inquiry->question->action & 1)
		ret->why = pool_print(pool,
				      "it has the name of something that passes %s on, but %s: who "
				      "called it answers for it",
				      action, trust);
	else if (!binding->is_profiled)
		ret->why = "it has no profile, so whoever started the process is asked";
	else
		ret->why = "its profile does not speak about this, so whoever started the process "
			   "is asked";
	if (!binding->is_profiled)
		ret->did = "passed over";
}

static void explain_link(struct inquiry *inquiry, uint32_t at)
{
	const struct outcome *outcome = &inquiry->explanation->outcomes[0];
	struct explain_link *ret = &inquiry->explanation->links[at];
	const struct policy_binding *binding;
	*ret = (struct explain_link){
		.link = &inquiry->chain->links[at], .did = "not reached", .why = ""};
	ret->ref = (struct rule_ref){.profile = "", .file = "", .id = ""};
	if (at > inquiry->charged && at > inquiry->judged)
		return;
	binding = policy_binding_of(inquiry->question->policy, ret->link->subject);
	if (at == inquiry->charged) {
		ret->did = "charged";
		ret->why = outcome->reason;
	} else if (at == inquiry->judged) {
		ret->did = "judged";
		ret->why = "its profile answers for what is charged further in";
	} else {
		explain_skipped(inquiry, binding, ret);
		return;
	}
	const struct profile *profile = binding->families[action_family(inquiry->question->action)];
	profile = profile ? profile : binding->primary;
	if (profile)
		ret->ref = ref_at(profile->name, profile->place);
}

static void explain_links(struct inquiry *inquiry)
{
	struct explanation *explanation = inquiry->explanation;
	if (!inquiry->chain)
		return;
	explanation->link_count = inquiry->chain->count;
	explanation->links =
		pool_alloc(&explanation->pool, inquiry->chain->count * sizeof(*explanation->links));
	for (uint32_t at = 0; at < inquiry->chain->count; at++)
		explain_link(inquiry, at);
}

/* --- the profiles -------------------------------------------------------------------------------
 */

static const char *match_phrase(struct pool *pool, const struct match *match)
{
	static const char *const words[] = {[RANK_NAME] = "name",
					    [RANK_VERSION] = "version",
					    [RANK_PATH] = "path",
					    [RANK_BUILD_ID] = "build-id",
					    [RANK_SHA256] = "sha256"};
	const char *word = words[match->rank] ? words[match->rank] : "name";
	const char *text = match->rank == RANK_BUILD_ID && match->build_id ? match->build_id
			   : match->has_subject				   ? match->subject.text
			   : match->has_package				   ? match->package.text
									   : "";
	return pool_print(pool, "%s \"%s\"", word, text);
}

static const char *loss(struct inquiry *inquiry, const struct ranked *one,
			const struct ranked *winner)
{
	struct pool *pool = &inquiry->explanation->pool;
	enum family family = action_family(inquiry->question->action);
	if (!(one->profile->said & (KEY_FAMILY << family)))
		return pool_print(pool, "says nothing about %s", family_keys[family]);
	if (one->profile->layer != winner->profile->layer)
		return pool_print(pool, "\"%s\" stands in a later layer", winner->profile->name);
	if (one->match->rank != winner->match->rank)
		return pool_print(pool, "\"%s\" matches more closely", winner->profile->name);
	if (one->match->literal_len != winner->match->literal_len)
		return pool_print(pool, "\"%s\" matches with the longer literal",
				  winner->profile->name);
	return pool_print(pool, "\"%s\" comes first by name", winner->profile->name);
}

static void explain_profiles(struct inquiry *inquiry)
{
	struct explanation *explanation = inquiry->explanation;
	struct ranked ranked[RANKED_MAX];
	enum family family = action_family(inquiry->question->action);
	const struct ranked *winner = NULL;
	unsigned count = policy_rank(inquiry->question->policy, inquiry->asked, ranked, RANKED_MAX);
	explanation->profiles =
		pool_alloc(&explanation->pool, (count + 1) * sizeof(*explanation->profiles));
	explanation->profile_count = count;
	for (unsigned i = 0; i < count; i++) {
		struct explain_profile *one = &explanation->profiles[i];
		const struct profile *profile = ranked[i].profile;
		bool is_said = profile->said & (KEY_FAMILY << family);
		one->ref = ref_at(profile->name, ranked[i].match->place);
		one->match = match_phrase(&explanation->pool, ranked[i].match);
		one->answers = is_said && !winner;
		if (one->answers)
			winner = &ranked[i];
		one->why = one->answers ? pool_print(&explanation->pool, "answers for %s",
						     family_keys[family])
					: loss(inquiry, &ranked[i], winner ? winner : &ranked[i]);
	}
}

/* --- all of it ----------------------------------------------------------------------------------
 */

static const char *judgement(struct inquiry *inquiry)
{
	const struct explanation *explanation = inquiry->explanation;
	const struct outcome *outcome = &explanation->outcomes[0];
	enum family family = action_family(inquiry->question->action);
	struct pool *pool = &inquiry->explanation->pool;
	const char *name = outcome->rule.profile ? outcome->rule.profile : "";
	if (!explanation->is_judged)
		return "a call that ended so is not judged";
	switch (outcome->kind) {
	case OUTCOME_ALLOWED:
		if (is_own_file(inquiry->question, inquiry->asked))
			return "a subject may read its own files and those of its package";
		return "a rule allows it";
	case OUTCOME_DEVIATES:
		return pool_print(pool, "profile \"%s\" does not allow it: %s", name,
				  outcome->expected ? outcome->expected : "");
	case OUTCOME_UNHEARD:
		return "some rule names a host, and which name this address was resolved by could "
		       "not be known";
	case OUTCOME_NOT_JUDGED:
	case OUTCOME_AWAITS:
		break;
	}
	if (outcome->is_unprofiled)
		return "the charged subject has no profile: nothing is forbidden to it but by "
		       "guards";
	return pool_print(pool, "no profile that answers for it says anything about %s",
			  family_keys[family]);
}

static uint32_t link_at(const struct chain *chain, const struct chain_link *link)
{
	return link >= chain->links && link < chain->links + chain->count
		       ? (uint32_t)(link - chain->links)
		       : chain->count;
}

static void open_question(struct question *question, struct policy *policy, struct model *model,
			  const struct item_event *event)
{
	const struct item_run *run = model_run(model);
	memset(question, 0, sizeof(*question));
	question->policy = policy;
	question->model = model;
	question->event = event;
	question->process = model_process(model, event->process);
	question->target = model_target(model, event->target);
	question->now_ns = run ? run->realtime_ns + (event->time_ns - run->monotonic_ns) : 0;
	question->action = event->action;
	question_prepare(question);
}

static void explain_all(struct inquiry *inquiry)
{
	struct explanation *explanation = inquiry->explanation;
	const struct outcome *outcome = &explanation->outcomes[0];
	inquiry->asked = inquiry->question->asked = outcome->judged_by->subject;
	inquiry->binding = policy_binding_of(inquiry->question->policy, inquiry->asked);
	explanation->is_judged = inquiry->question->is_judged || inquiry->question->is_attempt;
	if (inquiry->chain) {
		inquiry->charged = link_at(inquiry->chain, outcome->charged);
		inquiry->judged = link_at(inquiry->chain, outcome->judged_by);
	}
	explain_links(inquiry);
	explain_profiles(inquiry);
	explanation->judgement = judgement(inquiry);
	if (!inquiry->question->target)
		return;
	explain_rules(inquiry);
	explain_mend(inquiry);
	/* Another policy has judged meanwhile: subjects are to know this one's again. */
	for (uint32_t i = 0; inquiry->chain && i < inquiry->chain->count; i++)
		policy_bind(inquiry->question->policy, inquiry->chain->links[i].subject);
}

int policy_explain(struct policy *policy, struct model *model, const struct item_event *event,
		   struct explanation **ret_explanation)
{
	struct explanation *explanation = calloc(1, sizeof(*explanation));
	struct question *question = calloc(1, sizeof(*question));
	struct inquiry inquiry = {.explanation = explanation, .question = question};
	*ret_explanation = NULL;
	if (!explanation || !question || setjmp(explanation->escape)) {
		free(question);
		explanation_free(explanation);
		return -ENOMEM;
	}
	explanation->pool.escape = &explanation->escape;
	explanation->outcome_count = policy_judge(policy, model, event, explanation->outcomes);
	inquiry.chain = model_chain(model, event->chain);
	if (inquiry.chain && !inquiry.chain->count)
		inquiry.chain = NULL;
	open_question(question, policy, model, event);
	explain_all(&inquiry);
	free(question);
	*ret_explanation = explanation;
	return 0;
}

void explanation_free(struct explanation *explanation)
{
	if (explanation)
		pool_done(&explanation->pool);
	free(explanation);
}

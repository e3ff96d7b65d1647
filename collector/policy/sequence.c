/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a secret, then contacting somebody for the first time: what each of both is goes by the
 * event alone and is remembered with its verdict; whether one came after the other is looked up in
 * the model each time. Whom a rule of his own that somebody wrote by hand names, and whom the
 * secret is meant for, nobody is asked about.
 */
#include <string.h>

#include "policy_inner.h"

static bool is_contact(unsigned action)
{
	return action == WIRE_NET_CONNECT || action == WIRE_NET_SEND;
}

bool policy_wants_secrets(const struct policy *policy, unsigned action)
{
	return policy->after_guards &&
	       (is_contact(action) || action == WIRE_FILE_READ || action == WIRE_ENV_READ);
}

/* --- what is a secret ---------------------------------------------------------------------------
 */

static const struct rule *secret_rule(struct question *question, enum secret_list which)
{
	const struct policy *policy = question->policy;
	const struct rule *rule = list_match(question, &policy->secret_rules[which], NULL);
	if (rule && list_match(question, &policy->secret_excepts[which], NULL))
		rule = NULL;
	return rule;
}

/* A variable that is not set tells nothing. A file is one under either name: dotfiles are often
 * links. What libc reads for its caller, and a grant allows, is libc's. */
uint8_t sequence_group(struct question *question)
{
	const struct item_target *target = question->target;
	bool is_variable = question->action == WIRE_ENV_READ;
	struct str path = question->path;
	if (!policy_wants_secrets(question->policy, question->action) || !target ||
	    is_contact(question->action) || question->event->result < 0)
		return 0;
	if (target->kind != (is_variable ? TARGET_VARIABLE : TARGET_PATH))
		return 0;
	enum secret_list which = is_variable ? SECRET_VARIABLES : SECRET_FILES;
	const struct rule *rule = secret_rule(question, which);
	if (!rule && !is_variable && target->asked.len && *target->asked.data == '/') {
		question->path = target->asked;
		rule = secret_rule(question, which);
		question->path = path;
	}
	return rule && !policy_is_granted(question) ? rule->secret : 0;
}

/* --- who may wait for one -----------------------------------------------------------------------
 */

/* Everybody on the network is nobody in particular. */
static bool names_peers(const struct rule *rule)
{
	bool is_named = rule && rule->kind == RULE_PEER && rule->peer.to_count && !rule->is_learned;
	for (uint32_t i = 0; is_named && i < rule->peer.to_count; i++) {
		const struct peer *peer = &rule->peer.to[i];
		is_named = (peer->kind != PEER_ADDRESS || peer->prefix_bits) &&
			   strspn(peer->text, "*.") != strlen(peer->text);
	}
	return is_named;
}

/* Groups that are meant for this peer, and that may be. */
static void ask_groups(struct question *question, struct outcome *outcome)
{
	const struct policy *policy = question->policy;
	question->asked = outcome->charged->subject;
	for (uint32_t i = 0; i < policy->secret_count; i++) {
		const struct secret_group *group = &policy->secrets[i];
		question->is_unheard = false;
		for (uint32_t p = 0; p < group->peer_count; p++)
			if (rule_match(question, group->peers[p], question->path) == HIT_YES)
				outcome->meant |= 1ull << i;
		if (question->is_unheard)
			outcome->maybe_meant |= 1ull << i;
	}
}

static const struct rule *after_rule(struct question *question, const struct subject *subject,
				     uint64_t exempt)
{
	const struct rule *rule;
	question->asked = subject;
	question->wants_after = true;
	for (uint32_t at = 0; (rule = policy_forbids(question, &at));)
		if (!(exempt >> (rule->guard - 1) & 1))
			break;
	question->wants_after = false;
	return rule;
}

/* What conduits do that nobody else can be charged with is what their user typed. */
static unsigned add_waiting(struct question *question, const struct chain_link *link,
			    const struct answer *answer, struct outcome *outcomes, unsigned count)
{
	const struct policy_binding *binding = policy_bind(question->policy, link->subject);
	if (count == POLICY_OUTCOMES || !link->subject->id || policy_is_conduit(binding) ||
	    (answer->kind == ANSWER_ALLOWS && names_peers(answer->rule)))
		return count;
	const struct rule *rule = after_rule(question, link->subject, binding->exempt);
	if (!rule)
		return count;
	struct outcome *outcome = &outcomes[count];
	*outcome = outcomes[0];
	outcome->kind = OUTCOME_AWAITS;
	outcome->charged = outcome->judged_by = link;
	outcome->meant = outcome->maybe_meant = 0;
	policy_outcome_guarded(outcome, question->policy, rule, rule->guard - 1);
	ask_groups(question, outcome);
	return count + 1;
}

unsigned sequence_judge(struct question *question, const struct chain *chain,
			const struct charge *charge, struct outcome *outcomes, unsigned count)
{
	const struct item_target *target = question->target;
	struct policy *policy = question->policy;
	if (!policy->after_guards || !is_contact(question->action) || !question->is_judged ||
	    target->kind != TARGET_PEER || policy_is_granted(question))
		return count;
	count = add_waiting(question, &chain->links[charge->at], &charge->answer, outcomes, count);
	for (uint32_t at = 0; at < chain->count; at = charge_next(policy, chain, at)) {
		struct subject *subject = chain->links[at].subject;
		struct answer answer;
		if (subject == chain->links[charge->at].subject ||
		    !policy_is_watching(question, chain, charge->at, at))
			continue;
		policy_ask(question, policy_bind(policy, subject), subject, &answer);
		count = add_waiting(question, &chain->links[at], &answer, outcomes, count);
		if (outcomes[count - 1].charged == &chain->links[at])
			outcomes[count - 1].reason = "it watches what its later processes do";
	}
	return count;
}

/* --- what came before ---------------------------------------------------------------------------
 */

static uint64_t group_bit(const struct policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->secret_count; i++)
		if (!strcmp(policy->secrets[i].name, name))
			return 1ull << i;
	return 0;
}

uint64_t sequence_groups(struct policy *policy, struct model *model, const struct item_event *event,
			 const struct outcome *outcome)
{
	const struct secret_read *read =
		model_secrets(model, event->process, outcome->charged->subject);
	uint64_t groups = 0;
	for (; read; read = read->next)
		groups |= group_bit(policy, read->group);
	return groups & ~outcome->meant;
}

/* The first secret he had read by then that is not for this peer; or one that may not be. */
static const struct secret_read *secret_for(struct policy *policy, const struct secret_read *read,
					    uint64_t time_ns, const struct outcome *outcome,
					    bool *ret_is_certain)
{
	uint64_t own = policy_bind(policy, outcome->charged->subject)->secrets;
	const struct secret_read *maybe = NULL;
	for (; read; read = read->next) {
		uint64_t bit = group_bit(policy, read->group);
		if (read->time_ns > time_ns || (outcome->meant | own) & bit)
			continue;
		*ret_is_certain = !(outcome->maybe_meant & bit);
		if (*ret_is_certain)
			return read;
		maybe = maybe ? maybe : read;
	}
	return maybe;
}

/* True when it is to be told. */
static bool settle(struct policy *policy, struct model *model, const struct item_event *event,
		   struct outcome *outcome)
{
	const struct subject *subject = outcome->charged->subject;
	const struct item_target *target = model_target(model, event->target);
	const struct secret_read *first = model_secrets(model, event->process, subject);
	bool is_certain = false, is_lost = model_secrets_are_lost(model);
	if (!target || (!first && !is_lost))
		return false;
	outcome->secret = secret_for(policy, first, event->time_ns, outcome, &is_certain);
	if (!outcome->secret && !is_lost)
		return false;
	enum peer_news news = model_peer_news(model, event->process, subject, target);
	if (news == PEER_IS_KNOWN)
		return false;
	outcome->kind = is_certain && news == PEER_IS_NEW ? OUTCOME_DEVIATES : OUTCOME_UNHEARD;
	outcome->is_lost = !outcome->secret || news == PEER_IS_UNTOLD;
	return true;
}

unsigned sequence_settle(struct policy *policy, struct model *model, const struct item_event *event,
			 struct outcome *outcomes, unsigned count)
{
	unsigned kept = 0;
	bool is_told = false;
	for (unsigned i = 0; i < count; i++) {
		if (outcomes[i].kind == OUTCOME_AWAITS) {
			/* One finding, of the nearest. */
			if (is_told || !settle(policy, model, event, &outcomes[i]))
				continue;
			is_told = outcomes[i].kind == OUTCOME_DEVIATES;
		}
		outcomes[kept++] = outcomes[i];
	}
	return kept;
}

/* --- keeping in mind ----------------------------------------------------------------------------
 */

/* The program that was to be run, by itself or through others that became it. Nobody wrote down
 * what it is to do: that a service takes its password to its data base is no news. */
static bool is_service_itself(struct policy *policy, const struct process *process,
			      const struct subject *actor)
{
	const struct process *root = process;
	if (actor->kind != SUBJECT_EXECUTABLE ||
	    policy_bind(policy, (struct subject *)actor)->is_profiled)
		return false;
	while (root->parent)
		root = root->parent;
	for (; process; process = process->parent)
		if (process->exe_subject == actor && process->pid == root->pid)
			return true;
	return false;
}

static int note_actor(struct policy *policy, struct model *model, struct subject *actor,
		      const struct secret_read *read)
{
	if (!actor->id || policy_is_conduit(policy_bind(policy, actor)) ||
	    is_service_itself(policy, read->process, actor))
		return 0;
	return model_secret_note(model, actor, read);
}

/* Somebody on the way to who is charged reads what is his own to read: ssh a key, whoever runs it.
 */
static bool is_own_secret(struct policy *policy, const struct chain *chain,
			  const struct outcome *outcome)
{
	bool is_own = false;
	for (uint32_t at = 0; at < chain->count && !is_own; at++) {
		is_own = policy_bind(policy, chain->links[at].subject)->secrets >>
				 (outcome->secret_group - 1) &
			 1;
		if (&chain->links[at] == outcome->charged)
			break;
	}
	return is_own;
}

/* Whoever read it, and who watches what his descendants do. Not what somebody read whom no guard
 * binds: that git reads passwords is not its starter's affair. */
static int note_read(struct policy *policy, struct model *model, const struct item_event *event,
		     const struct outcome *outcome)
{
	const struct chain *chain = model_chain(model, event->chain);
	const struct item_target *target = model_target(model, event->target);
	struct subject *reader = outcome->charged->subject;
	struct secret_read read = {.reader = reader,
				   .process = model_process(model, event->process),
				   .chain = chain,
				   .group = policy->secrets[outcome->secret_group - 1].name,
				   .is_variable = event->action == WIRE_ENV_READ,
				   .time_ns = event->time_ns};
	char name[4096];
	uint32_t len = target && target->path.len < sizeof(name) ? target->path.len : 0;
	if (!chain || !target || !read.process ||
	    !(policy->after_guards & ~policy_bind(policy, reader)->exempt) ||
	    is_own_secret(policy, chain, outcome))
		return 0;
	memcpy(name, target->path.data, len);
	name[len] = 0;
	read.name = name;
	int error = note_actor(policy, model, reader, &read);
	bool is_outer = false;
	for (uint32_t at = 0; at < chain->count && !error; at++) {
		struct subject *subject = chain->links[at].subject;
		const struct policy_binding *binding = policy_bind(policy, subject);
		is_outer |= &chain->links[at] == outcome->charged;
		if (subject != reader && (at < chain->own_count ? binding->anywhere != NULL
								: is_outer && binding->watcher))
			error = note_actor(policy, model, subject, &read);
	}
	return error;
}

int policy_note_secret(struct policy *policy, struct model *model, const struct item_event *event,
		       const struct outcome *outcomes)
{
	struct outcome all[POLICY_OUTCOMES];
	const struct item_target *target;
	int error = 0;
	if (outcomes[0].secret_group)
		return note_read(policy, model, event, &outcomes[0]);
	if (!policy->after_guards || !is_contact(event->action))
		return 0;
	unsigned count = policy_judge_all(policy, model, event, all);
	target = model_target(model, event->target);
	for (unsigned i = count; target && i-- > 0 && all[i].kind == OUTCOME_AWAITS && !error;)
		error = model_peer_note(model, event->process, all[i].charged->subject, target);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * One event into outcomes: the charged subject's, then guards, then watchers. Remembered by
 * everything the answer depends on, so that a repeated event costs one look-up and no allocation.
 * A policy judges the events of one model at a time; another model makes it forget.
 */
#include <stdlib.h>
#include <string.h>

#include "memo.h"

#define FUNCTIONS_KNOWN 1024u

/* --- forgetting ----------------------------------------------------------------------------------
 */

static void forget_model(struct policy *policy)
{
	for (uint32_t i = 0; i < policy->binding_room; i++)
		free(policy->bindings[i]);
	for (uint32_t i = 0; i < policy->root_room; i++)
		free(policy->roots[i]);
	free(policy->bindings);
	free(policy->roots);
	policy->bindings = NULL;
	policy->roots = NULL;
	policy->binding_room = policy->root_room = 0;
	if (policy->grant_known)
		memset(policy->grant_known, 0, FUNCTIONS_KNOWN);
	if (policy->grant_bits)
		memset(policy->grant_bits, 0,
		       (size_t)FUNCTIONS_KNOWN * policy->grant_words * sizeof(uint64_t));
}

void judge_done(struct policy *policy)
{
	forget_model(policy);
	free(policy->grant_bits);
	free(policy->grant_known);
	memo_free(policy->memo);
}

/* NULL when out of memory: judging then works without remembering. */
static struct memo *memo_of(struct policy *policy, struct model *model)
{
	struct memo *memo = policy->memo;
	if (policy->model_serial != model_serial(model)) {
		forget_model(policy);
		if (memo)
			memo_clear(memo);
		policy->model_serial = model_serial(model);
	}
	if (!policy->grant_known)
		policy->grant_known = calloc(FUNCTIONS_KNOWN, 1);
	if (!policy->grant_bits && policy->grant_known)
		policy->grant_bits =
			calloc((size_t)FUNCTIONS_KNOWN * policy->grant_words, sizeof(uint64_t));
	if (!memo)
		policy->memo = memo = calloc(1, sizeof(*memo));
	return memo;
}

/* --- remembering
 * ----------------------------------------------------------------------------------- */

void policy_take_over(struct policy *policy, struct model *model)
{
	memo_of(policy, model);
	for (uint32_t id = 1; id <= model_subjects(model); id++) {
		struct subject *subject = model_subject(model, id);
		if (subject && subject->binding)
			policy_bind(policy, subject);
	}
}

/* How many of the policy's dates are past at this instant. */
static uint32_t epoch_at(const struct policy *policy, struct memo *memo, uint64_t now_ns)
{
	if (!policy->expiry_count)
		return 0;
	if (memo->epoch_to && now_ns >= memo->epoch_from && now_ns < memo->epoch_to)
		return memo->epoch;
	uint32_t low = 0, high = policy->expiry_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (policy->expiries[middle] <= now_ns)
			low = middle + 1;
		else
			high = middle;
	}
	memo->epoch = low;
	memo->epoch_from = low ? policy->expiries[low - 1] : 0;
	memo->epoch_to = low < policy->expiry_count ? policy->expiries[low] : NEVER;
	return low;
}

static uint64_t event_realtime(struct model *model, const struct item_event *event)
{
	const struct item_run *run = model_run(model);
	return run ? run->realtime_ns + (event->time_ns - run->monotonic_ns) : event->time_ns;
}

static struct memo_key memo_key_of(struct policy *policy, struct memo *memo, struct model *model,
				   const struct item_event *event, uint64_t now_ns)
{
	struct memo_key key = {.chain = event->chain,
			       .target = event->target,
			       .process = event->process,
			       .epoch = epoch_at(policy, memo, now_ns),
			       .function = event->function,
			       .action = event->action,
			       .flags = event->flags,
			       .class = (uint8_t)result_class(event->result)};
	memcpy(key.via, event->via, sizeof(key.via));
	const struct item_target *target =
		policy->has_dropped && event->action == WIRE_EXEC_RUN
			? model_target(model, event->target)
			: NULL;
	const struct drop *drop = target ? model_drop_of(model, target->path) : NULL;
	if (drop)
		key.names_version = drop->serial;
	if (action_family(event->action) == FAMILY_NET)
		key.names_version = model_names_version(model, event->process);
	return key;
}

/* --- judging
 * --------------------------------------------------------------------------------------- */

/* One link for an event whose chain is missing: the executable of its process, or nobody. */
static const struct chain_link *root_link(struct policy *policy, const struct process *process)
{
	policy->nobody = (struct subject){.kind = SUBJECT_CODE,
					  .name = "",
					  .path = "",
					  .build_id = "",
					  .package = "",
					  .package_version = ""};
	policy->nobody_link = (struct chain_link){.subject = &policy->nobody};
	if (!process || !process->exe_subject)
		return &policy->nobody_link;
	if (process->id >= policy->root_room) {
		uint32_t room = policy->root_room ? policy->root_room : 64;
		while (room <= process->id && room < UINT32_MAX / 2)
			room *= 2;
		struct chain_link **bigger = realloc(policy->roots, room * sizeof(*bigger));
		if (!bigger || room <= process->id)
			return &policy->nobody_link;
		memset(bigger + policy->root_room, 0, (room - policy->root_room) * sizeof(*bigger));
		policy->roots = bigger;
		policy->root_room = room;
	}
	struct chain_link **root = &policy->roots[process->id];
	if (!*root)
		*root = malloc(sizeof(**root));
	if (!*root)
		return &policy->nobody_link;
	**root = (struct chain_link){.subject = process->exe_subject, .starts_process = true};
	return *root;
}

static struct outcome outcome_charged(const struct question *question, const struct chain *chain,
				      const struct charge *charge)
{
	struct outcome outcome = {.kind = OUTCOME_NOT_JUDGED,
				  .charged = &chain->links[charge->at],
				  .judged_by = &chain->links[charge->judged_at],
				  .method = charge->method,
				  .method_name = charge->method_name,
				  .reason = charge->reason,
				  .rule = charge->answer.ref,
				  .severity = charge->answer.severity,
				  .expected = charge->answer.expected,
				  .message = charge->answer.message,
				  .is_unprofiled = !charge->is_profiled};
	outcome.wants_order =
		question->action <= WIRE_NET_EXCHANGE &&
		policy_wants_order(policy_bind(question->policy, outcome.judged_by->subject));
	bool is_judged = question->is_judged ||
			 (question->is_attempt && charge->answer.counts_attempts);
	if (is_judged && charge->answer.kind == ANSWER_ALLOWS)
		outcome.kind = OUTCOME_ALLOWED;
	if (is_judged && charge->answer.kind == ANSWER_FORBIDS)
		outcome.kind = question->is_unheard ? OUTCOME_UNHEARD : OUTCOME_DEVIATES;
	return outcome;
}

void policy_outcome_guarded(struct outcome *outcome, const struct policy *policy,
			    const struct rule *rule, uint32_t guard)
{
	outcome->rule = rule ? rule->ref : ref_at("guards", policy->guards[guard].place);
	if (!*outcome->rule.id)
		outcome->rule.id = policy->guards[guard].name;
	outcome->severity = rule ? rule->severity : policy->guards[guard].severity;
	outcome->is_sequence = rule && (rule->is_dropped || rule->is_after);
	outcome->expected = policy->guards[guard].phrase;
	outcome->message = rule ? rule->message : policy->guards[guard].message;
}

/* Guards that forbid a name this address may have. */
static unsigned judge_unheard(struct question *question, uint64_t told, struct outcome *outcomes,
			      unsigned count)
{
	for (uint32_t i = 0; i < question->policy->guard_count && count < POLICY_OUTCOMES; i++) {
		if (!(question->unheard & ~told & 1ull << i))
			continue;
		outcomes[count] = outcomes[0];
		outcomes[count].kind = OUTCOME_UNHEARD;
		policy_outcome_guarded(&outcomes[count++], question->policy, NULL, i);
	}
	return count;
}

static unsigned judge_guards(struct question *question, const struct chain *chain,
			     const struct charge *charge, struct outcome *outcomes, unsigned count)
{
	struct policy *policy = question->policy;
	const struct policy_binding *binding =
		policy_bind(policy, chain->links[charge->at].subject);
	const struct rule *rule;
	uint64_t told = binding->exempt;
	question->asked = chain->links[charge->at].subject;
	for (uint32_t at = 0; (rule = policy_forbids(question, &at));) {
		uint64_t bit = 1ull << (rule->guard - 1);
		if (told & bit || count == POLICY_OUTCOMES)
			continue;
		told |= bit;
		outcomes[count] = outcomes[0];
		outcomes[count].kind = OUTCOME_DEVIATES;
		policy_outcome_guarded(&outcomes[count++], policy, rule, rule->guard - 1);
	}
	return judge_unheard(question, told, outcomes, count);
}

bool policy_wants_drops(const struct policy *policy)
{
	return policy->has_dropped;
}

bool policy_counts_drop(struct policy *policy, struct subject *writer)
{
	const struct list *list = &policy->forbidden[WIRE_EXEC_RUN];
	uint64_t exempt = policy_bind(policy, writer)->exempt, guards = 0;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->rules[i]->is_dropped && list->rules[i]->guard)
			guards |= 1ull << (list->rules[i]->guard - 1);
	return !guards || guards & ~exempt;
}

static bool is_told(const struct outcome *outcomes, unsigned count, const struct subject *subject)
{
	for (unsigned i = 0; i < count; i++)
		if (outcomes[i].judged_by->subject == subject)
			return true;
	return false;
}

bool policy_is_watching(const struct question *question, const struct chain *chain,
			uint32_t charged, uint32_t at)
{
	struct subject *subject = chain->links[at].subject;
	const struct policy_binding *binding = policy_bind(question->policy, subject);
	if (at == charged || subject == question->starter)
		return false;
	if (at < chain->own_count)
		return binding->anywhere;
	return at > charged && binding->watcher;
}

/* Those that answer for everything done with them on the stack, or by their descendants. */
static unsigned judge_watchers(struct question *question, const struct chain *chain,
			       const struct charge *charge, struct outcome *outcomes,
			       unsigned count)
{
	uint32_t at = 0;
	for (; at < chain->count && count < POLICY_OUTCOMES;
	     at = charge_next(question->policy, chain, at)) {
		const struct chain_link *link = &chain->links[at];
		struct answer answer;
		if (!policy_is_watching(question, chain, charge->at, at) ||
		    is_told(outcomes, count, link->subject))
			continue;
		question->is_unheard = false;
		policy_ask(question, policy_bind(question->policy, link->subject), link->subject,
			   &answer);
		if (answer.kind != ANSWER_FORBIDS ||
		    (!question->is_judged && !answer.counts_attempts) ||
		    is_own_file(question, chain->links[charge->at].subject))
			continue;
		outcomes[count++] =
			(struct outcome){.kind = question->is_unheard ? OUTCOME_UNHEARD
								      : OUTCOME_DEVIATES,
					 .charged = link,
					 .judged_by = link,
					 .method = outcomes[0].method,
					 .method_name = outcomes[0].method_name,
					 .reason = at < chain->own_count
							   ? "it is watched wherever it is on the stack"
							   : "it watches what its later processes do",
					 .rule = answer.ref,
					 .severity = answer.severity,
					 .expected = answer.expected,
					 .message = answer.message};
	}
	return count;
}

static unsigned judge(struct question *question, struct outcome *outcomes)
{
	const struct item_event *event = question->event;
	const struct chain *chain = model_chain(question->model, event->chain);
	struct chain missing = {
		.count = 1, .own_count = 1, .is_partial = true, .process = event->process};
	struct charge charge;
	if (!chain || !chain->count) {
		missing.links = (struct chain_link *)root_link(question->policy, question->process);
		chain = &missing;
	}
	question_prepare(question);
	policy_charge(question, chain, &charge);
	outcomes[0] = outcome_charged(question, chain, &charge);
	unsigned count = 1;
	if (question->is_judged || question->is_attempt) {
		count = judge_guards(question, chain, &charge, outcomes, count);
		count = judge_watchers(question, chain, &charge, outcomes, count);
	}
	outcomes[0].secret_group = sequence_group(question);
	return sequence_judge(question, chain, &charge, outcomes, count);
}

unsigned policy_judge_all(struct policy *policy, struct model *model,
			  const struct item_event *event, struct outcome *ret_outcomes)
{
	struct memo *memo = memo_of(policy, model);
	uint64_t now_ns = event_realtime(model, event);
	struct item_event safe = *event;
	struct memo_key key = {0};
	if (safe.action >= WIRE_ACTIONS)
		safe.action = 0; /* no family says anything about it */
	if (memo) {
		key = memo_key_of(policy, memo, model, &safe, now_ns);
		const struct outcome *remembered;
		uint32_t count = memo_get(memo, &key, &remembered);
		if (count) {
			memcpy(ret_outcomes, remembered, count * sizeof(*ret_outcomes));
			return count;
		}
	}
	struct question question;
	memset(&question, 0, offsetof(struct question, names));
	question.policy = policy;
	question.model = model;
	question.event = &safe;
	question.process = model_process(model, safe.process);
	question.target = model_target(model, safe.target);
	question.now_ns = now_ns;
	question.action = safe.action;
	unsigned count = judge(&question, ret_outcomes);
	if (memo)
		memo_put(memo, &key, ret_outcomes, count);
	return count;
}

unsigned policy_judge(struct policy *policy, struct model *model, const struct item_event *event,
		      struct outcome ret_outcomes[POLICY_OUTCOMES])
{
	unsigned count = policy_judge_all(policy, model, event, ret_outcomes);
	/* Whoever waits stands last. */
	if (ret_outcomes[count - 1].kind != OUTCOME_AWAITS)
		return count;
	return sequence_settle(policy, model, event, ret_outcomes, count);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The rounds. First: who acted without a profile. Then with a profile that allows nothing for each of
 * these: what the grants do not allow them (who is charged may change by it, so until nobody new
 * turns up). Then with what was learned: does it add nothing, and hide nothing?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../policy/said.h"
#include "../sink/words.h"
#include "learn_inner.h"

#define ROUNDS_MAX 8u

static const char *const family_names[LEARN_FAMILIES] = {"network", "file", "exec", "env"};

const char *learn_family_name(enum learn_family family)
{
	return family_names[family];
}

enum learn_family learn_family_of(uint32_t action)
{
	if (action <= WIRE_NET_EXCHANGE)
		return LEARN_NETWORK;
	if (action <= WIRE_FILE_LIST)
		return LEARN_FILE;
	return action == WIRE_ENV_READ ? LEARN_ENV : LEARN_EXEC;
}

struct candidate *learner_candidate(struct learner *learner, const struct fact_subject *subject)
{
	if (subject->index >= learner->candidate_room) {
		uint32_t room = (subject->index + 64) * 2;
		struct candidate *bigger = pool_alloc(learner->pool, room * sizeof(*bigger));
		if (learner->candidate_room)
			memcpy(bigger, learner->candidates,
			       learner->candidate_room * sizeof(*bigger));
		learner->candidates = bigger;
		learner->candidate_room = room;
	}
	return &learner->candidates[subject->index];
}

static void note(struct learner *learner, const char *format, const char *name, const char *more)
{
	struct text text = {0};
	text_clear(&text);
	text_escape_string(&text, name, ESCAPE_TERMINAL);
	strings_add(learner->pool, &learner->learned->notes,
		    pool_print(learner->pool, format, text.data ? text.data : "", more));
	text_done(&text);
}

bool learner_is_matchable(const struct fact_subject *subject)
{
	if (subject->kind == SUBJECT_PYTHON)
		return !strpbrk(subject->name, "/<>= ");
	return *subject->package || (subject->paths.count && subject->paths.items[0][0] == '/');
}

/* --- what was flagged -------------------------------------------------------------------------- */

static const char *const bypass_rules[BYPASS_KINDS] = {
#define BYPASS(id, number, kind, name, is_caller, sentence) [number] = name,
	BYPASSES(BYPASS)
#undef BYPASS
};

/* The first outcome that deviates, or NULL. */
static const struct outcome *find_deviation(const struct outcome *outcomes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (outcomes[i].kind == OUTCOME_DEVIATES)
			return &outcomes[i];
	return NULL;
}

static const char *flag_reason(struct learner *learner, const struct item_event *event,
			       const struct outcome *outcome)
{
	if (!outcome)
		return pool_print(learner->pool, "integrity: %s", bypass_rules[event->bypass]);
	const struct rule_ref *rule = &outcome->rule;
	if (!rule->line)
		return pool_print(learner->pool, "%s: %s", rule->profile, rule->id);
	return pool_print(learner->pool, "%s%s%s (%s:%u)", rule->profile, *rule->id ? ": " : "",
			  rule->id, rule->file, rule->line);
}

static int leave_out(struct learner *learner, struct read_log *log, const struct item_event *event,
		     const struct subject *charged, const struct outcome *outcome)
{
	struct fact_subject *subject = facts_subject(log->facts, charged);
	if (!subject)
		return 0;
	return facts_add(log->facts, log->model, event, subject,
			 flag_reason(learner, event, outcome));
}

/* --- who has no profile ------------------------------------------------------------------------ */

/* What it may be asked about: everything when it has no profile; the family its profile is silent
 * about otherwise, unless it passes the action on: to allow it there would be to let callers off. */
static uint32_t families_of(struct learner *learner, const struct outcome *outcome,
			    const struct policy_binding *binding, uint8_t action)
{
	uint32_t all = learner->has_env ? LEARN_ALL : LEARN_ALL & ~(1u << LEARN_ENV);
	if (outcome->is_unprofiled)
		return all;
	if (policy_is_conduit(binding) || policy_carries(binding, action) ||
	    policy_says(binding, action))
		return 0;
	return 1u << learn_family_of(action);
}

static void find_candidate(struct learner *learner, struct read_log *log, struct policy *policy,
			   const struct item_event *event, const struct outcome *outcome)
{
	const struct subject *charged = outcome->judged_by->subject;
	learner->has_env |= event->action == WIRE_ENV_READ;
	if (outcome->kind != OUTCOME_NOT_JUDGED || !facts_is_done(event))
		return;
	const struct policy_binding *binding = policy_bind(policy, (struct subject *)charged);
	struct fact_subject *subject = facts_subject(log->facts, charged);
	uint32_t families = families_of(learner, outcome, binding, event->action);
	if (!subject) {
		note(learner, "%s in memory that belongs to no file acted%s", "code",
		     ": no profile can be matched with it");
		return;
	}
	if (!families && (policy_is_conduit(binding) || policy_carries(binding, event->action))) {
		note(learner, "%s passes this on to its callers, and here it had none: %s",
		     subject->name, words_family(event->action));
		return;
	}
	if (families && !learner_is_matchable(subject)) {
		note(learner, "%s has neither package nor path%s", subject->name,
		     ": no profile can be matched with it");
		return;
	}
	struct candidate *candidate = learner_candidate(learner, subject);
	if (candidate->is_dropped || (candidate->families & families) == families)
		return;
	candidate->families |= families;
	learner->has_grown = true;
}

static bool is_trial(const struct outcome *outcome)
{
	return outcome->rule.file && !strcmp(outcome->rule.file, LEARN_TRIAL_PATH);
}

/* The subject of a trial profile: its name is the subject's number. */
static struct fact_subject *trial_subject(struct learner *learner, const struct outcome *outcome)
{
	unsigned long index = strtoul(outcome->rule.profile, NULL, 10);
	return index < learner->facts->subject_count ? learner->facts->subjects[index] : NULL;
}

/* --- one event --------------------------------------------------------------------------------- */

static int check_hidden(struct learner *learner, const struct outcome *outcomes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct fact_subject *subject =
			is_trial(&outcomes[i]) ? trial_subject(learner, &outcomes[i]) : NULL;
		if (!subject)
			continue;
		struct candidate *candidate = learner_candidate(learner, subject);
		candidate->is_dropped = true;
		candidate->families = 0;
		learner->has_missed = true;
		note(learner, "a profile for %s would hide what a hand-written rule flags%s",
		     subject->name, ": it is left without one");
		return 0;
	}
	return 0;
}

static int learn_judged(struct learner *learner, struct read_log *log, struct policy *policy,
			const struct item_event *event, const struct outcome *outcomes,
			unsigned count)
{
	struct outcome tried[POLICY_OUTCOMES];
	const struct chain *chain = model_chain(log->model, event->chain);
	const struct outcome *flagged = find_deviation(outcomes, count);
	bool is_bypass = event->bypass && event->bypass < BYPASS_KINDS;
	if (!flagged && !is_bypass)
		find_candidate(learner, log, policy, event, &outcomes[0]);
	if (chain && outcomes[0].method == METHOD_PARTIAL)
		read_add_hole(log, HOLE_PARTIAL, 1);
	if (flagged || is_bypass) {
		int error = leave_out(learner, log, event,
				      flagged ? flagged->charged->subject
					      : outcomes[0].charged->subject,
				      flagged);
		if (error || !log->with || !flagged)
			return error;
	}
	if (!log->with)
		return 0;
	unsigned tries = policy_judge(log->with, log->model, event, tried);
	const struct outcome *missing = find_deviation(tried, tries);
	if (flagged)
		return missing ? 0 : check_hidden(learner, tried, tries);
	struct fact_subject *subject = NULL;
	for (unsigned i = 0; missing && i < tries && !subject; i++)
		if (tried[i].kind == OUTCOME_DEVIATES && is_trial(&tried[i]))
			subject = trial_subject(learner, &tried[i]);
	if (subject)
		return facts_add(log->facts, log->model, event, subject, NULL);
	return 0;
}

static int learn_event(void *arg, struct read_log *log, struct policy *policy,
		       const struct item_event *event)
{
	struct outcome outcomes[POLICY_OUTCOMES];
	unsigned count = policy_judge(policy, log->model, event, outcomes);
	int error = learn_judged(arg, log, policy, event, outcomes, count);
	return error ? error : policy_note_secret(policy, log->model, event, outcomes);
}

/* --- rounds ------------------------------------------------------------------------------------ */

static const char *stub_text(struct learner *learner)
{
	static const struct learned_rules none;
	struct text text = {0};
	bool is_empty = true;
	text_clear(&text);
	text_add(&text, "version: 1\nprofiles:\n");
	for (uint32_t i = 0; i < learner->facts->subject_count; i++) {
		const struct fact_subject *subject = learner->facts->subjects[i];
		const struct candidate *candidate = learner_candidate(learner, subject);
		if (!candidate->families)
			continue;
		is_empty = false;
		write_profile(&text, learner->pool, pool_print(learner->pool, "%u", i), subject,
			      candidate->families, &none);
	}
	const char *kept = pool_copy(learner->pool, text.data, text.len);
	text_done(&text);
	return is_empty ? NULL : kept;
}

static const char *trial_text(struct learner *learner)
{
	struct text text = {0};
	text_clear(&text);
	text_add(&text, "version: 1\nprofiles:\n");
	for (uint32_t i = 0; i < learner->learned->profile_count; i++) {
		const struct learn_profile *profile = &learner->learned->profiles[i];
		write_profile(&text, learner->pool,
			      pool_print(learner->pool, "%u", profile->subject->index),
			      profile->subject, profile->families, &profile->rules);
	}
	const char *kept = pool_copy(learner->pool, text.data, text.len);
	bool is_empty = !learner->learned->profile_count;
	text_done(&text);
	return is_empty ? NULL : kept;
}

static void warn(struct learner *learner, const char *format, const char *path, const char *error)
{
	if (learner->options->warn)
		learner->options->warn(learner->options->arg,
				       pool_print(learner->pool, format, path, error));
}

/* All logs once. 0, or negative errno: told. */
static int read_round(struct learner *learner, struct facts *facts, bool is_first)
{
	struct read_options options = {.given = learner->has_given ? &learner->given : NULL,
				       .extra = learner->trial,
				       .extra_path = LEARN_TRIAL_PATH,
				       .errors = learner->options->errors,
				       .event = learn_event,
				       .finish = learner->options->only_acting
							 ? NULL
							 : learner_find_quiet,
				       .arg = learner};
	char error[512];
	learner->has_grown = false;
	for (unsigned i = 0; i < learner->options->log_count; i++) {
		const char *path = learner->options->logs[i];
		int result = read_log(facts, path, &options, error, sizeof(error));
		if (result == READ_AGAIN && is_first)
			warn(learner, "%s is of a run that was read already%s", path, "");
		if (result == -EBADMSG) {
			learner->learned->is_damaged = true;
			if (is_first)
				warn(learner, "%2$s; what comes before the damage counts", path,
				     error);
		} else if (result < 0) {
			if (result != -ENOEXEC)
				warn(learner, "%s%s", *error ? error : path,
				     *error ? "" : ": too much for the memory there is");
			return result;
		}
	}
	return 0;
}

static void reset(struct facts *facts)
{
	*facts = (struct facts){.pool = facts->pool,
				.subjects = facts->subjects,
				.subject_count = facts->subject_count};
}

/* Until nobody new turns up. */
static int find_facts(struct learner *learner)
{
	int error = read_round(learner, learner->facts, true);
	for (unsigned round = 0; !error && round < ROUNDS_MAX; round++) {
		learner->trial = stub_text(learner);
		if (!learner->trial)
			return 0;
		reset(learner->facts);
		error = read_round(learner, learner->facts, false);
		if (!learner->has_grown)
			break;
	}
	return error;
}

static bool is_known(const struct facts *facts, const struct fact *fact)
{
	for (uint32_t i = 0; i < facts->count; i++) {
		const struct fact *known = facts->facts[i];
		bool is_same = known->subject == fact->subject && known->action == fact->action &&
			       known->part_count == fact->part_count &&
			       (!known->remark || known->remark == learner_unsayable);
		for (uint32_t part = 0; is_same && part < fact->part_count; part++)
			is_same = !strcmp(known->parts[part], fact->parts[part]);
		if (is_same)
			return true;
	}
	return false;
}

/* What was learned, tried: what it does not allow is added, what it hides takes it away. */
static int try_profiles(struct learner *learner)
{
	int error = 0;
	for (unsigned round = 0; !error && round < ROUNDS_MAX; round++) {
		struct facts tried = *learner->facts;
		reset(&tried);
		learner_profiles(learner);
		learner->trial = trial_text(learner);
		learner->has_missed = false;
		if (!learner->trial)
			return 0;
		error = read_round(learner, &tried, false);
		for (uint32_t i = 0; i < tried.count; i++) {
			struct fact *fact = tried.facts[i];
			if (fact->remark || is_known(learner->facts, fact))
				continue;
			learner->facts->facts = pool_grow(learner->pool, learner->facts->facts,
							  learner->facts->count,
							  sizeof(*learner->facts->facts));
			learner->facts->facts[learner->facts->count++] = fact;
			learner->has_missed = true;
		}
		if (!learner->has_missed)
			return error;
	}
	return error;
}

int learn_logs(struct pool *pool, const struct learn_options *options, struct learned *ret)
{
	*ret = (struct learned){.facts = {.pool = pool}};
	struct learner learner = {.pool = pool,
				  .options = options,
				  .learned = ret,
				  .facts = &ret->facts,
				  .fans = normal_fans_new(pool)};
	if (options->policy) {
		read_policy_of(pool, options->policy, &learner.given);
		learner.has_given = true;
	}
	int error = find_facts(&learner);
	if (!error)
		error = try_profiles(&learner);
	if (!error)
		learner_finish(&learner);
	return error;
}

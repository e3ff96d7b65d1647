/* SPDX-License-Identifier: Apache-2.0
 *
 * Who was there and did nothing: a library that was mapped, a Python distribution that was imported. A
 * profile that allows nothing but the grants makes the first thing it ever does a deviation; without
 * one nobody would forbid it anything. Programs and scripts are left out: they are started for what
 * they do, and what has no profile answers to who started it.
 */
#include "learn_inner.h"

static bool is_component(const struct subject *subject)
{
	return subject->kind == SUBJECT_LIBRARY || subject->kind == SUBJECT_PYTHON;
}

void learner_find_quiet(void *arg, struct read_log *log)
{
	struct learner *learner = arg;
	uint32_t count = log->policy ? model_subjects(log->model) : 0;
	uint32_t all = learner->has_env ? LEARN_ALL : LEARN_ALL & ~(1u << LEARN_ENV);
	for (uint32_t id = 1; id <= count; id++) {
		struct subject *subject = model_subject(log->model, id);
		if (!subject || !is_component(subject) ||
		    policy_is_profiled(policy_bind(log->policy, subject)))
			continue;
		const struct fact_subject *known = facts_subject(log->facts, subject);
		if (!known || !learner_is_matchable(known))
			continue;
		struct candidate *candidate = learner_candidate(learner, known);
		if (candidate->is_dropped || (candidate->families & all) == all)
			continue;
		candidate->families |= all;
		learner->has_grown = true;
	}
}

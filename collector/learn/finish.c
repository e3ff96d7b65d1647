/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts into profiles, and what is said about them.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "learn_inner.h"

#define FILE_NAME_MAX 100u

const char learner_unsayable[] = "no rule can name it";

static int compare_profiles(const void *left, const void *right)
{
	const struct learn_profile *one = left, *two = right;
	return facts_compare_subjects(one->subject, two->subject);
}

/* facts are sorted by subject. Those that were left out are not learned from. */
static uint32_t collect(const struct facts *facts, const struct fact_subject *subject,
			bool is_left_out, const struct fact **ret_facts)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < facts->count; i++)
		if (facts->facts[i]->subject == subject &&
		    (facts->facts[i]->remark != NULL) == is_left_out)
			ret_facts[count++] = facts->facts[i];
	return count;
}

static void add_fans(struct learner *learner)
{
	for (uint32_t i = 0; i < learner->facts->count; i++) {
		const struct fact *fact = learner->facts->facts[i];
		if (learn_family_of(fact->action) != LEARN_FILE)
			continue;
		for (uint32_t part = 0; part < fact->part_count; part++)
			normal_fans_add(learner->fans, fact->parts[part]);
	}
}

/* Is there a rule that could name it? A path that begins nowhere has none. */
static bool is_sayable(const struct fact *fact)
{
	bool is_path = learn_family_of(fact->action) == LEARN_FILE ||
		       fact->action == WIRE_EXEC_RUN || fact->action == WIRE_EXEC_LOAD;
	bool is_pair = fact->action == WIRE_FILE_RENAME || fact->action == WIRE_FILE_LINK;
	for (uint32_t i = 0; i < fact->part_count && (is_pair ? i < 2 : !i); i++) {
		const char *part = fact->parts[i];
		bool is_placed = *part == '/' || !strncmp(part, "~/", 2) ||
				 !strncmp(part, "memfd:", 6);
		if (!*part || (is_path && !is_placed))
			return false;
	}
	return fact->part_count >= (is_pair ? 2u : 1u);
}

void learner_profiles(struct learner *learner)
{
	struct learned *learned = learner->learned;
	struct facts *facts = learner->facts;
	const struct fact **own = pool_alloc(learner->pool, (facts->count + 1) * sizeof(*own));
	for (uint32_t i = 0; i < facts->count; i++)
		if (!facts->facts[i]->remark && !is_sayable(facts->facts[i]))
			facts->facts[i]->remark = learner_unsayable;
	add_fans(learner);
	learned->profiles = pool_alloc(learner->pool,
				       (facts->subject_count + 1) * sizeof(*learned->profiles));
	learned->profile_count = 0;
	for (uint32_t i = 0; i < facts->subject_count; i++) {
		struct fact_subject *subject = facts->subjects[i];
		uint32_t families = learner_candidate(learner, subject)->families;
		if (!families)
			continue;
		struct learn_profile *profile = &learned->profiles[learned->profile_count++];
		*profile = (struct learn_profile){.subject = subject, .families = families};
		uint32_t count = collect(facts, subject, false, own);
		rules_make(learner->pool, learner->fans, own, count, false, &profile->rules);
	}
	qsort(learned->profiles, learned->profile_count, sizeof(*learned->profiles),
	      compare_profiles);
}

/* --- names ------------------------------------------------------------------------------------- */

static const char *plain_name(struct pool *pool, const char *name)
{
	size_t len = strlen(name);
	char *plain = pool_copy(pool, name, len < FILE_NAME_MAX ? len : FILE_NAME_MAX);
	for (char *c = plain; *c; c++) {
		bool is_good = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			       (*c >= '0' && *c <= '9') || strchr("._+-", *c);
		if (!is_good || (c == plain && *c == '.'))
			*c = '_';
	}
	return *plain ? plain : "unnamed";
}

/* Two of one name: what a package owns keeps it, unless two packages do. */
static bool is_taken(const struct learned *learned, uint32_t at, const char *const *plain)
{
	const struct learn_profile *profile = &learned->profiles[at];
	for (uint32_t i = 0; i < learned->profile_count; i++) {
		if (i == at || strcmp(plain[i], plain[at]))
			continue;
		if (!*profile->subject->package || *learned->profiles[i].subject->package)
			return true;
	}
	return false;
}

static void name_profiles(struct learner *learner)
{
	struct learned *learned = learner->learned;
	const char **plain =
		pool_alloc(learner->pool, (learned->profile_count + 1) * sizeof(*plain));
	for (uint32_t i = 0; i < learned->profile_count; i++)
		plain[i] = plain_name(learner->pool, learned->profiles[i].subject->name);
	for (uint32_t i = 0; i < learned->profile_count; i++) {
		struct learn_profile *profile = &learned->profiles[i];
		const struct fact_subject *subject = profile->subject;
		uint64_t hash = XXH3_64bits(subject->package, strlen(subject->package));
		hash = XXH3_64bits_withSeed(subject->mask, strlen(subject->mask),
					    hash + subject->kind);
		profile->file_name =
			is_taken(learned, i, plain)
				? pool_print(learner->pool, "%s-%08x", plain[i],
					     (unsigned)(hash ^ hash >> 32))
				: plain[i];
		profile->name = pool_print(learner->pool, "learned %s", profile->file_name);
	}
}

/* --- estimate ---------------------------------------------------------------------------------- */

/* Number of the event, over all runs in order of time, that first needed the rule. */
static uint64_t first_event(const struct learned_rule *rule, const uint64_t *before)
{
	uint64_t first = UINT64_MAX;
	for (uint32_t i = 0; i < rule->fact_count; i++) {
		const struct fact *fact = rule->facts[i];
		for (uint32_t run = 0; run < fact->run_count; run++) {
			uint64_t at = before[fact->runs[run].run] + fact->runs[run].first_event;
			first = at < first ? at : first;
		}
	}
	return first;
}

static void estimate(struct learner *learner, struct learn_profile *profile,
		     const uint64_t *before, uint64_t total)
{
	struct learn_estimate *said = &profile->estimate;
	said->rules = profile->rules.count;
	for (uint32_t i = 0; i < profile->rules.count; i++) {
		const struct learned_rule *rule = &profile->rules.items[i];
		uint64_t count = 0;
		for (uint32_t fact = 0; fact < rule->fact_count; fact++)
			count += rule->facts[fact]->count;
		said->events += count;
		said->once += count == 1;
		said->new_rules += first_event(rule, before) > total - total / 4;
	}
	(void)learner;
}

void learner_finish(struct learner *learner)
{
	struct learned *learned = learner->learned;
	struct facts *facts = learner->facts;
	facts_order_runs(facts);
	facts_sort(facts);
	learner_profiles(learner);
	name_profiles(learner);
	uint64_t *before = pool_alloc(learner->pool, (facts->run_count + 1) * sizeof(*before));
	for (uint32_t i = 0; i < facts->run_count; i++)
		before[i + 1] = before[i] + facts->runs[i].events;
	for (uint32_t i = 0; i < learned->profile_count; i++) {
		struct learn_profile *profile = &learned->profiles[i];
		profile->left_out = pool_alloc(learner->pool, (facts->count + 1) * sizeof(void *));
		profile->left_out_count = collect(facts, profile->subject, true, profile->left_out);
		estimate(learner, profile, before, before[facts->run_count]);
	}
	learned->left_out =
		pool_alloc(learner->pool, (facts->count + 1) * sizeof(*learned->left_out));
	for (uint32_t i = 0; i < facts->count; i++)
		if (facts->facts[i]->remark)
			learned->left_out[learned->left_out_count++] = facts->facts[i];
}

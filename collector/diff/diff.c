/* SPDX-License-Identifier: Apache-2.0 */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/words.h"

struct differ {
	struct pool *pool;
	const struct diff_options *options;
	struct diff *diff;
	struct normal_fans *fans;
};

/* --- reading ----------------------------------------------------------------------------------- */

/* Who called a library: the next on the stack that is not there for everybody. */
static const struct subject *caller_of(struct policy *policy, const struct chain *chain,
				       const struct chain_link *charged)
{
	if (!chain || charged < chain->links || charged >= chain->links + chain->own_count)
		return NULL;
	for (const struct chain_link *link = charged + 1; link < chain->links + chain->own_count;
	     link++)
		if (link->subject != charged->subject && link->subject->kind != SUBJECT_CODE &&
		    !policy_is_conduit(policy_bind(policy, link->subject)))
			return link->subject;
	return NULL;
}

static int take_event(void *arg, struct read_log *log, struct policy *policy,
		      const struct item_event *event)
{
	(void)arg;
	struct outcome outcomes[POLICY_OUTCOMES];
	const struct chain *chain = model_chain(log->model, event->chain);
	policy_judge(policy, log->model, event, outcomes);
	const struct chain_link *charged = outcomes[0].charged;
	if (!facts_is_done(event))
		return 0;
	if (event->flags & EVENT_UNREADABLE)
		read_add_hole(log, HOLE_UNREADABLE, 1);
	if (chain && charged >= chain->links &&
	    (size_t)(charged - chain->links) >= chain->seen_count &&
	    (size_t)(charged - chain->links) < chain->count)
		read_add_hole(log, HOLE_PARTIAL, 1);
	struct fact_subject *subject = facts_subject(log->facts, charged->subject);
	if (!subject)
		return 0;
	for (uint32_t i = 0; chain && i < chain->own_count; i++)
		policy_bind(policy, chain->links[i].subject); /* who is a conduit is told then */
	int error = facts_add(log->facts, log->model, event, subject, NULL);
	if (error || subject->kind != SUBJECT_LIBRARY)
		return error;
	const struct subject *caller = caller_of(policy, chain, charged);
	return caller ? facts_add_words(log->facts, log->model, event, subject, FACT_CALLER,
					caller->name)
		      : 0;
}

/* Who was there without acting: their versions are told, too. */
static void take_subjects(void *arg, struct read_log *log)
{
	(void)arg;
	for (uint32_t id = 1; id <= model_subjects(log->model); id++) {
		const struct subject *subject = model_subject(log->model, id);
		if (subject && subject->kind != SUBJECT_CODE)
			facts_subject(log->facts, subject);
	}
}

static void warn(struct differ *differ, const char *sentence)
{
	if (differ->options->warn)
		differ->options->warn(differ->options->arg, sentence);
}

static int read_side(struct differ *differ, enum diff_side side,
		     const struct read_policy *given)
{
	struct facts *facts = &differ->diff->facts[side];
	struct read_options options = {.given = given,
				       .errors = differ->options->errors,
				       .event = take_event,
				       .finish = take_subjects,
				       .arg = differ};
	char error[512];
	*facts = (struct facts){.pool = differ->pool, .side = side};
	for (unsigned i = 0; i < differ->options->log_count[side]; i++) {
		const char *path = differ->options->logs[side][i];
		int result = read_log(facts, path, &options, error, sizeof(error));
		if (result == READ_AGAIN)
			warn(differ, pool_print(differ->pool,
						"%s is of a run that was read already", path));
		if (result == -EBADMSG) {
			differ->diff->is_damaged = true;
			warn(differ, pool_print(differ->pool,
						"%s; what comes before the damage counts", error));
		} else if (result < 0) {
			if (result != -ENOEXEC)
				warn(differ, *error ? pool_print(differ->pool, "%s", error)
						    : pool_print(differ->pool, "%s: %s", path,
								 strerror(-result)));
			return result;
		}
	}
	facts_order_runs(facts);
	return 0;
}

/* --- the same subject on both sides ------------------------------------------------------------ */

/* libfoo.so.1 and libfoo.so.2, libfoo-2.6.so and libfoo-2.7.so, python3.11 and python3.12 */
static const char *stem_of(struct pool *pool, const char *name)
{
	char *stem = pool_copy(pool, name, strlen(name)), *so = strstr(stem, ".so");
	char *end = so && so > stem && (!so[3] || so[3] == '.') ? so : stem + strlen(stem);
	*end = 0;
	char *tag = strstr(stem, ".cpython-");
	if (tag)
		end = tag;
	while (end > stem && strchr("0123456789.-_", end[-1]))
		end--;
	*end = 0;
	return *stem ? pool_print(pool, "%s%s", stem, so ? ".so" : "") : name;
}

static struct diff_subject *subject_named(struct diff *diff, enum subject_kind kind,
					  const char *name)
{
	for (uint32_t i = 0; i < diff->subject_count; i++)
		for (unsigned side = 0; side < DIFF_SIDES; side++)
			if (diff->subjects[i].kind == kind && diff->subjects[i].name[side] &&
			    !strcmp(diff->subjects[i].name[side], name))
				return &diff->subjects[i];
	return NULL;
}

static void add_strings(struct pool *pool, struct strings *into, const struct strings *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		strings_add(pool, into, from->items[i]);
}

static void add_subjects(struct differ *differ, enum diff_side side)
{
	struct diff *diff = differ->diff;
	const struct facts *facts = &diff->facts[side];
	for (uint32_t i = 0; i < facts->subject_count; i++) {
		const struct fact_subject *from = facts->subjects[i];
		struct diff_subject *subject = subject_named(diff, from->kind, from->name);
		if (!subject) {
			diff->subjects = pool_grow(differ->pool, diff->subjects,
						   diff->subject_count, sizeof(*subject));
			subject = &diff->subjects[diff->subject_count++];
			*subject = (struct diff_subject){.kind = from->kind};
		}
		subject->name[side] = from->name;
		add_strings(differ->pool, &subject->versions[side], &from->versions);
		add_strings(differ->pool, &subject->build_ids[side], &from->build_ids);
		if (*from->package)
			strings_add(differ->pool, &subject->packages[side], from->package);
	}
}

/* The only one of this stem that only this side has. */
static struct diff_subject *only_stem(struct differ *differ, enum diff_side side,
				      enum subject_kind kind, const char *stem)
{
	struct diff *diff = differ->diff;
	struct diff_subject *found = NULL;
	for (uint32_t i = 0; i < diff->subject_count; i++) {
		struct diff_subject *subject = &diff->subjects[i];
		if (subject->kind != kind || !subject->name[side] || subject->name[1 - side] ||
		    strcmp(stem_of(differ->pool, subject->name[side]), stem))
			continue;
		if (found)
			return NULL;
		found = subject;
	}
	return found;
}

static void join_stems(struct differ *differ)
{
	struct diff *diff = differ->diff;
	for (uint32_t i = 0; i < diff->subject_count; i++) {
		struct diff_subject *before = &diff->subjects[i];
		if (!before->name[DIFF_BEFORE] || before->name[DIFF_AFTER])
			continue;
		const char *stem = stem_of(differ->pool, before->name[DIFF_BEFORE]);
		struct diff_subject *after =
			only_stem(differ, DIFF_AFTER, before->kind, stem);
		if (!after || only_stem(differ, DIFF_BEFORE, before->kind, stem) != before)
			continue;
		before->name[DIFF_AFTER] = after->name[DIFF_AFTER];
		before->versions[DIFF_AFTER] = after->versions[DIFF_AFTER];
		before->build_ids[DIFF_AFTER] = after->build_ids[DIFF_AFTER];
		before->packages[DIFF_AFTER] = after->packages[DIFF_AFTER];
		before->match = DIFF_BY_STEM;
		uint32_t gone = (uint32_t)(after - diff->subjects);
		memmove(after, after + 1,
			(diff->subject_count - gone - 1) * sizeof(*diff->subjects));
		diff->subject_count--;
		i -= gone < i;
	}
}

static int compare_subjects(const void *left, const void *right)
{
	const struct diff_subject *one = left, *two = right;
	int order = strcmp(diff_name(one), diff_name(two));
	return order ? order : (int)one->kind - (int)two->kind;
}

/* --- what changed ------------------------------------------------------------------------------ */

/* A caller goes by the name it has on the newer side, that another version of it is none. */
static void rename_callers(struct differ *differ)
{
	struct diff *diff = differ->diff;
	for (unsigned side = 0; side < DIFF_SIDES; side++) {
		for (uint32_t i = 0; i < diff->facts[side].count; i++) {
			struct fact *fact = diff->facts[side].facts[i];
			if (fact->action != FACT_CALLER)
				continue;
			const struct diff_subject *caller = NULL;
			for (int kind = SUBJECT_LIBRARY; kind <= SUBJECT_SCRIPT && !caller; kind++)
				caller = subject_named(diff, (enum subject_kind)kind,
						       fact->parts[0]);
			if (caller)
				fact->parts[0] = diff_name(caller);
		}
	}
}

static void add_change(struct differ *differ, struct diff_subject *subject,
		       const struct learned_rule *rule, enum diff_side side)
{
	subject->changes = pool_grow(differ->pool, subject->changes, subject->change_count,
				     sizeof(*subject->changes));
	struct diff_change *change = &subject->changes[subject->change_count++];
	*change = (struct diff_change){.rule = rule, .side = side};
	for (uint32_t i = 0; i < rule->fact_count; i++) {
		const struct fact *fact = rule->facts[i];
		change->count += fact->count;
		if (!change->example || fact->first_ns < change->example->first_ns)
			change->example = fact;
	}
	subject->appeared += side == DIFF_AFTER;
}

static void find_changes(struct differ *differ, struct diff_subject *subject)
{
	struct diff *diff = differ->diff;
	const struct fact **own = pool_alloc(
		differ->pool, (diff->facts[0].count + diff->facts[1].count + 1) * sizeof(*own));
	uint32_t count = 0;
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		for (uint32_t i = 0; subject->name[side] && i < diff->facts[side].count; i++) {
			const struct fact *fact = diff->facts[side].facts[i];
			if (fact->subject->kind == subject->kind && fact->part_count &&
			    !strcmp(fact->subject->name, subject->name[side]))
				own[count++] = fact;
		}
	rules_make(differ->pool, differ->fans, own, count, true, &subject->rules);
	for (int side = DIFF_AFTER; side >= DIFF_BEFORE; side--)
		for (uint32_t i = 0; i < subject->rules.count; i++) {
			const struct learned_rule *rule = &subject->rules.items[i];
			bool is_other = false;
			for (uint32_t fact = 0; fact < rule->fact_count; fact++)
				is_other |= rule->facts[fact]->subject->side != (uint32_t)side;
			if (!is_other)
				add_change(differ, subject, rule, (enum diff_side)side);
		}
}

static void add_fans(struct differ *differ)
{
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		for (uint32_t i = 0; i < differ->diff->facts[side].count; i++) {
			const struct fact *fact = differ->diff->facts[side].facts[i];
			bool is_file = fact->action >= WIRE_FILE_READ &&
				       fact->action <= WIRE_FILE_LIST;
			for (uint32_t part = 0; is_file && part < fact->part_count; part++)
				normal_fans_add(differ->fans, fact->parts[part]);
		}
}

int diff_logs(struct pool *pool, const struct diff_options *options, struct diff *ret)
{
	struct differ differ = {
		.pool = pool, .options = options, .diff = ret, .fans = normal_fans_new(pool)};
	struct read_policy given;
	*ret = (struct diff){0};
	if (options->policy)
		read_policy_of(pool, options->policy, &given);
	for (unsigned side = 0; side < DIFF_SIDES; side++) {
		int error = read_side(&differ, side, options->policy ? &given : NULL);
		if (error)
			return error;
	}
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		add_subjects(&differ, side);
	join_stems(&differ);
	if (ret->subject_count)
		qsort(ret->subjects, ret->subject_count, sizeof(*ret->subjects), compare_subjects);
	rename_callers(&differ);
	add_fans(&differ);
	for (uint32_t i = 0; i < ret->subject_count; i++) {
		struct diff_subject *subject = &ret->subjects[i];
		if (!subject->name[DIFF_BEFORE] || !subject->name[DIFF_AFTER])
			subject->match = DIFF_ALONE;
		find_changes(&differ, subject);
		ret->appeared += subject->appeared;
		ret->vanished += subject->change_count - subject->appeared;
		ret->changed += subject->change_count > 0;
	}
	return 0;
}

/* --- words ------------------------------------------------------------------------------------- */

const char *diff_verdict(const struct diff *diff)
{
	return diff->appeared ? "grown" : diff->vanished ? "shrunk" : "unchanged";
}

const char *diff_action(uint32_t action)
{
	return action == FACT_CALLER ? "caller" : words_action((uint8_t)action);
}

const char *diff_name(const struct diff_subject *subject)
{
	return subject->name[DIFF_AFTER] ? subject->name[DIFF_AFTER] : subject->name[DIFF_BEFORE];
}

static bool is_same_set(const struct strings *one, const struct strings *two)
{
	bool is_same = one->count == two->count;
	for (uint32_t i = 0; is_same && i < one->count; i++)
		is_same = !strcmp(one->items[i], two->items[i]);
	return is_same;
}

bool diff_is_other_version(const struct diff_subject *subject)
{
	if (!subject->name[DIFF_BEFORE] || !subject->name[DIFF_AFTER])
		return false;
	return strcmp(subject->name[0], subject->name[1]) ||
	       !is_same_set(&subject->versions[0], &subject->versions[1]) ||
	       !is_same_set(&subject->build_ids[0], &subject->build_ids[1]);
}

const char *diff_unequal(struct pool *pool, const struct diff *diff)
{
	struct strings vantages[DIFF_SIDES] = {0};
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		for (uint32_t i = 0; i < diff->facts[side].run_count; i++)
			strings_add(pool, &vantages[side], diff->facts[side].runs[i].vantage);
	if (is_same_set(&vantages[0], &vantages[1]) || !vantages[0].count || !vantages[1].count)
		return NULL;
	return pool_print(pool,
			  "the two were watched in different ways (%s, %s): what one of them cannot "
			  "see shows as a difference",
			  vantages[0].items[0], vantages[1].items[0]);
}

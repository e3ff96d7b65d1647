/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "normal.h"
#include "wording.h"

#define STACK_NAMES_MAX 24u
#define CODE_DEPTH 8u
_Static_assert(STACK_NAMES_MAX <= 32, "stack_conduits has a bit for each");

/* --- strings -----------------------------------------------------------------------------------
 */

static uint32_t strings_place(const struct strings *strings, const char *string)
{
	uint32_t low = 0, high = strings->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(strings->items[middle], string) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool strings_has(const struct strings *strings, const char *string)
{
	uint32_t at = strings_place(strings, string);
	return at < strings->count && !strcmp(strings->items[at], string);
}

void strings_add(struct pool *pool, struct strings *strings, const char *string)
{
	uint32_t at = strings_place(strings, string);
	if (at < strings->count && !strcmp(strings->items[at], string))
		return;
	strings->items = pool_grow(pool, strings->items, strings->count, sizeof(*strings->items));
	memmove(strings->items + at + 1, strings->items + at,
		(strings->count - at) * sizeof(*strings->items));
	strings->items[at] = pool_copy(pool, string, strlen(string));
	strings->count++;
}

/* --- subjects ----------------------------------------------------------------------------------
 */

/* A distribution is what it is called, wherever it was installed. */
static const char *package_of(const struct subject *subject)
{
	return subject->kind == SUBJECT_PYTHON ? "" : subject->package;
}

static struct fact_subject *find_subject(struct facts *facts, const struct subject *subject,
					 const char *mask)
{
	for (uint32_t i = 0; i < facts->subject_count; i++) {
		struct fact_subject *known = facts->subjects[i];
		if (known->kind == subject->kind && !strcmp(known->name, subject->name) &&
		    !strcmp(known->package, package_of(subject)) && !strcmp(known->mask, mask))
			return known;
	}
	return NULL;
}

static struct fact_subject *make_subject(struct facts *facts, const struct subject *subject,
					 const char *mask)
{
	struct pool *pool = facts->pool;
	struct fact_subject *made = pool_alloc(pool, sizeof(*made));
	*made = (struct fact_subject){
		.index = facts->subject_count,
		.side = facts->side,
		.kind = subject->kind,
		.name = pool_copy(pool, subject->name, strlen(subject->name)),
		.package = pool_copy(pool, package_of(subject), strlen(package_of(subject))),
		.mask = mask,
	};
	facts->subjects =
		pool_grow(pool, facts->subjects, facts->subject_count, sizeof(*facts->subjects));
	facts->subjects[facts->subject_count++] = made;
	return made;
}

static void know(struct facts *facts, uint32_t id, struct fact_subject *subject)
{
	if (id >= facts->known_room) {
		uint32_t room = (id + 64) * 2;
		struct fact_subject **bigger = pool_alloc(facts->pool, room * sizeof(*bigger));
		if (facts->known_room)
			memcpy(bigger, facts->known, facts->known_room * sizeof(*bigger));
		facts->known = bigger;
		facts->known_room = room;
	}
	facts->known[id] = subject;
}

struct fact_subject *facts_subject(struct facts *facts, const struct subject *subject)
{
	for (unsigned depth = 0; depth < CODE_DEPTH && subject->kind == SUBJECT_CODE; depth++) {
		if (!subject->maker)
			return NULL;
		subject = subject->maker;
	}
	if (subject->kind == SUBJECT_CODE)
		return NULL;
	if (subject->id < facts->known_room && facts->known[subject->id])
		return facts->known[subject->id];
	bool has_place = !*subject->package && subject->kind != SUBJECT_PYTHON;
	const char *mask = has_place ? normal_mask(facts->pool, subject->path) : "";
	struct fact_subject *known = find_subject(facts, subject, mask);
	if (!known)
		known = make_subject(facts, subject, mask);
	strings_add(facts->pool, &known->paths, subject->path);
	if (*subject->build_id)
		strings_add(facts->pool, &known->build_ids, subject->build_id);
	if (*subject->package_version)
		strings_add(facts->pool, &known->versions, subject->package_version);
	know(facts, subject->id, known);
	return known;
}

int facts_compare_subjects(const struct fact_subject *one, const struct fact_subject *two)
{
	int order = strcmp(one->name, two->name);
	order = order ? order : (int)one->kind - (int)two->kind;
	order = order ? order : strcmp(one->package, two->package);
	return order ? order : strcmp(one->mask, two->mask);
}

/* --- facts -------------------------------------------------------------------------------------
 */

static uint64_t hash_fact(const struct fact *fact)
{
	uint64_t hash = (uint64_t)fact->subject->index << 32 | fact->action;
	for (uint32_t i = 0; i < fact->part_count; i++)
		hash = XXH3_64bits_withSeed(fact->parts[i], strlen(fact->parts[i]), hash + i);
	if (fact->remark)
		hash = XXH3_64bits_withSeed(fact->remark, strlen(fact->remark), ~hash);
	return hash;
}

static int compare_words(const struct fact *one, const struct fact *two)
{
	for (uint32_t i = 0; i < one->part_count && i < two->part_count; i++) {
		int order = strcmp(one->parts[i], two->parts[i]);
		if (order)
			return order;
	}
	if (one->part_count != two->part_count)
		return one->part_count < two->part_count ? -1 : 1;
	return strcmp(one->remark ? one->remark : "", two->remark ? two->remark : "");
}

static uint32_t *find_place(const struct facts *facts, const struct fact *fact)
{
	uint32_t at = (uint32_t)hash_fact(fact) & (facts->room - 1);
	for (; facts->places[at]; at = (at + 1) & (facts->room - 1)) {
		const struct fact *known = facts->facts[facts->places[at] - 1];
		if (known->subject == fact->subject && known->action == fact->action &&
		    !compare_words(known, fact))
			break;
	}
	return &facts->places[at];
}

static void reserve(struct facts *facts)
{
	if (facts->count * 2 < facts->room)
		return;
	facts->room = facts->room ? facts->room * 2 : 1024;
	facts->places = pool_alloc(facts->pool, facts->room * sizeof(*facts->places));
	for (uint32_t i = 0; i < facts->count; i++)
		*find_place(facts, facts->facts[i]) = i + 1;
}

/* A copy of what was composed in passing. */
static struct fact *keep(struct facts *facts, const struct fact *fact)
{
	struct pool *pool = facts->pool;
	struct fact *kept = pool_alloc(pool, sizeof(*kept));
	*kept = *fact;
	kept->parts = pool_alloc(pool, fact->part_count * sizeof(*kept->parts));
	for (uint32_t i = 0; i < fact->part_count; i++)
		kept->parts[i] = pool_copy(pool, fact->parts[i], strlen(fact->parts[i]));
	if (fact->remark)
		kept->remark = pool_copy(pool, fact->remark, strlen(fact->remark));
	kept->first_ns = UINT64_MAX;
	facts->facts = pool_grow(pool, facts->facts, facts->count, sizeof(*facts->facts));
	facts->facts[facts->count++] = kept;
	return kept;
}

static void keep_stack(struct facts *facts, struct fact *fact, const struct chain *chain)
{
	uint32_t count = chain ? chain->own_count : 0;
	count = count < STACK_NAMES_MAX ? count : STACK_NAMES_MAX;
	fact->stack = pool_alloc(facts->pool, count * sizeof(*fact->stack));
	fact->stack_count = count;
	fact->stack_run = facts->run;
	fact->stack_conduits = 0;
	for (uint32_t i = 0; i < count; i++) {
		const char *name = chain->links[i].subject->name;
		fact->stack[i] = pool_copy(facts->pool, name, strlen(name));
		if (policy_is_conduit(chain->links[i].subject->binding))
			fact->stack_conduits |= 1u << i;
	}
}

static void count_run(struct facts *facts, struct fact *fact)
{
	if (!fact->run_count || fact->runs[fact->run_count - 1].run != facts->run) {
		fact->runs =
			pool_grow(facts->pool, fact->runs, fact->run_count, sizeof(*fact->runs));
		fact->runs[fact->run_count++] =
			(struct fact_count){.run = facts->run, .first_event = facts->event};
	}
	fact->runs[fact->run_count - 1].count++;
}

/* Of two that came at the same instant the run's id decides. */
static bool is_earlier(const struct facts *facts, const struct fact *fact, uint64_t time_ns)
{
	if (time_ns != fact->first_ns)
		return time_ns < fact->first_ns;
	const struct fact_run *one = &facts->runs[facts->run];
	const struct fact_run *two = &facts->runs[fact->stack_run];
	int order = strcmp(one->id, two->id);
	return one != two && (order ? order < 0 : one->digest < two->digest);
}

static int add(struct facts *facts, struct model *model, const struct item_event *event,
	       const struct fact *fact)
{
	const struct item_run *run = model_run(model);
	uint64_t time_ns = run->realtime_ns + (event->time_ns - run->monotonic_ns);
	reserve(facts);
	uint32_t *place = find_place(facts, fact);
	if (!*place && facts->count >= FACTS_MAX)
		return -E2BIG;
	struct fact *known = *place ? facts->facts[*place - 1] : keep(facts, fact);
	if (!*place)
		*place = facts->count;
	if (is_earlier(facts, known, time_ns)) {
		known->first_ns = time_ns;
		keep_stack(facts, known, model_chain(model, event->chain));
	}
	if (time_ns > known->last_ns)
		known->last_ns = time_ns;
	known->pids |= fact->pids;
	known->count++;
	count_run(facts, known);
	return 0;
}

int facts_add(struct facts *facts, struct model *model, const struct item_event *event,
	      struct fact_subject *subject, const char *remark)
{
	struct event_words words;
	wording_of(model, event, &words);
	struct fact fact = {.subject = subject,
			    .action = event->action,
			    .parts = words.parts,
			    .part_count = words.count,
			    .remark = remark,
			    .pids = words.pids};
	int error = add(facts, model, event, &fact);
	wording_done(&words);
	return error;
}

int facts_add_words(struct facts *facts, struct model *model, const struct item_event *event,
		    struct fact_subject *subject, uint32_t action, const char *word)
{
	struct fact fact = {.subject = subject, .action = action, .parts = &word, .part_count = 1};
	return add(facts, model, event, &fact);
}

bool facts_is_done(const struct item_event *event)
{
	switch (event->action) {
	case WIRE_ENV_READ:
	case WIRE_NET_RESOLVE:
		return true;
	case WIRE_NET_CONNECT:
		return !(event->flags & EVENT_DATAGRAM) && policy_is_sent(event->result);
	case WIRE_NET_EXCHANGE:
		return false;
	default:
		return event->result >= 0;
	}
}

static int compare_facts(const void *left, const void *right)
{
	const struct fact *one = *(struct fact *const *)left, *two = *(struct fact *const *)right;
	int order = facts_compare_subjects(one->subject, two->subject);
	if (!order && one->action != two->action)
		order = one->action < two->action ? -1 : 1;
	return order ? order : compare_words(one, two);
}

void facts_sort(struct facts *facts)
{
	if (facts->count)
		qsort(facts->facts, facts->count, sizeof(*facts->facts), compare_facts);
	facts->room = 0; /* the hash no longer holds */
}

static const struct facts *sorted_facts;

static int compare_runs(const void *left, const void *right)
{
	const struct fact_run *one = &sorted_facts->runs[*(const uint32_t *)left];
	const struct fact_run *two = &sorted_facts->runs[*(const uint32_t *)right];
	if (one->start_ns != two->start_ns)
		return one->start_ns < two->start_ns ? -1 : 1;
	int order = strcmp(one->id, two->id);
	return order ? order : one->digest < two->digest ? -1 : one->digest > two->digest;
}

static int compare_counts(const void *left, const void *right)
{
	const struct fact_count *one = left, *two = right;
	return one->run < two->run ? -1 : one->run > two->run;
}

void facts_order_runs(struct facts *facts)
{
	uint32_t *order = pool_alloc(facts->pool, facts->run_count * sizeof(*order));
	uint32_t *number = pool_alloc(facts->pool, facts->run_count * sizeof(*number));
	struct fact_run *runs = pool_alloc(facts->pool, facts->run_count * sizeof(*runs));
	for (uint32_t i = 0; i < facts->run_count; i++)
		order[i] = i;
	sorted_facts = facts;
	if (facts->run_count)
		qsort(order, facts->run_count, sizeof(*order), compare_runs);
	for (uint32_t i = 0; i < facts->run_count; i++) {
		runs[i] = facts->runs[order[i]];
		number[order[i]] = i;
	}
	facts->runs = runs;
	for (uint32_t i = 0; i < facts->count; i++) {
		struct fact *fact = facts->facts[i];
		for (uint32_t run = 0; run < fact->run_count; run++)
			fact->runs[run].run = number[fact->runs[run].run];
		qsort(fact->runs, fact->run_count, sizeof(*fact->runs), compare_counts);
	}
}

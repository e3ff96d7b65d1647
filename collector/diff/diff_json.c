/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "../sink/json.h"
#include "diff.h"

static json_t *strings_json(const struct strings *strings)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < strings->count; i++)
		json_array_append_new(array, json_text(strings->items[i]));
	return array;
}

static json_t *change_json(const struct diff_change *change)
{
	struct text object = {0}, first = {0};
	static const struct item_run zero;
	text_clear(&object);
	text_clear(&first);
	rules_show(&object, change->rule);
	words_time(&first, &zero, change->example ? change->example->first_ns : 0);
	json_t *stack = json_array();
	for (uint32_t i = 0; change->example && i < change->example->stack_count; i++)
		json_array_append_new(stack, json_text(change->example->stack[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "id", change->rule->id, "action",
			 diff_action(change->rule->action), "object", json_take(&object), "count",
			 json_count(change->count), "first", json_take(&first), "stack", stack);
}

static json_t *subject_json(const struct diff_subject *subject)
{
	static const char *const matches[] = {"name", "stem", "none"};
	json_t *appeared = json_array(), *vanished = json_array();
	for (uint32_t i = 0; i < subject->change_count; i++)
		json_array_append_new(subject->changes[i].side == DIFF_AFTER ? appeared : vanished,
				      change_json(&subject->changes[i]));
	json_t *object =
		json_pack("{s:s, s:o, s:s, s:o, s:o}", "kind", words_kind(subject->kind), "name",
			  json_text(diff_name(subject)), "matched_by", matches[subject->match],
			  "appeared", appeared, "vanished", vanished);
	static const char *const sides[] = {"before", "after"};
	for (unsigned side = 0; object && side < DIFF_SIDES; side++)
		json_object_set_new(
			object, sides[side],
			subject->name[side]
				? json_pack("{s:o, s:o, s:o, s:o}", "name",
					    json_text(subject->name[side]), "packages",
					    strings_json(&subject->packages[side]), "versions",
					    strings_json(&subject->versions[side]), "build_ids",
					    strings_json(&subject->build_ids[side]))
				: json_null());
	return object;
}

static json_t *side_json(const struct facts *facts)
{
	json_t *runs = json_array();
	for (uint32_t i = 0; i < facts->run_count; i++) {
		const struct fact_run *run = &facts->runs[i];
		json_t *holes = json_object();
		for (uint32_t hole = 0; hole < run->hole_count; hole++)
			json_object_set_new(holes, run->holes[hole].name,
					    json_count(run->holes[hole].count));
		json_array_append_new(
			runs, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_text(run->id),
					"host", json_text(run->host), "service",
					json_text(run->service), "vantage", json_text(run->vantage),
					"events", json_count(run->events), "holes", holes));
	}
	return runs;
}

int diff_write_json(struct pool *pool, const struct diff *diff, FILE *stream)
{
	json_t *subjects = json_array();
	const char *unequal = diff_unequal(pool, diff);
	for (uint32_t i = 0; i < diff->subject_count; i++)
		if (diff->subjects[i].change_count || diff_is_other_version(&diff->subjects[i]))
			json_array_append_new(subjects, subject_json(&diff->subjects[i]));
	json_t *root = json_pack("{s:i, s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "v", 1, "verdict",
				 diff_verdict(diff), "appeared", (int)diff->appeared, "vanished",
				 (int)diff->vanished, "before",
				 side_json(&diff->facts[DIFF_BEFORE]), "after",
				 side_json(&diff->facts[DIFF_AFTER]), "unequal",
				 unequal ? json_text(unequal) : json_null(), "subjects", subjects);
	int error = json_write_line(stream, root);
	json_decref(root);
	return error;
}

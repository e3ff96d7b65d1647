/* SPDX-License-Identifier: Apache-2.0
 *
 * Beside every learned profile: what each rule rests on, by its id. Sorted, and bounded: examples,
 * not everything.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/json.h"
#include "learn_inner.h"
#include "wording.h"

#define VALUES_MAX 8u
#define RUNS_MAX 100u
#define LEFT_OUT_MAX 100u

static json_t *time_of(uint64_t realtime_ns)
{
	static const struct item_run zero;
	struct text text = {0};
	text_clear(&text);
	words_time(&text, &zero, realtime_ns);
	return json_take(&text);
}

static json_t *shown(uint32_t action, const char *const *parts, uint32_t count)
{
	struct text text = {0};
	text_clear(&text);
	wording_show(&text, action, parts, count);
	return json_take(&text);
}

static json_t *stack_of(const struct fact *fact)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < fact->stack_count; i++)
		json_array_append_new(array, json_text(fact->stack[i]));
	return array;
}

/* What several facts have in common. */
struct sum {
	uint64_t count, first_ns, last_ns;
	const struct fact *earliest;
	struct strings runs, hosts;
};

static void sum_up(struct pool *pool, const struct facts *facts, const struct fact *const *items,
		   uint32_t count, struct sum *ret)
{
	*ret = (struct sum){.first_ns = UINT64_MAX};
	for (uint32_t i = 0; i < count; i++) {
		const struct fact *fact = items[i];
		ret->count += fact->count;
		if (fact->first_ns < ret->first_ns) {
			ret->first_ns = fact->first_ns;
			ret->earliest = fact;
		}
		ret->last_ns = fact->last_ns > ret->last_ns ? fact->last_ns : ret->last_ns;
		for (uint32_t run = 0; run < fact->run_count; run++) {
			const struct fact_run *its = &facts->runs[fact->runs[run].run];
			strings_add(pool, &ret->runs, its->id);
			strings_add(pool, &ret->hosts, its->host);
		}
	}
}

static json_t *strings_json(const struct strings *strings, uint32_t max)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < strings->count && i < max; i++)
		json_array_append_new(array, json_text(strings->items[i]));
	return array;
}

static json_t *values_of(const struct learned_rule *rule)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < rule->fact_count && i < VALUES_MAX; i++)
		json_array_append_new(array, shown(rule->action, rule->facts[i]->parts,
						   rule->facts[i]->part_count));
	return array;
}

/* What keep.c makes the rule of again. */
static json_t *form_json(const struct learned_rule *rule)
{
	json_t *parts = json_array(), *ports = json_array();
	for (uint32_t i = 0; i < rule->part_count; i++)
		json_array_append_new(parts, json_text(rule->parts[i]));
	for (uint32_t i = 0; i < rule->port_count; i++)
		json_array_append_new(ports, json_pack("[i, i]", (int)rule->ports[i].low,
						       (int)rule->ports[i].high));
	return json_pack("{s:o, s:o, s:s, s:b}", "parts", parts, "ports", ports, "proto",
			 rule->proto, "rest", rule->takes_rest);
}

static json_t *rule_json(struct pool *pool, const struct learned *learned,
			 const struct learned_rule *rule)
{
	struct sum sum;
	struct text allows = {0};
	sum_up(pool, &learned->facts, rule->facts, rule->fact_count, &sum);
	text_clear(&allows);
	rules_show(&allows, rule);
	json_t *object = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:i, s:o}", "action",
		words_action((uint8_t)rule->action), "allows", json_take(&allows), "count",
		json_count(sum.count), "first", time_of(sum.first_ns), "last", time_of(sum.last_ns),
		"runs", (int)sum.runs.count, "hosts", strings_json(&sum.hosts, VALUES_MAX));
	json_object_set_new(object, "run_ids", strings_json(&sum.runs, RUNS_MAX));
	json_object_set_new(object, "rule", form_json(rule));
	if (sum.earliest)
		json_object_set_new(object, "stack", stack_of(sum.earliest));
	if (rule->is_general) {
		json_object_set_new(object, "generalised_from", values_of(rule));
		json_object_set_new(object, "values", json_integer(rule->fact_count));
	}
	return object;
}

static json_t *holes_json(const struct fact_run *run)
{
	json_t *object = json_object();
	for (uint32_t i = 0; i < run->hole_count; i++)
		json_object_set_new(object, run->holes[i].name, json_count(run->holes[i].count));
	return object;
}

static json_t *runs_json(const struct facts *facts)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < facts->run_count && i < RUNS_MAX; i++) {
		const struct fact_run *run = &facts->runs[i];
		json_array_append_new(
			array,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
				  json_text(run->id), "host", json_text(run->host), "service",
				  json_text(run->service), "vantage", json_text(run->vantage),
				  "start", time_of(run->start_ns), "end", time_of(run->end_ns),
				  "events", json_count(run->events), "holes", holes_json(run)));
	}
	return array;
}

static json_t *left_out_json(const struct learn_profile *profile)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < profile->left_out_count && i < LEFT_OUT_MAX; i++) {
		const struct fact *fact = profile->left_out[i];
		json_array_append_new(
			array, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "action",
					 words_action((uint8_t)fact->action), "object",
					 shown(fact->action, fact->parts, fact->part_count),
					 "flagged_by", json_text(fact->remark), "count",
					 json_count(fact->count), "first", time_of(fact->first_ns),
					 "last", time_of(fact->last_ns), "stack", stack_of(fact)));
	}
	return array;
}

static json_t *estimate_json(const struct learn_estimate *said)
{
	uint64_t unseen = said->events ? (uint64_t)said->once * 1000 / said->events : 0;
	return json_pack("{s:b, s:i, s:i, s:i, s:o, s:o}", "complete", 0, "rules",
			 (int)said->rules, "new_in_last_quarter", (int)said->new_rules,
			 "on_one_event", (int)said->once, "events", json_count(said->events),
			 "new_per_1000", json_count(unseen));
}

static json_t *subject_json(const struct fact_subject *subject)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "kind", words_kind(subject->kind),
			 "name", json_text(subject->name), "package", json_text(subject->package),
			 "paths", strings_json(&subject->paths, VALUES_MAX), "versions",
			 strings_json(&subject->versions, VALUES_MAX), "build_ids",
			 strings_json(&subject->build_ids, VALUES_MAX));
}

char *learn_write_evidence(const struct learned *learned, const struct learn_profile *profile,
			   const char *yaml)
{
	char digest[24];
	json_t *rules = json_object();
	for (uint32_t i = 0; i < profile->rules.count; i++) {
		const struct learned_rule *rule = &profile->rules.items[i];
		json_object_set_new(rules, rule->id,
				    rule->kept ? json_incref(rule->kept)
					       : rule_json(learned->facts.pool, learned, rule));
	}
	learn_digest(yaml, digest);
	json_t *root = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "v", 1,
				 "digest", digest, "profile", json_text(profile->name), "subject",
				 subject_json(profile->subject), "runs",
				 runs_json(&learned->facts), "estimate",
				 estimate_json(&profile->estimate), "rules", rules, "left_out",
				 left_out_json(profile), "left_out_count",
				 (int)profile->left_out_count);
	char *dump = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	json_decref(root);
	return dump;
}

void learn_show_fact(struct text *text, const struct fact *fact)
{
	text_escape_string(text, fact->subject->name, ESCAPE_TERMINAL);
	text_addf(text, " %s ", words_action((uint8_t)fact->action));
	wording_show(text, fact->action, fact->parts, fact->part_count);
	if (fact->remark) {
		text_add(text, ", by ");
		text_escape_string(text, fact->remark, ESCAPE_TERMINAL);
	}
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What an earlier learning left: a file that somebody changed is not written over, and rules whose
 * runs are not among today's logs stay.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "../policy/glob.h"
#include "../sink/words.h"
#include "learn_inner.h"

#define KEPT_MAX 10000u

void learn_digest(const char *yaml, char ret_hex[24])
{
	snprintf(ret_hex, 24, "%016llx", (unsigned long long)XXH3_64bits(yaml, strlen(yaml)));
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* A profile of the same subject. */
static bool is_same_subject(const json_t *evidence, const struct fact_subject *subject)
{
	const json_t *old = json_object_get(evidence, "subject");
	return json_integer_value(json_object_get(evidence, "v")) == 1 &&
	       !strcmp(text_at(old, "kind"), words_kind(subject->kind)) &&
	       !strcmp(text_at(old, "name"), subject->name) &&
	       !strcmp(text_at(old, "package"), subject->package);
}

static bool is_as_written(const json_t *evidence, const char *yaml)
{
	char digest[24];
	learn_digest(yaml, digest);
	return !strcmp(text_at(evidence, "digest"), digest);
}

/* --- rules ------------------------------------------------------------------------------------- */

static uint32_t action_named(const char *name)
{
	for (uint32_t action = 1; action < WIRE_ACTIONS; action++)
		if (!strcmp(words_action((uint8_t)action), name))
			return action;
	return 0;
}

/* Every run it was seen in is read again: then it would have been learned again. */
static bool is_read_again(const struct learned *learned, const json_t *old)
{
	const json_t *ids = json_object_get(old, "run_ids"), *id;
	size_t index;
	if ((size_t)json_integer_value(json_object_get(old, "runs")) > json_array_size(ids))
		return false;
	json_array_foreach(ids, index, id) {
		bool is_there = false;
		for (uint32_t i = 0; i < learned->facts.run_count && !is_there; i++)
			is_there = json_is_string(id) &&
				   !strcmp(learned->facts.runs[i].id, json_string_value(id));
		if (!is_there)
			return false;
	}
	return true;
}

static bool part_covers(struct pool *pool, const char *wide, const char *narrow)
{
	struct glob glob;
	if (!strcmp(wide, narrow))
		return true;
	return !strpbrk(narrow, "*?[]\\") && *wide &&
	       !glob_compile(pool, wide, strlen(wide), GLOB_PATH, &glob) &&
	       glob_match(&glob, narrow, strlen(narrow));
}

/* The same peer: its ports of then as well. Two that Linux chose stand for all of them. */
static bool join_ports(struct pool *pool, struct learned_rules *rules,
		       const struct learned_rule *old)
{
	struct learned_rule *rule = rules->items;
	while (rule < rules->items + rules->count && strcmp(rule->id, old->id))
		rule++;
	if (rule == rules->items + rules->count || rule->action != old->action)
		return false;
	unsigned chosen = 0;
	for (uint32_t i = 0; i < old->port_count; i++)
		rules_add_port(pool, rule, old->ports[i]);
	for (uint32_t i = 0; i < rule->port_count; i++)
		chosen += rule->ports[i].low >= RULES_PORT_CHOSEN;
	if (chosen >= 2 && rule->action != WIRE_NET_BIND && rule->action != WIRE_NET_LISTEN)
		rules_open_ports(rule);
	return true;
}

/* A rule of today says the same, or more. */
static bool is_covered(struct pool *pool, const struct learned_rules *rules,
		       const struct learned_rule *old)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct learned_rule *rule = &rules->items[i];
		bool is_same = rule->action == old->action && !rule->kept;
		is_same &= rule->part_count == old->part_count && !old->port_count &&
			   !*old->proto && rule->takes_rest == old->takes_rest;
		for (uint32_t part = 0; is_same && part < rule->part_count; part++)
			is_same = part_covers(pool, rule->parts[part], old->parts[part]);
		if (is_same)
			return true;
	}
	return false;
}

static bool read_ports(struct pool *pool, const json_t *form, struct learned_rule *rule)
{
	const json_t *port;
	size_t index;
	json_array_foreach(json_object_get(form, "ports"), index, port) {
		json_int_t low = json_integer_value(json_array_get(port, 0));
		json_int_t high = json_integer_value(json_array_get(port, 1));
		if (low < 0 || high < low || high > 65535)
			return false;
		rule->ports = pool_grow(pool, rule->ports, rule->port_count, sizeof(*rule->ports));
		rule->ports[rule->port_count++] =
			(struct rule_ports){(uint32_t)low, (uint32_t)high};
	}
	return true;
}

/* The evidence lies where everybody may have written: what is no rule is none. */
static bool read_rule(struct pool *pool, const char *id, json_t *old, struct learned_rule *ret)
{
	const json_t *form = json_object_get(old, "rule"), *part;
	const char *proto = text_at(form, "proto");
	size_t index;
	*ret = (struct learned_rule){
		.action = action_named(text_at(old, "action")),
		.id = pool_copy(pool, id, strlen(id)),
		.proto = !strcmp(proto, "tcp") ? "tcp" : !strcmp(proto, "udp") ? "udp" : "",
		.takes_rest = json_is_true(json_object_get(form, "rest")),
		.is_general = true,
		.kept = old};
	json_array_foreach(json_object_get(form, "parts"), index, part) {
		const char *text = json_string_value(part);
		if (!text || (!*text && !index))
			return false;
		ret->parts = pool_grow(pool, ret->parts, ret->part_count, sizeof(*ret->parts));
		ret->parts[ret->part_count++] = pool_copy(pool, text, strlen(text));
	}
	bool is_id = *id && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(id);
	return is_id && ret->action && ret->part_count && read_ports(pool, form, ret);
}

static void keep_rules(const struct learned *learned, struct learn_profile *profile)
{
	struct pool *pool = learned->facts.pool;
	struct learned_rules *rules = &profile->rules;
	const char *id;
	json_t *old;
	json_object_foreach(json_object_get(profile->earlier, "rules"), id, old) {
		struct learned_rule rule;
		if (profile->kept >= KEPT_MAX || !read_rule(pool, id, old, &rule) ||
		    !(profile->families >> learn_family_of(rule.action) & 1) ||
		    is_read_again(learned, old) || join_ports(pool, rules, &rule) ||
		    is_covered(pool, rules, &rule))
			continue;
		rules->items = pool_grow(pool, rules->items, rules->count, sizeof(rule));
		rules->items[rules->count++] = rule;
		profile->kept++;
	}
	rules_sort(rules);
}

/* Does the profile, with what was kept, load? */
static bool is_policy(const struct learned *learned, const struct learn_profile *profile)
{
	struct text text = {0};
	struct policy *policy = NULL;
	FILE *silence = fopen("/dev/null", "we");
	struct policy_options options = {.errors = silence};
	text_clear(&text);
	learn_write_yaml(learned, profile, &text);
	struct policy_text one = {(char *)"kept.learned.yaml", text.data, text.len};
	if (silence && !text.error)
		policy_load_texts(&one, 1, &options, &policy);
	policy_free(policy);
	text_done(&text);
	if (silence)
		fclose(silence);
	return policy != NULL;
}

enum learn_there learn_keep(const struct learned *learned, struct learn_profile *profile,
			    const char *yaml, const char *evidence)
{
	json_t *old = evidence ? json_loads(evidence, 0, NULL) : NULL;
	if (!yaml) {
		json_decref(old);
		return LEARN_NOTHING;
	}
	if (!old || !is_same_subject(old, profile->subject) || !is_as_written(old, yaml)) {
		json_decref(old);
		return LEARN_EDITED;
	}
	uint32_t own = profile->rules.count;
	struct learned_rule *items = pool_alloc(learned->facts.pool, (own + 1) * sizeof(*items));
	if (own)
		memcpy(items, profile->rules.items, own * sizeof(*items));
	profile->earlier = old;
	keep_rules(learned, profile);
	if (profile->kept && !is_policy(learned, profile)) {
		profile->rules = (struct learned_rules){items, own};
		profile->kept = 0;
	}
	return LEARN_OURS;
}

void learn_profile_done(struct learn_profile *profile)
{
	json_decref(profile->earlier);
	profile->earlier = NULL;
}

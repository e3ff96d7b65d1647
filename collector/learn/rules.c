/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "../sink/words.h"
#include "rules_inner.h"

/* Programs called with more different arguments than this: what they begin with, and any. */
#define ARGUMENT_FORMS_MAX 8u
#define ARGUMENT_FORMS_NARROW 32u
/* The language's globs end here (GLOB_TOKENS_MAX); what is longer is cut. */
#define GLOB_BYTES_MAX 400u
#define ARGUMENTS_MAX 64u

struct learned_rule *rule_push(struct maker *maker, uint32_t action, bool is_general)
{
	struct learned_rules *rules = maker->rules;
	rules->items = pool_grow(maker->pool, rules->items, rules->count, sizeof(*rules->items));
	struct learned_rule *rule = &rules->items[rules->count++];
	*rule = (struct learned_rule){.action = action, .is_general = is_general, .proto = ""};
	return rule;
}

/* A glob of no more than the language takes. */
static const char *fit(struct maker *maker, const char *glob, bool *is_cut)
{
	size_t len = strlen(glob), at = GLOB_BYTES_MAX;
	if (len <= GLOB_BYTES_MAX)
		return glob;
	/* Not within a character, nor behind a lone backslash. */
	while (at && ((glob[at] & 0xc0) == 0x80 || glob[at - 1] == '\\' || glob[at - 1] == '*'))
		at--;
	*is_cut = true;
	return pool_print(maker->pool, "%.*s**", (int)at, glob);
}

void rule_add_part(struct maker *maker, struct learned_rule *rule, const char *part)
{
	rule->parts =
		pool_grow(maker->pool, rule->parts, rule->part_count, sizeof(*rule->parts));
	rule->parts[rule->part_count++] = fit(maker, part, &rule->is_general);
}

void rule_add_fact(struct maker *maker, struct learned_rule *rule, const struct fact *fact)
{
	rule->facts =
		pool_grow(maker->pool, rule->facts, rule->fact_count, sizeof(*rule->facts));
	rule->facts[rule->fact_count++] = fact;
}

/* --- what is matched by one glob or several ---------------------------------------------------- */

/* A host name's last two labels say whose it is: nothing is left open there. */
static bool is_too_wide(uint32_t action, const struct normal_pattern *pattern)
{
	const char *name = pattern->parts[0];
	unsigned dots = 0;
	if (action != WIRE_NET_RESOLVE)
		return false;
	for (size_t at = strlen(name); at-- > 0 && dots < 2;) {
		if (name[at] == '*')
			return true;
		dots += name[at] == '.';
	}
	return false;
}

static void push_members(struct maker *maker, uint32_t action, const struct normal_pattern *pattern,
			 const struct fact *const *facts)
{
	for (uint32_t i = 0; i < pattern->member_count; i++) {
		const struct fact *fact = facts[pattern->members[i]->index];
		struct learned_rule *rule = rule_push(maker, action, false);
		for (uint32_t part = 0; part < fact->part_count; part++)
			rule_add_part(maker, rule, normal_quote(maker->pool, fact->parts[part]));
		rule_add_fact(maker, rule, fact);
	}
}

static void push_pattern(struct maker *maker, uint32_t action, const struct normal_pattern *pattern,
			 const struct fact *const *facts)
{
	if (is_too_wide(action, pattern)) {
		push_members(maker, action, pattern, facts);
		return;
	}
	struct learned_rule *rule = rule_push(maker, action, pattern->is_general);
	for (uint32_t i = 0; i < pattern->count; i++)
		rule_add_part(maker, rule, pattern->parts[i]);
	for (uint32_t i = 0; i < pattern->member_count; i++)
		rule_add_fact(maker, rule, facts[pattern->members[i]->index]);
}

static void rules_fold(struct maker *maker, uint32_t action, const struct fact *const *facts,
		       uint32_t count)
{
	bool is_name = action == WIRE_NET_RESOLVE || action == WIRE_ENV_READ || action == FACT_CALLER;
	struct normal_value *values = pool_alloc(maker->pool, count * sizeof(*values));
	struct normal_pattern *patterns;
	for (uint32_t i = 0; i < count; i++)
		values[i] = (struct normal_value){facts[i]->parts, facts[i]->part_count,
						  facts[i]->pids, i};
	uint32_t pattern_count =
		normal_fold(maker->pool, maker->fans, is_name ? NORMAL_NAME : NORMAL_PATH, values,
			    count, &patterns);
	for (uint32_t i = 0; i < pattern_count; i++)
		push_pattern(maker, action, &patterns[i], facts);
}

/* --- programs ---------------------------------------------------------------------------------- */

static void merge_facts(struct maker *maker, struct learned_rule *into,
			const struct learned_rule *from)
{
	for (uint32_t i = 0; i < from->fact_count; i++)
		rule_add_fact(maker, into, from->facts[i]);
}

static uint32_t common_parts(const struct learned_rule *one, const struct learned_rule *two,
			     uint32_t most)
{
	uint32_t count = 0;
	while (count < most && count < one->part_count && count < two->part_count &&
	       !strcmp(one->parts[count], two->parts[count]))
		count++;
	return count;
}

/* One program with many different arguments becomes one rule of what they have in common. */
static void fold_arguments(struct maker *maker, uint32_t from)
{
	struct learned_rules *rules = maker->rules;
	uint32_t kept = from;
	uint32_t most = maker->is_narrow ? ARGUMENT_FORMS_NARROW : ARGUMENT_FORMS_MAX;
	for (uint32_t first = from, next; first < rules->count; first = next) {
		struct learned_rule *rule = &rules->items[first];
		uint32_t common = rule->part_count;
		for (next = first + 1; next < rules->count; next++) {
			if (strcmp(rules->items[next].parts[0], rule->parts[0]))
				break;
			common = common_parts(rule, &rules->items[next], common);
		}
		bool is_long = rule->part_count > ARGUMENTS_MAX;
		if (next - first <= most && !is_long) {
			for (uint32_t i = first; i < next; i++)
				rules->items[kept++] = rules->items[i];
			continue;
		}
		for (uint32_t i = first + 1; i < next; i++)
			merge_facts(maker, rule, &rules->items[i]);
		rule->part_count = common < ARGUMENTS_MAX ? common : ARGUMENTS_MAX;
		rule->takes_rest = rule->is_general = true;
		rules->items[kept++] = *rule;
	}
	rules->count = kept;
}

/* An argument that was left out of the log, or that is "**" itself. */
static void tidy_arguments(struct maker *maker, uint32_t from)
{
	for (uint32_t i = from; i < maker->rules->count; i++) {
		struct learned_rule *rule = &maker->rules->items[i];
		if (rule->part_count >= ARGUMENTS_MAX) {
			rule->part_count = ARGUMENTS_MAX;
			rule->takes_rest = rule->is_general = true;
		}
	}
}

/* --- all of one subject ------------------------------------------------------------------------ */

static void make_action(struct maker *maker, uint32_t action, const struct fact *const *facts,
			uint32_t count)
{
	uint32_t from = maker->rules->count;
	switch (action) {
	case WIRE_NET_CONNECT:
	case WIRE_NET_BIND:
	case WIRE_NET_LISTEN:
	case WIRE_NET_ACCEPT:
	case WIRE_NET_SEND:
		rules_peer(maker, action, facts, count);
		return;
	case WIRE_EXEC_RUN:
		rules_fold(maker, action, facts, count);
		fold_arguments(maker, from);
		tidy_arguments(maker, from);
		return;
	case WIRE_FILE_RENAME:
	case WIRE_FILE_LINK:
	case WIRE_NET_RESOLVE:
	case WIRE_ENV_READ:
	case FACT_CALLER:
		rules_fold(maker, action, facts, count);
		return;
	}
	rules_fold(maker, action, facts, count);
	if (!maker->is_narrow)
		rules_widen(maker, from);
}

static int compare_facts(const void *left, const void *right)
{
	const struct fact *one = *(const struct fact *const *)left;
	const struct fact *two = *(const struct fact *const *)right;
	if (one->action != two->action)
		return one->action < two->action ? -1 : 1;
	for (uint32_t i = 0; i < one->part_count && i < two->part_count; i++) {
		int order = strcmp(one->parts[i], two->parts[i]);
		if (order)
			return order;
	}
	return one->part_count < two->part_count ? -1 : one->part_count > two->part_count;
}

static int compare_rules(const void *left, const void *right)
{
	const struct learned_rule *one = left, *two = right;
	if (one->action != two->action)
		return one->action < two->action ? -1 : 1;
	for (uint32_t i = 0; i < one->part_count && i < two->part_count; i++) {
		int order = strcmp(one->parts[i], two->parts[i]);
		if (order)
			return order;
	}
	if (one->part_count != two->part_count)
		return one->part_count < two->part_count ? -1 : 1;
	return strcmp(one->proto, two->proto);
}

void rules_sort(struct learned_rules *rules)
{
	if (rules->count)
		qsort(rules->items, rules->count, sizeof(*rules->items), compare_rules);
}

static void name_rule(struct maker *maker, struct learned_rule *rule)
{
	const char *action =
		rule->action == FACT_CALLER ? "caller" : words_action((uint8_t)rule->action);
	const char *dot = strchr(action, '.');
	uint64_t hash = XXH3_64bits(action, strlen(action));
	for (uint32_t i = 0; i < rule->part_count; i++)
		hash = XXH3_64bits_withSeed(rule->parts[i], strlen(rule->parts[i]), hash + i);
	hash = XXH3_64bits_withSeed(rule->proto, strlen(rule->proto), hash + rule->takes_rest);
	rule->id = pool_print(maker->pool, "%s-%08x", dot ? dot + 1 : action,
			      (unsigned)(hash ^ hash >> 32));
}

void rules_make(struct pool *pool, const struct normal_fans *fans, const struct fact *const *facts,
		uint32_t count, bool is_narrow, struct learned_rules *ret)
{
	struct maker maker = {.pool = pool, .fans = fans, .is_narrow = is_narrow, .rules = ret};
	const struct fact **sorted = pool_alloc(pool, (count + 1) * sizeof(*sorted));
	*ret = (struct learned_rules){0};
	if (!count)
		return;
	memcpy(sorted, facts, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_facts);
	for (uint32_t first = 0, i = 1; i <= count; i++) {
		if (i < count && sorted[i]->action == sorted[first]->action)
			continue;
		make_action(&maker, sorted[first]->action, sorted + first, i - first);
		first = i;
	}
	if (!is_narrow)
		rules_drop_granted(&maker);
	rules_sort(ret);
	for (uint32_t i = 0; i < ret->count; i++)
		name_rule(&maker, &ret->items[i]);
}

void rules_show(struct text *text, const struct learned_rule *rule)
{
	bool is_pair = rule->action == WIRE_FILE_RENAME || rule->action == WIRE_FILE_LINK;
	for (uint32_t i = 0; i < rule->part_count; i++) {
		text_add(text, i ? is_pair ? " to " : " " : "");
		text_escape_string(text, rule->parts[i], ESCAPE_TERMINAL);
	}
	text_add(text, rule->takes_rest ? " **" : "");
	for (uint32_t i = 0; i < rule->port_count; i++) {
		const struct rule_ports *ports = &rule->ports[i];
		text_addf(text, "%s%u", i ? "," : ":", ports->low);
		if (ports->high != ports->low)
			text_addf(text, "-%u", ports->high);
	}
	if (*rule->proto)
		text_addf(text, "/%s", rule->proto);
}

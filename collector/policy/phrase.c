/* SPDX-License-Identifier: Apache-2.0
 *
 * Last step of a load: what each list allows in one phrase, and its paths in a tree.
 */
#include <string.h>

#include "policy_inner.h"

#define PHRASE_BYTES 120u

static const char *phrase_rules(struct pool *pool, const char *name, const struct list *list)
{
	size_t len = strlen(name) + 2;
	uint32_t shown = 0;
	/* Peers hold commas themselves. */
	const char *between = "", *separator = list->rules[0]->kind == RULE_PEER ? "; " : ", ";
	for (; shown < list->count; shown++) {
		len += strlen(list->rules[shown]->text) + 2;
		if (shown && len > PHRASE_BYTES)
			break;
	}
	const char *text = pool_print(pool, "%s: ", name);
	for (uint32_t i = 0; i < shown; i++) {
		text = pool_print(pool, "%s%s%s", text, between, list->rules[i]->text);
		between = separator;
	}
	if (shown < list->count)
		text = pool_print(pool, "%s … and %u more", text, list->count - shown);
	return text;
}

static const char *phrase_list(struct pool *pool, const struct profile *profile, unsigned action)
{
	const struct list *list = &profile->lists[action];
	enum family family = action_family(action);
	const char *key = family_keys[family], *name = strchr(action_name(action), '.') + 1;
	enum list_state whole = profile->families[family].state;
	if (!list->is_said && (whole == LIST_NONE || whole == LIST_ANY))
		return pool_print(pool, "%s: %s", key, whole == LIST_ANY ? "any" : "none");
	name = pool_print(pool, "%s.%s", key, name);
	if (list->state == LIST_RULES)
		return phrase_rules(pool, name, list);
	if (action == WIRE_NET_EXCHANGE && list->state == LIST_NONE)
		return pool_print(pool, "%s: request-response", name);
	return pool_print(pool, "%s: %s", name, list->state == LIST_ANY ? "any" : "none");
}

static bool is_placed(const struct rule *rule)
{
	return rule->kind == RULE_PATH && !rule->path.is_home && !rule->path.is_memfd &&
	       !rule->path.is_deleted;
}

/* Paths into a tree by what they start with; the rest is tried one by one. */
static void index_list(struct pool *pool, struct pool *scratch, struct list *list)
{
	struct prefix_entry *entries = pool_alloc(scratch, list->count * sizeof(*entries));
	uint32_t count = 0;
	list->others = pool_alloc(pool, list->count * sizeof(*list->others));
	for (uint32_t i = 0; i < list->count; i++) {
		struct rule *rule = list->rules[i];
		const struct glob *glob = &rule->path.glob;
		rule->is_indexed = is_placed(rule);
		if (rule->is_indexed)
			entries[count++] =
				(struct prefix_entry){glob->prefix, glob->prefix_len, i, rule};
		else
			list->others[list->other_count++] = rule;
	}
	list->prefixes = prefix_build(pool, entries, count);
}

static struct rule **copy_rules(struct pool *pool, const struct list *list)
{
	struct rule **copies = pool_alloc(pool, list->count * sizeof(*copies));
	for (uint32_t i = 0; i < list->count; i++) {
		copies[i] = pool_alloc(pool, sizeof(**copies));
		*copies[i] = *list->rules[i];
		copies[i]->same_prefix = NULL;
	}
	return copies;
}

void phrase_lists(struct policy *policy, struct pool *scratch)
{
	struct pool *pool = &policy->pool;
	for (uint32_t i = 0; i < policy->profile_count; i++) {
		struct profile *profile = policy->profiles[i];
		for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
			struct list *list = &profile->lists[action];
			if (list->state == LIST_ABSENT)
				continue;
			/* Rules may be shared with a profile that was extended. */
			if (profile->lower)
				list->rules = copy_rules(pool, list);
			index_list(pool, scratch, list);
			list->expected = phrase_list(pool, profile, action);
		}
	}
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		index_list(pool, scratch, &policy->base[action]);
		index_list(pool, scratch, &policy->forbidden[action]);
	}
	for (unsigned i = 0; i < SECRET_LISTS; i++) {
		index_list(pool, scratch, &policy->secret_rules[i]);
		index_list(pool, scratch, &policy->secret_excepts[i]);
	}
}

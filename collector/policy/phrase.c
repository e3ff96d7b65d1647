/* SPDX-License-Identifier: Apache-2.0
 *
 * Last step of a load: what each list allows in one phrase, and its paths in a hash.
 */
#include <string.h>
#include <xxhash.h>

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
	return pool_print(pool, "%s: %s", name, list->state == LIST_ANY ? "any" : "none");
}

/* A list with fewer globs is as fast without the hash. */
#define GLOBS_MANY 16u

static bool is_placed(const struct rule *rule)
{
	return rule->kind == RULE_PATH && !rule->path.is_home && !rule->path.is_memfd &&
	       !rule->path.is_deleted;
}

static bool is_plain(const struct rule *rule)
{
	return is_placed(rule) && rule->path.glob.shape == GLOB_LITERAL;
}

/* Remembers that there are prefixes of this length; false when there are too many lengths. */
static bool add_length(struct list *list, uint16_t length)
{
	for (uint32_t i = 0; i < list->length_count; i++)
		if (list->lengths[i] == length)
			return true;
	if (list->length_count == LIST_LENGTHS)
		return false;
	list->lengths[list->length_count++] = length;
	return true;
}

/* Paths into a hash by what they start with, so that the cost of a first look does not grow with
 * the number of rules; the rest is tried one by one. */
static void index_list(struct pool *pool, struct list *list)
{
	uint32_t plain = 0, globs = 0, room = 8;
	for (uint32_t i = 0; i < list->count; i++) {
		plain += is_plain(list->rules[i]);
		globs += is_placed(list->rules[i]) && !is_plain(list->rules[i]);
	}
	bool has_many = globs > GLOBS_MANY;
	while (room < (plain + globs) * 2)
		room *= 2;
	if (plain || has_many) {
		list->prefixes = pool_alloc(pool, room * sizeof(*list->prefixes));
		list->prefix_mask = room - 1;
	}
	list->others = pool_alloc(pool, list->count * sizeof(*list->others));
	for (uint32_t i = 0; i < list->count; i++) {
		struct rule *rule = list->rules[i];
		rule->is_indexed =
			is_plain(rule) || (has_many && is_placed(rule) &&
					   add_length(list, (uint16_t)rule->path.glob.prefix_len));
		if (!rule->is_indexed)
			list->others[list->other_count++] = rule;
	}
	/* Backwards, so that of equal prefixes the first written comes first. */
	for (uint32_t i = list->count; i-- > 0;) {
		struct rule *rule = list->rules[i];
		if (!rule->is_indexed)
			continue;
		struct rule **place =
			list_prefix(list, rule->path.glob.prefix, rule->path.glob.prefix_len);
		rule->same_prefix = *place;
		*place = rule;
	}
}

/* The place in the hash where rules that start so are, or would be. */
struct rule **list_prefix(const struct list *list, const char *path, size_t len)
{
	uint32_t at = (uint32_t)XXH3_64bits(path, len) & list->prefix_mask;
	while (list->prefixes[at]) {
		const struct glob *glob = &list->prefixes[at]->path.glob;
		if (glob->prefix_len == len && !memcmp(glob->prefix, path, len))
			break;
		at = (at + 1) & list->prefix_mask;
	}
	return &list->prefixes[at];
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

void phrase_lists(struct policy *policy)
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
			index_list(pool, list);
			list->expected = phrase_list(pool, profile, action);
		}
	}
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		index_list(pool, &policy->base[action]);
		index_list(pool, &policy->forbidden[action]);
	}
}

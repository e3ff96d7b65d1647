/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles on top of each other: a second one of a name extends or replaces the first; two that
 * would answer for the same subject with equal right are an error.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "policy_inner.h"
#include "version.h"

#define MERGED_MAX (4u << 20)

static uint64_t name_hash(const char *name)
{
	return XXH3_64bits(name, strlen(name));
}

/* Where the newest profile of this name is, or would be. The index has room. */
static struct profile **find_place(const struct name_index *index, const char *name)
{
	uint32_t at = (uint32_t)name_hash(name) & (index->room - 1);
	while (index->places[at] && strcmp(index->places[at]->name, name))
		at = (at + 1) & (index->room - 1);
	return &index->places[at];
}

/* The living profile of this name, or NULL. */
static struct profile *find_profile(const struct loader *loader, const char *name)
{
	struct profile *profile = loader->names.room ? *find_place(&loader->names, name) : NULL;
	return profile && !profile->is_gone ? profile : NULL;
}

static void push_profile(struct loader *loader, struct profile *profile)
{
	struct policy *policy = loader->policy;
	struct name_index *index = &loader->names;
	if (index->count * 2 >= index->room) {
		struct name_index bigger = {.room = index->room ? index->room * 2 : 64,
					    .count = index->count};
		bigger.places = pool_alloc(&loader->scratch, bigger.room * sizeof(*bigger.places));
		for (uint32_t i = 0; i < index->room; i++)
			if (index->places[i])
				*find_place(&bigger, index->places[i]->name) = index->places[i];
		*index = bigger;
	}
	policy->profiles = pool_grow(&policy->pool, policy->profiles, policy->profile_count,
				     sizeof(*policy->profiles));
	profile->order = policy->profile_count;
	policy->profiles[policy->profile_count++] = profile;
	struct profile **place = find_place(index, profile->name);
	index->count += !*place;
	*place = profile;
}

/* --- extends ------------------------------------------------------------------------------------
 */

/* Both lists; what the upper one says about itself wins. */
static void merge_list(struct pool *pool, const struct list *lower, struct list *upper)
{
	struct list merged = upper->is_said || lower->state == LIST_ABSENT ? *upper : *lower;
	if (upper->state == LIST_ABSENT || lower->state == LIST_ABSENT) {
		*upper = upper->state == LIST_ABSENT ? *lower : *upper;
		return;
	}
	merged.rules = NULL;
	merged.count = 0;
	merged.is_said = lower->is_said || upper->is_said;
	for (uint32_t i = 0; i < lower->count; i++)
		list_push(pool, &merged, lower->rules[i]);
	for (uint32_t i = 0; i < upper->count; i++)
		list_push(pool, &merged, upper->rules[i]);
	merged.state = merged.count ? LIST_RULES : LIST_NONE;
	if (lower->state == LIST_ANY || upper->state == LIST_ANY)
		merged.state = LIST_ANY;
	*upper = merged;
}

static void merge_matches(struct pool *pool, const struct profile *lower, struct profile *upper)
{
	struct profile merged = {0};
	for (unsigned i = 0; i < 2; i++) {
		const struct profile *from = i ? upper : lower;
		for (uint32_t m = 0; m < from->match_count; m++) {
			merged.matches = pool_grow(pool, merged.matches, merged.match_count,
						   sizeof(*merged.matches));
			merged.matches[merged.match_count++] = from->matches[m];
		}
	}
	upper->matches = merged.matches;
	upper->match_count = merged.match_count;
}

/* `none` on top of something would take away, and extending only adds. */
static void check_none(struct loader *loader, const struct profile *lower,
		       const struct profile *upper)
{
	for (unsigned family = 0; family < FAMILIES; family++) {
		bool is_none = upper->families[family].state == LIST_NONE;
		enum list_state below = lower->families[family].state;
		struct place place = {upper->place.origin, upper->families[family].ref.line, 1};
		if (is_none && (below == LIST_ANY || below == LIST_RULES))
			report_error(&loader->reports, place,
				     "\"%s: none\" takes nothing away from what it extends; "
				     "use replaces",
				     family_keys[family]);
	}
}

static void merge_profile(struct loader *loader, const struct profile *lower, struct profile *upper,
			  bool is_same)
{
	struct pool *pool = &loader->policy->pool;
	check_none(loader, lower, upper);
	if (is_same || !upper->match_count)
		merge_matches(pool, lower, upper);
	for (unsigned action = 1; action < WIRE_ACTIONS; action++)
		merge_list(pool, &lower->lists[action], &upper->lists[action]);
	for (unsigned family = 0; family < FAMILIES; family++)
		if (upper->families[family].state < lower->families[family].state)
			upper->families[family] = lower->families[family];
	upper->said |= lower->said;
	upper->carries |= lower->carries;
	upper->exempt |= lower->exempt;
	upper->secrets |= lower->secrets;
	upper->is_conduit |= lower->is_conduit;
	upper->is_baseless |= lower->is_baseless;
	upper->watches_descendants |= lower->watches_descendants;
	upper->watches_anywhere |= lower->watches_anywhere;
	upper->is_pool |= lower->is_pool;
	upper->judges_attempts |= lower->judges_attempts;
	if (!upper->phases)
		upper->phases = lower->phases;
	if (!upper->severity)
		upper->severity = lower->severity;
	if (!upper->reason)
		upper->reason = lower->reason;
	upper->lower = lower;
}

/* Extending copies lists: long chains of it would fill the memory from a small file. */
static bool may_merge(struct loader *loader, const struct profile *lower,
		      const struct profile *profile)
{
	loader->merged += lower->match_count + 64;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++)
		loader->merged += lower->lists[action].count;
	if (loader->merged <= MERGED_MAX)
		return true;
	if (!loader->is_merge_full)
		report_error(&loader->reports, profile->place, "too much is extended");
	loader->is_merge_full = true;
	return false;
}

static void report_missing(struct loader *loader, const struct node *node, const char *key,
			   const char *name)
{
	const struct policy *policy = loader->policy;
	bool is_read = loader->reports.count < REPORTS_MAX;
	uint32_t room = policy->profile_count < 4096 ? policy->profile_count : 4096, count = 0;
	room = is_read ? room : 0;
	const char **candidates = pool_alloc(&loader->scratch, (room + 1) * sizeof(*candidates));
	for (uint32_t i = 0; i < policy->profile_count && count < room; i++)
		if (!policy->profiles[i]->is_gone)
			candidates[count++] = policy->profiles[i]->name;
	report_error(&loader->reports, schema_get(node, AT_PROFILE, key)->place,
		     "no profile \"%s\" stands before this%s",
		     report_quote(&loader->scratch, name, strlen(name)),
		     report_suggest(&loader->reports, name, candidates));
}

void layer_add(struct loader *loader, struct profile *profile, const char *extends,
	       const char *replaces, const struct node *node)
{
	struct profile *same = find_profile(loader, profile->name);
	const char *other = extends ? extends : replaces;
	struct profile *lower = other ? find_profile(loader, other) : NULL;
	const char *quoted = report_quote(&loader->scratch, profile->name, strlen(profile->name));
	if (other && !lower) {
		report_missing(loader, node, extends ? "extends" : "replaces", other);
		return;
	}
	if (same && same != lower) {
		report_error(&loader->reports, profile->place,
			     "profile \"%s\" already stands at %s:%u; say \"extends: %s\" or "
			     "\"replaces: %s\"",
			     quoted, same->place.origin->path, same->place.line, quoted, quoted);
		return;
	}
	if (extends && !may_merge(loader, lower, profile))
		return;
	if (extends)
		merge_profile(loader, lower, profile, lower == same);
	if (lower && (replaces || lower == same))
		lower->is_gone = true;
	push_profile(loader, profile);
}

/* --- ties ---------------------------------------------------------------------------------------
 */

struct claim {
	const struct profile *profile;
	const struct match *match;
};

static int text_compare(const struct glob *a, const struct glob *b)
{
	return strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

static int string_compare(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int match_compare(const struct match *a, const struct match *b)
{
	int order = (int)a->kind - (int)b->kind;
	order = order ? order : (int)a->rank - (int)b->rank;
	order = order ? order : text_compare(&a->subject, &b->subject);
	order = order ? order : text_compare(&a->package, &b->package);
	order = order ? order : text_compare(&a->origin, &b->origin);
	order = order ? order : string_compare(a->build_id, b->build_id);
	order = order ? order : string_compare(a->sha256, b->sha256);
	return order ? order
		     : string_compare(a->version ? a->version->text : NULL,
				      b->version ? b->version->text : NULL);
}

/* What to call a match by. */
static const char *match_text(const struct match *match)
{
	if (match->has_subject)
		return match->subject.text;
	if (match->has_package)
		return match->package.text;
	if (match->has_origin)
		return match->origin.text;
	return match->sha256 ? match->sha256 : match->build_id;
}

static int claim_compare(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	if (a->profile->layer != b->profile->layer)
		return a->profile->layer < b->profile->layer ? -1 : 1;
	int order = match_compare(a->match, b->match);
	order = order ? order : (int)a->profile->phases - (int)b->profile->phases;
	if (order)
		return order;
	return a->profile->order < b->profile->order ? -1 : a->profile->order > b->profile->order;
}

/* Profiles that match the very same thing must not both speak about one key. */
static void check_ties(struct loader *loader)
{
	const struct policy *policy = loader->policy;
	size_t count = 0;
	for (uint32_t i = 0; i < policy->profile_count; i++)
		count += policy->profiles[i]->match_count;
	struct claim *claims = pool_alloc(&loader->scratch, count * sizeof(*claims));
	count = 0;
	for (uint32_t i = 0; i < policy->profile_count; i++)
		for (uint32_t m = 0; m < policy->profiles[i]->match_count; m++)
			claims[count++] = (struct claim){policy->profiles[i],
							 &policy->profiles[i]->matches[m]};
	qsort(claims, count, sizeof(*claims), claim_compare);
	for (size_t i = 1; i < count; i++) {
		const struct profile *a = claims[i - 1].profile, *b = claims[i].profile;
		if (a == b || a->layer != b->layer || !(a->said & b->said) ||
		    !(a->phases == b->phases || a->phases & b->phases) ||
		    match_compare(claims[i - 1].match, claims[i].match))
			continue;
		report_error(&loader->reports, claims[i].match->place,
			     "profile \"%s\" ties with profile \"%s\" at %s:%u: both match \"%s\"",
			     report_quote(&loader->scratch, b->name, strlen(b->name)),
			     report_quote(&loader->scratch, a->name, strlen(a->name)),
			     a->place.origin->path, a->place.line,
			     match_text(claims[i].match));
	}
}

/* --- after the last file
 * --------------------------------------------------------------------------- */

static void resolve_exempt(struct loader *loader, struct profile *profile)
{
	const struct policy *policy = loader->policy;
	const char *names[GUARDS_MAX + 1] = {0};
	for (uint32_t i = 0; i < policy->guard_count; i++)
		names[i] = policy->guards[i].name;
	struct node *node = (struct node *)profile->exempt_node;
	for (struct node *item = texts_first(node); item; item = node == item ? NULL : item->next) {
		uint32_t at = 0;
		while (names[at] && strcmp(names[at], item->text))
			at++;
		if (names[at])
			profile->exempt |= 1ull << at;
		else
			report_error(&loader->reports, item->place, "unknown guard \"%s\"%s",
				     report_quote(&loader->scratch, item->text, item->len),
				     report_suggest(&loader->reports, item->text, names));
	}
	if (profile->lower) /* stands before it, so it is resolved */
		profile->exempt |= profile->lower->exempt;
	profile->exempt_node = NULL;
}

static void resolve_secrets(struct loader *loader, struct profile *profile)
{
	const struct policy *policy = loader->policy;
	const char *names[SECRETS_MAX + 1] = {0};
	struct node *node = (struct node *)profile->secrets_node;
	for (uint32_t i = 0; i < policy->secret_count; i++)
		names[i] = policy->secrets[i].name;
	for (struct node *item = texts_first(node); item; item = node == item ? NULL : item->next) {
		uint32_t at = 0;
		while (names[at] && strcmp(names[at], item->text))
			at++;
		if (names[at])
			profile->secrets |= 1ull << at;
		else
			report_error(&loader->reports, item->place, "unknown group of secrets \"%s\"%s",
				     report_quote(&loader->scratch, item->text, item->len),
				     report_suggest(&loader->reports, item->text, names));
	}
	if (profile->lower)
		profile->secrets |= profile->lower->secrets;
	profile->secrets_node = NULL;
}

void layer_finish(struct loader *loader)
{
	struct policy *policy = loader->policy;
	for (uint32_t i = 0; i < policy->profile_count; i++) {
		resolve_exempt(loader, policy->profiles[i]);
		resolve_secrets(loader, policy->profiles[i]);
	}
	uint32_t kept = 0;
	for (uint32_t i = 0; i < policy->profile_count; i++)
		if (!policy->profiles[i]->is_gone)
			policy->profiles[kept++] = policy->profiles[i];
	policy->profile_count = kept;
	check_ties(loader);
}

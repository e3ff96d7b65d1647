/* SPDX-License-Identifier: Apache-2.0
 *
 * Which profiles answer for a subject. Every key of a profile (each family, carries, watch, exempt)
 * is answered by the first matching profile that says it, in the order: later layer, then sha256 >
 * build-id > path > version > name, then the longer literal, then (globs that happen to collide;
 * what can be told beforehand is an error of the load) the profile's name.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_inner.h"
#include "version.h"

static bool glob_hits(const struct glob *glob, const char *text)
{
	return text && glob_match(glob, text, strlen(text));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool match_hits(const struct match *match, const struct subject *subject)
{
	if (match->kind && match->kind != subject->kind)
		return false;
	if (match->build_id && strcmp(match->build_id, subject->build_id))
		return false;
	if (match->sha256 && (!subject->sha256 || strcmp(match->sha256, subject->sha256)))
		return false;
	if (match->has_package &&
	    (!*subject->package || !glob_hits(&match->package, subject->package)))
		return false;
	if (match->has_origin &&
	    (!subject->origin || !*subject->origin || !glob_hits(&match->origin, subject->origin)))
		return false;
	if (match->version &&
	    !version_range_holds(match->version,
				 subject->kind == SUBJECT_PYTHON ? VERSION_PYTHON : VERSION_DEBIAN,
				 subject->package_version))
		return false;
	if (!match->has_subject)
		return true;
	if (match->is_path)
		return glob_hits(&match->subject, subject->path);
	if (glob_hits(&match->subject, subject->name))
		return true;
	/* A library is known by its soname; executables and scripts by what the file is called. */
	return (subject->kind == SUBJECT_EXECUTABLE || subject->kind == SUBJECT_SCRIPT) &&
	       glob_hits(&match->subject, base_name(subject->path));
}

/* Whether (profile, match) goes before the best so far. */
static bool is_better(const struct profile *profile, const struct match *match,
		      const struct profile *best, const struct match *best_match)
{
	if (!best)
		return true;
	if (profile->layer != best->layer)
		return profile->layer > best->layer;
	if (match->rank != best_match->rank)
		return match->rank > best_match->rank;
	if (match->literal_len != best_match->literal_len)
		return match->literal_len > best_match->literal_len;
	if (!profile->phases != !best->phases)
		return profile->phases;
	return strcmp(profile->name, best->name) < 0;
}

/* The profile's most specific match for the subject, or NULL. */
static const struct match *profile_match(const struct profile *profile,
					 const struct subject *subject)
{
	const struct match *best = NULL;
	for (uint32_t i = 0; i < profile->match_count; i++)
		if (match_hits(&profile->matches[i], subject) &&
		    is_better(profile, &profile->matches[i], best ? profile : NULL, best))
			best = &profile->matches[i];
	return best;
}

struct chosen {
	const struct profile *profile[PROFILE_KEYS + 1]; /* the last one: any key at all */
	const struct match *match[PROFILE_KEYS + 1];
};

static void choose(struct chosen *chosen, const struct profile *profile, const struct match *match)
{
	for (unsigned key = 0; key <= PROFILE_KEYS; key++) {
		if (key < PROFILE_KEYS && !(profile->said & (1u << key)))
			continue;
		if (is_better(profile, match, chosen->profile[key], chosen->match[key])) {
			chosen->profile[key] = profile;
			chosen->match[key] = match;
		}
	}
}

/* What a family's rules of a later layer are about stays with the subject: who writes rules for cat
 * above a policy in which it acts for others means cat. */
static uint32_t carried_actions(const struct policy_binding *binding, const struct profile *carrier)
{
	uint32_t carries = carrier->carries;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		const struct profile *ruled = binding->families[action_family((uint8_t)action)];
		if (ruled && ruled != carrier && ruled->layer > carrier->layer)
			carries &= ~(1u << action);
	}
	return carries;
}

static void binding_fill(const struct policy *policy, const struct subject *subject,
			 struct policy_binding *binding)
{
	struct chosen chosen = {0};
	for (uint32_t i = 0; i < policy->profile_count; i++) {
		const struct profile *profile = policy->profiles[i];
		if (profile->phases && !(profile->phases & policy->phases))
			continue;
		const struct match *match = profile_match(profile, subject);
		if (match)
			choose(&chosen, profile, match);
	}
	*binding = (struct policy_binding){.primary = chosen.profile[PROFILE_KEYS]};
	binding->is_profiled = binding->primary;
	binding->is_trusted =
		*subject->package || (binding->primary && chosen.match[PROFILE_KEYS]->is_exact);
	for (unsigned family = 0; family < FAMILIES; family++)
		binding->families[family] = chosen.profile[family];
	const struct profile *carrier = chosen.profile[FAMILIES];
	const struct profile *watcher = chosen.profile[FAMILIES + 1];
	const struct profile *exempted = chosen.profile[FAMILIES + 2];
	const struct profile *pool = chosen.profile[FAMILIES + 3];
	const struct profile *attempted = chosen.profile[FAMILIES + 4];
	const struct profile *keeper = chosen.profile[FAMILIES + 5];
	/* Only a file whose origin is known may hand on the blame or go past a guard: a dropped
	 * /tmp/libcurl.so.4 or /tmp/gdb gets the rules, not the trust. */
	if (carrier && (*subject->package || chosen.match[FAMILIES]->is_exact))
		binding->carries = carried_actions(binding, carrier);
	else if (carrier)
		binding->denied = carried_actions(binding, carrier);
	/* Who says what order its connections keep answers for it, whoever calls. */
	if (policy_wants_order(binding))
		binding->carries &= ~(1u << WIRE_NET_EXCHANGE);
	if (watcher && watcher->watches_descendants)
		binding->watcher = watcher;
	if (watcher && watcher->watches_anywhere)
		binding->anywhere = watcher;
	/* Who made a thread is forgotten on the word of known files only. */
	if (pool && pool->is_pool)
		binding->is_pool = *subject->package || chosen.match[FAMILIES + 3]->is_exact;
	binding->judges_attempts = attempted && attempted->judges_attempts;
	if (exempted && (*subject->package || chosen.match[FAMILIES + 2]->is_exact))
		binding->exempt = exempted->exempt;
	if (keeper && (*subject->package || chosen.match[FAMILIES + 5]->is_exact))
		binding->secrets = keeper->secrets;
}

/* Code that belongs to no file is answered for by who made it executable. */
static const struct subject *answerable(const struct subject *subject)
{
	for (unsigned depth = 0; depth < 8; depth++) {
		if (subject->kind != SUBJECT_CODE || !subject->maker)
			break;
		subject = subject->maker;
	}
	return subject;
}

static bool grow_bindings(struct policy *policy, uint32_t id)
{
	uint32_t room = policy->binding_room ? policy->binding_room : 256;
	while (room <= id && room < UINT32_MAX / 2)
		room *= 2;
	struct policy_binding **bigger = realloc(policy->bindings, room * sizeof(*bigger));
	if (!bigger)
		return false;
	memset(bigger + policy->binding_room, 0, (room - policy->binding_room) * sizeof(*bigger));
	policy->bindings = bigger;
	policy->binding_room = room;
	return true;
}

const struct policy_binding *policy_binding_of(struct policy *policy, const struct subject *subject)
{
	subject = answerable(subject);
	uint32_t id = subject->id;
	/* One for each phase there can be, where any profile asks for it. */
	if (policy->has_phases && id < UINT32_MAX / 4)
		id = id * 4 + (policy->phases & (PHASE_LOAD | PHASE_STARTUP));
	if (id < policy->binding_room && policy->bindings[id])
		return policy->bindings[id];
	struct policy_binding *binding = NULL;
	if (id < policy->binding_room || grow_bindings(policy, id))
		binding = malloc(sizeof(*binding));
	if (binding)
		policy->bindings[id] = binding;
	else
		binding = &policy->spare_binding; /* out of memory: right, but not remembered */
	binding_fill(policy, subject, binding);
	return binding;
}

const struct policy_binding *policy_bind(struct policy *policy, struct subject *subject)
{
	subject->binding = policy_binding_of(policy, subject);
	return subject->binding;
}

bool policy_wants_exchange(const struct policy *policy)
{
	for (uint32_t i = 0; i < policy->profile_count; i++)
		if (!policy->profiles[i]->is_gone &&
		    policy->profiles[i]->lists[WIRE_NET_EXCHANGE].state == LIST_NONE)
			return true;
	return false;
}

bool policy_wants_digests(const struct policy *policy)
{
	return policy->has_digests;
}

bool policy_is_profiled(const struct policy_binding *binding)
{
	return binding && binding->is_profiled;
}

bool policy_is_conduit(const struct policy_binding *binding)
{
	return binding && binding->primary && binding->primary->is_conduit;
}

unsigned policy_rank(const struct policy *policy, const struct subject *subject,
		     struct ranked *ret_ranked, unsigned max)
{
	unsigned count = 0;
	subject = answerable(subject);
	for (uint32_t i = 0; i < policy->profile_count; i++) {
		struct ranked one = {policy->profiles[i], NULL};
		unsigned at = count;
		one.match = profile_match(one.profile, subject);
		if (!one.match || (one.profile->phases && !(one.profile->phases & policy->phases)))
			continue;
		for (; at && is_better(one.profile, one.match, ret_ranked[at - 1].profile,
				       ret_ranked[at - 1].match);
		     at--)
			if (at < max)
				ret_ranked[at] = ret_ranked[at - 1];
		if (at < max)
			ret_ranked[at] = one;
		count += count < max;
	}
	return count;
}

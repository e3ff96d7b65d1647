/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that another one of their list makes superfluous, profiles that a later layer silences.
 * Only what is certain is told: inclusion of globs is decided for literals, for all below a place,
 * and for host names by their end.
 */
#include <string.h>

#include "warn.h"

/* Pairs looked at in one list: a list of a million rules is not compared with itself. */
#define PAIRS_MAX (1u << 22)

/* "*.example.org": what follows the star, when it is the only one; else NULL. */
static const char *name_tail(const struct glob *glob)
{
	const char *text = glob->text;
	bool is_tail = glob->mode == GLOB_NAME && *text == '*' && !strpbrk(text + 1, "*?[\\");
	return is_tail ? text + 1 : NULL;
}

bool glob_covers(const struct glob *wide, const struct glob *narrow)
{
	const char *tail = name_tail(wide);
	size_t tail_len = tail ? strlen(tail) : 0, len = strlen(narrow->text);
	if (wide->mode != narrow->mode)
		return false;
	if (narrow->shape == GLOB_LITERAL)
		return glob_match(wide, narrow->prefix, narrow->prefix_len);
	if (wide->shape == GLOB_BELOW)
		return narrow->prefix_len >= wide->prefix_len &&
		       !memcmp(narrow->prefix, wide->prefix, wide->prefix_len);
	return tail && len >= tail_len && !strcmp(narrow->text + len - tail_len, tail) &&
	       !memchr(narrow->text + len - tail_len, '\\', tail_len);
}

static bool path_covers(const struct path_glob *wide, const struct path_glob *narrow)
{
	return wide->is_home == narrow->is_home && wide->is_memfd == narrow->is_memfd &&
	       (wide->is_deleted || !narrow->is_deleted) &&
	       glob_covers(&wide->glob, &narrow->glob);
}

static bool args_cover(const struct rule *wide, const struct rule *narrow)
{
	if (!wide->has_args)
		return true;
	if (!narrow->has_args || wide->arg_count > narrow->arg_count ||
	    (wide->arg_count < narrow->arg_count && !wide->takes_rest) ||
	    (narrow->takes_rest && !wide->takes_rest))
		return false;
	for (uint32_t i = 0; i < wide->arg_count; i++)
		if (strcmp(wide->args[i].text, narrow->args[i].text) != 0)
			return false;
	return true;
}

static bool peer_covers(const struct peer *wide, const struct peer *narrow)
{
	if (wide->kind != narrow->kind)
		return false;
	switch (wide->kind) {
	case PEER_ADDRESS:
		return wide->prefix_bits <= narrow->prefix_bits &&
		       address_within(narrow->address, narrow->address_len, wide);
	case PEER_LOCALHOST:
		return true;
	default:
		return glob_covers(&wide->glob, &narrow->glob);
	}
}

static bool has_wider_peer(const struct rule *wide, const struct peer *narrow)
{
	for (uint32_t i = 0; i < wide->peer.to_count; i++)
		if (peer_covers(&wide->peer.to[i], narrow))
			return true;
	return !wide->peer.to_count;
}

static bool has_wider_ports(const struct rule *wide, const struct port_range *narrow)
{
	for (uint32_t i = 0; i < wide->peer.port_count; i++)
		if (wide->peer.ports[i].low <= narrow->low &&
		    wide->peer.ports[i].high >= narrow->high)
			return true;
	return !wide->peer.port_count;
}

static bool peers_cover(const struct rule *wide, const struct rule *narrow)
{
	if ((wide->peer.proto && wide->peer.proto != narrow->peer.proto) ||
	    (wide->peer.to_count && !narrow->peer.to_count) ||
	    (wide->peer.port_count && !narrow->peer.port_count))
		return false;
	for (uint32_t i = 0; i < narrow->peer.to_count; i++)
		if (!has_wider_peer(wide, &narrow->peer.to[i]))
			return false;
	for (uint32_t i = 0; i < narrow->peer.port_count; i++)
		if (!has_wider_ports(wide, &narrow->peer.ports[i]))
			return false;
	return true;
}

/* What a rule says beside its object. In a guard more counts where failures count, in an allowance
 * they are allowed like successes. */
static bool conditions_cover(const struct rule *wide, const struct rule *narrow)
{
	uint8_t all = PHASE_LOAD | PHASE_STARTUP | PHASE_STEADY;
	uint8_t wide_phases = wide->phases ? wide->phases : all;
	uint8_t narrow_phases = narrow->phases ? narrow->phases : all;
	return wide->grant == narrow->grant && wide->guard == narrow->guard &&
	       wide->expires_ns >= narrow->expires_ns && wide->child == narrow->child &&
	       wide->is_attempt == narrow->is_attempt && !(narrow_phases & ~wide_phases);
}

static bool rule_covers(const struct rule *wide, const struct rule *narrow)
{
	if (!conditions_cover(wide, narrow))
		return false;
	if (wide->kind == RULE_ANY)
		return true;
	if (wide->kind != narrow->kind)
		return false;
	switch (wide->kind) {
	case RULE_PEER:
		return peers_cover(wide, narrow);
	case RULE_PATH:
		return path_covers(&wide->path, &narrow->path);
	case RULE_PATHS:
		return path_covers(&wide->paths.from, &narrow->paths.from) &&
		       path_covers(&wide->paths.to, &narrow->paths.to);
	case RULE_PROGRAM:
		return wide->is_bare == narrow->is_bare && args_cover(wide, narrow) &&
		       path_covers(&wide->path, &narrow->path);
	case RULE_NAME:
		return glob_covers(&wide->name, &narrow->name);
	case RULE_ANY:
		break;
	}
	return false;
}

/* Could it cover anything but itself? */
static bool may_cover(const struct rule *rule)
{
	switch (rule->kind) {
	case RULE_PATH:
		return rule->path.glob.shape != GLOB_LITERAL;
	case RULE_PROGRAM:
		return rule->path.glob.shape != GLOB_LITERAL || !rule->has_args || rule->takes_rest;
	case RULE_NAME:
		return rule->name.shape != GLOB_LITERAL;
	default:
		return true;
	}
}

/* The message of a rule that is more severe has a meaning of its own. */
static bool says_the_same(const struct rule *wide, const struct rule *narrow)
{
	return !narrow->guard ||
	       (wide->severity == narrow->severity && wide->message == narrow->message);
}

static void look_for_shadows(struct loader *loader, const struct list *list, unsigned action)
{
	uint32_t budget = PAIRS_MAX;
	(void)action;
	for (uint32_t w = 0; w < list->count; w++) {
		const struct rule *wide = list->rules[w];
		if (!may_cover(wide))
			continue;
		for (uint32_t n = 0; n < list->count && budget; n++, budget--) {
			const struct rule *narrow = list->rules[n];
			if (n == w || !rule_covers(wide, narrow) || !says_the_same(wide, narrow) ||
			    !strcmp(wide->text, narrow->text))
				continue; /* the very same is told elsewhere */
			report_warning_of(&loader->reports, narrow->place, WARNING_SHADOWED,
					  "this is never needed: \"%s\" at %s:%u holds it",
					  report_quote(&loader->scratch, wide->text,
						       strlen(wide->text)),
					  wide->ref.file, wide->ref.line);
		}
	}
}

void warn_each_list(struct loader *loader,
		    void (*look)(struct loader *loader, const struct list *list, unsigned action))
{
	const struct policy *policy = loader->policy;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		for (uint32_t i = 0; i < policy->profile_count; i++)
			look(loader, &policy->profiles[i]->lists[action], action);
		look(loader, &policy->base[action], action);
		look(loader, &policy->forbidden[action], action);
	}
}

void warn_shadow(struct loader *loader)
{
	warn_each_list(loader, look_for_shadows);
}

/* --- layers ---------------------------------------------------------------------------------- */

/* Whatever the lower alternative matches, the upper does too, and goes before it. */
static bool match_covers(const struct match *upper, const struct match *lower)
{
	if (upper->kind && upper->kind != lower->kind)
		return false;
	if (upper->build_id || upper->sha256 || upper->version || upper->has_origin ||
	    (upper->has_package &&
	     (!lower->has_package || !glob_covers(&upper->package, &lower->package))))
		return false;
	return !upper->has_subject ||
	       (lower->has_subject && upper->is_path == lower->is_path &&
		glob_covers(&upper->subject, &lower->subject));
}

static bool profile_covers(const struct profile *upper, const struct profile *lower)
{
	for (uint32_t i = 0; i < lower->match_count; i++) {
		bool is_covered = false;
		for (uint32_t k = 0; k < upper->match_count && !is_covered; k++)
			is_covered = match_covers(&upper->matches[k], &lower->matches[i]);
		if (!is_covered)
			return false;
	}
	bool is_whenever = !upper->phases || (lower->phases && !(lower->phases & ~upper->phases));
	return lower->match_count && !(lower->said & ~upper->said) && lower->said && is_whenever;
}

void warn_layers(struct loader *loader)
{
	const struct policy *policy = loader->policy;
	uint64_t budget = PAIRS_MAX;
	for (uint32_t u = 0; u < policy->profile_count; u++) {
		const struct profile *upper = policy->profiles[u];
		for (uint32_t l = 0; l < policy->profile_count && budget; l++, budget--) {
			const struct profile *lower = policy->profiles[l];
			if (lower->layer >= upper->layer || upper->lower == lower ||
			    !profile_covers(upper, lower))
				continue;
			report_warning_of(&loader->reports, lower->place, WARNING_UNREACHED,
					  "profile \"%s\" is never asked: \"%s\" at %s:%u is in a "
					  "later layer and answers for all it says",
					  report_quote(&loader->scratch, lower->name,
						       strlen(lower->name)),
					  report_quote(&loader->scratch, upper->name,
						       strlen(upper->name)),
					  upper->place.origin->path, upper->place.line);
			break;
		}
	}
}

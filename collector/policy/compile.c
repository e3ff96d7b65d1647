/* SPDX-License-Identifier: Apache-2.0
 *
 * One policy file: its grants, guards, profiles and acceptances.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy_inner.h"

struct rule_ref ref_at(const char *profile, struct place place)
{
	return (struct rule_ref){profile, place.origin->path, place.line, ""};
}

static const char *keep_text(struct loader *loader, const char *text)
{
	return text ? pool_copy(&loader->policy->pool, text, strlen(text)) : NULL;
}

static const char *quote(struct loader *loader, const struct node *node)
{
	return report_quote(&loader->scratch, node->text, node->len);
}

enum severity compile_severity(struct loader *loader, const struct node *mapping,
			       enum schema_where where)
{
	static const char *const names[] = {"low", "medium", "high", "critical", NULL};
	const struct node *value = schema_get(mapping, where, "severity");
	if (!value)
		return 0;
	for (unsigned i = 0; names[i]; i++)
		if (node_says(value, names[i]))
			return (enum severity)(SEVERITY_LOW + i);
	report_error(&loader->reports, value->place,
		     "unknown severity \"%s\", there are low, medium, high and critical",
		     quote(loader, value));
	return 0;
}

bool only_word(struct loader *loader, const struct node *value, const char *key, const char *word)
{
	if (value && !node_says(value, word))
		report_error(&loader->reports, value->place, "\"%s\" must be %s, not \"%s\"", key,
			     word, quote(loader, value));
	return value;
}

bool compile_attempts(struct loader *loader, const struct node *mapping, enum schema_where where)
{
	bool is_said =
		only_word(loader, schema_get(mapping, where, "judge"), "judge", "attempts");
	loader->policy->has_attempts |= is_said;
	return is_said;
}

uint8_t compile_phases(struct loader *loader, const struct node *mapping, enum schema_where where)
{
	static const char *const words[] = {"load", "startup", "steady", NULL};
	struct node *value = schema_get(mapping, where, "phase");
	uint8_t phases = 0;
	for (struct node *item = texts_first(value); item;
	     item = value == item ? NULL : item->next) {
		unsigned at = 0;
		while (words[at] && !node_says(item, words[at]))
			at++;
		if (words[at])
			phases |= (uint8_t)(PHASE_LOAD << at);
		else
			report_error(&loader->reports, item->place,
				     "unknown phase \"%s\", there are load, startup and steady%s",
				     quote(loader, item),
				     report_suggest(&loader->reports, item->text, words));
	}
	if (value && value->kind == NODE_LIST && !value->count)
		report_error(&loader->reports, value->place, "an empty list holds never");
	return phases;
}

/* A date counts to its end, in UTC. */
uint64_t compile_expires(struct loader *loader, const struct node *mapping, enum schema_where where)
{
	const struct node *value = schema_get(mapping, where, "expires");
	struct tm tm = {0};
	struct policy *policy = loader->policy;
	if (!value)
		return NEVER;
	bool has_shape = value->len == 10;
	for (unsigned i = 0; has_shape && i < 10; i++)
		has_shape = i == 4 || i == 7 ? value->text[i] == '-'
					     : value->text[i] >= '0' && value->text[i] <= '9';
	const char *end = has_shape ? strptime(value->text, "%Y-%m-%d", &tm) : NULL;
	int day = tm.tm_mday;
	time_t seconds = end && !*end ? timegm(&tm) : -1;
	if (seconds < 0 || tm.tm_mday != day) {
		report_error(&loader->reports, value->place,
			     "bad date \"%s\", it is written 2027-06-30", quote(loader, value));
		return NEVER;
	}
	uint64_t expires_ns = ((uint64_t)seconds + 86400) * 1000000000ull;
	if (loader->options->is_warning && (uint64_t)time(NULL) * 1000000000ull >= expires_ns)
		report_warning_of(&loader->reports, value->place, WARNING_EXPIRED,
				  "this has expired");
	policy->expiries = pool_grow(&policy->pool, policy->expiries, policy->expiry_count,
				     sizeof(*policy->expiries));
	policy->expiries[policy->expiry_count++] = expires_ns;
	return expires_ns;
}

/* --- profiles -------------------------------------------------------------------------------- */

static uint32_t carried_actions(struct loader *loader, const struct node *node)
{
	const char *candidates[WIRE_ACTIONS + FAMILIES + 1] = {"net.*", "file.*", "exec.*",
							       "env.*"};
	uint32_t bits = 0;
	struct glob glob;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++)
		candidates[FAMILIES + action - 1] = action_name(action);
	if (!compile_glob(loader, node, node->text, node->len, GLOB_NAME, &glob))
		return 0;
	for (unsigned action = 1; action < WIRE_ACTIONS; action++)
		if (glob_match(&glob, action_name(action), strlen(action_name(action))))
			bits |= 1u << action;
	if (!bits)
		report_error(&loader->reports, node->place, "unknown action \"%s\"%s",
			     quote(loader, node),
			     report_suggest(&loader->reports, node->text, candidates));
	return bits;
}

static void compile_watch(struct loader *loader, const struct node *item, struct profile *profile)
{
	static const char *const words[] = {"descendants", "anywhere", NULL};
	bool is_descendants = node_says(item, words[0]), is_anywhere = node_says(item, words[1]);
	profile->watches_descendants |= is_descendants;
	profile->watches_anywhere |= is_anywhere;
	if (!is_descendants && !is_anywhere)
		report_error(&loader->reports, item->place,
			     "\"watch\" takes descendants and anywhere, not \"%s\"%s",
			     quote(loader, item),
			     report_suggest(&loader->reports, item->text, words));
}

static void compile_attributes(struct loader *loader, const struct node *node,
			       struct profile *profile)
{
	struct node *carries = schema_get(node, AT_PROFILE, "carries");
	struct node *watch = schema_get(node, AT_PROFILE, "watch");
	profile->is_conduit =
		only_word(loader, schema_get(node, AT_PROFILE, "role"), "role", "conduit");
	profile->is_baseless =
		only_word(loader, schema_get(node, AT_PROFILE, "base"), "base", "none");
	for (struct node *item = texts_first(watch); item; item = watch == item ? NULL : item->next)
		compile_watch(loader, item, profile);
	for (struct node *item = texts_first(carries); item;
	     item = carries == item ? NULL : item->next)
		profile->carries |= carried_actions(loader, item);
	profile->is_pool =
		only_word(loader, schema_get(node, AT_PROFILE, "threads"), "threads", "pool");
	profile->judges_attempts = compile_attempts(loader, node, AT_PROFILE);
	profile->phases = compile_phases(loader, node, AT_PROFILE);
	loader->policy->has_phases |= profile->phases;
	loader->policy->has_pools |= profile->is_pool;
	profile->exempt_node = schema_get(node, AT_PROFILE, "exempt");
	profile->secrets_node = schema_get(node, AT_PROFILE, "secrets");
	profile->severity = compile_severity(loader, node, AT_PROFILE);
	profile->reason = keep_text(loader, schema_text(node, AT_PROFILE, "reason"));
	if (profile->is_conduit)
		profile->carries = ~0u;
	if (profile->is_conduit || carries)
		profile->said |= KEY_CARRIES;
	if (watch)
		profile->said |= KEY_WATCH;
	if (profile->exempt_node)
		profile->said |= KEY_EXEMPT;
	if (profile->is_pool)
		profile->said |= KEY_THREADS;
	if (profile->judges_attempts)
		profile->said |= KEY_JUDGE;
	if (profile->secrets_node)
		profile->said |= KEY_SECRETS;
	if (profile->secrets_node && node->place.origin->is_learned)
		report_error(&loader->reports, profile->secrets_node->place,
			     "only a hand-written profile may have secrets of its own");
	if (profile->exempt_node && node->place.origin->is_learned)
		report_error(&loader->reports, profile->exempt_node->place,
			     "only a hand-written profile may be exempt from a guard");
}

static void compile_profile(struct loader *loader, const struct node *node)
{
	if (!schema_check(loader, node, AT_PROFILE))
		return;
	const struct origin *origin = node->place.origin;
	const struct node *name = schema_get(node, AT_PROFILE, "name");
	const struct node *match = schema_get(node, AT_PROFILE, "match");
	const char *extends = schema_text(node, AT_PROFILE, "extends");
	const char *replaces = schema_text(node, AT_PROFILE, "replaces");
	struct profile *profile = pool_alloc(&loader->policy->pool, sizeof(*profile));
	profile->place = name ? name->place : node->place;
	profile->name = name ? keep_text(loader, name->text) : "";
	profile->layer = origin->layer * 2 + !origin->is_learned;
	for (const struct node *item = match && match->kind == NODE_LIST ? match->first : match;
	     item; item = match == item ? NULL : item->next)
		compile_match(loader, item, profile);
	compile_attributes(loader, node, profile);
	struct family_target target = {
		.profile = profile->name, .lists = profile->lists, .families = profile->families};
	profile->said |= compile_families(loader, node, AT_PROFILE, &target);
	if (!name)
		report_error(&loader->reports, node->place, "a profile needs a \"name\"");
	else if (extends && replaces)
		report_error(&loader->reports, node->place,
			     "\"extends\" and \"replaces\" exclude each other");
	else
		layer_add(loader, profile, extends, replaces, node);
	if (!match && !extends && name)
		report_error(&loader->reports, node->place, "profile \"%s\" needs a \"match\"",
			     quote(loader, name));
}

/* --- grants and guards -------------------------------------------------------------------------
 */

static const char *const function_names[] = {
#define HOOK(family, kind, ret, name, parameters) #name,
#include "../../preload/hooks.tbl.h"
#undef HOOK
	NULL,
};

#define VIA_PYTHON "python:"

/* `importlib` is an import under way; python:NAME a distribution whose code is on the stack. */
static bool compile_via_python(struct loader *loader, const struct node *node, struct grant *grant)
{
	size_t skip = strlen(VIA_PYTHON);
	struct glob glob;
	if (node_says(node, "importlib")) {
		grant->has_import = true;
		return true;
	}
	if (strncmp(node->text, VIA_PYTHON, skip))
		return false;
	if (node->len == skip)
		report_error(&loader->reports, node->place, "a name is missing after \"%s\"",
			     VIA_PYTHON);
	else if (compile_glob(loader, node, node->text + skip, node->len - skip, GLOB_NAME, &glob)) {
		grant->modules = pool_grow(&loader->policy->pool, grant->modules,
					   grant->module_count, sizeof(glob));
		grant->modules[grant->module_count++] = glob;
	}
	return true;
}

static void compile_via(struct loader *loader, const struct node *node, struct grant *grant)
{
	struct pool *pool = &loader->policy->pool;
	struct glob glob;
	if (compile_via_python(loader, node, grant) || !compile_glob(loader, node, node->text, node->len, GLOB_NAME, &glob))
		return;
	bool is_known = false;
	for (unsigned i = 0; function_names[i] && !is_known; i++)
		is_known = glob_match(&glob, function_names[i], strlen(function_names[i]));
	if (!is_known)
		report_error(&loader->reports, node->place, "unknown function \"%s\"%s",
			     quote(loader, node),
			     report_suggest(&loader->reports, node->text, function_names));
	grant->via = pool_grow(pool, grant->via, grant->via_count, sizeof(glob));
	grant->via[grant->via_count++] = glob;
}

static void compile_grant(struct loader *loader, const struct node *node)
{
	struct policy *policy = loader->policy;
	if (!schema_check(loader, node, AT_GRANT))
		return;
	policy->grants = pool_grow(&policy->pool, policy->grants, policy->grant_count,
				   sizeof(*policy->grants));
	struct grant *grant = &policy->grants[policy->grant_count++];
	grant->place = node->place;
	grant->phases = compile_phases(loader, node, AT_GRANT);
	grant->reason = keep_text(loader, schema_text(node, AT_GRANT, "reason"));
	struct node *via = schema_get(node, AT_GRANT, "via");
	for (struct node *item = texts_first(via); item; item = via == item ? NULL : item->next)
		compile_via(loader, item, grant);
	if (via && via->kind == NODE_LIST && !via->count)
		report_error(&loader->reports, via->place, "an empty list holds nowhere");
	struct family_target target = {
		.profile = "grants", .lists = policy->base, .grant = policy->grant_count};
	if (!compile_families(loader, node, AT_GRANT, &target))
		report_error(&loader->reports, node->place,
			     "this grants nothing, it needs network, file, exec or env");
}

static void compile_guard(struct loader *loader, const struct node *node)
{
	struct policy *policy = loader->policy;
	if (!schema_check(loader, node, AT_GUARD))
		return;
	const struct node *name = schema_get(node, AT_GUARD, "name");
	if (!name) {
		report_error(&loader->reports, node->place, "a guard needs a \"name\"");
		return;
	}
	for (uint32_t i = 0; i < policy->guard_count; i++)
		if (!strcmp(policy->guards[i].name, name->text))
			report_error(&loader->reports, name->place,
				     "guard \"%s\" already stands at %s:%u", quote(loader, name),
				     policy->guards[i].place.origin->path,
				     policy->guards[i].place.line);
	if (policy->guard_count == GUARDS_MAX) {
		report_error(&loader->reports, name->place, "more than %u guards", GUARDS_MAX);
		return;
	}
	policy->guards = pool_grow(&policy->pool, policy->guards, policy->guard_count,
				   sizeof(*policy->guards));
	struct guard *guard = &policy->guards[policy->guard_count++];
	guard->name = keep_text(loader, name->text);
	guard->place = name->place;
	guard->severity = compile_severity(loader, node, AT_GUARD);
	guard->phases = compile_phases(loader, node, AT_GUARD);
	guard->is_attempt = compile_attempts(loader, node, AT_GUARD);
	guard->message = keep_text(loader, schema_text(node, AT_GUARD, "message"));
	guard->reason = keep_text(loader, schema_text(node, AT_GUARD, "reason"));
	guard->phrase = guard->reason ? pool_print(&policy->pool, "guard %s: no %s", guard->name,
						   guard->reason)
				      : pool_print(&policy->pool, "guard %s: none", guard->name);
	if (!guard->severity)
		guard->severity = SEVERITY_HIGH;
	struct family_target target = {.profile = "guards",
				       .lists = policy->forbidden,
				       .guard = policy->guard_count,
				       .severity = guard->severity,
				       .message = guard->message};
	if (!compile_families(loader, node, AT_GUARD, &target))
		report_error(&loader->reports, node->place,
			     "this forbids nothing, it needs network, file, exec or env");
}

/* --- the rest ------------------------------------------------------------------------------------
 */

static void compile_accept(struct loader *loader, const struct node *node)
{
	static const char *const holes[] = {
#define HOLE(id, number, name, sentence) name,
		HOLES(HOLE)
#undef HOLE
			NULL,
	};
	struct policy *policy = loader->policy;
	if (!schema_check(loader, node, AT_ACCEPT))
		return;
	const struct node *hole = schema_get(node, AT_ACCEPT, "hole");
	const char *reason = schema_text(node, AT_ACCEPT, "reason");
	uint64_t expires_ns = compile_expires(loader, node, AT_ACCEPT);
	if (!hole || !reason) {
		report_error(&loader->reports, node->place, "an acceptance needs \"%s\"",
			     hole ? "reason" : "hole");
		return;
	}
	unsigned at = 0;
	while (holes[at] && !node_says(hole, holes[at]))
		at++;
	if (!holes[at])
		report_error(&loader->reports, hole->place, "unknown hole \"%s\"%s",
			     quote(loader, hole),
			     report_suggest(&loader->reports, hole->text, holes));
	policy->accepts = pool_grow(&policy->pool, policy->accepts, policy->accept_count,
				    sizeof(*policy->accepts));
	policy->accepts[policy->accept_count++] = (struct accept){
		keep_text(loader, hole->text), keep_text(loader, reason), expires_ns};
}

static void compile_each(struct loader *loader, const struct node *root, const char *key,
			 void (*compile)(struct loader *loader, const struct node *node))
{
	const struct node *list = schema_get(root, AT_TOP, key);
	for (const struct node *item = list ? list->first : NULL; item; item = item->next)
		compile(loader, item);
}

void compile_origin(struct loader *loader, const struct node *root)
{
	if (!schema_check(loader, root, AT_TOP))
		return;
	const struct node *version = schema_get(root, AT_TOP, "version");
	if (version && !node_says(version, "1"))
		report_error(&loader->reports, version->place,
			     "unknown version \"%s\", this is sowatch policy version 1",
			     quote(loader, version));
	if (!version)
		report_error(&loader->reports, root->place, "\"version: 1\" is missing");
	compile_redact(loader, root);
	compile_each(loader, root, "secrets", compile_secret);
	compile_each(loader, root, "grants", compile_grant);
	compile_each(loader, root, "guards", compile_guard);
	compile_each(loader, root, "profiles", compile_profile);
	compile_each(loader, root, "accept", compile_accept);
}

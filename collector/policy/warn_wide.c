/* SPDX-License-Identifier: Apache-2.0
 *
 * Host names anybody could register a match for: whoever may reach `*.com` or `*.github.io` may
 * reach an attacker. What a public suffix is comes with libpsl, built in: nothing is read. And
 * profiles that answer for everybody of a kind and let them do anything: who has no profile of his
 * own is then not even listed as somebody without one.
 */
#include <libpsl.h>
#include <string.h>

#include "warn.h"

/* Behind the last character that stands for others; NULL: it has none. */
static const char *fixed_tail(const char *text)
{
	const char *tail = NULL;
	for (const char *c = text; *c; c++)
		if (strchr("*?]", *c))
			tail = c + 1;
	return tail;
}

static void look_at_name(struct loader *loader, struct place place, const char *text)
{
	const char *tail = fixed_tail(text);
	const char *quoted = report_quote(&loader->scratch, text, strlen(text));
	if (!tail)
		return;
	if (!*tail || !strcmp(tail, ".")) {
		report_warning_of(&loader->reports, place, WARNING_WIDE,
				  "\"%s\" is also the name of any host on the internet", quoted);
	} else if (*tail != '.') {
		report_warning_of(&loader->reports, place, WARNING_WIDE,
				  "\"%s\" also matches names that only end like it, as evil%s; "
				  "write \"*.%s\"",
				  quoted, tail, tail);
	} else if (psl_is_public_suffix(psl_builtin(), tail + 1)) {
		report_warning_of(&loader->reports, place, WARNING_WIDE,
				  "anybody can have a name that matches \"%s\": \"%s\" is a "
				  "public suffix",
				  quoted, tail + 1);
	}
}

static void look_at_list(struct loader *loader, const struct list *list, unsigned action)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct rule *rule = list->rules[i];
		if (rule->guard)
			continue; /* forbids: wide is what it should be */
		if (rule->kind == RULE_NAME && action == WIRE_NET_RESOLVE)
			look_at_name(loader, rule->place, rule->name.text);
		for (uint32_t t = 0; rule->kind == RULE_PEER && t < rule->peer.to_count; t++)
			if (rule->peer.to[t].kind == PEER_NAME)
				look_at_name(loader, rule->place, rule->peer.to[t].glob.text);
	}
}

/* --- everybody --------------------------------------------------------------------------------- */

/* Nothing in it stands for itself but what every name or path has. */
static bool is_any_text(const char *text)
{
	while (*text) {
		if (!strncmp(text, ".so", 3))
			text += 3;
		else if (strchr("*?/.", *text))
			text++;
		else
			return false;
	}
	return true;
}

/* The kinds it answers for wholly, "" when it is none: "Python distribution". */
static const char *everybody(const struct profile *profile)
{
	static const char *const kinds[] = {"", "library", "executable", "Python distribution",
					    "script"};
	for (uint32_t i = 0; i < profile->match_count; i++) {
		const struct match *match = &profile->matches[i];
		bool is_narrow = match->build_id || match->sha256 || match->version ||
				 match->has_origin || match->has_package;
		if (!is_narrow && match->has_subject && match->kind < SUBJECT_CODE &&
		    is_any_text(match->subject.text))
			return kinds[match->kind];
	}
	return "";
}

static bool is_any_path(const struct path_glob *path)
{
	bool is_bound = path->is_home || path->is_memfd || path->is_deleted;
	return !is_bound && (!strcmp(path->glob.text, "**") || !strcmp(path->glob.text, "/**"));
}

static bool is_any_peer(const struct rule *rule)
{
	if (rule->peer.port_count)
		return false;
	for (uint32_t i = 0; i < rule->peer.to_count; i++) {
		const struct peer *peer = &rule->peer.to[i];
		if ((peer->kind == PEER_ADDRESS && !peer->prefix_bits) ||
		    (peer->kind == PEER_NAME && is_any_text(peer->glob.text)))
			return true;
	}
	return !rule->peer.to_count;
}

static bool is_any_rule(const struct rule *rule)
{
	switch (rule->kind) {
	case RULE_ANY:
		return true;
	case RULE_PEER:
		return is_any_peer(rule);
	case RULE_PATH:
		return is_any_path(&rule->path);
	case RULE_PATHS:
		return is_any_path(&rule->paths.from) && is_any_path(&rule->paths.to);
	case RULE_PROGRAM:
		return !rule->is_bare && !rule->has_args && is_any_path(&rule->path);
	case RULE_NAME:
		return is_any_text(rule->name.text);
	}
	return false;
}

static bool is_any_list(const struct list *list)
{
	if (list->state == LIST_ANY)
		return true;
	for (uint32_t i = 0; list->state == LIST_RULES && i < list->count; i++)
		if (!list->rules[i]->phases && is_any_rule(list->rules[i]))
			return true;
	return false;
}

static void look_at_profile(struct loader *loader, const struct profile *profile)
{
	const char *kind = everybody(profile), *first = NULL;
	unsigned count = 0;
	if (!*kind)
		return;
	if (profile->carries || profile->is_conduit)
		report_warning_of(&loader->reports, profile->place, WARNING_WIDE,
				  "every %s passes on what it does: nobody among them is ever "
				  "charged with it",
				  kind);
	if (profile->exempt)
		report_warning_of(&loader->reports, profile->place, WARNING_WIDE,
				  "no %s is bound by the guards named here", kind);
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		if (!is_any_list(&profile->lists[action]))
			continue;
		first = first ? first : action_name(action);
		count++;
	}
	if (count == 1)
		report_warning_of(&loader->reports, profile->place, WARNING_WIDE,
				  "every %s without a profile of its own may do any %s", kind, first);
	else if (count)
		report_warning_of(&loader->reports, profile->place, WARNING_WIDE,
				  "every %s without a profile of its own may do any %s, and %u more",
				  kind, first, count - 1);
}

void warn_wide(struct loader *loader)
{
	warn_each_list(loader, look_at_list);
	for (uint32_t i = 0; i < loader->policy->profile_count; i++)
		look_at_profile(loader, loader->policy->profiles[i]);
}

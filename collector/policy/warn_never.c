/* SPDX-License-Identifier: Apache-2.0
 *
 * What cannot match, whatever happens: paths no kernel writes so, names no library has, variables
 * that are read where nobody can see it.
 */
#include <string.h>

#include "warn.h"

/* Rules match the real path: no empty segment, no "." and "..", no slash at its end. */
static const char *path_problem(const char *text)
{
	size_t len = strlen(text);
	if (strstr(text, "//"))
		return "\"//\"";
	if (strstr(text, "/./") || (len > 1 && !strcmp(text + len - 2, "/.")))
		return "\"/.\"";
	if (strstr(text, "/../") || (len > 2 && !strcmp(text + len - 3, "/..")))
		return "\"/..\"";
	if (len > 1 && text[len - 1] == '/')
		return "\"/\" at its end";
	return NULL;
}

static void look_at_path(struct loader *loader, const struct rule *rule,
			 const struct path_glob *path)
{
	const char *problem = path_problem(path->glob.text);
	if (problem && !path->is_memfd)
		report_warning_of(&loader->reports, rule->place, WARNING_NEVER,
				  "\"%s\" can never match, a real path has no %s",
				  report_quote(&loader->scratch, path->glob.text,
					       strlen(path->glob.text)),
				  problem);
}

static void look_at_peers(struct loader *loader, const struct rule *rule)
{
	bool is_unix = rule->peer.to_count;
	for (uint32_t i = 0; i < rule->peer.to_count; i++) {
		const struct peer *peer = &rule->peer.to[i];
		const char *path = peer->kind == PEER_UNIX ? peer->glob.text : "";
		const char *problem = *path == '/' ? path_problem(path) : NULL;
		is_unix &= peer->kind == PEER_UNIX;
		if (problem)
			report_warning_of(&loader->reports, rule->place, WARNING_NEVER,
					  "\"%s\" can never match, a real path has no %s",
					  report_quote(&loader->scratch, path, strlen(path)),
					  problem);
	}
	if (is_unix && (rule->peer.port_count || rule->peer.proto))
		report_warning_of(&loader->reports, rule->place, WARNING_NEVER,
				  "a Unix socket has neither \"ports\" nor \"proto\", they do not "
				  "count here");
}

static void look_at_rule(struct loader *loader, const struct list *list, unsigned action)
{
	(void)action;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct rule *rule = list->rules[i];
		if (rule->kind == RULE_PATH || (rule->kind == RULE_PROGRAM && !rule->is_bare))
			look_at_path(loader, rule, &rule->path);
		if (rule->kind == RULE_PEER)
			look_at_peers(loader, rule);
		if (rule->kind != RULE_PATHS)
			continue;
		look_at_path(loader, rule, &rule->paths.from);
		look_at_path(loader, rule, &rule->paths.to);
	}
}

/* --- who never calls getenv -------------------------------------------------------------------- */

/* Scripts whose interpreters do call it for each look-up. */
static bool is_of_getenv(const char *text)
{
	static const char *const ends[] = {".js", ".mjs", ".cjs", ".ts", ".rb", ".php", ".lua", ".R"};
	size_t len = strlen(text);
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) && !strcmp(text + len - strlen(ends[i]), ends[i]))
			return true;
	return false;
}

/* bash and dash look variables up in tables of their own (bash even brings its own getenv), Python
 * made a dictionary of them when it started. */
static bool looks_up_unseen(const struct match *match)
{
	static const char *const shells[] = {"bash", "dash", "sh", "rbash"};
	const char *text = match->has_subject ? match->subject.text : "";
	const char *base = strrchr(text, '/') ? strrchr(text, '/') + 1 : text;
	if (match->kind == SUBJECT_PYTHON)
		return true;
	if (match->kind == SUBJECT_SCRIPT)
		return !is_of_getenv(text);
	for (unsigned i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (match->kind == SUBJECT_EXECUTABLE && !strcmp(base, shells[i]))
			return true;
	return false;
}

static void look_at_environment(struct loader *loader, const struct profile *profile)
{
	const struct list *list = &profile->lists[WIRE_ENV_READ];
	const struct list *family = &profile->families[FAMILY_ENV];
	bool is_unseen = profile->match_count && !profile->watches_descendants;
	for (uint32_t i = 0; i < profile->match_count; i++)
		is_unseen &= looks_up_unseen(&profile->matches[i]);
	if (!is_unseen || family->state == LIST_ABSENT || list->state == LIST_ANY)
		return;
	struct place place = {profile->place.origin, family->ref.line, 5};
	report_warning_of(&loader->reports, list->count ? list->rules[0]->place : place,
			  WARNING_NEVER,
			  "shells and Python read variables without getenv, which nobody can see: "
			  "these rules can hardly ever match");
}

/* --- names ------------------------------------------------------------------------------------ */

static void look_at_match(struct loader *loader, const struct match *match)
{
	const char *text = match->has_subject ? match->subject.text : "";
	const char *problem = match->is_path ? path_problem(text) : NULL;
	size_t len = strlen(text);
	if (problem)
		report_warning_of(&loader->reports, match->place, WARNING_NEVER,
				  "\"%s\" can never match, a real path has no %s",
				  report_quote(&loader->scratch, text, len), problem);
	bool is_literal = !strpbrk(text, "*?[");
	if (match->kind == SUBJECT_LIBRARY && !match->is_path && len && is_literal &&
	    !strstr(text, ".so"))
		report_warning_of(&loader->reports, match->place, WARNING_NEVER,
				  "no library is called \"%s\", the name of one holds \".so\"",
				  report_quote(&loader->scratch, text, len));
}

void warn_never(struct loader *loader)
{
	const struct policy *policy = loader->policy;
	warn_each_list(loader, look_at_rule);
	for (uint32_t i = 0; i < policy->profile_count; i++) {
		const struct profile *profile = policy->profiles[i];
		look_at_environment(loader, profile);
		for (uint32_t m = 0; m < profile->match_count; m++)
			look_at_match(loader, &profile->matches[m]);
	}
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Warnings: rules that say nothing new, and paths that go through a link on this machine, which
 * rules do not match since they match the real path.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "warn.h"

static bool is_path_rule(const struct rule *rule)
{
	return rule->kind == RULE_PATH || (rule->kind == RULE_PROGRAM && !rule->is_bare);
}

/* Does the list name this path or glob already, or match it? */
static bool has_match(const struct list *list, const char *path)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (is_path_rule(list->rules[i]) && !list->rules[i]->path.is_home &&
		    (!strcmp(list->rules[i]->path.glob.text, path) ||
		     glob_match(&list->rules[i]->path.glob, path, strlen(path))))
			return true;
	return false;
}

/* The path, or of a glob the directory it starts in; silent when the real one is listed too. */
static void check_link(struct loader *loader, const struct list *list, const struct rule *rule)
{
	const struct path_glob *path = &rule->path;
	struct pool *pool = &loader->scratch;
	char *prefix = pool_copy(pool, path->glob.prefix, path->glob.prefix_len), real[PATH_MAX];
	if (path->is_home || path->is_memfd || path->is_deleted || *prefix != '/' ||
	    !strncmp(prefix, "/proc/", 6))
		return;
	if (path->glob.shape != GLOB_LITERAL)
		*strrchr(prefix, '/') = 0;
	if (!*prefix || !realpath(prefix, real) || !strcmp(prefix, real) ||
	    has_match(list, pool_print(pool, "%s%s", real, path->glob.text + strlen(prefix))))
		return;
	report_warning_of(&loader->reports, rule->place, WARNING_LINK,
		       "here \"%s\" is a link to \"%s\", and rules match the real path",
		       report_quote(pool, prefix, strlen(prefix)),
		       report_quote(pool, real, strlen(real)));
}

static int rule_compare(const void *left, const void *right)
{
	const struct rule *a = *(struct rule *const *)left, *b = *(struct rule *const *)right;
	if (a->grant != b->grant || a->guard != b->guard)
		return a->grant + a->guard < b->grant + b->guard ? -1 : 1;
	int order = strcmp(a->text, b->text);
	if (order)
		return order;
	if (a->place.origin != b->place.origin)
		return a->place.origin->order < b->place.origin->order ? -1 : 1;
	return a->place.line < b->place.line ? -1 : a->place.line > b->place.line;
}

static void check_twice(struct loader *loader, const struct list *list)
{
	struct rule **sorted = pool_alloc(&loader->scratch, list->count * sizeof(*sorted));
	uint32_t count = 0;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->rules[i]->kind != RULE_ANY)
			sorted[count++] = list->rules[i];
	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), rule_compare);
	for (uint32_t i = 1; i < count; i++) {
		const struct rule *a = sorted[i - 1], *b = sorted[i];
		if (a->grant == b->grant && a->guard == b->guard && !strcmp(a->text, b->text) &&
		    a->expires_ns == b->expires_ns)
			report_warning_of(&loader->reports, b->place, WARNING_TWICE,
					  "this already stands at %s:%u",
				       a->ref.file, a->ref.line);
	}
}

static void check_lists(struct loader *loader, const struct list *lists)
{
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		const struct list *list = &lists[action];
		check_twice(loader, list);
		for (uint32_t i = 0; i < list->count; i++)
			if (is_path_rule(list->rules[i]))
				check_link(loader, list, list->rules[i]);
	}
}

void check_policy(struct loader *loader)
{
	const struct policy *policy = loader->policy;
	for (uint32_t i = 0; i < policy->profile_count; i++)
		check_lists(loader, policy->profiles[i]->lists);
	check_lists(loader, policy->base);
	check_lists(loader, policy->forbidden);
	warn_shadow(loader);
	warn_layers(loader);
	warn_never(loader);
	warn_wide(loader);
}

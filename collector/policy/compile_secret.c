/* SPDX-License-Identifier: Apache-2.0
 *
 * `secrets`: which variables and files are secrets, and whom they are meant for. What is excepted
 * anywhere is no secret, so that a later file can take back a name of the shipped ones.
 */
#include <string.h>

#include "policy_inner.h"

static struct secret_group *group_of(struct loader *loader, const struct node *name)
{
	struct policy *policy = loader->policy;
	for (uint32_t i = 0; i < policy->secret_count; i++)
		if (!strcmp(policy->secrets[i].name, name->text))
			return &policy->secrets[i];
	if (policy->secret_count == SECRETS_MAX) {
		report_error(&loader->reports, name->place, "more than %u groups of secrets",
			     SECRETS_MAX);
		return NULL;
	}
	policy->secrets = pool_grow(&policy->pool, policy->secrets, policy->secret_count,
				    sizeof(*policy->secrets));
	struct secret_group *group = &policy->secrets[policy->secret_count++];
	*group = (struct secret_group){.name = pool_copy(&policy->pool, name->text, name->len),
				       .place = name->place};
	return group;
}

static void compile_glob_rule(struct loader *loader, struct node *written, enum secret_list which,
			      struct list *lists, uint8_t group)
{
	struct rule *rule = pool_alloc(&loader->policy->pool, sizeof(*rule));
	struct node *name = written;
	rule->ref = ref_at("secrets", written->place);
	rule->place = written->place;
	rule->expires_ns = NEVER;
	rule->secret = group;
	if (which == SECRET_FILES) {
		rule->kind = RULE_PATH;
		if (!compile_path(loader, written, &rule->path))
			return;
		rule->text = rule->path.glob.text;
	} else {
		rule->kind = RULE_NAME;
		name = loader_expand(loader, written, true);
		if (!name || !compile_glob(loader, name, name->text, name->len, GLOB_NAME,
					   &rule->name))
			return;
		rule->text = rule->name.text;
	}
	list_push(&loader->policy->pool, &lists[which], rule);
}

static void compile_globs(struct loader *loader, struct node *value, enum secret_list which,
			  uint8_t group)
{
	for (struct node *item = texts_first(value); item; item = value == item ? NULL : item->next)
		compile_glob_rule(loader, item, which, loader->policy->secret_rules, group);
}

static void compile_excepts(struct loader *loader, struct node *value)
{
	for (struct node *item = texts_first(value); item;
	     item = value == item ? NULL : item->next)
		compile_glob_rule(loader, item,
				  strchr(item->text, '/') ? SECRET_FILES : SECRET_VARIABLES,
				  loader->policy->secret_excepts, 0);
}

static void compile_peers(struct loader *loader, const struct node *list,
			  struct secret_group *group)
{
	struct pool *pool = &loader->policy->pool;
	for (struct node *item = list ? list->first : NULL; item; item = item->next) {
		struct rule *rule = compile_rule(loader, item, WIRE_NET_CONNECT);
		if (!rule)
			continue;
		if (rule->is_after)
			report_error(&loader->reports, rule->place, "\"after\" is for guards only");
		rule->ref.profile = "secrets";
		group->peers = pool_grow(pool, group->peers, group->peer_count,
					 sizeof(*group->peers));
		group->peers[group->peer_count++] = rule;
	}
}

void compile_secret(struct loader *loader, const struct node *node)
{
	if (!schema_check(loader, node, AT_SECRET))
		return;
	const struct node *name = schema_get(node, AT_SECRET, "name");
	struct node *variables = schema_get(node, AT_SECRET, "variables");
	struct node *files = schema_get(node, AT_SECRET, "files");
	struct node *excepts = schema_get(node, AT_SECRET, "except");
	const struct node *peers = schema_get(node, AT_SECRET, "peers");
	if (!name) {
		report_error(&loader->reports, node->place, "a group of secrets needs a \"name\"");
		return;
	}
	if (!variables && !files && !excepts && !peers)
		report_error(&loader->reports, node->place,
			     "this says nothing, it needs variables, files, except or peers");
	struct secret_group *group = group_of(loader, name);
	if (!group)
		return;
	uint8_t number = (uint8_t)(group - loader->policy->secrets + 1);
	compile_globs(loader, variables, SECRET_VARIABLES, number);
	compile_globs(loader, files, SECRET_FILES, number);
	compile_excepts(loader, excepts);
	compile_peers(loader, peers, group);
}

static unsigned layer_of(const struct rule *rule)
{
	return rule->place.origin->layer * 2 + !rule->place.origin->is_learned;
}

/* Layers are read in order: whole blocks change places. */
void secrets_finish(struct policy *policy)
{
	for (unsigned which = 0; which < SECRET_LISTS; which++) {
		struct list *list = &policy->secret_rules[which], turned = {0};
		for (uint32_t end = list->count, at; end; end = at) {
			for (at = end - 1; at && layer_of(list->rules[at - 1]) ==
							 layer_of(list->rules[end - 1]);)
				at--;
			for (uint32_t i = at; i < end; i++)
				list_push(&policy->pool, &turned, list->rules[i]);
		}
		list->rules = turned.rules;
	}
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The families of a profile, grant or guard: `network: none`, `file: {read: [...]}` ...
 */
#include <string.h>

#include "policy_inner.h"

const char *const family_keys[FAMILIES] = {"network", "file", "exec", "env"};

static const enum schema_where family_where[FAMILIES] = {AT_NETWORK, AT_FILE, AT_EXEC, AT_ENV};

#define NET FAMILY_NET
#define FILE FAMILY_FILE
#define EXEC FAMILY_EXEC
#define ENV FAMILY_ENV
static const struct {
	const char *name;
	enum family family;
} actions[WIRE_ACTIONS] = {
#define ACTION(id, number, name, family, doc) [number] = {name, family},
#include "../../preload/wire/actions.tbl.h"
#undef ACTION
};
#undef NET
#undef FILE
#undef EXEC
#undef ENV

const char *action_name(unsigned action)
{
	return action && action < WIRE_ACTIONS ? actions[action].name : "";
}

enum family action_family(unsigned action)
{
	return actions[action].family;
}

static const char *action_key(unsigned action)
{
	return strchr(actions[action].name, '.') + 1;
}

void list_push(struct pool *pool, struct list *list, struct rule *rule)
{
	list->rules = pool_grow(pool, list->rules, list->count, sizeof(*list->rules));
	list->rules[list->count++] = rule;
}

/* A rule that is not a list item: `any` of a grant or guard. */
static void push_any(struct loader *loader, struct place place, unsigned action,
		     const struct family_target *target)
{
	struct rule *rule = pool_alloc(&loader->policy->pool, sizeof(*rule));
	rule->kind = RULE_ANY;
	rule->ref = ref_at(target->profile, place);
	rule->text = "any";
	rule->expires_ns = NEVER;
	rule->grant = target->grant;
	rule->guard = target->guard;
	rule->severity = target->severity;
	rule->message = target->message;
	list_push(&loader->policy->pool, &target->lists[action], rule);
}

/* Contacting somebody first: connecting, or sending a datagram. */
static void check_after(struct loader *loader, const struct rule *rule, unsigned action,
			const struct family_target *target)
{
	if (!rule->is_after)
		return;
	if (!target->guard)
		report_error(&loader->reports, rule->place, "\"after\" is for guards only");
	else if (action != WIRE_NET_CONNECT && action != WIRE_NET_SEND)
		report_error(&loader->reports, rule->place,
			     "\"after\" is for connect and send only");
	else
		loader->policy->after_guards |= 1ull << (target->guard - 1);
}

static void compile_list(struct loader *loader, const struct node *value, unsigned action,
			 const struct family_target *target)
{
	struct list *list = &target->lists[action];
	for (struct node *item = value->first; item; item = item->next) {
		struct rule *rule = compile_rule(loader, item, action);
		if (!rule)
			continue;
		check_after(loader, rule, action, target);
		rule->ref.profile = target->profile;
		rule->grant = target->grant;
		rule->guard = target->guard;
		if (!rule->severity)
			rule->severity = target->severity;
		if (!rule->message)
			rule->message = target->message;
		list_push(&loader->policy->pool, list, rule);
		if (target->families)
			list->state = LIST_RULES;
	}
}

/* What one action's key says. */
static void compile_action(struct loader *loader, const struct node *family, unsigned action,
			   const struct family_target *target)
{
	enum schema_where where = family_where[action_family(action)];
	const struct node *value = schema_get(family, where, action_key(action));
	if (!value)
		return;
	struct place place = schema_place(family, action_key(action));
	struct list *list = &target->lists[action];
	bool is_list = value->kind == NODE_LIST;
	bool is_any = node_says(value, "any");
	if (!target->families) {
		if (is_any)
			push_any(loader, place, action, target);
		else if (!is_list)
			report_error(&loader->reports, value->place, "\"none\" says nothing here");
	} else {
		list->state = is_any ? LIST_ANY : LIST_NONE;
		list->is_said = true;
		list->ref = ref_at(target->profile, place);
	}
	if (is_list)
		compile_list(loader, value, action, target);
}

/* No list: what is said is an order, and it binds only where it is said. */
static void compile_exchange(struct loader *loader, const struct node *family,
			     const struct family_target *target)
{
	const struct node *value = schema_get(family, AT_NETWORK, "exchange");
	struct list *list = &target->lists[WIRE_NET_EXCHANGE];
	bool is_any = node_says(value, "any");
	if (!value)
		return;
	if (!target->families) {
		report_error(&loader->reports, value->place, "\"exchange\" is for profiles only");
		return;
	}
	if (!is_any && !node_says(value, "request-response"))
		report_error(&loader->reports, value->place,
			     "\"exchange\" must be request-response or any, not \"%s\"",
			     report_quote(&loader->scratch, value->text, value->len));
	list->state = is_any ? LIST_ANY : LIST_NONE;
	list->is_said = true;
	list->ref = ref_at(target->profile, schema_place(family, "exchange"));
}

static void compile_family(struct loader *loader, const struct node *value, struct place place,
			   enum family family, const struct family_target *target)
{
	bool is_any = node_says(value, "any");
	bool is_mapping = value->kind == NODE_MAPPING;
	if (!target->families && !is_mapping && !is_any)
		report_error(&loader->reports, value->place, "\"none\" says nothing here");
	if (is_mapping)
		schema_check(loader, value, family_where[family]);
	if (target->families) {
		target->families[family].state = is_any	      ? LIST_ANY
						 : is_mapping ? LIST_RULES
							      : LIST_NONE;
		target->families[family].ref = ref_at(target->profile, place);
	}
	if (is_mapping && family == FAMILY_NET)
		compile_exchange(loader, value, target);
	for (unsigned action = 1; action < WIRE_ACTIONS; action++) {
		if (actions[action].family != family || action == WIRE_NET_EXCHANGE)
			continue;
		if (target->families) {
			target->lists[action].state = is_any ? LIST_ANY : LIST_NONE;
			target->lists[action].ref = ref_at(target->profile, place);
		} else if (is_any) {
			push_any(loader, place, action, target);
		}
		if (is_mapping)
			compile_action(loader, value, action, target);
	}
}

uint32_t compile_families(struct loader *loader, const struct node *mapping,
			  enum schema_where where, const struct family_target *target)
{
	uint32_t said = 0;
	for (unsigned family = 0; family < FAMILIES; family++) {
		const struct node *value = schema_get(mapping, where, family_keys[family]);
		if (!value)
			continue;
		said |= KEY_FAMILY << family;
		compile_family(loader, value, schema_place(mapping, family_keys[family]), family,
			       target);
	}
	return said;
}

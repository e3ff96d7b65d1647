/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks mappings against schema.tbl.h.
 */
#include <string.h>

#include "policy_inner.h"

enum shape { TEXT, TEXTS, LIST, MAPPING, MAPPINGS, SWITCH, FAMILY, RULES, LATER };

static const char *const shape_words[] = {
	"must be text",
	"must be text or a list of texts",
	"must be a list",
	"must be a mapping",
	"must be a mapping or a list of mappings",
	"must be any or none",
	"must be any, none or a mapping",
	"must be any, none or a list",
	"",
};

static const char *const kind_words[] = {"text", "a list", "a mapping"};

static const struct key {
	enum schema_where where;
	const char *name;
	enum shape shape;
} keys[] = {
#define KEY(where, name, shape, doc) {AT_##where, name, shape},
#include "schema.tbl.h"
#undef KEY
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const struct key *key_find(enum schema_where where, const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].where == where && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

bool node_says(const struct node *node, const char *word)
{
	return node && node->kind == NODE_SCALAR && !strcmp(node->text, word);
}

struct node *texts_first(struct node *value)
{
	return value && value->kind == NODE_LIST ? value->first : value;
}

static bool is_text(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->len;
}

static bool are_all(const struct node *list, bool (*test)(const struct node *))
{
	for (const struct node *item = list->first; item; item = item->next)
		if (!test(item))
			return false;
	return true;
}

static bool is_mapping(const struct node *node)
{
	return node->kind == NODE_MAPPING;
}

static bool has_shape(const struct node *node, enum shape shape)
{
	bool is_switch = node_says(node, "any") || node_says(node, "none");
	switch (shape) {
	case TEXT:
		return is_text(node);
	case TEXTS:
		return node->kind == NODE_LIST ? are_all(node, is_text) : is_text(node);
	case LIST:
		return node->kind == NODE_LIST;
	case MAPPING:
		return is_mapping(node);
	case MAPPINGS:
		return node->kind == NODE_LIST ? node->count && are_all(node, is_mapping)
					       : is_mapping(node);
	case SWITCH:
		return is_switch;
	case FAMILY:
		return is_switch || is_mapping(node);
	case RULES:
		return is_switch || node->kind == NODE_LIST;
	case LATER:
		break;
	}
	return false;
}

/* Points at the item that is wrong where only one of a list is. */
static void report_shape(struct loader *loader, const struct node *key, const struct node *value,
			 enum shape shape)
{
	const struct node *culprit = value;
	bool is_texts = shape == TEXTS && value->kind == NODE_LIST;
	for (const struct node *item = value->first; is_texts && item; item = item->next) {
		if (!is_text(item)) {
			culprit = item;
			break;
		}
	}
	if (culprit->is_broken)
		return;
	if (culprit->kind == NODE_SCALAR && !culprit->len)
		report_error(&loader->reports, culprit->place, "\"%s\" %s, and this is empty",
			     key->text, shape_words[shape]);
	else if (culprit->kind == NODE_SCALAR)
		report_error(&loader->reports, culprit->place, "\"%s\" %s, not \"%s\"", key->text,
			     shape_words[shape],
			     report_quote(&loader->scratch, culprit->text, culprit->len));
	else
		report_error(&loader->reports, culprit->place, "\"%s\" %s, not %s", key->text,
			     shape_words[shape], kind_words[culprit->kind]);
}

static void report_unknown(struct loader *loader, const struct node *node, enum schema_where where)
{
	const char *candidates[KEYS + 1];
	unsigned count = 0;
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].where == where && keys[i].shape != LATER)
			candidates[count++] = keys[i].name;
	candidates[count] = NULL;
	report_error(&loader->reports, node->place, "unknown key \"%s\"%s",
		     report_quote(&loader->scratch, node->text, node->len),
		     report_suggest(&loader->reports, node->text, candidates));
}

bool schema_check(struct loader *loader, const struct node *node, enum schema_where where)
{
	if (node->is_broken)
		return false;
	if (node->kind != NODE_MAPPING) {
		report_error(&loader->reports, node->place, "expected a mapping, not %s",
			     kind_words[node->kind]);
		return false;
	}
	for (const struct node *name = node->first; name; name = name->next->next) {
		if (name->kind != NODE_SCALAR)
			continue; /* reported by the reader */
		const struct key *key = key_find(where, name->text);
		if (!key)
			report_unknown(loader, name, where);
		else if (key->shape == LATER)
			report_error(&loader->reports, name->place,
				     "\"%s\" is not supported by this version", key->name);
		else if (!has_shape(name->next, key->shape))
			report_shape(loader, name, name->next, key->shape);
	}
	return true;
}

struct node *schema_get(const struct node *mapping, enum schema_where where, const char *name)
{
	const struct key *key = key_find(where, name);
	if (!key || mapping->kind != NODE_MAPPING)
		return NULL;
	for (const struct node *at = mapping->first; at; at = at->next->next)
		if (node_says(at, name))
			return has_shape(at->next, key->shape) ? at->next : NULL;
	return NULL;
}

const char *schema_text(const struct node *mapping, enum schema_where where, const char *name)
{
	const struct node *value = schema_get(mapping, where, name);
	return value ? value->text : NULL;
}

struct place schema_place(const struct node *mapping, const char *name)
{
	for (const struct node *at = mapping->first; at; at = at->next->next)
		if (node_says(at, name))
			return at->place;
	return mapping->place;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Mappings of a file of cases: their keys checked against keys.tbl.h, their values taken out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cases_inner.h"

static const struct key {
	enum case_where where;
	const char *name;
} keys[] = {
#define KEY(where, name, doc) {IN_##where, name},
#include "keys.tbl.h"
#undef KEY
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static bool is_known(enum case_where where, const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].where == where && !strcmp(keys[i].name, name))
			return true;
	return false;
}

bool case_check_keys(struct cases *cases, const struct node *mapping, enum case_where where)
{
	const char *candidates[KEYS + 1] = {0};
	unsigned count = 0;
	if (mapping->is_broken)
		return false;
	if (mapping->kind != NODE_MAPPING) {
		report_error(&cases->loader->reports, mapping->place, "expected a mapping");
		return false;
	}
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].where == where)
			candidates[count++] = keys[i].name;
	for (const struct node *key = mapping->first; key; key = key->next->next)
		if (key->kind == NODE_SCALAR && !is_known(where, key->text))
			report_error(
				&cases->loader->reports, key->place, "unknown key \"%s\"%s",
				report_quote(&cases->pool, key->text, key->len),
				report_suggest(&cases->loader->reports, key->text, candidates));
	return true;
}

struct node *case_get(const struct node *mapping, const char *name)
{
	if (mapping->kind != NODE_MAPPING)
		return NULL;
	for (const struct node *key = mapping->first; key; key = key->next->next)
		if (key->kind == NODE_SCALAR && !strcmp(key->text, name))
			return key->next;
	return NULL;
}

const char *case_text(struct cases *cases, const struct node *mapping, const char *key)
{
	const struct node *value = case_get(mapping, key);
	if (!value || value->is_broken)
		return "";
	if (value->kind == NODE_SCALAR && value->len)
		return value->text;
	report_error(&cases->loader->reports, value->place, "\"%s\" must be text", key);
	return "";
}

int case_word(struct cases *cases, const struct node *mapping, const char *key,
	      const char *const *words)
{
	const char *text = case_text(cases, mapping, key);
	if (!*text)
		return -1;
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], text))
			return i;
	report_error(&cases->loader->reports, case_get(mapping, key)->place, "unknown %s \"%s\"%s",
		     key, report_quote(&cases->pool, text, strlen(text)),
		     report_suggest(&cases->loader->reports, text, words));
	return -1;
}

uint64_t case_number(struct cases *cases, const struct node *mapping, const char *key, uint64_t max,
		     uint64_t otherwise)
{
	const char *text = case_text(cases, mapping, key);
	char *end;
	if (!*text)
		return otherwise;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && number <= max)
		return number;
	report_error(&cases->loader->reports, case_get(mapping, key)->place,
		     "\"%s\" must be a number from 0 to %llu, not \"%s\"", key,
		     (unsigned long long)max, report_quote(&cases->pool, text, strlen(text)));
	return otherwise;
}

bool case_bool(struct cases *cases, const struct node *mapping, const char *key)
{
	static const char *const words[] = {"no", "yes", "false", "true", NULL};
	int word = case_word(cases, mapping, key, words);
	return word == 1 || word == 3;
}

struct str case_argv(struct cases *cases, const struct node *mapping)
{
	const struct node *value = case_get(mapping, "argv");
	size_t len = 0;
	if (value && value->kind != NODE_LIST)
		report_error(&cases->loader->reports, value->place, "\"argv\" must be a list");
	if (!value || value->kind != NODE_LIST)
		return (struct str){"", 0};
	for (const struct node *item = value->first; item; item = item->next)
		len += item->len + 1;
	char *argv = pool_alloc(&cases->pool, len + 1);
	len = 0;
	for (const struct node *item = value->first; item; item = item->next) {
		if (item->kind != NODE_SCALAR) {
			report_error(&cases->loader->reports, item->place,
				     "an argument must be text");
			continue;
		}
		memcpy(argv + len, item->text, item->len);
		len += item->len + 1;
	}
	return (struct str){argv, (uint32_t)len};
}

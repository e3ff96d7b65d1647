/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy language as a JSON Schema (draft 2020-12), for editors that complete and check.
 * Made of schema.tbl.h; beside it stands here only what a mapping's members are, and which words
 * some keys take. What needs looking at values (globs, addresses, dates) stays the loader's.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "fmt.h"

enum shape { TEXT, TEXTS, LIST, MAPPING, MAPPINGS, SWITCH, FAMILY, RULES, LATER };

static const struct key {
	const char *where, *name;
	enum shape shape;
	const char *doc;
} keys[] = {
#define KEY(where, name, shape, doc) {#where, name, shape, doc},
#include "schema.tbl.h"
#undef KEY
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* What the mappings under a key are; the first line that fits. An empty where is any. */
static const struct {
	const char *where, *name, *inner;
} inners[] = {
	{"TOP", "grants", "GRANT"},	{"TOP", "guards", "GUARD"},
	{"TOP", "profiles", "PROFILE"}, {"TOP", "accept", "ACCEPT"},
	{"TOP", "secrets", "SECRET"},	{"SECRET", "peers", "PEER"},
	{"PROFILE", "match", "MATCH"},	{"", "network", "NETWORK"},
	{"", "file", "FILE"},		{"", "exec", "EXEC"},
	{"", "env", "ENV"},		{"NETWORK", "resolve", "HOST"},
	{"NETWORK", "", "PEER"},	{"FILE", "rename", "PATHS"},
	{"FILE", "link", "PATHS"},	{"FILE", "", "PATH"},
	{"EXEC", "run", "PROGRAM"},	{"EXEC", "load", "PATH"},
	{"ENV", "read", "NAME"},
};

/* Keys that take only these words. */
static const struct {
	const char *where, *name, *words;
} choices[] = {
	{"", "severity", "low|medium|high|critical"},
	{"", "proto", "tcp|udp"},
	{"", "phase", "load|startup|steady"},
	{"", "judge", "attempts"},
	{"PROFILE", "role", "conduit"},
	{"PROFILE", "base", "none"},
	{"PROFILE", "watch", "descendants|anywhere"},
	{"PROFILE", "threads", "pool"},
	{"PROGRAM", "child", "own|mine|free"},
	{"PROGRAM", "dropped", "yes"},
	{"PEER", "after", "secret"},
};

/* Keys a mapping cannot do without. */
static const struct {
	const char *where, *name;
} needs[] = {
	{"TOP", "version"},  {"PROFILE", "name"}, {"GUARD", "name"}, {"PROGRAM", "program"},
	{"ACCEPT", "hole"},  {"ACCEPT", "reason"}, {"HOST", "name"},  {"NAME", "name"},
	{"PATH", "path"},   {"SECRET", "name"},
};

static bool fits(const char *pattern, const char *word)
{
	return !*pattern || !strcmp(pattern, word);
}

static bool is_at(const char *where, const char *name, const struct key *key)
{
	return fits(where, key->where) && fits(name, key->name);
}

const char *schema_inner(const char *where, const char *name)
{
	for (size_t i = 0; i < sizeof(inners) / sizeof(inners[0]); i++)
		if (fits(inners[i].where, where) && fits(inners[i].name, name))
			return inners[i].inner;
	return NULL;
}

unsigned schema_order(const char *where, const char *name)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].where, where) && !strcmp(keys[i].name, name))
			return i;
	return UINT_MAX;
}

/* "PROFILE" as "profile". */
static const char *lower(const char *where, char buffer[32])
{
	size_t i = 0;
	for (; where[i] && i < 31; i++)
		buffer[i] = (char)tolower((unsigned char)where[i]);
	buffer[i] = 0;
	return buffer;
}

static json_t *reference(const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", name));
}

static json_t *words_of(const struct key *key)
{
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const char *word = choices[i].words;
		if (!is_at(choices[i].where, choices[i].name, key))
			continue;
		for (size_t len; *word; word += len + (word[len] == '|')) {
			len = strcspn(word, "|");
			json_array_append_new(list, json_stringn(word, len));
		}
		return json_pack("{s:o}", "enum", list);
	}
	json_decref(list);
	return NULL;
}

static json_t *inner_of(const struct key *key)
{
	char name[32];
	const char *inner = schema_inner(key->where, key->name);
	/* NULL for a new key of which nobody has said here what is in it. */
	return inner ? reference(lower(inner, name)) : NULL;
}

static json_t *one_or_list(json_t *item, unsigned least)
{
	return json_pack("{s:[O,{s:s,s:o,s:i}]}", "anyOf", item, "type", "array", "items", item,
			 "minItems", (int)least);
}

/* A rule of most actions may be a bare text, a peer may not. */
static json_t *rules_of(const struct key *key)
{
	json_t *inner = inner_of(key);
	bool is_peer = !strcmp(key->where, "NETWORK") && strcmp(key->name, "resolve") != 0;
	json_t *item = is_peer ? inner : json_pack("{s:[o,o]}", "anyOf", reference("text"), inner);
	return json_pack("{s:[o,{s:s,s:o}]}", "anyOf", reference("switch"), "type", "array",
			 "items", item);
}

static json_t *value_of(const struct key *key)
{
	json_t *words = words_of(key);
	switch (key->shape) {
	case TEXT:
		return words ? words : reference("text");
	case TEXTS:
		return words ? one_or_list(words, 0) : reference("texts");
	case LIST:
		return json_pack("{s:s,s:o}", "type", "array", "items", inner_of(key));
	case MAPPING:
		return inner_of(key);
	case MAPPINGS:
		return one_or_list(inner_of(key), 1);
	case SWITCH:
		return reference("switch");
	case FAMILY:
		return json_pack("{s:[o,o]}", "anyOf", reference("switch"), inner_of(key));
	case RULES:
		return rules_of(key);
	case LATER:
		break;
	}
	return NULL;
}

/* The mapping of this name; NULL: out of memory, or a key whose members nobody told. */
static json_t *mapping_of(const char *where)
{
	json_t *properties = json_object(), *required = json_array();
	bool is_whole = true;
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].where, where) != 0 || keys[i].shape == LATER)
			continue;
		json_t *value = value_of(&keys[i]);
		is_whole &= value && !json_object_set_new(value, "description",
							  json_string(keys[i].doc));
		is_whole &= !json_object_set_new(properties, keys[i].name, value);
	}
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strcmp(needs[i].where, where))
			is_whole &= !json_array_append_new(required, json_string(needs[i].name));
	json_t *mapping = json_pack("{s:s,s:b,s:o,s:o}", "type", "object", "additionalProperties",
				    0, "required", required, "properties", properties);
	if (is_whole)
		return mapping;
	json_decref(mapping);
	return NULL;
}

static json_t *definitions(void)
{
	/* A scalar is text to us, whatever YAML makes of it. */
	json_t *all = json_pack(
		"{s:{s:[s,s,s],s:i},s:{s:[{s:s},{s:s,s:{s:s}}]},s:{s:[s,s]}}", "text", "type",
		"string", "number", "boolean", "minLength", 1, "texts", "anyOf", "$ref",
		"#/$defs/text", "type", "array", "items", "$ref", "#/$defs/text", "switch", "enum",
		"any", "none");
	bool is_whole = all;
	for (size_t i = 0; i < KEYS && is_whole; i++) {
		char name[32];
		bool is_new = !i || strcmp(keys[i - 1].where, keys[i].where) != 0;
		if (is_new && strcmp(keys[i].where, "TOP") != 0)
			is_whole = !json_object_set_new(all, lower(keys[i].where, name),
							mapping_of(keys[i].where));
	}
	if (is_whole)
		return all;
	json_decref(all);
	return NULL;
}

int policy_print_schema(FILE *file)
{
	json_t *schema = json_pack(
		"{s:s,s:s,s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
		"sowatch policy", "description",
		"Profiles of what libraries, programs and scripts may do; sowatch-policy(5) tells "
		"all of it. Made by `sowatch policy schema`.");
	json_t *top = mapping_of("TOP"), *inner = definitions();
	int error = !schema || !top || !inner || json_object_update(schema, top) ||
				    json_object_set(schema, "$defs", inner)
			    ? -ENOMEM
			    : 0;
	json_t *version = json_object_get(json_object_get(schema, "properties"), "version");
	if (!error && version)
		error = json_object_del(version, "$ref") ||
					json_object_set_new(version, "enum", json_pack("[i,s]", 1, "1"))
				? -ENOMEM
				: 0;
	if (!error && json_dumpf(schema, file, JSON_INDENT(1)))
		error = -EIO;
	if (!error && putc('\n', file) == EOF)
		error = -EIO;
	json_decref(top);
	json_decref(inner);
	json_decref(schema);
	return error;
}

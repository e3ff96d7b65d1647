/* SPDX-License-Identifier: Apache-2.0
 *
 * `match`: which subjects a profile answers for. Keys of one mapping hold together, texts of one key
 * are alternatives: every combination becomes one struct match.
 */
#include <string.h>

#include "policy_inner.h"
#include "version.h"

static const char *quote(struct loader *loader, const struct node *node)
{
	return report_quote(&loader->scratch, node->text, node->len);
}

static void match_rank(struct match *match, enum match_rank rank, uint32_t literal_len)
{
	if (rank > match->rank || (rank == match->rank && literal_len > match->literal_len)) {
		match->rank = rank;
		match->literal_len = literal_len;
	}
}

static bool match_subject(struct loader *loader, struct node *written, enum subject_kind kind,
			  struct match *match)
{
	struct node *node = loader_expand(loader, written, true);
	if (!node)
		return false;
	match->kind = kind;
	match->has_subject = true;
	match->is_path = strchr(node->text, '/');
	if (match->is_path && node->text[0] != '/' && strncmp(node->text, "**", 2)) {
		report_error(&loader->reports, written->place,
			     "\"%s\" can never match, a path glob starts with / or **",
			     quote(loader, node));
		return false;
	}
	if (!compile_glob(loader, node, node->text, node->len, GLOB_PATH, &match->subject))
		return false;
	match->is_exact |= match->is_path && match->subject.shape == GLOB_LITERAL;
	match_rank(match, match->is_path ? RANK_PATH : RANK_NAME, match->subject.literal_len);
	return true;
}

/* In lower case; NULL: it is not hex, or not that long. */
static const char *take_hex(struct loader *loader, const struct node *node, size_t min, size_t max,
			    const char *what)
{
	bool is_hex = node->len >= min && node->len <= max && !(node->len % 2) &&
		      strspn(node->text, "0123456789abcdefABCDEF") == node->len;
	if (!is_hex) {
		report_error(&loader->reports, node->place, "bad %s \"%s\"", what,
			     quote(loader, node));
		return NULL;
	}
	char *hex = pool_copy(&loader->policy->pool, node->text, node->len);
	for (char *c = hex; *c; c++)
		*c = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
	return hex;
}

static bool match_build_id(struct loader *loader, struct node *node, struct match *match)
{
	match->build_id = take_hex(loader, node, 8, SIZE_MAX, "build-id");
	match->is_exact = true;
	match_rank(match, RANK_BUILD_ID, (uint32_t)node->len);
	return match->build_id;
}

static bool match_sha256(struct loader *loader, struct node *node, struct match *match)
{
	match->sha256 = take_hex(loader, node, 64, 64, "sha256");
	match->is_exact = true;
	match_rank(match, RANK_SHA256, (uint32_t)node->len);
	loader->policy->has_digests = true;
	return match->sha256;
}

/* Names of distributions as PEP 503 compares them: my_Lib.x is my-lib-x. Classes stay. */
static const char *normalise_python(struct pool *pool, const struct node *node)
{
	char *out = pool_copy(pool, node->text, node->len), *end = out;
	bool is_class = false;
	for (const char *c = node->text; *c; c++) {
		is_class = *c == '[' || (is_class && *c != ']');
		bool is_mark = !is_class && strchr("-_.", *c);
		if (is_mark && end > out && end[-1] == '-')
			continue;
		*end++ = is_mark ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	}
	*end = 0;
	return out;
}

static bool match_python(struct loader *loader, struct node *written, struct match *match)
{
	struct node *node = loader_expand(loader, written, true);
	if (!node)
		return false;
	if (strpbrk(node->text, "/<>= ")) {
		report_error(&loader->reports, written->place,
			     "\"%s\" is no name of a distribution%s", quote(loader, node),
			     strpbrk(node->text, "<>=") ? ", versions go into \"version\"" : "");
		return false;
	}
	const char *name = normalise_python(&loader->scratch, node);
	match->kind = SUBJECT_PYTHON;
	match->has_subject = true;
	if (!compile_glob(loader, node, name, strlen(name), GLOB_NAME, &match->subject))
		return false;
	match_rank(match, RANK_NAME, match->subject.literal_len);
	return true;
}

static bool match_origin(struct loader *loader, struct node *written, struct match *match)
{
	struct node *node = loader_expand(loader, written, true);
	if (!node || !compile_glob(loader, node, node->text, node->len, GLOB_NAME, &match->origin))
		return false;
	match->kind = SUBJECT_SCRIPT;
	match->has_origin = true;
	match_rank(match, RANK_PATH, match->origin.literal_len);
	return true;
}

static bool match_package(struct loader *loader, struct node *written, struct match *match)
{
	struct node *node = loader_expand(loader, written, true);
	if (!node)
		return false;
	if (strpbrk(node->text, "<>= ")) {
		report_error(&loader->reports, written->place,
			     "\"%s\" is no package name, versions go into \"version\"",
			     quote(loader, node));
		return false;
	}
	match->has_package = true;
	if (!compile_glob(loader, node, node->text, node->len, GLOB_NAME, &match->package))
		return false;
	match_rank(match, RANK_NAME, match->package.literal_len);
	return true;
}

static bool match_library(struct loader *loader, struct node *node, struct match *match)
{
	return match_subject(loader, node, SUBJECT_LIBRARY, match);
}

static bool match_executable(struct loader *loader, struct node *node, struct match *match)
{
	return match_subject(loader, node, SUBJECT_EXECUTABLE, match);
}

static bool match_script(struct loader *loader, struct node *node, struct match *match)
{
	return match_subject(loader, node, SUBJECT_SCRIPT, match);
}

static const struct {
	const char *key;
	enum subject_kind kind; /* 0: any */
	bool (*compile)(struct loader *loader, struct node *node, struct match *match);
} match_keys[] = {
	{"library", SUBJECT_LIBRARY, match_library},
	{"executable", SUBJECT_EXECUTABLE, match_executable},
	{"script", SUBJECT_SCRIPT, match_script},
	{"python", SUBJECT_PYTHON, match_python},
	{"package", 0, match_package},
	{"build-id", 0, match_build_id},
	{"sha256", 0, match_sha256},
	{"origin", SUBJECT_SCRIPT, match_origin},
};
#define MATCH_KEYS (sizeof(match_keys) / sizeof(match_keys[0]))

static void push_match(struct loader *loader, struct profile *profile, const struct match *match)
{
	profile->matches = pool_grow(&loader->policy->pool, profile->matches, profile->match_count,
				     sizeof(*profile->matches));
	profile->matches[profile->match_count++] = *match;
}

/* Every combination of one text per key; keys of one mapping hold together. */
static void expand_match(struct loader *loader, struct profile *profile, struct node **values,
			 unsigned key, struct match match)
{
	while (key < MATCH_KEYS && !values[key])
		key++;
	if (key == MATCH_KEYS) {
		/* Names of the same length: more conditions say more. */
		if (match.version)
			match_rank(&match, RANK_VERSION,
				   (match.subject.literal_len + match.package.literal_len) *
						   VERSION_BOUNDS_MAX +
					   match.version->count);
		push_match(loader, profile, &match);
		return;
	}
	struct node *value = values[key];
	for (struct node *item = texts_first(value); item;
	     item = value == item ? NULL : item->next) {
		struct match more = match;
		if (match_keys[key].compile(loader, item, &more))
			expand_match(loader, profile, values, key + 1, more);
	}
}

/* `version` speaks about the package or distribution that stands beside it. */
static bool compile_version(struct loader *loader, const struct node *mapping, struct match *match)
{
	struct pool *pool = &loader->policy->pool;
	struct node *written = schema_get(mapping, AT_MATCH, "version");
	bool is_python = schema_get(mapping, AT_MATCH, "python");
	if (!written)
		return true;
	if (!is_python && !schema_get(mapping, AT_MATCH, "package")) {
		report_error(&loader->reports, written->place,
			     "\"version\" goes with \"package\" or \"python\"");
		return false;
	}
	struct node *node = loader_expand(loader, written, false);
	if (!node)
		return false;
	struct version_range *range = pool_alloc(pool, sizeof(*range));
	const char *problem = version_range_parse(pool, node->text,
						  is_python ? VERSION_PYTHON : 0, range);
	if (*problem) {
		report_error(&loader->reports, written->place, "bad version range \"%s\": %s",
			     quote(loader, node), problem);
		return false;
	}
	match->version = range;
	return true;
}

/* The kinds of subject the keys ask for; more than one can never hold. */
static unsigned count_kinds(struct node *const *values)
{
	unsigned kinds = 0;
	for (unsigned i = 0; i < MATCH_KEYS; i++)
		if (values[i] && match_keys[i].kind)
			kinds |= 1u << match_keys[i].kind;
	return (unsigned)__builtin_popcount(kinds);
}

void compile_match(struct loader *loader, const struct node *mapping, struct profile *profile)
{
	struct node *values[MATCH_KEYS];
	struct match match = {.place = mapping->place};
	unsigned count = 0;
	uint64_t combinations = 1;
	if (!schema_check(loader, mapping, AT_MATCH))
		return;
	for (unsigned i = 0; i < MATCH_KEYS; i++) {
		values[i] = schema_get(mapping, AT_MATCH, match_keys[i].key);
		count += values[i] != NULL;
		if (values[i] && values[i]->kind == NODE_LIST && combinations < YAML_NODES_MAX)
			combinations *= values[i]->count;
	}
	if (count_kinds(values) > 1)
		report_error(&loader->reports, mapping->place,
			     "this can never match, keys of one mapping hold together; "
			     "write a list of mappings for any of them");
	else if (!count && !mapping->count)
		report_error(&loader->reports, mapping->place, "an empty match matches nothing");
	else if (!combinations || combinations > 65536)
		report_error(&loader->reports, mapping->place, "%s",
			     combinations ? "too many combinations"
					  : "an empty list matches nothing");
	else if (compile_version(loader, mapping, &match) && count)
		expand_match(loader, profile, values, 0, match);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Many files of one directory: `dir` + `/` + `*.ext`, or `*`; many directories of one tree: `**`.
 * Never near the root, at home, or where secrets lie.
 */
#include <stdlib.h>
#include <string.h>

#include "rules_inner.h"

/* Different names in one directory before a wildcard stands for all of one ending, or for all. */
#define SAME_ENDING_MIN 8u
#define ANY_NAME_MIN 16u
/* Directories and files of a tree before `**` stands for it. */
#define TREE_DIRECTORIES_MIN 8u
#define TREE_FILES_MIN 64u
#define DIRECTORY_DEPTH_MIN 2u
#define TREE_DEPTH_MIN 3u

static unsigned depth_of(const char *path, size_t len)
{
	unsigned depth = 0;
	for (size_t i = 0; i < len; i++)
		depth += path[i] == '/' && i + 1 < len;
	return depth + (len && path[0] != '/');
}

static bool has_segment(const char *path, size_t len, const char *segment)
{
	size_t segment_len = strlen(segment);
	for (size_t at = 0; at + segment_len <= len; at++) {
		bool starts = !at || path[at - 1] == '/';
		bool ends = at + segment_len == len || path[at + segment_len] == '/';
		if (starts && ends && !memcmp(path + at, segment, segment_len))
			return true;
	}
	return false;
}

static bool may_widen(const char *path, size_t len, unsigned least)
{
	static const char *const secrets[] = {".ssh", ".gnupg", ".aws", ".kube", ".docker",
					      ".password-store", "private", "shadow", "sudoers.d",
					      "cron.d", "systemd", "self", NULL};
	if (len < 2 || memchr(path, '*', len) || (*path != '/' && *path != '~') ||
	    depth_of(path, len) < least)
		return false;
	for (unsigned i = 0; secrets[i]; i++)
		if (has_segment(path, len, secrets[i]))
			return false;
	return true;
}

/* Length of the directory, without its slash. */
static size_t directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

static const char *ending_of(const char *path)
{
	const char *name = path + directory_len(path) + 1, *dot = strrchr(name, '.');
	bool is_plain = dot && dot > name && strlen(dot) < 12 && !strpbrk(dot, "*?[\\ ");
	return is_plain ? dot : "";
}

static bool is_special(const char *path)
{
	size_t len = strlen(path);
	return !strncmp(path, "memfd:", 6) || (len > 10 && !strcmp(path + len - 10, " (deleted)"));
}

static int compare_rules(const void *left, const void *right)
{
	const struct learned_rule *one = left, *two = right;
	size_t len = directory_len(one->parts[0]), other = directory_len(two->parts[0]);
	size_t least = len < other ? len : other;
	int order = memcmp(one->parts[0], two->parts[0], least);
	if (!order && len != other)
		return len < other ? -1 : 1;
	order = order ? order : strcmp(ending_of(one->parts[0]), ending_of(two->parts[0]));
	return order ? order : strcmp(one->parts[0], two->parts[0]);
}

static bool is_same_directory(const struct learned_rule *one, const struct learned_rule *two)
{
	size_t len = directory_len(one->parts[0]);
	return len == directory_len(two->parts[0]) && !memcmp(one->parts[0], two->parts[0], len);
}

/* rules[first, end) become one at `kept`. */
static void merge(struct maker *maker, uint32_t kept, uint32_t first, uint32_t end,
		  const char *part)
{
	struct learned_rule merged = maker->rules->items[first];
	merged.parts = NULL;
	merged.part_count = 0;
	merged.is_general = true;
	rule_add_part(maker, &merged, part);
	for (uint32_t i = first + 1; i < end; i++)
		for (uint32_t fact = 0; fact < maker->rules->items[i].fact_count; fact++)
			rule_add_fact(maker, &merged, maker->rules->items[i].facts[fact]);
	maker->rules->items[kept] = merged;
}

typedef bool (*is_alike)(const struct learned_rule *one, const struct learned_rule *two);

static bool is_same_ending(const struct learned_rule *one, const struct learned_rule *two)
{
	const char *ending = ending_of(one->parts[0]);
	return *ending && is_same_directory(one, two) && !strcmp(ending, ending_of(two->parts[0]));
}

static void widen_names(struct maker *maker, uint32_t from, uint32_t least, is_alike alike,
			bool keeps_ending)
{
	struct learned_rules *rules = maker->rules;
	uint32_t kept = from;
	for (uint32_t first = from, next; first < rules->count; first = next) {
		const char *path = rules->items[first].parts[0];
		size_t len = directory_len(path);
		next = first + 1;
		while (next < rules->count && alike(&rules->items[first], &rules->items[next]) &&
		       !is_special(rules->items[next].parts[0]))
			next++;
		if (next - first >= least && may_widen(path, len, DIRECTORY_DEPTH_MIN) &&
		    !is_special(path)) {
			const char *ending = keeps_ending ? ending_of(path) : "";
			merge(maker, kept++, first, next,
			      pool_print(maker->pool, "%.*s/*%s", (int)len, path, ending));
			continue;
		}
		while (first < next)
			rules->items[kept++] = rules->items[first++];
	}
	rules->count = kept;
}

static bool is_below(const char *path, const char *top, size_t len)
{
	return strlen(path) > len && !memcmp(path, top, len) && path[len] == '/';
}

/* How many rules from `first` on lie below this directory, in how many directories, of how many
 * files. Sorted by directory they are neighbours, but for names such as "a-b" between "a" and "a/c". */
static bool is_tree(const struct maker *maker, uint32_t first, const char *top, size_t len)
{
	const struct learned_rules *rules = maker->rules;
	uint32_t directories = 0, files = 0;
	const struct learned_rule *last = NULL;
	for (uint32_t i = first; i < rules->count; i++) {
		const struct learned_rule *rule = &rules->items[i];
		if (strncmp(rule->parts[0], top, len))
			break; /* all that begin alike are neighbours */
		if (!is_below(rule->parts[0], top, len) || is_special(rule->parts[0]))
			continue;
		directories += !last || !is_same_directory(last, rule);
		files++; /* a pattern is one, however many are of it */
		last = rule;
	}
	return directories >= TREE_DIRECTORIES_MIN && files >= TREE_FILES_MIN;
}

static void merge_tree(struct maker *maker, uint32_t first, const char *top, size_t len)
{
	struct learned_rules *rules = maker->rules;
	uint32_t kept = first + 1;
	merge(maker, first, first, first + 1,
	      pool_print(maker->pool, "%.*s/**", (int)len, top));
	for (uint32_t i = first + 1; i < rules->count; i++) {
		if (!is_below(rules->items[i].parts[0], top, len) ||
		    is_special(rules->items[i].parts[0])) {
			rules->items[kept++] = rules->items[i];
			continue;
		}
		for (uint32_t fact = 0; fact < rules->items[i].fact_count; fact++)
			rule_add_fact(maker, &rules->items[first], rules->items[i].facts[fact]);
	}
	rules->count = kept;
}

/* The deepest directory below which there is enough. */
static void widen_trees(struct maker *maker, uint32_t from)
{
	for (uint32_t first = from; first < maker->rules->count; first++) {
		const char *path = maker->rules->items[first].parts[0];
		for (size_t len = directory_len(path); len && may_widen(path, len, TREE_DEPTH_MIN);) {
			if (is_tree(maker, first, path, len)) {
				merge_tree(maker, first, path, len);
				break;
			}
			while (len && path[--len] != '/')
				;
		}
	}
}

void rules_widen(struct maker *maker, uint32_t from)
{
	struct learned_rules *rules = maker->rules;
	uint32_t count = rules->count - from;
	if (count < SAME_ENDING_MIN)
		return;
	qsort(rules->items + from, count, sizeof(*rules->items), compare_rules);
	widen_trees(maker, from);
	widen_names(maker, from, SAME_ENDING_MIN, is_same_ending, true);
	widen_names(maker, from, ANY_NAME_MIN, is_same_directory, false);
}

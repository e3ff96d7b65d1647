/* SPDX-License-Identifier: Apache-2.0
 *
 * See prefix.h. A node holds the bytes between its parent and itself, and in front of them the
 * first bytes of its children; most nodes fit into one cache line with both.
 */
#include "prefix.h"

#include <stdlib.h>
#include <string.h>

#include "policy_inner.h"

struct prefix_node {
	struct rule *rules;		  /* those that begin exactly so */
	const struct prefix_node *above; /* the nearest node further up that has rules */
	const struct prefix_node **children;
	uint32_t label_len;
	uint16_t child_count;
	unsigned char bytes[]; /* a byte per child, then the label */
};

static int entry_compare(const void *left, const void *right)
{
	const struct prefix_entry *a = left, *b = right;
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
	if (order)
		return order;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* How many bytes all entries (sorted: the first and the last) have in common. */
static uint32_t common(const struct prefix_entry *first, const struct prefix_entry *last)
{
	uint32_t len = first->len < last->len ? first->len : last->len, at = 0;
	while (at < len && first->text[at] == last->text[at])
		at++;
	return at;
}

/* End of the entries that have the same byte at `depth` as the first. */
static uint32_t same_byte(const struct prefix_entry *entries, uint32_t count, uint32_t depth)
{
	uint32_t end = 1;
	while (end < count && entries[end].text[depth] == entries[0].text[depth])
		end++;
	return end;
}

/* The node for these entries, which agree on their first `depth` bytes. Recursion goes as deep as a
 * glob's literal start is long, at most GLOB_TOKENS_MAX. */
static const struct prefix_node *build(struct pool *pool, struct prefix_entry *entries,
				       uint32_t count, uint32_t depth,
				       const struct prefix_node *above)
{
	uint32_t to = common(&entries[0], &entries[count - 1]), own = 0, children = 0;
	while (own < count && entries[own].len == to)
		own++;
	for (uint32_t at = own; at < count; at += same_byte(entries + at, count - at, to))
		children++;
	struct prefix_node *node = pool_alloc(pool, sizeof(*node) + children + to - depth);
	node->children = pool_alloc(pool, children * sizeof(struct prefix_node *));
	node->child_count = (uint16_t)children;
	node->label_len = to - depth;
	node->above = above;
	memcpy(node->bytes + children, entries->text + depth, to - depth);
	for (uint32_t i = own; i-- > 0;) {
		entries[i].rule->same_prefix = node->rules;
		node->rules = entries[i].rule;
	}
	uint32_t child = 0;
	for (uint32_t at = own, end; at < count; at = end) {
		end = at + same_byte(entries + at, count - at, to);
		node->bytes[child] = (unsigned char)entries[at].text[to];
		node->children[child++] =
			build(pool, entries + at, end - at, to, node->rules ? node : above);
	}
	return node;
}

const struct prefix_node *prefix_build(struct pool *pool, struct prefix_entry *entries,
				       uint32_t count)
{
	if (!count)
		return NULL;
	qsort(entries, count, sizeof(*entries), entry_compare);
	return build(pool, entries, count, 0, NULL);
}

const struct rule *prefix_longest(const struct prefix_node *root, const char *path, size_t len,
				  const struct prefix_node **ret_node)
{
	const struct prefix_node *found = NULL;
	size_t at = 0;
	for (const struct prefix_node *node = root; node;) {
		uint32_t label_len = node->label_len, children = node->child_count;
		if (len - at < label_len || memcmp(node->bytes + children, path + at, label_len))
			break;
		at += label_len;
		if (node->rules)
			found = node;
		const unsigned char *child =
			at < len ? memchr(node->bytes, (unsigned char)path[at], children) : NULL;
		node = child ? node->children[child - node->bytes] : NULL;
	}
	*ret_node = found;
	return found ? found->rules : NULL;
}

const struct rule *prefix_shorter(const struct prefix_node **node)
{
	*node = (*node)->above;
	return *node ? (*node)->rules : NULL;
}

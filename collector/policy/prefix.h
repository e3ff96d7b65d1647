/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules by what their path begins with: a tree of bytes, walked once per path, so that the cost of
 * a first look depends on the path and not on how many rules there are.
 */
#ifndef SOWATCH_POLICY_PREFIX_H
#define SOWATCH_POLICY_PREFIX_H

#include "pool.h"

struct rule;
struct prefix_node;

/* One rule to be found under text. Rules of one text stay in the order they are given in. */
struct prefix_entry {
	const char *text;
	uint32_t len, order;
	struct rule *rule;
};

/* NULL when count is 0. Sorts the entries; links rules by same_prefix; the tree lives in pool. */
const struct prefix_node *prefix_build(struct pool *pool, struct prefix_entry *entries,
				       uint32_t count);

/* The first rule under the longest text that path begins with (NULL: none), and *ret_node for
 * prefix_shorter(), which answers the same for the next shorter text. */
const struct rule *prefix_longest(const struct prefix_node *root, const char *path, size_t len,
				  const struct prefix_node **ret_node);
const struct rule *prefix_shorter(const struct prefix_node **node);

#endif

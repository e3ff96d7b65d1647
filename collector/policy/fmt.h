/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy file in its canonical form. fmt_read.c makes a tree with comments of it, fmt_print.c
 * prints that, fmt.c orders, and holds the result against the original: nothing may be lost.
 */
#ifndef SOWATCH_POLICY_FMT_H
#define SOWATCH_POLICY_FMT_H

#include "policy_inner.h"

/* What stands on lines of its own; an empty text is a blank line. */
struct fmt_comment {
	struct fmt_comment *next;
	const char *text;
};

struct fmt_node {
	enum node_kind kind;
	bool is_flow, is_quoted, is_block; /* [..] or {..}; "..." or '...'; | or > */
	const char *text;
	size_t len;
	unsigned line, column, end_line; /* from 0 */
	unsigned end_column;
	struct fmt_entry *first;
	uint32_t count;
};

/* A key with its value, or an item of a list (key NULL). */
struct fmt_entry {
	struct fmt_entry *next, *up;
	struct fmt_node *key, *value;
	const struct fmt_node *in;
	struct fmt_comment *before, *after;
	struct fmt_comment *before_last, *after_last;
	const char *trailing;
	unsigned line, column, depth;
};

/* Bytes of a growing text. */
struct fmt_text {
	char *data;
	size_t len, room;
	struct pool *pool;
	struct fmt_text *line; /* where lines are tried out, used again and again */
};
void fmt_put(struct fmt_text *text, const char *data, size_t len);

struct fmt_tree {
	struct pool *pool;
	struct fmt_node *root;
	const char **comments; /* all of them, as they stand */
	uint32_t comment_count;
};

/* The text must have been read by yaml_read() without an error. False: not understood. */
bool fmt_read(struct pool *pool, const char *text, size_t len, struct fmt_tree *ret_tree);
void fmt_print(const struct fmt_tree *tree, struct fmt_text *out);

/* json_schema.c: names as in schema.tbl.h. What the mappings under a key are, or NULL; the place of
 * a key among those of its mapping, UINT_MAX for one that is not part of the language. */
const char *schema_inner(const char *where, const char *name);
unsigned schema_order(const char *where, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy fmt: keys in the order of the schema, lists sorted where their order means
 * nothing. The result is read again: what it says and what is commented must be what it was.
 */
#include "fmt.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 8u

/* Lists of texts whose order means nothing, and shows nowhere. */
static bool is_sorted_list(const char *where, const char *name)
{
	static const char *const names[] = {"carries", "via", "exempt", "watch", "phase"};
	if (!where)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return true;
	return !strcmp(where, "MATCH");
}

struct place_of {
	struct fmt_entry *entry;
	unsigned key, order;
};

static int key_compare(const void *left, const void *right)
{
	const struct place_of *a = left, *b = right;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int text_compare(const void *left, const void *right)
{
	const struct place_of *a = left, *b = right;
	int order = strcmp(a->entry->value->text, b->entry->value->text);
	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

static void reorder(struct pool *pool, struct fmt_node *node, const char *where,
		    int (*compare)(const void *, const void *))
{
	struct place_of *places = pool_alloc(pool, node->count * sizeof(*places));
	unsigned count = 0;
	for (struct fmt_entry *entry = node->first; entry; entry = entry->next) {
		const char *name = entry->key ? entry->key->text : "";
		places[count] = (struct place_of){entry, schema_order(where, name), count};
		count++;
	}
	qsort(places, count, sizeof(*places), compare);
	struct fmt_entry **tail = &node->first;
	for (unsigned i = 0; i < count; i++, tail = &(*tail)->next)
		*tail = places[i].entry;
	*tail = NULL;
}

/* Comments on lines of their own divide a list into groups: then it stays as it is. */
static bool may_be_sorted(const struct fmt_node *list)
{
	for (const struct fmt_entry *entry = list->first; entry; entry = entry->next)
		if (entry->value->kind != NODE_SCALAR || entry->before || entry->after)
			return false;
	return list->count > 1;
}

/* where: what kind of mapping it is, or its items are; NULL: not known. */
static void order_node(struct pool *pool, struct fmt_node *node, const char *where)
{
	if (node->kind == NODE_MAPPING && where && node->count > 1)
		reorder(pool, node, where, key_compare);
	for (struct fmt_entry *entry = node->first; entry; entry = entry->next) {
		const char *name = entry->key ? entry->key->text : NULL;
		struct fmt_node *value = entry->value;
		if (name && value->kind == NODE_LIST && is_sorted_list(where, name) &&
		    may_be_sorted(value))
			reorder(pool, value, where, text_compare);
		order_node(pool, value, !name ? where : where ? schema_inner(where, name) : NULL);
	}
}

static bool is_same(const struct fmt_node *a, const struct fmt_node *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == NODE_SCALAR)
		return a->len == b->len && !memcmp(a->text, b->text, a->len);
	const struct fmt_entry *left = a->first, *right = b->first;
	for (; left && right; left = left->next, right = right->next)
		if ((left->key && !is_same(left->key, right->key)) ||
		    !is_same(left->value, right->value))
			return false;
	return !left && !right;
}

static int string_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool has_same_comments(struct fmt_tree *a, struct fmt_tree *b)
{
	if (a->comment_count != b->comment_count)
		return false;
	if (!a->comment_count)
		return true;
	qsort(a->comments, a->comment_count, sizeof(*a->comments), string_compare);
	qsort(b->comments, b->comment_count, sizeof(*b->comments), string_compare);
	for (uint32_t i = 0; i < a->comment_count; i++)
		if (strcmp(a->comments[i], b->comments[i]) != 0)
			return false;
	return true;
}

/* Prints until what is printed no longer changes. False: not the same policy, or never done. */
static bool settle(struct pool *pool, const char *text, size_t len, struct fmt_text *ret_text)
{
	struct fmt_tree first, tree;
	if (!fmt_read(pool, text, len, &first))
		return false;
	order_node(pool, first.root, "TOP");
	*ret_text = (struct fmt_text){.pool = pool};
	fmt_print(&first, ret_text);
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		struct fmt_text again = {.pool = pool};
		if (!fmt_read(pool, ret_text->data, ret_text->len, &tree))
			return false;
		order_node(pool, tree.root, "TOP");
		if (!is_same(first.root, tree.root) || !has_same_comments(&first, &tree))
			return false;
		fmt_print(&tree, &again);
		if (again.len == ret_text->len && !memcmp(again.data, ret_text->data, again.len))
			return true;
		*ret_text = again;
	}
	return false;
}

/* Carriage returns before line ends go; everything else stays. */
static size_t unix_lines(char *text, size_t len)
{
	size_t used = 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
			text[used++] = text[i];
	text[used] = 0;
	return used;
}

struct fmt_state {
	struct pool pool;
	jmp_buf escape;
	struct reports reports;
	struct yaml_reader reader;
};

static int format(struct fmt_state *state, const char *path, const char *text, size_t len,
		  FILE *errors, char **ret_text, size_t *ret_len)
{
	struct pool *pool = &state->pool;
	struct fmt_text out;
	size_t mark = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	char *copy = pool_copy(pool, text + mark, len - mark);
	struct origin *origin = pool_alloc(pool, sizeof(*origin));
	*origin = (struct origin){
		.path = path, .text = copy, .len = unix_lines(copy, len - mark), .order = 1};
	state->reports.pool = pool;
	state->reader = (struct yaml_reader){
		.pool = pool, .reports = &state->reports, .origin = origin};
	const struct node *root = yaml_read(&state->reader);
	if (root && root->kind != NODE_MAPPING)
		report_error(&state->reports, root->place, "expected a mapping");
	bool is_read = root && !state->reports.errors;
	if (is_read && !settle(pool, copy, origin->len, &out)) {
		report_error(&state->reports, (struct place){origin, 0, 0},
			     "cannot be put into canonical form without losing something; "
			     "it stays as it is");
		is_read = false;
	}
	reports_sort(&state->reports);
	reports_print(&state->reports, errors);
	if (!is_read)
		return -EINVAL;
	*ret_text = malloc(out.len + 1);
	if (!*ret_text)
		return -ENOMEM;
	memcpy(*ret_text, out.data, out.len + 1);
	*ret_len = out.len;
	return 0;
}

int policy_format(const char *path, const char *text, size_t len, FILE *errors, char **ret_text,
		  size_t *ret_len)
{
	struct fmt_state *state = calloc(1, sizeof(*state));
	volatile int error = -ENOMEM;
	if (!state)
		return error;
	state->pool.escape = &state->escape;
	if (!setjmp(state->escape))
		error = format(state, path, text, len, errors, ret_text, ret_len);
	yaml_reader_done(&state->reader);
	pool_done(&state->pool);
	free(state);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML text into a tree with its comments. libyaml drops comments, so they are looked for in the
 * text, wherever no scalar is, and hung on the entries beside which they stand: on a line of its
 * own, in front of what follows, or behind what it is indented like; at the end of a line, to the
 * entry that ends there. Marks of libyaml count characters.
 */
#include <string.h>

#include "fmt.h"

struct range {
	unsigned line, column, end_line, end_column;
};

struct fmt_reader {
	struct fmt_tree *tree;
	struct pool *pool;
	yaml_parser_t parser;
	yaml_event_t event;
	struct range *scalars; /* in order */
	uint32_t scalar_count;
	struct fmt_entry **entries; /* in order of their places */
	uint32_t entry_count;
};

/* --- the tree --------------------------------------------------------------------------------- */

static bool next_event(struct fmt_reader *reader)
{
	yaml_event_delete(&reader->event);
	return yaml_parser_parse(&reader->parser, &reader->event);
}

static void note_scalar(struct fmt_reader *reader, struct fmt_node *node)
{
	struct range range = {node->line, node->column, node->end_line, node->end_column};
	if (node->is_block) /* a comment may stand behind its | or > */
		range = (struct range){node->line + 1, 0, node->end_line, node->end_column};
	reader->scalars = pool_grow(reader->pool, reader->scalars, reader->scalar_count,
				    sizeof(*reader->scalars));
	reader->scalars[reader->scalar_count++] = range;
}

static void read_scalar(struct fmt_reader *reader, struct fmt_node *node)
{
	const yaml_event_t *event = &reader->event;
	yaml_scalar_style_t style = event->data.scalar.style;
	node->kind = NODE_SCALAR;
	node->is_block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
	node->is_quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
			  style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	node->text = pool_copy(reader->pool, (const char *)event->data.scalar.value,
			       event->data.scalar.length);
	node->len = event->data.scalar.length;
	note_scalar(reader, node);
	/* The end of a block scalar is the beginning of what follows it. */
	if (node->is_block && !node->end_column && node->end_line > node->line)
		node->end_line--;
}

static struct fmt_node *read_node(struct fmt_reader *reader, struct fmt_entry *up, unsigned depth);

static struct fmt_entry *entry_new(struct fmt_reader *reader, struct fmt_node *in,
				   struct fmt_entry *up, unsigned depth)
{
	struct fmt_entry *entry = pool_alloc(reader->pool, sizeof(*entry));
	bool is_item = in->kind == NODE_LIST && !in->is_flow;
	entry->up = up;
	entry->in = in;
	entry->depth = depth;
	entry->line = (unsigned)reader->event.start_mark.line;
	entry->column = (unsigned)reader->event.start_mark.column;
	if (is_item && entry->column >= 2)
		entry->column -= 2; /* the dash */
	reader->entries = pool_grow(reader->pool, reader->entries, reader->entry_count,
				    sizeof(struct fmt_entry *));
	reader->entries[reader->entry_count++] = entry;
	return entry;
}

static bool read_children(struct fmt_reader *reader, struct fmt_node *node, struct fmt_entry *up,
			  unsigned depth)
{
	yaml_event_type_t end =
		node->kind == NODE_LIST ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT;
	struct fmt_entry **tail = &node->first;
	for (; next_event(reader); tail = &(*tail)->next) {
		if (reader->event.type == end) {
			if (node->is_flow) {
				node->end_line = (unsigned)reader->event.end_mark.line;
				node->end_column = (unsigned)reader->event.end_mark.column;
			}
			return true;
		}
		struct fmt_entry *entry = *tail = entry_new(reader, node, up, depth);
		if (node->kind == NODE_MAPPING) {
			entry->key = read_node(reader, entry, depth + 1);
			if (!entry->key || entry->key->kind != NODE_SCALAR || !next_event(reader))
				return false;
		}
		entry->value = read_node(reader, entry, depth + 1);
		if (!entry->value)
			return false;
		node->count++;
		if (entry->value->end_line > node->end_line)
			node->end_line = entry->value->end_line;
	}
	return false;
}

/* The node the current event begins. Depth is bounded: yaml_read() was here before. */
static struct fmt_node *read_node(struct fmt_reader *reader, struct fmt_entry *up, unsigned depth)
{
	struct fmt_node *node = pool_alloc(reader->pool, sizeof(*node));
	const yaml_event_t *event = &reader->event;
	node->line = (unsigned)event->start_mark.line;
	node->column = (unsigned)event->start_mark.column;
	node->end_line = (unsigned)event->end_mark.line;
	node->end_column = (unsigned)event->end_mark.column;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		read_scalar(reader, node);
		return node;
	case YAML_SEQUENCE_START_EVENT:
		node->kind = NODE_LIST;
		node->is_flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		return read_children(reader, node, up, depth) ? node : NULL;
	case YAML_MAPPING_START_EVENT:
		node->kind = NODE_MAPPING;
		node->is_flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		return read_children(reader, node, up, depth) ? node : NULL;
	default:
		return NULL;
	}
}

/* --- comments --------------------------------------------------------------------------------- */

static void append(struct pool *pool, struct fmt_comment **first, struct fmt_comment **last,
		   const char *text)
{
	struct fmt_comment *comment = pool_alloc(pool, sizeof(*comment));
	comment->text = text;
	if (*first)
		(*last)->next = comment;
	else
		*first = comment;
	*last = comment;
}

static void append_before(struct fmt_reader *reader, struct fmt_entry *entry, const char *text)
{
	append(reader->pool, &entry->before, &entry->before_last, text);
}

/* The first entry that begins on this line or later. */
static uint32_t entry_from(const struct fmt_reader *reader, unsigned line)
{
	uint32_t low = 0, high = reader->entry_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (reader->entries[middle]->line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A comment on its own line, or (text "") a blank line that stands before one. */
static void attach_line(struct fmt_reader *reader, unsigned line, unsigned column, const char *text)
{
	uint32_t at = entry_from(reader, line);
	struct fmt_entry *next = at < reader->entry_count ? reader->entries[at] : NULL;
	struct fmt_entry *last = at ? reader->entries[at - 1] : NULL;
	if (next && (column <= next->column || next->in->is_flow || next->up == last)) {
		append_before(reader, next, text);
		return;
	}
	while (last && last->up && (last->column > column || last->in->is_flow))
		last = last->up;
	if (last)
		append(reader->pool, &last->after, &last->after_last, text);
}

static struct fmt_entry *ends_on(const struct fmt_reader *reader, unsigned line)
{
	for (uint32_t i = entry_from(reader, line); i-- > 0;) {
		struct fmt_entry *entry = reader->entries[i], *found = NULL;
		for (; entry && entry->value->end_line >= line; entry = entry->up)
			if (entry->value->end_line == line)
				found = entry;
		if (found)
			return found;
		if (!reader->entries[i]->up)
			break;
	}
	return NULL;
}

/* Which entry a comment at the end of this line is about, or NULL. */
static struct fmt_entry *about(const struct fmt_reader *reader, unsigned line)
{
	uint32_t first = entry_from(reader, line);
	struct fmt_entry *found = NULL;
	for (uint32_t i = first; i < reader->entry_count && reader->entries[i]->line == line; i++) {
		struct fmt_entry *entry = reader->entries[i];
		/* Beside it, or inside it when it goes on below. */
		if (!found || entry->depth <= found->depth || found->value->end_line > line)
			found = entry;
	}
	return found ? found : ends_on(reader, line);
}

static void attach_trailing(struct fmt_reader *reader, unsigned line, unsigned column,
			    const char *text)
{
	struct fmt_entry *entry = about(reader, line);
	if (!entry)
		attach_line(reader, line, column, text);
	else if (entry->trailing)
		append_before(reader, entry, text);
	else
		entry->trailing = text;
}

static bool is_before(unsigned line, unsigned column, unsigned end_line, unsigned end_column)
{
	return line < end_line || (line == end_line && column < end_column);
}

/* Where in the line its comment begins; len: none. *scalar: the first that may hold part of it. */
static size_t find_comment(const struct fmt_reader *reader, const char *text, size_t len,
			   unsigned line, uint32_t *scalar, unsigned *ret_column)
{
	unsigned column = 0;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] >> 6 == 2)
			continue; /* inside a character */
		const struct range *range = &reader->scalars[*scalar];
		while (*scalar < reader->scalar_count &&
		       !is_before(line, column, range->end_line, range->end_column))
			range = &reader->scalars[++*scalar];
		bool is_inside = *scalar < reader->scalar_count &&
				 !is_before(line, column, range->line, range->column);
		bool is_apart = !i || text[i - 1] == ' ' || text[i - 1] == '\t';
		if (!is_inside && text[i] == '#' && is_apart) {
			*ret_column = column;
			return i;
		}
		column++;
	}
	return len;
}

static bool is_space(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

/* Is this blank line part of a scalar? It is when the next line that is not blank still belongs to
 * the same one; rest: the text behind it. */
static bool is_text_line(const struct fmt_reader *reader, unsigned line, uint32_t scalar,
			 const char *rest, size_t len)
{
	const struct range *range = &reader->scalars[scalar];
	if (scalar >= reader->scalar_count || range->line > line)
		return false;
	unsigned next = line + 1;
	size_t blanks = 0;
	for (; blanks < len && is_space(rest + blanks, 1); blanks++)
		;
	while (blanks < len && rest[blanks] == '\n') {
		next++;
		for (blanks++; blanks < len && is_space(rest + blanks, 1); blanks++)
			;
	}
	return blanks < len && is_before(next, 0, range->end_line, range->end_column);
}

static void keep_comment(struct fmt_reader *reader, const char *text)
{
	struct fmt_tree *tree = reader->tree;
	tree->comments = pool_grow(reader->pool, tree->comments, tree->comment_count,
				   sizeof(*tree->comments));
	tree->comments[tree->comment_count++] = text;
}

/* A blank line belongs in front of the entry that begins on this line, if one does. */
static void attach_blank(struct fmt_reader *reader, unsigned line)
{
	uint32_t next = entry_from(reader, line);
	if (next < reader->entry_count && reader->entries[next]->line == line &&
	    !reader->entries[next]->in->is_flow)
		append_before(reader, reader->entries[next], "");
}

static void read_comment(struct fmt_reader *reader, unsigned line, unsigned column,
			 const char *comment, bool is_own, bool has_blank)
{
	keep_comment(reader, comment);
	if (has_blank && is_own)
		attach_line(reader, line, column, "");
	else if (has_blank)
		attach_blank(reader, line);
	if (is_own)
		attach_line(reader, line, column, comment);
	else
		attach_trailing(reader, line, column, comment);
}

static void read_comments(struct fmt_reader *reader, const char *text, size_t len)
{
	uint32_t scalar = 0;
	bool has_blank = false;
	unsigned line = 0;
	for (size_t start = 0, end; start < len; start = end + 1, line++) {
		const char *newline = memchr(text + start, '\n', len - start);
		end = newline ? (size_t)(newline - text) : len;
		size_t line_len = end - start;
		unsigned column = 0;
		size_t at = find_comment(reader, text + start, line_len, line, &scalar, &column);
		if (at == line_len && is_space(text + start, line_len)) {
			has_blank |= newline && !is_text_line(reader, line, scalar, newline + 1,
							      len - end - 1);
			continue;
		}
		size_t comment_len = line_len - at;
		while (comment_len && is_space(text + start + at + comment_len - 1, 1))
			comment_len--;
		if (at < line_len)
			read_comment(reader, line, column,
				     pool_copy(reader->pool, text + start + at, comment_len),
				     is_space(text + start, at), has_blank);
		else if (has_blank)
			attach_blank(reader, line);
		has_blank = false;
	}
}

/* --- all of it --------------------------------------------------------------------------------- */

static bool read_root(struct fmt_reader *reader)
{
	do {
		if (!next_event(reader))
			return false;
	} while (reader->event.type == YAML_STREAM_START_EVENT ||
		 reader->event.type == YAML_DOCUMENT_START_EVENT);
	reader->tree->root = read_node(reader, NULL, 0);
	return reader->tree->root;
}

bool fmt_read(struct pool *pool, const char *text, size_t len, struct fmt_tree *ret_tree)
{
	struct fmt_reader reader = {.tree = ret_tree, .pool = pool};
	*ret_tree = (struct fmt_tree){.pool = pool};
	if (!yaml_parser_initialize(&reader.parser))
		return false;
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	bool is_read = read_root(&reader);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	/* What is a mapping of nothing has nowhere to hang a comment on. */
	if (!is_read || ret_tree->root->kind != NODE_MAPPING || !ret_tree->root->first)
		return false;
	read_comments(&reader, text, len);
	return true;
}

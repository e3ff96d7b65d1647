/* SPDX-License-Identifier: Apache-2.0
 *
 * See yaml.h. libyaml's events, not its documents: there an alias is still visible as one. Marks
 * are 0-based; errors of its reader (bytes that are not UTF-8) carry only an offset.
 */
#include "yaml.h"

#include <stdlib.h>
#include <string.h>

static struct place place_at(const struct yaml_reader *reader, yaml_mark_t mark)
{
	return (struct place){reader->origin, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* Characters, not bytes: continuation bytes do not count. */
static struct place place_of_offset(const struct yaml_reader *reader, size_t offset)
{
	struct place place = {reader->origin, 1, 1};
	for (size_t i = 0; i < offset && i < reader->origin->len; i++) {
		unsigned char c = (unsigned char)reader->origin->text[i];
		if (c == '\n') {
			place.line++;
			place.column = 1;
		} else if (c >> 6 != 2) {
			place.column++;
		}
	}
	return place;
}

static void report_syntax(struct yaml_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	if (parser->error == YAML_MEMORY_ERROR)
		longjmp(*reader->pool->escape, 1);
	if (parser->error == YAML_READER_ERROR)
		report_error(reader->reports, place_of_offset(reader, parser->problem_offset), "%s",
			     problem);
	else if (parser->context)
		report_error(reader->reports, place_at(reader, parser->problem_mark),
			     "%s %s that began in line %u", problem, parser->context,
			     (unsigned)parser->context_mark.line + 1);
	else
		report_error(reader->reports, place_at(reader, parser->problem_mark), "%s",
			     problem);
}

static bool next_event(struct yaml_reader *reader)
{
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	reader->has_event = false;
	if (!yaml_parser_parse(&reader->parser, &reader->event)) {
		report_syntax(reader);
		return false;
	}
	reader->has_event = true;
	return true;
}

/* Anchors and tags are refused where they stand, then ignored. */
static void check_properties(struct yaml_reader *reader, const yaml_char_t *anchor,
			     const yaml_char_t *tag)
{
	struct place place = place_at(reader, reader->event.start_mark);
	if (anchor)
		report_error(reader->reports, place, "anchors are not part of the language");
	if (tag)
		report_error(reader->reports, place, "tags are not part of the language");
}

static struct node *scalar_node(struct yaml_reader *reader, struct node *node)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	size_t len = reader->event.data.scalar.length;
	check_properties(reader, reader->event.data.scalar.anchor, reader->event.data.scalar.tag);
	if (memchr(text, 0, len)) {
		report_error(reader->reports, node->place, "a NUL character in a text");
		len = strlen(text);
	}
	node->kind = NODE_SCALAR;
	node->is_quoted = reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = pool_copy(reader->pool, text, len);
	node->len = len;
	return node;
}

static int key_compare(const void *left, const void *right)
{
	const struct node *a = *(struct node *const *)left, *b = *(struct node *const *)right;
	int order = strcmp(a->text, b->text);
	if (order)
		return order;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	return a->place.column < b->place.column ? -1 : a->place.column > b->place.column;
}

static void check_keys(struct yaml_reader *reader, const struct node *mapping)
{
	uint32_t count = 0;
	struct node **keys = pool_alloc(reader->pool, mapping->count * sizeof(*keys));
	for (struct node *key = mapping->first; key; key = key->next ? key->next->next : NULL) {
		if (key->kind == NODE_SCALAR)
			keys[count++] = key;
		else
			report_error(reader->reports, key->place, "a key must be a word");
	}
	if (count > 1)
		qsort(keys, count, sizeof(struct node *), key_compare);
	for (uint32_t i = 1; i < count; i++)
		if (!strcmp(keys[i - 1]->text, keys[i]->text))
			report_error(reader->reports, keys[i]->place,
				     "duplicate key \"%s\" (it already stands in line %u)",
				     report_quote(reader->pool, keys[i]->text, keys[i]->len),
				     keys[i - 1]->place.line);
}

static struct node *read_node(struct yaml_reader *reader, unsigned depth);

/* Children up to the event that closes node. */
static bool read_children(struct yaml_reader *reader, struct node *node, yaml_event_type_t end,
			  unsigned depth)
{
	struct node **tail = &node->first;
	for (uint32_t count = 0;; count++) {
		if (!next_event(reader))
			return false;
		if (reader->event.type == end) {
			node->count = node->kind == NODE_MAPPING ? count / 2 : count;
			return true;
		}
		*tail = read_node(reader, depth + 1);
		if (!*tail)
			return false;
		tail = &(*tail)->next;
	}
}

/* The node that the current event begins. Recursion is bounded by YAML_DEPTH_MAX. */
static struct node *read_node(struct yaml_reader *reader, unsigned depth)
{
	struct place place = place_at(reader, reader->event.start_mark);
	if (depth > YAML_DEPTH_MAX || ++reader->nodes > YAML_NODES_MAX) {
		report_error(reader->reports, place, "%s",
			     depth > YAML_DEPTH_MAX ? "nested too deeply" : "too many entries");
		return NULL;
	}
	struct node *node = pool_alloc(reader->pool, sizeof(*node));
	node->place = place;
	switch (reader->event.type) {
	case YAML_SCALAR_EVENT:
		return scalar_node(reader, node);
	case YAML_SEQUENCE_START_EVENT:
		node->kind = NODE_LIST;
		check_properties(reader, reader->event.data.sequence_start.anchor,
				 reader->event.data.sequence_start.tag);
		return read_children(reader, node, YAML_SEQUENCE_END_EVENT, depth) ? node : NULL;
	case YAML_MAPPING_START_EVENT:
		node->kind = NODE_MAPPING;
		check_properties(reader, reader->event.data.mapping_start.anchor,
				 reader->event.data.mapping_start.tag);
		if (!read_children(reader, node, YAML_MAPPING_END_EVENT, depth))
			return NULL;
		check_keys(reader, node);
		return node;
	case YAML_ALIAS_EVENT:
		report_error(reader->reports, place, "aliases are not part of the language");
		node->text = "";
		node->is_broken = true;
		return node;
	default:
		report_error(reader->reports, place, "not YAML");
		return NULL;
	}
}

static struct node *read_document(struct yaml_reader *reader)
{
	if (!next_event(reader)) /* stream start */
		return NULL;
	if (!next_event(reader))
		return NULL;
	if (reader->event.type == YAML_STREAM_END_EVENT) {
		report_error(reader->reports, (struct place){reader->origin, 0, 0},
			     "the policy is empty, it must say \"version: 1\"");
		return NULL;
	}
	if (!next_event(reader)) /* document start */
		return NULL;
	struct node *root = read_node(reader, 0);
	if (!root || !next_event(reader) /* document end */ || !next_event(reader))
		return NULL;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return root;
	report_error(reader->reports, place_at(reader, reader->event.start_mark),
		     "a second document, a policy file holds one");
	return NULL;
}

struct node *yaml_read(struct yaml_reader *reader)
{
	if (!yaml_parser_initialize(&reader->parser))
		longjmp(*reader->pool->escape, 1);
	reader->has_parser = true;
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->origin->text,
				     reader->origin->len);
	struct node *root = read_document(reader);
	yaml_reader_done(reader);
	return root;
}

void yaml_reader_done(struct yaml_reader *reader)
{
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	if (reader->has_parser)
		yaml_parser_delete(&reader->parser);
	reader->has_event = reader->has_parser = false;
}

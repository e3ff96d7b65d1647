/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML document as a tree of nodes with their places. Only what the language needs: scalars are
 * text, no anchors, aliases, tags or second documents; duplicate keys and keys that are not text
 * are errors; size, depth and number of nodes are bounded.
 */
#ifndef SOWATCH_POLICY_YAML_H
#define SOWATCH_POLICY_YAML_H

#include <yaml.h>

#include "report.h"

#define YAML_DEPTH_MAX 32u
#define YAML_NODES_MAX (1u << 20)

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAPPING };

struct node {
	struct place place;
	enum node_kind kind;
	bool is_quoted;
	bool is_broken;	  /* reported; say no more about it */
	const char *text; /* scalar, NUL-terminated, no NUL inside */
	size_t len;
	struct node *first; /* child; in a mapping key, value, key, value ... */
	struct node *next;  /* sibling */
	uint32_t count;	    /* children; of a mapping: pairs */
};

/* Parser state lives with the caller, so that it can be given back after an unwind. */
struct yaml_reader {
	struct pool *pool;
	struct reports *reports;
	struct origin *origin;
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_parser, has_event;
	uint32_t nodes;
};

/* The root node, or NULL: reported. */
struct node *yaml_read(struct yaml_reader *reader);
void yaml_reader_done(struct yaml_reader *reader);

#endif

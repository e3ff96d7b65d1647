/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts about one subject into rules: the fewest that say what was seen, as narrow as the evidence.
 */
#ifndef SOWATCH_LEARN_RULES_H
#define SOWATCH_LEARN_RULES_H

#include <jansson.h>

#include "facts.h"
#include "normal.h"

struct rule_ports {
	uint32_t low, high;
};

struct learned_rule {
	uint32_t action;
	const char *id; /* "read-1f0c33aa": of action and text, not of what was counted */
	const char **parts; /* globs: path; from, to; program, arguments; peer; name */
	uint32_t part_count;
	bool takes_rest; /* program: any further arguments */
	bool is_general; /* says more than what was seen */
	struct rule_ports *ports;
	uint32_t port_count;
	const char *proto; /* "tcp", "udp" or "" */
	const struct fact **facts; /* what it was made from, in order */
	uint32_t fact_count;
	json_t *kept; /* of an earlier learning: its evidence, see keep.c */
};

struct learned_rules {
	struct learned_rule *items; /* by action, then text */
	uint32_t count;
};

/* is_narrow: only what is evidently the same is made one (diff); else also where many things of one
 * directory or network were seen (learn). Order of facts does not matter. */
void rules_make(struct pool *pool, const struct normal_fans *fans, const struct fact *const *facts,
		uint32_t count, bool is_narrow, struct learned_rules *ret);

/* From here on Linux chooses ports itself. */
#define RULES_PORT_CHOSEN 32768u

void rules_add_port(struct pool *pool, struct learned_rule *rule, struct rule_ports port);
/* All ports that Linux chooses in place of those of them that are listed. */
void rules_open_ports(struct learned_rule *rule);

/* By action, then text. */
void rules_sort(struct learned_rules *rules);

/* "10.0.0.0/24:443/tcp": what the rule allows, for people. */
void rules_show(struct text *text, const struct learned_rule *rule);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by rules.c, rules_peer.c and rules_wide.c.
 */
#ifndef SOWATCH_LEARN_RULES_INNER_H
#define SOWATCH_LEARN_RULES_INNER_H

#include "rules.h"

struct maker {
	struct pool *pool;
	const struct normal_fans *fans;
	bool is_narrow;
	struct learned_rules *rules;
};

struct learned_rule *rule_push(struct maker *maker, uint32_t action, bool is_general);
void rule_add_part(struct maker *maker, struct learned_rule *rule, const char *part);
void rule_add_fact(struct maker *maker, struct learned_rule *rule, const struct fact *fact);

/* Facts of one action. */
void rules_peer(struct maker *maker, uint32_t action, const struct fact *const *facts,
		uint32_t count);
/* What bind already grants, and what a listed peer does: taken out again. */
void rules_drop_granted(struct maker *maker);

/* Many files of one directory, many directories of one tree. Works on the rules [from, count) of one
 * action, each with one path. */
void rules_widen(struct maker *maker, uint32_t from);

#endif

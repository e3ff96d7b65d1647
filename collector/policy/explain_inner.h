/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by explain.c (the chain and the profiles), explain_rules.c and explain_mend.c.
 */
#ifndef SOWATCH_POLICY_EXPLAIN_INNER_H
#define SOWATCH_POLICY_EXPLAIN_INNER_H

#include "explain.h"
#include "policy_inner.h"

/* What all of it is about. */
struct inquiry {
	struct explanation *explanation;
	struct question *question;
	const struct chain *chain;   /* may be NULL: no chain is known */
	uint32_t charged, judged;    /* links; count when there is no chain */
	const struct subject *asked; /* whose rules decided */
	const struct policy_binding *binding;
};

void explain_rules(struct inquiry *inquiry);
void explain_mend(struct inquiry *inquiry);

#endif

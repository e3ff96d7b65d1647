/* SPDX-License-Identifier: Apache-2.0
 *
 * Items for the log's tests: any kind, any value, and the comparison of two of them. What is
 * random comes from a seed, so that a failure can be repeated.
 */
#ifndef SOWATCH_TESTS_MADE_H
#define SOWATCH_TESTS_MADE_H

#include "../../collector/item.h"

struct random {
	uint64_t state;
};

/* A memory of its own per item, so that ASan sees whoever keeps a pointer too long. */
struct made {
	struct item item;
	void *memory[16];
	unsigned count;
};

uint64_t random_next(struct random *random);
/* Now and then 0, 1, all ones or a single high bit: where encodings break. */
uint64_t random_value(struct random *random);
void made_item(struct made *made, struct random *random, enum item_type type);
void made_free(struct made *made);
/* NULL: every field is the same; else the name of one that is not. */
const char *items_differ(const struct item *a, const struct item *b);
/* A deep copy, for items that a reader is about to take back. */
void made_copy(struct made *made, const struct item *item);

#endif

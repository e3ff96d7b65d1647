/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is given back all at once. What the model learns it never forgets, so that pointers
 * into it live as long as the model.
 */
#ifndef SOWATCH_MODEL_STORE_H
#define SOWATCH_MODEL_STORE_H

#include "../item.h"

struct store_block;

struct store {
	struct store_block *blocks;
	size_t used; /* bytes of the newest block */
};

/* Zeroed, aligned for any type; NULL when out of memory. */
void *store_alloc(struct store *store, size_t bytes);
/* A copy with a NUL behind it; embedded NULs stay. NULL when out of memory. */
char *store_bytes(struct store *store, struct str bytes);
/* The same for a name or path: an embedded NUL would hide what follows it, so it becomes '?'. */
char *store_string(struct store *store, struct str string);
void store_done(struct store *store);

/* A growing array of pointers, for ids that are dense from 1. */
struct table {
	void **rows;
	uint32_t count, room;
};

int table_push(struct table *table, void *row); /* 0 or -ENOMEM */
void table_done(struct table *table);

static inline void *table_at(const struct table *table, uint32_t id)
{
	return id && id <= table->count ? table->rows[id - 1] : NULL;
}

#endif

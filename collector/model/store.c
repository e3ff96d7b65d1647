/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STORE_BLOCK_BYTES (256u << 10)

struct store_block {
	struct store_block *next;
	size_t bytes;
	_Alignas(16) unsigned char data[];
};

void *store_alloc(struct store *store, size_t bytes)
{
	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + 15) & ~(size_t)15;
	struct store_block *block = store->blocks;
	if (!block || block->bytes - store->used < bytes) {
		size_t room = bytes > STORE_BLOCK_BYTES ? bytes : STORE_BLOCK_BYTES;
		block = calloc(1, sizeof(*block) + room);
		if (!block)
			return NULL;
		block->bytes = room;
		block->next = store->blocks;
		store->blocks = block;
		store->used = 0;
	}
	void *ret = block->data + store->used;
	store->used += bytes;
	return ret;
}

char *store_bytes(struct store *store, struct str bytes)
{
	char *ret = store_alloc(store, (size_t)bytes.len + 1);
	if (ret && bytes.len)
		memcpy(ret, bytes.data, bytes.len);
	return ret;
}

char *store_string(struct store *store, struct str string)
{
	char *ret = store_bytes(store, string);
	if (!ret)
		return NULL;
	for (char *nul = memchr(ret, 0, string.len); nul;
	     nul = memchr(nul, 0, (size_t)(ret + string.len - nul)))
		*nul = '?';
	return ret;
}

void store_done(struct store *store)
{
	while (store->blocks) {
		struct store_block *next = store->blocks->next;
		free(store->blocks);
		store->blocks = next;
	}
	store->used = 0;
}

int table_push(struct table *table, void *row)
{
	if (table->count == table->room) {
		uint32_t room = table->room ? table->room * 2 : 64;
		if (room < table->room)
			return -ENOMEM;
		void **rows = realloc(table->rows, (size_t)room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		table->rows = rows;
		table->room = room;
	}
	table->rows[table->count++] = row;
	return 0;
}

void table_done(struct table *table)
{
	free(table->rows);
	*table = (struct table){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES (256u << 10)

struct arena_block {
	struct arena_block *next;
	size_t bytes;
	_Alignas(16) unsigned char data[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + 15) & ~(size_t)15;
	struct arena_block *block = arena->blocks;
	if (!block || block->bytes - arena->used < bytes) {
		size_t room = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
		block = calloc(1, sizeof(*block) + room);
		if (!block)
			return NULL;
		block->bytes = room;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
	}
	void *ret = block->data + arena->used;
	arena->used += bytes;
	return ret;
}

char *arena_bytes(struct arena *arena, struct str bytes)
{
	char *ret = arena_alloc(arena, (size_t)bytes.len + 1);
	if (ret && bytes.len)
		memcpy(ret, bytes.data, bytes.len);
	return ret;
}

char *arena_string(struct arena *arena, struct str string)
{
	char *ret = arena_bytes(arena, string);
	if (!ret)
		return NULL;
	for (char *nul = memchr(ret, 0, string.len); nul;
	     nul = memchr(nul, 0, (size_t)(ret + string.len - nul)))
		*nul = '?';
	return ret;
}

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;
		free(arena->blocks);
		arena->blocks = next;
	}
	arena->used = 0;
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

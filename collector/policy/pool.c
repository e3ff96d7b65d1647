/* SPDX-License-Identifier: Apache-2.0
 *
 * See pool.h.
 */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BLOCK_BYTES 65536u
#define POOL_ALIGN 16u

struct pool_block {
	struct pool_block *next;
	size_t used, room;
	_Alignas(POOL_ALIGN) unsigned char data[];
};

static struct pool_block *pool_add(struct pool *pool, size_t bytes)
{
	size_t room = bytes > POOL_BLOCK_BYTES ? bytes : POOL_BLOCK_BYTES;
	struct pool_block *block = NULL;
	if (bytes < SIZE_MAX / 2)
		block = calloc(1, sizeof(*block) + room);
	if (!block)
		longjmp(*pool->escape, 1);
	block->room = room;
	if (pool->blocks && bytes > POOL_BLOCK_BYTES / 4) {
		/* A big one goes behind the current block, whose rest stays in use. */
		block->next = pool->blocks->next;
		pool->blocks->next = block;
	} else {
		block->next = pool->blocks;
		pool->blocks = block;
	}
	return block;
}

void *pool_alloc(struct pool *pool, size_t bytes)
{
	struct pool_block *block = pool->blocks;
	bytes = (bytes + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
	if (!block || block->room - block->used < bytes)
		block = pool_add(pool, bytes);
	void *start = block->data + block->used;
	block->used += bytes;
	return start;
}

char *pool_copy(struct pool *pool, const char *data, size_t len)
{
	char *copy = pool_alloc(pool, len + 1);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

char *pool_print_list(struct pool *pool, const char *format, va_list list)
{
	va_list again;
	va_copy(again, list);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0)
		longjmp(*pool->escape, 1);
	char *text = pool_alloc(pool, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, list);
	return text;
}

char *pool_print(struct pool *pool, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = pool_print_list(pool, format, list);
	va_end(list);
	return text;
}

void *pool_grow(struct pool *pool, void *array, uint32_t count, size_t element_bytes)
{
	bool is_full = !count || (count >= 4 && !(count & (count - 1)));
	if (!is_full)
		return array;
	size_t room = count ? (size_t)count * 2 : 4;
	void *bigger = pool_alloc(pool, room * element_bytes);
	if (count)
		memcpy(bigger, array, count * element_bytes);
	return bigger;
}

void pool_done(struct pool *pool)
{
	while (pool->blocks) {
		struct pool_block *block = pool->blocks;
		pool->blocks = block->next;
		free(block);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u << 10)

struct queue_chunk {
	struct queue_chunk *next;
	size_t used, bytes;
	char data[];
};

static void chunks_free(struct queue_chunk *chunk)
{
	while (chunk) {
		struct queue_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void queue_done(struct queue *queue)
{
	free(queue->items);
	chunks_free(queue->chunks);
	memset(queue, 0, sizeof(*queue));
}

void queue_clear(struct queue *queue)
{
	queue->first = queue->count = 0;
	if (!queue->chunks)
		return;
	chunks_free(queue->chunks->next);
	queue->chunks->next = NULL;
	queue->chunks->used = 0;
}

struct item *queue_add(struct queue *queue, enum item_type type)
{
	struct item *item = &queue->spare;

	if (queue->count == queue->capacity) {
		size_t capacity = queue->capacity ? queue->capacity * 2 : 1024;
		struct item *items = realloc(queue->items, capacity * sizeof(*items));

		if (items) {
			queue->items = items;
			queue->capacity = capacity;
		}
	}
	if (queue->count < queue->capacity)
		item = &queue->items[queue->count++];
	else
		queue->is_out_of_memory = true;
	memset(item, 0, sizeof(*item));
	item->type = type;
	return item;
}

void *queue_alloc(struct queue *queue, size_t bytes)
{
	struct queue_chunk *chunk = queue->chunks;
	void *place;

	bytes = (bytes + 7) & ~(size_t)7;
	if (!chunk || chunk->bytes - chunk->used < bytes) {
		size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk) {
			queue->is_out_of_memory = true;
			return NULL;
		}
		chunk->next = queue->chunks;
		chunk->used = 0;
		chunk->bytes = room;
		queue->chunks = chunk;
	}
	place = chunk->data + chunk->used;
	chunk->used += bytes;
	return place;
}

struct str queue_str(struct queue *queue, const void *data, size_t len)
{
	char *copy;

	if (!len)
		return (struct str){ "", 0 };
	copy = queue_alloc(queue, len);
	if (!copy)
		return (struct str){ "", 0 };
	memcpy(copy, data, len);
	return (struct str){ copy, (uint32_t)len };
}

struct str queue_text(struct queue *queue, const char *text)
{
	return queue_str(queue, text ? text : "", text ? strlen(text) : 0);
}

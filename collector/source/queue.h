/* SPDX-License-Identifier: Apache-2.0
 *
 * The items a source has ready, with the bytes their strings point to. Filled in one go, handed
 * out one by one, emptied as a whole: strings live until the queue is cleared.
 */
#ifndef SOWATCH_SOURCE_QUEUE_H
#define SOWATCH_SOURCE_QUEUE_H

#include "../item.h"

struct queue_chunk;

struct queue {
	struct item *items;
	size_t first, count, capacity;
	struct queue_chunk *chunks;
	bool is_out_of_memory; /* something was dropped: the source must give up */
	struct item spare;     /* what queue_add() answers with then */
};

void queue_done(struct queue *queue);
/* Forgets everything handed out so far; keeps the memory. Only when queue_is_empty(). */
void queue_clear(struct queue *queue);
/* A zeroed item of that type at the end. Never NULL; valid until the next queue_add(). */
struct item *queue_add(struct queue *queue, enum item_type type);
/* A copy of the bytes that lives until queue_clear(). */
struct str queue_str(struct queue *queue, const void *data, size_t len);
struct str queue_text(struct queue *queue, const char *text);
void *queue_alloc(struct queue *queue, size_t bytes);

static inline bool queue_is_empty(const struct queue *queue)
{
	return queue->first == queue->count;
}

static inline const struct item *queue_take(struct queue *queue)
{
	return queue_is_empty(queue) ? NULL : &queue->items[queue->first++];
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A bump allocator. After a round that needed several chunks the next one starts with a single
 * chunk of their size, so steady use settles at no malloc at all.
 */
#include "arena.h"

#include <stdlib.h>

#define ARENA_CHUNK_MIN ((size_t)64 << 10)
/* What a round keeps for the next; more is given back. */
#define ARENA_KEEP ((size_t)16 << 20)

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
	_Alignas(16) unsigned char data[];
};

void arena_init(struct arena *arena, size_t cap)
{
	*arena = (struct arena){ .cap = cap };
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t bytes)
{
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + bytes);

	if (!chunk)
		return NULL;
	chunk->bytes = bytes;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->held += bytes;
	arena->used = 0;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_chunk *chunk = arena->chunks;
	size_t want;
	void *at;

	if (bytes > arena->cap)
		return NULL;
	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > arena->cap - arena->given)
		return NULL;
	if (!chunk || bytes > chunk->bytes - arena->used) {
		want = arena->held > ARENA_CHUNK_MIN ? arena->held : ARENA_CHUNK_MIN;
		if (want > ARENA_KEEP)
			want = ARENA_KEEP;
		chunk = chunk_new(arena, bytes > want ? bytes : want);
		if (!chunk)
			return NULL;
	}
	at = chunk->data + arena->used;
	arena->used += bytes;
	arena->given += bytes;
	return at;
}

static void chunks_free(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->chunks = NULL;
	arena->held = 0;
}

void arena_reset(struct arena *arena)
{
	size_t held = arena->held;

	if (arena->chunks && (arena->chunks->next || held > ARENA_KEEP)) {
		chunks_free(arena);
		/* When this fails the next arena_alloc tries again. */
		chunk_new(arena, held > ARENA_KEEP ? ARENA_KEEP : held);
	}
	arena->used = 0;
	arena->given = 0;
}

void arena_done(struct arena *arena)
{
	chunks_free(arena);
	arena->used = 0;
	arena->given = 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is given back all at once: for what one block holds. Bounded, so that a hostile log
 * cannot ask for more than the cap.
 */
#ifndef SOWATCH_LOG_ARENA_H
#define SOWATCH_LOG_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;		    /* of the newest chunk */
	size_t held;		    /* in all chunks */
	size_t given;		    /* since the last reset */
	size_t cap;
};

void arena_init(struct arena *arena, size_t cap);
/* Aligned for anything, not cleared. NULL: out of memory, or beyond the cap. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* Everything given is void; memory is kept for the next round. */
void arena_reset(struct arena *arena);
void arena_done(struct arena *arena);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See memo.h.
 */
#include "memo.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PLACES_MIN 1024u
#define PLACES_MAX (1u << 17)

struct memo_entry {
	struct memo_key key;
	uint32_t first, count; /* of outcomes */
};

static uint64_t hash_of(const struct memo_key *key)
{
	return XXH3_64bits(key, sizeof(*key));
}

uint32_t memo_get(const struct memo *memo, const struct memo_key *key,
		  const struct outcome **ret_outcomes)
{
	uint64_t hash = hash_of(key);
	if (!memo->room)
		return 0;
	for (uint32_t at = (uint32_t)(hash >> 32);; at++) {
		uint64_t place = memo->places[at & (memo->room - 1)];
		if (!place)
			return 0;
		const struct memo_entry *entry = &memo->entries[(uint32_t)place - 1];
		if (place >> 32 != hash >> 32 || memcmp(&entry->key, key, sizeof(*key)))
			continue;
		*ret_outcomes = memo->outcomes + entry->first;
		return entry->count;
	}
}

static void place_put(uint64_t *places, uint32_t room, uint64_t place)
{
	uint32_t at = (uint32_t)(place >> 32);
	while (places[at & (room - 1)])
		at++;
	places[at & (room - 1)] = place;
}

/* Twice the places, up to a bound; then everything is forgotten. */
static bool reserve_place(struct memo *memo)
{
	if (memo->entry_count * 2 < memo->room)
		return true;
	if (memo->room >= PLACES_MAX) {
		memo_clear(memo);
		return true;
	}
	uint32_t room = memo->room ? memo->room * 2 : PLACES_MIN;
	uint64_t *bigger = calloc(room, sizeof(*bigger));
	if (!bigger) {
		memo_clear(memo);
		return memo->room;
	}
	for (uint32_t i = 0; i < memo->room; i++)
		if (memo->places[i])
			place_put(bigger, room, memo->places[i]);
	free(memo->places);
	memo->places = bigger;
	memo->room = room;
	return true;
}

/* array itself, or a bigger one; NULL: out of memory, and the old one is as it was. */
static void *reserve(void *array, uint32_t needed, uint32_t *room, size_t bytes)
{
	uint32_t more = *room ? *room : PLACES_MIN / 2;
	if (needed <= *room)
		return array;
	while (more < needed)
		more *= 2;
	void *bigger = realloc(array, more * bytes);
	if (bigger)
		*room = more;
	return bigger;
}

void memo_put(struct memo *memo, const struct memo_key *key, const struct outcome *outcomes,
	      uint32_t count)
{
	if (!reserve_place(memo))
		return;
	void *array = reserve(memo->entries, memo->entry_count + 1, &memo->entry_room,
			      sizeof(*memo->entries));
	if (!array)
		return;
	memo->entries = array;
	array = reserve(memo->outcomes, memo->outcome_count + count, &memo->outcome_room,
			sizeof(*memo->outcomes));
	if (!array)
		return;
	memo->outcomes = array;
	memo->entries[memo->entry_count++] =
		(struct memo_entry){*key, memo->outcome_count, count};
	memcpy(memo->outcomes + memo->outcome_count, outcomes, count * sizeof(*outcomes));
	memo->outcome_count += count;
	place_put(memo->places, memo->room, (hash_of(key) >> 32) << 32 | memo->entry_count);
}

void memo_clear(struct memo *memo)
{
	if (memo->places)
		memset(memo->places, 0, memo->room * sizeof(*memo->places));
	memo->entry_count = memo->outcome_count = 0;
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	free(memo->places);
	free(memo->entries);
	free(memo->outcomes);
	free(memo);
}

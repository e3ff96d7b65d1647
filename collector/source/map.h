/* SPDX-License-Identifier: Apache-2.0
 *
 * Two tables: contents -> number (map), and a process's own ids -> numbers (ids).
 *
 * A map's key is the 128-bit XXH3 of the contents under a seed drawn for the run, so that a
 * watched process cannot prepare two contents that fall together.
 */
#ifndef SOWATCH_SOURCE_MAP_H
#define SOWATCH_SOURCE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key {
	uint64_t hi, lo;
};

struct map_entry {
	struct key key; /* both 0: free */
	uint32_t value;
	uint32_t stamp; /* the user's: when it was looked up */
};

struct map {
	struct map_entry *entries;
	uint32_t mask; /* capacity - 1, when there are entries */
	uint32_t count;
	uint32_t max; /* that many entries: forget all of them; 0: no bound */
};

struct key key_of(uint64_t seed, const void *data, size_t len);
struct map_entry *map_find(const struct map *map, struct key key);
/* The entry of that key, a new one has value 0. NULL: out of memory. Valid until the next add. */
struct map_entry *map_add(struct map *map, struct key key);
void map_clear(struct map *map);
void map_done(struct map *map);

/* Ids come in ascending order from an honest shim. Bounded: the newest IDS_MAX are remembered. */
#define IDS_MAX (1u << 20)

struct id_entry {
	uint32_t id, value;
};

struct ids {
	struct id_entry *entries;
	uint32_t mask;
};

int ids_set(struct ids *ids, uint32_t id, uint32_t value);
void ids_done(struct ids *ids);

/* false: never defined, or forgotten. */
static inline bool ids_get(const struct ids *ids, uint32_t id, uint32_t *ret_value)
{
	const struct id_entry *entry;

	if (!ids->entries || !id)
		return false;
	entry = &ids->entries[id & ids->mask];
	*ret_value = entry->value;
	return entry->id == id;
}

#endif

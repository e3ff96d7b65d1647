/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

struct key key_of(uint64_t seed, const void *data, size_t len)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(data, len, seed);

	return (struct key){ hash.high64 | 1, hash.low64 };
}

static struct map_entry *map_place(const struct map *map, struct key key)
{
	uint32_t i = (uint32_t)key.lo & map->mask;

	while (map->entries[i].key.hi) {
		if (map->entries[i].key.hi == key.hi && map->entries[i].key.lo == key.lo)
			break;
		i = (i + 1) & map->mask;
	}
	return &map->entries[i];
}

struct map_entry *map_find(const struct map *map, struct key key)
{
	struct map_entry *entry;

	if (!map->entries)
		return NULL;
	entry = map_place(map, key);
	return entry->key.hi ? entry : NULL;
}

static int map_grow(struct map *map)
{
	struct map bigger = { .max = map->max };
	uint32_t capacity = map->entries ? (map->mask + 1) * 2 : 256;

	bigger.entries = calloc(capacity, sizeof(*bigger.entries));
	if (!bigger.entries)
		return -ENOMEM;
	bigger.mask = capacity - 1;
	bigger.count = map->count;
	for (uint32_t i = 0; map->entries && i <= map->mask; i++) {
		if (map->entries[i].key.hi)
			*map_place(&bigger, map->entries[i].key) = map->entries[i];
	}
	free(map->entries);
	*map = bigger;
	return 0;
}

struct map_entry *map_add(struct map *map, struct key key)
{
	struct map_entry *entry = map_find(map, key);

	if (entry)
		return entry;
	if (map->max && map->count >= map->max)
		map_clear(map);
	if (!map->entries || map->count >= (map->mask + 1) / 4 * 3) {
		if (map_grow(map) < 0)
			return NULL;
	}
	entry = map_place(map, key);
	entry->key = key;
	map->count++;
	return entry;
}

void map_clear(struct map *map)
{
	if (map->entries)
		memset(map->entries, 0, ((size_t)map->mask + 1) * sizeof(*map->entries));
	map->count = 0;
}

void map_done(struct map *map)
{
	free(map->entries);
	memset(map, 0, sizeof(*map));
}

static int ids_grow(struct ids *ids)
{
	uint32_t capacity = ids->entries ? (ids->mask + 1) * 2 : 64;
	struct id_entry *entries = calloc(capacity, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; ids->entries && i <= ids->mask; i++)
		entries[ids->entries[i].id & (capacity - 1)] = ids->entries[i];
	free(ids->entries);
	ids->entries = entries;
	ids->mask = capacity - 1;
	return 0;
}

int ids_set(struct ids *ids, uint32_t id, uint32_t value)
{
	struct id_entry *entry;

	if (!id)
		return -EINVAL;
	if (!ids->entries && ids_grow(ids) < 0)
		return -ENOMEM;
	for (;;) {
		entry = &ids->entries[id & ids->mask];
		if (!entry->id || entry->id == id || ids->mask + 1 >= IDS_MAX)
			break;
		if (ids_grow(ids) < 0)
			return -ENOMEM;
	}
	*entry = (struct id_entry){ id, value };
	return 0;
}

void ids_done(struct ids *ids)
{
	free(ids->entries);
	memset(ids, 0, sizeof(*ids));
}

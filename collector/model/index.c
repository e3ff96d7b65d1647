/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "model_inner.h"

uint32_t index_find(const struct model *model, const struct index *index, uint64_t hash,
		    index_is_same is_same, const void *key)
{
	if (!index->room)
		return 0;
	uint32_t mask = index->room - 1;
	for (uint32_t at = (uint32_t)hash & mask; index->places[at]; at = (at + 1) & mask)
		if (is_same(model, index->places[at], key))
			return index->places[at];
	return 0;
}

void index_put(struct index *index, uint64_t hash, uint32_t id)
{
	uint32_t mask = index->room - 1;
	uint32_t at = (uint32_t)hash & mask;
	while (index->places[at])
		at = (at + 1) & mask;
	index->places[at] = id;
	index->count++;
}

int index_reserve(const struct model *model, struct index *index,
		  uint64_t (*hash_of)(const struct model *model, uint32_t id))
{
	if (index->room && index->count < index->room / 2)
		return 0;
	struct index grown = {.room = index->room ? index->room * 2 : 64};
	if (!grown.room)
		return -ENOMEM;
	grown.places = calloc(grown.room, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	for (uint32_t i = 0; i < index->room; i++)
		if (index->places[i])
			index_put(&grown, hash_of(model, index->places[i]), index->places[i]);
	free(index->places);
	*index = grown;
	return 0;
}

void index_done(struct index *index)
{
	free(index->places);
	*index = (struct index){0};
}

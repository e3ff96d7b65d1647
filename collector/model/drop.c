/* SPDX-License-Identifier: Apache-2.0
 *
 * Files by who wrote them last: what runs one later may be running what it dropped. By path, for that is
 * what a log has of both; a name that moves takes its writer along. The newest few thousand are
 * known: two halves, the older one is forgotten whole, so that a replay forgets the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model_inner.h"

#define HALF_ROOM 16384u /* places; half of them are filled */

struct drop_row {
	XXH128_hash_t path;
	struct drop drop; /* serial 0: free */
};

struct drops {
	struct drop_row *newer, *older;
	uint32_t count, serial;
};

static struct drop_row *row_find(struct drop_row *rows, XXH128_hash_t path)
{
	uint64_t at = path.low64;
	while (rows[at % HALF_ROOM].drop.serial &&
	       !XXH128_isEqual(rows[at % HALF_ROOM].path, path))
		at++;
	return &rows[at % HALF_ROOM];
}

static struct drops *drops_of(struct model *model)
{
	if (model->drops)
		return model->drops;
	struct drops *drops = calloc(1, sizeof(*drops));
	struct drop_row *rows = calloc(2 * HALF_ROOM, sizeof(*rows));
	if (!drops || !rows) {
		free(drops);
		free(rows);
		return NULL;
	}
	drops->newer = rows;
	drops->older = rows + HALF_ROOM;
	return model->drops = drops;
}

void drops_done(struct model *model)
{
	if (!model->drops)
		return;
	free(model->drops->newer < model->drops->older ? model->drops->newer : model->drops->older);
	free(model->drops);
	model->drops = NULL;
}

int model_drop_note(struct model *model, struct str path, const struct subject *writer,
		    const struct chain *chain)
{
	struct drops *drops = drops_of(model);
	if (!drops)
		return -ENOMEM;
	if (drops->count == HALF_ROOM / 2) {
		struct drop_row *rows = drops->older;
		drops->older = drops->newer;
		drops->newer = rows;
		drops->count = 0;
		memset(rows, 0, HALF_ROOM * sizeof(*rows));
	}
	struct drop_row *row = row_find(drops->newer, XXH3_128bits(path.data, path.len));
	drops->count += !row->drop.serial;
	row->path = XXH3_128bits(path.data, path.len);
	row->drop = (struct drop){++drops->serial, writer, chain};
	if (!drops->serial)
		row->drop.serial = ++drops->serial;
	return 0;
}

const struct drop *model_drop_of(const struct model *model, struct str path)
{
	if (!model->drops || !path.len)
		return NULL;
	XXH128_hash_t hash = XXH3_128bits(path.data, path.len);
	const struct drop_row *row = row_find(model->drops->newer, hash);
	if (!row->drop.serial)
		row = row_find(model->drops->older, hash);
	return row->drop.serial && row->drop.writer ? &row->drop : NULL;
}

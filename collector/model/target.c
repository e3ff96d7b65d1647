/* SPDX-License-Identifier: Apache-2.0
 *
 * Targets: the one table that grows with what a service does instead of with what it is. Kept by
 * generation and dropped whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_inner.h"

static struct target_rows **generation_of(const struct model *model, uint32_t id)
{
	return (struct target_rows **)&model->targets[target_generation(id) % TARGET_GENERATIONS];
}

static void generation_free(struct target_rows *rows)
{
	if (!rows)
		return;
	store_done(&rows->store);
	free(rows);
}

void targets_done(struct model *model)
{
	for (unsigned i = 0; i < TARGET_GENERATIONS; i++)
		generation_free(model->targets[i]);
}

struct item_target *targets_at(const struct model *model, uint32_t id)
{
	if (!id || id > model->target_count ||
	    target_generation(id) + TARGET_GENERATIONS <= target_generation(model->target_count))
		return NULL;
	const struct target_rows *rows = *generation_of(model, id);
	return rows ? rows->rows[(id - 1) % TARGET_GENERATION] : NULL;
}

bool model_forgets(struct model *model, const struct item *item)
{
	uint32_t next = model->target_count + 1;
	return item->type == ITEM_TARGET && item->target.id == next &&
	       (next - 1) % TARGET_GENERATION == 0 &&
	       target_generation(next) >= TARGET_GENERATIONS;
}

static bool target_is_valid(const struct item_target *item)
{
	return item->kind >= TARGET_PATH && item->kind <= TARGET_PROCESS &&
	       item->proto <= PROTO_OTHER &&
	       (!item->address_len || item->address_len == 4 || item->address_len == 16) &&
	       str_is_valid(item->path) && str_is_valid(item->asked) && str_is_valid(item->to) &&
	       str_is_valid(item->argv) && str_is_valid(item->package);
}

/* Most strings of a target are empty, and what was asked for is mostly what it is. */
static bool keep(struct store *store, struct str *string, const struct str *same)
{
	if (!string->len)
		string->data = "";
	else if (same && same->len == string->len && !memcmp(same->data, string->data, same->len))
		string->data = same->data;
	else
		string->data = store_bytes(store, *string);
	return string->data;
}

static struct item_target *target_keep(struct store *store, const struct item_target *item)
{
	struct item_target *target = store_alloc(store, sizeof(*target));
	if (!target)
		return NULL;
	*target = *item;
	bool is_kept = keep(store, &target->path, NULL) &&
		       keep(store, &target->asked, &target->path) &&
		       keep(store, &target->to, NULL) && keep(store, &target->argv, NULL) &&
		       keep(store, &target->package, NULL);
	return is_kept ? target : NULL;
}

int targets_add(struct model *model, const struct item_target *item)
{
	if (!item->id || item->id != model->target_count + 1)
		return -EINVAL;
	struct target_rows **rows = generation_of(model, item->id);
	if ((item->id - 1) % TARGET_GENERATION == 0) {
		generation_free(*rows);
		*rows = calloc(1, sizeof(**rows));
	}
	model->target_count++;
	if (!*rows)
		return -ENOMEM;
	if (!target_is_valid(item))
		return -EINVAL;
	struct item_target *target = target_keep(&(*rows)->store, item);
	(*rows)->rows[(item->id - 1) % TARGET_GENERATION] = target;
	return target ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Address -> names, per process, from the resolver answers seen in it. A forked copy knows what
 * its parent knew at the fork and learns alone from then on; a new program image knows nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model_inner.h"

/* A service that answers itself ever new names for one address is not believed for ever. */
#define NAMES_PER_ADDRESS_MAX 256u

struct name {
	const char *text;
	uint32_t ordinal; /* which answer of its process, from 0 */
};

/* The names of one address in one process, oldest first. */
struct name_list {
	uint32_t process;
	uint8_t address_len;
	uint8_t address[16];
	uint32_t count, room;
	struct name *names;
};

struct name_key {
	uint32_t process;
	uint8_t address_len;
	const uint8_t *address;
};

static uint64_t key_hash(uint32_t process, const uint8_t *address, uint8_t address_len)
{
	return XXH3_64bits_withSeed(address, address_len, process);
}

static uint64_t list_hash(const struct model *model, uint32_t id)
{
	const struct name_list *list = table_at(&model->name_lists, id);
	return key_hash(list->process, list->address, list->address_len);
}

static bool list_is_same(const struct model *model, uint32_t id, const void *arg)
{
	const struct name_key *key = arg;
	const struct name_list *list = table_at(&model->name_lists, id);
	return list->process == key->process && list->address_len == key->address_len &&
	       !memcmp(list->address, key->address, key->address_len);
}

static struct name_list *list_find(const struct model *model, const struct name_key *key)
{
	uint64_t hash = key_hash(key->process, key->address, key->address_len);
	uint32_t id = index_find(model, &model->name_index, hash, list_is_same, key);
	return table_at(&model->name_lists, id);
}

static struct name_list *list_make(struct model *model, const struct name_key *key)
{
	if (index_reserve(model, &model->name_index, list_hash))
		return NULL;
	struct name_list *list = store_alloc(&model->store, sizeof(*list));
	if (!list)
		return NULL;
	list->process = key->process;
	list->address_len = key->address_len;
	memcpy(list->address, key->address, key->address_len);
	if (table_push(&model->name_lists, list))
		return NULL;
	index_put(&model->name_index, list_hash(model, model->name_lists.count),
		  model->name_lists.count);
	return list;
}

static int list_push(struct name_list *list, struct name name)
{
	if (list->count == list->room) {
		uint32_t room = list->room ? list->room * 2 : 4;
		struct name *names = realloc(list->names, room * sizeof(*names));
		if (!names)
			return -ENOMEM;
		list->names = names;
		list->room = room;
	}
	list->names[list->count++] = name;
	return 0;
}

int names_add(struct model *model, const struct item_name *item)
{
	struct process_state *process = table_at(&model->processes, item->process);
	struct name_key key = {item->process, item->address_len, item->address};
	if (!process || !item->name.len || (key.address_len != 4 && key.address_len != 16))
		return -EINVAL;
	struct name_list *list = list_find(model, &key);
	if (!list)
		list = list_make(model, &key);
	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++)
		if (strlen(list->names[i].text) == item->name.len &&
		    !memcmp(list->names[i].text, item->name.data, item->name.len))
			return 0;
	if (list->count == NAMES_PER_ADDRESS_MAX)
		return -ENOBUFS;
	struct name name = {store_string(&model->store, item->name), process->names_count};
	if (!name.text)
		return -ENOMEM;
	int error = list_push(list, name);
	if (!error)
		process->names_count++;
	return error;
}

static bool has_name(const char *const *names, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

unsigned model_names(struct model *model, uint32_t id, const uint8_t *address, uint8_t address_len,
		     const char **ret_names, unsigned max)
{
	unsigned count = 0;
	uint32_t known = UINT32_MAX; /* answers of this process that count */
	const struct process_state *process = table_at(&model->processes, id);
	while (process) {
		struct name_key key = {process->process.id, address_len, address};
		const struct name_list *list = list_find(model, &key);
		for (uint32_t i = 0; list && i < list->count && count < max; i++)
			if (list->names[i].ordinal < known &&
			    !has_name(ret_names, count, list->names[i].text))
				ret_names[count++] = list->names[i].text;
		if (process->process.how != PROCESS_FORK || !process->process.parent)
			break;
		known = process->names_at_fork;
		process = table_at(&model->processes, process->process.parent->id);
	}
	return count;
}

uint32_t model_names_version(struct model *model, uint32_t id)
{
	const struct process_state *process = table_at(&model->processes, id);
	return process ? process->names_count + process->resolver_count : 0;
}

static bool has_resolver(const struct process_state *process, uint32_t subject, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (process->resolvers[i] == subject)
			return true;
	return false;
}

static int resolver_push(struct process_state *process, uint32_t subject)
{
	if (has_resolver(process, subject, process->resolver_count))
		return 0;
	if (process->resolver_count == process->resolver_room) {
		uint32_t room = process->resolver_room ? process->resolver_room * 2 : 8;
		uint32_t *more = realloc(process->resolvers, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		process->resolvers = more;
		process->resolver_room = room;
	}
	process->resolvers[process->resolver_count++] = subject;
	return 0;
}

int model_resolves_itself(struct model *model, uint32_t id, const struct chain *chain)
{
	struct process_state *process = table_at(&model->processes, id);
	int error = 0;
	for (uint32_t i = 0; process && i < chain->count && !error; i++)
		error = resolver_push(process, chain->links[i].subject->id);
	return error;
}

bool model_names_unheard(struct model *model, uint32_t id, const struct subject *subject)
{
	const struct process_state *process = table_at(&model->processes, id);
	uint32_t known = UINT32_MAX;
	if (process && !process->process.is_covered)
		return true;
	while (process) {
		uint32_t count = process->resolver_count < known ? process->resolver_count : known;
		if (has_resolver(process, subject->id, count))
			return true;
		if (process->process.how != PROCESS_FORK || !process->process.parent)
			break;
		known = process->resolvers_at_fork;
		process = table_at(&model->processes, process->process.parent->id);
	}
	return false;
}

void names_done(struct model *model)
{
	for (uint32_t id = 1; id <= model->processes.count; id++) {
		struct process_state *process = table_at(&model->processes, id);
		if (process)
			free(process->resolvers);
	}
	for (uint32_t id = 1; id <= model->name_lists.count; id++) {
		struct name_list *list = table_at(&model->name_lists, id);
		free(list->names);
	}
	table_done(&model->name_lists);
	index_done(&model->name_index);
}

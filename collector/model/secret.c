/* SPDX-License-Identifier: Apache-2.0
 *
 * Who read a secret and whom he had contacted until then, each in his own service. Nothing is
 * forgotten, or a peer of old would be new again; what finds no room is said to be lost, and then
 * nobody is called innocent. By the order of items alone, so that a replay keeps the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model_inner.h"

#define ROWS_MAX 8192u		/* subjects of services */
#define READS_MAX 4096u		/* secrets of all rows */
#define PEERS_MAX (1u << 17)	/* contacts of all rows */
#define ROW_PEERS_MAX (1u << 13)
#define NAMES_MAX 8u
#define ROOM_MIN 256u

struct row {
	uint32_t root, subject; /* ids */
	const struct secret_read *first;
	struct secret_read *last;
	uint32_t peers;
	bool is_lost; /* not all its peers are here */
};

struct secrets {
	struct row *rows;
	uint32_t *row_places; /* index + 1, by root and subject */
	uint32_t row_count, row_room, place_room;
	uint64_t *peers; /* hashes, never 0; open addressing */
	uint32_t peer_count, peer_room, read_count;
	bool is_lost;
};

static uint32_t root_of(struct model *model, uint32_t id)
{
	const struct process *process = model_process(model, id);
	while (process && process->parent)
		process = process->parent;
	return process ? process->id : 0;
}

static uint32_t row_hash(uint32_t root, uint32_t subject)
{
	uint64_t both = (uint64_t)root << 32 | subject;
	return (uint32_t)XXH3_64bits(&both, sizeof(both));
}

static struct row *row_find(const struct secrets *secrets, uint32_t root, uint32_t subject)
{
	if (!secrets || !secrets->place_room)
		return NULL;
	uint32_t mask = secrets->place_room - 1, at = row_hash(root, subject) & mask;
	for (; secrets->row_places[at]; at = (at + 1) & mask) {
		struct row *row = &secrets->rows[secrets->row_places[at] - 1];
		if (row->root == root && row->subject == subject)
			return row;
	}
	return NULL;
}

static void row_place(struct secrets *secrets, uint32_t index)
{
	const struct row *row = &secrets->rows[index];
	uint32_t mask = secrets->place_room - 1, at = row_hash(row->root, row->subject) & mask;
	while (secrets->row_places[at])
		at = (at + 1) & mask;
	secrets->row_places[at] = index + 1;
}

static int rows_reserve(struct secrets *secrets)
{
	if (secrets->row_count < secrets->row_room)
		return 0;
	uint32_t room = secrets->row_room ? secrets->row_room * 2 : ROOM_MIN;
	struct row *rows = realloc(secrets->rows, room * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	secrets->rows = rows;
	uint32_t *places = calloc((size_t)room * 2, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(secrets->row_places);
	secrets->row_places = places;
	secrets->row_room = room;
	secrets->place_room = room * 2;
	for (uint32_t i = 0; i < secrets->row_count; i++)
		row_place(secrets, i);
	return 0;
}

/* The row, made when it is not there. NULL with *ret_error 0: there are too many. */
static struct row *row_of(struct model *model, uint32_t root, uint32_t subject, int *ret_error)
{
	if (!model->secrets)
		model->secrets = calloc(1, sizeof(*model->secrets));
	struct secrets *secrets = model->secrets;
	struct row *row = row_find(secrets, root, subject);
	*ret_error = 0;
	if (row)
		return row;
	if (secrets && secrets->row_count == ROWS_MAX) {
		secrets->is_lost = true;
		return NULL;
	}
	*ret_error = secrets ? rows_reserve(secrets) : -ENOMEM;
	if (*ret_error)
		return NULL;
	row = &secrets->rows[secrets->row_count];
	*row = (struct row){.root = root, .subject = subject};
	row_place(secrets, secrets->row_count++);
	return row;
}

void secrets_done(struct model *model)
{
	if (!model->secrets)
		return;
	free(model->secrets->rows);
	free(model->secrets->row_places);
	free(model->secrets->peers);
	free(model->secrets);
	model->secrets = NULL;
}

/* --- secrets ------------------------------------------------------------------------------------ */

const struct secret_read *model_secrets(const struct model *model, uint32_t process,
					const struct subject *subject)
{
	if (!model->secrets || !model->secrets->read_count)
		return NULL;
	const struct row *row = row_find(model->secrets, root_of((struct model *)model, process),
					 subject->id);
	return row ? row->first : NULL;
}

bool model_secrets_are_lost(const struct model *model)
{
	return model->secrets && model->secrets->is_lost;
}

int model_secret_note(struct model *model, const struct subject *subject,
		      const struct secret_read *read)
{
	int error;
	struct row *row = row_of(model, root_of(model, read->process->id), subject->id, &error);
	if (!row)
		return error;
	for (const struct secret_read *old = row->first; old; old = old->next)
		if (!strcmp(old->group, read->group))
			return 0;
	if (model->secrets->read_count == READS_MAX) {
		model->secrets->is_lost = true;
		return 0;
	}
	struct secret_read *kept = store_alloc(&model->store, sizeof(*kept));
	struct str group = {read->group, (uint32_t)strlen(read->group)};
	struct str name = {read->name, (uint32_t)strlen(read->name)};
	if (!kept)
		return -ENOMEM;
	*kept = *read;
	kept->next = NULL;
	kept->group = store_string(&model->store, group);
	kept->name = store_string(&model->store, name);
	if (!kept->group || !kept->name)
		return -ENOMEM;
	if (row->last)
		row->last->next = kept;
	else
		row->first = kept;
	row->last = kept;
	model->secrets->read_count++;
	return 0;
}

/* --- peers -------------------------------------------------------------------------------------- */

struct peer_key {
	uint32_t root, subject;
	uint16_t port;
	uint8_t proto, address_len, address[16];
};
_Static_assert(sizeof(struct peer_key) == 28, "no hidden padding in what is hashed");

/* By its address, and by each name it is known by: the same service answers at another address
 * tomorrow. */
static unsigned peer_hashes(struct model *model, uint32_t process, const struct subject *subject,
			    const struct item_target *target, uint64_t ret_hashes[NAMES_MAX + 1])
{
	const char *names[NAMES_MAX];
	struct peer_key key = {.root = root_of(model, process),
			       .subject = subject->id,
			       .port = target->port,
			       .proto = target->proto,
			       .address_len = target->address_len};
	unsigned count = model_names(model, process, target->address, target->address_len, names,
				     NAMES_MAX);
	memcpy(key.address, target->address, target->address_len);
	ret_hashes[0] = XXH3_64bits(&key, sizeof(key)) | 1;
	key.address_len = 0;
	memset(key.address, 0, sizeof(key.address));
	uint64_t seed = XXH3_64bits(&key, sizeof(key));
	count = count < NAMES_MAX ? count : NAMES_MAX;
	for (unsigned i = 0; i < count; i++)
		ret_hashes[1 + i] = XXH3_64bits_withSeed(names[i], strlen(names[i]), seed) | 1;
	return 1 + count;
}

static uint64_t *peer_place(const struct secrets *secrets, uint64_t hash)
{
	uint32_t mask = secrets->peer_room - 1, at = (uint32_t)(hash >> 32) & mask;
	while (secrets->peers[at] && secrets->peers[at] != hash)
		at = (at + 1) & mask;
	return &secrets->peers[at];
}

static bool is_peer(const struct model *model)
{
	return model->secrets && model->secrets->peer_room;
}

enum peer_news model_peer_news(struct model *model, uint32_t process, const struct subject *subject,
			       const struct item_target *target)
{
	uint64_t hashes[NAMES_MAX + 1];
	unsigned count = peer_hashes(model, process, subject, target, hashes);
	for (unsigned i = 0; is_peer(model) && i < count; i++)
		if (*peer_place(model->secrets, hashes[i]))
			return PEER_IS_KNOWN;
	const struct row *row = row_find(model->secrets, root_of(model, process), subject->id);
	bool is_lost = row ? row->is_lost : model_secrets_are_lost(model);
	return is_lost ? PEER_IS_UNTOLD : PEER_IS_NEW;
}

static int peers_reserve(struct secrets *secrets)
{
	if (secrets->peer_count * 2 < secrets->peer_room)
		return 0;
	struct secrets bigger = {.peer_room = secrets->peer_room ? secrets->peer_room * 2
								 : ROOM_MIN};
	bigger.peers = calloc(bigger.peer_room, sizeof(*bigger.peers));
	if (!bigger.peers)
		return -ENOMEM;
	for (uint32_t i = 0; i < secrets->peer_room; i++)
		if (secrets->peers[i])
			*peer_place(&bigger, secrets->peers[i]) = secrets->peers[i];
	free(secrets->peers);
	secrets->peers = bigger.peers;
	secrets->peer_room = bigger.peer_room;
	return 0;
}

int model_peer_note(struct model *model, uint32_t process, const struct subject *subject,
		    const struct item_target *target)
{
	uint64_t hashes[NAMES_MAX + 1];
	int error;
	struct row *row = row_of(model, root_of(model, process), subject->id, &error);
	unsigned count = row ? peer_hashes(model, process, subject, target, hashes) : 0;
	for (unsigned i = 0; i < count && !error; i++) {
		struct secrets *secrets = model->secrets;
		error = peers_reserve(secrets);
		uint64_t *place = error ? NULL : peer_place(secrets, hashes[i]);
		if (!place || *place)
			continue;
		if (secrets->peer_count >= PEERS_MAX || row->peers >= ROW_PEERS_MAX) {
			row->is_lost = true;
			continue;
		}
		*place = hashes[i];
		secrets->peer_count++;
		row->peers++;
	}
	return error;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define SECOND_NS 1000000000ull
/* Keys remembered to save the fingerprint of a repeat; beyond, the memory is emptied and refills.
 */
#define FOLD_KEYS_MAX (1u << 18)
/* Deviations told apart (some 400 bytes each); then what is held back is told and all begin anew. */
#define FOLD_ENTRIES_MAX (1u << 18)

/* One deviation and its repeats. */
struct fold_entry {
	struct finding last; /* event and outcome point into this entry */
	const struct subject *subject; /* a fingerprint may stand for two temporary files' */
	char exact[33];		       /* fold_exact(): repeats share it */
	struct item_event event;
	struct outcome outcome;
	uint64_t first_ns, next_ns; /* next line when event time since first_ns reaches next_ns */
	uint64_t pending;	    /* repeats since the last line */
	uint64_t lines;
	bool is_baselined;
};

/* What makes two events the same deviation without hashing their words. */
struct fold_key {
	const void *charged, *judged_by, *rule_file;
	uint32_t rule_line, chain, target, process, names, action;
};

struct fold_place {
	struct fold_key key;
	uint32_t entry; /* index + 1, 0: empty */
};

struct fold {
	const struct baseline *baseline;
	void (*told)(void *arg, const struct finding *finding);
	void *arg;
	struct fold_entry **entries; /* in order of first appearance */
	uint32_t count, room;
	uint32_t *prints; /* entries by exact, open addressing, index + 1 */
	uint32_t print_room;
	uint64_t generation; /* how often all began anew */
	uint32_t kept;	     /* entries that were there before the last time */
	struct fold_place *places; /* entries by key */
	uint32_t place_count, place_room;
	struct baselined *baselined; /* made by fold_baselined() */
};

struct fold *fold_new(const struct baseline *baseline,
		      void (*told)(void *arg, const struct finding *finding), void *arg)
{
	struct fold *fold = sodium_init() < 0 ? NULL : calloc(1, sizeof(*fold));
	if (!fold)
		return NULL;
	fold->baseline = baseline;
	fold->told = told;
	fold->arg = arg;
	return fold;
}

static uint64_t print_hash(const char *exact)
{
	return XXH3_64bits(exact, 32);
}

static void print_put(struct fold *fold, uint32_t entry)
{
	uint32_t mask = fold->print_room - 1;
	uint32_t at = (uint32_t)print_hash(fold->entries[entry - 1]->exact) & mask;
	while (fold->prints[at])
		at = (at + 1) & mask;
	fold->prints[at] = entry;
}

static uint32_t print_find(const struct fold *fold, const char *exact,
			   const struct subject *subject)
{
	if (!fold->print_room)
		return 0;
	uint32_t mask = fold->print_room - 1;
	uint32_t at = (uint32_t)print_hash(exact) & mask;
	for (; fold->prints[at]; at = (at + 1) & mask) {
		const struct fold_entry *entry = fold->entries[fold->prints[at] - 1];
		if (entry->subject == subject && !memcmp(entry->exact, exact, 32))
			return fold->prints[at];
	}
	return 0;
}

/* Room for one entry more, in the array and in the index. */
static int entries_reserve(struct fold *fold)
{
	if (fold->count < fold->room)
		return 0;
	uint32_t room = fold->room ? fold->room * 2 : 64;
	struct fold_entry **entries = realloc(fold->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	fold->entries = entries;
	uint32_t *prints = calloc((size_t)room * 2, sizeof(*prints));
	if (!prints)
		return -ENOMEM;
	free(fold->prints);
	fold->prints = prints;
	fold->print_room = room * 2;
	fold->room = room;
	for (uint32_t entry = 1; entry <= fold->count; entry++)
		print_put(fold, entry);
	return 0;
}

static struct fold_key key_of(const struct finding *finding)
{
	const struct item_event *event = finding->event;
	struct fold_key key;
	memset(&key, 0, sizeof(key)); /* compared and hashed as bytes */
	key.charged = finding->outcome->charged;
	key.judged_by = finding->outcome->judged_by;
	key.rule_file = finding->outcome->rule.file;
	key.rule_line = finding->outcome->rule.line;
	key.chain = event->chain;
	key.target = event->target;
	key.process = event->process;
	key.names = model_names_version(finding->model, event->process);
	key.action = event->action;
	/* One event may both break a rule and have come by a way round the shim. */
	if (strcmp(finding->kind, "deviation") != 0)
		key.action |= (uint32_t)event->bypass << 8;
	return key;
}

static struct fold_place *place_of(const struct fold *fold, const struct fold_key *key)
{
	uint32_t mask = fold->place_room - 1;
	uint32_t at = (uint32_t)XXH3_64bits(key, sizeof(*key)) & mask;
	while (fold->places[at].entry && memcmp(&fold->places[at].key, key, sizeof(*key)))
		at = (at + 1) & mask;
	return &fold->places[at];
}

/* Forgets all keys when there are too many: they only save time. */
static int places_reserve(struct fold *fold)
{
	if (fold->place_room && fold->place_count < fold->place_room / 2)
		return 0;
	struct fold old = *fold;
	bool is_full = fold->place_count >= FOLD_KEYS_MAX;
	uint32_t room = is_full || !old.place_room ? 256 : old.place_room * 2;
	fold->places = calloc(room, sizeof(*fold->places));
	if (!fold->places) {
		fold->places = old.places;
		return -ENOMEM;
	}
	fold->place_room = room;
	fold->place_count = 0;
	for (uint32_t i = 0; !is_full && i < old.place_room; i++) {
		if (!old.places[i].entry)
			continue;
		*place_of(fold, &old.places[i].key) = old.places[i];
		fold->place_count++;
	}
	free(old.places);
	return 0;
}

static struct fold_entry *entry_make(struct fold *fold, const struct finding *finding,
				     const char *fingerprint, const char *exact)
{
	if (entries_reserve(fold))
		return NULL;
	struct fold_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->subject = finding->outcome->charged->subject;
	entry->first_ns = finding->event->time_ns;
	entry->next_ns = SECOND_NS;
	entry->is_baselined = baseline_has(fold->baseline, fingerprint);
	memcpy(entry->last.fingerprint, fingerprint, sizeof(entry->last.fingerprint));
	memcpy(entry->exact, exact, sizeof(entry->exact));
	fold->entries[fold->count++] = entry;
	print_put(fold, fold->count);
	return entry;
}

static struct fold_entry *entry_get(struct fold *fold, const struct finding *finding)
{
	struct fold_key key = key_of(finding);
	if (places_reserve(fold))
		return NULL;
	struct fold_place *place = place_of(fold, &key);
	if (place->entry)
		return fold->entries[place->entry - 1];
	char fingerprint[33], exact[33];
	fold_fingerprint(finding, fingerprint);
	fold_exact(finding, fingerprint, exact);
	uint32_t found = print_find(fold, exact, finding->outcome->charged->subject);
	if (!found && !entry_make(fold, finding, fingerprint, exact))
		return NULL;
	place->key = key;
	place->entry = found ? found : fold->count;
	fold->place_count++;
	return fold->entries[place->entry - 1];
}

static void entry_keep(struct fold_entry *entry, const struct finding *finding)
{
	char fingerprint[33];
	memcpy(fingerprint, entry->last.fingerprint, sizeof(fingerprint));
	entry->event = *finding->event;
	entry->outcome = *finding->outcome;
	entry->last = *finding;
	entry->last.event = &entry->event;
	entry->last.outcome = &entry->outcome;
	memcpy(entry->last.fingerprint, fingerprint, sizeof(fingerprint));
}

/* Unique within the run, the same on replay: run, what is repeated, number of the line. */
static void entry_name_line(const struct fold *fold, const struct fold_entry *entry,
			    struct finding *finding)
{
	const struct item_run *run = model_run(finding->model);
	uint64_t numbers[3] = {entry->lines, fold->generation, entry->subject->id};
	unsigned char hash[16], ordinal[sizeof(numbers)];
	crypto_generichash_state state;
	for (unsigned i = 0; i < sizeof(ordinal); i++)
		ordinal[i] = (unsigned char)(numbers[i / 8] >> (8 * (i % 8)));
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	if (run->run_id.len)
		crypto_generichash_update(&state, (const unsigned char *)run->run_id.data,
					  run->run_id.len);
	crypto_generichash_update(&state, (const unsigned char *)entry->exact, 32);
	crypto_generichash_update(&state, ordinal, sizeof(ordinal));
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(finding->id, sizeof(finding->id), hash, sizeof(hash));
}

static void entry_tell(struct fold *fold, struct fold_entry *entry)
{
	entry->last.count = entry->pending;
	entry->pending = 0;
	entry_name_line(fold, entry, &entry->last);
	entry->lines++;
	fold->told(fold->arg, &entry->last);
}

void fold_finish(struct fold *fold)
{
	for (uint32_t i = 0; i < fold->count; i++)
		if (fold->entries[i]->pending && !fold->entries[i]->is_baselined)
			entry_tell(fold, fold->entries[i]);
}

/* Tells what was held back and keeps only what the baseline counts: bounded by its file. */
void fold_restart(struct fold *fold)
{
	uint32_t kept = 0;
	fold_finish(fold);
	for (uint32_t i = 0; i < fold->count; i++) {
		if (fold->entries[i]->is_baselined)
			fold->entries[kept++] = fold->entries[i];
		else
			free(fold->entries[i]);
	}
	fold->count = fold->kept = kept;
	fold->generation++;
	if (fold->prints)
		memset(fold->prints, 0, fold->print_room * sizeof(*fold->prints));
	if (fold->places)
		memset(fold->places, 0, fold->place_room * sizeof(*fold->places));
	fold->place_count = 0;
	for (uint32_t entry = 1; entry <= fold->count; entry++)
		print_put(fold, entry);
}

int fold_add(struct fold *fold, const struct finding *finding)
{
	if (fold->count - fold->kept >= FOLD_ENTRIES_MAX)
		fold_restart(fold);
	struct fold_entry *entry = entry_get(fold, finding);
	if (!entry)
		return -ENOMEM;
	entry->pending++;
	if (entry->is_baselined)
		return 0;
	entry_keep(entry, finding);
	/* Rings are drained one after the other: an event may be older than the first. */
	uint64_t now_ns = finding->event->time_ns;
	uint64_t since_ns = now_ns > entry->first_ns ? now_ns - entry->first_ns : 0;
	if (!entry->lines) {
		entry_tell(fold, entry);
	} else if (since_ns >= entry->next_ns) {
		while (entry->next_ns <= since_ns && entry->next_ns < UINT64_MAX / 2)
			entry->next_ns *= 2;
		entry_tell(fold, entry);
	}
	return 1;
}

unsigned fold_baselined(struct fold *fold, const struct baselined **ret_baselined)
{
	unsigned count = 0;
	free(fold->baselined);
	fold->baselined = calloc(fold->count ? fold->count : 1, sizeof(*fold->baselined));
	*ret_baselined = fold->baselined;
	for (uint32_t i = 0; fold->baselined && i < fold->count; i++) {
		const struct fold_entry *entry = fold->entries[i];
		if (!entry->is_baselined)
			continue;
		memcpy(fold->baselined[count].fingerprint, entry->last.fingerprint,
		       sizeof(entry->last.fingerprint));
		fold->baselined[count++].count = entry->pending;
	}
	return count;
}

void fold_free(struct fold *fold)
{
	if (!fold)
		return;
	for (uint32_t i = 0; i < fold->count; i++)
		free(fold->entries[i]);
	free(fold->entries);
	free(fold->prints);
	free(fold->places);
	free(fold->baselined);
	free(fold);
}

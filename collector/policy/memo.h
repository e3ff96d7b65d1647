/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts remembered by everything they depend on. Bounded: when full, all is forgotten and
 * learned again.
 */
#ifndef SOWATCH_POLICY_MEMO_H
#define SOWATCH_POLICY_MEMO_H

#include "policy_inner.h"

struct memo_key {
	uint32_t chain, target, process, names_version, epoch;
	uint16_t function, via[WIRE_VIA_MAX];
	uint8_t action, flags, class;
	uint8_t pad[3];
};
_Static_assert(sizeof(struct memo_key) == 36, "no hidden padding in what is hashed and compared");

/* Entries and outcomes are written one behind the other; only the places, small enough for the
 * processor's own cache, are looked up at random. */
struct memo {
	uint64_t *places; /* upper half of the hash, then 1 + index of the entry; 0: empty */
	uint32_t room;	  /* a power of two */
	struct memo_entry *entries;
	uint32_t entry_count, entry_room;
	struct outcome *outcomes;
	uint32_t outcome_count, outcome_room;
	uint64_t epoch_from, epoch_to; /* the current epoch: no rule ends in between */
	uint32_t epoch;
};

/* How many there are, at *ret_outcomes until the next memo_put(); 0: not remembered. */
uint32_t memo_get(const struct memo *memo, const struct memo_key *key,
		  const struct outcome **ret_outcomes);
/* Out of memory: not remembered, nothing else happens. */
void memo_put(struct memo *memo, const struct memo_key *key, const struct outcome *outcomes,
	      uint32_t count);
void memo_clear(struct memo *memo);
void memo_free(struct memo *memo);

#endif

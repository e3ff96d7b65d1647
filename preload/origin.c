/* SPDX-License-Identifier: Apache-2.0
 *
 * Who started it, told once. Threads, tasks and pieces of work that the same code starts on behalf of
 * the same origin have one origin record between them. What starts its own successor (a timer that
 * arms itself again, a task that makes the next) does not grow a chain without end: an origin whose
 * stack its forebears have already is theirs.
 *
 * Two words an entry that check each other, written by whoever comes: a torn pair is no entry.
 */
#include "hook.h"

#define ORIGINS 1024u /* power of two */
#define FOREBEARS 16u

static TABLE struct {
	uint64_t key, value; /* stack and parent, mixed; id << 32 | low half of key */
} by_start[ORIGINS];

static TABLE struct {
	uint64_t stack, parent; /* each << 32 | id */
} by_id[ORIGINS];

static uint64_t start_key(uint32_t stack, uint32_t parent)
{
	uint64_t key = ((uint64_t)parent << 32 | stack) * 0x9e3779b97f4a7c15ull;

	key = (key ^ key >> 29 ^ session.generation) * 0xbf58476d1ce4e5b9ull;
	return (key ^ key >> 32) | 1;
}

static uint32_t known_start(uint64_t key)
{
	uint64_t value = __atomic_load_n(&by_start[key % ORIGINS].value, __ATOMIC_RELAXED);

	if (__atomic_load_n(&by_start[key % ORIGINS].key, __ATOMIC_RELAXED) != key ||
	    (uint32_t)value != (uint32_t)key)
		return 0;
	return (uint32_t)(value >> 32);
}

static uint32_t forebear_with(uint32_t stack, uint32_t id)
{
	for (unsigned i = 0; id && i < FOREBEARS; i++) {
		uint64_t own = __atomic_load_n(&by_id[id % ORIGINS].stack, __ATOMIC_RELAXED);
		uint64_t up = __atomic_load_n(&by_id[id % ORIGINS].parent, __ATOMIC_RELAXED);

		if ((uint32_t)own != id || (uint32_t)up != id)
			return 0;
		if (own >> 32 == stack)
			return id;
		id = (uint32_t)(up >> 32);
	}
	return 0;
}

uint32_t origin_of_start(const struct call *call)
{
	uint64_t key;
	uint32_t id;

	/* A stack that could not be told is not the same as another such. */
	if (!call->is_on || !call->stack)
		return session_origin(call, WIRE_ORIGIN_THREAD);
	key = start_key(call->stack, call->origin);
	id = known_start(key);
	if (id)
		return id;
	id = forebear_with(call->stack, call->origin);
	if (!id)
		id = session_origin(call, WIRE_ORIGIN_THREAD);
	if (!id)
		return 0;
	if (id != call->origin && (uint32_t)by_id[id % ORIGINS].stack != id) {
		__atomic_store_n(&by_id[id % ORIGINS].stack, (uint64_t)call->stack << 32 | id,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&by_id[id % ORIGINS].parent, (uint64_t)call->origin << 32 | id,
				 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&by_start[key % ORIGINS].key, key, __ATOMIC_RELAXED);
	__atomic_store_n(&by_start[key % ORIGINS].value, (uint64_t)id << 32 | (uint32_t)key,
			 __ATOMIC_RELAXED);
	return id;
}

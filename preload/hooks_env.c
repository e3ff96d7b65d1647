/* SPDX-License-Identifier: Apache-2.0
 *
 * env: looking up a variable by name. Programs do this in loops, so each caller is told once per
 * name; the value is never looked at.
 */
#include "hook.h"

#define SEEN 2048
#define PROBES 8

static TABLE uint64_t seen[SEEN];

static bool is_news(const char *name, const void *caller)
{
	uint64_t hash = (uint64_t)(uintptr_t)caller ^ (uint64_t)load_generation << 48 ^
			(uint64_t)session.generation << 56;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
	hash ^= hash >> 29;
	hash |= 1;
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t *at = &seen[(hash + i) % SEEN];
		uint64_t there = __atomic_load_n(at, __ATOMIC_RELAXED);

		if (there == hash)
			return false;
		if (!there) {
			__atomic_store_n(at, hash, __ATOMIC_RELAXED);
			return true;
		}
	}
	__atomic_store_n(&seen[hash % SEEN], hash, __ATOMIC_RELAXED);
	return true;
}

static void getenv_event(const struct call *call, const char *name, const char *value)
{
	struct event_args args = { .action = WIRE_ENV_READ,
				   .result = value ? 0 : -ENOENT,
				   .blob = { { name, (uint32_t)strnlen(name, 512) } } };

	event_publish(call, &args);
}

#define HOOK_GETENV(name)                                                                          \
	EXPORT char *name(const char *variable)                                                    \
	{                                                                                          \
		HOOK_ONLY(return NULL);                                                            \
		char *ret = real.name(variable);                                                   \
		int saved = errno;                                                                 \
		if (likely(shim_state != SHIM_ACTIVE || (session.flags & WIRE_SESSION_NO_ENV) ||   \
			   !is_news(variable, __builtin_return_address(0))))                       \
			return ret;                                                                \
		HOOK_BEGIN(name, return ret);                                                      \
		getenv_event(&call, variable, ret);                                                \
		HOOK_END();                                                                        \
		errno = saved;                                                                     \
		return ret;                                                                        \
	}
HOOK_GETENV(getenv)
HOOK_GETENV(secure_getenv)

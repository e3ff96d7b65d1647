/* SPDX-License-Identifier: Apache-2.0
 *
 * The programs and forks we were told of and have not heard from. Shared by lineage.c (who tells
 * and what becomes of it), lineage_fork.c (the same for forks) and hello.c (who is heard).
 */
#ifndef SOWATCH_SOURCE_EXPECT_H
#define SOWATCH_SOURCE_EXPECT_H

#include "live.h"

struct expectation {
	uint64_t instance;
	uint32_t serial;
	uint32_t process, chain, uid; /* who started it */
	uint32_t pid;		      /* of the new program, 0: unknown */
	int pidfd;
	bool is_pending;	      /* event not emitted yet */
	bool is_in_place;	      /* exec, not spawn: the old image ends */
	bool is_gone, is_root;
	bool is_fork;		      /* told by the parent; no event, no serial */
	bool is_sharing;	      /* a fork that goes on in its parent's ring */
	bool is_examined;	      /* reason is what cover_reason() said */
	const char *reason;
	uint64_t since_ns;
	struct item_event event;
	char *program, *argv, *cwd, *home;
	uint32_t argv_len;
	char why[32]; /* as the shim said it, "" */
};

struct key expect_serial_key(const struct live *live, uint64_t instance, uint32_t serial);
struct expectation *expect_find(struct live *live, uint64_t instance, uint32_t serial);
/* NULL: too many, or out of memory. */
struct expectation *expect_add(struct live *live);
/* Out of the list and freed. */
void expect_drop(struct live *live, struct expectation *expectation);
/* Emits the event that was held, if it still is. */
void expect_emit_event(struct live *live, struct expectation *expectation, int32_t result);
/* Why it cannot have been covered; NULL: it could, as far as we see. */
const char *expect_reason(struct expectation *expectation);
/* Emits the process that was never heard of, and the hole it is; the expectation is over and
 * freed. The answer is its item id. While it lives it has a proc, so that its end is seen. */
uint32_t expect_uncovered(struct live *live, struct expectation *expectation);
/* A NUL-terminated copy, NULL when out of memory. */
char *expect_copy(struct str text);

/* lineage_fork.c: that child has a ring of its own now. */
void fork_arrived(struct live *live, uint64_t instance, uint32_t pid);
/* A fork that shares its parent's ring is seen there, and over when it is gone. Gone without a word
 * it may have been killed before it could act, or have acted where nobody read: uncovered.
 * true: it was dropped. */
bool fork_is_settled(struct live *live, struct expectation *expectation, bool is_end);

#endif

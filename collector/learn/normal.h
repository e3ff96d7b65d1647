/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs from run to run although it means the same: pids, temporary names, hashes, dates,
 * versions, counters. A part of a name becomes a wildcard only where its class is evident and
 * several different values were seen in that place. Learning and comparing share this.
 *
 * Deterministic: the same values in any order give the same patterns, sorted.
 */
#ifndef SOWATCH_LEARN_NORMAL_H
#define SOWATCH_LEARN_NORMAL_H

#include "../policy/pool.h"

enum normal_kind {
	NORMAL_PATH, /* a wildcard stops at '/' */
	NORMAL_NAME, /* variables, host names: only counters and hashes */
};

/* One thing that was seen: a path, a pair of paths, a program and its arguments. */
struct normal_value {
	const char *const *parts;
	uint32_t count;
	uint64_t pids; /* bit i: the i-th run of digits was the number of a process of that run */
	uint32_t index; /* the caller's own */
};

/* What stands for some of them. */
struct normal_pattern {
	const char **parts; /* globs of the policy language */
	uint32_t count;
	bool is_general; /* a wildcard is in it */
	const struct normal_value **members;
	uint32_t member_count;
};

/* Directories that are known to fan out by the first digits of a hash, as git's objects. */
struct normal_fans;

struct normal_fans *normal_fans_new(struct pool *pool);
void normal_fans_add(struct normal_fans *fans, const char *path);

/* Everything returned belongs to pool. */
uint32_t normal_fold(struct pool *pool, const struct normal_fans *fans, enum normal_kind kind,
		     const struct normal_value *values, uint32_t count,
		     struct normal_pattern **ret_patterns);

/* The path with all that is evidently different each time masked: equal for the same file of two
 * runs in two temporary directories. */
const char *normal_mask(struct pool *pool, const char *path);

/* The text as a glob that matches it and nothing else (bytes that are not UTF-8, which no policy
 * can hold, become `?`). */
const char *normal_quote(struct pool *pool, const char *text);

/* Below a directory whose files come and go. */
bool normal_is_temporary(const char *path);

#endif

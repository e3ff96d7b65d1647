/* SPDX-License-Identifier: Apache-2.0
 *
 * The behaviour of one service, or one test suite, recorded with two versions of something: by
 * subject, what appeared and what vanished. What differs between any two runs (pids, temporary names,
 * ports that Linux chose, addresses behind one name, order, counts) is no difference; that is
 * learn/normal.h's business.
 */
#ifndef SOWATCH_DIFF_DIFF_H
#define SOWATCH_DIFF_DIFF_H

#include "../learn/read.h"
#include "../learn/rules.h"

enum diff_side { DIFF_BEFORE, DIFF_AFTER, DIFF_SIDES };

struct diff_options {
	const char *const *logs[DIFF_SIDES];
	unsigned log_count[DIFF_SIDES];
	const struct policy *policy; /* who is charged; borrowed; NULL: each log's own */
	FILE *errors;
	void (*warn)(void *arg, const char *sentence);
	void *arg;
};

/* One act, or caller, that one side has and the other does not. */
struct diff_change {
	const struct learned_rule *rule;
	enum diff_side side; /* which one has it: DIFF_AFTER: it appeared */
	uint64_t count;
	const struct fact *example; /* the earliest */
};

enum diff_match { DIFF_BY_NAME, DIFF_BY_STEM, DIFF_ALONE };

struct diff_subject {
	enum subject_kind kind;
	const char *name[DIFF_SIDES]; /* NULL: it did not act on this side */
	enum diff_match match;
	struct strings versions[DIFF_SIDES], build_ids[DIFF_SIDES], packages[DIFF_SIDES];
	struct diff_change *changes; /* those that appeared first; then by action and text */
	uint32_t change_count, appeared;
	struct learned_rules rules;
};

struct diff {
	struct facts facts[DIFF_SIDES];
	struct diff_subject *subjects; /* sorted by name and kind */
	uint32_t subject_count;
	uint32_t appeared, vanished, changed; /* changed: subjects with either */
	bool is_damaged;
};

/* 0, or negative errno: told on errors or by warn. Everything returned belongs to pool. */
int diff_logs(struct pool *pool, const struct diff_options *options, struct diff *ret);

/* "grown", "shrunk", "unchanged" */
const char *diff_verdict(const struct diff *diff);
/* "net.connect", or "caller" */
const char *diff_action(uint32_t action);
/* Both versions are known, and are not the same. */
bool diff_is_other_version(const struct diff_subject *subject);
/* The name to call it by: that of the newer side. */
const char *diff_name(const struct diff_subject *subject);
/* The two sides were watched in different ways: a sentence, or NULL. */
const char *diff_unequal(struct pool *pool, const struct diff *diff);

void diff_print(struct pool *pool, const struct diff *diff, bool is_colour, FILE *stream);
/* One JSON object. 0 or negative errno. */
int diff_write_json(struct pool *pool, const struct diff *diff, FILE *stream);
int diff_write_sarif(struct pool *pool, const struct diff *diff, FILE *stream);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs into facts: source/log -> model -> policy, the same way as a replay.
 */
#ifndef SOWATCH_LEARN_READ_H
#define SOWATCH_LEARN_READ_H

#include "facts.h"

/* A policy as texts: what was given with -p, or what a log holds. Learned files are left out when it is
 * loaded: they are what is being made. Only one that a hand-written file builds upon is taken for
 * written by hand. */
struct read_policy {
	struct policy_text *texts;
	unsigned text_count;
	struct policy_variable *variables;
	unsigned variable_count;
};

struct read_log {
	struct facts *facts;
	struct model *model;
	struct policy *policy; /* the one that judges; never NULL when an event comes */
	struct policy *with;	     /* the same with `extra` on top; NULL: there is none */
};

struct read_options {
	const struct read_policy *given; /* NULL: the log's own */
	const char *extra;		 /* text of a policy file on top, or NULL */
	const char *extra_path;		 /* what it is called */
	FILE *errors;
	/* One event whose chain is known. 0, or negative errno: stop. */
	int (*event)(void *arg, struct read_log *log, struct policy *policy,
		     const struct item_event *event);
	/* The log is over, its model still there; may be NULL. */
	void (*finish)(void *arg, struct read_log *log);
	void *arg;
};

enum read_result {
	READ_DONE = 0,
	READ_AGAIN = 1, /* a log of a run that was read before: nothing was added */
	/* or negative errno: -EBADMSG damaged (what came before counts), -ENOEXEC the policy, told on
	 * errors; -E2BIG; -ENOENT and others: cannot be opened. error says what. */
};

int read_log(struct facts *facts, const char *path, const struct read_options *options,
	     char *error, size_t error_bytes);

/* A hole of the run being read that has no item of its own. */
void read_add_hole(struct read_log *log, uint8_t kind, uint64_t count);

/* Texts of a loaded policy. */
void read_policy_of(struct pool *pool, const struct policy *policy, struct read_policy *ret);

#endif

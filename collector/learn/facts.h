/* SPDX-License-Identifier: Apache-2.0
 *
 * What was done, by whom, each thing once however often: taken from logs through the model and the
 * policy, for `learn` and `diff`. Nothing depends on the order in which logs are read.
 */
#ifndef SOWATCH_LEARN_FACTS_H
#define SOWATCH_LEARN_FACTS_H

#include "../policy/policy.h"
#include "../policy/pool.h"
#include "../sink/escape.h"

/* A set of strings, sorted. */
struct strings {
	const char **items;
	uint32_t count;
};
void strings_add(struct pool *pool, struct strings *strings, const char *string);
bool strings_has(const struct strings *strings, const char *string);

struct fact_hole {
	const char *name; /* "lost" */
	const char *sentence;
	uint64_t count;
};

/* One log. */
struct fact_run {
	const char *id, *host, *service, *vantage;
	uint64_t start_ns, end_ns; /* realtime, of the first and the last event */
	uint64_t digest; /* of the file: the same log twice is one run */
	uint64_t events;
	struct fact_hole *holes; /* sorted by name */
	uint32_t hole_count;
};

/* One who can be charged, the same in all logs: of a package by name and package, else by name and
 * path without what is different in each run. */
struct fact_subject {
	uint32_t index;
	enum subject_kind kind;
	const char *name, *package, *mask;
	struct strings paths, build_ids, versions;
	uint32_t side;	 /* diff: of which of the two */
};

struct fact_count {
	uint32_t run;
	uint64_t count, first_event; /* number of the event within the run */
};

/* Beside the actions: who called the subject. */
#define FACT_CALLER WIRE_ACTIONS

struct fact {
	struct fact_subject *subject;
	uint32_t action;
	const char **parts;
	uint32_t part_count;
	const char *remark; /* why it was left out, or NULL */
	uint64_t pids;	    /* see struct normal_value */
	uint64_t count, first_ns, last_ns; /* realtime */
	struct fact_count *runs;
	uint32_t run_count;
	const char **stack; /* of the earliest, innermost first */
	uint32_t stack_count, stack_run; /* the run it is from */
	uint32_t stack_conduits;	  /* bit i: passes everything on, as far as is known */
};

struct facts {
	struct pool *pool;
	struct fact_run *runs;
	uint32_t run_count;
	struct fact_subject **subjects;
	uint32_t subject_count;
	struct fact **facts;
	uint32_t count;
	uint32_t *places; /* hash of facts, index + 1 */
	uint32_t room;
	uint32_t side; /* diff: which of the two these are */
	uint32_t run;  /* being read */
	uint64_t event; /* number of the event being read */
	/* Subjects of the model being read, by their id. */
	struct fact_subject **known;
	uint32_t known_room;
};

/* Bounds: beyond these the logs are too much at once. */
#define FACTS_MAX (2u << 20)

/* The same subject of the model as one of all logs. Code in memory is its maker's; NULL when that is
 * not known. */
struct fact_subject *facts_subject(struct facts *facts, const struct subject *subject);

/* Adds an event of the model to the facts about subject. remark: see struct fact. 0, or -E2BIG. */
int facts_add(struct facts *facts, struct model *model, const struct item_event *event,
	      struct fact_subject *subject, const char *remark);
/* The same for a fact that is no action. */
int facts_add_words(struct facts *facts, struct model *model, const struct item_event *event,
		    struct fact_subject *subject, uint32_t action, const char *word);

/* Whether its result counts: files and programs on success, connections once a packet left. */
bool facts_is_done(const struct item_event *event);

/* By subject, action and words. */
void facts_sort(struct facts *facts);
int facts_compare_subjects(const struct fact_subject *one, const struct fact_subject *two);

/* Runs in order of time, then id; fact_count.run is renumbered. */
void facts_order_runs(struct facts *facts);

#endif

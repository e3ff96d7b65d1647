/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by learn.c (the rounds), finish.c (what is handed out) and write.c (as text).
 */
#ifndef SOWATCH_LEARN_LEARN_INNER_H
#define SOWATCH_LEARN_LEARN_INNER_H

#include "learn.h"

/* Files of our own while trying; nobody can have one that is called so. */
#define LEARN_TRIAL_PATH "\nlearned"

enum { LEARN_ALL = (1 << LEARN_FAMILIES) - 1 };

/* About one subject, by its index. */
struct candidate {
	uint32_t families;
	bool is_dropped; /* its profile would hide what is flagged */
};

struct learner {
	struct pool *pool;
	const struct learn_options *options;
	struct learned *learned;
	struct read_policy given;
	bool has_given;
	struct facts *facts;
	struct candidate *candidates;
	uint32_t candidate_room;
	bool has_env; /* variables were watched */
	bool has_grown, has_missed;
	struct normal_fans *fans;
	const char *trial; /* text of all profiles, or of their stubs */
};

struct candidate *learner_candidate(struct learner *learner, const struct fact_subject *subject);
/* quiet.c: the log is over: libraries and Python distributions that were there and have no profile are
 * asked about, too, whether or not they acted. A struct read_options' finish. */
void learner_find_quiet(void *arg, struct read_log *log);
/* Remark of a fact that nothing can be said about. */
extern const char learner_unsayable[];

/* finish.c: facts into profiles, sorted. */
void learner_profiles(struct learner *learner);
void learner_finish(struct learner *learner);

/* write.c: one profile, as an item of `profiles:`. name: what it is called. */
void write_profile(struct text *text, struct pool *pool, const char *name,
		   const struct fact_subject *subject, uint32_t families,
		   const struct learned_rules *rules);
/* keep.c: of the YAML's text, to tell whether somebody changed it. */
void learn_digest(const char *yaml, char ret_hex[24]);

/* Whether a profile can be matched with it at all. */
bool learner_is_matchable(const struct fact_subject *subject);

#endif

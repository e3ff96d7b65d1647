/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs into profiles: for every subject that acted and has no profile (or none for that family), the
 * rules that allow what it did and the grants do not; for libraries and Python distributions that were
 * there and did nothing, one without rules. What a hand-written rule, a guard or an
 * integrity finding flagged is never learned. The result is tried on the same logs before it is
 * handed out: it adds no deviation and hides none.
 */
#ifndef SOWATCH_LEARN_LEARN_H
#define SOWATCH_LEARN_LEARN_H

#include "read.h"
#include "rules.h"

struct learn_options {
	const char *const *logs;
	unsigned log_count;
	const struct policy *policy; /* borrowed; NULL: each log's own */
	bool only_acting; /* nothing for libraries and packages that were there and did nothing */
	FILE *errors;
	/* One sentence about something that went on without it: a log read twice, a damaged tail. */
	void (*warn)(void *arg, const char *sentence);
	void *arg;
};

/* How much of the behaviour has been seen, as far as what was seen can tell. */
struct learn_estimate {
	uint64_t events;	/* that the rules speak of */
	uint32_t rules, new_rules; /* new: first needed in the last quarter of all events */
	uint32_t once;		/* resting on a single event */
};

struct learn_profile {
	struct fact_subject *subject;
	const char *name;      /* of the profile: "learned libfoo.so.1" */
	const char *file_name; /* without ".learned.yaml" */
	uint32_t families;     /* bits by enum learn_family: those it speaks about */
	struct learned_rules rules;
	const struct fact **left_out; /* sorted; remark says why */
	uint32_t left_out_count;
	struct learn_estimate estimate;
	uint32_t kept; /* rules of an earlier learning, see learn_keep() */
	json_t *earlier; /* its evidence, owned */
};

enum learn_family { LEARN_NETWORK, LEARN_FILE, LEARN_EXEC, LEARN_ENV, LEARN_FAMILIES };

struct learned {
	struct facts facts;
	struct learn_profile *profiles; /* sorted by subject */
	uint32_t profile_count;
	const struct fact **left_out; /* all of them, also of subjects without a learned profile */
	uint32_t left_out_count;
	struct strings notes; /* subjects that could not be learned, and why */
	bool is_damaged;
};

/* 0, or negative errno: told on errors, or -ENOMEM. Everything returned belongs to pool. */
int learn_logs(struct pool *pool, const struct learn_options *options, struct learned *ret);

/* keep.c: what lies there from an earlier learning. */
enum learn_there {
	LEARN_NOTHING, /* nothing, or another subject's */
	LEARN_OURS,    /* as it was written */
	LEARN_EDITED,  /* not as it was written: somebody decided something */
};
/* yaml, evidence: what stands in the two files, NULL: not there. Rules of runs that were not among the
 * logs are taken over into the profile. */
enum learn_there learn_keep(const struct learned *learned, struct learn_profile *profile,
			    const char *yaml, const char *evidence);
void learn_profile_done(struct learn_profile *profile);

/* write.c, evidence.c: the whole text of the two files. */
void learn_write_yaml(const struct learned *learned, const struct learn_profile *profile,
		      struct text *text);
char *learn_write_evidence(const struct learned *learned, const struct learn_profile *profile,
			   const char *yaml);

/* "libfoo.so.1 file.read /etc/shadow, by guards: ..." */
void learn_show_fact(struct text *text, const struct fact *fact);

/* "network", ... and which action belongs to it. */
const char *learn_family_name(enum learn_family family);
enum learn_family learn_family_of(uint32_t action);

#endif

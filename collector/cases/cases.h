/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of a policy: cases out of YAML files, each an event (or a small log) and what must become
 * of it. An event is made into the items of a log and judged by the judge of every run, so that a
 * case cannot pass where the product would say something else. Pure after the files are read.
 */
#ifndef SOWATCH_CASES_H
#define SOWATCH_CASES_H

#include "../policy/policy.h"
#include "../policy/pool.h"

struct node;

#define CASE_LINKS_MAX 64u
#define CASE_OBJECTS_MAX 256u

/* One subject on a chain, as it was written. Strings are NUL-terminated, never NULL. */
struct case_subject {
	const struct node *node;
	enum subject_kind kind;
	const char *text; /* for messages */
	const char *name, *path, *package, *version, *build_id, *sha256, *origin;
	const char *profile; /* the profile that must answer for it; "none"; "": any must */
	bool is_plain_app;   /* the word app: a program without profile */
};

struct case_chain {
	struct case_subject *subjects; /* innermost first */
	uint32_t count;
};

/* What is acted on. */
struct case_object {
	const char *text; /* for messages */
	struct item_target target;
	const char *resolved; /* the resolver gave this name for the address, or "" */
};

/* What must come of it; an empty text or 0 does not ask. */
struct expectation {
	enum outcome_kind outcome;
	const char *charged, *judged_by, *profile, *rule, *method, *message;
	enum severity severity;
};

/* One alert of a log. */
struct expected_alert {
	unsigned line;
	const char *subject, *action, *object, *profile, *rule, *kind, *method;
	enum severity severity;
	int64_t count; /* -1: any */
};

#define CASE_SECRETS_MAX 8u

struct test_case {
	const char *file;
	unsigned line, column;
	const char *name;
	/* an event */
	struct case_chain chain, thread; /* thread: who created it; count 0: the main one */
	struct case_chain *starters;	 /* who started the process, nearest first */
	uint32_t starter_count;
	unsigned action;
	struct case_object *objects; /* each is an event of its own */
	uint32_t object_count;
	int32_t result;
	const char *function;
	const char *via[WIRE_VIA_MAX];
	uint64_t realtime_ns;
	uint8_t event_flags;
	const char *phase;
	bool is_partial;
	const char *secrets[CASE_SECRETS_MAX]; /* read before, by the same chain */
	uint32_t secret_count;
	const char *home, *cwd;
	struct str argv;
	uint32_t uid;
	struct expectation *expects;
	uint32_t expect_count;
	bool is_list; /* of deviations: these and no other */
	/* or a log */
	const char *log; /* its path; NULL: an event */
	const char *verdict;
	struct expected_alert *alerts;
	uint32_t alert_count;
	bool has_alerts;
};

struct cases {
	struct pool pool;
	jmp_buf escape; /* where running out of memory goes */
	struct test_case *list;
	uint32_t count;
	struct cases_loader *loader; /* while they are read */
};

/* Reads files and directories (*.yaml and *.yml of it, by name). 0, or the number of errors, all
 * of them told on errors in the way of policies; then *ret_cases is NULL. */
int cases_load(const char *const *paths, unsigned count, FILE *errors, struct cases **ret_cases);
/* The same from one text. */
int cases_load_text(const char *path, const char *text, size_t len, FILE *errors,
		    struct cases **ret_cases);
void cases_free(struct cases *cases);

enum case_verdict { CASE_PASSED, CASE_FAILED, CASE_BROKEN };

#define CASE_PROFILES_MAX 32u

/* How one event of a case went. Texts belong to the cases. */
struct case_result {
	const struct test_case *test;
	enum case_verdict verdict;
	const char *object;   /* which one, or "" */
	const char *expected; /* in a phrase */
	const char *actual;
	const char *problem; /* what is not as expected; BROKEN: what is wrong with the case */
	/* Profiles this says something about: those of the innermost subject, of whoever was
	 * charged and of whoever judged. */
	const char *profiles[CASE_PROFILES_MAX];
	unsigned profile_count;
	bool is_flag; /* something deviates */
};

/* Judges event number `at` (< object_count) of a case. */
void case_judge(struct cases *cases, const struct test_case *test, uint32_t at,
		struct policy *policy, struct case_result *ret_result);

/* Is this the rule meant by ID or FILE:LINE? */
bool case_rule_is(const struct rule_ref *rule, const char *wanted);

#endif

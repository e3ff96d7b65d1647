/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles: loaded and compiled once, then pure: no I/O, no allocation per verdict.
 */
#ifndef SOWATCH_POLICY_H
#define SOWATCH_POLICY_H

#include <stdio.h>

#include "../model/model.h"

struct policy;

enum severity { SEVERITY_LOW = 1, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

/* Where a rule was written. Strings belong to the policy. */
struct rule_ref {
	const char *profile; /* name of the profile, or "guards" */
	const char *file;
	unsigned line;
	const char *id;	     /* rule's id, or "" */
};

/* One policy source: a file on disk, or a text out of a log. */
struct policy_text {
	char *path;
	char *text;
	size_t len;
};

struct policy_variable {
	char *name, *value;
};

/* One error or warning of a load. Strings live during the call; file may be NULL, line 0. */
struct policy_problem {
	const char *file;
	unsigned line, column;
	bool is_warning;
	const char *id; /* "error", or the warning's name in warnings.tbl.h */
	const char *message;
};

struct policy_options {
	/* Value of ${NAME}, or NULL when unset. Live: getenv. Replay: the log's variables. */
	const char *(*variable)(void *arg, const char *name);
	void *variable_arg;
	FILE *errors; /* gcc-style messages go here, all of them */
	bool is_warning; /* also warnings (policy check) */
	/* Called for each of them too, sorted by place; may be NULL. */
	void (*problem)(void *arg, const struct policy_problem *problem);
	void *problem_arg;
};

/* By the result of a connect: a packet was sent, whether or not the call succeeded. */
bool policy_is_sent(int32_t result);

/* Reads files and directories (*.yaml and *.yml, sorted by name, subdirectories included except
 * "tests") in order. 0, or the number of errors (> 0) already printed. On failure *ret_policy is
 * NULL: nothing half-loaded. */
int policy_load(const char *const *paths, unsigned count, const struct policy_options *options,
		struct policy **ret_policy);
/* The same from texts, for replay. */
int policy_load_texts(const struct policy_text *texts, unsigned count,
		      const struct policy_options *options, struct policy **ret_policy);
void policy_free(struct policy *policy);

/* What must go into a log so that replay can load it again: in this order, unchanged. An entry with
 * an empty path (and no text) stands between two layers. */
unsigned policy_texts(const struct policy *policy, const struct policy_text **ret_texts);
unsigned policy_variables(const struct policy *policy, const struct policy_variable **ret_vars);
/* Lower-case hex BLAKE2b-128 over texts and variables. */
const char *policy_hash(const struct policy *policy);

/* Some profile is matched by sha256: the source has to take digests, and what comes after an object
 * has to wait for its. */
bool policy_wants_digests(const struct policy *policy);

/* Some profile says what order its connections keep: the shims have to follow them. */
bool policy_wants_exchange(const struct policy *policy);

/* Patterns of secrets in arguments, beside the built-in ones: PCRE2, or "glob:" and a glob of a whole
 * argument. NULL-terminated; NULL: none. */
const char *const *policy_redact(const struct policy *policy);

/* Finds the profiles that answer for a subject, and keeps them in subject->binding; called when
 * the subject is first judged. The binding belongs to the policy. */
const struct policy_binding *policy_bind(struct policy *policy, struct subject *subject);
/* Binds every subject of the model that another policy has bound, before that one is freed. */
void policy_take_over(struct policy *policy, struct model *model);
bool policy_is_profiled(const struct policy_binding *binding);
/* role: conduit, the subject carries everything (libc, the loader, interpreters, shells): sentences
 * leave it out. NULL (never judged) is none. */
bool policy_is_conduit(const struct policy_binding *binding);

enum outcome_kind {
	OUTCOME_ALLOWED = 1,
	OUTCOME_NOT_JUDGED, /* the charged subject has no profile, or none for this family */
	OUTCOME_DEVIATES,
	OUTCOME_UNHEARD, /* a host name in some rule might be this address's; nobody could know */
	OUTCOME_AWAITS,	 /* of a guard with `after`, within policy/ only: deviates after a secret */
};

/* One verdict. Points into policy and chain. */
struct outcome {
	enum outcome_kind kind;
	const struct chain_link *charged;   /* who; never NULL */
	const struct chain_link *judged_by; /* whose profile: differs for children and watchers */
	enum chain_method method;
	const char *method_name;	    /* "exact", "inferred", "partial", "outermost" */
	const char *reason;		    /* why it was charged there, for people */
	struct rule_ref rule;		    /* the rule or family list that decided */
	enum severity severity;
	const char *expected;		    /* what the profile allows, one phrase: "network: none" */
	const char *message;		    /* the rule's own message, or NULL */
	bool is_unprofiled;		    /* charged subject has no profile: list it */
	bool is_sequence; /* only together with what was done before: the finding's kind */
	bool is_lost;	  /* UNHEARD: not for a name's sake, the secrets' table was full */
	uint8_t secret_group; /* 1 + index of the group whose secret was read, 0: none was */
	/* Of a contact after a secret: which one; bits of groups that are meant for this peer, and
	 * that may be, had its name been heard. */
	const struct secret_read *secret;
	uint64_t meant, maybe_meant;
	bool wants_order; /* judged_by's profile says what order its connections keep */
};
#define POLICY_OUTCOMES 8

/* Judges one event: [0] is the charged subject's outcome, further ones are guards and watchers
 * that deviate, or whose host names may be meant. Returns how many (>= 1), at most POLICY_OUTCOMES. Deterministic; depends on
 * nothing but its arguments. Memoised inside by (chain, action, target, via, result class, name
 * version). */
/* Do some rules ask who wrote a program (`dropped`)? And does what that subject writes count? */
bool policy_wants_drops(const struct policy *policy);
bool policy_counts_drop(struct policy *policy, struct subject *writer);

unsigned policy_judge(struct policy *policy, struct model *model, const struct item_event *event,
		      struct outcome ret_outcomes[POLICY_OUTCOMES]);

/* Do some guards ask what was read before (`after`)? Then everything judged is to be noted after it
 * was judged, in order: what was read and who was contacted. outcomes: what policy_judge() said of
 * it. 0, or -ENOMEM. */
bool policy_wants_secrets(const struct policy *policy, unsigned action);
int policy_note_secret(struct policy *policy, struct model *model, const struct item_event *event,
		       const struct outcome *outcomes);

/* 1 << wire_action for which some guard, rule or profile says high or critical. A profile's severity
 * counts for what changes something, not for reading and listing files: those are most of what a
 * service does, so only a rule about them asks for it, and rules below /proc need not. */
uint32_t policy_severe_actions(const struct policy *policy);

/* Every profile, grant and guard in force, each rule with the file:line it was written at. */
void policy_print_effective(const struct policy *policy, FILE *file);

/* One policy file's text in canonical form, comments and meaning kept: 0 and a text to be freed.
 * -EINVAL: it is not YAML as policies are written, told on errors. */
int policy_format(const char *path, const char *text, size_t len, FILE *errors, char **ret_text,
		  size_t *ret_len);

/* The language as a JSON Schema. 0, or negative errno. */
int policy_print_schema(FILE *file);

/* accept: entries of the policy (hole name, reason); NULL when hole is not accepted. */
const char *policy_accepts(const struct policy *policy, const char *hole, uint64_t realtime_ns);

#endif

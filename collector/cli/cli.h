/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs share: options as tables, where our own files are, and the judge that both `run`
 * and `replay` feed. Everything sowatch says goes to stderr, but help and version.
 */
#ifndef SOWATCH_CLI_H
#define SOWATCH_CLI_H

#include "../pipeline.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_DEVIATES = 1,
	CLI_USAGE = 2, /* usage or policy error */
	CLI_DAMAGED = 3,
	CLI_UNKNOWN = 4,
};

/* Every verb is: int cli_VERB(int argc, char **argv), argv[0] the verb, answers an exit status. */
#define VERB(name, function, summary) int function(int argc, char **argv);
#include "verbs.tbl.h"
#undef VERB

/* --- options ------------------------------------------------------------------------------ */

enum cli_type {
	CLI_FLAG,   /* target: bool * */
	CLI_STRING, /* target: const char ** */
	CLI_LIST,   /* target: struct cli_list *, repeatable */
	CLI_NUMBER, /* target: uint32_t * */
	CLI_CHOICE, /* target: const char **, argument: "one|two|three" */
};

struct cli_list {
	const char **items; /* borrowed strings, array freed by cli_list_done() */
	unsigned count;
};
void cli_list_done(struct cli_list *list);

struct cli_option {
	const char *name;     /* long name without dashes; NULL ends the table */
	char letter;	      /* 0: none */
	enum cli_type type;
	const char *argument; /* "FILE", NULL for flags */
	const char *help;
	void *target;
};

struct cli_usage {
	const char *verb;
	const char *operands; /* "LOG...", "-- CMD [ARG]..." */
	const char *about;    /* one or more sentences */
	bool stops_at_operand; /* what follows the first operand is not ours (run) */
};

/* Parses argv[1..]. 0: go on, operands are argv[*ret_first .. argc) (options are moved before
 * them); 1: help was printed, exit 0; -EINVAL: told on stderr, exit CLI_USAGE. `--` ends options. */
int cli_parse(const struct cli_usage *usage, const struct cli_option *options, int argc,
	      char **argv, int *ret_first);

/* "sowatch: " and the sentence, on stderr, untrusted bytes escaped. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same as a callback; arg is not looked at. */
void cli_warn(void *arg, const char *sentence);
/* Policies' ${NAME}: the environment's, for policy_options.variable. */
const char *cli_variable(void *arg, const char *name);
/* The candidate nearest to word, or NULL when none is near. candidates: NULL-terminated. */
const char *cli_nearest(const char *word, const char *const *candidates);

/* --- our own files ------------------------------------------------------------------------ */

/* $SOWATCH_POLICIES, else policies/ beside the installation or in the source tree. Static string;
 * exists or is the compiled-in place. */
const char *cli_policies_dir(void);
/* $SOWATCH_SHIM, else libsowatch.so beside the installation; NULL when it is nowhere. */
const char *cli_shim_path(void);

/* --- judging ------------------------------------------------------------------------------ */

/* The options `run` and `replay` have in common. Zero-initialise, put CLI_JUDGE_OPTIONS(&options)
 * into the option table. */
struct cli_judge_options {
	struct cli_list policies; /* -p */
	const char *alerts, *summary, *baseline;
	const char *fail_on; /* "deviates", "unknown", or NULL */
	const char *accept;  /* "shim-only" or NULL */
	bool is_quiet;	     /* no sentences on stderr */
	struct pipeline_filter filter;
	/* Not options: set by the verb. */
	const char *log_path;	/* run: the log to create, NULL: none */
	bool uses_stored_policy; /* replay: without -p the policy is in the log */
	bool may_reload;	 /* run: the policy is read again when its files change */
};

/* clang-format off */
#define CLI_JUDGE_OPTIONS(o)                                                                       \
	{"policy", 'p', CLI_LIST, "POLICY", "policy file or directory, repeatable, later ones win", &(o)->policies}, \
	{"alerts", 0, CLI_STRING, "FILE", "write every deviation as one line of JSON", &(o)->alerts},  \
	{"summary", 0, CLI_STRING, "FILE", "write the verdict and what was seen as JSON", &(o)->summary}, \
	{"baseline", 0, CLI_STRING, "FILE", "fingerprints of known deviations to be silent about", &(o)->baseline}, \
	{"fail-on", 0, CLI_CHOICE, "deviates|unknown", "let the exit status tell the verdict", &(o)->fail_on}, \
	{"accept", 0, CLI_CHOICE, "shim-only", "accept that the kernel side is not watched", &(o)->accept}, \
	{"quiet", 'q', CLI_FLAG, NULL, "no sentences on stderr", &(o)->is_quiet}
/* clang-format on */

struct cli_judge;

/* Loads the policy, creates log, alerts and summary. 0, or CLI_USAGE: told on stderr. Call before
 * anything is started: after 0 nothing of this can fail any more. */
int cli_judge_open(const struct cli_judge_options *options, struct cli_judge **ret_judge);
/* What the policy calls severe: 1 << wire_action. */
uint32_t cli_judge_severe(const struct cli_judge *judge);
/* Some profile is matched by the digest of a file. */
bool cli_judge_wants_digests(const struct cli_judge *judge);
/* ... and whether the order of requests and replies has to be followed. */
bool cli_judge_wants_exchange(const struct cli_judge *judge);
/* Patterns of secrets that the policy has, NULL-terminated; they live until the judge is closed, or
 * its policy is changed over. */
const char *const *cli_judge_redact(const struct cli_judge *judge);
/* One item. 0: go on (an invalid item is counted, not an error); else an exit status: stop. */
int cli_judge_item(struct cli_judge *judge, const struct item *item);
/* The watched command runs: from now on changed policy files are read again, by a thread. */
void cli_judge_started(struct cli_judge *judge);
/* They are read again although nothing was noticed. */
void cli_judge_ask(struct cli_judge *judge);
/* Between two items, as often as one likes: changes over to a policy that was read again. */
void cli_judge_reload(struct cli_judge *judge);
/* Call when the source has nothing at the moment: the log on disk is then up to date. */
void cli_judge_flush(struct cli_judge *judge);
/* The items are over (ITEM_END came, or the log was torn): closes the log, tells holes and
 * verdict. Another run may follow (replay of several logs); the worst verdict counts. */
enum verdict cli_judge_finish(struct cli_judge *judge);
/* Closes the sinks. 0, or CLI_USAGE when alerts or summary could not be written (told). */
int cli_judge_close(struct cli_judge *judge);

/* `run`: the command's own status unless --fail-on applies to the verdict. */
int cli_run_exit(const struct cli_judge_options *options, enum verdict verdict, int status);

#endif

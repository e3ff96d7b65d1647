/* SPDX-License-Identifier: Apache-2.0
 *
 * Where findings go: sentences for people, JSON lines, the summary.
 */
#ifndef SOWATCH_SINK_H
#define SOWATCH_SINK_H

#include "../policy/policy.h"

/* Everything a sink may say about one deviation. Valid during the call. */
struct finding {
	struct model *model;
	const struct policy *policy;
	const struct item_event *event;
	const struct outcome *outcome;
	const char *kind;     /* "deviation", "bypass", "tamper", ... */
	const char *vantage;  /* "shim" */
	char fingerprint[33]; /* hex, stable across runs */
	char id[33];	      /* hex, unique within the run, same on replay */
	uint64_t count;	      /* repeats this line stands for, >= 1 */
	const struct chain *chain;
};

struct hole_entry {
	struct item_hole hole; /* strings owned by the entry's holder; time_ns is the last time */
	uint64_t first_ns;
	bool is_accepted;
	bool is_watched; /* UNCOVERED, but the kernel's side saw all it did: told, and no reason */
	const char *accept_reason;
};

enum verdict { VERDICT_CLEAN = 0, VERDICT_DEVIATES = 1, VERDICT_UNKNOWN = 4 };

/* The judged run so far: filled by pipeline.c, read by summary and text sinks. */
struct tally {
	uint64_t events, deviations;
	struct hole_entry *holes;
	unsigned hole_count;
	struct tally_subject *subjects; /* indexed by subject id, actions counted when charged */
	uint32_t subject_count;
	uint64_t partial_stacks; /* events whose innermost stack was cut short */
	uint64_t baselined;	 /* deviations a baseline silenced, not in deviations */
};

struct tally_subject {
	uint64_t actions[WIRE_ACTIONS];
	bool is_unprofiled;
};

/* A deviation that the baseline knows. */
struct baselined {
	char fingerprint[33];
	uint64_t count;
};

/* How one run ended. */
struct report {
	enum verdict verdict;
	const struct tally *tally;
	struct model *model;
	const struct policy *policy; /* NULL when none was ever loaded */
	const char *vantage;
	char *const *reasons; /* plain sentences, why the verdict is not clean */
	unsigned reason_count;
	const struct baselined *baselined; /* in order of first appearance */
	unsigned baselined_count;
};

/* One place findings go to. Every function may be NULL but close. Errors are negative errno; they
 * are remembered by the sink and told by close. */
struct sink {
	void (*finding)(struct sink *sink, const struct finding *finding);
	void (*report)(struct sink *sink, const struct report *report);
	void (*flush)(struct sink *sink);
	int (*close)(struct sink *sink); /* frees the sink, whatever the result */
};

/* Sentences on stream (borrowed), colour only when is_colour. */
struct sink *sink_text_new(FILE *stream, bool is_colour);
/* --alerts: creates or truncates path, "-" is our own standard output. Negative errno. */
int sink_jsonl_open(const char *path, struct sink **ret_sink);
/* --summary: creates path now, writes it at close; several reports (several logs) are merged. */
int sink_summary_open(const char *path, struct sink **ret_sink);

/* --baseline: accepted fingerprints, one hex string a line, or JSON lines with "fingerprint".
 * Negative errno; -EINVAL sets *ret_line to the line that is neither. */
struct baseline;
int baseline_load(const char *path, struct baseline **ret_baseline, unsigned *ret_line);
bool baseline_has(const struct baseline *baseline, const char *fingerprint);
void baseline_free(struct baseline *baseline);

#endif

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
	const char *kind;      /* "deviation", "bypass", "tamper", ... */
	const char *vantage;   /* "shim" */
	char fingerprint[33];  /* hex, stable across runs */
	char id[33];	       /* hex, unique within the run, same on replay */
	uint64_t count;	       /* repeats this line stands for, >= 1 */
};

struct hole_entry {
	struct item_hole hole; /* strings owned by the entry's holder */
	bool is_accepted;
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
};

struct tally_subject {
	uint64_t actions[WIRE_ACTIONS];
	bool is_unprofiled;
};

#endif

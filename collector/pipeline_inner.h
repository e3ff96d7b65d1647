/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by pipeline.c (the order), pipeline_holes.c (coverage) and pipeline_report.c (the end).
 */
#ifndef SOWATCH_PIPELINE_INNER_H
#define SOWATCH_PIPELINE_INNER_H

#include "../preload/wire/ring.h"
#include "pipeline.h"
#include "sink/fold.h"

/* Holes told apart; what comes later is counted under its kind alone. */
#define PIPELINE_HOLES_MAX 1024u

struct pipeline {
	struct pipeline_options options;
	struct model *model;
	struct fold *fold;
	struct policy *policy;	   /* judging with it; NULL: not loaded yet */
	struct policy *stored;	   /* owned: loaded from the items */
	struct policy_text *texts; /* the items' policy, until it is loaded */
	unsigned text_count;
	struct policy_variable *variables;
	unsigned variable_count;
	struct log_writer *log;
	struct tally tally;
	struct report report;
	char **reasons;
	unsigned reason_count;
	uint64_t now_ns; /* time of the newest item that has one */
	bool has_run, has_end, has_torn;
	bool is_renewing; /* the items bring another policy in the middle of the run */
};

/* The kernel's side was watched too, as the log's run says. */
bool pipeline_has_kernel(const struct pipeline *pipeline);

/* pipeline_holes.c */
void hole_add(struct pipeline *pipeline, const struct item_hole *hole);
/* One more of a kind that has no item of its own. */
void hole_count(struct pipeline *pipeline, enum hole_kind kind, uint8_t family, uint32_t process);
void holes_of_event(struct pipeline *pipeline, const struct item_event *event,
		    const struct chain *chain, const struct outcome *outcome);
void holes_accept(struct pipeline *pipeline);
/* The name of the address that was reached could not be known, and a rule goes by names; or it is
 * not known what came before, and a rule goes by that. */
void hole_unheard(struct pipeline *pipeline, const struct item_event *event,
	       const struct outcome *outcome);

/* pipeline_names.c: who resolves names without libc. */
/* pipeline_drops.c: who wrote which file. */
bool drops_ask(const struct pipeline *pipeline, const struct item_event *event);
int drops_note(struct pipeline *pipeline, const struct item_event *event, const struct chain *chain,
	       const struct outcome *outcome);

bool lookup_is(struct pipeline *pipeline, const struct item_event *event);
int lookup_note(struct pipeline *pipeline, const struct item_event *event,
		const struct chain *chain, const struct outcome *outcomes, unsigned count);
void holes_done(struct pipeline *pipeline);

/* pipeline_report.c */
void report_make(struct pipeline *pipeline);
void report_done(struct pipeline *pipeline);

/* pipeline_policy.c: the policy that travels in the items. */
int stored_add_text(struct pipeline *pipeline, const struct item_policy *item);
int stored_add_variable(struct pipeline *pipeline, const struct item_variable *item);
int stored_load(struct pipeline *pipeline);
/* Between two events: what was held back is told by the old rules, then the new ones judge. */
void policy_swap(struct pipeline *pipeline, struct policy *policy);
/* What stands in front of a policy that replaces the one before. */
int policy_append_mark(const struct policy *policy, struct log_writer *log);
void stored_done(struct pipeline *pipeline);
/* The other way: what a live run puts into its log. 0 or the log's errno. */
int policy_append(const struct policy *policy, struct log_writer *log);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The order, once: item -> log (live only) -> model -> judge -> fold -> sinks. Live and replay
 * differ in the source and in whether a log is attached, in nothing else, so that a replay says
 * byte for byte what the live run said. No wall clock, no pointers, no hash order in here.
 */
#ifndef SOWATCH_PIPELINE_H
#define SOWATCH_PIPELINE_H

#include "log/log.h"
#include "sink/sink.h"

struct pipeline;

/* Which events count. Empty members do not restrict; strings live as long as the pipeline. */
struct pipeline_filter {
	const char *subject; /* name of the charged subject */
	const char *action;  /* glob over the published action names */
	uint32_t pid;
};

struct pipeline_options {
	struct policy *policy;	   /* borrowed; NULL: the one stored in the items (replay) */
	struct log_writer *log;	   /* taken over, closed by pipeline_finish(); NULL: none */
	const char *log_path;	   /* for messages */
	struct sink *const *sinks; /* borrowed, valid as long as the pipeline */
	unsigned sink_count;
	const struct baseline *baseline; /* borrowed, may be NULL */
	struct pipeline_filter filter;
	bool accepts_shim_only; /* --accept shim-only */
	FILE *errors;		/* problems of our own (log, stored policy), one sentence each */
};

/* NULL when out of memory (the log is then closed too). */
struct pipeline *pipeline_new(const struct pipeline_options *options);

/* One item, all the way. 0; -EINVAL: the item was not valid, was ignored and counted as a hole
 * (go on); -ENOEXEC: the stored policy cannot be loaded, told on errors (stop); -ENOMEM. */
int pipeline_run_item(struct pipeline *pipeline, const struct item *item);

/* From the next item on this policy (borrowed) judges; it goes into the log at this place, so that
 * a replay changes over there too. The old one may be freed when this returns. */
void pipeline_reload(struct pipeline *pipeline, struct policy *policy);

/* Nothing to do at the moment: write out what the log and the sinks still hold back. */
void pipeline_flush(struct pipeline *pipeline);

/* After the last item: closes the log, adds the holes only the end can know, hands the report to
 * every sink. The report stays valid until pipeline_free(). */
const struct report *pipeline_finish(struct pipeline *pipeline);

void pipeline_free(struct pipeline *pipeline);

#endif

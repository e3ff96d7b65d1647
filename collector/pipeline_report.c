/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdict and why. Deviates beats unknown beats clean; any hole nobody accepted is unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline_inner.h"
#include "sink/words.h"

/* Sentences about holes; the summary's ledger has them all. */
#define REPORT_HOLES_MAX 32u

static void reason_add(struct pipeline *pipeline, struct text *text)
{
	char **reasons =
		realloc(pipeline->reasons, (pipeline->reason_count + 1) * sizeof(*reasons));
	if (reasons)
		pipeline->reasons = reasons;
	if (!reasons || text->error) {
		text_done(text);
		return;
	}
	reasons[pipeline->reason_count++] = text->data;
	*text = (struct text){0};
}

static void reason_deviations(struct pipeline *pipeline)
{
	struct text text = {0};
	uint64_t count = pipeline->tally.deviations;
	if (!count)
		return;
	text_clear(&text);
	text_addf(&text, "%llu %s not allowed by the policy", (unsigned long long)count,
		  count == 1 ? "action was" : "actions were");
	reason_add(pipeline, &text);
}

/* Something is missing that there was: when. */
static void reason_time(struct pipeline *pipeline, struct text *text,
			const struct hole_entry *entry)
{
	const struct item_run *run = model_run(pipeline->model);
	switch (entry->hole.kind) {
	case HOLE_LOST:
	case HOLE_GAP:
	case HOLE_EARLY:
	case HOLE_MISSED:
	case HOLE_REJECTED:
		text_add(text, entry->first_ns == entry->hole.time_ns ? ", at " : ", from ");
		words_time(text, run, entry->first_ns);
		if (entry->first_ns == entry->hole.time_ns)
			break;
		text_add(text, " to ");
		words_time(text, run, entry->hole.time_ns);
	}
}

/* How many holes nobody accepted. */
static unsigned reason_holes(struct pipeline *pipeline)
{
	unsigned open = 0;
	for (unsigned i = 0; i < pipeline->tally.hole_count; i++) {
		const struct hole_entry *entry = &pipeline->tally.holes[i];
		struct text text = {0};
		if (entry->is_accepted || entry->is_watched || ++open > REPORT_HOLES_MAX)
			continue;
		text_clear(&text);
		words_hole_sentence(&text, pipeline->model, &entry->hole, ESCAPE_UTF8);
		reason_time(pipeline, &text, entry);
		reason_add(pipeline, &text);
	}
	if (open > REPORT_HOLES_MAX) {
		struct text text = {0};
		text_clear(&text);
		text_addf(&text, "%u more holes in coverage are in the summary",
			  open - REPORT_HOLES_MAX);
		reason_add(pipeline, &text);
	}
	return open;
}

void report_make(struct pipeline *pipeline)
{
	struct report *report = &pipeline->report;
	reason_deviations(pipeline);
	unsigned open = reason_holes(pipeline);
	report->verdict = pipeline->tally.deviations ? VERDICT_DEVIATES
			  : open		     ? VERDICT_UNKNOWN
						     : VERDICT_CLEAN;
	report->tally = &pipeline->tally;
	report->model = pipeline->model;
	report->policy = pipeline->policy;
	report->vantage = model_run(pipeline->model)->vantage.data;
	report->reasons = pipeline->reasons;
	report->reason_count = pipeline->reason_count;
	report->baselined_count = fold_baselined(pipeline->fold, &report->baselined);
}

void report_done(struct pipeline *pipeline)
{
	for (unsigned i = 0; i < pipeline->reason_count; i++)
		free(pipeline->reasons[i]);
	free(pipeline->reasons);
}

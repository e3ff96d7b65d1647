/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline_inner.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "sink/words.h"

static void tell_finding(void *arg, const struct finding *finding)
{
	struct pipeline *pipeline = arg;
	for (unsigned i = 0; i < pipeline->options.sink_count; i++)
		if (pipeline->options.sinks[i]->finding)
			pipeline->options.sinks[i]->finding(pipeline->options.sinks[i], finding);
}

struct pipeline *pipeline_new(const struct pipeline_options *options)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	if (!pipeline) {
		if (options->log)
			log_close(options->log);
		return NULL;
	}
	pipeline->options = *options;
	pipeline->log = options->log;
	pipeline->policy = options->policy;
	pipeline->model = model_new();
	pipeline->fold = fold_new(options->baseline, tell_finding, pipeline);
	if (!pipeline->model || !pipeline->fold) {
		pipeline_free(pipeline);
		return NULL;
	}
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	if (pipeline->log)
		log_close(pipeline->log);
	report_done(pipeline);
	holes_done(pipeline);
	free(pipeline->tally.subjects);
	fold_free(pipeline->fold);
	stored_done(pipeline);
	model_free(pipeline->model);
	free(pipeline);
}

/* The log is gone, the watch goes on: told once, and the verdict knows. */
static void log_failed(struct pipeline *pipeline, int error)
{
	struct item_hole hole = {.kind = HOLE_LOG,
				 .family = WIRE_FAMILY_META,
				 .count = 1,
				 .time_ns = pipeline->now_ns};
	const char *why = strerror(-error);
	const char *path = pipeline->options.log_path ? pipeline->options.log_path : "";
	if (pipeline->log)
		log_close(pipeline->log); /* what was written stays readable */
	pipeline->log = NULL;
	hole.what = (struct str){path, (uint32_t)strlen(path)};
	hole.reason = (struct str){why, (uint32_t)strlen(why)};
	hole_add(pipeline, &hole);
	if (!pipeline->options.errors)
		return;
	struct text text = {0};
	text_clear(&text);
	text_escape_string(&text, path, ESCAPE_TERMINAL);
	fprintf(pipeline->options.errors,
		"sowatch: the log %s cannot be written: %s; watching goes on without it\n",
		text.data ? text.data : "", why);
	text_done(&text);
}

static void append_to_log(struct pipeline *pipeline, const struct item *item)
{
	if (!pipeline->log)
		return;
	int error = log_append(pipeline->log, item);
	if (!error && item->type == ITEM_RUN && pipeline->policy)
		error = policy_append(pipeline->policy, pipeline->log);
	if (error)
		log_failed(pipeline, error);
}

void pipeline_reload(struct pipeline *pipeline, struct policy *policy)
{
	int error = 0;
	if (pipeline->log && pipeline->has_run)
		error = policy_append_mark(policy, pipeline->log);
	if (pipeline->log && pipeline->has_run && !error)
		error = policy_append(policy, pipeline->log);
	if (error)
		log_failed(pipeline, error);
	policy_swap(pipeline, policy);
}

/* Counts an action for its charged subject. Grows only when new subjects have come. */
static int count_action(struct pipeline *pipeline, const struct item_event *event,
			const struct outcome *outcome)
{
	struct tally *tally = &pipeline->tally;
	uint32_t id = outcome->charged->subject->id;
	if (id >= tally->subject_count) {
		uint32_t count = (model_subjects(pipeline->model) + 64) * 2;
		struct tally_subject *grown =
			realloc(tally->subjects, count * sizeof(*tally->subjects));
		if (!grown)
			return -ENOMEM;
		memset(grown + tally->subject_count, 0,
		       (count - tally->subject_count) * sizeof(*grown));
		tally->subjects = grown;
		tally->subject_count = count;
	}
	tally->subjects[id].actions[event->action]++;
	tally->subjects[id].is_unprofiled |= outcome->is_unprofiled;
	return 0;
}

static bool is_filtered_out(const struct pipeline *pipeline, const struct item_event *event)
{
	const struct pipeline_filter *filter = &pipeline->options.filter;
	if (filter->pid && model_process(pipeline->model, event->process)->pid != filter->pid)
		return true;
	return filter->action && fnmatch(filter->action, words_action(event->action), 0);
}

static bool is_other_subject(const struct pipeline *pipeline, const struct outcome *outcome)
{
	const char *wanted = pipeline->options.filter.subject;
	return wanted && strcmp(wanted, outcome->charged->subject->name);
}

static int find_deviation(struct pipeline *pipeline, const struct item_event *event,
			  const struct chain *chain, const struct outcome *outcome,
			  const char *kind)
{
	struct finding finding = {
		.model = pipeline->model,
		.policy = pipeline->policy,
		.event = event,
		.outcome = outcome,
		.kind = kind,
		.vantage = model_run(pipeline->model)->vantage.data,
		.chain = chain,
	};
	int added = fold_add(pipeline->fold, &finding);
	if (added < 0)
		return added;
	if (added)
		pipeline->tally.deviations++;
	else
		pipeline->tally.baselined++;
	return 0;
}

static const struct way {
	const char *kind, *id, *message;
	bool is_caller;
} ways[BYPASS_KINDS] = {
#define BYPASS(id, number, kind, name, is_caller, sentence)                                        \
	[number] = {kind, name, "its code " sentence, is_caller},
	BYPASSES(BYPASS)
#undef BYPASS
};

/* Whose code it was: the innermost subject, or where that is libc, whoever called it. */
static const struct chain_link *way_charged(const struct chain *chain, const struct way *way)
{
	const struct chain_link *link = &chain->links[0];
	if (!way->is_caller)
		return link;
	for (uint32_t i = 0; i + 1 < chain->own_count; i++, link++)
		if (!policy_is_conduit(link->subject->binding))
			break;
	return link;
}

/* An event that went past the shim is a finding whatever the profiles say. */
static int find_bypass(struct pipeline *pipeline, const struct item_event *event,
		       const struct chain *chain)
{
	if (event->bypass == BYPASS_NONE || event->bypass >= BYPASS_KINDS || !chain->count)
		return 0;
	const struct way *way = &ways[event->bypass];
	struct outcome outcome = {
		.kind = OUTCOME_DEVIATES,
		.charged = way_charged(chain, way),
		.method = chain->is_partial ? METHOD_PARTIAL : METHOD_EXACT,
		.method_name = chain->is_partial ? "partial" : "exact",
		.reason = "the code address at which the kernel was entered",
		.rule = {.profile = "integrity", .file = "", .id = way->id},
		.severity = SEVERITY_HIGH,
		.expected = "every call of a watched process goes through the shim",
		.message = way->message,
	};
	outcome.judged_by = outcome.charged;
	if (is_other_subject(pipeline, &outcome))
		return 0;
	return find_deviation(pipeline, event, chain, &outcome, way->kind);
}

static const char *kind_of(const struct item_event *event, const struct outcome *outcome)
{
	if (outcome->is_sequence)
		return "sequence";
	return event->action == WIRE_NET_EXCHANGE ? "exchange" : "deviation";
}

static int judge_event(struct pipeline *pipeline, const struct item_event *event)
{
	struct outcome outcomes[POLICY_OUTCOMES];
	if (!pipeline->policy)
		return -ENOEXEC;
	/* A filter hides what is not asked for; what it says about names holds all the same. */
	bool is_lookup = lookup_is(pipeline, event);
	bool is_hidden = is_filtered_out(pipeline, event), is_drop = drops_ask(pipeline, event);
	bool is_kept = policy_wants_secrets(pipeline->policy, event->action);
	if (is_hidden && !is_lookup && !is_drop && !is_kept)
		return 0;
	const struct chain *chain = model_chain(pipeline->model, event->chain);
	unsigned count = policy_judge(pipeline->policy, pipeline->model, event, outcomes);
	bool is_counted = !is_other_subject(pipeline, &outcomes[0]);
	int error = is_lookup ? lookup_note(pipeline, event, chain, outcomes, count) : 0;
	if (is_drop && !error)
		error = drops_note(pipeline, event, chain, &outcomes[0]);
	if (is_kept && !error)
		error = policy_note_secret(pipeline->policy, pipeline->model, event, outcomes);
	if (is_hidden || error)
		return error;
	if (is_counted) {
		pipeline->tally.events++;
		pipeline->tally.partial_stacks += chain->is_partial;
		if (event->action != WIRE_NET_EXCHANGE || event->result >= 0)
			error = count_action(pipeline, event, &outcomes[0]);
		holes_of_event(pipeline, event, chain, &outcomes[0]);
	}
	for (unsigned i = 0; i < count; i++)
		if (outcomes[i].kind == OUTCOME_UNHEARD && !is_other_subject(pipeline, &outcomes[i]))
			hole_unheard(pipeline, event, &outcomes[i]);
	for (unsigned i = 0; i < count && !error; i++)
		if (outcomes[i].kind == OUTCOME_DEVIATES &&
		    !is_other_subject(pipeline, &outcomes[i]))
			error = find_deviation(pipeline, event, chain, &outcomes[i],
					       kind_of(event, &outcomes[i]));
	return error ? error : find_bypass(pipeline, event, chain);
}

/* What the pipeline itself keeps of an item, beside the model. */
static int digest(struct pipeline *pipeline, const struct item *item)
{
	switch (item->type) {
	case ITEM_EVENT:
		pipeline->now_ns = item->event.time_ns;
		return judge_event(pipeline, &item->event);
	case ITEM_RUN:
		pipeline->has_run = true;
		pipeline->now_ns = item->run.monotonic_ns;
		return 0;
	case ITEM_POLICY:
		return stored_add_text(pipeline, &item->policy);
	case ITEM_VARIABLE:
		return stored_add_variable(pipeline, &item->variable);
	case ITEM_HOLE:
		pipeline->now_ns = item->hole.time_ns;
		hole_add(pipeline, &item->hole);
		return 0;
	case ITEM_END:
		pipeline->has_end = true;
		pipeline->now_ns = item->end.time_ns;
		return 0;
	default:
		return 0;
	}
}

/* The order. */
int pipeline_run_item(struct pipeline *pipeline, const struct item *item)
{
	bool is_policy = item->type == ITEM_POLICY || item->type == ITEM_VARIABLE;
	if ((!pipeline->policy || pipeline->is_renewing) && pipeline->has_run && !is_policy) {
		int error = stored_load(pipeline);
		if (error)
			return error;
	}
	append_to_log(pipeline, item);
	if (model_forgets(pipeline->model, item))
		fold_finish(pipeline->fold); /* while it can still say on what */
	int error = model_ingest(pipeline->model, item);
	if (!error)
		return digest(pipeline, item);
	hole_count(pipeline, HOLE_REJECTED, WIRE_FAMILIES, 0);
	return error;
}

void pipeline_flush(struct pipeline *pipeline)
{
	int error = pipeline->log ? log_flush(pipeline->log) : 0;
	if (error)
		log_failed(pipeline, error);
	for (unsigned i = 0; i < pipeline->options.sink_count; i++)
		if (pipeline->options.sinks[i]->flush)
			pipeline->options.sinks[i]->flush(pipeline->options.sinks[i]);
}

bool pipeline_has_kernel(const struct pipeline *pipeline)
{
	const char *vantage = model_run(pipeline->model)->vantage.data;
	return !strcmp(vantage, "kernel") || !strcmp(vantage, "both");
}

const struct report *pipeline_finish(struct pipeline *pipeline)
{
	int error = pipeline->log ? log_close(pipeline->log) : 0;
	pipeline->log = NULL;
	if (error)
		log_failed(pipeline, error);
	if (!pipeline->has_end && !pipeline->has_torn)
		hole_count(pipeline, HOLE_TORN, WIRE_FAMILIES, 0);
	if (!pipeline_has_kernel(pipeline))
		hole_count(pipeline, HOLE_KERNEL, WIRE_FAMILIES, 0);
	fold_finish(pipeline->fold);
	holes_accept(pipeline);
	report_make(pipeline);
	for (unsigned i = 0; i < pipeline->options.sink_count; i++)
		if (pipeline->options.sinks[i]->report)
			pipeline->options.sinks[i]->report(pipeline->options.sinks[i],
							   &pipeline->report);
	return &pipeline->report;
}

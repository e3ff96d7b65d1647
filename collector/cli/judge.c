/* SPDX-License-Identifier: Apache-2.0
 *
 * Policy, sinks and pipeline, opened and closed together: what `run` and `replay` feed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "reload.h"

#define JUDGE_SINKS 3

struct cli_judge {
	struct cli_judge_options options;
	struct policy *policy; /* NULL: the log's own */
	struct reload *reload; /* NULL: the policy stays what it is */
	struct baseline *baseline;
	struct sink *sinks[JUDGE_SINKS];
	const char *sink_names[JUDGE_SINKS]; /* for messages */
	unsigned sink_count;
	struct pipeline *pipeline; /* of the current run */
	enum verdict verdict;	   /* the worst so far */
};

static int load_policy(struct cli_judge *judge)
{
	const struct cli_judge_options *options = &judge->options;
	const char *shipped = cli_policies_dir();
	struct policy_options policy_options = {.variable = cli_variable, .errors = stderr};
	if (!options->policies.count && options->uses_stored_policy)
		return 0;
	const char *const *paths = options->policies.count ? options->policies.items : &shipped;
	unsigned count = options->policies.count ? options->policies.count : 1;
	if (options->may_reload)
		judge->reload = reload_new(paths, count);
	return policy_load(paths, count, &policy_options, &judge->policy) ? CLI_USAGE : 0;
}

static int load_baseline(struct cli_judge *judge)
{
	unsigned line = 0;
	const char *path = judge->options.baseline;
	int error = path ? baseline_load(path, &judge->baseline, &line) : 0;
	if (error == -EINVAL)
		cli_error("%s:%u: neither a fingerprint (32 hex digits) nor JSON with one", path,
			  line);
	else if (error)
		cli_error("the baseline %s cannot be read: %s", path, strerror(-error));
	return error ? CLI_USAGE : 0;
}

static void add_sink(struct cli_judge *judge, struct sink *sink, const char *name)
{
	judge->sink_names[judge->sink_count] = name;
	judge->sinks[judge->sink_count++] = sink;
}

static int open_file_sink(struct cli_judge *judge, const char *path,
			  int (*open_sink)(const char *path, struct sink **ret_sink))
{
	struct sink *sink;
	int error = path ? open_sink(path, &sink) : 0;
	if (error) {
		cli_error("%s cannot be written: %s", path, strerror(-error));
		return CLI_USAGE;
	}
	if (path)
		add_sink(judge, sink, path);
	return 0;
}

static int open_sinks(struct cli_judge *judge)
{
	if (!judge->options.is_quiet) {
		bool is_colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
		struct sink *sink = sink_text_new(stderr, is_colour);
		if (sink)
			add_sink(judge, sink, "stderr");
	}
	int exit_status = open_file_sink(judge, judge->options.alerts, sink_jsonl_open);
	return exit_status ? exit_status
			   : open_file_sink(judge, judge->options.summary, sink_summary_open);
}

static int open_pipeline(struct cli_judge *judge)
{
	struct pipeline_options options = {
		.policy = judge->policy,
		.log_path = judge->options.log_path,
		.sinks = judge->sinks,
		.sink_count = judge->sink_count,
		.baseline = judge->baseline,
		.filter = judge->options.filter,
		.accepts_shim_only = judge->options.accept,
		.errors = stderr,
	};
	int error = options.log_path ? log_create(options.log_path, &options.log) : 0;
	if (error) {
		cli_error("the log %s cannot be created: %s", options.log_path, strerror(-error));
		return CLI_USAGE;
	}
	judge->pipeline = pipeline_new(&options);
	if (!judge->pipeline) {
		cli_error("%s", strerror(ENOMEM));
		return CLI_USAGE;
	}
	return 0;
}

int cli_judge_open(const struct cli_judge_options *options, struct cli_judge **ret_judge)
{
	struct cli_judge *judge = calloc(1, sizeof(*judge));
	if (!judge) {
		cli_error("%s", strerror(ENOMEM));
		return CLI_USAGE;
	}
	judge->options = *options;
	int exit_status = load_policy(judge);
	if (!exit_status)
		exit_status = load_baseline(judge);
	if (!exit_status)
		exit_status = open_sinks(judge);
	if (!exit_status)
		exit_status = open_pipeline(judge);
	if (exit_status) {
		cli_judge_close(judge);
		return exit_status;
	}
	*ret_judge = judge;
	return 0;
}

uint32_t cli_judge_severe(const struct cli_judge *judge)
{
	return judge->policy ? policy_severe_actions(judge->policy) : 0;
}

bool cli_judge_wants_digests(const struct cli_judge *judge)
{
	return judge->policy && policy_wants_digests(judge->policy);
}

bool cli_judge_wants_exchange(const struct cli_judge *judge)
{
	return judge->policy && policy_wants_exchange(judge->policy);
}

const char *const *cli_judge_redact(const struct cli_judge *judge)
{
	return judge->policy ? policy_redact(judge->policy) : NULL;
}

int cli_judge_item(struct cli_judge *judge, const struct item *item)
{
	/* The run before was finished and another log follows: its ids begin anew. */
	int exit_status = judge->pipeline ? 0 : open_pipeline(judge);
	if (exit_status)
		return exit_status;
	switch (pipeline_run_item(judge->pipeline, item)) {
	case -ENOEXEC:
		return CLI_USAGE;
	case -ENOMEM:
		cli_error("%s", strerror(ENOMEM));
		return CLI_USAGE;
	}
	return 0;
}

void cli_judge_started(struct cli_judge *judge)
{
	int error = judge->reload ? reload_start(judge->reload, policy_hash(judge->policy)) : 0;
	if (!error)
		return;
	cli_error("changes of the policy will not be noticed: %s", strerror(-error));
	reload_free(judge->reload);
	judge->reload = NULL;
}

void cli_judge_ask(struct cli_judge *judge)
{
	if (judge->reload)
		reload_ask(judge->reload);
}

void cli_judge_reload(struct cli_judge *judge)
{
	struct policy *policy =
		judge->reload ? reload_take(judge->reload, !judge->options.is_quiet) : NULL;
	if (!policy)
		return;
	if (judge->pipeline)
		pipeline_reload(judge->pipeline, policy);
	policy_free(judge->policy);
	judge->policy = policy;
}

void cli_judge_flush(struct cli_judge *judge)
{
	if (judge->pipeline)
		pipeline_flush(judge->pipeline);
}

static enum verdict worse(enum verdict one, enum verdict two)
{
	if (one == VERDICT_DEVIATES || two == VERDICT_DEVIATES)
		return VERDICT_DEVIATES;
	return one == VERDICT_UNKNOWN || two == VERDICT_UNKNOWN ? VERDICT_UNKNOWN : VERDICT_CLEAN;
}

enum verdict cli_judge_finish(struct cli_judge *judge)
{
	/* A log without a single item still has a verdict: its end is missing. */
	if (!judge->pipeline && open_pipeline(judge))
		return judge->verdict;
	judge->verdict = worse(judge->verdict, pipeline_finish(judge->pipeline)->verdict);
	pipeline_flush(judge->pipeline);
	pipeline_free(judge->pipeline);
	judge->pipeline = NULL;
	return judge->verdict;
}

int cli_judge_close(struct cli_judge *judge)
{
	int exit_status = 0;
	if (!judge)
		return 0;
	reload_free(judge->reload);
	pipeline_free(judge->pipeline);
	for (unsigned i = 0; i < judge->sink_count; i++) {
		int error = judge->sinks[i]->close(judge->sinks[i]);
		if (!error || !strcmp(judge->sink_names[i], "stderr"))
			continue;
		cli_error("%s could not be written completely: %s", judge->sink_names[i],
			  strerror(-error));
		exit_status = CLI_USAGE;
	}
	baseline_free(judge->baseline);
	policy_free(judge->policy);
	free(judge);
	return exit_status;
}

int cli_run_exit(const struct cli_judge_options *options, enum verdict verdict, int status)
{
	bool is_unknown_told = options->fail_on && !strcmp(options->fail_on, "unknown");
	if (options->fail_on && verdict == VERDICT_DEVIATES)
		return CLI_DEVIATES;
	if (is_unknown_told && verdict == VERDICT_UNKNOWN)
		return CLI_UNKNOWN;
	return status;
}

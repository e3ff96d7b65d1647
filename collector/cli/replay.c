/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch replay: the same pipeline with a log as its source.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "../source/source.h"
#include "cli.h"

/* 0, or an exit status: stop. */
static int replay_items(struct cli_judge *judge, struct source *source, const char *path)
{
	struct item item;
	int status = 0, next;
	while (!status && (next = source_next(source, &item)) == 1)
		status = cli_judge_item(judge, &item);
	if (!status && next != -ENODATA) {
		cli_error("%s", source_error(source) ? source_error(source) : path);
		return CLI_DAMAGED;
	}
	return status;
}

/* 0, or an exit status. What could be read of a damaged log is still judged and told. */
static int replay_log(struct cli_judge *judge, const char *path, enum verdict *verdict)
{
	struct source *source;
	char error[512] = "";
	int opened = source_log_open(path, &source, error, sizeof(error));
	if (opened) {
		cli_error("%s", *error ? error : strerror(-opened));
		/* Not there or not readable is a usage error, not readable as a log is damage. */
		return opened == -ENOENT || opened == -EACCES || opened == -EISDIR ? CLI_USAGE
										   : CLI_DAMAGED;
	}
	int status = replay_items(judge, source, path);
	source_close(source);
	if (!status || status == CLI_DAMAGED)
		*verdict = cli_judge_finish(judge);
	return status;
}

static int verdict_exit(const struct cli_judge_options *options, enum verdict verdict)
{
	/* --fail-on deviates: an unknown does not fail. */
	if (verdict == VERDICT_UNKNOWN && options->fail_on && !strcmp(options->fail_on, "deviates"))
		return CLI_OK;
	return (int)verdict;
}

static int replay_logs(const struct cli_judge_options *options, char **logs)
{
	struct cli_judge *judge;
	enum verdict verdict = VERDICT_CLEAN;
	int damaged = 0;
	signal(SIGPIPE, SIG_IGN); /* a reader of --alerts that went away does not cost the verdict */
	int status = cli_judge_open(options, &judge);
	if (status)
		return status;
	for (; *logs && (!status || status == CLI_DAMAGED); logs++) {
		status = replay_log(judge, *logs, &verdict);
		damaged = status == CLI_DAMAGED ? status : damaged;
	}
	int closed = cli_judge_close(judge);
	if (status && status != CLI_DAMAGED)
		return status;
	return damaged ? damaged : closed ? closed : verdict_exit(options, verdict);
}

int cli_replay(int argc, char **argv)
{
	struct cli_judge_options judge = {.uses_stored_policy = true};
	const struct cli_usage usage = {
		.verb = "replay",
		.operands = "LOG...",
		.about = "Judges recorded logs again: with the policy that is stored in them, or "
			 "with -p "
			 "with another.\nExit status: 0 clean, 1 deviates, 2 usage or policy "
			 "error, 3 "
			 "damaged log, 4 unknown.",
	};
	const struct cli_option options[] = {
		CLI_JUDGE_OPTIONS(&judge),
		{"subject", 0, CLI_STRING, "NAME", "only what is charged to this subject",
		 &judge.filter.subject},
		{"action", 0, CLI_STRING, "GLOB", "only these actions, as net.*",
		 &judge.filter.action},
		{"pid", 0, CLI_NUMBER, "N", "only what this process did", &judge.filter.pid},
		{0},
	};
	int first;
	int parsed = cli_parse(&usage, options, argc, argv, &first);
	int status = parsed > 0 ? CLI_OK : CLI_USAGE;
	if (!parsed && first == argc)
		cli_error("replay: which log? `sowatch replay --help` tells more");
	else if (!parsed)
		status = replay_logs(&judge, argv + first);
	cli_list_done(&judge.policies);
	return status;
}

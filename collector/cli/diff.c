/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch diff A B: the gate for a new version of a dependency.
 */
#include "../diff/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sink/json.h"
#include "cli.h"

struct diff_arguments {
	struct cli_list policies;
	const char *json, *sarif;
	bool is_quiet;
};

static int write_to(struct pool *pool, const struct diff *diff, const char *path,
		    int (*write_diff)(struct pool *pool, const struct diff *diff, FILE *stream))
{
	if (!path)
		return 0;
	FILE *stream = json_open(path);
	int error = stream ? write_diff(pool, diff, stream) : -errno;
	if (stream && fclose(stream) && !error)
		error = -errno;
	if (error)
		cli_error("%s cannot be written: %s", path, strerror(-error));
	return error ? CLI_USAGE : 0;
}

static int tell(struct pool *pool, const struct diff *diff, const struct diff_arguments *arguments)
{
	bool has_stdout = (arguments->json && !strcmp(arguments->json, "-")) ||
			  (arguments->sarif && !strcmp(arguments->sarif, "-"));
	int status = write_to(pool, diff, arguments->json, diff_write_json);
	if (!status)
		status = write_to(pool, diff, arguments->sarif, diff_write_sarif);
	if (!arguments->is_quiet && !has_stdout)
		diff_print(pool, diff, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), stdout);
	if (fflush(stdout) && !status) {
		cli_error("cannot write to standard output: %s", strerror(errno));
		status = CLI_USAGE;
	}
	if (status)
		return status;
	return diff->is_damaged ? CLI_DAMAGED : diff->appeared ? CLI_DEVIATES : CLI_OK;
}

static int compare(const struct diff_arguments *arguments, char **logs, unsigned before,
		   unsigned after)
{
	struct policy *policy = NULL;
	struct policy_options policy_options = {.variable = cli_variable, .errors = stderr};
	if (arguments->policies.count &&
	    policy_load(arguments->policies.items, arguments->policies.count, &policy_options,
			&policy))
		return CLI_USAGE;
	jmp_buf escape;
	struct pool pool = {.escape = &escape};
	volatile int status = CLI_USAGE;
	if (!setjmp(escape)) {
		struct diff diff;
		struct diff_options options = {
			.logs = {(const char *const *)logs, (const char *const *)logs + before},
			.log_count = {before, after},
			.policy = policy,
			.errors = stderr,
			.warn = cli_warn};
		if (!diff_logs(&pool, &options, &diff))
			status = tell(&pool, &diff, arguments);
	} else {
		cli_error("%s", strerror(ENOMEM));
	}
	pool_done(&pool);
	policy_free(policy);
	return status;
}

/* How many words follow a `--`, which cli_parse() takes away: the second side. */
static unsigned words_behind(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return (unsigned)(argc - i - 1);
	return 0;
}

int cli_diff(int argc, char **argv)
{
	struct diff_arguments arguments = {0};
	const struct cli_usage usage = {
		.verb = "diff",
		.operands = "LOG... [--] LOG...",
		.about = "Compares two recordings of the same thing, made with two versions of a "
			 "library: by subject, what\nappeared and what vanished. Two logs, or "
			 "several "
			 "on each side of --. Exit status: 0 nothing appeared,\n1 something did, 2 "
			 "usage or policy error, 3 damaged log.",
	};
	const struct cli_option options[] = {
		{"policy", 'p', CLI_LIST, "POLICY",
		 "policy file or directory, repeatable; default: the one in each log",
		 &arguments.policies},
		{"json", 0, CLI_STRING, "FILE", "write the differences as JSON", &arguments.json},
		{"sarif", 0, CLI_STRING, "FILE", "write the differences as SARIF 2.1.0",
		 &arguments.sarif},
		{"quiet", 'q', CLI_FLAG, NULL, "nothing on standard output", &arguments.is_quiet},
		{0},
	};
	unsigned after = words_behind(argc, argv);
	int first = 0, parsed = cli_parse(&usage, options, argc, argv, &first);
	int status = parsed > 0 ? CLI_OK : CLI_USAGE;
	unsigned count = parsed ? 0 : (unsigned)(argc - first);
	if (!parsed && !after)
		after = count == 2;
	if (!parsed && (!after || count <= after))
		cli_error(
			"diff: which two logs? Several a side are told apart by --; `sowatch diff "
			"--help` tells more");
	else if (!parsed)
		status = compare(&arguments, argv + first, count - after, after);
	cli_list_done(&arguments.policies);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy check: what is wrong with policies, and what in them is of no use; for people, for
 * programs (JSON) and for code review (SARIF).
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/json.h"
#include "../sink/sarif.h"
#include "policy_cli.h"

struct check {
	const char *format; /* NULL: text */
	bool is_strict;
	unsigned errors, warnings;
	json_t *problems;
	struct sarif *sarif;
	int error; /* of ours */
};

static const char *take_environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static enum sarif_level level_of(const struct check *check, bool is_warning)
{
	return is_warning && !check->is_strict ? SARIF_WARNING : SARIF_ERROR;
}

static void add_json(struct check *check, const struct policy_problem *problem)
{
	json_t *object = json_object();
	bool is_error = level_of(check, problem->is_warning) == SARIF_ERROR;
	int failed = json_object_set_new(object, "file",
					 problem->file ? json_text(problem->file) : json_null());
	failed |= json_object_set_new(object, "line", json_integer(problem->line));
	failed |= json_object_set_new(object, "column", json_integer(problem->column));
	failed |= json_object_set_new(object, "level", json_string(is_error ? "error" : "warning"));
	failed |= json_object_set_new(object, "rule", json_string(problem->id));
	failed |= json_object_set_new(object, "message", json_text(problem->message));
	if (failed | json_array_append_new(check->problems, object))
		check->error = -ENOMEM;
}

static void add_sarif(struct check *check, const struct policy_problem *problem)
{
	struct sarif_result result = {.rule = problem->id,
				      .level = level_of(check, problem->is_warning),
				      .message = problem->message,
				      .file = problem->file,
				      .line = problem->line,
				      .column = problem->column};
	int error = sarif_add(check->sarif, &result);
	if (error)
		check->error = error;
}

static void add_problem(void *arg, const struct policy_problem *problem)
{
	struct check *check = arg;
	check->errors += !problem->is_warning;
	check->warnings += problem->is_warning;
	if (check->problems)
		add_json(check, problem);
	if (check->sarif)
		add_sarif(check, problem);
}

static int begin(struct check *check)
{
	int error = 0;
	if (check->format && !strcmp(check->format, "json")) {
		check->problems = json_array();
		return check->problems ? 0 : -ENOMEM;
	}
	if (!check->format || strcmp(check->format, "sarif") != 0)
		return 0;
	check->sarif = sarif_new("sowatch policy check");
	if (!check->sarif)
		return -ENOMEM;
	error |= sarif_add_rule(check->sarif, "error", "the policy cannot be loaded", SARIF_ERROR);
#define WARNING(id, name, about)                                                                   \
	error |= sarif_add_rule(check->sarif, name, about, level_of(check, true));
#include "../policy/warnings.tbl.h"
#undef WARNING
	return error;
}

static int print_json(struct check *check)
{
	json_t *object = json_object();
	int failed = json_object_set_new(object, "v", json_integer(1));
	failed |= json_object_set_new(object, "errors", json_integer(check->errors));
	failed |= json_object_set_new(object, "warnings", json_integer(check->warnings));
	failed |= json_object_set(object, "problems", check->problems);
	failed = failed || json_dumpf(object, stdout, JSON_INDENT(2));
	json_decref(object);
	if (failed)
		return -EIO;
	putchar('\n');
	return 0;
}

static int finish(struct check *check)
{
	if (check->problems && !check->error)
		check->error = print_json(check);
	if (check->sarif && !check->error)
		check->error = sarif_write(check->sarif, stdout);
	json_decref(check->problems);
	sarif_free(check->sarif);
	if (check->error) {
		cli_error("cannot write to standard output: %s", strerror(-check->error));
		return CLI_USAGE;
	}
	int flushed = cli_policy_flush();
	if (flushed != CLI_OK)
		return flushed;
	return check->errors ? CLI_USAGE : check->warnings && check->is_strict ? 1 : CLI_OK;
}

static int check_paths(struct check *check, const char *const *paths, unsigned count)
{
	struct policy_options options = {.variable = take_environment,
					 .is_warning = true,
					 .problem = add_problem,
					 .problem_arg = check};
	struct policy *policy = NULL;
	check->error = begin(check);
	if (!check->problems && !check->sarif)
		options.errors = stderr;
	if (!check->error && policy_load(paths, count, &options, &policy) && !check->errors)
		check->error = -ENOMEM;
	policy_free(policy);
	return finish(check);
}

int cli_policy_check(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy check",
		.operands = "[PATH]...",
		.about = "Loads policy files and directories, the later above the earlier, and "
			 "says all\nthat is wrong with them, and what in them cannot be meant so. "
			 "Without a PATH: the shipped policies.\nExit status: 0 no errors, 1 "
			 "warnings and --strict, 2 errors."};
	struct check check = {0};
	const struct cli_option options[] = {
		{"format", 0, CLI_CHOICE, "text|json|sarif",
		 "text on standard error (default), or on standard output", &check.format},
		{"strict", 0, CLI_FLAG, NULL, "a warning is as bad as an error", &check.is_strict},
		{0}};
	int first = 0, result = cli_parse(&usage, options, argc, argv, &first);
	if (result)
		return result < 0 ? CLI_USAGE : CLI_OK;
	const char *shipped = cli_policies_dir();
	if (first == argc)
		return check_paths(&check, &shipped, 1);
	return check_paths(&check, (const char *const *)argv + first, (unsigned)(argc - first));
}

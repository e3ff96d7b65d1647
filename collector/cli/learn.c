/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch learn LOG...: profiles for what was seen and has none yet, one file a subject.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../learn/learn.h"
#include "../sink/words.h"
#include "cli.h"

/* Lines about what was left out; the rest is in the evidence. */
#define TOLD_MAX 20u

/* Into a file beside it first: what is there is whole at any time. */
static int write_file(const char *directory, const char *name, const char *ending,
		      const char *content)
{
	char *path = NULL, *fresh = NULL;
	int error = 0;
	if (asprintf(&path, "%s/%s.%s", directory, name, ending) < 0)
		return CLI_USAGE;
	if (asprintf(&fresh, "%s.new", path) < 0) {
		free(path);
		return CLI_USAGE;
	}
	FILE *file = fopen(fresh, "we");
	if (!file)
		error = errno;
	if (file && fputs(content, file) < 0)
		error = errno;
	if (file && fclose(file) && !error)
		error = errno;
	if (!error && rename(fresh, path))
		error = errno;
	if (error) {
		cli_error("%s cannot be written: %s", path, strerror(error));
		if (file)
			remove(fresh);
	}
	free(fresh);
	free(path);
	return error ? CLI_USAGE : 0;
}

/* Whole contents, or NULL; what is larger than any of ours is not ours. */
static char *read_file(const char *directory, const char *name, const char *ending)
{
	enum { BYTES_MAX = 64 << 20 };
	char *path = NULL, *content = NULL;
	if (asprintf(&path, "%s/%s.%s", directory, name, ending) < 0)
		return NULL;
	FILE *file = fopen(path, "re");
	struct stat status;
	free(path);
	if (file && !fstat(fileno(file), &status) && S_ISREG(status.st_mode) &&
	    status.st_size < BYTES_MAX) {
		content = calloc(1, (size_t)status.st_size + 1);
		if (content && fread(content, 1, (size_t)status.st_size, file) == 0)
			*content = 0;
	}
	if (file)
		fclose(file);
	return content;
}

static int write_texts(const struct learned *learned, const struct learn_profile *profile,
		       const char *directory, bool is_beside)
{
	struct text yaml = {0};
	learn_write_yaml(learned, profile, &yaml);
	char *evidence = yaml.error ? NULL : learn_write_evidence(learned, profile, yaml.data);
	int status = CLI_USAGE;
	if (evidence)
		status = write_file(directory, profile->file_name,
				    is_beside ? "learned.yaml.new" : "learned.yaml", yaml.data);
	else
		cli_error("%s", strerror(ENOMEM));
	if (!status)
		status = write_file(directory, profile->file_name,
				    is_beside ? "evidence.json.new" : "evidence.json", evidence);
	text_done(&yaml);
	free(evidence);
	return status;
}

static int write_profile_files(const struct learned *learned, struct learn_profile *profile,
			       const char *directory)
{
	char *yaml = read_file(directory, profile->file_name, "learned.yaml");
	char *evidence = read_file(directory, profile->file_name, "evidence.json");
	enum learn_there there = learn_keep(learned, profile, yaml, evidence);
	if (there == LEARN_EDITED)
		cli_error("%s/%s.learned.yaml is not as it was written, and is left alone: the new "
			  "one is %s.learned.yaml.new",
			  directory, profile->file_name, profile->file_name);
	int status = write_texts(learned, profile, directory, there == LEARN_EDITED);
	free(yaml);
	free(evidence);
	learn_profile_done(profile);
	return status;
}

/* --- what is said ------------------------------------------------------------------------------
 */

static void tell_profile(const struct learn_profile *profile)
{
	const struct learn_estimate *said = &profile->estimate;
	struct text line = {0};
	text_clear(&line);
	text_addf(&line, "  %s ", words_kind(profile->subject->kind));
	text_escape_string(&line, profile->subject->name, ESCAPE_TERMINAL);
	text_addf(&line, ": %u rule%s", said->rules, said->rules == 1 ? "" : "s");
	if (said->rules)
		text_addf(&line, " from %llu actions", (unsigned long long)said->events);
	if (profile->kept)
		text_addf(&line, "; %u kept from earlier runs", profile->kept);
	if (said->new_rules)
		text_addf(&line, "; %u first needed in the last quarter", said->new_rules);
	printf("%s\n", line.data ? line.data : "");
	text_done(&line);
}

static bool is_quiet(const struct learn_profile *profile)
{
	return !profile->estimate.rules && !profile->kept;
}

/* There may be many of them, and there is nothing to say about each. */
static void tell_quiet(const struct learned *learned)
{
	struct text line = {0};
	uint32_t count = 0;
	text_clear(&line);
	for (uint32_t i = 0; i < learned->profile_count; i++) {
		if (!is_quiet(&learned->profiles[i]))
			continue;
		text_add(&line, count++ ? ", " : "");
		text_escape_string(&line, learned->profiles[i].subject->name, ESCAPE_TERMINAL);
	}
	if (count)
		printf("  %u without a rule, for what was there and did nothing that needs one: %s\n",
		       count, line.data ? line.data : "");
	text_done(&line);
}

static void tell_left_out(const struct learned *learned)
{
	if (learned->left_out_count)
		printf("left out, because something written by hand flags it:\n");
	for (uint32_t i = 0; i < learned->left_out_count && i < TOLD_MAX; i++) {
		const struct fact *fact = learned->left_out[i];
		struct text line = {0};
		text_clear(&line);
		learn_show_fact(&line, fact);
		printf("  %s\n", line.data ? line.data : "");
		text_done(&line);
	}
	if (learned->left_out_count > TOLD_MAX)
		printf("  and %u more\n", learned->left_out_count - TOLD_MAX);
	for (uint32_t i = 0; i < learned->notes.count; i++)
		printf("note: %s\n", learned->notes.items[i]);
}

static void tell_holes(const struct learned *learned)
{
	struct strings told = {0};
	for (uint32_t i = 0; i < learned->facts.run_count; i++) {
		const struct fact_run *run = &learned->facts.runs[i];
		for (uint32_t hole = 0; hole < run->hole_count; hole++)
			strings_add(learned->facts.pool, &told, run->holes[hole].sentence);
	}
	for (uint32_t i = 0; i < told.count; i++)
		printf("hole: %s\n", told.items[i]);
}

static void tell(const struct learned *learned, const char *directory)
{
	uint32_t runs = learned->facts.run_count, rules = 0, late = 0;
	for (uint32_t i = 0; i < learned->profile_count; i++) {
		rules += learned->profiles[i].estimate.rules;
		late += learned->profiles[i].estimate.new_rules;
	}
	printf("%u profile%s with %u rule%s from %u run%s, in %s:\n", learned->profile_count,
	       learned->profile_count == 1 ? "" : "s", rules, rules == 1 ? "" : "s", runs,
	       runs == 1 ? "" : "s", directory);
	for (uint32_t i = 0; i < learned->profile_count; i++)
		if (!is_quiet(&learned->profiles[i]))
			tell_profile(&learned->profiles[i]);
	tell_quiet(learned);
	tell_left_out(learned);
	tell_holes(learned);
	if (learned->profile_count)
		printf("not complete: %u of %u rules were first needed in the last quarter of what "
		       "was recorded%s\n",
		       late, rules, late ? "; record more" : "");
}

/* --- the verb ----------------------------------------------------------------------------------
 */

static int write_all(struct learned *learned, const char *directory)
{
	int status = 0;
	if (learned->profile_count && mkdir(directory, 0777) && errno != EEXIST) {
		cli_error("%s cannot be made: %s", directory, strerror(errno));
		return CLI_USAGE;
	}
	for (uint32_t i = 0; i < learned->profile_count && !status; i++)
		status = write_profile_files(learned, &learned->profiles[i], directory);
	return status;
}

static int learn(const struct cli_list *policies, const char *directory, bool only_acting,
		 char **logs, unsigned log_count)
{
	struct policy *policy = NULL;
	struct policy_options policy_options = {.variable = cli_variable, .errors = stderr};
	if (policies->count &&
	    policy_load(policies->items, policies->count, &policy_options, &policy))
		return CLI_USAGE;
	jmp_buf escape;
	struct pool pool = {.escape = &escape};
	volatile int status = CLI_USAGE;
	if (!setjmp(escape)) {
		struct learned learned;
		struct learn_options options = {.logs = (const char *const *)logs,
						.log_count = log_count,
						.policy = policy,
						.only_acting = only_acting,
						.errors = stderr,
						.warn = cli_warn};
		if (!learn_logs(&pool, &options, &learned)) {
			status = write_all(&learned, directory);
			if (!status)
				tell(&learned, directory);
			if (!status && learned.is_damaged)
				status = CLI_DAMAGED;
		}
	} else {
		cli_error("%s", strerror(ENOMEM));
	}
	pool_done(&pool);
	policy_free(policy);
	if (fflush(stdout) && !status)
		status = CLI_USAGE;
	return status;
}

int cli_learn(int argc, char **argv)
{
	struct cli_list policies = {0};
	const char *directory = "learned";
	bool only_acting = false;
	const struct cli_usage usage = {
		.verb = "learn",
		.operands = "LOG...",
		.about = "Writes a profile for every subject in the logs that acted and has none, "
			 "NAME.learned.yaml, and\nbeside it what each rule rests on, "
			 "NAME.evidence.json. What the policy already allows needs no\nrule; what "
			 "it flags is never learned. A library or Python package that was there and "
			 "did\nnothing gets a profile without rules.",
	};
	const struct cli_option options[] = {
		{"output", 'o', CLI_STRING, "DIR", "where to write, default: learned", &directory},
		{"only-acting", 0, CLI_FLAG, NULL,
		 "none for libraries and Python packages that were there and did nothing",
		 &only_acting},
		{"policy", 'p', CLI_LIST, "POLICY",
		 "policy file or directory, repeatable; default: the one in each log", &policies},
		{0},
	};
	int first = 0, parsed = cli_parse(&usage, options, argc, argv, &first);
	int status = parsed > 0 ? CLI_OK : CLI_USAGE;
	if (!parsed && first == argc)
		cli_error("learn: from which logs? `sowatch learn --help` tells more");
	else if (!parsed)
		status = learn(&policies, directory, only_acting, argv + first, (unsigned)(argc - first));
	cli_list_done(&policies);
	return status;
}

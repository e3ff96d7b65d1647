/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy check | effective: what is wrong with policies, and what is in force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *take_environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

/* Loads and prints what is wrong on stderr. NULL: there were errors. */
static struct policy *load(const char *const *paths, unsigned count, bool is_warning)
{
	struct policy_options options = {
		.variable = take_environment, .errors = stderr, .is_warning = is_warning};
	const char *shipped = cli_policies_dir();
	struct policy *policy = NULL;
	if (!count) {
		paths = &shipped;
		count = 1;
	}
	policy_load(paths, count, &options, &policy);
	return policy;
}

static int policy_check(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy check",
		.operands = "[PATH]...",
		.about = "Loads policy files and directories, the later above the earlier, and "
			 "says all "
			 "that is wrong with them. Without a PATH: the shipped policies."};
	static const struct cli_option options[] = {{0}};
	int first = 0, result = cli_parse(&usage, options, argc, argv, &first);
	if (result)
		return result < 0 ? CLI_USAGE : CLI_OK;
	struct policy *policy =
		load((const char *const *)argv + first, (unsigned)(argc - first), true);
	policy_free(policy);
	return policy ? CLI_OK : CLI_USAGE;
}

static int policy_effective(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy effective",
		.operands = "[PATH]...",
		.about = "Prints every profile, grant and guard in force, each rule with the "
			 "file:line "
			 "it was written at. Without a policy: the shipped ones."};
	struct cli_list policies = {0};
	const struct cli_option options[] = {{"policy", 'p', CLI_LIST, "POLICY",
					      "policy file or directory, repeatable", &policies},
					     {0}};
	int first = 0, result = cli_parse(&usage, options, argc, argv, &first);
	if (result) {
		cli_list_done(&policies);
		return result < 0 ? CLI_USAGE : CLI_OK;
	}
	bool has_both = policies.count && first < argc;
	struct policy *policy = NULL;
	if (has_both)
		cli_error("name the policies with -p or as operands, not both");
	else if (policies.count)
		policy = load(policies.items, policies.count, false);
	else
		policy = load((const char *const *)argv + first, (unsigned)(argc - first), false);
	cli_list_done(&policies);
	if (!policy)
		return CLI_USAGE;
	policy_print_effective(policy, stdout);
	policy_free(policy);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write to standard output: %s", strerror(errno));
		return CLI_USAGE;
	}
	return CLI_OK;
}

static const struct {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *about;
} verbs[] = {
	{"check", policy_check, "say all that is wrong with policies"},
	{"effective", policy_effective, "print what is in force, and where each rule stands"},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *file)
{
	fprintf(file, "usage: sowatch policy VERB ...\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(file, "  %-12s%s\n", verbs[i].name, verbs[i].about);
}

int cli_policy(int argc, char **argv)
{
	const char *names[VERBS + 1] = {0};
	for (size_t i = 0; i < VERBS; i++) {
		if (argc > 1 && !strcmp(argv[1], verbs[i].name))
			return verbs[i].function(argc - 1, argv + 1);
		names[i] = verbs[i].name;
	}
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return CLI_OK;
	}
	const char *nearest = argc > 1 ? cli_nearest(argv[1], names) : NULL;
	if (argc > 1 && nearest)
		cli_error("policy: unknown verb \"%s\" (did you mean \"%s\"?)", argv[1], nearest);
	else if (argc > 1)
		cli_error("policy: unknown verb \"%s\"", argv[1]);
	else
		print_help(stderr);
	return CLI_USAGE;
}

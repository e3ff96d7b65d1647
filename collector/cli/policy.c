/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy VERB: finds the verb; loading for those that need a policy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_cli.h"

static const char *take_environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

struct policy *cli_policy_load(const char *const *paths, unsigned count)
{
	struct policy_options options = {.variable = take_environment, .errors = stderr};
	const char *shipped = cli_policies_dir();
	struct policy *policy = NULL;
	if (!count) {
		paths = &shipped;
		count = 1;
	}
	policy_load(paths, count, &options, &policy);
	return policy;
}

int cli_policy_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return CLI_OK;
	cli_error("cannot write to standard output: %s", strerror(errno));
	return CLI_USAGE;
}

static const struct {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *about;
} verbs[] = {
#define VERB(name, function, about) {#name, function, about},
#include "policy_verbs.tbl.h"
#undef VERB
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * The sowatch program: one verb, one function. The verbs are in cli/verbs.tbl.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

struct verb {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *summary;
};

static const struct verb verbs[] = {
#define VERB(name, function, summary) {#name, function, summary},
#include "cli/verbs.tbl.h"
#undef VERB
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static int help(FILE *out)
{
	fprintf(out, "sowatch: watch what your libraries do\n\nusage: sowatch VERB [ARG]...\n\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(out, "\n`sowatch VERB --help` tells the options of a verb, "
		     "`sowatch --version` the version.\n");
	return out == stdout ? CLI_OK : CLI_USAGE;
}

static int unknown_verb(const char *word)
{
	const char *names[VERB_COUNT + 1] = {0};
	for (size_t i = 0; i < VERB_COUNT; i++)
		names[i] = verbs[i].name;
	const char *nearest = cli_nearest(word, names);
	if (nearest)
		cli_error("unknown verb '%s'; did you mean '%s'?", word, nearest);
	else
		cli_error("unknown verb '%s'; `sowatch --help` lists the verbs", word);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr);
	if (!strcmp(argv[1], "--version")) {
		puts("sowatch " SOWATCH_VERSION);
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help(stdout);
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].function(argc - 1, argv + 1);
	return unknown_verb(argv[1]);
}

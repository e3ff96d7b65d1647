/* SPDX-License-Identifier: Apache-2.0
 *
 * What a policy means, to be compared: for the test of the formatter and for the fuzzer.
 */
#ifndef SOWATCH_TEST_POLICY_MEANING_H
#define SOWATCH_TEST_POLICY_MEANING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/policy/policy.h"

static int line_compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* What is in force, without where it was written, its lines sorted: order is not meaning. */
static char *meaning_of(const struct policy *policy)
{
	char *text = NULL, *out = NULL, *rest = NULL;
	size_t bytes = 0, count = 0;
	FILE *file = open_memstream(&text, &bytes);
	policy_print_effective(policy, file);
	fclose(file);
	char **lines = calloc(bytes + 1, sizeof(*lines));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *origin = strstr(line, "  # ");
		if (origin)
			*origin = 0;
		if (strncmp(line, "# policy", 8) != 0)
			lines[count++] = line;
	}
	if (count)
		qsort(lines, count, sizeof(*lines), line_compare);
	file = open_memstream(&out, &bytes);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s\n", lines[i]);
	fclose(file);
	free(lines);
	free(text);
	return out;
}

#endif

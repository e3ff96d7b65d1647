/* SPDX-License-Identifier: Apache-2.0
 *
 * Known deviations: a file of fingerprints, as they stand in alerts. A whole --alerts file works.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"

#define FINGERPRINT_CHARS 32

struct baseline {
	char (*fingerprints)[FINGERPRINT_CHARS + 1]; /* sorted */
	size_t count;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, FINGERPRINT_CHARS);
}

static bool is_fingerprint(const char *text)
{
	size_t len = strlen(text);
	return len == FINGERPRINT_CHARS && strspn(text, "0123456789abcdef") == len;
}

static int baseline_add(struct baseline *baseline, const char *fingerprint)
{
	if (!is_fingerprint(fingerprint))
		return -EINVAL;
	void *grown = realloc(baseline->fingerprints,
			      (baseline->count + 1) * sizeof(*baseline->fingerprints));
	if (!grown)
		return -ENOMEM;
	baseline->fingerprints = grown;
	memcpy(baseline->fingerprints[baseline->count++], fingerprint, FINGERPRINT_CHARS + 1);
	return 0;
}

static int baseline_add_json(struct baseline *baseline, const char *line)
{
	json_t *object = json_loads(line, 0, NULL);
	const char *fingerprint = json_string_value(json_object_get(object, "fingerprint"));
	int error = fingerprint ? baseline_add(baseline, fingerprint) : -EINVAL;
	json_decref(object);
	return error;
}

/* Blank lines and `# comments` are skipped. */
static int baseline_add_line(struct baseline *baseline, char *line)
{
	size_t len = strlen(line);
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = 0;
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	return *line == '{' ? baseline_add_json(baseline, line) : baseline_add(baseline, line);
}

int baseline_load(const char *path, struct baseline **ret_baseline, unsigned *ret_line)
{
	struct baseline *baseline = calloc(1, sizeof(*baseline));
	FILE *stream = baseline ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t room = 0;
	int error = baseline ? stream ? 0 : -errno : -ENOMEM;
	for (*ret_line = 1; !error && getline(&line, &room, stream) >= 0; ++*ret_line) {
		error = baseline_add_line(baseline, line);
		if (error)
			break;
	}
	if (!error && ferror(stream))
		error = -EIO;
	free(line);
	if (stream)
		fclose(stream);
	if (error) {
		baseline_free(baseline);
		return error;
	}
	if (baseline->count)
		qsort(baseline->fingerprints, baseline->count, sizeof(*baseline->fingerprints),
		      compare);
	*ret_baseline = baseline;
	return 0;
}

bool baseline_has(const struct baseline *baseline, const char *fingerprint)
{
	return baseline && baseline->count &&
	       bsearch(fingerprint, baseline->fingerprints, baseline->count,
		       sizeof(*baseline->fingerprints), compare);
}

void baseline_free(struct baseline *baseline)
{
	if (!baseline)
		return;
	free(baseline->fingerprints);
	free(baseline);
}

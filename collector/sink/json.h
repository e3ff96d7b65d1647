/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON of what the model knows, for the alerts and the summary. Every string from the service is
 * made valid UTF-8 first: jansson would refuse the whole object otherwise.
 */
#ifndef SOWATCH_SINK_JSON_H
#define SOWATCH_SINK_JSON_H

#include <jansson.h>

#include "words.h"

json_t *json_bytes(struct str bytes);
json_t *json_text(const char *string); /* NULL is "" */
json_t *json_count(uint64_t number);
/* Takes text over and empties it. */
json_t *json_take(struct text *text);
json_t *json_strings(struct str nul_separated);
json_t *json_object_of(const struct finding *finding);
json_t *json_subject(const struct subject *subject);
json_t *json_process(const struct item_run *run, const struct process *process);
/* Creates or truncates path; "-" is our own standard output. NULL and errno. */
FILE *json_open(const char *path);
/* Compact, one line; 0 or negative errno. */
int json_write_line(FILE *stream, const json_t *object);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Untrusted bytes made fit to be shown. Paths, argv and names belong to the service: on a terminal
 * their control bytes would be commands, in JSON their broken UTF-8 would lose the whole line.
 */
#ifndef SOWATCH_SINK_ESCAPE_H
#define SOWATCH_SINK_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#include "../item.h"

/* A growing string, always NUL-terminated. Out of memory cuts it short and is remembered. */
struct text {
	char *data;
	size_t len, room;
	int error;
};

enum escape {
	ESCAPE_TERMINAL, /* control characters, direction overrides and broken UTF-8 */
	ESCAPE_UTF8,	 /* broken UTF-8 only: the rest is JSON's own business */
};

void text_clear(struct text *text);
void text_done(struct text *text);
void text_add(struct text *text, const char *string); /* trusted, as it is */
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_escape(struct text *text, struct str bytes, enum escape escape);
/* The same for a NUL-terminated string. */
void text_escape_string(struct text *text, const char *string, enum escape escape);

/* Bytes of the valid UTF-8 character at data, 0 when there is none. */
size_t utf8_length(const char *data, size_t len, uint32_t *ret_char);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Globs of the policy language: `*` and `?` stop at '/', `**` does not, `**` + '/' at the start of
 * a segment stands for any number of whole segments (none too), [a-z] [!a-z], backslash quotes.
 * Matching is linear in the subject for a given pattern (a set of states, no backtracking), so a
 * hostile path cannot make it slow. In GLOB_NAME mode '/' is a character like any other.
 */
#ifndef SOWATCH_POLICY_GLOB_H
#define SOWATCH_POLICY_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool.h"

#define GLOB_TOKENS_MAX 511u

enum glob_mode { GLOB_PATH, GLOB_NAME };

enum glob_shape {
	GLOB_LITERAL, /* the prefix and nothing else */
	GLOB_BELOW,   /* the prefix, then anything */
	GLOB_STATES,
};

struct glob {
	const char *text; /* as written, for phrases */
	const char *prefix;
	uint32_t prefix_len;
	uint32_t literal_len; /* characters that stand for themselves: how specific it is */
	uint16_t token_count;
	uint8_t shape;
	uint8_t mode;
	const uint16_t *tokens; /* what follows the prefix */
	const uint8_t (*classes)[32];
};

/* NULL, or what is wrong with the pattern (a static phrase). The glob's strings live in pool. */
const char *glob_compile(struct pool *pool, const char *text, size_t len, enum glob_mode mode,
			 struct glob *ret_glob);
bool glob_match(const struct glob *glob, const char *text, size_t len);

#endif

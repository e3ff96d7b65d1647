/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by token.c (which part of a name is of which class) and normal.c (what becomes of it).
 */
#ifndef SOWATCH_LEARN_NORMAL_INNER_H
#define SOWATCH_LEARN_NORMAL_INNER_H

#include "normal.h"

enum token_class {
	TOKEN_LITERAL,
	TOKEN_PART,	/* between two parts of a value */
	TOKEN_NUMBER,	/* digits */
	TOKEN_VERSION,	/* 1.2.3, and the number behind ".so." */
	TOKEN_DATE,	/* 2026-11-23, 20261123, seconds since 1970 */
	TOKEN_UUID,
	TOKEN_HASH,	/* hexadecimal */
	TOKEN_RANDOM,	/* what mkstemp() and the like make up */
	TOKEN_FAN,	/* the first digits of a hash, as a directory */
	TOKEN_REDACTED, /* <redacted:...>: another word in each run */
};

struct token {
	enum token_class class;
	bool is_pid, is_temporary;
	const char *text;
	uint32_t len;
	/* RANDOM, of a maker that is known: so many bytes in front are his, and none of the rest is
	 * more than chance, even when several share it. */
	bool is_known;
	uint32_t lead;
};

struct tokens {
	struct token *items;
	uint32_t count;
};


struct token_options {
	struct pool *pool;
	const struct normal_fans *fans;
	enum normal_kind kind;
};

void tokens_of(const struct token_options *options, const struct normal_value *value,
	       struct tokens *ret_tokens);
bool fans_has(const struct normal_fans *fans, const char *path, size_t parent_len);

#endif

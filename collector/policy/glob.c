/* SPDX-License-Identifier: Apache-2.0
 *
 * A glob is compiled to a literal prefix and tokens; matching keeps the set of tokens that may come
 * next as bits. At most GLOB_TOKENS_MAX bits per character: bounded whatever the input.
 */
#include "glob.h"

#include <string.h>

enum glob_token {
	/* 0..255: that byte */
	TOKEN_ANY = 256, /* one character */
	TOKEN_STAR,	 /* any, within a segment */
	TOKEN_DEEP,	 /* any */
	TOKEN_SEGMENTS,	 /* entry of any number of whole segments; the next token is its loop */
	TOKEN_SEGMENT_LOOP,
	TOKEN_CLASS = 512, /* + index */
};

#define CLASSES_MAX 64u
#define GLOB_WORDS ((GLOB_TOKENS_MAX + 1 + 63) / 64)

struct glob_compiler {
	const unsigned char *text;
	size_t len, at;
	enum glob_mode mode;
	uint16_t tokens[GLOB_TOKENS_MAX];
	uint32_t count, literals;
	uint8_t classes[CLASSES_MAX][32];
	uint32_t class_count;
};

static const char *emit(struct glob_compiler *compiler, unsigned token)
{
	if (compiler->count == GLOB_TOKENS_MAX)
		return "it is too long";
	compiler->tokens[compiler->count++] = (uint16_t)token;
	return NULL;
}

/* One end of a range in a class; -1 at the end of the text. */
static int class_char(struct glob_compiler *compiler)
{
	if (compiler->at < compiler->len && compiler->text[compiler->at] == '\\')
		compiler->at++;
	return compiler->at < compiler->len ? compiler->text[compiler->at++] : -1;
}

static const char *class_range(struct glob_compiler *compiler, uint8_t *set)
{
	int low = class_char(compiler), high = low;
	const unsigned char *rest = compiler->text + compiler->at;
	if (compiler->at + 1 < compiler->len && rest[0] == '-' && rest[1] != ']') {
		compiler->at++;
		high = class_char(compiler);
	}
	if (low < 0 || high < 0)
		return "`[` is never closed";
	if (low > high)
		return "a range in `[...]` runs backwards";
	if (low > 127 || high > 127)
		return "`[...]` takes ASCII characters only";
	for (int c = low; c <= high; c++)
		set[c / 8] |= (uint8_t)(1u << (c % 8));
	return NULL;
}

static const char *compile_class(struct glob_compiler *compiler)
{
	if (compiler->class_count == CLASSES_MAX)
		return "it has too many `[...]`";
	uint8_t *set = compiler->classes[compiler->class_count];
	const char *problem = NULL;
	bool is_negated = false, is_first = true;
	if (compiler->at < compiler->len && strchr("!^", compiler->text[compiler->at])) {
		is_negated = true;
		compiler->at++;
	}
	while (!problem) {
		if (compiler->at == compiler->len)
			return "`[` is never closed";
		if (compiler->text[compiler->at] == ']' && !is_first)
			break;
		is_first = false;
		problem = class_range(compiler, set);
	}
	if (problem)
		return problem;
	compiler->at++;
	for (int i = 0; is_negated && i < 32; i++)
		set[i] = (uint8_t)~set[i];
	if (compiler->mode == GLOB_PATH)
		set['/' / 8] &= (uint8_t) ~(1u << ('/' % 8));
	return emit(compiler, TOKEN_CLASS + compiler->class_count++);
}

static const char *compile_star(struct glob_compiler *compiler)
{
	size_t start = compiler->at - 1, stars = 1;
	while (compiler->at < compiler->len && compiler->text[compiler->at] == '*') {
		compiler->at++;
		stars++;
	}
	if (stars > 2)
		return "`***` means nothing";
	if (compiler->mode == GLOB_NAME)
		return emit(compiler, TOKEN_DEEP);
	if (stars == 1)
		return emit(compiler, TOKEN_STAR);
	bool starts_segment = !start || compiler->text[start - 1] == '/';
	if (!starts_segment || compiler->at == compiler->len || compiler->text[compiler->at] != '/')
		return emit(compiler, TOKEN_DEEP);
	compiler->at++;
	const char *problem = emit(compiler, TOKEN_SEGMENTS);
	return problem ? problem : emit(compiler, TOKEN_SEGMENT_LOOP);
}

static const char *compile_tokens(struct glob_compiler *compiler)
{
	const char *problem = NULL;
	while (!problem && compiler->at < compiler->len) {
		unsigned c = compiler->text[compiler->at++];
		if (c == '*') {
			problem = compile_star(compiler);
		} else if (c == '?') {
			problem = emit(compiler, TOKEN_ANY);
		} else if (c == '[') {
			problem = compile_class(compiler);
		} else if (c == '{') {
			problem = "{a,b} is not part of the language, write two globs (`\\{` is a "
				  "brace)";
		} else {
			if (c == '\\' && compiler->at == compiler->len)
				return "a backslash at the end quotes nothing";
			if (c == '\\')
				c = compiler->text[compiler->at++];
			compiler->literals++;
			problem = emit(compiler, c);
		}
	}
	return problem;
}

const char *glob_compile(struct pool *pool, const char *text, size_t len, enum glob_mode mode,
			 struct glob *ret_glob)
{
	struct glob_compiler compiler = {
		.text = (const unsigned char *)text, .len = len, .mode = mode};
	const char *problem = len ? compile_tokens(&compiler) : "it is empty";
	if (problem)
		return problem;
	uint32_t prefix = 0;
	while (prefix < compiler.count && compiler.tokens[prefix] < 256)
		prefix++;
	char *literal = pool_alloc(pool, prefix + 1);
	for (uint32_t i = 0; i < prefix; i++)
		literal[i] = (char)compiler.tokens[i];
	uint32_t rest = compiler.count - prefix;
	*ret_glob = (struct glob){.text = pool_copy(pool, text, len),
				  .prefix = literal,
				  .prefix_len = prefix,
				  .literal_len = compiler.literals,
				  .token_count = (uint16_t)rest,
				  .mode = (uint8_t)mode,
				  .shape = GLOB_STATES};
	if (!rest)
		ret_glob->shape = GLOB_LITERAL;
	else if (rest == 1 && compiler.tokens[prefix] == TOKEN_DEEP)
		ret_glob->shape = GLOB_BELOW;
	uint16_t *tokens = pool_alloc(pool, rest * sizeof(*tokens));
	memcpy(tokens, compiler.tokens + prefix, rest * sizeof(*tokens));
	uint8_t(*classes)[32] = pool_alloc(pool, compiler.class_count * 32);
	memcpy(classes, compiler.classes, compiler.class_count * 32);
	ret_glob->tokens = tokens;
	ret_glob->classes = (const uint8_t(*)[32])classes;
	return NULL;
}

/* A state and all that may stand for nothing in front of the next. */
static void states_add(const struct glob *glob, uint64_t *states, unsigned at)
{
	for (;;) {
		states[at / 64] |= 1ull << (at % 64);
		if (at >= glob->token_count)
			return;
		unsigned token = glob->tokens[at];
		if (token == TOKEN_SEGMENTS) {
			states[(at + 1) / 64] |= 1ull << ((at + 1) % 64);
			at += 2;
		} else if (token == TOKEN_STAR || token == TOKEN_DEEP) {
			at++;
		} else {
			return;
		}
	}
}

static void states_step(const struct glob *glob, uint64_t *next, unsigned at, unsigned c)
{
	unsigned token = at < glob->token_count ? glob->tokens[at] : TOKEN_SEGMENTS;
	bool is_stop = c == '/' && glob->mode == GLOB_PATH;
	if (token == TOKEN_SEGMENT_LOOP) {
		next[at / 64] |= 1ull << (at % 64);
		if (c == '/')
			states_add(glob, next, at + 1);
	} else if (token == TOKEN_DEEP || (token == TOKEN_STAR && !is_stop)) {
		states_add(glob, next, at);
	} else if (token == c || (token == TOKEN_ANY && !is_stop)) {
		states_add(glob, next, at + 1);
	} else if (token >= TOKEN_CLASS) {
		const uint8_t *set = glob->classes[token - TOKEN_CLASS];
		if (set[c / 8] & (1u << (c % 8)))
			states_add(glob, next, at + 1);
	}
}

static bool match_states(const struct glob *glob, const char *text, size_t len)
{
	uint64_t now[GLOB_WORDS] = {0}, next[GLOB_WORDS];
	unsigned words = glob->token_count / 64u + 1;
	states_add(glob, now, 0);
	for (size_t i = 0; i < len; i++) {
		uint64_t alive = 0;
		memset(next, 0, words * sizeof(*next));
		for (unsigned word = 0; word < words; word++) {
			for (uint64_t bits = now[word]; bits; bits &= bits - 1) {
				unsigned at = word * 64 + (unsigned)__builtin_ctzll(bits);
				states_step(glob, next, at, (unsigned char)text[i]);
			}
		}
		for (unsigned word = 0; word < words; word++) {
			now[word] = next[word];
			alive |= next[word];
		}
		if (!alive)
			return false;
	}
	return now[glob->token_count / 64] >> (glob->token_count % 64) & 1;
}

bool glob_match(const struct glob *glob, const char *text, size_t len)
{
	if (len < glob->prefix_len || memcmp(text, glob->prefix, glob->prefix_len))
		return false;
	if (glob->shape == GLOB_LITERAL)
		return len == glob->prefix_len;
	if (glob->shape == GLOB_BELOW)
		return true;
	return match_states(glob, text + glob->prefix_len, len - glob->prefix_len);
}

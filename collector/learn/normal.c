/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of one form (the same but for what is of an evident class) are one group; in a group each
 * place where they differ becomes a wildcard if there is evidence enough, else the group is split.
 */
#include "normal_inner.h"

#include <stdlib.h>
#include <string.h>

#include "../sink/escape.h"

/* Different values before a wildcard stands for them: of an unmistakable class, and of digits that
 * may just as well be a name (eth0 and eth1 are two things). */
#define DISTINCT_SURE 2u
#define DISTINCT_WEAK 4u
#define DIGITS_SURE 5u
#define QUESTION_MARKS 16u

struct form {
	const struct normal_value *value;
	struct tokens tokens;
	const char *key; /* its form */
	uint32_t key_len;
};

struct fold {
	struct pool *pool;
	struct normal_pattern *patterns;
	uint32_t count;
};

/* --- forms -------------------------------------------------------------------------------------
 */

/* Random words are as long as one another, or they are not of one kind. */
static void make_key(struct pool *pool, struct form *item)
{
	size_t len = 0, at = 0;
	for (uint32_t i = 0; i < item->tokens.count; i++)
		len += 5 + item->tokens.items[i].len;
	char *key = pool_alloc(pool, len + 1);
	for (uint32_t i = 0; i < item->tokens.count; i++) {
		const struct token *token = &item->tokens.items[i];
		bool is_literal = token->class == TOKEN_LITERAL;
		uint32_t told = is_literal || token->class == TOKEN_RANDOM ? token->len : 0;
		key[at++] = (char)('0' + token->class);
		memcpy(key + at, &told, sizeof(told));
		at += sizeof(told);
		if (is_literal) {
			memcpy(key + at, token->text, token->len);
			at += token->len;
		}
	}
	item->key = key;
	item->key_len = (uint32_t)at;
}

static int value_compare(const struct normal_value *a, const struct normal_value *b)
{
	for (uint32_t i = 0; i < a->count && i < b->count; i++) {
		int order = strcmp(a->parts[i], b->parts[i]);
		if (order)
			return order;
	}
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int form_compare(const void *left, const void *right)
{
	const struct form *a = left, *b = right;
	uint32_t least = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->key, b->key, least);
	if (!order && a->key_len != b->key_len)
		order = a->key_len < b->key_len ? -1 : 1;
	return order ? order : value_compare(a->value, b->value);
}

/* --- random words that look like any other -------------------------------------------------------
 * One in a few hundred of mkstemp's names is all letters: it is known by its neighbours. */

static bool is_joinable(const struct form *item, const struct form *other, uint32_t at)
{
	const struct token *random = &other->tokens.items[at], *lead = random - 1;
	const struct token *token = &item->tokens.items[at];
	if (random->class != TOKEN_RANDOM || token->class != TOKEN_LITERAL ||
	    !random->is_temporary || token->len < random->len)
		return false;
	size_t prefix = 0;
	while (prefix < random->len && random->text[prefix] == token->text[prefix])
		prefix++;
	/* What the two begin with must be telling, or the length. */
	bool has_lead = lead->text[lead->len - 1] != '/';
	if (prefix < 2 && !has_lead && random->len < 8)
		return false;
	for (uint32_t i = 0; i < random->len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
			    token->text[i]))
			return false;
	return true;
}

static bool is_same_token(const struct token *one, const struct token *two)
{
	if (one->class != two->class)
		return false;
	if (one->class == TOKEN_RANDOM)
		return one->len == two->len;
	return one->class != TOKEN_LITERAL ||
	       (one->len == two->len && !memcmp(one->text, two->text, one->len));
}

/* Where the two go apart: the literal "/tmp/" of the one goes on in the other. 0: nowhere. */
static uint32_t split_place(const struct form *item, const struct form *other)
{
	uint32_t at = 0;
	while (at < item->tokens.count && at + 1 < other->tokens.count &&
	       is_same_token(&item->tokens.items[at], &other->tokens.items[at]))
		at++;
	if (at == item->tokens.count || at + 1 >= other->tokens.count)
		return UINT32_MAX;
	const struct token *longer = &item->tokens.items[at], *lead = &other->tokens.items[at];
	bool goes_on = longer->class == TOKEN_LITERAL && lead->class == TOKEN_LITERAL &&
		       longer->len > lead->len && !memcmp(longer->text, lead->text, lead->len);
	return goes_on ? at : UINT32_MAX;
}

/* "/tmp/tmpabcdefgh" is one token: cut it where the neighbour's random word starts. */
static bool join(struct pool *pool, struct form *item, const struct form *other)
{
	uint32_t at = split_place(item, other);
	if (at == UINT32_MAX)
		return false;
	const struct token *longer = &item->tokens.items[at], *lead = &other->tokens.items[at];
	struct form cut = *item;
	uint32_t rest = longer->len - lead->len, random_len = other->tokens.items[at + 1].len;
	cut.tokens.items = pool_alloc(pool, (item->tokens.count + 2) * sizeof(struct token));
	memcpy(cut.tokens.items, item->tokens.items, (at + 1) * sizeof(struct token));
	cut.tokens.items[at].len = lead->len;
	cut.tokens.items[at + 1] = *longer;
	cut.tokens.items[at + 1].text += lead->len;
	cut.tokens.items[at + 1].len = rest;
	if (!is_joinable(&cut, other, at + 1))
		return false;
	cut.tokens.items[at + 1].class = TOKEN_RANDOM;
	cut.tokens.items[at + 1].is_temporary = true;
	cut.tokens.items[at + 1].len = random_len;
	uint32_t count = at + 2;
	if (rest > random_len) {
		cut.tokens.items[count] = *longer;
		cut.tokens.items[count].text += lead->len + random_len;
		cut.tokens.items[count++].len = rest - random_len;
	}
	memcpy(cut.tokens.items + count, item->tokens.items + at + 1,
	       (item->tokens.count - at - 1) * sizeof(struct token));
	cut.tokens.count = count + item->tokens.count - at - 1;
	make_key(pool, &cut);
	if (cut.key_len != other->key_len || memcmp(cut.key, other->key, cut.key_len))
		return false;
	*item = cut;
	return true;
}

static bool has_random(const struct form *form)
{
	for (uint32_t i = 0; i < form->tokens.count; i++)
		if (form->tokens.items[i].class == TOKEN_RANDOM &&
		    form->tokens.items[i].is_temporary)
			return true;
	return false;
}

static void join_random(struct pool *pool, struct form *items, uint32_t count)
{
	/* One neighbour of each form is asked, and not more of them than pays. */
	const struct form *forms[64];
	unsigned form_count = 0;
	for (uint32_t i = 0; i < count && form_count < 64; i++) {
		bool is_form = has_random(&items[i]);
		if (is_form && (!form_count || forms[form_count - 1]->key_len != items[i].key_len ||
				memcmp(forms[form_count - 1]->key, items[i].key, items[i].key_len)))
			forms[form_count++] = &items[i];
	}
	for (uint32_t i = 0; i < count; i++)
		for (unsigned form = 0; form < form_count; form++)
			if (items[i].tokens.items != forms[form]->tokens.items &&
			    join(pool, &items[i], forms[form]))
				break;
}

/* --- groups ------------------------------------------------------------------------------------
 */

static int token_compare(const struct token *a, const struct token *b)
{
	uint32_t least = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->text, b->text, least);
	return order ? order : a->len < b->len ? -1 : a->len > b->len;
}

static _Thread_local uint32_t sort_place;

static int place_compare(const void *left, const void *right)
{
	const struct form *const *a = left, *const *b = right;
	int order = token_compare(&(*a)->tokens.items[sort_place], &(*b)->tokens.items[sort_place]);
	return order ? order : value_compare((*a)->value, (*b)->value);
}

static uint32_t count_distinct(struct form **group, uint32_t count, uint32_t place)
{
	uint32_t distinct = count ? 1 : 0;
	sort_place = place;
	qsort(group, count, sizeof(*group), place_compare);
	for (uint32_t i = 1; i < count; i++)
		distinct += token_compare(&group[i - 1]->tokens.items[place],
					  &group[i]->tokens.items[place]) != 0;
	return distinct;
}

/* How many different values make this place a wildcard. */
static uint32_t needed(struct form **group, uint32_t count, uint32_t place)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct token *token = &group[i]->tokens.items[place];
		if (token->class != TOKEN_NUMBER || token->is_pid || token->is_temporary ||
		    token->len >= DIGITS_SURE)
			return DISTINCT_SURE;
	}
	return DISTINCT_WEAK;
}

/* --- patterns ----------------------------------------------------------------------------------
 */

static size_t quote_into(char *out, const char *text, size_t len)
{
	size_t used = 0;
	for (size_t at = 0; at < len;) {
		uint32_t c;
		size_t bytes = utf8_length(text + at, len - at, &c);
		if (!bytes) {
			out[used++] = '?';
			at++;
			continue;
		}
		if (strchr("*?[]{}\\", text[at]))
			out[used++] = '\\';
		memcpy(out + used, text + at, bytes);
		used += bytes;
		at += bytes;
	}
	return used;
}

const char *normal_quote(struct pool *pool, const char *text)
{
	size_t len = strlen(text);
	char *out = pool_alloc(pool, len * 2 + 1);
	out[quote_into(out, text, len)] = 0;
	return out;
}

/* "tmp" of tmpa1b2c3 and tmpz9y8x7; a single letter in common is chance. */
static uint32_t common_prefix(struct form **group, uint32_t count, uint32_t place)
{
	const struct token *first = &group[0]->tokens.items[place];
	bool is_known = true;
	uint32_t len = 0;
	for (uint32_t i = 0; i < count && is_known; i++) {
		const struct token *token = &group[i]->tokens.items[place];
		is_known = token->is_known && token->lead == first->lead;
	}
	if (is_known)
		return first->lead;
	for (; len < first->len; len++) {
		char c = first->text[len];
		bool is_same = c < '0' || c > '9';
		for (uint32_t i = 1; i < count && is_same; i++)
			is_same = group[i]->tokens.items[place].text[len] == c;
		if (!is_same)
			break;
	}
	return len < 2 || len == first->len ? 0 : len;
}

static bool is_whole_segment(const struct tokens *tokens, uint32_t place)
{
	const struct token *before = place ? &tokens->items[place - 1] : NULL;
	const struct token *after = place + 1 < tokens->count ? &tokens->items[place + 1] : NULL;
	bool starts = !before || before->class == TOKEN_PART ||
		      (before->len && before->text[before->len - 1] == '/');
	return starts && (!after || after->class == TOKEN_PART || after->text[0] == '/');
}

/* A random word that is all there is of a name keeps its length: `*` would be the directory. */
static size_t wildcard(char *out, struct form **group, uint32_t count, uint32_t place)
{
	const struct token *token = &group[0]->tokens.items[place];
	uint32_t prefix = token->class == TOKEN_RANDOM ? common_prefix(group, count, place) : 0;
	size_t used = quote_into(out, token->text, prefix);
	bool is_alone = token->class == TOKEN_RANDOM && !prefix && token->len <= QUESTION_MARKS &&
			is_whole_segment(&group[0]->tokens, place);
	if (is_alone) {
		memset(out + used, '?', token->len);
		return used + token->len;
	}
	if (token->class == TOKEN_REDACTED) {
		memcpy(out + used, "<redacted:*>", 12);
		return used + 12;
	}
	out[used++] = '*';
	return used;
}

static void emit(struct fold *fold, struct form **group, uint32_t count, const bool *stars)
{
	const struct tokens *tokens = &group[0]->tokens;
	fold->patterns =
		pool_grow(fold->pool, fold->patterns, fold->count, sizeof(*fold->patterns));
	struct normal_pattern *pattern = &fold->patterns[fold->count++];
	size_t room = 1;
	for (uint32_t i = 0; i < tokens->count; i++)
		room += tokens->items[i].len * 2 + 16;
	char *out = pool_alloc(fold->pool, room);
	size_t used = 0, start = 0;
	*pattern = (struct normal_pattern){.member_count = count};
	for (uint32_t i = 0; i <= tokens->count; i++) {
		if (i == tokens->count || tokens->items[i].class == TOKEN_PART) {
			pattern->parts = pool_grow(fold->pool, pattern->parts, pattern->count,
						   sizeof(*pattern->parts));
			pattern->parts[pattern->count++] =
				pool_copy(fold->pool, out + start, used - start);
			start = used;
		} else if (!stars[i]) {
			used += quote_into(out + used, tokens->items[i].text, tokens->items[i].len);
		} else {
			/* Two wildcards side by side are one: `**` would be another thing. */
			size_t added = wildcard(out + used, group, count, i);
			bool is_same = added == 1 && used > start && out[used - 1] == '*' && i &&
				       stars[i - 1];
			used += is_same ? 0 : added;
			pattern->is_general = true;
		}
	}
	pattern->members = pool_alloc(fold->pool, count * sizeof(*pattern->members));
	for (uint32_t i = 0; i < count; i++)
		pattern->members[i] = group[i]->value;
}

/* From place `from` on: decide, or split and decide in each half. stars: decided before. */
static void solve(struct fold *fold, struct form **group, uint32_t count, uint32_t from,
		  bool *stars)
{
	uint32_t places = group[0]->tokens.count;
	for (uint32_t place = from; place < places; place++) {
		enum token_class class = group[0]->tokens.items[place].class;
		stars[place] = class == TOKEN_REDACTED;
		if (class == TOKEN_LITERAL || class == TOKEN_PART || class == TOKEN_REDACTED)
			continue;
		uint32_t distinct = count_distinct(group, count, place);
		if (distinct < 2)
			continue;
		if (distinct >= needed(group, count, place)) {
			stars[place] = true;
			continue;
		}
		for (uint32_t first = 0, i = 1; i <= count; i++) {
			sort_place = place;
			if (i < count && !token_compare(&group[first]->tokens.items[place],
							&group[i]->tokens.items[place]))
				continue;
			/* What was decided before is decided anew: in a part there may be less. */
			bool *own = pool_alloc(fold->pool, places * sizeof(*own));
			struct form **part = pool_alloc(fold->pool, (i - first) * sizeof(*part));
			memcpy(part, group + first, (i - first) * sizeof(*part));
			solve(fold, part, i - first, 0, own);
			first = i;
		}
		return;
	}
	emit(fold, group, count, stars);
}

static int pattern_compare(const void *left, const void *right)
{
	const struct normal_pattern *a = left, *b = right;
	for (uint32_t i = 0; i < a->count && i < b->count; i++) {
		int order = strcmp(a->parts[i], b->parts[i]);
		if (order)
			return order;
	}
	return a->count < b->count ? -1 : a->count > b->count;
}

uint32_t normal_fold(struct pool *pool, const struct normal_fans *fans, enum normal_kind kind,
		     const struct normal_value *values, uint32_t count,
		     struct normal_pattern **ret_patterns)
{
	struct fold fold = {.pool = pool};
	struct token_options options = {.pool = pool, .fans = fans, .kind = kind};
	struct form *items = pool_alloc(pool, count * sizeof(*items));
	for (uint32_t i = 0; i < count; i++) {
		items[i].value = &values[i];
		tokens_of(&options, &values[i], &items[i].tokens);
		make_key(pool, &items[i]);
	}
	qsort(items, count, sizeof(*items), form_compare);
	join_random(pool, items, count);
	qsort(items, count, sizeof(*items), form_compare);
	for (uint32_t first = 0, i = 1; i <= count; i++) {
		if (i < count && items[i].key_len == items[first].key_len &&
		    !memcmp(items[i].key, items[first].key, items[i].key_len))
			continue;
		struct form **group = pool_alloc(pool, (i - first) * sizeof(*group));
		for (uint32_t at = first; at < i; at++)
			group[at - first] = &items[at];
		bool *stars = pool_alloc(pool, (items[first].tokens.count + 1) * sizeof(*stars));
		solve(&fold, group, i - first, 0, stars);
		first = i;
	}
	if (fold.count)
		qsort(fold.patterns, fold.count, sizeof(*fold.patterns), pattern_compare);
	*ret_patterns = fold.patterns;
	return fold.count;
}

const char *normal_mask(struct pool *pool, const char *path)
{
	struct token_options options = {.pool = pool, .kind = NORMAL_PATH};
	struct normal_value value = {.parts = &path, .count = 1};
	struct tokens tokens;
	const char *out = "";
	tokens_of(&options, &value, &tokens);
	for (uint32_t i = 0; i < tokens.count; i++) {
		const struct token *token = &tokens.items[i];
		bool is_masked = token->class > TOKEN_NUMBER ||
				 (token->class == TOKEN_NUMBER && token->is_temporary);
		out = is_masked ? pool_print(pool, "%s*", out)
				: pool_print(pool, "%s%.*s", out, (int)token->len, token->text);
	}
	return out;
}

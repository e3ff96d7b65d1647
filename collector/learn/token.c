/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes names apart: what stands for itself, and what is evidently of a class whose values come and
 * go. Nothing is decided here, one name alone proves nothing.
 */
#include <string.h>

#include "normal_inner.h"

#define RANDOM_MIN 6u
#define HASH_MIN 8u
#define HASH_SURE 16u

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t span(const char *text, size_t len, bool (*is_in)(char))
{
	size_t n = 0;
	while (n < len && is_in(text[n]))
		n++;
	return n;
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_letter(c);
}

static bool is_word_char(char c)
{
	return is_alnum(c) || c == '_';
}

bool normal_is_temporary(const char *path)
{
	static const char *const places[] = {"/tmp/",  "/var/tmp/", "/dev/shm/", "/run/",
					     "/proc/", "/tmp.",	    "/temp/"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t len = strlen(places[i]);
		if (!strncmp(path, places[i], len) || (i != 3 && i != 4 && strstr(path, places[i])))
			return true;
	}
	return false;
}

/* --- one scan ----------------------------------------------------------------------------------
 */

struct scan {
	const struct token_options *options;
	struct tokens *tokens;
	const char *part; /* the part being scanned */
	bool is_temporary;
	uint64_t pids;
	uint32_t digits; /* runs of digits met so far */
};

static struct token *push(struct scan *scan, enum token_class class, const char *text, size_t len)
{
	struct tokens *tokens = scan->tokens;
	struct token *last = tokens->count ? &tokens->items[tokens->count - 1] : NULL;
	if (class == TOKEN_LITERAL && last && last->class == TOKEN_LITERAL &&
	    last->text + last->len == text) {
		last->len += (uint32_t)len;
		return last;
	}
	tokens->items = pool_grow(scan->options->pool, tokens->items, tokens->count,
				  sizeof(*tokens->items));
	struct token *token = &tokens->items[tokens->count++];
	*token = (struct token){.class = class,
				.text = text,
				.len = (uint32_t)len,
				.is_temporary = scan->is_temporary};
	return token;
}

/* Was one of the runs of digits in this text the number of a process? Counts them. */
static bool count_digits(struct scan *scan, const char *text, size_t len)
{
	bool is_pid = false;
	for (size_t at = 0; at < len;) {
		size_t digits = span(text + at, len - at, is_digit);
		if (digits) {
			is_pid |= scan->digits < 64 && scan->pids >> scan->digits & 1;
			scan->digits++;
		}
		at += digits ? digits : 1;
	}
	return is_pid;
}

static struct token *push_class(struct scan *scan, enum token_class class, const char *text,
				size_t len)
{
	bool is_pid = count_digits(scan, text, len);
	struct token *token = push(scan, class, text, len);
	token->is_pid = is_pid && class == TOKEN_NUMBER;
	return token;
}

/* 8-4-4-4-12 */
static size_t uuid_at(const char *text, size_t len)
{
	static const unsigned char groups[] = {8, 4, 4, 4, 12};
	size_t at = 0;
	for (unsigned i = 0; i < sizeof(groups); i++) {
		if (i && (at >= len || text[at++] != '-'))
			return 0;
		if (len - at < groups[i] || span(text + at, groups[i], is_hex) != groups[i])
			return 0;
		at += groups[i];
	}
	return at < len && is_alnum(text[at]) ? 0 : at;
}

static bool is_two(const char *text, size_t len, unsigned low, unsigned high)
{
	unsigned number = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	return len >= 2 && number >= low && number <= high;
}

/* 2026-11-23, 2026.11.23, 20261123: the length, else 0. */
static size_t date_at(const char *text, size_t len)
{
	size_t year = span(text, len, is_digit);
	if (len < 8 || (strncmp(text, "19", 2) && strncmp(text, "20", 2)))
		return 0;
	if ((year == 8 || year == 12 || year == 14) && is_two(text + 4, 2, 1, 12) &&
	    is_two(text + 6, 2, 1, 31))
		return year;
	bool has_form = year == 4 && len >= 10 && strchr("-._", text[4]) && text[7] == text[4] &&
			span(text + 5, 2, is_digit) == 2 && span(text + 8, len - 8, is_digit) == 2;
	return has_form && is_two(text + 5, 2, 1, 12) && is_two(text + 8, 2, 1, 31) ? 10 : 0;
}

static bool is_two_digits(const char *text, size_t len)
{
	return len >= 2 && is_digit(text[0]) && is_digit(text[1]);
}

/* 20:12:01, 20:12, and behind a date also 20-12-01 and 20.12: the length, else 0. */
static size_t time_at(const char *text, size_t len, bool is_behind_date)
{
	size_t at = 2;
	char mark = len > 2 ? text[2] : 0;
	bool is_mark = mark == ':' || (is_behind_date && mark && strchr("-._", mark));
	if (!is_mark || !is_two_digits(text, len) || !is_two(text, 2, 0, 23))
		return 0;
	while (at < 8 && at < len && text[at] == mark &&
	       is_two_digits(text + at + 1, len - at - 1) && is_two(text + at + 1, 2, 0, 60))
		at += 3;
	return at == 2 || (at < len && is_digit(text[at])) ? 0 : at;
}

/* A date, and the time of day behind it. */
static size_t instant_at(const char *text, size_t len)
{
	size_t date = date_at(text, len);
	if (!date)
		return time_at(text, len, false);
	if (date + 1 < len && strchr("T-_ .", text[date])) {
		size_t time = time_at(text + date + 1, len - date - 1, true);
		date += time ? time + 1 : 0;
	}
	return date;
}

/* 1.2, 1.2.3: the length, else 0. */
static size_t version_at(const char *text, size_t len)
{
	size_t at = span(text, len, is_digit);
	unsigned dots = 0;
	while (at && at + 1 < len && text[at] == '.') {
		size_t more = span(text + at + 1, len - at - 1, is_digit);
		if (!more || more > 8)
			break;
		at += 1 + more;
		dots++;
	}
	return dots && dots < 6 ? at : 0;
}

struct word {
	size_t digits, upper, lower, hex, changes;
};

static struct word word_of(const char *text, size_t len)
{
	struct word word = {0};
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		word.digits += is_digit(c);
		word.upper += c >= 'A' && c <= 'Z';
		word.lower += c >= 'a' && c <= 'z';
		word.hex += is_hex(c);
		word.changes += i && is_digit(c) != is_digit(text[i - 1]);
	}
	return word;
}

static bool is_hash(const struct word *word, size_t len)
{
	bool is_one_case = !word->upper || !word->lower;
	if (word->hex != len || !is_one_case || len < HASH_MIN || word->digits == len)
		return false;
	return word->digits && (len >= HASH_SURE || word->changes >= 2);
}

/* One upper-case letter in front is how names begin. */
static bool is_mixed_case(const struct word *word, const char *text)
{
	bool is_capital = *text >= 'A' && *text <= 'Z' && word->upper == 1;
	return word->upper && word->lower && !is_capital;
}

/* In a temporary directory a mixture of digits and letters is enough; elsewhere it must be
 * irregular, since sha256 and python3 are words. */
static bool is_random(const struct word *word, const char *text, size_t len, bool is_temporary)
{
	if (len < RANDOM_MIN || word->digits == len || len > 64)
		return false;
	if (is_temporary)
		return word->digits || is_mixed_case(word, text);
	return word->digits && word->changes >= 2;
}

/* What Python's tempfile, mktemp(1) and gcc make, even when it is all letters: tmp and eight
 * characters, tmp. and ten, cc and six. */
static bool is_known_random(const struct scan *scan, const char *text, size_t len,
			    uint32_t *ret_lead)
{
	*ret_lead = 0;
	if (!scan->is_temporary)
		return false;
	if (len == 10 && text - scan->part >= 4 && !memcmp(text - 4, "tmp.", 4))
		return true;
	if (len == 11 && !memcmp(text, "tmp", 3))
		*ret_lead = 3;
	else if (len == 8 && !memcmp(text, "cc", 2))
		*ret_lead = 2;
	return *ret_lead;
}

static bool is_behind_so(const struct scan *scan, const char *text)
{
	return text - scan->part >= 4 && !memcmp(text - 4, ".so.", 4);
}

static void scan_number(struct scan *scan, const char **at, const char *end)
{
	size_t len = (size_t)(end - *at), date = instant_at(*at, len),
	       version = version_at(*at, len);
	size_t digits = span(*at, len, is_digit);
	enum token_class class = TOKEN_NUMBER;
	if (date) {
		class = TOKEN_DATE;
		digits = date;
	} else if (version) {
		class = TOKEN_VERSION;
		digits = version;
	} else if (is_behind_so(scan, *at)) {
		class = TOKEN_VERSION;
	} else if (digits == 10 || digits == 13 || digits == 16 || digits == 19) {
		class = **at == '1' || **at == '2' ? TOKEN_DATE : TOKEN_NUMBER;
	}
	push_class(scan, class, *at, digits);
	*at += digits;
}

static bool is_redacted(const char *at, const char *end)
{
	return end - at > 10 && !memcmp(at, "<redacted:", 10) &&
	       memchr(at, '>', (size_t)(end - at));
}

/* A word without a number in front: whole, or in pieces. */
static void scan_word(struct scan *scan, const char **at, const char *end)
{
	size_t room = (size_t)(end - *at);
	size_t len = span(*at, room, scan->is_temporary ? is_word_char : is_alnum);
	struct word word = word_of(*at, len);
	/* A short one that happens to be hexadecimal is random like its neighbours. */
	bool may_be_hash = is_hash(&word, len) && (len >= HASH_SURE || !scan->is_temporary);
	uint32_t lead;
	bool is_known = is_known_random(scan, *at, len, &lead);
	if (scan->options->kind == NORMAL_PATH && !may_be_hash &&
	    (is_known ||
	     (is_random(&word, *at, len, scan->is_temporary) && !instant_at(*at, room)))) {
		struct token *token = push_class(scan, TOKEN_RANDOM, *at, len);
		token->is_known = is_known;
		token->lead = lead;
		*at += len;
		return;
	}
	len = span(*at, room, is_alnum);
	word = word_of(*at, len);
	if (is_hash(&word, len)) {
		push_class(scan, TOKEN_HASH, *at, len);
		*at += len;
		return;
	}
	if (is_digit(**at)) {
		scan_number(scan, at, end);
		return;
	}
	len = span(*at, room, is_letter);
	push(scan, TOKEN_LITERAL, *at, len ? len : 1);
	*at += len ? len : 1;
}

static void scan_segment(struct scan *scan, const char *at, const char *end)
{
	size_t len = (size_t)(end - at);
	if (len && len <= 3 && span(at, len, is_hex) == len && scan->options->fans &&
	    fans_has(scan->options->fans, scan->part, (size_t)(at - scan->part))) {
		push_class(scan, TOKEN_FAN, at, len);
		return;
	}
	while (at < end) {
		size_t uuid = uuid_at(at, (size_t)(end - at));
		if (uuid) {
			push_class(scan, TOKEN_UUID, at, uuid);
			at += uuid;
		} else if (is_redacted(at, end)) {
			const char *close = memchr(at, '>', (size_t)(end - at));
			push_class(scan, TOKEN_REDACTED, at, (size_t)(close + 1 - at));
			at = close + 1;
		} else if (scan->is_temporary ? is_word_char(*at) : is_alnum(*at)) {
			scan_word(scan, &at, end);
		} else {
			push(scan, TOKEN_LITERAL, at++, 1);
		}
	}
}

void tokens_of(const struct token_options *options, const struct normal_value *value,
	       struct tokens *ret_tokens)
{
	struct scan scan = {.options = options, .tokens = ret_tokens, .pids = value->pids};
	*ret_tokens = (struct tokens){0};
	for (uint32_t i = 0; i < value->count; i++) {
		const char *at = value->parts[i];
		if (i)
			push(&scan, TOKEN_PART, "", 0);
		scan.part = at;
		scan.is_temporary =
			options->kind == NORMAL_PATH && normal_is_temporary(value->parts[i]);
		for (;;) {
			const char *end = strchrnul(at, '/');
			bool was_temporary = scan.is_temporary;
			/* git's tmp_obj_XXXXXX lies among what is to stay. */
			if (options->kind == NORMAL_PATH &&
			    (!strncmp(at, "tmp_", 4) || !strncmp(at, ".tmp", 4)))
				scan.is_temporary = true;
			scan_segment(&scan, at, end);
			scan.is_temporary = was_temporary;
			if (!*end)
				break;
			push(&scan, TOKEN_LITERAL, end, 1);
			at = end + 1;
		}
	}
}

/* --- fans --------------------------------------------------------------------------------------
 */

struct normal_fans {
	struct pool *pool;
	const char **parents; /* sorted, with the slash */
	uint32_t count;
};

struct normal_fans *normal_fans_new(struct pool *pool)
{
	struct normal_fans *fans = pool_alloc(pool, sizeof(*fans));
	fans->pool = pool;
	return fans;
}

static int parent_compare(const char *path, size_t len, const char *parent)
{
	size_t other = strlen(parent), least = len < other ? len : other;
	int order = memcmp(path, parent, least);
	return order ? order : len < other ? -1 : len > other;
}

static uint32_t parent_place(const struct normal_fans *fans, const char *path, size_t len)
{
	uint32_t low = 0, high = fans->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (parent_compare(path, len, fans->parents[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool fans_has(const struct normal_fans *fans, const char *path, size_t parent_len)
{
	uint32_t at = parent_place(fans, path, parent_len);
	return at < fans->count && !parent_compare(path, parent_len, fans->parents[at]);
}

void normal_fans_add(struct normal_fans *fans, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = strcspn(slash + 1, "/");
		const char *rest = slash + 1 + len;
		size_t hash = *rest ? strcspn(rest + 1, "/.") : 0;
		size_t parent = (size_t)(slash + 1 - path);
		if (len != 2 || hash < HASH_SURE || span(slash + 1, len, is_hex) != len ||
		    span(rest + 1, hash, is_hex) != hash || fans_has(fans, path, parent))
			continue;
		uint32_t at = parent_place(fans, path, parent);
		fans->parents =
			pool_grow(fans->pool, fans->parents, fans->count, sizeof(*fans->parents));
		memmove(fans->parents + at + 1, fans->parents + at,
			(fans->count - at) * sizeof(*fans->parents));
		fans->parents[at] = pool_copy(fans->pool, path, parent);
		fans->count++;
	}
}

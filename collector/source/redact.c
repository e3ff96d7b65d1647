/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns run over each argument on its own; what they find is united, then replaced. A pattern
 * that runs into its match limit is taken for a hit on the whole argument.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "redact.h"

#include <errno.h>
#include <pcre2.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_WORDS                                                                              \
	"(?:password|passwd|passphrase|(?<![a-z])pass|secret|token|api[_-]?key|access[_-]?key|"    \
	"private[_-]?key|credentials?)"
#define ASSIGNED "[a-z0-9_-]{0,32}[\"']?\\s{0,8}[=:]\\s{0,8}[\"']?"
#define MARK_BYTES 32

static const char *const patterns[] = {
	"(?i)" SECRET_WORDS ASSIGNED "([^\\s\"'&;,]+)",
	"(?i)authorization[\"']?\\s{0,8}[:=]\\s{0,8}[\"']?"
	"(?:(?:basic|bearer|digest|token|negotiate)\\s+)?([^\\s\"',]+)",
	"(?i)\\b(?:bearer|basic)\\s+([a-z0-9._~+/=-]{8,})",
	"(?i)[a-z][a-z0-9+.-]{0,20}://[^\\s/:@]{0,256}:([^\\s/@]+)@",
	"(?i)(?:key|sig(?:nature)?|session|cookie|auth)" ASSIGNED
	"([a-f0-9]{32,}|[a-z0-9+/_-]{40,}={0,2})",
	"(?:^|\\s)(?:-u|--user|--proxy-user)[ =]+[^\\s:]{1,256}:(\\S+)",
	"\\b((?:AKIA|ASIA)[0-9A-Z]{16})\\b",
	"\\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})",
	"\\b(xox[abeoprs]-[A-Za-z0-9-]{10,})",
	"\\b(eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]*)",
	"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----([^-]+)",
};
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

/* An option whose value is the next argument. */
static const char option_pattern[] = "(?i)^--?[a-z0-9_-]{0,64}" SECRET_WORDS "$";

struct span {
	size_t start, end;
};

struct redactor {
	pcre2_code **codes;
	size_t count;
	pcre2_code *option;
	pcre2_match_data *match;
	pcre2_match_context *context;
	unsigned char key[crypto_generichash_KEYBYTES];
	struct span *spans;
	size_t span_count, span_room;
};

static pcre2_code *pattern_compile(const char *pattern, char *error, size_t error_bytes)
{
	PCRE2_SIZE offset;
	PCRE2_UCHAR text[128];
	int code;
	pcre2_code *compiled;

	compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &code, &offset,
				 NULL);
	if (compiled) {
		/* Without JIT it is merely slower. */
		pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
		return compiled;
	}
	pcre2_get_error_message(code, text, sizeof(text));
	snprintf(error, error_bytes, "the redact pattern '%s' is not valid at character %zu: %s",
		 pattern, (size_t)offset + 1, (const char *)text);
	return NULL;
}

#define GLOB "glob:"

static bool is_glob(const char *text)
{
	return !strncmp(text, GLOB, strlen(GLOB));
}

/* A glob of the policy's language, of a whole argument, as a pattern. NULL: out of memory. */
static char *glob_pattern(const char *glob)
{
	char *pattern = malloc(strlen(glob) * 2 + 16), *out = pattern;
	bool is_class = false;

	if (!pattern)
		return NULL;
	out = stpcpy(out, "(?s)\\A");
	for (; *glob; glob++) {
		bool is_quoted = *glob == '\\' && glob[1];

		if (is_quoted)
			glob++;
		if (!is_quoted && *glob == '[' && !is_class) {
			is_class = true;
			*out++ = '[';
			if (glob[1] == '!') {
				*out++ = '^';
				glob++;
			}
		} else if (!is_quoted && is_class && (*glob == ']' || *glob == '-')) {
			is_class = *glob != ']';
			*out++ = *glob;
		} else if (!is_quoted && !is_class && (*glob == '*' || *glob == '?')) {
			*out++ = '.';
			if (*glob == '*')
				*out++ = '*';
		} else {
			if (!(*glob >= '0' && *glob <= '9') && !(*glob >= 'a' && *glob <= 'z') &&
			    !(*glob >= 'A' && *glob <= 'Z') && *glob != '_')
				*out++ = '\\';
			*out++ = *glob;
		}
	}
	strcpy(out, "\\z");
	return pattern;
}

int redactor_new(const char *const *extra, struct redactor **ret_redactor, char *error,
		 size_t error_bytes)
{
	struct redactor *redactor = calloc(1, sizeof(*redactor));
	size_t more = 0;
	int result = -ENOMEM;

	while (extra && extra[more])
		more++;
	if (!redactor)
		goto fail;
	redactor->codes = calloc(PATTERNS + more, sizeof(*redactor->codes));
	redactor->match = pcre2_match_data_create(2, NULL);
	redactor->context = pcre2_match_context_create(NULL);
	if (!redactor->codes || !redactor->match || !redactor->context)
		goto fail;
	pcre2_set_match_limit(redactor->context, 200000);
	result = -EINVAL;
	for (size_t i = 0; i < PATTERNS + more; i++) {
		const char *pattern = i < PATTERNS ? patterns[i] : extra[i - PATTERNS];
		char *glob = is_glob(pattern) ? glob_pattern(pattern + strlen(GLOB)) : NULL;

		if (is_glob(pattern) && !glob)
			result = -ENOMEM;
		else
			redactor->codes[i] =
				pattern_compile(glob ? glob : pattern, error, error_bytes);
		free(glob);
		if (!redactor->codes[i])
			goto fail;
		redactor->count++;
	}
	redactor->option = pattern_compile(option_pattern, error, error_bytes);
	if (!redactor->option)
		goto fail;
	if (sodium_init() < 0)
		goto fail;
	randombytes_buf(redactor->key, sizeof(redactor->key));
	*ret_redactor = redactor;
	return 0;
fail:
	if (result == -ENOMEM)
		snprintf(error, error_bytes, "out of memory");
	redactor_free(redactor);
	return result;
}

void redactor_free(struct redactor *redactor)
{
	if (!redactor)
		return;
	for (size_t i = 0; i < redactor->count; i++)
		pcre2_code_free(redactor->codes[i]);
	pcre2_code_free(redactor->option);
	pcre2_match_data_free(redactor->match);
	pcre2_match_context_free(redactor->context);
	sodium_memzero(redactor->key, sizeof(redactor->key));
	free(redactor->codes);
	free(redactor->spans);
	free(redactor);
}

static void span_add(struct redactor *redactor, size_t start, size_t end)
{
	if (start >= end)
		return;
	if (redactor->span_count == redactor->span_room) {
		size_t room = redactor->span_room ? redactor->span_room * 2 : 16;
		struct span *more = realloc(redactor->spans, room * sizeof(*more));

		if (!more) {
			/* Rather hide too much: stretch the last one. */
			if (redactor->span_count)
				redactor->spans[redactor->span_count - 1].end = end;
			return;
		}
		redactor->spans = more;
		redactor->span_room = room;
	}
	redactor->spans[redactor->span_count++] = (struct span){ start, end };
}

/* Every hit of one pattern in the argument. false: it could not be searched. */
static bool pattern_run(struct redactor *redactor, const pcre2_code *code, const char *arg,
			size_t len, size_t base)
{
	PCRE2_SIZE *found = pcre2_get_ovector_pointer(redactor->match);
	size_t at = 0;

	while (at < len) {
		int groups = pcre2_match(code, (PCRE2_SPTR)arg, len, at, 0, redactor->match,
					 redactor->context);
		size_t end;
		int group;

		if (groups == PCRE2_ERROR_NOMATCH)
			return true;
		if (groups < 0)
			return false;
		group = groups == 1 || found[2] == PCRE2_UNSET ? 0 : 1;
		span_add(redactor, base + found[2 * group], base + found[2 * group + 1]);
		end = found[1];
		at = end > at ? end : at + 1;
	}
	return true;
}

static bool is_named(const char *program, size_t len, const char *const *names)
{
	const char *slash = memrchr(program, '/', len);

	if (slash) {
		len -= (size_t)(slash + 1 - program);
		program = slash + 1;
	}
	for (; *names; names++) {
		if (len == strlen(*names) && !memcmp(program, *names, len))
			return true;
	}
	return false;
}

/* What only the whole command line tells: mysql -pSECRET, curl -u user:SECRET, --token SECRET. */
static void argument_context(struct redactor *redactor, struct str argv, size_t base, size_t len,
			     struct str before)
{
	static const char *const attached[] = { "mysql", "mysqldump", "mysqladmin", "mariadb",
						"mariadb-dump", "sshpass", NULL };
	static const char *const users[] = { "curl", "wget", NULL };
	const char *arg = argv.data + base;
	size_t program_len = strnlen(argv.data, argv.len);
	const char *colon;

	if (base && len > 2 && !memcmp(arg, "-p", 2) && is_named(argv.data, program_len, attached))
		span_add(redactor, base + 2, base + len);
	if (!before.len || !len)
		return;
	if (arg[0] != '-' && pcre2_match(redactor->option, (PCRE2_SPTR)before.data, before.len, 0, 0,
					 redactor->match, redactor->context) > 0)
		span_add(redactor, base, base + len);
	colon = memchr(arg, ':', len);
	if (colon && is_named(argv.data, program_len, users) &&
	    ((before.len == 2 && !memcmp(before.data, "-u", 2)) ||
	     (before.len == 6 && !memcmp(before.data, "--user", 6)) ||
	     (before.len == 2 && !memcmp(before.data, "-U", 2)) ||
	     (before.len == 12 && !memcmp(before.data, "--proxy-user", 12))))
		span_add(redactor, (size_t)(colon + 1 - argv.data), base + len);
}

static int span_compare(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return (left->end > right->end) - (left->end < right->end);
}

static void spans_unite(struct redactor *redactor)
{
	size_t kept = 0;

	if (!redactor->span_count)
		return;
	qsort(redactor->spans, redactor->span_count, sizeof(*redactor->spans), span_compare);
	for (size_t i = 1; i < redactor->span_count; i++) {
		struct span *last = &redactor->spans[kept];

		if (redactor->spans[i].start > last->end)
			redactor->spans[++kept] = redactor->spans[i];
		else if (redactor->spans[i].end > last->end)
			last->end = redactor->spans[i].end;
	}
	redactor->span_count = kept + 1;
}

static size_t mark_write(const struct redactor *redactor, char *out, const char *secret, size_t len)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char hex[9];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)secret, len, redactor->key,
			   sizeof(redactor->key));
	sodium_bin2hex(hex, sizeof(hex), hash, 4);
	return (size_t)sprintf(out, "<redacted:%s>", hex);
}

static struct str spans_replace(struct redactor *redactor, struct queue *queue, struct str argv)
{
	char *out = queue_alloc(queue, argv.len + redactor->span_count * MARK_BYTES);
	size_t len = 0, at = 0;

	if (!out)
		return (struct str){ "", 0 };
	for (size_t i = 0; i < redactor->span_count; i++) {
		const struct span *span = &redactor->spans[i];

		memcpy(out + len, argv.data + at, span->start - at);
		len += span->start - at;
		len += mark_write(redactor, out + len, argv.data + span->start,
				  span->end - span->start);
		at = span->end;
	}
	memcpy(out + len, argv.data + at, argv.len - at);
	return (struct str){ out, (uint32_t)(len + argv.len - at) };
}

struct str redact_argv(struct redactor *redactor, struct queue *queue, struct str argv)
{
	struct str before = { "", 0 };
	size_t base = 0;

	redactor->span_count = 0;
	while (base < argv.len) {
		size_t len = strnlen(argv.data + base, argv.len - base);

		for (size_t i = 0; i < redactor->count; i++) {
			if (!pattern_run(redactor, redactor->codes[i], argv.data + base, len, base))
				span_add(redactor, base, base + len);
		}
		argument_context(redactor, argv, base, len, before);
		before = (struct str){ argv.data + base, (uint32_t)len };
		base += len + 1;
	}
	if (!redactor->span_count)
		return argv;
	spans_unite(redactor);
	return spans_replace(redactor, queue, argv);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Debian's order and ranges of versions; version_python.c has Python's.
 */
#include "version.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A piece of a version. */
struct part {
	const char *at, *end;
};

static char part_peek(const struct part *part)
{
	return part->at < part->end ? *part->at : 0;
}

/* ~ before the end, the end before letters, letters before everything else. */
static int weight(char c)
{
	if (c == '~')
		return -1;
	if (!c || is_digit(c))
		return 0;
	return is_letter(c) ? (unsigned char)c : (unsigned char)c + 256;
}

static int compare_digits(struct part *a, struct part *b)
{
	int first = 0;
	while (part_peek(a) == '0')
		a->at++;
	while (part_peek(b) == '0')
		b->at++;
	while (is_digit(part_peek(a)) && is_digit(part_peek(b))) {
		if (!first)
			first = *a->at - *b->at;
		a->at++;
		b->at++;
	}
	if (is_digit(part_peek(a)))
		return 1;
	if (is_digit(part_peek(b)))
		return -1;
	return first;
}

/* Stretches without digits and numbers in turn. */
static int compare_parts(struct part a, struct part b)
{
	while (a.at < a.end || b.at < b.end) {
		while ((part_peek(&a) && !is_digit(part_peek(&a))) ||
		       (part_peek(&b) && !is_digit(part_peek(&b)))) {
			int order = weight(part_peek(&a)) - weight(part_peek(&b));
			if (order)
				return order;
			a.at++;
			b.at++;
		}
		int order = compare_digits(&a, &b);
		if (order)
			return order;
	}
	return 0;
}

struct debian {
	struct part epoch, upstream, revision;
};

static struct debian debian_split(const char *text)
{
	struct debian parts = {.upstream = {text, text + strlen(text)}};
	const char *colon = strchr(text, ':');
	if (colon) {
		parts.epoch = (struct part){text, colon};
		parts.upstream.at = colon + 1;
	}
	const char *dash = strrchr(parts.upstream.at, '-');
	if (dash) {
		parts.revision = (struct part){dash + 1, parts.upstream.end};
		parts.upstream.end = dash;
	}
	return parts;
}

int version_compare_debian(const char *a, const char *b)
{
	struct debian left = debian_split(a), right = debian_split(b);
	int order = compare_parts(left.epoch, right.epoch);
	order = order ? order : compare_parts(left.upstream, right.upstream);
	return order ? order : compare_parts(left.revision, right.revision);
}

bool version_is_debian(const char *text)
{
	const char *colon = strchr(text, ':');
	if (colon) {
		if (colon == text)
			return false;
		for (; text < colon; text++)
			if (!is_digit(*text))
				return false;
		text++;
	}
	if (!is_digit(*text))
		return false;
	for (; *text; text++)
		if (!is_digit(*text) && !is_letter(*text) && !strchr(".+~:-", *text))
			return false;
	return text[-1] != '-';
}

/* --- ranges ------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	enum version_operator operator;
} operators[] = {
	{">=", VERSION_MORE_OR_SAME}, {"<=", VERSION_LESS_OR_SAME}, {"==", VERSION_SAME},
	{"!=", VERSION_OTHER},	      {">", VERSION_MORE},	    {"<", VERSION_LESS},
	{"=", VERSION_SAME},
};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

#define SEPARATORS " \t,"

static const char *take_operator(const char *text, enum version_operator *ret_operator)
{
	for (unsigned i = 0; i < OPERATORS; i++) {
		size_t len = strlen(operators[i].text);
		if (strncmp(text, operators[i].text, len))
			continue;
		*ret_operator = operators[i].operator;
		return text + len;
	}
	return NULL;
}

static bool is_version(enum version_scheme scheme, const char *text)
{
	if (scheme == VERSION_PYTHON)
		return version_is_python(text);
	return version_is_debian(text) || (!scheme && version_is_python(text));
}

const char *version_range_parse(struct pool *pool, const char *text, enum version_scheme scheme,
				struct version_range *ret_range)
{
	struct version_range range = {.text = pool_copy(pool, text, strlen(text)),
				      .scheme = scheme};
	for (text += strspn(text, SEPARATORS); *text; text += strspn(text, SEPARATORS)) {
		struct version_bound bound;
		const char *at = take_operator(text, &bound.operator);
		if (!at)
			return "a condition begins with <, <=, =, !=, >= or >";
		at += strspn(at, " \t");
		size_t len = strcspn(at, SEPARATORS "<>=");
		bound.version = pool_copy(pool, at, len);
		if (!len || !is_version(scheme, bound.version) ||
		    (scheme == VERSION_PYTHON && strchr(bound.version, '*')))
			return pool_print(pool, "\"%s\" is no version%s", bound.version,
					  scheme == VERSION_PYTHON ? " of a Python distribution" : "");
		if (range.count == VERSION_BOUNDS_MAX)
			return "there are too many conditions";
		range.bounds[range.count++] = bound;
		text = at + len;
	}
	if (!range.count)
		return "it has no condition";
	*ret_range = range;
	return "";
}

static bool bound_holds(const struct version_bound *bound, const char *version)
{
	int order = version_compare_debian(version, bound->version);
	switch (bound->operator) {
	case VERSION_LESS:
		return order < 0;
	case VERSION_LESS_OR_SAME:
		return order <= 0;
	case VERSION_SAME:
		return order == 0;
	case VERSION_OTHER:
		return order != 0;
	case VERSION_MORE_OR_SAME:
		return order >= 0;
	case VERSION_MORE:
		return order > 0;
	}
	return false;
}

bool version_range_holds(const struct version_range *range, enum version_scheme scheme,
			 const char *version)
{
	bool is_python = scheme == VERSION_PYTHON;
	if (!version || !*version || (range->scheme && range->scheme != scheme) ||
	    (is_python && !version_is_python(version)))
		return false;
	for (unsigned i = 0; i < range->count; i++) {
		const struct version_bound *bound = &range->bounds[i];
		if (is_python && !version_is_python(bound->version))
			return false;
		if (is_python ? !version_python_bound(bound, version)
			      : !bound_holds(bound, version))
			return false;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of Python distributions: PEP 440 with its normalisations (case, a leading v, -_. between
 * the parts, alpha and rev for a and post, numbers left out).
 */
#include <string.h>

#include "version.h"

struct span {
	const char *at;
	size_t len;
};

enum pre_kind { PRE_DEV, PRE_ALPHA, PRE_BETA, PRE_CANDIDATE, PRE_NONE };

struct pep440 {
	struct span epoch, release, pre, post, dev, local;
	enum pre_kind pre_kind; /* PRE_DEV: only a .devN */
	bool has_post, has_dev;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct span take_number(const char **at)
{
	struct span number = {*at, 0};
	while (is_digit(**at))
		(*at)++;
	number.len = (size_t)(*at - number.at);
	return number;
}

static bool is_separator(char c)
{
	return c == '.' || c == '-' || c == '_';
}

/* [-_.]? WORD [-_.]? N?: true when one of words stands there. */
static bool take_word(const char **at, const char *const *words, unsigned *ret_word,
		      struct span *ret_number)
{
	const char *from = *at + is_separator(**at);
	for (unsigned i = 0; words[i]; i++) {
		size_t len = strlen(words[i]), same = 0;
		while (same < len && lower(from[same]) == words[i][same])
			same++;
		if (same < len)
			continue;
		*at = from + len;
		if (is_separator(**at) && is_digit((*at)[1]))
			(*at)++;
		*ret_number = take_number(at);
		*ret_word = i;
		return true;
	}
	return false;
}

static void take_post(const char **at, struct pep440 *version)
{
	static const char *const words[] = {"post", "rev", "r", NULL};
	unsigned word;
	if (**at == '-' && is_digit((*at)[1])) {
		(*at)++;
		version->post = take_number(at);
		version->has_post = true;
	} else {
		version->has_post = take_word(at, words, &word, &version->post);
	}
}

static bool take_local(const char **at, struct pep440 *version)
{
	if (**at != '+')
		return true;
	version->local.at = ++*at;
	for (bool is_open = true; **at; (*at)++) {
		bool is_mark = is_separator(**at);
		bool is_word = is_digit(**at) || (lower(**at) >= 'a' && lower(**at) <= 'z');
		if (!is_mark && !is_word)
			break;
		if (is_mark && (is_open || !(*at)[1]))
			return false;
		is_open = is_mark;
	}
	version->local.len = (size_t)(*at - version->local.at);
	return version->local.len && !is_separator((*at)[-1]);
}

static bool pep440_parse(const char *text, struct pep440 *ret)
{
	static const char *const pres[] = {"alpha", "a", "beta", "b", "rc", "c", "preview", "pre", NULL};
	static const enum pre_kind kinds[] = {PRE_ALPHA,     PRE_ALPHA,	    PRE_BETA,	   PRE_BETA,
					      PRE_CANDIDATE, PRE_CANDIDATE, PRE_CANDIDATE, PRE_CANDIDATE};
	static const char *const devs[] = {"dev", NULL};
	const char *at = text + (lower(*text) == 'v');
	unsigned word;
	*ret = (struct pep440){.pre_kind = PRE_NONE};
	struct span first = take_number(&at);
	if (*at == '!') {
		ret->epoch = first;
		at++;
		ret->release.at = at;
		if (!first.len || !take_number(&at).len)
			return false;
	} else if (first.len) {
		ret->release.at = first.at;
	} else {
		return false;
	}
	while (*at == '.' && is_digit(at[1])) {
		at++;
		take_number(&at);
	}
	ret->release.len = (size_t)(at - ret->release.at);
	if (take_word(&at, pres, &word, &ret->pre))
		ret->pre_kind = kinds[word];
	take_post(&at, ret);
	ret->has_dev = take_word(&at, devs, &word, &ret->dev);
	if (ret->has_dev && ret->pre_kind == PRE_NONE && !ret->has_post)
		ret->pre_kind = PRE_DEV;
	return take_local(&at, ret) && !*at;
}

static int compare_bytes(struct span a, struct span b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return lower(a.at[i]) < lower(b.at[i]) ? -1 : 1;
	return (a.len > b.len) - (a.len < b.len);
}

/* Numbers of any length; none is 0. */
static int compare_numbers(struct span a, struct span b)
{
	for (; a.len && *a.at == '0'; a.len--)
		a.at++;
	for (; b.len && *b.at == '0'; b.len--)
		b.at++;
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return compare_bytes(a, b);
}

/* The next part between separators, off the front. */
static struct span take_part(struct span *rest)
{
	struct span part = {rest->at, 0};
	while (part.len < rest->len && !is_separator(part.at[part.len]))
		part.len++;
	size_t used = part.len + (part.len < rest->len);
	rest->at += used;
	rest->len -= used;
	return part;
}

/* 3.0 is 3. */
static int compare_releases(struct span a, struct span b)
{
	int order = 0;
	while (!order && (a.len || b.len))
		order = compare_numbers(take_part(&a), take_part(&b));
	return order;
}

static bool is_number(struct span part)
{
	for (size_t i = 0; i < part.len; i++)
		if (!is_digit(part.at[i]))
			return false;
	return part.len;
}

/* None before any; numbers after words; the longer of two that begin alike after the shorter. */
static int compare_locals(struct span a, struct span b)
{
	while (a.len && b.len) {
		struct span left = take_part(&a), right = take_part(&b);
		bool is_left = is_number(left), is_right = is_number(right);
		int order = is_left && is_right	   ? compare_numbers(left, right)
			    : is_left != is_right ? (is_left ? 1 : -1)
						   : compare_bytes(left, right);
		if (order)
			return order;
	}
	return (a.len > 0) - (b.len > 0);
}

static int compare_public(const struct pep440 *a, const struct pep440 *b)
{
	int order = compare_numbers(a->epoch, b->epoch);
	order = order ? order : compare_releases(a->release, b->release);
	order = order ? order : (int)a->pre_kind - (int)b->pre_kind;
	order = order ? order : compare_numbers(a->pre, b->pre);
	order = order ? order : (int)a->has_post - (int)b->has_post;
	order = order ? order : compare_numbers(a->post, b->post);
	order = order ? order : (int)b->has_dev - (int)a->has_dev;
	return order ? order : compare_numbers(a->dev, b->dev);
}

int version_compare_python(const char *a, const char *b)
{
	struct pep440 left, right;
	bool is_left = pep440_parse(a, &left), is_right = pep440_parse(b, &right);
	if (!is_left || !is_right)
		return (int)is_left - (int)is_right;
	int order = compare_public(&left, &right);
	return order ? order : compare_locals(left.local, right.local);
}

bool version_is_python(const char *text)
{
	struct pep440 version;
	return pep440_parse(text, &version);
}

static bool is_pre(const struct pep440 *version)
{
	return version->pre_kind != PRE_NONE || version->has_dev;
}

bool version_python_bound(const struct version_bound *bound, const char *version)
{
	struct pep440 is, limit;
	if (!pep440_parse(version, &is) || !pep440_parse(bound->version, &limit))
		return false;
	int order = compare_public(&is, &limit);
	bool is_same_release = !compare_numbers(is.epoch, limit.epoch) &&
			       !compare_releases(is.release, limit.release);
	bool is_same = !order && (!limit.local.len || !compare_locals(is.local, limit.local));
	switch (bound->operator) {
	case VERSION_LESS:
		return order < 0 && (!is_same_release || !is_pre(&is) || is_pre(&limit));
	case VERSION_LESS_OR_SAME:
		return order <= 0;
	case VERSION_SAME:
		return is_same;
	case VERSION_OTHER:
		return !is_same;
	case VERSION_MORE_OR_SAME:
		return order >= 0;
	case VERSION_MORE:
		return order > 0 && (!is_same_release || !is.has_post || limit.has_post);
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See report.h.
 */
#include "report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_MAX 96u	/* characters of a quoted word */
#define WINDOW_MAX 160u /* characters of a source line shown */
#define WORD_MAX 48u	/* longer words get no suggestion */

static void report_add(struct reports *reports, struct place place, bool is_warning,
		       enum warning warning, const char *format, va_list list)
{
	if (is_warning && !reports->wants_warnings)
		return;
	reports->errors += !is_warning;
	reports->warnings += is_warning;
	if (reports->count == REPORTS_MAX) {
		reports->left_out++;
		return;
	}
	reports->list =
		pool_grow(reports->pool, reports->list, reports->count, sizeof(*reports->list));
	struct report *report = &reports->list[reports->count];
	report->place = place;
	report->message = pool_print_list(reports->pool, format, list);
	report->is_warning = is_warning;
	report->warning = warning;
	report->number = reports->count++;
}

void report_error(struct reports *reports, struct place place, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	report_add(reports, place, false, WARNING_GENERAL, format, list);
	va_end(list);
}

void report_warning(struct reports *reports, struct place place, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	report_add(reports, place, true, WARNING_GENERAL, format, list);
	va_end(list);
}

void report_warning_of(struct reports *reports, struct place place, enum warning warning,
		       const char *format, ...)
{
	va_list list;
	va_start(list, format);
	report_add(reports, place, true, warning, format, list);
	va_end(list);
}

const char *warning_name(enum warning warning)
{
	static const char *const names[] = {
#define WARNING(id, name, about) name,
#include "warnings.tbl.h"
#undef WARNING
	};
	return names[warning];
}

/* Length of one valid UTF-8 sequence that may be shown as it is, or 0. */
static size_t utf8_len(const unsigned char *text, size_t len)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t count = text[0] < 0x80	    ? 1
		       : text[0] >> 5 == 6  ? 2
		       : text[0] >> 4 == 14 ? 3
		       : text[0] >> 3 == 30 ? 4
					    : 0;
	if (!count || count > len)
		return 0;
	uint32_t code = count == 1 ? text[0] : text[0] & (0x7fu >> count);
	for (size_t i = 1; i < count; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
	/* Marks that reorder or hide text make a terminal say what the file does not. */
	bool is_trick = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
			(code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
	bool is_valid =
		code >= lowest[count] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
	return is_control || is_trick || !is_valid ? 0 : count;
}

/* Appends one character of text, escaped where needed. Returns the bytes taken; *ret_width is how
 * many columns were written (at most 4 bytes and 4 columns). */
static size_t put_char(char *out, size_t *used, const char *text, size_t len, unsigned *ret_width)
{
	size_t count = utf8_len((const unsigned char *)text, len);
	if (count) {
		memcpy(out + *used, text, count);
		*used += count;
		*ret_width = 1;
		return count;
	}
	if (*text == '\t') {
		out[(*used)++] = ' ';
		*ret_width = 1;
		return 1;
	}
	*used += (size_t)sprintf(out + *used, "\\x%02x", (unsigned char)*text);
	*ret_width = 4;
	return 1;
}

const char *report_quote(struct pool *pool, const char *text, size_t len)
{
	char out[QUOTE_MAX * 4 + 8];
	size_t used = 0, at = 0;
	unsigned width;
	for (unsigned shown = 0; at < len && shown < QUOTE_MAX; shown++)
		at += put_char(out, &used, text + at, len - at, &width);
	if (at < len) {
		memcpy(out + used, "…", strlen("…"));
		used += strlen("…");
	}
	return pool_copy(pool, out, used);
}

/* Insertions, deletions, changes and swaps of neighbours between two short words. */
static unsigned word_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	unsigned rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_len; j++)
		last[j] = before[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			best = last[j] + 1 < best ? last[j] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		unsigned *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_len];
}

const char *report_suggest(struct reports *reports, const char *word, const char *const *candidates)
{
	const char *nearest = NULL;
	size_t len = strlen(word);
	unsigned best = UINT32_MAX;
	if (!len || len > WORD_MAX || reports->count == REPORTS_MAX)
		return ""; /* or nobody will read it */
	for (; *candidates; candidates++) {
		if (strlen(*candidates) > WORD_MAX)
			continue;
		/* A word that begins alike may be further away, and wins a tie. */
		bool begins_alike = (*candidates)[0] == word[0];
		unsigned distance = word_distance(word, *candidates);
		unsigned reach = (unsigned)len / 3 + 1;
		if (distance > (begins_alike && reach < 3 ? 3 : reach))
			continue;
		if (distance * 2 + !begins_alike < best) {
			best = distance * 2 + !begins_alike;
			nearest = *candidates;
		}
	}
	return nearest ? pool_print(reports->pool, " (did you mean \"%s\"?)", nearest) : "";
}

static void origin_index(struct pool *pool, struct origin *origin)
{
	unsigned count = 1;
	for (size_t i = 0; i < origin->len; i++)
		count += origin->text[i] == '\n';
	size_t *lines = pool_alloc(pool, (count + 1) * sizeof(*lines));
	unsigned line = 0;
	for (size_t i = 0; i < origin->len; i++)
		if (origin->text[i] == '\n')
			lines[++line] = i + 1;
	lines[count] = origin->len + 1;
	origin->lines = lines;
	origin->line_count = count;
}

/* The line and a caret under column; of a long line only the part around it. */
static void print_line(struct reports *reports, const struct place *place, FILE *file)
{
	struct origin *origin = place->origin;
	if (!origin->lines)
		origin_index(reports->pool, origin);
	if (!place->line || place->line > origin->line_count)
		return;
	const char *text = origin->text + origin->lines[place->line - 1];
	size_t len = origin->lines[place->line] - 1 - origin->lines[place->line - 1];
	size_t at = 0, used = 0;
	unsigned caret = 0, number = 1, width = 0;
	unsigned first = place->column > WINDOW_MAX / 2 ? place->column - WINDOW_MAX / 2 : 1;
	char out[WINDOW_MAX * 4 + 8], skipped[8];
	if (len && text[len - 1] == '\r')
		len--;
	for (; at < len && number < first; number++) {
		size_t none = 0;
		at += put_char(skipped, &none, text + at, len - at, &width);
	}
	for (; at < len && number < first + WINDOW_MAX; number++) {
		at += put_char(out, &used, text + at, len - at, &width);
		caret += number < place->column ? width : 0;
	}
	if (place->column > number - 1 && place->column - number < WINDOW_MAX)
		caret += place->column - number; /* at the end of the line or behind it */
	fprintf(file, "%.*s\n%*s^\n", (int)used, out, (int)caret, "");
}

static int report_compare(const void *left, const void *right)
{
	const struct report *a = left, *b = right;
	unsigned a_order = a->place.origin ? a->place.origin->order : 0;
	unsigned b_order = b->place.origin ? b->place.origin->order : 0;
	if (a_order != b_order)
		return a_order < b_order ? -1 : 1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static bool is_said_before(const struct report *last, const struct report *report)
{
	return last->place.origin == report->place.origin &&
	       last->place.line == report->place.line &&
	       last->place.column == report->place.column && report->is_warning &&
	       !strcmp(last->message, report->message);
}

/* A rule that profiles have in common by `extends` is looked at with each of them. */
void reports_sort(struct reports *reports)
{
	uint32_t kept = 0;
	if (reports->count)
		qsort(reports->list, reports->count, sizeof(*reports->list), report_compare);
	for (uint32_t i = 0; i < reports->count; i++) {
		if (kept && is_said_before(&reports->list[kept - 1], &reports->list[i]))
			reports->warnings--;
		else
			reports->list[kept++] = reports->list[i];
	}
	reports->count = kept;
}

void reports_print(struct reports *reports, FILE *file)
{
	if (!file)
		return;
	for (uint32_t i = 0; i < reports->count; i++) {
		const struct report *report = &reports->list[i];
		const char *word = report->is_warning ? "warning" : "error";
		const struct origin *origin = report->place.origin;
		if (!origin) {
			fprintf(file, "%s: %s\n", word, report->message);
			continue;
		}
		const char *path = report_quote(reports->pool, origin->path, strlen(origin->path));
		if (!report->place.line) {
			fprintf(file, "%s: %s: %s\n", path, word, report->message);
			continue;
		}
		fprintf(file, "%s:%u:%u: %s: %s\n", path, report->place.line, report->place.column,
			word, report->message);
		print_line(reports, &report->place, file);
	}
	if (reports->left_out)
		fprintf(file, "… and %u more\n", reports->left_out);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors and warnings of a load: collected, sorted by place, printed gcc style with the source
 * line and a caret, all in one go. Control bytes of what is quoted are escaped.
 */
#ifndef SOWATCH_POLICY_REPORT_H
#define SOWATCH_POLICY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "pool.h"

#define REPORTS_MAX 1000u

/* One policy file. */
struct origin {
	const char *path;
	const char *text;
	size_t len;
	unsigned layer; /* of -p, later is higher */
	unsigned order;
	bool is_learned, is_unread;
	const size_t *lines; /* where each line starts, made at the first error */
	unsigned line_count;
};

/* A place in it, both from 1; line 0: the file as a whole. */
struct place {
	struct origin *origin;
	unsigned line, column;
};

/* What a warning is about. */
enum warning {
#define WARNING(id, name, about) WARNING_##id,
#include "warnings.tbl.h"
#undef WARNING
};

struct report {
	struct place place;
	const char *message;
	unsigned number;
	bool is_warning;
	enum warning warning;
};

struct reports {
	struct pool *pool;
	struct report *list;
	uint32_t count;
	unsigned errors; /* all of them, also those not kept */
	unsigned warnings;
	unsigned left_out;
	bool wants_warnings;
};

void report_error(struct reports *reports, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct reports *reports, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning_of(struct reports *reports, struct place place, enum warning warning,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Sorted by place; the same said twice about one place is said once. Before printing. */
void reports_sort(struct reports *reports);
void reports_print(struct reports *reports, FILE *file);
const char *warning_name(enum warning warning);

/* Untrusted text for a message: control bytes as \xNN, cut when long. */
const char *report_quote(struct pool *pool, const char *text, size_t len);
/* " (did you mean "x"?)" or "". candidates end with NULL. */
const char *report_suggest(struct reports *reports, const char *word,
			   const char *const *candidates);

#endif

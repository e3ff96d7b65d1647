/* SPDX-License-Identifier: Apache-2.0
 *
 * Order of versions: Debian's as deb-version(7) has it, and that of Python distributions (PEP 440).
 * A range is conditions that hold together: ">=3.0 <3.0.9". Versions come from hostile machines: any
 * bytes, any length, numbers of any size; nothing is allocated, all is linear in the texts.
 */
#ifndef SOWATCH_POLICY_VERSION_H
#define SOWATCH_POLICY_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool.h"

enum version_scheme { VERSION_DEBIAN = 1, VERSION_PYTHON };

/* Below, at or above 0 as a stands to b. */
int version_compare_debian(const char *a, const char *b);
/* The same by PEP 440; both must be version_is_python(). Local versions count. */
int version_compare_python(const char *a, const char *b);
bool version_is_debian(const char *text);
bool version_is_python(const char *text);

enum version_operator {
	VERSION_LESS = 1,
	VERSION_LESS_OR_SAME,
	VERSION_SAME,
	VERSION_OTHER,
	VERSION_MORE_OR_SAME,
	VERSION_MORE,
};

struct version_bound {
	enum version_operator operator;
	const char *version;
};

#define VERSION_BOUNDS_MAX 16u

struct version_range {
	const char *text; /* as written; NULL: any version */
	struct version_bound bounds[VERSION_BOUNDS_MAX];
	unsigned count;
	enum version_scheme scheme; /* 0: whichever the subject has */
};

/* "": it is a range; else what is wrong with it, a sentence in pool. */
const char *version_range_parse(struct pool *pool, const char *text, enum version_scheme scheme,
				struct version_range *ret_range);
/* An empty version, and one that is none in this scheme, is in no range. */
bool version_range_holds(const struct version_range *range, enum version_scheme scheme,
			 const char *version);

/* version_python.c: one condition as PEP 440 has it. Beside the order: "<3.0" leaves out the
 * pre-releases of 3.0, ">3.0" its post-releases and local versions, and "=3.0" takes any local
 * version of it. */
bool version_python_bound(const struct version_bound *bound, const char *version);

#endif

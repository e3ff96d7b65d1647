/* SPDX-License-Identifier: Apache-2.0
 *
 * Who made which memory of a process executable: what stands on a stack and is in no file was
 * written by somebody (a compiler at run time, mostly), and that one answers for it.
 */
#ifndef SOWATCH_SOURCE_CODES_H
#define SOWATCH_SOURCE_CODES_H

#include <stdbool.h>
#include <stdint.h>

struct code_range {
	uint64_t start, end;
	uint64_t time_ns;
	uint32_t object; /* item id of an OBJECT_CODE; 0: made by nobody knows whom */
};

/* In order, none over another. All zero: empty. */
struct codes {
	struct code_range *ranges;
	uint32_t count, room;
};
#define CODE_RANGES_MAX 4096u

/* The newest maker counts, also of a part of what was there. Beyond the bound the oldest range is
 * forgotten. Without memory the place is nobody's. */
void codes_set(struct codes *codes, const struct code_range *range);
/* NULL: nobody was seen making that. Valid until the next change. */
const struct code_range *codes_find(const struct codes *codes, uint64_t address);
/* What a forked child has. to is empty. */
void codes_copy(struct codes *to, const struct codes *from);
void codes_done(struct codes *codes);

#endif

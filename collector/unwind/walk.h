/* SPDX-License-Identifier: Apache-2.0
 *
 * From one frame to the one that called it, on a copy of the stack.
 */
#ifndef SOWATCH_UNWIND_WALK_H
#define SOWATCH_UNWIND_WALK_H

#include "object.h"

#define WALK_CACHE_BITS 15

/* Rows that were computed before. Ids of objects are never used again, so nothing here gets old. */
struct walk_row {
	uint64_t object, offset;
	struct cfi_row row;
};

struct walk {
	const uint8_t *stack;
	uint64_t stack_start, stack_bytes;
	uint64_t registers[DW_REGISTERS];
	uint32_t known;	 /* bit per register */
	uint32_t flags;	 /* enum wire_stack_flags */
	bool is_outside; /* something was wanted that is not in the copy */
	bool is_guess;	 /* nothing but rbp says that this is the caller */
	bool is_first;	 /* nothing was stepped over yet: pc is behind a system call */
	bool is_exact;	 /* pc is the next instruction, not where a call returns to */
	struct walk_row *rows;
	uint64_t rows_computed;
};

/* An address inside the calling instruction. */
static inline uint64_t walk_pc(const struct walk *walk)
{
	return walk->registers[DW_PC] - !walk->is_exact;
}

void walk_begin(struct walk *walk, const struct unwind_input *input);

/* False: that was the outermost frame, or walk->flags say why it could not go on. */
bool walk_step_object(struct walk *walk, const struct object *object, uint64_t bias);
/* In code that nobody describes: by frame pointer. */
bool walk_step_frame_pointer(struct walk *walk);

#endif

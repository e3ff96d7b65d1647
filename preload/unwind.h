/* SPDX-License-Identifier: Apache-2.0
 *
 * The unwinder's hot path, inlined into whoever walks: one row of the cache a frame. See unwind.c.
 */
#ifndef SOWATCH_UNWIND_H
#define SOWATCH_UNWIND_H

#include "hook.h"

enum row_kind {
	ROW_NONE,
	ROW_SP,	     /* CFA = sp + cfa */
	ROW_FP,	     /* CFA = rbp + cfa */
	ROW_FP_LOAD, /* CFA = *(rbp + cfa): realigned stacks */
	ROW_SIGNAL,  /* a signal frame: registers are in the ucontext at sp */
	ROW_END,     /* return address undefined: outermost frame */
	ROW_STOP,    /* nothing we can follow */
};

enum fp_kind { FP_SAME, FP_AT_CFA, FP_AT_FP };

struct row {
	uint8_t kind, fp_kind;
	int16_t fp;
	int32_t cfa;
};
_Static_assert(sizeof(struct row) == 8, "a row is one word of the cache");

#define UNWIND_CACHE_BITS 12
struct unwind_entry {
	uint64_t check; /* key ^ row: a torn pair never matches */
	uint64_t row;
};
extern struct unwind_entry unwind_cache[1u << UNWIND_CACHE_BITS];


/* Computes the row and puts it into the cache. */
struct row unwind_row(uint64_t pc, uint64_t key, struct unwind_entry *entry);
/* Everything but an ordinary row. */
bool unwind_step_odd(struct unwind_frame *frame, struct row row, uint32_t *ret_flags);

/* A frame's end lies beyond what is known to be readable: look there. False: nothing is there. */
bool unwind_extend(struct unwind_frame *frame, uint64_t end);

#define RED_ZONE 128
#define UNWIND_PAGE 4096ull
#define STACK_COUNT_BITS 28

/* What is known of the stack sp is on. Nothing outside of it may be touched: rows of hand-written
 * code can be wrong, and a coroutine's stack may end right above its first frame. */
static inline void unwind_place(struct unwind_frame *frame)
{
	uint64_t known = thread_self.stack_pages;
	uint64_t low = (known >> STACK_COUNT_BITS) * UNWIND_PAGE;
	uint64_t high = low + (known & ((1ull << STACK_COUNT_BITS) - 1)) * UNWIND_PAGE;

	if (likely(frame->sp >= low && frame->sp < high)) {
		frame->low = low;
		frame->limit = high;
	} else {
		frame->low = frame->limit = frame->sp & ~(UNWIND_PAGE - 1);
	}
}

/* The caller of the function whose frame pointer this is. */
static inline struct unwind_frame unwind_begin(void **frame)
{
	struct unwind_frame start = { .pc = (uint64_t)frame[1],
				      .sp = (uint64_t)(frame + 2),
				      .fp = (uint64_t)frame[0] };

	unwind_place(&start);
	return start;
}

static inline bool unwind_reaches(struct unwind_frame *frame, uint64_t end)
{
	return likely(end <= frame->limit) || unwind_extend(frame, end);
}

#define STEP_MAX (64ull << 20) /* no frame is larger; a larger step is a wrong row */

static inline uint64_t load(uint64_t address)
{
	return *(const uint64_t *)address;
}

static inline uint64_t unwind_key(uint64_t pc)
{
	return pc ^ ((uint64_t)__atomic_load_n(&load_generation, __ATOMIC_RELAXED) << 48);
}

static inline struct row row_find(uint64_t pc)
{
	uint64_t key = unwind_key(pc);
	struct unwind_entry *entry =
		&unwind_cache[(key * 0x9e3779b97f4a7c15ull) >> (64 - UNWIND_CACHE_BITS)];
	uint64_t word = __atomic_load_n(&entry->row, __ATOMIC_RELAXED);
	struct row row;

	if (unlikely((__atomic_load_n(&entry->check, __ATOMIC_RELAXED) ^ word) != key || !word))
		return unwind_row(pc, key, entry);
	memcpy(&row, &word, sizeof(row));
	return row;
}

static inline bool step_row(struct unwind_frame *frame, struct row row)
{
	uint64_t cfa = (row.kind == ROW_SP ? frame->sp : frame->fp) + (uint64_t)(int64_t)row.cfa;
	uint64_t saved;

	/* rbp is a frame pointer here by the object's own word, but hand-written code may have
	 * lied: what it points to must at least lie on this stack, above sp. */
	if (row.kind == ROW_FP_LOAD) {
		if (cfa < frame->sp || cfa - frame->sp > STEP_MAX || cfa % 8 ||
		    !unwind_reaches(frame, cfa + 8))
			return false;
		cfa = load(cfa);
	}
	if (cfa <= frame->sp || cfa - frame->sp > STEP_MAX || cfa % 8 ||
	    !unwind_reaches(frame, cfa))
		return false;
	if (row.fp_kind != FP_SAME) {
		saved = (row.fp_kind == FP_AT_CFA ? cfa : frame->fp) + (uint64_t)(int64_t)row.fp;
		/* Between `pop %rbp` and `ret` it lies just below sp. */
		if (saved - (frame->sp - RED_ZONE) > cfa - frame->sp + RED_ZONE - 8)
			return false;
		frame->fp = load(saved);
	}
	frame->pc = load(cfa - 8);
	frame->sp = cfa;
	frame->is_exact = false;
	return true;
}

/* To the calling frame; false when there is none, or it cannot be found (WIRE_STACK_PARTIAL). */
static inline bool unwind_step(struct unwind_frame *frame, uint32_t *ret_flags)
{
	struct row row = row_find(frame->pc - !frame->is_exact);
	struct unwind_frame odd;
	uint32_t flags;
	bool is_found;

	if (likely(row.kind == ROW_SP || row.kind == ROW_FP || row.kind == ROW_FP_LOAD)) {
		if (likely(step_row(frame, row)))
			return frame->pc != 0;
		row.kind = ROW_STOP;
	}
	/* Copies, so that the caller's frame can live in registers. */
	odd = *frame;
	flags = *ret_flags;
	is_found = unwind_step_odd(&odd, row, &flags);
	*frame = odd;
	*ret_flags = flags;
	return is_found;
}

#endif

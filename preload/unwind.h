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

#define STEP_MAX (64ull << 20) /* no frame is larger; a larger step is a wrong row */

static inline uint64_t load(uint64_t address)
{
	return *(const uint64_t *)address;
}

static inline struct row row_find(uint64_t pc)
{
	uint64_t key = pc ^ ((uint64_t)__atomic_load_n(&load_generation, __ATOMIC_RELAXED) << 48);
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
	uint64_t cfa;

	if (row.kind == ROW_SP) {
		cfa = frame->sp + (uint64_t)(int64_t)row.cfa;
	} else {
		cfa = frame->fp + (uint64_t)(int64_t)row.cfa;
		/* rbp is a frame pointer here by the object's own word, but hand-written code
		 * may have lied: it must at least lie on this stack, above sp. */
		if (cfa <= frame->sp || cfa - frame->sp > STEP_MAX || cfa % 8)
			return row.kind == ROW_FP_LOAD && cfa >= frame->sp && cfa % 8 == 0 ?
				       ((cfa = load(cfa)), true) :
				       false;
		if (row.kind == ROW_FP_LOAD)
			cfa = load(cfa);
	}
	if (cfa <= frame->sp || cfa - frame->sp > STEP_MAX || cfa % 8)
		return false;
	if (row.fp_kind == FP_AT_CFA)
		frame->fp = load(cfa + (uint64_t)(int64_t)row.fp);
	else if (row.fp_kind == FP_AT_FP)
		frame->fp = load(frame->fp + (uint64_t)(int64_t)row.fp);
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

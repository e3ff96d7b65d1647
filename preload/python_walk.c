/* SPDX-License-Identifier: Apache-2.0
 *
 * Python frames at their places on the native stack. The interpreter leaves something of every
 * native call of its evaluation loop on that call's own stack frame: where that lies between the
 * stack pointers of a native frame, the Python frames behind it were run by this one. So nothing
 * has to be counted or guessed, frames left over from another stack match nothing, and two
 * interpreters on one stack (sub-interpreters) each find their own calls.
 *
 * All of this is read from the acting thread's own frames, which nobody changes while it is in
 * here. In a signal handler they may be half made: then every pointer is looked at first.
 */
#include "python.h"

#define FRAMES_MAX 4096u
#define REACH (256ull << 20) /* no stack is larger */

static bool load_checked(uint64_t address, bool is_careful, uint64_t *ret)
{
	if (!python_is_pointer(address) ||
	    (unlikely(is_careful) && !memory_is_readable((const void *)address, 8)))
		return false;
	*ret = python_load(address);
	return true;
}

static void cursor_end(struct python_cursor *cursor)
{
	cursor->place = UINT64_MAX;
	cursor->frame = cursor->stop = 0;
}

/* The note names the innermost frame of its native call, the note before it where the next begins. */
static void cursor_note(struct python_cursor *cursor, uint64_t note, uint64_t sp, bool is_careful)
{
	const struct python_layout *at = &python.layout;
	uint64_t outer;

	if (note < sp || note - sp > REACH ||
	    !load_checked(note + at->cframe_frame, is_careful, &cursor->frame) ||
	    !load_checked(note + at->cframe_previous, is_careful, &outer)) {
		cursor_end(cursor);
		return;
	}
	if (!outer || !load_checked(outer + at->cframe_frame, is_careful, &cursor->stop))
		cursor->stop = 0;
	cursor->note = note;
	cursor->place = note;
}

/* Ahead to the frame on the native stack that the native call put there. */
static void cursor_entry(struct python_cursor *cursor, uint64_t frame, uint64_t sp, bool is_careful)
{
	const struct python_layout *at = &python.layout;
	uint64_t entry = frame, owner;

	cursor->frame = frame;
	for (unsigned i = 0; i < FRAMES_MAX; i++) {
		if (!load_checked((entry + at->frame_owner) & ~7ull, is_careful, &owner))
			break;
		owner >>= (entry + at->frame_owner) % 8 * 8;
		if ((owner & 0xff) == PYTHON_OWNED_BY_STACK) {
			if (entry < sp || entry - sp > REACH)
				break;
			cursor->place = cursor->stop = entry;
			return;
		}
		if (!load_checked(entry + at->frame_previous, is_careful, &entry))
			break;
	}
	cursor_end(cursor);
}

static void cursor_begin(struct python_cursor *cursor, uint64_t tstate, uint64_t sp, bool is_careful)
{
	uint64_t first;

	cursor_end(cursor);
	if (!tstate || !load_checked(tstate + python.layout.tstate_frame, is_careful, &first) ||
	    !first)
		return;
	switch (python.layout.kind) {
	case PYTHON_CFRAMES:
		cursor_note(cursor, first, sp, is_careful);
		break;
	case PYTHON_ENTRIES:
		cursor_entry(cursor, first, sp, is_careful);
		break;
	default:
		cursor->frame = first;
		cursor->place = 0; /* told by the native function, frame by frame */
	}
}

/* To the next native call outward. */
static void cursor_outward(struct python_cursor *cursor, bool is_careful)
{
	const struct python_layout *at = &python.layout;
	uint64_t next;

	switch (at->kind) {
	case PYTHON_CFRAMES:
		if (load_checked(cursor->note + at->cframe_previous, is_careful, &next) &&
		    next > cursor->note)
			cursor_note(cursor, next, cursor->note, is_careful);
		else
			cursor_end(cursor);
		break;
	case PYTHON_ENTRIES:
		if (load_checked(cursor->place + at->frame_previous, is_careful, &next) && next)
			cursor_entry(cursor, next, cursor->place, is_careful);
		else
			cursor_end(cursor);
		break;
	default:
		cursor_end(cursor);
	}
}

static void walk_place(struct python_walk *walk)
{
	walk->place = walk->cursors[0].place < walk->cursors[1].place ? walk->cursors[0].place :
									walk->cursors[1].place;
}

void python_walk_begin_on(struct python_walk *walk, uint64_t sp)
{
	uint64_t own = (uint64_t)python.api.PyGILState_GetThisThreadState();
	uint64_t noted = (uint64_t)thread_self.python_tstate;

	walk->left = FRAMES_MAX;
	walk->last = 0;
	walk->call = 0;
	walk->is_careful = false;
	cursor_begin(&walk->cursors[0], own, sp, false);
	/* A sub-interpreter's, that may be gone by now. What is gone has no frames on our stack. */
	if (unlikely(noted && noted != own))
		cursor_begin(&walk->cursors[1], noted, sp, true);
	else
		cursor_end(&walk->cursors[1]);
	walk_place(walk);
}

static void walk_phase(struct python_walk *walk, uint32_t flags)
{
	if (flags & UNIT_IMPORT)
		walk->flags |= WIRE_STACK_LOAD;
	if (flags & (UNIT_SITE | UNIT_PTH))
		walk->flags |= WIRE_STACK_STARTUP;
}

/* 3.12 and later: put on the native stack by a native call, no code of anybody's. */
static bool is_entry(uint64_t frame, bool is_careful)
{
	unsigned at = python.layout.frame_owner;
	uint64_t owner;

	return at && load_checked((frame + at) & ~7ull, is_careful, &owner) &&
	       (owner >> (frame + at) % 8 * 8 & 0xff) == PYTHON_OWNED_BY_STACK;
}

/* True when the frame at the cursor is one to be told. */
static bool cursor_take(struct python_walk *walk, struct python_cursor *cursor,
			struct python_frame *ret)
{
	const struct python_layout *at = &python.layout;
	uint64_t frame = cursor->frame, code;
	uint32_t unit, flags;
	bool is_beyond;

	if (!load_checked(frame + at->frame_code, walk->is_careful, &code) ||
	    !load_checked(frame + at->frame_previous, walk->is_careful, &cursor->frame)) {
		cursor_end(cursor);
		return false;
	}
	unit = unlikely(walk->is_careful) ? code_unit_known(code) : code_unit(code);
	is_beyond = walk->is_cut;
	flags = unit_flags(unit);
	if (unlikely(flags & UNIT_RUNNER))
		python_walk_runner(walk, frame, code);
	if (!is_entry(frame, walk->is_careful))
		walk->inner = walk->is_cut ? 0 : frame;
	if (unit <= UNIT_NOBODY)
		return false;
	walk_phase(walk, flags);
	if (unit == walk->last || is_beyond)
		return false;
	walk->last = unit;
	ret->unit = unit;
	ret->line = *(const uint32_t *)(code + at->code_line);
	return true;
}

/* A frame object for every native call of the evaluation function. */
static bool walk_object(struct python_walk *walk, uint64_t pc, uint64_t end,
			struct python_frame *ret)
{
	struct python_cursor *cursor = &walk->cursors[0];

	if (walk->call == end || !python_is_eval(pc))
		return false;
	walk->call = end;
	walk->calls++;
	walk->last = 0;
	return cursor->frame && cursor_take(walk, cursor, ret);
}

bool python_walk_next_on(struct python_walk *walk, uint64_t pc, uint64_t end,
			 struct python_frame *ret)
{
	if (python.layout.kind == PYTHON_OBJECTS)
		return walk_object(walk, pc, end, ret);
	while (walk->place < end) {
		struct python_cursor *cursor = &walk->cursors[walk->place != walk->cursors[0].place];

		if (cursor->frame && cursor->frame != cursor->stop && walk->left) {
			walk->left--;
			if (cursor_take(walk, cursor, ret))
				return true;
			if (cursor->place != UINT64_MAX)
				continue;
		} else {
			if (!walk->left)
				walk->flags |= WIRE_STACK_TRUNCATED;
			cursor_outward(cursor, walk->is_careful);
			walk->calls++;
			walk->last = 0;
		}
		walk_place(walk);
	}
	return false;
}

/* --- for the audit hook --------------------------------------------------------------------------- */
void python_codes_begin(struct python_codes *codes, uint64_t tstate)
{
	const struct python_layout *at = &python.layout;

	/* What is read here before it was checked is what the check is about. */
	codes->is_careful = !python_is_on();
	codes->left = FRAMES_MAX;
	if (!tstate || !load_checked(tstate + at->tstate_frame, codes->is_careful, &codes->frame) ||
	    (at->kind == PYTHON_CFRAMES &&
	     !load_checked(codes->frame + at->cframe_frame, codes->is_careful, &codes->frame)))
		codes->frame = 0;
}

uint64_t python_codes_next(struct python_codes *codes, uint64_t *ret_frame)
{
	const struct python_layout *at = &python.layout;

	while (codes->frame && codes->left--) {
		uint64_t frame = codes->frame, code, owner = 0;

		if (!load_checked(frame + at->frame_code, codes->is_careful, &code) ||
		    !load_checked(frame + at->frame_previous, codes->is_careful, &codes->frame))
			break;
		if (at->frame_owner &&
		    load_checked((frame + at->frame_owner) & ~7ull, codes->is_careful, &owner) &&
		    (owner >> (frame + at->frame_owner) % 8 * 8 & 0xff) == PYTHON_OWNED_BY_STACK)
			continue;
		*ret_frame = frame;
		return code;
	}
	return 0;
}

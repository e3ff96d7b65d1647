/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls of unwind.h: which mapping an address lies in, what is mapped there, and a step.
 */
#include "unwind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jumps.h"
#include "process.h"
#include "walk.h"

#define PINNED 4 /* a map, the one before it, and one reading while a stack is walked */

struct unwind {
	struct objects objects;
	struct processes processes;
	struct walk_row *rows;
	struct jump_memo *jumps;
	struct maps *pinned[PINNED]; /* what the last stack's frames point into */
	struct unwind_counts counts;
};

int unwind_open(struct unwind **ret_unwind)
{
	struct unwind *unwind = calloc(1, sizeof(*unwind));

	if (!unwind)
		return -ENOMEM;
	unwind->rows = calloc(1u << WALK_CACHE_BITS, sizeof(*unwind->rows));
	unwind->jumps = calloc(1u << JUMPS_CACHE_BITS, sizeof(*unwind->jumps));
	if (!unwind->rows || !unwind->jumps) {
		free(unwind->rows);
		free(unwind->jumps);
		free(unwind);
		return -ENOMEM;
	}
	*ret_unwind = unwind;
	return 0;
}

static void pinned_release(struct unwind *unwind)
{
	for (unsigned i = 0; i < PINNED; i++) {
		maps_put(unwind->pinned[i]);
		unwind->pinned[i] = NULL;
	}
}

/* False: no place, which the one reading per stack rules out. */
static bool pinned_add(struct unwind *unwind, struct maps *maps)
{
	for (unsigned i = 0; i < PINNED; i++) {
		if (unwind->pinned[i] == maps)
			return true;
		if (!unwind->pinned[i]) {
			unwind->pinned[i] = maps_get(maps);
			return true;
		}
	}
	return false;
}

void unwind_close(struct unwind *unwind)
{
	if (!unwind)
		return;
	pinned_release(unwind);
	processes_done(&unwind->processes);
	objects_done(&unwind->objects);
	free(unwind->rows);
	free(unwind->jumps);
	free(unwind);
}

struct place {
	struct region *region; /* NULL: none known */
	struct maps *maps;
};

static struct place place_find(struct unwind *unwind, struct process *process, uint32_t tid,
			       uint64_t address, bool *may_read)
{
	struct place place;

	place.region =
		process_region(&unwind->processes, process, tid, address, may_read, &place.maps);
	if (place.region && !pinned_add(unwind, place.maps))
		place.region = NULL;
	if (place.region)
		maps_bind(place.maps, place.region, &unwind->objects,
			  process->is_gone ? 0 : process->pid, tid);
	return place;
}

static void frame_fill(struct unwind_frame *frame, uint64_t address, const struct place *place)
{
	const struct region *region = place->region;

	*frame = (struct unwind_frame){
		.address = address, .offset = address, .kind = UNWIND_UNKNOWN, .path = ""};
	if (!region)
		return;
	frame->kind = region->state == REGION_OBJECT	  ? UNWIND_OBJECT
		      : region->state == REGION_ANONYMOUS ? UNWIND_CODE
							  : UNWIND_FILE;
	frame->path = place->maps->paths + region->path;
	frame->path_len = region->path_len;
	frame->is_deleted = region->is_deleted;
	frame->told = region->told;
	frame->device = region->device;
	frame->inode = region->inode;
	if (frame->kind == UNWIND_FILE)
		frame->offset = address - region->start + region->offset;
	if (frame->kind != UNWIND_OBJECT)
		return;
	frame->object = &region->object->shown;
	frame->device = region->object->shown.device;
	frame->inode = region->object->shown.inode;
	frame->offset = address - region->bias;
}

static bool step(struct unwind *unwind, struct walk *walk, struct process *process, uint32_t tid,
		 const struct place *place, bool *may_read)
{
	struct place next;
	bool is_found;

	if (!place->region || place->region->state == REGION_FILE) {
		walk->flags |= WIRE_STACK_PARTIAL;
		return false;
	}
	walk->is_guess = false;
	if (place->region->state != REGION_OBJECT)
		is_found = walk_step_frame_pointer(walk);
	else
		is_found = walk_step_object(walk, place->region->object, place->region->bias);
	if (!is_found || !walk->is_guess)
		return is_found;
	/* Where it led must at least be code. */
	next = place_find(unwind, process, tid, walk_pc(walk), may_read);
	if (!next.region)
		walk->flags |= WIRE_STACK_PARTIAL;
	return next.region != NULL;
}

/* Those who were called by the code at place and ended in a jump, before its own frame. callee: the
 * object of the frame before, NULL: none. False: it is not known who they were. */
static bool jumped_add(struct unwind *unwind, const struct walk *walk, struct process *process,
		       uint32_t tid, const struct place *place, struct object *callee,
		       struct unwind_stack *stack, bool *ret_is_indirect)
{
	struct jumps_scope scope = { process->maps, &unwind->objects,
				     process->is_gone ? 0 : process->pid, tid, unwind->jumps };
	struct jumps jumps;

	if (walk->is_exact || walk->is_guess || !place->region ||
	    place->region->state != REGION_OBJECT)
		return true;
	if (!scope.maps || !pinned_add(unwind, scope.maps))
		return false;
	jumps_find(&scope, place->region->object, walk_pc(walk) + 1 - place->region->bias, callee,
		   &jumps);
	*ret_is_indirect = jumps.is_indirect;
	while (jumps.count && stack->count < WIRE_STACK_FRAMES - 1) {
		const struct jump *jump = &jumps.list[--jumps.count];
		struct unwind_frame *frame = &stack->frames[stack->count++];
		const struct place there = { jump->region, scope.maps };

		frame_fill(frame, jump->region->bias + jump->offset, &there);
		frame->flags |= WIRE_FRAME_INFERRED;
	}
	return !jumps.is_unknown;
}

int unwind_stack(struct unwind *unwind, const struct unwind_input *input,
		 struct unwind_stack *ret_stack)
{
	uint32_t tid = input->who.tid;
	struct walk walk = {.rows = unwind->rows};
	struct process *process;
	bool may_read = true;
	struct object *callee = NULL;
	bool is_stub = false, is_indirect;
	struct place place;

	pinned_release(unwind);
	process = process_find(&unwind->processes, &input->who, true);
	if (!process)
		return -ENOMEM;
	ret_stack->count = 0;
	walk_begin(&walk, input);
	do {
		struct unwind_frame *frame;

		if (ret_stack->count == WIRE_STACK_FRAMES) {
			walk.flags |= WIRE_STACK_TRUNCATED;
			break;
		}
		place = place_find(unwind, process, tid, walk_pc(&walk), &may_read);
		is_indirect = false;
		if (ret_stack->count && !is_stub &&
		    !jumped_add(unwind, &walk, process, tid, &place, callee, ret_stack,
				&is_indirect)) {
			walk.flags |= WIRE_STACK_PARTIAL;
			break;
		}
		callee = place.region && place.region->state == REGION_OBJECT
				 ? place.region->object
				 : NULL;
		is_stub = callee && code_is_stub(&callee->code, walk_pc(&walk) - place.region->bias);
		frame = &ret_stack->frames[ret_stack->count];
		frame_fill(frame, walk_pc(&walk), &place);
		frame->is_indirect = is_indirect;
		if (walk.is_exact && ret_stack->count)
			frame->flags |= WIRE_FRAME_SIGNAL;
		ret_stack->count++;
	} while (step(unwind, &walk, process, tid, &place, &may_read));
	ret_stack->flags = walk.flags;
	unwind->counts.stacks++;
	unwind->counts.frames += ret_stack->count;
	unwind->counts.rows_computed += walk.rows_computed;
	return 0;
}

void unwind_process_forked(struct unwind *unwind, const struct unwind_who *parent,
			   const struct unwind_who *child)
{
	struct process *to = process_find(&unwind->processes, child, true);
	struct process *from = process_find(&unwind->processes, parent, true);

	if (!from || !to || from == to)
		return;
	if (!from->maps && !from->is_gone)
		process_read(&unwind->processes, from, parent->tid);
	process_share(&unwind->processes, to, from);
}

void unwind_process_executed(struct unwind *unwind, const struct unwind_who *who)
{
	struct process *process = process_find(&unwind->processes, who, false);

	if (process)
		process_forget(&unwind->processes, process);
	process = process_find(&unwind->processes, who, true);
	if (process)
		process_read(&unwind->processes, process, who->tid);
}

void unwind_process_changed(struct unwind *unwind, const struct unwind_who *who)
{
	struct process *process = process_find(&unwind->processes, who, false);

	if (process)
		process->is_stale = true;
}

void unwind_process_mapped(struct unwind *unwind, const struct unwind_who *who,
			   const struct unwind_mapping *mapping)
{
	struct process *process = process_find(&unwind->processes, who, true);
	const struct region region = { .start = mapping->start, .end = mapping->end,
				       .offset = mapping->offset, .device = mapping->device,
				       .inode = mapping->inode, .state = REGION_NEW,
				       .told = mapping->told };

	if (process && mapping->start < mapping->end)
		process_told(&unwind->processes, process, &region, mapping->path,
			     mapping->path_len);
}

static bool map_has_file(const struct maps *maps, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; maps && i < maps->count; i++) {
		const struct region *region = &maps->regions[i];

		if (region->start < end && region->end > start && region->state != REGION_ANONYMOUS)
			return true;
	}
	return false;
}

void unwind_process_made(struct unwind *unwind, const struct unwind_who *who, uint64_t start,
			 uint64_t end, bool is_mapped)
{
	struct process *process = process_find(&unwind->processes, who, true);
	const struct region region = { .start = start, .end = end, .state = REGION_ANONYMOUS };

	if (!process)
		return;
	/* What is there may be known better by the kernel, while it can be asked. */
	process->is_stale |= !is_mapped || !process->maps;
	if (start < end && (is_mapped || !map_has_file(process->maps, start, end)))
		process_told(&unwind->processes, process, &region, "", 0);
}

void unwind_process_exited(struct unwind *unwind, const struct unwind_who *who)
{
	struct process *process = process_find(&unwind->processes, who, false);

	if (process)
		process->is_gone = true;
}

static bool map_is_all_of(const struct maps *maps, const struct unwind_object *object)
{
	static const char vdso[] = "[vdso]";
	bool has_it = false;

	for (uint32_t i = 0; i < maps->count; i++) {
		const struct region *region = &maps->regions[i];
		bool is_it = region->object && &region->object->shown == object;

		has_it |= is_it;
		if (!is_it && !(region->object && region->object->shown.is_vdso) &&
		    !(region->inode && region->inode == object->inode && !region->is_deleted &&
		      region->state == REGION_NEW) &&
		    (region->path_len != strlen(vdso) ||
		     memcmp(maps->paths + region->path, vdso, strlen(vdso))))
			return false;
	}
	return has_it;
}

bool unwind_is_alone(struct unwind *unwind, const struct unwind_who *who,
		     const struct unwind_object *object)
{
	struct process *process = process_find(&unwind->processes, who, false);

	return process && process->maps && !process->is_stale &&
	       map_is_all_of(process->maps, object) &&
	       (!process->before || map_is_all_of(process->before, object));
}

/* The one place that looks behind a shown object. */
static struct object *object_of(const struct unwind_object *shown)
{
	return (struct object *)(uintptr_t)shown;
}

bool unwind_symbol_alias(const struct unwind_object *object, uint64_t offset, unsigned nth,
			 char *name, size_t bytes)
{
	const char *found = object ? symbols_find(&object_of(object)->symbols, offset, nth) : NULL;

	if (found && bytes)
		snprintf(name, bytes, "%s", found);
	return found != NULL;
}

bool unwind_symbol(const struct unwind_object *object, uint64_t offset, char *name, size_t bytes)
{
	return unwind_symbol_alias(object, offset, 0, name, bytes);
}

bool unwind_may_reach(const struct unwind_object *object, const char *name)
{
	struct object *behind = object_of(object);
	const struct code_of of = { &behind->code, &behind->cfi, &behind->symbols };
	uint64_t offset;

	return symbols_export(&behind->symbols, name, &offset) || code_may_reach(&of, name);
}

bool unwind_jumps_to(const struct unwind_object *object, const char *name, uint64_t offset)
{
	struct object *behind = object_of(object);
	const struct code_of of = { &behind->code, &behind->cfi, &behind->symbols };
	const struct cfi_entry *there = cfi_find(&behind->cfi, offset), *entry;
	struct code_target target;
	uint64_t at, start, bytes;

	if (!there)
		return false;
	start = there->start;
	bytes = there->bytes;
	if (!symbols_export(&behind->symbols, name, &at))
		return false;
	entry = cfi_find(&behind->cfi, at);
	for (unsigned budget = 64; entry && budget; budget--) {
		if (!code_next_jump(&of, entry->start, entry->start + entry->bytes, &at, &target))
			return false;
		if (target.kind == CODE_HERE && target.offset - start < bytes)
			return true;
	}
	return false;
}

void unwind_count(const struct unwind *unwind, struct unwind_counts *ret_counts)
{
	*ret_counts = unwind->counts;
	ret_counts->maps_read = unwind->processes.maps_read;
	ret_counts->objects_opened = unwind->objects.opened;
	ret_counts->objects_failed = unwind->objects.failed;
}

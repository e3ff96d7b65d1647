/* SPDX-License-Identifier: Apache-2.0
 *
 * A copy of a stack -> frames -> an item, and what libc function was called from outside: the
 * same facts the shim would have told, found out from the files on disk.
 */
#include <string.h>

#include "bpf.h"

static bool is_main(const struct proc *proc, const struct unwind_frame *frame)
{
	return strlen(proc->exe) == frame->path_len &&
	       !memcmp(proc->exe, frame->path, frame->path_len);
}

struct seen_file bpf_seen_of(const struct proc *proc, const struct unwind_frame *frame)
{
	struct seen_file seen = { frame->device, frame->inode, 0, frame->told };

	if (is_main(proc, frame) && proc->exe_seen.where)
		return proc->exe_seen;
	if (!seen.where && proc->mounts.number && seen.inode)
		seen.where = SEEN_FILE;
	return seen;
}

static uint32_t object_describe(struct bpf *bpf, const struct proc *proc,
				const struct unwind_frame *frame, const struct elf_facts *facts)
{
	struct item_object object = { .kind = OBJECT_ELF };
	const struct seen_file seen = bpf_seen_of(proc, frame);
	struct str path = { frame->path, frame->path_len };
	struct path_buffer real;

	object.is_main = is_main(proc, frame);
	object.is_shim = facts && facts->is_shim; /* in no stack, and nobody who was there */
	if (frame->object) {
		object.is_vdso = frame->object->is_vdso;
		object.build_id = (struct str){ frame->object->build_id,
						(uint32_t)strlen(frame->object->build_id) };
	}
	if (facts)
		object.soname =
			(struct str){ facts->soname, (uint32_t)strlen(facts->soname) };
	if (object.is_vdso)
		object.path = STR_LIT("[vdso]");
	else
		object_locate_seen(bpf->live, proc, path, true, &seen, &object, &real);
	object.is_deleted |= frame->is_deleted;
	return define_object(bpf->live, &object);
}

static uint32_t object_of_frame(struct bpf *bpf, const struct proc *proc,
				const struct unwind_frame *frame, const struct elf_facts *facts)
{
	struct {
		uint64_t id, device, inode, mounts;
		char root[sizeof(proc->view.root)];
		uint32_t is_main, kind;
		uint64_t told;
	} what;
	struct map_entry *entry;

	if (frame->kind == UNWIND_CODE)
		return object_of_code(proc, CODES_SEEN, frame->address);
	if ((frame->kind != UNWIND_OBJECT && frame->kind != UNWIND_FILE) || !frame->path_len)
		return 0;
	memset(&what, 0, sizeof(what));
	what.id = frame->object ? frame->object->id : 0;
	what.device = frame->device;
	what.inode = frame->inode;
	what.is_main = is_main(proc, frame);
	what.kind = frame->kind;
	what.mounts = proc->mounts.number;
	what.told = frame->told;
	memcpy(what.root, proc->view.root, sizeof(what.root));
	entry = map_add(&bpf->objects,
			key_of(key_of(bpf->live->seed, frame->path, frame->path_len).hi, &what,
			       sizeof(what)));
	if (entry && entry->value)
		return entry->value - 1;
	what.kind = object_describe(bpf, proc, frame, facts);
	if (entry)
		entry->value = what.kind + 1;
	return what.kind;
}

/* --- which function ------------------------------------------------------------------------- */

static uint32_t hook_look(const struct unwind_frame *frame)
{
	char name[64];
	uint32_t hook;

	for (unsigned nth = 0;
	     unwind_symbol_alias(frame->object, frame->offset, nth, name, sizeof(name)); nth++) {
		hook = hook_by_name(name);
		if (hook)
			return hook;
	}
	return LIVE_HOOK_NONE;
}

/* The function in the hook table that this frame of libc is in, LIVE_HOOK_NONE: in none. */
static uint32_t hook_of_frame(struct bpf *bpf, const struct unwind_frame *frame)
{
	struct {
		uint64_t id, offset;
	} place = { 0, frame->offset };
	struct map_entry *entry;
	uint32_t hook;

	if (!frame->object)
		return LIVE_HOOK_NONE;
	place.id = frame->object->id;
	entry = map_add(&bpf->symbols, key_of(bpf->live->seed, &place, sizeof(place)));
	if (entry && entry->value)
		return entry->value - 1;
	hook = hook_look(frame);
	if (entry)
		entry->value = hook + 1;
	return hook;
}

/* A function without a name of its own: a public one ended by jumping into it (fopen, execvp). */
static bool is_inner(const struct unwind_frame *frame)
{
	char name[8];

	return frame->object && !unwind_symbol(frame->object, frame->offset, name, sizeof(name));
}

static bool is_libc(const struct seen_frame *frame)
{
	return frame->facts && frame->facts->is_libc;
}

static bool is_via(uint32_t hook)
{
	return hook == LIVE_HOOK_dlopen || hook == LIVE_HOOK_dlmopen || hook_is_mark(hook);
}

/* Every stretch of libc's frames was entered through its outermost one. */
static void stack_functions(struct bpf *bpf, struct seen_stack *seen)
{
	const struct unwind_stack *stack = bpf->stack;

	for (uint32_t i = seen->first; i < seen->count; i++) {
		uint32_t hook;

		if (!is_libc(&bpf->frames[i]) ||
		    (i + 1 < seen->count && is_libc(&bpf->frames[i + 1])))
			continue;
		hook = hook_of_frame(bpf, &stack->frames[i]);
		if (i < seen->outside) {
			seen->hook = hook;
			seen->is_public = hook || is_inner(&stack->frames[i]);
		}
		if (is_via(hook) && seen->via_count < WIRE_VIA_MAX)
			seen->via[seen->via_count++] = (uint16_t)hook;
	}
}

static bool reach_look(const struct unwind_frame *caller, const struct unwind_frame *frame)
{
	char name[64];

	for (unsigned nth = 0;
	     unwind_symbol_alias(frame->object, frame->offset, nth, name, sizeof(name)); nth++) {
		if (unwind_may_reach(caller->object, name))
			return true;
	}
	return false;
}

/* The same of a function without a name: of the public ones that end in a jump to it (system,
 * fopen) one is within reach, or it is not known how it is entered. */
static bool reach_inner(const struct unwind_frame *caller, const struct unwind_frame *frame)
{
	bool is_entered = false;

	for (uint32_t hook = LIVE_HOOK_NONE + 1; hook < LIVE_HOOKS; hook++) {
		const char *name = hook_name(hook);

		if (!hook_is_act(hook) || !name ||
		    !unwind_jumps_to(frame->object, name, frame->offset))
			continue;
		is_entered = true;
		if (unwind_may_reach(caller->object, name))
			return true;
	}
	return !is_entered;
}

/* libc's function, called through a register by code that cannot have led there: rather, a library
 * was called that ended in a jump to it, and left nothing behind. */
static bool is_jumped_into(struct bpf *bpf, const struct seen_stack *seen)
{
	const struct unwind_frame *frames = bpf->stack->frames;
	struct {
		uint64_t caller, from, callee, at;
	} place;
	struct map_entry *entry;
	bool may_reach, has_name;

	if (!seen->outside || seen->outside >= seen->count || !frames[seen->outside].is_indirect ||
	    !frames[seen->outside].object || !frames[seen->outside - 1].object)
		return false;
	has_name = !is_inner(&frames[seen->outside - 1]);
	if (has_name && !hook_is_act(hook_of_frame(bpf, &frames[seen->outside - 1])))
		return false;
	place.caller = frames[seen->outside].object->id;
	place.from = frames[seen->outside].offset;
	place.callee = frames[seen->outside - 1].object->id;
	place.at = frames[seen->outside - 1].offset;
	entry = map_add(&bpf->symbols, key_of(bpf->live->seed, &place, sizeof(place)));
	if (entry && entry->value)
		return entry->value == 1;
	may_reach = has_name ? reach_look(&frames[seen->outside], &frames[seen->outside - 1]) :
			       reach_inner(&frames[seen->outside], &frames[seen->outside - 1]);
	if (entry)
		entry->value = may_reach ? 2 : 1;
	return !may_reach;
}

/* A static program without call frames: its stack cannot be walked, and need not be, since nobody
 * else's code is there to be on it. */
static bool is_alone(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who)
{
	const struct unwind_frame *frame = &bpf->stack->frames[0];

	return bpf->stack->count && frame->object && is_main(proc, frame) &&
	       unwind_is_alone(bpf->unwind, who, frame->object);
}

/* --- the whole ------------------------------------------------------------------------------ */

static void stack_look(struct bpf *bpf, const struct proc *proc, struct seen_stack *seen)
{
	const struct seen_frame *frames = bpf->frames;

	while (seen->first < seen->count && frames[seen->first].facts &&
	       frames[seen->first].facts->is_shim)
		seen->first++;
	for (uint32_t i = 0; i < seen->count; i++)
		seen->has_shim |= frames[i].facts && frames[i].facts->is_shim;
	seen->outside = seen->first;
	while (seen->outside < seen->count && is_libc(&frames[seen->outside]))
		seen->outside++;
	if (seen->first < seen->count)
		seen->is_loader = frames[seen->first].facts &&
				  frames[seen->first].facts->is_loader;
	if (!proc->is_covered && is_jumped_into(bpf, seen))
		seen->flags |= WIRE_STACK_PARTIAL | STACK_HIDDEN;
	seen->is_libc_only = seen->count && seen->outside == seen->count && !seen->is_loader;
	/* Nobody outside libc, on a thread that nobody made: who called is not on this stack, and
	 * libc is not the one to be charged. Nor is it all when it does not go on to the maker. */
	if ((seen->is_libc_only && !seen->maker.chain) || seen->maker.is_partial)
		seen->flags |= WIRE_STACK_PARTIAL;
	stack_functions(bpf, seen);
}

static void stack_define(struct bpf *bpf, struct seen_stack *seen)
{
	struct item_frame frames[WIRE_STACK_FRAMES];
	/* A chain begins with the caller of the public function, which the event names. */
	uint32_t count = 0, from = seen->is_public && seen->outside < seen->count ? seen->outside : 0;

	for (uint32_t i = from; i < seen->count; i++) {
		const struct unwind_frame *frame = &bpf->stack->frames[i];

		if (bpf->frames[i].facts && bpf->frames[i].facts->is_shim)
			continue;
		/* Of a process that was gone before its map was read: that it is not known who
		 * is there is not the same as code in no file. */
		if (frame->kind == UNWIND_UNKNOWN) {
			seen->flags |= WIRE_STACK_PARTIAL;
			continue;
		}
		frames[count++] = (struct item_frame){
			.object = bpf->frames[i].object,
			.flags = frame->flags & (WIRE_FRAME_SIGNAL | WIRE_FRAME_INFERRED),
			.offset = bpf->frames[i].object ? frame->offset : 0,
		};
	}
	seen->id = count ? define_stack(bpf->live, seen->flags, frames, count) : 0;
}

bool bpf_stack_unwind(struct bpf *bpf, struct proc *proc, const struct wire_kernel_head *head,
		      const struct wire_kernel_regs *regs, const void *copy, size_t bytes,
		      struct seen_stack *ret)
{
	const struct unwind_input input = {
		.who = { head->pid, head->tid, head->start_ns },
		.regs = regs,
		.stack = copy,
		.stack_bytes = bytes,
	};

	memset(ret, 0, sizeof(*ret));
	ret->maker = bpf_maker_of(bpf, head);
	/* Its shim told who made which of its threads; the kernel did not. */
	ret->maker.is_partial &= !proc->is_covered;
	if (unwind_stack(bpf->unwind, &input, bpf->stack) < 0)
		return false;
	ret->count = bpf->stack->count < WIRE_STACK_FRAMES ? bpf->stack->count
							   : WIRE_STACK_FRAMES;
	ret->flags = bpf->stack->flags &
		     (WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED | WIRE_STACK_FP);
	if (ret->flags && is_alone(bpf, proc, &input.who)) {
		ret->count = 1;
		ret->flags = 0;
	}
	/* First all facts, then pointers to them: their array may move while it grows. */
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < ret->count; i++) {
			const struct unwind_frame *frame = &bpf->stack->frames[i];

			bpf->frames[i].facts =
				frame->object ? bpf_elf_of(bpf, proc, frame) : NULL;
			bpf->frames[i].base = frame->address - frame->offset;
		}
	}
	for (uint32_t i = 0; i < ret->count; i++)
		bpf->frames[i].object = object_of_frame(bpf, proc, &bpf->stack->frames[i],
							bpf->frames[i].facts);
	stack_look(bpf, proc, ret);
	stack_define(bpf, ret);
	if (ret->is_loader && !proc->view.root[0] && !proc->mounts.number)
		bpf->loader_object = bpf->frames[ret->first].object;
	return true;
}

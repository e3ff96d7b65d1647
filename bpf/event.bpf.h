/* SPDX-License-Identifier: Apache-2.0
 *
 * One action as a record: the call, who announced it, and the stack when nobody did.
 */
#ifndef SOWATCH_EVENT_BPF_H
#define SOWATCH_EVENT_BPF_H

#include "path.bpf.h"

struct call_row {
	u8 kind, action;
	s8 path, dir, path2, dir2, extra;
	u8 pad;
};

#define NONE -1
enum {
	ROW_NONE,
#define CALL(name, n64, n32, kind, action, path, dir, path2, dir2, extra) ROW_##name,
#include "syscalls.tbl.h"
#undef CALL
	ROWS
};

enum {
#define ACTION(id, number, name, family, doc) WIRE_##id = number,
#include "../preload/wire/actions.tbl.h"
#undef ACTION
};

static const struct call_row calls[64] = {
#define CALL(name, n64, n32, kind, action, path, dir, path2, dir2, extra)                          \
	[ROW_##name] = { CALL_##kind, WIRE_##action, path, dir, path2, dir2, extra, 0 },
#include "syscalls.tbl.h"
#undef CALL
};
_Static_assert(ROWS <= 64, "calls[] is indexed with a mask");

INLINE const struct call_row *row_of(const struct call *call)
{
	return &calls[call->row & 63];
}

/* By a constant chain: a variable index into map memory is one more thing to prove. */
INLINE u64 call_arg(const struct call *call, s8 index)
{
	switch (index) {
	case 0:
		return call->args[0];
	case 1:
		return call->args[1];
	case 2:
		return call->args[2];
	case 3:
		return call->args[3];
	case 4:
		return call->args[4];
	case 5:
		return call->args[5];
	default:
		return 0;
	}
}

INLINE s64 call_dir(const struct call *call, s8 index)
{
	return index == NONE ? AT_FDCWD : (s32)call_arg(call, index);
}

INLINE void event_clear(struct scratch *s, const struct call *call)
{
	struct wire_kernel_event *event = &s->event;

	__builtin_memset((char *)event + sizeof(event->head), 0,
			 sizeof(*event) - sizeof(event->head));
	event->syscall = call->nr;
	event->action = call->action;
	event->truth = WIRE_TRUTH_ARGUMENT;
	event->detail = (u32)call_arg(call, row_of(call)->extra);
	if (call->is_compat)
		s->flags |= WIRE_KERNEL_COMPAT;
}

INLINE void event_begin(struct scratch *s, struct task_struct *task, const struct call *call,
			long result)
{
	s->flags = 0;
	record_begin(s, WIRE_KERNEL_EVENT, sizeof(s->event), task);
	event_clear(s, call);
	s->event.result = result;
}

INLINE void event_slot(struct scratch *s, const struct slot *slot, u64 instance)
{
	s->event.slot_chain = slot->chain;
	s->event.slot_sp = slot->sp;
	s->event.slot_seq = slot->seq;
	s->event.slot_hook = slot->hook;
	s->event.slot_via_count = slot->via_count;
	__builtin_memcpy(s->event.slot_via, slot->via, sizeof(slot->via));
	s->event.slot_instance = instance;
	s->flags |= WIRE_KERNEL_SLOT;
}

/* What a security function told of this call, if it came to pass. */
INLINE struct object_state *object_of(struct task_struct *task, const struct call *call)
{
	return call->has_object ? bpf_task_storage_get(&objects, task, NULL, 0) : NULL;
}

GLOBAL u32 append_object(struct scratch *s, struct object_state *object, u32 which)
{
	u32 at, len;

	if (!s || !object)
		return 0;
	at = which ? object->at[1] : object->at[0];
	len = which ? object->len[1] : object->len[0];
	if (at >= WALK_BYTES || len > WALK_BYTES - at)
		return 0;
	return append_kernel(s, &object->walk.text[at & (WALK_BYTES - 1)], len);
}

INLINE void event_object(struct scratch *s, const struct object_state *object)
{
	s->event.truth = WIRE_TRUTH_OBJECT;
	s->event.device = object->device;
	s->event.inode = object->inode;
	s->flags |= object->walk.flags;
	if (object->walk.flags & WIRE_KERNEL_CUT)
		s->flags |= WIRE_KERNEL_UNREADABLE;
}

#define VM_WRITE 2

static long vma_is_constant(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	*(u32 *)arg = !(BPF_CORE_READ(vma, vm_flags) & VM_WRITE);
	return 0;
}

/* An argument in memory that was not there yet at entry (the kernel itself brought it in). If
 * nobody can write to it, what it says now is what it said then; else nobody can know. */
GLOBAL int argument_is_late(struct scratch *s, u64 from)
{
	u32 is_constant = 0;

	if (!s)
		return 0;
	bpf_find_vma(bpf_get_current_task_btf(), from, vma_is_constant, &is_constant, 0);
	if (!is_constant)
		s->flags |= WIRE_KERNEL_UNREADABLE;
	return 0;
}

/* In a scratch's flags, above those that are sent: to be checked like exec.inspect. */
#define FLAG_CHECK (1u << 16)

/* Whose slot speaks for this call: the thread's own, else the one of the function that made this
 * process. False: none, or this event is to be checked (by its action, or because it is its turn):
 * a stack is wanted. */
INLINE bool slot_choose(struct thread_state *thread, struct process_state *process,
			struct task_struct *task, u64 sp, u32 action, struct slot *ret_slot,
			u64 *ret_instance)
{
	u64 count;

	*ret_instance = 0;
	if (slot_read(process, task, sp, ret_slot)) {
		*ret_instance = process->instance;
	} else if (thread->has_inherited_slot) {
		*ret_slot = thread->slot;
		*ret_instance = thread->slot_instance;
	} else {
		return false;
	}
	if (options.check_actions & 1u << (action & 31))
		return false;
	if (!options.check_every || !process)
		return true;
	count = __sync_fetch_and_add(&process->announced, 1) + 1;
	return count % options.check_every != 0;
}

/* The last step: everything that is not a blob of the object itself. */
GLOBAL int event_finish(struct scratch *s, struct thread_state *thread)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	u32 pid = (u32)task->tgid, family, like;
	struct process_state *process = bpf_map_lookup_elem(&processes, &pid);
	struct slot slot = { 0 };
	bool is_enough;
	u64 instance;

	if (!s || !thread)
		return 0;
	family = action_family(s->event.action);
	like = s->flags & FLAG_CHECK ? WIRE_EXEC_INSPECT : s->event.action;
	is_enough = slot_choose(thread, process, task, regs->sp, like, &slot, &instance);
	if (process && process->has_shim)
		s->flags |= WIRE_KERNEL_SHIM;
	if (instance)
		event_slot(s, &slot, instance);
	if (!is_enough) {
		stack_copy(&s->stack);
		s->event.stack_len = append_stack(s, &s->stack);
	}
	record_send(s, family);
	return 0;
}

#endif

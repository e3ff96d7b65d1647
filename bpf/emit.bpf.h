/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting records together in this CPU's scratch space and sending them. Lengths are masked where
 * the verifier must see a bound; the checks that give them meaning stand before the masks.
 */
#ifndef SOWATCH_EMIT_BPF_H
#define SOWATCH_EMIT_BPF_H

#include "state.bpf.h"

#define INLINE static __always_inline
#define NOINLINE static __noinline
/* Verified once and for itself, knowing nothing of its callers, where a static function is verified
 * again for all that each caller may come with. Takes numbers and pointers to memory of one fixed
 * size, which may be NULL as far as it knows; a kernel pointer comes as a number. */
#define GLOBAL __attribute__((noinline))
#define DATA_MAX 32768u /* a record; appends start below it and are at most 32 KiB and registers */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFDIR 0040000
#define AT_FDCWD -100

#define EINTR 4
#define EINPROGRESS 115
#define EFAULT 14

INLINE struct scratch *scratch_here(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

/* A pointer as a mere number, which is all that a global function takes it as. */
INLINE u64 plain(const void *pointer)
{
	u64 number;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

INLINE void lost_count(u32 family)
{
	u64 *count = bpf_map_lookup_elem(&lost, &family);

	if (count)
		__sync_fetch_and_add(count, 1);
}

INLINE u32 action_family(u32 action)
{
	if (!action)
		return FAMILY_META;
	if (action < 8)
		return FAMILY_NET;
	return action < 15 ? FAMILY_FILE : action < 19 ? FAMILY_EXEC : FAMILY_ENV;
}

INLINE struct scratch *scratch_take(u32 family)
{
	struct scratch *s = scratch_here();

	if (!s)
		return NULL;
	if (__sync_lock_test_and_set(&s->busy, 1)) {
		lost_count(family);
		return NULL;
	}
	s->flags = 0;
	return s;
}

INLINE void scratch_give(struct scratch *s)
{
	s->busy = 0;
}

/* What the verifier knows to be a task or its registers is read directly: a fraction of the price
 * of a helper for every field. */
INLINE u32 inner_pid(struct task_struct *task)
{
	/* Not a pointer that the verifier knows: before 6.2 it allows none a variable offset. */
	struct pid *pid = BPF_CORE_READ(task, signal, pids[1]); /* PIDTYPE_TGID */
	u32 level = BPF_CORE_READ(pid, level);
	int number = task->tgid;

	if (level)
		bpf_probe_read_kernel(&number, sizeof(number),
				      (char *)&pid->numbers[0].nr +
					      level * bpf_core_type_size(struct upid));
	return (u32)number;
}

INLINE void head_fill(struct wire_kernel_head *head, u32 type, struct task_struct *task)
{
	head->size = 0;
	head->type = (u16)type;
	head->flags = 0;
	head->time_ns = bpf_ktime_get_ns();
	head->start_ns = task->group_leader->start_time;
	head->cgroup = bpf_get_current_cgroup_id();
	head->pid = (u32)task->tgid;
	head->tid = (u32)task->pid;
	head->inner_pid = inner_pid(task);
	head->uid = (u32)bpf_get_current_uid_gid();
}

INLINE void record_begin(struct scratch *s, u32 type, u32 bytes, struct task_struct *task)
{
	head_fill(&s->event.head, type, task);
	s->used = bytes;
}

INLINE long record_output(struct scratch *s)
{
	u32 used = s->used;

	if (used > SCRATCH_DATA)
		used = SCRATCH_DATA;
	s->event.head.size = used;
	s->event.head.flags |= (u16)s->flags;
	return bpf_ringbuf_output(&records, s->data, used, BPF_RB_NO_WAKEUP);
}

INLINE void record_send(struct scratch *s, u32 family)
{
	if (record_output(s))
		lost_count(family);
}

/* Returns how much was appended. */
INLINE u32 append_kernel(struct scratch *s, const void *from, u32 bytes)
{
	u32 at = s->used;

	if (at >= DATA_MAX || !bytes)
		return 0;
	if (bytes > WIRE_KERNEL_PATH_MAX - 1)
		bytes = WIRE_KERNEL_PATH_MAX - 1, s->flags |= WIRE_KERNEL_CUT;
	at &= DATA_MAX - 1;
	bytes &= WIRE_KERNEL_PATH_MAX - 1;
	if (bpf_probe_read_kernel(&s->data[at], bytes, from)) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	s->used = at + bytes;
	return bytes;
}

INLINE u32 append_user(struct scratch *s, u64 from, u32 bytes)
{
	u32 at = s->used;

	if (at >= DATA_MAX || !bytes)
		return 0;
	at &= DATA_MAX - 1;
	bytes &= WIRE_KERNEL_PATH_MAX - 1;
	if (bpf_probe_read_user(&s->data[at], bytes, (void *)from)) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	s->used = at + bytes;
	return bytes;
}

/* A string without its end. */
INLINE u32 append_user_string(struct scratch *s, u64 from)
{
	u32 at = s->used;
	long got;

	if (at >= DATA_MAX || !from)
		return 0;
	at &= DATA_MAX - 1;
	got = bpf_probe_read_user_str(&s->data[at], WIRE_KERNEL_PATH_MAX, (void *)from);
	if (got <= 0) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	if (got == WIRE_KERNEL_PATH_MAX)
		s->flags |= WIRE_KERNEL_CUT;
	s->used = at + (u32)got - 1;
	return (u32)got - 1;
}

INLINE u32 append_kernel_string(struct scratch *s, const void *from)
{
	u32 at = s->used;
	long got;

	if (at >= DATA_MAX || !from)
		return 0;
	at &= DATA_MAX - 1;
	got = bpf_probe_read_kernel_str(&s->data[at], WIRE_KERNEL_PATH_MAX, from);
	if (got <= 0) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	s->used = at + (u32)got - 1;
	return (u32)got - 1;
}

/* --- call slot -------------------------------------------------------------------------------- */

INLINE bool slot_is_live(const struct slot *slot, u64 sp)
{
	return slot->hook && slot->sp > sp && slot->sp - sp < SLOT_REACH;
}

INLINE bool slot_read(const struct process_state *process, struct task_struct *task, u64 sp,
		      struct slot *ret_slot)
{
	u64 base;

	if (!process || !process->has_shim)
		return false;
	base = task->thread.fsbase;
	if (bpf_probe_read_user(ret_slot, sizeof(*ret_slot), (void *)(base + process->slot_offset)))
		return false;
	if (ret_slot->hook & SLOT_GUEST) {
		if (!BPF_CORE_READ(task, vfork_done))
			return false;
		ret_slot->hook &= ~SLOT_GUEST;
	}
	return slot_is_live(ret_slot, sp);
}

/* --- registers and stack ---------------------------------------------------------------------- */

INLINE void regs_copy(struct wire_kernel_regs *to, const struct pt_regs *from)
{
	to->r15 = from->r15;
	to->r14 = from->r14;
	to->r13 = from->r13;
	to->r12 = from->r12;
	to->bp = from->bp;
	to->bx = from->bx;
	to->r11 = from->r11;
	to->r10 = from->r10;
	to->r9 = from->r9;
	to->r8 = from->r8;
	to->ax = from->ax;
	to->cx = from->cx;
	to->dx = from->dx;
	to->si = from->si;
	to->di = from->di;
	to->ip = from->ip;
	to->flags = from->flags;
	to->sp = from->sp;
}

#define STACK_PAGES (WIRE_KERNEL_STACK_MAX / 4096 + 1) /* sp is hardly ever where a page begins */
#define INITIAL_BYTES 256 /* argc and some of argv: what the loader's first frame is known by */

/* How far frames can lie above sp: below the environment on a program's first stack, below the
 * thread's own block on those that a C library makes. A program that puts either elsewhere has its
 * stacks cut, which they then say. */
INLINE u64 stack_limit(struct task_struct *task, u64 sp)
{
	u64 initial = BPF_CORE_READ(task, mm, start_stack) + INITIAL_BYTES;
	u64 block = task->thread.fsbase;

	if (initial > sp && initial - sp < WIRE_KERNEL_STACK_MAX)
		return initial;
	if (block > sp && block - sp < WIRE_KERNEL_STACK_MAX)
		return block;
	return sp + WIRE_KERNEL_STACK_MAX;
}

/* A page that was never touched has no frames and is not there to be read, but lies between such as
 * do: a caller with a large buffer. What stands for it is no address, so that a walk which needs it
 * after all is cut short there. */
static const u8 never_touched[4096] = { [0 ... 4095] = 0xff };

struct stack_walk {
	struct held_stack *to;
	u64 limit;
};

/* Nothing is carried from page to page but what is in `to`, or the verifier would follow each. */
static int stack_page(u32 page, struct stack_walk *walk)
{
	struct held_stack *to = walk->to;
	u64 sp = to->regs.sp, from = page ? (sp & ~4095ull) + page * 4096ull : sp;
	u32 at = (u32)(from - sp), bytes = 4096 - ((u32)from & 4095);

	if (at >= WIRE_KERNEL_STACK_MAX || from >= walk->limit)
		return 1;
	if (walk->limit - from < bytes)
		bytes = (u32)(walk->limit - from) & 4095;
	barrier_var(at);
	at &= WIRE_KERNEL_STACK_MAX - 1;
	if (bpf_probe_read_user(&to->data[at], bytes, (void *)from)) {
		if (to->is_cut) {
			to->is_cut = 0; /* the stack ends here */
			return 1;
		}
		bpf_probe_read_kernel(&to->data[at], bytes, never_touched);
	}
	at += bytes;
	to->bytes = at < WIRE_KERNEL_STACK_MAX ? at : WIRE_KERNEL_STACK_MAX;
	return 0;
}

/* From sp upward up to where frames end: at once, where all of it is there; else page by page, and
 * where the end is only a guess, until a page cannot be read. */
GLOBAL int stack_copy(struct held_stack *to)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct stack_walk walk = { .to = to };
	u64 sp, bytes;

	if (!to)
		return 0;
	regs_copy(&to->regs, (const struct pt_regs *)bpf_task_pt_regs(task));
	sp = to->regs.sp;
	walk.limit = stack_limit(task, sp);
	bytes = walk.limit - sp;
	to->is_cut = bytes == WIRE_KERNEL_STACK_MAX;
	to->bytes = 0;
	if (bytes > WIRE_KERNEL_STACK_MAX || bpf_probe_read_user(to->data, (u32)bytes, (void *)sp))
		bpf_loop(STACK_PAGES, stack_page, &walk, 0);
	else
		to->bytes = (u32)bytes;
	return 0;
}

GLOBAL u32 append_stack(struct scratch *s, const struct held_stack *stack)
{
	u32 at, bytes;

	if (!s || !stack)
		return 0;
	at = s->used;
	bytes = stack->bytes;
	if (at >= DATA_MAX)
		return 0;
	at &= DATA_MAX - 1;
	__builtin_memcpy(&s->data[at], &stack->regs, sizeof(stack->regs));
	at += sizeof(stack->regs);
	if (bytes > WIRE_KERNEL_STACK_MAX)
		return 0;
	if (bpf_probe_read_kernel(&s->data[at], bytes, stack->data))
		bytes = 0;
	s->used = at + bytes;
	s->flags |= WIRE_KERNEL_STACK | (stack->is_cut ? WIRE_KERNEL_CUT : 0);
	return bytes;
}

#endif

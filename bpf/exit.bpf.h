/* SPDX-License-Identifier: Apache-2.0
 *
 * Exit of a system call: one small program per kind, reached by a tail call.
 */
#ifndef SOWATCH_EXIT_BPF_H
#define SOWATCH_EXIT_BPF_H

#include "enter.bpf.h"

struct exit_context {
	struct scratch *s;
	struct task_struct *task;
	struct thread_state *thread;
	struct call *call;
	const struct pt_regs *regs;
	long result;
};

/* Calls that a signal interrupted, before the kernel decides whether to begin them again. */
INLINE long result_of(long result)
{
	return result <= -512 && result >= -516 ? -EINTR : result;
}

#define EXIT(name)                                                                                 \
	INLINE int name##_body(struct exit_context *c);                                            \
	SEC("tp_btf/sys_exit")                                                                     \
	int BPF_PROG(name, struct pt_regs *regs, long result)                                      \
	{                                                                                          \
		struct exit_context c = { .task = bpf_get_current_task_btf(),                      \
					  .regs = regs,                                            \
					  .result = result_of(result) };                                      \
                                                                                                   \
		c.thread = bpf_task_storage_get(&threads, c.task, NULL, 0);                        \
		if (!c.thread)                                                                     \
			return 0;                                                                  \
		c.call = &c.thread->call;                                                          \
		c.s = scratch_take(action_family(c.call->action));                                 \
		c.call->kind = CALL_NONE;                                                          \
		if (!c.s)                                                                          \
			return 0;                                                                  \
		name##_body(&c);                                                                   \
		scratch_give(c.s);                                                                 \
		return 0;                                                                          \
	}                                                                                          \
	INLINE int name##_body(struct exit_context *c)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALL_KINDS);
	__type(key, u32);
	__type(value, u32);
} handlers SEC(".maps");

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit_call, struct pt_regs *regs, long result)
{
	struct thread_state *thread =
		bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);

	if (!thread || !thread->call.kind)
		return 0;
	bpf_tail_call(ctx, &handlers, thread->call.kind);
	return 0;
}

#endif

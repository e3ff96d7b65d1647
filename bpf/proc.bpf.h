/* SPDX-License-Identifier: Apache-2.0
 *
 * The watched tree: who is in it, who began, became another program, or ended.
 */
#ifndef SOWATCH_PROC_BPF_H
#define SOWATCH_PROC_BPF_H

#include "event.bpf.h"

#define CLONE_VM 0x100
#define SIGNAL_GROUP_EXIT 4

/* Who makes a child that begins on a stack of its own (a thread, posix_spawn, system): the child's
 * does not tell. A child on a copy of our stack, or on ours itself (fork, vfork), has us on it. */
INLINE bool is_stack_new(struct task_struct *child, const struct pt_regs *regs)
{
	const struct pt_regs *fresh = (const struct pt_regs *)bpf_task_pt_regs(child);

	return fresh->sp != regs->sp;
}

INLINE void append_maker(struct scratch *s)
{
	stack_copy(&s->stack);
	append_stack(s, &s->stack);
}

/* That there is a child weighs more than who made it: where there is no room for a stack, it is
 * told without. */
INLINE void fork_send(struct scratch *s)
{
	if (!record_output(s))
		return;
	if (s->flags & WIRE_KERNEL_STACK) {
		s->used = sizeof(s->fork);
		s->fork.head.flags &= (u16)~WIRE_KERNEL_STACK;
		s->flags = (s->flags & ~(u32)WIRE_KERNEL_STACK) | WIRE_KERNEL_CUT;
		if (!record_output(s))
			return;
	}
	lost_count(FAMILY_META);
}

/* Told before the thread runs. Where there is a shim its rings tell who made which thread. */
INLINE void thread_tell(struct task_struct *parent, struct task_struct *child,
			const struct process_state *process, u64 clone_flags)
{
	struct scratch *s;

	if (process && process->has_shim)
		return;
	s = scratch_take(FAMILY_META);
	if (!s)
		return;
	record_begin(s, WIRE_KERNEL_THREAD, sizeof(s->fork), parent);
	s->fork.child_start_ns = BPF_CORE_READ(child, start_time);
	s->fork.child_pid = (u32)child->pid;
	s->fork.child_inner_pid = 0;
	s->fork.clone_flags = clone_flags;
	append_maker(s);
	fork_send(s);
	scratch_give(s);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_newtask, struct task_struct *task, u64 clone_flags)
{
	struct thread_state *thread =
		bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);

	if (thread)
		thread->clone_flags = clone_flags;
	return 0;
}

/* A child that shares our memory (vfork, posix_spawn) acts for the function we are in. */
INLINE void slot_inherit(struct thread_state *thread, struct thread_state *child_thread,
			 struct process_state *process, struct task_struct *parent)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(parent);
	struct slot slot = { 0 };

	if (slot_read(process, parent, regs->sp, &slot)) {
		child_thread->slot = slot;
		child_thread->slot_instance = process->instance;
		child_thread->has_inherited_slot = 1;
	} else if (thread->has_inherited_slot) {
		child_thread->slot = thread->slot;
		child_thread->slot_instance = thread->slot_instance;
		child_thread->has_inherited_slot = 1;
	}
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *ignored, struct task_struct *child)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	struct thread_state *thread = bpf_task_storage_get(&threads, parent, NULL, 0);
	struct thread_state *child_thread;
	struct process_state *process, fresh = { 0 };
	struct scratch *s;
	u32 pid = (u32)child->tgid, parent_pid = (u32)parent->tgid;

	if (!thread)
		return 0;
	child_thread = bpf_task_storage_get(&threads, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!child_thread)
		lost_count(FAMILY_META);
	process = bpf_map_lookup_elem(&processes, &parent_pid);
	if (pid == parent_pid) {
		thread_tell(parent, child, process, thread->clone_flags);
		return 0;
	}
	if (process) {
		fresh = *process;
		fresh.announced = 0;
	}
	if (bpf_map_update_elem(&processes, &pid, &fresh, BPF_ANY))
		lost_count(FAMILY_META);
	if (child_thread && process && (thread->clone_flags & CLONE_VM))
		slot_inherit(thread, child_thread, process, parent);
	s = scratch_take(FAMILY_META);
	if (!s)
		return 0;
	record_begin(s, WIRE_KERNEL_FORK, sizeof(s->fork), parent);
	s->fork.child_start_ns = BPF_CORE_READ(child, start_time);
	s->fork.child_pid = pid;
	s->fork.child_inner_pid = inner_pid(child);
	s->fork.clone_flags = thread->clone_flags;
	if (fresh.has_shim)
		s->flags |= WIRE_KERNEL_SHIM;
	if (!(child_thread && child_thread->has_inherited_slot) &&
	    is_stack_new(child, (const struct pt_regs *)bpf_task_pt_regs(parent)))
		append_maker(s);
	fork_send(s);
	scratch_give(s);
	return 0;
}

struct bpf_map;

/* Requests that will not complete any more. */
static long request_drop(struct bpf_map *map, const u64 *key, struct request *request, u32 *pid)
{
	u64 copy = *key;

	if (request->head.pid != *pid)
		return 0;
	bpf_map_delete_elem(&held, &copy);
	bpf_map_delete_elem(&requests, &copy);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct thread_state *thread = bpf_task_storage_get(&threads, current, NULL, 0);
	struct process_state *process;
	struct scratch *s;
	u64 tid;
	u32 pid = (u32)current->tgid;

	if (!thread)
		return 0;
	tid = thread->call.tid;
	if (thread->call.has_stack)
		bpf_map_delete_elem(&held, &tid);
	if (BPF_CORE_READ(current, signal, live.counter) > 0)
		return 0;
	s = scratch_take(FAMILY_META);
	if (s) {
		record_begin(s, WIRE_KERNEL_EXIT, sizeof(s->exit), current);
		s->exit.status = BPF_CORE_READ(current, signal, flags) & SIGNAL_GROUP_EXIT ?
					 BPF_CORE_READ(current, signal, group_exit_code) :
					 current->exit_code;
		s->exit.pad = 0;
		record_send(s, FAMILY_META);
		scratch_give(s);
	}
	process = bpf_map_lookup_elem(&processes, &pid);
	if (process && process->has_requests)
		bpf_for_each_map_elem(&requests, request_drop, &pid, 0);
	bpf_map_delete_elem(&processes, &pid);
	return 0;
}

/* argv of the new image. */
INLINE u32 append_argv(struct scratch *s, struct task_struct *task)
{
	u64 start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	u32 bytes;

	if (!start || end <= start)
		return 0;
	if (end - start > WIRE_KERNEL_ARGV_MAX) {
		bytes = WIRE_KERNEL_ARGV_MAX;
		s->flags |= WIRE_KERNEL_CUT;
	} else {
		bytes = (u32)(end - start) - 1; /* the last NUL would read as one more argument */
	}
	return append_user(s, start, bytes);
}

/* The program is bprm->file, unless a script brought in its interpreter: then it is the script,
 * which is known by the name the kernel took from the caller (its own copy). */
NOINLINE int exec_event(struct scratch *s, struct task_struct *task, struct thread_state *thread,
			struct linux_binprm *bprm)
{
	const char *name = BPF_CORE_READ(bprm, filename);
	struct file *file = BPF_CORE_READ(bprm, file);
	u64 tid = thread->call.tid; /* the leader's is taken over on the way */
	struct object_state *object = object_of(task, &thread->call);
	struct held_stack *stack;

	record_begin(s, WIRE_KERNEL_EVENT, sizeof(s->event), task);
	event_clear(s, &thread->call);
	s->event.result = 0;
	if (BPF_CORE_READ(bprm, interp) == name) {
		s->event.path_len = (u16)append_file(s, file);
	} else if (object) {
		event_object(s, object);
		s->event.path_len = (u16)append_object(s, object, 0);
	} else {
		s->event.truth = WIRE_TRUTH_ARGUMENT;
		s->event.path_len = (u16)append_joined(s, AT_FDCWD, name);
	}
	s->event.asked_len = (u16)append_kernel_string(s, name);
	s->event.argv_len = (u16)append_argv(s, task);
	if (thread->call.slot_instance)
		event_slot(s, &thread->call.slot, thread->call.slot_instance);
	if (thread->call.is_shim)
		s->flags |= WIRE_KERNEL_SHIM;
	stack = thread->call.has_stack ? bpf_map_lookup_elem(&held, &tid) : NULL;
	if (stack)
		s->event.stack_len = append_stack(s, stack);
	else if (thread->call.is_held_cut)
		s->flags |= WIRE_KERNEL_CUT;
	record_send(s, FAMILY_EXEC);
	return 0;
}

#define AUXV_MAX 26
#define AT_NULL 0
#define AT_PHDR 3
#define AT_BASE 7

/* Where the kernel put the program and its interpreter. */
NOINLINE int exec_places(struct scratch *s, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const unsigned long *at = (const unsigned long *)&mm->saved_auxv;
	unsigned long pair[2];

	s->exec.phdr = s->exec.interpreter_base = 0;
	for (int i = 0; i < AUXV_MAX; i++, at += 2) {
		if (bpf_probe_read_kernel(pair, sizeof(pair), at) || pair[0] == AT_NULL)
			break;
		if (pair[0] == AT_PHDR)
			s->exec.phdr = pair[1];
		if (pair[0] == AT_BASE)
			s->exec.interpreter_base = pair[1];
	}
	return 0;
}

static long interpreter_look(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;
	struct file *file = BPF_CORE_READ(vma, vm_file);

	if (!file)
		return 0;
	file_tell(&s->exec.interpreter, file);
	s->exec.interpreter_elsewhere = is_elsewhere(BPF_CORE_READ(file, f_path.mnt));
	return 0;
}

/* Which files these are: their names may stand for others where the collector looks. */
NOINLINE int exec_files(struct scratch *s, struct task_struct *task, struct file *file)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct wire_kernel_file facts;

	file_tell(&facts, file);
	s->exec.device = facts.device;
	s->exec.inode = facts.inode;
	s->exec.changed_ns = facts.changed_ns;
	s->exec.code_start = BPF_CORE_READ(mm, start_code);
	s->exec.code_end = BPF_CORE_READ(mm, end_code);
	__builtin_memset(&s->exec.interpreter, 0, sizeof(s->exec.interpreter));
	s->exec.interpreter_elsewhere = 0;
	if (s->exec.interpreter_base)
		bpf_find_vma(task, s->exec.interpreter_base, interpreter_look, &s, 0);
	if (is_elsewhere(BPF_CORE_READ(file, f_path.mnt)))
		s->flags |= WIRE_KERNEL_ELSEWHERE;
	if (is_elsewhere(BPF_CORE_READ(task, fs, root.mnt)))
		s->flags |= WIRE_KERNEL_AWAY;
	return 0;
}

/* As the new image got it: it may overwrite it at once. */
NOINLINE int append_environment(struct scratch *s, struct task_struct *task)
{
	u64 from = BPF_CORE_READ(task, mm, env_start), end = BPF_CORE_READ(task, mm, env_end);

#pragma unroll
	for (int i = 0; i < WIRE_KERNEL_ENVIRONMENT_MAX / 4095; i++) {
		u32 at = s->used, bytes = end - from < 4095 ? (u32)(end - from) : 4095;

		if (!from || end <= from || at >= DATA_MAX)
			break;
		at &= DATA_MAX - 1;
		bytes &= 4095;
		if (bpf_probe_read_user(&s->data[at], bytes, (void *)from))
			break;
		s->used = at + bytes;
		from += bytes;
	}
	return 0;
}

#define HIGH_FD 63
#define S_IFIFO 0010000

INLINE u64 pipe_of(struct task_struct *task, s64 fd)
{
	struct file *file = file_of(task, fd);

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFIFO)
		return 0;
	return WIRE_PIPE(device_of(BPF_CORE_READ(file, f_inode, i_sb, s_dev)),
			 BPF_CORE_READ(file, f_inode, i_ino));
}

NOINLINE int exec_pipes(struct scratch *s, struct task_struct *task)
{
	s->exec.input_pipe = pipe_of(task, 0);
	s->exec.output_pipe = pipe_of(task, 1);
	s->exec.high_pipe = pipe_of(task, HIGH_FD);
	return 0;
}

NOINLINE int exec_record(struct scratch *s, struct task_struct *task, struct linux_binprm *bprm)
{
	struct file *file = BPF_CORE_READ(bprm, file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	s->flags = 0;
	record_begin(s, WIRE_KERNEL_EXEC, sizeof(s->exec), task);
	s->exec.is_secure = BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec) ? 1 : 0;
	s->exec.pad = 0;
	exec_places(s, task);
	exec_files(s, task, file);
	exec_pipes(s, task);
	s->exec.path_len = (u16)append_path(s, &file->f_path);
	s->exec.argv_len = (u16)append_argv(s, task);
	s->exec.cwd_len = (u16)append_path(s, &fs->pwd);
	append_environment(s, task);
	record_send(s, FAMILY_META);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *ignored, int old_pid, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *thread = bpf_task_storage_get(&threads, task, NULL, 0);
	struct process_state fresh = { 0 };
	struct scratch *s;
	u32 pid = (u32)task->tgid;
	u64 tid;

	if (!thread)
		return 0;
	bpf_map_update_elem(&processes, &pid, &fresh, BPF_ANY);
	s = scratch_take(FAMILY_EXEC);
	if (!s)
		return 0;
	exec_event(s, task, thread, bprm);
	exec_record(s, task, bprm);
	scratch_give(s);
	tid = thread->call.tid;
	if (thread->call.has_stack)
		bpf_map_delete_elem(&held, &tid);
	thread->call.has_stack = 0;
	thread->call.kind = CALL_NONE;
	thread->has_inherited_slot = 0;
	return 0;
}

#endif

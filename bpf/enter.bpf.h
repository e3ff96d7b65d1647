/* SPDX-License-Identifier: Apache-2.0
 *
 * Entry of a system call: what will not be there any more at its exit is remembered.
 */
#ifndef SOWATCH_ENTER_BPF_H
#define SOWATCH_ENTER_BPF_H

#include "event.bpf.h"

#define TS_COMPAT 2
#define X32_BIT 0x40000000
#define PROT_EXEC 4
#define AF_UNIX 1
#define MSG_FASTOPEN 0x20000000
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
#define NUMBERS 1024

/* -1 goes to the last element, which no architecture uses. */
static const u8 rows64[NUMBERS] = {
#define CALL(name, n64, n32, kind, action, path, dir, path2, dir2, extra)                          \
	[(n64) < 0 ? NUMBERS - 1 : (n64)] = ROW_##name,
#include "syscalls.tbl.h"
#undef CALL
	[NUMBERS - 1] = ROW_NONE,
};
static const u8 rows32[NUMBERS] = {
#define CALL(name, n64, n32, kind, action, path, dir, path2, dir2, extra)                          \
	[(n32) < 0 ? NUMBERS - 1 : (n32)] = ROW_##name,
#include "syscalls.tbl.h"
#undef CALL
	[NUMBERS - 1] = ROW_NONE,
};

/* socketcall(2): which one, and its arguments in memory. */
INLINE u8 socketcall_row(struct call *call)
{
	u32 args[6] = { 0 };
	u64 which = call->args[0];

	if (bpf_probe_read_user(args, 4 * 4, (void *)call->args[1]))
		return ROW_NONE;
	bpf_probe_read_user(args, sizeof(args), (void *)call->args[1]);
	for (int i = 0; i < 6; i++)
		call->args[i] = args[i];
	switch (which) {
	case 2:
		return ROW_bind;
	case 3:
		return ROW_connect;
	case 4:
		return ROW_listen;
	case 5:
		return ROW_accept;
	case 9: /* send */
		call->args[4] = 0;
		return ROW_sendto;
	case 11:
		return ROW_sendto;
	case 16:
		return ROW_sendmsg;
	case 18:
		return ROW_accept4;
	case 20:
		return ROW_sendmmsg;
	default:
		return ROW_NONE;
	}
}

INLINE void args_copy(struct call *call, struct pt_regs *regs, bool is_compat)
{
	if (is_compat) {
		call->args[0] = (u32)regs->bx;
		call->args[1] = (u32)regs->cx;
		call->args[2] = (u32)regs->dx;
		call->args[3] = (u32)regs->si;
		call->args[4] = (u32)regs->di;
		call->args[5] = (u32)regs->bp;
	} else {
		call->args[0] = regs->di;
		call->args[1] = regs->si;
		call->args[2] = regs->dx;
		call->args[3] = regs->r10;
		call->args[4] = regs->r8;
		call->args[5] = regs->r9;
	}
}

/* struct msghdr: name, its length, and the first piece of data. */
struct message {
	u64 name, iov;
	u32 name_len, iov_count;
};

INLINE bool message_read(const struct call *call, u64 at, struct message *ret)
{
	if (call->is_short) {
		u32 words[4];

		if (bpf_probe_read_user(words, sizeof(words), (void *)at))
			return false;
		*ret = (struct message){ words[0], words[2], words[1], words[3] };
	} else {
		u64 words[4];

		if (bpf_probe_read_user(words, sizeof(words), (void *)at))
			return false;
		*ret = (struct message){ words[0], words[2], (u32)words[1], (u32)words[3] };
	}
	return true;
}

/* The shim's hello passing by. Only the watched tree knows the secret. */
NOINLINE int hello_look(struct call *call, struct task_struct *task)
{
	struct message message;
	struct hello hello;
	struct process_state *process;
	struct scratch *s;
	u64 base = 0;
	u32 pid = (u32)task->tgid;

	if (!message_read(call, call->args[1], &message) || !message.iov || call->is_short)
		return 0;
	if (bpf_probe_read_user(&base, sizeof(base), (void *)message.iov) ||
	    bpf_probe_read_user(&hello, sizeof(hello), (void *)base) ||
	    hello.magic != options.magic || hello.bytes != sizeof(hello))
		return 0;
	for (int i = 0; i < 16; i++)
		if (hello.secret[i] != options.secret[i])
			return 0;
	process = bpf_map_lookup_elem(&processes, &pid);
	if (!process)
		return 0;
	process->instance = hello.instance;
	process->slot_offset = hello.slot_offset;
	process->text_start = hello.text_start;
	process->text_end = hello.text_end;
	process->has_shim = 1;
	s = scratch_take(FAMILY_META);
	if (!s)
		return 0;
	record_begin(s, WIRE_KERNEL_HELLO, sizeof(s->hello), task);
	s->hello.instance = hello.instance;
	s->hello.slot_offset = hello.slot_offset;
	s->hello.text_start = hello.text_start;
	s->hello.text_end = hello.text_end;
	s->flags |= WIRE_KERNEL_SHIM;
	record_send(s, FAMILY_META);
	scratch_give(s);
	return 0;
}

static long shim_mapping_look(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	struct file *file = BPF_CORE_READ(vma, vm_file);

	if (file && BPF_CORE_READ(file, f_inode, i_ino) == options.shim_inode &&
	    device_of(BPF_CORE_READ(file, f_inode, i_sb, s_dev)) == options.shim_device)
		*(u32 *)arg = 1;
	return 0;
}

/* A hello may lie about where its text is: what is mapped there decides. */
INLINE bool is_shim_mapped(struct task_struct *task, u64 ip)
{
	u32 is_shim = 0;

	if (!options.shim_inode)
		return true;
	bpf_find_vma(task, ip, shim_mapping_look, &is_shim, 0);
	return is_shim;
}

/* What the shim does for itself. Its text is no hiding place: only what it ever does by its own
 * instructions is left out, everything else done from there is told like any other call. */
INLINE bool is_shims_own(const struct process_state *process, const struct call *call,
			 struct task_struct *task, u64 ip)
{
	u16 family = 0;

	if (!process || ip < process->text_start || ip >= process->text_end ||
	    !is_shim_mapped(task, ip))
		return false;
	switch (call->kind) {
	case CALL_OPEN:
	case CALL_MEMFD:
	case CALL_SENDMSG:
	case CALL_WRITE:
		return true;
	case CALL_PEER:
		bpf_probe_read_user(&family, sizeof(family), (void *)call->args[1]);
		return call->action == WIRE_NET_CONNECT && family == AF_UNIX;
	default:
		return false;
	}
}

INLINE bool is_of_interest(const struct call *call, const struct process_state *process,
			   struct task_struct *task)
{
	bool has_datagram = process && process->has_datagram;

	switch (call->kind) {
	case CALL_CODE:
		return call->args[2] & PROT_EXEC;
	case CALL_WRITE:
		return has_datagram;
	case CALL_SEND:
		return call->args[4] || has_datagram || (call->args[3] & MSG_FASTOPEN);
	case CALL_INSPECT:
		if (call->row == ROW_ptrace || call->row == ROW_x32_ptrace)
			return call->args[0] == PTRACE_ATTACH || call->args[0] == PTRACE_SEIZE;
		/* Reading itself this way is how programs probe pointers. */
		return (u32)call->args[0] != inner_pid(task);
	default:
		return true;
	}
}

INLINE void sockaddr_hold(struct call *call, u64 from, u32 bytes)
{
	call->sockaddr_len = 0;
	if (!from || !bytes)
		return;
	if (bytes > sizeof(call->sockaddr))
		bytes = sizeof(call->sockaddr);
	barrier_var(bytes);
	if (!bpf_probe_read_user(call->sockaddr, bytes & 255, (void *)from))
		call->sockaddr_len = (u16)bytes;
}

INLINE void path_hold(struct held_paths *to, u32 which, u64 from)
{
	long got = from ? bpf_probe_read_user_str(to->text[which], HELD_PATH, (void *)from) : 0;

	to->len[which] = got > 0 ? (u16)(got - 1) : 0;
	if (got > 0)
		return;
	to->text[which][0] = 0;
	if (from)
		to->missing |= 1 << which;
}

INLINE void paths_hold(const struct call *call, struct task_struct *task)
{
	const struct call_row *row = row_of(call);
	struct held_paths *to =
		bpf_task_storage_get(&paths, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!to)
		return;
	to->missing = 0;
	path_hold(to, 0, call_arg(call, row->path));
	path_hold(to, 1, row->path2 == NONE ? 0 : call_arg(call, row->path2));
}

/* The old memory is gone when an exec has succeeded. */
NOINLINE int exec_hold(struct thread_state *thread, struct task_struct *task,
		       const struct pt_regs *regs)
{
	struct call *call = &thread->call;
	u32 pid = (u32)task->tgid;
	u64 key = call->tid;
	struct process_state *process = bpf_map_lookup_elem(&processes, &pid);
	struct scratch *s;

	call->is_shim = process && process->has_shim;
	if (slot_choose(thread, process, task, regs->sp, call->action, &call->slot,
			&call->slot_instance))
		return 0;
	call->is_held_cut = 1;
	s = scratch_take(FAMILY_EXEC);
	if (!s)
		return 0;
	stack_copy(&s->stack);
	if (!bpf_map_update_elem(&held, &key, &s->stack, BPF_ANY)) {
		call->has_stack = 1;
		call->is_held_cut = 0;
	}
	scratch_give(s);
	return 0;
}

INLINE void call_hold(struct thread_state *thread, struct task_struct *task, struct pt_regs *regs)
{
	struct call *call = &thread->call;
	struct message message;

	switch (call->kind) {
	case CALL_PATH:
	case CALL_MKDIR:
	case CALL_TRUNC:
		paths_hold(call, task);
		break;
	case CALL_EXEC:
		paths_hold(call, task);
		exec_hold(thread, task, regs);
		break;
	case CALL_PEER:
		if (call->action == WIRE_NET_CONNECT || call->action == WIRE_NET_BIND)
			sockaddr_hold(call, call->args[1], (u32)call->args[2]);
		break;
	case CALL_SEND:
		sockaddr_hold(call, call->args[4], (u32)call->args[5]);
		break;
	case CALL_SENDMSG:
		if (message_read(call, call->args[1], &message))
			sockaddr_hold(call, message.name, message.name_len);
		break;
	}
}

INLINE u8 row_find(struct call *call, long id, bool is_compat)
{
	u32 nr = (u32)id & ~X32_BIT;
	u32 old[6];
	u8 row;

	if (nr >= NUMBERS)
		return ROW_NONE;
	if (is_compat && nr == 90 && /* old mmap: its arguments are in memory */
	    !bpf_probe_read_user(old, sizeof(old), (void *)call->args[0])) {
		for (int i = 0; i < 6; i++)
			call->args[i] = old[i];
		return ROW_mmap;
	}
	row = is_compat ? rows32[nr] : rows64[nr];
	return row == ROW_socketcall ? socketcall_row(call) : row;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *thread = bpf_task_storage_get(&threads, task, NULL, 0);
	struct process_state *process;
	struct call *call;
	bool is_compat;
	u32 pid;

	if (!thread)
		return 0;
	call = &thread->call;
	call->kind = CALL_NONE;
	is_compat = task->thread_info.status & TS_COMPAT;
	args_copy(call, regs, is_compat);
	call->row = row_find(call, id, is_compat);
	if (!call->row)
		return 0;
	pid = (u32)task->tgid;
	call->nr = (u32)id;
	call->tid = (u32)task->pid;
	call->kind = row_of(call)->kind;
	call->action = row_of(call)->action;
	call->is_compat = is_compat;
	call->is_short = is_compat || ((u32)id & X32_BIT);
	call->has_stack = 0;
	call->is_held_cut = 0;
	call->has_begun = 0;
	call->has_object = 0;
	call->is_kernels = 0;
	call->sockaddr_len = 0;
	call->slot_instance = 0;
	if (call->kind == CALL_SENDMSG && options.has_shim)
		hello_look(call, task);
	process = bpf_map_lookup_elem(&processes, &pid);
	if (is_shims_own(process, call, task, regs->ip) || !is_of_interest(call, process, task))
		call->kind = CALL_NONE;
	else
		call_hold(thread, task, regs);
	return 0;
}

#endif

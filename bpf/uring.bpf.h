/* SPDX-License-Identifier: Apache-2.0
 *
 * io_uring: what is done without a system call of its own is told as the act of the thread that
 * submitted it. Names are the kernel's copies, taken when the request was prepared; the outcome
 * comes with the completion, in whatever thread that happens. A request that asks for no
 * completion (IOSQE_CQE_SKIP_SUCCESS) is told at once, as if it had succeeded.
 */
#ifndef SOWATCH_URING_BPF_H
#define SOWATCH_URING_BPF_H

#include "code.bpf.h"
#include "net.bpf.h"

#define REQ_F_CQE_SKIP (1u << 6)

enum uring_op {
	OP_SENDMSG = 9,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_OPENAT = 18,
	OP_SEND = 26,
	OP_OPENAT2 = 28,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
	OP_BIND = 56,
	OP_LISTEN = 57,
};

INLINE u8 uring_action(u8 opcode)
{
	switch (opcode) {
	case OP_OPENAT:
	case OP_OPENAT2:
		return WIRE_FILE_READ;
	case OP_CONNECT:
		return WIRE_NET_CONNECT;
	case OP_ACCEPT:
		return WIRE_NET_ACCEPT;
	case OP_SEND:
	case OP_SENDMSG:
		return WIRE_NET_SEND;
	case OP_BIND:
		return WIRE_NET_BIND;
	case OP_LISTEN:
		return WIRE_NET_LISTEN;
	case OP_RENAMEAT:
		return WIRE_FILE_RENAME;
	case OP_UNLINKAT:
		return WIRE_FILE_DELETE;
	case OP_MKDIRAT:
		return WIRE_FILE_WRITE;
	case OP_SYMLINKAT:
	case OP_LINKAT:
		return WIRE_FILE_LINK;
	default:
		return 0;
	}
}

INLINE void name_take(char *to, struct filename *name)
{
	if (!name || bpf_probe_read_kernel_str(to, REQUEST_TEXT, BPF_CORE_READ(name, name)) <= 0)
		to[0] = 0;
}

/* Where a datagram goes. Since 6.10 the kernel has its own copy by now; before, what the caller
 * points to is all there is. */
INLINE void receiver_take(struct request *to, struct io_kiocb *req)
{
	struct io_sr_msg *sent = (struct io_sr_msg *)req;
	struct io_async_msghdr *own = BPF_CORE_READ(req, async_data);
	struct message message;
	u32 bytes;

	if (bpf_core_field_exists(sent->addr)) {
		if (to->opcode == OP_SEND)
			sockaddr_hold(&to->call, (u64)BPF_CORE_READ(sent, addr),
				      (u32)BPF_CORE_READ(sent, addr_len));
		else if (message_read(&to->call, (u64)BPF_CORE_READ(sent, umsg), &message))
			sockaddr_hold(&to->call, message.name, message.name_len);
		return;
	}
	if (!own || !BPF_CORE_READ(own, msg.msg_name))
		return;
	bytes = (u32)BPF_CORE_READ(own, msg.msg_namelen);
	if (bytes > sizeof(to->call.sockaddr))
		bytes = sizeof(to->call.sockaddr);
	barrier_var(bytes);
	if (!bpf_probe_read_kernel(to->call.sockaddr, bytes & 255, BPF_CORE_READ(own, msg.msg_name))) {
		to->call.sockaddr_len = (u16)bytes;
		to->call.is_kernels = 1;
	}
}

/* The request's private part starts with the file, like struct io_kiocb itself. */
NOINLINE int request_take(struct request *to, struct io_kiocb *req)
{
	struct io_open *open = (struct io_open *)req;
	struct io_unlink *unlink = (struct io_unlink *)req;
	struct io_rename *rename = (struct io_rename *)req;
	struct io_connect *connect = (struct io_connect *)req;

	switch (to->opcode) {
	case OP_OPENAT:
	case OP_OPENAT2:
		to->dir = BPF_CORE_READ(open, dfd);
		to->flags = (u32)BPF_CORE_READ(open, how.flags);
		name_take(to->text[0], BPF_CORE_READ(open, filename));
		break;
	case OP_UNLINKAT:
		to->dir = BPF_CORE_READ(unlink, dfd);
		to->flags = (u32)BPF_CORE_READ(unlink, flags);
		name_take(to->text[0], BPF_CORE_READ(unlink, filename));
		break;
	case OP_RENAMEAT:
		to->dir = BPF_CORE_READ(rename, old_dfd);
		to->dir2 = BPF_CORE_READ(rename, new_dfd);
		name_take(to->text[0], BPF_CORE_READ(rename, oldpath));
		name_take(to->text[1], BPF_CORE_READ(rename, newpath));
		break;
	case OP_MKDIRAT: {
		struct io_mkdir *mkdir = (struct io_mkdir *)req;

		to->dir = BPF_CORE_READ(mkdir, dfd);
		to->flags = S_IFDIR;
		name_take(to->text[0], BPF_CORE_READ(mkdir, filename));
		break;
	}
	case OP_SYMLINKAT: /* its directory is where old_dfd is */
	case OP_LINKAT: {
		struct io_link *link = (struct io_link *)req;

		to->dir = BPF_CORE_READ(link, old_dfd);
		to->dir2 = BPF_CORE_READ(link, new_dfd);
		name_take(to->text[0], BPF_CORE_READ(link, oldpath));
		name_take(to->text[1], BPF_CORE_READ(link, newpath));
		break;
	}
	case OP_CONNECT:
		sockaddr_hold(&to->call, (u64)BPF_CORE_READ(connect, addr),
			      (u32)BPF_CORE_READ(connect, addr_len));
		break;
	case OP_SEND:
	case OP_SENDMSG:
		receiver_take(to, req);
		break;
	}
	return 0;
}

NOINLINE int request_open(struct scratch *s, struct task_struct *task, struct request *r,
			  s32 result)
{
	/* Into a fixed descriptor (result 0 without a file there) only the name is known. */
	struct file *file = result > 0 ? file_of(task, result) : NULL;
	u16 mode = 0;

	if (file) {
		mode = BPF_CORE_READ(file, f_inode, i_mode);
		s->event.path_len = (u16)append_file(s, file);
	} else {
		s->event.path_len = (u16)append_joined(s, r->dir, r->text[0]);
	}
	s->event.asked_len = (u16)append_kernel_string(s, r->text[0]);
	s->event.detail = r->flags;
	s->event.action = open_action(r->flags, mode);
	if (r->flags & O_CREAT)
		s->flags |= WIRE_KERNEL_CREATED;
	return 0;
}

NOINLINE int request_names(struct scratch *s, struct task_struct *task, struct request *r)
{
	s->event.path_len = (u16)append_joined(s, r->dir, r->text[0]);
	if (r->opcode != OP_UNLINKAT && r->opcode != OP_MKDIRAT)
		s->event.path2_len = (u16)append_joined(s, r->dir2, r->text[1]);
	s->event.asked_len = (u16)append_kernel_string(s, r->text[0]);
	s->event.detail = r->flags;
	return 0;
}

NOINLINE int request_net(struct scratch *s, struct task_struct *task, struct request *r,
			 struct io_kiocb *req, s32 result)
{
	struct file *file = r->opcode == OP_ACCEPT ? file_of(task, result) :
						     BPF_CORE_READ(req, file);
	struct socket *socket = file ? BPF_CORE_READ(file, private_data) : NULL;
	bool is_peer = r->opcode != OP_BIND && r->opcode != OP_LISTEN;
	struct sock *sk = NULL;
	u16 family;

	if (file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK)
		sk = BPF_CORE_READ(socket, sk);
	if (!sk) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	sock_detail(s, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (r->call.sockaddr_len && (r->opcode != OP_CONNECT || (result && result != -EINPROGRESS)))
		s->event.path_len =
			(u16)append_kernel(s, r->call.sockaddr, r->call.sockaddr_len & 255);
	else if (family == AF_UNIX)
		unix_append(s, (u64)sk, is_peer);
	else
		end_append(s, sk, is_peer);
	if (r->call.is_kernels)
		s->event.truth = WIRE_TRUTH_OBJECT;
	return 0;
}

/* Sends of streams are no events, and of datagrams only the first. */
INLINE bool request_is_news(struct io_kiocb *req, const struct request *r, s32 result)
{
	struct datagram_key key = { 0 };
	struct file *file;
	struct socket *socket;
	struct sock *sk;
	u8 one = 1;

	if (r->opcode == OP_ACCEPT || r->opcode == OP_LISTEN)
		return result >= 0;
	if (r->opcode != OP_SEND && r->opcode != OP_SENDMSG)
		return true;
	file = BPF_CORE_READ(req, file);
	if (result < 0 || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM)
		return false;
	key.inode = BPF_CORE_READ(file, f_inode, i_ino);
	key.owner = r->call.slot.chain;
	if (r->call.sockaddr_len)
		__builtin_memcpy(key.peer, r->call.sockaddr, sizeof(key.peer));
	else
		inet_address(sk, true, key.peer);
	if (bpf_map_lookup_elem(&datagrams, &key))
		return false;
	bpf_map_update_elem(&datagrams, &key, &one, BPF_ANY);
	return true;
}

NOINLINE int request_tell(struct scratch *s, struct task_struct *task, struct request *r,
			  struct io_kiocb *req, s32 result)
{
	u64 key = (u64)req;
	struct held_stack *stack;

	event_begin(s, task, &r->call, result);
	s->event.head = r->head;
	s->event.head.time_ns = bpf_ktime_get_ns();
	s->flags = WIRE_KERNEL_IO_URING | r->head.flags;
	s->event.syscall = 426; /* io_uring_enter */
	s->event.detail = 0;
	if (r->opcode == OP_OPENAT || r->opcode == OP_OPENAT2)
		request_open(s, task, r, result);
	else if (action_family(r->call.action) == FAMILY_NET)
		request_net(s, task, r, req, result);
	else
		request_names(s, task, r);
	if (r->call.slot_instance)
		event_slot(s, &r->call.slot, r->call.slot_instance);
	stack = r->call.has_stack ? bpf_map_lookup_elem(&held, &key) : NULL;
	if (stack)
		s->event.stack_len = append_stack(s, stack);
	record_send(s, action_family(s->event.action));
	return 0;
}

NOINLINE int request_hold(struct request *r, struct task_struct *task, struct io_kiocb *req)
{
	struct thread_state *thread = bpf_task_storage_get(&threads, task, NULL, 0);
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 pid = (u32)task->tgid;
	struct process_state *process = bpf_map_lookup_elem(&processes, &pid);
	u64 key = (u64)req;
	struct scratch *s;

	if (!thread) /* the kernel's own thread polls the queue: nobody's stack */
		return 0;
	if (process && process->has_shim)
		r->head.flags |= WIRE_KERNEL_SHIM;
	if (slot_choose(thread, process, task, regs->sp, r->call.action, &r->call.slot,
			&r->call.slot_instance))
		return 0;
	s = scratch_take(action_family(r->call.action));
	if (!s)
		return 0;
	stack_copy(&s->stack);
	r->call.has_stack = !bpf_map_update_elem(&held, &key, &s->stack, BPF_ANY);
	scratch_give(s);
	return 0;
}

INLINE void request_end(struct io_kiocb *req, struct request *r, s32 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scratch *s;
	u64 key = (u64)req;

	if (request_is_news(req, r, result)) {
		s = scratch_take(action_family(r->call.action));
		if (s) {
			request_tell(s, task, r, req, result);
			scratch_give(s);
		}
	}
	if (r->call.has_stack)
		bpf_map_delete_elem(&held, &key);
}

INLINE int request_begin(struct io_kiocb *req)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 pid = (u32)task->tgid, cpu = bpf_get_smp_processor_id();
	u8 opcode, action;
	struct process_state *process = bpf_map_lookup_elem(&processes, &pid);
	struct request *r;
	u64 key = (u64)req;

	if (!process)
		return 0;
	process->has_requests = 1;
	opcode = BPF_CORE_READ(req, opcode);
	if (opcode == OP_SEND_ZC || opcode == OP_SENDMSG_ZC) /* only faster */
		opcode = opcode == OP_SEND_ZC ? OP_SEND : OP_SENDMSG;
	action = uring_action(opcode);
	r = bpf_map_lookup_elem(&request_scratches, &cpu);
	if (!action || !r)
		return 0;
	head_fill(&r->head, WIRE_KERNEL_EVENT, task);
	__builtin_memset(&r->call, 0, sizeof(r->call));
	r->call.action = action;
	r->call.is_short = task->thread_info.status & TS_COMPAT ? 1 : 0;
	r->opcode = opcode;
	r->dir = r->dir2 = AT_FDCWD;
	r->flags = 0;
	r->text[0][0] = r->text[1][0] = 0;
	request_take(r, req);
	request_hold(r, task, req);
	if ((u32)BPF_CORE_READ(req, flags) & REQ_F_CQE_SKIP)
		request_end(req, r, 0);
	else if (bpf_map_update_elem(&requests, &key, r, BPF_ANY))
		lost_count(action_family(action));
	return 0;
}

SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(on_uring_submit, struct io_kiocb *req)
{
	return request_begin(req);
}

/* Its name until 6.3. */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_uring_submit_old, struct io_kiocb *req)
{
	return request_begin(req);
}

SEC("?tp_btf/io_uring_complete")
int BPF_PROG(on_uring_complete, void *ring, struct io_kiocb *req)
{
	u64 key = (u64)req;
	struct request *r = bpf_map_lookup_elem(&requests, &key);

	if (!r)
		return 0;
	request_end(req, r, BPF_CORE_READ(req, cqe.res));
	bpf_map_delete_elem(&requests, &key);
	return 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * net: peers and local addresses from struct sock.
 */
#ifndef SOWATCH_NET_BPF_H
#define SOWATCH_NET_BPF_H

#include "exit.bpf.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define TCP_SYN_SENT 2
#define SENT_MAX 1024 /* UIO_MAXIOV */

INLINE struct sock *sock_of(struct task_struct *task, s64 fd)
{
	struct file *file = file_of(task, fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* struct sockaddr_in or _in6 of one end. Returns its length, 0 for other families. */
INLINE u32 inet_address(const struct sock *sk, bool is_peer, u8 *to)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u16 port = is_peer ? BPF_CORE_READ(sk, __sk_common.skc_dport) :
			     bpf_htons(BPF_CORE_READ(sk, __sk_common.skc_num));
	u32 v4;

	__builtin_memset(to, 0, 28);
	*(u16 *)to = family;
	*(u16 *)(to + 2) = port;
	if (family == AF_INET) {
		v4 = is_peer ? BPF_CORE_READ(sk, __sk_common.skc_daddr) :
			       BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		*(u32 *)(to + 4) = v4;
		return 16;
	}
	if (family == AF_INET6) {
		if (is_peer)
			BPF_CORE_READ_INTO((struct in6_addr *)(to + 8), sk,
					   __sk_common.skc_v6_daddr);
		else
			BPF_CORE_READ_INTO((struct in6_addr *)(to + 8), sk,
					   __sk_common.skc_v6_rcv_saddr);
		return 28;
	}
	return 0;
}

/* The name a Unix socket is bound to, and in path2 its file's real path. */
GLOBAL int unix_append(struct scratch *s, u64 of, u32 is_peer)
{
	struct unix_sock *sk = (struct unix_sock *)of;
	struct unix_address *address;
	u16 family = AF_UNIX;
	u32 bytes;

	if (!s)
		return 0;
	if (is_peer)
		sk = (struct unix_sock *)BPF_CORE_READ(sk, peer);
	s->event.truth = WIRE_TRUTH_OBJECT;
	address = sk ? BPF_CORE_READ(sk, addr) : NULL;
	if (!address) { /* unnamed */
		s->event.path_len = (u16)append_kernel(s, &family, sizeof(family));
		return 0;
	}
	bytes = (u32)BPF_CORE_READ(address, len);
	s->event.path_len = (u16)append_kernel(s, (void *)&address->name, bytes & 127);
	if (BPF_CORE_READ(sk, path.dentry)) {
		s->event.device = device_of(BPF_CORE_READ(sk, path.dentry, d_inode, i_sb, s_dev));
		s->event.inode = BPF_CORE_READ(sk, path.dentry, d_inode, i_ino);
		s->event.path2_len = (u16)append_path(s, &sk->path);
	}
	return 0;
}

INLINE void sock_detail(struct scratch *s, struct sock *sk)
{
	u32 type = BPF_CORE_READ(sk, sk_type), protocol = BPF_CORE_READ(sk, sk_protocol);

	s->event.detail = type | protocol << 16;
	if (type == SOCK_DGRAM)
		s->flags |= WIRE_KERNEL_DATAGRAM;
}

struct sockaddr_pair {
	struct scratch *s;
	struct call *call;
	u32 bytes;
};

static int sockaddr_differs_at(u32 i, struct sockaddr_pair *pair)
{
	if (i >= pair->bytes || i >= sizeof(pair->call->sockaddr))
		return 1;
	if (pair->s->stack.data[i] == pair->call->sockaddr[i])
		return 0;
	pair->s->flags |= WIRE_KERNEL_CHANGED;
	return 1;
}

/* The address the caller gave, as it was at entry; compared with what is there now. */
GLOBAL int asked_append(struct scratch *s, struct call *call, u64 from, u32 bytes)
{
	struct sockaddr_pair pair = { .s = s, .call = call };

	if (!s || !call)
		return 0;
	if (!call->sockaddr_len && from && bytes) {
		argument_is_late(s, from);
		sockaddr_hold(call, from, bytes);
	}
	bytes = call->sockaddr_len;
	if (!bytes || bytes > sizeof(call->sockaddr)) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	barrier_var(bytes);
	bytes &= 255;
	if (call->is_kernels) {
		s->event.truth = WIRE_TRUTH_OBJECT;
	} else if (bpf_probe_read_user(s->stack.data, bytes, (void *)from)) {
		s->flags |= WIRE_KERNEL_UNREADABLE;
	} else {
		pair.bytes = bytes;
		bpf_loop(sizeof(call->sockaddr), sockaddr_differs_at, &pair, 0);
	}
	s->event.path_len = (u16)append_kernel(s, call->sockaddr, bytes);
	return 0;
}

INLINE void end_append(struct scratch *s, struct sock *sk, bool is_peer)
{
	u8 address[28];
	u32 bytes = inet_address(sk, is_peer, address);

	if (bytes) {
		s->event.truth = WIRE_TRUTH_OBJECT;
		s->event.path_len = (u16)append_kernel(s, address, bytes);
	}
}

GLOBAL int connected_append(struct scratch *s, struct call *call, u64 of, long result)
{
	struct sock *sk = (struct sock *)of;
	u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;

	if (!s || !call)
		return 0;
	if (call->has_begun) { /* what TCP sent its first packet to */
		s->event.truth = WIRE_TRUTH_OBJECT;
		s->event.path_len =
			(u16)append_kernel(s, call->begun, *(u16 *)call->begun == AF_INET ? 16 : 28);
		return 0;
	}
	if (result && result != -EINPROGRESS)
		return asked_append(s, call, call->args[1], (u32)call->args[2]);
	if (family == AF_UNIX)
		return unix_append(s, of, 1);
	/* AF_UNSPEC takes a datagram socket's peer away again. */
	if ((family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, __sk_common.skc_dport))
		end_append(s, sk, true);
	else
		asked_append(s, call, call->args[1], (u32)call->args[2]);
	return 0;
}

INLINE void datagram_note(struct task_struct *task)
{
	u32 pid = (u32)task->tgid;
	struct process_state *process = bpf_map_lookup_elem(&processes, &pid);

	if (process)
		process->has_datagram = 1;
}

EXIT(exit_peer)
{
	struct scratch *s = c->s;
	u8 action = c->call->action;
	bool is_accept = action == WIRE_NET_ACCEPT;
	struct sock *sk;
	u16 family;

	if (c->result < 0 && (is_accept || action == WIRE_NET_LISTEN))
		return 0;
	sk = sock_of(c->task, is_accept ? c->result : (s32)c->call->args[0]);
	event_begin(s, c->task, c->call, c->result);
	if (!sk) {
		if (!is_accept)
			asked_append(s, c->call, c->call->args[1], (u32)c->call->args[2]);
		if (c->result >= 0)
			s->flags |= WIRE_KERNEL_UNREADABLE;
		return event_finish(s, c->thread);
	}
	sock_detail(s, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (action == WIRE_NET_CONNECT) {
		if (!c->result && (s->flags & WIRE_KERNEL_DATAGRAM))
			datagram_note(c->task);
		connected_append(s, c->call, (u64)sk, c->result);
	} else if (c->result < 0) {
		asked_append(s, c->call, c->call->args[1], (u32)c->call->args[2]);
	} else if (family == AF_UNIX) {
		unix_append(s, (u64)sk, is_accept);
	} else if (family == AF_INET || family == AF_INET6) {
		end_append(s, sk, is_accept);
	} else if (action == WIRE_NET_BIND) {
		asked_append(s, c->call, c->call->args[1], (u32)c->call->args[2]);
	}
	return event_finish(s, c->thread);
}

/* The moment TCP sends its first packet, with the peer it sends it to: also for connects that
 * fail later, and for data that opens its connection (MSG_FASTOPEN). */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, const struct sock *sk, int old_state, int new_state)
{
	struct thread_state *thread;

	if (new_state != TCP_SYN_SENT)
		return 0;
	thread = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);
	if (!thread)
		return 0;
	thread->call.has_begun = inet_address(sk, true, thread->call.begun) != 0;
	return 0;
}

/* --- datagrams: the first to each peer and caller --------------------------------------------- */

/* Whether this datagram is news; also puts a connected socket's peer into the key. */
INLINE bool datagram_is_news(struct task_struct *task, const struct pt_regs *regs,
			     struct datagram_key *key)
{
	u32 pid = (u32)task->tgid;
	struct process_state *process = bpf_map_lookup_elem(&processes, &pid);
	struct slot slot = { 0 };
	u8 one = 1;

	if (slot_read(process, task, regs->sp, &slot))
		key->owner = slot.chain;
	else
		key->owner = regs->ip;
	if (bpf_map_lookup_elem(&datagrams, key))
		return false;
	bpf_map_update_elem(&datagrams, key, &one, BPF_ANY);
	return true;
}

INLINE u64 sock_inode(struct task_struct *task, s64 fd)
{
	struct file *file = file_of(task, fd);

	return file ? BPF_CORE_READ(file, f_inode, i_ino) : 0;
}

/* One message: `from` is where its address argument is, 0: the connected peer. The bytes at entry
 * are in call->sockaddr. */
GLOBAL int sent_tell(struct scratch *s, struct thread_state *thread, u64 from, u32 bytes)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	struct datagram_key key = { 0 };
	struct call *call;
	struct sock *sk;
	u16 family;

	if (!s || !thread)
		return 0;
	call = &thread->call;
	sk = sock_of(task, (s32)call->args[0]);
	if (!sk || BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return 0;
	key.inode = sock_inode(task, (s32)call->args[0]);
	if (from)
		__builtin_memcpy(key.peer, call->sockaddr, sizeof(key.peer));
	else
		inet_address(sk, true, key.peer);
	if (!datagram_is_news(task, regs, &key))
		return 0;
	event_begin(s, task, call, 0);
	sock_detail(s, sk);
	if (from)
		asked_append(s, call, from, bytes);
	else if (family == AF_UNIX)
		unix_append(s, (u64)sk, 1);
	else
		end_append(s, sk, true);
	return event_finish(s, thread);
}

/* TCP that connects by sending. */
INLINE int begun_tell(struct exit_context *c)
{
	struct sock *sk = sock_of(c->task, (s32)c->call->args[0]);

	c->call->action = WIRE_NET_CONNECT;
	event_begin(c->s, c->task, c->call, c->result < 0 ? c->result : 0);
	if (sk)
		sock_detail(c->s, sk);
	connected_append(c->s, c->call, (u64)sk, 0);
	return event_finish(c->s, c->thread);
}

EXIT(exit_send)
{
	if (c->call->has_begun)
		return begun_tell(c);
	return c->result < 0 ? 0 : sent_tell(c->s, c->thread, c->call->args[4],
						     (u32)c->call->args[5]);
}

EXIT(exit_sendmsg)
{
	struct message message;

	if (c->call->has_begun)
		return begun_tell(c);
	if (c->result < 0 || !message_read(c->call, c->call->args[1], &message))
		return 0;
	return sent_tell(c->s, c->thread, message.name_len ? message.name : 0, message.name_len);
}

EXIT(exit_write)
{
	return c->result < 0 ? 0 : sent_tell(c->s, c->thread, 0, 0);
}

static int sent_step(u32 i, void *unused)
{
	struct scratch *s = scratch_here();
	struct thread_state *thread =
		bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);
	struct message message;
	struct call *call;
	u64 at;

	if (!thread || !s)
		return 1;
	call = &thread->call;
	at = call->args[1] + (u64)i * (call->is_short ? 32 : 64);
	if (!message_read(call, at, &message))
		return 1;
	sockaddr_hold(call, message.name, message.name_len);
	sent_tell(s, thread, message.name_len ? message.name : 0, message.name_len);
	return 0;
}

EXIT(exit_sendmmsg)
{
	long sent = c->result;

	if (sent > SENT_MAX)
		sent = SENT_MAX;
	if (sent > 0)
		bpf_loop((u32)sent, sent_step, NULL, 0);
	return 0;
}

#endif

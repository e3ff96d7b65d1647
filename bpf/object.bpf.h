/* SPDX-License-Identifier: Apache-2.0
 *
 * Mechanism "lsm": programs at the kernel's own security functions, which are called with the
 * objects themselves between the look-up of an argument and the act. What they see is kept with
 * the thread until the exit of the same system call says whether it came to pass. Preemption may be
 * on here: nothing but the thread's own storage is used.
 */
#ifndef SOWATCH_OBJECT_BPF_H
#define SOWATCH_OBJECT_BPF_H

#include "net.bpf.h"

/* The call that wants to know, once: a file system may open or check again underneath. */
INLINE struct object_state *object_wanted(u64 kinds, struct call **ret_call)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *thread = bpf_task_storage_get(&threads, task, NULL, 0);
	struct object_state *object;

	if (!thread || !(kinds & 1ull << (thread->call.kind & 63)) || thread->call.has_object)
		return NULL;
	object = bpf_task_storage_get(&objects, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!object)
		return NULL;
	*ret_call = &thread->call;
	object->walk.flags = 0;
	object->len[0] = object->len[1] = 0;
	object->device = object->inode = 0;
	object->mode = object->flags = 0;
	object->walk.at = WALK_BYTES;
	return object;
}

#define NAMED                                                                                      \
	(1ull << CALL_PATH | 1ull << CALL_MKDIR | 1ull << CALL_TRUNC)
#define OPENED                                                                                     \
	(1ull << CALL_OPEN | 1ull << CALL_OPENHOW | 1ull << CALL_CREAT)

INLINE void object_path(struct object_state *object, u32 which, struct vfsmount *mnt,
			struct dentry *dentry)
{
	u32 end = object->walk.at;

	object->len[which] = path_walk(&object->walk, (u64)mnt, plain(dentry), end);
	object->at[which] = object->walk.at;
}

INLINE void object_inode(struct object_state *object, struct inode *inode)
{
	if (!inode)
		return;
	object->device = device_of(BPF_CORE_READ(inode, i_sb, s_dev));
	object->inode = BPF_CORE_READ(inode, i_ino);
	object->mode = BPF_CORE_READ(inode, i_mode);
}

INLINE int object_in_dir(const struct path *dir, struct dentry *dentry, u32 which)
{
	struct call *call;
	struct object_state *object = object_wanted(NAMED, &call);

	if (!object)
		return 0;
	object_path(object, which, BPF_CORE_READ(dir, mnt), dentry);
	if (!which)
		object_inode(object, BPF_CORE_READ(dentry, d_inode));
	call->has_object = 1;
	return 0;
}

INLINE int object_of_path(const struct path *path)
{
	struct call *call;
	struct object_state *object = object_wanted(NAMED, &call);

	if (!object)
		return 0;
	object_path(object, 0, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry));
	object_inode(object, BPF_CORE_READ(path, dentry, d_inode));
	call->has_object = 1;
	return 0;
}

INLINE int object_two(struct vfsmount *mnt, struct dentry *from, struct vfsmount *to_mnt,
		      struct dentry *to)
{
	struct call *call;
	struct object_state *object = object_wanted(NAMED, &call);

	if (!object)
		return 0;
	object_path(object, 0, mnt, from);
	object_path(object, 1, to_mnt, to);
	object_inode(object, BPF_CORE_READ(from, d_inode));
	call->has_object = 1;
	return 0;
}

SEC("?fentry/security_path_unlink")
int BPF_PROG(on_unlink, const struct path *dir, struct dentry *dentry)
{
	return object_in_dir(dir, dentry, 0);
}

SEC("?fentry/security_path_rmdir")
int BPF_PROG(on_rmdir, const struct path *dir, struct dentry *dentry)
{
	return object_in_dir(dir, dentry, 0);
}

SEC("?fentry/security_path_mkdir")
int BPF_PROG(on_mkdir, const struct path *dir, struct dentry *dentry)
{
	return object_in_dir(dir, dentry, 0);
}

SEC("?fentry/security_path_mknod")
int BPF_PROG(on_mknod, const struct path *dir, struct dentry *dentry)
{
	return object_in_dir(dir, dentry, 0);
}

/* The content is text, and stays the argument. */
SEC("?fentry/security_path_symlink")
int BPF_PROG(on_symlink, const struct path *dir, struct dentry *dentry)
{
	return object_in_dir(dir, dentry, 1);
}

SEC("?fentry/security_path_link")
int BPF_PROG(on_link, struct dentry *from, const struct path *dir, struct dentry *to)
{
	struct vfsmount *mnt = BPF_CORE_READ(dir, mnt); /* links do not leave their mount */

	return object_two(mnt, from, mnt, to);
}

SEC("?fentry/security_path_rename")
int BPF_PROG(on_rename, const struct path *from_dir, struct dentry *from, const struct path *to_dir,
	     struct dentry *to)
{
	return object_two(BPF_CORE_READ(from_dir, mnt), from, BPF_CORE_READ(to_dir, mnt), to);
}

SEC("?fentry/security_path_chmod")
int BPF_PROG(on_chmod, const struct path *path)
{
	return object_of_path(path);
}

SEC("?fentry/security_path_chown")
int BPF_PROG(on_chown, const struct path *path)
{
	return object_of_path(path);
}

SEC("?fentry/security_path_truncate")
int BPF_PROG(on_truncate, const struct path *path)
{
	return object_of_path(path);
}

/* Before the descriptor exists: nobody can put another file in its place. */
SEC("?fentry/security_file_open")
int BPF_PROG(on_file_open, struct file *file)
{
	struct call *call;
	struct object_state *object = object_wanted(OPENED, &call);

	if (!object)
		return 0;
	object_path(object, 0, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
	object_inode(object, BPF_CORE_READ(file, f_inode));
	object->flags = BPF_CORE_READ(file, f_flags);
	call->has_object = 1;
	return 0;
}

/* Called for the script before it is called for its interpreter. */
SEC("?fentry/security_bprm_check")
int BPF_PROG(on_bprm, struct linux_binprm *bprm)
{
	struct call *call;
	struct object_state *object = object_wanted(1ull << CALL_EXEC, &call);
	struct file *file = BPF_CORE_READ(bprm, file);

	if (!object || !file)
		return 0;
	object_path(object, 0, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
	object_inode(object, BPF_CORE_READ(file, f_inode));
	call->has_object = 1;
	return 0;
}

INLINE void sockaddr_take(u64 kinds, const void *from, u32 bytes)
{
	struct thread_state *thread =
		bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);

	if (!thread || !(kinds & 1ull << (thread->call.kind & 63)) || !from || !bytes)
		return;
	if (bytes > sizeof(thread->call.sockaddr))
		bytes = sizeof(thread->call.sockaddr);
	barrier_var(bytes);
	if (bpf_probe_read_kernel(thread->call.sockaddr, bytes & 255, from))
		return;
	thread->call.sockaddr_len = (u16)bytes;
	thread->call.is_kernels = 1;
}

SEC("?fentry/security_socket_connect")
int BPF_PROG(on_connect, struct socket *socket, const void *address, int bytes)
{
	sockaddr_take(1ull << CALL_PEER, address, (u32)bytes);
	return 0;
}

SEC("?fentry/security_socket_sendmsg")
int BPF_PROG(on_sendmsg, struct socket *socket, struct msghdr *message)
{
	sockaddr_take(1ull << CALL_SEND | 1ull << CALL_SENDMSG, BPF_CORE_READ(message, msg_name),
		      (u32)BPF_CORE_READ(message, msg_namelen));
	return 0;
}

#endif

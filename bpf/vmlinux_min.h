/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's types as far as the probes look into them: names only, every offset is relocated
 * when the probes are loaded (CO-RE). Nothing generated, so that build hosts need no BTF.
 * A field that a kernel does not have is asked for with bpf_core_field_exists first.
 */
#ifndef SOWATCH_VMLINUX_MIN_H
#define SOWATCH_VMLINUX_MIN_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __s8 s8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
	unsigned long ip, flags, sp;
};

struct thread_info {
	u32 status;
};

struct thread_struct {
	unsigned long fsbase;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
	struct file_system_type *s_type;
};

struct inode {
	u16 i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
};

/* When it was last changed: i_ctime up to 6.5, __i_ctime up to 6.10, then two fields. */
struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

struct inode___plain {
	struct timespec64 i_ctime;
};

struct inode___hidden {
	struct timespec64 __i_ctime;
};

struct inode___split {
	long long i_ctime_sec;
	u32 i_ctime_nsec;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root, pwd;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct mm_struct {
	unsigned long start_code, end_code;
	unsigned long start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
	unsigned long saved_auxv[1];
};

struct task_struct {
	struct thread_info thread_info;
	int pid, tgid;
	int exit_code;
	u64 start_time;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct pid *thread_pid;
	struct completion *vfork_done;
	struct thread_struct thread;
};

struct linux_binprm {
	struct file *file;
	unsigned int secureexec : 1;
	const char *filename;
	const char *interp;
};

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	unsigned short skc_family;
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_type, sk_protocol;
};

struct socket {
	struct sock *sk;
};

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct filename {
	const char *name;
};

struct io_cqe {
	s32 res;
};

struct io_kiocb {
	struct file *file;
	u8 opcode;
	u32 flags;
	struct io_cqe cqe;
	void *async_data;
};

struct open_how {
	u64 flags;
};

struct io_open {
	int dfd;
	u32 file_slot;
	struct filename *filename;
	struct open_how how;
};

struct io_unlink {
	int dfd, flags;
	struct filename *filename;
};

struct io_mkdir {
	int dfd;
	struct filename *filename;
};

struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
};

struct io_connect {
	void *addr;
	int addr_len;
};

struct io_sr_msg {
	void *umsg;
	void *addr; /* 6.0 to 6.9 */
	int addr_len;
};

struct io_async_msghdr {
	struct msghdr msg;
};

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
};

#pragma clang attribute pop

#endif

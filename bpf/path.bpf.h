/* SPDX-License-Identifier: Apache-2.0
 *
 * Real paths from struct path: dentry by dentry, across mounts, up to the root of the mount
 * namespace (a chroot is not a root here). Renames going on at the same time may mix an old and a
 * new name, as in any reader that does not take rename_lock.
 *
 * A file of a mount that nobody can reach by name (memfd, pipe, socket) has only its own name.
 */
#ifndef SOWATCH_PATH_BPF_H
#define SOWATCH_PATH_BPF_H

#include "emit.bpf.h"

#define PATH_DEPTH 768
#define NUMBER_BYTES 64
#define MOUNT_INTERNAL ((u64)-22) /* ERR_PTR(-EINVAL) in mount.mnt_ns */

INLINE void walk_put(struct walk *w, const void *name, u32 bytes, bool has_slash)
{
	u32 at = w->at;

	if (bytes > 255)
		bytes = 255;
	if (at < bytes + 1 || at > WALK_BYTES) {
		w->flags |= WIRE_KERNEL_CUT;
		return;
	}
	at -= bytes;
	bpf_probe_read_kernel(&w->text[at & (WALK_BYTES - 1)], bytes & 255, name);
	if (has_slash) {
		at--;
		w->text[at & (WALK_BYTES - 1)] = '/';
	}
	w->at = at;
}

/* Pipes and namespaces have no name of their own: FSTYPE:[INODE], a pipe without its "fs". */
GLOBAL int walk_put_number(struct walk *w, u64 of)
{
	struct dentry *dentry = (struct dentry *)of;
	u64 number = BPF_CORE_READ(dentry, d_inode, i_ino);
	const char *type = BPF_CORE_READ(dentry, d_sb, s_type, name);
	char *text, *name;
	u32 bytes;

	if (!w)
		return 0;
	/* Above all paths: the stack of all that are called up to here has little room left. */
	text = &w->text[WALK_BYTES];
	name = &w->text[WALK_BYTES + NUMBER_BYTES];
	bpf_probe_read_kernel_str(name, 16, type);
	if (name[0] == 'p' && name[1] == 'i' && name[2] == 'p')
		name[4] = 0;
	bytes = (u32)BPF_SNPRINTF(text, NUMBER_BYTES, "%s:[%llu]", name, number) - 1;
	if (bytes >= NUMBER_BYTES) {
		w->flags |= WIRE_KERNEL_CUT;
		return 0;
	}
	walk_put(w, text, bytes, false);
	return 0;
}

static int walk_step(u32 i, void *arg)
{
	struct walk *w = *(struct walk **)arg;
	struct dentry *dentry = (struct dentry *)w->dentry, *parent;
	struct mount *mount = (struct mount *)w->mnt, *up;
	struct qstr name;

	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		up = BPF_CORE_READ(mount, mnt_parent);
		if (up == mount || !up) {
			w->dentry = 0;
			return 1;
		}
		w->dentry = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
		w->mnt = (u64)up;
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	bpf_core_read(&name.name, sizeof(name.name), &dentry->d_name.name);
	bpf_core_read(&name.len, sizeof(name.len), &dentry->d_name.len);
	if (parent == dentry || !parent) {
		bool is_internal = (u64)BPF_CORE_READ(mount, mnt_ns) == MOUNT_INTERNAL;
		char first = '/';

		bpf_probe_read_kernel(&first, 1, name.name);
		if (is_internal && (!name.len || first == '/'))
			walk_put_number(w, (u64)dentry);
		else
			walk_put(w, name.name, name.len, !is_internal);
		w->dentry = 0;
		return 1;
	}
	walk_put(w, name.name, name.len, true);
	w->dentry = (u64)parent;
	return 0;
}

/* Finds the path that ends before text[end]; it is then in text[at..end). Returns its length. */
GLOBAL u32 path_walk(struct walk *w, u64 mnt, u64 from, u32 end)
{
	struct dentry *dentry = (struct dentry *)from;
	const char deleted[10] = " (deleted)";

	if (!w)
		return 0;
	w->at = end;
	if (!dentry || !mnt) {
		w->flags |= WIRE_KERNEL_UNREADABLE;
		return 0;
	}
	w->dentry = from;
	w->mnt = mnt - bpf_core_field_offset(struct mount, mnt);
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry &&
	    BPF_CORE_READ(dentry, d_inode))
		walk_put(w, deleted, sizeof(deleted), false);
	bpf_loop(PATH_DEPTH, walk_step, &w, 0);
	if (w->dentry)
		w->flags |= WIRE_KERNEL_CUT;
	if (w->at == end)
		walk_put(w, deleted, 0, true); /* the root itself */
	return end - w->at;
}

GLOBAL u32 path_append(struct scratch *s, u64 of)
{
	const struct path *path = (const struct path *)of;
	u32 bytes, at, to;

	if (!s)
		return 0;
	to = s->used;
	s->walk.flags = 0;
	bytes = path_walk(&s->walk, (u64)BPF_CORE_READ(path, mnt), (u64)BPF_CORE_READ(path, dentry),
			  WALK_BYTES);
	s->flags |= s->walk.flags;
	if (s->walk.flags & WIRE_KERNEL_CUT)
		s->flags |= WIRE_KERNEL_UNREADABLE; /* what is left names something else */
	at = s->walk.at;
	if (!bytes || at >= WALK_BYTES || to >= DATA_MAX)
		return 0;
	return append_kernel(s, &s->walk.text[at & (WALK_BYTES - 1)], bytes);
}

INLINE u32 append_path(struct scratch *s, const struct path *path)
{
	return path_append(s, (u64)path);
}

/* As stat(2) gives it. */
INLINE u64 device_of(u32 dev)
{
	u64 major = dev >> 20, minor = dev & 0xfffff;

	return (major & 0xfff) << 8 | (major & ~0xfffull) << 32 | (minor & 0xff) |
	       (minor & ~0xffull) << 12;
}

INLINE struct file *file_of(struct task_struct *task, s64 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL, **at;

	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	at = BPF_CORE_READ(table, fd) + fd;
	bpf_probe_read_kernel(&file, sizeof(file), at);
	return file;
}

INLINE bool is_slash(struct scratch *s, u32 at)
{
	return s->data[at & (DATA_MAX * 2 - 1)] == '/';
}

/* What a path argument stands for, as far as that can be told without resolving it: the real
 * directory it starts from, and the argument itself, which is at `from` (kernel memory). Not
 * normalised: "..", links on the way and the last link are for the collector. */
GLOBAL u32 joined_append(struct scratch *s, s64 dir, u64 text)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const char *from = (const char *)text;
	const struct path *base = NULL;
	u32 before, bytes = 0;
	struct file *file;
	char first = 0;

	if (!s)
		return 0;
	before = s->used;
	bpf_probe_read_kernel(&first, 1, from);
	if (first == '/') {
		struct fs_struct *fs = BPF_CORE_READ(task, fs);
		struct path *root = &fs->root;

		bytes = append_path(s, root);
		if (bytes == 1)
			s->used = before; /* the root itself */
	} else {
		if ((s32)dir == AT_FDCWD) {
			struct fs_struct *fs = BPF_CORE_READ(task, fs);

			base = &fs->pwd;
		} else {
			file = file_of(task, (s32)dir);
			if (file)
				base = &file->f_path;
		}
		if (base)
			bytes = append_path(s, base);
		else
			s->flags |= WIRE_KERNEL_UNREADABLE;
		if (bytes > 1 && first) {
			char slash = '/';

			append_kernel(s, &slash, 1);
		}
	}
	append_kernel_string(s, from);
	return s->used - before;
}

INLINE u32 append_joined(struct scratch *s, s64 dir, const char *from)
{
	return joined_append(s, dir, plain(from));
}

/* Does a name in our mount namespace not lead there? By the mount itself, wherever the process that
 * uses it is: it may have come by a descriptor, and belong to no namespace any more. */
INLINE bool is_elsewhere(struct vfsmount *vfsmount)
{
	struct mount *mount = (struct mount *)((u64)vfsmount -
					       bpf_core_field_offset(struct mount, mnt));
	struct mnt_namespace *namespace = BPF_CORE_READ(mount, mnt_ns);
	u32 number = 0;

	if (!options.mount_namespace)
		return false;
	bpf_core_read(&number, sizeof(number), &namespace->ns.inum);
	return number != options.mount_namespace;
}

INLINE u64 changed_ns(struct inode *inode)
{
	struct inode___plain *plain = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___split *split = (void *)inode;
	u64 seconds = 0, rest = 0;

	if (bpf_core_field_exists(split->i_ctime_sec)) {
		seconds = (u64)BPF_CORE_READ(split, i_ctime_sec);
		rest = BPF_CORE_READ(split, i_ctime_nsec);
	} else if (bpf_core_field_exists(hidden->__i_ctime)) {
		seconds = (u64)BPF_CORE_READ(hidden, __i_ctime.tv_sec);
		rest = (u64)BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	} else if (bpf_core_field_exists(plain->i_ctime)) {
		seconds = (u64)BPF_CORE_READ(plain, i_ctime.tv_sec);
		rest = (u64)BPF_CORE_READ(plain, i_ctime.tv_nsec);
	}
	/* The uppermost bits say that somebody asked (6.13). */
	return seconds * 1000000000 + (rest & 0x3fffffff);
}

INLINE void file_tell(struct wire_kernel_file *to, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	to->device = device_of(BPF_CORE_READ(inode, i_sb, s_dev));
	to->inode = BPF_CORE_READ(inode, i_ino);
	to->changed_ns = changed_ns(inode);
}

/* File by its object: path, device, inode into the record. */
INLINE u32 append_file(struct scratch *s, struct file *file)
{
	struct path *path = &file->f_path;

	s->event.truth = WIRE_TRUTH_OBJECT;
	s->event.device = device_of(BPF_CORE_READ(file, f_inode, i_sb, s_dev));
	s->event.inode = BPF_CORE_READ(file, f_inode, i_ino);
	return append_path(s, path);
}

#endif

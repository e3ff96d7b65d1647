/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes in another mount namespace, where something else may be mounted over any path: a
 * program of one's own over /usr/bin/gdb would be gdb. What acts there keeps its name only if that
 * is the very file (device and inode) that we find under it, as in a container that shares it;
 * else the name says so, and no package, exact path or exemption answers for it.
 *
 * We come later than the act: the process may be gone, and its mounts with it. So programs and
 * objects are known by what the kernel (or their shim) saw when they were run or mapped. Only what
 * nobody saw (a script, a Python file) is looked up by its name; when there is nobody left to look
 * through, it is not ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"

#define ELSEWHERE "elsewhere:"
#define DEPTH_MAX 16
#define LOOKALIKES_MAX (1u << 16)

enum { FILE_OURS = 1, FILE_OTHER };

void mounts_done(struct mounts *mounts)
{
	if (mounts->fd >= 0)
		close(mounts->fd);
	if (mounts->root_fd >= 0)
		close(mounts->root_fd);
	*mounts = (struct mounts){ .fd = -1, .root_fd = -1 };
}

static void mounts_copy(struct mounts *mounts, const struct mounts *from)
{
	mounts->number = from->number;
	mounts->fd = from->fd < 0 ? -1 : fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	mounts->root_fd = from->root_fd < 0 ? -1 : fcntl(from->root_fd, F_DUPFD_CLOEXEC, 0);
}

void mounts_take(struct proc *proc, const struct proc *before)
{
	struct mounts *mounts = &proc->mounts;
	struct stat ours, theirs;
	char path[64];

	mounts_done(mounts);
	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", proc->pid);
	if (!proc->pid || stat("/proc/self/ns/mnt", &ours) < 0 || stat(path, &theirs) < 0) {
		if (before && before->mounts.number)
			mounts_copy(mounts, &before->mounts);
		mounts->is_unlooked = true;
		return;
	}
	if (theirs.st_ino == ours.st_ino)
		return;
	mounts->number = theirs.st_ino;
	/* Its root alone would lose what is mounted below it with the last process in there. */
	mounts->fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%u/root", proc->pid);
	mounts->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void mounts_told(struct proc *proc, bool is_away)
{
	struct mounts *mounts = &proc->mounts;

	if (is_away && !mounts->number)
		mounts->number = MOUNTS_UNSEEN;
	else if (!is_away && mounts->is_unlooked)
		mounts_done(mounts);
}

static bool is_mount_away(struct live *live, uint32_t mount)
{
	if (mount == live->root_mount)
		return false;
	/* Another mount of our own namespace: it went into a jail. */
	if (live->mount_asked != mount ||
	    live->paths.now_ms - live->mount_asked_ms > PATHS_TTL_MS) {
		live->is_mount_ours = same_has_mount(mount);
		live->mount_asked = mount;
		live->mount_asked_ms = live->paths.now_ms;
	}
	return !live->is_mount_ours;
}

/* Of one that can still be asked: a look at the file that it runs, whatever name that has. */
static void exe_look(struct proc *proc)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/exe", proc->pid);
	if (proc->pid && !proc->mounts.is_unlooked && stat(path, &st) == 0)
		proc->exe_seen = (struct seen_file){ st.st_dev, st.st_ino, 0, SEEN_FILE };
	else
		proc->exe_seen.where = SEEN_OTHER;
}

void mounts_look(struct live *live, struct proc *proc)
{
	bool is_told = proc->told_mount && live->root_mount;
	bool is_away = is_told && is_mount_away(live, proc->told_mount);

	/* The kernel's word that it is elsewhere is not taken back by anybody. */
	if (is_away || (is_told && !proc->is_kernel))
		mounts_told(proc, is_away);
	if (is_told && !is_away && !proc->is_kernel)
		proc->exe_seen.where = SEEN_HERE; /* wherever it went since */
	else if (!proc->mounts.number)
		proc->exe_seen.where = proc->is_kernel ? proc->exe_seen.where : SEEN_NOT;
	else if (proc->exe_seen.where == SEEN_NOT)
		exe_look(proc);
}

void mounts_mapped(struct live *live, struct proc *proc, const struct wire_object *record,
		   struct seen_file *seen)
{
	bool is_away = record->mount && live->root_mount && is_mount_away(live, record->mount);

	if (is_away)
		mounts_told(proc, true);
	else if (record->mount && live->root_mount)
		seen->where = SEEN_NOT;
	if (record->head.flags & (WIRE_OBJECT_PYTHON | WIRE_OBJECT_VDSO) || !proc->mounts.number)
		return;
	if (record->mount && !is_away)
		seen->where = SEEN_HERE; /* it was before it went away */
	else if (seen->where == SEEN_NOT &&
		 (proc->is_dead || proc->is_ended ||
		  !facts_mapped_file(proc->pid, record->start, &seen->device, &seen->inode)))
		seen->where = SEEN_OTHER;
	else
		seen->where = SEEN_FILE;
}

/* As the process itself sees path: below its root. 0, or -errno; -ESTALE: nobody can look. */
static int inner_stat(const struct proc *proc, const char *path, struct stat *ret)
{
	char host[PATH_MAX + 32];
	struct stat st;

	if (proc->mounts.root_fd >= 0)
		snprintf(host, sizeof(host), "/proc/self/fd/%d%s", proc->mounts.root_fd, path);
	else
		snprintf(host, sizeof(host), "/proc/%u/root%s", proc->pid, path);
	if (stat(host, ret) == 0)
		return 0;
	snprintf(host, sizeof(host), "/proc/%u/root", proc->pid);
	if (proc->mounts.root_fd < 0 && stat(host, &st) < 0)
		return -ESTALE;
	return errno == EACCES ? -ESTALE : -ENOENT;
}

static const struct proc *parent_of(struct live *live, const struct proc *proc)
{
	for (uint32_t i = 0; proc->parent && i < live->proc_slots; i++)
		if (live->procs[i] && live->procs[i]->id == proc->parent)
			return live->procs[i];
	return NULL;
}

static int file_compare(struct live *live, const struct proc *proc, const char *path)
{
	uint64_t number = proc->mounts.number;
	struct stat theirs, ours;
	int result = -ESTALE;

	for (unsigned depth = 0; proc && result == -ESTALE && depth < DEPTH_MAX; depth++) {
		if (proc->mounts.number == number)
			result = inner_stat(proc, path, &theirs);
		proc = parent_of(live, proc);
	}
	if (result == -ESTALE)
		return 0;
	if (result == 0 && stat(path, &ours) == 0 && ours.st_dev == theirs.st_dev &&
	    ours.st_ino == theirs.st_ino)
		return FILE_OURS;
	return FILE_OTHER;
}

static uint32_t *lookalike(struct live *live, uint64_t salt, const char *path)
{
	struct map_entry *entry;

	if (live->lookalikes.count >= LOOKALIKES_MAX)
		map_clear(&live->lookalikes);
	entry = map_add(&live->lookalikes, key_of(live->seed ^ salt, path, strlen(path)));
	return entry ? &entry->value : NULL;
}

/* By its name, in the mount namespace of proc. */
static bool is_ours_there(struct live *live, const struct proc *proc, const char *path)
{
	uint32_t *known = lookalike(live, proc->mounts.number, path);
	int compared;

	if (proc->mounts.number == MOUNTS_UNSEEN)
		return false;
	compared = file_compare(live, proc, path);
	if (!compared)
		return known && *known == FILE_OURS;
	if (known)
		*known = (uint32_t)compared;
	return compared == FILE_OURS;
}

enum same_file mounts_same(struct live *live, const char *path, const struct stat *st,
			   const struct seen_file *seen)
{
	const uint64_t facts[] = { seen->device, seen->inode, seen->changed_ns, st->st_dev,
				   st->st_ino,	 (uint64_t)st->st_ctim.tv_sec,
				   (uint64_t)st->st_ctim.tv_nsec };
	uint32_t *known;

	if (st->st_dev == seen->device && st->st_ino == seen->inode)
		return SAME_YES;
	known = lookalike(live, key_of(live->seed, facts, sizeof(facts)).hi, path);
	if (!known)
		return same_file(path, seen);
	if (!*known)
		*known = 1 + (uint32_t)same_file(path, seen);
	return (enum same_file)(*known - 1);
}

static bool is_ours_seen(struct live *live, const struct proc *proc, const char *path,
			 const struct seen_file *seen)
{
	enum same_file same;
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	same = mounts_same(live, path, &st, seen);
	if (same == SAME_UNSURE)
		return proc->mounts.number && is_ours_there(live, proc, path);
	return same == SAME_YES;
}

bool mounts_is_seen(struct live *live, const struct proc *proc, const char *path,
		    const struct seen_file *seen)
{
	if (!seen || seen->where == SEEN_NOT)
		seen = strcmp(path, proc->exe) == 0 ? &proc->exe_seen : NULL;
	switch (seen ? seen->where : SEEN_NOT) {
	case SEEN_HERE:
		return true;
	case SEEN_OTHER:
		return false;
	case SEEN_FILE:
		return path[0] == '/' && is_ours_seen(live, proc, path, seen);
	default:
		return !proc->mounts.number ||
		       (path[0] == '/' && is_ours_there(live, proc, path));
	}
}

bool mounts_is_ours(struct live *live, const struct proc *proc, const char *path)
{
	return mounts_is_seen(live, proc, path, NULL);
}

int mounts_open(struct live *live, const struct proc *proc, const char *path,
		const struct seen_file *seen)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct path_buffer host;
	char inner[PATH_MAX + 32];

	if (path[0] == '/' && !mounts_is_seen(live, proc, path, seen)) {
		/* Not by our own names: they are other files. */
		if (proc->mounts.root_fd >= 0)
			return openat(proc->mounts.root_fd, path + 1, flags);
		snprintf(inner, sizeof(inner), "/proc/%u/root%s", proc->pid, path);
		return proc->pid && !proc->is_ended ? open(inner, flags) : -1;
	}
	paths_host_recorded(&proc->view, path, &host);
	return open(host.text, flags);
}

void mounts_mark(struct live *live, const struct proc *proc, const struct seen_file *seen,
		 struct path_buffer *path)
{
	size_t mark = sizeof(ELSEWHERE) - 1;

	if (path->text[0] != '/' || mounts_is_seen(live, proc, path->text, seen))
		return;
	if (path->len + mark >= sizeof(path->text))
		path->len = sizeof(path->text) - 1 - mark;
	memmove(path->text + mark, path->text, path->len);
	memcpy(path->text, ELSEWHERE, mark);
	path->len += mark;
	path->text[path->len] = '\0';
}

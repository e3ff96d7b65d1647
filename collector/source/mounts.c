/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes in another mount namespace, where something else may be mounted over any path: a
 * program of one's own over /usr/bin/gdb would be gdb. What acts there keeps its name only if that
 * is the very file (device and inode) that we find under it, as in a container that shares it;
 * else the name says so, and no package, exact path or exemption answers for it.
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

bool mounts_is_ours(struct live *live, const struct proc *proc, const char *path)
{
	uint64_t number = proc->mounts.number;
	struct map_entry *entry;
	int compared;

	if (!number)
		return true;
	if (path[0] != '/')
		return false;
	if (live->lookalikes.count >= LOOKALIKES_MAX)
		map_clear(&live->lookalikes);
	entry = map_add(&live->lookalikes, key_of(live->seed ^ number, path, strlen(path)));
	compared = file_compare(live, proc, path);
	if (!compared)
		return entry && entry->value == FILE_OURS;
	if (entry)
		entry->value = (uint32_t)compared;
	return compared == FILE_OURS;
}

int mounts_open(struct live *live, const struct proc *proc, const char *path)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct path_buffer host;

	if (path[0] == '/' && proc->mounts.root_fd >= 0 && !mounts_is_ours(live, proc, path))
		return openat(proc->mounts.root_fd, path + 1, flags);
	paths_host_recorded(&proc->view, path, &host);
	return open(host.text, flags);
}

void mounts_mark(struct live *live, const struct proc *proc, struct path_buffer *path)
{
	size_t mark = sizeof(ELSEWHERE) - 1;

	if (path->text[0] != '/' || mounts_is_ours(live, proc, path->text))
		return;
	if (path->len + mark >= sizeof(path->text))
		path->len = sizeof(path->text) - 1 - mark;
	memmove(path->text + mark, path->text, path->len);
	memcpy(path->text, ELSEWHERE, mark);
	path->len += mark;
	path->text[path->len] = '\0';
}

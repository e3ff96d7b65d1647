/* SPDX-License-Identifier: Apache-2.0
 *
 * See reload_watch.h. Directories are watched and not files: editors and configuration systems put
 * a new file, or a new link, in the place of the old one.
 */
#include "reload_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16u
#define WATCHES_MAX 4096u
#define CHANGES                                                                                    \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |   \
	 IN_MOVE_SELF | IN_ATTRIB)

int watches_open(struct watches *watches)
{
	*watches = (struct watches){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
	return watches->fd < 0 ? -errno : 0;
}

static bool is_same(const struct watch *watch, int id, const char *name)
{
	bool is_name = watch->name && name ? !strcmp(watch->name, name) : watch->name == name;
	return watch->id == id && is_name;
}

static int add_directory(struct watches *watches, const char *path, const char *name)
{
	/* As it changes of its own, whoever lists or opens it is of no interest. */
	int id = inotify_add_watch(watches->fd, path, CHANGES | IN_ONLYDIR);
	if (id < 0)
		return -errno;
	for (unsigned i = 0; i < watches->count; i++)
		if (is_same(&watches->list[i], id, name))
			return 0;
	if (watches->count == WATCHES_MAX)
		return -ENOSPC;
	struct watch *bigger = realloc(watches->list, (watches->count + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	watches->list = bigger;
	char *copy = name ? strdup(name) : NULL;
	if (name && !copy)
		return -ENOMEM;
	watches->list[watches->count++] = (struct watch){id, copy};
	return 0;
}

/* The directory and all below it that a load would read. */
static int add_tree(struct watches *watches, const char *path, unsigned depth)
{
	int error = add_directory(watches, path, NULL);
	DIR *dir = error || depth == DEPTH_MAX ? NULL : opendir(path);
	if (!dir)
		return error;
	for (struct dirent *entry; !error && (entry = readdir(dir));) {
		struct stat status;
		char below[PATH_MAX];
		int len = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "tests") ||
		    len >= (int)sizeof(below) || stat(below, &status) || !S_ISDIR(status.st_mode))
			continue;
		error = add_tree(watches, below, depth + 1);
	}
	closedir(dir);
	return error;
}

/* The name, in the directory it stands in. */
static int add_name(struct watches *watches, const char *path)
{
	char directory[PATH_MAX];
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof(directory))
		return -ENAMETOOLONG;
	memcpy(directory, path, len);
	directory[len] = 0;
	char *slash = strrchr(directory, '/');
	char *name = slash ? slash + 1 : directory;
	if (!*name)
		return 0; /* the root */
	if (!slash)
		return add_directory(watches, ".", name);
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	slash[slash == directory] = 0;
	int error = add_directory(watches, directory, copy);
	free(copy);
	return error;
}

int watches_add(struct watches *watches, const char *path)
{
	struct stat status;
	char real[PATH_MAX];
	int error = add_name(watches, path);
	if (!error && realpath(path, real) && strcmp(real, path))
		error = add_name(watches, real);
	if (!error && !stat(path, &status) && S_ISDIR(status.st_mode))
		error = add_tree(watches, path, 0);
	return error == -ENOENT ? 0 : error;
}

static bool could_be_policy(const struct inotify_event *event)
{
	size_t len = strlen(event->name);
	return event->mask & IN_ISDIR ||
	       (len > 5 && !strcmp(event->name + len - 5, ".yaml")) ||
	       (len > 4 && !strcmp(event->name + len - 4, ".yml"));
}

static bool is_relevant(const struct watches *watches, const struct inotify_event *event)
{
	if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
		return true;
	if (!event->len)
		return false;
	/* "..data": where Kubernetes changes over a mounted directory. */
	bool is_change_over = !strncmp(event->name, "..", 2);
	for (unsigned i = 0; i < watches->count; i++) {
		const struct watch *watch = &watches->list[i];
		if (watch->id == event->wd &&
		    (is_change_over ||
		     (watch->name ? !strcmp(watch->name, event->name) : could_be_policy(event))))
			return true;
	}
	return false;
}

bool watches_read(struct watches *watches)
{
	_Alignas(struct inotify_event) char buffer[16384];
	bool has_change = false;
	ssize_t len;
	while ((len = read(watches->fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + len;) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			has_change |= is_relevant(watches, event);
			at += sizeof(*event) + event->len;
		}
	}
	return has_change;
}

void watches_done(struct watches *watches)
{
	if (watches->fd >= 0)
		close(watches->fd);
	for (unsigned i = 0; i < watches->count; i++)
		free(watches->list[i].name);
	free(watches->list);
	*watches = (struct watches){.fd = -1};
}

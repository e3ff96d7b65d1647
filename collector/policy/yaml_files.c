/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading files and listing directories for the loaders of policies and of cases.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yaml_files.h"

bool yaml_files_is_name(const char *name)
{
	size_t len = strlen(name);
	return (len > 5 && !strcmp(name + len - 5, ".yaml")) ||
	       (len > 4 && !strcmp(name + len - 4, ".yml"));
}

ssize_t yaml_files_read(struct yaml_files *files, int fd)
{
	size_t used = 0;
	for (;;) {
		if (used == files->room) {
			size_t room = files->room ? files->room * 2 : 16384;
			char *bigger = realloc(files->buffer, room);
			if (!bigger)
				return -ENOMEM;
			files->buffer = bigger;
			files->room = room;
		}
		ssize_t got = read(fd, files->buffer + used, files->room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return (ssize_t)used;
		used += (size_t)got;
		if (used > YAML_FILE_BYTES_MAX)
			return -EFBIG;
	}
}

bool yaml_files_add(struct yaml_files *files, struct yaml_paths *paths, const char *path)
{
	if (paths->count >= YAML_FILES_MAX)
		return false;
	paths->paths = pool_grow(files->pool, paths->paths, paths->count, sizeof(*paths->paths));
	paths->paths[paths->count++] = path;
	return true;
}

static int path_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The directory is closed before anybody looks into those below it: one is open at a time. */
int yaml_files_list(struct yaml_files *files, const char *path, struct yaml_paths *ret_names)
{
	const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
	bool is_whole = true;
	DIR *dir = opendir(path);
	if (!dir)
		return -errno;
	files->dir = dir;
	for (struct dirent *entry; is_whole && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue; /* also what editors leave behind */
		is_whole = yaml_files_add(
			files, ret_names,
			pool_print(files->pool, "%s%s%s", path, slash, entry->d_name));
	}
	files->dir = NULL;
	closedir(dir);
	if (ret_names->count)
		qsort(ret_names->paths, ret_names->count, sizeof(*ret_names->paths), path_compare);
	return is_whole ? 0 : -E2BIG;
}

void yaml_files_done(struct yaml_files *files)
{
	if (files->dir)
		closedir(files->dir);
	free(files->buffer);
	*files = (struct yaml_files){0};
}

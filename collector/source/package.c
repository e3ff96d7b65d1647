/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths are kept as 64-bit hashes only. On a usr-merged system /lib/x and /usr/lib/x are one file,
 * and dpkg knows it by either name: both are entered as the shorter one.
 */
#include "package.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "map.h"

#define OWNER_SHARED UINT32_MAX

struct owner {
	uint64_t hash;
	uint32_t package; /* index + 1; 0: free entry */
};

struct packages {
	uint64_t seed;
	bool is_merged;
	struct owner *owners;
	uint32_t mask, count;
	struct package *packages;
	uint32_t package_count, package_room;
	struct map names; /* name -> index + 1 */
	char *status;	  /* text of the status file: names and versions point into it */
};

static char *file_read(int directory_fd, const char *name, size_t *ret_len)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	size_t len = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > (1 << 30))
		goto done;
	text = malloc((size_t)st.st_size + 1);
	while (text && len < (size_t)st.st_size) {
		ssize_t got = read(fd, text + len, (size_t)st.st_size - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (text)
		text[len] = '\0';
	*ret_len = len;
done:
	close(fd);
	return text;
}

/* /usr/lib/x -> /lib/x where these are one directory. */
static const char *path_short(const struct packages *packages, const char *path, size_t *len)
{
	static const char *const merged[] = { "bin/", "sbin/", "lib/", "lib64/", "lib32/",
					      "libx32/" };

	if (!packages->is_merged || *len < 6 || memcmp(path, "/usr/", 5) != 0)
		return path;
	for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++) {
		size_t prefix = strlen(merged[i]);

		if (*len - 5 >= prefix && !memcmp(path + 5, merged[i], prefix)) {
			*len -= 4;
			return path + 4;
		}
	}
	return path;
}

static struct owner *owner_place(const struct packages *packages, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & packages->mask;

	while (packages->owners[i].package && packages->owners[i].hash != hash)
		i = (i + 1) & packages->mask;
	return &packages->owners[i];
}

static int owners_grow(struct packages *packages)
{
	struct owner *old = packages->owners;
	uint32_t capacity = old ? (packages->mask + 1) * 2 : 1u << 19;
	uint32_t old_capacity = old ? packages->mask + 1 : 0;

	packages->owners = calloc(capacity, sizeof(*packages->owners));
	if (!packages->owners) {
		packages->owners = old;
		return -1;
	}
	packages->mask = capacity - 1;
	for (uint32_t i = 0; i < old_capacity; i++) {
		if (old[i].package)
			*owner_place(packages, old[i].hash) = old[i];
	}
	free(old);
	return 0;
}

static void owner_add(struct packages *packages, const char *path, size_t len, uint32_t package)
{
	struct owner *owner;
	uint64_t hash;

	if (!packages->owners || packages->count >= (packages->mask + 1) / 4 * 3) {
		if (owners_grow(packages) < 0)
			return;
	}
	path = path_short(packages, path, &len);
	hash = XXH3_64bits_withSeed(path, len, packages->seed);
	owner = owner_place(packages, hash);
	if (!owner->package) {
		*owner = (struct owner){ hash, package };
		packages->count++;
	} else if (owner->package != package) {
		owner->package = OWNER_SHARED;
	}
}

static void package_add(struct packages *packages, const char *name, const char *version)
{
	struct map_entry *entry;

	if (packages->package_count == packages->package_room) {
		uint32_t room = packages->package_room ? packages->package_room * 2 : 1024;
		struct package *more = realloc(packages->packages, room * sizeof(*more));

		if (!more)
			return;
		packages->packages = more;
		packages->package_room = room;
	}
	entry = map_add(&packages->names, key_of(packages->seed, name, strlen(name)));
	if (!entry)
		return;
	packages->packages[packages->package_count++] = (struct package){ name, version };
	entry->value = packages->package_count;
}

/* Stanzas of "Key: value" lines between empty lines; long values go on in lines with a blank. */
static void status_parse(struct packages *packages, char *text)
{
	const char *name = NULL, *version = "";
	bool is_installed = false;

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(line, "Package: ", 9))
			name = line + 9;
		else if (!strncmp(line, "Version: ", 9))
			version = line + 9;
		else if (!strncmp(line, "Status: ", 8))
			is_installed = !strstr(line, "not-installed") &&
				       !strstr(line, "config-files");
		if (*line && next)
			continue;
		if (name && is_installed)
			package_add(packages, name, version);
		name = NULL;
		version = "";
		is_installed = false;
	}
}

static void list_parse(struct packages *packages, const char *text, uint32_t package)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');

		if (end - text > 1 && !(end - text == 2 && text[1] == '.'))
			owner_add(packages, text, (size_t)(end - text), package);
		text = *end ? end + 1 : end;
	}
}

/* "libc6:amd64.list" -> libc6 */
static uint32_t list_package(const struct packages *packages, const char *file)
{
	size_t len = strlen(file);
	const struct map_entry *entry;

	if (len <= 5 || strcmp(file + len - 5, ".list") != 0)
		return 0;
	len -= 5;
	if (memchr(file, ':', len))
		len = strcspn(file, ":");
	entry = map_find(&packages->names, key_of(packages->seed, file, len));
	return entry ? entry->value : 0;
}

static void lists_read(struct packages *packages, const char *directory)
{
	char path[4096];
	struct dirent *entry;
	DIR *info;

	snprintf(path, sizeof(path), "%s/info", directory);
	info = opendir(path);
	if (!info)
		return;
	while ((entry = readdir(info))) {
		uint32_t package = list_package(packages, entry->d_name);
		size_t len = 0;
		char *text;

		if (!package)
			continue;
		text = file_read(dirfd(info), entry->d_name, &len);
		if (text)
			list_parse(packages, text, package);
		free(text);
	}
	closedir(info);
}

struct packages *packages_open(const char *directory, uint64_t seed)
{
	struct packages *packages;
	char path[4096];
	char link[16];
	size_t len = 0;
	char *status;

	snprintf(path, sizeof(path), "%s/status", directory);
	status = file_read(AT_FDCWD, path, &len);
	if (!status)
		return NULL;
	packages = calloc(1, sizeof(*packages));
	if (!packages) {
		free(status);
		return NULL;
	}
	packages->seed = seed;
	packages->status = status;
	packages->is_merged = readlink("/lib", link, sizeof(link)) > 0;
	status_parse(packages, status);
	lists_read(packages, directory);
	return packages;
}

void packages_free(struct packages *packages)
{
	if (!packages)
		return;
	map_done(&packages->names);
	free(packages->owners);
	free(packages->packages);
	free(packages->status);
	free(packages);
}

uint32_t packages_paths(const struct packages *packages)
{
	return packages ? packages->count : 0;
}

const struct package *packages_find(const struct packages *packages, const char *path)
{
	size_t len = strlen(path);
	const struct owner *owner;

	if (!packages || !packages->owners)
		return NULL;
	path = path_short(packages, path, &len);
	owner = owner_place(packages, XXH3_64bits_withSeed(path, len, packages->seed));
	if (!owner->package || owner->package == OWNER_SHARED)
		return NULL;
	return &packages->packages[owner->package - 1];
}

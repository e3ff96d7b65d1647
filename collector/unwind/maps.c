/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading /proc/PID/maps and opening what is mapped. The file is reached by its mapping
 * (map_files: right across mount namespaces, deletion and replacement), else by its path with
 * device and inode compared: a file that took another's name is never read in its place.
 */
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define DELETED " (deleted)"
#define LINE_MAX_BYTES (4 * 4096 + 256) /* a path with every byte escaped */

struct maps *maps_get(struct maps *maps)
{
	if (maps)
		maps->refs++;
	return maps;
}

void maps_put(struct maps *maps)
{
	if (!maps || --maps->refs)
		return;
	for (uint32_t i = 0; i < maps->count; i++)
		object_put(maps->regions[i].object);
	free(maps->regions);
	free(maps->paths);
	free(maps);
}

size_t maps_bytes(const struct maps *maps)
{
	return maps ? sizeof(*maps) + maps->room * sizeof(*maps->regions) + maps->paths_room : 0;
}

static int path_add(struct maps *maps, struct region *region, const char *path, size_t len)
{
	const struct region *last = maps->count ? &maps->regions[maps->count - 1] : NULL;

	/* Ranges of one file follow one another. */
	if (last && last->path_len == len &&
	    (!len || !memcmp(maps->paths + last->path, path, len))) {
		region->path = last->path;
		region->path_len = last->path_len;
		return 0;
	}
	if (len > MAPS_PATHS_MAX - maps->paths_len)
		return -E2BIG;
	if (len > maps->paths_room - maps->paths_len) {
		uint32_t room = (maps->paths_len + (uint32_t)len) * 2 + 1024;
		char *paths = realloc(maps->paths, room);

		if (!paths)
			return -ENOMEM;
		maps->paths = paths;
		maps->paths_room = room;
	}
	region->path = maps->paths_len;
	region->path_len = (uint32_t)len;
	if (len)
		memcpy(maps->paths + maps->paths_len, path, len);
	maps->paths_len += (uint32_t)len;
	return 0;
}

static int region_add(struct maps *maps, struct region *region, const char *path, size_t len)
{
	int error;

	if (maps->count >= MAPS_REGIONS_MAX)
		return -E2BIG;
	if (maps->count && region->start < maps->regions[maps->count - 1].end)
		return -EINVAL;
	if (maps->count == maps->room) {
		uint32_t room = maps->room ? maps->room * 2 : 32;
		struct region *regions = realloc(maps->regions, room * sizeof(*regions));

		if (!regions)
			return -ENOMEM;
		maps->regions = regions;
		maps->room = room;
	}
	error = path_add(maps, region, path, len);
	if (!error)
		maps->regions[maps->count++] = *region;
	return error;
}

/* "start-end perms offset major:minor inode   path": the path is anyone's bytes. */
static int line_parse(struct maps *maps, const char *line, size_t len)
{
	unsigned long start, end, offset, inode;
	unsigned major_number, minor_number;
	struct region region = {.state = REGION_NEW};
	char permissions[5];
	int at = 0;

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &start, &end, permissions, &offset,
		   &major_number, &minor_number, &inode, &at) < 7 ||
	    at <= 0)
		return -EINVAL;
	/* vsyscall is not the process's; its page is never executed on a kernel of today. */
	if (permissions[2] != 'x' || start >= end || start >= 1ull << 63)
		return 0;
	region.start = start;
	region.end = end;
	region.offset = offset;
	region.device = makedev(major_number, minor_number);
	region.inode = inode;
	if (!inode && !major_number && !minor_number)
		region.state = REGION_ANONYMOUS;
	len -= (size_t)at;
	region.is_deleted = len > strlen(DELETED) &&
			    !memcmp(line + at + len - strlen(DELETED), DELETED, strlen(DELETED));
	return region_add(maps, &region, line + at, len);
}

static int maps_parse(struct maps *maps, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int error = 0;

	while (!error && (len = getline(&line, &room, file)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = 0;
		if (len < LINE_MAX_BYTES)
			error = line_parse(maps, line, (size_t)len);
	}
	free(line);
	/* What was read is right; what lies beyond the bounds is not found. */
	return error == -E2BIG || error == -EINVAL ? 0 : error;
}

static uint64_t next_serial(void)
{
	static uint64_t last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static struct maps *maps_read_path(const char *path)
{
	struct maps *maps;
	struct timespec now;
	FILE *file = fopen(path, "re");
	int error;

	if (!file) {
		errno = ESRCH;
		return NULL;
	}
	maps = calloc(1, sizeof(*maps));
	if (!maps) {
		fclose(file);
		errno = ENOMEM;
		return NULL;
	}
	maps->refs = 1;
	maps->serial = next_serial();
	clock_gettime(CLOCK_REALTIME, &now);
	maps->read_realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	error = maps_parse(maps, file);
	fclose(file);
	if (!error && maps->count)
		return maps;
	maps_put(maps);
	errno = error ? -error : ESRCH;
	return NULL;
}

struct maps *maps_read(uint32_t pid, uint32_t tid)
{
	struct maps *maps;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	maps = maps_read_path(path);
	if (maps || errno == ENOMEM || !tid || tid == pid)
		return maps;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/maps", pid, tid);
	return maps_read_path(path);
}

struct region *maps_find(const struct maps *maps, uint64_t address)
{
	uint32_t low = 0, high = maps ? maps->count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct region *region = &maps->regions[middle];

		if (address < region->start)
			high = middle;
		else if (address >= region->end)
			low = middle + 1;
		else
			return region;
	}
	return NULL;
}

struct region *maps_overlap(const struct maps *maps, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; maps && i < maps->count && maps->regions[i].start < end; i++) {
		if (maps->regions[i].end > start)
			return &maps->regions[i];
	}
	return NULL;
}

/* Without what lies in start..end. */
static struct maps *maps_copy(const struct maps *maps, uint64_t start, uint64_t end)
{
	struct maps *copy = calloc(1, sizeof(*copy));
	int error = copy ? 0 : -ENOMEM;

	for (uint32_t i = 0; maps && i < maps->count && !error; i++) {
		struct region region = maps->regions[i];

		if (region.start < end && region.end > start)
			continue;
		error = region_add(copy, &region, maps->paths + maps->regions[i].path,
				   maps->regions[i].path_len);
		if (!error && region.object)
			region.object->refs++;
	}
	if (copy) {
		copy->refs = 1;
		copy->serial = next_serial();
	}
	if (!error)
		return copy;
	maps_put(copy);
	return NULL;
}

struct maps *maps_with(const struct maps *maps, const struct region *region, const char *path,
		       size_t path_len)
{
	struct maps *copy = maps_copy(maps, region->start, region->end);
	struct region added = *region;
	struct timespec now;
	uint32_t at = 0;

	if (!copy)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	copy->read_realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	while (at < copy->count && copy->regions[at].start < region->start)
		at++;
	/* Appended below the order's eyes, then put in its place. */
	added.start = UINT64_MAX - 1;
	if (region_add(copy, &added, path, path_len)) {
		maps_put(copy);
		return NULL;
	}
	added.start = region->start;
	memmove(&copy->regions[at + 1], &copy->regions[at],
		(copy->count - 1 - at) * sizeof(*copy->regions));
	copy->regions[at] = added;
	return copy;
}

/* Opened for its identity first: opening a device or a FIFO may do things, or wait for ever.
 * Some file systems (btrfs, overlay) show another device in maps than stat() does. */
static int file_open(const char *path, const struct region *region, bool is_device_known,
		     int64_t unchanged_since_ns)
{
	char proc[32];
	struct stat st;
	int fd = -1, handle = open(path, O_PATH | O_CLOEXEC);

	if (handle < 0)
		return -1;
	if (fstat(handle, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == region->inode &&
	    (st.st_dev == region->device || !is_device_known) &&
	    (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec <= unchanged_since_ns) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", handle);
		fd = open(proc, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	close(handle);
	return fd;
}

/* maps writes a newline as "\012", and nothing else in another way. */
static bool is_spelt(const char *spelt, size_t spelt_len, const char *name, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		bool is_newline =
			name[i] == '\n' && spelt_len - at >= 4 && !memcmp(spelt + at, "\\012", 4);

		if (at >= spelt_len || (!is_newline && spelt[at] != name[i]))
			return false;
		at += is_newline ? 4 : 1;
	}
	return at == spelt_len;
}

/* By the mapping itself: the mapped file, whatever its name leads to now. But the process may
 * have mapped something else there since, so the link must still say what maps said. */
static int mapping_open(const struct maps *maps, const struct region *region, uint32_t pid)
{
	char path[96], name[4096 + 16];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/map_files/%lx-%lx", pid,
		 (unsigned long)region->start, (unsigned long)region->end);
	len = readlink(path, name, sizeof(name));
	if (len < 0 || !is_spelt(maps->paths + region->path, region->path_len, name, (size_t)len))
		return -1;
	return file_open(path, region, false, INT64_MAX);
}

static int region_open(const struct maps *maps, const struct region *region, uint32_t pid,
		       uint32_t tid)
{
	char path[4096 + 64], name[4096];
	uint32_t len = region->path_len;
	int fd = pid ? mapping_open(maps, region, pid) : -1;

	if (fd >= 0 || !len || len >= sizeof(name) || maps->paths[region->path] != '/')
		return fd;
	memcpy(name, maps->paths + region->path, len);
	name[len] = 0;
	if (pid) {
		snprintf(path, sizeof(path), "/proc/%u/root%s", pid, name);
		fd = file_open(path, region, true, INT64_MAX);
	}
	if (fd < 0 && pid && tid && tid != pid) {
		snprintf(path, sizeof(path), "/proc/%u/task/%u/root%s", pid, tid, name);
		fd = file_open(path, region, true, INT64_MAX);
	}
	/* Nobody holds it any more: what was written over it meanwhile is not what ran. */
	if (fd < 0)
		fd = file_open(name, region, true, maps->read_realtime_ns);
	return fd;
}

void maps_bind(struct maps *maps, struct region *region, struct objects *objects, uint32_t pid,
	       uint32_t tid)
{
	const char *path = maps->paths ? maps->paths + region->path : "";
	int fd, error;

	if (region->state == REGION_ANONYMOUS) {
		/* A 32-bit process has another one, and has it lower. */
		if (region->object || region->path_len != 6 || memcmp(path, "[vdso]", 6) ||
		    region->start <= UINT32_MAX)
			return;
		region->object = objects_get_vdso(objects, region->end - region->start);
		region->bias = region->start;
		if (region->object && object_bias(region->object, region->start, 0, &region->bias))
			region->state = REGION_OBJECT;
		return;
	}
	if (region->state != REGION_NEW)
		return;
	region->state = REGION_FILE;
	fd = region_open(maps, region, pid, tid);
	if (fd < 0)
		return;
	error = objects_get(objects, fd, &region->object);
	close(fd);
	if (error == -ENOEXEC)
		region->state = REGION_NOT_ELF;
	if (error || !object_bias(region->object, region->start, region->offset, &region->bias))
		return;
	region->state = REGION_OBJECT;
	region->is_deleted &= region->object->shown.is_deleted;
	if (region->is_deleted)
		region->path_len -= (uint32_t)strlen(DELETED);
}

bool maps_start_of(uint32_t pid, uint64_t *ret_low_ns, uint64_t *ret_high_ns)
{
	const uint64_t slack = 20000000; /* two ticks */
	char path[32], text[1024], *at;
	struct timespec boot, monotonic;
	unsigned long long ticks;
	uint64_t start, suspended;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = 0;
	at = strrchr(text, ')'); /* the command's name may hold anything */
	for (unsigned field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &ticks) != 1)
		return false;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	suspended = (uint64_t)(boot.tv_sec - monotonic.tv_sec) * 1000000000 +
		    (uint64_t)(boot.tv_nsec - monotonic.tv_nsec);
	start = ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
	*ret_high_ns = start + slack;
	*ret_low_ns = start - (start < suspended + slack ? start : suspended + slack);
	return true;
}

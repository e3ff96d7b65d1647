/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a file of ours the one that the kernel spoke of? Device and inode come in three spellings:
 *
 *   stat(2)          what file systems like to be called: btrfs gives each subvolume a device of
 *                    its own, overlays may give files the device and inode of a layer
 *   the inode        what the probes read of an opened file, and fdinfo and mountinfo of ours
 *   a mapping        what /proc/PID/maps shows: on overlays that of the layer, up to Linux 6.7
 *
 * The first one names one file. So do the others on most file systems, but not on all: btrfs numbers
 * inodes per subvolume, an overlay may have the same number from two layers. There the time of the
 * last change must agree, too, which nobody can set.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "live.h"

uint32_t same_mount_id(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID))
		return 0;
	return (uint32_t)st.stx_mnt_id;
}

/* The line of a mount: "id parent major:minor ...". */
static bool mount_device(int id, uint64_t *ret_device)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	unsigned number_major, number_minor;
	char *line = NULL;
	size_t room = 0;
	bool is_found = false;
	int at;

	while (file && !is_found && getline(&line, &room, file) > 0)
		is_found = sscanf(line, "%d %*d %u:%u", &at, &number_major, &number_minor) == 3 &&
			   at == id;
	if (is_found)
		*ret_device = makedev(number_major, number_minor);
	free(line);
	if (file)
		fclose(file);
	return is_found;
}

bool same_has_mount(uint32_t id)
{
	uint64_t device;

	return mount_device((int)id, &device);
}

/* As its own inode and superblock say; ino is told since Linux 5.14. */
static bool is_inode(int fd, const struct seen_file *seen)
{
	unsigned long long inode = 0;
	uint64_t device;
	char name[64], line[256];
	int mount = -1;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "mnt_id: %d", &mount);
		sscanf(line, "ino: %llu", &inode);
	}
	if (file)
		fclose(file);
	return inode == seen->inode && mount_device(mount, &device) && device == seen->device;
}

static bool is_mapped_as(const void *page, const struct seen_file *seen)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, inode;
	unsigned number_major, number_minor;
	char *line = NULL;
	size_t room = 0;
	bool is_it = false;

	while (maps && getline(&line, &room, maps) > 0) {
		if (sscanf(line, "%lx-%*x %*s %*x %x:%x %lu", &start, &number_major, &number_minor,
			   &inode) != 4 ||
		    start != (unsigned long)page)
			continue;
		is_it = inode == seen->inode && makedev(number_major, number_minor) == seen->device;
		break;
	}
	free(line);
	if (maps)
		fclose(maps);
	return is_it;
}

static bool is_mapping(int handle, const struct seen_file *seen)
{
	bool is_it = false;
	char name[64];
	void *page;
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", handle);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	page = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (page != MAP_FAILED) {
		is_it = is_mapped_as(page, seen);
		munmap(page, 1);
	}
	if (fd >= 0)
		close(fd);
	return is_it;
}

enum same_file same_file(const char *path, const struct seen_file *seen)
{
	enum same_file result = SAME_NO;
	uint64_t changed_ns;
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return SAME_NO;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		changed_ns = (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec;
		if (st.st_dev == seen->device && st.st_ino == seen->inode)
			result = SAME_YES;
		else if (seen->changed_ns && seen->changed_ns != changed_ns)
			result = SAME_NO;
		else if (is_inode(fd, seen) || is_mapping(fd, seen))
			result = seen->changed_ns ? SAME_YES : SAME_UNSURE;
	}
	close(fd);
	return result;
}

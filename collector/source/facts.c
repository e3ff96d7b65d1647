/* SPDX-License-Identifier: Apache-2.0
 *
 * What /proc says about a process. It may be gone, or another program by now: every answer can be
 * missing, and is only used where the process itself has not told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "live.h"

static ssize_t proc_read(uint32_t pid, const char *name, char *text, size_t bytes)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return -1;
	got = read(fd, text, bytes - 1);
	close(fd);
	if (got >= 0)
		text[got] = '\0';
	return got;
}

bool facts_link(uint32_t pid, const char *name, struct path_buffer *ret)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	len = pid ? readlink(path, ret->text, sizeof(ret->text) - 1) : -1;
	if (len <= 0)
		return false;
	ret->text[len] = '\0';
	ret->len = (size_t)len;
	return true;
}

/* The fields after the command name, which may itself hold blanks and brackets. */
static const char *stat_fields(char *text)
{
	const char *end = strrchr(text, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

static const char *stat_field(const char *fields, unsigned number)
{
	for (unsigned at = 3; fields && at < number; at++) {
		fields = strchr(fields, ' ');
		fields = fields ? fields + 1 : NULL;
	}
	return fields;
}

uint64_t facts_start_ns(uint32_t pid)
{
	char text[1024];
	struct timespec boot, monotonic;
	const char *field;
	int64_t start, asleep;
	long hertz = sysconf(_SC_CLK_TCK);

	if (proc_read(pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	field = stat_field(stat_fields(text), 22);
	if (!field || hertz <= 0)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	asleep = (boot.tv_sec - monotonic.tv_sec) * 1000000000ll + boot.tv_nsec - monotonic.tv_nsec;
	start = (int64_t)(strtoull(field, NULL, 10) * (1000000000ull / (uint64_t)hertz)) - asleep;
	return start > 0 ? (uint64_t)start : 1;
}

uint32_t facts_parent_pid(uint32_t pid)
{
	char text[1024];
	const char *field;

	if (proc_read(pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	field = stat_field(stat_fields(text), 4);
	return field ? (uint32_t)strtoul(field, NULL, 10) : 0;
}

bool facts_cgroup(uint32_t pid, struct path_buffer *ret)
{
	const char *line, *end;

	if (proc_read(pid, "cgroup", ret->text, sizeof(ret->text)) <= 0)
		return false;
	/* The unified hierarchy if there is one, else whichever comes first. */
	line = strstr(ret->text, "0::");
	if (!line || (line != ret->text && line[-1] != '\n'))
		line = ret->text;
	line = strchr(line, ':');
	line = line ? strchr(line + 1, ':') : NULL;
	if (!line)
		return false;
	end = strchrnul(line + 1, '\n');
	ret->len = (size_t)(end - line - 1);
	memmove(ret->text, line + 1, ret->len);
	ret->text[ret->len] = '\0';
	return true;
}

enum root_kind facts_root(uint32_t pid, struct path_buffer *ret)
{
	struct stat ours, theirs, our_mounts, their_mounts;
	char path[64];
	bool is_same;

	ret->len = 0;
	ret->text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	if (!pid || stat("/", &ours) < 0 || stat(path, &theirs) < 0 || !facts_link(pid, "root", ret))
		return ROOT_UNKNOWN;
	is_same = ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	if (stat("/proc/self/ns/mnt", &our_mounts) < 0 || stat(path, &their_mounts) < 0)
		return ROOT_UNKNOWN;
	if (our_mounts.st_ino != their_mounts.st_ino)
		return is_same ? ROOT_OURS : ROOT_ELSEWHERE;
	/* A second mount of our own root is another one: something may be mounted below it. */
	return is_same && !strcmp(ret->text, "/") ? ROOT_OURS : ROOT_OTHER;
}

/* The line of the mapping at address, to be freed; NULL: none. */
static char *mapped_line(uint32_t pid, uint64_t address)
{
	char name[64], *line = NULL;
	unsigned long long start, end;
	size_t room = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%u/maps", pid);
	file = pid ? fopen(name, "re") : NULL;
	while (file && getline(&line, &room, file) > 0) {
		if (sscanf(line, "%llx-%llx", &start, &end) == 2 && address >= start && address < end) {
			fclose(file);
			return line;
		}
	}
	free(line);
	if (file)
		fclose(file);
	return NULL;
}

bool facts_mapped(uint32_t pid, uint64_t address, struct path_buffer *ret)
{
	char *line = mapped_line(pid, address);
	const char *path = line ? strchr(line, '/') : NULL;
	bool is_whole;

	ret->len = path ? strcspn(path, "\n") : 0;
	is_whole = ret->len && ret->len < sizeof(ret->text);
	if (is_whole) {
		memcpy(ret->text, path, ret->len);
		ret->text[ret->len] = '\0';
	}
	free(line);
	return is_whole;
}

bool facts_mapped_file(uint32_t pid, uint64_t address, uint64_t *ret_device, uint64_t *ret_inode)
{
	unsigned number_major = 0, number_minor = 0;
	unsigned long long inode = 0;
	char *line = mapped_line(pid, address);
	bool is_file = line && sscanf(line, "%*x-%*x %*s %*x %x:%x %llu", &number_major,
				      &number_minor, &inode) == 3 &&
		       inode;

	free(line);
	*ret_device = makedev(number_major, number_minor);
	*ret_inode = inode;
	return is_file;
}

bool facts_home(uint32_t uid, struct path_buffer *ret)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) != 0 || !found || !found->pw_dir)
		return false;
	ret->len = strnlen(found->pw_dir, sizeof(ret->text) - 1);
	memcpy(ret->text, found->pw_dir, ret->len);
	ret->text[ret->len] = '\0';
	return true;
}

bool facts_is_gone(uint32_t pid)
{
	char text[1024];
	const char *state;

	if (proc_read(pid, "stat", text, sizeof(text)) <= 0)
		return true;
	state = stat_fields(text);
	return !state || *state == 'Z' || *state == 'X';
}

int facts_pidfd(uint32_t pid)
{
	long fd = pid ? syscall(SYS_pidfd_open, pid, 0) : -1;

	return fd < 0 ? -1 : (int)fd;
}

bool facts_pidfd_is_dead(int pidfd)
{
	struct pollfd entry = { .fd = pidfd, .events = POLLIN };

	return poll(&entry, 1, 0) > 0 && entry.revents;
}

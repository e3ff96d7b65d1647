/* SPDX-License-Identifier: Apache-2.0 */
/* WAY FILE: takes the ground from under the shim, then opens FILE by libc as anybody would. close:
 * closes every descriptor from 3 on; dup: puts /dev/null in the place of each; unmap, protect,
 * readonly, over, away: unmaps the shim's shared memory, takes its rights away, lays other memory
 * over it or moves it; with "libc-" before, by libc's functions, as a program would that clears ranges
 * it knows nothing about. Says on standard error what became of it: taken or refused; without a
 * shim there is nothing to take. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "evade.h"

/* The ring: header and data, and right behind it the data once more. */
static int ring_find(char **ret_start, size_t *ret_bytes)
{
	char line[512], *start, *end, *last = NULL;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "memfd:sowatch") ||
		    sscanf(line, "%p-%p", (void **)&start, (void **)&end) != 2)
			continue;
		if (!last)
			*ret_start = start;
		else if (start != last)
			break;
		last = end;
	}
	if (maps)
		fclose(maps);
	*ret_bytes = last ? (size_t)(last - *ret_start) : 0;
	return last != NULL;
}

static int descriptors_take(const char *way)
{
	struct rlimit limit = { 1024, 1024 };
	int fd;

	if (!strcmp(way, "close"))
		return close_range(3, ~0u, 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	fd = (int)raw3(SYS_open, (long)"/dev/null", O_RDONLY, 0);
	for (int to = 3; to < 1024 && (rlim_t)to < limit.rlim_cur; to++)
		if (to != fd)
			dup2(fd, to);
	return fd < 0;
}

static long memory_take(const char *way, char *start, size_t bytes)
{
	if (!strcmp(way, "unmap"))
		return raw3(SYS_munmap, (long)start, (long)bytes, 0);
	if (!strcmp(way, "protect"))
		return raw3(SYS_mprotect, (long)start, (long)bytes, PROT_NONE);
	if (!strcmp(way, "readonly"))
		return raw3(SYS_mprotect, (long)start, (long)bytes, PROT_READ);
	return raw6(SYS_mmap, (long)start, (long)bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static long memory_take_by_libc(const char *way, char *start, size_t bytes)
{
	if (!strcmp(way, "unmap"))
		return munmap(start, bytes);
	if (!strcmp(way, "protect"))
		return mprotect(start, bytes, PROT_NONE);
	if (!strcmp(way, "readonly"))
		return mprotect(start, bytes, PROT_READ);
	if (!strcmp(way, "away"))
		return (long)mremap(start, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
				    mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	return (long)mmap(start, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

int evade(int argc, char **argv)
{
	char *start;
	size_t bytes;
	int fd;

	if (argc != 2)
		return 2;
	if (!strcmp(argv[0], "close") || !strcmp(argv[0], "dup")) {
		if (descriptors_take(argv[0]))
			return 1;
		fputs("taken\n", stderr);
	} else if (ring_find(&start, &bytes)) {
		long ret = strncmp(argv[0], "libc-", 5) ?
				   memory_take(argv[0], start, bytes) :
				   memory_take_by_libc(argv[0] + 5, start, bytes);

		fputs(ret < 0 && ret > -4096 ? "refused\n" : "taken\n", stderr);
	}
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 && !strcmp(argv[0], "dup")) { /* it left none free */
		close(100);
		fd = open(argv[1], O_RDONLY);
	}
	return fd < 0;
}

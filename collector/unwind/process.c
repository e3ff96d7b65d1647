/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Addresses that are in no mapping make us read the map again; a process that sends nothing else
 * may keep us busy for a twentieth of the time, after a burst. */
#define READ_SHARE 20
#define READ_BURST_NS 20000000ull

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct process **bucket_of(struct processes *processes, uint32_t pid)
{
	return &processes->buckets[pid % PROCESS_BUCKETS];
}

static void list_remove(struct processes *processes, struct process *process)
{
	if (process->newer)
		process->newer->older = process->older;
	else
		processes->newest = process->older;
	if (process->older)
		process->older->newer = process->newer;
	else
		processes->oldest = process->newer;
}

static void list_add(struct processes *processes, struct process *process)
{
	process->newer = NULL;
	process->older = processes->newest;
	if (processes->newest)
		processes->newest->newer = process;
	else
		processes->oldest = process;
	processes->newest = process;
}

/* Shared maps count for each who shares them: the bound is kept, if too early. */
static void process_weigh(struct processes *processes, struct process *process)
{
	size_t bytes = sizeof(*process) + maps_bytes(process->maps) + maps_bytes(process->before);

	processes->bytes += bytes - process->bytes;
	process->bytes = bytes;
}

void process_forget(struct processes *processes, struct process *process)
{
	struct process **at = bucket_of(processes, process->pid);

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	list_remove(processes, process);
	processes->count--;
	processes->bytes -= process->bytes;
	maps_put(process->maps);
	maps_put(process->before);
	free(process);
}

void processes_done(struct processes *processes)
{
	while (processes->oldest)
		process_forget(processes, processes->oldest);
}

static struct process *process_new(struct processes *processes, const struct unwind_who *who)
{
	struct process *process = calloc(1, sizeof(*process));
	struct process **bucket = bucket_of(processes, who->pid);

	if (!process)
		return NULL;
	process->pid = who->pid;
	process->start_ns = who->start_ns;
	process->next = *bucket;
	*bucket = process;
	list_add(processes, process);
	processes->count++;
	process_weigh(processes, process);
	return process;
}

struct process *process_find(struct processes *processes, const struct unwind_who *who, bool make)
{
	struct process *process = *bucket_of(processes, who->pid);

	while (process && (process->pid != who->pid || process->start_ns != who->start_ns))
		process = process->next;
	if (!process && make)
		process = process_new(processes, who);
	if (process && processes->newest != process) {
		list_remove(processes, process);
		list_add(processes, process);
	}
	while (process && processes->oldest != process &&
	       (processes->count > PROCESSES_MAX || processes->bytes > PROCESSES_BYTES_MAX))
		process_forget(processes, processes->oldest);
	return process;
}

/* Another process may have the pid by now. */
static bool is_same(const struct process *process)
{
	uint64_t low, high;

	if (!maps_start_of(process->pid, &low, &high))
		return false;
	return !process->start_ns || (process->start_ns >= low && process->start_ns <= high);
}

static uint64_t debt_paid(const struct process *process, uint64_t now)
{
	uint64_t passed = now - process->read_at_ns;

	return passed < process->debt_ns ? passed : process->debt_ns;
}

void process_read(struct processes *processes, struct process *process, uint32_t tid)
{
	uint64_t start = now_ns();
	struct maps *maps = NULL;

	process->is_stale = false;
	errno = ESRCH;
	/* Asked before and after: the map read in between is then this process's. */
	if (is_same(process)) {
		maps = maps_read(process->pid, tid);
		if (maps && process->start_ns && !is_same(process)) {
			maps_put(maps);
			maps = NULL;
			errno = ESRCH;
		}
	}
	processes->maps_read++;
	if (!maps) {
		process->is_gone = errno == ESRCH;
	} else {
		maps_put(process->before);
		process->before = process->maps;
		process->maps = maps;
		process_weigh(processes, process);
	}
	process->debt_ns -= debt_paid(process, start);
	process->read_at_ns = now_ns();
	process->debt_ns += (process->read_at_ns - start) * READ_SHARE;
}

void process_told(struct processes *processes, struct process *process,
		  const struct region *region, const char *path, size_t path_len)
{
	struct region *there = maps_overlap(process->maps, region->start, region->end);
	struct maps *maps;

	if (there && there->start == region->start && there->end == region->end &&
	    there->inode == region->inode && there->device == region->device) {
		there->told = region->told;
		return;
	}
	maps = maps_with(process->maps, region, path, path_len);
	if (!maps)
		return;
	maps_put(process->maps);
	process->maps = maps;
	process_weigh(processes, process);
}

void process_share(struct processes *processes, struct process *child, const struct process *parent)
{
	maps_put(child->maps);
	maps_put(child->before);
	child->maps = maps_get(parent->maps);
	child->before = maps_get(parent->before);
	child->is_stale = parent->is_stale;
	process_weigh(processes, child);
}

static struct region *find(const struct process *process, uint64_t address, struct maps **ret_maps)
{
	struct region *region = maps_find(process->maps, address);

	*ret_maps = process->maps;
	if (!region) {
		*ret_maps = process->before;
		region = maps_find(process->before, address);
	}
	return region;
}

struct region *process_region(struct processes *processes, struct process *process, uint32_t tid,
			      uint64_t address, bool *may_read, struct maps **ret_maps)
{
	struct region *region;

	if (*may_read && (process->is_stale || (!process->maps && !process->is_gone))) {
		*may_read = false;
		process_read(processes, process, tid);
	}
	region = find(process, address, ret_maps);
	if (region || process->is_gone || !*may_read ||
	    process->debt_ns - debt_paid(process, now_ns()) > READ_BURST_NS)
		return region;
	*may_read = false;
	process_read(processes, process, tid);
	return find(process, address, ret_maps);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose map is which, over time: by pid and start time, the newest used first in a list, the
 * oldest forgotten when there are too many or they hold too much.
 */
#ifndef SOWATCH_UNWIND_PROCESS_H
#define SOWATCH_UNWIND_PROCESS_H

#include "maps.h"

#define PROCESS_BUCKETS 4096u
#define PROCESSES_MAX 16384u
#define PROCESSES_BYTES_MAX (256ull << 20)

struct process {
	struct process *next;	       /* bucket */
	struct process *newer, *older; /* by use */
	uint32_t pid;
	uint64_t start_ns;
	struct maps *maps, *before; /* before: the last one but one, for what was unmapped since */
	uint64_t read_at_ns;
	uint64_t debt_ns; /* how long no guess may make us read again, less what has passed since */
	size_t bytes;
	bool is_stale; /* the caller said so */
	bool is_gone;  /* /proc has it no more: what is known will not get better */
};

struct processes {
	struct process *buckets[PROCESS_BUCKETS];
	struct process *newest, *oldest;
	unsigned count;
	uint64_t bytes, maps_read;
};

/* NULL: out of memory (or, without `make`, unknown). */
struct process *process_find(struct processes *processes, const struct unwind_who *who, bool make);
void process_forget(struct processes *processes, struct process *process);
void processes_done(struct processes *processes);

/* Reads the map again. What it held is kept as `before`, and when nothing can be read, kept. */
void process_read(struct processes *processes, struct process *process, uint32_t tid);
/* One mapping more. What lay there before is gone. */
void process_told(struct processes *processes, struct process *process,
		  const struct region *region, const char *path, size_t path_len);
void process_share(struct processes *processes, struct process *child,
		   const struct process *parent);
/* The mapping of an address; NULL: none is known. *ret_maps is the map it belongs to. At most one
 * reading as long as *may_read, which is then taken away. */
struct region *process_region(struct processes *processes, struct process *process, uint32_t tid,
			      uint64_t address, bool *may_read, struct maps **ret_maps);

#endif

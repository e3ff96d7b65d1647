/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "python_dist.h"

/* When a table is full it is forgotten as a whole: contents then get new ids, nothing else. */
#define CONTENTS_MAX (1u << 21)
#define LOOKUPS_MAX (1u << 18)
#define NUMBERS_MAX (1u << 22)

void live_clock(struct live *live)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	live->now_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
	live->paths.now_ms = (uint32_t)(live->now_ns / 1000000u);
}

int live_init(struct live *live, const char *const *redact, const char *dpkg_directory, char *error,
	      size_t error_bytes)
{
	int result;

	memset(live, 0, sizeof(*live));
	live->epoll_fd = -1;
	if (sodium_init() < 0) {
		snprintf(error, error_bytes, "no source of randomness is available");
		return -EIO;
	}
	randombytes_buf(&live->seed, sizeof(live->seed));
	live->paths.seed = live->seed;
	live->objects.max = live->stacks.max = live->targets.max = CONTENTS_MAX;
	live->chains.max = CONTENTS_MAX;
	live->lookups.max = live->names.max = live->arrived.max = live->places.max = LOOKUPS_MAX;
	live->instances.max = live->pids.max = NUMBERS_MAX;
	live->scratch = malloc(LIVE_SCRATCH_BYTES);
	live->dead = calloc(LIVE_DEAD_MAX, sizeof(*live->dead));
	if (!live->scratch || !live->dead) {
		snprintf(error, error_bytes, "out of memory");
		live_done(live);
		return -ENOMEM;
	}
	result = redactor_new(redact, &live->redactor, error, error_bytes);
	if (result < 0) {
		live_done(live);
		return result;
	}
	live->root_mount = same_mount_id("/");
	live->packages = packages_open(dpkg_directory, live->seed);
	live->dists = dists_new(live->seed);
	live_clock(live);
	return 0;
}

void live_done(struct live *live)
{
	for (uint32_t i = 0; i < live->proc_slots; i++)
		proc_free(live->procs[i]);
	free(live->procs);
	lineage_done(live);
	map_done(&live->objects);
	map_done(&live->stacks);
	map_done(&live->chains);
	map_done(&live->targets);
	map_done(&live->lookups);
	map_done(&live->names);
	map_done(&live->instances);
	map_done(&live->pids);
	map_done(&live->arrived);
	map_done(&live->lookalikes);
	map_done(&live->places);
	paths_done(&live->paths);
	digests_close(live->digests);
	packages_free(live->packages);
	dists_free(live->dists);
	redactor_free(live->redactor);
	queue_done(&live->queue);
	free(live->stack_tops);
	free(live->stack_members);
	free(live->scratch);
	free(live->dead);
	memset(live, 0, sizeof(*live));
}

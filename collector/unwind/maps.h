/* SPDX-License-Identifier: Apache-2.0
 *
 * The executable mappings of a process, as /proc/PID/maps said at one moment. Shared by the
 * processes that came of it by fork, hence counted.
 */
#ifndef SOWATCH_UNWIND_MAPS_H
#define SOWATCH_UNWIND_MAPS_H

#include "object.h"

#define MAPS_REGIONS_MAX 16384u
#define MAPS_PATHS_MAX (4u << 20)

enum region_state {
	REGION_NEW,	/* nobody has asked yet */
	REGION_OBJECT,	/* object and bias are set */
	REGION_FILE,	/* a file, but not one we can read call frames of */
	REGION_NOT_ELF, /* a file that is no ELF object: code that somebody made */
	REGION_ANONYMOUS,
};

struct region {
	uint64_t start, end, offset, device, inode;
	uint64_t bias;
	struct object *object;
	uint32_t path, path_len; /* in the map's paths */
	uint8_t state;
	uint8_t told; /* unwind_mapping's */
	bool is_deleted;
};

struct maps {
	unsigned refs;
	uint64_t serial; /* never used for another map */
	uint32_t count, room;
	uint32_t paths_len, paths_room;
	struct region *regions; /* ascending */
	char *paths;
	int64_t read_realtime_ns;
};

/* A referenced map; NULL with errno: ESRCH the process is gone or has no memory of its own any
 * more, ENOMEM. tid is asked when the leader has gone before its threads. */
struct maps *maps_read(uint32_t pid, uint32_t tid);
struct maps *maps_get(struct maps *maps);
void maps_put(struct maps *maps);
size_t maps_bytes(const struct maps *maps);

struct region *maps_find(const struct maps *maps, uint64_t address);
/* Some region that has a part of start..end; NULL: none. */
struct region *maps_overlap(const struct maps *maps, uint64_t start, uint64_t end);
/* A referenced map with what maps (may be NULL) has and one region more, in place of those that it
 * overlaps; NULL: out of memory, or too many. */
struct maps *maps_with(const struct maps *maps, const struct region *region, const char *path,
		       size_t path_len);
/* Opens what is mapped there, when that was not done before. pid: a process that has this map now,
 * or 0 when none is known to. */
void maps_bind(struct maps *maps, struct region *region, struct objects *objects, uint32_t pid,
	       uint32_t tid);

/* CLOCK_MONOTONIC start of the process that has that pid now lies within ret_low..ret_high, as
 * far as /proc and a clock that was suspended can tell. */
bool maps_start_of(uint32_t pid, uint64_t *ret_low_ns, uint64_t *ret_high_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tail calls: `return system(x)` in a library compiles to a jump, and the library is not on the
 * stack. What is left of it is the call before the return address: it names a function in another
 * object than the one that we are in, so that function ran and jumped on.
 */
#ifndef SOWATCH_UNWIND_JUMPS_H
#define SOWATCH_UNWIND_JUMPS_H

#include "maps.h"

#define JUMPS_MAX 4

struct jump {
	struct region *region; /* REGION_OBJECT */
	uint64_t offset;       /* of the function, in the object's own terms */
};

struct jumps {
	struct jump list[JUMPS_MAX]; /* the one that was called first */
	unsigned count;
	bool is_unknown;  /* somebody ran in between, and nobody can say who */
	bool is_indirect; /* through a register: it cannot be seen whether somebody did */
};

/* Results that were found before. Those that name objects hold for one map. */
#define JUMPS_CACHE_BITS 14
struct jump_memo {
	uint64_t caller, offset, callee; /* ids of objects; caller 0: free */
	uint64_t map;
	struct jumps jumps;
};

/* Whose memory it is. */
struct jumps_scope {
	struct maps *maps;
	struct objects *objects;
	uint32_t pid, tid;	 /* as for maps_bind() */
	struct jump_memo *memos; /* 1 << JUMPS_CACHE_BITS */
};

/* Who ran between the call that ends at offset of caller and the code of callee (NULL: in no
 * object). */
void jumps_find(const struct jumps_scope *scope, struct object *caller, uint64_t offset,
		struct object *callee, struct jumps *ret_jumps);

#endif

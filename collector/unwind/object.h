/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are mapped somewhere, each content opened and read once. The file itself is closed
 * again: sowatch may watch thousands of them. Whoever holds an object holds a reference; what
 * nobody holds is forgotten when room is needed.
 */
#ifndef SOWATCH_UNWIND_OBJECT_H
#define SOWATCH_UNWIND_OBJECT_H

#include <sys/stat.h>

#include "cfi.h"
#include "code.h"
#include "symbols.h"
#include "unwind.h"

#define OBJECT_BUCKETS 256
#define OBJECTS_MAX 2048u		 /* unreferenced ones go beyond it */
#define OBJECTS_BYTES_MAX (512ull << 20) /* of call frames and symbols: no more are loaded */

struct object {
	struct unwind_object shown; /* first: handed out and cast back in one place */
	struct object *next;
	unsigned refs;
	bool is_code; /* x86-64; of others only the identity is known */
	uint64_t entry;
	uint64_t init[2]; /* first instruction of _init, _fini, when it is "sub $8,%rsp"; or 0 */
	unsigned segment_count;
	struct elf_segment segments[ELF_FILE_SEGMENTS]; /* PT_LOAD only */
	struct cfi cfi;
	struct symbols symbols;
	struct code code;
	size_t bytes;
	/* With device and inode: the content. ctime cannot be set by anyone. */
	int64_t size, mtime_ns, ctime_ns;
};

struct objects {
	struct object *buckets[OBJECT_BUCKETS];
	struct object *vdso;
	bool is_vdso_tried;
	unsigned count;
	uint64_t bytes, next_id, opened, failed;
};

/* A referenced object for an open file. 0; -ENOEXEC: not ELF; -EIO, -ENOMEM. fd stays the
 * caller's. */
int objects_get(struct objects *objects, int fd, struct object **ret_object);
/* This kernel's vDSO, from our own process; NULL when it cannot be had, or when its size is
 * another (a 32-bit process has another one). */
struct object *objects_get_vdso(struct objects *objects, uint64_t bytes);
void object_put(struct object *object);
void objects_done(struct objects *objects);

/* Load bias of a mapping of file range [offset, offset + bytes) at start. False: no segment of the
 * object says that it should be mapped. */
bool object_bias(const struct object *object, uint64_t start, uint64_t offset, uint64_t *ret_bias);

#endif

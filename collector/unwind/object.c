/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* _init and _fini are pieced together from crti.o and crtn.o, which carry no call frame
 * information: "[endbr64] sub $8,%rsp" is all their prologue does. */
static uint64_t init_check(const struct elf_file *elf, uint64_t address)
{
	uint8_t bytes[8];

	if (!address || !elf_file_read_at(elf, address, bytes, sizeof(bytes)))
		return 0;
	if (!memcmp(bytes, "\xf3\x0f\x1e\xfa\x48\x83\xec\x08", 8))
		return address + 4;
	return memcmp(bytes, "\x48\x83\xec\x08", 4) ? 0 : address;
}

static void object_find_init(struct object *object, const struct elf_file *elf)
{
	static const char *const names[2] = {".init", ".fini"};

	for (unsigned i = 0; i < 2; i++) {
		const struct elf_section *section = elf_file_section(elf, names[i]);

		if (section)
			object->init[i] = init_check(elf, section->address);
	}
}

static void object_load(struct objects *objects, struct object *object, const struct elf_file *elf)
{
	object->is_code = elf->is_64;
	object->entry = elf->entry;
	for (unsigned i = 0; i < elf->segment_count; i++) {
		if (elf->segments[i].type == PT_LOAD)
			object->segments[object->segment_count++] = elf->segments[i];
	}
	elf_file_build_id(elf, object->shown.build_id);
	object->bytes = sizeof(*object);
	if (elf->is_64 && objects->bytes < OBJECTS_BYTES_MAX) {
		object_find_init(object, elf);
		cfi_load(&object->cfi, elf);
		symbols_load(&object->symbols, elf);
		code_load(&object->code, elf, &object->symbols);
		object->bytes += cfi_bytes(&object->cfi) + symbols_bytes(&object->symbols) +
				 code_bytes(&object->code);
	}
}

static void object_free(struct objects *objects, struct object *object)
{
	objects->count--;
	objects->bytes -= object->bytes;
	cfi_done(&object->cfi);
	symbols_done(&object->symbols);
	code_done(&object->code);
	free(object);
}

static void objects_trim(struct objects *objects)
{
	for (unsigned i = 0; i < OBJECT_BUCKETS; i++) {
		struct object **at = &objects->buckets[i];

		while (*at) {
			struct object *object = *at;

			if (object->refs) {
				at = &object->next;
			} else {
				*at = object->next;
				object_free(objects, object);
			}
		}
	}
}

static struct object *object_new(struct objects *objects, const struct elf_file *elf)
{
	struct object *object;

	if (objects->count >= OBJECTS_MAX || objects->bytes >= OBJECTS_BYTES_MAX)
		objects_trim(objects);
	object = calloc(1, sizeof(*object));
	if (!object)
		return NULL;
	object_load(objects, object, elf);
	object->refs = 1;
	object->shown.id = ++objects->next_id;
	objects->count++;
	objects->bytes += object->bytes;
	objects->opened++;
	return object;
}

static bool object_is(const struct object *object, const struct stat *st)
{
	return object->shown.inode == st->st_ino && object->shown.device == st->st_dev &&
	       object->size == st->st_size && object->mtime_ns == nanoseconds(&st->st_mtim) &&
	       object->ctime_ns == nanoseconds(&st->st_ctim);
}

int objects_get(struct objects *objects, int fd, struct object **ret_object)
{
	struct object **bucket, *object;
	struct elf_file elf;
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0)
		return -EIO;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return -ENOEXEC;
	bucket = &objects->buckets[(st.st_ino * 0x9e3779b97f4a7c15ull >> 40) % OBJECT_BUCKETS];
	for (object = *bucket; object; object = object->next) {
		if (object_is(object, &st)) {
			object->refs++;
			*ret_object = object;
			return 0;
		}
	}
	error = elf_file_open(&elf, fd, NULL, (uint64_t)st.st_size);
	object = error ? NULL : object_new(objects, &elf);
	if (!object) {
		objects->failed++;
		return error ? error : -ENOMEM;
	}
	object->shown.device = st.st_dev;
	object->shown.inode = st.st_ino;
	object->shown.is_deleted = st.st_nlink == 0;
	object->size = st.st_size;
	object->mtime_ns = nanoseconds(&st.st_mtim);
	object->ctime_ns = nanoseconds(&st.st_ctim);
	/* object_new may have trimmed: the bucket's head is read only now. */
	object->next = *bucket;
	*bucket = object;
	*ret_object = object;
	return 0;
}

static struct object *vdso_open(struct objects *objects)
{
	unsigned long start = 0, end = 0;
	struct elf_file elf;
	struct object *object;
	char line[512];
	FILE *file = fopen("/proc/self/maps", "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, " [vdso]\n") && sscanf(line, "%lx-%lx", &start, &end) == 2)
			break;
		start = end = 0;
	}
	if (file)
		fclose(file);
	if (start >= end || elf_file_open(&elf, -1, (const uint8_t *)start, end - start))
		return NULL;
	object = object_new(objects, &elf);
	if (object) {
		object->shown.is_vdso = true;
		object->size = (int64_t)(end - start);
	}
	return object;
}

struct object *objects_get_vdso(struct objects *objects, uint64_t bytes)
{
	if (!objects->is_vdso_tried)
		objects->vdso = vdso_open(objects);
	objects->is_vdso_tried = true;
	if (!objects->vdso || (uint64_t)objects->vdso->size != bytes)
		return NULL;
	objects->vdso->refs++;
	return objects->vdso;
}

void object_put(struct object *object)
{
	if (object)
		object->refs--;
}

void objects_done(struct objects *objects)
{
	objects_trim(objects);
	if (objects->vdso)
		object_free(objects, objects->vdso);
	objects->vdso = NULL;
}

bool object_bias(const struct object *object, uint64_t start, uint64_t offset, uint64_t *ret_bias)
{
	const struct elf_segment *best = NULL;

	for (unsigned i = 0; i < object->segment_count; i++) {
		const struct elf_segment *segment = &object->segments[i];
		uint64_t from = segment->offset & ~UINT64_C(4095);

		if (offset < from ||
		    offset - from >= segment->file_bytes + (segment->offset - from))
			continue;
		if (!best || ((segment->flags & PF_X) && !(best->flags & PF_X)))
			best = segment;
	}
	if (!best)
		return false;
	*ret_bias = start - offset + best->offset - best->vaddr;
	return true;
}

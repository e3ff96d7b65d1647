/* SPDX-License-Identifier: Apache-2.0
 *
 * A mapped object as the shim describes it -> what it is on this machine. Soname and build-id are
 * memory's truth and come from the wire; path, inode and package are the disk's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "live.h"

/* Does that name still lead to what was run or mapped? */
static bool is_still(struct live *live, const char *path, const struct stat *st,
		     const struct seen_file *seen)
{
	return !seen || !seen->inode || mounts_same(live, path, st, seen) != SAME_NO;
}

void object_locate_seen(struct live *live, const struct proc *proc, struct str path,
			bool is_recorded, const struct seen_file *seen,
			struct item_object *object, struct path_buffer *real)
{
	struct path_buffer host;
	const struct package *package;
	struct stat st;
	bool is_there;

	if (is_recorded && proc->view.outside) {
		paths_normalise(path.data, path.len, real);
	} else {
		paths_real(&live->paths, &proc->view, proc->cwd, strlen(proc->cwd), path.data,
			   path.len, true, real);
		paths_record(&proc->view, real);
	}
	if (!mounts_is_seen(live, proc, real->text, seen)) {
		mounts_mark(live, proc, seen, real);
		object->path = (struct str){ real->text, (uint32_t)real->len };
		return;
	}
	if (proc->mounts.number)
		host = *real; /* one file, and the process may be gone */
	else
		paths_host_recorded(&proc->view, real->text, &host);
	is_there = stat(host.text, &st) == 0;
	if (is_there && !is_still(live, host.text, &st, seen)) {
		object->is_deleted = true;
	} else if (is_there) {
		object->device = st.st_dev;
		object->inode = st.st_ino;
		if (live->digests) {
			snprintf(live->located, sizeof(live->located), "%s", host.text);
			live->located_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000ull +
					   (uint64_t)st.st_mtim.tv_nsec;
		}
	} else if (errno == ENOENT || errno == ENOTDIR) {
		object->is_deleted = true;
		paths_strip_deleted(real);
	}
	object->path = (struct str){ real->text, (uint32_t)real->len };
	/* Another root has another dpkg. */
	if (object->is_deleted || (proc->view.root[0] && !proc->mounts.number))
		return;
	package = packages_find(live->packages, real->text);
	if (!package)
		return;
	object->package = (struct str){ package->name, (uint32_t)strlen(package->name) };
	object->package_version =
		(struct str){ package->version, (uint32_t)strlen(package->version) };
}

void object_locate(struct live *live, const struct proc *proc, struct str path, bool is_recorded,
		   struct item_object *object, struct path_buffer *real)
{
	object_locate_seen(live, proc, path, is_recorded, NULL, object, real);
}

/* Of a mapping that forked children have, too. */
static struct key place_key(const struct live *live, const struct wire_object *record,
			    struct str build_id)
{
	struct {
		uint64_t start, base;
		char build_id[2 * 64];
	} place = { record->start, record->base, "" };

	memcpy(place.build_id, build_id.data, build_id.len);
	return key_of(live->seed, &place, sizeof(place));
}

uint32_t object_of_wire(struct live *live, struct proc *proc, const struct wire_object *record,
			const struct str strings[3], const struct seen_file *seen)
{
	static const char digits[] = "0123456789abcdef";
	struct item_object object = { .kind = OBJECT_ELF, .soname = strings[1] };
	struct path_buffer real, mapped;
	char hex[2 * 64];
	size_t raw = strings[2].len < sizeof(hex) / 2 ? strings[2].len : sizeof(hex) / 2;
	struct map_entry *place;
	struct key key;
	uint32_t id;

	if (record->head.flags & WIRE_OBJECT_SHIM)
		return OBJECT_OURS;
	for (size_t i = 0; i < raw; i++) {
		hex[2 * i] = digits[(uint8_t)strings[2].data[i] >> 4];
		hex[2 * i + 1] = digits[(uint8_t)strings[2].data[i] & 15];
	}
	object.build_id = (struct str){ hex, (uint32_t)(2 * raw) };
	object.is_main = record->head.flags & WIRE_OBJECT_MAIN;
	object.is_vdso = record->head.flags & WIRE_OBJECT_VDSO;
	key = place_key(live, record, object.build_id);
	if (object.is_vdso)
		object.path = STR_LIT("[vdso]");
	else if (object.is_main && proc->exe[0])
		object_locate_seen(live, proc, (struct str){ proc->exe, (uint32_t)strlen(proc->exe) },
				   true, &proc->exe_seen, &object, &real);
	else if (proc->view.outside && facts_mapped(proc->pid, record->start, &mapped))
		/* It may have been mapped before the root was changed. */
		object_locate_seen(live, proc, (struct str){ mapped.text, (uint32_t)mapped.len },
				   true, seen, &object, &real);
	else if (proc->view.outside && proc->how == PROCESS_FORK && raw &&
		 (place = map_find(&live->places, key)))
		return place->value; /* it is gone, and had its parent's mappings */
	else if (strings[0].len)
		object_locate_seen(live, proc, strings[0], false, seen, &object, &real);
	id = define_object(live, &object);
	place = raw ? map_add(&live->places, key) : NULL;
	if (place)
		place->value = id;
	return id;
}

void object_code_made(struct live *live, struct proc *proc, enum codes_kind kind, uint64_t start,
		      uint64_t bytes, uint32_t maker, uint64_t time_ns)
{
	struct item_object object = { .kind = OBJECT_CODE, .maker = maker };
	struct code_range range = { .start = start, .end = start + bytes, .time_ns = time_ns };

	if (!bytes || range.end < start)
		return;
	if (maker)
		range.object = define_object(live, &object);
	codes_set(&proc->codes[kind], &range);
}

/* What a ring says of memory may come before the kernel's record of who made it, which is why the
 * ring tells that, too. What was made past the shim only the kernel tells: the later one counts. */
uint32_t object_of_code(const struct proc *proc, enum codes_kind kind, uint64_t address)
{
	const struct code_range *range = codes_find(&proc->codes[kind], address);
	const struct code_range *seen;

	if (kind == CODES_TOLD) {
		seen = codes_find(&proc->codes[CODES_SEEN], address);
		if (seen && (!range || seen->time_ns > range->time_ns))
			range = seen;
	}
	return range ? range->object : 0;
}

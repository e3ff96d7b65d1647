/* SPDX-License-Identifier: Apache-2.0
 *
 * Which object an address belongs to, and telling the collector about each object once. Lock-free:
 * two threads that meet at a new object may define it twice under two ids, which is harmless.
 */
#include <sys/auxv.h>

#include "hook.h"
#include "mount.h"

#define OBJECTS 1024u /* power of two */
#define PROBES 16u
#define ID_BITS 24

/* One word an object: what tells it apart above, id below, so that a pair is never torn. The place
 * alone would not do: between an unmapping and the forgetting after it another thread may already
 * have loaded something else there, and libc unloads objects of its own without telling. */
static TABLE uint64_t objects[OBJECTS];
static uint32_t next_id;
static uint64_t shim_start, shim_end;

void objects_init(void)
{
	struct dl_find_object self;

	if (_dl_find_object((void *)objects_init, &self) == 0) {
		shim_start = (uint64_t)self.dlfo_map_start;
		shim_end = (uint64_t)self.dlfo_map_end;
	}
}

bool object_is_shim(uint64_t pc)
{
	return pc - shim_start < shim_end - shim_start;
}

static const ElfW(Phdr) *header_segments(const void *start, unsigned *ret_count)
{
	const ElfW(Ehdr) *header = start;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_phentsize != sizeof(ElfW(Phdr)) ||
	    header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) > 4096)
		return NULL;
	*ret_count = header->e_phnum;
	return (const void *)((const char *)header + header->e_phoff);
}

/* The program headers, in the first page where every linker puts them. A file with holes between
 * its segments is one object per segment to the loader (node is): there the kernel knows where those
 * of the executable are, and a library has them where its addresses begin. */
static const ElfW(Phdr) *object_segments(const struct dl_find_object *object, unsigned *ret_count)
{
	const struct link_map *map = object->dlfo_link_map;
	const ElfW(Phdr) *segments = header_segments(object->dlfo_map_start, ret_count);
	struct dl_find_object first;

	if (segments)
		return segments;
	*ret_count = 0;
	if (!map->l_name || !map->l_name[0]) {
		segments = (const void *)getauxval(AT_PHDR);
		*ret_count = segments ? (unsigned)getauxval(AT_PHNUM) : 0;
		return segments;
	}
	if (_dl_find_object((void *)map->l_addr, &first) < 0 || first.dlfo_link_map != map)
		return NULL;
	return header_segments((const void *)map->l_addr, ret_count);
}

static bool segments_hold(const ElfW(Phdr) *segment, unsigned count, uint64_t base,
			  uint64_t address, uint64_t bytes)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t start = base + segment[i].p_vaddr;

		if (segment[i].p_type == PT_LOAD && (segment[i].p_flags & PF_R) &&
		    address >= start && bytes <= segment[i].p_memsz &&
		    address - start <= segment[i].p_memsz - bytes)
			return true;
	}
	return false;
}

bool object_holds(uint64_t address, unsigned bytes)
{
	struct dl_find_object object;
	const ElfW(Phdr) * segment;
	unsigned count;

	if (_dl_find_object((void *)address, &object) < 0)
		return false;
	segment = object_segments(&object, &count);
	return segments_hold(segment, count, object.dlfo_link_map->l_addr, address, bytes);
}

static struct blob note_build_id(const char *at, const char *end)
{
	while (end - at >= (long)sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)at;
		uint64_t name = (note->n_namesz + 3ull) & ~3ull;
		uint64_t body = (note->n_descsz + 3ull) & ~3ull;

		if (sizeof(*note) + name + body > (uint64_t)(end - at))
			break;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    !memcmp(at + sizeof(*note), "GNU", 4) && note->n_descsz <= 64)
			return (struct blob){ at + sizeof(*note) + name, note->n_descsz };
		at += sizeof(*note) + name + body;
	}
	return (struct blob){ NULL, 0 };
}

static struct blob object_build_id(const struct dl_find_object *object)
{
	uint64_t base = object->dlfo_link_map->l_addr;
	struct blob id = { NULL, 0 };
	unsigned count;
	const ElfW(Phdr) *segment = object_segments(object, &count);

	for (unsigned i = 0; i < count && !id.data; i++) {
		uint64_t at = base + segment[i].p_vaddr;

		if (segment[i].p_type == PT_NOTE &&
		    segments_hold(segment, count, base, at, segment[i].p_memsz))
			id = note_build_id((const char *)at, (const char *)at + segment[i].p_memsz);
	}
	return id;
}

static const char *object_soname(const struct link_map *map)
{
	const char *strings = NULL;
	const ElfW(Dyn) *soname = NULL;

	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SONAME)
			soname = d;
		else if (d->d_tag == DT_STRTAB)
			strings = (const char *)(d->d_un.d_ptr < map->l_addr ?
							 d->d_un.d_ptr + map->l_addr :
							 d->d_un.d_ptr);
	}
	return soname && strings ? strings + soname->d_un.d_val : "";
}

static bool object_publish(uint32_t id, const struct dl_find_object *object)
{
	const struct link_map *map = object->dlfo_link_map;
	struct blob build_id = object_build_id(object);
	const char *soname = object_soname(map);
	const char *path = map->l_name ? map->l_name : "";
	uint32_t path_bytes = (uint32_t)strnlen(path, 4095);
	uint32_t soname_bytes = (uint32_t)strnlen(soname, 255);
	uint32_t mount = mount_here();
	struct wire_file file;
	uint32_t file_bytes =
		mount_mapped(mount, (uint64_t)object->dlfo_map_start, &file) ? sizeof(file) : 0;
	uint32_t bytes = ring_round((uint32_t)sizeof(struct wire_object) + path_bytes +
				    soname_bytes + build_id.bytes + file_bytes);
	struct wire_object *record = ring_reserve(bytes, WIRE_FAMILY_META);
	unsigned flags = 0;
	char *at;

	if (!record)
		return false;
	record->base = map->l_addr;
	record->start = (uint64_t)object->dlfo_map_start;
	record->end = (uint64_t)object->dlfo_map_end;
	record->id = id;
	record->path_len = (uint16_t)path_bytes;
	record->soname_len = (uint16_t)soname_bytes;
	record->build_id_len = (uint16_t)build_id.bytes;
	record->mount = mount;
	at = (char *)(record + 1);
	at = mempcpy(at, path, path_bytes);
	at = mempcpy(at, soname, soname_bytes);
	at = mempcpy(at, build_id.data ? build_id.data : "", build_id.bytes);
	memcpy(at, &file, file_bytes);
	if (file_bytes)
		flags |= WIRE_OBJECT_FILE;
	if (!path_bytes)
		flags |= WIRE_OBJECT_MAIN;
	if (object_is_shim(record->start))
		flags |= WIRE_OBJECT_SHIM;
	if (!strncmp(path, "linux-vdso", 10))
		flags |= WIRE_OBJECT_VDSO;
	ring_commit(record, bytes, WIRE_OBJECT, flags);
	return true;
}

/* A table that forgets costs nothing but another definition, so nobody waits for anybody here. */
void objects_forget(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		__atomic_store_n(&objects[i], 0, __ATOMIC_RELAXED);
}

static uint64_t object_tag(const struct dl_find_object *object)
{
	const struct link_map *map = object->dlfo_link_map;
	uint64_t hash = (uint64_t)object->dlfo_map_start;

	hash = (hash ^ (uint64_t)object->dlfo_map_end) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ hash >> 29 ^ (uint64_t)map->l_ld) * 0x9e3779b97f4a7c15ull;
	for (const char *c = map->l_name; c && *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
	hash ^= hash >> 32;
	return hash >> ID_BITS ? hash >> ID_BITS : 1;
}

uint32_t object_next_id(void)
{
	return __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED) & ((1u << ID_BITS) - 1);
}

uint32_t object_id(uint64_t pc, uint64_t *ret_base)
{
	struct dl_find_object object;
	uint64_t tag, *place = NULL;
	uint32_t id, first;

	if (_dl_find_object((void *)pc, &object) < 0)
		return 0;
	*ret_base = object.dlfo_link_map->l_addr;
	tag = object_tag(&object);
	first = (uint32_t)tag;
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t *at = &objects[(first + i) % OBJECTS];
		uint64_t word = __atomic_load_n(at, __ATOMIC_ACQUIRE);

		if (word >> ID_BITS == tag)
			return (uint32_t)word & ((1u << ID_BITS) - 1);
		if (!word && !place)
			place = at;
	}
	id = object_next_id();
	if (!id || !object_publish(id, &object))
		return 0;
	if (!place)
		place = &objects[first % OBJECTS];
	__atomic_store_n(place, tag << ID_BITS | id, __ATOMIC_RELEASE);
	return id;
}

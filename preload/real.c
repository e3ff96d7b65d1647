/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the functions we stand in front of: what dlsym(RTLD_NEXT) would answer, without its locks
 * and at a tenth of its cost, because every process pays this at start. The objects after us in
 * the loader's list are searched in order through their GNU hash tables; the default version wins,
 * as in an unversioned look-up. Anything unusual (IFUNC, no GNU hash table) goes to dlsym.
 *
 * No string functions of libc's: a sanitizer has put its own in front of them, and those may not be
 * called before it is ready.
 */
#include "hook.h"

struct real real;

struct symbols {
	const ElfW(Sym) * table;
	const char *strings;
	const uint16_t *versions;
	const uint32_t *hash;
	uint64_t base;
};

/* Names one after the other: an array of pointers would be 150 relocations and a page copied in
 * every process that starts. */
static const char names[] =
#define HOOK(family, kind, ret, name, params) #name "\0"
#include "hooks.tbl.h"
#undef HOOK
	;

static bool is_same(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (!*a)
			return true;
	return false;
}

static bool is_vdso(const char *name)
{
	static const char prefix[] = "linux-vdso";

	for (unsigned i = 0; i < sizeof(prefix) - 1; i++)
		if (name[i] != prefix[i])
			return false;
	return true;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (uint8_t)*name;
	return h;
}

static bool symbols_of(const struct link_map *map, struct symbols *ret)
{
	/* ld.so has made these addresses absolute, except in objects it did not relocate itself
	 * (the vDSO), where they are still small. */
	ret->table = NULL;
	ret->strings = NULL;
	ret->versions = NULL;
	ret->hash = NULL;
	ret->base = map->l_addr;
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		uint64_t address = d->d_un.d_ptr;

		if (address < map->l_addr)
			address += map->l_addr;
		if (d->d_tag == DT_SYMTAB)
			ret->table = (const void *)address;
		else if (d->d_tag == DT_STRTAB)
			ret->strings = (const void *)address;
		else if (d->d_tag == DT_VERSYM)
			ret->versions = (const void *)address;
		else if (d->d_tag == DT_GNU_HASH)
			ret->hash = (const void *)address;
	}
	return ret->table && ret->strings && ret->hash;
}

static const ElfW(Sym) * symbols_find(const struct symbols *s, const char *name, uint32_t hash)
{
	uint32_t buckets = s->hash[0], first = s->hash[1], words = s->hash[2], shift = s->hash[3];
	const uint64_t *bloom = (const uint64_t *)(s->hash + 4);
	const uint32_t *bucket = (const uint32_t *)(bloom + words);
	const uint32_t *chain = bucket + buckets;
	uint64_t word;

	if (!buckets || !words)
		return NULL;
	word = bloom[(hash / 64) & (words - 1)];
	if (!((word >> (hash % 64)) & (word >> ((hash >> shift) % 64)) & 1))
		return NULL;
	for (uint32_t i = bucket[hash % buckets]; i >= first; i++) {
		const ElfW(Sym) *symbol = &s->table[i];
		uint32_t h = chain[i - first];

		if ((h | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
		    !(s->versions && (s->versions[i] & 0x8000)) &&
		    is_same(s->strings + symbol->st_name, name))
			return symbol;
		if (h & 1)
			break;
	}
	return NULL;
}

static void *symbol_address(const struct symbols *object, const ElfW(Sym) *symbol, const char *name)
{
	if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
		return dlsym(RTLD_NEXT, name);
	return (void *)(object->base + symbol->st_value);
}

static const struct link_map *map_next(void)
{
	struct dl_find_object self;

	return &_dl_find_object && _dl_find_object((void *)map_next, &self) == 0 ?
		       self.dlfo_link_map->l_next :
		       NULL;
}

void *real_find(const char *name)
{
	uint32_t hash = gnu_hash(name);

	for (const struct link_map *map = map_next(); map; map = map->l_next) {
		struct symbols object;
		const ElfW(Sym) *symbol;

		if (symbols_of(map, &object) && (symbol = symbols_find(&object, name, hash)))
			return symbol_address(&object, symbol, name);
	}
	return NULL;
}

static long real_missing(void)
{
	errno = ENOSYS;
	return -1;
}

/* Fills in what these objects have of what is still missing. struct real is nothing but function
 * pointers in the table's order. */
static void real_search(const struct symbols *objects, unsigned count)
{
	void **place = (void **)&real;

	for (const char *name = names; *name; name++, place++) {
		uint32_t hash = gnu_hash(name);

		for (unsigned i = 0; i < count && !*place; i++) {
			const ElfW(Sym) *symbol = symbols_find(&objects[i], name, hash);

			if (symbol)
				*place = symbol_address(&objects[i], symbol, name);
		}
		while (*name)
			name++;
	}
}

#define BATCH 32

int real_init(void)
{
	struct symbols objects[BATCH];
	void **place = (void **)&real;
	const struct link_map *map = map_next();
	bool is_odd = !map;
	unsigned count = 0;

	for (; map && !is_odd; map = map->l_next) {
		if (symbols_of(map, &objects[count]))
			count++;
		else
			is_odd = map->l_name && map->l_name[0] && !is_vdso(map->l_name);
		if (count == BATCH || !map->l_next) {
			real_search(objects, count);
			count = 0;
		}
	}
	for (const char *name = names; *name; name++, place++) {
		if (is_odd)
			*place = dlsym(RTLD_NEXT, name);
		if (!*place)
			*place = (void *)real_missing;
		while (*name)
			name++;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the functions we stand in front of: what dlsym(RTLD_NEXT) would answer at start, without
 * its locks. The objects after us in the loader's list are searched in order through their GNU hash
 * tables; the default version wins, as in an unversioned look-up. Anything unusual (IFUNC, no GNU
 * hash table) goes to dlsym.
 *
 * Each is looked for when it is first called: most programs call few of them, and all of them
 * together were 15 us of every start. Until then its place holds a few instructions that look, put
 * the answer there and jump to it. Only objects that were there at start are searched: they stay.
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

/* Names one after the other, and where each begins: an array of pointers would be 150 relocations
 * and a page copied in every process that starts. */
struct names {
#define HOOK(family, kind, ret, name, params) char name[sizeof(#name)];
#include "hooks.tbl.h"
#undef HOOK
};
static const struct names names = {
#define HOOK(family, kind, ret, name, params) #name,
#include "hooks.tbl.h"
#undef HOOK
};
static const uint16_t name_at[] = {
#define HOOK(family, kind, ret, name, params) offsetof(struct names, name),
#include "hooks.tbl.h"
#undef HOOK
};
#define COUNT (sizeof(name_at) / sizeof(*name_at))
_Static_assert(COUNT == HOOK_COUNT - 1, "the table begins at 1");

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

/* The last object of the start. */
static const struct link_map *map_last;

void *real_find(const char *name)
{
	uint32_t hash = gnu_hash(name);

	for (const struct link_map *map = map_next(); map; map = map->l_next) {
		struct symbols object;
		const ElfW(Sym) *symbol;

		if (symbols_of(map, &object) && (symbol = symbols_find(&object, name, hash)))
			return symbol_address(&object, symbol, name);
		if (map == map_last)
			break;
	}
	return NULL;
}

void *real_find_anywhere(const char *name)
{
	uint32_t hash = gnu_hash(name);
	const struct link_map *map = map_next();

	while (map && map->l_prev)
		map = map->l_prev;
	for (; map; map = map->l_next) {
		struct symbols object;
		const ElfW(Sym) *symbol;

		if (symbols_of(map, &object) && (symbol = symbols_find(&object, name, hash)))
			return (void *)(object.base + symbol->st_value);
	}
	return NULL;
}

static long real_missing(void)
{
	errno = ENOSYS;
	return -1;
}

/* Any number of threads and handlers may be here at once: they find the same. */
__attribute__((used)) static void *real_resolve(uint32_t index)
{
	const char *name = (const char *)&names + name_at[index];
	void *function = real_find(name);

	if (!function)
		function = (void *)real_missing;
	__atomic_store_n((void **)&real + index, function, __ATOMIC_RELAXED);
	return function;
}

/* A stub is STUB_BYTES of code that leaves everything but r11 as the caller had it. */
#define STUB_BYTES 16
extern const char real_stubs[] __attribute__((visibility("hidden")));
__asm__(".text\n"
	".balign 16\n"
	"real_stubs:\n"
	".cfi_startproc\n"
	"	.Lindex = 0\n"
#define HOOK(family, kind, ret, name, params)                                                      \
	"	.balign 16\n"                                                                      \
	"	mov $.Lindex, %r11d\n"                                                             \
	"	jmp real_lazy\n"                                                                   \
	"	.Lindex = .Lindex + 1\n"
#include "hooks.tbl.h"
#undef HOOK
	".cfi_endproc\n"
	"real_lazy:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %rbp, 0\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register %rbp\n"
	"	and $-16, %rsp\n" /* the caller's need not be aligned, dlsym wants it so */
	"	sub $192, %rsp\n"
	"	mov %rdi, (%rsp)\n"
	"	mov %rsi, 8(%rsp)\n"
	"	mov %rdx, 16(%rsp)\n"
	"	mov %rcx, 24(%rsp)\n"
	"	mov %r8, 32(%rsp)\n"
	"	mov %r9, 40(%rsp)\n"
	"	mov %rax, 48(%rsp)\n" /* how many vector registers, where there may be any */
	"	mov %r10, 56(%rsp)\n"
	"	movaps %xmm0, 64(%rsp)\n"
	"	movaps %xmm1, 80(%rsp)\n"
	"	movaps %xmm2, 96(%rsp)\n"
	"	movaps %xmm3, 112(%rsp)\n"
	"	movaps %xmm4, 128(%rsp)\n"
	"	movaps %xmm5, 144(%rsp)\n"
	"	movaps %xmm6, 160(%rsp)\n"
	"	movaps %xmm7, 176(%rsp)\n"
	"	mov %r11d, %edi\n"
	"	call real_resolve\n"
	"	mov %rax, %r11\n"
	"	mov (%rsp), %rdi\n"
	"	mov 8(%rsp), %rsi\n"
	"	mov 16(%rsp), %rdx\n"
	"	mov 24(%rsp), %rcx\n"
	"	mov 32(%rsp), %r8\n"
	"	mov 40(%rsp), %r9\n"
	"	mov 48(%rsp), %rax\n"
	"	mov 56(%rsp), %r10\n"
	"	movaps 64(%rsp), %xmm0\n"
	"	movaps 80(%rsp), %xmm1\n"
	"	movaps 96(%rsp), %xmm2\n"
	"	movaps 112(%rsp), %xmm3\n"
	"	movaps 128(%rsp), %xmm4\n"
	"	movaps 144(%rsp), %xmm5\n"
	"	movaps 160(%rsp), %xmm6\n"
	"	movaps 176(%rsp), %xmm7\n"
	"	leave\n"
	".cfi_def_cfa %rsp, 8\n"
	".cfi_restore %rbp\n"
	"	jmp *%r11\n"
	".cfi_endproc\n");

/* An object that cannot be searched means dlsym for all, now: later its lock might be held by those
 * who call us. */
static void real_ask(void)
{
	void **place = (void **)&real;

	for (unsigned i = 0; i < COUNT; i++) {
		place[i] = dlsym(RTLD_NEXT, (const char *)&names + name_at[i]);
		if (!place[i])
			place[i] = (void *)real_missing;
	}
}

int real_init(void)
{
	void **place = (void **)&real;
	const struct link_map *map = map_next();
	bool is_odd = !map;

	for (unsigned i = 0; i < COUNT; i++)
		place[i] = (void *)(uintptr_t)(real_stubs + i * STUB_BYTES);
	for (; map && !is_odd; map = map->l_next) {
		struct symbols object;

		is_odd = !symbols_of(map, &object) && map->l_name && map->l_name[0] &&
			 !is_vdso(map->l_name);
		map_last = map;
	}
	if (is_odd)
		real_ask();
	return 0;
}

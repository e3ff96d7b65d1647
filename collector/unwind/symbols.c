/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols.h"

#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_MAX (32ull << 20)
#define PROBES_MAX 64
#define NESTED_MAX 16 /* functions that start inside another one, before the one we look for */

static bool is_function(const Elf64_Sym *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name && symbol->st_value;
}

static void table_list(struct symbols *symbols, const uint8_t *raw, uint64_t count, uint32_t table)
{
	struct symbol *list = realloc(symbols->list, (symbols->count + count) * sizeof(*list));

	if (!list)
		return;
	symbols->list = list;
	for (uint64_t i = 0; i < count; i++) {
		Elf64_Sym symbol;

		memcpy(&symbol, raw + i * sizeof(symbol), sizeof(symbol));
		if (!is_function(&symbol) || symbol.st_name >= symbols->string_bytes[table])
			continue;
		list[symbols->count++] = (struct symbol){
			symbol.st_value,
			symbol.st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)symbol.st_size,
			symbol.st_name, table};
	}
}

static void table_load(struct symbols *symbols, const struct elf_file *elf, uint32_t table)
{
	const struct elf_section *from = NULL, *names;
	uint8_t *raw;
	char *text;

	for (unsigned i = 0; i < elf->section_count; i++) {
		if (elf->sections[i].type == (table ? SHT_SYMTAB : SHT_DYNSYM))
			from = &elf->sections[i];
	}
	if (!from || from->link >= elf->section_count || from->bytes < sizeof(Elf64_Sym))
		return;
	names = &elf->sections[from->link];
	raw = elf_file_copy(elf, from->offset, from->bytes, TABLE_MAX);
	text = (char *)elf_file_copy(elf, names->offset, names->bytes, TABLE_MAX);
	if (raw && text) {
		text[names->bytes - 1] = 0;
		symbols->strings[table] = text;
		symbols->string_bytes[table] = names->bytes;
		text = NULL;
		table_list(symbols, raw, from->bytes / sizeof(Elf64_Sym), table);
	}
	free(text);
	free(raw);
}

void symbols_load(struct symbols *symbols, const struct elf_file *elf)
{
	memset(symbols, 0, sizeof(*symbols));
	table_load(symbols, elf, 0);
	table_load(symbols, elf, 1);
}

void symbols_done(struct symbols *symbols)
{
	free(symbols->list);
	free(symbols->strings[0]);
	free(symbols->strings[1]);
	free(symbols->exports);
	memset(symbols, 0, sizeof(*symbols));
}

size_t symbols_bytes(const struct symbols *symbols)
{
	return symbols->count * sizeof(*symbols->list) + symbols->string_bytes[0] +
	       symbols->string_bytes[1];
}

static const char *symbol_name(const struct symbols *symbols, const struct symbol *symbol)
{
	return symbols->strings[symbol->table] + symbol->name;
}

static int symbol_compare(const void *left, const void *right, void *arg)
{
	const struct symbol *a = left, *b = right;
	const char *a_name = symbol_name(arg, a), *b_name = symbol_name(arg, b);
	size_t a_len, b_len;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if ((*a_name == '_') != (*b_name == '_'))
		return *a_name == '_' ? 1 : -1;
	/* Bounded: a million names of one endless string would keep us busy for hours. */
	a_len = strnlen(a_name, NAME_MAX);
	b_len = strnlen(b_name, NAME_MAX);
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a_name, b_name, a_len);
}

/* How many symbols start at or before address. */
static size_t symbols_before(const struct symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A symbol without size goes on to the next one. */
static bool symbol_spans(const struct symbol *symbol, uint64_t address, bool is_last)
{
	return address - symbol->start < symbol->bytes || (!symbol->bytes && is_last);
}

static bool name_is_new(const struct symbols *symbols, const struct symbol *first,
			const struct symbol *symbol)
{
	for (; first < symbol; first++) {
		if (!strncmp(symbol_name(symbols, first), symbol_name(symbols, symbol), NAME_MAX))
			return false;
	}
	return true;
}

static const char *function_name(const struct symbols *symbols, const struct symbol *first,
				 const struct symbol *end, unsigned nth)
{
	for (const struct symbol *symbol = first; symbol < end; symbol++) {
		/* A hostile file may give one function a million names. */
		if (symbol - first > 64)
			return NULL;
		if (name_is_new(symbols, first, symbol) && !nth--)
			return symbol_name(symbols, symbol);
	}
	return NULL;
}

static void symbols_sort(struct symbols *symbols)
{
	if (!symbols->is_sorted && symbols->count)
		qsort_r(symbols->list, symbols->count, sizeof(*symbols->list), symbol_compare,
			symbols);
	symbols->is_sorted = true;
}

const char *symbols_find(struct symbols *symbols, uint64_t address, unsigned nth)
{
	size_t end, begin;
	uint64_t last;

	symbols_sort(symbols);
	end = symbols_before(symbols, address);
	if (!end)
		return NULL;
	last = symbols->list[end - 1].start;
	for (unsigned tries = 0; end && tries < NESTED_MAX; tries++, end = begin) {
		uint64_t start = symbols->list[end - 1].start;
		bool is_spanned = false;

		for (begin = end; begin && symbols->list[begin - 1].start == start; begin--) {
			if (symbol_spans(&symbols->list[begin - 1], address, start == last))
				is_spanned = true;
		}
		if (is_spanned)
			return function_name(symbols, &symbols->list[begin], &symbols->list[end],
					     nth);
	}
	return NULL;
}

static uint32_t name_hash(const char *name)
{
	uint32_t hash = 5381;

	for (unsigned i = 0; i < NAME_MAX && name[i]; i++)
		hash = hash * 33 + (uint8_t)name[i];
	return hash * 2654435769u;
}

/* Names that a hostile file makes fall together are left out: PROBES_MAX is the bound. */
static void export_put(struct symbols *symbols, uint32_t index)
{
	const char *name = symbol_name(symbols, &symbols->list[index]);
	uint32_t at = name_hash(name);

	for (unsigned i = 0; i < PROBES_MAX; i++, at++) {
		uint32_t *entry = &symbols->exports[at & symbols->exports_mask];

		if (*entry)
			continue;
		*entry = index + 1;
		return;
	}
}

static void exports_make(struct symbols *symbols)
{
	uint32_t capacity = 16;

	symbols_sort(symbols);
	if (symbols->count > UINT32_MAX / 8)
		return;
	while (capacity < symbols->count * 2)
		capacity *= 2;
	symbols->exports = calloc(capacity, sizeof(*symbols->exports));
	symbols->exports_mask = capacity - 1;
	for (uint32_t i = 0; symbols->exports && i < symbols->count; i++) {
		if (symbols->list[i].table == 0)
			export_put(symbols, i);
	}
}

bool symbols_export(struct symbols *symbols, const char *name, uint64_t *ret_address)
{
	uint32_t at = name_hash(name);

	if (!symbols->exports && symbols->count)
		exports_make(symbols);
	for (unsigned i = 0; symbols->exports && i < PROBES_MAX; i++, at++) {
		uint32_t index = symbols->exports[at & symbols->exports_mask];

		if (!index)
			return false;
		if (strncmp(symbol_name(symbols, &symbols->list[index - 1]), name, NAME_MAX))
			continue;
		*ret_address = symbols->list[index - 1].start;
		return true;
	}
	return false;
}

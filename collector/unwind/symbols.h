/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of an object by address. Listed when the object is read, sorted when first asked for.
 */
#ifndef SOWATCH_UNWIND_SYMBOLS_H
#define SOWATCH_UNWIND_SYMBOLS_H

#include "elf_file.h"

struct symbol {
	uint64_t start;
	uint32_t bytes, name;
	uint32_t table; /* 0 .dynsym, 1 .symtab */
};

struct symbols {
	struct symbol *list;
	size_t count;
	char *strings[2]; /* each ends in NUL */
	uint64_t string_bytes[2];
	bool is_sorted;
	uint32_t *exports; /* by name: index in list + 1; made when first asked for */
	uint32_t exports_mask;
};

void symbols_load(struct symbols *symbols, const struct elf_file *elf);
void symbols_done(struct symbols *symbols);
size_t symbols_bytes(const struct symbols *symbols);

/* The nth name, by preference, of the function around address; NULL: there is none. */
const char *symbols_find(struct symbols *symbols, uint64_t address, unsigned nth);

/* The function that others may call by that name. */
bool symbols_export(struct symbols *symbols, const char *name, uint64_t *ret_address);

#endif

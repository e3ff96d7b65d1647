/* SPDX-License-Identifier: Apache-2.0
 *
 * Call frame information (.eh_frame, .debug_frame) of one object -> one row per address: how to
 * find the caller's registers. The same reading as in preload/unwind_fde.c and unwind_rows.c, but of
 * file contents, with every register that survives calls, and with nothing in the file trusted.
 *
 * cfi_index.c finds the entry of an address, cfi_run.c runs its instructions.
 */
#ifndef SOWATCH_UNWIND_CFI_H
#define SOWATCH_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "elf_file.h"

/* DWARF's numbers of the registers we follow. */
enum {
	DW_RBX = 3,
	DW_RBP = 6,
	DW_RSP = 7,
	DW_R12 = 12,
	DW_R15 = 15,
	DW_PC = 16,
	DW_REGISTERS = 17,
};

/* Registers that survive a call, by their place in a row. */
#define CFI_SAVED 6
extern const uint8_t cfi_saved_registers[CFI_SAVED];

enum cfi_kind {
	CFI_NONE,	/* no call frame information there */
	CFI_REGISTER,	/* CFA = register + cfa */
	CFI_EXPRESSION, /* CFA = expression at `cfa` of section `section`, `cfa_bytes` long */
	CFI_SIGNAL,	/* a signal frame: registers are in the ucontext at sp */
	CFI_END,	/* outermost frame */
	CFI_STOP,	/* something we cannot follow */
};

/* The return address is always at CFA - 8: nothing else is called CFI_REGISTER or _EXPRESSION. */
struct cfi_row {
	uint8_t kind;
	uint8_t cfa_register;
	uint8_t section;
	uint8_t at_cfa; /* bit per saved register: it is at CFA + offset */
	uint8_t at_fp;	/* it is at rbp + offset */
	uint8_t lost;	/* it cannot be had */
	uint16_t cfa_bytes;
	int32_t cfa;
	int32_t saved[CFI_SAVED];
};

struct cfi_section {
	uint8_t *data;
	uint64_t bytes, address;
	bool is_debug; /* .debug_frame */
};

struct cfi_entry {
	uint64_t start;
	uint32_t bytes;
	uint32_t at; /* of its length field; top bit: in sections[1] */
};
#define CFI_AT_DEBUG (1u << 31)

struct cfi {
	struct cfi_section sections[2];
	struct cfi_entry *entries; /* ascending */
	size_t count, room;
};

struct cfi_reader {
	const uint8_t *at, *end;
	const struct cfi_section *section;
	bool is_bad;
};

struct cfi_fde {
	const struct cfi_section *section;
	uint64_t cie_at; /* of the common part that was parsed last; UINT64_MAX none */
	const uint8_t *cie_code, *cie_end, *code, *end;
	uint64_t start, bytes, code_align;
	int64_t data_align;
	uint8_t encoding;
	bool has_augmentation, is_signal;
};

/* Never fails: an object may have no call frames, or more than we care to keep. */
void cfi_load(struct cfi *cfi, const struct elf_file *elf);
void cfi_done(struct cfi *cfi);
size_t cfi_bytes(const struct cfi *cfi);

/* Addresses are the object's own. */
const struct cfi_entry *cfi_find(const struct cfi *cfi, uint64_t address);
struct cfi_row cfi_row(const struct cfi *cfi, uint64_t address);

bool cfi_fde_parse(const struct cfi_section *section, uint64_t at, struct cfi_fde *fde);
uint64_t cfi_read(struct cfi_reader *r, unsigned bytes);
uint64_t cfi_read_uleb(struct cfi_reader *r);
int64_t cfi_read_sleb(struct cfi_reader *r);
uint64_t cfi_read_encoded(struct cfi_reader *r, uint8_t encoding);

/* What an expression may look at: registers in `known`, and memory through load. */
struct cfi_context {
	const uint64_t *registers; /* DW_REGISTERS of them */
	uint32_t known;
	bool (*load)(void *arg, uint64_t address, uint64_t *ret_value);
	void *arg;
};
bool cfi_expression(const struct cfi *cfi, const struct cfi_row *row,
		    const struct cfi_context *context, uint64_t *ret_value);

#endif

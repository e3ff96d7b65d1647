/* SPDX-License-Identifier: Apache-2.0
 *
 * Call frame information of what is loaded: unwind_fde.c finds and takes apart the entry of an
 * address, unwind_rows.c makes a row of it. Reached on a cache miss only.
 */
#ifndef SOWATCH_UNWIND_CFI_H
#define SOWATCH_UNWIND_CFI_H

#include "unwind.h"

struct cfi_reader {
	const uint8_t *at, *end;
	bool is_bad;
};

/* Little-endian, 0 and is_bad past the end. */
uint64_t cfi_read(struct cfi_reader *r, unsigned bytes);
uint64_t cfi_read_uleb(struct cfi_reader *r);
int64_t cfi_read_sleb(struct cfi_reader *r);

struct cfi_fde {
	const uint8_t *cie_code, *cie_end, *code, *end;
	uint64_t start, bytes;
	uint64_t code_align;
	int64_t data_align;
	bool is_signal;
};

/* The entry that covers pc; false: there is none that we can read. */
bool cfi_fde_find(uint64_t pc, struct cfi_fde *fde);
/* How to get to the caller of code at pc: ROW_NONE without an entry, ROW_STOP when it says what we
 * cannot follow. */
struct row unwind_row_compute(uint64_t pc);

#endif

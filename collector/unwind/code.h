/* SPDX-License-Identifier: Apache-2.0
 *
 * What calls and jumps in an object's code lead to: directly, or by name through its PLT and GOT.
 * The bytes are kept, not the file: a descriptor of ours would hold somebody's file system busy.
 */
#ifndef SOWATCH_UNWIND_CODE_H
#define SOWATCH_UNWIND_CODE_H

#include "cfi.h"
#include "symbols.h"

#define CODE_SEGMENTS 4
#define CODE_STUBS 3

struct code_segment {
	uint64_t start, bytes;
	uint8_t *data;
};

/* A slot of the GOT, or a word of data: which name it is bound to, or for one without, where it leads
 * by itself. */
struct code_slot {
	uint64_t address;
	uint64_t local;
	uint32_t name;	/* in the strings of .dynsym, 0: none */
	bool is_called; /* for calls by that name only: nobody has the address from here */
};

struct code {
	struct code_segment segments[CODE_SEGMENTS];
	unsigned segment_count;
	struct code_slot *slots; /* ascending */
	size_t slot_count;
	bool has_base; /* no position of its own choice: there calls and addresses share their slots */
	uint64_t stubs[CODE_STUBS], stub_bytes[CODE_STUBS]; /* .plt and its like */
};

enum code_target_kind {
	CODE_UNKNOWN, /* through a register: a callback, a virtual function */
	CODE_HERE,    /* offset in the same object */
	CODE_NAMED,
};

struct code_target {
	uint8_t kind;
	uint64_t offset;
	const char *name; /* lives as long as the symbols */
};

/* Never fails: what is too large, or not there, is not known. */
void code_load(struct code *code, const struct elf_file *elf, const struct symbols *symbols);
void code_done(struct code *code);
size_t code_bytes(const struct code *code);

/* An object as far as this file needs it. */
struct code_of {
	const struct code *code;
	const struct cfi *cfi;
	const struct symbols *symbols;
};

/* On the way from a call to a function: nobody's code. */
bool code_is_stub(const struct code *code, uint64_t offset);
/* May a call of the object through a register lead to what has that name elsewhere? It takes its
 * address, or some function of its own ends in a jump to it. Slow: looks at all code. */
bool code_may_reach(const struct code_of *of, const char *name);
/* What the call that ends at offset calls. */
struct code_target code_call_before(const struct code_of *of, uint64_t offset);
/* The first jump in [*offset, end) that leaves that range, and where to go on looking; false: none
 * is left. */
bool code_next_jump(const struct code_of *of, uint64_t begin, uint64_t end, uint64_t *offset,
		    struct code_target *ret_target);

#endif

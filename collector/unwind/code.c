/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_MAX (256ull << 20)
#define RELOCATIONS_MAX (64ull << 20)
#define SYMBOLS_MAX (32ull << 20)
#define STUB_BYTES 16

/* --- reading an object in --------------------------------------------------------------------- */

static void segments_load(struct code *code, const struct elf_file *elf)
{
	for (unsigned i = 0; i < elf->segment_count && code->segment_count < CODE_SEGMENTS; i++) {
		const struct elf_segment *from = &elf->segments[i];
		struct code_segment *to = &code->segments[code->segment_count];

		if (from->type != PT_LOAD || !(from->flags & PF_X))
			continue;
		to->data = elf_file_copy(elf, from->offset, from->file_bytes, SEGMENT_MAX);
		if (!to->data)
			continue;
		to->start = from->vaddr;
		to->bytes = from->file_bytes;
		code->segment_count++;
	}
}

static void slots_list(struct code *code, const uint8_t *relocations, uint64_t count,
		       const uint8_t *names, uint64_t name_count, uint64_t string_bytes)
{
	struct code_slot *more =
		realloc(code->slots, (code->slot_count + count) * sizeof(*code->slots));

	if (!more)
		return;
	code->slots = more;
	for (uint64_t i = 0; i < count; i++) {
		struct code_slot slot = { 0 };
		Elf64_Rela relocation;
		Elf64_Sym symbol;
		uint64_t number;

		memcpy(&relocation, relocations + i * sizeof(relocation), sizeof(relocation));
		slot.address = relocation.r_offset;
		number = ELF64_R_SYM(relocation.r_info);
		switch (ELF64_R_TYPE(relocation.r_info)) {
		case R_X86_64_JUMP_SLOT:
			slot.is_called = !code->has_base;
			__attribute__((fallthrough));
		case R_X86_64_GLOB_DAT:
		case R_X86_64_64:
			if (number >= name_count)
				continue;
			memcpy(&symbol, names + number * sizeof(symbol), sizeof(symbol));
			slot.name = symbol.st_name;
			if (!slot.name || slot.name >= string_bytes ||
			    (ELF64_R_TYPE(relocation.r_info) == R_X86_64_64 &&
			     symbol.st_shndx != SHN_UNDEF))
				continue;
			break;
		case R_X86_64_IRELATIVE:
			slot.local = (uint64_t)relocation.r_addend;
			break;
		default:
			continue;
		}
		code->slots[code->slot_count++] = slot;
	}
}

static int slot_compare(const void *left, const void *right)
{
	const struct code_slot *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static void slots_load(struct code *code, const struct elf_file *elf,
		       const struct symbols *symbols)
{
	const struct elf_section *from = NULL;
	uint8_t *names = NULL;
	uint64_t name_count = 0;

	for (unsigned i = 0; i < elf->section_count; i++) {
		if (elf->sections[i].type == SHT_DYNSYM)
			from = &elf->sections[i];
	}
	if (from && symbols->strings[0])
		names = elf_file_copy(elf, from->offset, from->bytes, SYMBOLS_MAX);
	if (names)
		name_count = from->bytes / sizeof(Elf64_Sym);
	for (unsigned i = 0; i < elf->section_count; i++) {
		const struct elf_section *section = &elf->sections[i];
		uint8_t *raw;

		if (section->type != SHT_RELA || !(section->flags & SHF_ALLOC) ||
		    section->bytes < sizeof(Elf64_Rela))
			continue;
		raw = elf_file_copy(elf, section->offset, section->bytes, RELOCATIONS_MAX);
		if (raw)
			slots_list(code, raw, section->bytes / sizeof(Elf64_Rela), names,
				   name_count, symbols->string_bytes[0]);
		free(raw);
	}
	free(names);
	if (code->slot_count) {
		struct code_slot *less =
			realloc(code->slots, code->slot_count * sizeof(*code->slots));

		code->slots = less ? less : code->slots;
		qsort(code->slots, code->slot_count, sizeof(*code->slots), slot_compare);
	}
}

void code_load(struct code *code, const struct elf_file *elf, const struct symbols *symbols)
{
	static const char *const names[CODE_STUBS] = { ".plt", ".plt.sec", ".plt.got" };

	memset(code, 0, sizeof(*code));
	for (unsigned i = 0; i < elf->segment_count && !code->has_base; i++) {
		if (elf->segments[i].type == PT_LOAD)
			code->has_base = elf->segments[i].vaddr - elf->segments[i].offset != 0 &&
					 !elf->segments[i].offset;
	}
	for (unsigned i = 0; i < CODE_STUBS; i++) {
		const struct elf_section *section = elf_file_section(elf, names[i]);

		if (!section)
			continue;
		code->stubs[i] = section->address;
		code->stub_bytes[i] = section->bytes;
	}
	segments_load(code, elf);
	slots_load(code, elf, symbols);
}

void code_done(struct code *code)
{
	for (unsigned i = 0; i < code->segment_count; i++)
		free(code->segments[i].data);
	free(code->slots);
	memset(code, 0, sizeof(*code));
}

size_t code_bytes(const struct code *code)
{
	size_t bytes = code->slot_count * sizeof(*code->slots);

	for (unsigned i = 0; i < code->segment_count; i++)
		bytes += code->segments[i].bytes;
	return bytes;
}

bool code_is_stub(const struct code *code, uint64_t offset)
{
	for (unsigned i = 0; i < CODE_STUBS; i++) {
		if (offset - code->stubs[i] < code->stub_bytes[i])
			return true;
	}
	return false;
}

/* --- where code leads to ---------------------------------------------------------------------- */

/* The bytes from offset on; *ret_bytes of them, at least min, or NULL. */
static const uint8_t *code_at(const struct code *code, uint64_t offset, uint64_t min,
			      uint64_t *ret_bytes)
{
	for (unsigned i = 0; i < code->segment_count; i++) {
		const struct code_segment *segment = &code->segments[i];
		uint64_t into = offset - segment->start;

		if (offset < segment->start || into > segment->bytes ||
		    segment->bytes - into < min)
			continue;
		*ret_bytes = segment->bytes - into;
		return segment->data + into;
	}
	return NULL;
}

static uint64_t relative(const uint8_t *at, uint64_t next)
{
	int32_t distance;

	memcpy(&distance, at, sizeof(distance));
	return next + (uint64_t)(int64_t)distance;
}

static struct code_target slot_target(const struct code_of *of, uint64_t address)
{
	struct code_target target = { .kind = CODE_UNKNOWN };
	size_t low = 0, high = of->code->slot_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (of->code->slots[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == of->code->slot_count || of->code->slots[low].address != address)
		return target;
	if (of->code->slots[low].name) {
		target.kind = CODE_NAMED;
		target.name = of->symbols->strings[0] + of->code->slots[low].name;
	} else {
		target.kind = CODE_HERE;
		target.offset = of->code->slots[low].local;
	}
	return target;
}

static bool takes_address(const struct code_of *of, const char *name)
{
	for (size_t i = 0; i < of->code->slot_count; i++) {
		const struct code_slot *slot = &of->code->slots[i];

		if (slot->name && !slot->is_called &&
		    !strcmp(of->symbols->strings[0] + slot->name, name))
			return true;
	}
	return false;
}

/* A PLT entry ([endbr64] [bnd] jmp *slot(%rip)) stands for what its slot is bound to; anything else
 * must be where a function begins, or the bytes before it were no call. */
static struct code_target direct_target(const struct code_of *of, uint64_t offset)
{
	struct code_target target = { .kind = CODE_HERE, .offset = offset };
	const struct cfi_entry *entry = cfi_find(of->cfi, offset);
	uint64_t bytes, at = offset;
	const uint8_t *code = code_at(of->code, offset, STUB_BYTES, &bytes);

	if (code && !memcmp(code, "\xf3\x0f\x1e\xfa", 4)) {
		code += 4;
		at += 4;
	}
	if (code && *code == 0xf2) {
		code++;
		at++;
	}
	if (code && code[0] == 0xff && code[1] == 0x25) {
		struct code_target stub = slot_target(of, relative(code + 2, at + 6));

		if (stub.kind != CODE_UNKNOWN)
			return stub;
	}
	if (!entry || entry->start != offset)
		target.kind = CODE_UNKNOWN;
	return target;
}

struct code_target code_call_before(const struct code_of *of, uint64_t offset)
{
	struct code_target target = { .kind = CODE_UNKNOWN };
	uint64_t bytes;
	const uint8_t *code;

	if (offset < 6)
		return target;
	code = code_at(of->code, offset - 5, 5, &bytes);
	if (code && code[0] == 0xe8)
		target = direct_target(of, relative(code + 1, offset));
	if (target.kind != CODE_UNKNOWN)
		return target;
	code = code_at(of->code, offset - 6, 6, &bytes);
	if (code && code[0] == 0xff && code[1] == 0x15)
		target = slot_target(of, relative(code + 2, offset));
	return target;
}

bool code_next_jump(const struct code_of *of, uint64_t begin, uint64_t end, uint64_t *offset,
		    struct code_target *ret_target)
{
	uint64_t bytes;
	const uint8_t *code = code_at(of->code, *offset, 0, &bytes);

	if (!code || end < *offset)
		return false;
	if (bytes > end - *offset)
		bytes = end - *offset;
	for (uint64_t i = 0; i + 5 <= bytes; i++) {
		uint64_t at = *offset + i;

		if (code[i] == 0xe9)
			*ret_target = direct_target(of, relative(code + i + 1, at + 5));
		else if (code[i] == 0x0f && (code[i + 1] & 0xf0) == 0x80 && i + 6 <= bytes)
			*ret_target = direct_target(of, relative(code + i + 2, at + 6));
		else if (code[i] == 0xff && code[i + 1] == 0x25 && i + 6 <= bytes)
			*ret_target = slot_target(of, relative(code + i + 2, at + 6));
		else
			continue;
		if (ret_target->kind == CODE_UNKNOWN ||
		    (ret_target->kind == CODE_HERE && ret_target->offset >= begin &&
		     ret_target->offset < end))
			continue;
		*offset = at + 1;
		return true;
	}
	return false;
}

bool code_may_reach(const struct code_of *of, const char *name)
{
	if (takes_address(of, name))
		return true;
	for (unsigned i = 0; i < of->code->segment_count; i++) {
		const struct code_segment *segment = &of->code->segments[i];
		uint64_t end = segment->start + segment->bytes, at = segment->start;
		struct code_target target;

		while (code_next_jump(of, segment->start, end, &at, &target)) {
			if (target.kind == CODE_NAMED && !strcmp(target.name, name))
				return true;
		}
	}
	return false;
}

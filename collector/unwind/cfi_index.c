/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds .eh_frame and .debug_frame and lists what they describe. The linker's own search table
 * (.eh_frame_hdr) is used only to find .eh_frame where there are no section headers: static
 * programs have none, and a table of somebody else would have to be checked entry by entry.
 */
#include <elf.h>
#include <stdlib.h>

#include "cfi.h"

#define SECTION_MAX (256ull << 20) /* a browser's .eh_frame is 40 MiB */
#define ENTRIES_MAX (2u << 20)
#define AUGMENTATION_MAX 8

uint64_t cfi_read(struct cfi_reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->is_bad = true;
		r->at = r->end;
		return 0;
	}
	memcpy(&value, r->at, bytes);
	r->at += bytes;
	return value;
}

uint64_t cfi_read_uleb(struct cfi_reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)cfi_read(r, 1);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

int64_t cfi_read_sleb(struct cfi_reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)cfi_read(r, 1);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (shift < 57 && (byte & 0x40))
				value |= -(UINT64_C(1) << (shift + 7));
			break;
		}
	}
	return (int64_t)value;
}

/* DW_EH_PE_*: only what linkers write for addresses in code. */
uint64_t cfi_read_encoded(struct cfi_reader *r, uint8_t encoding)
{
	uint64_t from = r->section->address + (uint64_t)(r->at - r->section->data);
	uint64_t value;

	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		value = cfi_read(r, 8);
		break;
	case 0x03:
		value = cfi_read(r, 4);
		break;
	case 0x0b:
		value = (uint64_t)(int64_t)(int32_t)cfi_read(r, 4);
		break;
	case 0x02:
		value = cfi_read(r, 2);
		break;
	case 0x0a:
		value = (uint64_t)(int64_t)(int16_t)cfi_read(r, 2);
		break;
	default:
		r->is_bad = true;
		return 0;
	}
	if ((encoding & 0x70) == 0x10) /* pcrel */
		value += from;
	else if (encoding & 0xf0)
		r->is_bad = true;
	return value;
}

/* The length field at `at`, and what it spans. False: no (more) entry. */
static bool entry_open(const struct cfi_section *section, uint64_t at, struct cfi_reader *ret)
{
	uint32_t length;

	if (at > section->bytes || section->bytes - at < 8)
		return false;
	memcpy(&length, section->data + at, 4);
	if (length < 4 || length >= 0xfffffff0u || length > section->bytes - at - 4)
		return false;
	*ret = (struct cfi_reader){section->data + at + 4, section->data + at + 4 + length, section,
				   false};
	return true;
}

static bool augmentation_parse(struct cfi_reader *r, const char *text, struct cfi_fde *fde)
{
	fde->cie_code = NULL;
	for (; *text; text++) {
		if (*text == 'z') {
			uint64_t bytes = cfi_read_uleb(r);

			if (bytes > (uint64_t)(r->end - r->at))
				return false;
			fde->has_augmentation = true;
			fde->cie_code = r->at + bytes;
		} else if (*text == 'R') {
			fde->encoding = (uint8_t)cfi_read(r, 1);
		} else if (*text == 'P') {
			uint8_t encoding = (uint8_t)cfi_read(r, 1);

			cfi_read_encoded(r, encoding & 0x0f);
		} else if (*text == 'L') {
			cfi_read(r, 1);
		} else if (*text == 'S') {
			fde->is_signal = true;
		} else {
			return false;
		}
	}
	if (!fde->cie_code)
		fde->cie_code = r->at;
	fde->cie_end = r->end;
	return !r->is_bad;
}

static bool cie_parse(const struct cfi_section *section, uint64_t at, struct cfi_fde *fde)
{
	char augmentation[AUGMENTATION_MAX] = {0};
	struct cfi_reader r;
	uint64_t version, id;

	*fde = (struct cfi_fde){.section = section, .cie_at = UINT64_MAX};
	if (!entry_open(section, at, &r))
		return false;
	id = cfi_read(&r, 4);
	version = cfi_read(&r, 1);
	if (id != (section->is_debug ? 0xffffffffu : 0) ||
	    (version != 1 && version != 3 && version != 4))
		return false;
	for (unsigned i = 0; (augmentation[i] = (char)cfi_read(&r, 1)) != 0; i++) {
		if (i == AUGMENTATION_MAX - 1)
			return false;
	}
	if (version == 4 && (cfi_read(&r, 1) != 8 || cfi_read(&r, 1) != 0))
		return false;
	fde->code_align = cfi_read_uleb(&r);
	fde->data_align = cfi_read_sleb(&r);
	if ((version == 1 ? cfi_read(&r, 1) : cfi_read_uleb(&r)) != DW_PC || r.is_bad ||
	    !augmentation_parse(&r, augmentation, fde))
		return false;
	fde->cie_at = at;
	return true;
}

/* The common part is kept from call to call while entries share it. */
bool cfi_fde_parse(const struct cfi_section *section, uint64_t at, struct cfi_fde *fde)
{
	struct cfi_reader r;
	uint64_t pointer, cie_at;

	if (!entry_open(section, at, &r))
		return false;
	pointer = cfi_read(&r, 4);
	cie_at = section->is_debug ? pointer : at + 4 - pointer;
	if (pointer == (section->is_debug ? 0xffffffffu : 0) ||
	    (!section->is_debug && pointer > at + 4))
		return false;
	if ((fde->cie_at != cie_at || fde->section != section) && !cie_parse(section, cie_at, fde))
		return false;
	fde->start = cfi_read_encoded(&r, fde->encoding);
	fde->bytes = cfi_read_encoded(&r, fde->encoding & 0x0f);
	if (fde->has_augmentation) {
		uint64_t bytes = cfi_read_uleb(&r);

		if (bytes > (uint64_t)(r.end - r.at))
			return false;
		r.at += bytes;
	}
	fde->code = r.at;
	fde->end = r.end;
	return !r.is_bad;
}

static bool entry_add(struct cfi *cfi, const struct cfi_fde *fde, uint64_t at)
{
	if (cfi->count == cfi->room) {
		size_t room = cfi->room ? cfi->room * 2 : 512;
		struct cfi_entry *entries;

		if (room > ENTRIES_MAX)
			return false;
		entries = realloc(cfi->entries, room * sizeof(*entries));
		if (!entries)
			return false;
		cfi->entries = entries;
		cfi->room = room;
	}
	cfi->entries[cfi->count++] = (struct cfi_entry){
		fde->start, fde->bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)fde->bytes,
		(uint32_t)at | (fde->section->is_debug ? CFI_AT_DEBUG : 0)};
	return true;
}

static void section_list(struct cfi *cfi, const struct cfi_section *section)
{
	struct cfi_fde fde = {.cie_at = UINT64_MAX};
	struct cfi_reader r;
	uint64_t at = 0;

	while (entry_open(section, at, &r)) {
		if (cfi_fde_parse(section, at, &fde) && fde.bytes && !entry_add(cfi, &fde, at))
			return;
		at = (uint64_t)(r.end - section->data);
	}
}

/* Where .eh_frame is, for a file without section headers: up to the end of its segment. */
static bool eh_frame_find(const struct elf_file *elf, struct elf_section *ret)
{
	const struct elf_segment *segment;
	struct cfi_section header = {NULL, 0, 0, false};
	uint8_t bytes[12];

	for (unsigned i = 0; i < elf->segment_count; i++) {
		struct cfi_reader r = {bytes + 4, bytes + sizeof(bytes), &header, false};

		segment = &elf->segments[i];
		if (segment->type != PT_GNU_EH_FRAME)
			continue;
		header.data = bytes;
		header.address = segment->vaddr;
		if (!elf_file_read_at(elf, segment->vaddr, bytes, sizeof(bytes)) || bytes[0] != 1)
			return false;
		ret->address = cfi_read_encoded(&r, bytes[1]);
		segment = elf_file_segment(elf, ret->address);
		if (r.is_bad || !segment)
			return false;
		ret->offset = segment->offset + (ret->address - segment->vaddr);
		ret->bytes = segment->file_bytes - (ret->address - segment->vaddr);
		return true;
	}
	return false;
}

static void section_load(struct cfi *cfi, const struct elf_file *elf,
			 const struct elf_section *from, bool is_debug)
{
	struct cfi_section *section = &cfi->sections[is_debug];

	if (from->type == SHT_NOBITS || (from->flags & SHF_COMPRESSED))
		return;
	section->data = elf_file_copy(elf, from->offset, from->bytes, SECTION_MAX);
	if (!section->data)
		return;
	section->bytes = from->bytes;
	section->address = from->address;
	section->is_debug = is_debug;
	section_list(cfi, section);
}

/* Of two entries for one start the one of .eh_frame comes last and is found. */
static int entry_compare(const void *left, const void *right)
{
	const struct cfi_entry *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->at > b->at ? -1 : a->at < b->at;
}

void cfi_load(struct cfi *cfi, const struct elf_file *elf)
{
	const struct elf_section *named = elf_file_section(elf, ".eh_frame");
	struct elf_section found = {.type = SHT_PROGBITS};

	memset(cfi, 0, sizeof(*cfi));
	if (!elf->is_64)
		return;
	if (named)
		section_load(cfi, elf, named, false);
	if (!cfi->count && !cfi->sections[0].data && eh_frame_find(elf, &found))
		section_load(cfi, elf, &found, false);
	named = elf_file_section(elf, ".debug_frame");
	if (named)
		section_load(cfi, elf, named, true);
	if (cfi->count)
		qsort(cfi->entries, cfi->count, sizeof(*cfi->entries), entry_compare);
}

void cfi_done(struct cfi *cfi)
{
	free(cfi->sections[0].data);
	free(cfi->sections[1].data);
	free(cfi->entries);
	memset(cfi, 0, sizeof(*cfi));
}

size_t cfi_bytes(const struct cfi *cfi)
{
	return cfi->sections[0].bytes + cfi->sections[1].bytes + cfi->room * sizeof(*cfi->entries);
}

const struct cfi_entry *cfi_find(const struct cfi *cfi, uint64_t address)
{
	size_t low = 0, high = cfi->count;

	if (!high || cfi->entries[0].start > address)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (cfi->entries[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	return address - cfi->entries[low].start < cfi->entries[low].bytes ? &cfi->entries[low]
									   : NULL;
}

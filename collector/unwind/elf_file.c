/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX (64u << 10)
#define NOTES_MAX (64u << 10)

bool elf_file_read(const struct elf_file *elf, uint64_t offset, void *buffer, size_t bytes)
{
	char *at = buffer;

	if (offset > elf->bytes || bytes > elf->bytes - offset)
		return false;
	if (elf->memory) {
		memcpy(buffer, elf->memory + offset, bytes);
		return true;
	}
	while (bytes) {
		ssize_t got = pread(elf->fd, at, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return true;
}

uint8_t *elf_file_copy(const struct elf_file *elf, uint64_t offset, uint64_t bytes, uint64_t max)
{
	uint8_t *copy;

	if (!bytes || bytes > max || offset > elf->bytes || bytes > elf->bytes - offset)
		return NULL;
	copy = malloc(bytes);
	if (copy && !elf_file_read(elf, offset, copy, bytes)) {
		free(copy);
		copy = NULL;
	}
	return copy;
}

const struct elf_segment *elf_file_segment(const struct elf_file *elf, uint64_t vaddr)
{
	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if (segment->type == PT_LOAD && vaddr >= segment->vaddr &&
		    vaddr - segment->vaddr < segment->file_bytes)
			return segment;
	}
	return NULL;
}

bool elf_file_read_at(const struct elf_file *elf, uint64_t vaddr, void *buffer, size_t bytes)
{
	const struct elf_segment *segment = elf_file_segment(elf, vaddr);
	uint64_t into;

	if (!segment)
		return false;
	into = vaddr - segment->vaddr;
	if (bytes > segment->file_bytes - into || segment->offset > UINT64_MAX - into)
		return false;
	return elf_file_read(elf, segment->offset + into, buffer, bytes);
}

const struct elf_section *elf_file_section(const struct elf_file *elf, const char *name)
{
	for (unsigned i = 0; i < elf->section_count; i++) {
		if (!strcmp(elf->sections[i].name, name))
			return &elf->sections[i];
	}
	return NULL;
}

static struct elf_segment segment_of_32(const Elf32_Phdr *p)
{
	return (struct elf_segment){p->p_vaddr, p->p_offset, p->p_filesz, p->p_memsz,
				    p->p_align, p->p_type,   p->p_flags};
}

static struct elf_segment segment_of_64(const Elf64_Phdr *p)
{
	return (struct elf_segment){p->p_vaddr, p->p_offset, p->p_filesz, p->p_memsz,
				    p->p_align, p->p_type,   p->p_flags};
}

static bool segments_read(struct elf_file *elf, uint64_t offset, unsigned count, unsigned each)
{
	if (each != (elf->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return false;
	for (unsigned i = 0; i < count && i < ELF_FILE_SEGMENTS; i++) {
		union {
			Elf32_Phdr small;
			Elf64_Phdr large;
		} header;

		if (offset > elf->bytes || !elf_file_read(elf, offset + i * each, &header, each))
			return false;
		elf->segments[elf->segment_count++] =
			elf->is_64 ? segment_of_64(&header.large) : segment_of_32(&header.small);
	}
	return true;
}

/* Sections are for the debugger, not for the loader: a file without them, or with broken ones, is
 * as good. Only 64-bit files need them. */
static void sections_read(struct elf_file *elf, const Elf64_Ehdr *header)
{
	Elf64_Shdr sections[ELF_FILE_SECTIONS];
	unsigned count = header->e_shnum, names = header->e_shstrndx;
	uint64_t name_bytes;
	char *text;

	if (!count || count > ELF_FILE_SECTIONS || names >= count ||
	    header->e_shentsize != sizeof(*sections) ||
	    !elf_file_read(elf, header->e_shoff, sections, count * sizeof(*sections)))
		return;
	name_bytes = sections[names].sh_size;
	text = (char *)elf_file_copy(elf, sections[names].sh_offset, name_bytes, NAMES_MAX);
	if (!text)
		return;
	for (unsigned i = 0; i < count; i++) {
		struct elf_section *section = &elf->sections[i];

		*section = (struct elf_section){sections[i].sh_addr,
						sections[i].sh_offset,
						sections[i].sh_size,
						sections[i].sh_flags,
						sections[i].sh_type,
						sections[i].sh_link,
						{0}};
		for (uint64_t n = 0, at = sections[i].sh_name;
		     at < name_bytes && n < sizeof(section->name) - 1 && text[at]; n++, at++)
			section->name[n] = text[at];
	}
	elf->section_count = count;
	free(text);
}

int elf_file_open(struct elf_file *elf, int fd, const uint8_t *memory, uint64_t bytes)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr small;
		Elf64_Ehdr large;
	} header;
	bool is_read;

	memset(elf, 0, sizeof(*elf));
	elf->fd = fd;
	elf->memory = memory;
	elf->bytes = bytes;
	memset(&header, 0, sizeof(header));
	if (!elf_file_read(elf, 0, &header, sizeof(header.small)))
		return bytes < sizeof(header.small) ? -ENOEXEC : -EIO;
	if (memcmp(header.ident, ELFMAG, SELFMAG) || header.ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (header.ident[EI_CLASS] == ELFCLASS32) {
		is_read = segments_read(elf, header.small.e_phoff, header.small.e_phnum,
					header.small.e_phentsize);
		return is_read ? 0 : -ENOEXEC;
	}
	if (header.ident[EI_CLASS] != ELFCLASS64 ||
	    !elf_file_read(elf, 0, &header, sizeof(header.large)) ||
	    header.large.e_machine != EM_X86_64)
		return -ENOEXEC;
	elf->is_64 = true;
	elf->entry = header.large.e_entry;
	if (!segments_read(elf, header.large.e_phoff, header.large.e_phnum,
			   header.large.e_phentsize))
		return -ENOEXEC;
	sections_read(elf, &header.large);
	return 0;
}

static bool notes_find(const uint8_t *notes, uint64_t bytes, uint64_t align, char ret_hex[129])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t at = 0;

	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t body, next;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		body = at + (((uint64_t)note.n_namesz + align - 1) & ~(align - 1));
		next = body + (((uint64_t)note.n_descsz + align - 1) & ~(align - 1));
		if (body > bytes || body + note.n_descsz > bytes)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz <= 64 &&
		    !memcmp(notes + at, "GNU", 4)) {
			for (unsigned i = 0; i < note.n_descsz; i++) {
				ret_hex[2 * i] = digits[notes[body + i] >> 4];
				ret_hex[2 * i + 1] = digits[notes[body + i] & 15];
			}
			ret_hex[2 * note.n_descsz] = 0;
			return true;
		}
		if (next > bytes)
			return false;
		at = next;
	}
	return false;
}

void elf_file_build_id(const struct elf_file *elf, char ret_hex[129])
{
	ret_hex[0] = 0;
	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		bool is_found;
		uint8_t *notes;

		if (segment->type != PT_NOTE)
			continue;
		notes = elf_file_copy(elf, segment->offset, segment->file_bytes, NOTES_MAX);
		if (!notes)
			continue;
		is_found = notes_find(notes, segment->file_bytes, segment->align == 8 ? 8 : 4,
				      ret_hex);
		free(notes);
		if (is_found)
			return;
	}
}

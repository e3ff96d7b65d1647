/* SPDX-License-Identifier: Apache-2.0
 *
 * The few parts of an ELF file that unwinding needs. Every number in the file is hostile: offsets
 * and counts are checked against the file's size and against bounds of ours before use.
 *
 * Not libelf: it maps the file, and whoever may truncate a mapped file may kill its reader.
 */
#ifndef SOWATCH_UNWIND_ELF_FILE_H
#define SOWATCH_UNWIND_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_SEGMENTS 64
#define ELF_FILE_SECTIONS 256

struct elf_segment {
	uint64_t vaddr, offset, file_bytes, memory_bytes, align;
	uint32_t type, flags;
};

struct elf_section {
	uint64_t address, offset, bytes, flags;
	uint32_t type, link;
	char name[16]; /* cut */
};

struct elf_file {
	int fd; /* or -1 and memory */
	const uint8_t *memory;
	uint64_t bytes;
	bool is_64; /* x86-64: the only one whose call frames we follow */
	uint64_t entry;
	unsigned segment_count, section_count;
	struct elf_segment segments[ELF_FILE_SEGMENTS];
	struct elf_section sections[ELF_FILE_SECTIONS];
};

/* fd, or memory of that many bytes, stays the caller's and must outlive the elf_file.
 * 0; -ENOEXEC: no ELF file of ours; -EIO: it could not be read. */
int elf_file_open(struct elf_file *elf, int fd, const uint8_t *memory, uint64_t bytes);

/* All the bytes, or false. */
bool elf_file_read(const struct elf_file *elf, uint64_t offset, void *buffer, size_t bytes);
/* At an address of the object's own; false as well when it is not in the file. */
bool elf_file_read_at(const struct elf_file *elf, uint64_t vaddr, void *buffer, size_t bytes);
/* A copy of [offset, offset + bytes); NULL: more than max, outside the file, no memory. free(). */
uint8_t *elf_file_copy(const struct elf_file *elf, uint64_t offset, uint64_t bytes, uint64_t max);

const struct elf_section *elf_file_section(const struct elf_file *elf, const char *name);
/* The segment whose part of the file holds that address. */
const struct elf_segment *elf_file_segment(const struct elf_file *elf, uint64_t vaddr);

/* Lower-case hex, "" when there is none. */
void elf_file_build_id(const struct elf_file *elf, char ret_hex[129]);

#endif

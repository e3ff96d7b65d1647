/* SPDX-License-Identifier: Apache-2.0
 *
 * Can a program take the shim in? Asked when one was started and never said hello. The file may be
 * another one by now, so the answer is a probable reason, not a proof.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "live.h"

#define INTERPRETERS_MAX 4 /* as the kernel does */
#define PROGRAM_HEADERS_MAX 256
#define DYNAMIC_MAX 128

static bool program_read(int fd, const Elf64_Ehdr *header, unsigned which, Elf64_Phdr *program)
{
	off_t at = (off_t)(header->e_phoff + which * sizeof(*program));

	return pread(fd, program, sizeof(*program), at) == sizeof(*program);
}

/* Where in the file that address of the image is; -1: nowhere. */
static off_t address_place(int fd, const Elf64_Ehdr *header, uint64_t address)
{
	Elf64_Phdr program;

	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (program_read(fd, header, i, &program) && program.p_type == PT_LOAD &&
		    address >= program.p_vaddr && address - program.p_vaddr < program.p_filesz)
			return (off_t)(program.p_offset + (address - program.p_vaddr));
	}
	return -1;
}

/* Nobody asks for the dynamic loader's interpreter, and yet it preloads: started as a program
 * (`ld-linux-x86-64.so.2 PROGRAM`) it takes the shim along. It is told from static programs by its
 * own soname; those have none. */
static bool is_loader(int fd, const Elf64_Ehdr *header, const Elf64_Phdr *dynamic)
{
	uint64_t names = 0, soname = 0;
	bool has_soname = false;
	Elf64_Dyn entry;
	char name[4] = "";
	off_t place;

	for (unsigned i = 0; i < DYNAMIC_MAX && (i + 1) * sizeof(entry) <= dynamic->p_filesz; i++) {
		place = (off_t)(dynamic->p_offset + i * sizeof(entry));
		if (pread(fd, &entry, sizeof(entry), place) != sizeof(entry) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_STRTAB)
			names = entry.d_un.d_ptr;
		has_soname |= entry.d_tag == DT_SONAME;
		if (entry.d_tag == DT_SONAME)
			soname = entry.d_un.d_val;
	}
	place = has_soname ? address_place(fd, header, names + soname) : -1;
	if (place < 0 || pread(fd, name, 3, place) != 3)
		return false;
	return !memcmp(name, "ld-", 3) || !memcmp(name, "ld.", 3);
}

static const char *elf_reason(int fd, const unsigned char *ident)
{
	const unsigned char own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	Elf64_Phdr program, dynamic = { 0 };
	Elf64_Ehdr header;

	if (ident[EI_CLASS] != own_class)
		return ident[EI_CLASS] == ELFCLASS32 ? "32-bit" : "other-machine";
	if (own_class != ELFCLASS64)
		return NULL;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return "damaged";
	if (header.e_phentsize != sizeof(program) || header.e_phnum > PROGRAM_HEADERS_MAX)
		return "damaged";
	for (unsigned i = 0; i < header.e_phnum; i++) {
		if (!program_read(fd, &header, i, &program))
			return "damaged";
		if (program.p_type == PT_INTERP)
			return NULL;
		if (program.p_type == PT_DYNAMIC)
			dynamic = program;
	}
	return is_loader(fd, &header, &dynamic) ? NULL : "static";
}

static bool is_privileged(int fd, const struct stat *st)
{
	if (st->st_mode & S_ISUID && st->st_uid != geteuid())
		return true;
	if (st->st_mode & S_ISGID && st->st_mode & S_IXGRP && st->st_gid != getegid())
		return true;
	return fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* The interpreter of a #! line, in place of path. */
static bool script_interpreter(const char *line, char *path, size_t bytes)
{
	size_t len;

	line += 2;
	line += strspn(line, " \t");
	len = strcspn(line, " \t\n");
	if (!len || len >= bytes)
		return false;
	memcpy(path, line, len);
	path[len] = '\0';
	return true;
}

const char *cover_reason(const char *asked)
{
	char path[PATH_MAX], start[256];
	const char *reason = NULL;
	struct stat st;
	ssize_t got;
	bool is_script;

	if (strlen(asked) >= sizeof(path))
		return NULL;
	strcpy(path, asked);
	for (int i = 0; i < INTERPRETERS_MAX; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			return stat(path, &st) < 0 ? NULL : "unreadable";
		is_script = false;
		got = pread(fd, start, sizeof(start) - 1, 0);
		start[got > 0 ? got : 0] = '\0';
		if (got >= EI_NIDENT && !memcmp(start, ELFMAG, SELFMAG)) {
			if (fstat(fd, &st) == 0 && is_privileged(fd, &st))
				reason = "at-secure";
			else
				reason = elf_reason(fd, (const unsigned char *)start);
		} else if (!strncmp(start, "#!", 2)) {
			is_script = script_interpreter(start, path, sizeof(path));
		}
		close(fd);
		if (!is_script)
			return reason;
	}
	return NULL;
}

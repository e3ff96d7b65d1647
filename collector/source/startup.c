/* SPDX-License-Identifier: Apache-2.0
 *
 * A constructor of the executable is called by __libc_start_main itself, main by another function of
 * libc's: seen by objects the two stacks are alike, so this is told here, where libc's file can be read.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unwind/elf_file.h"
#include "live.h"

static bool is_name(struct str text, const char *name)
{
	return text.len == strlen(name) && !memcmp(text.data, name, text.len);
}

#define TABLE_BYTES_MAX (4u << 20)

/* What libc offers by name: its symbols and their strings, which end in NUL. */
struct exports {
	uint8_t *raw;
	char *strings;
	size_t count;
	uint64_t string_bytes;
};

static bool exports_read(const struct elf_file *elf, struct exports *ret)
{
	const struct elf_section *table = NULL, *names;

	*ret = (struct exports){ 0 };
	for (unsigned i = 0; i < elf->section_count; i++) {
		if (elf->sections[i].type == SHT_DYNSYM)
			table = &elf->sections[i];
	}
	if (!table || table->link >= elf->section_count || !elf->sections[table->link].bytes)
		return false;
	names = &elf->sections[table->link];
	ret->raw = elf_file_copy(elf, table->offset, table->bytes, TABLE_BYTES_MAX);
	ret->strings = (char *)elf_file_copy(elf, names->offset, names->bytes, TABLE_BYTES_MAX);
	if (!ret->raw || !ret->strings)
		return false;
	ret->count = table->bytes / sizeof(Elf64_Sym);
	ret->string_bytes = names->bytes;
	ret->strings[names->bytes - 1] = 0;
	return true;
}

static bool exports_find(const struct exports *exports, const char *name, Elf64_Sym *ret)
{
	for (size_t i = 0; i < exports->count; i++) {
		memcpy(ret, exports->raw + i * sizeof(*ret), sizeof(*ret));
		if (ret->st_shndx != SHN_UNDEF && ret->st_size && ret->st_name < exports->string_bytes &&
		    !strcmp(exports->strings + ret->st_name, name))
			return true;
	}
	return false;
}

/* Where __libc_start_main is; false in a libc before 2.34, which calls main from there as well. It
 * still has a libdl beside it. */
static bool start_find(int fd, uint64_t bytes, struct start_code *ret)
{
	struct elf_file elf;
	struct exports exports;
	Elf64_Sym symbol;
	bool is_found;

	if (elf_file_open(&elf, fd, NULL, bytes) < 0 || !elf.is_64)
		return false;
	is_found = exports_read(&elf, &exports) && exports_find(&exports, "dlopen", &symbol) &&
		   exports_find(&exports, "__libc_start_main", &symbol);
	if (is_found) {
		ret->start = symbol.st_value;
		ret->end = symbol.st_value + symbol.st_size;
	}
	free(exports.raw);
	free(exports.strings);
	return is_found;
}

void startup_learn(struct live *live, const struct item_object *object)
{
	struct start_code *code = &live->start_codes[live->start_next % START_CODES];
	struct start_code found = { 0 };
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (!is_name(object->soname, "libc.so.6") || object->path.len >= sizeof(path))
		return;
	memcpy(path, object->path.data, object->path.len);
	path[object->path.len] = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	/* Of another mount namespace the same path is another file. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == object->device &&
	    st.st_ino == object->inode && start_find(fd, (uint64_t)st.st_size, &found)) {
		found.object = object->id;
		*code = found;
		live->start_next++;
	}
	close(fd);
}

static const struct start_code *start_of(const struct live *live, uint32_t object)
{
	for (unsigned i = 0; i < START_CODES; i++) {
		if (object && live->start_codes[i].object == object)
			return &live->start_codes[i];
	}
	return NULL;
}

/* From the outer end: _start, then libc, then whoever it called. */
uint32_t startup_flags(const struct live *live, const struct item_frame *frames, uint32_t count)
{
	const struct start_code *code = NULL;
	uint32_t at = count, run = 0;

	while (at && !code && count - at < 3)
		code = start_of(live, frames[--at].object);
	if (!code)
		return 0;
	for (; frames[at].object == code->object; at--, run++) {
		if (frames[at].offset <= code->start || frames[at].offset > code->end)
			return 0;
		if (!at)
			return 0;
	}
	return run ? STACK_PHASE_LOAD | STACK_PHASE_STARTUP : 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A constructor of the executable is called by __libc_start_main itself, main by another function of
 * libc's: seen by objects the two stacks are alike, so this is told here, where libc's file can be read.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unwind/symbols.h"
#include "live.h"

static bool is_name(struct str text, const char *name)
{
	return text.len == strlen(name) && !memcmp(text.data, name, text.len);
}

/* Where __libc_start_main is; false in a libc before 2.34, which calls main from there as well. It
 * still has a libdl beside it. */
static bool start_find(int fd, uint64_t bytes, struct start_code *ret)
{
	struct elf_file elf;
	struct symbols symbols;
	uint64_t address;
	bool is_found = false;

	if (elf_file_open(&elf, fd, NULL, bytes) < 0)
		return false;
	symbols_load(&symbols, &elf);
	if (symbols_export(&symbols, "dlopen", &address) &&
	    symbols_export(&symbols, "__libc_start_main", &address)) {
		for (size_t i = 0; i < symbols.count && !is_found; i++) {
			if (symbols.list[i].start != address || !symbols.list[i].bytes)
				continue;
			ret->start = address;
			ret->end = address + symbols.list[i].bytes;
			is_found = true;
		}
	}
	symbols_done(&symbols);
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

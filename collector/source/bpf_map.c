/* SPDX-License-Identifier: Apache-2.0
 *
 * Where executable files are mapped, from the records alone: a program that lives for less than a
 * millisecond has no map any more when its records are read.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unwind/elf_file.h"
#include "bpf.h"

#define PAGE 4096ull
#define CODE_SEGMENTS 4

struct layout {
	uint64_t device, inode, phdr;
	struct elf_segment code[CODE_SEGMENTS];
	unsigned code_count;
	char interpreter[256];
};

static void layout_fill(struct layout *layout, const struct elf_file *elf)
{
	bool has_phdr = false, has_load = false;
	uint64_t first = 0;

	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		uint64_t len = segment->file_bytes;

		if (segment->type == PT_PHDR) {
			layout->phdr = segment->vaddr;
			has_phdr = true;
		} else if (segment->type == PT_LOAD) {
			if (!has_load)
				first = segment->vaddr - segment->offset;
			has_load = true;
			if (segment->flags & PF_X && layout->code_count < CODE_SEGMENTS)
				layout->code[layout->code_count++] = *segment;
		} else if (segment->type == PT_INTERP && len && len < sizeof(layout->interpreter)) {
			if (!elf_file_read(elf, segment->offset, layout->interpreter, len))
				layout->interpreter[0] = '\0';
			layout->interpreter[len] = '\0';
		}
	}
	if (!has_phdr) /* right behind the file's header, as linkers do */
		layout->phdr = first + sizeof(Elf64_Ehdr);
}

static bool layout_read(struct bpf *bpf, const struct proc *proc, const char *path,
			const struct seen_file *seen, struct layout *layout)
{
	struct elf_file *elf;
	struct stat st;
	bool is_read = false;
	int fd = mounts_open(bpf->live, proc, path, seen);

	if (fd < 0)
		return false;
	memset(layout, 0, sizeof(*layout));
	elf = malloc(sizeof(*elf));
	if (elf && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (!seen->inode || st.st_ino == seen->inode) &&
	    elf_file_open(elf, fd, NULL, (uint64_t)st.st_size) == 0) {
		layout->device = st.st_dev;
		layout->inode = st.st_ino;
		layout_fill(layout, elf);
		is_read = true;
	}
	free(elf);
	close(fd);
	return is_read;
}

/* Remembered by path: nearly all programs of a tree are the same few files. */
static const struct layout *layout_of(struct bpf *bpf, const struct proc *proc, const char *path,
				      const struct seen_file *seen)
{
	struct key key = key_of(bpf->live->seed ^ seen->inode, path, strlen(path));
	struct map_entry *entry;
	struct layout *more;

	if (proc->view.root[0] || !mounts_is_seen(bpf->live, proc, path, seen))
		return layout_read(bpf, proc, path, seen, bpf->layout_spare) ? bpf->layout_spare : NULL;
	entry = map_add(&bpf->layout_map, key);
	if (!entry)
		return NULL;
	if (entry->value && bpf->live->paths.now_ms - entry->stamp < 1000)
		return &bpf->layouts[entry->value - 1];
	if (!layout_read(bpf, proc, path, seen, bpf->layout_spare))
		return NULL;
	if (!entry->value) {
		more = realloc(bpf->layouts, (bpf->layout_count + 1) * sizeof(*more));
		if (!more)
			return NULL;
		bpf->layouts = more;
		entry->value = ++bpf->layout_count;
	}
	entry->stamp = bpf->live->paths.now_ms;
	bpf->layouts[entry->value - 1] = *bpf->layout_spare;
	return &bpf->layouts[entry->value - 1];
}

/* What a mapped file is worth: SEEN_HERE or SEEN_OTHER, settled while we know most. */
static uint8_t told_of(struct bpf *bpf, const struct proc *proc, const char *path,
		       const struct seen_file *seen)
{
	return mounts_is_seen(bpf->live, proc, path, seen) ? SEEN_HERE : SEEN_OTHER;
}

static void segment_tell(struct bpf *bpf, const struct unwind_who *who, const struct layout *layout,
			 const struct elf_segment *segment, uint64_t bias, const char *path,
			 uint8_t told)
{
	const struct unwind_mapping mapping = {
		.start = (bias + segment->vaddr) & ~(PAGE - 1),
		.end = (bias + segment->vaddr + segment->file_bytes + PAGE - 1) & ~(PAGE - 1),
		.offset = segment->offset & ~(PAGE - 1),
		.device = layout->device,
		.inode = layout->inode,
		.path = path,
		.path_len = (uint32_t)strlen(path),
		.told = told,
	};

	unwind_process_mapped(bpf->unwind, who, &mapping);
}

/* Of a file that cannot be looked into, because its namespace went with its process: there are no
 * call frames to be had, but whose code it was is known. */
static void range_tell(struct bpf *bpf, const struct unwind_who *who, uint64_t start, uint64_t end,
		       uint64_t offset, const struct seen_file *seen, const char *path, uint8_t told)
{
	const struct unwind_mapping mapping = {
		.start = start & ~(PAGE - 1),
		.end = (end + PAGE - 1) & ~(PAGE - 1),
		.offset = offset,
		.device = seen->device,
		.inode = seen->inode,
		.path = path,
		.path_len = (uint32_t)strlen(path),
		.told = told,
	};

	if (start && end > start && end + PAGE > end)
		unwind_process_mapped(bpf->unwind, who, &mapping);
}

static void interpreter_tell(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
			     const struct wire_kernel_exec *record, const char *name)
{
	const struct seen_file seen = { record->interpreter.device, record->interpreter.inode,
					record->interpreter.changed_ns,
					!record->interpreter.inode ? SEEN_NOT :
					record->interpreter_elsewhere ? SEEN_FILE : SEEN_HERE };
	const struct layout *layout;
	struct path_buffer real;

	paths_real(&bpf->live->paths, &proc->view, "", 0, name, strlen(name), true, &real);
	paths_record(&proc->view, &real);
	layout = layout_of(bpf, proc, real.text, &seen);
	for (unsigned i = 0; layout && i < layout->code_count; i++)
		segment_tell(bpf, who, layout, &layout->code[i], record->interpreter_base,
			     real.text, told_of(bpf, proc, real.text, &seen));
}

void bpf_map_image(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
		   const struct wire_kernel_exec *record)
{
	const struct seen_file *seen = &proc->exe_seen;
	const struct layout *layout = layout_of(bpf, proc, proc->exe, seen);
	uint8_t told = told_of(bpf, proc, proc->exe, seen);
	char interpreter[sizeof(layout->interpreter)];

	if (!layout || !record->phdr) {
		range_tell(bpf, who, record->code_start, record->code_end, 0, seen, proc->exe,
			   told);
		return;
	}
	for (unsigned i = 0; i < layout->code_count; i++)
		segment_tell(bpf, who, layout, &layout->code[i], record->phdr - layout->phdr,
			     proc->exe, told);
	if (!layout->interpreter[0] || !record->interpreter_base)
		return;
	memcpy(interpreter, layout->interpreter, sizeof(interpreter));
	interpreter_tell(bpf, proc, who, record, interpreter);
}

static struct seen_file mapped_seen(const struct wire_kernel_event *record,
				    const struct wire_kernel_mapped *facts)
{
	return (struct seen_file){
		record->device, record->inode, facts->file.changed_ns,
		record->head.flags & WIRE_KERNEL_ELSEWHERE ? SEEN_FILE : SEEN_HERE
	};
}

bool bpf_map_file(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
		  const struct wire_kernel_event *record, struct str path, struct str mapped)
{
	struct wire_kernel_mapped facts = { .offset = 0 };
	const struct layout *layout;
	struct seen_file seen;
	char text[PATH_MAX];
	uint8_t told;

	if (!path.len || path.len >= sizeof(text) || record->result < 0)
		return false;
	memcpy(text, path.data, path.len);
	text[path.len] = '\0';
	if (mapped.len == sizeof(facts))
		memcpy(&facts, mapped.data, sizeof(facts));
	seen = mapped_seen(record, &facts);
	told = told_of(bpf, proc, text, &seen);
	layout = layout_of(bpf, proc, text, &seen);
	for (unsigned i = 0; layout && i < layout->code_count; i++) {
		const struct elf_segment *code = &layout->code[i];
		uint64_t from = code->vaddr & ~(PAGE - 1);
		uint64_t to = code->vaddr + code->file_bytes;

		/* Which of them was mapped its length tells; a loader maps all of one. */
		if ((to - from + PAGE - 1) / PAGE != (record->bytes + PAGE - 1) / PAGE)
			continue;
		segment_tell(bpf, who, layout, code, record->address - from, text, told);
		return true;
	}
	if (seen.where == SEEN_FILE)
		range_tell(bpf, who, record->address, record->address + record->bytes,
			   facts.offset, &seen, text, told);
	return false;
}

int bpf_map_init(struct bpf *bpf)
{
	bpf->layout_map.max = 1u << 16;
	bpf->layout_spare = calloc(1, sizeof(*bpf->layout_spare));
	return bpf->layout_spare ? 0 : -1;
}

void bpf_map_done(struct bpf *bpf)
{
	free(bpf->layouts);
	free(bpf->layout_spare);
	map_done(&bpf->layout_map);
}

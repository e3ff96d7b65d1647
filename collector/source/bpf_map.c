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

/* inode 0: whatever file has that path. */
static bool layout_read(struct bpf *bpf, const struct proc *proc, const char *path,
			uint64_t inode, struct layout *layout)
{
	struct elf_file *elf;
	struct stat st;
	bool is_read = false;
	int fd = mounts_open(bpf->live, proc, path);

	if (fd < 0)
		return false;
	memset(layout, 0, sizeof(*layout));
	elf = malloc(sizeof(*elf));
	if (elf && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (!inode || st.st_ino == inode) &&
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
				      uint64_t inode)
{
	struct key key = key_of(bpf->live->seed ^ inode, path, strlen(path));
	struct map_entry *entry;
	struct layout *more;

	if (proc->view.root[0] || !mounts_is_ours(bpf->live, proc, path))
		return layout_read(bpf, proc, path, inode, bpf->layout_spare) ? bpf->layout_spare : NULL;
	entry = map_add(&bpf->layout_map, key);
	if (!entry)
		return NULL;
	if (entry->value && bpf->live->paths.now_ms - entry->stamp < 1000)
		return &bpf->layouts[entry->value - 1];
	if (!layout_read(bpf, proc, path, inode, bpf->layout_spare))
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

static void segment_tell(struct bpf *bpf, const struct unwind_who *who, const struct layout *layout,
			 const struct elf_segment *segment, uint64_t bias, const char *path)
{
	const struct unwind_mapping mapping = {
		.start = (bias + segment->vaddr) & ~(PAGE - 1),
		.end = (bias + segment->vaddr + segment->file_bytes + PAGE - 1) & ~(PAGE - 1),
		.offset = segment->offset & ~(PAGE - 1),
		.device = layout->device,
		.inode = layout->inode,
		.path = path,
		.path_len = (uint32_t)strlen(path),
	};

	unwind_process_mapped(bpf->unwind, who, &mapping);
}

void bpf_map_image(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
		   const struct wire_kernel_exec *record)
{
	const struct layout *layout = layout_of(bpf, proc, proc->exe, record->inode);
	char interpreter[sizeof(layout->interpreter)];
	struct path_buffer real;

	if (!layout || !record->phdr)
		return;
	for (unsigned i = 0; i < layout->code_count; i++)
		segment_tell(bpf, who, layout, &layout->code[i], record->phdr - layout->phdr,
			     proc->exe);
	if (!layout->interpreter[0] || !record->interpreter_base)
		return;
	memcpy(interpreter, layout->interpreter, sizeof(interpreter));
	paths_real(&bpf->live->paths, &proc->view, "", 0, interpreter, strlen(interpreter), true,
		   &real);
	paths_record(&proc->view, &real);
	layout = layout_of(bpf, proc, real.text, 0);
	for (unsigned i = 0; layout && i < layout->code_count; i++)
		segment_tell(bpf, who, layout, &layout->code[i], record->interpreter_base,
			     real.text);
}

bool bpf_map_file(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
		  const struct wire_kernel_event *record, struct str path)
{
	const struct layout *layout;
	char text[PATH_MAX];

	if (!path.len || path.len >= sizeof(text) || record->result < 0)
		return false;
	memcpy(text, path.data, path.len);
	text[path.len] = '\0';
	layout = layout_of(bpf, proc, text, record->inode);
	for (unsigned i = 0; layout && i < layout->code_count; i++) {
		const struct elf_segment *code = &layout->code[i];
		uint64_t from = code->vaddr & ~(PAGE - 1);
		uint64_t to = code->vaddr + code->file_bytes;

		/* Which of them was mapped its length tells; a loader maps all of one. */
		if ((to - from + PAGE - 1) / PAGE != (record->bytes + PAGE - 1) / PAGE)
			continue;
		segment_tell(bpf, who, layout, code, record->address - from, text);
		return true;
	}
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

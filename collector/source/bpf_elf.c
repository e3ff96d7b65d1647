/* SPDX-License-Identifier: Apache-2.0
 *
 * What a mapped file is: its soname, whose side of the kernel's door it stands on. Found out once
 * per content.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unwind/elf_file.h"
#include "bpf.h"

#define DYNAMICS_MAX 512u

/* glibc's own parts: a call from one to another is libc's inner work. */
static const char *const libc_names[] = { "libc.so.6",	     "ld-linux-x86-64.so.2",
					  "libpthread.so.0", "libdl.so.2",
					  "librt.so.1",	     "libanl.so.1" };

/* Known to call the kernel by instructions of their own, for good reasons. The name alone is no
 * proof: a package must own the file. */
static const char *const honest_names[] = { "libjemalloc.so", "libtcmalloc",  "libmimalloc.so",
					    "liburing.so",    "liburing-ffi", "libasan.so",
					    "libtsan.so",     "liblsan.so",   "libubsan.so",
					    "libhwasan.so",   "libgo.so" };

static bool is_honest(const char *soname)
{
	for (size_t i = 0; i < sizeof(honest_names) / sizeof(honest_names[0]); i++) {
		if (!strncmp(soname, honest_names[i], strlen(honest_names[i])))
			return true;
	}
	return false;
}

static void elf_soname(const struct elf_file *elf, struct elf_facts *facts)
{
	uint64_t at = 0, strings = 0, name = 0;
	bool has_name = false;
	Elf64_Dyn entry;

	for (unsigned i = 0; i < elf->segment_count && !at; i++) {
		if (elf->segments[i].type == PT_DYNAMIC)
			at = elf->segments[i].vaddr;
	}
	for (unsigned i = 0; at && i < DYNAMICS_MAX; i++, at += sizeof(entry)) {
		if (!elf_file_read_at(elf, at, &entry, sizeof(entry)) || entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_STRTAB)
			strings = entry.d_un.d_ptr;
		if (entry.d_tag == DT_SONAME) {
			name = entry.d_un.d_val;
			has_name = true;
		}
	}
	if (!has_name || !strings)
		return;
	for (size_t i = 0; i < sizeof(facts->soname) - 1; i++) {
		if (!elf_file_read_at(elf, strings + name + i, &facts->soname[i], 1)) {
			facts->soname[0] = '\0';
			return;
		}
		if (!facts->soname[i])
			return;
	}
	facts->soname[0] = '\0'; /* nobody calls a library that */
}

static void elf_examine(int fd, uint64_t bytes, struct elf_facts *facts)
{
	struct elf_file *elf = malloc(sizeof(*elf));

	if (elf && elf_file_open(elf, fd, NULL, bytes) == 0) {
		elf_soname(elf, facts);
		for (unsigned i = 0; i < elf->segment_count; i++)
			facts->has_interpreter |= elf->segments[i].type == PT_INTERP;
		facts->is_go = elf_file_section(elf, ".go.buildinfo") != NULL;
	}
	free(elf);
}

static void facts_fill(struct bpf *bpf, const struct proc *proc, const struct unwind_frame *frame,
		       struct elf_facts *facts)
{
	char path[PATH_MAX];
	struct path_buffer host;
	struct stat st;
	int fd;

	if (!frame->path_len || frame->path_len >= sizeof(path))
		return;
	memcpy(path, frame->path, frame->path_len);
	path[frame->path_len] = '\0';
	paths_host_recorded(&proc->view, path, &host);
	fd = open(host.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	/* Another file may have its place by now. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == frame->object->inode) {
		facts->device = st.st_dev;
		facts->inode = st.st_ino;
		facts->is_shim = st.st_ino == bpf->shim_inode && st.st_dev == bpf->shim_device;
		elf_examine(fd, (uint64_t)st.st_size, facts);
	}
	close(fd);
	facts->is_honest = !proc->view.root[0] && is_honest(facts->soname) &&
			   packages_find(bpf->live->packages, path);
	facts->is_loader = !strncmp(facts->soname, "ld-linux", 8);
	for (size_t i = 0; i < sizeof(libc_names) / sizeof(libc_names[0]); i++)
		facts->is_libc |= !strcmp(facts->soname, libc_names[i]);
}

const struct elf_facts *bpf_elf_of(struct bpf *bpf, const struct proc *proc,
				   const struct unwind_frame *frame)
{
	struct map_entry *entry;
	uint64_t id = frame->object->id;

	entry = map_add(&bpf->elfs, key_of(bpf->live->seed, &id, sizeof(id)));
	if (!entry)
		return NULL;
	if (entry->value)
		return &bpf->facts[entry->value - 1];
	if (bpf->facts_count == bpf->facts_room) {
		uint32_t room = bpf->facts_room ? bpf->facts_room * 2 : 64;
		struct elf_facts *more = realloc(bpf->facts, room * sizeof(*more));

		if (!more)
			return NULL;
		bpf->facts = more;
		bpf->facts_room = room;
	}
	memset(&bpf->facts[bpf->facts_count], 0, sizeof(*bpf->facts));
	if (!frame->object->is_vdso)
		facts_fill(bpf, proc, frame, &bpf->facts[bpf->facts_count]);
	entry->value = ++bpf->facts_count;
	return &bpf->facts[bpf->facts_count - 1];
}

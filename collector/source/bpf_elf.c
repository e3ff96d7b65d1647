/* SPDX-License-Identifier: Apache-2.0
 *
 * What a mapped file is: its soname, whose side of the kernel's door it stands on. Found out once
 * per content.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* What only names tell: of a file that cannot be examined, because another has its place by now (an
 * upgrade) or its file system gives mappings other numbers than stat(2) (overlays). A package vouches
 * for the name; where one owns the file, nobody but root put it there. */
static void facts_by_name(const struct bpf *bpf, const struct proc *proc, const char *path,
			  const struct seen_file *seen, struct elf_facts *facts)
{
	static const char deleted[] = " (deleted)";
	struct path_buffer plain;
	const char *name;

	plain.len = strlen(path);
	if (plain.len >= sizeof(plain.text) || proc->view.root[0])
		return;
	memcpy(plain.text, path, plain.len + 1);
	if (plain.len > strlen(deleted) && !strcmp(path + plain.len - strlen(deleted), deleted))
		plain.text[plain.len - strlen(deleted)] = '\0';
	name = strrchr(plain.text, '/');
	if (!name || strlen(name + 1) >= sizeof(facts->soname) ||
	    !packages_find(bpf->live->packages, plain.text) ||
	    !mounts_is_seen(bpf->live, proc, plain.text, seen))
		return;
	strcpy(facts->soname, name + 1);
	facts->is_honest = is_honest(facts->soname);
}

static void facts_conclude(struct elf_facts *facts)
{
	facts->is_loader = !strncmp(facts->soname, "ld-linux", 8);
	for (size_t i = 0; i < sizeof(libc_names) / sizeof(libc_names[0]); i++)
		facts->is_libc |= !strcmp(facts->soname, libc_names[i]);
}

bool bpf_elf_is_innocent(const struct bpf *bpf, const struct proc *proc,
			 const struct unwind_frame *frame)
{
	const struct seen_file seen = bpf_seen_of(proc, frame);
	struct elf_facts facts = { .soname = "" };
	char path[PATH_MAX];

	if (!frame->path_len || frame->path_len >= sizeof(path))
		return false;
	memcpy(path, frame->path, frame->path_len);
	path[frame->path_len] = '\0';
	facts_by_name(bpf, proc, path, &seen, &facts);
	facts_conclude(&facts);
	return facts.is_libc || facts.is_honest ||
	       (bpf->shim_map_inode && frame->inode == bpf->shim_map_inode &&
		!strcmp(path, bpf->options.shim_path));
}

void bpf_elf_know_shim(struct bpf *bpf)
{
	unsigned long start, inode;
	struct stat st;
	char line[PATH_MAX + 128];
	int fd = open(bpf->options.shim_path, O_RDONLY | O_CLOEXEC);
	void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	FILE *maps = page == MAP_FAILED ? NULL : fopen("/proc/self/maps", "re");

	if (fd >= 0 && fstat(fd, &st) == 0) {
		bpf->shim_device = st.st_dev;
		bpf->shim_inode = st.st_ino;
	}
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%*x %*s %*x %*x:%*x %lu", &start, &inode) == 2 &&
		    start == (unsigned long)page)
			bpf->shim_map_inode = inode;
	}
	if (maps)
		fclose(maps);
	if (page != MAP_FAILED)
		munmap(page, 1);
	if (fd >= 0)
		close(fd);
}

static bool is_same_file(const struct bpf *bpf, const struct stat *st, uint64_t inode)
{
	bool is_shim = st->st_ino == bpf->shim_inode && st->st_dev == bpf->shim_device;

	return st->st_ino == inode || (is_shim && inode && inode == bpf->shim_map_inode);
}

static void facts_fill(struct bpf *bpf, const struct proc *proc, const struct unwind_frame *frame,
		       struct elf_facts *facts)
{
	const struct seen_file seen = bpf_seen_of(proc, frame);
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (!frame->path_len || frame->path_len >= sizeof(path))
		return;
	memcpy(path, frame->path, frame->path_len);
	path[frame->path_len] = '\0';
	fd = mounts_open(bpf->live, proc, path, &seen);
	/* Another file may have its place by now. */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    is_same_file(bpf, &st, frame->object->inode)) {
		facts->device = st.st_dev;
		facts->inode = st.st_ino;
		facts->is_shim = st.st_ino == bpf->shim_inode && st.st_dev == bpf->shim_device;
		elf_examine(fd, (uint64_t)st.st_size, facts);
		facts->is_honest = !proc->view.root[0] && is_honest(facts->soname) &&
				   packages_find(bpf->live->packages, path) &&
				   mounts_is_seen(bpf->live, proc, path, &seen);
	} else {
		facts_by_name(bpf, proc, path, &seen, facts);
	}
	if (fd >= 0)
		close(fd);
	facts_conclude(facts);
}

const struct elf_facts *bpf_elf_of(struct bpf *bpf, const struct proc *proc,
				   const struct unwind_frame *frame)
{
	struct {
		uint64_t id, mounts, told;
	} what = { frame->object->id, proc->mounts.number, frame->told };
	struct map_entry *entry;

	/* One file may be trusted by the name it has here, and not by the one it has there. */
	entry = map_add(&bpf->elfs, key_of(key_of(bpf->live->seed, frame->path, frame->path_len).hi,
					   &what, sizeof(what)));
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Points open in the program's GOT at a function of ours, which opens FILE in place of what the
 * program asks for, with libc's own open. */
#include <link.h>
#include <sys/mman.h>

#include "evade.h"

static const char *secret;
static int (*libc_open)(const char *, int, ...);

static int evil_open(const char *path, int flags)
{
	int fd = libc_open(secret, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		raw3(SYS_close, fd, 0, 0);
	return libc_open(path, flags);
}

struct program {
	ElfW(Addr) base;
	const ElfW(Dyn) * dynamic;
};

static int program_find(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct program *program = arg;

	(void)size;
	program->base = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			program->dynamic = (void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1; /* the program itself comes first */
}

static int got_overwrite(const char *name, void *function)
{
	struct program program = { 0, NULL };
	const ElfW(Sym) *symbols = NULL;
	const ElfW(Rela) *rela = NULL;
	const char *strings = NULL;
	size_t count = 0;

	dl_iterate_phdr(program_find, &program);
	for (const ElfW(Dyn) *d = program.dynamic; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			symbols = (void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			strings = (void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_JMPREL)
			rela = (void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_PLTRELSZ)
			count = d->d_un.d_val / sizeof(*rela);
	}
	for (size_t i = 0; symbols && strings && rela && i < count; i++)
		if (!strcmp(strings + symbols[ELF64_R_SYM(rela[i].r_info)].st_name, name)) {
			*(void **)(program.base + rela[i].r_offset) = function;
			return 0;
		}
	return 2;
}

int evade(int argc, char **argv)
{
	*(void **)&libc_open = libc_function("open");
	if (argc < 1 || !libc_open)
		return 2;
	secret = argv[0];
	return got_overwrite("open", (void *)evil_open);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What was under way when a stack was taken: by the loader's place among its links, and by what the
 * source said where links alone do not tell (enum stack_phase).
 *
 * As glibc goes, innermost first, code being anybody's but the loader's and libc's:
 *   code | ld.so                          constructor of a library before main (_dl_init, _start)
 *   code | ld.so | libc | ld.so | libc | ld.so | ...   constructor in dlopen: _dl_init and its worker
 *                                         under _dl_catch_exception each (since 2.32; before that, and
 *                                         always with the shim, `via` says it)
 *   code | ld.so | code                   IFUNC resolver, on the first call through a PLT
 *   code | ld.so | libc | code            destructor at exit (_dl_fini): not loading
 *   code | ld.so | libc                   the same in a thread that calls exit
 *   code | ld.so | libc | ld.so | libc | code    destructor in dlclose: not either
 */
#include <string.h>

#include "model_inner.h"

static bool starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* By name, and where only root writes: what is dropped elsewhere under the loader's name must not
 * make its steady work look like loading. */
static bool is_system(const struct subject *subject)
{
	return *subject->package || starts(subject->path, "/usr/lib") ||
	       starts(subject->path, "/lib");
}

static bool is_loader(const struct subject *subject)
{
	return subject->kind == SUBJECT_LIBRARY &&
	       (starts(subject->name, "ld-linux") || starts(subject->name, "ld64.so") ||
		starts(subject->name, "ld-musl-")) &&
	       is_system(subject);
}

static bool is_libc(const struct subject *subject)
{
	return subject->kind == SUBJECT_LIBRARY && !strcmp(subject->name, "libc.so.6");
}

static bool is_python(const struct subject *subject)
{
	if (subject->kind == SUBJECT_EXECUTABLE)
		return starts(subject->name, "python");
	return subject->kind == SUBJECT_PYTHON ||
	       (subject->kind == SUBJECT_LIBRARY && starts(subject->name, "libpython"));
}

/* What the loader's link at `at` was doing, with code further in. */
static unsigned loader_phases(const struct stack *stack, uint32_t at)
{
	const struct chain_link *links = stack->links;
	bool is_cut = stack->flags & (WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED);
	if (at + 1 == stack->count)
		return is_cut ? 0 : PHASE_LOAD | PHASE_STARTUP;
	if (!is_libc(links[at + 1].subject))
		return PHASE_LOAD;
	bool is_dlopen = at + 4 < stack->count && is_loader(links[at + 2].subject) &&
			 is_libc(links[at + 3].subject) && is_loader(links[at + 4].subject);
	return is_dlopen ? PHASE_LOAD : 0;
}

void stack_set_phases(struct stack *stack)
{
	unsigned phases = 0;
	bool has_code = false;
	if (stack->flags & STACK_PHASE_LOAD)
		phases |= PHASE_LOAD;
	if (stack->flags & STACK_PHASE_STARTUP)
		phases |= PHASE_STARTUP;
	for (uint32_t i = 0; i < stack->count; i++) {
		const struct subject *subject = stack->links[i].subject;
		stack->has_import |= stack->flags & STACK_PHASE_LOAD && is_python(subject);
		if (is_loader(subject) && has_code)
			phases |= loader_phases(stack, i);
		has_code |= !is_loader(subject) && !is_libc(subject);
	}
	stack->phases = phases ? (uint8_t)phases : PHASE_STEADY;
}

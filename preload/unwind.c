/* SPDX-License-Identifier: Apache-2.0
 *
 * A stack unwinder for somebody else's hot path: DWARF call frame information through
 * _dl_find_object, a process-wide lock-free cache of rows, nothing allocated, no lock, no system
 * call, callable from signal handlers and in the child of a multithreaded fork.
 *
 * Why not libunwind (1.6.2): its cache costs 273 KiB and up to 3 ms per thread, takes the
 * loader's lock through dl_iterate_phdr, may not be re-entered by a signal handler while it grows
 * (libunwind #425), and stays wrong after dlclose and reload at the same address even when
 * flushed. It serves as the reference in tests/unit/test_unwind.c instead.
 *
 * Followed registers: pc, sp and rbp. Rows that need others end the walk (the stack is then said
 * to be partial); code without any row is walked by its frame pointer, read with a system call
 * that cannot fault.
 */
#include <sys/ucontext.h>

#include "unwind_cfi.h"

TABLE struct unwind_entry unwind_cache[1u << UNWIND_CACHE_BITS];

uint32_t load_generation;

void unwind_forget(void)
{
	__atomic_fetch_add(&load_generation, 1, __ATOMIC_SEQ_CST);
}

uint64_t unwind_function(uint64_t pc, uint64_t *ret_end)
{
	struct cfi_fde fde;

	if (!cfi_fde_find(pc, &fde))
		return 0;
	*ret_end = fde.start + fde.bytes;
	return fde.start;
}

/* Entries of functions, as rows are cached: a pair that checks itself. A new stack asks for every
 * frame twice, and shares most of its frames with the one before. */
#define ENTRY_BITS 10
static TABLE struct unwind_entry entry_cache[1u << ENTRY_BITS];

uint64_t unwind_function_entry(uint64_t pc)
{
	uint64_t key = unwind_key(pc), end, start;
	struct unwind_entry *entry =
		&entry_cache[(key * 0x9e3779b97f4a7c15ull) >> (64 - ENTRY_BITS)];

	start = __atomic_load_n(&entry->row, __ATOMIC_RELAXED);
	if (likely(start && (__atomic_load_n(&entry->check, __ATOMIC_RELAXED) ^ start) == key))
		return start;
	start = unwind_function(pc, &end);
	__atomic_store_n(&entry->row, start, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->check, key ^ start, __ATOMIC_RELAXED);
	return start;
}

struct row unwind_row(uint64_t pc, uint64_t key, struct unwind_entry *entry)
{
	struct row row = unwind_row_compute(pc);
	uint64_t word;

	memcpy(&word, &row, sizeof(word));
	__atomic_store_n(&entry->row, word, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->check, key ^ word, __ATOMIC_RELAXED);
	return row;
}

/* --- walking ----------------------------------------------------------------------------------- */
/* After a filter was installed nobody can be asked: then the rows are believed. */
NOINLINE bool unwind_extend(struct unwind_frame *frame, uint64_t end)
{
	uint64_t known = thread_self.stack_pages;
	uint64_t low = (known >> STACK_COUNT_BITS) * UNWIND_PAGE;
	uint64_t high = low + (known & ((1ull << STACK_COUNT_BITS) - 1)) * UNWIND_PAGE;

	while (frame->limit < end) {
		if (frame->limit >= low && frame->limit < high) {
			frame->limit = high;
			continue;
		}
		if (!session.has_seccomp && !memory_is_readable((const void *)frame->limit, 1))
			return false;
		frame->limit += UNWIND_PAGE;
	}
	thread_self.stack_pages = frame->low / UNWIND_PAGE << STACK_COUNT_BITS |
				  (frame->limit - frame->low) / UNWIND_PAGE;
	return true;
}

/* Only a frame pointer vouches for this one. */
static bool step_frame_pointer(struct unwind_frame *frame)
{
	uint64_t pair[2];

	if (frame->fp < frame->sp || frame->fp - frame->sp > (1u << 20) || frame->fp % 8 ||
	    !memory_is_readable((const void *)frame->fp, sizeof(pair)))
		return false;
	memcpy(pair, (const void *)frame->fp, sizeof(pair));
	if (!pair[1])
		return false;
	frame->sp = frame->fp + 16;
	frame->fp = pair[0];
	frame->pc = pair[1];
	frame->is_exact = false;
	if (frame->sp > frame->limit)
		unwind_place(frame);
	return true;
}

/* The interrupted code may have been on another stack, or have none left: an overflow is handled
 * on an alternate stack. */
static bool step_signal(struct unwind_frame *frame)
{
	const ucontext_t *context = (const ucontext_t *)frame->sp;

	if (!unwind_reaches(frame, (uint64_t)(&context->uc_mcontext + 1)))
		return false;
	frame->pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	frame->fp = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
	frame->sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
	frame->is_exact = true;
	unwind_place(frame);
	return true;
}

/* A "return address" at the very start of a function was pushed, not called from: makecontext's
 * way to end a coroutine (glibc __start_context). That is an outermost frame. */
static bool is_entry(uint64_t pc)
{
	uint64_t end;

	return unwind_function(pc, &end) == pc;
}

/* The loader's entry code has no call frame information; it runs constructors on the stack as the
 * kernel set it up, and nothing is below it. */
static bool is_initial(uint64_t sp)
{
	extern void *__libc_stack_end __attribute__((weak));
	uint64_t initial = &__libc_stack_end ? (uint64_t)__libc_stack_end : 0;

	return initial && sp + 64 >= initial && sp <= initial + 64;
}

/* _init and _fini are pieced together from crti.o and crtn.o, which carry no call frame
 * information: "[endbr64] sub $8,%rsp" is all their prologue does. */
static bool step_init_section(struct unwind_frame *frame)
{
	struct dl_find_object object;
	uint64_t start = 0;

	if (_dl_find_object((void *)frame->pc, &object) < 0)
		return false;
	for (const ElfW(Dyn) *d = object.dlfo_link_map->l_ld; d->d_tag != DT_NULL; d++) {
		uint64_t entry = object.dlfo_link_map->l_addr + d->d_un.d_ptr;

		if ((d->d_tag == DT_INIT || d->d_tag == DT_FINI) && frame->pc > entry &&
		    frame->pc - entry < 128)
			start = entry;
	}
	if (!start)
		return false;
	if (!memcmp((const void *)start, "\xf3\x0f\x1e\xfa", 4))
		start += 4;
	if (memcmp((const void *)start, "\x48\x83\xec\x08", 4))
		return false;
	if (!unwind_reaches(frame, frame->sp + 16))
		return false;
	frame->pc = load(frame->sp + 8);
	frame->sp += 16;
	frame->is_exact = false;
	return true;
}

bool unwind_step_odd(struct unwind_frame *frame, struct row row, uint32_t *ret_flags)
{
	if (row.kind == ROW_SIGNAL && step_signal(frame))
		return true;
	if (row.kind == ROW_END)
		return false;
	if (row.kind == ROW_NONE) {
		if (is_entry(frame->pc) || is_initial(frame->sp))
			return false;
		if (step_init_section(frame))
			return true;
		if (step_frame_pointer(frame)) {
			*ret_flags |= WIRE_STACK_FP;
			return true;
		}
	}
	*ret_flags |= WIRE_STACK_PARTIAL;
	return false;
}

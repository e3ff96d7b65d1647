/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller's stack: taken at every hook, hashed, and told to the collector once. The table holds
 * one word per stack (hash above, id below), so a reader never sees half of an entry.
 */
#include "hook.h"

#define STACKS 8192u /* power of two */
#define PROBES 8u
#define ID_BITS 24
#define FRAMES_EXTRA 16 /* room for inferred frames */

static uint64_t stacks[STACKS];
static uint32_t next_id;

void stack_forget(void)
{
	unwind_forget();
	objects_forget();
	for (unsigned i = 0; i < STACKS; i++)
		__atomic_store_n(&stacks[i], 0, __ATOMIC_RELAXED);
}

/* Entries of the hooks, as distances from the table itself: pointers would have to be relocated in
 * every process that starts. */
#define HOOK(family, kind, ret, name, params) "	.long " #name " - hook_entries\n"
__asm__(".pushsection .rodata\n"
	"	.balign 4\n"
	"hook_entries:\n"
#include "hooks.tbl.h"
	".popsection\n");
#undef HOOK
extern const int32_t hook_entries[HOOK_COUNT - 1] __attribute__((visibility("hidden")));

/* The function a hook id stands for, as the program's calls reach it: our own entry. */
static uint64_t hook_entry(unsigned hook)
{
	return hook && hook < HOOK_COUNT ?
		       (uint64_t)hook_entries + (uint64_t)(int64_t)hook_entries[hook - 1] :
		       0;
}

struct writer {
	struct wire_frame *frames;
	unsigned count, max;
};

static void writer_add(struct writer *w, uint64_t pc, uint32_t flags)
{
	uint64_t base = 0;
	uint32_t id;

	if (w->count == w->max)
		return;
	id = object_id(pc, &base);
	if (w->frames)
		w->frames[w->count] = (struct wire_frame){ id ? pc - base : pc, id, flags };
	w->count++;
}

/* pcs are addresses inside the calling instruction (return address - 1). Inferred frames are put
 * between a frame and the function it is found to have called. */
static void writer_fill(struct writer *w, const uint64_t *pcs, unsigned count, unsigned hook)
{
	uint64_t callee = hook_entry(hook), end;

	for (unsigned i = 0; i < count; i++) {
		uint64_t entries[4];
		unsigned hops = callee ? tail_path(pcs[i] + 1, callee, entries, 4) : 0;

		while (hops)
			writer_add(w, entries[--hops], WIRE_FRAME_INFERRED);
		writer_add(w, pcs[i], 0);
		callee = unwind_function(pcs[i], &end);
	}
}

static NOINLINE uint32_t stack_define(const uint64_t *pcs, unsigned count, uint32_t flags,
				      unsigned hook)
{
	uint32_t id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED) & ((1u << ID_BITS) - 1);
	struct writer w = { .max = count + FRAMES_EXTRA };
	struct wire_stack *record;
	uint32_t bytes;

	if (!id)
		return 0;
	/* A dry run defines the objects: while a record is open no other may be begun by us, or
	 * the consumer would wait for us and we for it. */
	writer_fill(&w, pcs, count, hook);
	bytes = (uint32_t)(sizeof(*record) + w.count * sizeof(struct wire_frame));
	record = ring_reserve(bytes, WIRE_FAMILY_META);
	if (!record)
		return 0;
	w = (struct writer){ record->frames, 0, w.count };
	writer_fill(&w, pcs, count, hook);
	record->id = id;
	record->count = w.count;
	ring_commit(record, bytes, WIRE_STACK, flags);
	return id;
}

uint32_t stack_capture(void **frame, unsigned hook)
{
	uint64_t pcs[WIRE_STACK_FRAMES];
	struct unwind_frame start = { (uint64_t)frame[1], (uint64_t)(frame + 2),
				      (uint64_t)frame[0], false };
	uint32_t flags = 0, id;
	unsigned count = unwind_stack(&start, pcs, WIRE_STACK_FRAMES, &flags);
	uint64_t hash = load_generation * 0xff51afd7ed558ccdull + hook + session.generation;
	uint64_t *place = NULL, tag;

	for (unsigned i = 0; i < count; i++) {
		hash = (hash ^ pcs[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	tag = (hash | 1) << ID_BITS;
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t *at = &stacks[((hash >> 40) + i) % STACKS];
		uint64_t word = __atomic_load_n(at, __ATOMIC_ACQUIRE);

		if (likely((word & ~((1ull << ID_BITS) - 1)) == tag))
			return (uint32_t)word & ((1u << ID_BITS) - 1);
		if (!word && !place)
			place = at;
	}
	id = stack_define(pcs, count, flags, hook);
	if (id) {
		if (!place)
			place = &stacks[(hash >> 40) % STACKS];
		__atomic_store_n(place, tag | id, __ATOMIC_RELEASE);
	}
	return id;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller's stack: taken at every hook, hashed, and told to the collector once. The table holds
 * one word per stack (hash above, id below), so a reader never sees half of an entry.
 */
#include "python.h"
#include "script.h"
#include "unwind.h"

#define STACKS 8192u /* power of two */
#define PROBES 8u
#define ID_BITS 24

static TABLE uint64_t stacks[STACKS];
static uint32_t next_id;

void stack_forget(void)
{
	unwind_forget();
	objects_forget();
	for (unsigned i = 0; i < STACKS; i++)
		__atomic_store_n(&stacks[i], 0, __ATOMIC_RELAXED);
}

void stack_touch(void)
{
	python_touch(stacks, sizeof(stacks));
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

/* A stack is walked as often as it is needed and never kept: hooks run on signal stacks of 2 KiB. */
struct walk {
	struct unwind_frame frame;
	uint32_t flags;
	unsigned count;
	struct python_walk python;
};

static inline void walk_begin(struct walk *walk, void **frame)
{
	walk->frame = unwind_begin(frame);
	walk->flags = 0;
	walk->count = 0;
	python_walk_begin(&walk->python, walk->frame.sp);
}

/* An address inside the calling instruction. */
static inline uint64_t walk_pc(const struct walk *walk)
{
	return walk->frame.pc - !walk->frame.is_exact;
}

static inline bool walk_next(struct walk *walk)
{
	if (unlikely(++walk->count == WIRE_STACK_FRAMES)) {
		walk->flags |= WIRE_STACK_TRUNCATED;
		return false;
	}
	if (!unwind_step(&walk->frame, &walk->flags))
		return false;
	if (unlikely(walk->frame.is_exact))
		walk->python.is_careful = true;
	return true;
}

struct writer {
	struct wire_frame *frames; /* NULL: only count, and define the objects */
	unsigned count, max;
	const struct link_map *map; /* of the frame before: mostly the same */
	uint32_t id;
};

static uint32_t writer_object(struct writer *w, uint64_t pc, uint64_t *ret_base)
{
	struct dl_find_object object;

	if (_dl_find_object((void *)pc, &object) < 0)
		return 0;
	if (w->map != object.dlfo_link_map || !w->id) {
		w->id = object_id(pc, ret_base);
		w->map = object.dlfo_link_map;
	}
	*ret_base = object.dlfo_link_map->l_addr;
	return w->id;
}

static void writer_add(struct writer *w, uint64_t pc, uint32_t flags)
{
	uint64_t base = 0;
	uint32_t id;

	if (w->count == w->max)
		return;
	id = writer_object(w, pc, &base);
	if (w->frames)
		w->frames[w->count] = (struct wire_frame){ id ? pc - base : pc, id, flags };
	w->count++;
}

/* What a shell runs is nobody's frame: it is behind all of them. */
static void writer_add_script(struct writer *w, const struct walk *walk)
{
	bool is_whole = !(walk->flags & (WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED));
	uint32_t line = is_whole ? script_line() : 0;
	uint32_t id = line && w->count < w->max ? script_object(!w->frames) : 0;

	if (!id)
		return;
	if (w->frames)
		w->frames[w->count] = (struct wire_frame){ line, id, 0 };
	w->count++;
}

/* What the native frame that was left by the last step ran. */
static void writer_add_python(struct writer *w, struct walk *walk, uint64_t pc)
{
	struct python_frame frame;

	while (python_walk_next(&walk->python, pc, walk->frame.sp, &frame)) {
		uint32_t id = w->count < w->max ? unit_object(frame.unit, !w->frames) : 0;

		if (!id)
			continue;
		if (w->frames)
			w->frames[w->count] = (struct wire_frame){ frame.line, id, 0 };
		w->count++;
	}
}

/* A search through the jumps of large functions takes up to 2 ms, and outer frames are the same on
 * stack after stack: answers of none or one are kept. Two words that check each other, as in the
 * unwinder's cache. */
#define TAILS 512u /* power of two */
static struct {
	uint64_t check, entry; /* key ^ entry; 0: none */
} tails[TAILS];

static unsigned tail_known(uint64_t return_pc, uint64_t callee, uint64_t entries[4])
{
	uint64_t key = (return_pc ^ callee << 20 ^ (uint64_t)load_generation << 56) *
			       0x9e3779b97f4a7c15ull | 1;
	uint64_t entry = __atomic_load_n(&tails[key >> 55].entry, __ATOMIC_RELAXED);
	unsigned hops;

	if (__atomic_load_n(&tails[key >> 55].check, __ATOMIC_RELAXED) == (key ^ entry)) {
		entries[0] = entry;
		return entry != 0;
	}
	hops = tail_path(return_pc, callee, entries, 4);
	if (hops <= 1) {
		entry = hops ? entries[0] : 0;
		__atomic_store_n(&tails[key >> 55].entry, entry, __ATOMIC_RELAXED);
		__atomic_store_n(&tails[key >> 55].check, key ^ entry, __ATOMIC_RELAXED);
	}
	return hops;
}

/* Inferred frames are put between a frame and the function it is found to have called. */
static uint32_t writer_fill(struct writer *w, void **frame, unsigned hook)
{
	uint64_t callee = hook_entry(hook);
	struct walk walk;
	bool is_more, is_untold = false;

	walk_begin(&walk, frame);
	do {
		uint64_t entries[4], pc = walk_pc(&walk);
		/* Jumps from the interpreter to itself take nobody off the stack, and it is full of
		 * large functions to be searched. */
		bool is_own = python_is_inside(pc) && python_is_inside(callee);
		bool is_cut = walk.python.is_cut;
		unsigned hops = callee && !walk.frame.is_exact && !is_own && !is_cut ?
					tail_known(walk.frame.pc, callee, entries) :
					0;

		while (hops)
			writer_add(w, entries[--hops], WIRE_FRAME_INFERRED);
		if (!is_cut)
			writer_add(w, pc, walk.frame.is_exact ? WIRE_FRAME_SIGNAL : 0);
		callee = is_cut ? 0 : unwind_function_entry(pc);
		is_more = walk_next(&walk);
		if (is_more)
			writer_add_python(w, &walk, pc);
		python_walk_left(&walk.python, pc);
		/* Further out it may be what greenlets have left behind on their stack. */
		is_untold |= is_more && !walk.python.calls && python_is_eval(pc);
	} while (is_more);
	writer_add_script(w, &walk);
	if (is_untold && python.state != PYTHON_FOUND)
		walk.flags |= WIRE_STACK_UNTOLD;
	return walk.flags | walk.python.flags;
}

static NOINLINE uint32_t stack_define(void **frame, unsigned hook)
{
	uint32_t id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED) & ((1u << ID_BITS) - 1);
	struct writer w = { .max = WIRE_STACK_FRAMES_MAX };
	struct wire_stack *record;
	uint32_t bytes, flags;

	if (!id)
		return 0;
	/* A dry run defines the objects: while a record is open no other may be begun by us, or
	 * the consumer would wait for us and we for it. */
	writer_fill(&w, frame, hook);
	bytes = (uint32_t)(sizeof(*record) + w.count * sizeof(struct wire_frame));
	record = ring_reserve(bytes, WIRE_FAMILY_META);
	if (!record)
		return 0;
	w = (struct writer){ .frames = record->frames, .max = w.count };
	flags = writer_fill(&w, frame, hook);
	record->id = id;
	record->count = w.count;
	ring_commit(record, bytes, WIRE_STACK, flags);
	return id;
}

uint32_t stack_origin(void **frame)
{
	struct python_frame ran;
	struct walk walk;
	bool is_more;

	walk_begin(&walk, frame);
	do {
		uint64_t pc = walk_pc(&walk);

		is_more = walk_next(&walk);
		while (is_more && python_walk_next(&walk.python, pc, walk.frame.sp, &ran))
			;
		python_walk_left(&walk.python, pc);
	} while (is_more && !walk.python.is_cut);
	return python_walk_origin(&walk.python);
}

uint32_t stack_capture(void **frame, unsigned hook, uint32_t *ret_origin)
{
	struct walk walk;
	uint64_t hash = load_generation * 0xff51afd7ed558ccdull + hook +
			session.generation * 0xc2b2ae3d27d4eb4full;
	uint64_t *place = NULL, tag, pc;
	struct python_frame ran;
	uint32_t id;
	bool is_more;

	walk_begin(&walk, frame);
	do {
		pc = walk_pc(&walk);
		if (likely(!walk.python.is_cut)) {
			hash = (hash ^ pc) * 0x9e3779b97f4a7c15ull;
			hash ^= hash >> 32;
		}
		is_more = walk_next(&walk);
		while (is_more &&
		       unlikely(python_walk_next(&walk.python, pc, walk.frame.sp, &ran))) {
			hash = (hash ^ ran.unit ^ (uint64_t)ran.line << 32) *
			       0x9e3779b97f4a7c15ull;
			hash ^= hash >> 32;
		}
		python_walk_left(&walk.python, pc);
	} while (is_more);
	/* What lies beyond the cut still says whether this is an import. */
	if (unlikely(walk.python.is_cut))
		hash = (hash ^ walk.python.flags) * 0x9e3779b97f4a7c15ull;
	*ret_origin = python_walk_origin(&walk.python);
	hash ^= script_line() * 0xc4ceb9fe1a85ec53ull;
	tag = (hash | 1) << ID_BITS;
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t *at = &stacks[((hash >> 40) + i) % STACKS];
		uint64_t word = __atomic_load_n(at, __ATOMIC_ACQUIRE);

		if (likely((word & ~((1ull << ID_BITS) - 1)) == tag))
			return (uint32_t)word & ((1u << ID_BITS) - 1);
		if (!word && !place)
			place = at;
	}
	id = stack_define(frame, hook);
	if (id) {
		if (!place)
			place = &stacks[(hash >> 40) % STACKS];
		__atomic_store_n(place, tag | id, __ATOMIC_RELEASE);
	}
	return id;
}

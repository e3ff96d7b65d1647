/* SPDX-License-Identifier: Apache-2.0
 *
 * Tail calls: `return system(x)` in a library compiles to a jump, and the library is not on the
 * stack. The evidence left is the call instruction before the return address: when it calls
 * something other than the function we are in, that callee must have jumped on. Its code is
 * searched for jumps that lead to where we are, through further functions if need be; only a chain
 * of jumps that really ends there is believed, except for the first hop, which the call proves.
 *
 * Runs once per new stack, never per event. Only reads code and GOT entries of loaded objects.
 */
#include "hook.h"

#define DEPTH_MAX 4	    /* functions jumped through */
#define CODE_MAX 16384	    /* bytes of one function looked at */
#define BUDGET_MAX 65536    /* bytes looked at for one call in all */

struct search {
	uint64_t wanted; /* entry that must be reached */
	uint64_t path[DEPTH_MAX];
	unsigned depth;
	uint32_t budget;
};

static int32_t read_i32(uint64_t at)
{
	int32_t value;

	memcpy(&value, (const void *)at, 4);
	return value;
}

/* Follows a PLT entry ([endbr64] [bnd] jmp *GOT(%rip)) to the function it stands for. */
static uint64_t plt_resolve(uint64_t entry)
{
	const uint8_t *code = (const uint8_t *)entry;
	uint64_t slot, target;

	if (!object_holds(entry, 16))
		return entry;
	if (code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e && code[3] == 0xfa)
		code += 4;
	if (code[0] == 0xf2)
		code++;
	if (code[0] != 0xff || code[1] != 0x25)
		return entry;
	slot = (uint64_t)code + 6 + (uint64_t)(int64_t)read_i32((uint64_t)code + 2);
	if (!object_holds(slot, 8))
		return entry;
	memcpy(&target, (const void *)slot, 8);
	/* A slot not bound yet points back into the PLT: nothing was called through it. */
	return object_holds(target, 1) ? target : entry;
}

/* Target of a direct or GOT-indirect call or jump at code, 0 when it is anything else. */
static uint64_t branch_target(uint64_t at, uint8_t direct, uint8_t indirect)
{
	const uint8_t *code = (const uint8_t *)at;

	if (code[0] == direct) {
		uint64_t target = at + 5 + (uint64_t)(int64_t)read_i32(at + 1);

		return object_holds(target, 1) ? plt_resolve(target) : 0;
	}
	if (code[0] == 0xff && code[1] == indirect) {
		uint64_t slot = at + 6 + (uint64_t)(int64_t)read_i32(at + 2), target;

		if (!object_holds(slot, 8) || slot % 8)
			return 0;
		memcpy(&target, (const void *)slot, 8);
		return object_holds(target, 1) ? target : 0;
	}
	return 0;
}

/* What the call instruction that ends at return_pc calls, 0 when it cannot be told (a call through
 * a register: a callback or a virtual function). */
static uint64_t call_target(uint64_t return_pc)
{
	uint64_t target;

	if (!object_holds(return_pc - 6, 6))
		return 0;
	target = branch_target(return_pc - 5, 0xe8, 0x00);
	if (!target && ((const uint8_t *)return_pc)[-6] == 0xff)
		target = branch_target(return_pc - 6, 0x00, 0x15);
	return target;
}

/* The code of a function, cold part left out. */
static bool function_bounds(uint64_t entry, uint64_t *ret_end)
{
	uint64_t start = unwind_function(entry, ret_end);

	return start && start <= entry && *ret_end > entry;
}

static bool search_from(struct search *search, uint64_t entry);

static bool search_jump(struct search *search, uint64_t target)
{
	if (target == search->wanted)
		return true;
	for (unsigned i = 0; i < search->depth; i++)
		if (search->path[i] == target)
			return false;
	return search->depth < DEPTH_MAX && search_from(search, target);
}

/* Depth-first, at most DEPTH_MAX deep: the recursion is bounded and its frames are small. The
 * direct hit is looked for first: it is the common case and needs no guess. */
static bool search_from(struct search *search, uint64_t entry)
{
	uint64_t end;

	if (!function_bounds(entry, &end))
		return false;
	if (end - entry > CODE_MAX)
		end = entry + CODE_MAX;
	search->path[search->depth++] = entry;
	for (unsigned is_deep = 0; is_deep < 2; is_deep++) {
		for (uint64_t at = entry; at + 6 <= end + 1 && at + 5 <= end; at++) {
			uint8_t op = *(const uint8_t *)at;
			uint64_t target;

			if (op != 0xe9 && op != 0xff)
				continue;
			if (!search->budget--)
				goto none;
			/* Most jumps stay within; finding out where they go is what costs. */
			target = at + 5 + (uint64_t)(int64_t)read_i32(at + 1);
			if (op == 0xe9 && target >= entry && target < end)
				continue;
			target = branch_target(at, 0xe9, 0x25);
			if (!target || (target >= entry && target < end))
				continue;
			if (is_deep ? search_jump(search, target) : target == search->wanted)
				return true;
		}
	}
none:
	search->budget += !search->budget;
	search->depth--;
	return false;
}

unsigned tail_path(uint64_t return_pc, uint64_t callee_entry, uint64_t *ret_entries, unsigned max)
{
	struct search search = { .wanted = callee_entry, .budget = BUDGET_MAX };
	uint64_t target = call_target(return_pc);
	unsigned count = 0;

	if (!target || !max || target == callee_entry)
		return 0;
	if (!search_from(&search, target)) {
		/* The call proves that target ran and left; where it jumped cannot be shown. */
		ret_entries[0] = target;
		return 1;
	}
	for (unsigned i = 0; i < search.depth && count < max; i++)
		ret_entries[count++] = search.path[i];
	return count;
}

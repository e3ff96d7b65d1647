/* SPDX-License-Identifier: Apache-2.0
 *
 * A call site that names a function of the object we are in, or of no name (through a register),
 * leaves no question. Any other is looked into: the code of the function that was called is
 * searched for jumps that lead to where we are, through further functions if need be. Only a chain
 * of jumps that really ends there is believed, except for its first one, which the call proves.
 */
#include "jumps.h"

#include <string.h>

#define CODE_MAX 16384	     /* bytes of one function looked at */
#define BUDGET_MAX 512	     /* jumps looked at for one call in all */
#define CANDIDATES_MAX 8

struct search {
	const struct jumps_scope *scope;
	struct object *callee;
	struct jump path[JUMPS_MAX];
	unsigned depth;
	unsigned budget;
};

static struct code_of code_of(const struct object *object)
{
	return (struct code_of){ &object->code, &object->cfi, &object->symbols };
}

/* glibc's loader stands in for a function that is not bound yet: its caller did not call it. */
static bool is_loader(struct object *object)
{
	uint64_t offset;

	return symbols_export(&object->symbols, "_dl_allocate_tls", &offset);
}

/* Every object that has a function of that name for others, each once. */
static unsigned exporters_find(const struct jumps_scope *scope, const char *name,
			       struct jump ret[CANDIDATES_MAX])
{
	unsigned count = 0;

	for (uint32_t i = 0; i < scope->maps->count && count < CANDIDATES_MAX; i++) {
		struct region *region = &scope->maps->regions[i];
		bool is_new = true;
		uint64_t offset;

		maps_bind(scope->maps, region, scope->objects, scope->pid, scope->tid);
		if (region->state != REGION_OBJECT ||
		    !symbols_export(&region->object->symbols, name, &offset))
			continue;
		for (unsigned n = 0; n < count; n++)
			is_new &= ret[n].region->object != region->object;
		if (is_new)
			ret[count++] = (struct jump){ region, offset };
	}
	return count;
}

static bool search_from(struct search *search, struct jump from);

static bool search_target(struct search *search, struct region *region,
			  const struct code_target *target)
{
	struct jump next[CANDIDATES_MAX];
	unsigned count = 1;

	if (target->kind == CODE_HERE)
		next[0] = (struct jump){ region, target->offset };
	else
		count = exporters_find(search->scope, target->name, next);
	for (unsigned i = 0; i < count; i++) {
		if (search_from(search, next[i]))
			return true;
	}
	return false;
}

static bool is_there(struct search *search, const struct region *region,
		     const struct code_target *target)
{
	uint64_t offset;

	if (!search->callee)
		return false;
	if (target->kind == CODE_HERE)
		return region->object == search->callee;
	return symbols_export(&search->callee->symbols, target->name, &offset);
}

static bool is_on_path(const struct search *search, struct jump jump)
{
	for (unsigned i = 0; i < search->depth; i++) {
		if (search->path[i].region->object == jump.region->object &&
		    search->path[i].offset == jump.offset)
			return true;
	}
	return false;
}

/* Depth-first, at most JUMPS_MAX deep. The direct hit is looked for first: it is the common case and
 * needs no guess. */
static bool search_from(struct search *search, struct jump from)
{
	const struct object *object = from.region->object;
	const struct cfi_entry *entry = cfi_find(&object->cfi, from.offset);
	const struct code_of of = code_of(object);
	uint64_t end;

	if (!entry || search->depth == JUMPS_MAX || is_on_path(search, from))
		return false;
	end = entry->start + (entry->bytes < CODE_MAX ? entry->bytes : CODE_MAX);
	search->path[search->depth++] = from;
	for (unsigned is_deep = 0; is_deep < 2; is_deep++) {
		struct code_target target;
		uint64_t at = from.offset;

		while (search->budget && code_next_jump(&of, entry->start, end, &at, &target)) {
			search->budget--;
			if (is_deep ? search_target(search, from.region, &target)
				    : is_there(search, from.region, &target))
				return true;
		}
	}
	search->depth--;
	return false;
}

static void found(struct jumps *jumps, const struct search *search)
{
	memcpy(jumps->list, search->path, search->depth * sizeof(jumps->list[0]));
	jumps->count = search->depth;
}

/* Of several functions of one name the one counts whose jumps lead here: which one was meant is up
 * to the order in which the loader looked. */
static void candidates_try(const struct jumps_scope *scope, struct object *callee,
			   const struct jump *candidates, unsigned count, struct jumps *jumps)
{
	unsigned hits = 0;

	for (unsigned i = 0; i < count; i++) {
		struct search search = { .scope = scope, .callee = callee, .budget = BUDGET_MAX };

		if (!search_from(&search, candidates[i]))
			continue;
		if (!hits++)
			found(jumps, &search);
	}
	if (hits == 1)
		return;
	jumps->count = 0;
	if (count == 1) {
		/* The call proves that it ran and left; where it jumped cannot be shown. */
		jumps->list[0] = candidates[0];
		jumps->count = 1;
	} else {
		jumps->is_unknown = true;
	}
}

static struct region *region_of(const struct jumps_scope *scope, const struct object *object)
{
	for (uint32_t i = 0; i < scope->maps->count; i++) {
		struct region *region = &scope->maps->regions[i];

		if (region->state == REGION_OBJECT && region->object == object)
			return region;
	}
	return NULL;
}

static void look(const struct jumps_scope *scope, struct object *caller,
		 const struct code_target *target, struct object *callee, struct jumps *jumps)
{
	struct jump candidates[CANDIDATES_MAX];
	unsigned count = 0;

	if (target->kind == CODE_NAMED) {
		count = exporters_find(scope, target->name, candidates);
	} else {
		candidates[0] = (struct jump){ region_of(scope, caller), target->offset };
		count = candidates[0].region != NULL;
	}
	candidates_try(scope, callee, candidates, count, jumps);
}

/* No question: what was called is in the object that we are in. */
static bool is_plain(struct object *caller, const struct code_target *target,
		     struct object *callee)
{
	uint64_t offset;

	switch (target->kind) {
	case CODE_HERE:
		return caller == callee;
	case CODE_NAMED:
		return callee && (symbols_export(&callee->symbols, target->name, &offset) ||
				  is_loader(callee));
	default:
		return true;
	}
}

void jumps_find(const struct jumps_scope *scope, struct object *caller, uint64_t offset,
		struct object *callee, struct jumps *ret_jumps)
{
	uint64_t to = callee ? callee->shown.id : 0, map = scope->maps->serial;
	uint64_t key = (caller->shown.id << 40) ^ (to << 20) ^ offset;
	struct jump_memo *memo =
		&scope->memos[key * 0x9e3779b97f4a7c15ull >> (64 - JUMPS_CACHE_BITS)];
	const struct code_of of = code_of(caller);
	struct code_target target;

	if (memo->caller == caller->shown.id && memo->offset == offset && memo->callee == to &&
	    (!memo->map || memo->map == map)) {
		*ret_jumps = memo->jumps;
		return;
	}
	memset(ret_jumps, 0, sizeof(*ret_jumps));
	target = code_call_before(&of, offset);
	*memo = (struct jump_memo){ .caller = caller->shown.id, .offset = offset, .callee = to };
	if (is_plain(caller, &target, callee)) {
		ret_jumps->is_indirect = target.kind == CODE_UNKNOWN && caller != callee;
		memo->jumps = *ret_jumps;
		return;
	}
	look(scope, caller, &target, callee, ret_jumps);
	memo->map = map;
	memo->jumps = *ret_jumps;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions: each content gets one id for the whole run and is emitted once, before its first
 * use.
 */
#include <stdlib.h>
#include <string.h>

#include "../target_kept.h"
#include "live.h"

static const char *const hook_names[LIVE_HOOKS] = {
	[LIVE_HOOK_NONE] = "",
#define HOOK(family, kind, ret, name, params) [LIVE_HOOK_##name] = #name,
#include "../../preload/hooks.tbl.h"
#undef HOOK
};

enum hook_kind { KIND_NONE, KIND_ACT, KIND_MARK, KIND_KEEP };

static const uint8_t hook_kinds[LIVE_HOOKS] = {
#define HOOK(family, kind, ret, name, params) [LIVE_HOOK_##name] = KIND_##kind,
#include "../../preload/hooks.tbl.h"
#undef HOOK
};

uint32_t hook_by_name(const char *name)
{
	for (uint32_t hook = LIVE_HOOK_NONE + 1; hook < LIVE_HOOKS; hook++) {
		if (!strcmp(hook_names[hook], name))
			return hook;
	}
	return LIVE_HOOK_NONE;
}

const char *hook_name(uint32_t hook)
{
	return hook < LIVE_HOOKS ? hook_names[hook] : NULL;
}

bool hook_is_mark(uint32_t hook)
{
	return hook < LIVE_HOOKS && hook_kinds[hook] == KIND_MARK;
}

bool hook_is_act(uint32_t hook)
{
	return hook < LIVE_HOOKS && hook_kinds[hook] == KIND_ACT;
}

uint16_t define_function(struct live *live, uint32_t hook)
{
	struct item *item;

	if (hook == LIVE_HOOK_NONE || hook >= LIVE_HOOKS)
		return 0;
	if (live->functions[hook])
		return live->functions[hook];
	live->functions[hook] = (uint16_t)++live->function_count;
	item = queue_add(&live->queue, ITEM_FUNCTION);
	item->function.id = live->function_count;
	item->function.name = queue_text(&live->queue, hook_names[hook]);
	return live->functions[hook];
}

/* What a content is made of, laid out for hashing. Too long ones are cut: ids then differ or
 * contents fall together only beyond the limits of the wire. */
struct recipe {
	struct live *live;
	size_t len;
};

static void recipe_add(struct recipe *recipe, const void *data, size_t len)
{
	if (len > LIVE_SCRATCH_BYTES - recipe->len)
		len = LIVE_SCRATCH_BYTES - recipe->len;
	memcpy(recipe->live->scratch + recipe->len, data, len);
	recipe->len += len;
}

static void recipe_str(struct recipe *recipe, struct str text)
{
	recipe_add(recipe, &text.len, sizeof(text.len));
	if (text.len)
		recipe_add(recipe, text.data, text.len);
}

static struct key recipe_key(const struct recipe *recipe)
{
	return key_of(recipe->live->seed, recipe->live->scratch, recipe->len);
}

/* 0 and *ret_id: known. Else the place for the new id, already counted; out of memory: the id is
 * good for this once. */
static bool is_known(struct map *map, struct key key, uint32_t *count, uint32_t *ret_id)
{
	struct map_entry *entry = map_add(map, key);

	if (entry && entry->value) {
		*ret_id = entry->value;
		return true;
	}
	*ret_id = ++*count;
	if (entry)
		entry->value = *ret_id;
	return false;
}

uint32_t define_object(struct live *live, const struct item_object *object)
{
	struct recipe recipe = { live, 0 };
	struct queue *queue = &live->queue;
	struct item_object *out;
	const uint8_t flags[] = { object->kind, object->is_main, object->is_vdso, object->is_shim,
				  object->is_deleted };
	bool has_digest = live->digests && object->kind == OBJECT_ELF && object->path.len &&
			  !object->is_vdso && !object->is_shim;
	uint32_t id;

	recipe_add(&recipe, flags, sizeof(flags));
	recipe_add(&recipe, &object->device, sizeof(object->device));
	recipe_add(&recipe, &object->inode, sizeof(object->inode));
	recipe_add(&recipe, &object->maker, sizeof(object->maker));
	if (has_digest) /* rewritten in place it is another */
		recipe_add(&recipe, &live->located_ns, sizeof(live->located_ns));
	recipe_str(&recipe, object->path);
	recipe_str(&recipe, object->soname);
	recipe_str(&recipe, object->build_id);
	recipe_str(&recipe, object->root);
	if (object->kind == OBJECT_PYTHON)
		recipe_str(&recipe, object->package_version);
	if (is_known(&live->objects, recipe_key(&recipe), &live->object_count, &id)) {
		live->located[0] = 0;
		return id;
	}
	out = &queue_add(queue, ITEM_OBJECT)->object;
	*out = *object;
	out->id = id;
	out->path = queue_str(queue, object->path.data, object->path.len);
	out->soname = queue_str(queue, object->soname.data, object->soname.len);
	out->build_id = queue_str(queue, object->build_id.data, object->build_id.len);
	out->package = queue_str(queue, object->package.data, object->package.len);
	out->package_version =
		queue_str(queue, object->package_version.data, object->package_version.len);
	out->root = queue_str(queue, object->root.data, object->root.len);
	startup_learn(live, out);
	if (has_digest)
		digest_hold(live, DIGEST_OBJECT, live->located, object->device, object->inode);
	live->located[0] = 0;
	return id;
}

static uint64_t member_bit(uint32_t object, uint32_t *ret_word)
{
	uint32_t mixed = object * 2654435761u >> 24;

	*ret_word = mixed >> 6;
	return 1ull << (mixed & 63);
}

bool stack_may_have(const struct live *live, uint32_t stack, uint32_t object)
{
	uint32_t word;
	uint64_t bit = member_bit(object, &word);

	if (!live->stack_members || stack >= live->stack_tops_room || !object)
		return true;
	return live->stack_members[stack].bits[word] & bit;
}

static void stack_members_set(struct live *live, uint32_t stack, const struct item_frame *frames,
			      uint32_t count)
{
	struct stack_members members = { { 0 } };
	uint32_t word;
	uint64_t bit;

	for (uint32_t i = 0; i < count; i++) {
		bit = member_bit(frames[i].object, &word);
		members.bits[word] |= bit;
	}
	live->stack_members[stack] = members;
}

static void stack_top_set(struct live *live, uint32_t stack, const struct item_frame *frames,
			  uint32_t count)
{
	uint32_t room = live->stack_tops_room ? live->stack_tops_room : 1024;
	uint32_t *tops;

	while (room <= stack)
		room *= 2;
	if (room != live->stack_tops_room) {
		tops = realloc(live->stack_tops, room * sizeof(*tops));
		if (!tops)
			return;
		live->stack_tops = tops;
		if (live->keeps_members) {
			struct stack_members *members =
				realloc(live->stack_members, room * sizeof(*members));

			if (!members)
				return;
			live->stack_members = members;
		}
		live->stack_tops_room = room;
	}
	if (live->stack_members)
		stack_members_set(live, stack, frames, count);
	live->stack_tops[stack] = 0;
	for (uint32_t i = 0; i < count && !live->stack_tops[stack]; i++)
		live->stack_tops[stack] = frames[i].object;
}

uint32_t stack_top(const struct live *live, uint32_t stack)
{
	return stack && stack < live->stack_tops_room && stack <= live->stack_count
		       ? live->stack_tops[stack]
		       : 0;
}

uint32_t define_stack(struct live *live, uint32_t flags, const struct item_frame *frames,
		      uint32_t count)
{
	struct recipe recipe = { live, 0 };
	struct item_frame *copy;
	struct item_stack *out;
	uint32_t id;

	flags |= startup_flags(live, frames, count);
	recipe_add(&recipe, &flags, sizeof(flags));
	recipe_add(&recipe, frames, count * sizeof(*frames));
	if (is_known(&live->stacks, recipe_key(&recipe), &live->stack_count, &id))
		return id;
	stack_top_set(live, id, frames, count);
	copy = queue_alloc(&live->queue, count * sizeof(*frames));
	if (copy)
		memcpy(copy, frames, count * sizeof(*frames));
	out = &queue_add(&live->queue, ITEM_STACK)->stack;
	out->id = id;
	out->flags = flags;
	out->count = copy ? count : 0;
	out->frames = copy;
	return id;
}

uint32_t define_chain(struct live *live, uint32_t process, uint32_t stack, uint32_t parent)
{
	struct {
		uint32_t process, stack, parent;
	} facts = { process, stack, parent };
	struct item_chain *out;
	uint32_t id;

	if (is_known(&live->chains, key_of(live->seed, &facts, sizeof(facts)), &live->chain_count,
		     &id))
		return id;
	out = &queue_add(&live->queue, ITEM_CHAIN)->chain;
	out->id = id;
	out->process = process;
	out->stack = stack;
	out->parent = parent;
	return id;
}

uint32_t define_target(struct live *live, const struct item_target *target)
{
	struct {
		uint64_t number;
		uint16_t port;
		uint8_t kind, proto, address_len, is_unresolved;
		uint8_t address[16];
		uint8_t pad[2];
	} facts = { .number = target->number, .port = target->port, .kind = target->kind,
		    .proto = target->proto, .address_len = target->address_len,
		    .is_unresolved = target->is_unresolved };
	struct recipe recipe = { live, 0 };
	struct queue *queue = &live->queue;
	struct item_target *out;
	struct map_entry *known;
	struct key key;
	uint32_t id;

	memcpy(facts.address, target->address, sizeof(facts.address));
	recipe_add(&recipe, &facts, sizeof(facts));
	recipe_str(&recipe, target->path);
	recipe_str(&recipe, target->asked);
	recipe_str(&recipe, target->to);
	recipe_str(&recipe, target->argv);
	recipe_str(&recipe, target->package);
	key = recipe_key(&recipe);
	known = map_find(&live->targets, key);
	if (known && !target_is_nameable(known->value, live->target_count))
		known->value = 0; /* those behind us are forgetting it */
	if (is_known(&live->targets, key, &live->target_count, &id))
		return id;
	out = &queue_add(queue, ITEM_TARGET)->target;
	*out = *target;
	out->id = id;
	out->path = queue_str(queue, target->path.data, target->path.len);
	out->asked = queue_str(queue, target->asked.data, target->asked.len);
	out->to = queue_str(queue, target->to.data, target->to.len);
	out->argv = queue_str(queue, target->argv.data, target->argv.len);
	out->package = queue_str(queue, target->package.data, target->package.len);
	return id;
}

void emit_hole(struct live *live, const struct item_hole *hole)
{
	struct item_hole *out = &queue_add(&live->queue, ITEM_HOLE)->hole;

	*out = *hole;
	out->what = queue_str(&live->queue, hole->what.data, hole->what.len);
	out->reason = queue_str(&live->queue, hole->reason.data, hole->reason.len);
	if (!out->count)
		out->count = 1;
	if (!out->time_ns)
		out->time_ns = live->now_ns;
}

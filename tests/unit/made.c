/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field of every item, once, as a table per kind: making, comparing and copying all walk it.
 */
#include "made.h"

#include <stdlib.h>
#include <string.h>

#include "../../preload/wire/ring.h"

enum field_type {
	U8 = 1, U16, U32, U64, BOOL, STR, FRAMES, ADDRESS, ACTION, HOLE_KIND, FAMILY, VIA, BYPASS,
};

struct field {
	const char *name;
	size_t offset;
	enum field_type type;
};

#define F(kind, member, type) { #kind "." #member, offsetof(struct item, kind.member), type }
#define NONE { NULL, 0, 0 }

/* clang-format off */
static const struct field run[] = {
	F(run, tool_version, STR), F(run, host, STR), F(run, kernel, STR), F(run, service, STR),
	F(run, run_id, STR), F(run, realtime_ns, U64), F(run, monotonic_ns, U64),
	F(run, vantage, STR), NONE };
static const struct field policy[] = { F(policy, path, STR), F(policy, text, STR), NONE };
static const struct field variable[] = { F(variable, name, STR), F(variable, value, STR), NONE };
static const struct field function[] = { F(function, id, U32), F(function, name, STR), NONE };
static const struct field process[] = {
	F(process, id, U32), F(process, parent, U32), F(process, origin_chain, U32),
	F(process, how, U8), F(process, covered, BOOL), F(process, pid, U32), F(process, uid, U32),
	F(process, start_ns, U64), F(process, exe, STR), F(process, argv, STR),
	F(process, cwd, STR), F(process, home, STR), F(process, script, STR),
	F(process, cgroup, STR), F(process, exe_object, U32), F(process, inner_pid, U32),
	F(process, exe_sha256, STR), F(process, script_sha256, STR),
	F(process, script_origin, STR), F(process, input_pipe, U64),
	F(process, output_pipe, U64), F(process, script_pipe, U64), NONE };
static const struct field process_end[] = {
	F(process_end, process, U32), F(process_end, time_ns, U64), NONE };
static const struct field object[] = {
	F(object, id, U32), F(object, kind, U8), F(object, is_main, BOOL),
	F(object, is_vdso, BOOL), F(object, is_shim, BOOL), F(object, is_deleted, BOOL),
	F(object, path, STR), F(object, soname, STR), F(object, build_id, STR),
	F(object, package, STR), F(object, package_version, STR), F(object, device, U64),
	F(object, inode, U64), F(object, maker, U32), F(object, sha256, STR), NONE };
static const struct field stack[] = {
	F(stack, id, U32), F(stack, flags, U32), F(stack, count, FRAMES), NONE };
static const struct field chain[] = {
	F(chain, id, U32), F(chain, process, U32), F(chain, stack, U32), F(chain, parent, U32),
	NONE };
static const struct field target[] = {
	F(target, id, U32), F(target, kind, U8), F(target, proto, U8),
	F(target, address_len, ADDRESS), F(target, is_unresolved, BOOL), F(target, port, U16),
	F(target, number, U64), F(target, path, STR), F(target, asked, STR), F(target, to, STR),
	F(target, argv, STR), F(target, package, STR), NONE };
static const struct field name[] = {
	F(name, process, U32), F(name, address_len, ADDRESS), F(name, name, STR), NONE };
static const struct field event[] = {
	F(event, time_ns, U64), F(event, process, U32), F(event, tid, U32), F(event, chain, U32),
	F(event, target, U32), F(event, result, U32), F(event, detail, U32),
	F(event, function, U16), F(event, via, VIA), F(event, action, ACTION),
	F(event, flags, U8), F(event, bypass, BYPASS), NONE };
static const struct field hole[] = {
	F(hole, kind, HOLE_KIND), F(hole, family, FAMILY), F(hole, process, U32),
	F(hole, chain, U32), F(hole, count, U64), F(hole, time_ns, U64), F(hole, what, STR),
	F(hole, reason, STR), NONE };
static const struct field end[] = {
	F(end, time_ns, U64), F(end, events, U64), F(end, exit_status, U32), NONE };

static const struct field *const fields[] = {
	[ITEM_RUN] = run, [ITEM_POLICY] = policy, [ITEM_VARIABLE] = variable,
	[ITEM_FUNCTION] = function, [ITEM_PROCESS] = process, [ITEM_PROCESS_END] = process_end,
	[ITEM_OBJECT] = object, [ITEM_STACK] = stack, [ITEM_CHAIN] = chain,
	[ITEM_TARGET] = target, [ITEM_NAME] = name, [ITEM_EVENT] = event, [ITEM_HOLE] = hole,
	[ITEM_END] = end,
};
/* clang-format on */

uint64_t random_next(struct random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t random_value(struct random *random)
{
	uint64_t pick = random_next(random) % 8, value = random_next(random);

	switch (pick) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return 1ull << (value % 64);
	case 3:
		return (1ull << (value % 64)) - 1;
	case 4:
		return value % 100;
	default:
		return value >> (value % 64);
	}
}

static void *keep(struct made *made, size_t bytes)
{
	/* Even of no bytes: a pointer that must not be looked through. */
	void *memory = malloc(bytes);

	made->memory[made->count++] = memory;
	return memory;
}

static void make_str(struct made *made, struct random *random, struct str *str)
{
	uint64_t pick = random_next(random) % 64;
	uint32_t len = pick < 16 ? 0 : pick == 63 ? 70000 : (uint32_t)(random_next(random) % 80);
	char *data = keep(made, len);

	for (uint32_t i = 0; i < len; i++)
		data[i] = (char)random_next(random);
	*str = (struct str){ data, len };
}

static void make_frames(struct made *made, struct random *random, struct item_stack *out)
{
	uint32_t count = (uint32_t)(random_next(random) % 130);
	bool has_flags = random_next(random) & 1;
	struct item_frame *frames = keep(made, count * sizeof(*frames));

	for (uint32_t i = 0; i < count; i++) {
		frames[i].object = (uint32_t)random_value(random);
		frames[i].flags = has_flags ? (uint32_t)random_value(random) : 0;
		frames[i].offset = random_value(random);
	}
	out->count = count;
	out->frames = frames;
}

static void make_address(struct random *random, uint8_t *len, uint8_t address[16])
{
	static const uint8_t lens[] = { 0, 4, 16 };

	*len = lens[random_next(random) % 3];
	for (unsigned i = 0; i < *len; i++)
		address[i] = (uint8_t)random_value(random);
}

static void make_via(struct random *random, uint16_t via[WIRE_VIA_MAX])
{
	unsigned count = (unsigned)(random_next(random) % (WIRE_VIA_MAX + 1));

	for (unsigned i = 0; i < count; i++)
		via[i] = (uint16_t)random_value(random);
}

static uint8_t *address_of(const struct item *item)
{
	return (uint8_t *)(item->type == ITEM_TARGET ? item->target.address : item->name.address);
}

static void make_field(struct made *made, struct random *random, const struct field *field)
{
	void *at = (char *)&made->item + field->offset;
	uint64_t value = random_value(random);

	switch (field->type) {
	case U8:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case U16:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case U32:
		*(uint32_t *)at = (uint32_t)value;
		break;
	case U64:
		*(uint64_t *)at = value;
		break;
	case BOOL:
		*(bool *)at = value & 1;
		break;
	case STR:
		make_str(made, random, at);
		break;
	case FRAMES:
		make_frames(made, random, &made->item.stack);
		break;
	case ADDRESS:
		make_address(random, at, address_of(&made->item));
		break;
	case ACTION:
		*(uint8_t *)at = (uint8_t)(1 + value % (WIRE_ACTIONS - 1));
		break;
	case HOLE_KIND:
		*(uint8_t *)at = (uint8_t)(1 + value % (HOLE_KINDS - 1));
		break;
	case FAMILY:
		*(uint8_t *)at = (uint8_t)(value % (WIRE_FAMILIES + 1));
		break;
	case VIA:
		make_via(random, at);
		break;
	case BYPASS:
		*(uint8_t *)at = (uint8_t)(value % BYPASS_KINDS);
		break;
	}
}

void made_item(struct made *made, struct random *random, enum item_type type)
{
	memset(made, 0, sizeof(*made));
	made->item.type = type;
	for (const struct field *field = fields[type]; field->name; field++)
		make_field(made, random, field);
}

void made_free(struct made *made)
{
	for (unsigned i = 0; i < made->count; i++)
		free(made->memory[i]);
	made->count = 0;
}

static size_t field_bytes(enum field_type type)
{
	switch (type) {
	case U16:
		return 2;
	case U32:
		return 4;
	case U64:
		return 8;
	case VIA:
		return sizeof(uint16_t) * WIRE_VIA_MAX;
	default:
		return 1;
	}
}

static bool is_same_str(const struct str *a, const struct str *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static bool is_same_frames(const struct item_stack *a, const struct item_stack *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->frames[i].object != b->frames[i].object ||
		    a->frames[i].flags != b->frames[i].flags ||
		    a->frames[i].offset != b->frames[i].offset)
			return false;
	}
	return true;
}

const char *items_differ(const struct item *a, const struct item *b)
{
	const char *one, *other;
	bool is_same;

	if (a->type != b->type)
		return "type";
	for (const struct field *field = fields[a->type]; field->name; field++) {
		one = (const char *)a + field->offset;
		other = (const char *)b + field->offset;
		if (field->type == STR)
			is_same = is_same_str((const void *)one, (const void *)other);
		else if (field->type == FRAMES)
			is_same = is_same_frames(&a->stack, &b->stack);
		else
			is_same = !memcmp(one, other, field_bytes(field->type));
		if (field->type == ADDRESS)
			is_same = is_same && !memcmp(address_of(a), address_of(b), 16);
		if (!is_same)
			return field->name;
	}
	return NULL;
}

void made_copy(struct made *made, const struct item *item)
{
	struct item_frame *frames;
	struct str *str;
	char *data;

	memset(made, 0, sizeof(*made));
	made->item = *item;
	for (const struct field *field = fields[item->type]; field->name; field++) {
		if (field->type == FRAMES) {
			frames = keep(made, item->stack.count * sizeof(*frames));
			if (item->stack.count)
				memcpy(frames, item->stack.frames,
				       item->stack.count * sizeof(*frames));
			made->item.stack.frames = frames;
		} else if (field->type == STR) {
			str = (struct str *)((char *)&made->item + field->offset);
			data = keep(made, str->len);
			if (str->len)
				memcpy(data, str->data, str->len);
			str->data = data;
		}
	}
}

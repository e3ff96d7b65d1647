/* SPDX-License-Identifier: Apache-2.0
 *
 * Payload to items, the way back of pending.c. Lengths of columns are checked once per block,
 * values that do not fit their field when their item comes.
 */
#include "items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "items.pb-c.h"

#define ITEM_KINDS (ITEM_END + 1)

/* A block our writer made needs less than 100 MiB at the very worst (LOG_ITEM_MAX in frames). */
#define ITEMS_MEMORY_MAX ((size_t)256 << 20)

struct log_items {
	struct arena arena;
	ProtobufCAllocator allocator;
	Wire__Block *block;
	size_t run;	       /* index into order_* */
	uint32_t left;	       /* of this run */
	size_t at[ITEM_KINDS]; /* next of its kind */
	size_t via;
	uint64_t time;
	uint32_t chain;
	const char *fault;
};

static void *items_alloc(void *data, size_t bytes)
{
	struct log_items *items = data;

	return arena_alloc(&items->arena, bytes);
}

static void items_release(void *data, void *memory)
{
	(void)data;
	(void)memory;
}

struct log_items *log_items_new(void)
{
	struct log_items *items = calloc(1, sizeof(*items));

	if (!items)
		return NULL;
	arena_init(&items->arena, ITEMS_MEMORY_MAX);
	items->allocator.alloc = items_alloc;
	items->allocator.free = items_release;
	items->allocator.allocator_data = items;
	return items;
}

void log_items_free(struct log_items *items)
{
	if (!items)
		return;
	arena_done(&items->arena);
	free(items);
}

const char *log_items_fault(const struct log_items *items)
{
	return items->fault;
}

uint32_t log_items_events(const struct log_items *items)
{
	return items->block && items->block->events ? (uint32_t)items->block->events->n_time : 0;
}

/* --- checks of a whole block -------------------------------------------------------------- */

static bool is_column(size_t len, size_t count)
{
	return len == count || !len;
}

static bool check_events(const Wire__Events *events)
{
	size_t count = events->n_time;
	uint64_t vias = 0;

	for (size_t i = 0; i < events->n_via_count; i++)
		vias += events->via_count[i];
	return is_column(events->n_process, count) && is_column(events->n_tid, count) &&
	       is_column(events->n_chain, count) && is_column(events->n_target, count) &&
	       is_column(events->n_result, count) && is_column(events->n_detail, count) &&
	       is_column(events->n_function, count) && is_column(events->n_action, count) &&
	       is_column(events->n_flags, count) && is_column(events->n_via_count, count) &&
	       is_column(events->n_bypass, count) &&
	       events->n_via == vias;
}

static bool check_chains(const Wire__Chains *chains)
{
	size_t count = chains->n_id;

	return is_column(chains->n_process, count) && is_column(chains->n_stack, count) &&
	       is_column(chains->n_parent, count);
}

static void count_kinds(const Wire__Block *block, uint64_t ret[ITEM_KINDS])
{
	ret[ITEM_RUN] = block->n_run;
	ret[ITEM_POLICY] = block->n_policy;
	ret[ITEM_VARIABLE] = block->n_variable;
	ret[ITEM_FUNCTION] = block->n_function;
	ret[ITEM_PROCESS] = block->n_process;
	ret[ITEM_PROCESS_END] = block->n_process_end;
	ret[ITEM_OBJECT] = block->n_object;
	ret[ITEM_STACK] = block->n_stack;
	ret[ITEM_CHAIN] = block->chains ? block->chains->n_id : 0;
	ret[ITEM_TARGET] = block->n_target;
	ret[ITEM_NAME] = block->n_name;
	ret[ITEM_EVENT] = block->events ? block->events->n_time : 0;
	ret[ITEM_HOLE] = block->n_hole;
	ret[ITEM_END] = block->n_end;
}

static const char *check_block(const Wire__Block *block)
{
	uint64_t have[ITEM_KINDS] = { 0 }, ordered[ITEM_KINDS] = { 0 };

	if (block->n_order_kind != block->n_order_count)
		return "its order columns differ in length";
	for (size_t i = 0; i < block->n_order_kind; i++) {
		if (block->order_kind[i] && block->order_kind[i] < ITEM_KINDS)
			ordered[block->order_kind[i]] += block->order_count[i];
	}
	count_kinds(block, have);
	if (memcmp(have, ordered, sizeof(have)))
		return "its order does not match the items it holds";
	if (block->events && !check_events(block->events))
		return "its event columns differ in length";
	if (block->chains && !check_chains(block->chains))
		return "its chain columns differ in length";
	return NULL;
}

int log_items_load(struct log_items *items, const uint8_t *raw, size_t bytes)
{
	items->block = NULL;
	items->run = items->via = 0;
	items->left = items->chain = 0;
	items->time = 0;
	memset(items->at, 0, sizeof(items->at));
	arena_reset(&items->arena);
	items->block = wire__block__unpack(&items->allocator, bytes, raw);
	if (!items->block) {
		items->fault = "its payload cannot be unpacked, or not in the memory allowed";
		return -EBADMSG;
	}
	items->fault = check_block(items->block);
	if (items->fault) {
		items->block = NULL;
		return -EBADMSG;
	}
	if (items->block->n_order_count)
		items->left = items->block->order_count[0];
	return 0;
}

/* --- items -------------------------------------------------------------------------------- */

static struct str str_of(ProtobufCBinaryData bytes)
{
	/* At most LOG_BLOCK_MAX bytes: fits. */
	return (struct str){ bytes.len ? (const char *)bytes.data : "", (uint32_t)bytes.len };
}

static uint32_t fit(struct log_items *items, uint32_t value, uint32_t max, const char *fault)
{
	if (value > max)
		items->fault = fault;
	return value;
}

static uint8_t fit_address(struct log_items *items, ProtobufCBinaryData bytes, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (bytes.len > 16) {
		items->fault = "an address is longer than 16 bytes";
		return 0;
	}
	if (bytes.len)
		memcpy(ret, bytes.data, bytes.len);
	return (uint8_t)bytes.len;
}

static void get_run(const Wire__Run *in, struct item_run *out)
{
	out->tool_version = str_of(in->tool_version);
	out->host = str_of(in->host);
	out->kernel = str_of(in->kernel);
	out->service = str_of(in->service);
	out->run_id = str_of(in->run_id);
	out->realtime_ns = in->realtime_ns;
	out->monotonic_ns = in->monotonic_ns;
	out->vantage = str_of(in->vantage);
	out->has_exchange = in->has_exchange;
}

static void get_process(struct log_items *items, const Wire__Process *in, struct item_process *out)
{
	out->id = in->id;
	out->parent = in->parent;
	out->origin_chain = in->origin_chain;
	out->how = (uint8_t)fit(items, in->how, UINT8_MAX, "a process says how in too many bits");
	out->covered = in->covered;
	out->pid = in->pid;
	out->uid = in->uid;
	out->start_ns = in->start_ns;
	out->exe = str_of(in->exe);
	out->argv = str_of(in->argv);
	out->cwd = str_of(in->cwd);
	out->home = str_of(in->home);
	out->script = str_of(in->script);
	out->cgroup = str_of(in->cgroup);
	out->exe_object = in->exe_object;
	out->inner_pid = in->inner_pid;
	out->exe_sha256 = str_of(in->exe_sha256);
	out->script_sha256 = str_of(in->script_sha256);
	out->script_origin = str_of(in->script_origin);
	out->input_pipe = in->input_pipe;
	out->output_pipe = in->output_pipe;
	out->script_pipe = in->script_pipe;
}

static void get_object(struct log_items *items, const Wire__Object *in, struct item_object *out)
{
	out->id = in->id;
	out->kind = (uint8_t)fit(items, in->kind, UINT8_MAX, "an object's kind is out of range");
	out->is_main = in->is_main;
	out->is_vdso = in->is_vdso;
	out->is_shim = in->is_shim;
	out->is_deleted = in->is_deleted;
	out->path = str_of(in->path);
	out->soname = str_of(in->soname);
	out->build_id = str_of(in->build_id);
	out->package = str_of(in->package);
	out->package_version = str_of(in->package_version);
	out->device = in->device;
	out->inode = in->inode;
	out->maker = in->maker;
	out->sha256 = str_of(in->sha256);
	out->root = str_of(in->root);
}

static void get_stack(struct log_items *items, const Wire__Stack *in, struct item_stack *out)
{
	size_t count = in->n_frame_object;
	struct item_frame *frames;

	*out = (struct item_stack){ .id = in->id, .flags = in->flags };
	if (in->n_frame_offset != count || !is_column(in->n_frame_flags, count)) {
		items->fault = "the columns of a stack differ in length";
		return;
	}
	frames = arena_alloc(&items->arena, count * sizeof(*frames));
	if (!frames) {
		items->fault = "a stack needs more than the memory allowed";
		return;
	}
	for (size_t i = 0; i < count; i++) {
		frames[i].object = in->frame_object[i];
		frames[i].flags = in->n_frame_flags ? in->frame_flags[i] : 0;
		frames[i].offset = in->frame_offset[i];
	}
	out->frames = frames;
	out->count = (uint32_t)count;
}

static void get_target(struct log_items *items, const Wire__Target *in, struct item_target *out)
{
	out->id = in->id;
	out->kind = (uint8_t)fit(items, in->kind, UINT8_MAX, "a target's kind is out of range");
	out->proto = (uint8_t)fit(items, in->proto, UINT8_MAX, "a target's proto is out of range");
	out->address_len = fit_address(items, in->address, out->address);
	out->is_unresolved = in->is_unresolved;
	out->port = (uint16_t)fit(items, in->port, UINT16_MAX, "a port is beyond 65535");
	out->number = in->number;
	out->path = str_of(in->path);
	out->asked = str_of(in->asked);
	out->to = str_of(in->to);
	out->argv = str_of(in->argv);
	out->package = str_of(in->package);
}

/* A hole of a kind, or in a family, that a newer sowatch knows stays a hole. */
static void get_hole(const Wire__Hole *in, struct item_hole *out)
{
	out->kind = in->kind && in->kind < HOLE_KINDS ? (uint8_t)in->kind : HOLE_REJECTED;
	out->family = in->family < WIRE_FAMILIES ? (uint8_t)in->family : WIRE_FAMILIES;
	out->process = in->process;
	out->chain = in->chain;
	out->count = in->count;
	out->time_ns = in->time_ns;
	out->what = str_of(in->what);
	out->reason = str_of(in->reason);
}

static void get_chain(struct log_items *items, size_t at, struct item_chain *out)
{
	const Wire__Chains *in = items->block->chains;

	items->chain += (uint32_t)in->id[at];
	out->id = items->chain;
	out->process = in->n_process ? in->process[at] : 0;
	out->stack = in->n_stack ? in->stack[at] : 0;
	out->parent = in->n_parent ? in->parent[at] : 0;
}

/* An action only a newer sowatch knows becomes a hole: the tables of everybody downstream are
 * WIRE_ACTIONS long, and a verdict without that event must not be clean. */
static void set_unknown_action(const struct item_event *event, struct item *ret)
{
	struct item_hole hole = { .kind = HOLE_REJECTED,
				  .family = WIRE_FAMILIES,
				  .process = event->process,
				  .chain = event->chain,
				  .count = 1,
				  .time_ns = event->time_ns,
				  .what = STR_LIT("an action this version does not know"),
				  .reason = STR_LIT("action") };

	ret->type = ITEM_HOLE;
	ret->hole = hole;
}

static void get_event(struct log_items *items, size_t at, struct item *ret)
{
	const Wire__Events *in = items->block->events;
	struct item_event *out = &ret->event;
	uint32_t count, action = in->n_action ? in->action[at] : 0;

	items->time += (uint64_t)in->time[at];
	out->time_ns = items->time;
	out->process = in->n_process ? in->process[at] : 0;
	out->tid = in->n_tid ? in->tid[at] : 0;
	out->chain = in->n_chain ? in->chain[at] : 0;
	out->target = in->n_target ? in->target[at] : 0;
	out->result = in->n_result ? in->result[at] : 0;
	out->detail = in->n_detail ? in->detail[at] : 0;
	out->function = (uint16_t)fit(items, in->n_function ? in->function[at] : 0, UINT16_MAX,
				      "an event's function is out of range");
	out->action = (uint8_t)action;
	out->flags = (uint8_t)fit(items, in->n_flags ? in->flags[at] : 0, UINT8_MAX,
				  "an event's flags are out of range");
	/* A way round the shim that only a newer sowatch can name is one all the same. */
	out->bypass = (uint8_t)(in->n_bypass && in->bypass[at] < BYPASS_KINDS ? in->bypass[at]
				: in->n_bypass					? BYPASS_RAW
										: BYPASS_NONE);
	memset(out->via, 0, sizeof(out->via));
	count = fit(items, in->n_via_count ? in->via_count[at] : 0, WIRE_VIA_MAX,
		    "an event has too many vias");
	for (uint32_t i = 0; i < count && !items->fault; i++)
		out->via[i] = (uint16_t)fit(items, in->via[items->via++], UINT16_MAX,
					    "an event's via is out of range");
	if (!action || action >= WIRE_ACTIONS)
		set_unknown_action(&(struct item_event){ .time_ns = out->time_ns,
							 .process = out->process,
							 .chain = out->chain },
				   ret);
}

static void get_item(struct log_items *items, enum item_type type, size_t at, struct item *ret)
{
	const Wire__Block *block = items->block;

	ret->type = type;
	switch (type) {
	case ITEM_EVENT:
		get_event(items, at, ret);
		break;
	case ITEM_CHAIN:
		get_chain(items, at, &ret->chain);
		break;
	case ITEM_TARGET:
		get_target(items, block->target[at], &ret->target);
		break;
	case ITEM_STACK:
		get_stack(items, block->stack[at], &ret->stack);
		break;
	case ITEM_NAME:
		ret->name.process = block->name[at]->process;
		ret->name.address_len =
			fit_address(items, block->name[at]->address, ret->name.address);
		ret->name.name = str_of(block->name[at]->name);
		break;
	case ITEM_RUN:
		get_run(block->run[at], &ret->run);
		break;
	case ITEM_POLICY:
		ret->policy.path = str_of(block->policy[at]->path);
		ret->policy.text = str_of(block->policy[at]->text);
		break;
	case ITEM_VARIABLE:
		ret->variable.name = str_of(block->variable[at]->name);
		ret->variable.value = str_of(block->variable[at]->value);
		break;
	case ITEM_FUNCTION:
		ret->function.id = block->function[at]->id;
		ret->function.name = str_of(block->function[at]->name);
		break;
	case ITEM_PROCESS:
		get_process(items, block->process[at], &ret->process);
		break;
	case ITEM_PROCESS_END:
		ret->process_end.process = block->process_end[at]->process;
		ret->process_end.time_ns = block->process_end[at]->time_ns;
		break;
	case ITEM_OBJECT:
		get_object(items, block->object[at], &ret->object);
		break;
	case ITEM_HOLE:
		get_hole(block->hole[at], &ret->hole);
		break;
	case ITEM_END:
		ret->end.time_ns = block->end[at]->time_ns;
		ret->end.events = block->end[at]->events;
		ret->end.exit_status = block->end[at]->exit_status;
		break;
	}
}

static bool is_known(uint32_t kind)
{
	return kind && kind < ITEM_KINDS;
}

int log_items_next(struct log_items *items, struct item *ret_item)
{
	const Wire__Block *block = items->block;
	uint32_t kind;

	if (!block)
		return 0;
	while (items->run < block->n_order_kind &&
	       (!items->left || !is_known(block->order_kind[items->run]))) {
		if (++items->run < block->n_order_kind)
			items->left = block->order_count[items->run];
	}
	if (items->run == block->n_order_kind)
		return 0;
	kind = block->order_kind[items->run];
	items->left--;
	items->fault = NULL;
	get_item(items, kind, items->at[kind]++, ret_item);
	if (items->fault) {
		items->block = NULL;
		return -EBADMSG;
	}
	return 1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Item to payload. The way back is items.c; both mirror items.proto, and test_log.c holds them
 * together by sending every field there and back.
 */
#include "pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "frame.h"
#include "items.pb-c.h"

/* Items per block. Large enough for zstd to find what repeats, small enough that a torn tail and
 * the memory of a reader stay small. */
#define PENDING_ITEMS 32768u
/* Strings and messages pending; a block is written when it holds more. */
#define PENDING_BYTES ((size_t)4 << 20)

#define ITEM_KINDS (ITEM_END + 1)

struct columns {
	int64_t time[PENDING_ITEMS];
	uint32_t process[PENDING_ITEMS], tid[PENDING_ITEMS];
	uint32_t chain[PENDING_ITEMS], target[PENDING_ITEMS];
	int32_t result[PENDING_ITEMS];
	uint32_t detail[PENDING_ITEMS], function[PENDING_ITEMS];
	uint32_t action[PENDING_ITEMS], flags[PENDING_ITEMS];
	uint32_t via_count[PENDING_ITEMS], via[PENDING_ITEMS * WIRE_VIA_MAX];
	uint32_t bypass[PENDING_ITEMS];

	int32_t chain_id[PENDING_ITEMS];
	uint32_t chain_process[PENDING_ITEMS], chain_stack[PENDING_ITEMS];
	uint32_t chain_parent[PENDING_ITEMS];

	uint32_t order_kind[PENDING_ITEMS], order_count[PENDING_ITEMS];
};

struct list {
	void **at;
	size_t count, room;
};

struct log_pending {
	struct columns columns;
	uint32_t events, chains, runs, items;
	size_t vias;
	uint64_t first_time, last_time;
	uint32_t last_chain;
	struct arena arena;
	struct list lists[ITEM_KINDS];
	size_t item_bytes; /* of the item being added */
	int error;	   /* of the item being added */
	Wire__Block block; /* between size and pack */
	Wire__Events block_events;
	Wire__Chains block_chains;
};

struct log_pending *log_pending_new(void)
{
	/* Not calloc: the columns are 3 MiB, and only what is used should become resident. */
	struct log_pending *pending = malloc(sizeof(*pending));

	if (!pending)
		return NULL;
	arena_init(&pending->arena, SIZE_MAX >> 1);
	log_pending_clear(pending);
	return pending;
}

void log_pending_free(struct log_pending *pending)
{
	if (!pending)
		return;
	arena_done(&pending->arena);
	free(pending);
}

void log_pending_clear(struct log_pending *pending)
{
	arena_reset(&pending->arena);
	memset(pending->lists, 0, sizeof(pending->lists));
	pending->events = pending->chains = pending->runs = pending->items = 0;
	pending->vias = 0;
	pending->first_time = pending->last_time = 0;
	pending->last_chain = 0;
}

bool log_pending_is_full(const struct log_pending *pending)
{
	return pending->items == PENDING_ITEMS || pending->arena.given >= PENDING_BYTES;
}

bool log_pending_is_empty(const struct log_pending *pending)
{
	return !pending->items;
}

uint32_t log_pending_events(const struct log_pending *pending)
{
	return pending->events;
}

uint64_t log_pending_first_time(const struct log_pending *pending)
{
	return pending->first_time;
}

/* --- columns ------------------------------------------------------------------------------ */

static int add_event(struct log_pending *pending, const struct item_event *event)
{
	struct columns *columns = &pending->columns;
	uint32_t at = pending->events;
	unsigned vias = WIRE_VIA_MAX;

	if (!event->action || event->action >= WIRE_ACTIONS)
		return -EINVAL;
	columns->time[at] = (int64_t)(event->time_ns - pending->last_time);
	columns->process[at] = event->process;
	columns->tid[at] = event->tid;
	columns->chain[at] = event->chain;
	columns->target[at] = event->target;
	columns->result[at] = event->result;
	columns->detail[at] = event->detail;
	columns->function[at] = event->function;
	columns->action[at] = event->action;
	columns->flags[at] = event->flags;
	columns->bypass[at] = event->bypass;
	while (vias && !event->via[vias - 1])
		vias--;
	columns->via_count[at] = vias;
	for (unsigned i = 0; i < vias; i++)
		columns->via[pending->vias++] = event->via[i];
	if (!at)
		pending->first_time = event->time_ns;
	pending->last_time = event->time_ns;
	pending->events = at + 1;
	return 0;
}

static int add_chain(struct log_pending *pending, const struct item_chain *chain)
{
	struct columns *columns = &pending->columns;
	uint32_t at = pending->chains++;

	columns->chain_id[at] = (int32_t)(chain->id - pending->last_chain);
	columns->chain_process[at] = chain->process;
	columns->chain_stack[at] = chain->stack;
	columns->chain_parent[at] = chain->parent;
	pending->last_chain = chain->id;
	return 0;
}

/* --- messages ----------------------------------------------------------------------------- */

static void *take(struct log_pending *pending, size_t bytes)
{
	void *at;

	pending->item_bytes += bytes;
	if (pending->item_bytes > LOG_ITEM_MAX)
		pending->error = -EMSGSIZE;
	if (pending->error)
		return NULL;
	at = arena_alloc(&pending->arena, bytes);
	if (!at)
		pending->error = -ENOMEM;
	return at;
}

static ProtobufCBinaryData bytes_of(struct log_pending *pending, const void *data, size_t len)
{
	ProtobufCBinaryData out = { 0, NULL };

	if (!len)
		return out;
	out.data = take(pending, len);
	if (out.data) {
		memcpy(out.data, data, len);
		out.len = len;
	}
	return out;
}

static ProtobufCBinaryData str_of(struct log_pending *pending, struct str str)
{
	return bytes_of(pending, str.data, str.len);
}

/* Room for one more message of this kind; it counts only when the whole item was taken in. */
static void *message_of(struct log_pending *pending, enum item_type kind, size_t bytes)
{
	struct list *list = &pending->lists[kind];
	size_t room = list->room ? list->room * 2 : 16;
	void **at;

	if (list->count == list->room) {
		at = arena_alloc(&pending->arena, room * sizeof(*at));
		if (!at) {
			pending->error = -ENOMEM;
			return NULL;
		}
		if (list->count)
			memcpy(at, list->at, list->count * sizeof(*at));
		list->at = at;
		list->room = room;
	}
	list->at[list->count] = take(pending, bytes);
	return list->at[list->count];
}

/* Declares `out`, a fresh message of this kind, or returns. */
#define MESSAGE(pending, kind, type, init)                                                         \
	type *out = message_of(pending, kind, sizeof(type));                                       \
	if (!out)                                                                                  \
		return;                                                                            \
	init(out)

static void add_run(struct log_pending *pending, const struct item_run *run)
{
	MESSAGE(pending, ITEM_RUN, Wire__Run, wire__run__init);
	out->tool_version = str_of(pending, run->tool_version);
	out->host = str_of(pending, run->host);
	out->kernel = str_of(pending, run->kernel);
	out->service = str_of(pending, run->service);
	out->run_id = str_of(pending, run->run_id);
	out->realtime_ns = run->realtime_ns;
	out->monotonic_ns = run->monotonic_ns;
	out->vantage = str_of(pending, run->vantage);
	out->has_exchange = run->has_exchange;
}

static void add_policy(struct log_pending *pending, const struct item_policy *policy)
{
	MESSAGE(pending, ITEM_POLICY, Wire__Policy, wire__policy__init);
	out->path = str_of(pending, policy->path);
	out->text = str_of(pending, policy->text);
}

static void add_variable(struct log_pending *pending, const struct item_variable *variable)
{
	MESSAGE(pending, ITEM_VARIABLE, Wire__Variable, wire__variable__init);
	out->name = str_of(pending, variable->name);
	out->value = str_of(pending, variable->value);
}

static void add_function(struct log_pending *pending, const struct item_function *function)
{
	MESSAGE(pending, ITEM_FUNCTION, Wire__Function, wire__function__init);
	out->id = function->id;
	out->name = str_of(pending, function->name);
}

static void add_process(struct log_pending *pending, const struct item_process *process)
{
	MESSAGE(pending, ITEM_PROCESS, Wire__Process, wire__process__init);
	out->id = process->id;
	out->parent = process->parent;
	out->origin_chain = process->origin_chain;
	out->how = process->how;
	out->covered = process->covered;
	out->pid = process->pid;
	out->uid = process->uid;
	out->start_ns = process->start_ns;
	out->exe = str_of(pending, process->exe);
	out->argv = str_of(pending, process->argv);
	out->cwd = str_of(pending, process->cwd);
	out->home = str_of(pending, process->home);
	out->script = str_of(pending, process->script);
	out->cgroup = str_of(pending, process->cgroup);
	out->exe_object = process->exe_object;
	out->inner_pid = process->inner_pid;
	out->exe_sha256 = str_of(pending, process->exe_sha256);
	out->script_sha256 = str_of(pending, process->script_sha256);
	out->script_origin = str_of(pending, process->script_origin);
	out->input_pipe = process->input_pipe;
	out->output_pipe = process->output_pipe;
	out->script_pipe = process->script_pipe;
}

static void add_process_end(struct log_pending *pending, const struct item_process_end *end)
{
	MESSAGE(pending, ITEM_PROCESS_END, Wire__ProcessEnd, wire__process_end__init);
	out->process = end->process;
	out->time_ns = end->time_ns;
}

static void add_object(struct log_pending *pending, const struct item_object *object)
{
	MESSAGE(pending, ITEM_OBJECT, Wire__Object, wire__object__init);
	out->id = object->id;
	out->kind = object->kind;
	out->is_main = object->is_main;
	out->is_vdso = object->is_vdso;
	out->is_shim = object->is_shim;
	out->is_deleted = object->is_deleted;
	out->path = str_of(pending, object->path);
	out->soname = str_of(pending, object->soname);
	out->build_id = str_of(pending, object->build_id);
	out->package = str_of(pending, object->package);
	out->package_version = str_of(pending, object->package_version);
	out->device = object->device;
	out->inode = object->inode;
	out->maker = object->maker;
	out->sha256 = str_of(pending, object->sha256);
	out->root = str_of(pending, object->root);
}

static void add_stack(struct log_pending *pending, const struct item_stack *stack)
{
	size_t count = stack->count;
	uint32_t flags = 0;

	MESSAGE(pending, ITEM_STACK, Wire__Stack, wire__stack__init);
	out->id = stack->id;
	out->flags = stack->flags;
	out->frame_object = take(pending, count * sizeof(*out->frame_object));
	out->frame_flags = take(pending, count * sizeof(*out->frame_flags));
	out->frame_offset = take(pending, count * sizeof(*out->frame_offset));
	if (pending->error)
		return;
	for (size_t i = 0; i < count; i++) {
		out->frame_object[i] = stack->frames[i].object;
		out->frame_flags[i] = stack->frames[i].flags;
		out->frame_offset[i] = stack->frames[i].offset;
		flags |= stack->frames[i].flags;
	}
	out->n_frame_object = out->n_frame_offset = count;
	out->n_frame_flags = flags ? count : 0;
}

static void add_target(struct log_pending *pending, const struct item_target *target)
{
	MESSAGE(pending, ITEM_TARGET, Wire__Target, wire__target__init);
	out->id = target->id;
	out->kind = target->kind;
	out->proto = target->proto;
	out->address = bytes_of(pending, target->address, target->address_len);
	out->is_unresolved = target->is_unresolved;
	out->port = target->port;
	out->number = target->number;
	out->path = str_of(pending, target->path);
	out->asked = str_of(pending, target->asked);
	out->to = str_of(pending, target->to);
	out->argv = str_of(pending, target->argv);
	out->package = str_of(pending, target->package);
}

static void add_name(struct log_pending *pending, const struct item_name *name)
{
	MESSAGE(pending, ITEM_NAME, Wire__Name, wire__name__init);
	out->process = name->process;
	out->address = bytes_of(pending, name->address, name->address_len);
	out->name = str_of(pending, name->name);
}

static void add_hole(struct log_pending *pending, const struct item_hole *hole)
{
	MESSAGE(pending, ITEM_HOLE, Wire__Hole, wire__hole__init);
	out->kind = hole->kind;
	out->family = hole->family;
	out->process = hole->process;
	out->chain = hole->chain;
	out->count = hole->count;
	out->time_ns = hole->time_ns;
	out->what = str_of(pending, hole->what);
	out->reason = str_of(pending, hole->reason);
}

static void add_end(struct log_pending *pending, const struct item_end *end)
{
	MESSAGE(pending, ITEM_END, Wire__End, wire__end__init);
	out->time_ns = end->time_ns;
	out->events = end->events;
	out->exit_status = end->exit_status;
}

static bool is_valid(const struct item *item)
{
	switch (item->type) {
	case ITEM_TARGET:
		return item->target.address_len <= sizeof(item->target.address);
	case ITEM_NAME:
		return item->name.address_len <= sizeof(item->name.address);
	case ITEM_HOLE:
		return item->hole.kind && item->hole.kind < HOLE_KINDS &&
		       item->hole.family <= WIRE_FAMILIES;
	default:
		return item->type >= ITEM_RUN && item->type <= ITEM_END;
	}
}

static int add_message(struct log_pending *pending, const struct item *item)
{
	if (!is_valid(item))
		return -EINVAL;
	pending->error = 0;
	pending->item_bytes = 0;
	/* clang-format off */
	switch (item->type) {
	case ITEM_RUN:		add_run(pending, &item->run); break;
	case ITEM_POLICY:	add_policy(pending, &item->policy); break;
	case ITEM_VARIABLE:	add_variable(pending, &item->variable); break;
	case ITEM_FUNCTION:	add_function(pending, &item->function); break;
	case ITEM_PROCESS:	add_process(pending, &item->process); break;
	case ITEM_PROCESS_END:	add_process_end(pending, &item->process_end); break;
	case ITEM_OBJECT:	add_object(pending, &item->object); break;
	case ITEM_STACK:	add_stack(pending, &item->stack); break;
	case ITEM_TARGET:	add_target(pending, &item->target); break;
	case ITEM_NAME:		add_name(pending, &item->name); break;
	case ITEM_HOLE:		add_hole(pending, &item->hole); break;
	case ITEM_END:		add_end(pending, &item->end); break;
	case ITEM_EVENT:
	case ITEM_CHAIN:	return -EINVAL; /* columns, see log_pending_add() */
	}
	/* clang-format on */
	if (!pending->error)
		pending->lists[item->type].count++;
	return pending->error;
}

int log_pending_add(struct log_pending *pending, const struct item *item)
{
	struct columns *columns = &pending->columns;
	int error;

	if (item->type == ITEM_EVENT)
		error = add_event(pending, &item->event);
	else if (item->type == ITEM_CHAIN)
		error = add_chain(pending, &item->chain);
	else
		error = add_message(pending, item);
	if (error)
		return error;
	if (!pending->runs || columns->order_kind[pending->runs - 1] != item->type) {
		columns->order_kind[pending->runs] = item->type;
		columns->order_count[pending->runs] = 0;
		pending->runs++;
	}
	columns->order_count[pending->runs - 1]++;
	pending->items++;
	return 0;
}

/* --- packing ------------------------------------------------------------------------------ */

/* A column of zeros is left out. */
static size_t column_len(const void *column, size_t count)
{
	const uint32_t *values = column;
	uint32_t any = 0;

	for (size_t i = 0; i < count; i++)
		any |= values[i];
	return any ? count : 0;
}

#define COLUMN(message, field, column, count)                                                      \
	do {                                                                                       \
		(message)->field = (column);                                                       \
		(message)->n_##field = column_len(column, count);                                  \
	} while (0)

static void prepare_events(struct log_pending *pending)
{
	struct columns *columns = &pending->columns;
	Wire__Events *out = &pending->block_events;
	uint32_t count = pending->events;

	wire__events__init(out);
	out->time = columns->time;
	out->n_time = count;
	COLUMN(out, process, columns->process, count);
	COLUMN(out, tid, columns->tid, count);
	COLUMN(out, chain, columns->chain, count);
	COLUMN(out, target, columns->target, count);
	COLUMN(out, result, columns->result, count);
	COLUMN(out, detail, columns->detail, count);
	COLUMN(out, function, columns->function, count);
	COLUMN(out, action, columns->action, count);
	COLUMN(out, flags, columns->flags, count);
	COLUMN(out, via_count, columns->via_count, count);
	COLUMN(out, bypass, columns->bypass, count);
	out->via = columns->via;
	out->n_via = pending->vias;
}

static void prepare_chains(struct log_pending *pending)
{
	struct columns *columns = &pending->columns;
	Wire__Chains *out = &pending->block_chains;
	uint32_t count = pending->chains;

	wire__chains__init(out);
	out->id = columns->chain_id;
	out->n_id = count;
	COLUMN(out, process, columns->chain_process, count);
	COLUMN(out, stack, columns->chain_stack, count);
	COLUMN(out, parent, columns->chain_parent, count);
}

#define LIST(block, field, list)                                                                   \
	do {                                                                                       \
		(block)->field = (void *)(list).at;                                                \
		(block)->n_##field = (list).count;                                                 \
	} while (0)

size_t log_pending_size(struct log_pending *pending)
{
	Wire__Block *block = &pending->block;
	struct list *lists = pending->lists;

	wire__block__init(block);
	block->order_kind = pending->columns.order_kind;
	block->order_count = pending->columns.order_count;
	block->n_order_kind = block->n_order_count = pending->runs;
	if (pending->events) {
		prepare_events(pending);
		block->events = &pending->block_events;
	}
	if (pending->chains) {
		prepare_chains(pending);
		block->chains = &pending->block_chains;
	}
	LIST(block, run, lists[ITEM_RUN]);
	LIST(block, policy, lists[ITEM_POLICY]);
	LIST(block, variable, lists[ITEM_VARIABLE]);
	LIST(block, function, lists[ITEM_FUNCTION]);
	LIST(block, process, lists[ITEM_PROCESS]);
	LIST(block, process_end, lists[ITEM_PROCESS_END]);
	LIST(block, object, lists[ITEM_OBJECT]);
	LIST(block, stack, lists[ITEM_STACK]);
	LIST(block, target, lists[ITEM_TARGET]);
	LIST(block, name, lists[ITEM_NAME]);
	LIST(block, hole, lists[ITEM_HOLE]);
	LIST(block, end, lists[ITEM_END]);
	return wire__block__get_packed_size(block);
}

void log_pending_pack(struct log_pending *pending, uint8_t *out)
{
	wire__block__pack(&pending->block, out);
}

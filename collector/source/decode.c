/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of a ring -> items. The record is a private copy by now, its content still hostile:
 * every length is checked against what is left before it is used, ids that were never defined
 * make a chain partial and nothing worse.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "live.h"
#include "python.h"

/* What follows the fixed part of a record. */
struct tail {
	const char *data;
	size_t left;
	bool is_short;
};

static struct str tail_take(struct tail *tail, size_t len)
{
	struct str taken = { tail->data, (uint32_t)len };

	if (len > tail->left) {
		tail->is_short = true;
		return (struct str){ "", 0 };
	}
	tail->data += len;
	tail->left -= len;
	return len ? taken : (struct str){ "", 0 };
}

/* The one place that casts: *ret_tail is what is behind the fixed part. NULL: too short. */
static const void *record_open(const void *record, uint32_t size, size_t fixed,
			       struct tail *ret_tail)
{
	if (size < fixed)
		return NULL;
	*ret_tail = (struct tail){ (const char *)record + fixed, size - fixed, false };
	return record;
}

/* Which file it says that something is: only told where our names may stand for others. */
static void file_take(struct tail *tail, bool is_told, struct seen_file *seen)
{
	struct wire_file file;
	struct str text = tail_take(tail, is_told ? sizeof(file) : 0);

	if (text.len != sizeof(file))
		return;
	memcpy(&file, text.data, sizeof(file));
	*seen = (struct seen_file){ file.device, file.inode, 0, SEEN_FILE };
}

static int decode_process(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_process *record = record_open(bytes, size, sizeof(*record), &tail);
	struct str strings[5], pipes;
	struct seen_file exe = { .where = SEEN_NOT };

	if (!record || (proc->id && !proc->is_kernel))
		return -EINVAL;
	strings[0] = tail_take(&tail, record->exe_len);
	strings[1] = tail_take(&tail, record->cwd_len);
	strings[2] = tail_take(&tail, record->argv_len);
	strings[3] = tail_take(&tail, record->home_len);
	strings[4] = tail_take(&tail, record->path_len);
	pipes = tail_take(&tail, record->pipes_len);
	file_take(&tail, record->head.flags & WIRE_PROCESS_FILE, &exe);
	if (tail.is_short || (pipes.len && pipes.len != sizeof(proc->pipes)))
		return -EINVAL;
	if (pipes.len && !proc->is_kernel)
		memcpy(&proc->pipes, pipes.data, sizeof(proc->pipes));
	proc->told_mount = record->mount;
	if (!proc->is_kernel)
		proc->exe_seen = exe;
	/* A trailing NUL would read as one more, empty argument. */
	if (strings[2].len && !strings[2].data[strings[2].len - 1])
		strings[2].len--;
	proc_announce(live, proc, record, strings);
	return 0;
}

/* What has no name of its own (-c, standard input) gets no lines. */
static uint32_t script_object(struct live *live, const struct proc *proc)
{
	struct item_object object = { .kind = OBJECT_SCRIPT };

	if (!proc->script || proc->script[0] != '/')
		return OBJECT_OURS;
	object.path = (struct str){ proc->script, (uint32_t)strlen(proc->script) };
	return define_object(live, &object);
}

static int decode_object(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_object *record = record_open(bytes, size, sizeof(*record), &tail);
	struct seen_file seen = { .where = SEEN_NOT };
	struct str strings[3];

	if (!record)
		return -EINVAL;
	strings[0] = tail_take(&tail, record->path_len);
	strings[1] = tail_take(&tail, record->soname_len);
	strings[2] = tail_take(&tail, record->build_id_len);
	file_take(&tail, record->head.flags & WIRE_OBJECT_FILE, &seen);
	if (tail.is_short || !record->id)
		return -EINVAL;
	mounts_mapped(live, proc, record, &seen);
	if (record->head.flags & WIRE_OBJECT_SHELL)
		return ids_set(&proc->objects, record->id, script_object(live, proc));
	if (record->head.flags & WIRE_OBJECT_PYTHON)
		return ids_set(&proc->objects, record->id,
			       python_object(live, proc, record, strings[0]));
	if (!proc->libc_base && strings[1].len == sizeof("libc.so.6") - 1 &&
	    !memcmp(strings[1].data, "libc.so.6", strings[1].len))
		proc->libc_base = record->base;
	return ids_set(&proc->objects, record->id, object_of_wire(live, proc, record, strings, &seen));
}

static uint32_t lost_object(uint32_t *flags)
{
	*flags |= WIRE_STACK_PARTIAL;
	return 0;
}

static int decode_stack(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_stack *record = record_open(bytes, size, sizeof(*record), &tail);
	struct item_frame frames[WIRE_STACK_FRAMES_MAX];
	uint32_t count = 0, flags;

	if (!record || record->count > WIRE_STACK_FRAMES_MAX || !record->id ||
	    tail.left < record->count * sizeof(struct wire_frame))
		return -EINVAL;
	flags = record->head.flags &
		(WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED | WIRE_STACK_FP | WIRE_STACK_LOAD |
		 WIRE_STACK_STARTUP);
	if (record->head.flags & WIRE_STACK_UNTOLD)
		python_untold(live, proc);
	for (uint32_t i = 0; i < record->count; i++) {
		const struct wire_frame *frame = &record->frames[i];
		uint32_t object = 0;

		if (!frame->object)
			object = object_of_code(proc, CODES_TOLD, frame->offset);
		else if (!ids_get(&proc->objects, frame->object, &object))
			object = lost_object(&flags);
		if (object == OBJECT_OURS)
			continue;
		frames[count++] = (struct item_frame){
			.object = object,
			.flags = frame->flags & (WIRE_FRAME_INFERRED | WIRE_FRAME_SIGNAL),
			/* An absolute address is different in every run and tells nothing. */
			.offset = frame->object ? frame->offset : 0,
		};
	}
	if (!count)
		return ids_set(&proc->stacks, record->id, 0);
	return ids_set(&proc->stacks, record->id, define_stack(live, flags, frames, count));
}

uint32_t decode_chain(struct live *live, struct proc *proc, uint32_t stack, uint32_t origin)
{
	struct chain_memo *memo =
		&proc->chains[(stack * 2654435761u ^ origin * 40503u) >> 8 & (CHAIN_MEMOS - 1)];
	uint32_t stack_id = 0, parent = 0;

	if (memo->chain && memo->stack == stack && memo->origin == origin)
		return memo->chain;
	ids_get(&proc->origins, origin, &parent);
	if (!ids_get(&proc->stacks, stack, &stack_id))
		stack_id = 0;
	parent = define_chain(live, proc->id, stack_id, parent);
	/* A stack that was lost may yet be sent again under this id: do not remember. */
	if (stack_id)
		*memo = (struct chain_memo){ stack, origin, parent };
	return parent;
}

static int decode_origin(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_origin *record = record_open(bytes, size, sizeof(*record), &tail);

	if (!record || !record->id)
		return -EINVAL;
	return ids_set(&proc->origins, record->id,
		       decode_chain(live, proc, record->stack, record->parent));
}

static uint8_t event_flags(const struct wire_event *record)
{
	bool is_net = record->action >= WIRE_NET_CONNECT && record->action <= WIRE_NET_SEND;
	bool is_cut = record->head.flags & WIRE_EVENT_CUT;
	uint8_t flags = 0;

	if (record->head.flags & WIRE_EVENT_CREATED)
		flags |= EVENT_CREATED;
	/* A shortened argv still names the program; a shortened path names something else. */
	if ((record->head.flags & WIRE_EVENT_UNREADABLE) ||
	    (is_cut && record->action != WIRE_EXEC_RUN))
		flags |= EVENT_UNREADABLE;
	if (is_net && (record->detail & 0xf) == SOCK_DGRAM)
		flags |= EVENT_DATAGRAM;
	return flags;
}

static void event_code(struct live *live, struct proc *proc, const struct wire_event *record,
		       struct str range)
{
	uint64_t place[2];
	uint32_t stack = 0;

	if (record->result < 0 || range.len != sizeof(place))
		return;
	memcpy(place, range.data, sizeof(place));
	ids_get(&proc->stacks, record->stack, &stack);
	object_code_made(live, proc, CODES_TOLD, place[0], place[1], stack_top(live, stack),
			 record->time_ns);
}

void decode_inspect(struct live *live, const struct item_event *event, uint32_t pid,
		    uint32_t target)
{
	struct item_event second = *event;

	second.action = WIRE_EXEC_INSPECT;
	second.detail = pid;
	second.result = 0;
	second.target = target;
	second.bypass = BYPASS_NONE; /* said by the first */
	queue_add(&live->queue, ITEM_EVENT)->event = second;
	live->events++;
}

static void event_memory(struct live *live, struct proc *proc, const struct wire_event *record,
			 const struct item_event *event, const struct str blobs[WIRE_BLOBS])
{
	struct wire_event inspect = *record;
	const struct str none[WIRE_BLOBS] = { { NULL, 0 } };

	inspect.detail = target_memory(live, proc, record, blobs);
	if (!inspect.detail)
		return;
	inspect.action = WIRE_EXEC_INSPECT;
	memset(inspect.blob_len, 0, sizeof(inspect.blob_len));
	decode_inspect(live, event, inspect.detail,
		       target_of_event(live, proc, &inspect, none));
}

/* With the probes on, only what never enters the kernel is told by the shim. And whose code is
 * where, which stacks that follow are made out with; the event is the kernel's. */
static bool is_kernels(const struct live *live, uint8_t action)
{
	return live->has_kernel && action != WIRE_NET_RESOLVE && action != WIRE_NET_EXCHANGE &&
	       action != WIRE_ENV_READ && action != WIRE_EXEC_LOAD && action != WIRE_EXEC_CODE;
}

/* Done by a name that begins nobody knows where: what it was is not known either. */
static bool event_is_adrift(const struct proc *proc, const struct wire_event *record,
			    const struct str blobs[WIRE_BLOBS])
{
	struct str cwd = { proc->cwd, (uint32_t)strlen(proc->cwd) };
	bool is_pair = record->action == WIRE_FILE_RENAME || record->action == WIRE_FILE_LINK;

	if (record->result < 0)
		return false;
	if (record->action == WIRE_EXEC_RUN) {
		const struct str *program = blobs[2].len ? &blobs[2] : &blobs[0];

		return memchr(program->data, '/', program->len) &&
		       !paths_is_anchored(&proc->view, cwd.data, cwd.len, program->data,
					  program->len);
	}
	if (record->action < WIRE_FILE_READ || record->action > WIRE_FILE_LIST ||
	    record->hook == LIVE_HOOK_memfd_create || record->hook == LIVE_HOOK_shm_open ||
	    record->hook == LIVE_HOOK_shm_unlink)
		return false;
	for (int i = 0; i <= (is_pair ? 2 : 0); i += 2) {
		const struct str *base = blobs[i + 1].len ? &blobs[i + 1] : &cwd;

		if (!paths_is_anchored(&proc->view, base->data, base->len, blobs[i].data,
				       blobs[i].len))
			return true;
	}
	return false;
}

static int decode_event(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_event *record = record_open(bytes, size, sizeof(*record), &tail);
	struct str blobs[WIRE_BLOBS];
	struct item_event event = { 0 };

	if (!record || !record->action || record->action >= WIRE_ACTIONS || !record->hook ||
	    record->hook >= LIVE_HOOKS || record->via_count > WIRE_VIA_MAX ||
	    is_kernels(live, record->action))
		return -EINVAL;
	for (int i = 0; i < WIRE_BLOBS; i++)
		blobs[i] = tail_take(&tail, record->blob_len[i]);
	if (tail.is_short)
		return -EINVAL;
	if (live->has_kernel && record->action == WIRE_EXEC_CODE) {
		event_code(live, proc, record, blobs[0]);
		return 0;
	}
	if (record->pid != proc->own_pid && !live->has_kernel)
		lineage_shared(live, proc, record->pid);
	event.time_ns = record->time_ns;
	event.process = proc->id;
	event.tid = record->tid;
	event.result = record->result;
	event.detail = record->detail;
	event.action = record->action;
	event.flags = event_flags(record);
	if (event_is_adrift(proc, record, blobs))
		event.flags |= EVENT_UNREADABLE;
	event.function = define_function(live, record->hook);
	for (int i = 0; i < record->via_count; i++)
		event.via[i] = define_function(live, record->via[i]);
	event.chain = decode_chain(live, proc, record->stack, record->origin);
	event.target = target_of_event(live, proc, record, blobs);
	if (record->action == WIRE_EXEC_CODE)
		event_code(live, proc, record, blobs[0]);
	if (record->action == WIRE_EXEC_RUN && record->serial) {
		lineage_exec(live, proc, record, &event, blobs);
		return 0;
	}
	queue_add(&live->queue, ITEM_EVENT)->event = event;
	live->events++;
	event_memory(live, proc, record, &event, blobs);
	return 0;
}

static void name_emit(struct live *live, const struct proc *proc, struct str name,
		      const uint8_t *address, uint8_t len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct {
		uint32_t process;
		uint8_t address[16];
		char name[256];
	} facts = { .process = proc->id };
	struct item_name *out;
	struct map_entry *entry;

	if (len == 16 && !memcmp(address, mapped, sizeof(mapped))) {
		address += 12;
		len = 4;
	}
	memcpy(facts.address, address, len);
	memcpy(facts.name, name.data, name.len);
	entry = map_add(&live->names,
			key_of(live->seed + len, &facts,
			       sizeof(facts.process) + sizeof(facts.address) + name.len));
	if (entry && entry->value)
		return;
	if (entry)
		entry->value = 1;
	out = &queue_add(&live->queue, ITEM_NAME)->name;
	out->process = proc->id;
	out->address_len = len;
	memcpy(out->address, address, len);
	out->name = queue_str(&live->queue, name.data, name.len);
}

static int decode_name(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_name *record = record_open(bytes, size, sizeof(*record), &tail);
	struct str name, v4, v6;

	if (!record)
		return -EINVAL;
	name = tail_take(&tail, record->name_len);
	v4 = tail_take(&tail, record->v4_count * 4u);
	v6 = tail_take(&tail, record->v6_count * 16u);
	if (tail.is_short || !name.len || name.len > 255)
		return -EINVAL;
	for (uint32_t i = 0; i < v4.len; i += 4)
		name_emit(live, proc, name, (const uint8_t *)v4.data + i, 4);
	for (uint32_t i = 0; i < v6.len; i += 16)
		name_emit(live, proc, name, (const uint8_t *)v6.data + i, 16);
	return 0;
}

static int decode_exec_failed(struct live *live, struct proc *proc, const void *bytes,
			      uint32_t size)
{
	struct tail tail;
	const struct wire_exec_failed *record = record_open(bytes, size, sizeof(*record), &tail);

	if (!record || record->result >= 0)
		return -EINVAL;
	lineage_exec_failed(live, proc, record->serial, record->result);
	return 0;
}

static int decode_forked(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_forked *record = record_open(bytes, size, sizeof(*record), &tail);

	if (!record)
		return -EINVAL;
	if (!live->has_kernel)
		lineage_forked(live, proc, record->pid);
	return 0;
}

static int decode_cwd(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_cwd *record = record_open(bytes, size, sizeof(*record), &tail);
	struct str path, root;

	if (!record)
		return -EINVAL;
	path = tail_take(&tail, record->path_len);
	root = tail_take(&tail, record->root_len);
	if (tail.is_short)
		return -EINVAL;
	if (record->head.flags & WIRE_CWD_ROOT)
		proc_change_root(live, proc, root);
	proc_set_cwd(proc, path);
	return 0;
}

static int decode_python(struct live *live, struct proc *proc, const void *bytes, uint32_t size)
{
	struct tail tail;
	const struct wire_python *record = record_open(bytes, size, sizeof(*record), &tail);
	struct str stdlib;

	if (!record)
		return -EINVAL;
	stdlib = tail_take(&tail, record->stdlib_len);
	return tail.is_short ? -EINVAL : python_tell(live, proc, record, stdlib);
}

int decode_record(struct live *live, struct proc *proc, const void *record, uint32_t size)
{
	struct wire_head head;

	if (size < sizeof(head))
		return -EINVAL;
	memcpy(&head, record, sizeof(head));
	if (head.type == WIRE_PROCESS)
		return decode_process(live, proc, record, size);
	/* It should have come first; whatever the reason it did not, do without. */
	proc_announce(live, proc, NULL, NULL);
	switch (head.type) {
	case WIRE_OBJECT:
		return decode_object(live, proc, record, size);
	case WIRE_STACK:
		return decode_stack(live, proc, record, size);
	case WIRE_ORIGIN:
		return decode_origin(live, proc, record, size);
	case WIRE_EVENT:
		return decode_event(live, proc, record, size);
	case WIRE_NAME:
		return decode_name(live, proc, record, size);
	case WIRE_EXEC_FAILED:
		return decode_exec_failed(live, proc, record, size);
	case WIRE_CWD:
		return decode_cwd(live, proc, record, size);
	case WIRE_FORKED:
		return decode_forked(live, proc, record, size);
	case WIRE_PYTHON:
		return decode_python(live, proc, record, size);
	case WIRE_EXIT:
		return size < sizeof(struct wire_exit) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

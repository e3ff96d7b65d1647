/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody did, as the kernel saw it, put together with who the shim says asked for it. An
 * announced event names a stack of a ring; that ring is drained first, then the stack is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "bpf.h"

#define PAGE 4096ull
#define RING_NAME "memfd:sowatch" /* preload/session.c calls it that */

struct deed {
	const struct wire_kernel_event *record;
	struct str blobs[WIRE_BLOBS]; /* path or address, path2, asked, argv */
	struct wire_kernel_regs regs;
	const void *stack;
	bool has_stack;
	struct proc *actor; /* who it is charged in: for a vfork child its parent */
	struct item_event event;
	uint32_t hook;	    /* the hooked function it happened in */
	uint32_t maker;	    /* object whose code asked for it, 0: unknown */
};

static int deed_open(struct deed *deed, const struct wire_kernel_event *record, size_t bytes)
{
	const uint16_t lens[WIRE_BLOBS] = { record->path_len, record->path2_len,
					    record->asked_len, record->argv_len };
	const char *at = (const char *)(record + 1);
	size_t left = bytes - sizeof(*record);

	if (!record->action || record->action >= WIRE_ACTIONS)
		return -EINVAL;
	deed->record = record;
	for (int i = 0; i < WIRE_BLOBS; i++) {
		if (lens[i] > left)
			return -EINVAL;
		deed->blobs[i] = lens[i] ? (struct str){ at, lens[i] } : (struct str){ "", 0 };
		at += lens[i];
		left -= lens[i];
	}
	if (!(record->head.flags & WIRE_KERNEL_STACK))
		return 0;
	if (left < sizeof(deed->regs) || left - sizeof(deed->regs) < record->stack_len)
		return -EINVAL;
	memcpy(&deed->regs, at, sizeof(deed->regs));
	deed->stack = at + sizeof(deed->regs);
	deed->has_stack = true;
	return 0;
}

static uint8_t deed_flags(const struct deed *deed)
{
	const struct wire_kernel_event *record = deed->record;
	uint16_t told = record->head.flags;
	bool is_net = record->action >= WIRE_NET_CONNECT && record->action <= WIRE_NET_SEND;
	uint8_t flags = EVENT_KERNEL;

	if (told & WIRE_KERNEL_CREATED)
		flags |= EVENT_CREATED;
	if (told & WIRE_KERNEL_DATAGRAM || (is_net && (record->detail & 0xf) == SOCK_DGRAM))
		flags |= EVENT_DATAGRAM;
	/* A changed argument matters only where nothing better than the argument was seen, and a
	 * shortened path names something else. */
	if (told & WIRE_KERNEL_UNREADABLE ||
	    (told & WIRE_KERNEL_CHANGED && record->truth == WIRE_TRUTH_ARGUMENT) ||
	    record->path_len >= WIRE_KERNEL_PATH_MAX - 1)
		flags |= EVENT_UNREADABLE;
	return flags;
}

static void deed_begin(struct deed *deed)
{
	const struct wire_kernel_event *record = deed->record;
	int64_t result = record->result;

	if (result >= 0 && record->action == WIRE_EXEC_CODE)
		result = 0; /* an address, or nothing */
	if (result > INT32_MAX || result < INT32_MIN)
		result = INT32_MAX;
	deed->event = (struct item_event){
		.time_ns = record->head.time_ns,
		.tid = record->head.tid,
		.result = (int32_t)result,
		.detail = record->detail,
		.action = record->action,
		.flags = deed_flags(deed),
	};
}

/* --- announced ------------------------------------------------------------------------------ */

static void gap_tell(struct bpf *bpf, const struct deed *deed)
{
	emit_hole(bpf->live, &(struct item_hole){
				     .kind = HOLE_GAP, .family = WIRE_FAMILIES,
				     .process = deed->actor->id,
				     .time_ns = deed->event.time_ns,
				     .what = STR_LIT("the stack that was announced never came") });
}

static struct proc *slot_owner(struct bpf *bpf, struct proc *proc, uint64_t instance)
{
	struct proc *owner = proc_by_instance(bpf->live, instance);

	if (!owner && instance && !proc->is_covered && bpf_proc_attach(bpf, proc, instance))
		owner = proc_by_instance(bpf->live, instance);
	return owner && !owner->is_ended ? owner : NULL;
}

static void announced_functions(struct bpf *bpf, struct deed *deed)
{
	const struct wire_kernel_event *record = deed->record;

	deed->hook = record->slot_hook;
	deed->event.function = define_function(bpf->live, record->slot_hook);
	for (unsigned i = 0; i < record->slot_via_count; i++)
		deed->event.via[i] = define_function(bpf->live, record->slot_via[i]);
}

/* Every n-th announced event, and every one of an action that weighs more, brings its stack along:
 * does it fit what was announced? If not, the stack is what counts, and whose it is. */
static void announced_check(struct bpf *bpf, struct deed *deed, struct proc *proc,
			    uint32_t announced)
{
	struct seen_stack seen;

	if (!deed->has_stack ||
	    !bpf_stack_unwind(bpf, proc, &deed->record->head, &deed->regs, deed->stack,
			      deed->record->stack_len, &seen))
		return;
	if (!(proc->is_guest ? bpf_contradicts_guest(bpf, &seen)
			     : bpf_contradicts(bpf, proc, &seen, announced)))
		return;
	if (proc != deed->actor) {
		proc->has_acted = true;
		proc_announce(bpf->live, proc, NULL, NULL);
		deed->actor = proc;
		deed->event.process = proc->id;
	}
	deed->event.flags |= EVENT_STACK_CONTRADICTS;
	deed->event.bypass = BYPASS_FORGED;
	deed->event.chain = define_chain(bpf->live, deed->actor->id, seen.id, 0);
}

/* false: what it names is not known; go by the stack, if there is one. */
static bool deed_announced(struct bpf *bpf, struct deed *deed, struct proc *proc)
{
	const struct wire_kernel_event *record = deed->record;
	uint32_t stack = (uint32_t)record->slot_chain, origin = (uint32_t)(record->slot_chain >> 32);
	struct proc *owner = slot_owner(bpf, proc, record->slot_instance);
	uint32_t item = 0;
	bool is_known;

	if (!owner) {
		proc_announce(bpf->live, proc, NULL, NULL);
		return false;
	}
	proc_drain_now(bpf->live, owner);
	proc_announce(bpf->live, owner, NULL, NULL);
	deed->actor = owner;
	deed->event.process = owner->id;
	is_known = ids_get(&owner->stacks, stack, &item);
	if (!is_known && stack)
		return false;
	deed->event.chain = decode_chain(bpf->live, owner, stack, origin);
	deed->maker = stack_top(bpf->live, item);
	announced_check(bpf, deed, proc, item);
	return true;
}

/* --- unannounced ---------------------------------------------------------------------------- */

/* What libc does on the stack it made for a child (posix_spawn, system) is its maker's work. */
static bool is_makers(const struct proc *proc, const struct seen_stack *seen)
{
	return proc->is_borrower && seen && seen->is_libc_only && seen->maker.chain;
}

/* A child of fork that was not spoken of and now execs: its parent ran the program. */
static void unannounced_actor(struct bpf *bpf, struct deed *deed, struct proc *proc,
			      const struct seen_stack *seen)
{
	struct proc *starter = proc->id ? NULL : proc_by_pid(bpf->live, proc->starter_pid);

	if (starter && starter->id == proc->parent &&
	    (deed->record->action == WIRE_EXEC_RUN || is_makers(proc, seen)))
		deed->actor = starter;
	else
		proc->has_acted = true;
	proc_announce(bpf->live, deed->actor, NULL, NULL);
	deed->event.process = deed->actor->id;
}

/* The maker's chain is one of its own process. */
static void unannounced_chain(struct bpf *bpf, struct deed *deed, const struct proc *proc,
			      const struct seen_stack *seen)
{
	if (deed->actor != proc && is_makers(proc, seen))
		deed->event.chain = seen->maker.chain;
	else
		deed->event.chain = define_chain(bpf->live, deed->actor->id, seen->id,
						 seen->maker.chain);
}

static unsigned via_add(struct bpf *bpf, struct deed *deed, unsigned count, const uint16_t *hooks,
			unsigned hook_count)
{
	for (unsigned i = 0; i < hook_count && count < WIRE_VIA_MAX; i++)
		deed->event.via[count++] = define_function(bpf->live, hooks[i]);
	return count;
}

static void unannounced_functions(struct bpf *bpf, struct deed *deed, const struct proc *proc,
				  const struct seen_stack *seen)
{
	static const uint16_t loading = LIVE_HOOK_dlopen;
	const struct made_in *made =
		seen->is_libc_only ? bpf_made_in(bpf, seen->maker.chain) : NULL;
	unsigned count = 0;

	deed->hook = made && (!seen->hook || is_makers(proc, seen)) ? made->hook : seen->hook;
	deed->event.function = define_function(bpf->live, deed->hook);
	/* The loader opens what it was asked for by dlopen, or by the program's own needs. */
	if (seen->is_loader && !seen->via_count)
		count = via_add(bpf, deed, count, &loading, 1);
	count = via_add(bpf, deed, count, seen->via, seen->via_count);
	if (made)
		via_add(bpf, deed, count, made->via, made->via_count);
}

/* Saying hello: to a socket of a random name that only the tree was told, with a ring that has
 * ours. Known as such even where the stack tells nothing. */
static bool is_hello(const struct bpf *bpf, const struct deed *deed)
{
	const struct str *where = &deed->blobs[0];
	const char *name = bpf->options.socket_name;

	if (deed->record->action == WIRE_NET_CONNECT)
		return memmem(where->data, where->len, name, strlen(name));
	return deed->record->syscall == SYS_memfd_create &&
	       memmem(where->data, where->len, RING_NAME, sizeof(RING_NAME) - 1);
}

/* The shim's own work: from its hello on all of it, before that what starting up takes. */
static bool is_ours(struct bpf *bpf, const struct deed *deed, const struct proc *proc,
		    const struct seen_stack *seen)
{
	const struct seen_frame *frame = &bpf->frames[seen->first];

	if (deed->record->action == WIRE_NET_CONNECT && is_hello(bpf, deed))
		return true;
	if (!seen->id || seen->first)
		return is_hello(bpf, deed) ||
		       (seen->first && (proc->is_covered || seen->first >= seen->count ||
					(frame->facts && frame->facts->is_loader)));
	return false;
}

/* A program that was over before its map could be read: what it opens, and maps of files, before it
 * is heard of is what loaders open and map. Charged to the loader, marked as inferred. */
static bool is_start_up(const struct bpf *bpf, const struct deed *deed, const struct proc *proc)
{
	const struct str *path = &deed->blobs[0];
	bool is_file = deed->record->action == WIRE_FILE_READ ||
		       deed->record->action == WIRE_EXEC_CODE;

	if (!bpf->loader_object || !proc->is_image || proc->is_covered || !is_file || !path->len)
		return false;
	return memmem(path->data, path->len, ".so", 3) ||
	       (path->len >= 15 && !memcmp(path->data, "/etc/ld.so.", 11));
}

static uint32_t start_up_stack(struct bpf *bpf)
{
	const struct item_frame frame = { .object = bpf->loader_object,
					  .flags = WIRE_FRAME_INFERRED };

	return define_stack(bpf->live, 0, &frame, 1);
}

static bool is_shim_file(const struct bpf *bpf, const struct wire_kernel_event *record)
{
	return record->action == WIRE_FILE_READ && record->truth == WIRE_TRUTH_OBJECT &&
	       bpf->shim_inode && record->inode == bpf->shim_inode;
}

/* false: it is not to be recorded. */
static bool deed_unannounced(struct bpf *bpf, struct deed *deed, struct proc *proc)
{
	struct seen_stack seen;
	bool is_seen = deed->has_stack &&
		       bpf_stack_unwind(bpf, proc, &deed->record->head, &deed->regs, deed->stack,
					deed->record->stack_len, &seen);

	unannounced_actor(bpf, deed, proc, is_seen ? &seen : NULL);
	if (!is_seen) {
		deed->event.chain = define_chain(bpf->live, deed->actor->id, 0, 0);
		return true;
	}
	if (is_ours(bpf, deed, proc, &seen))
		return false;
	bool is_inferred = !seen.id && is_start_up(bpf, deed, proc);
	/* Mapping the objects it loads is what a loader is for; one of them is the shim. */
	if ((seen.is_loader || is_inferred) &&
	    (deed->record->action == WIRE_EXEC_CODE || is_shim_file(bpf, deed->record)))
		return false;
	if (is_inferred) {
		seen.is_loader = true;
		seen.id = start_up_stack(bpf);
	}
	unannounced_functions(bpf, deed, proc, &seen);
	if (seen.first < seen.count)
		deed->maker =
			bpf->frames[seen.outside < seen.count ? seen.outside : seen.first].object;
	unannounced_chain(bpf, deed, proc, &seen);
	if (!proc->is_covered)
		return true;
	deed->event.flags |= EVENT_UNANNOUNCED;
	if (!(deed->record->head.flags & (WIRE_KERNEL_IO_URING | WIRE_KERNEL_SLOT)) &&
	    !deed->event.bypass)
		deed->event.bypass = bpf_bypass_of(bpf, proc, &seen);
	return true;
}

/* --- both ----------------------------------------------------------------------------------- */

/* What a program resolved before its shim speaks, or without one, nobody has heard. A child made past
 * the shim gains nothing by its silence. */
static bool is_unheard(const struct deed *deed)
{
	return deed->record->action >= WIRE_NET_CONNECT && deed->record->action <= WIRE_NET_SEND &&
	       !deed->actor->is_covered && !deed->actor->is_heard;
}

/* A function that is not about memory made some executable: the loader in it mapped an object,
 * which has an event of its own. */
static bool is_mapping(const struct deed *deed)
{
	if (deed->record->action != WIRE_EXEC_CODE)
		return false;
	switch (deed->hook) {
	case LIVE_HOOK_NONE:
	case LIVE_HOOK_mmap:
	case LIVE_HOOK_mmap64:
	case LIVE_HOOK_mprotect:
	case LIVE_HOOK_pkey_mprotect:
	case LIVE_HOOK_syscall:
		return false;
	default:
		return true;
	}
}

/* Even what is not recorded tells where code is. */
static void code_mapped(struct bpf *bpf, const struct deed *deed, const struct proc *proc)
{
	const struct wire_kernel_event *record = deed->record;
	const struct unwind_who who = { record->head.pid, record->head.tid,
					record->head.start_ns };

	if (bpf_map_file(bpf, proc, &who, record, deed->blobs[0], deed->blobs[1]))
		return;
	if (record->path_len || record->result < 0)
		unwind_process_changed(bpf->unwind, &who);
	else
		unwind_process_made(bpf->unwind, &who, record->address & ~(PAGE - 1),
				    (record->address + record->bytes + PAGE - 1) & ~(PAGE - 1),
				    record->syscall == SYS_mmap);
}

static void code_made(struct bpf *bpf, const struct deed *deed, struct proc *proc)
{
	const struct wire_kernel_event *record = deed->record;

	if (record->result >= 0)
		object_code_made(bpf->live, proc, CODES_SEEN, record->address, record->bytes,
				 deed->maker, record->head.time_ns);
}

static void deed_emit(struct bpf *bpf, const struct deed *deed, struct proc *proc)
{
	uint32_t target = 0, pid;

	queue_add(&bpf->live->queue, ITEM_EVENT)->event = deed->event;
	bpf->live->events++;
	pid = target_kernel_memory(bpf->live, proc, deed->record, deed->blobs[0], &target);
	if (pid)
		decode_inspect(bpf->live, &deed->event, pid, target);
}

static bool slot_is_valid(const struct wire_kernel_event *record)
{
	if (!record->slot_hook || record->slot_hook >= LIVE_HOOKS ||
	    record->slot_via_count > WIRE_VIA_MAX)
		return false;
	for (unsigned i = 0; i < record->slot_via_count; i++) {
		if (!record->slot_via[i] || record->slot_via[i] >= LIVE_HOOKS)
			return false;
	}
	return true;
}

int bpf_event(struct bpf *bpf, const struct wire_kernel_event *record, size_t bytes)
{
	bool has_slot = record->head.flags & WIRE_KERNEL_SLOT;
	struct deed deed = { 0 };
	struct proc *proc;

	if (deed_open(&deed, record, bytes) < 0)
		return -EINVAL;
	proc = bpf_proc_of(bpf, &record->head);
	if (!proc)
		return 0;
	deed.actor = proc;
	deed_begin(&deed);
	if (record->action == WIRE_EXEC_CODE)
		code_mapped(bpf, &deed, proc);
	/* Directories opened without saying so: the shim tells them like files. */
	if (record->action == WIRE_FILE_LIST && !(record->detail & O_DIRECTORY))
		deed.event.action = WIRE_FILE_READ;
	if (has_slot && !slot_is_valid(record)) {
		/* The shim writes no such slot. */
		has_slot = false;
		deed.event.bypass = BYPASS_FORGED;
	}
	if (has_slot)
		announced_functions(bpf, &deed);
	if (!has_slot || !deed_announced(bpf, &deed, proc)) {
		if (!deed_unannounced(bpf, &deed, proc))
			return 0;
		if (has_slot)
			gap_tell(bpf, &deed);
	}
	if (is_mapping(&deed))
		return 0;
	if (is_unheard(&deed))
		deed.event.flags |= EVENT_UNHEARD;
	deed.event.target = target_of_kernel(bpf->live, proc, record, deed.blobs);
	if (record->action == WIRE_EXEC_CODE)
		code_made(bpf, &deed, proc);
	if (record->action == WIRE_EXEC_RUN && record->result >= 0)
		proc->exec_chain = deed.event.chain;
	deed_emit(bpf, &deed, proc);
	return 0;
}

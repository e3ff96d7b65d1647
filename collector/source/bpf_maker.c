/* SPDX-License-Identifier: Apache-2.0
 *
 * Who made a thread, or a child that began on a stack of its own: its stack does not tell, and the
 * maker's has moved on by the time it acts. The kernel copied the maker's while it was making it.
 *
 * Threads are forgotten by age, not by their end, of which nobody tells: two halves, the older one
 * given up when the newer one is full; who still acts is taken along. A thread that was forgotten
 * is one whose maker is not known, which its stacks say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf.h"

#define HALF_MAX (1u << 16)
#define MADE_MAX (1u << 18)
#define CLONE_VM 0x100

static struct key thread_key(const struct bpf *bpf, uint32_t pid, uint32_t tid, uint64_t start_ns)
{
	struct {
		uint64_t start_ns;
		uint32_t pid, tid;
	} who = { start_ns, pid, tid };

	return key_of(bpf->live->seed, &who, sizeof(who));
}

static void maker_put(struct bpf *bpf, struct key key, uint32_t value)
{
	struct map_entry *entry;

	if (bpf->makers.count >= HALF_MAX && !map_find(&bpf->makers, key)) {
		map_done(&bpf->makers_before);
		bpf->makers_before = bpf->makers;
		memset(&bpf->makers, 0, sizeof(bpf->makers));
	}
	entry = map_add(&bpf->makers, key);
	if (entry)
		entry->value = value;
}

struct maker bpf_maker_of(struct bpf *bpf, const struct wire_kernel_head *head)
{
	struct key key = thread_key(bpf, head->pid, head->tid, head->start_ns);
	const struct map_entry *entry = map_find(&bpf->makers, key);
	bool is_leader = head->tid == head->pid;

	if (!entry) {
		entry = map_find(&bpf->makers_before, key);
		if (entry)
			maker_put(bpf, key, entry->value);
		entry = map_find(&bpf->makers, key);
	}
	/* The first thread of a program was made by nobody in it. */
	if (!entry)
		return (struct maker){ .is_partial = !is_leader };
	return (struct maker){ entry->value >> 1, entry->value & 1 };
}

void bpf_maker_forget(struct bpf *bpf, const struct wire_kernel_head *head)
{
	struct key key = thread_key(bpf, head->pid, head->pid, head->start_ns);

	/* Value 0 is as good as none; most never had one. */
	if (map_find(&bpf->makers, key) || map_find(&bpf->makers_before, key))
		maker_put(bpf, key, 0);
}

/* What libc does in those it made, it does within the functions it made them in: for a program
 * (system, popen), and on threads of its own (getaddrinfo_a). A chain tells the functions. */
static void made_keep(struct bpf *bpf, uint32_t chain, const struct seen_stack *seen)
{
	struct map_entry *entry = map_add(&bpf->made_map, key_of(bpf->live->seed, &chain, sizeof(chain)));
	uint32_t room = bpf->made_room ? bpf->made_room * 2 : 64;
	struct made_in *made, *more;

	if (!entry || entry->value || bpf->made_count >= MADE_MAX)
		return;
	if (bpf->made_count == bpf->made_room) {
		more = realloc(bpf->made, room * sizeof(*more));
		if (!more)
			return;
		bpf->made = more;
		bpf->made_room = room;
	}
	made = &bpf->made[bpf->made_count++];
	*made = (struct made_in){ .hook = (uint16_t)seen->hook,
				  .via_count = (uint16_t)seen->via_count };
	memcpy(made->via, seen->via, sizeof(made->via));
	entry->value = bpf->made_count;
}

const struct made_in *bpf_made_in(const struct bpf *bpf, uint32_t chain)
{
	const struct map_entry *entry =
		map_find(&bpf->made_map, key_of(bpf->live->seed, &chain, sizeof(chain)));

	return entry && entry->value ? &bpf->made[entry->value - 1] : NULL;
}

static struct maker maker_unwind(struct bpf *bpf, struct proc *proc,
				 const struct wire_kernel_fork *record, size_t bytes)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	struct maker maker = { .is_partial = true };
	struct wire_kernel_regs regs;
	struct seen_stack seen;

	memcpy(&regs, at, sizeof(regs));
	if (!bpf_stack_unwind(bpf, proc, &record->head, &regs, at + sizeof(regs),
			      bytes - sizeof(*record) - sizeof(regs), &seen) ||
	    !seen.id)
		return maker;
	maker.chain = define_chain(bpf->live, proc->id, seen.id, seen.maker.chain);
	maker.is_partial = seen.flags & (WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED);
	made_keep(bpf, maker.chain, &seen);
	return maker;
}

int bpf_maker_tell(struct bpf *bpf, struct proc *proc, struct proc *child,
		   const struct wire_kernel_fork *record, size_t bytes)
{
	const struct wire_kernel_head *head = &record->head;
	bool has_stack = head->flags & WIRE_KERNEL_STACK;
	uint64_t start_ns = child ? record->child_start_ns : head->start_ns;
	uint32_t pid = child ? record->child_pid : head->pid;
	struct maker maker = { .is_partial = true };

	if (has_stack && bytes - sizeof(*record) < sizeof(struct wire_kernel_regs))
		return -EINVAL;
	if (has_stack)
		maker = maker_unwind(bpf, proc, record, bytes);
	else if (child && !(head->flags & WIRE_KERNEL_CUT))
		maker = bpf_maker_of(bpf, head); /* goes on as the thread that forked it */
	if (child)
		child->is_borrower = has_stack && record->clone_flags & CLONE_VM;
	if (maker.chain || maker.is_partial)
		maker_put(bpf, thread_key(bpf, pid, record->child_pid, start_ns),
			  maker.chain << 1 | maker.is_partial);
	return 0;
}

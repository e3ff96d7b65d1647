/* SPDX-License-Identifier: Apache-2.0
 *
 * The producer's side of the ring: any thread, any signal handler, no locks, and no system call
 * unless the ring is full. See wire/ring.h for the protocol.
 */
#include "hook.h"

/* Where the consumer stood when a wait ran out. While it has not moved since, nobody waits again:
 * a dead or stopped collector must not slow the service down. */
static uint64_t stalled_tail = UINT64_MAX;

static bool ring_has_room(const struct wire_ring *ring, uint64_t head, uint32_t bytes)
{
	return head + bytes - wire_observe(&ring->tail) <= session.data_mask + 1;
}

static NOINLINE bool ring_wait(struct wire_ring *ring, uint32_t bytes)
{
	uint64_t tail = wire_observe(&ring->tail);
	uint64_t deadline;

	if (tail == __atomic_load_n(&stalled_tail, __ATOMIC_RELAXED) || !session.wait_ms) {
		/* Perhaps it is only short of processors: then it is we who have them. */
		if (!session.has_seccomp)
			sys_call0(SYS_sched_yield);
		return false;
	}
	__atomic_fetch_add(&ring->waits, 1, __ATOMIC_RELAXED);
	deadline = clock_now_ns() + (uint64_t)session.wait_ms * 1000000;
	while (!ring_has_room(ring, wire_peek(&ring->head), bytes)) {
		struct timespec pause = { 0, 100000 };

		if (clock_now_ns() >= deadline) {
			__atomic_store_n(&stalled_tail, wire_observe(&ring->tail),
					 __ATOMIC_RELAXED);
			return false;
		}
		if (session.has_seccomp)
			__builtin_ia32_pause();
		else
			sys_call2(SYS_nanosleep, &pause, NULL);
	}
	return true;
}

void *ring_reserve(uint32_t bytes, enum wire_family family)
{
	struct wire_ring *ring = session.ring;
	uint64_t head = wire_peek(&ring->head);

	for (;;) {
		if (unlikely(!ring_has_room(ring, head, bytes))) {
			if (!ring_wait(ring, bytes)) {
				__atomic_fetch_add(&ring->lost[family], 1, __ATOMIC_RELAXED);
				return NULL;
			}
			head = wire_peek(&ring->head);
			continue;
		}
		if (likely(__atomic_compare_exchange_n(&ring->head, &head, head + bytes, true,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)))
			return session.data + (head & session.data_mask);
	}
}

void ring_commit(void *record, uint32_t bytes, unsigned type, unsigned flags)
{
	struct wire_head *head = record;

	head->type = (uint16_t)type;
	head->flags = (uint16_t)flags;
	wire_publish(&head->size, bytes);
}

void ring_missed(void)
{
	if (session.ring)
		__atomic_fetch_add(&session.ring->missed_calls, 1, __ATOMIC_RELAXED);
}

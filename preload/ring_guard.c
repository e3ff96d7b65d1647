/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring where Linux cannot seal memory (before 6.10): a program that unmaps, protects or covers
 * ranges it knows nothing about would take ours along, and crash in us. What it does through libc
 * goes around the ring; where something else is to lie, the ring steps aside first.
 */
#include <linux/mman.h>

#include "hook.h"

#define PAGE 4096ull

static uint64_t guard_bytes(void)
{
	return WIRE_RING_HEADER_BYTES + 2 * ((uint64_t)session.ring_kib << 10);
}

bool ring_is_within(const void *address, size_t bytes)
{
	uint64_t start = (uint64_t)address, ring = (uint64_t)session.ring;

	return start < ring + guard_bytes() && (bytes > ring - start || start >= ring) &&
	       !session.is_sealed && shim_state == SHIM_ACTIVE;
}

int ring_go_around(const void *address, size_t bytes,
		   int (*change)(void *part, size_t bytes, const void *how), const void *how)
{
	uint64_t start = (uint64_t)address, end = start + ((bytes + PAGE - 1) & ~(PAGE - 1));
	uint64_t ring = (uint64_t)session.ring, ring_end = ring + guard_bytes();

	/* Not for the kernel to do either: it says why. */
	if (start & (PAGE - 1) || end < start)
		return change((void *)start, bytes, how);
	if (start < ring && change((void *)start, ring - start, how))
		return -1;
	return end > ring_end ? change((void *)ring_end, end - ring_end, how) : 0;
}

/* Deaf from now on, and the collector knows. Other threads may be writing into the old one: the
 * few instructions that takes are what remains of the danger. */
static void ring_give_up(void)
{
	static struct wire_ring deaf;

	ring_missed();
	session.wait_ms = 0;
	session.data_mask = 0;
	session.ring = &deaf;
	__atomic_store_n(&shim_state, SHIM_PASSIVE, __ATOMIC_RELEASE);
}

/* The same memory once more at another place: mremap of nothing doubles a shared mapping. The old
 * one stays until the caller's own call replaces it. */
void ring_step_aside(void)
{
	uint64_t data = (uint64_t)session.ring_kib << 10, head = WIRE_RING_HEADER_BYTES + data;
	uint64_t old = (uint64_t)session.ring;
	long to, ret;

	if (session.has_seccomp) {
		ring_give_up();
		return;
	}
	to = sys_call6(SYS_mmap, 0, head + data, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (to < 0 && to > -4096) {
		ring_give_up();
		return;
	}
	ret = sys_call6(SYS_mremap, old, 0, head, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);
	if (ret == to)
		ret = sys_call6(SYS_mremap, old + head, 0, data, MREMAP_MAYMOVE | MREMAP_FIXED,
				to + (long)head, 0);
	if (ret != to + (long)head) {
		sys_call2(SYS_munmap, to, head + data);
		ring_give_up();
		return;
	}
	__atomic_store_n(&session.data, (uint8_t *)to + WIRE_RING_HEADER_BYTES, __ATOMIC_RELEASE);
	__atomic_store_n(&session.ring, (struct wire_ring *)to, __ATOMIC_RELEASE);
}

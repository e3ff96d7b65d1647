/* SPDX-License-Identifier: Apache-2.0
 *
 * The call slot: one per thread, in the shim's initial-exec TLS, at a constant offset from the
 * thread pointer that the hello tells. It says which hooked function the thread is inside of and
 * which chain called it. Only the owning thread writes it; a probe reads it at a syscall of that
 * same thread, so no barrier is needed. Signal handlers save and restore it like nested hooks do.
 *
 * A reader must check: hook != 0, and the syscall's stack pointer lies below `sp` and within
 * WIRE_SLOT_REACH bytes of it: else the slot was left behind by longjmp, an exception, a
 * cancelled thread, or belongs to another stack.
 */
#ifndef SOWATCH_WIRE_SLOT_H
#define SOWATCH_WIRE_SLOT_H

#include <stdint.h>

#define WIRE_SLOT_REACH (8ull << 20)
#define WIRE_VIA_MAX 4
/* In `hook`: filled by a vfork child, which may never come back from its exec to take it away. It
 * holds for that child only, not for the thread whose memory it is. */
#define WIRE_SLOT_GUEST 0x8000u

struct wire_slot {
	uint64_t chain; /* stack id in the low half, origin id in the high half */
	uint64_t sp;	/* frame of the hook */
	uint32_t seq;	/* announcements made by this thread, counts up by one */
	uint16_t hook;	/* enum hook_id, 0: empty; WIRE_SLOT_GUEST */
	uint16_t via_count;
	uint16_t via[WIRE_VIA_MAX]; /* marked public functions we are inside of, innermost first */
};

_Static_assert(sizeof(struct wire_slot) == 32, "wire_slot is the contract");

#endif

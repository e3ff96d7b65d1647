/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory orders of the ring, each with its partner.
 *
 *   wire_publish(p, v)  release store   pairs with  wire_observe(p)  acquire load
 *
 * producer: fill record -> wire_publish(&head.size)     consumer: wire_observe(&head.size) -> copy
 * consumer: zero record -> wire_publish(&ring->tail)    producer: wire_observe(&ring->tail) -> fill
 */
#ifndef SOWATCH_WIRE_BARRIER_H
#define SOWATCH_WIRE_BARRIER_H

#define wire_publish(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define wire_observe(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define wire_peek(p) __atomic_load_n((p), __ATOMIC_RELAXED)

#endif

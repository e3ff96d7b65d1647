/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a target is remembered. A service touches ever new files for days; what they were is
 * kept for the newest definitions only. An older id is nothing any more: the live source defines
 * the target anew before it names it again. A rule about ids alone, so that a replay forgets and
 * remembers exactly what the live run did.
 */
#ifndef SOWATCH_TARGET_KEPT_H
#define SOWATCH_TARGET_KEPT_H

#include <stdbool.h>
#include <stdint.h>

/* Targets are forgotten a generation at a time. */
#define TARGET_GENERATION (1u << 18)
/* Generations the model keeps, the newest included. */
#define TARGET_GENERATIONS 3u

static inline uint32_t target_generation(uint32_t id)
{
	return (id - 1) / TARGET_GENERATION;
}

/* May a source still name id, after `newest` was the last it defined? One generation before it is
 * forgotten not any more: events wait in queues behind younger definitions. */
static inline bool target_is_nameable(uint32_t id, uint32_t newest)
{
	return target_generation(id) + TARGET_GENERATIONS - 1 > target_generation(newest);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Rings only, one for each process: what was done before a program was started is told before the
 * start, whoever did it. Rules about programs that somebody wrote, or about what came first, are
 * judged in the order of the log.
 */
#include "live.h"

#define DEPTH_MAX 8 /* starts that wait for starts */

/* Up to what is in its ring now. */
static void drain_until(struct live *live, struct proc *proc, uint64_t time_ns)
{
	uint64_t head = wire_observe(&proc->ring.ring->head);

	while (proc->ring.ring && proc->ring.tail < head &&
	       ring_reader_is_before(&proc->ring, time_ns)) {
		if (!proc_step(live, proc))
			break;
	}
}

void order_until(struct live *live, const struct proc *but, uint64_t time_ns)
{
	if (live->has_kernel || live->order_depth == DEPTH_MAX)
		return;
	live->order_depth++;
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		struct proc *proc = live->procs[i];

		if (proc && proc != but && !proc->is_ended && proc->ring.ring)
			drain_until(live, proc, time_ns);
	}
	live->order_depth--;
}

/* A record in a ring was written when what it tells had been done, and so was that of a file which
 * is run now: it is in its ring, and the hello of who wrote it is there. The times of two rings are
 * of one clock; within one ring they may be out of order by a little, which costs nothing. */
void order_before_start(struct live *live, struct proc *proc)
{
	uint64_t time_ns;

	if (live->has_kernel || !ring_reader_is_start(&proc->ring, &time_ns))
		return;
	if (live->receive && !live->is_receiving) {
		live->is_receiving = true;
		live->receive(live->receive_arg);
		live->is_receiving = false;
	}
	order_until(live, proc, time_ns);
}

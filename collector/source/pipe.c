/* SPDX-License-Identifier: Apache-2.0
 *
 * Scripts that come through a pipe: which one it is, and that what its writers did is told before
 * what the script does. Who wrote it, and whence that came, the model makes out from the log.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "live.h"
#include "script.h"

#define DEPTH_MAX 8
#define HIGH_FD 63 /* the one that the probes look at, see wire_kernel_exec */

/* The kernel's side does not look at every descriptor: it is asked while it is there. */
static uint64_t pipe_opened(const struct proc *proc, long fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/fd/%ld", proc->pid, fd);
	if (!proc->pid || stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	return WIRE_PIPE(st.st_dev, st.st_ino);
}

static uint64_t parents_script(const struct live *live, const struct proc *proc)
{
	for (uint32_t i = 0; proc->parent && i < live->proc_slots; i++) {
		if (live->procs[i] && live->procs[i]->id == proc->parent)
			return live->procs[i]->pipes.script;
	}
	return 0;
}

void pipe_take_script(struct live *live, struct proc *proc)
{
	struct str argv = { proc->argv, proc->argv_len };
	struct str operand = script_operand(proc->exe, argv);
	uint64_t given = proc->pipes.script;
	long fd = operand.len ? script_descriptor(operand) : -1;

	proc->pipes.script = 0;
	if (proc->how == PROCESS_FORK)
		proc->pipes.script = parents_script(live, proc);
	else if (!fd || (!operand.len && script_is_input(proc->exe, argv)))
		proc->pipes.script = proc->pipes.input;
	else if (fd > 0 && (!proc->is_kernel || fd == HIGH_FD))
		proc->pipes.script = given;
	else if (fd > 0)
		proc->pipes.script = pipe_opened(proc, fd);
}

/* A record that is in its ring now was written when the script had been read, and that when its
 * writers had done what was needed for it: those records are in their rings, too. A hello may have
 * rings drained, this one among them: then one hello is inside another's taking. */
bool pipe_writers_first(struct live *live, struct proc *proc)
{
	uint64_t head = wire_observe(&proc->ring.ring->head);

	if (proc->ring.tail < proc->piped || proc->ring.tail >= head || live->pipe_depth == DEPTH_MAX)
		return true;
	/* It may have written for long since it said hello, and its writers' hellos are behind its own. */
	if (proc->is_greeting)
		return false;
	if (live->receive && !live->is_receiving) {
		live->is_receiving = true;
		live->receive(live->receive_arg);
		live->is_receiving = false;
	}
	proc->piped = head - proc->ring.tail < proc->ring.data_bytes
			      ? head
			      : proc->ring.tail + proc->ring.data_bytes;
	live->pipe_depth++;
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		struct proc *writer = live->procs[i];

		/* All of a pipeline: what fed the last of them counts as well. */
		if (writer && writer != proc && !writer->is_ended && writer->ring.ring &&
		    (writer->pipes.output || !writer->id))
			proc_drain_now(live, writer);
	}
	live->pipe_depth--;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * exec: memory made executable, other processes looked into, programs that could not be started.
 */
#ifndef SOWATCH_CODE_BPF_H
#define SOWATCH_CODE_BPF_H

#include "file.bpf.h"

#define MAP_ANONYMOUS 0x20

EXIT(exit_code)
{
	struct scratch *s = c->s;
	bool is_map = c->call->row == ROW_mmap;
	bool is_error = c->result < 0 && c->result > -4096;
	struct file *file = NULL;

	event_begin(s, c->task, c->call, is_error ? c->result : 0);
	s->event.address = is_map && !is_error ? (u64)c->result : c->call->args[0];
	s->event.bytes = c->call->args[1];
	s->event.truth = WIRE_TRUTH_OBJECT;
	if (is_map && !(c->call->args[3] & MAP_ANONYMOUS))
		file = file_of(c->task, (s32)c->call->args[4]);
	if (file) {
		struct wire_kernel_mapped facts = { .offset = c->call->args[5] };

		s->event.path_len = (u16)append_file(s, file);
		file_tell(&facts.file, file);
		s->event.path2_len = (u16)append_kernel(s, &facts, sizeof(facts));
		if (is_elsewhere(BPF_CORE_READ(file, f_path.mnt)))
			s->flags |= WIRE_KERNEL_ELSEWHERE;
	}
	return event_finish(s, c->thread);
}

EXIT(exit_inspect)
{
	event_begin(c->s, c->task, c->call, c->result < 0 ? c->result : 0);
	return event_finish(c->s, c->thread);
}

/* The exec failed: the caller and its memory are still there. */
EXIT(exit_exec)
{
	struct held_paths *held_paths = bpf_task_storage_get(&paths, c->task, NULL, 0);
	struct call *call = c->call;
	struct scratch *s = c->s;
	struct held_stack *stack;
	u64 key = call->tid;

	event_begin(s, c->task, call, c->result);
	if (held_paths) {
		arguments_compare(s, call, held_paths);
		paths_append(s, call, held_paths);
	} else {
		s->flags |= WIRE_KERNEL_UNREADABLE;
	}
	if (call->slot_instance)
		event_slot(s, &call->slot, call->slot_instance);
	if (call->is_shim)
		s->flags |= WIRE_KERNEL_SHIM;
	stack = call->has_stack ? bpf_map_lookup_elem(&held, &key) : NULL;
	if (stack)
		s->event.stack_len = append_stack(s, stack);
	record_send(s, FAMILY_EXEC);
	if (stack)
		bpf_map_delete_elem(&held, &key);
	call->has_stack = 0;
	return 0;
}

#endif

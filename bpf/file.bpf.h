/* SPDX-License-Identifier: Apache-2.0
 *
 * file: what was opened, made, removed, renamed or changed.
 */
#ifndef SOWATCH_FILE_BPF_H
#define SOWATCH_FILE_BPF_H

#include "exit.bpf.h"

#define O_WRONLY 01
#define O_RDWR 02
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_DIRECTORY 0200000
#define O_PATH 010000000
#define O_ACCMODE 03

/* The argument, as it is now, in s->stack.data until the stack is needed there. */
INLINE char *argument_read(struct scratch *s, u64 from)
{
	char *to = (char *)s->stack.data;

	if (!from || bpf_probe_read_user_str(to, WIRE_KERNEL_PATH_MAX, (void *)from) <= 0) {
		to[0] = 0;
		s->flags |= WIRE_KERNEL_UNREADABLE;
	}
	return to;
}

INLINE u8 open_action(u32 flags, u16 mode)
{
	if ((flags & O_ACCMODE) || (flags & (O_CREAT | O_TRUNC)))
		return WIRE_FILE_WRITE;
	return (flags & O_DIRECTORY) || (mode & S_IFMT) == S_IFDIR ? WIRE_FILE_LIST : WIRE_FILE_READ;
}

#define PROC_SUPER_MAGIC 0x9fa0

/* Other processes' memory, descriptors and environment lie there: as rare as it is telling. */
INLINE bool is_proc(struct task_struct *task, struct file *file, long result)
{
	if (!file && result >= 0)
		file = file_of(task, result);
	return file && BPF_CORE_READ(file, f_inode, i_sb, s_magic) == PROC_SUPER_MAGIC;
}

GLOBAL int open_tell(struct scratch *s, struct thread_state *thread, u32 flags, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct object_state *object = NULL;
	struct file *file = NULL;
	struct call *call;
	u16 mode = 0;
	u64 from;

	if (!s || !thread)
		return 0;
	call = &thread->call;
	from = call_arg(call, row_of(call)->path);
	event_begin(s, task, call, result);
	if (result >= 0)
		object = object_of(task, call);
	if (result >= 0 && !object)
		file = file_of(task, result);
	if (file || object) {
		if (object) {
			mode = (u16)object->mode;
			event_object(s, object);
			s->event.path_len = (u16)append_object(s, object, 0);
		} else {
			mode = BPF_CORE_READ(file, f_inode, i_mode);
			s->event.path_len = (u16)append_file(s, file);
		}
		if (from)
			s->event.asked_len = (u16)append_user_string(s, from);
	} else {
		char *asked = argument_read(s, from);

		s->event.path_len =
			(u16)append_joined(s, call_dir(call, row_of(call)->dir), asked);
		s->event.asked_len = (u16)append_kernel_string(s, asked);
		if (result >= 0)
			s->flags |= WIRE_KERNEL_UNREADABLE;
	}
	s->event.detail = flags;
	s->event.action = open_action(flags, mode);
	if (flags & O_CREAT)
		s->flags |= WIRE_KERNEL_CREATED;
	if (options.check_actions && is_proc(task, file, result))
		s->flags |= FLAG_CHECK;
	return event_finish(s, thread);
}

/* What was asked for, without what the caller could have rewritten since. */
INLINE u32 open_flags(struct exit_context *c)
{
	struct object_state *object = object_of(c->task, c->call);
	struct file *file = object || c->result < 0 ? NULL : file_of(c->task, c->result);
	u8 kind = row_of(c->call)->kind;
	u64 asked = 0;

	if (kind == CALL_CREAT)
		return O_CREAT | O_TRUNC | O_WRONLY;
	if (kind == CALL_OPEN)
		return (u32)call_arg(c->call, row_of(c->call)->extra);
	bpf_probe_read_user(&asked, sizeof(asked), (void *)c->call->args[2]);
	/* The kernel keeps the mode of access; only what it forgets is the caller's word. */
	if (object)
		return (object->flags & ~(O_CREAT | O_TRUNC)) | (asked & (O_CREAT | O_TRUNC));
	if (file)
		return BPF_CORE_READ(file, f_flags) | (asked & (O_CREAT | O_TRUNC));
	return (u32)asked;
}

EXIT(exit_open)
{
	u32 flags = open_flags(c);

	if (flags & O_PATH)
		return 0; /* neither reads nor writes */
	return open_tell(c->s, c->thread, flags, c->result);
}

EXIT(exit_memfd)
{
	struct scratch *s = c->s;
	struct file *file = c->result >= 0 ? file_of(c->task, c->result) : NULL;

	if (!file)
		return 0;
	event_begin(s, c->task, c->call, c->result);
	s->event.path_len = (u16)append_file(s, file);
	s->event.asked_len = (u16)append_user_string(s, c->call->args[0]);
	s->event.detail = O_CREAT | O_RDWR;
	return event_finish(s, c->thread);
}

/* --- by name: there may be no object any more ------------------------------------------------- */

static int differs_at(u32 i, void *arg)
{
	struct scratch *s = scratch_here();
	const struct held_paths *held_paths = *(const struct held_paths **)arg;

	if (!s || i >= HELD_PATH)
		return 1;
	if (s->stack.data[i] != (u8)held_paths->text[0][i]) {
		s->index = 1;
		return 1;
	}
	return !s->stack.data[i];
}

static int differs_at2(u32 i, void *arg)
{
	struct scratch *s = scratch_here();
	const struct held_paths *held_paths = *(const struct held_paths **)arg;

	if (!s || i >= HELD_PATH)
		return 1;
	if (s->stack.data[i] != (u8)held_paths->text[1][i]) {
		s->index = 1;
		return 1;
	}
	return !s->stack.data[i];
}

INLINE void argument_settle(struct scratch *s, struct held_paths *to, u32 which, u64 from)
{
	if (to->missing & 1 << which) {
		argument_is_late(s, from);
		path_hold(to, which, from);
		return;
	}
	argument_read(s, from);
	s->stack.data[HELD_PATH - 1] = 0;
	bpf_loop(HELD_PATH - 1, which ? differs_at2 : differs_at, &to, 0);
}

/* Whether the arguments still say what they said at entry. The end of a very long one, cut at
 * entry, is not compared. */
GLOBAL int arguments_compare(struct scratch *s, const struct call *call, struct held_paths *to)
{
	const struct call_row *row;

	if (!s || !call || !to)
		return 0;
	row = row_of(call);
	s->index = 0;
	argument_settle(s, to, 0, call_arg(call, row->path));
	if (row->path2 != NONE)
		argument_settle(s, to, 1, call_arg(call, row->path2));
	if (s->index)
		s->flags |= WIRE_KERNEL_CHANGED;
	return 0;
}

GLOBAL int paths_append(struct scratch *s, struct call *call, const struct held_paths *held_paths)
{
	struct object_state *object;
	const struct call_row *row;

	if (!s || !call || !held_paths)
		return 0;
	row = row_of(call);
	object = s->event.result ? NULL : object_of(bpf_get_current_task_btf(), call);
	if (object) {
		event_object(s, object);
		s->flags &= ~(WIRE_KERNEL_CHANGED | WIRE_KERNEL_UNREADABLE);
	}
	if (object && object->len[0])
		s->event.path_len = (u16)append_object(s, object, 0);
	else
		s->event.path_len = (u16)append_joined(s, call_dir(call, row->dir),
						       held_paths->text[0]);
	if (object && object->len[1])
		s->event.path2_len = (u16)append_object(s, object, 1);
	else if (row->path2 != NONE)
		s->event.path2_len = (u16)append_joined(s, call_dir(call, row->dir2),
							held_paths->text[1]);
	s->event.asked_len = (u16)append_kernel_string(s, held_paths->text[0]);
	if (held_paths->len[0] == HELD_PATH - 1 || held_paths->len[1] == HELD_PATH - 1)
		s->flags |= WIRE_KERNEL_CUT;
	return 0;
}

EXIT(exit_path)
{
	struct held_paths *held_paths = bpf_task_storage_get(&paths, c->task, NULL, 0);
	u8 kind = row_of(c->call)->kind;

	event_begin(c->s, c->task, c->call, c->result);
	if (kind == CALL_MKDIR)
		c->s->event.detail |= S_IFDIR;
	if (kind == CALL_TRUNC)
		c->s->event.detail = O_TRUNC;
	if (held_paths) {
		arguments_compare(c->s, c->call, held_paths);
		paths_append(c->s, c->call, held_paths);
	} else {
		c->s->flags |= WIRE_KERNEL_UNREADABLE;
	}
	return event_finish(c->s, c->thread);
}

EXIT(exit_fd)
{
	struct file *file = file_of(c->task, (s32)c->call->args[0]);

	event_begin(c->s, c->task, c->call, c->result);
	if (file)
		c->s->event.path_len = (u16)append_file(c->s, file);
	else
		c->s->flags |= WIRE_KERNEL_UNREADABLE;
	return event_finish(c->s, c->thread);
}

#endif

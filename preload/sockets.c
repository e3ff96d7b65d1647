/* SPDX-License-Identifier: Apache-2.0
 *
 * A small note per descriptor, so that send() and write() on anything but a datagram socket cost
 * nothing: the socket's type, and which peer and caller its last reported datagram had. Notes may
 * be stale (raw system calls, races between threads); they only ever decide whether a repeated
 * datagram is reported again, or whether the type must be asked for.
 */
#include "hook.h"

#define NOTES 4096

struct note {
	uint8_t type;	     /* SOCK_*, 0 unknown */
	uint8_t is_pending;  /* datagram socket connected, nothing sent yet */
	uint16_t pad;
	uint32_t peer;	     /* hash of last reported peer and caller */
};
static TABLE struct note notes[NOTES];

/* A vfork child closes descriptors of its own, and these notes are its parent's. */
static struct note *note_of(int fd)
{
	if (unlikely(thread_self.is_vforking) && process_acting() != session.pid)
		return NULL;
	return (unsigned)fd < NOTES ? &notes[fd] : NULL;
}

void socket_note(int fd, int type)
{
	struct note *note = note_of(fd);

	if (note)
		*note = (struct note){ .type = (uint8_t)(type & 0xf) };
}

void socket_forget(int fd)
{
	struct note *note = note_of(fd);

	if (note && (note->type || note->is_pending))
		*note = (struct note){ 0 };
}

void socket_forget_range(unsigned first, unsigned last)
{
	if (unlikely(thread_self.is_vforking) && process_acting() != session.pid)
		return;
	for (unsigned fd = first; fd <= last && fd < NOTES; fd++)
		socket_forget((int)fd);
}

void socket_copy(int from, int to)
{
	struct note *a = note_of(from), *b = note_of(to);

	if (b)
		*b = a ? *a : (struct note){ 0 };
}

int socket_type_noted(int fd)
{
	const struct note *note = note_of(fd);

	return note ? note->type : 0;
}

int socket_type(int fd)
{
	int type = socket_type_noted(fd);
	socklen_t bytes = sizeof(type);

	if (type || session.has_seccomp)
		return type;
	if (sys_call5(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0)
		return 0;
	socket_note(fd, type);
	return type;
}

void socket_note_connected(int fd)
{
	struct note *note = note_of(fd);

	if (note && note->type == SOCK_DGRAM)
		note->is_pending = 1;
}

bool socket_is_pending(int fd)
{
	const struct note *note = note_of(fd);

	return note && note->is_pending;
}

bool socket_is_first(int fd, const void *address, unsigned len, const void *caller)
{
	struct note *note = note_of(fd);
	const uint8_t *bytes = address;
	uint32_t hash = 2166136261u ^ (uint32_t)(uintptr_t)caller;

	for (unsigned i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	hash |= 1;
	if (!note)
		return true;
	note->is_pending = 0;
	if (note->peer == hash)
		return false;
	note->peer = hash;
	return true;
}

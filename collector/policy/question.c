/* SPDX-License-Identifier: Apache-2.0
 *
 * One event, made ready: does its result count, which path, which names.
 */
#include <errno.h>
#include <string.h>

#include "policy_inner.h"

/* LEFT: a packet was sent although the call did not succeed. Nothing below may look at the result
 * itself: the class is what the memory of verdicts goes by. */
enum result_class result_class(int32_t result)
{
	if (result >= 0)
		return RESULT_DONE;
	switch (-result) {
	case EINPROGRESS:
		return RESULT_PROGRESS;
	case EALREADY:
	case EINTR:
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
		return RESULT_LEFT;
	case EAGAIN:
		return RESULT_AGAIN;
	default:
		return RESULT_FAILED;
	}
}

bool policy_is_sent(int32_t result)
{
	enum result_class class = result_class(result);
	return class == RESULT_DONE || class == RESULT_PROGRESS || class == RESULT_LEFT;
}

/* Length of "/proc/PID" in front of path when PID is the process itself, else 0. */
static size_t own_proc(const struct process *process, struct str path)
{
	static const char proc[] = "/proc/";
	size_t at = sizeof(proc) - 1;
	uint64_t pid = 0;
	if (!process || path.len <= at || memcmp(path.data, proc, at))
		return 0;
	for (; at < path.len && path.data[at] >= '0' && path.data[at] <= '9'; at++) {
		pid = pid * 10 + (uint64_t)(path.data[at] - '0');
		if (pid > UINT32_MAX)
			return 0;
	}
	bool is_whole = at == path.len || path.data[at] == '/';
	return is_whole && at > sizeof(proc) - 1 && pid == process->pid ? at : 0;
}

static bool starts_with(struct str text, const char *start)
{
	size_t len = strlen(start);
	return text.len >= len && !memcmp(text.data, start, len);
}

/* Looking into oneself is nobody's business. */
static bool is_own_memory(const struct question *question)
{
	const struct item_target *target = question->target;
	if (target->kind == TARGET_PROCESS)
		return question->process && target->number == question->process->pid;
	return starts_with(target->path, "/proc/self/") ||
	       own_proc(question->process, target->path);
}

static bool is_peer_counted(const struct item_target *target)
{
	return target->kind != TARGET_PEER || target->address_len;
}

static bool is_counted(const struct question *question)
{
	const struct item_target *target = question->target;
	enum result_class class = result_class(question->event->result);
	switch (question->action) {
	case WIRE_NET_CONNECT:
		if (question->event->flags & EVENT_DATAGRAM || !is_peer_counted(target))
			return false; /* no packet; the first send is judged */
		if (target->kind == TARGET_UNIX)
			return class == RESULT_DONE || class == RESULT_AGAIN ||
			       class == RESULT_PROGRESS;
		return policy_is_sent(question->event->result);
	case WIRE_NET_RESOLVE:
		return target->path.len; /* no name: the wildcard address was asked for */
	case 0:				 /* no action we know */
		return false;
	case WIRE_ENV_READ:
		return true;
	case WIRE_EXEC_INSPECT:
		return class == RESULT_DONE && !is_own_memory(question);
	default:
		return class == RESULT_DONE && is_peer_counted(target);
	}
}

/* Would it count had it come off? */
static bool is_counted_attempt(const struct question *question)
{
	struct question done = {.action = question->action,
				.target = question->target,
				.process = question->process};
	struct item_event event = *question->event;
	event.result = 0;
	done.event = &event;
	return is_counted(&done);
}

static struct str prepare_path(struct question *question, struct str path, char *buffer,
			       size_t room)
{
	static const char deleted[] = " (deleted)", self[] = "/proc/self";
	size_t own = own_proc(question->process, path);
	if (starts_with(path, "/memfd:")) {
		size_t len = sizeof(deleted) - 1;
		path.data++;
		path.len--;
		if (path.len > len && !memcmp(path.data + path.len - len, deleted, len))
			path.len -= (uint32_t)len;
	} else if (own && path.len - own + sizeof(self) <= room) {
		memcpy(buffer, self, sizeof(self) - 1);
		memcpy(buffer + sizeof(self) - 1, path.data + own, path.len - own);
		path = (struct str){buffer, (uint32_t)(path.len - own + sizeof(self) - 1)};
	}
	return path;
}

/* Lower case, without the root's dot. A name too long to exist matches nothing but `any`. */
static void prepare_host(struct question *question)
{
	struct str name = question->target->path;
	if (name.len > 1 && name.data[name.len - 1] == '.')
		name.len--;
	if (!name.len || name.len > sizeof(question->host))
		return;
	for (uint32_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		question->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	question->host_len = name.len;
	question->is_numeric =
		address_parse(question->host, name.len, question->address, &question->address_len);
}

/* Inside a dlopen: not the call itself, which is the act of whoever makes it. */
static bool is_via_dlopen(const struct question *question)
{
	const struct item_event *event = question->event;
	for (unsigned i = 0; i < WIRE_VIA_MAX && event->via[i]; i++) {
		const char *name = model_function(question->model, event->via[i]);
		if (name && (!strcmp(name, "dlopen") || !strcmp(name, "dlmopen")))
			return true;
	}
	return false;
}

void question_prepare(struct question *question)
{
	const struct item_target *target = question->target;
	question->is_judged = target && is_counted(question);
	question->is_attempt = question->policy->has_attempts && target && !question->is_judged &&
			       is_counted_attempt(question);
	question->chain = model_chain(question->model, question->event->chain);
	question->phases = question->chain ? question->chain->phases : PHASE_STEADY;
	if (is_via_dlopen(question))
		question->phases = (question->phases | PHASE_LOAD) & ~(unsigned)PHASE_STEADY;
	question->policy->phases = question->phases;
	if (!target)
		return;
	question->path = prepare_path(question, target->path, question->buffers[0],
				      sizeof(question->buffers[0]));
	question->to = prepare_path(question, target->to, question->buffers[1],
				    sizeof(question->buffers[1]));
	if (question->action == WIRE_NET_RESOLVE)
		prepare_host(question);
	if (target->kind == TARGET_PEER && target->address_len)
		question->name_count =
			model_names(question->model, question->event->process, target->address,
				    target->address_len, question->names,
				    sizeof(question->names) / sizeof(question->names[0]));
}

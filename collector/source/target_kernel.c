/* SPDX-License-Identifier: Apache-2.0
 *
 * What an event acted on, as the kernel told it: the path is already the real one, the peer the
 * one that was used. A path below a root that is not ours keeps that root before it, unless it is
 * one of another mount namespace: there it is shown as the process sees it, like the shim's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../target_kept.h"
#include "python.h"
#include "target.h"

/* /memfd:name, as the kernel spells it -> memfd:name, as rules do. */
static bool path_is_memfd(struct str *path)
{
	static const char memfd[] = "memfd:";
	size_t len = sizeof(memfd) - 1;
	struct str bare = *path;

	if (bare.len && bare.data[0] == '/')
		bare = (struct str){ bare.data + 1, bare.len - 1 };
	if (bare.len < len || memcmp(bare.data, memfd, len) != 0)
		return false;
	*path = bare;
	return true;
}

static void path_strip_root(const struct proc *proc, struct path_buffer *path)
{
	size_t len = proc->root && proc->is_elsewhere ? strlen(proc->root) : 0;

	if (len < 2 || path->len < len || memcmp(path->text, proc->root, len) != 0 ||
	    (path->text[len] && path->text[len] != '/'))
		return;
	path->len -= len;
	memmove(path->text, path->text + len, path->len + 1);
	if (!path->len)
		path->len = (size_t)snprintf(path->text, sizeof(path->text), "/");
}

/* A process's own directory in /proc has one name in every run. */
static void path_own_proc(const struct proc *proc, struct path_buffer *path)
{
	char *inner = path->text + paths_outside(&proc->view, path);
	size_t room = sizeof(path->text) - (size_t)(inner - path->text);
	unsigned pid = 0;
	int end = 0;
	char rest[PATH_MAX];

	if (sscanf(inner, "/proc/%u%n", &pid, &end) != 1 || (inner[end] && inner[end] != '/') ||
	    (pid != proc->pid && pid != proc->own_pid))
		return;
	memcpy(rest, inner + end, strlen(inner + end) + 1);
	snprintf(inner, room, "/proc/self%s", rest);
	path->len = strlen(path->text);
}

/* true: it is unresolved. */
static bool path_of_kernel(struct live *live, const struct proc *proc, struct str told,
			   struct str asked, bool follow, struct path_buffer *ret)
{
	bool is_unresolved = false;

	if (path_is_memfd(&told) || (told.len && told.data[0] != '/' && !asked.len)) {
		ret->len = told.len < sizeof(ret->text) ? told.len : sizeof(ret->text) - 1;
		memcpy(ret->text, told.data, ret->len);
		ret->text[ret->len] = '\0';
		ret->len = strlen(ret->text);
	} else if (told.len && told.data[0] == '/') {
		paths_normalise(told.data, told.len, ret);
	} else {
		is_unresolved = target_path(live, proc, told.len ? told : asked, follow, ret) ==
				PATH_UNRESOLVED;
		is_unresolved |= !paths_record(&proc->view, ret);
	}
	/* "/x (deleted)" may also be what a file is called: only a memfd is always without a name. */
	if (!strncmp(ret->text, "memfd:", 6))
		paths_strip_deleted(ret);
	path_strip_root(proc, ret);
	path_own_proc(proc, ret);
	return is_unresolved;
}

static struct str buffer_str(const struct path_buffer *buffer)
{
	return (struct str){ buffer->text, (uint32_t)buffer->len };
}

static uint32_t kernel_file(struct live *live, struct proc *proc,
			    const struct wire_kernel_event *event,
			    const struct str blobs[WIRE_BLOBS])
{
	struct item_target target = { .kind = TARGET_PATH, .asked = blobs[2] };
	bool is_pair = event->action == WIRE_FILE_RENAME || event->action == WIRE_FILE_LINK;
	bool follow = !is_pair && event->action != WIRE_FILE_DELETE;
	struct path_buffer path, to, own;

	target.is_unresolved = path_of_kernel(live, proc, blobs[0], blobs[2], follow, &path);
	if (is_pair) {
		target.kind = TARGET_PATHS;
		target.is_unresolved |= path_of_kernel(live, proc, blobs[1], (struct str){ "", 0 },
						       false, &to);
		target.to = buffer_str(&to);
	}
	target.path = buffer_str(&path);
	target_package(live, proc, &target);
	if (!target.package.len && python_own(live, proc, target.path, &own))
		target.package = buffer_str(&own);
	if (event->action == WIRE_FILE_READ && event->result >= 0)
		python_opened(live, proc, target.path);
	return define_target(live, &target);
}

static uint32_t kernel_program(struct live *live, struct proc *proc,
			       const struct str blobs[WIRE_BLOBS])
{
	struct item_target target = { .kind = TARGET_PROGRAM, .asked = blobs[2] };
	struct path_buffer path, real;
	struct str inner;
	size_t outside;

	target.is_unresolved = path_of_kernel(live, proc, blobs[0], blobs[2], true, &path);
	outside = paths_outside(&proc->view, &path);
	inner = (struct str){ path.text + outside, (uint32_t)(path.len - outside) };
	/* A script is told by its name, which may be a link. */
	if (!target.is_unresolved && inner.len && inner.data[0] == '/' &&
	    (outside || !proc->view.outside) &&
	    target_path(live, proc, inner, true, &real) == PATH_REAL) {
		path = real;
		target.is_unresolved = !paths_record(&proc->view, &path);
	}
	target.path = buffer_str(&path);
	target.argv = blobs[3];
	if (target.argv.len && !target.argv.data[target.argv.len - 1])
		target.argv.len--;
	target.argv = redact_argv(live->redactor, &live->queue, target.argv);
	target_package(live, proc, &target);
	return define_target(live, &target);
}

/* sun_path as it was given. */
static struct str unix_name(struct str address)
{
	const size_t head = sizeof(sa_family_t);

	if (address.len <= head)
		return (struct str){ "", 0 };
	return (struct str){ address.data + head,
			     (uint32_t)strnlen(address.data + head, address.len - head) };
}

static uint32_t target_make(struct live *live, struct proc *proc,
			    const struct wire_kernel_event *event,
			    const struct str blobs[WIRE_BLOBS])
{
	struct wire_event plain = { .action = event->action, .detail = event->detail };
	struct item_target socket = { .kind = TARGET_UNIX };
	struct path_buffer path;
	struct item_target memory = { .kind = TARGET_MEMORY, .number = event->bytes };

	switch (event->action) {
	case WIRE_NET_CONNECT:
	case WIRE_NET_BIND:
	case WIRE_NET_LISTEN:
	case WIRE_NET_ACCEPT:
	case WIRE_NET_SEND:
		if (blobs[1].len) { /* the file of a Unix socket */
			path_of_kernel(live, proc, blobs[1], (struct str){ "", 0 }, false, &path);
			socket.path = buffer_str(&path);
			socket.asked = unix_name(blobs[0]);
			return define_target(live, &socket);
		}
		return target_peer(live, proc, &plain, blobs[0]);
	case WIRE_EXEC_RUN:
		return kernel_program(live, proc, blobs);
	case WIRE_EXEC_CODE:
		return define_target(live, &memory);
	case WIRE_EXEC_INSPECT:
		return target_inspect(live, proc, &plain, (struct str){ "", 0 });
	default:
		return kernel_file(live, proc, event, blobs);
	}
}

/* The target in force for equal words; looked up again after a while, since links may change. */
uint32_t target_of_kernel(struct live *live, struct proc *proc,
			  const struct wire_kernel_event *event,
			  const struct str blobs[WIRE_BLOBS])
{
	struct {
		uint64_t bytes;
		uint32_t process, generation, detail, action;
		uint32_t lens[WIRE_BLOBS];
	} facts = { event->bytes, proc->id, proc->generation, 0, event->action, { 0 } };
	struct map_entry *entry;
	struct key key;
	uint32_t target;

	if (event->action < WIRE_FILE_READ || event->action == WIRE_EXEC_INSPECT)
		facts.detail = event->detail; /* kind of socket, process */
	if (!facts.process)
		facts.process = UINT32_MAX - proc->slot; /* not spoken of yet */
	for (int i = 0; i < WIRE_BLOBS; i++)
		facts.lens[i] = blobs[i].len;
	key = key_of(live->seed ^ 1, &facts, sizeof(facts));
	for (int i = 0; i < WIRE_BLOBS; i++) {
		if (blobs[i].len)
			key = key_of(key.hi ^ key.lo, blobs[i].data, blobs[i].len);
	}
	entry = map_find(&live->lookups, key);
	if (entry && live->paths.now_ms - entry->stamp <= PATHS_TTL_MS &&
	    (!entry->value || target_is_nameable(entry->value, live->target_count)))
		return entry->value;
	target = target_make(live, proc, event, blobs);
	entry = map_add(&live->lookups, key);
	if (entry)
		*entry = (struct map_entry){ entry->key, target, live->paths.now_ms };
	return target;
}

uint32_t target_kernel_memory(struct live *live, struct proc *proc,
			      const struct wire_kernel_event *event, struct str path,
			      uint32_t *ret_target)
{
	struct wire_event plain = { .action = WIRE_EXEC_INSPECT };
	struct path_buffer text;
	const char *inner;
	unsigned pid = 0, task;
	int end = 0;

	if ((event->action != WIRE_FILE_READ && event->action != WIRE_FILE_WRITE) ||
	    event->result < 0 || path.len < 3 || memcmp(path.data + path.len - 3, "mem", 3) != 0)
		return 0;
	path_of_kernel(live, proc, path, (struct str){ "", 0 }, true, &text);
	inner = text.text + paths_outside(&proc->view, &text);
	if (sscanf(inner, "/proc/%u/mem%n", &pid, &end) < 1 || !end)
		if (sscanf(inner, "/proc/%u/task/%u/mem%n", &pid, &task, &end) < 2 || !end)
			return 0;
	if (inner[end])
		return 0;
	plain.detail = pid;
	*ret_target = target_inspect(live, proc, &plain, (struct str){ "", 0 });
	return pid;
}

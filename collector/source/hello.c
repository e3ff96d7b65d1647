/* SPDX-License-Identifier: Apache-2.0
 *
 * The side that says hello: places a new process under the one that made it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

/* The nearest ancestor we know, for a process whose starter we never heard of. */
static struct proc *ancestor_find(struct live *live, uint32_t pid)
{
	for (int i = 0; pid > 1 && i < 16; i++) {
		struct proc *proc;

		pid = facts_parent_pid(pid);
		proc = proc_by_pid(live, pid);
		if (proc && proc->id)
			return proc;
	}
	return NULL;
}

static bool is_script(const char *path)
{
	char magic[2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_known = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic);

	if (fd >= 0)
		close(fd);
	return !is_known || !memcmp(magic, "#!", 2);
}

/* The hello of an exec meets the event of it. An uncoverable program cannot have said hello: it
 * came from one that this program started, with the environment handed on. Then the program in
 * between is named, and a chain through it to its starter is the origin. */
static void hello_exec(struct live *live, struct proc *proc, const struct wire_hello *hello,
		       struct proc *parent)
{
	struct expectation *expectation =
		expect_find(live, hello->parent_instance, hello->serial);
	const char *reason;

	if (parent) {
		proc->parent = parent->id;
		ids_get(&parent->origins, hello->origin, &proc->origin_chain);
	}
	/* Its start is told now: after what others did before it, which may be news for the list. */
	if (expectation && expectation->is_pending) {
		order_until(live, NULL, expectation->event.time_ns);
		expectation = expect_find(live, hello->parent_instance, hello->serial);
	}
	if (!expectation)
		return;
	if (!proc->origin_chain)
		proc->origin_chain = expectation->chain;
	if (!parent)
		proc->parent = expectation->process;
	expect_emit_event(live, expectation, 0);
	reason = expect_reason(expectation);
	if (reason && ((expectation->pid && expectation->pid != proc->pid) ||
		       !strcmp(reason, "static"))) {
		proc->parent = expect_uncovered(live, expectation);
		proc->origin_chain = define_chain(live, proc->parent, 0, 0);
		return;
	}
	proc->is_root = expectation->is_root;
	/* For a process that is gone, from a jail without /proc. */
	if (expectation->program && !is_script(expectation->program))
		proc->exe = strdup(expectation->program);
	expect_drop(live, expectation);
}

static struct proc *hello_parent(struct live *live, const struct wire_hello *hello)
{
	struct proc *parent = proc_by_instance(live, hello->parent_instance);

	if (!parent)
		return NULL;
	/* Its side of the story first: origin, serial, names. */
	proc_drain_now(live, parent);
	proc_announce(live, parent, NULL, NULL);
	return parent;
}

/* Everything about a new process that must be known before its own records are read. */
static void hello_place(struct live *live, struct proc *proc, const struct wire_hello *hello,
			struct proc *parent, uint32_t pid)
{
	struct proc *old;

	fork_arrived(live, hello->parent_instance, pid);
	proc->pid = pid;
	proc->how = hello->how == WIRE_HELLO_FORK ? PROCESS_FORK : PROCESS_EXEC;
	if (proc->how == PROCESS_EXEC)
		hello_exec(live, proc, hello, parent);
	else if (parent)
		proc->parent = parent->id;
	if (proc->is_root)
		proc->how = PROCESS_ROOT;
	else if (!proc->parent && (old = ancestor_find(live, pid)))
		proc->parent = old->id;
	if (!proc->parent && !proc->is_root)
		proc->parent = live->root_process;
	/* Another image had this pid until now: an exec, or a number used again. */
	old = proc_by_pid(live, pid);
	if (old && old != proc)
		proc_end(live, old);
}

/* The thread that forked goes on in the child under its old origin's number, and with all memory. */
static void hello_inherit(struct live *live, struct proc *proc, const struct wire_hello *hello)
{
	struct proc *parent = proc_by_instance(live, hello->parent_instance);
	uint32_t chain;

	if (hello->how != WIRE_HELLO_FORK || !parent)
		return;
	if (ids_get(&parent->origins, hello->origin, &chain))
		ids_set(&proc->origins, hello->origin, chain);
	codes_copy(&proc->codes[CODES_TOLD], &parent->codes[CODES_TOLD]);
}

int lineage_hello(struct live *live, const struct wire_hello *hello, uint32_t pid, uint32_t uid,
		  int pidfd, int ring_fd)
{
	struct map_entry *arrived;
	struct ring_reader ring;
	struct proc facts = { .pidfd = -1 };
	struct proc *proc;
	int result = ring_reader_map(&ring, ring_fd, hello->ring_bytes);

	if (result < 0)
		goto fail;
	hello_place(live, &facts, hello, hello_parent(live, hello), pid);
	result = -ENOMEM;
	proc = proc_new(live, hello->instance, pid, pidfd);
	if (!proc) {
		ring_reader_done(&ring);
		goto fail;
	}
	if (facts.exe) {
		free(proc->exe);
		proc->exe = facts.exe;
		facts.exe = NULL;
	}
	proc->ring = ring;
	proc->uid = uid;
	proc->how = facts.how;
	proc->parent = facts.parent;
	proc->origin_chain = facts.origin_chain;
	proc->is_root = facts.is_root;
	proc->is_covered = true;
	proc->is_dead = pidfd < 0 && facts_is_gone(pid);
	live->live_count++;
	if (hello->how == WIRE_HELLO_EXEC) {
		arrived = map_add(&live->arrived,
				  expect_serial_key(live, hello->parent_instance, hello->serial));
		if (arrived)
			arrived->value = 1;
	}
	hello_inherit(live, proc, hello);
	proc->is_greeting = true;
	proc_drain_now(live, proc);
	proc->is_greeting = false;
	return 0;
fail:
	free(facts.exe);
	if (pidfd >= 0)
		close(pidfd);
	return result;
}

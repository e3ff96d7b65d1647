/* SPDX-License-Identifier: Apache-2.0
 *
 * Every exec and spawn has a serial, and the program it starts says hello with it. Here the two
 * ends meet: an exec whose outcome only its silence tells is held until it is told; a program
 * that never says hello becomes an uncovered process with the chain that started it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define PENDING_NS 250000000ull	 /* a failing exec comes back sooner */
#define SILENCE_NS 1000000000ull /* for a program that cannot be covered */
#define PATIENCE_NS 5000000000ull /* for one that could be: perhaps it is merely slow to start */
#define EXPECTATIONS_MAX 16384u

struct expectation {
	uint64_t instance;
	uint32_t serial;
	uint32_t process, chain, uid; /* who started it */
	uint32_t pid;		      /* of the new program, 0: unknown */
	int pidfd;
	bool is_pending;	      /* event not emitted yet */
	bool is_in_place;	      /* exec, not spawn: the old image ends */
	bool is_gone, is_root;
	bool is_fork;		      /* told by the parent; no event, no serial */
	bool is_sharing;	      /* a fork that goes on in its parent's ring */
	bool is_examined;	      /* reason is what cover_reason() said */
	const char *reason;
	uint64_t since_ns;
	struct item_event event;
	char *program, *argv, *cwd, *home;
	uint32_t argv_len;
	char why[32]; /* as the shim said it, "" */
};

static struct key serial_key(const struct live *live, uint64_t instance, uint32_t serial)
{
	struct {
		uint64_t instance, serial;
	} facts = { instance, serial };

	return key_of(live->seed, &facts, sizeof(facts));
}

static struct expectation *expectation_find(struct live *live, uint64_t instance, uint32_t serial)
{
	for (uint32_t i = 0; serial && i < live->expectation_count; i++) {
		if (live->expectations[i]->serial == serial &&
		    live->expectations[i]->instance == instance)
			return live->expectations[i];
	}
	return NULL;
}

static void expectation_free(struct expectation *expectation)
{
	if (expectation->pidfd >= 0)
		close(expectation->pidfd);
	free(expectation->program);
	free(expectation->argv);
	free(expectation->cwd);
	free(expectation->home);
	free(expectation);
}

/* Out of the list; the order stays: items come out in the order things were asked for. */
static void expectation_detach(struct live *live, const struct expectation *expectation)
{
	uint32_t at = 0;

	while (at < live->expectation_count && live->expectations[at] != expectation)
		at++;
	if (at == live->expectation_count)
		return;
	live->expectation_count--;
	memmove(&live->expectations[at], &live->expectations[at + 1],
		(live->expectation_count - at) * sizeof(*live->expectations));
}

static void event_emit(struct live *live, struct expectation *expectation, int32_t result)
{
	if (!expectation->is_pending)
		return;
	expectation->is_pending = false;
	expectation->event.result = result;
	queue_add(&live->queue, ITEM_EVENT)->event = expectation->event;
	live->events++;
}

static struct str text_str(const char *text)
{
	return (struct str){ text ? text : "", text ? (uint32_t)strlen(text) : 0 };
}

/* NULL: it could have been covered as far as we see. */
static const char *uncovered_reason(struct expectation *expectation)
{
	if (expectation->why[0])
		return expectation->why;
	if (!expectation->is_examined && expectation->program)
		expectation->reason = cover_reason(expectation->program);
	expectation->is_examined = true;
	return expectation->reason;
}

static void uncovered_describe(struct live *live, const struct expectation *expectation,
			       struct item_process *out)
{
	struct queue *queue = &live->queue;

	out->parent = expectation->process;
	out->origin_chain = expectation->chain;
	out->how = expectation->is_root	  ? PROCESS_ROOT
		   : expectation->is_fork ? PROCESS_FORK
					  : PROCESS_EXEC;
	out->pid = expectation->pid;
	out->uid = expectation->uid;
	out->start_ns = expectation->since_ns;
	out->exe = queue_text(queue, expectation->program);
	out->argv = redact_argv(live->redactor, queue,
				queue_str(queue, expectation->argv, expectation->argv_len));
	out->cwd = queue_text(queue, expectation->cwd);
	out->home = queue_text(queue, expectation->home);
	out->script = out->cgroup = (struct str){ "", 0 };
}

/* Emits the process that was never heard of, and the hole it is; the expectation is over and
 * freed. The answer is its item id. While it lives it has a proc, so that its end is seen. */
static uint32_t uncovered_emit(struct live *live, struct expectation *expectation)
{
	const char *reason = uncovered_reason(expectation);
	struct proc *old = expectation->is_in_place ? proc_by_pid(live, expectation->pid) : NULL;
	struct item_process process = { 0 };
	struct proc *proc = NULL;

	expectation_detach(live, expectation);
	event_emit(live, expectation, 0);
	if (old && old->instance == expectation->instance)
		proc_end(live, old);
	uncovered_describe(live, expectation, &process);
	process.id = ++live->process_count;
	queue_add(&live->queue, ITEM_PROCESS)->process = process;
	if (expectation->is_root)
		live->root_process = process.id;
	emit_hole(live, &(struct item_hole){ .kind = HOLE_UNCOVERED, .family = WIRE_FAMILIES,
					     .process = process.id, .chain = expectation->chain,
					     .what = process.exe,
					     .reason = text_str(reason ? reason : "no hello") });
	if (expectation->pidfd >= 0 && !expectation->is_gone &&
	    !proc_by_pid(live, expectation->pid))
		proc = proc_new(live, 0, expectation->pid, expectation->pidfd);
	if (proc) {
		expectation->pidfd = -1;
		proc->id = process.id;
		proc->uid = process.uid;
		proc->how = process.how;
	} else {
		queue_add(&live->queue, ITEM_PROCESS_END)->process_end =
			(struct item_process_end){ .process = process.id,
						   .time_ns = live->now_ns };
	}
	expectation_free(expectation);
	return process.id;
}

/* --- the side that starts programs ---------------------------------------------------------- */

/* NULL: too many, or out of memory. */
static struct expectation *expectation_add(struct live *live)
{
	struct expectation *expectation;

	if (live->expectation_count >= EXPECTATIONS_MAX)
		return NULL;
	if (live->expectation_count == live->expectation_room) {
		uint32_t room = live->expectation_room ? live->expectation_room * 2 : 64;
		struct expectation **more = realloc(live->expectations, room * sizeof(*more));

		if (!more)
			return NULL;
		live->expectations = more;
		live->expectation_room = room;
	}
	expectation = calloc(1, sizeof(*expectation));
	if (!expectation)
		return NULL;
	live->expectations[live->expectation_count++] = expectation;
	expectation->pidfd = -1;
	expectation->since_ns = live->now_ns;
	return expectation;
}

static char *bytes_copy(struct str text)
{
	char *copy = malloc((size_t)text.len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

static void expectation_describe(struct live *live, struct expectation *expectation,
				 struct proc *proc, const struct str blobs[WIRE_BLOBS])
{
	struct path_buffer program;
	struct str argv = blobs[1];

	if (argv.len && !argv.data[argv.len - 1])
		argv.len--;
	target_program(live, proc, blobs[2].len ? blobs[2] : blobs[0], &program);
	expectation->program = bytes_copy((struct str){ program.text, (uint32_t)program.len });
	expectation->argv = bytes_copy(argv);
	expectation->argv_len = expectation->argv ? argv.len : 0;
	expectation->cwd = strdup(proc->cwd);
	expectation->home = strdup(proc->home);
	snprintf(expectation->why, sizeof(expectation->why), "%.*s", (int)blobs[3].len,
		 blobs[3].data);
}

/* Whose pid will the new program have? Only known when proc's pid namespace is ours. */
static void expectation_aim(struct expectation *expectation, const struct proc *proc,
			    const struct wire_event *record)
{
	bool is_pending = record->head.flags & WIRE_EVENT_PENDING;
	uint32_t pid = is_pending ? record->pid : record->detail;

	if (proc->own_pid != proc->pid || !pid)
		return;
	expectation->pid = pid;
	expectation->is_in_place = is_pending && pid == proc->pid;
	expectation->pidfd = facts_pidfd(pid);
	/* A number that went to somebody else meanwhile is found out by its start. */
	expectation->is_gone = expectation->pidfd < 0 && facts_is_gone(pid);
}

void lineage_exec(struct live *live, struct proc *proc, const struct wire_event *record,
		  const struct item_event *event, const struct str blobs[WIRE_BLOBS])
{
	bool is_pending = record->head.flags & WIRE_EVENT_PENDING;
	struct expectation *expectation = NULL;
	bool is_over = record->result < 0 ||
		       map_find(&live->arrived, serial_key(live, proc->instance, record->serial));

	if (!is_over)
		expectation = expectation_add(live);
	if (!expectation) {
		queue_add(&live->queue, ITEM_EVENT)->event = *event;
		live->events++;
		if (!is_over)
			emit_hole(live, &(struct item_hole){
						.kind = HOLE_UNCOVERED, .family = WIRE_FAMILIES,
						.process = proc->id, .chain = event->chain,
						.what = blobs[0],
						.reason = STR_LIT("too many at once") });
		return;
	}
	expectation->instance = proc->instance;
	expectation->serial = record->serial;
	expectation->process = proc->id;
	expectation->chain = event->chain;
	expectation->uid = proc->uid;
	expectation->event = *event;
	expectation->is_pending = true;
	expectation_describe(live, expectation, proc, blobs);
	expectation_aim(expectation, proc, record);
	if (!is_pending)
		event_emit(live, expectation, event->result);
}

void lineage_exec_failed(struct live *live, struct proc *proc, uint32_t serial, int32_t result)
{
	struct expectation *expectation = expectation_find(live, proc->instance, serial);

	if (!expectation)
		return;
	event_emit(live, expectation, result);
	expectation_detach(live, expectation);
	expectation_free(expectation);
}

/* Forks are known by their pid: under a serial that no exec has. */
static struct key fork_key(const struct live *live, uint64_t instance, uint32_t pid)
{
	struct {
		uint64_t instance, fork;
	} facts = { instance, 1ull << 32 | pid };

	return key_of(live->seed, &facts, sizeof(facts));
}

void lineage_forked(struct live *live, struct proc *proc, uint32_t pid)
{
	struct expectation *expectation;

	if (proc->own_pid != proc->pid || !pid ||
	    map_find(&live->arrived, fork_key(live, proc->instance, pid)))
		return;
	expectation = expectation_add(live);
	if (!expectation)
		return;
	expectation->is_fork = true;
	expectation->instance = proc->instance;
	expectation->process = proc->id;
	expectation->uid = proc->uid;
	expectation->pid = pid;
	expectation->pidfd = facts_pidfd(pid);
	expectation->is_gone = expectation->pidfd < 0 && facts_is_gone(pid);
	expectation->program = strdup(proc->exe);
	expectation->cwd = strdup(proc->cwd);
	expectation->home = strdup(proc->home);
	expectation->argv = bytes_copy((struct str){ proc->argv, proc->argv_len });
	expectation->argv_len = expectation->argv ? proc->argv_len : 0;
}

static struct expectation *fork_find(struct live *live, uint64_t instance, uint32_t pid)
{
	for (uint32_t i = 0; i < live->expectation_count; i++) {
		struct expectation *expectation = live->expectations[i];

		if (expectation->is_fork && expectation->pid == pid &&
		    expectation->instance == instance)
			return expectation;
	}
	return NULL;
}

static void fork_drop(struct live *live, struct expectation *expectation)
{
	struct proc *parent = proc_by_instance(live, expectation->instance);

	if (expectation->is_sharing && parent && parent->shared_by)
		parent->shared_by--;
	expectation_detach(live, expectation);
	expectation_free(expectation);
}

void lineage_shared(struct live *live, struct proc *proc, uint32_t pid)
{
	struct expectation *expectation = fork_find(live, proc->instance, pid);

	if (!expectation || expectation->is_sharing)
		return;
	expectation->is_sharing = true;
	proc->shared_by++;
}

/* It has a ring of its own now. */
static void fork_arrived(struct live *live, uint64_t instance, uint32_t pid)
{
	struct expectation *expectation = fork_find(live, instance, pid);
	struct map_entry *arrived = map_add(&live->arrived, fork_key(live, instance, pid));

	if (arrived)
		arrived->value = 1;
	if (expectation)
		fork_drop(live, expectation);
}

void lineage_root(struct live *live, uint32_t pid, uint32_t serial, const char *program,
		  char *const argv[])
{
	struct expectation *expectation;
	struct path_view us = { .pid = pid, .own_pid = pid };
	struct path_buffer real, cwd;
	size_t len = 0;

	live->root_pid = pid;
	expectation = expectation_add(live);
	if (!expectation)
		return;
	if (!getcwd(cwd.text, sizeof(cwd.text)))
		cwd.text[0] = '\0';
	cwd.len = strlen(cwd.text);
	paths_real(&live->paths, &us, cwd.text, cwd.len, program, strlen(program), true, &real);
	expectation->serial = serial;
	expectation->pid = pid;
	expectation->pidfd = facts_pidfd(pid);
	expectation->is_root = true;
	expectation->uid = geteuid();
	expectation->program = bytes_copy((struct str){ real.text, (uint32_t)real.len });
	expectation->cwd = strdup(cwd.text);
	expectation->home = facts_home(geteuid(), &real) ? strdup(real.text) : NULL;
	for (int i = 0; argv[i]; i++)
		len += strlen(argv[i]) + 1;
	expectation->argv = calloc(1, len + 1);
	for (int i = 0; expectation->argv && argv[i]; i++) {
		size_t bytes = strlen(argv[i]) + 1;

		memcpy(expectation->argv + expectation->argv_len, argv[i], bytes);
		expectation->argv_len += (uint32_t)bytes;
	}
	if (expectation->argv_len)
		expectation->argv_len--;
}

/* --- the side that says hello --------------------------------------------------------------- */

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

/* The hello of an exec meets the event of it. An uncoverable program cannot have said hello: it
 * came from one that this program started, with the environment handed on. Then the program in
 * between is named, and a chain through it to its starter is the origin. */
static void hello_exec(struct live *live, struct proc *proc, const struct wire_hello *hello,
		       struct proc *parent)
{
	struct expectation *expectation =
		expectation_find(live, hello->parent_instance, hello->serial);
	const char *reason;

	if (parent) {
		proc->parent = parent->id;
		ids_get(&parent->origins, hello->origin, &proc->origin_chain);
	}
	if (!expectation)
		return;
	if (!proc->origin_chain)
		proc->origin_chain = expectation->chain;
	if (!parent)
		proc->parent = expectation->process;
	event_emit(live, expectation, 0);
	reason = uncovered_reason(expectation);
	if (reason && ((expectation->pid && expectation->pid != proc->pid) ||
		       !strcmp(reason, "static"))) {
		proc->parent = uncovered_emit(live, expectation);
		proc->origin_chain = define_chain(live, proc->parent, 0, 0);
		return;
	}
	proc->is_root = expectation->is_root;
	expectation_detach(live, expectation);
	expectation_free(expectation);
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

/* The thread that forked goes on in the child under its old origin's number. */
static void hello_inherit(struct live *live, struct proc *proc, const struct wire_hello *hello)
{
	struct proc *parent = proc_by_instance(live, hello->parent_instance);
	uint32_t chain;

	if (hello->how == WIRE_HELLO_FORK && parent &&
	    ids_get(&parent->origins, hello->origin, &chain))
		ids_set(&proc->origins, hello->origin, chain);
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
				  serial_key(live, hello->parent_instance, hello->serial));
		if (arrived)
			arrived->value = 1;
	}
	hello_inherit(live, proc, hello);
	proc_drain_now(live, proc);
	return 0;
fail:
	if (pidfd >= 0)
		close(pidfd);
	return result;
}

/* --- time ----------------------------------------------------------------------------------- */

void lineage_proc_over(struct live *live, struct proc *proc)
{
	for (uint32_t i = 0; i < live->expectation_count; i++) {
		struct expectation *expectation = live->expectations[i];

		if (expectation->is_in_place && expectation->instance == proc->instance)
			expectation->is_gone = true;
	}
}

static void expectation_look(struct expectation *expectation)
{
	if (expectation->is_gone || !expectation->pid)
		return;
	expectation->is_gone = expectation->pidfd >= 0
				       ? facts_pidfd_is_dead(expectation->pidfd)
				       : facts_is_gone(expectation->pid);
}

void lineage_look(struct live *live)
{
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		struct proc *proc = live->procs[i];

		if (!proc || proc->is_ended || proc->is_dead)
			continue;
		proc->is_dead = proc->pidfd >= 0 ? facts_pidfd_is_dead(proc->pidfd)
						 : facts_is_gone(proc->pid);
	}
	for (uint32_t i = 0; i < live->expectation_count; i++)
		expectation_look(live->expectations[i]);
}

/* A fork needs no verdict: gone without a word it has done nothing, and one that shares its
 * parent's ring is seen there. true: it was dropped. */
static bool fork_is_settled(struct live *live, struct expectation *expectation, bool is_end)
{
	if (!expectation->is_fork ||
	    (!expectation->is_gone && !(is_end && expectation->is_sharing)))
		return false;
	fork_drop(live, expectation);
	return true;
}

static bool is_due(const struct live *live, struct expectation *expectation)
{
	uint64_t age = live->now_ns - expectation->since_ns;

	if (expectation->is_sharing)
		return false;
	if (expectation->is_gone || age > PATIENCE_NS)
		return true;
	return age > SILENCE_NS && uncovered_reason(expectation);
}

void lineage_due(struct live *live, bool is_end)
{
	uint32_t i = 0;

	while (i < live->expectation_count) {
		struct expectation *expectation = live->expectations[i];

		if (fork_is_settled(live, expectation, is_end))
			continue;
		if (is_end || live->now_ns - expectation->since_ns > PENDING_NS)
			event_emit(live, expectation, 0);
		if (is_end || is_due(live, expectation)) {
			uncovered_emit(live, expectation);
			i = 0; /* its old image was drained: the list may have changed */
			continue;
		}
		i++;
	}
}

uint32_t lineage_waiting(const struct live *live)
{
	return live->expectation_count;
}

void lineage_done(struct live *live)
{
	for (uint32_t i = 0; i < live->expectation_count; i++)
		expectation_free(live->expectations[i]);
	free(live->expectations);
	live->expectations = NULL;
	live->expectation_count = live->expectation_room = 0;
}

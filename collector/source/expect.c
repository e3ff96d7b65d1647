/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of what is expected, and what is emitted for what never came.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

#define EXPECTATIONS_MAX 16384u

struct key expect_serial_key(const struct live *live, uint64_t instance, uint32_t serial)
{
	struct {
		uint64_t instance, serial;
	} facts = { instance, serial };

	return key_of(live->seed, &facts, sizeof(facts));
}

struct expectation *expect_find(struct live *live, uint64_t instance, uint32_t serial)
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

void expect_drop(struct live *live, struct expectation *expectation)
{
	expectation_detach(live, expectation);
	expectation_free(expectation);
}

void expect_emit_event(struct live *live, struct expectation *expectation, int32_t result)
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

const char *expect_reason(struct expectation *expectation)
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

uint32_t expect_uncovered(struct live *live, struct expectation *expectation)
{
	const char *reason = expect_reason(expectation);
	struct proc *old = expectation->is_in_place ? proc_by_pid(live, expectation->pid) : NULL;
	struct item_process process = { 0 };
	struct proc *proc = NULL;

	expectation_detach(live, expectation);
	expect_emit_event(live, expectation, 0);
	if (old && old->instance == expectation->instance)
		proc_end(live, old);
	uncovered_describe(live, expectation, &process);
	process.id = ++live->process_count;
	queue_add(&live->queue, ITEM_PROCESS)->process = process;
	if (expectation->program)
		digest_hold(live, DIGEST_EXE, expectation->program, 0, 0);
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

struct expectation *expect_add(struct live *live)
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

char *expect_copy(struct str text)
{
	char *copy = malloc((size_t)text.len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

void lineage_done(struct live *live)
{
	for (uint32_t i = 0; i < live->expectation_count; i++)
		expectation_free(live->expectations[i]);
	free(live->expectations);
	live->expectations = NULL;
	live->expectation_count = live->expectation_room = 0;
}

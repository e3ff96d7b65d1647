/* SPDX-License-Identifier: Apache-2.0
 *
 * Every exec and spawn has a serial, and the program it starts says hello with it. Here the two
 * ends meet: an exec whose outcome only its silence tells is held until it is told; a program
 * that never says hello becomes an uncovered process with the chain that started it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

#define PENDING_NS 250000000ull	 /* a failing exec comes back sooner */
#define SILENCE_NS 1000000000ull /* for a program that cannot be covered */
#define PATIENCE_NS 5000000000ull /* for one that could be: perhaps it is merely slow to start */

static void expectation_describe(struct live *live, struct expectation *expectation,
				 struct proc *proc, const struct str blobs[WIRE_BLOBS])
{
	struct path_buffer program;
	struct str argv = blobs[1];

	if (argv.len && !argv.data[argv.len - 1])
		argv.len--;
	target_program(live, proc, blobs[2].len ? blobs[2] : blobs[0], &program);
	paths_record(&proc->view, &program);
	expectation->program = expect_copy((struct str){ program.text, (uint32_t)program.len });
	expectation->argv = expect_copy(argv);
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
	/* The loader lists what it would load and leaves; the program never runs. */
	bool is_trace = blobs[3].len == 12 && !memcmp(blobs[3].data, "loader-trace", 12);
	bool is_over = is_trace || record->result < 0 ||
		       map_find(&live->arrived, expect_serial_key(live, proc->instance, record->serial));

	if (!is_over)
		expectation = expect_add(live);
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
		expect_emit_event(live, expectation, event->result);
}

void lineage_exec_failed(struct live *live, struct proc *proc, uint32_t serial, int32_t result)
{
	struct expectation *expectation = expect_find(live, proc->instance, serial);

	if (!expectation)
		return;
	expect_emit_event(live, expectation, result);
	expect_drop(live, expectation);
}

void lineage_root(struct live *live, uint32_t pid, uint32_t serial, const char *program,
		  char *const argv[])
{
	struct expectation *expectation;
	struct path_view us = { .pid = pid, .own_pid = pid };
	struct path_buffer real, cwd;
	size_t len = 0;

	live->root_pid = pid;
	expectation = expect_add(live);
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
	expectation->program = expect_copy((struct str){ real.text, (uint32_t)real.len });
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

		if (!proc || proc->is_ended || proc->is_dead || proc->is_kernel)
			continue;
		proc->is_dead = proc->pidfd >= 0 ? facts_pidfd_is_dead(proc->pidfd)
						 : facts_is_gone(proc->pid);
	}
	for (uint32_t i = 0; i < live->expectation_count; i++)
		expectation_look(live->expectations[i]);
}

static bool is_due(const struct live *live, struct expectation *expectation)
{
	uint64_t age = live->now_ns - expectation->since_ns;

	if (expectation->is_sharing)
		return false;
	if (expectation->is_gone || age > PATIENCE_NS)
		return true;
	return age > SILENCE_NS && expect_reason(expectation);
}

void lineage_due(struct live *live, bool is_end)
{
	uint32_t i = 0;

	while (i < live->expectation_count) {
		struct expectation *expectation = live->expectations[i];

		if (fork_is_settled(live, expectation, is_end))
			continue;
		if (is_end || live->now_ns - expectation->since_ns > PENDING_NS)
			expect_emit_event(live, expectation, 0);
		if (is_end || is_due(live, expectation)) {
			expect_uncovered(live, expectation);
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * Forked children: told by their parent, heard by their own hello. One that cannot make a ring of
 * its own goes on in its parent's, which then is kept until both are gone.
 */
#include <stdlib.h>
#include <string.h>

#include "expect.h"

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
	struct map_entry *arrived;
	struct expectation *expectation;

	if (proc->own_pid != proc->pid || !pid)
		return;
	arrived = map_add(&live->arrived, fork_key(live, proc->instance, pid));
	if (arrived && arrived->value) {
		arrived->value = 0; /* the number may come again, for another child */
		return;
	}
	expectation = expect_add(live);
	if (!expectation) {
		emit_hole(live, &(struct item_hole){ .kind = HOLE_UNCOVERED,
						     .family = WIRE_FAMILIES, .process = proc->id,
						     .what = { proc->exe,
							       (uint32_t)strlen(proc->exe) },
						     .reason = STR_LIT("too many at once") });
		return;
	}
	expectation->is_fork = true;
	expectation->instance = proc->instance;
	expectation->process = proc->id;
	expectation->uid = proc->uid;
	expectation->pid = pid;
	/* Whether it is gone is asked later, before hellos are taken: it may have said one just now. */
	expectation->pidfd = facts_pidfd(pid);
	expectation->program = strdup(proc->exe);
	expectation->cwd = strdup(proc->cwd);
	expectation->home = strdup(proc->home);
	expectation->argv = expect_copy((struct str){ proc->argv, proc->argv_len });
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
	expect_drop(live, expectation);
}

void lineage_shared(struct live *live, struct proc *proc, uint32_t pid)
{
	struct expectation *expectation = fork_find(live, proc->instance, pid);

	if (!expectation || expectation->is_sharing)
		return;
	expectation->is_sharing = true;
	proc->shared_by++;
}

void fork_arrived(struct live *live, uint64_t instance, uint32_t pid)
{
	struct expectation *expectation = fork_find(live, instance, pid);
	struct map_entry *arrived;

	if (expectation) {
		fork_drop(live, expectation);
		return;
	}
	arrived = map_add(&live->arrived, fork_key(live, instance, pid));
	if (arrived)
		arrived->value = 1;
}

bool fork_is_settled(struct live *live, struct expectation *expectation, bool is_end)
{
	if (!expectation->is_fork || !expectation->is_sharing ||
	    (!expectation->is_gone && !is_end))
		return false;
	fork_drop(live, expectation);
	return true;
}

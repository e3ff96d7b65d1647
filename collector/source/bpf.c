/* SPDX-License-Identifier: Apache-2.0
 *
 * Drains the probes' buffer. The kernel is trusted, its records are checked all the same: they
 * carry what watched processes wrote, and a probe may be older than we are.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf.h"

#define CHECK_EVERY 64u /* so many announced events of a process, then one with its stack */
/* Rare, and what intruders come for; the policy adds what it calls severe. */
#define CHECK_ACTIONS                                                                              \
	(1u << WIRE_NET_CONNECT | 1u << WIRE_NET_SEND | 1u << WIRE_EXEC_RUN |                      \
	 1u << WIRE_EXEC_LOAD | 1u << WIRE_EXEC_CODE | 1u << WIRE_EXEC_INSPECT)
#define LOOK_NS 1000000000ull

void bpf_reject(struct bpf *bpf)
{
	bpf->rejected++;
}

static size_t fixed_bytes(uint16_t type)
{
	switch (type) {
	case WIRE_KERNEL_FORK:
	case WIRE_KERNEL_THREAD:
		return sizeof(struct wire_kernel_fork);
	case WIRE_KERNEL_EXEC:
		return sizeof(struct wire_kernel_exec);
	case WIRE_KERNEL_EXIT:
		return sizeof(struct wire_kernel_exit);
	case WIRE_KERNEL_EVENT:
		return sizeof(struct wire_kernel_event);
	case WIRE_KERNEL_HELLO:
		return sizeof(struct wire_kernel_hello);
	default:
		return SIZE_MAX;
	}
}

/* The one place that casts. */
static int record_decode(struct bpf *bpf, const struct wire_kernel_head *head, size_t bytes)
{
	const void *record = head;

	switch (head->type) {
	case WIRE_KERNEL_FORK:
		return bpf_proc_fork(bpf, record, bytes);
	case WIRE_KERNEL_THREAD:
		return bpf_proc_thread(bpf, record, bytes);
	case WIRE_KERNEL_EXEC:
		return bpf_proc_exec(bpf, record, bytes);
	case WIRE_KERNEL_EXIT:
		return bpf_proc_exit(bpf, record);
	case WIRE_KERNEL_HELLO:
		return bpf_proc_hello(bpf, record);
	default:
		return bpf_event(bpf, record, bytes);
	}
}

static int record_visit(void *arg, const struct wire_kernel_head *record, size_t bytes)
{
	struct bpf *bpf = arg;

	if (bytes < sizeof(*record) || record->size != bytes || bytes < fixed_bytes(record->type) ||
	    !record->pid || record_decode(bpf, record, bytes) < 0)
		bpf_reject(bpf);
	return 0;
}

bool bpf_drain(struct bpf *bpf, unsigned max)
{
	int count = bpf_loader_drain(bpf->loader, record_visit, bpf, max);

	return count < 0 || (unsigned)count < max;
}

/* --- losses --------------------------------------------------------------------------------- */

static void tell_lost(struct bpf *bpf)
{
	uint64_t lost[WIRE_FAMILIES] = { 0 };

	bpf_loader_lost(bpf->loader, lost);
	for (uint8_t i = 0; i < WIRE_FAMILIES; i++) {
		if (lost[i] > bpf->lost_told[i])
			emit_hole(bpf->live, &(struct item_hole){
						     .kind = HOLE_LOST, .family = i,
						     .count = lost[i] - bpf->lost_told[i],
						     .what = STR_LIT("the probes' buffer") });
		bpf->lost_told[i] = lost[i];
	}
	if (bpf->rejected != bpf->rejected_told)
		emit_hole(bpf->live, &(struct item_hole){
					     .kind = HOLE_REJECTED, .family = WIRE_FAMILIES,
					     .count = bpf->rejected - bpf->rejected_told,
					     .what = STR_LIT("a record of the probes") });
	bpf->rejected_told = bpf->rejected;
}

static void tell_missing(struct bpf *bpf)
{
	const char *const *missing = bpf_loader_missing(bpf->loader);

	for (; missing && *missing; missing++)
		emit_hole(bpf->live, &(struct item_hole){
					     .kind = HOLE_PROBE, .family = WIRE_FAMILIES,
					     .what = { *missing, (uint32_t)strlen(*missing) } });
	bpf->has_told_missing = true;
}

/* A process whose exit record was lost would be waited for for ever. Not a zombie: its other
 * threads may live. Gone twice in a row, with everything drained in between. */
static void look_for_gone(struct bpf *bpf)
{
	struct live *live = bpf->live;

	for (uint32_t i = 0; i < live->proc_slots; i++) {
		struct proc *proc = live->procs[i];

		if (!proc || !proc->is_kernel || proc->is_ended)
			continue;
		if (kill((pid_t)proc->pid, 0) == 0 || errno != ESRCH)
			continue;
		if (proc->is_dead) {
			bpf_proc_uncovered(bpf, proc);
			proc_end(live, proc);
		} else {
			proc->is_dead = true;
		}
	}
}

void bpf_settle(struct bpf *bpf)
{
	bpf_waiting_settle(bpf);
	if (!bpf->has_told_missing)
		tell_missing(bpf);
	if (bpf->live->now_ns - bpf->looked_ns < LOOK_NS)
		return;
	bpf->looked_ns = bpf->live->now_ns;
	tell_lost(bpf);
	look_for_gone(bpf);
}

void bpf_finish(struct bpf *bpf)
{
	struct live *live = bpf->live;

	bpf_waiting_settle(bpf);
	tell_lost(bpf);
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		if (live->procs[i] && live->procs[i]->is_kernel && !live->procs[i]->is_ended)
			bpf_proc_uncovered(bpf, live->procs[i]);
	}
}

/* --- open and close ------------------------------------------------------------------------- */

int bpf_watch(struct bpf *bpf, int pid)
{
	bpf->live->root_pid = (uint32_t)pid;
	return bpf_loader_watch(bpf->loader, pid);
}

int bpf_open(struct bpf *bpf, struct live *live, const struct bpf_options *options, char *error,
	     size_t error_bytes)
{
	struct bpf_loader_options loading = { .has_shim = options->has_shim,
					      .check_every = options->has_shim ? CHECK_EVERY : 0,
					      .mechanism = getenv("SOWATCH_MECHANISM") };
	int result;

	/* Without the shim every record has a stack copy: short bursts need more room. */
	loading.ring_bytes = options->has_shim ? 32u << 20 : 64u << 20;
	if (options->has_shim) {
		loading.check_actions = CHECK_ACTIONS | (options->check_actions & ~1u);
		/* A hello may say that its text is anywhere: only the shim's own file is believed. */
		loading.shim_path = options->shim_path;
	}
	memset(bpf, 0, sizeof(*bpf));
	bpf->live = live;
	bpf->options = *options;
	if (!loading.mechanism)
		loading.mechanism = "auto";
	memcpy(loading.secret, options->secret, sizeof(loading.secret));
	if (options->has_shim)
		bpf_elf_know_shim(bpf);
	bpf->stack = malloc(sizeof(*bpf->stack));
	bpf->frames = calloc(WIRE_STACK_FRAMES, sizeof(*bpf->frames));
	result = bpf->stack && bpf->frames && bpf_map_init(bpf) == 0 ? unwind_open(&bpf->unwind) : -ENOMEM;
	if (result < 0) {
		snprintf(error, error_bytes, "out of memory");
		bpf_close(bpf);
		return result;
	}
	result = bpf_loader_open(&loading, &bpf->loader, error, error_bytes);
	if (result < 0) {
		bpf->loader = NULL;
		bpf_close(bpf);
		return result;
	}
	bpf->looked_ns = live->now_ns;
	live->has_kernel = true;
	live->keeps_members = options->has_shim;
	bpf->objects.max = bpf->symbols.max = 1u << 18;
	return 0;
}

void bpf_close(struct bpf *bpf)
{
	if (bpf->loader)
		bpf_loader_close(bpf->loader);
	if (bpf->unwind)
		unwind_close(bpf->unwind);
	for (unsigned i = 0; i < bpf->waiting_count; i++) {
		if (bpf->waiting[i].ring_fd >= 0)
			close(bpf->waiting[i].ring_fd);
		if (bpf->waiting[i].pidfd >= 0)
			close(bpf->waiting[i].pidfd);
	}
	free(bpf->waiting);
	free(bpf->stack);
	free(bpf->frames);
	free(bpf->facts);
	bpf_map_done(bpf);
	map_done(&bpf->elfs);
	map_done(&bpf->makers);
	map_done(&bpf->made_map);
	free(bpf->made);
	map_done(&bpf->makers_before);
	map_done(&bpf->objects);
	map_done(&bpf->symbols);
	memset(bpf, 0, sizeof(*bpf));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel saw a call that the shim in that process did not announce. Was it honest?
 *
 * Honest are libc's and the loader's own needs: what libc does inside functions nobody hooks, what
 * the loader does at any time, and the few libraries that call the kernel themselves and are known
 * for it. In doubt no finding: a stack that could not be walked accuses nobody but the module
 * whose code address entered the kernel, which is always known.
 */
#include <string.h>

#include "bpf.h"

/* Its hook passes most calls through unannounced, because they are not news. */
static bool is_passed_through(uint32_t hook)
{
	switch (hook) {
	case LIVE_HOOK_write:
	case LIVE_HOOK_writev:
	case LIVE_HOOK_send:
	case LIVE_HOOK_sendto:
	case LIVE_HOOK_sendmsg:
	case LIVE_HOOK_sendmmsg:
		return true;
	default:
		return false;
	}
}

/* A libc at another place than the one the shim stands before: dlmopen brought it. */
static bool is_second_libc(const struct proc *proc, const struct seen_frame *frame)
{
	return proc->libc_base && !strcmp(frame->facts->soname, "libc.so.6") &&
	       frame->base != proc->libc_base;
}

static bool is_main_go(const struct bpf *bpf, const struct proc *proc, uint32_t at)
{
	const struct unwind_frame *frame = &bpf->stack->frames[at];
	const struct elf_facts *facts = bpf->frames[at].facts;

	return facts && (facts->is_go || !facts->has_interpreter) &&
	       strlen(proc->exe) == frame->path_len &&
	       !memcmp(proc->exe, frame->path, frame->path_len);
}

static enum bypass bypass_of_libc(const struct bpf *bpf, const struct proc *proc,
				  const struct seen_stack *stack)
{
	for (uint32_t i = stack->first; i < stack->outside; i++) {
		if (is_second_libc(proc, &bpf->frames[i]))
			return BYPASS_LIBC;
	}
	/* The loader's needs, libc's own threads, a walk that ended inside libc, and what came
	 * through our hook after all. */
	if (stack->is_loader || stack->outside >= stack->count ||
	    bpf->stack->frames[stack->outside].kind == UNWIND_UNKNOWN ||
	    (bpf->frames[stack->outside].facts && bpf->frames[stack->outside].facts->is_shim))
		return BYPASS_NONE;
	if (!stack->hook || (!hook_is_act(stack->hook) && !hook_is_mark(stack->hook)) ||
	    is_passed_through(stack->hook))
		return BYPASS_NONE;
	return BYPASS_HOOK;
}

enum bypass bpf_bypass_of(struct bpf *bpf, const struct proc *proc, const struct seen_stack *stack)
{
	const struct unwind_frame *frame;
	const struct elf_facts *facts;

	if (stack->first || !stack->count)
		return BYPASS_NONE; /* the shim's own */
	frame = &bpf->stack->frames[stack->first];
	facts = bpf->frames[stack->first].facts;
	if (frame->flags & WIRE_FRAME_SIGNAL)
		return BYPASS_NONE;
	if (frame->kind == UNWIND_CODE)
		return BYPASS_MEMORY;
	/* A map that was read too late names nothing: no finding out of ignorance. */
	if (frame->kind == UNWIND_UNKNOWN)
		return BYPASS_NONE;
	if (frame->object && frame->object->is_vdso)
		return BYPASS_NONE;
	if (facts && facts->is_libc)
		return bypass_of_libc(bpf, proc, stack);
	if (facts && (facts->is_shim || facts->is_honest))
		return BYPASS_NONE;
	if (!facts && bpf_elf_is_innocent(bpf, proc, frame))
		return BYPASS_NONE;
	return is_main_go(bpf, proc, stack->first) ? BYPASS_NONE : BYPASS_RAW;
}

/* A child in its parent's memory, before its exec, does under the parent's announcement what libc
 * does for posix_spawn, or what comes through our hooks. It stands on a stack of its own, mostly; but
 * the address that entered the kernel is its own, too. */
bool bpf_contradicts_guest(struct bpf *bpf, const struct seen_stack *copy)
{
	const struct unwind_frame *frame;
	const struct elf_facts *facts;

	if (copy->first || !copy->count)
		return false;
	frame = &bpf->stack->frames[0];
	facts = bpf->frames[0].facts;
	if (frame->kind == UNWIND_UNKNOWN || (frame->object && frame->object->is_vdso))
		return false;
	return frame->kind == UNWIND_CODE || (facts && !facts->is_libc && !facts->is_shim);
}

/* A call that was announced came through our hook: its frame is on the stack, and whoever called
 * it is on the stack that was announced. Only a walk to the very end can prove that it is not. */
bool bpf_contradicts(struct bpf *bpf, const struct proc *proc, const struct seen_stack *copy,
		     uint32_t announced)
{
	uint32_t at = 0;

	if (copy->flags || copy->count < 2 || !announced)
		return false;
	/* The shim may be among what could not be examined. */
	for (uint32_t i = 0; i < copy->count && !copy->has_shim; i++) {
		if (!bpf->frames[i].facts &&
		    bpf_elf_is_innocent(bpf, proc, &bpf->stack->frames[i]))
			return false;
	}
	if (!copy->has_shim)
		return true;
	while (at < copy->count && !(bpf->frames[at].facts && bpf->frames[at].facts->is_shim))
		at++;
	while (at < copy->count && bpf->frames[at].facts && bpf->frames[at].facts->is_shim)
		at++;
	/* Who jumped on is found out in another way here than there. */
	while (at < copy->count && bpf->stack->frames[at].flags & WIRE_FRAME_INFERRED)
		at++;
	if (at >= copy->count || !bpf->frames[at].object)
		return false;
	return !stack_may_have(bpf->live, announced, bpf->frames[at].object);
}

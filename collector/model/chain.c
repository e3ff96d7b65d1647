/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains, innermost first: the stack, then who created the thread, then the executable and the
 * script of the process, then who exec'ed it, up to the root. References only go to smaller ids
 * (model.c checks), so there are no loops; each chain copies the finished tail of the one before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_inner.h"

static void fold_frame(struct stack *stack, struct subject *subject, const struct item_frame *frame)
{
	bool is_inferred = frame->flags & WIRE_FRAME_INFERRED;
	stack->has_inferred |= is_inferred;
	struct chain_link *last = stack->count ? &stack->links[stack->count - 1] : NULL;
	if (last && last->subject == subject) {
		last->is_inferred &= is_inferred;
		return;
	}
	stack->links[stack->count++] = (struct chain_link){
		.subject = subject, .offset = frame->offset, .is_inferred = is_inferred};
}

/* *ret_error: -EINVAL for a frame of an object that does not exist, -ENOMEM. */
struct stack *stack_fold(struct model *model, const struct item_stack *item, int *ret_error)
{
	*ret_error = -EINVAL;
	if (item->count && !item->frames)
		return NULL;
	for (uint32_t i = 0; i < item->count; i++)
		if (item->frames[i].object && !table_at(&model->objects, item->frames[i].object))
			return NULL;
	*ret_error = -ENOMEM;
	uint32_t count = item->count < CHAIN_LINKS_MAX ? item->count : CHAIN_LINKS_MAX;
	struct subject *unknown = NULL;
	struct stack *stack =
		store_alloc(&model->store, sizeof(*stack) + count * sizeof(stack->links[0]));
	if (!stack)
		return NULL;
	stack->flags = item->flags;
	for (uint32_t i = 0; i < count; i++) {
		const struct object *object = table_at(&model->objects, item->frames[i].object);
		struct subject *subject = object ? object->subject : unknown;
		if (object && !subject)
			continue; /* ours, or the kernel's vdso */
		if (!subject)
			subject = unknown = subject_for_code(model, NULL);
		if (!subject)
			return NULL;
		fold_frame(stack, subject, &item->frames[i]);
	}
	if (count < item->count)
		stack->flags |= WIRE_STACK_TRUNCATED;
	return stack;
}

/* The links being composed; what does not fit is left out at the outer end. */
struct composer {
	struct chain_link *links;
	uint32_t count;
};

static void compose_link(struct composer *composer, struct chain_link link)
{
	if (composer->count < CHAIN_LINKS_MAX)
		composer->links[composer->count++] = link;
}

static void compose_tail(struct composer *composer, const struct chain *tail)
{
	for (uint32_t i = 0; tail && i < tail->count; i++)
		compose_link(composer, tail->links[i]);
}

/* The main chain of a process ends with its executable, even where the stack did not reach it
 * (cut short, a constructor, the fresh stack of a vfork child), then the script it runs. */
static void compose_process_end(struct composer *composer, const struct process *process)
{
	struct chain_link link = {.process = process->id};
	const struct chain_link *last =
		composer->count ? &composer->links[composer->count - 1] : NULL;
	if (!last || last->subject->kind != SUBJECT_EXECUTABLE) {
		link.subject = process->exe_subject;
		compose_link(composer, link);
	}
	if (process->script_subject) {
		link.subject = process->script_subject;
		compose_link(composer, link);
	}
	composer->links[composer->count - 1].starts_process = true;
}

static uint32_t count_own(const struct chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (chain->links[i].starts_process)
			return i + 1;
	return chain->count;
}

static struct chain *chain_keep(struct model *model, const struct composer *composer)
{
	size_t bytes = composer->count * sizeof(struct chain_link);
	struct chain *chain = store_alloc(&model->store, sizeof(*chain) + bytes);
	if (!chain)
		return NULL;
	model->link_count += composer->count;
	chain->links = (struct chain_link *)(chain + 1);
	chain->count = composer->count;
	memcpy(chain->links, composer->links, bytes);
	chain->own_count = count_own(chain);
	return chain;
}

/* References were checked by the caller. *ret_error: -ENOBUFS when the model is full, -ENOMEM. */
struct chain *chain_compose(struct model *model, const struct item_chain *item, int *ret_error)
{
	const struct process *process = model_process(model, item->process);
	const struct chain *parent = table_at(&model->chains, item->parent);
	const struct stack *stack = table_at(&model->stacks, item->stack);
	struct composer composer = {.links = model->scratch};

	for (uint32_t i = 0; stack && i < stack->count; i++) {
		struct chain_link link = stack->links[i];
		link.process = process->id;
		compose_link(&composer, link);
	}
	uint32_t seen_count = composer.count;
	if (parent) {
		if (composer.count)
			composer.links[composer.count - 1].starts_thread = true;
		compose_tail(&composer, parent);
	} else {
		compose_process_end(&composer, process);
		compose_tail(&composer, table_at(&model->chains, process->origin_chain));
	}
	*ret_error = -ENOBUFS;
	if (model->link_count + composer.count > MODEL_LINKS_MAX)
		return NULL;
	*ret_error = -ENOMEM;
	struct chain *chain = chain_keep(model, &composer);
	if (!chain)
		return NULL;
	chain->process = item->process;
	chain->is_partial = !stack || !stack->count ||
			    stack->flags & (WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED);
	chain->has_inferred = stack && stack->has_inferred;
	chain->seen_count = chain->is_partial ? seen_count : chain->count;
	return chain;
}

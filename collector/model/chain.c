/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains, innermost first: the stack, then who created the thread, then the executable and the
 * script of the process, then who exec'ed it, up to the root. References only go to smaller ids
 * (model.c checks), so there are no loops; each chain copies the finished tail of the one before.
 *
 * Where a script's origin may still come to be known (pipe.c), a chain is composed when it is used
 * first: rings tell of chains long before the kernel's records tell what was done with them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

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

/* Code that was made at run time has no description of its frames, so the next one was found by its
 * frame pointer. It is entered by who made it, or by more of its own kind: anybody else there means
 * that the pointer was somebody else's, and those in between were stepped over. */
static bool is_astray(const struct stack *stack, const struct subject *next)
{
	const struct subject *last = stack->count ? stack->links[stack->count - 1].subject : NULL;

	if (!last || last->kind != SUBJECT_CODE || next->kind == SUBJECT_CODE)
		return false;
	while (last && last->kind == SUBJECT_CODE)
		last = last->maker;
	return last != next;
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
		if (is_astray(stack, subject)) {
			stack->flags |= WIRE_STACK_PARTIAL;
			break;
		}
		fold_frame(stack, subject, &item->frames[i]);
	}
	if (count < item->count)
		stack->flags |= WIRE_STACK_TRUNCATED;
	stack_set_phases(stack);
	return stack;
}

/* The links being composed; what does not fit is left out at the outer end. */
struct composer {
	struct chain_link *links;
	uint32_t count;
	bool is_cut;
};

static void compose_link(struct composer *composer, struct chain_link link)
{
	if (composer->count < CHAIN_LINKS_MAX)
		composer->links[composer->count++] = link;
	else
		composer->is_cut = true;
}

static void compose_tail(struct composer *composer, const struct chain *tail)
{
	for (uint32_t i = 0; tail && i < tail->count; i++)
		compose_link(composer, tail->links[i]);
}

/* A script's frames say its path; its process says more of it: digest, origin. */
static struct chain_link as_process_knows(struct chain_link link, const struct process *process)
{
	struct subject *script = process->script_subject;
	bool is_own = script && link.subject->kind == SUBJECT_SCRIPT &&
		      (!strcmp(script->path, link.subject->path) ||
		       !strcmp(process->script, link.subject->path));
	if (is_own)
		link.subject = script;
	return link;
}

/* The main chain of a process ends with its executable, even where the stack did not reach it
 * (cut short, a constructor, the fresh stack of a vfork child), then the script it runs. */
static void compose_process_end(struct composer *composer, const struct process *process)
{
	struct chain_link link = {0};
	const struct chain_link *last =
		composer->count ? &composer->links[composer->count - 1] : NULL;
	/* A shell's stack already ends with its script, which says the line. */
	if (composer->count > 1 && last->subject == process->script_subject &&
	    last[-1].subject->kind == SUBJECT_EXECUTABLE) {
		composer->links[composer->count - 1].starts_process = true;
		return;
	}
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

static bool is_same_link(const struct chain_link *one, const struct chain_link *two)
{
	return one->subject == two->subject && one->offset == two->offset &&
	       one->is_inferred == two->is_inferred &&
	       one->starts_process == two->starts_process &&
	       one->starts_thread == two->starts_thread;
}

static uint64_t links_hash(const struct chain_link *links, uint32_t count)
{
	uint64_t hash = count;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t parts[3] = {links[i].subject->id, links[i].offset,
					   (uint64_t)links[i].is_inferred |
						   (uint64_t)links[i].starts_process << 1 |
						   (uint64_t)links[i].starts_thread << 2};
		hash = XXH3_64bits_withSeed(parts, sizeof(parts), hash);
	}
	return hash;
}

static uint64_t set_hash(const struct model *model, uint32_t id)
{
	const struct link_set *set = table_at(&model->link_sets, id);
	return links_hash(set->links, set->count);
}

static bool set_is_same(const struct model *model, uint32_t id, const void *key)
{
	const struct link_set *set = table_at(&model->link_sets, id);
	const struct composer *composer = key;
	if (set->count != composer->count)
		return false;
	for (uint32_t i = 0; i < set->count; i++)
		if (!is_same_link(&set->links[i], &composer->links[i]))
			return false;
	return true;
}

/* The links as they are kept, once for all chains that have the same. */
static struct link_set *links_keep(struct model *model, const struct composer *composer,
				   int *ret_error)
{
	size_t bytes = composer->count * sizeof(struct chain_link);
	uint64_t hash = links_hash(composer->links, composer->count);
	uint32_t known = index_find(model, &model->link_index, hash, set_is_same, composer);
	if (known)
		return table_at(&model->link_sets, known);
	*ret_error = -ENOBUFS;
	if (model->link_count + composer->count > MODEL_LINKS_MAX)
		return NULL;
	*ret_error = -ENOMEM;
	struct link_set *set = store_alloc(&model->store, sizeof(*set) + bytes);
	if (!set || index_reserve(model, &model->link_index, set_hash))
		return NULL;
	set->count = composer->count;
	memcpy(set->links, composer->links, bytes);
	if (table_push(&model->link_sets, set))
		return NULL;
	index_put(&model->link_index, hash, model->link_sets.count);
	model->link_count += composer->count;
	return set;
}

/* What nobody is known to have made is nobody's: from there on it is not known who asked. */
static uint32_t count_known(const struct composer *composer, uint32_t from)
{
	for (uint32_t i = from; i < composer->count; i++) {
		const struct subject *subject = composer->links[i].subject;
		while (subject->kind == SUBJECT_CODE && subject->maker)
			subject = subject->maker;
		if (subject->kind == SUBJECT_CODE)
			return i;
	}
	return composer->count;
}

/* How many links are really those that asked. A stack that is not whole hides the next one; so does
 * that of who made the thread or started the process, further out. */
static uint32_t count_seen(const struct composer *composer, uint32_t tail_at,
			   const struct chain *tail)
{
	uint32_t seen = composer->count;

	if (tail && tail->seen_count < tail->count && tail_at + tail->seen_count < seen)
		seen = tail_at + tail->seen_count;
	/* Of a chain without end the last link kept need not be the one. */
	return composer->is_cut && seen == composer->count ? seen - 1 : seen;
}

/* The same from the end of its process on, which a cut in its own stack does not hide. */
static uint32_t count_tail_seen(const struct composer *composer, uint32_t tail_at,
				const struct chain *tail, bool is_thread)
{
	uint32_t seen = count_seen(composer, tail_at, tail);
	uint32_t known = count_known(composer, tail_at);

	if (is_thread) {
		uint32_t theirs = tail_at + tail->tail_seen_count;

		seen = composer->count - composer->is_cut;
		if (tail->tail_seen_count < tail->count && theirs < seen)
			seen = theirs;
	}
	return seen < known ? seen : known;
}

/* 0, -ENOBUFS when the model is full, -ENOMEM. */
static int chain_compose(struct model *model, struct late_chain *late)
{
	struct chain *chain = &late->chain;
	const struct process *process = model_process(model, chain->process);
	const struct chain *parent = table_at(&model->chains, late->parent);
	const struct stack *stack = table_at(&model->stacks, late->stack);
	struct composer composer = {.links = model->scratch};

	int error = pipes_script(model, table_at(&model->processes, chain->process));
	if (error)
		return error;
	for (uint32_t i = 0; stack && i < stack->count; i++)
		compose_link(&composer, as_process_knows(stack->links[i], process));
	uint32_t seen_count = composer.count;
	const struct chain *tail = parent;
	if (parent && composer.count)
		composer.links[composer.count - 1].starts_thread = true;
	if (!parent) {
		compose_process_end(&composer, process);
		tail = table_at(&model->chains, process->origin_chain);
	}
	uint32_t tail_at = composer.count;
	compose_tail(&composer, tail);
	struct link_set *set = links_keep(model, &composer, &error);
	if (!set)
		return error;
	chain->links = set->links;
	chain->count = set->count;
	chain->own_count = count_own(chain);
	chain->is_partial = !stack || !stack->count ||
			    stack->flags & (WIRE_STACK_PARTIAL | WIRE_STACK_TRUNCATED);
	chain->has_inferred = stack && stack->has_inferred;
	chain->has_import = stack && stack->has_import;
	chain->phases = stack ? stack->phases : PHASE_STEADY;
	chain->seen_count = chain->is_partial ? seen_count : count_seen(&composer, tail_at, tail);
	uint32_t known_count = count_known(&composer, 0);
	if (chain->seen_count > known_count)
		chain->seen_count = known_count;
	chain->tail_seen_count = count_tail_seen(&composer, tail_at, tail, parent);
	if (stack && stack->flags & STACK_HIDDEN)
		chain->seen_count = 0;
	return 0;
}

int chain_ready(struct model *model, uint32_t id)
{
	struct chain *chain = table_at(&model->chains, id);
	return chain && !chain->links ? chain_compose(model, (struct late_chain *)chain) : 0;
}

/* A chain that waits never refers to one that does: composing goes one step deep. */
struct chain *chain_take(struct model *model, const struct item_chain *item, int *ret_error)
{
	const struct process_state *state = table_at(&model->processes, item->process);
	bool is_late = pipes_are_open(state);
	struct late_chain own = {.chain = {.id = item->id, .process = item->process},
				 .stack = item->stack, .parent = item->parent};
	struct chain *chain;

	*ret_error = chain_ready(model, item->parent);
	if (!*ret_error)
		*ret_error = chain_ready(model, state->process.origin_chain);
	if (!*ret_error && !is_late)
		*ret_error = chain_compose(model, &own);
	if (*ret_error)
		return NULL;
	chain = store_alloc(&model->store, is_late ? sizeof(own) : sizeof(*chain));
	if (chain)
		memcpy(chain, &own, is_late ? sizeof(own) : sizeof(*chain));
	else
		*ret_error = -ENOMEM;
	return chain;
}

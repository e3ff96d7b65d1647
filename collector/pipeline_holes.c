/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger of what could not be seen: equal holes are one entry with a count.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline_inner.h"
#include "sink/words.h"

static bool is_str_same(struct str one, struct str two)
{
	return one.len == two.len && (!one.len || !memcmp(one.data, two.data, one.len));
}

static bool is_same_hole(const struct item_hole *one, const struct item_hole *two)
{
	return one->kind == two->kind && one->family == two->family &&
	       one->process == two->process && one->chain == two->chain &&
	       is_str_same(one->what, two->what) && is_str_same(one->reason, two->reason);
}

static int str_own(struct str *string)
{
	char *copy = malloc((size_t)string->len + 1);
	if (!copy)
		return -ENOMEM;
	if (string->len)
		memcpy(copy, string->data, string->len);
	copy[string->len] = 0;
	string->data = copy;
	return 0;
}

static struct hole_entry *hole_find(struct tally *tally, const struct item_hole *hole)
{
	for (unsigned i = tally->hole_count; i-- > 0;)
		if (is_same_hole(&tally->holes[i].hole, hole))
			return &tally->holes[i];
	return NULL;
}

static struct hole_entry *hole_push(struct tally *tally, const struct item_hole *hole)
{
	struct hole_entry *holes = realloc(tally->holes, (tally->hole_count + 1) * sizeof(*holes));
	if (!holes)
		return NULL;
	tally->holes = holes;
	struct hole_entry *entry = &holes[tally->hole_count];
	*entry = (struct hole_entry){.hole = *hole};
	entry->hole.count = 0;
	if (str_own(&entry->hole.what))
		return NULL;
	if (str_own(&entry->hole.reason)) {
		free((char *)entry->hole.what.data);
		return NULL;
	}
	tally->hole_count++;
	return entry;
}

void hole_add(struct pipeline *pipeline, const struct item_hole *hole)
{
	struct tally *tally = &pipeline->tally;
	struct item_hole general = {.kind = hole->kind, .family = WIRE_FAMILIES};
	struct hole_entry *entry = hole_find(tally, hole);
	if (!entry && tally->hole_count < PIPELINE_HOLES_MAX)
		entry = hole_push(tally, hole);
	if (!entry)
		entry = hole_find(tally, &general);
	if (!entry)
		entry = hole_push(tally, &general);
	pipeline->has_torn |= hole->kind == HOLE_TORN;
	if (!entry)
		return;
	if (!entry->hole.count || hole->time_ns < entry->first_ns)
		entry->first_ns = hole->time_ns;
	entry->hole.count += hole->count ? hole->count : 1;
	if (hole->time_ns > entry->hole.time_ns)
		entry->hole.time_ns = hole->time_ns;
}

void hole_count(struct pipeline *pipeline, enum hole_kind kind, uint8_t family, uint32_t process)
{
	struct item_hole hole = {.kind = (uint8_t)kind,
				 .family = family,
				 .process = process,
				 .count = 1,
				 .time_ns = pipeline->now_ns};
	hole_add(pipeline, &hole);
}

static uint8_t wire_family_of(uint8_t action)
{
	enum {
		NET = WIRE_FAMILY_NET,
		FILE = WIRE_FAMILY_FILE,
		EXEC = WIRE_FAMILY_EXEC,
		ENV = WIRE_FAMILY_ENV
	};
	static const uint8_t families[WIRE_ACTIONS] = {
#define ACTION(id, number, name, family, doc) [number] = family,
#include "../preload/wire/actions.tbl.h"
#undef ACTION
	};
	return families[action];
}

/* A connection whose order counts, and nobody follows it. */
static void hole_exchange(struct pipeline *pipeline, const struct item_event *event,
			  const struct outcome *outcome)
{
	const struct process *process = model_process(pipeline->model, event->process);
	const struct item_run *run = model_run(pipeline->model);
	bool is_begun = event->action == WIRE_NET_CONNECT && !(event->flags & EVENT_DATAGRAM) &&
			(event->result >= 0 || event->result == -EINPROGRESS);
	bool is_refused = event->action == WIRE_NET_EXCHANGE && event->result < 0;
	bool is_followed = run->has_exchange && process && process->is_covered &&
			   !(event->flags & EVENT_UNANNOUNCED);
	struct item_hole hole = {.kind = HOLE_EXCHANGE,
				 .family = WIRE_FAMILY_NET,
				 .process = event->process,
				 .count = 1,
				 .time_ns = pipeline->now_ns,
				 .reason = STR_LIT("no shim follows the connections of its process")};
	struct text text = {0};
	if (!is_refused && (!is_begun || is_followed))
		return;
	if (is_refused)
		hole.reason = STR_LIT("its shim had no room, or was not allowed to look");
	else if (!run->has_exchange && strcmp(run->vantage.data, "kernel") != 0)
		hole.reason = STR_LIT("no profile asked for it when the run began");
	text_clear(&text);
	words_contact(&text, pipeline->model, event, outcome);
	hole.what = (struct str){text.data, text.error ? 0 : (uint32_t)strlen(text.data)};
	hole_add(pipeline, &hole);
	text_done(&text);
}

void holes_of_event(struct pipeline *pipeline, const struct item_event *event,
		    const struct chain *chain, const struct outcome *outcome)
{
	if (outcome->wants_order)
		hole_exchange(pipeline, event, outcome);
	/* With EFAULT the kernel could not read the argument either: nothing happened. */
	if (event->flags & EVENT_UNREADABLE && event->result != -EFAULT)
		hole_count(pipeline, HOLE_UNREADABLE, wire_family_of(event->action),
			   event->process);
	/* Whoever was charged inside the part that was seen stays charged, whatever lies beyond. */
	if (chain && outcome->method == METHOD_PARTIAL)
		hole_count(pipeline, HOLE_PARTIAL, wire_family_of(event->action), event->process);
}

static void hole_secrets(struct pipeline *pipeline, const struct item_event *event,
			 const struct outcome *outcome)
{
	struct item_hole hole = {.kind = HOLE_SECRETS,
				 .family = WIRE_FAMILY_NET,
				 .process = event->process,
				 .count = 1,
				 .time_ns = pipeline->now_ns,
				 .reason = STR_LIT("too many peers or secrets to remember")};
	struct text text = {0};
	text_clear(&text);
	words_contact(&text, pipeline->model, event, outcome);
	hole.what = (struct str){text.data, text.error ? 0 : (uint32_t)strlen(text.data)};
	hole_add(pipeline, &hole);
	text_done(&text);
}

static void hole_name(struct pipeline *pipeline, const struct item_event *event,
		      const struct outcome *outcome)
{
	const struct process *process = model_process(pipeline->model, event->process);
	bool is_heard = process && process->is_covered && !(event->flags & EVENT_UNHEARD);
	struct item_hole hole = {.kind = HOLE_NAME,
				 .family = WIRE_FAMILY_NET,
				 .process = event->process,
				 .count = 1,
				 .time_ns = pipeline->now_ns,
				 .reason = STR_LIT("no shim tells what its process resolved")};
	struct text text = {0};
	if (is_heard)
		hole.reason = STR_LIT("it resolves names without libc, and what it was answered is "
				      "not heard");
	text_clear(&text);
	words_contact(&text, pipeline->model, event, outcome);
	hole.what = (struct str){text.data, text.error ? 0 : (uint32_t)strlen(text.data)};
	hole_add(pipeline, &hole);
	text_done(&text);
}

void hole_unheard(struct pipeline *pipeline, const struct item_event *event,
		  const struct outcome *outcome)
{
	if (outcome->is_lost)
		hole_secrets(pipeline, event, outcome);
	else
		hole_name(pipeline, event, outcome);
}

static uint64_t realtime_of(const struct pipeline *pipeline, uint64_t monotonic_ns)
{
	const struct item_run *run = model_run(pipeline->model);
	return run->realtime_ns + (monotonic_ns - run->monotonic_ns);
}

void holes_accept(struct pipeline *pipeline)
{
	bool has_kernel = pipeline_has_kernel(pipeline);
	for (unsigned i = 0; i < pipeline->tally.hole_count; i++) {
		struct hole_entry *entry = &pipeline->tally.holes[i];
		entry->is_watched = has_kernel && entry->hole.kind == HOLE_UNCOVERED;
		if (pipeline->policy)
			entry->accept_reason =
				policy_accepts(pipeline->policy, words_hole(entry->hole.kind),
					       realtime_of(pipeline, entry->hole.time_ns));
		if (!entry->accept_reason && entry->hole.kind == HOLE_KERNEL &&
		    pipeline->options.accepts_shim_only)
			entry->accept_reason = "--accept shim-only";
		entry->is_accepted = entry->accept_reason;
	}
}

void holes_done(struct pipeline *pipeline)
{
	for (unsigned i = 0; i < pipeline->tally.hole_count; i++) {
		free((char *)pipeline->tally.holes[i].hole.what.data);
		free((char *)pipeline->tally.holes[i].hole.reason.data);
	}
	free(pipeline->tally.holes);
}

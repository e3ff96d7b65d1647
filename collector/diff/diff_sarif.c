/* SPDX-License-Identifier: Apache-2.0
 *
 * SARIF: what appeared is a result at level error or warning, what vanished is a note.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/sarif.h"
#include "../sink/words.h"
#include "diff.h"

#define FRAMES_MAX 64u

/* What reaches out of the process, or starts something, is an error; the rest a warning. */
static enum sarif_level level_of(const struct diff_change *change)
{
	uint32_t action = change->rule->action;
	if (change->side == DIFF_BEFORE)
		return SARIF_NOTE;
	bool is_grave = action <= WIRE_NET_EXCHANGE ||
			(action >= WIRE_EXEC_RUN && action <= WIRE_EXEC_INSPECT) ||
			action == WIRE_FILE_WRITE;
	return is_grave && action != FACT_CALLER ? SARIF_ERROR : SARIF_WARNING;
}

static int add_rule(struct sarif *sarif, struct pool *pool, const struct diff_change *change,
		    const char **ret_id)
{
	const char *word = change->side == DIFF_AFTER ? "appeared" : "vanished";
	const char *action = diff_action(change->rule->action);
	*ret_id = pool_print(pool, "%s/%s", word, action);
	return sarif_add_rule(sarif, *ret_id,
			      pool_print(pool, "%s %s between the two versions", action, word),
			      level_of(change));
}

static int add_change(struct sarif *sarif, struct pool *pool, const struct diff_subject *subject,
		      const struct diff_change *change)
{
	struct sarif_frame frames[FRAMES_MAX];
	struct text message = {0};
	const struct fact *example = change->example;
	uint32_t count = example && example->stack_count < FRAMES_MAX ? example->stack_count : 0;
	const char *id = NULL;
	int error = add_rule(sarif, pool, change, &id);
	memset(frames, 0, sizeof(frames));
	for (uint32_t i = 0; i < count; i++)
		frames[i].module = example->stack[i];
	text_clear(&message);
	text_addf(&message, "%s ", words_kind(subject->kind));
	text_escape_string(&message, diff_name(subject), ESCAPE_TERMINAL);
	text_addf(&message, "%s: %s ", change->side == DIFF_AFTER ? ", new" : ", no longer",
		  diff_action(change->rule->action));
	rules_show(&message, change->rule);
	struct sarif_result result = {
		.rule = id,
		.level = level_of(change),
		.message = message.data ? message.data : "",
		.name = diff_name(subject),
		.name_kind = subject->kind == SUBJECT_LIBRARY ? "module" : words_kind(subject->kind),
		.fingerprint = pool_print(pool, "%s/%s/%s", words_kind(subject->kind),
					  diff_name(subject), change->rule->id),
		.stack = "the first time it was seen, innermost first",
		.frames = frames,
		.frame_count = count,
	};
	if (!error && !message.error)
		error = sarif_add(sarif, &result);
	text_done(&message);
	return error;
}

static int add_holes(struct sarif *sarif, struct pool *pool, const struct diff *diff)
{
	struct strings told = {0};
	const char *unequal = diff_unequal(pool, diff);
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		for (uint32_t i = 0; i < diff->facts[side].run_count; i++)
			for (uint32_t at = 0; at < diff->facts[side].runs[i].hole_count; at++)
				strings_add(pool, &told,
					    pool_print(pool, "%s: %s", side ? "after" : "before",
						       diff->facts[side].runs[i].holes[at].sentence));
	int error = unequal ? sarif_add_note(sarif, SARIF_WARNING, unequal) : 0;
	for (uint32_t i = 0; i < told.count && !error; i++)
		error = sarif_add_note(sarif, SARIF_WARNING, told.items[i]);
	return error;
}

int diff_write_sarif(struct pool *pool, const struct diff *diff, FILE *stream)
{
	struct sarif *sarif = sarif_new("sowatch diff");
	int error = sarif ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < diff->subject_count && !error; i++)
		for (uint32_t at = 0; at < diff->subjects[i].change_count && !error; at++)
			error = add_change(sarif, pool, &diff->subjects[i],
					   &diff->subjects[i].changes[at]);
	if (!error)
		error = add_holes(sarif, pool, diff);
	if (!error)
		error = sarif_write(sarif, stream);
	sarif_free(sarif);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * For people, and as a patch reads: + appeared, - vanished.
 */
#include <string.h>

#include "../sink/words.h"
#include "diff.h"

#define STACK_SHOWN 6u

static void add_set(struct text *text, const struct strings *strings)
{
	for (uint32_t i = 0; i < strings->count && i < 3; i++) {
		text_add(text, i ? ", " : "");
		text_escape_string(text, strings->items[i], ESCAPE_TERMINAL);
	}
	if (strings->count > 3)
		text_addf(text, " and %u more", strings->count - 3);
}

/* "libfoo1 1.2 -> libfoo1 1.3", or build-ids where no package tells. */
static void add_version(struct text *text, const struct diff_subject *subject)
{
	if (!diff_is_other_version(subject))
		return;
	bool has_version = subject->versions[0].count && subject->versions[1].count;
	for (unsigned side = 0; side < DIFF_SIDES; side++) {
		text_add(text, side ? " -> " : ": ");
		if (has_version) {
			add_set(text, &subject->packages[side]);
			text_add(text, " ");
			add_set(text, &subject->versions[side]);
		} else if (subject->build_ids[side].count) {
			text_addf(text, "build-id %.12s", subject->build_ids[side].items[0]);
		} else {
			text_escape_string(text, subject->name[side], ESCAPE_TERMINAL);
		}
	}
}

static void print_subject(const struct diff_subject *subject, FILE *stream)
{
	struct text line = {0};
	text_clear(&line);
	text_addf(&line, "%s ", words_kind(subject->kind));
	if (subject->match == DIFF_BY_STEM) {
		text_escape_string(&line, subject->name[DIFF_BEFORE], ESCAPE_TERMINAL);
		text_add(&line, " -> ");
	}
	text_escape_string(&line, diff_name(subject), ESCAPE_TERMINAL);
	if (subject->match == DIFF_ALONE)
		text_add(&line, subject->name[DIFF_AFTER] ? " (new here)" : " (gone)");
	else
		add_version(&line, subject);
	if (subject->match == DIFF_BY_STEM)
		text_add(&line, " (taken for the same by its name)");
	fprintf(stream, "%s\n", line.data ? line.data : "");
	text_done(&line);
}

/* Outermost first, as a path to it; libc and the like say nothing here. */
static void add_stack(struct text *text, const struct fact *fact)
{
	const char *shown[STACK_SHOWN];
	uint32_t count = 0;
	bool is_cut = false;
	for (uint32_t i = 0; i < fact->stack_count && !is_cut; i++) {
		if (fact->stack_conduits >> i & 1 ||
		    (count && !strcmp(shown[count - 1], fact->stack[i])))
			continue;
		is_cut = count == STACK_SHOWN;
		if (!is_cut)
			shown[count++] = fact->stack[i];
	}
	text_add(text, count ? "    from " : "");
	text_add(text, is_cut ? "... " : "");
	for (uint32_t i = count; i-- > 0;) {
		text_escape_string(text, shown[i], ESCAPE_TERMINAL);
		text_add(text, i ? " > " : "");
	}
}

static void print_change(const struct diff_change *change, bool is_colour, FILE *stream)
{
	struct text line = {0};
	bool is_new = change->side == DIFF_AFTER;
	text_clear(&line);
	text_addf(&line, "%s  %c ", is_colour ? is_new ? "\033[32m" : "\033[31m" : "",
		  is_new ? '+' : '-');
	text_add(&line, change->rule->action == FACT_CALLER ? "called by"
							    : diff_action(change->rule->action));
	text_add(&line, " ");
	rules_show(&line, change->rule);
	text_add(&line, is_colour ? "\033[0m" : "");
	if (is_new && change->example) {
		text_addf(&line, " (%llu time%s)", (unsigned long long)change->count,
			  change->count == 1 ? "" : "s");
		if (change->rule->action != FACT_CALLER)
			add_stack(&line, change->example);
	}
	fprintf(stream, "%s\n", line.data ? line.data : "");
	text_done(&line);
}

static void print_versions(const struct diff *diff, FILE *stream)
{
	bool is_first = true;
	for (uint32_t i = 0; i < diff->subject_count; i++) {
		const struct diff_subject *subject = &diff->subjects[i];
		if (subject->change_count || !diff_is_other_version(subject))
			continue;
		if (is_first)
			fprintf(stream, "other versions, same behaviour:\n");
		is_first = false;
		fprintf(stream, "  ");
		print_subject(subject, stream);
	}
}

/* Could a hole of this side explain it? That the kernel was not watched on either side makes no
 * difference between the two. */
static bool has_telling_hole(const struct diff *diff, enum diff_side side)
{
	bool is_shim[DIFF_SIDES] = {false, false}, has_other = false;
	for (unsigned at = 0; at < DIFF_SIDES; at++)
		for (uint32_t i = 0; i < diff->facts[at].run_count; i++)
			for (uint32_t hole = 0; hole < diff->facts[at].runs[i].hole_count; hole++) {
				const char *name = diff->facts[at].runs[i].holes[hole].name;
				bool is_kernel = !strcmp(name, words_hole(HOLE_KERNEL));
				is_shim[at] |= is_kernel;
				has_other |= at == side && !is_kernel;
			}
	return has_other || (is_shim[side] && !is_shim[1 - side]);
}

static void print_holes(struct pool *pool, const struct diff *diff, FILE *stream)
{
	struct strings holes[DIFF_SIDES] = {0};
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		for (uint32_t i = 0; i < diff->facts[side].run_count; i++)
			for (uint32_t at = 0; at < diff->facts[side].runs[i].hole_count; at++)
				strings_add(pool, &holes[side],
					    diff->facts[side].runs[i].holes[at].sentence);
	for (unsigned side = 0; side < DIFF_SIDES; side++)
		for (uint32_t i = 0; i < holes[side].count; i++) {
			const char *sentence = holes[side].items[i];
			bool is_both = strings_has(&holes[1 - side], sentence);
			if (!is_both || side == DIFF_BEFORE)
				fprintf(stream, "hole %s: %s\n",
					is_both ? "in both" : side ? "in the second" : "in the first",
					sentence);
		}
	if (diff->vanished && has_telling_hole(diff, DIFF_AFTER))
		fprintf(stream, "what vanished may also be something that could not be seen\n");
	if (diff->appeared && has_telling_hole(diff, DIFF_BEFORE))
		fprintf(stream, "what appeared may also be something that could not be seen "
				"before\n");
}

void diff_print(struct pool *pool, const struct diff *diff, bool is_colour, FILE *stream)
{
	for (uint32_t i = 0; i < diff->subject_count; i++) {
		const struct diff_subject *subject = &diff->subjects[i];
		if (!subject->change_count)
			continue;
		print_subject(subject, stream);
		for (uint32_t at = 0; at < subject->change_count; at++)
			print_change(&subject->changes[at], is_colour, stream);
	}
	print_versions(diff, stream);
	const char *unequal = diff_unequal(pool, diff);
	if (unequal)
		fprintf(stream, "%s\n", unequal);
	print_holes(pool, diff, stream);
	fprintf(stream, "%s: %u appeared, %u vanished, in %u of %u subjects (%u run%s against %u)\n",
		diff_verdict(diff), diff->appeared, diff->vanished, diff->changed,
		diff->subject_count, diff->facts[DIFF_BEFORE].run_count,
		diff->facts[DIFF_BEFORE].run_count == 1 ? "" : "s",
		diff->facts[DIFF_AFTER].run_count);
}

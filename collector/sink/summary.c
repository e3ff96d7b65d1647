/* SPDX-License-Identifier: Apache-2.0
 *
 * --summary: one JSON object, written at the end. The reports of several logs are merged; subjects
 * are sorted, so that no order of memory shows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct summary_subject {
	enum subject_kind kind;
	char *name; /* valid UTF-8 */
	struct tally_subject tally;
};

struct summary_sink {
	struct sink sink; /* first */
	FILE *stream;
	int error;
	enum verdict verdict;
	uint64_t events, deviations, lost, partial_stacks;
	char *vantage;
	json_t *reasons, *holes, *accepted, *uncovered;
	struct summary_subject *subjects; /* sorted by name, then kind */
	uint32_t subject_count;
};

static int compare_subjects(const void *a, const void *b)
{
	const struct summary_subject *one = a, *two = b;
	int by_name = strcmp(one->name, two->name);
	return by_name ? by_name : (int)one->kind - (int)two->kind;
}

static bool has_acted(const struct tally_subject *tally)
{
	for (unsigned action = 1; action < WIRE_ACTIONS; action++)
		if (tally->actions[action])
			return true;
	return false;
}

/* Subjects of one kind and name become one line, whatever their paths. */
static void merge_subjects(struct summary_sink *self)
{
	uint32_t kept = 0;
	if (!self->subject_count)
		return;
	qsort(self->subjects, self->subject_count, sizeof(*self->subjects), compare_subjects);
	for (uint32_t i = 1; i < self->subject_count; i++) {
		struct summary_subject *last = &self->subjects[kept], *next = &self->subjects[i];
		if (compare_subjects(last, next)) {
			self->subjects[++kept] = *next;
			continue;
		}
		for (unsigned action = 1; action < WIRE_ACTIONS; action++)
			last->tally.actions[action] += next->tally.actions[action];
		last->tally.is_unprofiled |= next->tally.is_unprofiled;
		free(next->name);
	}
	self->subject_count = kept + 1;
}

static void add_subjects(struct summary_sink *self, const struct report *report)
{
	const struct tally *tally = report->tally;
	size_t room = (size_t)self->subject_count + tally->subject_count + 1;
	struct summary_subject *grown = realloc(self->subjects, room * sizeof(*grown));
	if (!grown) {
		self->error = -ENOMEM;
		return;
	}
	self->subjects = grown;
	for (uint32_t id = 1; id < tally->subject_count; id++) {
		const struct subject *subject = model_subject(report->model, id);
		struct text name = {0};
		if (!subject || !has_acted(&tally->subjects[id]))
			continue;
		text_clear(&name);
		text_escape_string(&name, subject->name, ESCAPE_UTF8);
		if (name.error) {
			self->error = name.error;
			text_done(&name);
			continue;
		}
		self->subjects[self->subject_count++] =
			(struct summary_subject){subject->kind, name.data, tally->subjects[id]};
	}
	merge_subjects(self);
}

static json_t *starter_of(struct model *model, const struct item_hole *hole)
{
	const struct chain *chain = model_chain(model, hole->chain);
	if (!chain || !chain->count)
		return json_null();
	const struct subject *subject = chain->links[0].subject;
	return json_pack("{s:s, s:o}", "kind", words_kind(subject->kind), "name",
			 json_text(subject->name));
}

static json_t *json_time(struct model *model, uint64_t monotonic_ns)
{
	struct text time = {0};
	text_clear(&time);
	words_time(&time, model_run(model), monotonic_ns);
	return json_take(&time);
}

static json_t *hole_of(struct model *model, const struct hole_entry *entry)
{
	const struct item_hole *hole = &entry->hole;
	const struct process *process = model_process(model, hole->process);
	struct text sentence = {0};
	text_clear(&sentence);
	words_hole_sentence(&sentence, model, hole, ESCAPE_UTF8);
	return json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "kind",
			 words_hole(hole->kind), "family", words_hole_family(hole), "first",
			 json_time(model, entry->first_ns), "last", json_time(model, hole->time_ns),
			 "count", json_count(hole->count), "sentence", json_take(&sentence), "pid",
			 process ? json_count(process->pid) : json_null(), "exe",
			 process ? json_text(process->exe) : json_null(), "what",
			 json_bytes(hole->what), "reason", json_bytes(hole->reason), "accepted",
			 entry->is_accepted);
}

static void add_hole(struct summary_sink *self, const struct report *report,
		     const struct hole_entry *entry)
{
	const struct item_hole *hole = &entry->hole;
	const struct process *process = model_process(report->model, hole->process);
	json_array_append_new(self->holes, hole_of(report->model, entry));
	if (entry->is_accepted)
		json_array_append_new(self->accepted,
				      json_pack("{s:s, s:o, s:o}", "hole", words_hole(hole->kind),
						"count", json_count(hole->count), "reason",
						json_text(entry->accept_reason)));
	if (hole->kind == HOLE_LOST)
		self->lost += hole->count;
	if (hole->kind != HOLE_UNCOVERED)
		return;
	json_array_append_new(self->uncovered,
			      json_pack("{s:o, s:o, s:o, s:o, s:o}", "exe", json_bytes(hole->what),
					"pid", process ? json_count(process->pid) : json_null(),
					"reason", json_bytes(hole->reason), "started_by",
					starter_of(report->model, hole), "count",
					json_count(hole->count)));
}

/* deviates beats unknown beats clean */
static enum verdict worse(enum verdict one, enum verdict two)
{
	if (one == VERDICT_DEVIATES || two == VERDICT_DEVIATES)
		return VERDICT_DEVIATES;
	return one == VERDICT_UNKNOWN || two == VERDICT_UNKNOWN ? VERDICT_UNKNOWN : VERDICT_CLEAN;
}

static void summary_report(struct sink *sink, const struct report *report)
{
	struct summary_sink *self = (struct summary_sink *)sink;
	const struct tally *tally = report->tally;
	self->verdict = worse(self->verdict, report->verdict);
	self->events += tally->events;
	self->deviations += tally->deviations;
	self->partial_stacks += tally->partial_stacks;
	if (!self->vantage)
		self->vantage = strdup(report->vantage);
	for (unsigned i = 0; i < report->reason_count; i++)
		json_array_append_new(self->reasons, json_text(report->reasons[i]));
	for (unsigned i = 0; i < tally->hole_count; i++)
		add_hole(self, report, &tally->holes[i]);
	for (unsigned i = 0; i < report->baselined_count; i++)
		json_array_append_new(self->accepted,
				      json_pack("{s:s, s:o, s:s}", "fingerprint",
						report->baselined[i].fingerprint, "count",
						json_count(report->baselined[i].count), "reason",
						"known to the baseline"));
	add_subjects(self, report);
}

static json_t *unprofiled_of(const struct summary_sink *self)
{
	json_t *array = json_array();
	const char *last = NULL;
	for (uint32_t i = 0; i < self->subject_count; i++) {
		const struct summary_subject *subject = &self->subjects[i];
		if (!subject->tally.is_unprofiled || (last && !strcmp(last, subject->name)))
			continue;
		last = subject->name;
		json_array_append_new(array, json_text(last));
	}
	return array;
}

static json_t *subjects_of(const struct summary_sink *self)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < self->subject_count; i++) {
		const struct summary_subject *subject = &self->subjects[i];
		json_t *actions = json_object();
		for (uint8_t action = 1; action < WIRE_ACTIONS; action++)
			if (subject->tally.actions[action])
				json_object_set_new(actions, words_action(action),
						    json_count(subject->tally.actions[action]));
		json_array_append_new(
			array, json_pack("{s:s, s:o, s:o}", "kind", words_kind(subject->kind),
					 "name", json_text(subject->name), "actions", actions));
	}
	return array;
}

static json_t *summary_of(const struct summary_sink *self)
{
	json_t *coverage =
		json_pack("{s:o, s:O, s:o, s:o}", "lost", json_count(self->lost),
			  "uncovered_processes", self->uncovered, "partial_stacks",
			  json_count(self->partial_stacks), "vantage", json_text(self->vantage));
	return json_pack("{s:i, s:s, s:O, s:o, s:o, s:o, s:o, s:o, s:O, s:O}", "v", 1, "verdict",
			 words_verdict(self->verdict), "reasons", self->reasons, "events",
			 json_count(self->events), "deviations", json_count(self->deviations),
			 "coverage", coverage, "unprofiled", unprofiled_of(self), "subjects",
			 subjects_of(self), "holes", self->holes, "accepted", self->accepted);
}

static int summary_close(struct sink *sink)
{
	struct summary_sink *self = (struct summary_sink *)sink;
	if (!self->vantage) {
		/* No run was reported: a command that could not start, a log that is none. */
		self->verdict = VERDICT_UNKNOWN;
		json_array_append_new(self->reasons, json_string("nothing was judged"));
	}
	json_t *summary = summary_of(self);
	int error = json_write_line(self->stream, summary);
	json_decref(summary);
	if (self->error)
		error = self->error;
	if (fclose(self->stream) && !error)
		error = -errno;
	json_decref(self->reasons);
	json_decref(self->holes);
	json_decref(self->accepted);
	json_decref(self->uncovered);
	for (uint32_t i = 0; i < self->subject_count; i++)
		free(self->subjects[i].name);
	free(self->subjects);
	free(self->vantage);
	free(self);
	return error;
}

int sink_summary_open(const char *path, struct sink **ret_sink)
{
	struct summary_sink *self = calloc(1, sizeof(*self));
	if (!self)
		return -ENOMEM;
	self->stream = json_open(path);
	if (!self->stream) {
		int error = -errno;
		free(self);
		return error;
	}
	self->reasons = json_array();
	self->holes = json_array();
	self->accepted = json_array();
	self->uncovered = json_array();
	self->sink = (struct sink){NULL, summary_report, NULL, summary_close};
	*ret_sink = &self->sink;
	return 0;
}

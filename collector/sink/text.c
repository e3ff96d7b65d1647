/* SPDX-License-Identifier: Apache-2.0
 *
 * One plain sentence per deviation: who, what, what the profile allows, where that is written, how
 * sure; at the end the holes and the verdict.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

struct text_sink {
	struct sink sink; /* first */
	FILE *stream;
	bool is_colour;
	int error;
	struct text text;
};

static const char *severity_colour(enum severity severity)
{
	switch (severity) {
	case SEVERITY_CRITICAL:
	case SEVERITY_HIGH:
		return "\033[1;31m";
	case SEVERITY_MEDIUM:
		return "\033[33m";
	case SEVERITY_LOW:
		return "\033[36m";
	}
	return "";
}

static void text_begin(struct text_sink *self, const char *colour)
{
	text_clear(&self->text);
	text_add(&self->text, self->is_colour ? colour : "");
	text_add(&self->text, "sowatch:");
	text_add(&self->text, self->is_colour ? "\033[0m " : " ");
}

static void text_end(struct text_sink *self)
{
	text_add(&self->text, "\n");
	if (self->text.error)
		self->error = self->text.error;
	else if (fwrite(self->text.data, 1, self->text.len, self->stream) != self->text.len)
		self->error = errno ? -errno : -EIO;
}

static void text_finding(struct sink *sink, const struct finding *finding)
{
	struct text_sink *self = (struct text_sink *)sink;
	const struct outcome *outcome = finding->outcome;
	text_begin(self, severity_colour(outcome->severity));
	words_message(&self->text, finding, ESCAPE_TERMINAL);
	text_add(&self->text, "; ");
	words_expected(&self->text, finding, ESCAPE_TERMINAL);
	if (outcome->rule.file && *outcome->rule.file) {
		text_add(&self->text, " (");
		text_escape_string(&self->text, outcome->rule.file, ESCAPE_TERMINAL);
		text_addf(&self->text, ":%u)", outcome->rule.line);
	}
	text_addf(&self->text, " [%s]", outcome->method_name ? outcome->method_name : "partial");
	if (finding->count > 1)
		text_addf(&self->text, " (%llu times)", (unsigned long long)finding->count);
	text_end(self);
}

static void add_count(struct text *text, uint64_t count, const char *noun)
{
	text_addf(text, "%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
}

static void text_report(struct sink *sink, const struct report *report)
{
	struct text_sink *self = (struct text_sink *)sink;
	static const char *const colours[] = {[VERDICT_CLEAN] = "\033[32m",
					      [VERDICT_DEVIATES] = "\033[1;31m",
					      [VERDICT_UNKNOWN] = "\033[33m"};
	for (unsigned i = 0; i < report->reason_count; i++) {
		text_begin(self, colours[report->verdict]);
		text_escape_string(&self->text, report->reasons[i], ESCAPE_TERMINAL);
		text_end(self);
	}
	text_begin(self, colours[report->verdict]);
	text_addf(&self->text, "%s: ", words_verdict(report->verdict));
	add_count(&self->text, report->tally->events, "event");
	text_add(&self->text, ", ");
	add_count(&self->text, report->tally->deviations, "deviation");
	if (report->tally->baselined)
		text_addf(&self->text, ", %llu more known to the baseline",
			  (unsigned long long)report->tally->baselined);
	text_end(self);
}

static void text_flush(struct sink *sink)
{
	struct text_sink *self = (struct text_sink *)sink;
	fflush(self->stream);
}

static int text_close(struct sink *sink)
{
	struct text_sink *self = (struct text_sink *)sink;
	if (fflush(self->stream) && !self->error)
		self->error = -errno;
	int error = self->error;
	text_done(&self->text);
	free(self);
	return error;
}

struct sink *sink_text_new(FILE *stream, bool is_colour)
{
	struct text_sink *self = calloc(1, sizeof(*self));
	if (!self)
		return NULL;
	self->sink = (struct sink){text_finding, text_report, text_flush, text_close};
	self->stream = stream;
	self->is_colour = is_colour;
	return &self->sink;
}
